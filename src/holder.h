/* Gradients that are kept for the user. Relies on tensor.h. */
#ifndef TG_HOLDER_H
#define TG_HOLDER_H

#include "tensor.h"

/* A gradient that is kept for the user: memory reserved with a leaf, so that it lives as long,
 * or on request for an interior tensor. */
typedef struct tg_holder {
    tg_object head;
    tg_tensor *value;
    bool present;         /* value holds a gradient */
    tg_tensor *graph;     /* the same, recorded, where create_graph made it ... */
    uint32_t graph_epoch; /* ... unless it was rewound away since */
    tg_tensor *pending;   /* what the running backward pass has for it */
    tg_tensor *next;      /* in that pass's list of tensors to keep gradients of */
    size_t place;         /* in the list of the running clip_grad_norm or clip_grad_value */
    uint32_t captured;    /* the last capture that sets it, and so need not expect anything of it */
} tg_holder;

/* Reserves memory for t's gradient. */
bool tg_tensor_hold(tg_tensor *t, const char *name);
/* Where t's gradient is kept; NULL where it is not. */
tg_holder *tg_holder_of(const tg_tensor *t);
/* The kept gradient as the user sees it, or NULL. */
tg_tensor *tg_held_grad(const tg_holder *holder);
/* Brings the holder's own copy of a recorded gradient up to what the user sees. */
void tg_holder_settle(tg_holder *holder);
/* Makes g what is kept or, where something is kept and the pass is no graph, adds it. */
void tg_holder_keep(tg_holder *holder, tg_tensor *g, bool graph);

#endif
