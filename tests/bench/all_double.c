/* all_double.c: the error of the float64 functions on random numbers of all sizes, as the installed
 * instruction set computes them, in units in the last place of the exact result.
 *
 *     build/tests/bench_all_double [numbers of each function [seed [name]]]
 *
 * prints a line a function with its worst error, where that was and how many were above the bound stated here
 * (1, but for products); a bound that is broken makes the exit status 1. TINYGRAD_ISA picks another instruction
 * set. Relies on the public API and on libquadmath (exact.h), and compares with 113 bits. */
#include "check.h"
#include "exact.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

exact erfcq(exact), sqrtq(exact);

enum { BATCH = 4096 };

/* Results below this are left out: they, or what they are products of, may be subnormal. */
static const exact smallest = 0x1p-1014;

static tg_tensor *power_2_5(tg_tensor *x)
{
    return tg_pow_scalar(x, 2.5);
}

static tg_tensor *elu(tg_tensor *x)
{
    return tg_elu(x, 1);
}

static exact exact_sigmoid(exact x)
{
    return x < 0 ? expq(x) / (1 + expq(x)) : 1 / (1 + expq(-x));
}

static exact exact_softplus(exact x)
{
    return x < 0 ? log1pq(expq(x)) : x + log1pq(expq(-x));
}

/* As PyTorch defines it. */
static exact exact_softplus_20(exact x)
{
    return x > 20 ? x : exact_softplus(x);
}

static exact exact_logsigmoid(exact x)
{
    return -exact_softplus(-x);
}

static exact exact_silu(exact x)
{
    return x * exact_sigmoid(x);
}

static exact exact_gelu(exact x)
{
    return x / 2 * erfcq(-x / sqrtq(2));
}

static exact exact_elu(exact x)
{
    return x > 0 ? x : expm1q(x);
}

static exact exact_rsqrt(exact x)
{
    return 1 / sqrtq(x);
}

static exact exact_power_2_5(exact x)
{
    return x * x * sqrtq(x);
}

typedef struct function {
    const char *name;
    tg_tensor *(*ours)(tg_tensor *);
    exact (*reference)(exact);
    double low, high; /* of the uniform numbers */
    bool positive;
    double bound; /* in ulps */
} function;

static const function functions[] = {
    {"exp", tg_exp, expq, -746, 710, false, 1},
    {"expm1", tg_expm1, expm1q, -50, 710, false, 1},
    {"log", tg_log, logq, 0, 3, true, 1},
    {"log1p", tg_log1p, log1pq, -1, 3, false, 1},
    {"sin", tg_sin, sinq, -1000, 1000, false, 1},
    {"cos", tg_cos, cosq, -1000, 1000, false, 1},
    {"tanh", tg_tanh, tanhq, -20, 20, false, 1},
    {"sigmoid", tg_sigmoid, exact_sigmoid, -746, 40, false, 1},
    {"erf", tg_erf, erfq, -6, 6, false, 1},
    {"sqrt", tg_sqrt, sqrtq, 0, 4, true, 0.5},
    {"rsqrt", tg_rsqrt, exact_rsqrt, 0, 4, true, 1},
    {"pow_scalar 2.5", power_2_5, exact_power_2_5, 0, 4, true, 1},
    {"softplus", tg_softplus, exact_softplus_20, -746, 40, false, 1.02},
    {"logsigmoid", tg_logsigmoid, exact_logsigmoid, -40, 746, false, 1.02},
    {"silu", tg_silu, exact_silu, -746, 40, false, 1.5},
    {"gelu", tg_gelu, exact_gelu, -40, 40, false, 6},
    {"elu", elu, exact_elu, -50, 50, false, 1},
};

/* A third from the function's own range, a third near 0, a third of any size. */
static double number_for(const function *f)
{
    double x = chance(50)   ? uniform(f->low, f->high)
               : chance(60) ? uniform(f->low < -1 ? -2 : f->low, 2)
               : chance(50) ? magnitude(-60, 4)
                            : magnitude(-1073, 1023.99);
    return !f->positive && x < 1 && chance(30) ? -x : x;
}

typedef struct result {
    uint64_t above;
    double worst, at;
} result;

static void add(result *r, const function *f, const double *x, const double *y)
{
    for (int i = 0; i < BATCH; i++) {
        exact want = f->reference((exact)x[i]);
        double error = fabsq(want) < smallest ? 0 : exact_ulps(y[i], want, EXACT_F64);
        r->above += error > f->bound;
        if (error > r->worst)
            *r = (result){r->above, error, x[i]};
    }
}

/* Whether all kept the bound. */
static bool measure(tg_tape *tape, const function *f, uint64_t count)
{
    static double x[BATCH];
    tg_mark start = tg_tape_mark(tape);
    result r = {0};
    for (uint64_t done = 0; done < count; done += BATCH) {
        for (int i = 0; i < BATCH; i++)
            x[i] = number_for(f);
        tg_tape_rewind(tape, start);
        const double *y = tg_f64(f->ours(tg_from_f64(tape, x, TG_DIMS(BATCH), 0)));
        if (!y)
            return false;
        add(&r, f, x, y);
    }
    printf("%-16s worst %.4f ulp at %a, %" PRIu64 " above %g\n", f->name, r.worst, r.at, r.above,
           f->bound);
    fflush(stdout);
    return r.above == 0;
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    stream = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 1});
    printf("%s, %" PRIu64 " numbers each, seed %" PRIu64 "\n", tg_isa_name(tg_isa_used(tape)),
           count, stream);
    bool right = true;
    for (size_t i = 0; i < COUNT(functions); i++) {
        if (argc <= 3 || strcmp(argv[3], functions[i].name) == 0)
            right = measure(tape, &functions[i], count) && right;
    }
    if (tg_error(tape))
        fprintf(stderr, "%s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return right ? 0 : 1;
}
