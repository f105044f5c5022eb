/* Tensors: a header with sizes and strides over data that views share. Relies on tape.h. */
#ifndef TG_TENSOR_H
#define TG_TENSOR_H

#include "tape/shape.h"
#include "tape/tape.h"

/* A pass takes data of so many bytes and more from the spares and the tape instead of its pool:
 * the time does not matter, and pieces of any size fit together. */
enum { TG_DTYPES = 4, TG_LARGE = 1 << 14 };

typedef struct tg_holder tg_holder;

/* What is shared by all views of the same data; stands in the tensor that made it. */
typedef struct tg_storage {
    uint32_t version; /* bumped by each write in place */
    uint32_t headers; /* tensors that use it; right for those of a running pass, see release.h */
} tg_storage;

struct tg_tensor {
    tg_object head;
    uint8_t dtype;
    uint8_t ndim;
    bool requires_grad;
    bool is_leaf; /* requires_grad, and nothing made it */
    bool contiguous;
    bool pooled;           /* header and data belong to the pools of the running backward pass */
    bool temporary;        /* still in the list of what the running backward function made */
    bool spare : 1;        /* its data go to the tape's spares, not to a pool */
    bool recomputed : 1;   /* a checkpoint takes its data away and makes them again */
    uint32_t pins;         /* gradient slots that hold it */
    uint32_t holder_epoch; /* of holder, which may be rewound away before the tensor */
    tg_storage own;
    tg_storage *storage;
    union {
        char *data;
        int64_t offset; /* of a released view: bytes from its storage's data */
    };
    int64_t numel;
    tg_tensor *grad;   /* its gradient while a backward pass runs */
    tg_holder *holder; /* where its gradient is kept, or NULL */
    union {
        tg_record *record; /* what made it, or NULL */
        tg_tensor *next;   /* in the list of temporaries, or of loose views */
    } u;
    int64_t dims[]; /* ndim sizes, then ndim strides in elements */
};

/* A gradient that is kept for the user: memory reserved with a leaf, so that it lives as long,
 * or on request for an interior tensor. */
struct tg_holder {
    tg_object head;
    tg_tensor *value;
    bool present;         /* value holds a gradient */
    tg_tensor *graph;     /* the same, recorded, where create_graph made it ... */
    uint32_t graph_epoch; /* ... unless it was rewound away since */
    tg_tensor *pending;   /* what the running backward pass has for it */
    tg_tensor *next;      /* in that pass's list of tensors to keep gradients of */
    size_t place;         /* in the list of the running clip_grad_norm or clip_grad_value */
    uint32_t captured;    /* the last capture that sets it, and so need not expect anything of it */
};

static inline const int64_t *tg_strides(const tg_tensor *t)
{
    return t->dims + t->ndim;
}

static inline tg_tape *tg_tape_in(const tg_tensor *t)
{
    return tg_object_tape(t);
}

/* The tensor that made t's data. */
static inline tg_tensor *tg_owner_of(const tg_tensor *t)
{
    return (tg_tensor *)(void *)((char *)t->storage - offsetof(tg_tensor, own));
}

/* Whether t can be looked into; sets ESTATE for one that was rewound away or released. NULL:
 * false. */
bool tg_alive(const tg_tensor *t, const char *name);
/* The same for its sizes and its gradient, which one that was released still has. */
bool tg_known(const tg_tensor *t, const char *name);
/* What is wrong with a tensor that cannot be used at all; TG_OK, or its tape's status, with one
 * that can. */
tg_status tg_check_tensor(const tg_tensor *t, const char *name);
/* Whether the tape can look into the n tensors of a list, in which each is a `what`. */
bool tg_check_list(tg_tape *tape, const char *name, const char *what, tg_tensor *const *list,
                   size_t n);

/* Whether t's data were given back, see backward/release.h. t may be NULL. */
static inline bool tg_is_released(const tg_tensor *t)
{
    return t && t->head.magic == TG_MAGIC_RELEASED;
}

static inline tg_dims tg_dims_of(const tg_tensor *t)
{
    return (tg_dims){t->ndim, t->dims};
}

static inline bool tg_is_float(int dtype)
{
    return dtype == TG_F32 || dtype == TG_F64;
}

/* Bytes of one element. */
static inline size_t tg_dtype_size(int dtype)
{
    static const uint8_t sizes[TG_DTYPES] = {sizeof(float), sizeof(double), sizeof(int64_t),
                                             sizeof(bool)};
    return sizes[dtype];
}

/* Bytes of all of t's elements. */
static inline size_t tg_data_size(const tg_tensor *t)
{
    return (size_t)t->numel * tg_dtype_size(t->dtype);
}

const char *tg_dtype_name(int dtype);
/* "[3, 5]"; use it as an argument of tg_fail(). */
tg_text tg_shape_of(const tg_tensor *t);

/* An uninitialised contiguous tensor without gradient. Errors name `name`. */
tg_tensor *tg_tensor_new(tg_tape *tape, const char *name, int dtype, tg_dims dims);
/* The checks of a creation function: tape, shape and flags. */
bool tg_tensor_check(tg_tape *tape, const char *name, tg_dims dims, int flags);
/* The same over the caller's memory (NULL: memory of its own). */
tg_tensor *tg_tensor_over(tg_tape *tape, const char *name, int dtype, tg_dims dims, void *data);
/* Another shape over base's data. */
tg_tensor *tg_tensor_view(const tg_tensor *base, const char *name, tg_dims dims,
                          const int64_t *strides, int64_t offset);
/* Takes memory for t's data, from where there is some to spare; false without memory. */
bool tg_tensor_take(tg_tensor *t, const char *name);
/* Gives it back. */
void tg_tensor_give(tg_tensor *t);
/* Gives a pool's tensor back. */
void tg_tensor_release(tg_tensor *t);

/* dst = src, of the same shape and dtype. */
void tg_tensor_copy(tg_tensor *dst, const tg_tensor *src);
/* The row-major index of the first element that anomaly mode reports; -1 where there is none. */
int64_t tg_first_anomaly(const tg_tensor *t);
/* The element at a row-major index, as a double. */
double tg_element(const tg_tensor *t, int64_t index);

#endif
