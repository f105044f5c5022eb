/* How accurate float32's pow is over random pairs: usage: all_pow [PAIRS [SEED]], 10^7 pairs if not said. Half of
 * them are any positive float with an exponent that keeps the power in range, a quarter is close to 1 with large
 * exponents, a quarter is any two floats. Prints the worst distance in units of the last place and its
 * pair, and how many are above 0.501, which is what makes it fail.
 *
 * With 2000000000 7, in 3 minutes: worst 0.50003374, none above 0.501.
 *
 * The reference is libm's pow() of doubles: its error, less than a unit of a double, is 2^-29 of a float's. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tinygrad.h>

enum { BATCH = 1 << 16 };

static const double bound = 0.501;

static uint64_t stream;

static uint64_t draw(void)
{
    stream += 0x9e3779b97f4a7c15u;
    uint64_t z = (stream ^ stream >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* In [low, high). */
static double between(double low, double high)
{
    return low + (high - low) * (double)(draw() >> 11) * 0x1p-53;
}

static float any_float(void)
{
    uint32_t bits = (uint32_t)draw();
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void draw_pair(float *x, float *y)
{
    unsigned kind = (unsigned)(draw() & 3);
    *x = kind == 2 ? (float)(1 + between(-0x1p-6, 0x1p-6)) : fabsf(any_float());
    *y = (float)(between(-151, 129) / log2((double)*x));
    if (kind == 3) {
        *x = any_float();
        *y = any_float();
    }
}

/* The exponent of a float's last place at `want`. */
static int last_place(double want)
{
    int exponent = want == 0 ? -149 : ilogb(want) - 23;
    return exponent < -149 ? -149 : exponent;
}

static double distance(float got, double want)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : (double)INFINITY;
    if (isinf(got))
        return fabs(want) >= 0x1.ffffffp127 && (want > 0) == (got > 0) ? 0 : (double)INFINITY;
    return isinf(want) ? (double)INFINITY : ldexp(fabs((double)got - want), -last_place(want));
}

typedef struct result {
    uint64_t pairs, above;
    double worst;
    float x, y;
} result;

static void add(result *r, float x, float y, float got)
{
    double d = distance(got, pow((double)x, (double)y));
    r->pairs++;
    r->above += d > bound;
    if (d > r->worst) {
        r->worst = d;
        r->x = x;
        r->y = y;
    }
}

int main(int argc, char **argv)
{
    uint64_t pairs = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    stream = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    static float x[BATCH], y[BATCH];
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 1});
    tg_mark start = tg_tape_mark(tape);
    result r = {0};
    while (r.pairs < pairs && !tg_error(tape)) {
        for (int i = 0; i < BATCH; i++)
            draw_pair(&x[i], &y[i]);
        tg_tape_rewind(tape, start);
        tg_tensor *base = tg_from_f32(tape, x, TG_DIMS(BATCH), 0);
        const float *power = tg_f32(tg_pow(base, tg_from_f32(tape, y, TG_DIMS(BATCH), 0)));
        for (int i = 0; power && i < BATCH; i++)
            add(&r, x[i], y[i], power[i]);
    }
    printf("%" PRIu64 " pairs: worst %.8f ulp at pow(%a, %a), %" PRIu64 " above %g\n", r.pairs,
           r.worst, (double)r.x, (double)r.y, r.above, bound);
    bool right = !tg_error(tape) && r.above == 0;
    tg_tape_free(tape);
    return right ? 0 : 1;
}
