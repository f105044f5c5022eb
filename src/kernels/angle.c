/* Far angles, see angle.h. */
#include "kernels/angle.h"

/* 2 / pi, behind 32 zeros: one above the greatest angle's bits, 6 words. */
static const uint32_t two_over_pi[] = {
    0x00000000, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab,
    0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5,
    0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff,
    0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7,
    0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046};

enum { WORDS = 6 };

/* A fraction of WORDS words, the first one the lowest, times m; what reaches 1 is dropped. */
static void times(uint32_t *fraction, uint64_t m)
{
    uint32_t low = (uint32_t)m, high = (uint32_t)(m >> 32), before = 0;
    uint64_t carry = 0;
    for (int i = 0; i < WORDS; i++) {
        uint64_t a = (uint64_t)fraction[i] * low, b = (uint64_t)before * high;
        uint64_t sum = (a & 0xffffffff) + (b & 0xffffffff) + (carry & 0xffffffff);
        before = fraction[i];
        fraction[i] = (uint32_t)sum;
        carry = (carry >> 32) + (a >> 32) + (b >> 32) + (sum >> 32);
    }
}

/* x / (2 pi) without its whole part, for x = m 2^power. */
static void turn(uint32_t *fraction, uint64_t m, int power)
{
    unsigned from = (unsigned)(power - 2 + 32), word = from / 32, bit = from % 32;
    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t pair = (uint64_t)two_over_pi[word + i] << 32 | two_over_pi[word + i + 1];
        fraction[WORDS - 1 - i] = (uint32_t)(pair << bit >> 32);
    }
    times(fraction, m);
}

tgk_angle tgk_angle_far(double x)
{
    uint64_t bits = tgk_bits(x), biased = bits >> 52 & 0x7ff;
    if (biased == 0x7ff)
        return (tgk_angle){TGK_NAN, TGK_NAN, 0};
    uint32_t fraction[WORDS];
    turn(fraction, (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52, (int)biased - 1075);
    /* The nearest right angle, and the rest: two's complement, so that its sign is the top bit. */
    uint32_t quadrant = ((fraction[WORDS - 1] >> 29) + 1) >> 1, flip;
    fraction[WORDS - 1] -= quadrant << 30;
    flip = fraction[WORDS - 1] >> 31 ? 0xffffffff : 0;
    tgk_dd r = {0, 0};
    double unit = 0x1p-30; /* right angles that the words count, from the highest on */
    for (int i = WORDS - 1; i >= 0; i--, unit *= 0x1p-32) {
        tgk_dd sum = tgk_two_sum(r.hi, (double)(fraction[i] ^ flip) * unit);
        r = tgk_fast_two_sum(sum.hi, sum.lo + r.lo);
    }
    double hi = r.hi * 0x1.921fb54442d18p+0, lo = fma(r.hi, 0x1.921fb54442d18p+0, -hi);
    lo += fma(r.hi, 0x1.1a62633145c07p-54, r.lo * 0x1.921fb54442d18p+0);
    r = tgk_fast_two_sum(hi, lo);
    bool negative = (flip != 0) != (x < 0);
    return (tgk_angle){negative ? -r.hi : r.hi, negative ? -r.lo : r.lo,
                       x < 0 ? 0 - (uint64_t)quadrant : quadrant};
}
