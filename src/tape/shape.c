/* Sizes and strides, see shape.h. */
#include "tape/shape.h"

#include "kernels/format.h"

#include <string.h>

tg_shape tg_shape_copy(tg_dims dims)
{
    tg_shape shape = {.ndim = dims.ndim};
    if (dims.ndim > 0)
        memcpy(shape.sizes, dims.sizes, (size_t)dims.ndim * sizeof *dims.sizes);
    return shape;
}

tg_text tg_shape_text(tg_dims dims)
{
    tg_text text = {"["};
    const int capacity = (int)sizeof text.chars;
    int length = 1;
    for (int i = 0; i < dims.ndim; i++) {
        if (length > capacity - 32) {
            length += tgk_format(text.chars + length, (size_t)(capacity - length), ", ...");
            break;
        }
        length += tgk_format(text.chars + length, (size_t)(capacity - length), "%s%lld",
                             i ? ", " : "", (long long)dims.sizes[i]);
    }
    tgk_format(text.chars + length, (size_t)(capacity - length), "]");
    return text;
}

int64_t tg_shape_strides(tg_dims dims, int64_t *strides)
{
    /* Where both are below 2^HALF, their product is far from the limit. Strides must not overflow even
     * where a size is 0, hence two products. */
    enum { HALF = (sizeof(ptrdiff_t) * 8 - 4) / 2 };
    const int64_t limit = PTRDIFF_MAX / 8;
    int64_t numel = 1, span = 1;
    for (int i = dims.ndim - 1; i >= 0; i--) {
        int64_t size = dims.sizes[i];
        if (size < 0)
            return -1;
        strides[i] = span;
        bool large = (span | size) >> HALF;
        if (large && size > 1 && span > limit / size)
            return -1;
        span *= size > 1 ? size : 1;
        numel *= size;
    }
    return numel;
}

int64_t tg_shape_offset(tg_dims dims, const int64_t *strides, int64_t index)
{
    int64_t offset = 0;
    for (int i = dims.ndim - 1; i >= 0; i--) {
        offset += index % dims.sizes[i] * strides[i];
        index /= dims.sizes[i];
    }
    return offset;
}

bool tg_shape_contiguous(tg_dims dims, const int64_t *strides)
{
    int64_t expected = 1;
    bool ordered = true;
    for (int i = dims.ndim - 1; i >= 0; i--) {
        if (dims.sizes[i] == 0)
            return true;
        if (dims.sizes[i] != 1 && strides[i] != expected)
            ordered = false;
        expected *= dims.sizes[i];
    }
    return ordered;
}

bool tg_shape_expands(tg_dims from, tg_dims to)
{
    int shift = to.ndim - from.ndim;
    if (shift < 0)
        return false;
    for (int i = 0; i < from.ndim; i++) {
        if (from.sizes[i] != 1 && from.sizes[i] != to.sizes[shift + i])
            return false;
    }
    return true;
}

void tg_shape_expand_strides(tg_dims from, const int64_t *strides, tg_dims to, int64_t *out)
{
    int shift = to.ndim - from.ndim;
    for (int i = 0; i < to.ndim; i++) {
        bool stretched = i < shift || from.sizes[i - shift] != to.sizes[i];
        out[i] = stretched ? 0 : strides[i - shift];
    }
}

int tg_shape_dim(int ndim, int dim)
{
    int count = ndim ? ndim : 1;
    if (dim < -count || dim >= count)
        return -1;
    return dim < 0 ? dim + count : dim;
}
