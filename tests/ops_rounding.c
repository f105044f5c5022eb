/* Rows of whole numbers, remainders and quotients without one. See op_table.h. */
#include "op_reference.h"

#include <math.h>

static double frac(double x)
{
    return x - trunc(x);
}

static double remainder_of(double a, double b)
{
    double rest = fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static double floor_divide(double a, double b)
{
    if (b == 0 || isinf(b) || isinf(a))
        return b == 0 || isinf(a) ? (isinf(a) && b != 0 ? (double)NAN : a / b)
                                  : floor(a == 0               ? 0
                                          : (a < 0) != (b < 0) ? -1
                                                               : 0);
    double rest = remainder_of(a, b);
    return rint((a - rest) / b);
}

static const op_sample few[] = {{.in = "."},     {.in = "2x0x3"}, {.in = "37"}, {.in = "4x3:r"},
                                {.in = "300:x"}, {.in = "37:h"},  {0}};
static const op_sample whole[] = {{.in = "5:i"}, {.in = ".:i"}, {0}};
static const op_sample pairs[] = {
    {.in = "37 37:n"},    {.in = "4x3:r 3:rn"}, {.in = "3x1 1x5:p"}, {.in = "3x5:o .:p"},
    {.in = "37:h 37:nc"}, {.in = "5:c 5:i"},    {.in = "3:x 3:n"},   {0}};
static const op_sample errors_frac[] = {
    {.in = "3:i", .status = TG_EDTYPE, .message = "frac: not defined for int64"}, {0}};
static const op_sample errors_pair[] = {
    {.in = "3:b 3:b", .status = TG_EDTYPE, .message = "not defined for bool"},
    {.in = "64:i 64:i", .status = TG_EVALUE, .message = "an integer divided by 0"},
    {0}};

/* Of two integers, most have a divisor of 0: golden/formulas.inc has others. */
static const op_kink kinks_rest[] = {
    {.s = {.in = "2 2:c"}, .x = {{0, 2}, {2, 2}}, .grad = {{1, 1}}},
    {.s = {.in = "2:c 2"}, .x = {{0, 2}, {2, 2}}, .grad = {{0}, {0, -1}}},
    {.s = {0}}};
static const op_kink kinks_whole[] = {{.s = {.in = "2 2"}, .x = {{0, 2}, {2, 2}}}, {.s = {0}}};
/* What jumps itself has the gradient of its pieces. */
static const op_kink kinks_flat[] = {{.s = {.in = "6"}, .x = {{-3, -2.5, -1, 0, 0.5, 1}}},
                                     {.s = {.in = "6"}, .x = {{-2, -1.5, -0.5, 1.5, 2, 2.5}}},
                                     {.s = {.in = "2"}, .x = {{3, 6}}},
                                     {.s = {0}}};
static const op_kink kinks_frac[] = {
    {.s = {.in = "6"}, .x = {{-3, -2, -1, 1, 0, 2}}, .grad = {{1, 1, 1, 1, 1, 1}}},
    {.s = {.in = "2"}, .x = {{3, 6}}, .grad = {{1, 1}}},
    {.s = {0}}};

#define ROW(id, reference, ...)                                                                    \
    {                                                                                              \
        .name = #id, .unary = tg_##id, .f1 = reference, .errors = {errors_not_bool}, __VA_ARGS__   \
    }
#define FLAT(id) ROW(id, id, .samples = {few, whole}, .kinks = {kinks_flat})

const op_row ops_rounding[] = {FLAT(floor),
                               FLAT(ceil),
                               {.name = "round",
                                .unary = tg_round,
                                .f1 = rint,
                                .samples = {few, whole},
                                .errors = {errors_not_bool},
                                .kinks = {kinks_flat}},
                               FLAT(trunc),
                               {.name = "frac",
                                .unary = tg_frac,
                                .f1 = frac,
                                .samples = {few},
                                .errors = {errors_frac},
                                .kinks = {kinks_frac}},
                               {.name = "remainder",
                                .binary = tg_remainder,
                                .f2 = remainder_of,
                                .samples = {pairs},
                                .errors = {errors_broadcast, errors_pair},
                                .kinks = {kinks_rest}},
                               {.name = "fmod",
                                .binary = tg_fmod,
                                .f2 = fmod,
                                .samples = {pairs},
                                .errors = {errors_broadcast, errors_pair},
                                .kinks = {kinks_rest}},
                               {.name = "floor_divide",
                                .binary = tg_floor_divide,
                                .f2 = floor_divide,
                                .samples = {pairs},
                                .errors = {errors_broadcast, errors_pair},
                                .kinks = {kinks_whole}},
                               {0}};
