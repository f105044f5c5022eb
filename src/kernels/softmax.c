/* softmax.c: the table of softmax kernels; softmax.inc holds their body. */
#include "softmax.h"

#include "dd.h"

/* What normalises a row: nan all through for a row with nan or +inf, or of nothing but -inf. */
typedef struct tgk_norm {
    double max;
    tgk_dd inverse; /* 1 / sum of e^(x - max); kept times 1 / EXP_SCALE in double */
    tgk_dd log;     /* log of that sum */
} tgk_norm;

/* See row.inc. Keeps e^x in double-double for x down to -800. */
#define F64_SCALE 0x1p128

#define T float
#define NAME(x) x##_f32
#define EXP_SCALE 1.0
#define WIDE 0
#include "row.inc"

#include "softmax.inc"
#undef T
#undef NAME
#undef EXP_SCALE
#undef WIDE

#define T double
#define NAME(x) x##_f64
#define EXP_SCALE F64_SCALE
#define WIDE 1
#include "row.inc"

#include "softmax.inc"

const tgk_softmax tgk_softmax_table[2] = {
    {softmax_f32, log_softmax_f32, logsumexp_f32, softmax_backward_f32, log_softmax_backward_f32},
    {softmax_f64, log_softmax_f64, logsumexp_f64, softmax_backward_f64, log_softmax_backward_f64},
};
