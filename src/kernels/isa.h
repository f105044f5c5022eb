/* Instruction sets that kernels are compiled for; one is chosen when a tape is made. Relies on
 * nothing. */
#ifndef TGK_ISA_H
#define TGK_ISA_H

/* base is plain C for the compiler's own target. v3 and v4 are x86-64-v3 (AVX2, FMA) and x86-64-v4
 * (AVX-512). All give the same bits. */
enum { TGK_BASE, TGK_V3, TGK_V4, TGK_ISAS };

#if defined(__x86_64__) && defined(__GNUC__)
#define TGK_X86 1
#endif

/* A function that becomes part of each caller, and so is compiled for its instruction set. */
#if defined(__GNUC__)
#define TGK_INLINE static inline __attribute__((always_inline))
#else
#define TGK_INLINE static inline
#endif

/* A function compiled for one instruction set, by itself; each_isa.h is for whole files. */
#ifdef TGK_X86
#define TGK_TARGET_V3 __attribute__((target("avx2,fma,bmi,bmi2")))
#ifdef __clang__
#define TGK_TARGET_V4                                                                              \
    __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512cd"),        \
                   min_vector_width(512)))
#else
#define TGK_TARGET_V4                                                                              \
    __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,"         \
                          "prefer-vector-width=512")))
#endif
#endif

/* Before a loop whose turns do not read what others write: the output may be an input, element for
 * element, which a compiler's own test for overlap would send to a loop without vectors. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* where it makes no vectors of such a loop */
#define TGK_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define TGK_INDEPENDENT _Pragma("GCC ivdep")
#else
#define TGK_INDEPENDENT
#endif

/* The best that this machine has. */
int tgk_isa_best(void);

#endif
