/* Rows of classification losses. See op_table.h. */
#include "op_reference.h"

#include <math.h>

static tg_tensor *optional(const op_args *a)
{
    return a->n > 2 ? a->in[2] : NULL;
}

static tg_tensor *nll_loss(const op_args *a)
{
    return tg_nll_loss(a->in[0], a->in[1],
                       &(tg_nll_opts){.weight = optional(a),
                                      .reduction = a->s->reduction,
                                      .has_ignore_index = a->s->has_ignore,
                                      .ignore_index = a->s->ignore});
}

static tg_tensor *cross_entropy(const op_args *a)
{
    return tg_cross_entropy(a->in[0], a->in[1],
                            &(tg_ce_opts){.weight = optional(a),
                                          .reduction = a->s->reduction,
                                          .label_smoothing = a->s->smoothing,
                                          .has_ignore_index = a->s->has_ignore,
                                          .ignore_index = a->s->ignore});
}

/* Of x, the layer's weight, targets, bias and the class weight; a bias of NULL where it is last. */
static tg_tensor *linear_cross_entropy(const op_args *a)
{
    return tg_linear_cross_entropy(a->in[0], a->in[1], a->n > 3 ? a->in[3] : NULL, a->in[2],
                                   &(tg_ce_opts){.weight = a->n > 4 ? a->in[4] : NULL,
                                                 .reduction = a->s->reduction,
                                                 .label_smoothing = a->s->smoothing,
                                                 .has_ignore_index = a->s->has_ignore,
                                                 .ignore_index = a->s->ignore});
}

/* The loss as a sum over positions k of d inner ones, c classes each. */
typedef struct loss {
    const op_sample *s;
    const array *targets, *weight;
    ref_rows r; /* around the class dim */
    double log_p[SNAPSHOT_NUMEL];
    double divisor; /* of the mean */
} loss;

static int64_t ignored(const loss *l)
{
    return l->s->has_ignore ? l->s->ignore : -100;
}

static double weight_of(const loss *l, int64_t c)
{
    return l->weight->dtype >= 0 ? l->weight->data[c] : 1;
}

/* Adds position k to the divisor and returns its loss by class index. */
static double by_index(loss *l, int64_t k)
{
    const double *log_p = l->log_p + k / l->r.inner * l->r.n * l->r.inner + k % l->r.inner;
    int64_t target = (int64_t)l->targets->data[k];
    double e = l->s->smoothing, sum = 0;
    if (target == ignored(l))
        return 0;
    l->divisor += weight_of(l, target);
    for (int64_t c = 0; c < l->r.n && e > 0; c++)
        sum -= e / (double)l->r.n * weight_of(l, c) * log_p[c * l->r.inner];
    return sum - (1 - e) * weight_of(l, target) * log_p[target * l->r.inner];
}

static double by_probability(loss *l, int64_t k)
{
    int64_t start = k / l->r.inner * l->r.n * l->r.inner + k % l->r.inner;
    double e = l->s->smoothing, sum = 0;
    for (int64_t c = 0; c < l->r.n; c++) {
        int64_t i = start + c * l->r.inner;
        double q = l->targets->data[i] * (1 - e) + e / (double)l->r.n;
        sum -= weight_of(l, c) * q * l->log_p[i];
    }
    l->divisor += 1;
    return sum;
}

static void reduce(loss *l, const array *x, array *out)
{
    bool same = l->targets->ndim == x->ndim;
    int64_t dims[OP_MAX_DIMS];
    int class_dim = x->ndim == 1 ? 0 : 1, n = 0;
    for (int i = 0; i < x->ndim; i++) {
        if (i != class_dim)
            dims[n++] = x->dims[i];
    }
    bool none = l->s->reduction == TG_NONE;
    ref_start(out, x->dtype, none ? n : 0, dims);
    for (int64_t k = 0; k < l->r.outer * l->r.inner; k++)
        out->data[none ? k : 0] += same ? by_probability(l, k) : by_index(l, k);
    if (l->s->reduction == TG_MEAN)
        out->data[0] /= l->divisor;
}

static void ref_nll_loss(const op_sample *s, const array *in, array *out)
{
    static loss l;
    l = (loss){.s = s, .targets = &in[1], .weight = &in[2]};
    l.r = ref_rows_of(&in[0], in[0].ndim == 1 ? 0 : 1);
    for (int64_t i = 0; i < in[0].numel; i++)
        l.log_p[i] = in[0].data[i];
    reduce(&l, &in[0], out);
}

static void log_softmax(loss *l, const array *x)
{
    for (int64_t k = 0; k < l->r.outer * l->r.inner && l->r.n; k++) {
        int64_t start = k / l->r.inner * l->r.n * l->r.inner + k % l->r.inner;
        double max = x->data[start], sum = 0;
        for (int64_t c = 0; c < l->r.n; c++)
            max = fmax(max, x->data[start + c * l->r.inner]);
        for (int64_t c = 0; c < l->r.n; c++)
            sum += exp(x->data[start + c * l->r.inner] - max);
        for (int64_t c = 0; c < l->r.n; c++)
            l->log_p[start + c * l->r.inner] = x->data[start + c * l->r.inner] - max - log(sum);
    }
}

static void ref_cross_entropy(const op_sample *s, const array *in, array *out)
{
    static loss l;
    l = (loss){.s = s, .targets = &in[1], .weight = &in[2]};
    l.r = ref_rows_of(&in[0], in[0].ndim == 1 ? 0 : 1);
    log_softmax(&l, &in[0]);
    reduce(&l, &in[0], out);
}

/* Its logits, with one row a position. */
static void linear_logits(const array *in, array *logits)
{
    int64_t n = in[2].numel, classes = in[1].dims[0], width = in[1].dims[1];
    ref_start(logits, in[0].dtype, 2, (int64_t[]){n, classes});
    for (int64_t i = 0; i < n * classes; i++) {
        const double *x = in[0].data + i / classes * width;
        const double *w = in[1].data + i % classes * width;
        for (int64_t k = 0; k < width; k++)
            logits->data[i] += x[k] * w[k];
        logits->data[i] += in[3].dtype >= 0 ? in[3].data[i % classes] : 0;
    }
}

static void ref_linear_cross_entropy(const op_sample *s, const array *in, array *out)
{
    static loss l;
    static array logits, targets;
    linear_logits(in, &logits);
    targets = in[2];
    targets.ndim = 1;
    l = (loss){.s = s, .targets = &targets, .weight = &in[4], .r = ref_rows_of(&logits, 1)};
    log_softmax(&l, &logits);
    reduce(&l, &logits, out);
    for (int i = 0; i < in[2].ndim && s->reduction == TG_NONE; i++)
        out->dims[i] = in[2].dims[i];
    out->ndim = s->reduction == TG_NONE ? in[2].ndim : 0;
}

/* Class indices: both losses. */
static const op_sample by_class[] = {
    {.in = "3x5 3:k"},
    {.in = "3x5 3:k", .reduction = TG_SUM},
    {.in = "3x5 3:k", .reduction = TG_NONE},
    {.in = "5 .:k"},
    {.in = "5 .:k", .reduction = TG_NONE},
    {.in = "5 .:k 5:pc", .reduction = TG_SUM},
    {.in = "1x1 1:k"},
    {.in = "4x37 4:k"},
    {.in = "37x3 37:k", .reduction = TG_NONE},
    {.in = "3x5 3:k 5:pc"},
    {.in = "3x5 3:k 5:pc", .reduction = TG_SUM},
    {.in = "3x5 3:k 5:pc", .reduction = TG_NONE},
    {.in = "6x5 6:g", .has_ignore = true, .ignore = 2},
    {.in = "6x5 6:g 5:pc", .has_ignore = true, .ignore = 1},
    {.in = "6x5 6:g", .reduction = TG_NONE},
    {.in = "6x5 6:g 5:pc", .has_ignore = true, .ignore = 77, .reduction = TG_SUM},
    {.in = "3x5 3:G"},
    {.in = "3x5 3:G", .reduction = TG_SUM},
    {.in = "5 .:G", .reduction = TG_NONE},
    {.in = "2x3x4 2x4:k"},
    {.in = "2x3x4 2x4:k 3:pc", .reduction = TG_NONE},
    {.in = "2x3x4 2x4:g 3:pc", .has_ignore = true, .ignore = 0},
    {.in = "2x3x2x4 2x2x4:k", .reduction = TG_SUM},
    {.in = "2x3x2x4 2x2x4:k 3:pc"},
    {.in = "2x3x2x4 2x2x4:g", .reduction = TG_NONE},
    {.in = "0x5 0:k"},
    {.in = "0x5 0:k", .reduction = TG_SUM},
    {.in = "0x5 0:k", .reduction = TG_NONE},
    {.in = "2x3x0 2x0:k", .reduction = TG_NONE},
    {.in = "3x4:r 3:k"},
    {.in = "3x9:h 3:k", .reduction = TG_NONE},
    {0}};
/* With label smoothing, or by probabilities: cross_entropy alone. */
static const op_sample by_more[] = {
    {.in = "3x5 3:k", .smoothing = 0.1},
    {.in = "3x5 3:k 5:pc", .smoothing = 0.25},
    {.in = "3x5 3:k 5:pc", .smoothing = 0.25, .reduction = TG_SUM},
    {.in = "3x5 3:k 5:pc", .smoothing = 0.25, .reduction = TG_NONE},
    {.in = "6x5 6:g 5:pc", .smoothing = 0.1, .has_ignore = true, .ignore = 3},
    {.in = "5 .:k", .smoothing = 1},
    {.in = "2x3x4 2x4:g 3:pc", .smoothing = 0.5},
    {.in = "4x37 4:k", .smoothing = 0.1, .reduction = TG_NONE},
    {.in = "3x5 3x5:u"},
    {.in = "3x5 3x5:u", .reduction = TG_SUM},
    {.in = "3x5 3x5:u", .reduction = TG_NONE},
    {.in = "3x5 3x5:u 5:p"},
    {.in = "3x5 3x5:u 5:p", .reduction = TG_SUM},
    {.in = "3x5 3x5:u 5:p", .reduction = TG_NONE, .smoothing = 0.2},
    {.in = "3x5 3x5:u 5:p", .smoothing = 0.3},
    {.in = "5 5:u"},
    {.in = "5 5:u 5:p", .reduction = TG_NONE},
    {.in = "2x3x4 2x3x4:u 3:p"},
    {.in = "2x3x2x2 2x3x2x2:u 3:p", .reduction = TG_NONE},
    {.in = "2x3x2x2 2x3x2x2:u", .smoothing = 0.1},
    {.in = "3x5 3x5:uc 5:pc"},
    {.in = "3x5:c 3x5:u 5:p"},
    {.in = "0x3 0x3:u"},
    {.in = "0x3 0x3:u", .reduction = TG_SUM},
    {.in = "3x4:r 3x4:u"},
    {.in = "4x4 ="},
    {.in = "3x9:h 3x9:u", .reduction = TG_NONE},
    {0}};

static const op_sample index_errors[] = {
    {.in = "3x5 3:K", .status = TG_EVALUE, .message = "is not one of 5 classes"},
    {.in = "2x3x4 2x4:K", .status = TG_EVALUE, .message = "is not one of 3 classes"},
    {.in = "5 .:K", .status = TG_EVALUE, .message = "target 5 at position 0"},
    {.in = "3x5 3:k 5:p", .status = TG_EVALUE, .message = "weight requires a gradient"},
    {.in = "3x5 3:k",
     .reduction = (tg_reduction)3,
     .status = TG_EVALUE,
     .message = "no reduction 3"},
    {.in = "3x5 4:k", .status = TG_ESHAPE, .message = "input [3, 5] wants targets [3], not [4]"},
    {.in = "3x5 3x1:k", .status = TG_ESHAPE, .message = "not [3, 1]"},
    {.in = "5 1:k", .status = TG_ESHAPE, .message = "input [5] wants targets [], not [1]"},
    {.in = ". .:k", .status = TG_ESHAPE, .message = "0-d"},
    {.in = "3x5 3", .status = TG_EDTYPE, .message = "int64"},
    {.in = "3x5 3:b", .status = TG_EDTYPE, .message = "bool"},
    {.in = "3x5:i 3:k", .status = TG_EDTYPE, .message = "float"},
    {.in = "3x5 3:k 4:pc", .status = TG_ESHAPE, .message = "weight [4] for 5 classes"},
    {.in = "3x5 3:k 1x5:pc", .status = TG_ESHAPE, .message = "weight [1, 5]"},
    {.in = "3x5 3:k 5:po", .status = TG_EDTYPE, .message = "weight is float"},
    {.in = "3x5 3:k 5:i", .status = TG_EDTYPE, .message = "weight is int64"},
    {.in = "2x0 2:k", .status = TG_EVALUE, .message = "of 0 classes"},
    {0}};
static const op_sample nll_errors[] = {
    {.in = "3x5 3x5:k", .status = TG_ESHAPE, .message = "wants targets [3]"}, {0}};
static const op_sample ce_errors[] = {
    {.in = "3x5 3:k", .smoothing = -0.1, .status = TG_EVALUE, .message = "label_smoothing -0.1"},
    {.in = "3x5 3:k", .smoothing = 1.5, .status = TG_EVALUE, .message = "outside [0, 1]"},
    {.in = "3x5 3x5:i", .status = TG_EDTYPE, .message = "probability targets are int64"},
    {.in = "3x5 3x5:o", .status = TG_EDTYPE, .message = "probability targets are float"},
    {.in = "3x5 3x5:u",
     .has_ignore = true,
     .ignore = 1,
     .status = TG_EVALUE,
     .message = "ignore_index"},
    {.in = "3x5 3x5:u 4:p", .status = TG_ESHAPE, .message = "weight [4] for 5 classes"},
    {0}};

static const op_sample heads[] = {
    {.in = "3x5 7x5 3:k 7"},
    {.in = "3x5 7x5 3:k 7", .reduction = TG_SUM},
    {.in = "3x5 7x5 3:k 7", .reduction = TG_NONE},
    {.in = "3x5 7x5 3:k"},
    {.in = "3x5 7x5 3:k ~ 7:pc", .reduction = TG_SUM},
    {.in = "3x5 7x5 3:k 7 7:pc"},
    {.in = "3x5 7x5 3:k 7 7:pc", .reduction = TG_NONE},
    {.in = "3x5 7x5 3:k 7", .smoothing = 0.1},
    {.in = "3x5 7x5 3:k 7 7:pc", .smoothing = 0.25},
    {.in = "3x5 7x5 3:k 7 7:pc", .smoothing = 0.25, .reduction = TG_NONE},
    {.in = "3x5 7x5 3:k", .smoothing = 1, .reduction = TG_SUM},
    {.in = "6x5 7x5 6:g 7", .has_ignore = true, .ignore = 2},
    {.in = "6x5 7x5 6:g 7 7:pc", .has_ignore = true, .ignore = 1, .smoothing = 0.1},
    {.in = "6x5 7x5 6:g 7", .reduction = TG_NONE},
    {.in = "3x5 7x5 3:G 7"},
    {.in = "3x5 7x5 3:G 7", .reduction = TG_SUM},
    {.in = "3x5:c 7x5 3:k 7"},
    {.in = "3x5 7x5:c 3:k 7:c"},
    {.in = "3x5:c 7x5:c 3:k 7"},
    {.in = "1x5 7x5 1:k 7"},
    {.in = "1x1 1x1 1:k 1"},
    {.in = "5 7x5 .:k 7"},
    {.in = "5 7x5 .:k 7", .reduction = TG_NONE},
    {.in = "2x3x5 7x5 2x3:k 7"},
    {.in = "2x3x5 7x5 2x3:k 7 7:pc", .reduction = TG_NONE, .smoothing = 0.1},
    {.in = "0x5 7x5 0:k 7"},
    {.in = "0x5 7x5 0:k 7", .reduction = TG_SUM},
    {.in = "0x5 7x5 0:k", .reduction = TG_NONE},
    {.in = "2x0x5 7x5 2x0:k 7", .reduction = TG_NONE},
    {.in = "0x5 0x5 0:k 0", .reduction = TG_SUM},
    {.in = "3x0 4x0 3:k 4"},
    {.in = "3x3 = 3:k 3"},
    {.in = "3x5:r 7x5:r 3:k 7:r"},
    {.in = "17x5 37x5 17:k 37"},
    {.in = "9x16 33x16 9:k 33", .smoothing = 0.1},
    {0}};
static const op_sample head_errors[] = {
    {.in = "5x5 5x5 5:K 5",
     .status = TG_EVALUE,
     .message = "target 5 at position 4 is not one of 5"},
    {.in = "3x5 0x5 3:k 0", .status = TG_EVALUE, .message = "of 0 classes"},
    {.in = "3x5 7x4 3:k 7", .status = TG_ESHAPE, .message = "sizes 5 and 4 differ"},
    {.in = ". 7x4 .:k 7", .status = TG_ESHAPE, .message = "x is 0-d"},
    {.in = "3x5 5 3:k 7", .status = TG_ESHAPE, .message = "weight [5], wanted (out, in)"},
    {.in = "3x5 7x5 3:k 6", .status = TG_ESHAPE, .message = "bias [6] for a weight [7, 5]"},
    {.in = "3x5 7x5 4:k 7", .status = TG_ESHAPE, .message = "wants targets [3], not [4]"},
    {.in = "2x3x5 7x5 6:k 7", .status = TG_ESHAPE, .message = "wants targets [2, 3], not [6]"},
    {.in = "3x5 7x5 3x7:u 7", .status = TG_EDTYPE, .message = "wanted int64 classes"},
    {.in = "3x5 7x5 3:k 7 6:pc", .status = TG_ESHAPE, .message = "weight [6] for 7 classes"},
    {.in = "3x5 7x5 3:k 7 7:p", .status = TG_EVALUE, .message = "weight requires a gradient"},
    {.in = "3x5 7x5 3:k 7 7:po", .status = TG_EDTYPE, .message = "weight is float"},
    {.in = "3x5 7x5:o 3:k 7", .status = TG_EDTYPE, .message = "one float dtype"},
    {.in = "3x5:i 7x5:i 3:k", .status = TG_EDTYPE, .message = "one float dtype"},
    {.in = "3x5 7x5 3:k 7:o", .status = TG_EDTYPE, .message = "one float dtype"},
    {.in = "3x5 7x5 3:k 7",
     .smoothing = 1.5,
     .status = TG_EVALUE,
     .message = "label_smoothing 1.5 is outside [0, 1]"},
    {.in = "3x5 7x5 3:k 7",
     .reduction = (tg_reduction)3,
     .status = TG_EVALUE,
     .message = "no reduction 3"},
    {0}};

const op_row ops_loss[] = {{.name = "nll_loss",
                            .build = nll_loss,
                            .ref = ref_nll_loss,
                            .is = OP_OPTIONAL_IN,
                            .samples = {by_class},
                            .errors = {index_errors, nll_errors}},
                           {.name = "cross_entropy",
                            .build = cross_entropy,
                            .ref = ref_cross_entropy,
                            .is = OP_OPTIONAL_IN,
                            .samples = {by_class, by_more},
                            .errors = {index_errors, ce_errors}},
                           {.name = "linear_cross_entropy",
                            .build = linear_cross_entropy,
                            .ref = ref_linear_cross_entropy,
                            .is = OP_OPTIONAL_FROM_3,
                            .samples = {heads},
                            .errors = {head_errors}},
                           {0}};
