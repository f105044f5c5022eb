/* The same bits everywhere: the weights of models after many training steps, hashed, for every
 * instruction set and number of threads, step by step and captured. The hashes are written down
 * here, so that compilers and machines agree as well. The models leave out what rests on libm: sin,
 * cos, pow, and normals of float64 or of fewer than 16 floats. No expression here makes two users
 * of one tensor: C leaves their order open, and with it the order in which gradients add up. Relies
 * on the public API alone.
 *
 * Where a change alters rounding on purpose, the failing test prints the new hashes. */
#include "check.h"

enum { MAX_WEIGHTS = 16 };

typedef struct model {
    tg_tape *tape;
    int dtype;
    size_t n;
    tg_tensor *weight[MAX_WEIGHTS];
} model;

/* Sanitized programs stop at the first of the two hashes: they are many times slower. */
typedef struct row {
    const char *name;
    int dtype;
    void (*make)(model *m);
    tg_tensor *(*loss)(model *m);
    int steps[2];
    uint64_t hash[2];
} row;

#ifdef SANITIZED
enum { STAGES = 1 };
#else
enum { STAGES = 2 };
#endif

/* ---- The models. ---- */

static void leaf(model *m, double low, double high, int ndim, const int64_t *dims)
{
    assert_true(m->n < MAX_WEIGHTS);
    m->weight[m->n] = tg_zeros(m->tape, ndim, dims, m->dtype | TG_REQUIRES_GRAD);
    tg_uniform_(m->weight[m->n++], low, high);
}

static void linear(model *m, int64_t in, int64_t out)
{
    leaf(m, 0, 0, TG_DIMS(out, in));
    leaf(m, 0, 0, TG_DIMS(out));
    tg_linear_init(m->weight[m->n - 2], m->weight[m->n - 1]);
}

static tg_tensor *apply(const model *m, int first, tg_tensor *x)
{
    return tg_linear(x, m->weight[first], m->weight[first + 1]);
}

/* The normals are float32's in both dtypes. */
static tg_tensor *normals(const model *m, int ndim, const int64_t *dims)
{
    return tg_to(tg_randn(m->tape, ndim, dims, TG_F32), m->dtype);
}

enum { SENTENCES = 12, LENGTH = 6, WORDS = 50, WIDTH = 16, HIDDEN = 24, KINDS = 5 };

static void text_make(model *m)
{
    leaf(m, -1, 1, TG_DIMS(WORDS, WIDTH));
    leaf(m, 0.5, 1.5, TG_DIMS(WIDTH));
    leaf(m, -0.5, 0.5, TG_DIMS(WIDTH));
    linear(m, WIDTH, HIDDEN);
    linear(m, HIDDEN, KINDS);
    linear(m, WIDTH, 3 * WIDTH);
}

/* Attention over embedded words, normalised, and two layers. */
static tg_tensor *text_loss(model *m)
{
    tg_tensor *words = tg_randint(m->tape, 0, WORDS, TG_DIMS(SENTENCES, LENGTH), TG_I64);
    tg_tensor *kinds = tg_randint(m->tape, 0, KINDS, TG_DIMS(SENTENCES), TG_I64);
    tg_tensor *x = tg_embedding(m->weight[0], words, 3);
    tg_tensor *qkv[3] = {NULL, NULL, NULL};
    assert_int_equal(tg_chunk(apply(m, 7, x), 3, -1, qkv), 3);
    x = tg_add(x, tg_scaled_dot_product_attention(qkv[0], qkv[1], qkv[2],
                                                  &(tg_attention_opts){.causal = true}));
    x = tg_layer_norm(x, TG_DIMS(WIDTH), m->weight[1], m->weight[2], 0);
    x = tg_mean_dim(tg_tanh(tg_dropout(x, 0.1, true)), 1, false);
    x = apply(m, 5, tg_gelu(apply(m, 3, x)));
    return tg_nll_loss(tg_log_softmax(x, 1), kinds, NULL);
}

static void self_make(model *m)
{
    linear(m, WIDTH, WIDTH);
    linear(m, WIDTH, KINDS);
}

/* One tensor in three places: its gradients add up in the order that attention() gives them. */
static tg_tensor *self_loss(model *m)
{
    tg_tensor *x = apply(m, 0, normals(m, TG_DIMS(SENTENCES, LENGTH, WIDTH)));
    tg_tensor *kinds = tg_randint(m->tape, 0, KINDS, TG_DIMS(SENTENCES), TG_I64);
    tg_tensor *y = tg_scaled_dot_product_attention(x, x, x, &(tg_attention_opts){.causal = true});
    return tg_cross_entropy(apply(m, 2, tg_mean_dim(y, 1, false)), kinds, NULL);
}

enum { POINTS = 40, INPUTS = 3 };

static void curve_make(model *m)
{
    linear(m, INPUTS, HIDDEN);
    linear(m, HIDDEN, 2);
}

/* Two outputs, fitted to a sum and to a sign, with one loss each. */
static tg_tensor *curve_loss(model *m)
{
    tg_tensor *x = normals(m, TG_DIMS(POINTS, INPUTS));
    tg_tensor *sum = tg_sum_dim(x, 1, true);
    tg_tensor *sign = tg_to(tg_gt_scalar(sum, 0), m->dtype);
    tg_tensor *h = apply(m, 0, x);
    tg_tensor *gate = tg_sigmoid(h), *smooth = tg_silu(h), *soft = tg_softplus(h);
    h = tg_add(tg_mul(gate, smooth), tg_mul_scalar(soft, 0.25));
    tg_tensor *y = apply(m, 2, h), *a = tg_narrow(y, 1, 0, 1), *b = tg_narrow(y, 1, 1, 1);
    tg_tensor *spread = tg_log(tg_add_scalar(tg_exp(tg_std_dim(h, 0, false)), 1));
    tg_tensor *far = tg_huber_loss(a, sum, 1, TG_MEAN);
    tg_tensor *side = tg_bce_with_logits_loss(b, sign, &(tg_bce_opts){0});
    return tg_add(tg_add(far, side), tg_mul_scalar(tg_sum(spread), 0.001));
}

enum { IMAGES = 128, SIDE = 12, CHANNELS = 12, FLAT = CHANNELS * 5 * 5, WIDE = 300, DIGITS = 10 };

static void image_make(model *m)
{
    leaf(m, -0.3, 0.3, TG_DIMS(CHANNELS, 1, 3, 3));
    leaf(m, -0.1, 0.1, TG_DIMS(CHANNELS));
    leaf(m, 0.5, 1.5, TG_DIMS(CHANNELS));
    leaf(m, -0.5, 0.5, TG_DIMS(CHANNELS));
    linear(m, FLAT, WIDE);
    linear(m, WIDE, WIDE);
    linear(m, WIDE, DIGITS);
}

/* Layers that are wide enough for several threads. */
static tg_tensor *image_loss(model *m)
{
    tg_tensor *x = normals(m, TG_DIMS(IMAGES, 1, SIDE, SIDE));
    tg_tensor *digits = tg_randint(m->tape, 0, DIGITS, TG_DIMS(IMAGES), TG_I64);
    tg_batch_norm_opts norm = {.weight = m->weight[2], .bias = m->weight[3], .training = true};
    x = tg_batch_norm(tg_conv2d(x, m->weight[0], m->weight[1], NULL), &norm);
    x = tg_max_pool2d(tg_relu(x), &(tg_pool_opts){.kernel = {2, 2}});
    x = tg_gelu(apply(m, 4, tg_flatten(x, 1, -1)));
    x = tg_dropout(tg_layer_norm(x, TG_DIMS(WIDE), NULL, NULL, 0), 0.5, true);
    x = apply(m, 8, tg_tanh(apply(m, 6, x)));
    return tg_cross_entropy(x, digits, &(tg_ce_opts){.label_smoothing = 0.1});
}

/* ---- Training and hashing. ---- */

/* FNV-1a over the bytes of a number from the lowest on, whatever order the machine has them in. */
static uint64_t hash_number(uint64_t hash, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (number >> 8 * i & 0xff)) * 0x100000001b3;
    return hash;
}

static uint64_t hash_weights(const model *m)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < m->n; i++) {
        const size_t size = m->dtype == TG_F32 ? 4 : 8;
        const void *data = size == 4 ? (const void *)tg_f32(m->weight[i]) : tg_f64(m->weight[i]);
        for (int64_t j = 0; j < tg_numel(m->weight[i]); j++) {
            uint32_t narrow;
            uint64_t wide = 0;
            memcpy(&narrow, (const char *)data + (size_t)j * size, 4);
            memcpy(&wide, (const char *)data + (size_t)j * size, size);
            hash = hash_number(hash, size == 4 ? narrow : wide, size);
        }
    }
    return hash;
}

static tg_tensor *step(const row *r, model *m, tg_optim *optim)
{
    tg_tensor *loss = r->loss(m);
    tg_optim_zero_grad(optim);
    tg_backward(loss);
    tg_optim_step(optim);
    return loss;
}

/* Each step anew or, `captured`, the first one replayed. */
static void train(const row *r, const tg_tape_opts *opts, bool captured, uint64_t *hash)
{
    model m = {.tape = tg_tape_new(opts), .dtype = r->dtype};
    tg_manual_seed(m.tape, 40431);
    r->make(&m);
    tg_sgd_opts sgd = {.lr = 0.02, .momentum = 0.9, .weight_decay = 1e-4, .nesterov = true};
    tg_optim *optim = tg_sgd(m.tape, m.weight, m.n, &sgd);
    tg_mark mark = tg_tape_mark(m.tape);
    tg_capture *capture = captured ? tg_capture_begin(m.tape) : NULL;
    tg_tensor *loss = step(r, &m, optim);
    tg_capture_end(capture);
    for (int stage = 0, done = 1; stage < STAGES; stage++) {
        for (; done < r->steps[stage]; done++) {
            assert_ok(m.tape);
            assert_true(isfinite(tg_item(loss)));
            if (captured)
                tg_capture_replay(capture);
            else if (!tg_tape_rewind(m.tape, mark))
                loss = step(r, &m, optim);
        }
        assert_ok(m.tape);
        hash[stage] = hash_weights(&m);
    }
    tg_tape_free(m.tape);
}

static row rows[] = {
    {"text", TG_F32, text_make, text_loss, {20, 1000}, {0x7750f9df8899349e, 0x21626b935a2ef35d}},
    {"text", TG_F64, text_make, text_loss, {5, 100}, {0x8a51e22820072433, 0xdd2a57088130053f}},
    {"self", TG_F32, self_make, self_loss, {20, 1000}, {0x493fff95e8c0d0b0, 0x54266d898ef0d24e}},
    {"self", TG_F64, self_make, self_loss, {5, 100}, {0xe7b02f0b743e3750, 0x32b6fb41d02abc8a}},
    {"curve", TG_F32, curve_make, curve_loss, {20, 1000}, {0xa5cf4e01bcbef889, 0x07bee0c2d4dfe9f2}},
    {"curve", TG_F64, curve_make, curve_loss, {5, 100}, {0x8b246d6bffd47cd6, 0x4a79f8c383cad16e}},
    {"image", TG_F32, image_make, image_loss, {1, 3}, {0x7c1d74af52abdaa2, 0x03eb836c26b79fa3}},
    {"image", TG_F64, image_make, image_loss, {1, 2}, {0x26a1471d207f549b, 0x063f834d66cbeb21}},
};
enum { ROWS = sizeof rows / sizeof *rows };

static tg_isa best_isa(void)
{
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.isa = TG_ISA_V4});
    tg_isa best = tg_isa_used(tape);
    tg_tape_free(tape);
    return best;
}

static void test_row(void **state)
{
    const row *r = *state;
    const tg_isa best = best_isa();
    int wrong = 0;
    for (int i = 0; i < 12; i++) {
        uint64_t hash[2] = {0};
        int threads = i % 4 + 1;
        tg_isa isa = isa_number(i / 4, r->make == image_make);
        bool captured = i % 2;
        if (isa == TG_ISA_BASE && (i == 1 || i == 2)) /* the slowest: once in each way */
            continue;
        if (i >= 4 && isa > best) /* the machine's best once more */
            continue;
        train(r, &(tg_tape_opts){.isa = isa, .threads = threads}, captured, hash);
        for (int stage = 0; stage < STAGES; stage++) {
            if (hash[stage] == r->hash[stage])
                continue;
            print_error("%s, float%d, instruction set %d, %d threads, %s, step %d: 0x%016llx\n",
                        r->name, r->dtype == TG_F32 ? 32 : 64, (int)isa, threads,
                        captured ? "captured" : "eager", r->steps[stage],
                        (unsigned long long)hash[stage]);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    struct CMUnitTest tests[ROWS];
    for (int i = 0; i < ROWS; i++)
        tests[i] = (struct CMUnitTest){rows[i].name, test_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
