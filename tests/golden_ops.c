/* What the cases of golden/ops.inc call: a row for each operation, and a function that reads its
 * options. golden/ops.py has the same in PyTorch. Here: arithmetic, products, classification and
 * training. */
#include "golden.h"

#include <string.h>

/* --- elementwise --- */

GOLDEN_UNARY(neg)
GOLDEN_UNARY(exp)
GOLDEN_UNARY(log)
GOLDEN_UNARY(sqrt)
GOLDEN_UNARY(relu)
GOLDEN_UNARY(sigmoid)
GOLDEN_UNARY(tanh)
GOLDEN_BINARY(add)
GOLDEN_BINARY(sub)
GOLDEN_BINARY(mul)
GOLDEN_BINARY(div)
GOLDEN_BINARY(matmul)
GOLDEN_SCALAR(add_scalar)
GOLDEN_SCALAR(sub_scalar)
GOLDEN_SCALAR(mul_scalar)
GOLDEN_SCALAR(div_scalar)

static tg_tensor *run_to(golden_case *c)
{
    int dtype, ndim;
    int64_t dims[GOLDEN_DIMS];
    return golden_shape(golden_word(c, "dtype", ""), &dtype, &ndim, dims) ? tg_to(c->in[0], dtype)
                                                                          : NULL;
}

/* --- reductions, shapes, products --- */

static tg_tensor *run_sum(golden_case *c)
{
    return golden_along(c, tg_sum, tg_sum_dim);
}

static tg_tensor *run_mean(golden_case *c)
{
    return golden_along(c, tg_mean, tg_mean_dim);
}

static tg_tensor *run_linear(golden_case *c)
{
    return tg_linear(c->in[0], c->in[1], c->in[2]);
}

/* --- losses --- */

static tg_tensor *run_softmax(golden_case *c)
{
    return tg_softmax(c->in[0], (int)golden_number(c, "dim", -1));
}

static tg_tensor *run_log_softmax(golden_case *c)
{
    return tg_log_softmax(c->in[0], (int)golden_number(c, "dim", -1));
}

static tg_tensor *run_nll_loss(golden_case *c)
{
    tg_nll_opts opts = {.weight = c->in[2],
                        .reduction = golden_reduction(c),
                        .has_ignore_index = golden_word(c, "ignore", NULL) != NULL,
                        .ignore_index = (int64_t)golden_number(c, "ignore", 0)};
    return tg_nll_loss(c->in[0], c->in[1], &opts);
}

static tg_tensor *run_cross_entropy(golden_case *c)
{
    tg_ce_opts opts = {.weight = c->in[2],
                       .reduction = golden_reduction(c),
                       .label_smoothing = golden_number(c, "label_smoothing", 0),
                       .has_ignore_index = golden_word(c, "ignore", NULL) != NULL,
                       .ignore_index = (int64_t)golden_number(c, "ignore", 0)};
    return tg_cross_entropy(c->in[0], c->in[1], &opts);
}

/* Of x, the layer's weight, targets, bias and the class weight. */
static tg_tensor *run_linear_cross_entropy(golden_case *c)
{
    tg_ce_opts opts = {.weight = c->in[4],
                       .reduction = golden_reduction(c),
                       .label_smoothing = golden_number(c, "label_smoothing", 0),
                       .has_ignore_index = golden_word(c, "ignore", NULL) != NULL,
                       .ignore_index = (int64_t)golden_number(c, "ignore", 0)};
    return tg_linear_cross_entropy(c->in[0], c->in[1], c->in[3], c->in[2], &opts);
}

/* --- training --- */

/* Row i of a matrix that requires no gradient. */
static tg_tensor *row_of(tg_tensor *rows, int64_t i, const tg_tensor *like)
{
    int64_t dims[GOLDEN_DIMS];
    for (int d = 0; d < tg_ndim(like); d++)
        dims[d] = tg_size(like, d);
    int64_t at = i * tg_numel(like);
    if (tg_dtype(rows) == TG_F32)
        return tg_from_f32(tg_tape_of(rows), tg_f32(rows) + at, tg_ndim(like), dims, 0);
    return tg_from_f64(tg_tape_of(rows), tg_f64(rows) + at, tg_ndim(like), dims, 0);
}

/* The parameter after a step for each row of the second input, which is the gradient. */
static tg_tensor *run_sgd(golden_case *c)
{
    tg_tensor *p = c->in[0], *rows = c->in[1];
    double lr = golden_number(c, "lr", 0), decay = golden_number(c, "decay", 1);
    tg_sgd_opts opts = {.lr = lr,
                        .momentum = golden_number(c, "momentum", 0),
                        .dampening = golden_number(c, "dampening", 0),
                        .weight_decay = golden_number(c, "weight_decay", 0),
                        .nesterov = golden_number(c, "nesterov", 0) != 0,
                        .maximize = golden_number(c, "maximize", 0) != 0};
    tg_optim *optim = tg_sgd(c->tape, &p, 1, &opts);
    tg_mark step = tg_tape_mark(c->tape);
    for (int64_t i = 0; i < tg_size(rows, 0) && !tg_error(c->tape); i++) {
        tg_tape_rewind(c->tape, step);
        tg_optim_set_lr(optim, lr);
        lr *= decay;
        tg_optim_zero_grad(optim);
        tg_backward(tg_sum(tg_mul(p, row_of(rows, i, p))));
        tg_optim_step(optim);
    }
    return p;
}

static tg_tensor *activation(golden_case *c, tg_tensor *x)
{
    const char *act = golden_word(c, "act", "");
    return !strcmp(act, "ReLU")      ? tg_relu(x)
           : !strcmp(act, "Tanh")    ? tg_tanh(x)
           : !strcmp(act, "Sigmoid") ? tg_sigmoid(x)
                                     : NULL;
}

/* Weight and bias of a layer. */
static void layer(golden_case *c, int64_t out, int64_t in, tg_tensor **params)
{
    int flags = tg_dtype(c->in[0]) | TG_REQUIRES_GRAD;
    params[0] = tg_zeros(c->tape, TG_DIMS(out, in), flags);
    params[1] = tg_zeros(c->tape, TG_DIMS(out), flags);
    tg_linear_init(params[0], params[1]);
}

static tg_tensor *mlp_loss(golden_case *c, tg_tensor *const *params)
{
    tg_tensor *h = activation(c, tg_linear(c->in[0], params[0], params[1]));
    return tg_cross_entropy(tg_linear(h, params[2], params[3]), c->in[1], NULL);
}

/* The losses of a training loop over two layers. */
static tg_tensor *run_mlp(golden_case *c)
{
    enum { MAX_STEPS = 64 };
    int64_t hidden = (int64_t)golden_number(c, "hidden", 0), steps = 0;
    int64_t last = (int64_t)golden_number(c, "steps", 0);
    int dtype = tg_dtype(c->in[0]);
    float losses32[MAX_STEPS];
    double losses[MAX_STEPS];
    tg_tensor *params[4];
    tg_manual_seed(c->tape, (uint64_t)golden_number(c, "seed", 0));
    layer(c, hidden, tg_size(c->in[0], 1), params);
    layer(c, (int64_t)golden_number(c, "classes", 0), hidden, params + 2);
    tg_sgd_opts opts = {.lr = golden_number(c, "lr", 0),
                        .momentum = golden_number(c, "momentum", 0)};
    tg_optim *optim = tg_sgd(c->tape, params, 4, &opts);
    tg_mark step = tg_tape_mark(c->tape);
    for (; steps < last && steps < MAX_STEPS; steps++) {
        tg_tape_rewind(c->tape, step);
        tg_tensor *loss = mlp_loss(c, params);
        tg_optim_zero_grad(optim);
        tg_backward(loss);
        tg_optim_step(optim);
        losses[steps] = tg_item(loss);
        losses32[steps] = (float)losses[steps];
    }
    return dtype == TG_F32 ? tg_from_f32(c->tape, losses32, TG_DIMS(steps), 0)
                           : tg_from_f64(c->tape, losses, TG_DIMS(steps), 0);
}

/* --- the table --- */

static const golden_op rows[] = {
    {"neg", run_neg, GOLDEN_BITS, false},
    {"exp", run_exp, GOLDEN_SIGNS, false},
    {"log", run_log, GOLDEN_SIGNS, false},
    {"sqrt", run_sqrt, GOLDEN_SIGNS, false}, /* PyTorch's float32 is not rounded correctly */
    {"relu", run_relu, GOLDEN_BITS, false},
    {"sigmoid", run_sigmoid, GOLDEN_SIGNS, false},
    {"tanh", run_tanh, GOLDEN_SIGNS, false},
    {"add", run_add, GOLDEN_BITS, false},
    {"sub", run_sub, GOLDEN_BITS, false},
    {"mul", run_mul, GOLDEN_BITS, false},
    {"div", run_div, GOLDEN_BITS, false},
    {"add_scalar", run_add_scalar, GOLDEN_BITS, false},
    {"sub_scalar", run_sub_scalar, GOLDEN_BITS, false},
    {"mul_scalar", run_mul_scalar, GOLDEN_BITS, false},
    {"div_scalar", run_div_scalar, GOLDEN_BITS, false},
    {"to", run_to, GOLDEN_BITS, false},
    {"sum", run_sum, GOLDEN_SIGNS, false},
    {"mean", run_mean, GOLDEN_SIGNS, false},
    {"matmul", run_matmul, GOLDEN_SIGNS, false},
    {"linear", run_linear, GOLDEN_SIGNS, false},
    {"softmax", run_softmax, GOLDEN_SIGNS, false},
    {"log_softmax", run_log_softmax, GOLDEN_NEAR, false},
    {"nll_loss", run_nll_loss, GOLDEN_NEAR, false},
    {"cross_entropy", run_cross_entropy, GOLDEN_NEAR, false},
    {"linear_cross_entropy", run_linear_cross_entropy, GOLDEN_NEAR, false},
    {"sgd", run_sgd, GOLDEN_BITS, true},
    {"mlp", run_mlp, GOLDEN_NEAR, true},
};
GOLDEN_TABLE(golden_basic, rows)
