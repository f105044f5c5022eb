/* Triangles of matrices: tril and triu. Bytes of zeros are zeros in every dtype. */
#include "ops/arithmetic.h"

#include <string.h>

typedef struct triangle {
    int64_t diagonal; /* from -rows to columns: more makes no difference */
} triangle;

/* Zeroes the columns from `from` to, without, `to` of a row; both are cut to it. */
static void clear(char *row, int64_t columns, size_t size, int64_t from, int64_t to)
{
    from = from < 0 ? 0 : from;
    to = to > columns ? columns : to;
    if (from < to)
        memset(row + (size_t)from * size, 0, (size_t)(to - from) * size);
}

static void tril_forward(tg_node *node)
{
    const triangle *p = node->params;
    const tg_tensor *out = node->out;
    int64_t rows = tg_at(out)->dims[tg_at(out)->ndim - 2],
            columns = tg_at(out)->dims[tg_at(out)->ndim - 1];
    size_t size = tg_dtype_size(tg_at(out)->dtype);
    tg_tensor_copy(node->out, node->in[0]);
    for (int64_t i = 0; columns && i < tg_at(out)->numel / columns; i++)
        clear(tg_at(out)->data + (size_t)(i * columns) * size, columns, size,
              i % rows + p->diagonal + 1, columns);
}

static void triu_forward(tg_node *node)
{
    const triangle *p = node->params;
    const tg_tensor *out = node->out;
    int64_t rows = tg_at(out)->dims[tg_at(out)->ndim - 2],
            columns = tg_at(out)->dims[tg_at(out)->ndim - 1];
    size_t size = tg_dtype_size(tg_at(out)->dtype);
    tg_tensor_copy(node->out, node->in[0]);
    for (int64_t i = 0; columns && i < tg_at(out)->numel / columns; i++)
        clear(tg_at(out)->data + (size_t)(i * columns) * size, columns, size, 0,
              i % rows + p->diagonal);
}

static void tril_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_tril(grad_out, ((const triangle *)node->params)->diagonal);
}

static void triu_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_triu(grad_out, ((const triangle *)node->params)->diagonal);
}

static const tg_op tril_op = {.name = "tril", .forward = tril_forward, .backward = tril_backward};
static const tg_op triu_op = {.name = "triu", .forward = triu_forward, .backward = triu_backward};

static tg_tensor *apply(const tg_op *op, tg_tensor *x, int64_t diagonal)
{
    if (!tg_check_inputs(op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), tg_at(x)->ndim >= 2, TG_ESHAPE, "%s: input %s, wanted at least 2 dims",
             op->name, tg_shape_of(x).chars);
    int64_t low = -tg_at(x)->dims[tg_at(x)->ndim - 2], high = tg_at(x)->dims[tg_at(x)->ndim - 1];
    triangle p = {diagonal < low ? low : diagonal > high ? high : diagonal};
    return tg_apply_as_first(op, 1, &x, &p, sizeof p);
}

tg_tensor *tg_tril(tg_tensor *x, int64_t diagonal)
{
    return apply(&tril_op, x, diagonal);
}

tg_tensor *tg_triu(tg_tensor *x, int64_t diagonal)
{
    return apply(&triu_op, x, diagonal);
}
