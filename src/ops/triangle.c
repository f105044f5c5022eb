/* Triangles of matrices: tril and triu. Bytes of zeros are zeros in every dtype. */
#include "ops/arithmetic.h"
#include "ops/layout.h"

#include <string.h>

typedef struct triangle {
    int64_t diagonal; /* from -rows to columns: more makes no difference */
} triangle;

/* What the rows of all matrices, one after the other, are made of. */
typedef struct rows {
    char *out;
    const char *x;
    int64_t height, columns, diagonal;
    size_t size; /* of an element */
    bool upper;
} rows;

/* In row i the columns before this are below the diagonal, or on it; of triu, below it. */
static int64_t split_of(const rows *r, int64_t i)
{
    int64_t at = i % r->height + r->diagonal + !r->upper;
    return at < 0 ? 0 : at > r->columns ? r->columns : at;
}

static void fill_rows(void *context, int64_t from, int64_t to)
{
    const rows *r = context;
    const size_t width = (size_t)r->columns * r->size;
    for (int64_t i = from; i < to; i++) {
        char *out = r->out + (size_t)i * width;
        size_t low = (size_t)split_of(r, i) * r->size, start = r->upper ? low : 0;
        size_t count = r->upper ? width - low : low;
        memset(out + (r->upper ? 0 : low), 0, width - count);
        if (count)
            memcpy(out + start, r->x + (size_t)i * width + start, count);
    }
}

static void fill(tg_node *node, bool upper)
{
    const tg_header *out = tg_at(node->out);
    rows r = {.out = out->data,
              .x = tg_contiguous_data(node, node->in[0]),
              .height = out->dims[out->ndim - 2],
              .columns = out->dims[out->ndim - 1],
              .diagonal = ((const triangle *)node->params)->diagonal,
              .size = tg_dtype_size(out->dtype),
              .upper = upper};
    if (r.x && out->numel)
        tgk_share_rows(&tg_node_tape(node)->team, out->numel / r.columns, r.columns, fill_rows, &r);
}

static void tril_forward(tg_node *node)
{
    fill(node, false);
}

static void triu_forward(tg_node *node)
{
    fill(node, true);
}

/* The same triangle of the gradient. */
static void backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_gradient_of(node, 0, node->op, 1, &grad_out, node->params, sizeof(triangle));
}

static const tg_op tril_op = {.name = "tril", .forward = tril_forward, .backward = backward};
static const tg_op triu_op = {.name = "triu", .forward = triu_forward, .backward = backward};

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
