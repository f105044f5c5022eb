/* Sums along a row, and its mean and squared deviations, in a fixed order, for kernels compiled for
 * each instruction set. float32 adds in double in 32 lanes, so that one addition need not wait for
 * another; float64 adds with compensation in 16. Elements that do not fill a group of 8 lanes go to
 * a lane of their own. Vectors are those of GCC's and clang's language: left to themselves, they make
 * none of some of these loops. AVX2 adds halves of groups, the same lanes: of vectors that no register
 * holds GCC makes loads and stores. Relies on compensated.h. */
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
    typedef T tgk_half_##T                                                                         \
        __attribute__((vector_size(4 * sizeof(T)), aligned(_Alignof(T)), may_alias));              \
    typedef T tgk_lane_##T __attribute__((vector_size(sizeof(T)), aligned(_Alignof(T)), may_alias))
TGK_IN_MEMORY(float);
TGK_IN_MEMORY(double);

/* A conversion of eight at once: of what the language has for that, GCC makes more. */
TGK_INLINE void tgk_read_lanes(tgk_lanes *to, const float *x)
{
    *to = (tgk_lanes){(double)x[0], (double)x[1], (double)x[2], (double)x[3],
                      (double)x[4], (double)x[5], (double)x[6], (double)x[7]};
}

TGK_INLINE void tgk_read_half(tgk_half *to, const float *x)
{
    *to = (tgk_half){(double)x[0], (double)x[1], (double)x[2], (double)x[3]};
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

/* The same in halves: number 2 k is the first one of group k. */
typedef struct tgk_sum_halves_float {
    tgk_half sum[8];
    tgk_lane rest;
} tgk_sum_halves_float;

typedef struct tgk_sum_halves_double {
    tgk_half sum[4], error[4];
    tgk_lane rest, rest_error;
} tgk_sum_halves_double;

static const tgk_sum_float tgk_none_float;
static const tgk_sum_double tgk_none_double;
static const tgk_sum_halves_float tgk_none_halves_float;
static const tgk_sum_halves_double tgk_none_halves_double;

/* TGK_SUM(x, T): tgk_x_T, or what takes its place in an instruction set. */
#define TGK_SUM_0(x, T) tgk_##x##_##T
#define TGK_SUM_1(x, T) tgk_##x##_halves_##T
#define TGK_SUM_2(x, T) tgk_##x##_##T
#define TGK_SUM_OF(isa) TGK_SUM_##isa
#define TGK_SUM_IN(isa) TGK_SUM_OF(isa)
#define TGK_SUM(x, T) TGK_SUM_IN(TGK_ISA)(x, T)

/* tgk_compensated_add() in lanes. */
#define TGK_ADD_LANES(lanes, a, lost, x)                                                           \
    do {                                                                                           \
        const lanes sum_ = (a) + (x), part_ = sum_ - (a);                                          \
        (lost) += ((a) - (sum_ - part_)) + ((x)-part_);                                            \
        (a) = sum_;                                                                                \
    } while (0)

/* Adds x to part `group` of a sum, or to the rest, and to what that has lost. */
#define TGK_ADDITIONS(name, sums, lanes, to)                                                       \
    TGK_INLINE void tgk_add_##name##_float(tgk_sum##sums##_float *s, int group, const lanes *x)    \
    {                                                                                              \
        (void)group;                                                                               \
        s->to += *x;                                                                               \
    }
#define TGK_WIDE_ADDITIONS(name, sums, lanes, to, lost)                                            \
    TGK_INLINE void tgk_add_##name##_double(tgk_sum##sums##_double *s, int group, const lanes *x)  \
    {                                                                                              \
        (void)group;                                                                               \
        TGK_ADD_LANES(lanes, s->to, s->lost, *x);                                                  \
    }                                                                                              \
    TGK_INLINE void tgk_lose_##name##_double(tgk_sum##sums##_double *s, int group, const lanes *x) \
    {                                                                                              \
        (void)group;                                                                               \
        s->lost += *x;                                                                             \
    }
TGK_ADDITIONS(lanes, , tgk_lanes, sum[group])
TGK_ADDITIONS(lane, , tgk_lane, rest)
TGK_ADDITIONS(half, _halves, tgk_half, sum[group])
TGK_ADDITIONS(lane_halves, _halves, tgk_lane, rest)
TGK_WIDE_ADDITIONS(lanes, , tgk_lanes, sum[group], error[group])
TGK_WIDE_ADDITIONS(lane, , tgk_lane, rest, rest_error)
TGK_WIDE_ADDITIONS(half, _halves, tgk_half, sum[group], error[group])
TGK_WIDE_ADDITIONS(lane_halves, _halves, tgk_lane, rest, rest_error)

TGK_INLINE double tgk_total_float(const tgk_sum_float *s)
{
    const tgk_lanes all = (s->sum[0] + s->sum[1]) + (s->sum[2] + s->sum[3]);
    const tgk_half four = TGK_HALF(all, 0) + TGK_HALF(all, 4);
    const tgk_quarter two = TGK_QUARTER(four, 0) + TGK_QUARTER(four, 2);
    return two[0] + two[1] + s->rest[0];
}

TGK_INLINE double tgk_total_halves_float(const tgk_sum_halves_float *s)
{
    const tgk_half first = (s->sum[0] + s->sum[2]) + (s->sum[4] + s->sum[6]);
    const tgk_half second = (s->sum[1] + s->sum[3]) + (s->sum[5] + s->sum[7]);
    const tgk_half four = first + second;
    const tgk_quarter two = TGK_QUARTER(four, 0) + TGK_QUARTER(four, 2);
    return two[0] + two[1] + s->rest[0];
}

/* By halves: a chain of additions would take longer than a short row. */
TGK_INLINE tgk_compensated tgk_join_lanes(tgk_half sum, tgk_half error, tgk_compensated rest)
{
    tgk_quarter sum2 = TGK_QUARTER(sum, 0), error2 = TGK_QUARTER(error, 0) + TGK_QUARTER(error, 2);
    TGK_ADD_LANES(tgk_quarter, sum2, error2, TGK_QUARTER(sum, 2));
    const tgk_compensated first = {sum2[0], error2[0]}, second = {sum2[1], error2[1]};
    return tgk_compensated_join(tgk_compensated_join(first, second), rest);
}

/* A sum with what it has lost. */
TGK_INLINE tgk_compensated tgk_parts_double(const tgk_sum_double *s)
{
    tgk_lanes sum = s->sum[0], error = s->error[0] + s->error[1];
    TGK_ADD_LANES(tgk_lanes, sum, error, s->sum[1]);
    tgk_half sum4 = TGK_HALF(sum, 0), error4 = TGK_HALF(error, 0) + TGK_HALF(error, 4);
    TGK_ADD_LANES(tgk_half, sum4, error4, TGK_HALF(sum, 4));
    return tgk_join_lanes(sum4, error4, (tgk_compensated){s->rest[0], s->rest_error[0]});
}

TGK_INLINE tgk_compensated tgk_parts_halves_double(const tgk_sum_halves_double *s)
{
    tgk_half sum = s->sum[0], error = s->error[0] + s->error[2];
    tgk_half more = s->sum[1], lost = s->error[1] + s->error[3];
    TGK_ADD_LANES(tgk_half, sum, error, s->sum[2]);
    TGK_ADD_LANES(tgk_half, more, lost, s->sum[3]);
    error += lost;
    TGK_ADD_LANES(tgk_half, sum, error, more);
    return tgk_join_lanes(sum, error, (tgk_compensated){s->rest[0], s->rest_error[0]});
}

TGK_INLINE double tgk_total_double(const tgk_sum_double *s)
{
    return tgk_compensated_total(tgk_parts_double(s));
}

TGK_INLINE double tgk_total_halves_double(const tgk_sum_halves_double *s)
{
    return tgk_compensated_total(tgk_parts_halves_double(s));
}

/* TGK_ROW_T(n, statement) runs a statement for elements i to n of a row, some at a time: they are of
 * the type V. In it, TGK_READ_T(p) is those at p, TGK_WRITE_T(p, v) writes some there, and TGK_KEEP(p) where doubles of theirs are kept;
 * TGK_READ_float() stands but once in an expression. TGK_ADD_T(s, v) adds a variable v to a sum, and TGK_LOSE_T(s, v) what another one had lost. */
#define TGK_PART(lanes, in_memory, in_kept, number, start, ...)                                    \
    do {                                                                                           \
        typedef lanes V;                                                                           \
        typedef in_memory in_memory_;                                                              \
        typedef in_kept kept_;                                                                     \
        V read_;                                                                                   \
        const int group_ = number;                                                                 \
        const int64_t i = at_ + (start);                                                           \
        (void)group_;                                                                              \
        (void)sizeof(in_memory_);                                                                  \
        (void)sizeof(kept_);                                                                       \
        (void)sizeof(read_);                                                                       \
        __VA_ARGS__;                                                                               \
    } while (0)

#define TGK_GROUP(T, number, ...)                                                                  \
    TGK_PART(tgk_lanes, tgk_lanes_##T, tgk_lanes_double, number, TGK_LANES *(group_), __VA_ARGS__)
#define TGK_HALF_GROUP(T, number, ...)                                                             \
    TGK_PART(tgk_half, tgk_half_##T, tgk_half_double, number, TGK_LANES / 2 * (group_), __VA_ARGS__)
#define TGK_BOTH_HALVES(T, number, ...)                                                            \
    do {                                                                                           \
        TGK_HALF_GROUP(T, 2 * (number), __VA_ARGS__);                                              \
        TGK_HALF_GROUP(T, 2 * (number) + 1, __VA_ARGS__);                                          \
    } while (0)

/* The groups of a step one by one, so that their sums are kept in registers; plain C, which may have few
 * of them, has one piece of code for all. */
#define TGK_STEP_0(T, groups, ...)                                                                 \
    for (int k_ = 0; k_ < (groups); k_++)                                                          \
    TGK_GROUP(T, k_, __VA_ARGS__)
#define TGK_STEP_1(T, groups, ...) TGK_HALVES_##groups(T, __VA_ARGS__)
#define TGK_STEP_2(T, groups, ...) TGK_GROUPS_##groups(T, __VA_ARGS__)
#define TGK_GROUPS_1(T, ...) TGK_GROUP(T, 0, __VA_ARGS__)
#define TGK_GROUPS_2(T, ...)                                                                       \
    TGK_GROUP(T, 0, __VA_ARGS__);                                                                  \
    TGK_GROUP(T, 1, __VA_ARGS__)
#define TGK_GROUPS_4(T, ...)                                                                       \
    TGK_GROUPS_2(T, __VA_ARGS__);                                                                  \
    TGK_GROUP(T, 2, __VA_ARGS__);                                                                  \
    TGK_GROUP(T, 3, __VA_ARGS__)
#define TGK_HALVES_1(T, ...) TGK_BOTH_HALVES(T, 0, __VA_ARGS__)
#define TGK_HALVES_2(T, ...)                                                                       \
    TGK_BOTH_HALVES(T, 0, __VA_ARGS__);                                                            \
    TGK_BOTH_HALVES(T, 1, __VA_ARGS__)
#define TGK_HALVES_4(T, ...)                                                                       \
    TGK_HALVES_2(T, __VA_ARGS__);                                                                  \
    TGK_BOTH_HALVES(T, 2, __VA_ARGS__);                                                            \
    TGK_BOTH_HALVES(T, 3, __VA_ARGS__)
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
    for (; at_ + TGK_LANES <= (n); at_ += TGK_LANES) {                                             \
        TGK_STEP(TGK_ISA)(T, 1, __VA_ARGS__);                                                      \
    }                                                                                              \
    for (; at_ < (n); at_++)                                                                       \
    TGK_PART(tgk_lane, tgk_lane_##T, tgk_lane_double, 0, 0, __VA_ARGS__)

#define TGK_READ_float(p)                                                                          \
    (_Generic(read_, tgk_lanes                                                                     \
              : tgk_read_lanes, tgk_half                                                           \
              : tgk_read_half, tgk_lane                                                            \
              : tgk_read_lane)(&read_, p),                                                         \
     read_)
#define TGK_READ_double(p) ((V) * (const in_memory_ *)(const void *)(p))
#define TGK_WRITE_float(p, v) (*(in_memory_ *)(void *)(p) = __builtin_convertvector(v, in_memory_))
#define TGK_WRITE_double(p, v) (*(in_memory_ *)(void *)(p) = (in_memory_)(v))
#define TGK_KEEP(p) (*(kept_ *)(void *)(p))
#define TGK_KEPT(p) ((V) * (const kept_ *)(const void *)(p))
/* The function of a sum and of what is added to it. */
#define TGK_ADDITION(what, T, s, v)                                                                \
    _Generic((v), tgk_lanes                                                                        \
             : tgk_##what##_lanes_##T, tgk_half                                                    \
             : tgk_##what##_half_##T, tgk_lane                                                     \
             : _Generic((s), tgk_sum_##T *                                                         \
                        : tgk_##what##_lane_##T, tgk_sum_halves_##T *                              \
                        : tgk_##what##_lane_halves_##T))
#define TGK_ADD_float(s, v) TGK_ADDITION(add, float, s, v)(s, group_, &(v))
#define TGK_ADD_double(s, v) TGK_ADDITION(add, double, s, v)(s, group_, &(v))
#define TGK_LOSE_double(s, v) TGK_ADDITION(lose, double, s, v)(s, group_, &(v))

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
