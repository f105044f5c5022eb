/* Macros that define innermost loops from an expression: elements x, y, z of the inputs, `params`.
 * T_ is the type in memory, W_ the type that x, y or z has in the expression. Each becomes an array
 * (tgk_loops) of the loop compiled for every instruction set. There is one loop, over dense arrays:
 * what lies otherwise goes through small ones, see tgk_loop_blocks(). Results of those that are new tensors'
 * lie side by side: TGK_LOOP0 and TGK_LOOP2 also write to others.
 *
 * The output may be one of the inputs, element for element, but must not overlap one otherwise. */
#ifndef TGK_LOOPS_H
#define TGK_LOOPS_H

#include "kernels/isa.h"
#include "kernels/nest.h"

#include <stdbool.h>

#define TGK_LOOP_PARAMETERS int64_t n, char *const *data, const int64_t *s, const void *params

/* Of a body that works with any strides. */
#define TGK_LOOP_EACH_ISA(name) TGK_EACH_ISA(name, (TGK_LOOP_PARAMETERS), (n, data, s, params))

/* Of a body of such parameters and `self`, the loop that it is. */
#define TGK_DENSE_EACH_ISA(name)                                                                   \
    TGK_EACH_ISA(name, (TGK_LOOP_PARAMETERS), (n, data, s, params, name[tgk_this_isa]))

/* How many elements go by vectors. Plain C may have none: there each element is whole. */
TGK_INLINE int64_t tgk_lanes(int isa, size_t size)
{
#ifndef __AVX2__
    if (isa == TGK_BASE)
        return 1;
#endif
    return (isa == TGK_V3 ? TGK_WIDEST / 2 : TGK_WIDEST) / (int64_t)size;
}

/* As many of n elements as make whole vectors. Of what a loop has beyond them compilers would make it once more with
 * narrower vectors and, as many times as elements may be left, without. */
TGK_INLINE int64_t tgk_whole(int64_t n, int isa, size_t size)
{
    return n & -tgk_lanes(isa, size);
}

/* A body that has `self` and so many elements, m. */
#define TGK_PART_EACH_ISA(EACH_ISA, name, size)                                                    \
    EACH_ISA(name, (TGK_LOOP_PARAMETERS),                                                          \
             (n, data, s, params, name[tgk_this_isa], tgk_whole(n, tgk_this_isa, size)))
#define TGK_EACH_SHORT(name, To, Tx)                                                               \
    TGK_PART_EACH_ISA(TGK_EACH_ISA, name, sizeof(To) < sizeof(Tx) ? sizeof(To) : sizeof(Tx))
#define TGK_EACH_LONG(name, To, Tx) TGK_PART_EACH_ISA(TGK_LONG_EACH_ISA, name, sizeof(To))

/* The statements for each element i. Those that are left go one by one; those of a long expression through small
 * arrays that are filled up, see tgk_loop_rest(). */
#define TGK_RUN_SHORT(operands, ...)                                                               \
    TGK_INDEPENDENT                                                                                \
    for (int64_t i = 0; i < m; i++) {                                                              \
        __VA_ARGS__                                                                                \
    }                                                                                              \
    for (int64_t i = m; i < n; i++) {                                                              \
        TGK_ALONE;                                                                                 \
        __VA_ARGS__                                                                                \
    }
#define TGK_RUN_LONG(operands, ...)                                                                \
    TGK_INDEPENDENT                                                                                \
    for (int64_t i = 0; i < m; i++) {                                                              \
        __VA_ARGS__                                                                                \
    }                                                                                              \
    if (m < n)                                                                                     \
        tgk_loop_rest(&(const tgk_rest){m, n, operands}, data, s, params, self);

#define TGK_ARRAY(T, k) ((const T *)(const void *)data[k])

/* Where not all operands, of so many bytes an element, are dense. */
#define TGK_ELSEWHERE(dense, ...)                                                                  \
    if (!(dense)) {                                                                                \
        tgk_loop_blocks(n, data, s, params, self, (const size_t[]){__VA_ARGS__, 0});               \
        return;                                                                                    \
    }

/* One value for all elements. */
#define TGK_LOOP0(name, To, expression)                                                            \
    TGK_INLINE void name##_body(TGK_LOOP_PARAMETERS, tgk_loop *self)                               \
    {                                                                                              \
        (void)params;                                                                              \
        TGK_ELSEWHERE(s[0] == sizeof(To), sizeof(To))                                              \
        const To value = (To)(expression);                                                         \
        To *out = (To *)(void *)data[0];                                                           \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = value;                                                                        \
    }                                                                                              \
    TGK_DENSE_EACH_ISA(name)

#define TGK_LOOP1_OF(name, kind, To, Tx, Wx, expression)                                           \
    TGK_INLINE void name##_body(TGK_LOOP_PARAMETERS, tgk_loop *self, int64_t m)                    \
    {                                                                                              \
        (void)params;                                                                              \
        TGK_ELSEWHERE(s[1] == sizeof(Tx), sizeof(To), sizeof(Tx))                                  \
        To *out = (To *)(void *)data[0];                                                           \
        const Tx *in = TGK_ARRAY(Tx, 1);                                                           \
        TGK_RUN_##kind(2, Wx x = (Wx)in[i]; out[i] = (To)(expression);)                            \
    }                                                                                              \
    TGK_EACH_##kind(name, To, Tx)

#define TGK_LOOP2_OF(name, kind, To, Tx, Wx, Ty, Wy, expression)                                   \
    TGK_INLINE void name##_body(TGK_LOOP_PARAMETERS, tgk_loop *self, int64_t m)                    \
    {                                                                                              \
        (void)params;                                                                              \
        TGK_ELSEWHERE(s[0] == sizeof(To) && s[1] == sizeof(Tx) && s[2] == sizeof(Ty), sizeof(To),  \
                      sizeof(Tx), sizeof(Ty))                                                      \
        To *out = (To *)(void *)data[0];                                                           \
        const Tx *a = TGK_ARRAY(Tx, 1);                                                            \
        const Ty *b = TGK_ARRAY(Ty, 2);                                                            \
        TGK_RUN_##kind(3, Wx x = (Wx)a[i]; Wy y = (Wy)b[i]; out[i] = (To)(expression);)            \
    }                                                                                              \
    TGK_EACH_##kind(name, To, Tx)

/* For an expression so short that a loop of its own is worth it where an operand is one element for
 * all; both are of one type. */
#define TGK_LOOP2_SPREAD(name, To, Tx, expression)                                                 \
    TGK_INLINE void name##_body(TGK_LOOP_PARAMETERS, tgk_loop *self, int64_t m)                    \
    {                                                                                              \
        (void)params;                                                                              \
        To *out = (To *)(void *)data[0];                                                           \
        const Tx *a = TGK_ARRAY(Tx, 1), *b = TGK_ARRAY(Tx, 2);                                     \
        const bool a_dense = s[1] == sizeof(Tx), b_dense = s[2] == sizeof(Tx);                     \
        TGK_ELSEWHERE(n > 0 && (a_dense || b_dense) && (a_dense || s[1] == 0) &&                   \
                          (b_dense || s[2] == 0),                                                  \
                      sizeof(To), sizeof(Tx), sizeof(Tx))                                          \
        const Tx first_a = *a, first_b = *b;                                                       \
        if (a_dense && b_dense) {                                                                  \
            TGK_RUN_SHORT(3, Tx x = a[i], y = b[i]; out[i] = (To)(expression);)                    \
        } else if (a_dense) {                                                                      \
            TGK_RUN_SHORT(3, Tx x = a[i], y = first_b; out[i] = (To)(expression);)                 \
        } else {                                                                                   \
            TGK_RUN_SHORT(3, Tx x = first_a, y = b[i]; out[i] = (To)(expression);)                 \
        }                                                                                          \
    }                                                                                              \
    TGK_EACH_SHORT(name, To, Tx)

/* x may be one element for all: the gradient of a sum. */
#define TGK_LOOP3_OF(name, kind, To, Tx, Wx, Ty, Wy, Tz, Wz, expression)                           \
    TGK_INLINE void name##_body(TGK_LOOP_PARAMETERS, tgk_loop *self, int64_t m)                    \
    {                                                                                              \
        (void)params;                                                                              \
        TGK_ELSEWHERE(n > 0 && (s[1] == sizeof(Tx) || s[1] == 0) && s[2] == sizeof(Ty) &&          \
                          s[3] == sizeof(Tz),                                                      \
                      sizeof(To), sizeof(Tx), sizeof(Ty), sizeof(Tz))                              \
        To *out = (To *)(void *)data[0];                                                           \
        const Tx *a = TGK_ARRAY(Tx, 1), first = *a;                                                \
        const Ty *b = TGK_ARRAY(Ty, 2);                                                            \
        const Tz *c = TGK_ARRAY(Tz, 3);                                                            \
        if (s[1] == 0) {                                                                           \
            const Wx x = (Wx)first;                                                                \
            TGK_RUN_##kind(4, Wy y = (Wy)b[i]; Wz z = (Wz)c[i]; out[i] = (To)(expression);)        \
        } else {                                                                                   \
            TGK_RUN_##kind(4, Wx x = (Wx)a[i]; Wy y = (Wy)b[i]; Wz z = (Wz)c[i];                   \
                           out[i] = (To)(expression);)                                             \
        }                                                                                          \
    }                                                                                              \
    TGK_EACH_##kind(name, To, Tx)

/* Of one type, y and z mostly one number each for a row of x: side by side, they go on by `step`, 0 or 1. y is the
 * result of a reduction of x, and lies in order. */
#define TGK_LOOP3_ROWS(name, T, expression)                                                        \
    TGK_INLINE void name##_row(int64_t n, char *const *data, int64_t step, int64_t m)              \
    {                                                                                              \
        T *out = (T *)(void *)data[0];                                                             \
        const T *a = TGK_ARRAY(T, 1), *b = TGK_ARRAY(T, 2), *c = TGK_ARRAY(T, 3);                  \
        TGK_RUN_SHORT(4, T x = a[i], y = b[i * step], z = c[i * step]; out[i] = (expression);)     \
    }                                                                                              \
    TGK_INLINE void name##_body(TGK_LOOP_PARAMETERS, tgk_loop *self, int64_t m)                    \
    {                                                                                              \
        const int64_t size = sizeof(T);                                                            \
        (void)params;                                                                              \
        TGK_ELSEWHERE(s[1] == size && s[2] == s[3], sizeof(T), sizeof(T), sizeof(T), sizeof(T))    \
        if (s[2] == 0)                                                                             \
            name##_row(n, data, 0, m);                                                             \
        else                                                                                       \
            name##_row(n, data, 1, m);                                                             \
    }                                                                                              \
    TGK_EACH_SHORT(name, T, T)

#define TGK_LOOP1_AS(name, To, Tx, Wx, expression) TGK_LOOP1_OF(name, SHORT, To, Tx, Wx, expression)
#define TGK_LOOP2_AS(name, To, Tx, Wx, Ty, Wy, expression)                                         \
    TGK_LOOP2_OF(name, SHORT, To, Tx, Wx, Ty, Wy, expression)
#define TGK_LOOP3_AS(name, To, Tx, Wx, Ty, Wy, Tz, Wz, expression)                                 \
    TGK_LOOP3_OF(name, SHORT, To, Tx, Wx, Ty, Wy, Tz, Wz, expression)

/* Of a long expression, all of one type T. */
#define TGK_LONG1(name, T, Wx, expression) TGK_LOOP1_OF(name, LONG, T, T, Wx, expression)
#define TGK_LONG2(name, T, Wx, Wy, expression) TGK_LOOP2_OF(name, LONG, T, T, Wx, T, Wy, expression)
#define TGK_LONG3(name, T, W, expression) TGK_LOOP3_OF(name, LONG, T, T, W, T, W, T, W, expression)

/* a where the mask is set, which is a bool read as a byte, else b. Compilers make vectors of this, and branches of a
 * bool, or of a number that is read where it is chosen. */
#define TGK_PICK(name, T)                                                                          \
    TGK_INLINE T name(uint8_t mask, T a, T b)                                                      \
    {                                                                                              \
        return mask != 0 ? a : b;                                                                  \
    }
TGK_PICK(tgk_pick_f32, float)
TGK_PICK(tgk_pick_f64, double)
TGK_PICK(tgk_pick_i64, int64_t)
TGK_PICK(tgk_pick_bool, uint8_t)

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
#define TGK_LONG_REAL2(name, expression)                                                           \
    TGK_LONG2(name##_f32, float, double, double, expression);                                      \
    TGK_LONG2(name##_f64, double, double, double, expression)
#define TGK_REAL3(name, expression)                                                                \
    TGK_LOOP3_AS(name##_f32, float, float, double, float, double, float, double, expression);      \
    TGK_LOOP3_AS(name##_f64, double, double, double, double, double, double, double, expression)

#endif
