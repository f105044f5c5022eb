/* Assertions that a stale handle or mark is reported by every call that takes one, and that what is
 * alive is as it was. */
#ifndef TG_TESTS_STALE_H
#define TG_TESTS_STALE_H

#include "check.h"
#include "names.h"
#include "support.h"

static inline void assert_reported_as(const dead_use *use, const living *l, const void *handle,
                                      tg_status status, const char *part)
{
    char why[400];
    if (!is_reported(use, l, handle, status, part, why))
        fail_msg("%s", why);
    assert_null(tg_neg(l->plain)); /* operations do nothing now */
    tg_clear_error(l->tape);
    assert_string_equal(tg_error_message(l->tape), "");
}

/* By every call that takes one. */
static inline void assert_dead(const living *l, name_kind kind, const void *handle)
{
    tg_mark before = tg_tape_mark(l->tape);
    for (const dead_use *use = dead_uses(kind); use->name; use++)
        assert_reported_as(use, l, handle, TG_ESTATE, "rewound");
    assert_true(marks_equal(before, tg_tape_mark(l->tape)));
}

/* By one of them. */
static inline void assert_dead_in_one(const living *l, name_kind kind, const void *handle,
                                      uint64_t *state)
{
    const dead_use *uses = dead_uses(kind);
    uint32_t n = 0;
    while (uses[n].name)
        n++;
    assert_reported_as(&uses[below(state, n)], l, handle, TG_ESTATE, "rewound");
}

/* What was made before the mark is what it was, under the same handles, and works. Leaves nothing
 * behind. */
static inline void assert_living(const living *l)
{
    assert_ok(l->tape);
    tg_mark here = tg_tape_mark(l->tape);
    assert_ptr_equal(tg_params_find(l->list, "leaf"), l->leaf);
    assert_int_equal(tg_params_count(l->list), 1);
    assert_int_equal(tg_batches_size(l->batches), 2);
    assert_equal(tg_optim_lr(l->optim, 0), 1e-3);
    tg_tensor *grad = tg_grad(l->leaf);
    assert_non_null(grad);
    for (int i = 0; i < 3; i++) {
        assert_equal(tg_f32(l->leaf)[i], 1);
        assert_equal(tg_f32(l->plain)[i], 1);
        assert_equal(tg_f32(grad)[i], 2);
    }
    assert_equal(tg_item(l->loss), 3);
    assert_equal(tg_item(tg_sum(tg_add(l->leaf, l->plain))), 6);
    assert_ptr_equal(tg_grad(l->leaf), grad);
    assert_int_equal(tg_tape_rewind(l->tape, here), TG_OK);
    assert_ok(l->tape);
}

#endif
