/* Indexing by several tensors, which become one index of what their dims are joined to. Relies on
 * lookup.h. */
#include "kernels/loops.h"
#include "ops/check.h"
#include "ops/layout.h"
#include "ops/lookup.h"

#include <string.h>

/* The sizes of the dims that the indices are for. */
typedef struct joined {
    int64_t sizes[TG_MAX_NDIM];
} joined;

#define SIZE (*(const int64_t *)params)

TGK_LOOP1(first_index, int64_t, int64_t, x < 0 ? x + SIZE : x);
TGK_LOOP2(next_index, int64_t, int64_t, x *SIZE + (y < 0 ? y + SIZE : y));

/* Whether all indices are in [-size, size). */
static bool check_range(tg_node *node, int number, int64_t size)
{
    const tg_tensor *index = node->in[number];
    const int64_t *data = tg_contiguous_data(node, index);
    bool outside = false;
    for (int64_t i = 0; data && i < tg_at(index)->numel; i++)
        outside |= (uint64_t)data[i] + (uint64_t)size >= 2 * (uint64_t)size;
    int64_t at = 0;
    while (outside && data[at] >= -size && data[at] < size)
        at++;
    TG_CHECK(tg_node_tape(node), !outside, TG_EVALUE,
             "%s: index %lld at position %lld of index tensor %d is outside [%lld, %lld)",
             node->op->name, (long long)data[at], (long long)at, number, (long long)-size,
             (long long)size);
    return data;
}

static void join_forward(tg_node *node)
{
    const joined *p = node->params;
    for (int i = 0; i < node->n_in; i++) {
        tg_tensor *in[] = {node->out, node->in[i]};
        if (!check_range(node, i, p->sizes[i]))
            return;
        tg_map(node->out, in + (i == 0), i == 0 ? 1 : 2,
               tg_loop_of(node->out, i == 0 ? first_index : next_index), &p->sizes[i]);
    }
}

static const tg_op index_op = {.name = "index", .forward = join_forward};
static const tg_op index_put_op = {.name = "index_put", .forward = join_forward};

/* x with dims first to first + n - 1 joined to one, and the index of that. */
typedef struct joining {
    tg_tensor *x, *index;
    tg_shape before; /* x's shape */
    int first, n;
} joining;

static bool check_indices(const tg_op *op, const joining *j, tg_tensor *const *indices,
                          tg_shape *shape)
{
    tg_tape *tape = tg_tape_in(j->x);
    *shape = (tg_shape){.ndim = 0};
    for (int i = 0; i < j->n; i++) {
        TG_CHECK(tape, tg_at(indices[i])->dtype == TG_I64, TG_EDTYPE,
                 "%s: index tensor %d is %s, wanted int64", op->name, i,
                 tg_dtype_name(tg_at(indices[i])->dtype));
        tg_shape so_far = *shape;
        *shape = tg_shape_broadcast(tg_shape_dims(&so_far), tg_dims_of(indices[i]));
        TG_CHECK(tape, shape->ndim >= 0, TG_ESHAPE, "%s: index tensors %s and %s do not broadcast",
                 op->name, tg_shape_text(tg_shape_dims(&so_far)).chars,
                 tg_shape_of(indices[i]).chars);
    }
    TG_CHECK(tape, shape->ndim + j->before.ndim - j->n <= TG_MAX_NDIM, TG_ESHAPE,
             "%s: %s by indices %s has too many dims", op->name, tg_shape_of(j->x).chars,
             tg_shape_text(tg_shape_dims(shape)).chars);
    return tg_tensor_check(tape, op->name, tg_shape_dims(shape), TG_I64);
}

static bool join(const tg_op *op, joining *j, tg_tensor *x, int dim, size_t n,
                 tg_tensor *const *indices)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, n > 0 && n <= tg_at(x)->ndim, TG_ESHAPE, "%s: %zu index tensors for %s",
             op->name, n, tg_shape_of(x).chars);
    *j = (joining){.x = x, .before = tg_shape_copy(tg_dims_of(x)), .n = (int)n};
    j->first = tg_check_dim(op, x, dim);
    if (j->first < 0)
        return false;
    TG_CHECK(tape, j->first + j->n <= j->before.ndim, TG_ESHAPE,
             "%s: %zu index tensors from dim %d of %s on", op->name, n, j->first,
             tg_shape_of(x).chars);
    tg_shape shape, merged = j->before;
    if (!check_indices(op, j, indices, &shape))
        return false;
    joined p;
    merged.ndim = j->before.ndim - j->n + 1;
    memcpy(p.sizes, j->before.sizes + j->first, n * sizeof *p.sizes);
    for (int i = 1; i < j->n; i++)
        merged.sizes[j->first] *= p.sizes[i];
    memmove(merged.sizes + j->first + 1, j->before.sizes + j->first + n,
            (size_t)(merged.ndim - j->first - 1) * sizeof *p.sizes);
    j->index = tg_apply(&(tg_call){.op = op,
                                   .n_in = j->n,
                                   .in = indices,
                                   .dtype = TG_I64,
                                   .ndim = shape.ndim,
                                   .dims = shape.sizes,
                                   .params = &p,
                                   .params_size = sizeof p});
    j->x = j->index ? tg_reshape(x, merged.ndim, merged.sizes) : NULL;
    return j->x;
}

/* x's shape with that of the index in place of its dims. */
static tg_shape result_of(const joining *j)
{
    tg_shape shape = {.ndim = 0};
    const tg_header *index = tg_at(j->index);
    for (int i = 0; i < j->first; i++)
        shape.sizes[shape.ndim++] = j->before.sizes[i];
    for (int i = 0; i < index->ndim; i++)
        shape.sizes[shape.ndim++] = index->dims[i];
    for (int i = j->first + j->n; i < j->before.ndim; i++)
        shape.sizes[shape.ndim++] = j->before.sizes[i];
    return shape;
}

static tg_tensor *read_at(tg_tensor *x, int dim, size_t n, tg_tensor *const *indices)
{
    joining j;
    if (!join(&index_op, &j, x, dim, n, indices))
        return NULL;
    tg_shape shape = result_of(&j);
    return tg_lookup_read(j.x, j.index, tg_shape_dims(&shape),
                          &(tg_lookup){TG_BY_ENTRY, j.first, INT64_MIN, INT64_MIN, false});
}

/* Checks x, the index tensors and `more` (a tensor, or NULL and none) together. */
static bool open_all(tg_scope *scope, const tg_op *op, tg_tensor *x, size_t n,
                     tg_tensor *const *indices, tg_tensor **more)
{
    tg_tensor *in[TG_MAX_NDIM + 2] = {x};
    size_t most = indices ? n < TG_MAX_NDIM ? n : TG_MAX_NDIM : 0;
    if (most)
        memcpy(in + 1, indices, most * sizeof(*in));
    in[most + 1] = more ? *more : NULL;
    return tg_scope_open(scope, op, (int)most + (more ? 2 : 1), in);
}

tg_tensor *tg_index(tg_tensor *x, int dim, size_t n, tg_tensor *const *indices)
{
    tg_scope scope;
    if (!open_all(&scope, &index_op, x, n, indices, NULL))
        return NULL;
    return tg_scope_close(&scope, read_at(x, dim, indices ? n : 0, indices));
}

static tg_tensor *put_at(tg_tensor *x, int dim, size_t n, tg_tensor *const *indices,
                         tg_tensor *values, bool accumulate)
{
    joining j;
    if (!join(&index_put_op, &j, x, dim, n, indices))
        return NULL;
    tg_shape shape = result_of(&j), flat = tg_shape_copy(tg_dims_of(j.x));
    TG_CHECK(tg_tape_in(x), tg_shape_expands(tg_dims_of(values), tg_shape_dims(&shape)), TG_ESHAPE,
             "index_put: values %s do not broadcast to %s", tg_shape_of(values).chars,
             tg_shape_text(tg_shape_dims(&shape)).chars);
    const int64_t count = tg_at(j.index)->numel;
    flat.sizes[j.first] = count;
    values = tg_reshape(tg_expand(values, shape.ndim, shape.sizes), flat.ndim, flat.sizes);
    tg_tensor *index = tg_reshape(j.index, 1, &count);
    tg_tensor *y = accumulate ? tg_index_add(j.x, j.first, index, values)
                              : tg_index_copy(j.x, j.first, index, values);
    return tg_reshape(y, j.before.ndim, j.before.sizes);
}

tg_tensor *tg_index_put(tg_tensor *x, int dim, size_t n, tg_tensor *const *indices,
                        tg_tensor *values, bool accumulate)
{
    tg_scope scope;
    if (!open_all(&scope, &index_put_op, x, n, indices, &values))
        return NULL;
    return tg_scope_close(&scope, put_at(x, dim, indices ? n : 0, indices, values, accumulate));
}
