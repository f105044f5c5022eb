/* Actions of the API fuzzer that look: texts, memory, profile, and tensors so large that there is
 * nothing to be had but their shapes. */
#define _POSIX_C_SOURCE 200809L /* fmemopen */
#include "api.h"

#include <string.h>

static char text[1 << 16];

/* What was written since is in text[]. */
static FILE *paper(void)
{
    static FILE *file;
    if (!file)
        file = fmemopen(text, sizeof text, "w");
    if (file)
        rewind(file);
    return file;
}

/* A file that takes nothing. */
static FILE *full(void)
{
    static FILE *file;
    if (!file && (file = fopen("/dev/full", "w")))
        setvbuf(file, NULL, _IONBF, 0);
    return file;
}

static FILE *draw_file(world *w)
{
    uint32_t how = draw(w, 16);
    return how == 14 && full() ? full() : how == 15 ? NULL : paper();
}

/* What the call wrote, where it is to be compared. */
static void note_file(world *w, FILE *file, tg_status status, bool compared)
{
    note(w, status);
    if (!file)
        return;
    fflush(file);
    long length = ftell(file);
    if (status || file == full() || !compared || length < 0 || length >= (long)sizeof text)
        return;
    text[length] = '\0';
    note_text(w, text);
}

static void print(world *w)
{
    FILE *file = draw_file(w);
    const tg_tensor *t = pick_tensor(w);
    w->says = "print";
    note_file(w, file, tg_print(file, t), true);
}

static void dot(world *w)
{
    FILE *file = draw_file(w);
    thing *m = pick_any(w, MARKS);
    if (!m)
        return;
    w->says = "write_dot";
    tg_status status = tg_write_dot(file, pick_tape(w), m->mark);
    note_file(w, file, status, !w->how->careful); /* a retried step makes its inputs twice */
}

static void memory(world *w)
{
    tg_memory_holder holders[4];
    const tg_tape *tape = w->here->tape;
    size_t k = draw(w, 5), n = tg_memory_holders(tape, holders, k);
    REQUIRE(w, n <= k, "%zu holders of at most %zu", n, k);
    for (size_t i = 0; i < n; i++) {
        const tg_memory_holder *h = &holders[i];
        REQUIRE(w, h->tensor && tg_tape_of(h->tensor) == tape, "holder %zu is not of the tape", i);
        REQUIRE(w, i == 0 || h->bytes <= h[-1].bytes, "holder %zu is larger than the one before",
                i);
    }
    if (once_in(w, 3))
        tg_reset_peak_memory(w->here->tape);
}

static void print_memory(world *w)
{
    FILE *file = draw_file(w);
    w->says = "print_memory";
    tg_status status = tg_print_memory(file, pick_tape(w), draw(w, 70));
    note_file(w, file, status, false);
}

static void profile_switch(world *w)
{
    side *s = w->here;
    int64_t before = s->allocator.live;
    note(w, tg_set_profile_enabled(s->tape, draw(w, 2)));
    s->overhead += s->allocator.live - before;
    if (once_in(w, 4))
        tg_clear_profile(s->tape);
}

static void profile(world *w)
{
    tg_profile_row rows[8];
    size_t n = tg_profile(w->here->tape, rows, 8);
    double share = 0;
    for (size_t i = 0; i < n && i < 8; i++) {
        REQUIRE(w, rows[i].calls > 0 && strlen(rows[i].name) < 48, "a row without calls");
        REQUIRE(w, rows[i].nanoseconds >= 0 && rows[i].bytes >= 0, "a negative sum");
        REQUIRE(w, i == 0 || rows[i].nanoseconds <= rows[i - 1].nanoseconds, "not in order");
        share += rows[i].share;
    }
    REQUIRE(w, share <= 1.000001, "shares of %g", share);
    w->says = "print_profile";
    FILE *file = draw_file(w);
    tg_status status = tg_print_profile(file, w->here->tape);
    note_file(w, file, status, false);
}

static void item(world *w)
{
    tg_tensor *t = pick_tensor(w);
    w->says = "item";
    note_double(w, tg_item(t));
}

static void sizes(world *w)
{
    const tg_tensor *t = pick_tensor(w);
    int dim = (int)draw(w, 10) - 5;
    w->says = draw(w, 2) ? "size" : "stride";
    note_text(w, tg_version());
    note(w, (uint64_t)(w->says[1] == 'i' ? tg_size(t, dim) : tg_stride(t, dim)));
    if (!t)
        REQUIRE(w, tg_ndim(t) == -1 && tg_numel(t) == 0 && tg_dtype(t) == -1 && !tg_tape_of(t),
                "looking at NULL");
}

static tg_tensor *look_at_huge(world *w, tg_tensor *x)
{
    switch (draw(w, 8)) {
    case 0:
        return tg_contiguous(x);
    case 1:
        return tg_transpose(x, 0, -1);
    case 2:
        return tg_slice(x, 0, draw(w, 4), INT64_MAX, INT64_C(1) << 60);
    case 3:
        return tg_add(x, x);
    case 4:
        return tg_select(x, -1, 0);
    case 5:
        return tg_flatten(x, 0, -1);
    case 6:
        return tg_print(paper(), x) ? NULL : x;
    default:
        return tg_narrow(x, 0, 1, 2);
    }
}

/* There are few numbers behind it, but no machine holds as many as it has. Not kept. */
static void huge(world *w)
{
    const int64_t sizes[] = {INT64_C(1) << 40, INT64_C(1) << 61, INT64_MAX, INT64_C(1) << 62};
    int64_t dims[] = {sizes[draw(w, 4)], 1};
    tg_tensor *one = tg_ones(w->here->tape, TG_DIMS(1, 1), (int)draw(w, 4));
    tg_tensor *x = tg_expand(one, 2, dims);
    note_tensor(w, x);
    tg_tensor *y = look_at_huge(w, x);
    note_tensor(w, y);
    if (tg_numel(y) < SMALL)
        keep_tensor(w, y);
}

const action api_look[] = {{"print", print, 3, 0},
                           {"dot", dot, 2, 0},
                           {"memory", memory, 2, 0},
                           {"print_memory", print_memory, 1, 0},
                           {"profile_switch", profile_switch, 2, 0},
                           {"profile", profile, 1, 0},
                           {"item", item, 1, 0},
                           {"sizes", sizes, 1, 0},
                           {"huge", huge, 2, 0},
                           {0}};
