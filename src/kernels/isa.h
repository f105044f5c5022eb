/* Instruction sets that kernels are compiled for; one is chosen when a tape is made. Relies on
 * nothing. */
#ifndef TGK_ISA_H
#define TGK_ISA_H

#include <float.h>

#ifdef __FAST_MATH__
#error "Results have promised bits: compile without -ffast-math and -Ofast."
#endif
#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16 /* 16: where there is a _Float16 as well */
#error                                                                                             \
    "Float and double must be computed as such; 32-bit x86: -msse2 -mfpmath=sse, s390x: -fexcess-precision=fast."
#endif

/* base is plain C for the compiler's own target. v3 and v4 are x86-64-v3 (AVX2, FMA) and x86-64-v4
 * (AVX-512), for 32 bits as well. All give the same bits. */
enum { TGK_BASE, TGK_V3, TGK_V4, TGK_ISAS };

#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#define TGK_X86 1
#endif

/* A function that becomes part of each caller, and so is compiled for its instruction set; where there is
 * but one, and the code shall be small, the compiler has the choice. */
#if defined(__GNUC__) && (defined(TGK_X86) || !defined(__OPTIMIZE_SIZE__))
#define TGK_INLINE static inline __attribute__((always_inline))
#else
#define TGK_INLINE static inline
#endif

/* A function that stays one, whatever it is called with: loops in it are outermost, and compilers leave
 * short ones to vectors. */
#if defined(__clang__)
#define TGK_ONCE __attribute__((noinline, unused)) static
#elif defined(__GNUC__)
#define TGK_ONCE __attribute__((noinline, noclone, unused)) static
#else
#define TGK_ONCE static
#endif

/* One that is out of the way of what each operation does. */
#if defined(__GNUC__)
#define TGK_RARELY __attribute__((noinline, cold)) static
#else
#define TGK_RARELY static
#endif

/* TINYGRAD_ISAS leaves sets of x86 out: TGK_NO_BASE, TGK_NO_V3 and TGK_NO_V4. What stands in TGK_IN_BASE(),
 * TGK_IN_V3() and TGK_IN_V4() is there where the set is. */
#if defined(TGK_X86) && defined(TGK_NO_BASE)
#define TGK_IN_BASE(...)
#define TGK_HAS_BASE 0
#else
#define TGK_IN_BASE(...) __VA_ARGS__
#define TGK_HAS_BASE 1
#endif
#if defined(TGK_X86) && !defined(TGK_NO_V3)
#define TGK_IN_V3(...) __VA_ARGS__
#define TGK_HAS_V3 1
#else
#define TGK_IN_V3(...)
#define TGK_HAS_V3 0
#endif
#if defined(TGK_X86) && !defined(TGK_NO_V4)
#define TGK_IN_V4(...) __VA_ARGS__
#define TGK_HAS_V4 1
#else
#define TGK_IN_V4(...)
#define TGK_HAS_V4 0
#endif

/* TINYGRAD_F64=OFF leaves float64 out, for microcontrollers: TGK_NO_F64. What stands at the end of a table in
 * TGK_IN_F64() is there where it is not, and programs get no tensor of float64. */
#ifdef TGK_NO_F64
#define TGK_IN_F64(...)
#define TGK_HAS_F64 0
#else
#define TGK_IN_F64(...) __VA_ARGS__
#define TGK_HAS_F64 1
#endif

/* What ENTRY(base), ENTRY(v3) and ENTRY(v4) make, as the initializer of an array of TGK_ISAS. */
#define TGK_BY_ISA(ENTRY)                                                                          \
    {                                                                                              \
        TGK_IN_BASE([TGK_BASE] = ENTRY(base), )                                                    \
        TGK_IN_V3([TGK_V3] = ENTRY(v3), ) TGK_IN_V4([TGK_V4] = ENTRY(v4))                          \
    }

#define TGK_TARGET_V3 __attribute__((target("avx2,fma,bmi,bmi2")))
#define TGK_AVX512 "avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512cd"
#ifdef __clang__
#define TGK_TARGET_V4 __attribute__((target(TGK_AVX512), min_vector_width(512)))
#else
#define TGK_TARGET_V4 __attribute__((target(TGK_AVX512 ",prefer-vector-width=512")))
#endif

/* Where an fma is a call, as in plain C beside other sets, nothing is to be had for code that has many: it is
 * compiled for size. */
#if TGK_HAS_V3 && !defined(__clang__)
#define TGK_SMALL __attribute__((optimize("Os")))
#else
#define TGK_SMALL
#endif

/* Behind the definition of name_body(), a TGK_INLINE function: an array `name` of it compiled for
 * every instruction set, tgk_this_isa. For whole files there is each_isa.h. */
#define TGK_EACH_ISA(name, parameters, arguments)                                                  \
    TGK_ALL_ISAS(static, , name, parameters, arguments)
/* Of long expressions that have many an fma. */
#define TGK_LONG_EACH_ISA(name, parameters, arguments)                                             \
    TGK_ALL_ISAS(static, TGK_SMALL, name, parameters, arguments)
/* Of such that are out of the way. */
#define TGK_RARELY_EACH_ISA(name, parameters, arguments)                                           \
    TGK_ALL_ISAS(TGK_RARELY, TGK_SMALL, name, parameters, arguments)

#define TGK_ALL_ISAS(how, small, name, parameters, arguments)                                      \
    static void(*const name[TGK_ISAS]) parameters;                                                 \
    TGK_IN_BASE(TGK_ISA_BODY(small how, name, base, TGK_BASE, parameters, arguments))              \
    TGK_IN_V3(TGK_ISA_BODY(TGK_TARGET_V3 how, name, v3, TGK_V3, parameters, arguments))            \
    TGK_IN_V4(TGK_ISA_BODY(TGK_TARGET_V4 how, name, v4, TGK_V4, parameters, arguments))            \
    static void(*const name[TGK_ISAS])                                                             \
        parameters = {TGK_IN_BASE([TGK_BASE] = name##_base, ) TGK_IN_V3([TGK_V3] = name##_v3, )    \
                          TGK_IN_V4([TGK_V4] = name##_v4)}

#define TGK_ISA_BODY(how, name, isa, number, parameters, arguments)                                \
    how void name##_##isa parameters                                                               \
    {                                                                                              \
        enum { tgk_this_isa = number };                                                            \
        name##_body arguments;                                                                     \
    }

/* Before a loop whose turns are no constant: what is left of its vectors stays a loop, for size. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 8
#define TGK_SMALL_ENDS _Pragma("GCC unroll 1")
#else
#define TGK_SMALL_ENDS
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

/* In a loop that shall have no vectors. */
#if defined(__GNUC__)
#define TGK_ALONE __asm__ volatile("")
#else
#define TGK_ALONE ((void)0)
#endif

/* As TINYGRAD_ISA has them, of all machines. */
extern const char *const tgk_isa_names[3];

/* The best that is there and that this machine has; -1: it has none of them. */
int tgk_isa_best(void);
/* The one that is asked for, by number or (-1) by the environment variable TINYGRAD_ISA, or the next above it
 * that is there; the best where nothing is asked for, or more than the machine has. */
int tgk_isa_choose(int asked);

#endif
