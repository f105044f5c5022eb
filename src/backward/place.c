/* Where a gradient is written: where a leaf keeps it, over the gradient that it is made
 * of, or over an input that is read no more. Relies on pass.h. */
#include "backward/pass.h"
#include "backward/release.h"

/* Where the gradient of input i, which that call makes in the input's dtype, is kept, if it is a leaf's first one
 * and of the leaf's shape: to be written to now. Else NULL. */
static tg_tensor *place_kept(const tg_node *node, int i, const tg_call *call)
{
    tg_header *t = tg_at(node->in[i]);
    if (!t->is_leaf)
        return NULL;
    tg_pass *p = tg_pass_of(node);
    const tg_holder *holder = tg_slot_of(t->holder);
    if (p->graph || !tg_is_wanted(p, holder) || t->grad || holder->present ||
        !tg_shape_equal((tg_dims){call->ndim, call->dims}, tg_dims_of(node->in[i])))
        return NULL;
    /* One that was dropped may still be read. */
    uintptr_t from = (uintptr_t)tg_at(holder->value)->data;
    for (int k = 0; k < call->n_in; k++) {
        if (call->in[k] && (uintptr_t)tg_at(call->in[k])->data - from < tg_data_size(holder->value))
            return NULL;
    }
    t->grad = holder->value;
    tg_keep_later(p, node->in[i], NULL);
    return holder->value;
}

/* Whether nothing that lies between the record and the maker of owner's data reads them again, and all
 * headers that share them were made there, or by the record's backward function, which is through with them: views. */
static bool is_last_reader(const tg_record *record, const tg_header *owner, const tg_record *after)
{
    enum { LOOKS = 8 };
    uint32_t headers = 1;
    int looks = 0;
    for (const tg_header *h = record->tape->temporaries; h; h = h->u.next)
        headers += h->owner == owner;
    for (const tg_record *r = record->prev; r && r != after && looks < LOOKS;
         r = r->prev, looks++) {
        if (r == owner->u.record)
            return !(tg_reads_of(&r->node) & TG_READS_OUT) && owner->headers == headers;
        bool shares = tg_owner_of(r->node.out) == owner;
        if (tg_reads_again(r, owner) || (shares && r->node.in_place))
            return false;
        headers += shares && !tg_is_released(r->node.out);
    }
    return false;
}

/* Whether a record's step, in a pass that gives back all data since `after`, is the last thing to read
 * its input x, and x all of the data that it shares. */
static bool can_take_over(const tg_record *record, const tg_tensor *x, const tg_record *after)
{
    const tg_header *h = tg_at(x), *owner = h->owner;
    bool whole = h->data && h->contiguous && h->data == owner->data && h->numel == owner->numel;
    return whole && !owner->is_leaf && owner->requires_grad && !owner->recomputed &&
           is_last_reader(record, owner, after);
}

/* Over x, where the pass gives data back and nothing else reads that: by a temporary whose own the data
 * are now, which is returned, or (a call) written to. x and all views of its data have none any more. */
static tg_tensor *take_over(const tg_record *record, const tg_tensor *x, tg_call *call)
{
    tg_header *owner = tg_owner_of(x);
    tg_tensor *out = tg_tensor_view(x, "backward", tg_dims_of(x), tg_strides(x), 0);
    if (!out)
        return NULL;
    owner->headers--;
    tg_at(out)->headers = 1;
    tg_at(out)->owner = tg_at(out);
    if (call) {
        call->in_place = out;
        out = tg_apply(call);
    }
    for (record = record->prev; record != owner->u.record; record = record->prev) {
        const tg_tensor *t = record->node.out;
        if (tg_owner_of(t) == owner && !tg_is_released(t))
            tg_hide(tg_at(t));
    }
    tg_hide(owner);
    return out;
}

static inline tg_tensor *place_of(const tg_making *m, int i, const tg_call *call)
{
    const tg_pass *p = tg_pass_of(m->gradient_of);
    const tg_record *record = tg_record_of(m->gradient_of);
    tg_tensor *kept = place_kept(m->gradient_of, i, call), *x = m->last_use;
    if (kept || !x || !(m->shapes || tg_is_exclusive(x)))
        return kept;
    bool alike = m->like == x || tg_shape_equal(tg_dims_of(x), (tg_dims){call->ndim, call->dims});
    if (alike && m->shapes && p->release && can_take_over(record, x, p->after))
        return take_over(record, x, NULL);
    return alike && tg_is_exclusive(x) ? x : NULL;
}

static tg_tensor *apply_placed(tg_making *m)
{
    const tg_pass *p = tg_pass_of(m->gradient_of);
    const tg_record *record = tg_record_of(m->gradient_of);
    tg_call *call = &m->call;
    if (m->adds) { /* anomaly mode looks at what is added */
        const tg_tensor *x = m->gradient_of->in[m->input];
        call->in_place = !p->graph && !p->anomaly && tg_can_add_to(x) ? tg_at(x)->grad : NULL;
        tg_tensor *out = tg_apply(call);
        return call->in_place ? NULL : out;
    }
    if (p->release && m->last_use && can_take_over(record, m->last_use, p->after))
        return take_over(record, m->last_use, call);
    call->in_place = place_of(m, m->input, call);
    return tg_apply(call);
}

const tg_placing tg_places = {apply_placed, place_of};
