/* How accurate float32 functions are over floats of every size: a sample of all of them with
 * everything near the points where a function changes its manner; or all 2^32 of them (minutes),
 * where the environment variable TINYGRAD_ALL_FLOATS is 1. An argument chooses one function.
 *
 * The reference is libm's function of a double. Its error, a few units in the last place of a
 * double, is less than 2^-26 of a float's, so that the distances are good to 0.00000002. */
#include "check.h"

#include <math.h>
#include <stdlib.h>

typedef struct function {
    const char *name;
    tg_tensor *(*ours)(tg_tensor *);
    double (*reference)(double);
} function;

static double sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double rsqrt(double x)
{
    return 1 / sqrt(x);
}

static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double logsigmoid(double x)
{
    return -softplus(-x);
}

static double silu(double x)
{
    return x * sigmoid(x);
}

static double gelu(double x)
{
    return x * (0.5 * erfc(x * -0.70710678118654752440));
}

static double gelu_tanh(double x)
{
    return x * sigmoid(2 * 0.79788456080286535588 * (x + 0.044715 * x * x * x));
}

static double elu(double x)
{
    return x > 0 ? x : expm1(x);
}

static tg_tensor *elu_of_1(tg_tensor *x)
{
    return tg_elu(x, 1);
}

static function functions[] = {
    {"exp", tg_exp, exp},
    {"expm1", tg_expm1, expm1},
    {"log", tg_log, log},
    {"log1p", tg_log1p, log1p},
    {"tanh", tg_tanh, tanh},
    {"sigmoid", tg_sigmoid, sigmoid},
    {"erf", tg_erf, erf},
    {"sin", tg_sin, sin},
    {"cos", tg_cos, cos},
    {"tan", tg_tan, tan},
    {"asin", tg_asin, asin},
    {"acos", tg_acos, acos},
    {"atan", tg_atan, atan},
    {"sinh", tg_sinh, sinh},
    {"cosh", tg_cosh, cosh},
    {"asinh", tg_asinh, asinh},
    {"acosh", tg_acosh, acosh},
    {"atanh", tg_atanh, atanh},
    {"log2", tg_log2, log2},
    {"log10", tg_log10, log10},
    {"exp2", tg_exp2, exp2},
    {"rsqrt", tg_rsqrt, rsqrt},
    {"softplus", tg_softplus, softplus},
    {"logsigmoid", tg_logsigmoid, logsigmoid},
    {"silu", tg_silu, silu},
    {"gelu", tg_gelu, gelu},
    {"gelu_tanh", tg_gelu_tanh, gelu_tanh},
    {"elu", elu_of_1, elu},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* Bounds of the results' ranges, and where our functions or a libm's change their formula. */
static const float edges[] = {
    0x1p22F,     0x1p30F,    13.5F,      37.66F,     0.0F,        0x1p-149F,
    0x1p-126F,   0x1p-54F,   0x1p-28F,   0x1p-24F,   0.34657359F, 0.5F,
    0.70710678F, 0.84375F,   1.0F,       1.4142135F, 2.0F,        3.9192059F,
    6.0F,        9.0109134F, 16.635532F, 17.32868F,  22.0F,       50.0F,
    87.336545F,  88.72284F,  103.27893F, 103.97208F, 0x1p53F,     0x1.fffffep127F,
};

enum { CHUNK = 1 << 14, NEAR = 500 };

typedef struct chunk {
    const function *f;
    tg_tape *tape;
    float x[CHUNK];
    int n;
    double worst;
    float worst_at;
} chunk;

static float float_of(uint32_t bits)
{
    float x = 0;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits = 0;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* |got - want| in units of the last place of a float32 at `want`. */
static double float_ulps(float got, double want)
{
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want) ? 0 : (double)INFINITY;
    if (!signbit(got) != !signbit(want))
        return (double)INFINITY;
    if (isinf(got) || isinf(want))
        return got == (float)want ? 0 : (double)INFINITY;
    uint64_t bits = 0;
    memcpy(&bits, &want, sizeof bits);
    uint64_t biased = bits >> 52 & 0x7ff, least = 1023 - 126;
    uint64_t inverse = (2046 - (biased > least ? biased : least) + 23) << 52;
    double scale = 0;
    memcpy(&scale, &inverse, sizeof scale);
    return fabs((double)got - want) * scale;
}

static void flush(chunk *c)
{
    tg_mark mark = tg_tape_mark(c->tape);
    tg_tensor *y = c->f->ours(tg_from_blob(c->tape, c->x, TG_DIMS(c->n), 0));
    assert_ok(c->tape);
    const float *got = tg_f32(y);
    for (int i = 0; i < c->n; i++) {
        double ulps = float_ulps(got[i], c->f->reference((double)c->x[i]));
        if (ulps > c->worst) {
            c->worst = ulps;
            c->worst_at = c->x[i];
        }
    }
    tg_tape_rewind(c->tape, mark);
    c->n = 0;
}

static void add(chunk *c, float x)
{
    c->x[c->n++] = x;
    if (c->n == CHUNK)
        flush(c);
}

static void add_near_edges(chunk *c)
{
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        uint32_t at = bits_of(edges[i]), low = at < NEAR ? 0 : at - NEAR;
        for (uint32_t bits = low; bits <= at + NEAR; bits++) {
            add(c, float_of(bits));
            add(c, float_of(bits | 0x80000000U));
        }
    }
}

/* Primes, so that the last bits take all values. */
static uint64_t stride(void)
{
    const char *all = getenv("TINYGRAD_ALL_FLOATS");
    if (all && !strcmp(all, "1"))
        return 1;
#ifdef SANITIZED
    return 10007;
#else
    return 509;
#endif
}

static void test_function(void **state)
{
    static chunk c;
    c = (chunk){.f = *state, .tape = tg_tape_new(NULL)};
    for (uint64_t bits = 0; bits < (uint64_t)1 << 32; bits += stride())
        add(&c, float_of((uint32_t)bits));
    add_near_edges(&c);
    flush(&c);
    print_message("%-10s %.7f ulp at %a\n", c.f->name, c.worst, (double)c.worst_at);
    assert_true(c.worst <= 0.501);
    tg_tape_free(c.tape);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[FUNCTIONS];
    for (int i = 0; i < FUNCTIONS; i++)
        tests[i] = (struct CMUnitTest){functions[i].name, test_function, NULL, NULL, &functions[i]};
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
