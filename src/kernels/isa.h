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

/* The best that this machine has. */
int tgk_isa_best(void);

#endif
