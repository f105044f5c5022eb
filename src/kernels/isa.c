/* What the CPU has, by cpuid: the compiler's own helper would bring a writable global along. On a virtual machine
 * each cpuid takes 5 us or more, and all else of a new tape 2. */
#include "kernels/isa.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *const tgk_isa_names[3] = {"base", "v3", "v4"};

#if TGK_HAS_V3 || TGK_HAS_V4
#include <cpuid.h>

/* Whether all `bits` are set. */
static int has(unsigned value, unsigned bits)
{
    return (value & bits) == bits;
}

/* Which register states the operating system keeps: XCR0. */
static unsigned kept_states(void)
{
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static int of_machine(void)
{
    enum { OSXSAVE = 1 << 27, FMA = 1 << 12, BMI = 1 << 3, AVX2 = 1 << 5, BMI2 = 1 << 8 };
    const unsigned avx512 =
        1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31; /* F DQ CD BW VL */
    unsigned a, b, c, d;
    __cpuid(1, a, b, c, d);
    if (!has(c, OSXSAVE | FMA))
        return TGK_BASE;
    unsigned states = kept_states();
    __cpuid_count(7, 0, a, b, c, d); /* where there is OSXSAVE there are 13 leaves */
    if (!has(states, 0x6) || !has(b, AVX2 | BMI | BMI2))
        return TGK_BASE;
    return has(states, 0xe6) && has(b, avx512) ? TGK_V4 : TGK_V3;
}

static const bool is_there[TGK_ISAS] = {TGK_HAS_BASE, TGK_HAS_V3, TGK_HAS_V4};

int tgk_isa_best(void)
{
    int isa = of_machine();
    while (isa >= 0 && !is_there[isa])
        isa--;
    return isa;
}

int tgk_isa_choose(int asked)
{
    const char *name = getenv("TINYGRAD_ISA");
    for (int i = 0; i < TGK_ISAS && name && asked < 0; i++) {
        if (!strcmp(name, tgk_isa_names[i]))
            asked = i;
    }
    if (TGK_HAS_BASE && asked == TGK_BASE) /* without a look at the machine */
        return asked;
    int best = tgk_isa_best();
    if (asked < 0 || asked > best)
        return best;
    while (!is_there[asked])
        asked++;
    return asked;
}
#else
int tgk_isa_best(void)
{
    return TGK_BASE;
}

int tgk_isa_choose(int asked)
{
    (void)asked;
    return TGK_BASE;
}
#endif
