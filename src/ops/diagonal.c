/* The diagonal of two dims, a view; its adjoint puts one into zeros. */
#include "ops/check.h"

#include <string.h>

typedef struct diagonal {
    int64_t offset;
    int rows, columns; /* dims */
} diagonal;

/* Of t, which has all dims: sizes and strides of the diagonal, the last dim; and where it begins. */
static int64_t along(const tg_tensor *t, const diagonal *d, tg_shape *sizes, int64_t *strides)
{
    int n = 0;
    for (int i = 0; i < tg_at(t)->ndim; i++) {
        if (i == d->rows || i == d->columns)
            continue;
        sizes->sizes[n] = tg_at(t)->dims[i];
        strides[n++] = tg_strides(t)[i];
    }
    int64_t right = d->offset > 0 ? d->offset : 0, down = d->offset < 0 ? -d->offset : 0;
    int64_t width = tg_at(t)->dims[d->columns] - right, height = tg_at(t)->dims[d->rows] - down;
    int64_t length = width < height ? width : height;
    sizes->ndim = n + 1;
    sizes->sizes[n] = length > 0 ? length : 0;
    strides[n] = tg_strides(t)[d->rows] + tg_strides(t)[d->columns];
    return length > 0 && tg_at(t)->numel
               ? down * tg_strides(t)[d->rows] + right * tg_strides(t)[d->columns]
               : 0;
}

static void put_forward(tg_node *node)
{
    const tg_tensor *g = node->in[0], *out = node->out;
    size_t size = tg_dtype_size(tg_at(out)->dtype);
    tg_shape sizes;
    int64_t strides[TG_MAX_NDIM], offset = along(out, node->params, &sizes, strides);
    tgk_zero(&tg_node_tape(node)->team, tg_at(out)->data, tg_data_size(out));
    tgk_nest nest = {.ndim = sizes.ndim,
                     .operands = 2,
                     .sizes = sizes.sizes,
                     .data = {tg_at(out)->data + offset * (int64_t)size, tg_at(g)->data},
                     .strides = {strides, tg_strides(g)},
                     .size = {size, size}};
    tgk_nest_run(&nest, tgk_copy_loop(size), NULL);
}

static tg_tensor *take(tg_tensor *x, const diagonal *d);

static void put_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = take(grad_out, node->params);
}

static const tg_op put_op = {
    .name = "diagonal_backward", .forward = put_forward, .backward = put_backward};
static const tg_op diag_op = {.name = "diag", .forward = put_forward, .backward = put_backward};

static void take_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_make(&(tg_making){{.op = &put_op,
                                       .n_in = 1,
                                       .in = &grad_out,
                                       .params = node->params,
                                       .params_size = sizeof(diagonal)},
                                      .like = node->in[0],
                                      .gradient_of = node});
}

static const tg_op diagonal_op = {.name = "diagonal", .backward = take_backward};

static tg_tensor *take(tg_tensor *x, const diagonal *d)
{
    tg_shape sizes;
    int64_t strides[TG_MAX_NDIM], offset = along(x, d, &sizes, strides);
    return tg_apply(&(tg_call){.op = &diagonal_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = sizes.ndim,
                               .dims = sizes.sizes,
                               .params = d,
                               .params_size = sizeof *d,
                               .view_of = x,
                               .strides = strides,
                               .offset = offset});
}

/* An offset that is out of the matrix on either side: more makes no difference. */
static int64_t cut(int64_t offset, int64_t rows, int64_t columns)
{
    return offset > columns ? columns : offset < -rows ? -rows : offset;
}

tg_tensor *tg_diagonal(tg_tensor *x, int64_t offset, int dim0, int dim1)
{
    if (!tg_check_inputs(&diagonal_op, 1, &x))
        return NULL;
    TG_CHECK(tg_tape_in(x), tg_at(x)->ndim >= 2, TG_ESHAPE,
             "diagonal: input %s, wanted at least 2 dims", tg_shape_of(x).chars);
    diagonal d = {.rows = tg_check_dim(&diagonal_op, x, dim0)};
    d.columns = d.rows < 0 ? -1 : tg_check_dim(&diagonal_op, x, dim1);
    if (d.columns < 0)
        return NULL;
    TG_CHECK(tg_tape_in(x), d.rows != d.columns, TG_EVALUE, "diagonal: dim %d is named twice",
             d.rows);
    d.offset = cut(offset, tg_at(x)->dims[d.rows], tg_at(x)->dims[d.columns]);
    return take(x, &d);
}

tg_tensor *tg_diag(tg_tensor *x, int64_t offset)
{
    if (!tg_check_inputs(&diag_op, 1, &x))
        return NULL;
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, tg_at(x)->ndim == 1 || tg_at(x)->ndim == 2, TG_ESHAPE,
             "diag: input %s, wanted 1 or 2 dims", tg_shape_of(x).chars);
    diagonal d = {.offset = offset, .columns = 1};
    if (tg_at(x)->ndim == 2) {
        d.offset = cut(offset, tg_at(x)->dims[0], tg_at(x)->dims[1]);
        return take(x, &d);
    }
    int64_t n = tg_at(x)->dims[0], most = INT32_MAX;
    TG_CHECK(tape, n <= most && offset >= -most && offset <= most, TG_ESHAPE,
             "diag: diagonal %lld of %lld elements is too large", (long long)offset, (long long)n);
    n += offset < 0 ? -offset : offset;
    if (!tg_tensor_check(tape, "diag", (tg_dims){2, (int64_t[]){n, n}}, 0))
        return NULL;
    return tg_apply(&(tg_call){.op = &diag_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = 2,
                               .dims = (int64_t[]){n, n},
                               .params = &d,
                               .params_size = sizeof d});
}
