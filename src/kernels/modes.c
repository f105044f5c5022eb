/* See modes.h: what is done in the rare case. */
#include "modes.h"

tgk_modes tgk_modes_set(void)
{
    tgk_modes found = {.control = 0};
#if defined(__aarch64__) && defined(__GNUC__)
    found.control = tgk_fpcr();
#endif
    feholdexcept(&found.all); /* no traps */
    fesetround(FE_TONEAREST);
#if defined(TGK_MXCSR)
    const unsigned right = TGK_MXCSR; /* feholdexcept() leaves flush-to-zero as it is */
    __asm__ volatile("ldmxcsr %0" : : "m"(right));
#elif defined(__aarch64__) && defined(__GNUC__)
    __asm__ volatile("msr fpcr, %0" : : "r"(found.control & ~(unsigned long)TGK_FPCR));
#endif
    return found;
}

void tgk_modes_put_back(const tgk_modes *found)
{
    fesetenv(&found->all);
#if defined(__aarch64__) && defined(__GNUC__)
    __asm__ volatile("msr fpcr, %0" : : "r"(found->control));
#endif
}
