/* The random generator against PyTorch: the streams of golden/random.inc, drawn through the public
 * functions, the documented values, and what random.h promises beyond them. */
#include "random/generator.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <tinygrad.h>

enum kind { LIBM, SEED, RAND, RANDN, RANDPERM, RANDINT, UNIFORM, NORMAL, LINEAR };

/* One line of golden/random.inc. */
typedef struct golden {
    int line;
    enum kind kind;
    int dtype;
    int ndim;
    int64_t dims[2];
    int64_t low, high; /* RANDINT */
    double a, b;       /* UNIFORM, NORMAL */
    bool option;       /* UNIFORM, NORMAL: fill the transpose; LINEAR: with bias */
    uint64_t seed;
    int bits;             /* the number of elements in want, after the hash */
    const uint64_t *want; /* the hash, then elements */
} golden;

/* clang-format off */
#define SIZE(n) .line = __LINE__, .ndim = 1, .dims = {n}
#define MATRIX(rows, columns) .line = __LINE__, .ndim = 2, .dims = {rows, columns}
#define WANT(...)                                                                                  \
    .bits = (int)(sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)) - 1,                 \
    .want = (const uint64_t[]){__VA_ARGS__}

#define LIBM(count, ...) {SIZE(count), .kind = LIBM, WANT(__VA_ARGS__)},
#define SEED(value) {.line = __LINE__, .kind = SEED, .seed = (value)},
#define DRAW(what, type, n, ...) {SIZE(n), .kind = what, .dtype = TG_##type, WANT(__VA_ARGS__)},
#define FILL(what, type, n, from, to, ...)                                                         \
    {SIZE(n), .kind = what, .dtype = TG_##type, .a = (from), .b = (to), WANT(__VA_ARGS__)},
#define TURN(what, type, rows, columns, from, to, ...)                                             \
    {MATRIX(rows, columns), .kind = what, .dtype = TG_##type, .a = (from), .b = (to),              \
     .option = true, WANT(__VA_ARGS__)},
#define SPAN(type, n, from, to, ...)                                                               \
    {SIZE(n), .kind = RANDINT, .dtype = TG_##type, .low = (from), .high = (to), WANT(__VA_ARGS__)},
#define LAYER(type, outputs, inputs, bias, ...)                                                    \
    {MATRIX(outputs, inputs), .kind = LINEAR, .dtype = TG_##type, .option = (bias),                \
     WANT(__VA_ARGS__)},
/* clang-format on */

static const golden goldens[] = {
#include "golden/random.inc"
};

enum { GOLDENS = sizeof goldens / sizeof goldens[0], LARGEST = 4096 * sizeof(double) };

/* The elements of one draw, one tensor after the other. */
typedef struct drawn {
    size_t width;
    size_t size;
    unsigned char bytes[LARGEST];
} drawn;

static const void *data_of(const tg_tensor *t)
{
    switch (tg_dtype(t)) {
    case TG_F32:
        return tg_f32(t);
    case TG_F64:
        return tg_f64(t);
    case TG_I64:
        return tg_i64(t);
    default:
        return tg_bool(t);
    }
}

static void append(drawn *d, const tg_tensor *t)
{
    static const size_t widths[] = {sizeof(float), sizeof(double), sizeof(int64_t), sizeof(bool)};
    assert_non_null(t);
    d->width = widths[tg_dtype(t)];
    size_t size = (size_t)tg_numel(t) * d->width;
    if (size == 0) {
        return;
    }
    assert_true(d->size + size <= LARGEST);
    assert_non_null(data_of(t));
    memcpy(d->bytes + d->size, data_of(t), size);
    d->size += size;
}

/* -- Drawing ---------------------------------------------------------------------------------- */

static void draw_fill(tg_tape *tape, const golden *g, drawn *d)
{
    tg_tensor *t = tg_zeros(tape, g->ndim, g->dims, g->dtype);
    tg_tensor *filled = g->option ? tg_transpose(t, 0, 1) : t;
    if (g->kind == UNIFORM) {
        tg_uniform_(filled, g->a, g->b);
    } else {
        tg_normal_(filled, g->a, g->b);
    }
    append(d, t);
}

static void draw_linear(tg_tape *tape, const golden *g, drawn *d)
{
    tg_tensor *weight = tg_zeros(tape, 2, g->dims, g->dtype);
    tg_tensor *bias = g->option ? tg_zeros(tape, 1, g->dims, g->dtype) : NULL;
    tg_linear_init(weight, bias);
    append(d, weight);
    if (bias) {
        append(d, bias);
    }
}

static void draw(tg_tape *tape, const golden *g, drawn *d)
{
    switch (g->kind) {
    case LIBM: /* draws nothing */
        break;
    case SEED:
        tg_manual_seed(tape, g->seed);
        break;
    case RAND:
        append(d, tg_rand(tape, 1, g->dims, g->dtype));
        break;
    case RANDN:
        append(d, tg_randn(tape, 1, g->dims, g->dtype));
        break;
    case RANDPERM:
        append(d, tg_randperm(tape, g->dims[0], g->dtype));
        break;
    case RANDINT:
        append(d, tg_randint(tape, g->low, g->high, 1, g->dims, g->dtype));
        break;
    case UNIFORM:
    case NORMAL:
        draw_fill(tape, g, d);
        break;
    case LINEAR:
        draw_linear(tape, g, d);
        break;
    }
}

/* -- Comparing -------------------------------------------------------------------------------- */

static const uint64_t fnv1a_start = UINT64_C(0xcbf29ce484222325);

static uint64_t number_at(const void *data, size_t width)
{
    uint32_t narrow;
    uint64_t wide;
    if (width == 1)
        return *(const unsigned char *)data;
    memcpy(&narrow, data, sizeof narrow);
    if (width == sizeof narrow)
        return narrow;
    memcpy(&wide, data, sizeof wide);
    return wide;
}

/* Of the numbers' bytes from the lowest on, whatever order the machine has them in. */
static uint64_t fnv1a(uint64_t hash, const void *data, size_t size, size_t width)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t number = number_at((const unsigned char *)data + i / width * width, width);
        hash = (hash ^ (number >> i % width * 8 & 0xff)) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Double normals have the last bits of libm's functions. Whether they are here those of the machine
 * that wrote the golden values is found by calling them, not from their results in a normal. */
static bool is_same_libm(const golden *g)
{
    uint64_t hash = fnv1a_start;
    for (int64_t i = 0; i < g->dims[0]; i++) {
        double u = fmod((double)i * 0.6180339887498949, 1.0);
        double angle = 0x1.921fb54442d18p+2 * u;
        double values[] = {log(1 - u), log1p(-u), sin(angle), cos(angle)};
        hash = fnv1a(hash, values, sizeof values, sizeof *values);
    }
    return hash == g->want[0];
}

static void compare(const golden *g, const drawn *d)
{
    for (int i = 0; i < g->bits; i++) {
        uint64_t got = number_at(d->bytes + (size_t)i * d->width, d->width);
        if (got != g->want[1 + i]) {
            fail_msg("random.inc:%d: element %d is 0x%llx", g->line, i, (unsigned long long)got);
        }
    }
    if (fnv1a(fnv1a_start, d->bytes, d->size, d->width) != g->want[0]) {
        fail_msg("random.inc:%d: an element after the first %d differs", g->line, g->bits);
    }
}

static void compare_roughly(const golden *g, const drawn *d)
{
    double scale = g->kind == RANDN ? 1 : fabs(g->a) + fabs(g->b);
    for (int i = 0; i < g->bits; i++) {
        double got, want;
        memcpy(&got, d->bytes + (size_t)i * sizeof got, sizeof got);
        memcpy(&want, &g->want[1 + i], sizeof want);
        if (!(fabs(got - want) <= 1e-14 * scale)) {
            fail_msg("random.inc:%d: element %d is %a", g->line, i, got);
        }
    }
}

static void check(const golden *g, const drawn *d, bool same_libm)
{
    if (g->kind == SEED) {
        return;
    }
    bool double_normal = g->dtype == TG_F64 && (g->kind == RANDN || g->kind == NORMAL);
    if (double_normal && !same_libm) {
        compare_roughly(g, d);
    } else {
        compare(g, d);
    }
}

static void golden_streams(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark start = tg_tape_mark(tape);
    assert_int_equal(goldens[0].kind, LIBM);
    bool same_libm = is_same_libm(&goldens[0]);
    if (!same_libm) {
        print_message("Another libm: double normals are compared up to rounding only.\n");
    }
    for (int i = 1; i < GOLDENS; i++) {
        drawn d = {.width = 1};
        draw(tape, &goldens[i], &d);
        assert_string_equal(tg_error_message(tape), "");
        check(&goldens[i], &d, same_libm);
        assert_int_equal(tg_tape_rewind(tape, start), TG_OK);
    }
    tg_tape_free(tape);
}

/* -- Documented values ------------------------------------------------------------------------ */

static void documented_words(void **state)
{
    (void)state;
    static const uint32_t words[] = {1608637542u, 3421126067u, 4083286876u, 787846414u};
    tg_generator g = {.isa = 0};
    tg_generator_seed(&g, 42);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(tg_generator_u32(&g), words[i]);
    }
    tg_generator_seed(&g, 42);
    assert_true(tg_generator_u64(&g) == ((uint64_t)words[0] << 32 | words[1]));
}

/* The 10,000th word of the standard's mersenne_twister_engine with its default seed. */
static void standard_word(void **state)
{
    (void)state;
    tg_generator g = {.isa = 0};
    tg_generator_seed(&g, 5489);
    for (int i = 1; i < 10000; i++) {
        tg_generator_u32(&g);
    }
    assert_int_equal(tg_generator_u32(&g), 4123659995u);
}

static void documented_bernoulli(void **state)
{
    (void)state;
    static const bool wanted[] = {1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0};
    tg_generator g = {.isa = 0};
    tg_generator_seed(&g, 42);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(tg_generator_uniform(&g) < 0.3, wanted[i]);
    }
}

static void assert_floats(const tg_tensor *t, int n, const int *at, const float *wanted)
{
    assert_non_null(tg_f32(t));
    for (int i = 0; i < n; i++) {
        assert_memory_equal(tg_f32(t) + (at ? at[i] : i), wanted + i, sizeof wanted[i]);
    }
}

static void documented_floats(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 42);
    assert_floats(tg_rand(tape, TG_DIMS(3), 0), 3, NULL,
                  (float[]){0x1.c3b8ccp-1f, 0x1.d47b66p-1f, 0x1.880d70p-2f});
    tg_manual_seed(tape, 42);
    assert_floats(tg_randn(tape, TG_DIMS(3), 0), 3, NULL,
                  (float[]){0x1.58c55cp-2f, 0x1.07cd3ap-3f, 0x1.e02dcep-3f});
    tg_manual_seed(tape, 42);
    assert_floats(tg_randn(tape, TG_DIMS(16), 0), 2, NULL,
                  (float[]){0x1.ed4a52p+0f, 0x1.7cbea6p+0f});
    tg_manual_seed(tape, 42);
    assert_floats(tg_randn(tape, TG_DIMS(17), 0), 5, (int[]){0, 1, 8, 9, 16},
                  (float[]){0x1.ed4a52p+0f, -0x1.46db0ap-3f, 0x1.6c668ap-2f, 0x1.4be25ep+0f,
                            -0x1.3d2904p-2f});
    tg_manual_seed(tape, 40431);
    assert_floats(tg_randn(tape, TG_DIMS(3, 5), TG_REQUIRES_GRAD), 15, NULL,
                  (float[]){-0x1.36d674p-3f, 0x1.512642p-1f, 0x1.78e79cp+0f, 0x1.84f0aap-1f,
                            0x1.1f6124p-6f, -0x1.51ad34p-1f, 0x1.b6b8c4p+0f, -0x1.933ed0p-5f,
                            0x1.bdb384p+0f, 0x1.41e4d8p-2f, -0x1.037f5ap-1f, 0x1.2f78dep-2f,
                            0x1.01a69ep+0f, -0x1.7cf03ap+0f, -0x1.ede906p-2f});
    tg_tape_free(tape);
}

static void documented_integers(void **state)
{
    (void)state;
    static const int64_t permuted[] = {2, 6, 1, 8, 4, 5, 0, 9, 3, 7};
    static const int64_t drawn_below_100[] = {42, 67, 76, 14, 26, 35, 20, 24};
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, 42);
    tg_tensor *t = tg_randperm(tape, 10, TG_I64);
    assert_memory_equal(tg_i64(t), permuted, sizeof permuted);
    tg_manual_seed(tape, 42);
    t = tg_randint(tape, 0, 100, TG_DIMS(8), TG_I64);
    assert_memory_equal(tg_i64(t), drawn_below_100, sizeof drawn_below_100);
    tg_tape_free(tape);
}

/* -- What random.h promises ------------------------------------------------------------------- */

enum { MANY = 1500 };

/* From an odd place in the state, so that doubles straddle its end. */
static void uniforms_one_by_one(void **state)
{
    (void)state;
    static float floats[MANY];
    static double doubles[MANY];
    tg_generator a = {.isa = 0};
    tg_generator_seed(&a, 7);
    tg_generator_u32(&a);
    tg_generator b = a;
    tg_generator_uniform_f32(&a, floats, MANY, -0.1, 0.7);
    tg_generator_uniform_f64(&a, doubles, MANY, -0.1, 0.7);
    for (int i = 0; i < MANY; i++) {
        float x;
        tg_generator_uniform_f32(&b, &x, 1, -0.1, 0.7);
        assert_memory_equal(&x, &floats[i], sizeof x);
    }
    for (int i = 0; i < MANY; i++) {
        double x;
        tg_generator_uniform_f64(&b, &x, 1, -0.1, 0.7);
        assert_memory_equal(&x, &doubles[i], sizeof x);
    }
    assert_int_equal(tg_generator_u32(&a), tg_generator_u32(&b));
}

/* A pending normal outlives other draws, has mean and std of the call that takes it, and ends with
 * the next seed. */
static void pending_normal(void **state)
{
    (void)state;
    float block[16];
    tg_generator g = {.isa = 0};
    tg_generator_seed(&g, 3);
    tg_generator_normal(&g, 0, 1);
    double pending = tg_generator_normal(&g, 0, 1);
    tg_generator_seed(&g, 3);
    double first = tg_generator_normal(&g, 5, 2);
    tg_generator_normal_f32(&g, block, 16, 0, 1);
    tg_generator_uniform_f32(&g, block, 3, 0, 1);
    assert_true(tg_generator_normal(&g, 0, 4) == 4 * pending);
    tg_generator_seed(&g, 3);
    tg_generator_normal(&g, 0, 1);
    tg_generator_seed(&g, 3);
    assert_true(tg_generator_normal(&g, 5, 2) == first);
}

/* -- What tinygrad.h promises ----------------------------------------------------------------- */

static void replay_draws_on(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    float second[20];
    tg_manual_seed(tape, 9);
    tg_rand(tape, TG_DIMS(20), 0);
    tg_tensor *t = tg_rand(tape, TG_DIMS(20), 0);
    memcpy(second, tg_f32(t), sizeof second);
    tg_manual_seed(tape, 9);
    tg_mark mark = tg_tape_mark(tape);
    t = tg_rand(tape, TG_DIMS(20), 0);
    assert_int_equal(tg_tape_replay(tape, mark), TG_OK);
    assert_memory_equal(tg_f32(t), second, sizeof second);
    tg_tape_free(tape);
}

static void assert_refused(tg_tape *tape, tg_status status, const char *name)
{
    assert_int_equal(tg_error(tape), status);
    assert_int_equal(strncmp(tg_error_message(tape), name, strlen(name)), 0);
    tg_clear_error(tape);
}

/* Wrong calls are reported and draw nothing. */
static void errors(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *t = tg_zeros(tape, TG_DIMS(4), 0);
    tg_tensor *whole = tg_zeros(tape, TG_DIMS(4), TG_I64);
    tg_manual_seed(tape, 42);
    assert_null(tg_rand(tape, TG_DIMS(4), TG_I64));
    assert_refused(tape, TG_EDTYPE, "rand:");
    assert_null(tg_randn(tape, TG_DIMS(4), TG_BOOL));
    assert_refused(tape, TG_EDTYPE, "randn:");
    assert_null(tg_randn(tape, TG_DIMS(-1), 0));
    assert_refused(tape, TG_ESHAPE, "randn:");
    assert_null(tg_randint(tape, 5, 5, TG_DIMS(4), TG_I64));
    assert_refused(tape, TG_EVALUE, "randint:");
    assert_null(tg_randperm(tape, -1, TG_I64));
    assert_refused(tape, TG_EVALUE, "randperm:");
    tg_uniform_(t, 1, 0);
    assert_refused(tape, TG_EVALUE, "uniform_:");
    tg_uniform_(whole, 0, 1);
    assert_refused(tape, TG_EDTYPE, "uniform_:");
    tg_normal_(t, 0, -1);
    assert_refused(tape, TG_EVALUE, "normal_:");
    tg_normal_(whole, 0, 1);
    assert_refused(tape, TG_EDTYPE, "normal_:");
    assert_floats(tg_rand(tape, TG_DIMS(1), 0), 1, NULL, (float[]){0x1.c3b8ccp-1f});
    tg_tape_free(tape);
}

/* The largest ranges, and what is just beyond: a float's limits are those of its dtype. */
static void uniform_limits(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tensor *t = tg_zeros(tape, TG_DIMS(50), dtype);
        const double most = dtype == TG_F32 ? (double)FLT_MAX : DBL_MAX;
        const double beyond = nextafter(most, (double)INFINITY), half = most / 2;
        const double good[][2] = {{-half, half}, {0, most},      {-most, 0},
                                  {most, most},  {-most, -most}, {2, 2}};
        const double bad[][2] = {{-half, half * (1 + 4 * DBL_EPSILON)},
                                 {-half * (1 + 4 * DBL_EPSILON), half},
                                 {0, beyond},
                                 {-beyond, 0},
                                 {beyond, beyond},
                                 {-beyond, -beyond},
                                 {-most, most},
                                 {2, nextafter(2, 1)},
                                 {(double)NAN, 1},
                                 {0, (double)NAN}};
        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
            tg_uniform_(t, good[i][0], good[i][1]);
            assert_int_equal(tg_error(tape), TG_OK);
            assert_true(tg_item(tg_min(t)) >= good[i][0] && tg_item(tg_max(t)) <= good[i][1]);
        }
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            tg_uniform_(t, bad[i][0], bad[i][1]);
            assert_refused(tape, TG_EVALUE, "uniform_: no range from ");
        }
    }
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_streams),      cmocka_unit_test(documented_words),
        cmocka_unit_test(standard_word),       cmocka_unit_test(documented_bernoulli),
        cmocka_unit_test(documented_floats),   cmocka_unit_test(documented_integers),
        cmocka_unit_test(uniforms_one_by_one), cmocka_unit_test(pending_normal),
        cmocka_unit_test(replay_draws_on),     cmocka_unit_test(errors),
        cmocka_unit_test(uniform_limits),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
