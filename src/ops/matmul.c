/* matmul in all of PyTorch's ranks, and linear. Relies on kernels/gemm.h, which takes any
 * strides, so that transposed inputs are never copied here. */
#include "ops/matmul.h"
#include "ops/check.h"

#include "kernels/blas.h"
#include "ops/broadcast.h"
#include "ops/layout.h"

#include <tinygrad/ops.h>

#include <stdatomic.h>
#include <string.h>

/* From so many multiply-adds on a product is worth sharing; to fetch an element takes as long as
 * FETCHED of them. A thread that comes late or is held up leaves pieces to the others. Those of a batch
 * are equal, FINE a thread. Every piece of one product packs anew, so that it wants PACKED rows or columns,
 * and there are few: one a thread or two, of LARGE quarters and of the rest. Pieces of columns begin with
 * whole vectors where there are enough. */
enum { SHARED = 1 << 20, FETCHED = 8, FINE = 4, LARGE = 3, PACKED = 112, COLUMNS = 32 };

/* Products of one shape: the strides of a and b along what they are a batch of. */
typedef struct batches {
    int64_t count;
    tg_dims dims;
    int64_t a[TG_MAX_NDIM], b[TG_MAX_NDIM];
} batches;

/* A batch, or (where there is none) one product, cut into pieces along the longer side of the
 * result: each element is computed as it would be in one piece. The workspace has room for as many
 * as there are threads, of which those that are at work are `busy`. */
typedef struct sharing {
    tgk_gemm *gemm;
    const tgk_gemm_args *args;
    const batches *batch;
    int64_t pieces;
    int dtype;
    size_t size, workspace; /* bytes of an element; of a piece's workspace */
    int rooms;
    atomic_flag busy[TGK_MAX_THREADS];
} sharing;

static void multiply(const sharing *s, const tgk_gemm_args *args)
{
    if (!tgk_blas_gemm(args, s->dtype))
        s->gemm(args);
}

/* Where piece i of something begins. */
static int64_t piece_start(const sharing *s, int64_t length, int64_t i)
{
    const int64_t threads = s->rooms, late = i > threads ? i - threads : 0;
    if (s->batch || s->pieces <= threads)
        return length * i / s->pieces;
    return length * (LARGE * (i - late) + (4 - LARGE) * late) / (4 * threads);
}

/* The same for columns. */
static int64_t first_column(const sharing *s, int64_t length, int64_t i)
{
    int64_t start = piece_start(s, length, i);
    return length < 2 * COLUMNS * s->pieces || i == s->pieces ? start : start / COLUMNS * COLUMNS;
}

/* The workspace of one piece, whichever it is. */
static size_t piece_workspace(const sharing *s)
{
    const tgk_gemm_args *g = s->args;
    const bool rows = g->m >= g->n, whole = s->batch || s->pieces == 1;
    const int64_t length = rows ? g->m : g->n;
    int64_t longest = whole ? length : 0;
    for (int64_t i = 0; i < s->pieces && !whole; i++) {
        int64_t n = rows ? piece_start(s, length, i + 1) - piece_start(s, length, i)
                         : first_column(s, length, i + 1) - first_column(s, length, i);
        longest = n > longest ? n : longest;
    }
    return tgk_gemm_workspace(rows ? longest : g->m, rows ? g->n : longest, g->k, s->size);
}

/* Piece i of a batch. */
static void multiply_batch(const sharing *s, tgk_gemm_args *part, int64_t i)
{
    const batches *batch = s->batch;
    const int64_t size = (int64_t)s->size, end = piece_start(s, batch->count, i + 1);
    for (int64_t at = piece_start(s, batch->count, i); at < end; at++) {
        const int64_t a = tg_shape_offset(batch->dims, batch->a, at),
                      b = tg_shape_offset(batch->dims, batch->b, at);
        part->a.data = (const char *)s->args->a.data + a * size;
        part->b.data = (const char *)s->args->b.data + b * size;
        part->c = (char *)s->args->c + at * part->m * part->n * size;
        multiply(s, part);
    }
}

/* Piece i of one product. */
static void multiply_piece(const sharing *s, tgk_gemm_args *part, int64_t i)
{
    if (s->pieces > 1 && part->m >= part->n)
        tgk_gemm_rows(part, piece_start(s, part->m, i), piece_start(s, part->m, i + 1), s->size);
    else if (s->pieces > 1)
        tgk_gemm_columns(part, first_column(s, part->n, i), first_column(s, part->n, i + 1),
                         s->size);
    multiply(s, part);
}

/* There are never more at work than there are rooms. */
static int take_room(sharing *s)
{
    int room = 0;
    while (atomic_flag_test_and_set(&s->busy[room]))
        room = (room + 1) % s->rooms;
    return room;
}

static void multiply_pieces(void *context, int64_t from, int64_t to)
{
    sharing *s = context;
    const int room = s->pieces > 1 ? take_room(s) : 0;
    for (int64_t i = from; i < to; i++) {
        tgk_gemm_args part = *s->args;
        if (s->workspace)
            part.workspace = (char *)part.workspace + (size_t)room * s->workspace;
        if (s->batch)
            multiply_batch(s, &part, i);
        else
            multiply_piece(s, &part, i);
    }
    if (s->pieces > 1)
        atomic_flag_clear(&s->busy[room]);
}

/* How many pieces `count` products are worth. */
static int64_t pieces_of(const tg_tape *tape, const tgk_gemm_args *args, int64_t count)
{
    double m = (double)args->m, n = (double)args->n, k = (double)args->k;
    double work = (m * n * k + (double)FETCHED * (m * n + n * k + k * m)) * (double)count;
    int64_t threads = tape->team.threads, longer = args->m > args->n ? args->m : args->n;
    if (work < (double)SHARED || threads == 1)
        return 1;
    if (count > 1)
        return count < threads ? threads : count < FINE * threads ? count : FINE * threads;
    return longer / PACKED < 4 * threads ? threads : 2 * threads;
}

static void multiply_all(tg_node *node, tgk_gemm_args *args, const batches *batch)
{
    tg_tape *tape = tg_node_tape(node);
    int dtype = tg_at(node->out)->dtype;
    sharing s = {.gemm = tgk_gemm_table[tape->isa][dtype],
                 .args = args,
                 .batch = batch,
                 .pieces = pieces_of(tape, args, batch ? batch->count : 1),
                 .dtype = dtype,
                 .size = tg_dtype_size(dtype),
                 .rooms = tape->team.threads};
    for (int i = 0; i < s.rooms && s.pieces > 1; i++)
        atomic_flag_clear(&s.busy[i]);
    if (!tgk_gemm_in_place(args)) {
        s.workspace = piece_workspace(&s);
        if (!args->workspace)
            args->workspace =
                tg_workspace(node, (size_t)(s.pieces > 1 ? s.rooms : 1) * s.workspace);
        if (!args->workspace)
            return;
    }
    if (s.pieces == 1)
        multiply_pieces(&s, 0, 1);
    else
        tgk_share(&tape->team, s.pieces, 1, multiply_pieces, &s);
}

void tg_multiply(tg_node *node, tgk_gemm_args *args)
{
    multiply_all(node, args, NULL);
}

tgk_matrix tg_matrix_of(const tg_tensor *t)
{
    const int64_t *strides = tg_strides(t);
    return (tgk_matrix){tg_at(t)->data, strides[tg_at(t)->ndim - 2], strides[tg_at(t)->ndim - 1]};
}

/* Strides along the batch dims of the output, which t stretches over. */
static void batch_strides(const tg_tensor *t, tg_dims batch, int64_t *strides)
{
    tg_shape_expand_strides((tg_dims){tg_at(t)->ndim - 2, tg_at(t)->dims}, tg_strides(t), batch,
                            strides);
}

void tg_matmul_run(tg_node *node, const tg_tensor *a, const tg_tensor *b, bool accumulate)
{
    const tg_tensor *out = node->out;
    if (tg_at(out)->numel == 0)
        return;
    tgk_gemm_args args = {.m = tg_at(out)->dims[tg_at(out)->ndim - 2],
                          .n = tg_at(out)->dims[tg_at(out)->ndim - 1],
                          .k = tg_at(a)->dims[tg_at(a)->ndim - 1],
                          .a = tg_matrix_of(a),
                          .b = tg_matrix_of(b),
                          .c = tg_at(out)->data,
                          .accumulate = accumulate};
    batches all = {.count = tg_at(out)->numel / (args.m * args.n),
                   .dims = {tg_at(out)->ndim - 2, tg_at(out)->dims}};
    if (all.count == 1) {
        tg_multiply(node, &args);
        return;
    }
    batch_strides(a, all.dims, all.a);
    batch_strides(b, all.dims, all.b);
    multiply_all(node, &args, &all);
}

static void matmul_forward(tg_node *node)
{
    tg_matmul_run(node, node->in[0], node->in[1], false);
}

static const tg_op matmul_op;

tg_tensor *tg_matmul_gradient(tg_node *node, int i, tg_tensor *a, tg_tensor *b)
{
    if (!a || !b)
        return NULL;
    const int n = tg_at(a)->ndim;
    const size_t batch = (size_t)(n - 2) * sizeof(int64_t);
    int64_t dims[TG_MAX_NDIM];
    if (tg_at(b)->ndim != n || (batch && memcmp(tg_at(a)->dims, tg_at(b)->dims, batch) != 0))
        return tg_matmul(a, b);
    for (int k = 0; k < n - 1; k++)
        dims[k] = tg_at(a)->dims[k];
    dims[n - 1] = tg_at(b)->dims[n - 1];
    tg_call call = {.op = &matmul_op,
                    .n_in = 2,
                    .in = (tg_tensor *[]){a, b},
                    .dtype = tg_at(a)->dtype,
                    .ndim = n,
                    .dims = dims};
    /* a is a gradient: where inputs are written over, none of the caller's. */
    bool over = i == 0 && tg_owner_of(b) != tg_owner_of(node->in[i]) &&
                (n == 2 || tg_shape_equal(tg_dims_of(node->in[i]), (tg_dims){n, dims}));
    return tg_make(
        &(tg_making){call, .gradient_of = node, .input = i, .last_use = over ? node->in[i] : NULL});
}

/* Of two tensors with at least two dims each. */
static void matmul_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *a = node->in[0], *b = node->in[1];
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_matmul_gradient(node, 1, tg_transpose(a, -1, -2), grad_out);
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_matmul_gradient(node, 0, grad_out, tg_transpose(b, -1, -2));
}

static const tg_op matmul_op = {.name = "matmul",
                                .forward = matmul_forward,
                                .backward = matmul_backward,
                                .reads = {TG_READS_IN(1), TG_READS_IN(0)}};

static bool check_floats(const tg_op *op, const tg_tensor *a, const tg_tensor *b)
{
    TG_CHECK(tg_tape_in(a), tg_is_float(tg_at(a)->dtype) && tg_at(a)->dtype == tg_at(b)->dtype,
             TG_EDTYPE, "%s: %s and %s, wanted two tensors of one float dtype", op->name,
             tg_dtype_name(tg_at(a)->dtype), tg_dtype_name(tg_at(b)->dtype));
    return true;
}

static tg_tensor *matrix_product(tg_tensor *a, tg_tensor *b, tg_dims batch)
{
    tg_shape shape = tg_shape_copy(batch);
    shape.sizes[shape.ndim++] = tg_at(a)->dims[tg_at(a)->ndim - 2];
    shape.sizes[shape.ndim++] = tg_at(b)->dims[tg_at(b)->ndim - 1];
    if (!tg_tensor_check(tg_tape_in(a), "matmul", tg_shape_dims(&shape), 0))
        return NULL;
    tg_tensor *in[] = {a, b};
    return tg_apply(&(tg_call){.op = &matmul_op,
                               .n_in = 2,
                               .in = in,
                               .dtype = tg_at(a)->dtype,
                               .ndim = shape.ndim,
                               .dims = shape.sizes});
}

/* A 1-d left-hand side is a row, a 1-d right-hand side a column. */
static tg_tensor *as_row(tg_tensor *t)
{
    return tg_at(t)->ndim == 1 ? tg_reshape(t, 2, (int64_t[]){1, tg_at(t)->dims[0]}) : t;
}

static tg_tensor *as_column(tg_tensor *t)
{
    return tg_at(t)->ndim == 1 ? tg_reshape(t, 2, (int64_t[]){tg_at(t)->dims[0], 1}) : t;
}

/* Takes the dims of 1-d inputs out of the product again. */
static tg_tensor *without(tg_tensor *product, bool row, bool column)
{
    if (!product || (!row && !column))
        return product;
    int64_t sizes[TG_MAX_NDIM];
    int n = tg_at(product)->ndim, kept = 0;
    for (int i = 0; i < n; i++) {
        if (!(row && i == n - 2) && !(column && i == n - 1))
            sizes[kept++] = tg_at(product)->dims[i];
    }
    return tg_reshape(product, kept, sizes);
}

/* (..., m, k)(k, n): one product of (... m, k) instead of a batch, so that the gradient of the
 * second is one product as well. */
static tg_tensor *folded(tg_tensor *a, tg_tensor *b)
{
    tg_shape shape = tg_shape_copy(tg_dims_of(a));
    int64_t k = tg_at(a)->dims[tg_at(a)->ndim - 1];
    int64_t rows = 1;
    for (int i = 0; i < tg_at(a)->ndim - 1; i++)
        rows *= tg_at(a)->dims[i];
    shape.sizes[shape.ndim - 1] = tg_at(b)->dims[1];
    tg_tensor *flat = tg_reshape(a, 2, (int64_t[]){rows, k});
    tg_tensor *product = flat ? matrix_product(flat, b, (tg_dims){0, NULL}) : NULL;
    return product ? tg_reshape(product, shape.ndim, shape.sizes) : NULL;
}

static tg_tensor *matmul(tg_tensor *a, tg_tensor *b)
{
    if (!check_floats(&matmul_op, a, b))
        return NULL;
    tg_tape *tape = tg_tape_in(a);
    TG_CHECK(tape, tg_at(a)->ndim && tg_at(b)->ndim, TG_ESHAPE,
             "matmul: %s x %s: both need at least one dim", tg_shape_of(a).chars,
             tg_shape_of(b).chars);
    int64_t inner_a = tg_at(a)->dims[tg_at(a)->ndim - 1],
            inner_b = tg_at(b)->dims[tg_at(b)->ndim > 1 ? tg_at(b)->ndim - 2 : 0];
    TG_CHECK(tape, inner_a == inner_b, TG_ESHAPE,
             "matmul: %s x %s: inner sizes %lld and %lld differ", tg_shape_of(a).chars,
             tg_shape_of(b).chars, (long long)inner_a, (long long)inner_b);
    bool row = tg_at(a)->ndim == 1, column = tg_at(b)->ndim == 1;
    tg_dims batch_a = {row ? 0 : tg_at(a)->ndim - 2, tg_at(a)->dims},
            batch_b = {column ? 0 : tg_at(b)->ndim - 2, tg_at(b)->dims};
    tg_shape batch = tg_shape_broadcast(batch_a, batch_b);
    TG_CHECK(tape, batch.ndim >= 0, TG_ESHAPE, "matmul: %s x %s: batch dims do not broadcast",
             tg_shape_of(a).chars, tg_shape_of(b).chars);
    a = as_row(a);
    b = as_column(b);
    if (!a || !b)
        return NULL;
    tg_tensor *product = tg_at(a)->ndim > 2 && tg_at(b)->ndim == 2
                             ? folded(a, b)
                             : matrix_product(a, b, tg_shape_dims(&batch));
    return without(product, row, column);
}

tg_tensor *tg_matmul(tg_tensor *a, tg_tensor *b)
{
    TG_IN_SCOPE(&matmul_op, matmul(a, b), a, b);
}

static void linear_forward(tg_node *node)
{
    const tg_tensor *x = node->in[0], *weight = node->in[1], *out = node->out;
    if (tg_at(out)->numel == 0)
        return;
    tgk_gemm_args args = {.m = tg_at(x)->dims[0],
                          .n = tg_at(weight)->dims[0],
                          .k = tg_at(x)->dims[1],
                          .a = tg_matrix_of(x),
                          .b = tg_matrix_of(weight),
                          .c = tg_at(out)->data};
    args.b = (tgk_matrix){args.b.data, args.b.column, args.b.row}; /* transposed */
    args.bias = node->in[2] ? tg_contiguous_data(node, node->in[2]) : NULL;
    if (!node->in[2] || args.bias)
        tg_multiply(node, &args);
}

static void linear_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *x = node->in[0], *weight = node->in[1];
    if (tg_needs_grad(node, 1))
        grad_in[1] = tg_matmul_gradient(node, 1, tg_transpose(grad_out, 0, 1), x);
    if (tg_needs_grad(node, 0))
        grad_in[0] = tg_matmul_gradient(node, 0, grad_out, weight);
    grad_in[2] = grad_out;
}

static const tg_op linear_op = {.name = "linear",
                                .forward = linear_forward,
                                .backward = linear_backward,
                                .reads = {TG_READS_IN(1), TG_READS_IN(0)}};

bool tg_check_linear(const tg_op *op, const tg_tensor *x, const tg_tensor *weight,
                     const tg_tensor *bias)
{
    tg_tape *tape = tg_tape_in(x);
    if (!check_floats(op, x, weight) || (bias && !check_floats(op, x, bias)))
        return false;
    TG_CHECK(tape, tg_at(x)->ndim >= 1, TG_ESHAPE, "%s: x is 0-d, wanted (..., in)", op->name);
    TG_CHECK(tape, tg_at(weight)->ndim == 2, TG_ESHAPE, "%s: weight %s, wanted (out, in)", op->name,
             tg_shape_of(weight).chars);
    TG_CHECK(tape, tg_at(x)->dims[tg_at(x)->ndim - 1] == tg_at(weight)->dims[1], TG_ESHAPE,
             "%s: x %s and weight %s: sizes %lld and %lld differ", op->name, tg_shape_of(x).chars,
             tg_shape_of(weight).chars, (long long)tg_at(x)->dims[tg_at(x)->ndim - 1],
             (long long)tg_at(weight)->dims[1]);
    if (!bias)
        return true;
    TG_CHECK(tape, tg_at(bias)->ndim == 1 && tg_at(bias)->dims[0] == tg_at(weight)->dims[0],
             TG_ESHAPE, "%s: bias %s for a weight %s", op->name, tg_shape_of(bias).chars,
             tg_shape_of(weight).chars);
    return true;
}

static tg_tensor *linear(tg_tensor **in)
{
    const tg_tensor *x = in[0], *weight = in[1], *bias = in[2];
    if (!tg_check_linear(&linear_op, x, weight, bias))
        return NULL;
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    shape.sizes[shape.ndim - 1] = tg_at(weight)->dims[0];
    if (!tg_tensor_check(tg_tape_in(x), "linear", tg_shape_dims(&shape), 0))
        return NULL;
    int64_t flat[] = {1, tg_at(weight)->dims[0]};
    for (int i = 0; i < tg_at(x)->ndim - 1; i++)
        flat[0] *= tg_at(x)->dims[i];
    if (tg_at(x)->ndim != 2)
        in[0] = tg_reshape(in[0], 2, (int64_t[]){flat[0], tg_at(weight)->dims[1]});
    tg_tensor *y = in[0] ? tg_apply(&(tg_call){.op = &linear_op,
                                               .n_in = 3,
                                               .in = in,
                                               .dtype = tg_at(x)->dtype,
                                               .ndim = 2,
                                               .dims = flat})
                         : NULL;
    return tg_at(x)->ndim == 2 ? y : tg_reshape(y, shape.ndim, shape.sizes);
}

tg_tensor *tg_linear(tg_tensor *x, tg_tensor *weight, tg_tensor *bias)
{
    tg_tensor *in[] = {x, weight, bias};
    TG_IN_SCOPE_GIVEN(&linear_op, 3, in, 2, linear(in));
}
