/* The profiler's table: filled by whatever runs a forward function, listed and printed for the
 * user. Rows are found by hashing name and phase. Relies on tensor.h and the system's clock. */
#define _POSIX_C_SOURCE 199309L /* clock_gettime; NOLINT(bugprone-reserved-identifier): its name */
#include "profile.h"

#include "tensor.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* Behind the rows by name stands one for each phase, for what comes when those are taken. */
enum { NAMED = TG_PROFILE_ROWS, PHASES = 3, ROWS = NAMED + PHASES };
enum { NAME = sizeof((tg_profile_row *)0)->name };

/* -- Measuring -------------------------------------------------------------------------------- */

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Only what changes something else has no output. */
tg_phase tg_profile_phase(const tg_tape *tape, const tg_node *node)
{
    return tape->pass ? TG_PHASE_BACKWARD : node->out ? TG_PHASE_FORWARD : TG_PHASE_STEP;
}

int64_t tg_profile_start(const tg_tape *tape)
{
    return tape->profiler.on ? now() : 0;
}

/* A dim of stride 0 repeats the same elements. */
int64_t tg_profile_size(const tg_tensor *t)
{
    int64_t n = t->numel;
    for (int i = 0; n && !t->contiguous && i < t->ndim; i++)
        n /= tg_strides(t)[i] ? 1 : t->dims[i];
    return n * (int64_t)tg_dtype_size(t->dtype);
}

/* What an operation reads and writes at least. Other actions say it themselves, as they run. */
static int64_t count_bytes(const tg_node *node)
{
    if (!node->out)
        return 0;
    int64_t bytes = tg_profile_size(node->out);
    for (int i = 0; i < node->n_in; i++)
        bytes += node->in[i] ? tg_profile_size(node->in[i]) : 0;
    return bytes + (node->saved ? tg_profile_size(node->saved) : 0);
}

static tg_profile_row *begin_row(tg_profile_row *row, const char *name, tg_phase phase)
{
    if (row->calls)
        return row;
    *row = (tg_profile_row){.phase = phase};
    for (int i = 0; i < NAME - 1 && name[i]; i++)
        row->name[i] = name[i];
    return row;
}

static tg_profile_row *find(tg_profile_row *rows, const char *name, tg_phase phase)
{
    uint32_t hash = 2166136261u + (uint32_t)phase; /* FNV-1a */
    for (int i = 0; i < NAME - 1 && name[i]; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    for (uint32_t k = 0; k < NAMED; k++) {
        tg_profile_row *row = &rows[(hash + k) % NAMED];
        if (!row->calls || (row->phase == phase && !strncmp(row->name, name, NAME - 1)))
            return begin_row(row, name, phase);
    }
    return begin_row(&rows[NAMED + (int)phase], "others", phase);
}

void tg_profile_stop(tg_tape *tape, const tg_node *node, tg_phase phase, int64_t start)
{
    if (!start)
        return;
    int64_t end = now();
    tg_profiler *p = &tape->profiler;
    tg_profile_row *row = find(p->rows, node->op->name, phase);
    row->calls++;
    row->nanoseconds += end - start;
    row->bytes += count_bytes(node) + p->bytes;
    p->bytes = 0;
}

void tg_profile_run(tg_tape *tape, tg_node *node, tg_phase phase)
{
    if (!node->op->forward)
        return;
    int64_t start = tg_profile_start(tape);
    node->op->forward(node);
    tg_profile_stop(tape, node, phase, start);
}

bool tg_set_profile_enabled(tg_tape *tape, bool enabled)
{
    if (!tape)
        return false;
    tg_profiler *p = &tape->profiler;
    bool former = p->on;
    if (tape->reporting)
        return former;
    if (enabled && !p->rows) {
        tg_arena_init(&p->memory, &tape->allocator, tape, 0);
        p->rows = tg_arena_alloc(&p->memory, ROWS * sizeof *p->rows, 16);
        if (!p->rows)
            tg_fail_memory(tape, "set_profile_enabled");
        tg_clear_profile(tape);
    }
    p->on = enabled && p->rows;
    return former;
}

void tg_clear_profile(tg_tape *tape)
{
    if (tape && tape->profiler.rows && !tape->reporting)
        memset(tape->profiler.rows, 0, ROWS * sizeof *tape->profiler.rows);
}

/* -- The table -------------------------------------------------------------------------------- */

/* The rows in use, in the table's order; and what they come to. */
typedef struct listing {
    const tg_profile_row *row[ROWS];
    size_t n;
    int64_t nanoseconds;
} listing;

static bool comes_before(const tg_profile_row *a, const tg_profile_row *b)
{
    if (a->nanoseconds != b->nanoseconds)
        return a->nanoseconds > b->nanoseconds;
    int order = strcmp(a->name, b->name);
    return order ? order < 0 : a->phase < b->phase;
}

static listing list(const tg_tape *tape)
{
    listing l;
    l.n = 0;
    l.nanoseconds = 0;
    const tg_profile_row *rows = tape ? tape->profiler.rows : NULL;
    for (const tg_profile_row *row = rows; rows && row < rows + ROWS; row++) {
        if (!row->calls)
            continue;
        size_t at = l.n++;
        for (; at > 0 && comes_before(row, l.row[at - 1]); at--)
            l.row[at] = l.row[at - 1];
        l.row[at] = row;
        l.nanoseconds += row->nanoseconds;
    }
    return l;
}

static double share_of(const listing *l, int64_t nanoseconds)
{
    return l->nanoseconds ? (double)nanoseconds / (double)l->nanoseconds : 0;
}

size_t tg_profile(const tg_tape *tape, tg_profile_row *rows, size_t n)
{
    listing l = list(tape);
    for (size_t i = 0; rows && i < n && i < l.n; i++) {
        rows[i] = *l.row[i];
        rows[i].share = share_of(&l, rows[i].nanoseconds);
    }
    return l.n;
}

/* -- Printing --------------------------------------------------------------------------------- */

typedef struct cell {
    char text[32];
} cell;

/* A number with some decimals, whatever point the program's locale has. */
static cell fixed(double value, int decimals, const char *unit)
{
    cell c;
    int64_t scale = decimals == 3 ? 1000 : 10, n = (int64_t)(value * (double)scale + 0.5);
    snprintf(c.text, sizeof c.text, "%" PRId64 ".%0*" PRId64 "%s", n / scale, decimals, n % scale,
             unit);
    return c;
}

/* The same in the largest of four units that leaves a whole part. */
static cell scaled(double value, const char *const units[4])
{
    int i = 0;
    for (; i < 3 && value >= 1000; i++)
        value /= 1000;
    return fixed(value, 3, units[i]);
}

static const char *const times[] = {"ns", "us", "ms", "s"};
static const char *const sizes[] = {" B ", " kB", " MB", " GB"};

static bool print_row(FILE *file, int width, const listing *l, const tg_profile_row *row)
{
    static const char *const phases[PHASES] = {"forward", "backward", "step"};
    double time = (double)row->nanoseconds, bytes = (double)row->bytes;
    cell rate = row->nanoseconds && row->bytes ? fixed(bytes / time, 1, "") : (cell){"-"};
    return fprintf(file, "%-*s  %-8s  %9" PRId64 "  %9s  %6s  %9s  %10s  %6s\n", width, row->name,
                   phases[row->phase], row->calls, scaled(time, times).text,
                   fixed(100 * share_of(l, row->nanoseconds), 1, "%").text,
                   scaled(time / (double)row->calls, times).text, scaled(bytes, sizes).text,
                   rate.text) >= 0;
}

static bool print_all(FILE *file, const listing *l)
{
    int width = 9;
    int64_t calls = 0;
    for (size_t i = 0; i < l->n; i++) {
        int length = (int)strlen(l->row[i]->name);
        width = length > width ? length : width;
        calls += l->row[i]->calls;
    }
    if (fprintf(file, "%-*s  %-8s  %9s  %9s  %6s  %9s  %10s  %6s\n", width, "operation", "phase",
                "calls", "time", "share", "per call", "bytes", "GB/s") < 0)
        return false;
    for (size_t i = 0; i < l->n; i++) {
        if (!print_row(file, width, l, l->row[i]))
            return false;
    }
    return fprintf(file, "%-*s  %-8s  %9" PRId64 "  %9s\n", width, "total", "", calls,
                   scaled((double)l->nanoseconds, times).text) >= 0;
}

tg_status tg_print_profile(FILE *file, tg_tape *tape)
{
    if (!tape)
        return TG_ENOMEM;
    if (!file)
        return tg_fail(tape, TG_EVALUE, "print_profile: no file");
    listing l = list(tape);
    return print_all(file, &l) ? TG_OK : tg_fail(tape, TG_EIO, "print_profile: writing failed");
}
