/* Making tensors, giving them back, and what messages say of them. Relies on tape.h and shape.h. */
#include "tape/tensor.h"

#include <math.h>
#include <string.h>

static const char *const dtype_names[TG_DTYPES] = {"float32", "float64", "int64", "bool"};

const char *tg_dtype_name(int dtype)
{
    return dtype >= 0 && dtype < TG_DTYPES ? dtype_names[dtype] : "no dtype";
}

int64_t tg_bytes_moved(const tg_tensor *t)
{
    int64_t n = tg_at(t)->numel;
    for (int i = 0; n && !tg_at(t)->contiguous && i < tg_at(t)->ndim; i++)
        n /= tg_strides(t)[i] ? 1 : tg_at(t)->dims[i];
    return n * (int64_t)tg_dtype_size(tg_at(t)->dtype);
}

tg_text tg_shape_of(const tg_tensor *t)
{
    return tg_shape_text((tg_dims){tg_at(t)->ndim, tg_at(t)->dims});
}

bool tg_known(const tg_tensor *t, const char *name)
{
    return tg_check_handle(t, name, "the tensor");
}

bool tg_alive(const tg_tensor *t, const char *name)
{
    if (!tg_known(t, name))
        return false;
    TG_CHECK(tg_tape_in(t), !tg_at(t)->released, TG_ESTATE,
             "%s: the tensor's data was given back by tg_release() or tg_checkpoint()", name);
    TG_CHECK(tg_tape_in(t), !tg_at(t)->spent || tg_tape_in(t)->now.forward_of, TG_ESTATE,
             "%s: the tensor's data was given back by a captured backward pass", name);
    return true;
}

tg_status tg_check_tensor(const tg_tensor *t, const char *name)
{
    if (!t)
        return TG_EVALUE;
    if (!tg_alive(t, name))
        return TG_ESTATE;
    return tg_tape_in(t)->status;
}

bool tg_check_list(tg_tape *tape, const char *name, const char *what, tg_tensor *const *list,
                   size_t n)
{
    for (size_t i = 0; i < n; i++) {
        TG_CHECK(tape, list[i], TG_EVALUE, "%s: %s %zu is NULL", name, what, i);
        TG_CHECK(tape, tg_tape_in(list[i]) == tape, TG_EVALUE, "%s: %s %zu is of another tape",
                 name, what, i); /* dead or not: this tape has to know */
        if (!tg_alive(list[i], name))
            return false;
    }
    return true;
}

/* What is captured needs all of its headers in a replay. */
static bool is_passing(const tg_tape *tape)
{
    return tape->now.recycling && !tape->heap.captured;
}

/* A slot that the running pass used and gave back, or a new one; with room for sizes and strides. */
static tg_header *take_slot(tg_tape *tape)
{
    tg_header *h = tape->now.recycling ? tape->free : NULL;
    if (h) {
        tape->free = h->u.next;
        return h;
    }
    h = tg_slot_take(is_passing(tape) ? &tape->pass_slots : &tape->slots);
    if (h) {
        h->room = sizeof h->few / sizeof *h->few / 2;
        h->dims = h->few;
    }
    return h;
}

/* Room for so many sizes and strides. */
static int64_t *take_dims(tg_tape *tape, tg_header *h, int ndim)
{
    if (ndim <= h->room)
        return h->dims;
    h->room = (uint8_t)(ndim <= 4 ? 4 : TG_MAX_NDIM); /* the next to use the slot may want more */
    return tg_arena_alloc(&tape->bodies, 2 * h->room * sizeof *h->dims, 16);
}

/* A header with sizes and contiguous strides, without data. */
static tg_header *new_header(tg_tape *tape, const char *name, int dtype, tg_dims dims)
{
    tg_header *h = take_slot(tape);
    int64_t *at = h ? take_dims(tape, h, dims.ndim) : NULL;
    if (!at) {
        tg_fail_memory(tape, name);
        return NULL;
    }
    *h = (tg_header){.head = h->head,
                     .dtype = (uint8_t)dtype,
                     .ndim = (uint8_t)dims.ndim,
                     .contiguous = true,
                     .pooled = tape->now.recycling,
                     .temporary = tape->now.recycling,
                     .room = h->room,
                     .dims = at};
    for (int i = 0; i < dims.ndim; i++)
        h->dims[i] = dims.sizes[i];
    h->numel = tg_shape_strides(dims, h->dims + dims.ndim);
    TG_CHECK(tape, h->numel >= 0, TG_ESHAPE, TG_OVERFLOWS, name, tg_shape_text(dims).chars);
    if (h->pooled) {
        h->u.next = tape->temporaries;
        tape->temporaries = h;
    }
    return h;
}

bool tg_data_take(tg_header *h, const char *name)
{
    tg_tape *tape = tg_slot_tape(&h->head);
    size_t size = tg_header_bytes(h);
    h->data = tape->heap.bytes ? tg_heap_find(&tape->heap, size) : NULL;
    if (h->data && !tape->now.recycling) { /* for a rewind: what h takes is older than h */
        tg_borrowed *b = tg_tape_body(tape, name, sizeof *b);
        if (!b)
            return false;
        *b = (tg_borrowed){h, tape->borrowed};
        tape->borrowed = b;
    }
    if (h->data)
        return true;
    if (tape->now.recycling && size <= TG_HEAP_SMALL) {
        h->small = true;
        h->data = tg_heap_take_small(&tape->heap, size);
    } else {
        h->data = tg_heap_grow(&tape->heap, size);
    }
    return h->data || tg_fail_memory(tape, name) == TG_OK;
}

void tg_data_give(tg_header *h)
{
    tg_heap *heap = &tg_slot_tape(&h->head)->heap;
    if (h->small)
        tg_heap_give_small(heap, h->data, tg_header_bytes(h));
    else
        tg_heap_give(heap, h->data, tg_header_bytes(h));
    if (heap->captured)
        return; /* a replay writes to it again */
    h->data = NULL;
    h->small = false;
}

static tg_tensor *with_data(tg_header *h, tg_header *owner, char *data)
{
    h->owner = owner;
    h->data = data;
    owner->headers++;
    return tg_handle_of(h);
}

tg_tensor *tg_tensor_new(tg_tape *tape, const char *name, int dtype, tg_dims dims)
{
    const tg_standing start = tg_stand(tape);
    tg_header *h = new_header(tape, name, dtype, dims);
    if (h && tg_data_take(h, name))
        return with_data(h, h, h->data);
    tg_drop(tape, &start);
    return NULL;
}

tg_tensor *tg_tensor_over(tg_tape *tape, const char *name, int dtype, tg_dims dims, void *data)
{
    if (!data)
        return tg_tensor_new(tape, name, dtype, dims);
    tg_header *h = new_header(tape, name, dtype, dims);
    return h ? with_data(h, h, data) : NULL;
}

tg_tensor *tg_tensor_view(const tg_tensor *base, const char *name, tg_dims dims,
                          const int64_t *strides, int64_t offset)
{
    const tg_header *b = tg_at(base);
    tg_tape *tape = tg_tape_in(base);
    tg_header *h = new_header(tape, name, b->dtype, dims);
    if (!h)
        return NULL;
    if (dims.ndim)
        memcpy(h->dims + dims.ndim, strides, (size_t)dims.ndim * sizeof *strides);
    h->contiguous = tg_shape_contiguous(dims, strides);
    if (!is_passing(tape)) {
        h->older = tape->views;
        tape->views = h;
    }
    return with_data(h, b->owner, b->data + offset * (int64_t)tg_dtype_size(b->dtype));
}

static void release_slot(tg_header *h)
{
    tg_tape *tape = tg_slot_tape(&h->head);
    if (tape->heap.captured) { /* a replay uses it again, and nobody else */
        h->pooled = false;
        h->spent = true;
        return;
    }
    h->head.self = tg_slot_next(&h->head);
    h->u.next = tape->free;
    tape->free = h;
}

void tg_header_release(tg_header *h)
{
    tg_header *owner = h->owner;
    bool last = --owner->headers == 0;
    if (owner != h)
        release_slot(h);
    /* A view may outlive the header that made the data: that one waits for the last view. (Others are held by
     * their own.) */
    if (last) {
        tg_data_give(owner);
        release_slot(owner);
    }
}

/* --- their elements, for messages --- */

/* The element `offset` elements behind the first. */
static double element_at(const tg_tensor *t, int64_t offset)
{
    switch (tg_at(t)->dtype) {
    case TG_F32:
        return (double)((const float *)(void *)tg_at(t)->data)[offset];
    case TG_F64:
        return ((const double *)(void *)tg_at(t)->data)[offset];
    case TG_I64:
        return (double)((const int64_t *)(void *)tg_at(t)->data)[offset];
    default:
        return ((const bool *)(void *)tg_at(t)->data)[offset];
    }
}

double tg_element(const tg_tensor *t, int64_t index)
{
    return element_at(t, tg_shape_offset(tg_dims_of(t), tg_strides(t), index));
}

int64_t tg_first_anomaly(const tg_tensor *t)
{
    bool inf = tg_tape_in(t)->anomaly_inf;
    int64_t index[TG_MAX_NDIM], numel = tg_at(t)->numel;
    tg_shape_strides(tg_dims_of(t), index);
    tg_shape once = tg_shape_copy(tg_dims_of(t)); /* an expanded dim repeats what was looked at */
    for (int i = 0; i < tg_at(t)->ndim && numel; i++) {
        numel /= tg_strides(t)[i] ? 1 : tg_at(t)->dims[i];
        once.sizes[i] = tg_strides(t)[i] ? tg_at(t)->dims[i] : 1;
    }
    const tg_dims dims = {tg_at(t)->ndim, once.sizes};
    for (int64_t i = 0; i < numel; i++) {
        double x = element_at(t, tg_shape_offset(dims, tg_strides(t), i));
        if (isnan(x) || (inf && isinf(x)))
            return tg_shape_offset(dims, index, i);
    }
    return -1;
}
