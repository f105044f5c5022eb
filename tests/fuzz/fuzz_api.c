/* Any bytes as a program over the whole header; see api.h. A program runs once, or twice in two
 * ways that must give the same. With FUZZ_API_TRACE in the environment each step is printed. */
#include "known.h"

#include "api.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Freed memory goes round soon: a program is short, and touching new pages takes half of its time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64:malloc_context_size=2:"
           "allocator_may_return_null=1";
}

static const action *const families[] = {api_ops,   api_tape, api_gradients, api_user,
                                         api_train, api_look, api_io};

/* Which action a byte picks: each as often as its weight says. */
static const action *actions[256];

static void fill_actions(void)
{
    const action *all[128];
    int weights[128], n = 0, sum = 0;
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
        for (const action *a = families[f]; a->name; a++) {
            all[n] = a;
            sum += weights[n++] = a->weight;
        }
    }
    for (int i = 0, k = 0, end = weights[0]; i < 256; i++) {
        while (i * sum >= end * 256)
            end += weights[++k];
        actions[i] = all[k];
    }
}

/* What a record does. */
static const action *action_of(const uint8_t *record)
{
    if (!DEAD_HANDLES || record[STEP - 1] / 32 != 6)
        return actions[record[0]];
    int n = 0;
    while (api_dead[n].name)
        n++;
    return &api_dead[record[0] % n];
}

/* What the steps of a program noted. */
typedef struct notes {
    int n;
    uint64_t after[STEPS + 1];
} notes;

static void arm(world *w, bool armed)
{
    for (int i = 0; i < SIDES; i++) {
        side *s = &w->sides[i];
        s->allocator.armed = armed && s->tape && !tg_error(s->tape) && !s->capturing &&
                             !(w->how->retry && w->act->is & UNFAILING);
    }
}

/* Runs the present action from the start of its record. */
static void act(world *w)
{
    w->at = 1;
    w->says = NULL;
    w->once = w->act->is & ONCE;
    w->n_pending = 0;
    memcpy(&w->more, w->record, sizeof w->more);
    w->here = open_side(w, w->record[STEP - 1] % 32 == 31);
    w->act->run(w);
}

static int64_t failures(const world *w)
{
    return w->sides[0].allocator.failures + w->sides[1].allocator.failures;
}

static bool out_of_memory(const world *w)
{
    return tg_error(w->sides[0].tape) == TG_ENOMEM ||
           (w->sides[1].tape && tg_error(w->sides[1].tape) == TG_ENOMEM);
}

/* Once there is memory, the same call is as if it had been there at once. */
static void again_with_memory(world *w, uint64_t before)
{
    w->hash = before;
    for (int i = 0; i < SIDES; i++) {
        if (!w->sides[i].message[0]) /* this step's */
            tg_clear_error(w->sides[i].tape);
    }
    arm(w, false);
    act(w);
}

/* What failed changed nothing: it fails again, and for the same reason. */
static void again_as_before(world *w, uint64_t before)
{
    char messages[SIDES][256];
    for (int i = 0; i < SIDES; i++) {
        tg_tape *tape = w->sides[i].tape;
        snprintf(messages[i], sizeof messages[i], "%s", tape ? tg_error_message(tape) : "");
        tg_clear_error(tape);
    }
    w->hash = before;
    act(w);
    for (int i = 0; i < SIDES; i++) {
        tg_tape *tape = w->sides[i].tape;
        REQUIRE(w, !tape || strcmp(messages[i], tg_error_message(tape)) == 0,
                "at first \"%s\", then \"%s\"", messages[i], tg_error_message(tape));
    }
}

static bool any_error(const world *w)
{
    return tg_error(w->sides[0].tape) || (w->sides[1].tape && tg_error(w->sides[1].tape));
}

/* An anomaly is found once the operation is done: numbers were drawn, inputs written to. */
static bool done_nevertheless(const world *w)
{
    return strstr(tg_error_message(w->sides[0].tape), ": output element ") ||
           (w->sides[1].tape && strstr(tg_error_message(w->sides[1].tape), ": output element "));
}

static bool traced;

static void trace(const world *w)
{
    fprintf(stderr, "%2d %-18s %016llx %s\n", w->step, w->act->name, (unsigned long long)w->hash,
            tg_error_message(w->sides[0].tape));
}

static void step(world *w)
{
    uint64_t before = w->hash;
    int64_t failed = failures(w);
    bool clear = !any_error(w);
    w->act = action_of(w->record);
    w->patience = clear && w->record[STEP - 1] / 32 == 7 ? 3 : w->patience;
    arm(w, true);
    act(w);
    if (w->how->retry && failures(w) > failed && out_of_memory(w))
        again_with_memory(w, before);
    else if (clear && any_error(w) && !w->how->fail_for && !w->once && !done_nevertheless(w))
        again_as_before(w, before);
    arm(w, false);
    if (traced)
        trace(w);
    settle(w);
    for (int i = 0; i < SIDES; i++) {
        if (w->sides[i].tape)
            check_side(w, &w->sides[i]);
    }
}

static void run(const setup *how, const uint8_t *data, size_t size, notes *out)
{
    static const action end = {.name = "end"};
    world w = {.how = how};
    open_side(&w, 0);
    for (; size >= STEP && w.step < STEPS; data += STEP, size -= STEP) {
        w.record = data;
        step(&w);
        out->after[w.step++] = w.hash;
    }
    w.act = &end;
    for (int i = 0; i < SIDES; i++) {
        if (w.sides[i].tape)
            close_side(&w, &w.sides[i]);
    }
    out->after[w.step] = w.hash;
    out->n = w.step + 1;
}

static void compare(const char *how, const notes *a, const notes *b, const uint8_t *data)
{
    for (int i = 0; i < a->n; i++) {
        if (a->after[i] != b->after[i]) {
            fprintf(stderr, "%s: step %d (%s) gave something else\n", how, i,
                    i < a->n - 1 ? action_of(data + i * STEP)->name : "end");
            abort();
        }
    }
}

/* How a program is run, and how it is run again. */
static const char *read_setup(const uint8_t *head, setup *one, setup *two)
{
    static const size_t blocks[] = {0, 4096, 512, 1};
    int how = head[0] % 32;
    *one = (setup){.threads = 1, .block_size = blocks[head[1] % 4]};
    *two = *one;
    if (how < 12)
        return NULL;
    if (how < 20) {
        one->isa = head[2] % 4 ? TG_ISA_BEST : TG_ISA_V3;
        two->isa = TG_ISA_BASE;
        return "the plain instruction set";
    }
    if (how < 27) {
        one->careful = two->careful = two->retry = true;
        two->fail_at = head[3] % 64;
        two->fail_for = 1 + head[4] % 3;
        return "with failures of the allocator";
    }
    if (how < 31 || head[2] != 0xff) {
        one->fail_at = head[3] % 64;
        one->fail_for = head[4] % 2 ? 1 + head[4] / 2 : INT64_MAX / 2;
        return NULL;
    }
    one->large = two->large = true;
    two->threads = 2;
    return "with two threads";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    setup one, two;
    notes a, b;
    if (size < STEP)
        return 0;
    if (!actions[0]) {
        fill_actions();
        traced = getenv("FUZZ_API_TRACE");
    }
    const char *how = read_setup(data, &one, &two);
    run(&one, data + STEP, size - STEP, &a);
    if (how) {
        run(&two, data + STEP, size - STEP, &b);
        compare(how, &a, &b, data + STEP);
    }
    return 0;
}
