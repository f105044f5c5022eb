/* Sums along a row, and its mean and squared deviations, in a fixed order, for kernels compiled for
 * each instruction set. float32 adds in double in 32 lanes, so that one addition need not wait for
 * another; float64 adds with compensation in 16. Elements that do not fill a group of 8 lanes go to
 * a lane of their own. Vectors are those of GCC's and clang's language: left to themselves, they make
 * none of some of these loops; they are in row_lanes.inc. Relies on compensated.h. */
#ifndef TGK_ROW_SUM_H
#define TGK_ROW_SUM_H

#include "kernels/compensated.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Of a group. */
enum { TGK_LANES = 8 };

/* Of rows of so many and fewer it pays to add several side by side: row_side.inc. */
enum { TGK_SHORT_ROW = 48 };

/* The element that is left over, and parts of eight lanes, from lane `at` on. */
typedef double tgk_lane __attribute__((vector_size(sizeof(double))));
typedef double tgk_half __attribute__((vector_size(4 * sizeof(double))));
typedef double tgk_quarter __attribute__((vector_size(2 * sizeof(double))));
#define TGK_HALF(v, at) ((tgk_half){(v)[at], (v)[(at) + 1], (v)[(at) + 2], (v)[(at) + 3]})
#define TGK_QUARTER(v, at) ((tgk_quarter){(v)[at], (v)[(at) + 1]})

typedef float tgk_one_float __attribute__((vector_size(4), aligned(4), may_alias));
typedef double tgk_one_double
    __attribute__((vector_size(sizeof(double)), aligned(_Alignof(double)), may_alias));

TGK_INLINE void tgk_read_lane(tgk_lane *to, const float *x)
{
    *to = (tgk_lane){(double)*x};
}

/* tgk_compensated_add() in lanes. */
#define TGK_ADD_LANES(lanes, a, lost, x)                                                           \
    do {                                                                                           \
        const lanes sum_ = (a) + (x), part_ = sum_ - (a);                                          \
        (lost) += ((a) - (sum_ - part_)) + ((x)-part_);                                            \
        (a) = sum_;                                                                                \
    } while (0)

/* Doubles of a vector. */
#define TGK_WIDTH_0 2
#define TGK_WIDTH_1 4
#define TGK_WIDTH_2 8
#define TGK_WIDTH_OF(isa) TGK_WIDTH_##isa
#define TGK_WIDTH(isa) TGK_WIDTH_OF(isa)

/* TGK_ROW_T(n, statement) runs a statement for elements i to n of a row, some at a time: they are of the type V. In it,
 * TGK_READ_T(p) is those at p, TGK_WRITE_T(p, v) writes some there, and TGK_KEEP(p) where doubles of theirs are kept;
 * TGK_READ_float() stands but once in an expression. TGK_ADD_T(s, v) adds a variable v to a sum, and TGK_LOSE_T(s, v)
 * what another one had lost. */
#define TGK_GROUP(T, number, ...)                                                                  \
    do {                                                                                           \
        typedef TGK_NAME(tgk_lanes) V;                                                             \
        typedef TGK_NAME(tgk_##T##s) in_memory_;                                                   \
        typedef TGK_NAME(tgk_doubles) kept_;                                                       \
        V read_;                                                                                   \
        const int group_ = number;                                                                 \
        const int64_t i = at_ + TGK_WIDTH(TGK_ISA) * (group_);                                     \
        (void)group_;                                                                              \
        (void)sizeof(in_memory_);                                                                  \
        (void)sizeof(kept_);                                                                       \
        (void)sizeof(read_);                                                                       \
        __VA_ARGS__;                                                                               \
    } while (0)

/* The vectors of a step one by one, so that their sums are kept in registers; plain C, which may have
 * few of them, has one piece of code for all. */
#define TGK_STEP_0(T, lanes, ...)                                                                  \
    for (int k_ = 0; k_ < (lanes) / 2; k_++)                                                       \
    TGK_GROUP(T, k_, __VA_ARGS__)
#define TGK_STEP_1(T, lanes, ...) TGK_FOURS_##lanes(T, __VA_ARGS__)
#define TGK_STEP_2(T, lanes, ...) TGK_EIGHTS_##lanes(T, __VA_ARGS__)
#define TGK_EIGHTS_8(T, ...) TGK_GROUP(T, 0, __VA_ARGS__)
#define TGK_EIGHTS_16(T, ...)                                                                      \
    TGK_GROUP(T, 0, __VA_ARGS__);                                                                  \
    TGK_GROUP(T, 1, __VA_ARGS__)
#define TGK_EIGHTS_32(T, ...)                                                                      \
    TGK_EIGHTS_16(T, __VA_ARGS__);                                                                 \
    TGK_GROUP(T, 2, __VA_ARGS__);                                                                  \
    TGK_GROUP(T, 3, __VA_ARGS__)
#define TGK_FOURS_8 TGK_EIGHTS_16
#define TGK_FOURS_16 TGK_EIGHTS_32
#define TGK_FOURS_32(T, ...)                                                                       \
    TGK_EIGHTS_32(T, __VA_ARGS__);                                                                 \
    TGK_GROUP(T, 4, __VA_ARGS__);                                                                  \
    TGK_GROUP(T, 5, __VA_ARGS__);                                                                  \
    TGK_GROUP(T, 6, __VA_ARGS__);                                                                  \
    TGK_GROUP(T, 7, __VA_ARGS__)
#define TGK_STEP_OF(isa) TGK_STEP_##isa
#define TGK_STEP(isa) TGK_STEP_OF(isa)

#define TGK_ROW_float(n, ...) TGK_ROW_BY(float, 32, n, __VA_ARGS__)
#define TGK_ROW_double(n, ...) TGK_ROW_BY(double, 16, n, __VA_ARGS__)
#define TGK_ROW_BY(T, lanes, n, ...)                                                               \
    do {                                                                                           \
        int64_t at_ = 0;                                                                           \
        for (; at_ + (lanes) <= (n); at_ += (lanes)) {                                             \
            TGK_STEP(TGK_ISA)(T, lanes, __VA_ARGS__);                                              \
        }                                                                                          \
        TGK_ROW_END(T, n, __VA_ARGS__);                                                            \
    } while (0)

#define TGK_ROW_END(T, n, ...)                                                                     \
    for (; at_ + 8 <= (n); at_ += 8) {                                                             \
        TGK_STEP(TGK_ISA)(T, 8, __VA_ARGS__);                                                      \
    }                                                                                              \
    for (; at_ < (n); at_++) {                                                                     \
        typedef tgk_lane V;                                                                        \
        typedef tgk_one_##T in_memory_;                                                            \
        typedef tgk_one_double kept_;                                                              \
        V read_;                                                                                   \
        const int group_ = 0;                                                                      \
        const int64_t i = at_;                                                                     \
        (void)group_;                                                                              \
        (void)sizeof(in_memory_);                                                                  \
        (void)sizeof(kept_);                                                                       \
        (void)sizeof(read_);                                                                       \
        __VA_ARGS__;                                                                               \
    }

#define TGK_READ_float(p)                                                                          \
    (_Generic(read_, TGK_NAME(tgk_lanes)                                                           \
              : TGK_NAME(tgk_read_lanes), tgk_lane                                                 \
              : tgk_read_lane)(&read_, p),                                                         \
     read_)
#define TGK_READ_double(p) ((V) * (const in_memory_ *)(const void *)(p))
#define TGK_WRITE_float(p, v) (*(in_memory_ *)(void *)(p) = __builtin_convertvector(v, in_memory_))
#define TGK_WRITE_double(p, v) (*(in_memory_ *)(void *)(p) = (in_memory_)(v))
#define TGK_KEEP(p) (*(kept_ *)(void *)(p))
#define TGK_KEPT(p) ((V) * (const kept_ *)(const void *)(p))
#define TGK_ADD_BY(T, s, v)                                                                        \
    _Generic((v), TGK_NAME(tgk_lanes)                                                              \
             : TGK_NAME(tgk_add_lanes_##T), tgk_lane                                               \
             : TGK_NAME(tgk_add_lane_##T))(s, group_, &(v))
#define TGK_ADD_float(s, v) TGK_ADD_BY(float, s, v)
#define TGK_ADD_double(s, v) TGK_ADD_BY(double, s, v)
#define TGK_LOSE_double(s, v)                                                                      \
    _Generic((v), TGK_NAME(tgk_lanes)                                                              \
             : TGK_NAME(tgk_lose_lanes), tgk_lane                                                  \
             : TGK_NAME(tgk_lose_lane))(s, group_, &(v))

/* Elements of one row in pieces: `count` of n elements each, `apart` from one to the next. */
typedef struct tgk_pieces {
    int64_t count, apart, n;
} tgk_pieces;

TGK_INLINE int64_t tgk_pieces_numel(tgk_pieces p)
{
    return p.count * p.n;
}

/* Mean and sum of squared deviations of a row. */
typedef struct tgk_measures {
    double mean, squares;
} tgk_measures;

/* What a row is normalised by. A deviation whose reciprocal is no normal number is scaled, by a power
 * of two; beside float's there is none. */
typedef struct tgk_normal {
    double mean, scale, reciprocal;
} tgk_normal;

TGK_INLINE tgk_normal tgk_normal_of(double mean, double deviation)
{
    double scale = deviation > 0x1p1000 ? 0x1p-600 : deviation < 0x1p-1000 ? 0x1p600 : 1;
    return (tgk_normal){mean, scale, 1 / (deviation * scale)};
}

/* d / deviation, of a number or of lanes. */
#define TGK_OVER_float(d, m) ((d) * (m).reciprocal)
#define TGK_OVER_double(d, m) ((d) * (m).scale * (m).reciprocal)

#endif
