/* REFUSES(status, two parts of the message, an expression that is true where the call returned
 * what it should): checks that the call is refused, that its error says what is wrong, and that
 * everything else is as it was and goes on working. Each one runs in a world of its own, `w`,
 * whose tensors it may use. */
#ifndef TG_TESTS_REFUSES_H
#define TG_TESTS_REFUSES_H

#include "check.h"
#include "support.h"

enum { TENSORS = 10 };

typedef struct world {
    tg_tape *tape, *other;
    union {
        struct {
            tg_tensor *f;       /* float32 [2, 3], a leaf with a gradient */
            tg_tensor *d;       /* float64 [2, 3] */
            tg_tensor *i;       /* int64 [2], classes */
            tg_tensor *b;       /* bool [2, 3] */
            tg_tensor *v;       /* float32 [4] */
            tg_tensor *s;       /* float32 [], requires a gradient */
            tg_tensor *y;       /* float32 [2, 3], a result that requires a gradient */
            tg_tensor *t;       /* float32 [3, 2], f transposed */
            tg_tensor *alien;   /* float32 [2, 3], of another tape */
            tg_tensor *alien_i; /* int64 [2], of another tape */
        };
        tg_tensor *all[TENSORS];
    };
    tg_optim *optim; /* over f */
    tg_mark mark;
    snapshot before[TENSORS], gradients[TENSORS];
} world;

static inline void fill_world(world *w)
{
    tg_tape *tape = w->tape;
    tg_manual_seed(tape, 5);
    w->f = tg_from_f32(tape, (float[]){1, -2, 3, 4, -5, 6}, TG_DIMS(2, 3), TG_REQUIRES_GRAD);
    w->d = tg_full(tape, TG_DIMS(2, 3), 0.25, TG_F64);
    w->i = tg_from_i64(tape, (int64_t[]){1, 2}, TG_DIMS(2), 0);
    w->b = tg_ones(tape, TG_DIMS(2, 3), TG_BOOL);
    w->v = tg_arange(tape, 0, 4, 1, 0);
    w->s = tg_ones(tape, TG_SCALAR, TG_REQUIRES_GRAD);
    w->optim = tg_sgd(tape, &w->f, 1, NULL);
    w->y = tg_relu(w->f);
    w->t = tg_transpose(w->f, 0, 1);
    w->alien = tg_ones(w->other, TG_DIMS(2, 3), TG_REQUIRES_GRAD);
    w->alien_i = tg_zeros(w->other, TG_DIMS(2), TG_I64);
    assert_int_equal(tg_backward(tg_sum(w->y)), TG_OK);
}

static inline void take_snapshots(tg_tensor *const *all, snapshot *values, snapshot *gradients)
{
    for (int i = 0; i < TENSORS; i++) {
        values[i] = snapshot_of(all[i]);
        gradients[i] = snapshot_of(tg_grad(all[i]));
    }
}

static inline world world_new(void)
{
    world w = {.tape = tg_tape_new(NULL), .other = tg_tape_new(NULL)};
    fill_world(&w);
    take_snapshots(w.all, w.before, w.gradients);
    assert_ok(w.tape);
    w.mark = tg_tape_mark(w.tape);
    return w;
}

static inline void assert_refused(const world *w, const char *call, bool refused, tg_status status,
                                  const char *const *parts)
{
    const char *message = tg_error_message(w->tape);
    bool named = strstr(message, parts[0]) == message && strstr(message, parts[1]);
    if (!refused || tg_error(w->tape) != status || !named)
        fail_msg("%s: %s, error %d, \"%s\"; wanted %d, \"%s...%s\"", call,
                 refused ? "refused" : "not refused", (int)tg_error(w->tape), message, (int)status,
                 parts[0], parts[1]);
    assert_null(tg_neg(w->f)); /* operations do nothing now */
    assert_true(marks_equal(w->mark, tg_tape_mark(w->tape)));
    assert_ok(w->other);
    tg_clear_error(w->tape);
}

/* All is as it was, and works: values, gradients, the generator. */
static inline void assert_unharmed(world *w, const char *call)
{
    snapshot now[TENSORS], gradients[TENSORS];
    take_snapshots(w->all, now, gradients);
    for (int i = 0; i < TENSORS; i++) {
        if (!snapshot_same(&now[i], &w->before[i]) ||
            !snapshot_same(&gradients[i], &w->gradients[i]))
            fail_msg("%s: tensor %d was changed", call, i);
    }
    tg_tape *fresh = tg_tape_new(NULL);
    tg_manual_seed(fresh, 5);
    assert_equal(tg_item(tg_rand(w->tape, TG_SCALAR, 0)), tg_item(tg_rand(fresh, TG_SCALAR, 0)));
    tg_tape_free(fresh);
    assert_int_equal(tg_backward(tg_sum(w->y)), TG_OK);
    assert_equal(tg_f32(tg_grad(w->f))[0], 2);
    assert_int_equal(tg_optim_step(w->optim), TG_OK);
}

#define REFUSES(status, part, other_part, ...)                                                     \
    do {                                                                                           \
        world w = world_new();                                                                     \
        for (int time = 0; time < 2; time++)                                                       \
            assert_refused(&w, #__VA_ARGS__, __VA_ARGS__, status,                                  \
                           (const char *const[]){part, other_part});                               \
        assert_unharmed(&w, #__VA_ARGS__);                                                         \
        tg_tape_free(w.tape);                                                                      \
        tg_tape_free(w.other);                                                                     \
    } while (0)

#endif
