/* Compositions: functions that record more than one operation. From the opening of a scope to its
 * close, messages begin with its name, whatever fails inside (of nested scopes, with that of the
 * outermost); where the result is NULL, all that was recorded is taken back. A scope that is opened
 * has to be closed: checks with TG_CHECK() stand before it, or in a function of their own inside.
 * Relies on apply.h. */
#ifndef TG_OPS_SCOPE_H
#define TG_OPS_SCOPE_H

#include "record/apply.h"

typedef struct tg_scope {
    tg_tape *tape;
    tg_mark start;
    const char *outer; /* who spoke before */
} tg_scope;

/* tg_check_inputs() where inputs from number `required` on may be NULL. */
bool tg_check_given(const tg_op *op, int n, tg_tensor *const *in, int required);

/* Checks n inputs of op, of which only the name is used; those from number `required` on may be
 * NULL. False, and nothing is open, where they cannot be used. */
bool tg_scope_open_given(tg_scope *scope, const tg_op *op, int n, tg_tensor *const *in,
                         int required);

static inline bool tg_scope_open(tg_scope *scope, const tg_op *op, int n, tg_tensor *const *in)
{
    return tg_scope_open_given(scope, op, n, in, n);
}

/* Returns the result. */
tg_tensor *tg_scope_close(const tg_scope *scope, tg_tensor *result);

/* The whole of a function: `result`, made in a scope opened with n inputs; NULL where it is not
 * opened. */
#define TG_IN_SCOPE_GIVEN(op, n, in, required, result)                                             \
    do {                                                                                           \
        tg_scope scope_;                                                                           \
        if (!tg_scope_open_given(&scope_, op, n, in, required))                                    \
            return NULL;                                                                           \
        return tg_scope_close(&scope_, result);                                                    \
    } while (0)

/* The same with the inputs one by one. */
#define TG_IN_SCOPE(op, result, ...)                                                               \
    do {                                                                                           \
        tg_tensor *in_[] = {__VA_ARGS__};                                                          \
        enum { N_ = sizeof in_ / sizeof *in_ };                                                    \
        TG_IN_SCOPE_GIVEN(op, N_, in_, N_, result);                                                \
    } while (0)

/* For a function whose inputs have been checked, and whose result is no tensor. */
tg_scope tg_scope_begin(tg_tape *tape, const char *name);
void tg_scope_end(const tg_scope *scope, bool done);

#endif
