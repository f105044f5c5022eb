/* Macros that define innermost loops (tgk_loop) from an expression: elements x, y, z of the inputs,
 * `params`. The contiguous case is written apart so that compilers vectorise it. */
#ifndef TGK_LOOPS_H
#define TGK_LOOPS_H

#include "nest.h"

#include <stdbool.h>

#define TGK_LOOP1(name, To, Tx, expression)                                                        \
    static void name(int64_t n, char *const *data, const int64_t *s, const void *params)           \
    {                                                                                              \
        (void)params;                                                                              \
        if (s[0] == sizeof(To) && s[1] == sizeof(Tx)) {                                            \
            To *out = (To *)(void *)data[0];                                                       \
            const Tx *in = (const Tx *)(void *)data[1];                                            \
            for (int64_t i = 0; i < n; i++) {                                                      \
                Tx x = in[i];                                                                      \
                out[i] = (To)(expression);                                                         \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                          \
            Tx x = *(const Tx *)(void *)(data[1] + i * s[1]);                                      \
            *(To *)(void *)(data[0] + i * s[0]) = (To)(expression);                                \
        }                                                                                          \
    }

/* Both inputs of type Tx. A scalar second operand (stride 0) has its own loop as well. */
#define TGK_LOOP2(name, To, Tx, expression)                                                        \
    static void name(int64_t n, char *const *data, const int64_t *s, const void *params)           \
    {                                                                                              \
        (void)params;                                                                              \
        if (s[0] == sizeof(To) && s[1] == sizeof(Tx) && (s[2] == sizeof(Tx) || s[2] == 0)) {       \
            To *out = (To *)(void *)data[0];                                                       \
            const Tx *a = (const Tx *)(void *)data[1];                                             \
            const Tx *b = (const Tx *)(void *)data[2];                                             \
            const Tx b0 = n ? *b : (Tx)0;                                                          \
            const bool scalar = s[2] == 0;                                                         \
            for (int64_t i = 0; i < n && scalar; i++) {                                            \
                Tx x = a[i], y = b0;                                                               \
                out[i] = (To)(expression);                                                         \
            }                                                                                      \
            for (int64_t i = 0; i < n && !scalar; i++) {                                           \
                Tx x = a[i], y = b[i];                                                             \
                out[i] = (To)(expression);                                                         \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                          \
            Tx x = *(const Tx *)(void *)(data[1] + i * s[1]);                                      \
            Tx y = *(const Tx *)(void *)(data[2] + i * s[2]);                                      \
            *(To *)(void *)(data[0] + i * s[0]) = (To)(expression);                                \
        }                                                                                          \
    }

#endif
