/* Includes TGK_BODY once for each instruction set, with TGK_ISA (its number) and TGK_NAME(x)
 * (x_base, x_v3, x_v4) defined. No guard: it is meant to be included again. */
#include "kernels/isa.h"

#if TGK_HAS_BASE
/* Of the plain C beside other sets there is little to be had: where TGK_PLAIN_SMALL is defined it is
 * compiled for size. */
#if defined(TGK_PLAIN_SMALL) && TGK_HAS_V3 && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("Os")
#endif
#define TGK_ISA 0
#define TGK_NAME(x) x##_base
#include TGK_BODY
#if defined(TGK_PLAIN_SMALL) && TGK_HAS_V3 && !defined(__clang__)
#pragma GCC pop_options
#endif
#undef TGK_ISA
#undef TGK_NAME
#endif

#if TGK_HAS_V3
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2")
#endif
#define TGK_ISA 1
#define TGK_NAME(x) x##_v3
#include TGK_BODY
#undef TGK_ISA
#undef TGK_NAME
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#if TGK_HAS_V4
#ifdef __clang__
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512cd"))),      \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target(                                                                                \
    "avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,prefer-vector-width=512")
#endif
#define TGK_ISA 2
#define TGK_NAME(x) x##_v4
#include TGK_BODY
#undef TGK_ISA
#undef TGK_NAME
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#undef TGK_BODY
#undef TGK_PLAIN_SMALL
