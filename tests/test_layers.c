/* Layers with PyTorch's weights against what it computes with them, see golden/layers.py. */
#include "check.h"

#include "golden/layers.inc"

#include <math.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Values as golden/layers.py writes them, one tensor after the other. */
typedef struct golden {
    const double *values;
    size_t n, at;
} golden;

static void expect(golden *g, tg_tensor *t)
{
    const double *values = tg_f64(tg_contiguous(t));
    assert_non_null(values);
    for (int64_t i = 0; i < tg_numel(t); i++, g->at++) {
        assert_true(g->at < g->n);
        if (fabs(values[i] - g->values[g->at]) > 1e-13 + 1e-12 * fabs(g->values[g->at]))
            fail_msg("value %d is %.17g, wanted %.17g", (int)g->at, values[i], g->values[g->at]);
    }
}

static tg_tensor *squares(tg_tensor *t)
{
    return tg_sum(tg_square(t));
}

/* --- recurrent layers: of 3 inputs and 2 units, 2 rows of 4 steps --- */

enum { MOST = 16, STEPS = 4, ROWS = 2, IN = 3, UNITS = 2 };

static size_t make_weights(tg_tape *tape, int64_t gates, const tg_recurrent_opts *o, tg_tensor **w)
{
    const int64_t directions = o->bidirectional ? 2 : 1, rows = gates * UNITS;
    size_t n = 0;
    for (int64_t i = 0; i < o->layers * directions; i++) {
        int64_t in = i < directions ? IN : UNITS * directions;
        w[n++] = tg_zeros(tape, TG_DIMS(rows, in), TG_F64 | TG_REQUIRES_GRAD);
        w[n++] = tg_zeros(tape, TG_DIMS(rows, UNITS), TG_F64 | TG_REQUIRES_GRAD);
        w[n++] = tg_zeros(tape, TG_DIMS(rows), TG_F64 | TG_REQUIRES_GRAD);
        w[n++] = tg_zeros(tape, TG_DIMS(rows), TG_F64 | TG_REQUIRES_GRAD);
    }
    tg_recurrent_init(w, n, UNITS);
    return n;
}

static void recurrent(bool has_c, tg_recurrent_opts o, golden g)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w[MOST], *h = NULL, *c = NULL;
    tg_manual_seed(tape, 7);
    const size_t n = make_weights(tape, has_c ? 4 : 3, &o, w);
    const int64_t states = o.layers * (o.bidirectional ? 2 : 1);
    const int64_t first = o.batch_first ? ROWS : STEPS, second = o.batch_first ? STEPS : ROWS;
    tg_tensor *x = tg_randn(tape, TG_DIMS(first, second, IN), TG_F64 | TG_REQUIRES_GRAD);
    o.h0 = tg_randn(tape, TG_DIMS(states, ROWS, UNITS), TG_F64 | TG_REQUIRES_GRAD);
    if (has_c)
        o.c0 = tg_randn(tape, TG_DIMS(states, ROWS, UNITS), TG_F64 | TG_REQUIRES_GRAD);
    if (o.layers == 2)
        o.lengths = tg_from_i64(tape, (int64_t[]){2, 4}, TG_DIMS(ROWS), 0);
    tg_tensor *y = has_c ? tg_lstm(x, w, n, &o, &h, &c) : tg_gru(x, w, n, &o, &h);
    tg_tensor *loss = tg_add(squares(y), squares(h));
    tg_backward(has_c ? tg_add(loss, squares(c)) : loss);
    tg_tensor *all[] = {y, h, c, tg_grad(x), tg_grad(o.h0), has_c ? tg_grad(o.c0) : NULL};
    for (size_t i = 0; i < COUNT(all); i++) {
        if (all[i])
            expect(&g, all[i]);
    }
    for (size_t i = 0; i < n; i++)
        expect(&g, tg_grad(w[i]));
    assert_int_equal(g.at, g.n);
    assert_ok(tape);
    tg_tape_free(tape);
}

static void lstm_as_torch(void **state)
{
    (void)state;
    const tg_recurrent_opts two = {.layers = 2, .bidirectional = true, .batch_first = true};
    recurrent(true, (tg_recurrent_opts){.layers = 1}, (golden){lstm, COUNT(lstm), 0});
    recurrent(true, two, (golden){lstm_lengths, COUNT(lstm_lengths), 0});
}

static void gru_as_torch(void **state)
{
    (void)state;
    const tg_recurrent_opts two = {.layers = 2, .bidirectional = true, .batch_first = true};
    recurrent(false, (tg_recurrent_opts){.layers = 1}, (golden){gru, COUNT(gru), 0});
    recurrent(false, two, (golden){gru_lengths, COUNT(gru_lengths), 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lstm_as_torch),
        cmocka_unit_test(gru_as_torch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
