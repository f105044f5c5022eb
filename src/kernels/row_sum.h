/* Sums along a row, and its mean and squared deviations, in a fixed order, for kernels compiled for
 * each instruction set. float32 adds in double in 32 lanes, so that one addition need not wait for
 * another; float64 adds with compensation in 16. Elements that do not fill a group of 8 lanes go to
 * a lane of their own. Vectors are those of GCC's and clang's language: left to themselves, they make
 * none of some of these loops. Relies on compensated.h. */
#ifndef TGK_ROW_SUM_H
#define TGK_ROW_SUM_H

#include "kernels/compensated.h"

#include <math.h>
#include <stdint.h>

enum { TGK_LANES = 8 };

/* Elements of a group, and the one that is left, to be worked with ... */
typedef double tgk_lanes __attribute__((vector_size(TGK_LANES * sizeof(double))));
typedef double tgk_lane __attribute__((vector_size(sizeof(double))));
/* Parts of a group, from lane `at` on. */
typedef double tgk_half __attribute__((vector_size(4 * sizeof(double))));
typedef double tgk_quarter __attribute__((vector_size(2 * sizeof(double))));
#define TGK_HALF(v, at) ((tgk_half){(v)[at], (v)[(at) + 1], (v)[(at) + 2], (v)[(at) + 3]})
#define TGK_QUARTER(v, at) ((tgk_quarter){(v)[at], (v)[(at) + 1]})

/* ... and as they lie in memory. */
#define TGK_IN_MEMORY(T)                                                                           \
    typedef T tgk_lanes_##T                                                                        \
        __attribute__((vector_size(TGK_LANES * sizeof(T)), aligned(_Alignof(T)), may_alias));      \
    typedef T tgk_lane_##T __attribute__((vector_size(sizeof(T)), aligned(_Alignof(T)), may_alias))
TGK_IN_MEMORY(float);
TGK_IN_MEMORY(double);

/* A conversion of eight at once: of what the language has for that, GCC makes more. */
TGK_INLINE void tgk_read_lanes(tgk_lanes *to, const float *x)
{
    *to = (tgk_lanes){(double)x[0], (double)x[1], (double)x[2], (double)x[3],
                      (double)x[4], (double)x[5], (double)x[6], (double)x[7]};
}

TGK_INLINE void tgk_read_lane(tgk_lane *to, const float *x)
{
    *to = (tgk_lane){(double)*x};
}

typedef struct tgk_sum_float {
    tgk_lanes sum[4];
    tgk_lane rest;
} tgk_sum_float;

typedef struct tgk_sum_double {
    tgk_lanes sum[2], error[2];
    tgk_lane rest, rest_error;
} tgk_sum_double;

static const tgk_sum_float tgk_none_float;
static const tgk_sum_double tgk_none_double;

TGK_INLINE void tgk_add_lanes_float(tgk_sum_float *s, int group, const tgk_lanes *x)
{
    s->sum[group] += *x;
}

TGK_INLINE void tgk_add_lane_float(tgk_sum_float *s, int group, const tgk_lane *x)
{
    (void)group;
    s->rest += *x;
}

/* tgk_compensated_add() in lanes. */
#define TGK_ADD_LANES(lanes, a, lost, x)                                                           \
    do {                                                                                           \
        const lanes sum_ = (a) + (x), part_ = sum_ - (a);                                          \
        (lost) += ((a) - (sum_ - part_)) + ((x)-part_);                                            \
        (a) = sum_;                                                                                \
    } while (0)

TGK_INLINE void tgk_add_lanes_double(tgk_sum_double *s, int group, const tgk_lanes *x)
{
    TGK_ADD_LANES(tgk_lanes, s->sum[group], s->error[group], *x);
}

TGK_INLINE void tgk_add_lane_double(tgk_sum_double *s, int group, const tgk_lane *x)
{
    (void)group;
    TGK_ADD_LANES(tgk_lane, s->rest, s->rest_error, *x);
}

/* What x has lost before it was added. */
TGK_INLINE void tgk_lose_lanes(tgk_sum_double *s, int group, const tgk_lanes *x)
{
    s->error[group] += *x;
}

TGK_INLINE void tgk_lose_lane(tgk_sum_double *s, int group, const tgk_lane *x)
{
    (void)group;
    s->rest_error += *x;
}

TGK_INLINE double tgk_total_float(const tgk_sum_float *s)
{
    const tgk_lanes all = (s->sum[0] + s->sum[1]) + (s->sum[2] + s->sum[3]);
    const tgk_half four = TGK_HALF(all, 0) + TGK_HALF(all, 4);
    const tgk_quarter two = TGK_QUARTER(four, 0) + TGK_QUARTER(four, 2);
    return two[0] + two[1] + s->rest[0];
}

/* By halves: a chain of additions would take longer than a short row. */
TGK_INLINE tgk_compensated tgk_compensated_of(const tgk_sum_double *s)
{
    tgk_lanes sum = s->sum[0], error = s->error[0] + s->error[1];
    TGK_ADD_LANES(tgk_lanes, sum, error, s->sum[1]);
    tgk_half sum4 = TGK_HALF(sum, 0), error4 = TGK_HALF(error, 0) + TGK_HALF(error, 4);
    TGK_ADD_LANES(tgk_half, sum4, error4, TGK_HALF(sum, 4));
    tgk_quarter sum2 = TGK_QUARTER(sum4, 0),
                error2 = TGK_QUARTER(error4, 0) + TGK_QUARTER(error4, 2);
    TGK_ADD_LANES(tgk_quarter, sum2, error2, TGK_QUARTER(sum4, 2));
    const tgk_compensated first = {sum2[0], error2[0]}, second = {sum2[1], error2[1]};
    return tgk_compensated_join(tgk_compensated_join(first, second),
                                (tgk_compensated){s->rest[0], s->rest_error[0]});
}

TGK_INLINE double tgk_total_double(const tgk_sum_double *s)
{
    return tgk_compensated_total(tgk_compensated_of(s));
}

/* TGK_ROW_T(n, statement) runs a statement for elements i to n of a row, some at a time: they are of
 * the type V. In it, TGK_READ_T(p) is those at p, TGK_WRITE_T(p, v) writes some there, and TGK_KEEP(p) where doubles of theirs are kept;
 * TGK_READ_float() stands but once in an expression. TGK_ADD_T(s, v) adds a variable v to a sum, and TGK_LOSE_T(s, v) what another one had lost. */
#define TGK_GROUP(T, number, ...)                                                                  \
    do {                                                                                           \
        typedef tgk_lanes V;                                                                       \
        typedef tgk_lanes_##T in_memory_;                                                          \
        typedef tgk_lanes_double kept_;                                                            \
        V read_;                                                                                   \
        const int group_ = number;                                                                 \
        const int64_t i = at_ + TGK_LANES * (group_);                                              \
        (void)group_;                                                                              \
        (void)sizeof(in_memory_);                                                                  \
        (void)sizeof(kept_);                                                                       \
        (void)sizeof(read_);                                                                       \
        __VA_ARGS__;                                                                               \
    } while (0)

/* The groups of a step one by one, so that their sums are kept in registers; plain C, which may have few
 * of them, has one piece of code for all. */
#define TGK_STEP_0(T, groups, ...)                                                                 \
    for (int k_ = 0; k_ < (groups); k_++)                                                          \
    TGK_GROUP(T, k_, __VA_ARGS__)
#define TGK_STEP_1(T, groups, ...) TGK_GROUPS_##groups(T, __VA_ARGS__)
#define TGK_STEP_2(T, groups, ...) TGK_GROUPS_##groups(T, __VA_ARGS__)
#define TGK_GROUPS_2(T, ...)                                                                       \
    TGK_GROUP(T, 0, __VA_ARGS__);                                                                  \
    TGK_GROUP(T, 1, __VA_ARGS__)
#define TGK_GROUPS_4(T, ...)                                                                       \
    TGK_GROUPS_2(T, __VA_ARGS__);                                                                  \
    TGK_GROUP(T, 2, __VA_ARGS__);                                                                  \
    TGK_GROUP(T, 3, __VA_ARGS__)
#define TGK_STEP_OF(isa) TGK_STEP_##isa
#define TGK_STEP(isa) TGK_STEP_OF(isa)

#define TGK_ROW_float(n, ...)                                                                      \
    do {                                                                                           \
        int64_t at_ = 0;                                                                           \
        for (; at_ + 4 * TGK_LANES <= (n); at_ += 4 * TGK_LANES) {                                 \
            TGK_STEP(TGK_ISA)(float, 4, __VA_ARGS__);                                              \
        }                                                                                          \
        TGK_ROW_END(float, n, __VA_ARGS__);                                                        \
    } while (0)

#define TGK_ROW_double(n, ...)                                                                     \
    do {                                                                                           \
        int64_t at_ = 0;                                                                           \
        for (; at_ + 2 * TGK_LANES <= (n); at_ += 2 * TGK_LANES) {                                 \
            TGK_STEP(TGK_ISA)(double, 2, __VA_ARGS__);                                             \
        }                                                                                          \
        TGK_ROW_END(double, n, __VA_ARGS__);                                                       \
    } while (0)

#define TGK_ROW_END(T, n, ...)                                                                     \
    for (; at_ + TGK_LANES <= (n); at_ += TGK_LANES)                                               \
        TGK_GROUP(T, 0, __VA_ARGS__);                                                              \
    for (; at_ < (n); at_++) {                                                                     \
        typedef tgk_lane V;                                                                        \
        typedef tgk_lane_##T in_memory_;                                                           \
        typedef tgk_lane_double kept_;                                                             \
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
    (_Generic(read_, tgk_lanes : tgk_read_lanes, tgk_lane : tgk_read_lane)(&read_, p), read_)
#define TGK_READ_double(p) ((V) * (const in_memory_ *)(const void *)(p))
#define TGK_WRITE_float(p, v) (*(in_memory_ *)(void *)(p) = __builtin_convertvector(v, in_memory_))
#define TGK_WRITE_double(p, v) (*(in_memory_ *)(void *)(p) = (in_memory_)(v))
#define TGK_KEEP(p) (*(kept_ *)(void *)(p))
#define TGK_KEPT(p) ((V) * (const kept_ *)(const void *)(p))
#define TGK_ADD_float(s, v)                                                                        \
    _Generic((v), tgk_lanes : tgk_add_lanes_float, tgk_lane : tgk_add_lane_float)(s, group_, &(v))
#define TGK_ADD_double(s, v)                                                                       \
    _Generic((v), tgk_lanes : tgk_add_lanes_double, tgk_lane : tgk_add_lane_double)(s, group_, &(v))

#define TGK_LOSE_double(s, v)                                                                      \
    _Generic((v), tgk_lanes : tgk_lose_lanes, tgk_lane : tgk_lose_lane)(s, group_, &(v))

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
