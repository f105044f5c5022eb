/* Filling the profiler's table, which whatever runs a forward function does through the tape. Rows are
 * found by hashing name and phase. Relies on tensor.h. */
#include "look/profile.h"

#include "kernels/clock.h"
#include "tape/tensor.h"

#include <string.h>

enum { NAME = sizeof((tg_profile_row *)0)->name };

/* What an operation reads and writes at least. What is done beside operations says it itself, as it runs. */
static int64_t count_bytes(const tg_node *node)
{
    if (!node->out)
        return 0;
    int64_t bytes = 0;
    for (int i = 0; i < node->n_in; i++)
        bytes += node->in[i] ? tg_bytes_moved(node->in[i]) : 0;
    for (int i = 0; i < node->n_out; i++)
        bytes += tg_bytes_moved(tg_outs(node)[i]);
    return bytes;
}

static tg_profile_row *begin_row(tg_profile_row *row, const char *name, tg_phase phase)
{
    if (row->calls)
        return row;
    *row = (tg_profile_row){.phase = phase};
    strncpy(row->name, name, NAME - 1); /* zeros are behind it */
    return row;
}

static tg_profile_row *find(tg_profile_row *rows, const char *name, tg_phase phase)
{
    uint32_t hash = 2166136261u + (uint32_t)phase; /* FNV-1a */
    for (int i = 0; i < NAME - 1 && name[i]; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    for (uint32_t k = 0; k < TG_PROFILE_ROWS; k++) {
        tg_profile_row *row = &rows[(hash + k) % TG_PROFILE_ROWS];
        if (!row->calls || (row->phase == phase && !strncmp(row->name, name, NAME - 1)))
            return begin_row(row, name, phase);
    }
    return begin_row(&rows[TG_PROFILE_ROWS + (int)phase], "others", phase);
}

void tg_profile_add(tg_tape *tape, const tg_node *node, int64_t start)
{
    tg_profiler *p = &tape->profiler;
    int64_t end = tgk_now();
    tg_phase phase = tape->pass ? TG_PHASE_BACKWARD : (tg_phase)node->phase;
    tg_profile_row *row = find(p->rows, node->op->name, phase);
    row->calls++;
    row->nanoseconds += end - start;
    row->bytes += count_bytes(node) + p->bytes;
    p->bytes = 0;
}
