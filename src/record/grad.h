/* Leaves, and gradients that are kept for the user: what a backward pass does with them beside
 * operations, now and again in a replay. Relies on map.h. */
#ifndef TG_GRAD_H
#define TG_GRAD_H

#include "record/map.h"

/* A leaf by creation flags that are good, over the caller's memory (NULL: memory of its own), with room for its
 * gradient where they ask for one. */
tg_tensor *tg_tensor_leaf(tg_tape *tape, const char *name, tg_dims dims, int flags, void *data);

/* Where t's gradient is kept; NULL where it is not. */
tg_holder *tg_holder_of(const tg_tensor *t);
/* Keeps it, for the length of tg_gradients(), in a holder of its own: t's holder is then `requested`, and
 * the former one has to be put back. False, with the error set, where memory is out. */
bool tg_request(tg_tensor *t, const char *name, bool graph);
/* The kept gradient as the user sees it, or NULL. */
tg_tensor *tg_held_grad(tg_holder *holder);
/* Of a holder that has a gradient: brings its own copy of a recorded one up to what the user sees. */
void tg_holder_settle(tg_holder *holder);

/* The loops of a + b, for gradients. */
extern const tgk_loops tg_accumulate_loops[TG_DTYPES];

/* What a backward pass does beside operations; tg_note_ functions only note it, others do it. */

/* to = from. */
void tg_copy_again(tg_tensor *to, tg_tensor *from);
/* to += from. */
void tg_add_again(tg_tensor *to, tg_tensor *from);
/* tg_holder_keep(). */
void tg_keep_again(tg_holder *holder, tg_tensor *g, bool graph);
/* False, with the error set, where that cannot be captured or memory is out. */
bool tg_note_keep(tg_holder *holder, tg_tensor *g, bool graph);
/* The holder's gradient is dropped. As above. */
bool tg_empty_again(tg_holder *holder);

#endif
