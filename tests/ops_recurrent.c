/* Rows of recurrent layers. All layers and directions have the same weights, and both biases are one, so
 * that six inputs are enough: x, w_ih, w_hh, bias or ~, and the first states h and c or ~. A sample's
 * `shape` holds layers, directions, whether the batch comes first, lengths (of row i, 1 + i
 * times that; 0: none) and for them the number of rows. The result is output and last states, flat. See
 * op_table.h. */
#include "op_reference.h"

#include <math.h>
#include <string.h>

enum { MOST = 64, WEIGHTS = 16 };

typedef struct options {
    int64_t layers, directions;
    bool batch_first;
    int64_t lengths, rows;
} options;

static options options_of(const op_sample *s)
{
    int64_t o[OP_MAX_DIMS] = {0};
    op_shape(s, o);
    return (options){o[0] ? o[0] : 1, o[1] ? o[1] : 1, o[2] != 0, o[3], o[4]};
}

static tg_tensor *lengths_of(const op_args *a, const options *o)
{
    double step = (double)o->lengths;
    return tg_arange(a->tape, 1, 1 + step * (double)o->rows, step, TG_I64);
}

static tg_tensor *joined(tg_tensor *y, tg_tensor *h, tg_tensor *c)
{
    tg_tensor *all[] = {tg_flatten(y, 0, -1), h ? tg_flatten(h, 0, -1) : NULL,
                        c ? tg_flatten(c, 0, -1) : NULL};
    return y && h ? tg_cat(all, c ? 3 : 2, 0) : y ? all[0] : NULL;
}

/* How many weights, or as many as there are. */
static int64_t count_of(const options *o, int64_t per)
{
    bool few = o->layers >= 1 && o->layers <= 2 && o->directions >= 1 && o->directions <= 2;
    return few ? o->layers * o->directions * per : WEIGHTS;
}

static tg_tensor *recurrent(const op_args *a, bool gru)
{
    const options o = options_of(a->s);
    tg_tensor *bias = a->in[3], *weights[WEIGHTS], *h = NULL, *c = NULL;
    const tg_mark mark = tg_tape_mark(a->tape);
    const int64_t per = bias ? 4 : 2, n = count_of(&o, per);
    for (int64_t i = 0; i < n; i++)
        weights[i] = i % per < 2 ? a->in[1 + i % per] : bias;
    tg_recurrent_opts opts = {.layers = o.layers,
                              .bidirectional = o.directions == 2,
                              .batch_first = o.batch_first,
                              .no_bias = !bias,
                              .h0 = a->in[4],
                              .c0 = gru ? NULL : a->in[5],
                              .lengths = o.lengths ? lengths_of(a, &o) : NULL};
    tg_tensor *y = gru ? tg_gru(a->in[0], weights, (size_t)n, &opts, &h)
                       : tg_lstm(a->in[0], weights, (size_t)n, &opts, &h, &c);
    if (!y && opts.lengths)
        tg_tape_rewind(a->tape, mark);
    return joined(y, h, c);
}

static tg_tensor *lstm(const op_args *a)
{
    return recurrent(a, false);
}

static tg_tensor *gru(const op_args *a)
{
    return recurrent(a, true);
}

static tg_tensor *lstm_cell(const op_args *a)
{
    tg_tensor *c = NULL;
    tg_tensor *h =
        tg_lstm_cell(a->in[0], a->in[4], a->in[5], a->in[1], a->in[2], a->in[3], a->in[3], &c);
    return joined(h, c, NULL);
}

static tg_tensor *gru_cell(const op_args *a)
{
    return tg_gru_cell(a->in[0], a->in[4], a->in[1], a->in[2], a->in[3], a->in[3]);
}

/* --- references --- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double product(const array *w, int64_t row, const double *x)
{
    double sum = 0;
    for (int64_t i = 0; i < w->dims[1]; i++)
        sum += w->data[row * w->dims[1] + i] * x[i];
    return sum;
}

/* A row of one step; h and c are states before and after. */
static void step(const array *in, bool is_gru, const double *x, double *h, double *c)
{
    const int64_t size = in[2].dims[1];
    double gate[MOST], own[MOST];
    for (int64_t i = 0; i < in[2].dims[0]; i++) {
        double bias = in[3].dtype >= 0 ? in[3].data[i] : 0;
        gate[i] = product(&in[1], i, x) + bias;
        own[i] = product(&in[2], i, h) + bias;
    }
    for (int64_t i = 0; i < size; i++) {
        const int64_t j = size + i, k = 2 * size + i, l = 3 * size + i;
        if (is_gru) {
            double r = sigmoid(gate[i] + own[i]), z = sigmoid(gate[j] + own[j]);
            h[i] = (1 - z) * tanh(gate[k] + r * own[k]) + z * h[i];
            continue;
        }
        c[i] =
            sigmoid(gate[j] + own[j]) * c[i] + sigmoid(gate[i] + own[i]) * tanh(gate[k] + own[k]);
        h[i] = sigmoid(gate[l] + own[l]) * tanh(c[i]);
    }
}

static void first_state(const array *in, int64_t at, int64_t n, double *to)
{
    for (int64_t j = 0; j < n && in->dtype >= 0; j++)
        to[j] = in->data[at + j];
}

/* Layer and direction number i over x[t][row][width]; its outputs go to y[t][row][from on], its last
 * states to h and c. */
typedef struct sequence {
    options o;
    int64_t steps, rows, size;
    double x[MOST][MOST], y[MOST][MOST];
} sequence;

static void walk(const array *in, bool is_gru, sequence *s, int64_t i, double *h, double *c)
{
    const int64_t width = in[1].dims[1], out = s->size * s->o.directions,
                  part = i % s->o.directions;
    for (int64_t row = 0; row < s->rows; row++) {
        double hr[MOST] = {0}, cr[MOST] = {0};
        const int64_t at = (i * s->rows + row) * s->size;
        first_state(&in[4], at, s->size, hr);
        first_state(&in[5], at, s->size, cr);
        const int64_t length = s->o.lengths ? 1 + row * s->o.lengths : s->steps;
        for (int64_t k = 0; k < length; k++) {
            int64_t t = part ? length - 1 - k : k;
            step(in, is_gru, s->x[t] + row * width, hr, cr);
            memcpy(s->y[t] + row * out + part * s->size, hr, (size_t)s->size * sizeof *hr);
        }
        memcpy(h + at, hr, (size_t)s->size * sizeof *hr);
        memcpy(c + at, cr, (size_t)s->size * sizeof *cr);
    }
}

static void start(const op_sample *s, const array *in, sequence *q)
{
    const array *x = &in[0];
    const int64_t width = in[1].dims[1];
    memset(q, 0, sizeof *q);
    q->o = options_of(s);
    q->size = in[2].dims[1];
    q->steps = x->dims[q->o.batch_first];
    q->rows = x->ndim == 3 ? x->dims[!q->o.batch_first] : 1;
    for (int64_t k = 0; k < x->numel; k++) {
        int64_t a = k / width, b = x->ndim == 3 ? a / x->dims[1] : a,
                c = x->ndim == 3 ? a % x->dims[1] : 0;
        q->x[q->o.batch_first ? c : b][(q->o.batch_first ? b : c) * width + k % width] = x->data[k];
    }
}

static void reference(const op_sample *s, const array *in, bool is_gru, array *out)
{
    sequence q;
    double h[MOST], c[MOST];
    start(s, in, &q);
    const int64_t all = q.o.layers * q.o.directions, width = q.size * q.o.directions;
    const int64_t outputs = q.steps * q.rows * width, states = all * q.rows * q.size;
    for (int64_t i = 0; i < all; i++) {
        walk(in, is_gru, &q, i, h, c);
        if (i % q.o.directions == q.o.directions - 1 && i < all - 1) {
            memcpy(q.x, q.y, sizeof q.x);
            memset(q.y, 0, sizeof q.y);
        }
    }
    ref_start(out, in[0].dtype, 1, (int64_t[]){outputs + (is_gru ? 1 : 2) * states});
    for (int64_t k = 0; k < outputs; k++) {
        int64_t a = k / width, t = q.o.batch_first ? a % q.steps : a / q.rows;
        int64_t row = q.o.batch_first ? a / q.steps : a % q.rows;
        out->data[k] = q.y[t][row * width + k % width];
    }
    memcpy(out->data + outputs, h, (size_t)states * sizeof *h);
    if (!is_gru)
        memcpy(out->data + outputs + states, c, (size_t)states * sizeof *c);
}

static void ref_lstm(const op_sample *s, const array *in, array *out)
{
    reference(s, in, false, out);
}

static void ref_gru(const op_sample *s, const array *in, array *out)
{
    reference(s, in, true, out);
}

static void cell(const array *in, bool is_gru, array *out)
{
    const array *x = &in[0];
    const int64_t size = in[2].dims[1], rows = x->ndim == 2 ? x->dims[0] : 1, n = rows * size;
    double h[MOST] = {0}, c[MOST] = {0};
    first_state(&in[4], 0, n, h);
    first_state(&in[5], 0, n, c);
    for (int64_t row = 0; row < rows; row++)
        step(in, is_gru, x->data + row * in[1].dims[1], h + row * size, c + row * size);
    if (is_gru)
        ref_start(out, x->dtype, x->ndim,
                  x->ndim == 2 ? (int64_t[]){rows, size} : (int64_t[]){size});
    else
        ref_start(out, x->dtype, 1, (int64_t[]){2 * n});
    memcpy(out->data, h, (size_t)n * sizeof *h);
    if (!is_gru)
        memcpy(out->data + n, c, (size_t)n * sizeof *c);
}

static void ref_lstm_cell(const op_sample *s, const array *in, array *out)
{
    (void)s;
    cell(in, false, out);
}

static void ref_gru_cell(const op_sample *s, const array *in, array *out)
{
    (void)s;
    cell(in, true, out);
}

/* --- rows --- */

static const op_sample lstms[] = {{.in = "3x2x3 8x3 8x2 8 1x2x2 1x2x2"},
                                  {.in = "5x1x2 4x2 4x1 ~ ~ ~"},
                                  {.in = "3x2 4x2 4x1 4 1x1 1x1"},
                                  {.in = "2x2x4 8x4 8x2 8 ~ ~", .shape = "2x2x1"},
                                  {.in = "3x3x2 8x2 8x2 8 2x3x2 2x3x2", .shape = "1x2x0x1x3"},
                                  {.in = "2x0x2 4x2 4x1 4 ~ ~"},
                                  {.in = "2x2x2:r 4x2:r 4x1:r 4:r 1x2x1:r 1x2x1:r"},
                                  {0}};
static const op_sample grus[] = {{.in = "3x2x3 6x3 6x2 6 1x2x2"},
                                 {.in = "5x1x2 3x2 3x1 ~ ~"},
                                 {.in = "3x2 3x2 3x1 3 1x1"},
                                 {.in = "2x2x4 6x4 6x2 6 ~", .shape = "2x2x1"},
                                 {.in = "3x3x2 6x2 6x2 6 2x3x2", .shape = "1x2x0x1x3"},
                                 {.in = "2x0x2 3x2 3x1 3 ~"},
                                 {.in = "2x2x2:r 3x2:r 3x1:r 3:r 1x2x1:r"},
                                 {0}};
static const op_sample lstm_errors[] = {
    {.in = "3x2x3 8x2 8x2 8",
     .status = TG_ESHAPE,
     .message = "weight_ih_l0 is [8, 2], wanted [8, 3]"},
    {.in = "3x2x3 8x3 6x2 8",
     .status = TG_ESHAPE,
     .message = "weight_hh_l0 is [6, 2], wanted [8, 2]"},
    {.in = "3x2x3 8x3 8x2 2", .status = TG_ESHAPE, .message = "is [2], wanted [8]"},
    {.in = "3x2x3 8x3 8 8",
     .status = TG_ESHAPE,
     .message = "weight_hh_l0 [8], wanted (4 * hidden, hidden)"},
    {.in = "3 8x3 8x2 8",
     .status = TG_ESHAPE,
     .message = "input [3], wanted (steps, rows, inputs)"},
    {.in = "0x2x3 8x3 8x2 8", .status = TG_ESHAPE, .message = "a sequence of no steps"},
    {.in = "3x2x3 8x3 8x2 8 1x3x2 1x3x2",
     .status = TG_ESHAPE,
     .message = "a state is [1, 3, 2], wanted"},
    {.in = "3x2x3:i 8x3 8x2 8", .status = TG_EDTYPE, .message = "a float dtype"},
    {.in = "3x2x3 8x3:o 8x2 8", .status = TG_EDTYPE, .message = " is float"},
    {.in = "3x2x3 8x3 8x2 8 1x2x2:o 1x2x2", .status = TG_EDTYPE, .message = "a state is float"},
    {.in = "3x3x3 8x3 8x2 8",
     .shape = "1x1x0x3x3",
     .status = TG_EVALUE,
     .message = "length 4 of row 1"},
    {0}};
static const op_sample gru_errors[] = {
    {.in = "3x2x3 6x3 6x2 8", .status = TG_ESHAPE, .message = "is [8], wanted [6]"},
    {.in = "3x3x3 6x3 6x2 6",
     .shape = "1x1x0x3x3",
     .status = TG_EVALUE,
     .message = "length 4 of row 1"},
    {0}};
static const op_sample lstm_cells[] = {
    {.in = "2x3 8x3 8x2 8 2x2 2x2"}, {.in = "3 4x3 4x1 ~ 1 1"}, {.in = "2x1 4x1 4x1 4 ~ ~"}, {0}};
static const op_sample gru_cells[] = {
    {.in = "2x3 6x3 6x2 6 2x2"}, {.in = "3 3x3 3x1 ~ 1"}, {.in = "2x1 3x1 3x1 3 ~"}, {0}};
static const op_sample cell_errors[] = {
    {.in = "2x3x1 8x1 8x2 8", .status = TG_ESHAPE, .message = "wanted (rows, inputs) or (inputs)"},
    {.in = "2x3 8x3 8x2 8 3x2 3x2",
     .status = TG_ESHAPE,
     .message = "a state is [3, 2], wanted [2, 2]"},
    {0}};

const op_row ops_recurrent[] = {{.name = "lstm",
                                 .is = OP_COMPOSED | OP_OPTIONAL_FROM_3,
                                 .build = lstm,
                                 .ref = ref_lstm,
                                 .samples = {lstms},
                                 .errors = {lstm_errors}},
                                {.name = "gru",
                                 .is = OP_COMPOSED | OP_OPTIONAL_FROM_3,
                                 .build = gru,
                                 .ref = ref_gru,
                                 .samples = {grus},
                                 .errors = {gru_errors}},
                                {.name = "lstm_cell",
                                 .is = OP_COMPOSED | OP_OPTIONAL_FROM_3,
                                 .build = lstm_cell,
                                 .ref = ref_lstm_cell,
                                 .samples = {lstm_cells},
                                 .errors = {cell_errors}},
                                {.name = "gru_cell",
                                 .is = OP_COMPOSED | OP_OPTIONAL_FROM_3,
                                 .build = gru_cell,
                                 .ref = ref_gru_cell,
                                 .samples = {gru_cells}},
                                {0}};
