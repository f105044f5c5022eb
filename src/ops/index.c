/* Reading by index: gather, index_select, embedding. All are one operation, and their gradients are
 * its adjoint, which adds at the same places; each is the other's gradient. Relies on
 * kernels/gather.h.
 *
 * `big` is what is read from or added to, `small` has an element for each place read. A gather's
 * index has a value for each of those places; else the index's dims stand in small where `dim`
 * stands in big. */
#include "ops/lookup.h"

#include "ops/broadcast.h"
#include "ops/check.h"
#include "ops/layout.h"
#include "ops/touched.h"

#include <string.h>

enum { GATHER = TG_BY_ELEMENT, INDEX_SELECT = TG_BY_ENTRY, EMBEDDING, KINDS };

typedef tg_lookup lookup;

/* The strides of big and the index as seen in the shape of small; where big has none but by index,
 * 0. */
typedef struct layout {
    int64_t big[TG_MAX_NDIM], index[TG_MAX_NDIM];
} layout;

static layout layout_of(const lookup *p, const tg_tensor *big, const tg_tensor *index)
{
    layout l = {{0}, {0}};
    const int64_t *from = tg_strides(big), *by = tg_strides(index);
    if (p->kind == GATHER) {
        memcpy(l.big, from, tg_at(big)->ndim * sizeof *from);
        l.big[p->dim] = 0;
        memcpy(l.index, by, tg_at(index)->ndim * sizeof *by);
        return l;
    }
    for (int i = 0; i < tg_at(big)->ndim; i++) {
        if (i != p->dim)
            l.big[i < p->dim ? i : i + tg_at(index)->ndim - 1] = from[i];
    }
    memcpy(l.index + p->dim, by, tg_at(index)->ndim * sizeof *by);
    return l;
}

/* Reports the first index that is not one of big's dim. */
static void report_index(tg_node *node, const tg_tensor *index, int64_t size)
{
    const int64_t *data = tg_contiguous_data(node, index);
    int64_t i = data ? tgk_index_outside(data, size) : 0;
    if (data)
        tg_fail(tg_node_tape(node), TG_EVALUE,
                "%s: index %lld at position %lld is outside [0, %lld)", node->op->name,
                (long long)data[i], (long long)i, (long long)size);
}

/* The largest dim of small, of whose ranges no two write to the same place: where big is written to, one in
 * which that lies as well. -1: there is none. */
static int dim_to_share(const tg_tensor *small, const layout *l, bool adds)
{
    int best = -1;
    int64_t size = 0;
    for (int i = 0; i < tg_at(small)->ndim; i++) {
        if ((l->big[i] || !adds) && tg_at(small)->dims[i] > size)
            size = tg_at(small)->dims[best = i];
    }
    return best;
}

void tg_lookup_run(tg_node *node, const tg_tensor *big, const tg_tensor *small, tgk_loop *loop,
                   int64_t skip, bool adds)
{
    const lookup *p = node->params;
    const tg_tensor *index = node->in[1];
    size_t size = tg_dtype_size(tg_at(big)->dtype);
    layout l = layout_of(p, big, index);
    tgk_nest nest = {.ndim = tg_at(small)->ndim,
                     .operands = 3,
                     .sizes = tg_at(small)->dims,
                     .data = {tg_at(small)->data, tg_at(index)->data, tg_at(big)->data},
                     .strides = {tg_strides(small), l.index, l.big},
                     .size = {size, sizeof(int64_t), size}};
    atomic_bool outside = false;
    tgk_index params = {tg_strides(big)[p->dim] * (int64_t)size, skip, tg_at(big)->dims[p->dim],
                        &outside};
    int along = dim_to_share(small, &l, adds);
    if (along < 0)
        tgk_nest_run(&nest, loop, &params);
    else
        tgk_index_run(&tg_node_tape(node)->team, &nest, along, loop, &params);
    if (outside)
        report_index(node, index, params.size);
}

static void read_forward(tg_node *node)
{
    const lookup *p = node->params;
    const tg_tensor *big = node->in[0];
    tgk_loop *loop = tgk_gather_loop(tg_node_tape(node)->isa, tg_dtype_size(tg_at(big)->dtype));
    tg_lookup_run(node, big, node->out, loop, p->skip, false);
}

/* Only spans of a kept gradient can be anything else. */
static void make_zero(tg_node *node)
{
    const tg_tensor *big = node->out;
    size_t size = tg_dtype_size(tg_at(big)->dtype);
    if (!tg_touched_of(big)) {
        tgk_zero(&tg_node_tape(node)->team, tg_at(big)->data, tg_data_size(big));
        return;
    }
    for (tg_span s = tg_next_span(big, 0); s.from < s.to; s = tg_next_span(big, s.to))
        memset(tg_at(big)->data + (size_t)s.from * size, 0, (size_t)(s.to - s.from) * size);
}

/* Adds the index to the note of what is written to, which becomes, where it can be made, a note of the
 * version that this forward function makes. */
static void note_rows(tg_node *node, bool more)
{
    const lookup *p = node->params;
    const tg_header *big = tg_at(node->out);
    bool by_rows = big->kept && p->kind != GATHER && p->dim == 0;
    tgk_touched *note = more ? tg_touched_of(node->out) : by_rows ? big->u.touched : NULL;
    const int64_t *index = note ? tg_contiguous_data(node, node->in[1]) : NULL;
    if (!index)
        return;
    if (!more)
        tgk_touched_clear(note, big->dims[0]);
    if (tgk_touched_add(note, big->dims[0], index, tg_at(node->in[1])->numel, p->padding))
        note->version = big->version + 1;
}

static void add_forward(tg_node *node)
{
    const lookup *p = node->params;
    const tg_tensor *big = node->out;
    bool more = p->more && node->in_place;
    if (!more)
        make_zero(node);
    note_rows(node, more);
    tgk_loop *loop = tgk_scatter_add_loop(tg_node_tape(node)->isa, tg_at(big)->dtype);
    tg_lookup_run(node, big, node->in[0], loop, p->padding, true);
}

/* in: what is read or added, and the index. */
static tg_call call_of(const tg_op *op, tg_tensor *const *in, tg_dims dims, const lookup *p)
{
    return (tg_call){.op = op,
                     .n_in = 2,
                     .in = in,
                     .dtype = tg_at(in[0])->dtype,
                     .ndim = dims.ndim,
                     .dims = dims.sizes,
                     .params = p,
                     .params_size = sizeof *p};
}

static tg_tensor *apply(const tg_op *op, tg_tensor *from, tg_tensor *index, tg_dims dims,
                        const lookup *p)
{
    if (!tg_tensor_check(tg_tape_in(from), op->name, dims, 0))
        return NULL;
    tg_tensor *in[] = {from, index};
    tg_call call = call_of(op, in, dims, p);
    return tg_apply(&call);
}

static const tg_op read_ops[KINDS], add_ops[KINDS];

/* A first gradient is made of zeros, where it is kept; another one is added to what there is. */
static void read_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    lookup p = *(const lookup *)node->params;
    tg_tensor *in[] = {grad_out, node->in[1]};
    p.more = p.kind == EMBEDDING && tg_at(node->in[0])->grad;
    tg_call call = call_of(&add_ops[p.kind], in, tg_dims_of(node->in[0]), &p);
    grad_in[0] = tg_make(&(tg_making){call, .gradient_of = node, .adds = p.more});
}

/* What gets no gradient gives none, where a gradient is differentiated again. */
static void add_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    lookup p = *(const lookup *)node->params;
    p.skip = p.padding;
    grad_in[0] = apply(&read_ops[p.kind], grad_out, node->in[1], tg_dims_of(node->in[0]), &p);
}

/* The fields of a tg_op for either direction. */
#define READ .forward = read_forward, .backward = read_backward, .reads = {TG_READS_IN(1)}
#define ADD .forward = add_forward, .backward = add_backward, .reads = {TG_READS_IN(1)}

static const tg_op read_ops[KINDS] = {
    {.name = "gather", READ}, {.name = "index_select", READ}, {.name = "embedding", READ}};
static const tg_op add_ops[KINDS] = {{.name = "gather_backward", ADD},
                                     {.name = "index_select_backward", ADD},
                                     {.name = "embedding_backward", ADD}};

tg_tensor *tg_lookup_read(tg_tensor *big, tg_tensor *index, tg_dims dims, const tg_lookup *p)
{
    return apply(&read_ops[p->kind], big, index, dims, p);
}

bool tg_check_index(const tg_op *op, const tg_tensor *x, const tg_tensor *index)
{
    TG_CHECK(tg_tape_in(x), tg_at(index)->dtype == TG_I64, TG_EDTYPE,
             "%s: the index is %s, wanted int64", op->name, tg_dtype_name(tg_at(index)->dtype));
    return true;
}

tg_tensor *tg_at_least_1d(tg_tensor *x)
{
    return tg_at(x)->ndim ? x : tg_reshape(x, 1, (int64_t[]){1});
}

static bool check_gather(const tg_tensor *x, const tg_tensor *index, int dim)
{
    bool fits = tg_at(x)->ndim == tg_at(index)->ndim;
    for (int i = 0; i < tg_at(x)->ndim && fits; i++)
        fits = i == dim || tg_at(index)->dims[i] <= tg_at(x)->dims[i];
    TG_CHECK(tg_tape_in(x), fits, TG_ESHAPE, "gather: index %s for %s along dim %d",
             tg_shape_of(index).chars, tg_shape_of(x).chars, dim);
    return true;
}

static tg_tensor *gather(tg_tensor *x, int dim, tg_tensor *index)
{
    const tg_op *op = &read_ops[GATHER];
    if (!tg_check_index(op, x, index))
        return NULL;
    lookup p = {GATHER, tg_check_dim(op, x, dim), INT64_MIN, INT64_MIN, false};
    if (p.dim < 0)
        return NULL;
    bool flat = tg_at(index)->ndim == 0;
    x = tg_at_least_1d(x);
    index = tg_at_least_1d(index);
    tg_tensor *y = NULL;
    if (x && index && check_gather(x, index, p.dim))
        y = apply(op, x, index, tg_dims_of(index), &p);
    return flat ? tg_reshape(y, 0, NULL) : y;
}

tg_tensor *tg_gather(tg_tensor *x, int dim, tg_tensor *index)
{
    TG_IN_SCOPE(&read_ops[GATHER], gather(x, dim, index), x, index);
}

static tg_tensor *index_select(tg_tensor *x, int dim, tg_tensor *index)
{
    const tg_op *op = &read_ops[INDEX_SELECT];
    if (!tg_check_index(op, x, index))
        return NULL;
    lookup p = {INDEX_SELECT, tg_check_dim(op, x, dim), INT64_MIN, INT64_MIN, false};
    if (p.dim < 0)
        return NULL;
    bool flat = tg_at(x)->ndim == 0;
    TG_CHECK(tg_tape_in(x), tg_at(index)->ndim == 1 && (!flat || tg_at(index)->numel == 1),
             TG_ESHAPE, "index_select: index %s for %s, wanted %s", tg_shape_of(index).chars,
             tg_shape_of(x).chars, flat ? "one element" : "1 dim");
    x = tg_at_least_1d(x);
    if (!x)
        return NULL;
    tg_shape shape = tg_shape_copy(tg_dims_of(x));
    shape.sizes[p.dim] = tg_at(index)->numel;
    tg_tensor *y = apply(op, x, index, tg_shape_dims(&shape), &p);
    return flat ? tg_reshape(y, 0, NULL) : y;
}

tg_tensor *tg_index_select(tg_tensor *x, int dim, tg_tensor *index)
{
    TG_IN_SCOPE(&read_ops[INDEX_SELECT], index_select(x, dim, index), x, index);
}

tg_tensor *tg_embedding(tg_tensor *weight, tg_tensor *index, int64_t padding_idx)
{
    const tg_op *op = &read_ops[EMBEDDING];
    if (!tg_check_inputs(op, 2, (tg_tensor *[]){weight, index}) ||
        !tg_check_index(op, weight, index))
        return NULL;
    tg_tape *tape = tg_tape_in(weight);
    TG_CHECK(tape, tg_at(weight)->ndim == 2, TG_ESHAPE, "embedding: weight %s, wanted (V, D)",
             tg_shape_of(weight).chars);
    TG_CHECK(tape, tg_at(index)->ndim < TG_MAX_NDIM, TG_ESHAPE,
             "embedding: index %s has too many dims", tg_shape_of(index).chars);
    int64_t rows = tg_at(weight)->dims[0];
    lookup p = {EMBEDDING, 0, padding_idx, INT64_MIN, false};
    TG_CHECK(tape, padding_idx == TG_NO_PADDING || (padding_idx >= -rows && padding_idx < rows),
             TG_EVALUE, "embedding: padding_idx %lld for %lld rows", (long long)padding_idx,
             (long long)rows);
    if (padding_idx < 0 && padding_idx != TG_NO_PADDING)
        p.padding += rows;
    tg_shape shape = tg_shape_copy(tg_dims_of(index));
    shape.sizes[shape.ndim++] = tg_at(weight)->dims[1];
    return apply(op, weight, index, tg_shape_dims(&shape), &p);
}
