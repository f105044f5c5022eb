/* What a second thread is good for: each row forward and backward on a tape of one thread and on one of two, by turns,
 * least time in microseconds, and how many times as fast two are. The first argument is the side of the matrices (1000);
 * further ones choose rows by the beginning of their names. */
#define _POSIX_C_SOURCE 199309L
#include "timing.h"

#include <tinygrad.h>

#include <stdio.h>
#include <string.h>

enum { TURNS = 15 };

/* a and b: (n, n); row and other: (n); few: (64, n); image: (1 + n / 8, 16, 14, 14); index: (n). */
typedef struct inputs {
    tg_tape *tape;
    tg_tensor *a, *b, *row, *other, *few, *image, *filters, *index, *upstream;
    tg_mark mark;
    int64_t n;
} inputs;

typedef tg_tensor *operation(inputs *x);

#define OPERATION(name, ...)                                                                       \
    static tg_tensor *name(inputs *x)                                                              \
    {                                                                                              \
        return __VA_ARGS__;                                                                        \
    }

OPERATION(relu, tg_relu(x->a))
OPERATION(leaky_relu, tg_leaky_relu(x->a, 0.01))
OPERATION(exponential, tg_exp(x->a))
OPERATION(gelu, tg_gelu(x->a))
OPERATION(sigmoid, tg_sigmoid(x->a))
OPERATION(clamp, tg_clamp(x->a, -0.5, 0.5))
OPERATION(neg, tg_neg(x->a))
OPERATION(add, tg_add(x->a, x->b))
OPERATION(mul, tg_mul(x->a, x->b))
OPERATION(add_bias, tg_add(x->a, x->row))
OPERATION(sum, tg_sum(x->a))
OPERATION(sum_dim0, tg_sum_dim(x->a, 0, false))
OPERATION(sum_dim1, tg_sum_dim(x->a, 1, false))
OPERATION(max_dim1, tg_max_dim(x->a, 1, false))
OPERATION(var_dim1, tg_var_dim(x->a, 1, false))
OPERATION(norm, tg_norm(x->a, 2))
OPERATION(cumsum1, tg_cumsum(x->a, 1))
OPERATION(softmax0, tg_softmax(x->a, 0))
OPERATION(softmax1, tg_softmax(x->a, 1))
OPERATION(log_softmax1, tg_log_softmax(x->a, 1))
OPERATION(layer_norm, tg_layer_norm(x->a, 1, &x->n, x->row, x->other, 1e-5))
OPERATION(cross_entropy, tg_cross_entropy(x->a, x->index, NULL))
OPERATION(mse, tg_mse_loss(x->a, x->b, TG_MEAN))
OPERATION(transpose_copy, tg_contiguous(tg_transpose(x->a, 0, 1)))
OPERATION(cat0, tg_cat((tg_tensor *[]){x->a, x->b}, 2, 0))
OPERATION(cat1, tg_cat((tg_tensor *[]){x->a, x->b}, 2, 1))
OPERATION(embedding, tg_embedding(x->a, x->index, TG_NO_PADDING))
OPERATION(index_select1, tg_index_select(x->a, 1, x->index))
OPERATION(tril, tg_tril(x->a, 0))
OPERATION(dropout, tg_dropout(x->a, 0.5, true))
OPERATION(linear_few, tg_linear(x->few, x->a, x->row))
OPERATION(matmul, tg_matmul(x->a, x->b))
OPERATION(matvec, tg_matmul(x->a, x->row))
OPERATION(conv2d, tg_conv2d(x->image, x->filters, NULL, &(tg_conv_opts){.padding = {1, 1}}))
OPERATION(max_pool2d, tg_max_pool2d(x->image, &(tg_pool_opts){.kernel = {2, 2}}))
OPERATION(batch_norm, tg_batch_norm(x->image, &(tg_batch_norm_opts){.training = true}))

static const struct row {
    const char *name;
    operation *run;
} rows[] = {{"relu", relu},
            {"leaky_relu", leaky_relu},
            {"exp", exponential},
            {"gelu", gelu},
            {"sigmoid", sigmoid},
            {"clamp", clamp},
            {"neg", neg},
            {"add", add},
            {"mul", mul},
            {"add_bias", add_bias},
            {"sum", sum},
            {"sum_dim0", sum_dim0},
            {"sum_dim1", sum_dim1},
            {"max_dim1", max_dim1},
            {"var_dim1", var_dim1},
            {"norm", norm},
            {"cumsum1", cumsum1},
            {"softmax0", softmax0},
            {"softmax1", softmax1},
            {"log_softmax1", log_softmax1},
            {"layer_norm", layer_norm},
            {"cross_entropy", cross_entropy},
            {"mse", mse},
            {"transpose_copy", transpose_copy},
            {"cat0", cat0},
            {"cat1", cat1},
            {"embedding", embedding},
            {"index_select1", index_select1},
            {"tril", tril},
            {"dropout", dropout},
            {"linear_few", linear_few},
            {"matmul", matmul},
            {"matvec", matvec},
            {"conv2d", conv2d},
            {"max_pool2d", max_pool2d},
            {"batch_norm", batch_norm}};

/* A tape with what the row wants, and an upstream gradient as its result is. */
static inputs inputs_of(const struct row *row, int64_t n, int threads)
{
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = threads});
    inputs x = {.tape = tape, .n = n};
    x.a = tg_randn(tape, TG_DIMS(n, n), TG_REQUIRES_GRAD);
    x.b = tg_randn(tape, TG_DIMS(n, n), TG_REQUIRES_GRAD);
    x.row = tg_randn(tape, TG_DIMS(n), TG_REQUIRES_GRAD);
    x.other = tg_randn(tape, TG_DIMS(n), TG_REQUIRES_GRAD);
    x.few = tg_randn(tape, TG_DIMS(64, n), TG_REQUIRES_GRAD);
    x.image = tg_randn(tape, TG_DIMS(1 + n / 8, 16, 14, 14), TG_REQUIRES_GRAD);
    x.filters = tg_randn(tape, TG_DIMS(16, 16, 3, 3), TG_REQUIRES_GRAD);
    x.index = tg_randint(tape, 0, n, TG_DIMS(n), TG_I64);
    const tg_tensor *out = row->run(&x);
    int64_t dims[TG_MAX_NDIM];
    for (int i = 0; i < tg_ndim(out); i++)
        dims[i] = tg_size(out, i);
    x.upstream = tg_randn(tape, tg_ndim(out), dims, TG_F32);
    x.mark = tg_tape_mark(tape);
    return x;
}

static void turn(const struct row *row, inputs *x)
{
    tg_tensor *leaves[] = {x->a, x->b, x->row, x->other, x->few, x->image, x->filters};
    tg_tape_rewind(x->tape, x->mark);
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++)
        tg_zero_grad(leaves[i]);
    tg_backward_with(row->run(x), x->upstream, NULL);
}

/* Of one turn, in seconds. */
static double turns(const struct row *row, inputs *x, int count)
{
    double start = now();
    for (int i = 0; i < count; i++)
        turn(row, x);
    return (now() - start) / count;
}

static void measure(const struct row *row, int64_t n)
{
    inputs x[] = {inputs_of(row, n, 1), inputs_of(row, n, 2)};
    double least[] = {1e9, 1e9};
    int count[2];
    for (int k = 0; k < 2; k++) {
        turns(row, &x[k], 2);
        count[k] = 1 + (int)(4e-3 / turns(row, &x[k], 2));
    }
    for (int i = 0; i < TURNS; i++) {
        for (int k = 0; k < 2; k++) {
            double t = turns(row, &x[k], count[k]);
            least[k] = t < least[k] ? t : least[k];
        }
    }
    if (tg_error(x[0].tape) || tg_error(x[1].tape))
        printf("%s: %s%s\n", row->name, tg_error_message(x[0].tape), tg_error_message(x[1].tape));
    else
        printf("%-14s one %9.1f two %9.1f gain %5.2f\n", row->name, least[0] * 1e6, least[1] * 1e6,
               least[0] / least[1]);
    fflush(stdout);
    for (int k = 0; k < 2; k++)
        tg_tape_free(x[k].tape);
}

int main(int argc, char **argv)
{
    long n = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    if (n < 2) {
        fprintf(stderr, "usage: %s [SIDE [ROW...]]\n", argv[0]);
        return 1;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool wanted = argc < 3;
        for (int k = 2; k < argc; k++)
            wanted |= !strncmp(rows[i].name, argv[k], strlen(argv[k]));
        if (wanted)
            measure(&rows[i], n);
    }
    return 0;
}
