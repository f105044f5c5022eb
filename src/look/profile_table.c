/* The profiler's table: turned on and off, listed and printed for the user. Relies on profile.h. */
#include "look/profile.h"

#include <inttypes.h>
#include <string.h>
#include <tinygrad/look.h>

bool tg_set_profile_enabled(tg_tape *tape, bool enabled)
{
    if (!tape)
        return false;
    tg_profiler *p = &tape->profiler;
    bool former = p->add;
    if (!tg_outside(tape, "set_profile_enabled"))
        return former;
    if (enabled && !p->rows) {
        p->memory = (tg_arena){.allocator = &tape->allocator, .owner = tape};
        p->rows = tg_arena_alloc(&p->memory, TG_PROFILE_ALL_ROWS * sizeof *p->rows, 16);
        if (!p->rows)
            tg_fail_memory(tape, "set_profile_enabled");
        tg_clear_profile(tape);
    }
    p->add = enabled && p->rows ? tg_profile_add : NULL;
    return former;
}

void tg_clear_profile(tg_tape *tape)
{
    if (tape && tape->profiler.rows && tg_outside(tape, "clear_profile"))
        memset(tape->profiler.rows, 0, TG_PROFILE_ALL_ROWS * sizeof *tape->profiler.rows);
}

/* The rows in use, in the table's order; and what they come to. */
typedef struct listing {
    const tg_profile_row *row[TG_PROFILE_ALL_ROWS];
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
    for (const tg_profile_row *row = rows; rows && row < rows + TG_PROFILE_ALL_ROWS; row++) {
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

/* --- printing --- */

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

/* The same in the largest of four units, each `step` of the one before, that leaves a whole part. */
static cell scaled(double value, double step, const char *const units[4])
{
    int i = 0;
    for (; i < 3 && value >= step; i++)
        value /= step;
    return fixed(value, 3, units[i]);
}

static const char *const times[] = {"ns", "us", "ms", "s"};
static const char *const sizes[] = {" B  ", " KiB", " MiB", " GiB"};

static bool print_row(FILE *file, int width, const listing *l, const tg_profile_row *row)
{
    static const char *const phases[TG_PHASES] = {"forward", "backward", "step"};
    double time = (double)row->nanoseconds, bytes = (double)row->bytes;
    cell rate =
        row->nanoseconds && row->bytes ? fixed(bytes / time * 1e9 / 0x1p30, 1, "") : (cell){"-"};
    return fprintf(file, "%-*s  %-8s  %9" PRId64 "  %9s  %6s  %9s  %12s  %6s\n", width, row->name,
                   phases[row->phase], row->calls, scaled(time, 1000, times).text,
                   fixed(100 * share_of(l, row->nanoseconds), 1, "%").text,
                   scaled(time / (double)row->calls, 1000, times).text,
                   scaled(bytes, 1024, sizes).text, rate.text) >= 0;
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
    if (fprintf(file, "%-*s  %-8s  %9s  %9s  %6s  %9s  %12s  %6s\n", width, "operation", "phase",
                "calls", "time", "share", "per call", "bytes", "GiB/s") < 0)
        return false;
    for (size_t i = 0; i < l->n; i++) {
        if (!print_row(file, width, l, l->row[i]))
            return false;
    }
    return fprintf(file, "%-*s  %-8s  %9" PRId64 "  %9s\n", width, "total", "", calls,
                   scaled((double)l->nanoseconds, 1000, times).text) >= 0;
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
