/* Views of a part of a tensor: narrow, slice, select, chunk, diagonal. But for the last all are one
 * thing, every step-th index of one dim from a start on; their gradient writes into that part of a
 * tensor of zeros, or adds to what other views of the tensor gave. slice_scatter and select_scatter
 * write into it in a copy. */
#include "ops/arithmetic.h"
#include "record/grad.h"

#include <string.h>

typedef struct part {
    int dim;
    int64_t start, step, length;
    bool diagonal; /* along dim and another one at once; it is the last dim of the view */
    int across;
    int64_t start_across;
} part;

/* What stays of the dims of t, or of their strides: all but two, and one for the diagonal. */
static void diagonal_of(int ndim, const int64_t *whole, const part *p, int64_t *kept)
{
    int n = 0;
    for (int i = 0; i < ndim; i++) {
        if (i != p->dim && i != p->across)
            kept[n++] = whole[i];
    }
}

/* The strides of t in the part's dim, step by step, and where the part begins. Where nothing of it
 * is there, it begins with t: the address of its first element might lie behind the data. */
static int64_t part_strides(const tg_tensor *t, const part *p, int64_t *strides)
{
    const int64_t *whole = tg_strides(t);
    const int ndim = tg_at(t)->ndim;
    int64_t offset = p->start * whole[p->dim];
    if (p->diagonal) {
        offset += p->start_across * whole[p->across];
        diagonal_of(ndim, whole, p, strides);
        strides[ndim - 2] = whole[p->dim] + whole[p->across];
    } else {
        memcpy(strides, whole, (size_t)ndim * sizeof *strides);
        strides[p->dim] *= p->step;
    }
    return p->length && tg_at(t)->numel ? offset : 0;
}

static tg_shape part_sizes(const tg_tensor *x, const part *p)
{
    tg_shape sizes = tg_shape_copy(tg_dims_of(x));
    if (p->diagonal)
        diagonal_of(sizes.ndim--, tg_at(x)->dims, p, sizes.sizes);
    sizes.sizes[p->diagonal ? sizes.ndim - 1 : p->dim] = p->length;
    return sizes;
}

static tg_tensor *take(const tg_op *op, tg_tensor *x, const part *p);

/* Into zeros; in place it adds to what is there. */
static void put_forward(tg_node *node)
{
    const part *p = node->params;
    const tg_tensor *g = node->in[0], *out = node->out;
    int dtype = tg_at(out)->dtype;
    size_t size = tg_dtype_size(dtype);
    tgk_team *team = &tg_node_tape(node)->team;
    int64_t strides[TG_MAX_NDIM];
    char *to = tg_at(out)->data + part_strides(out, p, strides) * (int64_t)size;
    if (!node->in_place)
        tgk_zero(team, tg_at(out)->data, tg_data_size(out));
    tgk_nest nest = {.ndim = tg_at(g)->ndim,
                     .operands = node->in_place ? 3 : 2,
                     .sizes = tg_at(g)->dims,
                     .data = {to, tg_at(g)->data, to},
                     .strides = {strides, tg_strides(g), strides},
                     .size = {size, size, size},
                     .team = team};
    tgk_nest_run(&nest,
                 node->in_place ? tg_loop_of(out, tg_accumulate_loops[dtype]) : tgk_copy_loop(size),
                 NULL);
}

static void take_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in);

static const tg_op slice_op = {.name = "slice", .backward = take_backward};

static void put_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = take(&slice_op, grad_out, node->params);
}

static const tg_op put_op = {
    .name = "slice_backward", .forward = put_forward, .backward = put_backward};

static void take_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_make(&(tg_making){{.op = &put_op,
                                       .n_in = 1,
                                       .in = &grad_out,
                                       .params = node->params,
                                       .params_size = sizeof(part)},
                                      .like = node->in[0],
                                      .gradient_of = node,
                                      .adds = true});
}

static tg_tensor *take(const tg_op *op, tg_tensor *x, const part *p)
{
    int64_t strides[TG_MAX_NDIM];
    int64_t offset = part_strides(x, p, strides);
    tg_shape sizes = part_sizes(x, p);
    return tg_apply(&(tg_call){.op = op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = sizes.ndim,
                               .dims = sizes.sizes,
                               .params = p,
                               .params_size = sizeof *p,
                               .view_of = x,
                               .strides = strides,
                               .offset = offset});
}

/* The dim to cut; -1, and the error, where there is none. A 0-d tensor has none. */
static int check_cut(const tg_op *op, tg_tensor *x, int dim)
{
    if (!tg_check_inputs(op, 1, &x))
        return -1;
    if (tg_at(x)->ndim)
        return tg_check_dim(op, x, dim);
    tg_fail(tg_tape_in(x), TG_ESHAPE, "%s: a 0-d tensor has no dim to cut", op->name);
    return -1;
}

static const tg_op narrow_op = {.name = "narrow", .backward = take_backward};

tg_tensor *tg_narrow(tg_tensor *x, int dim, int64_t start, int64_t length)
{
    part p = {.dim = check_cut(&narrow_op, x, dim), .step = 1, .length = length};
    if (p.dim < 0)
        return NULL;
    int64_t size = tg_at(x)->dims[p.dim];
    p.start = start < 0 ? start + size : start;
    TG_CHECK(tg_tape_in(x),
             p.start >= 0 && p.start <= size && length >= 0 && length <= size - p.start, TG_EVALUE,
             "narrow: %lld elements from %lld on are not all in dim %d of %s", (long long)length,
             (long long)start, p.dim, tg_shape_of(x).chars);
    return take(&narrow_op, x, &p);
}

/* A bound that counts from the end where it is negative, cut to [0, size]. */
static int64_t bound(int64_t at, int64_t size)
{
    if (at < 0)
        at = at < -size ? 0 : at + size;
    return at > size ? size : at;
}

/* The part that slice() takes; false, and the error, where there is none. */
static bool read_slice(const tg_op *op, tg_tensor *x, int dim, const int64_t bounds[2],
                       int64_t step, part *p)
{
    *p = (part){.dim = check_cut(op, x, dim)};
    if (p->dim < 0)
        return false;
    TG_CHECK(tg_tape_in(x), step > 0, TG_EVALUE, "%s: step %lld, wanted one above 0", op->name,
             (long long)step);
    int64_t size = tg_at(x)->dims[p->dim];
    p->start = bound(bounds[0], size);
    int64_t span = bound(bounds[1], size) - p->start;
    p->length = span > 0 ? (span - 1) / step + 1 : 0;
    p->step = step <= size ? step : size ? size : 1; /* keeps the stride in range */
    return true;
}

tg_tensor *tg_slice(tg_tensor *x, int dim, int64_t start, int64_t end, int64_t step)
{
    part p;
    return read_slice(&slice_op, x, dim, (int64_t[]){start, end}, step, &p) ? take(&slice_op, x, &p)
                                                                            : NULL;
}

/* params: a part of length 1, whose dim is dropped. */
static void select_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const part *p = node->params;
    tg_tensor *g = tg_unsqueeze(grad_out, p->dim);
    if (g)
        take_backward(node, g, grad_in);
}

static const tg_op select_op = {.name = "select", .backward = select_backward};

tg_tensor *tg_select(tg_tensor *x, int dim, int64_t index)
{
    part p = {.dim = check_cut(&select_op, x, dim), .step = 1, .length = 1};
    if (p.dim < 0)
        return NULL;
    int64_t size = tg_at(x)->dims[p.dim];
    TG_CHECK(tg_tape_in(x), index >= -size && index < size, TG_EVALUE,
             "select: there is no index %lld in dim %d of %s", (long long)index, p.dim,
             tg_shape_of(x).chars);
    p.start = index < 0 ? index + size : index;
    int64_t strides[TG_MAX_NDIM], kept[2][TG_MAX_NDIM];
    int64_t offset = part_strides(x, &p, strides);
    for (int i = 0, n = 0; i < tg_at(x)->ndim; i++) {
        if (i == p.dim)
            continue;
        kept[0][n] = tg_at(x)->dims[i];
        kept[1][n++] = strides[i];
    }
    return tg_apply(&(tg_call){.op = &select_op,
                               .n_in = 1,
                               .in = &x,
                               .dtype = tg_at(x)->dtype,
                               .ndim = tg_at(x)->ndim - 1,
                               .dims = kept[0],
                               .params = &p,
                               .params_size = sizeof p,
                               .view_of = x,
                               .strides = kept[1],
                               .offset = offset});
}

static const tg_op chunk_op = {.name = "chunk", .backward = take_backward};

static size_t chunk(tg_tensor *x, size_t chunks, int dim, tg_tensor **out)
{
    part p = {.dim = check_cut(&chunk_op, x, dim), .step = 1};
    if (p.dim < 0)
        return 0;
    TG_CHECK(tg_tape_in(x), chunks > 0 && out, TG_EVALUE, "chunk: no room for the results");
    int64_t size = tg_at(x)->dims[p.dim], most = (uint64_t)size < chunks ? size : (int64_t)chunks;
    int64_t each = size ? (size - 1) / most + 1 : 0;
    size_t n = each ? (size_t)((size - 1) / each + 1) : chunks; /* as torch: all of them empty */
    for (size_t i = 0; i < n; i++, p.start += each) {
        p.length = each < size - p.start ? each : size - p.start;
        out[i] = take(&chunk_op, x, &p);
        if (!out[i])
            return 0;
    }
    return n;
}

size_t tg_chunk(tg_tensor *x, size_t chunks, int dim, tg_tensor **out)
{
    tg_scope scope;
    if (!tg_scope_open(&scope, &chunk_op, 1, &x))
        return 0;
    size_t n = chunk(x, chunks, dim, out);
    tg_scope_close(&scope, n ? x : NULL);
    return n;
}

static const tg_op split_op = {.name = "split", .backward = take_backward};

static size_t split(tg_tensor *x, size_t n, const int64_t *sizes, int dim, tg_tensor **out)
{
    part p = {.dim = check_cut(&split_op, x, dim), .step = 1};
    if (p.dim < 0)
        return 0;
    TG_CHECK(tg_tape_in(x), n > 0, TG_EVALUE, "split: into no parts");
    TG_CHECK(tg_tape_in(x), sizes && out, TG_EVALUE, "split: the list of %zu %s is NULL", n,
             sizes ? "results" : "sizes");
    int64_t left = tg_at(x)->dims[p.dim];
    for (size_t i = 0; i < n; i++, p.start += p.length) {
        p.length = sizes[i];
        left = p.length < 0 || p.length > left ? -1 : left - p.length;
        TG_CHECK(tg_tape_in(x), left >= 0 && (i < n - 1 || left == 0), TG_ESHAPE,
                 "split: the sizes up to number %zu, %lld, do not make dim %d of %s", i,
                 (long long)p.length, p.dim, tg_shape_of(x).chars);
        out[i] = take(&split_op, x, &p);
        if (!out[i])
            return 0;
    }
    return n;
}

size_t tg_split(tg_tensor *x, size_t n, const int64_t *sizes, int dim, tg_tensor **out)
{
    tg_scope scope;
    if (!tg_scope_open(&scope, &split_op, 1, &x))
        return 0;
    n = split(x, n, sizes, dim, out);
    tg_scope_close(&scope, n ? x : NULL);
    return n;
}

/* --- diagonals --- */

static const tg_op diagonal_op = {.name = "diagonal", .backward = take_backward};

static tg_tensor *diagonal(tg_tensor *x, int64_t offset, int dim0, int dim1)
{
    const tg_op *op = &diagonal_op;
    TG_CHECK(tg_tape_in(x), tg_at(x)->ndim >= 2, TG_ESHAPE,
             "diagonal: input %s, wanted at least 2 dims", tg_shape_of(x).chars);
    part p = {.dim = tg_check_dim(op, x, dim0), .step = 1, .diagonal = true};
    p.across = p.dim < 0 ? -1 : tg_check_dim(op, x, dim1);
    if (p.across < 0)
        return NULL;
    TG_CHECK(tg_tape_in(x), p.dim != p.across, TG_EVALUE, "diagonal: dim %d is named twice", p.dim);
    const int64_t rows = tg_at(x)->dims[p.dim], columns = tg_at(x)->dims[p.across];
    offset = offset > columns ? columns : offset < -rows ? -rows : offset;
    p.start = offset < 0 ? -offset : 0;
    p.start_across = offset > 0 ? offset : 0;
    const int64_t height = rows - p.start, width = columns - p.start_across;
    p.length = height < width ? height : width;
    return take(op, x, &p);
}

tg_tensor *tg_diagonal(tg_tensor *x, int64_t offset, int dim0, int dim1)
{
    TG_IN_SCOPE(&diagonal_op, diagonal(x, offset, dim0, dim1), x);
}

/* --- writing --- */

static void scatter_forward(tg_node *node)
{
    const part *p = node->params;
    const tg_tensor *src = node->in[1], *out = node->out;
    size_t size = tg_dtype_size(tg_at(out)->dtype);
    int64_t strides[TG_MAX_NDIM];
    char *to = tg_at(out)->data + part_strides(out, p, strides) * (int64_t)size;
    tg_tensor_copy(node->out, node->in[0]);
    tgk_nest nest = {.ndim = tg_at(src)->ndim,
                     .operands = 2,
                     .sizes = tg_at(src)->dims,
                     .data = {to, tg_at(src)->data},
                     .strides = {strides, tg_strides(src)},
                     .size = {size, size},
                     .team = &tg_node_tape(node)->team};
    tgk_nest_run(&nest, tgk_copy_loop(size), NULL);
}

/* What was written over gets none. */
static void scatter_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    const tg_tensor *src = node->in[1];
    if (tg_needs_grad(node, 1))
        grad_in[1] = take(&slice_op, grad_out, node->params);
    if (!tg_needs_grad(node, 0))
        return;
    tg_tensor *zero = tg_zeros(tg_tape_in(src), TG_SCALAR, tg_at(src)->dtype);
    tg_tensor *in[] = {grad_out, tg_expand(zero, tg_at(src)->ndim, tg_at(src)->dims)};
    grad_in[0] = tg_gradient_of(node, 0, node->op, 2, in, node->params, sizeof(part));
}

static const tg_op scatter_op = {
    .name = "slice_scatter", .forward = scatter_forward, .backward = scatter_backward};
static const tg_op select_scatter_op = {.name = "select_scatter"};

static tg_tensor *scatter(const tg_op *op, tg_tensor *x, tg_tensor *src, const part *p)
{
    tg_tape *tape = tg_tape_in(x);
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    shape.sizes[p->dim] = p->length;
    TG_CHECK(tape, tg_at(src)->dtype == tg_at(x)->dtype, TG_EDTYPE,
             "%s: the source is %s, wanted %s", op->name, tg_dtype_name(tg_at(src)->dtype),
             tg_dtype_name(tg_at(x)->dtype));
    TG_CHECK(tape, tg_shape_equal(tg_dims_of(src), tg_shape_dims(&shape)), TG_ESHAPE,
             "%s: the source is %s, wanted %s", op->name, tg_shape_of(src).chars,
             tg_shape_text(tg_shape_dims(&shape)).chars);
    return tg_apply_as_first(&scatter_op, 2, (tg_tensor *[]){x, src}, p, sizeof *p);
}

tg_tensor *tg_slice_scatter(tg_tensor *x, tg_tensor *src, int dim, int64_t start, int64_t end,
                            int64_t step)
{
    part p;
    if (!tg_check_inputs(&scatter_op, 2, (tg_tensor *[]){x, src}) ||
        !read_slice(&scatter_op, x, dim, (int64_t[]){start, end}, step, &p))
        return NULL;
    return scatter(&scatter_op, x, src, &p);
}

static tg_tensor *select_scatter(tg_tensor *x, tg_tensor *src, int dim, int64_t index)
{
    part p = {.dim = check_cut(&select_scatter_op, x, dim), .step = 1, .length = 1};
    if (p.dim < 0)
        return NULL;
    int64_t size = tg_at(x)->dims[p.dim];
    TG_CHECK(tg_tape_in(x), index >= -size && index < size, TG_EVALUE,
             "select_scatter: there is no index %lld in dim %d of %s", (long long)index, p.dim,
             tg_shape_of(x).chars);
    p.start = index < 0 ? index + size : index;
    src = tg_at(src)->ndim == tg_at(x)->ndim - 1 ? tg_unsqueeze(src, p.dim) : src;
    return src ? scatter(&select_scatter_op, x, src, &p) : NULL;
}

tg_tensor *tg_select_scatter(tg_tensor *x, tg_tensor *src, int dim, int64_t index)
{
    TG_IN_SCOPE(&select_scatter_op, select_scatter(x, src, dim, index), x, src);
}
