/* The modes of floating-point arithmetic that results depend on: rounding to nearest, subnormal
 * numbers as they are, no traps. A program, or a library that is merely linked with -ffast-math, may
 * have set others for its thread. Every function of the library that computes comes through a door
 * with this at its head, so that results have the same bits all the same. Relies on fenv.h. */
#ifndef TGK_MODES_H
#define TGK_MODES_H

#include <fenv.h>
#include <stdbool.h>

/* What was found. */
typedef struct tgk_modes {
    fenv_t all;
    unsigned long control;
} tgk_modes;

/* Without a header for it: that of SSE alone is as long as all that an operation includes. */
#if defined(__SSE__) && (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#define TGK_MXCSR 0x1f80 /* with all flags clear */

static inline unsigned tgk_mxcsr(void)
{
    unsigned mxcsr;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    return mxcsr;
}
#endif

#if defined(__aarch64__) && defined(__GNUC__)
/* FIZ, AH; traps; flush to zero, rounding, default nan. */
enum { TGK_FPCR = 0x3 | 0x9f00 | 0x3c80000 };

static inline unsigned long tgk_fpcr(void)
{
    unsigned long fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}
#endif

static inline bool tgk_modes_right(void)
{
#if defined(TGK_MXCSR)
    return (tgk_mxcsr() & ~0x3fu) == TGK_MXCSR;
#elif defined(__aarch64__) && defined(__GNUC__)
    return !(tgk_fpcr() & TGK_FPCR);
#else
    return fegetround() == FE_TONEAREST;
#endif
}

/* Sets the modes that are right. The flags of exceptions are put back as well. */
tgk_modes tgk_modes_set(void);
void tgk_modes_put_back(const tgk_modes *found);

/* At the head of a function: in other modes, its result is that of `call`, itself once more, in the
 * right ones. */
#define TGK_IN_RIGHT_MODES(type, call)                                                             \
    do {                                                                                           \
        if (!tgk_modes_right()) {                                                                  \
            const tgk_modes found_ = tgk_modes_set();                                              \
            type result_ = call;                                                                   \
            tgk_modes_put_back(&found_);                                                           \
            return result_;                                                                        \
        }                                                                                          \
    } while (0)

/* The same for one without a result. */
#define TGK_DO_IN_RIGHT_MODES(call)                                                                \
    do {                                                                                           \
        if (!tgk_modes_right()) {                                                                  \
            const tgk_modes found_ = tgk_modes_set();                                              \
            call;                                                                                  \
            tgk_modes_put_back(&found_);                                                           \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#endif
