/* Writing and adding at places that an index names, into a copy: scatter, scatter_add, index_copy,
 * index_add. Gradients are read at the same places, see lookup.h. */
#include "ops/arithmetic.h"
#include "ops/lookup.h"

static void run(tg_node *node, tgk_loop *loop)
{
    tg_tensor_copy(node->out, node->in[0]);
    tg_lookup_run(node, node->out, node->in[2], loop, INT64_MIN, true);
}

static void write_forward(tg_node *node)
{
    run(node, tgk_scatter_loop(tg_dtype_size(tg_at(node->out)->dtype)));
}

static void add_forward(tg_node *node)
{
    run(node, tgk_scatter_add_loop(tg_node_tape(node)->isa, tg_at(node->out)->dtype));
}

static void read_gradient(tg_node *node, tg_tensor *g, tg_tensor **grad_in)
{
    if (tg_needs_grad(node, 2))
        grad_in[2] = tg_lookup_read(g, node->in[1], tg_dims_of(node->in[2]), node->params);
}

/* What was written over gets none. */
static void write_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const tg_tensor *src = node->in[2];
    read_gradient(node, grad_out, grad_in);
    if (!tg_needs_grad(node, 0))
        return;
    tg_tensor *zero = tg_zeros(tg_tape_in(src), TG_SCALAR, tg_at(src)->dtype);
    tg_tensor *in[] = {grad_out, node->in[1], tg_expand(zero, tg_at(src)->ndim, tg_at(src)->dims)};
    grad_in[0] = tg_gradient_of(node, 0, node->op, 3, in, node->params, sizeof(tg_lookup));
}

static void add_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    read_gradient(node, grad_out, grad_in);
    if (tg_needs_grad(node, 0))
        grad_in[0] = grad_out;
}

/* The fields of a tg_op. */
#define WRITE                                                                                      \
    .forward = write_forward, .backward = write_backward,                                          \
    .reads = {TG_READS_IN(1), 0, TG_READS_IN(1)}
#define ADD .forward = add_forward, .backward = add_backward, .reads = {0, 0, TG_READS_IN(1)}

static const tg_op scatter_op = {.name = "scatter", WRITE},
                   scatter_add_op = {.name = "scatter_add", ADD},
                   index_copy_op = {.name = "index_copy", WRITE},
                   index_add_op = {.name = "index_add", ADD};

/* Whether the index and src fit to x, all of which have dims. */
static bool check_shapes(const tg_op *op, int kind, const tg_tensor *x, int dim,
                         const tg_tensor *index, const tg_tensor *src)
{
    const tg_header *to = tg_at(x), *by = tg_at(index), *from = tg_at(src);
    bool fits = to->ndim == from->ndim && by->ndim == (kind == TG_BY_ELEMENT ? to->ndim : 1);
    for (int i = 0; i < to->ndim && fits; i++) {
        if (kind == TG_BY_ELEMENT)
            fits = by->dims[i] <= from->dims[i] && (i == dim || by->dims[i] <= to->dims[i]);
        else
            fits = from->dims[i] == (i == dim ? by->numel : to->dims[i]);
    }
    TG_CHECK(tg_tape_in(x), fits, TG_ESHAPE, "%s: index %s and source %s for dim %d of %s",
             op->name, tg_shape_of(index).chars, tg_shape_of(src).chars, dim, tg_shape_of(x).chars);
    return true;
}

static bool check_dtypes(const tg_op *op, const tg_tensor *x, const tg_tensor *index,
                         const tg_tensor *src)
{
    int dtype = tg_at(x)->dtype, other = tg_at(src)->dtype;
    TG_CHECK(tg_tape_in(x), dtype == other, TG_EDTYPE, "%s: the source is %s, wanted %s", op->name,
             tg_dtype_name(other), tg_dtype_name(dtype));
    TG_CHECK(tg_tape_in(x), dtype != TG_BOOL || op->forward == write_forward, TG_EDTYPE,
             "%s: bool is not supported", op->name);
    return tg_check_index(op, x, index);
}

static tg_tensor *change(const tg_op *op, int kind, tg_tensor *x, int dim, tg_tensor *index,
                         tg_tensor *src)
{
    tg_lookup p = {kind, tg_check_dim(op, x, dim), INT64_MIN, INT64_MIN, false};
    if (p.dim < 0 || !check_dtypes(op, x, index, src))
        return NULL;
    bool flat = tg_at(x)->ndim == 0;
    tg_tensor *in[] = {tg_at_least_1d(x), tg_at_least_1d(index), tg_at_least_1d(src)};
    if (!in[0] || !in[1] || !in[2] || !check_shapes(op, kind, in[0], p.dim, in[1], in[2]))
        return NULL;
    for (int i = 0; i < tg_at(in[0])->ndim && kind == TG_BY_ELEMENT; i++) {
        if (tg_at(in[2])->dims[i] != tg_at(in[1])->dims[i])
            in[2] = tg_narrow(in[2], i, 0, tg_at(in[1])->dims[i]);
        if (!in[2])
            return NULL;
    }
    tg_tensor *y = tg_apply_as_first(op, 3, in, &p, sizeof p);
    return flat ? tg_reshape(y, 0, NULL) : y;
}

tg_tensor *tg_scatter(tg_tensor *x, int dim, tg_tensor *index, tg_tensor *src)
{
    TG_IN_SCOPE(&scatter_op, change(&scatter_op, TG_BY_ELEMENT, x, dim, index, src), x, index, src);
}

tg_tensor *tg_scatter_add(tg_tensor *x, int dim, tg_tensor *index, tg_tensor *src)
{
    TG_IN_SCOPE(&scatter_add_op, change(&scatter_add_op, TG_BY_ELEMENT, x, dim, index, src), x,
                index, src);
}

tg_tensor *tg_index_copy(tg_tensor *x, int dim, tg_tensor *index, tg_tensor *src)
{
    TG_IN_SCOPE(&index_copy_op, change(&index_copy_op, TG_BY_ENTRY, x, dim, index, src), x, index,
                src);
}

tg_tensor *tg_index_add(tg_tensor *x, int dim, tg_tensor *index, tg_tensor *src)
{
    TG_IN_SCOPE(&index_add_op, change(&index_add_op, TG_BY_ENTRY, x, dim, index, src), x, index,
                src);
}
