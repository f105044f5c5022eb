/* Filling the profiler's table, which whatever runs a forward function does. Rows are found by hashing
 * name and phase. Relies on tensor.h and the system's clock. */
#define _POSIX_C_SOURCE 199309L /* clock_gettime; NOLINT(bugprone-reserved-identifier): its name */
#include "tape/profile.h"

#include "tape/tensor.h"

#include <string.h>
#include <time.h>

enum { NAME = sizeof((tg_profile_row *)0)->name };

int64_t tg_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A dim of stride 0 repeats the same elements. */
int64_t tg_profile_size(const tg_tensor *t)
{
    int64_t n = tg_at(t)->numel;
    for (int i = 0; n && !tg_at(t)->contiguous && i < tg_at(t)->ndim; i++)
        n /= tg_strides(t)[i] ? 1 : tg_at(t)->dims[i];
    return n * (int64_t)tg_dtype_size(tg_at(t)->dtype);
}

/* What an operation reads and writes at least. Other actions say it themselves, as they run. */
static int64_t count_bytes(const tg_node *node)
{
    if (!node->out)
        return 0;
    int64_t bytes = 0;
    for (int i = 0; i < node->n_in; i++)
        bytes += node->in[i] ? tg_profile_size(node->in[i]) : 0;
    for (int i = 0; i < node->n_out; i++)
        bytes += tg_profile_size(tg_outs(node)[i]);
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
    int64_t end = tg_now();
    tg_phase phase = tape->pass ? TG_PHASE_BACKWARD : (tg_phase)node->phase;
    tg_profile_row *row = find(p->rows, node->op->name, phase);
    row->calls++;
    row->nanoseconds += end - start;
    row->bytes += count_bytes(node) + p->bytes;
    p->bytes = 0;
}
