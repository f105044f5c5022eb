/* LSTM and GRU, see recurrent.h; the gates of a step are in recurrent.inc. */
#include "kernels/recurrent.h"

#include "kernels/quick.h"

#include <string.h>

/* A row of the batch in a step. */
typedef struct step {
    const void *in, *own, *before; /* the state before: LSTM c, GRU h */
    void *kept, *c, *h;
    const void *gh, *by_product; /* backward, as what follows */
    void *down, *of_new, *dh, *dc;
} step;

/* Products are made a few columns of the weight at a time: so many need no workspace. */
enum { COLUMNS = 32 };

#define TGK_BODY "kernels/recurrent_isa.inc"
#include "kernels/each_isa.h"

typedef struct functions {
    size_t size;
    void (*forward[2])(int64_t n, const step *s); /* LSTM, GRU */
    void (*backward[2])(int64_t n, const step *s);
    void (*add)(int64_t n, void *to, const void *from);
    void (*pack)(void *to, const void *from, int64_t n, int64_t k);
} functions;

#define TABLE(isa)                                                                                 \
    {                                                                                              \
        {sizeof(float),                                                                            \
         {lstm_f32_##isa, gru_f32_##isa},                                                          \
         {lstm_backward_f32_##isa, gru_backward_f32_##isa},                                        \
         add_f32_##isa,                                                                            \
         pack_f32_##isa},                                                                          \
        {                                                                                          \
            sizeof(double), {lstm_f64_##isa, gru_f64_##isa},                                       \
                {lstm_backward_f64_##isa, gru_backward_f64_##isa}, add_f64_##isa, pack_f64_##isa   \
        }                                                                                          \
    }

static const functions table[TGK_ISAS][2] = TGK_BY_ISA(TABLE);

/* A call, and what it runs with. */
typedef struct running {
    const tgk_recurrent *r;
    const functions *f;
    tgk_gemm *gemm;
    int64_t gates, kept;
} running;

static int64_t gates_of(const tgk_recurrent *r)
{
    return r->gru ? TGK_GRU_GATES : TGK_LSTM_GATES;
}

static running running_of(int isa, int dtype, const tgk_recurrent *r)
{
    return (running){r, &table[isa][dtype], tgk_gemm_table[isa][dtype], gates_of(r),
                     r->gru ? TGK_GRU_KEPT : TGK_LSTM_KEPT};
}

size_t tgk_recurrent_packed(const tgk_recurrent *r, size_t size)
{
    return (size_t)((gates_of(r) * r->size + COLUMNS) * r->size) * size;
}

/* Row i of number t of arrays of [rows][parts * size]; NULL of NULL. */
static void *row_of(const running *s, const void *data, int64_t t, int64_t i, int64_t parts)
{
    int64_t at = (t * s->r->rows + i) * parts * s->r->size * (int64_t)s->f->size;
    return data ? (char *)(uintptr_t)data + at : NULL;
}

/* Row i at step t. */
static step step_of(const running *s, int64_t t, int64_t i)
{
    const tgk_recurrent *r = s->r;
    const int64_t before = t + r->from_end, then = t + !r->from_end;
    return (step){.in = row_of(s, r->in, t, i, s->gates),
                  .own = row_of(s, r->own, 0, i, s->gates),
                  .before = row_of(s, r->gru ? r->h : r->c, before, i, 1),
                  .kept = row_of(s, r->kept, t, i, s->kept),
                  .c = row_of(s, r->c, then, i, 1),
                  .h = row_of(s, r->h, then, i, 1),
                  .gh = row_of(s, r->gh, then, i, 1),
                  .by_product = row_of(s, r->by_product, 0, i, 1),
                  .down = row_of(s, r->down, t, i, s->gates),
                  .of_new = row_of(s, r->of_new, t, i, 1),
                  .dh = row_of(s, r->dh, 0, i, 1),
                  .dc = row_of(s, r->dc, 0, i, 1)};
}

static bool is_over(const tgk_recurrent *r, int64_t t, int64_t i)
{
    return r->lengths && t >= r->lengths[i];
}

/* c = a b, a few columns of b at a time. strip: from one such part of b to the next. */
static void multiply(const running *s, tgk_gemm_args all, int64_t strip)
{
    for (int64_t j = 0; j < all.n; j += COLUMNS) {
        tgk_gemm_args part = all;
        tgk_gemm_columns(&part, j, j + COLUMNS < all.n ? j + COLUMNS : all.n, s->f->size);
        part.b.data = (const char *)all.b.data + (size_t)(j / COLUMNS * strip) * s->f->size;
        s->gemm(&part);
    }
}

/* --- forward --- */

static void forward_row(const running *s, int64_t t, int64_t i)
{
    const tgk_recurrent *r = s->r;
    const step p = step_of(s, t, i);
    const size_t bytes = (size_t)r->size * s->f->size;
    if (!is_over(r, t, i)) {
        s->f->forward[r->gru](r->size, &p);
        return;
    }
    memcpy(p.h, row_of(s, r->h, t + r->from_end, i, 1), bytes);
    if (p.c)
        memcpy(p.c, p.before, bytes);
}

static void forward_rows(void *context, int64_t from, int64_t to)
{
    const running *s = context;
    const tgk_recurrent *r = s->r;
    const tgk_matrix lying = {r->weight, 1, r->size}, packed = {r->packed, COLUMNS, 1};
    for (int64_t k = 0; k < r->steps; k++) {
        int64_t t = r->from_end ? r->steps - 1 - k : k;
        multiply(s,
                 (tgk_gemm_args){.m = to - from,
                                 .n = s->gates * r->size,
                                 .k = r->size,
                                 .a = {row_of(s, r->h, t + r->from_end, from, 1), r->size, 1},
                                 .b = r->packed ? packed : lying,
                                 .c = row_of(s, r->own, 0, from, s->gates),
                                 .bias = r->bias},
                 COLUMNS * r->size);
        for (int64_t i = from; i < to; i++)
            forward_row(s, t, i);
    }
}

/* --- backward --- */

static void backward_row(const running *s, int64_t t, int64_t i)
{
    const tgk_recurrent *r = s->r;
    const step p = step_of(s, t, i);
    const size_t bytes = (size_t)r->size * s->f->size;
    if (!is_over(r, t, i)) {
        s->f->backward[r->gru](r->size, &p);
        return;
    }
    memset(p.down, 0, (size_t)s->gates * bytes);
    if (p.of_new)
        memset(p.of_new, 0, bytes);
    s->f->add(r->size, p.dh, p.by_product);
    s->f->add(r->size, p.dh, p.gh);
}

/* What a step leaves in dh goes to the state before directly; the rest comes by its product. */
static void backward_rows(void *context, int64_t from, int64_t to)
{
    const running *s = context;
    const tgk_recurrent *r = s->r;
    const int64_t n = (to - from) * r->size, width = s->gates * r->size;
    void *dh = row_of(s, r->dh, 0, from, 1), *by_product = row_of(s, r->by_product, 0, from, 1);
    memset(dh, 0, (size_t)n * s->f->size);
    memset(by_product, 0, (size_t)n * s->f->size);
    if (r->dc)
        memcpy(row_of(s, r->dc, 0, from, 1), row_of(s, r->gc, 0, from, 1), (size_t)n * s->f->size);
    for (int64_t k = 0; k < r->steps; k++) {
        int64_t t = r->from_end ? k : r->steps - 1 - k;
        for (int64_t i = from; i < to; i++)
            backward_row(s, t, i);
        multiply(s,
                 (tgk_gemm_args){.m = to - from,
                                 .n = r->size,
                                 .k = width,
                                 .a = {row_of(s, r->down, t, from, s->gates), width, 1},
                                 .b = {r->weight, r->size, 1},
                                 .c = by_product},
                 COLUMNS);
    }
    s->f->add(n, dh, by_product);
    s->f->add(n, dh, row_of(s, r->gh, r->from_end ? r->steps : 0, from, 1));
}

/* --- rows among threads --- */

/* As many rows as products like. */
static void share(tgk_team *team, const running *s, tgk_range *body)
{
    enum { MOST = 16, LEAST = 4 };
    int64_t rows = s->r->rows / (team->threads > 1 ? 2 * team->threads : 1);
    rows = team->threads == 1 ? s->r->rows : rows > MOST ? MOST : rows < LEAST ? LEAST : rows;
    tgk_share(team, s->r->rows, rows, body, (void *)(uintptr_t)s);
}

void tgk_recurrent_forward(tgk_team *team, int isa, int dtype, const tgk_recurrent *r)
{
    running s = running_of(isa, dtype, r);
    if (r->packed)
        s.f->pack(r->packed, r->weight, s.gates * r->size, r->size);
    share(team, &s, forward_rows);
}

void tgk_recurrent_backward(tgk_team *team, int isa, int dtype, const tgk_recurrent *r)
{
    running s = running_of(isa, dtype, r);
    share(team, &s, backward_rows);
}
