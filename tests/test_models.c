/* Models composed of the library's operations against PyTorch's own modules: a transformer block, a
 * convolutional net (in training and in evaluation) and an LSTM, outputs and the gradients of all
 * leaves. golden/models.inc has PyTorch's results; golden/models.py wrote it and draws the leaves
 * in the same way. Relies on the public API alone. */
#include "check.h"
#include "support.h"

enum { F32 = TG_F32, F64 = TG_F64, MAX_LEAVES = 24 };

typedef struct golden {
    const char *model;
    int dtype;
    const char *name;
    int64_t count;
    const double *values;
} golden;

#define GOLDEN(model, dtype, name, count, ...)                                                     \
    {model, dtype, name, count, (const double[count]){__VA_ARGS__}},
static const golden goldens[] = {
#include "golden/models.inc"
};
enum { GOLDENS = sizeof goldens / sizeof *goldens };

/* A model's named tensors: leaves first, whose gradients are compared, then values. */
typedef struct model {
    const char *name;
    int dtype;
    bool training;
    tg_tape *tape;
    size_t n;
    struct {
        const char *name;
        tg_tensor *leaf, *value;
    } part[MAX_LEAVES];
} model;

/* Uniform in [centre - 0.5, centre + 0.5), from a seed that "model.name" gives. */
static tg_tensor *drawn(model *m, const char *name, double centre, int ndim, const int64_t *dims,
                        int flags)
{
    double values[SNAPSHOT_NUMEL];
    char text[64];
    int64_t numel = 1;
    uint64_t state = 0xcbf29ce484222325;
    snprintf(text, sizeof text, "%s.%s", m->name, name);
    for (const char *c = text; *c; c++)
        state = (state ^ (unsigned char)*c) * 0x100000001b3;
    for (int i = 0; i < ndim; i++)
        numel *= dims[i];
    assert_true(numel <= SNAPSHOT_NUMEL);
    for (int64_t i = 0; i < numel; i++)
        values[i] = random_between(&state, centre - 0.5, centre + 0.5);
    return tensor_from(m->tape, values, ndim, dims, m->dtype | flags);
}

static tg_tensor *leaf(model *m, const char *name, double centre, int ndim, const int64_t *dims)
{
    assert_true(m->n < MAX_LEAVES);
    m->part[m->n].name = name;
    m->part[m->n].leaf = drawn(m, name, centre, ndim, dims, TG_REQUIRES_GRAD);
    return m->part[m->n++].leaf;
}

static void value(model *m, const char *name, tg_tensor *t)
{
    assert_true(m->n < MAX_LEAVES);
    m->part[m->n].name = name;
    m->part[m->n++].value = t;
}

static tg_tensor *integers(model *m, int64_t step, int64_t size, int64_t below)
{
    tg_tensor *t = tg_zeros(m->tape, TG_DIMS(size), TG_I64);
    int64_t *data = tg_data_mut(t);
    for (int64_t i = 0; data && i < size; i++)
        data[i] = (step * i * i + 3 * i + 1) % below;
    return t;
}

/* -- Models: each returns the loss ------------------------------------------------------------ */

enum { BATCH = 2, LENGTH = 5, WIDTH = 8, HEADS = 2, HIDDEN = 16, WORDS = 11 };

/* (BATCH, LENGTH, WIDTH) as (BATCH, HEADS, LENGTH, WIDTH / HEADS). */
static tg_tensor *heads_of(tg_tensor *x)
{
    x = tg_reshape(x, TG_DIMS(BATCH, LENGTH, HEADS, WIDTH / HEADS));
    return tg_transpose(x, 1, 2);
}

static tg_tensor *attention(model *m, tg_tensor *x)
{
    tg_tensor *in = leaf(m, "block.self_attn.in_proj_weight", 0, TG_DIMS(3 * WIDTH, WIDTH));
    tg_tensor *in_bias = leaf(m, "block.self_attn.in_proj_bias", 0, TG_DIMS(3 * WIDTH));
    tg_tensor *out = leaf(m, "block.self_attn.out_proj.weight", 0, TG_DIMS(WIDTH, WIDTH));
    tg_tensor *out_bias = leaf(m, "block.self_attn.out_proj.bias", 0, TG_DIMS(WIDTH));
    tg_tensor *qkv[3] = {NULL, NULL, NULL};
    assert_int_equal(tg_chunk(tg_linear(x, in, in_bias), 3, -1, qkv), 3);
    tg_tensor *y = tg_scaled_dot_product_attention(
        heads_of(qkv[0]), heads_of(qkv[1]), heads_of(qkv[2]), &(tg_attention_opts){.causal = true});
    y = tg_reshape(tg_transpose(y, 1, 2), TG_DIMS(BATCH, LENGTH, WIDTH));
    return tg_linear(y, out, out_bias);
}

static tg_tensor *perceptron(model *m, tg_tensor *x)
{
    tg_tensor *w1 = leaf(m, "block.linear1.weight", 0, TG_DIMS(HIDDEN, WIDTH));
    tg_tensor *b1 = leaf(m, "block.linear1.bias", 0, TG_DIMS(HIDDEN));
    tg_tensor *w2 = leaf(m, "block.linear2.weight", 0, TG_DIMS(WIDTH, HIDDEN));
    tg_tensor *b2 = leaf(m, "block.linear2.bias", 0, TG_DIMS(WIDTH));
    return tg_linear(tg_gelu(tg_linear(x, w1, b1)), w2, b2);
}

static tg_tensor *norm(model *m, tg_tensor *x, const char *weight_name, const char *bias_name)
{
    tg_tensor *weight = leaf(m, weight_name, 1, TG_DIMS(WIDTH));
    tg_tensor *bias = leaf(m, bias_name, 0, TG_DIMS(WIDTH));
    return tg_layer_norm(x, TG_DIMS(WIDTH), weight, bias, 0);
}

static tg_tensor *transformer(model *m)
{
    tg_tensor *embedding = leaf(m, "embedding.weight", 0, TG_DIMS(WORDS, WIDTH));
    tg_tensor *position = leaf(m, "position", 0, TG_DIMS(LENGTH, WIDTH));
    tg_tensor *words = tg_reshape(integers(m, 7, BATCH * LENGTH, WORDS), TG_DIMS(BATCH, LENGTH));
    tg_tensor *x = tg_add(tg_embedding(embedding, words, TG_NO_PADDING), position);
    x = tg_add(x, attention(m, norm(m, x, "block.norm1.weight", "block.norm1.bias")));
    x = tg_add(x, perceptron(m, norm(m, x, "block.norm2.weight", "block.norm2.bias")));
    tg_tensor *logits = tg_linear(norm(m, x, "norm.weight", "norm.bias"), embedding, NULL);
    value(m, "logits", logits);
    return tg_cross_entropy(tg_reshape(logits, TG_DIMS(BATCH * LENGTH, WORDS)),
                            integers(m, 5, BATCH * LENGTH, WORDS), NULL);
}

static tg_tensor *batch_norm(model *m, tg_tensor *x)
{
    tg_batch_norm_opts opts = {.training = m->training};
    opts.weight = leaf(m, "norm.weight", 1, TG_DIMS(4));
    opts.bias = leaf(m, "norm.bias", 0, TG_DIMS(4));
    opts.running_mean = drawn(m, "norm.running_mean", 0, TG_DIMS(4), 0);
    opts.running_var = drawn(m, "norm.running_var", 1, TG_DIMS(4), 0);
    if (m->training) {
        value(m, "norm.running_mean", opts.running_mean);
        value(m, "norm.running_var", opts.running_var);
    }
    return tg_batch_norm(x, &opts);
}

static tg_tensor *convolutions(model *m)
{
    tg_tensor *x = leaf(m, "x", 0, TG_DIMS(3, 3, 8, 8));
    tg_tensor *w1 = leaf(m, "conv1.weight", 0, TG_DIMS(4, 3, 3, 3));
    tg_tensor *w2 = leaf(m, "conv2.weight", 0, TG_DIMS(6, 2, 3, 3));
    tg_tensor *b2 = leaf(m, "conv2.bias", 0, TG_DIMS(6));
    tg_tensor *w3 = leaf(m, "head.weight", 0, TG_DIMS(5, 24));
    tg_tensor *b3 = leaf(m, "head.bias", 0, TG_DIMS(5));
    x = tg_conv2d(x, w1, NULL, &(tg_conv_opts){.padding = {1, 1}});
    x = tg_relu(batch_norm(m, x));
    x = tg_conv2d(x, w2, b2, &(tg_conv_opts){.stride = {2}, .padding = {1, 1}, .groups = 2});
    x = tg_max_pool2d(tg_relu(x), &(tg_pool_opts){.kernel = {2, 2}});
    tg_tensor *logits = tg_linear(tg_flatten(x, 1, -1), w3, b3);
    value(m, "logits", logits);
    return tg_cross_entropy(logits, integers(m, 2, 3, 5), &(tg_ce_opts){.label_smoothing = 0.1});
}

/* One step of an LSTM: gates are i, f, g, o from both linear maps. */
static tg_tensor *lstm_step(tg_tensor *gates, tg_tensor **c)
{
    tg_tensor *g[4] = {NULL, NULL, NULL, NULL};
    assert_int_equal(tg_chunk(gates, 4, 1, g), 4);
    tg_tensor *kept = tg_mul(tg_sigmoid(g[1]), *c);
    *c = tg_add(kept, tg_mul(tg_sigmoid(g[0]), tg_tanh(g[2])));
    return tg_mul(tg_sigmoid(g[3]), tg_tanh(*c));
}

static tg_tensor *recurrent(model *m)
{
    enum { STEPS = 3, IN = 4, OUT = 5 };
    tg_tensor *x = leaf(m, "x", 0, TG_DIMS(BATCH, STEPS, IN));
    tg_tensor *h = leaf(m, "h", 0, TG_DIMS(BATCH, OUT)), *each[STEPS];
    tg_tensor *c = leaf(m, "c", 0, TG_DIMS(BATCH, OUT));
    tg_tensor *w_x = leaf(m, "lstm.weight_ih_l0", 0, TG_DIMS(4 * OUT, IN));
    tg_tensor *w_h = leaf(m, "lstm.weight_hh_l0", 0, TG_DIMS(4 * OUT, OUT));
    tg_tensor *b_x = leaf(m, "lstm.bias_ih_l0", 0, TG_DIMS(4 * OUT));
    tg_tensor *b_h = leaf(m, "lstm.bias_hh_l0", 0, TG_DIMS(4 * OUT));
    tg_tensor *w = leaf(m, "head.weight", 0, TG_DIMS(6, OUT));
    tg_tensor *b = leaf(m, "head.bias", 0, TG_DIMS(6));
    for (int i = 0; i < STEPS; i++) {
        tg_tensor *from_x = tg_linear(tg_select(x, 1, i), w_x, b_x);
        each[i] = h = lstm_step(tg_add(from_x, tg_linear(h, w_h, b_h)), &c);
    }
    tg_tensor *logits = tg_linear(tg_stack(each, STEPS, 1), w, b);
    value(m, "logits", logits);
    return tg_cross_entropy(tg_reshape(logits, TG_DIMS(BATCH * STEPS, 6)),
                            integers(m, 5, BATCH * STEPS, 6), NULL);
}

/* -- Comparison ------------------------------------------------------------------------------- */

/* Of a value, and, as gradients are sums that cancel, of the tensor's largest: both sides round
 * each operation to about half an ulp, but sum in different orders. Measured: float32 8e-7 of the
 * largest and 1.2e-5 of values above a hundredth of it; float64 2e-15 and 6e-14. */
static const double of_value[] = {[F32] = 1e-5, [F64] = 1e-12};
static const double of_largest[] = {[F32] = 2e-6, [F64] = 1e-14};

static void compare(const golden *want, const tg_tensor *t)
{
    assert_non_null(t);
    snapshot got = snapshot_of((tg_tensor *)t);
    assert_int_equal(got.dtype, want->dtype);
    assert_int_equal(got.numel, want->count);
    double largest = 0;
    for (int64_t i = 0; i < want->count; i++)
        largest = fmax(largest, fabs(want->values[i]));
    for (int64_t i = 0; i < want->count; i++) {
        double w = want->values[i], g = snapshot_at(&got, i);
        if (!(fabs(g - w) <= of_value[want->dtype] * fabs(w) + of_largest[want->dtype] * largest))
            fail_msg("%s, float%d: %s[%d] is %.17g, wanted %.17g", want->model,
                     want->dtype == F32 ? 32 : 64, want->name, (int)i, g, w);
    }
}

/* The number of the model's parts that `want` is about: 1. */
static size_t compare_part(const model *m, const golden *want)
{
    size_t found = 0;
    for (size_t k = 0; k < m->n; k++) {
        if (strcmp(m->part[k].name, want->name) != 0)
            continue;
        compare(want, m->part[k].leaf ? tg_grad(m->part[k].leaf) : m->part[k].value);
        found++;
    }
    return found;
}

static void check(const char *name, tg_tensor *(*build)(model *m), bool training)
{
    for (int dtype = F32; dtype <= F64; dtype++) {
        model m = {.name = name, .dtype = dtype, .training = training};
        m.tape = tg_tape_new(NULL);
        tg_tensor *loss = build(&m);
        value(&m, "loss", loss);
        tg_backward(loss);
        assert_ok(m.tape);
        size_t compared = 0;
        for (int i = 0; i < GOLDENS; i++) {
            if (strcmp(goldens[i].model, name) != 0 || goldens[i].dtype != dtype)
                continue;
            assert_int_equal(compare_part(&m, &goldens[i]), 1);
            compared++;
        }
        assert_int_equal(compared, m.n);
        tg_tape_free(m.tape);
    }
}

static void transformer_block(void **state)
{
    (void)state;
    check("transformer", transformer, true);
}

static void convolutional_net(void **state)
{
    (void)state;
    check("convolutions", convolutions, true);
}

static void convolutional_net_in_evaluation(void **state)
{
    (void)state;
    check("convolutions in evaluation", convolutions, false);
}

static void lstm(void **state)
{
    (void)state;
    check("recurrent", recurrent, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transformer_block),
        cmocka_unit_test(convolutional_net),
        cmocka_unit_test(convolutional_net_in_evaluation),
        cmocka_unit_test(lstm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
