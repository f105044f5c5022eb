/* What stands where something was rewound away, see names.h. */
#include "names.h"
#include "support.h"

#include <string.h>

/* Words that the library once told living objects from dead ones by. */
static const int64_t words[] = {0x746e7372, 0x72656c73, 0x72656364, 0x6f70746d, 0x686f6c64,
                                0x7061726d, 0x656e7472, 0x67726f75, 0x62617463, 0x63617074};

enum { MOST = 64 };

uint32_t below(uint64_t *state, uint32_t n)
{
    return (uint32_t)random_between(state, 0, n);
}

/* The handle's bits, or one of the words. */
static int64_t word(uint64_t *state, const void *handle)
{
    int64_t bits = 0;
    memcpy(&bits, &handle, sizeof handle);
    return below(state, 2) ? bits : words[below(state, sizeof words / sizeof *words)];
}

/* No elements, but sizes of any kind. */
static void spelled_sizes(tg_tape *tape, uint64_t *state, const void *handle)
{
    int64_t dims[TG_MAX_NDIM] = {0};
    int ndim = 3 + (int)below(state, TG_MAX_NDIM - 2);
    uint32_t at = below(state, (uint32_t)ndim - 1);
    int64_t w = word(state, handle);
    const int64_t most = PTRDIFF_MAX / 128; /* of float32, and 16 times as many */
    dims[at] = w < most ? w : w % (16 * most);
    dims[at + 1] = dims[at] < most ? 16 : 0;
    dims[ndim - 1] *= at + 2 < (uint32_t)ndim; /* one size is 0 */
    tg_zeros(tape, ndim, dims, 0);
}

static void spelled_data(tg_tape *tape, uint64_t *state, const void *handle)
{
    static int64_t lent[MOST];
    int64_t data[MOST], n = 1 + below(state, MOST);
    for (int i = 0; i < MOST; i++)
        lent[i] = data[i] = word(state, handle);
    if (below(state, 4))
        tg_from_i64(tape, data, TG_DIMS(n), 0);
    else
        tg_from_blob(tape, lent, TG_DIMS(n), TG_I64);
}

static void results(const living *l, uint64_t *state)
{
    tg_tensor *y = l->leaf;
    for (uint32_t i = below(state, 6); i > 0; i--)
        y = below(state, 2) ? tg_mul_scalar(y, 0.5) : tg_add(y, l->plain);
    y = tg_transpose(tg_expand(y, TG_DIMS(2, 1, 3)), 0, 2);
    if (below(state, 2))
        tg_sum(tg_contiguous(y));
}

static void backward(tg_tape *tape, uint64_t *state)
{
    int64_t n = 1 + below(state, 20);
    tg_tensor *w = tg_rand(tape, TG_DIMS(n), TG_REQUIRES_GRAD), *grad = NULL;
    tg_tensor *y = tg_tanh(w), *loss = tg_sum(tg_mul(y, y));
    switch (below(state, 3)) {
    case 0:
        tg_retain_grad(y);
        tg_backward(loss);
        break;
    case 1:
        tg_backward_with(loss, NULL, &(tg_backward_opts){.create_graph = true});
        break;
    default:
        tg_gradients(loss, NULL, &w, 1, &grad, NULL);
    }
}

static void list(tg_tape *tape, uint64_t *state)
{
    tg_params *p = tg_params_new(tape);
    uint32_t n = below(state, 20);
    tg_tensor *t = n ? tg_ones(tape, TG_SCALAR, 0) : NULL;
    for (uint32_t i = 0; i < n; i++)
        tg_params_add(p, t, "%u", i);
}

static void optim(tg_tape *tape, uint64_t *state)
{
    int64_t n = 1 + below(state, 5);
    tg_tensor *w[] = {tg_ones(tape, TG_DIMS(n), TG_REQUIRES_GRAD),
                      tg_ones(tape, TG_SCALAR, TG_REQUIRES_GRAD)};
    tg_optim *o = below(state, 2) ? tg_adam(tape, w, 1, NULL) : tg_sgd(tape, w, 1, NULL);
    if (below(state, 2))
        tg_optim_add_group(o, w + 1, 1, 0.1);
}

static void capture(const living *l, uint64_t *state)
{
    tg_capture *c = tg_capture_begin(l->tape);
    results(l, state);
    tg_capture_end(c);
}

static void one_thing(const living *l, uint64_t *state, const void *handle)
{
    switch (below(state, 10)) {
    case 0:
        spelled_sizes(l->tape, state, handle);
        break;
    case 1:
        spelled_data(l->tape, state, handle);
        break;
    case 2:
        results(l, state);
        break;
    case 3:
        backward(l->tape, state);
        break;
    case 4:
        list(l->tape, state);
        break;
    case 5:
        optim(l->tape, state);
        break;
    case 6:
        tg_batches_new(l->tape, below(state, 9), 2, NULL);
        break;
    case 7:
        capture(l, state);
        break;
    default:
        tg_full(l->tape, TG_DIMS(1), 7, below(state, 2) ? TG_F64 : TG_REQUIRES_GRAD);
    }
}

void make_litter(const living *l, uint64_t *state, const void *handle)
{
    for (uint32_t n = below(state, 13); n > 0; n--)
        one_thing(l, state, handle);
}
