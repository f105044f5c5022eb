/* How accurate the float32 gradients of silu and gelu are, which are computed in float: within 2^-22
 * of the exact slope or of 1, whichever is larger; where the slope is small, far below 0, within
 * 2^-20 of itself. (PyTorch's are within 2^-20 of 1, and gelu's far below 0 have no right digit.) */
#include "check.h"

#include <math.h>

typedef struct function {
    const char *name;
    tg_tensor *(*ours)(tg_tensor *);
    double (*slope)(double);
} function;

static double silu_slope(double x)
{
    double s = x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)), rest = 1 / (1 + exp(x));
    return s * (1 + x * rest);
}

static double gelu_slope(double x)
{
    double density = exp(-0.5 * x * x) * 0.39894228040143267794;
    return 0.5 * erfc(x * -0.70710678118654752440) + x * density;
}

static function functions[] = {{"silu", tg_silu, silu_slope}, {"gelu", tg_gelu, gelu_slope}};
enum { FUNCTIONS = sizeof functions / sizeof *functions, CHUNK = 1 << 14 };

typedef struct worst {
    double whole, tail;
} worst;

static void check_chunk(const function *f, tg_tape *tape, float *x, worst *w)
{
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *leaf = tg_from_blob(tape, x, TG_DIMS(CHUNK), TG_F32 | TG_REQUIRES_GRAD);
    tg_backward(tg_sum(f->ours(leaf)));
    assert_ok(tape);
    const float *got = tg_f32(tg_grad(leaf));
    for (int i = 0; i < CHUNK; i++) {
        double want = f->slope((double)x[i]), error = fabs((double)got[i] - want);
        assert_true(error >= 0);
        w->whole = fmax(w->whole, error / fmax(1, fabs(want)));
        if (x[i] < -3 && fabs(want) > 1e-30)
            w->tail = fmax(w->tail, error / fabs(want));
    }
    tg_tape_rewind(tape, mark);
}

/* Floats of every size, and evenly what lies between -16 and 16. */
static void test_slope(void **state)
{
    static float x[CHUNK];
    const function *f = *state;
    worst w = {0, 0};
    tg_tape *tape = tg_tape_new(NULL);
    for (int part = 0; part < 32; part++) {
        for (int i = 0; i < CHUNK; i++) {
            uint32_t at = (uint32_t)(part * CHUNK + i), bits = at * 8111;
            memcpy(&x[i], &bits, sizeof bits);
            if (i % 2 || !isfinite(x[i]))
                x[i] = (float)at * (32.0F / 32 / (float)CHUNK) - 16;
        }
        check_chunk(f, tape, x, &w);
    }
    print_message("%s: 2^%.2f of 1, 2^%.2f of itself\n", f->name, log2(w.whole), log2(w.tail));
    assert_true(w.whole <= 0x1p-22 && w.tail <= 0x1p-20);
    tg_tape_free(tape);
}

int main(void)
{
    struct CMUnitTest tests[FUNCTIONS];
    for (int i = 0; i < FUNCTIONS; i++)
        tests[i] = (struct CMUnitTest){functions[i].name, test_slope, NULL, NULL, &functions[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
