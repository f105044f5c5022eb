/* Actions of the API fuzzer: all operations of the op table, with the samples of their rows, with
 * samples that were changed, and with whatever tensors there are. A new row is fuzzed without a line
 * here. */
#include "api.h"

#include "op_table.h"

#include <tinygrad/op.h>

#include <math.h>
#include <string.h>

/* Rows whose functions take a sample's numbers on trust: constants of their own to read from,
 * room for so many results. */
static const char *const as_they_are[] = {"from_f32",  "from_f64",   "from_i64",
                                          "from_bool", "from_array", "chunk"};
/* Its memory is shared by all tapes. See from_blob() in api_tape.c. */
static const char *const left_out[] = {"from_blob"};
/* Rows that may give NULL without an error. */
static const char *const may_be_null[] = {"cat", "stack", "chunk", "split", "clamp_tensors"};

static bool listed(const op_row *row, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(row->name, list[i]) == 0)
            return true;
    }
    return false;
}
#define LISTED(row, list) listed(row, list, sizeof(list) / sizeof(list)[0])

/* A row with what is known of it. */
typedef struct entry {
    const op_row *row;
    const op_sample *samples[64];
    uint32_t n;
    bool fixed, out, null;
    bool whole; /* its samples have whole numbers alone: it may well convert them to integers */
    double most;
} entry;

static void add_samples(entry *e, const op_sample *s)
{
    for (; s && s->in && e->n < 64; s++) {
        e->samples[e->n++] = s;
        for (int i = 0; i < 3; i++) {
            e->whole &= fabs(s->s[i]) < 0x1p62 && s->s[i] == trunc(s->s[i]);
            e->most = fmax(e->most, fabs(s->s[i]));
        }
    }
}

static const entry *entry_at(uint32_t i)
{
    static entry entries[512];
    static uint32_t n;
    if (!n) {
        for (; op_row_at(n) && n < 512; n++) {
            entry *e = &entries[n];
            e->row = op_row_at(n);
            e->whole = true;
            for (int k = 0; k < OP_MAX_LISTS; k++)
                add_samples(e, e->row->samples[k]);
            for (int k = 0; k < OP_MAX_LISTS; k++)
                add_samples(e, e->row->errors[k]);
            e->fixed = LISTED(e->row, as_they_are);
            e->out = LISTED(e->row, left_out);
            e->null = LISTED(e->row, may_be_null);
        }
    }
    return &entries[i % n];
}

/* --- samples that are changed --- */

static const char *draw_shape(world *w, char text[128])
{
    static const char *const sizes[] = {"1", "2", "3", "0", "4", "5",  "-1",         "7",
                                        "2", "1", "3", "1", "2", "-2", "4294967296", "16"};
    int n = (int)draw(w, OP_MAX_DIMS + 1), large = 0;
    text[0] = '\0';
    for (int i = 0; i < n; i++) {
        const char *size = sizes[draw(w, 16)];
        large += size[0] > '2';
        strcat(text, large > 3 ? "1" : size);
        strcat(text, i < n - 1 ? "x" : "");
    }
    return text;
}

static double draw_number(world *w, const entry *e)
{
    const double list[] = {0, 1, 2, 3, -1, -2, 5, 16, e->most, -e->most};
    return e->whole ? list[draw(w, 10)] : draw_scalar(w);
}

static void change_field(world *w, const entry *e, op_sample *s, char text[128])
{
    static const int flags[] = {0, 1, 2, 3, TG_REQUIRES_GRAD, 0x101, 0x102, 4, -1, 0x4000};
    switch (draw(w, 10)) {
    case 0:
    case 1:
        s->dim[draw(w, 2)] = (int)draw(w, 8) - 4;
        break;
    case 2:
        s->dim[draw(w, 2)] = draw(w, 2) ? INT32_MAX : INT32_MIN;
        break;
    case 3:
        s->keepdim = !s->keepdim;
        break;
    case 4:
        s->flags = flags[draw(w, 10)];
        break;
    case 5:
        s->shape = draw_shape(w, text);
        break;
    case 6:
        s->reduction = (tg_reduction)draw(w, 4);
        break;
    case 7:
        s->smoothing = draw_scalar(w);
        break;
    case 8:
        s->has_ignore = !s->has_ignore;
        s->ignore = (int64_t)draw(w, 8) - 2;
        break;
    default:
        s->s[draw(w, 3)] = draw_number(w, e);
    }
}

static int words_in(const char *in)
{
    int n = *in != '\0';
    for (; *in; in++)
        n += *in == ' ';
    return n;
}

/* One of the same dtype and shape, where there is one: such a call is likely to be right. */
static tg_tensor *pick_like(world *w, const tg_tensor *t)
{
    tg_tensor *other = NULL;
    for (int tries = 0; tries < 4; tries++) {
        other = pick_tensor(w);
        if (tg_error(w->here->tape) || !other || !t || tg_dtype(other) != tg_dtype(t) ||
            tg_ndim(other) != tg_ndim(t))
            continue;
        return other;
    }
    return other;
}

static void change_inputs(world *w, op_args *args)
{
    for (int i = 0; i < args->n; i++) {
        switch (draw(w, 6)) {
        case 0:
            args->in[i] = pick_tensor(w);
            break;
        case 1:
            args->in[i] = args->in[draw(w, (uint32_t)args->n)];
            break;
        case 2:
            args->in[i] = pick_like(w, args->in[i]);
            break;
        default:
            break;
        }
    }
}

/* --- calls --- */

/* Whether there may be no tape to tell: options are not asked for theirs. */
static bool untold(const op_args *args)
{
    return !args->tape || (!args->in[0] && !args->in[1]);
}

static bool failed(const world *w)
{
    return tg_error(w->sides[0].tape) || (w->sides[1].tape && tg_error(w->sides[1].tape));
}

static tg_tensor *call(world *w, const entry *e, const op_args *args)
{
    const op_row *row = e->row;
    bool before = failed(w);
    if (e->out || (row->is & OP_COMPOSED && w->how->careful))
        return NULL;
    w->says = row->is & OP_COMPOSED ? NULL : op_says(row);
    tg_tensor *y = op_call(row, args);
    if (y && !before)
        REQUIRE(w, !failed(w), "%s: a result and an error", row->name);
    if (!y && !failed(w))
        REQUIRE(w, e->null || untold(args), "%s: neither a result nor an error", row->name);
    note_tensor(w, y);
    if (!y)
        return NULL;
    keep_tensor(w, y);
    for (int i = 0; i < args->n; i++)
        keep_tensor(w, args->leaf[i]);
    return y;
}

/* The gradients of the squares of the result's gradients. What drew numbers is not done again. */
static void differentiate_twice(world *w, const entry *e, tg_tensor *y, const op_args *args)
{
    tg_tensor *leaves[OP_MAX_IN], *grads[OP_MAX_IN], *total = NULL;
    size_t n = 0;
    for (int i = 0; i < args->n; i++) {
        if (args->leaf[i] && tg_requires_grad(args->leaf[i]))
            leaves[n++] = args->leaf[i];
    }
    if (!n || !tg_requires_grad(y) || (e->row->is & OP_RANDOM && w->how->careful))
        return;
    w->says = NULL;
    tg_tensor *up = tg_full(args->tape, tg_ndim(y), tg_sizes(y), draw_scalar(w), tg_dtype(y));
    if (!up || tg_gradients(y, up, leaves, n, grads, &(tg_backward_opts){.create_graph = true}))
        return;
    for (size_t i = 0; i < n; i++) {
        tg_tensor *term = grads[i] ? tg_sum(tg_mul(grads[i], grads[i])) : NULL;
        total = total && term ? tg_add(total, term) : term ? term : total;
        note_tensor(w, grads[i]);
    }
    if (!total || !tg_requires_grad(total))
        return;
    note(w, tg_backward(total));
    for (size_t i = 0; i < n; i++)
        note_tensor(w, tg_grad(leaves[i]));
}

/* A sample, as it is or with changes. */
static void sample(world *w)
{
    const entry *e = entry_at(draw(w, 256));
    const op_sample *from = e->samples[draw(w, 256) % e->n];
    uint32_t changes = draw(w, 4);
    op_case c = {.row = e->row, .s = from, .dtype = (int)draw(w, 2), .seed = draw(w, 16)};
    op_args args;
    char text[128];
    op_layout layout = (op_layout)draw(w, OP_LAYOUTS);
    if (failed(w) || !op_inputs(&c, w->here->tape, layout, &args))
        return;
    op_sample changed = *from;
    args.s = &changed;
    for (uint32_t i = 0; i < changes && !e->fixed; i++)
        change_field(w, e, &changed, text);
    if (changes)
        change_inputs(w, &args);
    if (changes == 3)
        args.tape = pick_tape(w);
    tg_tensor *y = call(w, e, &args);
    if (y && !changes && draw(w, 2) && !failed(w))
        differentiate_twice(w, e, y, &args);
}

/* The tensors that there are. */
static void chain(world *w)
{
    const entry *e = entry_at(draw(w, 256));
    op_sample changed = *e->samples[draw(w, 256) % e->n];
    op_args args = {.tape = pick_tape(w), .s = &changed, .dtype = (int)draw(w, 2)};
    char text[128];
    args.n = words_in(changed.in);
    for (int i = 0; i < args.n; i++)
        args.in[i] = i ? pick_like(w, args.in[0]) : pick_tensor(w);
    if (!e->fixed && once_in(w, 4))
        change_field(w, e, &changed, text);
    call(w, e, &args);
}

void call_with_dead(world *w, tg_tensor *dead)
{
    const entry *e = entry_at(draw(w, 256));
    const op_sample *s = e->samples[draw(w, 256) % e->n];
    op_args args = {.tape = w->here->tape, .s = s, .dtype = (int)draw(w, 2)};
    args.n = words_in(s->in);
    if (e->out || e->null || !args.n)
        return;
    for (int i = 0; i < args.n; i++)
        args.in[i] = w->here->living.plain;
    args.in[draw(w, (uint32_t)args.n)] = dead;
    w->says = e->row->is & OP_COMPOSED ? NULL : op_says(e->row);
    REQUIRE(w, !op_call(e->row, &args), "%s: a result of a dead input", e->row->name);
    REQUIRE(w, failed(w), "%s: a dead input, and no error", e->row->name);
}

const action api_ops[] = {{"sample", sample, 50, 0}, {"chain", chain, 60, 0}, {0}};
