/* A classifier head and its loss: cross_entropy(linear(x, weight, bias), targets) without all of
 * the logits. Relies on matmul.h and cross_entropy.h, and on what both say of pieces: every bit is
 * that of the composition, whatever the pieces.
 *
 * Forward makes whole rows of logits, a few at a time, and keeps what the loss's gradient needs of
 * each. Backward makes the logits again, a block of classes after the other: so each row of the
 * weight's gradient is written once, and W is read once for all rows of x. That costs one product
 * more than to keep the logits' gradient, or to make the gradients in forward; but those would need
 * as much memory as the logits, or the weight's gradient twice. */
#include "ops/matmul.h"
#include "ops/nn/cross_entropy.h"

#include "kernels/sizes.h"
#include "kernels/sum.h"
#include "ops/broadcast.h"
#include "ops/layout.h"

#include <string.h>

enum { X, WEIGHT, BIAS, TARGETS, CLASS_WEIGHT, INPUTS };
/* Of backward: behind the gradient of the loss and those inputs. */
enum { STATS = 1 + INPUTS, GRADIENT_INPUTS };

/* How many logits are held at a time. */
typedef struct piece {
    int64_t rows, classes;
} piece;

typedef struct params {
    tg_ce_params ce; /* first: see there */
    piece forced;    /* 0: not */
    unsigned wanted; /* backward: the inputs whose gradients are the outputs, as bits */
} params;

static piece forced(const params *p, piece chosen)
{
    if (p->forced.rows)
        chosen.rows = tgk_least(p->forced.rows, p->ce.n);
    if (p->forced.classes)
        chosen.classes = tgk_least(p->forced.classes, chosen.classes);
    return chosen;
}

/* What forward and backward sweep over the logits with. */
typedef struct sweep {
    tg_node *node;
    tg_tensor *const *in; /* the loss's inputs */
    const params *p;
    size_t size; /* of an element */
    piece piece;
    const char *bias;
    void *logits;    /* a piece of them */
    void *workspace; /* of the products */
} sweep;

/* Bytes for all of the products of a piece, one after the other. */
static size_t product_bytes(const sweep *w, bool backward)
{
    int64_t width = tg_at(w->in[X])->dims[1];
    const int64_t sides[] = {w->piece.rows, w->piece.classes};
    size_t most = tgk_gemm_workspace(sides[0], sides[1], width, w->size);
    for (int i = 0; i < 2 && backward; i++) {
        size_t other = tgk_gemm_workspace(sides[i], width, sides[1 - i], w->size);
        most = other > most ? other : most;
    }
    return (size_t)tg_node_tape(w->node)->team.threads * most; /* a few blocks each */
}

static uint64_t logits_bytes(const sweep *w)
{
    return (uint64_t)(w->piece.rows * w->piece.classes) * w->size;
}

static bool take_bias(sweep *w)
{
    tg_tensor *bias = w->in[BIAS];
    w->bias = bias ? tg_contiguous_data(w->node, bias) : NULL;
    return w->bias || !bias;
}

/* What a node needs room for: taken at once, so that the tape's blocks fit it again next time. */
typedef struct need {
    void **at;
    uint64_t size;
} need;

static bool take(tg_node *node, const need *needs, int n)
{
    const uint64_t line = 64;
    uint64_t size = 0;
    for (int i = 0; i < n; i++)
        size += (needs[i].size + line - 1) / line * line;
    char *memory = tg_workspace(node, size);
    for (int i = 0; i < n && memory; i++) {
        *needs[i].at = memory;
        memory += (needs[i].size + line - 1) / line * line;
    }
    return memory;
}

/* Element (row, column) of a matrix on, or its transpose. */
static tgk_matrix from(const sweep *w, int i, int64_t row)
{
    tgk_matrix m = tg_matrix_of(w->in[i]);
    m.data = (const char *)m.data + row * m.row * (int64_t)w->size;
    return m;
}

static tgk_matrix transposed(tgk_matrix m)
{
    return (tgk_matrix){m.data, m.column, m.row};
}

/* The logits of `at.rows` rows from `row` on, and of at.classes classes from `first` on. */
static void make_logits(const sweep *w, piece at, int64_t row, int64_t first)
{
    tg_multiply(w->node,
                &(tgk_gemm_args){.m = at.rows,
                                 .n = at.classes,
                                 .k = tg_at(w->in[X])->dims[1],
                                 .a = from(w, X, row),
                                 .b = transposed(from(w, WEIGHT, first)),
                                 .c = w->logits,
                                 .bias = w->bias ? w->bias + first * (int64_t)w->size : NULL,
                                 .workspace = w->workspace});
}

/* --- forward --- */

static const tgk_loss *kernels(const tg_node *node)
{
    return &tgk_loss_table[tg_node_tape(node)->isa][tg_at(node->out)->dtype];
}

/* Whole rows in about BYTES bytes: a multiple of the height of the product's tiles, and never so
 * few that to read W for them is most of the work. */
static piece forward_piece(const params *p, size_t size)
{
    enum { BYTES = 11 << 20, HEIGHT = 14, FEWEST = 3 * HEIGHT };
    int64_t rows = BYTES / (p->ce.c * (int64_t)size + 1) / HEIGHT * HEIGHT;
    int64_t most = tgk_least(rows > FEWEST ? rows : FEWEST, p->ce.n);
    return (piece){forced(p, (piece){most, 1}).rows, p->ce.c};
}

static void forward(tg_node *node)
{
    const params *p = node->params;
    sweep w = {
        .node = node, .in = node->in, .p = p, .size = tg_dtype_size(tg_at(node->out)->dtype)};
    w.piece = forward_piece(p, w.size);
    void *terms;
    const need needs[] = {{&w.logits, logits_bytes(&w)},
                          {&w.workspace, product_bytes(&w, false)},
                          {&terms, (uint64_t)w.piece.rows * sizeof(tgk_sums)}};
    if (!tg_ce_targets_are_classes(node, w.in[TARGETS]) || !take_bias(&w) || !take(node, needs, 3))
        return;
    const tgk_loss *loss = kernels(node);
    tgk_ce ce = tg_ce_args(node, NULL, w.in[TARGETS], w.in[CLASS_WEIGHT]);
    tgk_ce_pass pass = {.ce = &ce,
                        .loss = tg_at(node->out)->data,
                        .stats = (double *)(void *)tg_at(node->saved)->data};
    do {
        loss->begin(&pass);
        for (int64_t row = 0; row < p->ce.n; row += w.piece.rows) {
            piece at = {tgk_least(w.piece.rows, p->ce.n - row), p->ce.c};
            make_logits(&w, at, row, 0);
            loss->piece(&pass, row, row + at.rows, w.logits, terms);
        }
    } while (!loss->end(&pass));
}

/* --- backward --- */

/* What else backward sweeps with. */
typedef struct descent {
    sweep w;
    void *dlogits; /* as large as w.logits */
    void *stats;   /* of the piece's rows, and the totals */
    void *columns; /* tgk_compensated: sums for the bias's gradient so far, a class each */
    char *dx, *dweight, *dbias;
} descent;

/* A row of x's gradient, or of the weight's. */
static char *row_of(const descent *d, char *gradient, int64_t row)
{
    return gradient + row * tg_at(d->w.in[X])->dims[1] * (int64_t)d->w.size;
}

static void loss_gradient(const descent *d, piece at, int64_t row, int64_t first)
{
    const sweep *w = &d->w;
    const char *grad = tg_at(w->node->in[0])->data;
    const double *stats = (const double *)(const void *)tg_at(w->node->in[STATS])->data;
    size_t count = (size_t)at.rows * TGK_CE_STATS;
    double *part = d->stats;
    memcpy(part, stats + row * TGK_CE_STATS, count * sizeof *stats);
    memcpy(part + count, stats + w->p->ce.n * TGK_CE_STATS, TGK_CE_TOTALS * sizeof *stats);
    tgk_ce ce = tg_ce_args(w->node, NULL, w->in[TARGETS], w->in[CLASS_WEIGHT]);
    ce.x = w->logits;
    ce.target += row;
    ce.n = at.rows;
    ce.c = at.classes;
    ce.first = first;
    ce.all = w->p->ce.c;
    if (ce.reduction == TGK_NONE)
        grad += row * (int64_t)w->size;
    kernels(w->node)->backward(&ce, part, grad, d->dlogits);
}

static void input_gradients(const descent *d, piece at, int64_t row, int64_t first)
{
    const sweep *w = &d->w;
    tg_tape *tape = tg_node_tape(w->node);
    tgk_matrix dlogits = {d->dlogits, at.classes, 1};
    int64_t width = tg_at(w->in[X])->dims[1];
    if (d->dx)
        tg_multiply(w->node, &(tgk_gemm_args){.m = at.rows,
                                              .n = width,
                                              .k = at.classes,
                                              .a = dlogits,
                                              .b = from(w, WEIGHT, first),
                                              .c = row_of(d, d->dx, row),
                                              .accumulate = first > 0,
                                              .workspace = w->workspace});
    if (d->dweight)
        tg_multiply(w->node, &(tgk_gemm_args){.m = at.classes,
                                              .n = width,
                                              .k = at.rows,
                                              .a = transposed(dlogits),
                                              .b = from(w, X, row),
                                              .c = row_of(d, d->dweight, first),
                                              .accumulate = row > 0,
                                              .workspace = w->workspace});
    if (d->dbias)
        tgk_sum(&tape->team, tape->isa, tg_at(w->node->out)->dtype,
                &(tgk_sum_args){.out = d->dbias + first * (int64_t)w->size,
                                .x = d->dlogits,
                                .outer = 1,
                                .n = at.rows,
                                .inner = at.classes,
                                .divisor = 1,
                                .so_far = d->columns});
}

static uint64_t column_bytes(const descent *d)
{
    return (uint64_t)d->w.piece.classes * sizeof(tgk_compensated);
}

static bool prepare(descent *d, tg_node *node)
{
    enum { ROWS = 2048, CLASSES = 512 };
    sweep *w = &d->w;
    const params *p = node->params;
    *w = (sweep){
        .node = node, .in = node->in + 1, .p = p, .size = tg_dtype_size(tg_at(node->out)->dtype)};
    w->piece = forced(p, (piece){tgk_least(ROWS, p->ce.n), tgk_least(CLASSES, p->ce.c)});
    void *out[BIAS + 1];
    tg_wanted_data(node, p->wanted, BIAS + 1, out);
    d->dx = out[X];
    d->dweight = out[WEIGHT];
    d->dbias = out[BIAS];
    uint64_t stats = (uint64_t)(w->piece.rows * TGK_CE_STATS + TGK_CE_TOTALS) * sizeof(double);
    const need needs[] = {{&w->logits, logits_bytes(w)},
                          {&d->dlogits, logits_bytes(w)},
                          {&w->workspace, product_bytes(w, true)},
                          {&d->stats, stats},
                          {&d->columns, column_bytes(d)}};
    return take_bias(w) && take(node, needs, 5);
}

static void gradient_forward(tg_node *node)
{
    descent d;
    if (!prepare(&d, node))
        return;
    const piece *step = &d.w.piece;
    int64_t n = d.w.p->ce.n, classes = d.w.p->ce.c;
    int64_t first = 0;
    do { /* once, too, where there are no rows or classes: gradients are zeros then */
        int64_t row = 0;
        memset(d.columns, 0, (size_t)column_bytes(&d));
        do {
            piece at = {tgk_least(step->rows, n - row), tgk_least(step->classes, classes - first)};
            make_logits(&d.w, at, row, first);
            loss_gradient(&d, at, row, first);
            input_gradients(&d, at, row, first);
            row += step->rows;
        } while (row < n);
        first += step->classes;
    } while (first < classes);
}

static const tg_op gradient_op = {.name = "linear_cross_entropy_backward",
                                  .forward = gradient_forward};

/* All gradients in one visit of the logits. */
static void fused_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    params p = *(const params *)node->params;
    tg_tensor *in[GRADIENT_INPUTS] = {tg_contiguous(grad_out)};
    tg_shape shapes[BIAS + 1];
    memcpy(in + 1, node->in, INPUTS * sizeof *in);
    in[STATS] = node->saved;
    for (int i = X; i <= BIAS && node->in[i]; i++)
        shapes[i] = tg_shape_copy(tg_dims_of(node->in[i]));
    p.wanted = tg_wanted(node);
    tg_make(&(tg_making){{.op = &gradient_op,
                          .n_in = GRADIENT_INPUTS,
                          .in = in,
                          .params = &p,
                          .params_size = sizeof p},
                         .gradient_of = node,
                         .shapes = shapes,
                         .wanted = p.wanted,
                         .grad_in = grad_in});
}

/* Of operations that can be differentiated. */
static void composed_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const params *p = node->params;
    tg_tensor *x = node->in[X], *weight = node->in[WEIGHT];
    tg_tensor *in[] = {grad_out, tg_linear(x, weight, node->in[BIAS]), node->in[TARGETS],
                       node->in[CLASS_WEIGHT], node->saved};
    tg_tensor *dlogits = in[1] ? tg_ce_gradient(&p->ce, in) : NULL;
    if (tg_needs_grad(node, X))
        grad_in[X] = tg_matmul(dlogits, weight);
    if (tg_needs_grad(node, WEIGHT))
        grad_in[WEIGHT] = tg_matmul(tg_transpose(dlogits, 0, 1), x);
    grad_in[BIAS] = dlogits;
}

static void backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    if (tg_node_tape(node)->now.grad_enabled)
        composed_backward(node, grad_out, grad_in);
    else
        fused_backward(node, grad_out, grad_in);
}

enum { ALL = (1 << INPUTS) - 1 };

static const tg_op linear_ce_op = {.name = "linear_cross_entropy",
                                   .forward = forward,
                                   .backward = backward,
                                   .reads = {ALL, ALL, ALL}};

/* --- recording --- */

static bool check(tg_tensor *const *in, const tg_ce_opts *o)
{
    const tg_op *op = &linear_ce_op;
    const char *name = op->name;
    tg_tensor *x = in[X], *class_weight = in[CLASS_WEIGHT];
    if (!tg_check_linear(op, x, in[WEIGHT], in[BIAS]))
        return false;
    tg_dims positions = {tg_at(x)->ndim - 1, tg_at(x)->dims};
    const int64_t logits[] = {tg_at(in[TARGETS])->numel, tg_at(in[WEIGHT])->dims[0]};
    return tg_ce_check_smoothing(name, x, o->label_smoothing) &&
           tg_ce_check_targets(name, x, positions, in[TARGETS], "") &&
           tg_ce_check_weight(name, x, tg_at(in[WEIGHT])->dims[0], class_weight) &&
           tg_ce_check_constant_weight(name, class_weight) &&
           tg_check_reduction(op, x, o->reduction) &&
           tg_tensor_check(tg_tape_in(x), name, (tg_dims){2, logits}, 0);
}

/* With x and targets flattened to (N, D) and (N), and the loss, where it is not 0-d, put in the
 * targets' shape again. */
static tg_tensor *apply(tg_tensor **in, params *p)
{
    tg_tensor *x = in[X], *targets = in[TARGETS];
    p->ce.n = tg_at(targets)->numel;
    p->ce.c = tg_at(in[WEIGHT])->dims[0];
    p->ce.d = 1;
    if (tg_at(x)->ndim != 2) {
        in[X] = tg_reshape(x, 2, (int64_t[]){p->ce.n, tg_at(x)->dims[tg_at(x)->ndim - 1]});
        in[TARGETS] = tg_reshape(targets, 1, &p->ce.n);
    }
    if (!in[X] || !in[TARGETS] || !tg_make_contiguous(in + TARGETS, 2))
        return NULL;
    bool whole = p->ce.reduction != TG_NONE;
    tg_tensor *loss = tg_apply(&(tg_call){.op = &linear_ce_op,
                                          .n_in = INPUTS,
                                          .in = in,
                                          .dtype = tg_at(x)->dtype,
                                          .ndim = whole ? 0 : 1,
                                          .dims = &p->ce.n,
                                          .params = p,
                                          .params_size = sizeof *p,
                                          .saved_numel = p->ce.n * TGK_CE_STATS + TGK_CE_TOTALS,
                                          .saved_dtype = TG_F64});
    return whole || tg_at(targets)->ndim == 1
               ? loss
               : tg_reshape(loss, tg_at(targets)->ndim, tg_at(targets)->dims);
}

tg_tensor *tg_linear_cross_entropy_in(tg_tensor *x, tg_tensor *weight, tg_tensor *bias,
                                      tg_tensor *targets, const tg_ce_opts *opts, int64_t rows,
                                      int64_t classes)
{
    const tg_ce_opts o = opts ? *opts : (tg_ce_opts){0};
    params p = {.ce = tg_ce_params_of(&o), .forced = {rows, classes}};
    tg_tensor *in[INPUTS] = {x, weight, bias, targets, o.weight};
    tg_scope scope;
    if (!tg_scope_open_given(&scope, &linear_ce_op, INPUTS,
                             (tg_tensor *[]){x, weight, targets, bias, o.weight}, 3))
        return NULL;
    return tg_scope_close(&scope, check(in, &o) ? apply(in, &p) : NULL);
}

tg_tensor *tg_linear_cross_entropy(tg_tensor *x, tg_tensor *weight, tg_tensor *bias,
                                   tg_tensor *targets, const tg_ce_opts *opts)
{
    return tg_linear_cross_entropy_in(x, weight, bias, targets, opts, 0, 0);
}
