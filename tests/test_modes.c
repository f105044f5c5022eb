/* The modes of arithmetic that a program, or a library linked with -ffast-math, has set: results
 * have the same bits in all of them, with any number of threads, and the modes are left as found. */
#include "check.h"
#include "support.h"

#include "kernels/modes.h"

#include <fenv.h>
#ifdef TGK_MXCSR
#include <xmmintrin.h>
#endif

enum { ROUNDINGS = 4, MODES = 8, RESULTS = 1 << 16 };

static const int roundings[ROUNDINGS] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

/* Mode 0 is the usual one; from 4 on subnormal numbers are zeros, where we know how to ask so. */
static void set_mode(int mode)
{
    fesetround(roundings[mode % ROUNDINGS]);
#ifdef TGK_MXCSR
    _mm_setcsr((_mm_getcsr() & ~0x8040u) | (mode < ROUNDINGS ? 0 : 0x8040u));
#endif
}

static unsigned get_mode(void)
{
#ifdef TGK_MXCSR
    return _mm_getcsr();
#else
    return (unsigned)fegetround();
#endif
}

/* What a program computed, as bytes. */
typedef struct results {
    size_t n;
    unsigned char bytes[RESULTS];
} results;

static void keep(results *r, const void *data, size_t n)
{
    assert_true(r->n + n <= RESULTS);
    memcpy(r->bytes + r->n, data, n);
    r->n += n;
}

static void keep_number(results *r, double x)
{
    keep(r, &x, sizeof x);
}

/* A sum of its bytes for a large tensor; it was not computed by what is tested. */
static void keep_tensor(results *r, const tg_tensor *t)
{
    assert_non_null(t);
    bool single = tg_dtype(t) == TG_F32;
    const unsigned char *data = single ? (const void *)tg_f32(t) : (const void *)tg_f64(t);
    assert_non_null(data);
    size_t n = (size_t)tg_numel(t) * (single ? sizeof(float) : sizeof(double));
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ data[i]) * 1099511628211u;
    keep(r, &hash, sizeof hash);
}

/* Values from subnormal to ordinary ones. */
static tg_tensor *wide(tg_tape *tape, int64_t rows, int64_t columns, int flags)
{
    tg_tensor *t = tg_zeros(tape, TG_DIMS(rows, columns), flags);
    uint32_t state = 1;
    void *data = tg_data_mut(t);
    for (int64_t i = 0; i < rows * columns; i++) {
        state = state * 1664525 + 1013904223;
        /* exact whatever the mode: bits, not sums */
        uint32_t low = (state >> 9) | (i % 3 ? 0x3f000000u : 0), sign = i % 2 ? 0x80000000u : 0;
        uint64_t high = (uint64_t)state << 20 | (i % 3 ? 0x3fe0000000000000u : 0);
        low |= sign;
        high |= (uint64_t)sign << 32;
        if ((flags & 0xff) == TG_F32)
            memcpy((char *)data + i * 4, &low, 4);
        else
            memcpy((char *)data + i * 8, &high, 8);
    }
    return t;
}

static void operations(results *r, tg_tape *tape, int dtype)
{
    tg_tensor *x = wide(tape, 40, 41, dtype | TG_REQUIRES_GRAD);
    tg_tensor *y = wide(tape, 41, 20, dtype | TG_REQUIRES_GRAD);
    tg_tensor *classes = tg_zeros(tape, TG_DIMS(40), TG_I64);
    tg_tensor *product = tg_matmul(x, y);
    tg_tensor *small = tg_mul_scalar(x, 0.3);
    tg_tensor *all[] = {
        product,
        small,
        tg_add(x, small),
        tg_sub(x, small),
        tg_div(x, tg_add_scalar(tg_abs(x), 1.1)),
        tg_exp(x),
        tg_tanh(x),
        tg_gelu(x),
        tg_sigmoid(x),
        tg_softplus(x),
        tg_pow_scalar(tg_abs(x), 1.7),
        tg_softmax(x, 1),
        tg_log_softmax(x, 0),
        tg_logsumexp(x),
        tg_sum(x),
        tg_mean(x),
        tg_sum_dim(x, 0, false),
        tg_var(x),
        tg_std_dim(x, 1, false),
        tg_norm(x, 3),
        tg_norm(x, 2),
        tg_layer_norm(x, 1, (int64_t[]){41}, NULL, NULL, 0),
        tg_cross_entropy(x, classes, &(tg_ce_opts){.label_smoothing = 0.1}),
        tg_mse_loss(x, small, TG_MEAN),
        tg_scaled_dot_product_attention(x, small, x, NULL),
        tg_dropout(x, 0.3, true),
    };
    tg_tensor *total = NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        keep_tensor(r, all[i]);
        tg_tensor *term = tg_sum(all[i]);
        total = total ? tg_add(total, term) : term;
    }
    assert_int_equal(tg_backward(total), TG_OK);
    keep_tensor(r, tg_grad(x));
    keep_tensor(r, tg_grad(y));
    keep_number(r, tg_item(total));
    tg_tensor *g;
    assert_int_equal(tg_gradients(tg_sum(tg_tanh(product)), NULL, &x, 1, &g, NULL), TG_OK);
    keep_tensor(r, g);
}

/* Large enough for helpers. */
static void shared(results *r, tg_tape *tape)
{
    tg_tensor *x = wide(tape, 370, 370, TG_REQUIRES_GRAD);
    tg_tensor *y = tg_mul_scalar(x, 0.7), *z = tg_matmul(y, tg_narrow(x, 1, 0, 20));
    keep_tensor(r, y);
    keep_tensor(r, z);
    assert_int_equal(tg_backward(tg_add(tg_sum(y), tg_sum(z))), TG_OK);
    keep_tensor(r, tg_grad(x));
}

static void creation(results *r, tg_tape *tape, int dtype)
{
    tg_tensor *t = tg_zeros(tape, TG_DIMS(30, 40), dtype),
              *bias = tg_zeros(tape, TG_DIMS(30), dtype);
    keep_tensor(r, tg_rand(tape, TG_DIMS(1000), dtype));
    keep_tensor(r, tg_randn(tape, TG_DIMS(1000), dtype));
    keep_tensor(r, tg_randn(tape, TG_DIMS(5), dtype));
    keep_tensor(r, tg_full(tape, TG_DIMS(3), 0.1, dtype));
    keep_tensor(r, tg_full(tape, TG_DIMS(3), 1e-40, dtype));
    keep_tensor(r, tg_arange(tape, 0, 1, 0.1, dtype));
    void (*const inits[])(tg_tensor *, double) = {tg_xavier_uniform_, tg_xavier_normal_};
    for (int i = 0; i < 2; i++) {
        inits[i](t, 0.3);
        keep_tensor(r, t);
    }
    tg_linear_init(t, bias);
    keep_tensor(r, t);
    keep_tensor(r, bias);
    tg_kaiming_uniform_(t, NULL);
    keep_tensor(r, t);
    tg_kaiming_normal_(t, NULL);
    keep_tensor(r, t);
    tg_recurrent_init(&bias, 1, 7);
    keep_tensor(r, bias);
    tg_uniform_(bias, 0.1, 0.7);
    keep_tensor(r, bias);
}

static void training(results *r, tg_tape *tape, int dtype)
{
    for (int kind = 0; kind < 5; kind++) {
        tg_tensor *x = wide(tape, 50, 50, dtype | TG_REQUIRES_GRAD);
        tg_optim *optims[] = {tg_sgd(tape, &x, 1, &(tg_sgd_opts){.lr = 0.1, .momentum = 0.9}),
                              tg_adam(tape, &x, 1, NULL), tg_adamw(tape, &x, 1, NULL),
                              tg_rmsprop(tape, &x, 1, NULL), tg_adagrad(tape, &x, 1, NULL)};
        tg_capture *capture = tg_capture_begin(tape);
        tg_zero_grad(x);
        tg_tensor *loss = tg_sum(tg_mul(x, tg_sin(x)));
        tg_backward(loss);
        keep_number(r, tg_clip_grad_norm(&x, 1, 0.7, 0));
        keep_number(r, tg_clip_grad_norm(&x, 1, 0.3, 3));
        tg_clip_grad_value(&x, 1, 0.01);
        tg_optim_step(optims[kind]);
        assert_int_equal(tg_capture_end(capture), TG_OK);
        keep_tensor(r, x);
        assert_int_equal(tg_capture_replay(capture), TG_OK);
        keep_tensor(r, x);
        keep_number(r, tg_item(loss));
    }
}

static void rates(results *r)
{
    const int64_t milestones[] = {2, 5};
    const tg_one_cycle_opts cycle = {.max_lr = 0.1, .total_steps = 11};
    for (int64_t i = 0; i < 10; i++) {
        keep_number(r, tg_lr_step(0.1, i, 3, 0.7));
        keep_number(r, tg_lr_multi_step(0.1, i, milestones, 2, 0.7));
        keep_number(r, tg_lr_exponential(0.1, i, 0.7));
        keep_number(r, tg_lr_cosine(0.1, i, 7, 0.001));
        keep_number(r, tg_lr_linear(0.1, i, 0.3, 1, 7));
        keep_number(r, tg_lr_one_cycle(i, &cycle));
    }
}

static void text(results *r, tg_tape *tape)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    tg_tensor *t = tg_from_f32(tape, (float[]){1e-40f, 0.7f, 1234.5f}, TG_DIMS(3), 0);
    assert_int_equal(tg_print(file, t), TG_OK);
    assert_int_equal(tg_print(file, tg_from_f64(tape, (double[]){0.12345}, TG_DIMS(1), 0)), TG_OK);
    char written[256];
    rewind(file);
    keep(r, written, fread(written, 1, sizeof written, file));
    fclose(file);
    keep_number(r, tg_item(tg_narrow(t, 0, 0, 1)));
}

static void run(results *r, int threads)
{
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = threads});
    r->n = 0;
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        operations(r, tape, dtype);
        creation(r, tape, dtype);
        training(r, tape, dtype);
    }
    shared(r, tape);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *x = wide(tape, 10, 10, TG_REQUIRES_GRAD), *y = tg_exp(tg_randn(tape, TG_DIMS(9), 0));
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    keep_tensor(r, y);
    keep_tensor(r, x);
    rates(r);
    text(r, tape);
    assert_ok(tape);
    tg_tape_free(tape);
}

static void same_bits(void **state)
{
    (void)state;
    static results want, got;
    run(&want, 1);
    for (int i = 0; i < 2 * MODES; i++) {
        set_mode(i / 2);
        unsigned before = get_mode() & ~0x3fu;
        run(&got, i % 2 ? 3 : 1);
        unsigned after = get_mode() & ~0x3fu;
        set_mode(0);
        assert_int_equal(before, after);
        assert_int_equal(got.n, want.n);
        for (size_t k = 0; k < want.n; k++) {
            if (got.bytes[k] != want.bytes[k])
                fail_msg("mode %d: result byte %zu differs", i / 2, k);
        }
    }
}

/* The flags of exceptions: in the usual modes they are the arithmetic's; in others, as found. */
static void flags(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    for (int mode = 1; mode < ROUNDINGS; mode++) {
        set_mode(mode);
        feclearexcept(FE_ALL_EXCEPT);
        feraiseexcept(FE_OVERFLOW);
        tg_div(tg_ones(tape, TG_DIMS(3), 0), tg_zeros(tape, TG_DIMS(3), 0));
        int raised = fetestexcept(FE_ALL_EXCEPT) & ~FE_INEXACT; /* overflow may raise it as well */
        set_mode(0);
        assert_int_equal(raised, FE_OVERFLOW);
    }
    feclearexcept(FE_ALL_EXCEPT);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits),
        cmocka_unit_test(flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
