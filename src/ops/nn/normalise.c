/* What is checked for layer_norm and batch_norm alike, see normalise.h. */
#include "ops/nn/normalise.h"

#include "ops/option.h"

double tg_norm_eps(double eps)
{
    return tg_option(eps, 1e-5);
}

bool tg_check_eps(const tg_op *op, const tg_tensor *x, double eps)
{
    TG_CHECK(tg_tape_in(x), tg_option(eps, 1e-5) >= 0, TG_EVALUE, "%s: eps %g is not >= 0",
             op->name, tg_shown(eps));
    return true;
}

bool tg_check_affine(const tg_op *op, const tg_tensor *t, tg_dims shape, const char *what)
{
    if (!t)
        return true;
    TG_CHECK(tg_tape_in(t), tg_shape_equal(tg_dims_of(t), shape), TG_ESHAPE, "%s: %s %s, wanted %s",
             op->name, what, tg_shape_of(t).chars, tg_shape_text(shape).chars);
    return true;
}

bool tg_check_given(const tg_op *op, int n, tg_tensor *const *in)
{
    tg_tensor *given[5];
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (in[i] || i == 0)
            given[count++] = in[i];
    }
    return tg_check_inputs(op, count, given) && tg_check_floats(op, count, given);
}
