/* The backward pass, for the functions that start one and for what places gradients. Relies on
 * grad.h. */
#ifndef TG_PASS_H
#define TG_PASS_H

#include "record/grad.h"

/* A pass that runs. */
typedef struct tg_pass {
    tg_placing placing; /* what operations see of it */
    tg_tape *tape;
    bool graph;            /* record the pass */
    bool enabled, anomaly; /* the tape's settings before */
    int64_t pending;       /* results whose gradient waits */
    tg_tensor *kept;       /* tensors that got a gradient to keep */
    bool request;          /* only what tg_gradients() wants is kept */
    tg_mark start;
    const tg_tensor *out;   /* whose gradients these are */
    bool careful;           /* some data are, or will be, given back */
    bool release;           /* give the data of results back ... */
    const tg_record *after; /* ... that were recorded after this */
} tg_pass;

/* Whether a pass can start from `out` with that gradient, which may be NULL. */
bool tg_check_backward(const tg_tensor *out, tg_tensor *grad_out);
/* Runs a pass; see tg_pass for `request`. */
tg_status tg_backward_run(tg_tensor *out, tg_tensor *grad_out, const tg_backward_opts *opts,
                          bool request);

static inline tg_pass *tg_pass_of(const tg_node *node)
{
    return (tg_pass *)(uintptr_t)tg_node_tape(node)->pass;
}

/* Where gradients are written, see place.c. */
extern const tg_placing tg_places;

/* Whether nobody else can see g's data (which a header may have made that is gone): then they may be
 * written to in place. */
static inline bool tg_is_exclusive(const tg_tensor *g)
{
    return tg_at(g)->pooled && tg_at(g)->pins == 1 && tg_owner_of(g)->pooled &&
           tg_at(g)->owner->headers == 1 && tg_at(g)->contiguous;
}

/* Whether the pass keeps gradients there, which may be NULL. */
static inline bool tg_is_wanted(const tg_pass *p, const tg_holder *holder)
{
    return holder && (holder->requested || !p->request);
}

/* Whether t has a gradient that can be added to in place. */
static inline bool tg_can_add_to(const tg_tensor *t)
{
    const tg_header *h = tg_at(t);
    bool kept = h->is_leaf && h->grad == tg_its_holder(t)->value && !tg_its_holder(t)->present;
    return h->grad && (kept || tg_is_exclusive(h->grad));
}

/* When the pass is done, t keeps g; NULL: what its slot holds then. */
static inline void tg_keep_later(tg_pass *p, tg_tensor *t, tg_tensor *g)
{
    tg_holder *holder = tg_holder_of(t);
    holder->pending = g;
    holder->next = p->kept;
    p->kept = t;
}

#endif
