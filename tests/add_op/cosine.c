/* Angles between vectors, made of other operations, which also give the gradients. */
#include "ops/check.h"

#include <math.h>

static tg_tensor *length(tg_tensor *x, int dim)
{
    tg_tensor *norm = tg_norm_dims(x, 2, 1, (int64_t[]){dim}, false);
    return tg_clamp(norm, 1e-8, (double)INFINITY);
}

static tg_tensor *angle(tg_tensor *a, tg_tensor *b, int dim)
{
    TG_CHECK(tg_tape_in(a), tg_shape_equal(tg_dims_of(a), tg_dims_of(b)), TG_ESHAPE,
             "cosine: %s and %s differ", tg_shape_of(a).chars, tg_shape_of(b).chars);
    tg_tensor *product = tg_sum_dim(tg_mul(a, b), dim, false), *size = length(a, dim);
    return tg_div(product, tg_mul(size, length(b, dim)));
}

tg_tensor *tg_cosine(tg_tensor *a, tg_tensor *b, int dim)
{
    static const tg_op op = {.name = "cosine"};
    TG_IN_SCOPE(&op, angle(a, b, dim), a, b);
}
