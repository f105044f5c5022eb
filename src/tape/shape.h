/* Sizes and strides: plain arithmetic, no tensors. Relies on the public types alone. */
#ifndef TG_SHAPE_H
#define TG_SHAPE_H

#include <tinygrad/core.h>

/* A shape that stands elsewhere. */
typedef struct tg_dims {
    int ndim;
    const int64_t *sizes;
} tg_dims;

/* A shape by value. */
typedef struct tg_shape {
    int ndim;
    int64_t sizes[TG_MAX_NDIM];
} tg_shape;

typedef struct tg_text {
    char chars[112];
} tg_text;

static inline tg_dims tg_shape_dims(const tg_shape *shape)
{
    return (tg_dims){shape->ndim, shape->sizes};
}

tg_shape tg_shape_copy(tg_dims dims);
/* "[3, 5]", shortened where it is too long. */
tg_text tg_shape_text(tg_dims dims);
/* Writes row-major strides and returns the number of elements, -1 where a size is negative or they
 * would be more than PTRDIFF_MAX bytes of the largest dtype. All tensors come through here. */
int64_t tg_shape_strides(tg_dims dims, int64_t *strides);
bool tg_shape_contiguous(tg_dims dims, const int64_t *strides);
/* From the first element to the one with that row-major index, under these strides. */
int64_t tg_shape_offset(tg_dims dims, const int64_t *strides, int64_t index);
static inline bool tg_shape_equal(tg_dims a, tg_dims b)
{
    if (a.ndim != b.ndim)
        return false;
    for (int i = 0; i < a.ndim; i++) {
        if (a.sizes[i] != b.sizes[i])
            return false;
    }
    return true;
}

/* Whether `from` stretches to `to`. */
bool tg_shape_expands(tg_dims from, tg_dims to);
/* The strides under which `from`, strided by `strides`, is seen in the shape `to` that it stretches
 * to: 0 along what is stretched. */
void tg_shape_expand_strides(tg_dims from, const int64_t *strides, tg_dims to, int64_t *out);
/* A dim counted from the front; -1 where it is not one of `ndim` dims (0-d tensors have one). */
int tg_shape_dim(int ndim, int dim);

#endif
