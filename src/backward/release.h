/* Giving data back while the records stay: early release and checkpoints, see core.h. These are
 * the places where the tape and the backward pass have to know of it. Relies on apply.h. */
#ifndef TG_RELEASE_H
#define TG_RELEASE_H

#include "record/apply.h"

/* Whether the record made its output's data, and not only a view of them or new values. */
static inline bool tg_is_maker(const tg_record *record)
{
    const tg_header *out = tg_at(record->node.out);
    return out->owner == out && !record->node.in_place;
}

/* Takes the address of its data from a tensor, as if they were given back; a view no longer counts as a
 * user of them. */
void tg_hide(tg_header *h);

/* Whether the record's gradients, or its recomputing, read data that this header made. */
bool tg_reads_again(const tg_record *record, const tg_header *owner);

/* In a backward pass, once nothing reads them any more: give back the data of a record's output (the
 * step of a record that reads it comes first), and what its forward saved, unless something
 * besides records has to do with them; those of a checkpoint, or all. */
void tg_release_output(const tg_record *record, bool all);
void tg_release_saved(const tg_record *record, bool all);

/* Whether a pass from `out` comes to records since the mark, which are those after `after`. False
 * on an error, too. */
bool tg_release_since(const tg_tensor *out, tg_mark mark, const tg_record **after);
/* In a backward pass, before a record's step: sees to it that the data of the checkpoint that it is
 * in are there, and those of no other. Whether all that the step reads is there; else sets ESTATE.
 */
bool tg_data_ready(tg_record *record);
/* Gives the open checkpoint's data back. */
void tg_checkpoint_close(tg_tape *tape);

#endif
