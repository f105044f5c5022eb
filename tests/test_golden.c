/* The library against PyTorch: every case of golden/ops.inc, output and gradients, reported by name
 * with its worst element. Where the library differs on purpose, `exceptions` says what it gives
 * instead, and why. Relies on golden.h for reading and running a case. */
#define _POSIX_C_SOURCE 200809L /* NOLINT(bugprone-reserved-identifier): for fmemopen() */
#include "golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum source { PYTORCH, EXACTLY, TEXTS };

/* One line of golden/ops.inc. */
typedef struct golden {
    const char *name;
    enum source source;
    const char *output;   /* TEXTS: what is printed for the output ... */
    const char *gradient; /* ... and for the first gradient */
    size_t n;
    const uint64_t *bits;
} golden;

/* clang-format off */
#define BITS(...)                                                                                  \
    sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t) - 1, (const uint64_t[]){__VA_ARGS__}
#define CASE(name, output, ...) {name, PYTORCH, output, NULL, BITS(__VA_ARGS__)},
#define EXACT(name, output, ...) {name, EXACTLY, output, NULL, BITS(__VA_ARGS__)},
#define PRINTED(name, output, gradient) {name, TEXTS, output, gradient, 0, NULL},
/* clang-format on */

static const golden goldens[] = {
#include "golden/ops.inc"
/* And of others: */
#include "golden/formulas.inc"
};
enum { GOLDENS = sizeof goldens / sizeof goldens[0] };

/* --- where the library differs on purpose --- */

/* In a name, T stands for f or d. The elements from `from` on (n of them; 0: all of the part) are
 * `want` instead of what PyTorch gives. */
typedef struct exception {
    const char *name, *reason;
    int part; /* as in struct worst */
    int64_t from, n;
    double want;
} exception;

static const char ignored[] = "an ignored position has gradient 0 whatever its logits";
static const char no_overflow[] = "finite logits overflow nothing on the way to a finite loss";
static const char any_nan[] = "nans share the gradient as other ties do, and as in max()";
static const char first_nan[] =
    "the first of several nans gets the gradient, as in max_pool of ties";
static const char nan_alone[] = "a nan changes nothing for its neighbours; there, PyTorch's is nan";
static const char epsilon[] = "PyTorch's 1e-12 is a float32, also for float64";
static const char lone[] = "a row of one element is its own mean";
static const char certain[] = "the term of a target of 0 is 0, also for a log-probability of -inf";
static const char mistake[] = "an infinitely confident mistake costs inf";
static const char gelu_limit[] = "the limit at inf; PyTorch's float32 multiplies inf by 0";
static const char no_position[] = "the mean over weights that sum to 0 is nan with zero gradients";

/* clang-format off */
#define IGNORED_ROW(row)                                                                           \
    {"cross_entropy T2x3!=" row ",0.5,1,2 i2=-100,2 <=1", ignored, 1, 0, 3, 0},                    \
    {"cross_entropy T2x3!=" row ",0.5,1,2 i2=-100,2 reduction:sum label_smoothing:0.1 <=1",        \
     ignored, 1, 0, 3, 0}
#define KINKS "0,-0,1,-1,nan,inf,-inf,0.5,-2.5,1e-40,1e-8,-1e-8"
#define OVERFLOW(name, want) {"cross_entropy " name, no_overflow, 0, 0, 1, want}
#define ZERO_GRADIENT(name) {name, no_position, 1, 0, 0, 0}
#define NO_POSITION(name) {name, no_position, 0, 0, 1, (double)NAN}, ZERO_GRADIENT(name)
/* clang-format on */

static const exception exceptions[] = {
    IGNORED_ROW("-inf,-inf,-inf"),
    IGNORED_ROW("inf,1,2"),
    IGNORED_ROW("inf,inf,0"),
    IGNORED_ROW("inf,-inf,0"),
    IGNORED_ROW("nan,1,2"),
    IGNORED_ROW("nan,inf,-inf"),
    OVERFLOW("f1x3!=3e38,-3e38,0 i1=0 label_smoothing:0.1 <=1", 3e37),
    OVERFLOW("f1x3!=3e38,-3e38,0 f1x3!=0.5,0,0.5 <=1", 1.5e38),
    OVERFLOW("f2x3!=3e38,-3e38,0,1,2,3 f2x3!=0.5,0.25,0.25 f3!=1,0,2 reduction:none", 1.5e38),
    OVERFLOW("f2x3!=3e38,-3e38,0,0.5,1,2 i2=1,2 f3=1,0,1 <=1", 0.46436878410794485),
    OVERFLOW("d1x3!=1.5e308,-1.5e308,0 i1=0 label_smoothing:0.1 <=1", 1.5e307),
    OVERFLOW("d1x3!=1.5e308,-1.5e308,0 d1x3!=0.5,0,0.5 <=1", 7.5e307),
    OVERFLOW("d2x3!=1.5e308,-1.5e308,0,1,2,3 d2x3!=0.5,0.25,0.25 d3!=1,0,2 reduction:none",
             7.5e307),
    OVERFLOW("d2x3!=1.5e308,-1.5e308,0,0.5,1,2 i2=1,2 d3=1,0,1 <=1", 0.46436878410794485),
    OVERFLOW("d1x3!=1e308,1e308,-1e308 d1x3!=0.5,0,0.5 <=1", 1e308),
    OVERFLOW("d1x3!=1e308,1e308,-1e308 i1=0 label_smoothing:0.1 <=1", 1e308 / 15),
    OVERFLOW("d1x3!=1e308,1e308,-1e308 i1=1 label_smoothing:0.1 <=1", 1e308 / 15),
    OVERFLOW("d2x3!=1e308,1e308,-1e308,1,2,3 d2x3!=0.5,0.25,0.25 d3!=1,0,2 reduction:none", 1e308),
    NO_POSITION("cross_entropy T3x4! i3=1,2,3 T4=5,1,-2,1"),
    NO_POSITION("cross_entropy T3x4! i3=1,2,3 T4=5,1,-2,1 label_smoothing:0.1"),
    NO_POSITION("nll_loss T3x4! i3=1,2,3 T4=5,1,-2,1"),
    {"amax T3!=nan <=1", any_nan, 1, 0, 3, 1.0 / 3},
    {"amin T3!=nan <=1", any_nan, 1, 0, 3, 1.0 / 3},
    {"amax T3!=nan,1,1 <=1", any_nan, 1, 0, 1, 1},
    {"amin T3!=nan,1,1 <=1", any_nan, 1, 0, 1, 1},
    {"amax T3!=nan,1,1 <=1", any_nan, 1, 1, 2, 0},
    {"amin T3!=nan,1,1 <=1", any_nan, 1, 1, 2, 0},
    {"elu d12!=" KINKS " s:0.3 <=1", nan_alone, 1, 4, 1, 1},
    {"gelu f12!=" KINKS, gelu_limit, 0, 5, 1, (double)INFINITY},
    {"max_pool1d T1x1x3!=nan,nan,3 kernel:2 stride:1 <=1", first_nan, 1, 0, 2, 1},
    {"bce_loss d6!=0,0,1,1,0.5,1e-20 d6=0,1,0,1,0.5,1 reduction:sum <=1", epsilon, 1, 1, 1, -1e12},
    {"bce_loss d6!=0,0,1,1,0.5,1e-20 d6=0,1,0,1,0.5,1 reduction:sum <=1", epsilon, 1, 2, 1, 1e12},
    {"bce_loss d6!=0,0,1,1,0.5,1e-20 d6=0,1,0,1,0.5,1 reduction:sum <=1", epsilon, 1, 5, 1, -1e12},
    {"layer_norm f3x1! f1! f1! shape:1 with:wb", lone, 2, 0, 1, 0},
    {"kl_div_loss T4!=-inf,0,nan,-1 T4=0,1,0.5,1 reduction:none", certain, 0, 0, 1, 0},
    {"bce_with_logits_loss T8!=0,20,-20,100,-100,nan,inf,-inf T8=0,1,0,1,0,1,0,1 T8=1 T8=1,2"
     " reduction:none with:wp",
     mistake, 0, 7, 1, (double)INFINITY},
    ZERO_GRADIENT("cross_entropy T3x4! i3=1 T4=2,0,1,1"),
    ZERO_GRADIENT("cross_entropy T3x4! i3=1 T4=2,0,1,1 label_smoothing:0.1"),
};
enum { EXCEPTIONS = sizeof exceptions / sizeof exceptions[0] };

static int needed[EXCEPTIONS]; /* how many elements would have failed without it */

static bool names_match(const char *pattern, const char *name)
{
    for (; *pattern && *name; pattern++, name++) {
        if (*pattern != *name && !(*pattern == 'T' && (*name == 'f' || *name == 'd')))
            return false;
    }
    return *pattern == *name;
}

/* -1: there is none. */
static int exception_for(const golden *g, int part, int64_t at)
{
    for (int i = 0; i < EXCEPTIONS && g->source == PYTORCH; i++) {
        const exception *e = &exceptions[i];
        if (e->part == part && at >= e->from && (!e->n || at < e->from + e->n) &&
            names_match(e->name, g->name))
            return i;
    }
    return -1;
}

/* --- comparing --- */

/* The worst element of what was compared. `excess` is the error over what is allowed. */
typedef struct worst {
    double excess, got, want;
    int part; /* 0: the output; i: the gradient of leaf i - 1 */
    int64_t at;
} worst;

static double from_bits(int dtype, uint64_t bits)
{
    float f;
    double d;
    uint32_t low = (uint32_t)bits;
    memcpy(&f, &low, sizeof f);
    memcpy(&d, &bits, sizeof d);
    return dtype == TG_F32 ? (double)f : dtype == TG_F64 ? d : (double)(int64_t)bits;
}

static double value_at(const tg_tensor *t, int64_t i)
{
    switch (tg_dtype(t)) {
    case TG_F32:
        return (double)tg_f32(t)[i];
    case TG_F64:
        return tg_f64(t)[i];
    case TG_I64:
        return (double)tg_i64(t)[i];
    default:
        return (double)tg_bool(t)[i];
    }
}

/* What an error of one unit in the last place is near `want`. */
static double ulp(int dtype, double want)
{
    if (dtype == TG_F32) {
        float x = fabsf((float)want);
        return (double)(nextafterf(x, INFINITY) - x);
    }
    return nextafter(fabs(want), (double)INFINITY) - fabs(want);
}

static double allowed(const golden *g, int dtype, golden_check check, double want)
{
    if (check == GOLDEN_BITS || dtype == TG_I64 || dtype == TG_BOOL)
        return 0;
    if (g->source == EXACTLY)
        return (dtype == TG_F32 ? 1 : 2) * ulp(dtype, want);
    /* What comes back through a float32 output is no better than that. */
    if (dtype == TG_F32 || g->output[0] == 'f')
        return 1e-5 + 1.3e-6 * fabs(want);
    return 1e-12 + 1e-11 * fabs(want);
}

/* Over 1 is a failure. */
static double excess_of(const golden *g, int dtype, golden_check check, double got, double want)
{
    double limit = allowed(g, dtype, check, want);
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want) ? 0 : (double)INFINITY;
    if (check != GOLDEN_NEAR && want == 0 && got == 0 && !signbit(got) != !signbit(want))
        return (double)INFINITY;
    if (got == want)
        return 0;
    double error = fabs(got - want);
    return limit > 0 && isfinite(error) ? error / limit : (double)INFINITY;
}

/* `part` of the results against bits; the worst element goes to w. */
static void compare(const golden *g, golden_check check, tg_tensor *t, const uint64_t *bits,
                    int part, worst *w)
{
    t = tg_contiguous(t);
    int dtype = tg_dtype(t);
    for (int64_t i = 0; i < tg_numel(t); i++) {
        double got = value_at(t, i), want = from_bits(dtype, bits[i]);
        double over = excess_of(g, dtype, check, got, want);
        int e = over > 1 ? exception_for(g, part, i) : -1;
        if (e >= 0) {
            needed[e]++;
            want = exceptions[e].want;
            over = excess_of(g, dtype, check, got, want);
        }
        if (over > w->excess)
            *w = (worst){over, got, want, part, i};
    }
}

/* --- running --- */

typedef struct outcome {
    const char *problem; /* NULL: there are results */
    golden_case c;
    tg_tensor *out;
} outcome;

static bool wants_grad(const golden_case *c)
{
    for (int i = 0; i < c->leaves; i++) {
        if (tg_requires_grad(c->leaf[i]))
            return true;
    }
    return false;
}

static bool all_options_read(const golden_case *c)
{
    for (int i = 0; i < c->n_options; i++) {
        if (!c->options[i].read)
            return false;
    }
    return true;
}

static void run(outcome *o, const golden *g, const golden_op *op, tg_tape *tape)
{
    o->problem = "the name is not understood";
    if (!golden_read(&o->c, tape, g->name))
        return;
    o->problem = "failed";
    o->out = op->run(&o->c);
    if (!o->out)
        return;
    if (!op->own_backward && wants_grad(&o->c))
        tg_backward_with(o->out, golden_upstream(&o->c, o->out), NULL);
    if (tg_error(tape))
        return;
    o->problem = all_options_read(&o->c) ? NULL : "an option is not read";
}

static bool same_shape(const tg_tensor *t, const char *text)
{
    int dtype, ndim;
    int64_t dims[GOLDEN_DIMS];
    if (!golden_shape(text, &dtype, &ndim, dims) || tg_dtype(t) != dtype || tg_ndim(t) != ndim)
        return false;
    for (int i = 0; i < ndim; i++) {
        if (tg_size(t, i) != dims[i])
            return false;
    }
    return true;
}

/* The gradient has its leaf's shape and dtype. */
static bool fits(const tg_tensor *grad, const tg_tensor *leaf)
{
    bool same = grad && tg_dtype(grad) == tg_dtype(leaf) && tg_ndim(grad) == tg_ndim(leaf);
    for (int i = 0; same && i < tg_ndim(leaf); i++)
        same = tg_size(grad, i) == tg_size(leaf, i);
    return same;
}

/* Compares all parts; returns what is wrong with their shapes, or NULL. */
static const char *compare_all(const golden *g, const golden_op *op, outcome *o, worst *w)
{
    if (!same_shape(o->out, g->output))
        return "the output has another dtype or shape";
    size_t at = (size_t)tg_numel(o->out);
    bool gradients = !op->own_backward;
    for (int i = 0; i < o->c.leaves && gradients; i++)
        at += tg_requires_grad(o->c.leaf[i]) ? (size_t)tg_numel(o->c.leaf[i]) : 0;
    if (at != g->n || g->bits[0] != g->n)
        return "the number of elements differs";
    const uint64_t *bits = g->bits + 1;
    compare(g, op->check, o->out, bits, 0, w);
    bits += tg_numel(o->out);
    for (int i = 0; i < o->c.leaves && gradients; i++) {
        if (!tg_requires_grad(o->c.leaf[i]))
            continue;
        tg_tensor *grad = tg_grad(o->c.leaf[i]);
        if (!fits(grad, o->c.leaf[i]))
            return "a gradient is missing or has another dtype or shape";
        compare(g, GOLDEN_NEAR, grad, bits, i + 1, w);
        bits += tg_numel(grad);
    }
    return NULL;
}

static bool passes(const golden *g, const golden_op *op)
{
    tg_tape *tape = tg_tape_new(NULL);
    static outcome o;
    worst w = {.part = -1};
    o = (outcome){0};
    run(&o, g, op, tape);
    const char *problem = o.problem ? o.problem : compare_all(g, op, &o, &w);
    bool ok = !problem && w.excess <= 1;
    if (problem)
        print_error("%s: %s. %s\n", g->name, problem, tg_error_message(tape));
    else if (!ok)
        print_error("%s: %s %d, element %lld: %.17g, wanted %.17g, %g times the tolerance\n",
                    g->name, w.part ? "gradient of input" : "output", w.part ? w.part - 1 : 0,
                    (long long)w.at, w.got, w.want, w.excess);
    tg_tape_free(tape);
    return ok;
}

/* --- tests --- */

static void test_op(void **state)
{
    const golden_op *op = *state;
    int cases = 0, failures = 0;
    for (size_t i = 0; i < GOLDENS; i++) {
        if (goldens[i].source == TEXTS || golden_op_of(goldens[i].name) != op)
            continue;
        cases++;
        failures += !passes(&goldens[i], op);
    }
    if (failures || !cases)
        fail_msg("%s: %d of %d cases failed", op->name, failures, cases);
}

static void test_every_case_has_an_operation(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        if (!golden_op_of(goldens[i].name))
            fail_msg("%s: there is no such operation", goldens[i].name);
    }
}

/* Runs after all operations. One that is no longer needed, or names no case, is to go. */
static void test_every_exception_is_needed(void **state)
{
    (void)state;
    for (int i = 0; i < EXCEPTIONS; i++) {
        if (!needed[i])
            fail_msg("%s, part %d: the exception is not needed: %s", exceptions[i].name,
                     exceptions[i].part, exceptions[i].reason);
    }
}

static void assert_prints(const char *name, const tg_tensor *t, const char *want)
{
    char text[1024] = "";
    FILE *file = fmemopen(text, sizeof text, "w");
    assert_non_null(file);
    assert_int_equal(tg_print(file, t), TG_OK);
    fclose(file);
    if (strcmp(text, want) != 0)
        fail_msg("%s prints\n%swanted\n%s", name, text, want);
}

static void test_printed_texts(void **state)
{
    (void)state;
    int texts = 0;
    for (size_t i = 0; i < GOLDENS; i++) {
        const golden *g = &goldens[i];
        if (g->source != TEXTS)
            continue;
        static outcome o;
        o = (outcome){0};
        tg_tape *tape = tg_tape_new(NULL);
        run(&o, g, golden_op_of(g->name), tape);
        assert_null(o.problem);
        assert_prints(g->name, o.out, g->output);
        assert_prints(g->name, tg_grad(o.c.leaf[0]), g->gradient);
        tg_tape_free(tape);
        texts++;
    }
    assert_int_not_equal(texts, 0);
}

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_every_case_has_an_operation),
        cmocka_unit_test(test_printed_texts),
        cmocka_unit_test(test_every_exception_is_needed),
    };
    enum { OTHERS = sizeof others / sizeof others[0], MAX_OPS = 256 };
    struct CMUnitTest tests[MAX_OPS + OTHERS];
    size_t n = 0;
    for (size_t i = 0; i < GOLDEN_TABLES; i++) {
        for (size_t j = 0; j < golden_tables[i]->n && n < MAX_OPS; j++) {
            const golden_op *op = &golden_tables[i]->ops[j];
            tests[n++] = (struct CMUnitTest){
                .name = op->name, .test_func = test_op, .initial_state = (void *)(uintptr_t)op};
        }
    }
    memcpy(tests + n, others, sizeof others);
    return _cmocka_run_group_tests("golden", tests, n + OTHERS, NULL, NULL);
}
