/* Macros that define innermost loops from an expression: elements x, y, z of the inputs, `params`.
 * T_ is the type in memory, W_ the type that x, y or z has in the expression. Each becomes an array
 * (tgk_loops) of the loop compiled for every instruction set. The common layouts (all contiguous,
 * or one operand a scalar of stride 0) are written apart so that compilers vectorise them.
 *
 * The output may be one of the inputs, element for element, but must not overlap one otherwise. */
#ifndef TGK_LOOPS_H
#define TGK_LOOPS_H

#include "kernels/isa.h"
#include "kernels/nest.h"

#include <stdbool.h>

#define TGK_LOOP_PARAMETERS int64_t n, char *const *data, const int64_t *s, const void *params

#define TGK_LOOP_EACH_ISA(name) TGK_EACH_ISA(name, (TGK_LOOP_PARAMETERS), (n, data, s, params))

/* The elements as they lie in memory. */
#define TGK_AT(T, k, i) (*(const T *)(const void *)(data[k] + (i)*s[k]))
#define TGK_ARRAY(T, k) ((const T *)(const void *)data[k])
/* The element of a scalar operand; there may be none where n is 0. */
#define TGK_FIRST(T, k) (n ? *TGK_ARRAY(T, k) : (T)0)

/* One value for all elements. */
#define TGK_LOOP0(name, To, expression)                                                            \
    TGK_INLINE void name##_body(TGK_LOOP_PARAMETERS)                                               \
    {                                                                                              \
        (void)params;                                                                              \
        const To value = (To)(expression);                                                         \
        if (s[0] == sizeof(To)) {                                                                  \
            To *out = (To *)(void *)data[0];                                                       \
            for (int64_t i = 0; i < n; i++)                                                        \
                out[i] = value;                                                                    \
            return;                                                                                \
        }                                                                                          \
        for (int64_t i = 0; i < n; i++)                                                            \
            *(To *)(void *)(data[0] + i * s[0]) = value;                                           \
    }                                                                                              \
    TGK_LOOP_EACH_ISA(name)

#define TGK_LOOP1_AS(name, To, Tx, Wx, expression)                                                 \
    TGK_INLINE void name##_body(TGK_LOOP_PARAMETERS)                                               \
    {                                                                                              \
        (void)params;                                                                              \
        if (s[0] == sizeof(To) && s[1] == sizeof(Tx)) {                                            \
            To *out = (To *)(void *)data[0];                                                       \
            const Tx *in = TGK_ARRAY(Tx, 1);                                                       \
            TGK_INDEPENDENT                                                                        \
            for (int64_t i = 0; i < n; i++) {                                                      \
                Wx x = (Wx)in[i];                                                                  \
                out[i] = (To)(expression);                                                         \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                          \
            Wx x = (Wx)TGK_AT(Tx, 1, i);                                                           \
            *(To *)(void *)(data[0] + i * s[0]) = (To)(expression);                                \
        }                                                                                          \
    }                                                                                              \
    TGK_LOOP_EACH_ISA(name)

#define TGK_LOOP2_AS(name, To, Tx, Wx, Ty, Wy, expression)                                         \
    TGK_INLINE void name##_body(TGK_LOOP_PARAMETERS)                                               \
    {                                                                                              \
        (void)params;                                                                              \
        To *out = (To *)(void *)data[0];                                                           \
        const Tx *a = TGK_ARRAY(Tx, 1);                                                            \
        const Ty *b = TGK_ARRAY(Ty, 2);                                                            \
        const bool out_dense = s[0] == sizeof(To), a_dense = s[1] == sizeof(Tx);                   \
        const bool b_dense = s[2] == sizeof(Ty);                                                   \
        if (out_dense && a_dense && b_dense) {                                                     \
            TGK_INDEPENDENT                                                                        \
            for (int64_t i = 0; i < n; i++) {                                                      \
                Wx x = (Wx)a[i];                                                                   \
                Wy y = (Wy)b[i];                                                                   \
                out[i] = (To)(expression);                                                         \
            }                                                                                      \
        } else if (out_dense && a_dense && s[2] == 0) {                                            \
            const Wy y = (Wy)TGK_FIRST(Ty, 2);                                                     \
            TGK_INDEPENDENT                                                                        \
            for (int64_t i = 0; i < n; i++) {                                                      \
                Wx x = (Wx)a[i];                                                                   \
                out[i] = (To)(expression);                                                         \
            }                                                                                      \
        } else if (out_dense && s[1] == 0 && b_dense) {                                            \
            const Wx x = (Wx)TGK_FIRST(Tx, 1);                                                     \
            TGK_INDEPENDENT                                                                        \
            for (int64_t i = 0; i < n; i++) {                                                      \
                Wy y = (Wy)b[i];                                                                   \
                out[i] = (To)(expression);                                                         \
            }                                                                                      \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++) {                                                      \
                Wx x = (Wx)TGK_AT(Tx, 1, i);                                                       \
                Wy y = (Wy)TGK_AT(Ty, 2, i);                                                       \
                *(To *)(void *)(data[0] + i * s[0]) = (To)(expression);                            \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    TGK_LOOP_EACH_ISA(name)

#define TGK_LOOP3_AS(name, To, Tx, Wx, Ty, Wy, Tz, Wz, expression)                                 \
    TGK_INLINE void name##_body(TGK_LOOP_PARAMETERS)                                               \
    {                                                                                              \
        (void)params;                                                                              \
        To *out = (To *)(void *)data[0];                                                           \
        const Tx *a = TGK_ARRAY(Tx, 1);                                                            \
        const Ty *b = TGK_ARRAY(Ty, 2);                                                            \
        const Tz *c = TGK_ARRAY(Tz, 3);                                                            \
        const bool dense = s[0] == sizeof(To) && s[2] == sizeof(Ty) && s[3] == sizeof(Tz);         \
        if (dense && s[1] == sizeof(Tx)) {                                                         \
            TGK_INDEPENDENT                                                                        \
            for (int64_t i = 0; i < n; i++) {                                                      \
                Wx x = (Wx)a[i];                                                                   \
                Wy y = (Wy)b[i];                                                                   \
                Wz z = (Wz)c[i];                                                                   \
                out[i] = (To)(expression);                                                         \
            }                                                                                      \
        } else if (dense && s[1] == 0) {                                                           \
            const Wx x = (Wx)TGK_FIRST(Tx, 1);                                                     \
            TGK_INDEPENDENT                                                                        \
            for (int64_t i = 0; i < n; i++) {                                                      \
                Wy y = (Wy)b[i];                                                                   \
                Wz z = (Wz)c[i];                                                                   \
                out[i] = (To)(expression);                                                         \
            }                                                                                      \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++) {                                                      \
                Wx x = (Wx)TGK_AT(Tx, 1, i);                                                       \
                Wy y = (Wy)TGK_AT(Ty, 2, i);                                                       \
                Wz z = (Wz)TGK_AT(Tz, 3, i);                                                       \
                *(To *)(void *)(data[0] + i * s[0]) = (To)(expression);                            \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    TGK_LOOP_EACH_ISA(name)

/* Of one type, y and z mostly one number each for a row of x: side by side, they go on by `step`, 0 or 1. */
#define TGK_LOOP3_ROWS(name, T, expression)                                                        \
    TGK_INLINE void name##_row(int64_t n, char *const *data, int64_t step)                         \
    {                                                                                              \
        T *out = (T *)(void *)data[0];                                                             \
        const T *a = TGK_ARRAY(T, 1), *b = TGK_ARRAY(T, 2), *c = TGK_ARRAY(T, 3);                  \
        TGK_INDEPENDENT                                                                            \
        for (int64_t i = 0; i < n; i++) {                                                          \
            T x = a[i], y = b[i * step], z = c[i * step];                                          \
            out[i] = (expression);                                                                 \
        }                                                                                          \
    }                                                                                              \
    TGK_INLINE void name##_body(TGK_LOOP_PARAMETERS)                                               \
    {                                                                                              \
        const int64_t size = sizeof(T);                                                            \
        const bool dense = s[0] == size && s[1] == size && s[2] == s[3];                           \
        (void)params;                                                                              \
        if (dense && s[2] == 0) {                                                                  \
            name##_row(n, data, 0);                                                                \
        } else if (dense && s[2] == size) {                                                        \
            name##_row(n, data, 1);                                                                \
        } else {                                                                                   \
            for (int64_t i = 0; i < n; i++) {                                                      \
                T x = TGK_AT(T, 1, i), y = TGK_AT(T, 2, i), z = TGK_AT(T, 3, i);                   \
                *(T *)(void *)(data[0] + i * s[0]) = (expression);                                 \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    TGK_LOOP_EACH_ISA(name)

/* All in the types they have in memory; both inputs of LOOP2 alike. */
#define TGK_LOOP1(name, To, Tx, expression) TGK_LOOP1_AS(name, To, Tx, Tx, expression)
#define TGK_LOOP2(name, To, Tx, expression) TGK_LOOP2_AS(name, To, Tx, Tx, Tx, Tx, expression)
#define TGK_LOOP3(name, To, Tx, Ty, Tz, expression)                                                \
    TGK_LOOP3_AS(name, To, Tx, Tx, Ty, Ty, Tz, Tz, expression)

/* name_f32 and name_f64, of floats, both computed in double and rounded once. */
#define TGK_REAL1(name, expression)                                                                \
    TGK_LOOP1_AS(name##_f32, float, float, double, expression);                                    \
    TGK_LOOP1_AS(name##_f64, double, double, double, expression)
#define TGK_REAL2(name, expression)                                                                \
    TGK_LOOP2_AS(name##_f32, float, float, double, float, double, expression);                     \
    TGK_LOOP2_AS(name##_f64, double, double, double, double, double, expression)
#define TGK_REAL3(name, expression)                                                                \
    TGK_LOOP3_AS(name##_f32, float, float, double, float, double, float, double, expression);      \
    TGK_LOOP3_AS(name##_f64, double, double, double, double, double, double, double, expression)

#endif
