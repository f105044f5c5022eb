/* Actions of the API fuzzer with what is dead: handles and marks of what was rewound away, and marks
 * of freed tapes. Each use is an error by the call's name, and changes nothing. See api.h. */
#include "api.h"

#include <string.h>

#include "support.h"

static const kind kinds[NAME_KINDS] = {TENSORS, OPTIMS, LISTS, BATCHES, CAPTURES, MARKS};

/* One of each kind that is rewound away at once. */
static void make_dead(world *w)
{
    side *s = w->here;
    if (s->capturing || tg_error(s->tape))
        return;
    tg_mark start = tg_tape_mark(s->tape);
    tg_tensor *leaf = tg_zeros(s->tape, TG_DIMS(1 + draw(w, 4)), TG_REQUIRES_GRAD);
    tg_tensor *result = draw(w, 2) ? tg_exp(leaf) : tg_transpose(leaf, 0, 0);
    tg_params *list = tg_params_new(s->tape);
    if (draw(w, 2))
        tg_params_add(list, leaf, "leaf");
    const thing dead[] = {{.p = leaf},
                          {.p = result},
                          {.p = tg_adam(s->tape, &leaf, 1, NULL)},
                          {.p = list},
                          {.p = tg_batches_new(s->tape, draw(w, 6), 2, NULL)},
                          {.p = tg_capture_begin(s->tape)},
                          {.mark = tg_tape_mark(s->tape)}};
    const kind of[] = {TENSORS, TENSORS, OPTIMS, LISTS, BATCHES, CAPTURES, MARKS};
    tg_capture_end(dead[5].p);
    REQUIRE(w, !tg_tape_rewind(s->tape, start), "%s", tg_error_message(s->tape));
    tg_clear_error(s->tape); /* an anomaly, say */
    for (size_t i = 0; i < sizeof dead / sizeof dead[0]; i++) {
        if (dead[i].p || (of[i] == MARKS && leaf))
            bury(s, of[i], dead[i]);
    }
}

static const thing *pick_grave(world *w, kind k)
{
    side *s = w->here;
    int n = s->buried[k] < GRAVES ? s->buried[k] : GRAVES;
    return n ? &s->graves[k][draw(w, (uint32_t)n)] : NULL;
}

static const dead_use *draw_use(world *w, name_kind of)
{
    const dead_use *uses = dead_uses(of);
    uint32_t n = 0;
    while (uses[n].name)
        n++;
    return &uses[draw(w, n)];
}

/* While a capture goes on, that may be what is wrong with the call; and there is memory. */
static void check_use(world *w, const dead_use *use, const void *handle, tg_status status,
                      const char *part)
{
    side *s = w->here;
    char why[400];
    s->allocator.armed = false;
    bool reported = is_reported(use, &s->living, handle, status, part, why);
    REQUIRE(w, reported || (s->capturing && tg_error(s->tape)), "%s", why);
    REQUIRE(w, strcmp(s->told, tg_error_message(s->tape)) == 0, "on_error was told \"%s\"",
            s->told);
    note_text(w, tg_error_message(s->tape));
    tg_clear_error(s->tape);
}

/* Twice, and all is as before. Where there is an error already it stays, see settle(). */
static void use(world *w, const dead_use *use, const void *handle, tg_status status,
                const char *part)
{
    side *s = w->here;
    if (tg_error(s->tape)) {
        use->refused(&s->living, handle);
        return;
    }
    tg_mark here = tg_tape_mark(s->tape);
    uint64_t before = sum_of_all(w);
    check_use(w, use, handle, status, part);
    check_use(w, use, handle, status, part);
    REQUIRE(w, before == sum_of_all(w), "%s with something dead changed something", use->name);
    REQUIRE(w, marks_equal(here, tg_tape_mark(s->tape)), "%s with something dead left something",
            use->name);
}

static void use_dead(world *w)
{
    name_kind of = (name_kind)draw(w, NAME_KINDS);
    const thing *t = pick_grave(w, kinds[of]);
    if (t)
        use(w, draw_use(w, of), of == NAME_MARK ? (const void *)&t->mark : t->p, TG_ESTATE,
            "rewound");
}

static void use_dead_tensor(world *w)
{
    const thing *t = pick_grave(w, draw(w, 4) ? TENSORS : STATES);
    if (t)
        use(w, draw_use(w, NAME_TENSOR), t->p, TG_ESTATE, "rewound");
}

static void dead_input(world *w)
{
    const thing *t = pick_grave(w, TENSORS);
    if (t && !tg_error(w->here->tape))
        call_with_dead(w, t->p);
}

static void remember_marks(world *w, const side *s)
{
    for (int i = 0; i < s->count[MARKS]; i++)
        w->freed[w->n_freed++ % FREED] = s->shelf[MARKS][i].mark;
    int dead = s->buried[MARKS] < GRAVES ? s->buried[MARKS] : GRAVES;
    for (int i = 0; i < dead; i += 4)
        w->freed[w->n_freed++ % FREED] = s->graves[MARKS][i].mark;
}

/* The other tape is freed, and a new one takes its place. */
static void free_tape(world *w)
{
    side *s = &w->sides[1];
    if (!s->tape)
        return;
    const tg_tape *former = s->tape;
    remember_marks(w, s);
    close_side(w, s);
    *s = (side){0};
    open_side(w, 1);
    REQUIRE(w, s->tape == former, "a tape at another place");
}

static void use_freed(world *w)
{
    int n = w->n_freed < FREED ? w->n_freed : FREED;
    if (n)
        use(w, draw_use(w, NAME_MARK), &w->freed[draw(w, (uint32_t)n)], TG_EVALUE, "another tape");
}

const action api_dead[] = {{"make_dead", make_dead, 0, ONCE | UNFAILING},
                           {"use_dead", use_dead, 0, UNFAILING},
                           {"use_dead_tensor", use_dead_tensor, 0, UNFAILING},
                           {"dead_input", dead_input, 0, UNFAILING},
                           {"free_tape", free_tape, 0, ONCE | UNFAILING},
                           {"use_freed", use_freed, 0, UNFAILING},
                           {0}};
