/* Memory of a fixed size: a tape lives in as many bytes as tg_memory_needed() said before, to the same bits as
 * elsewhere, and in any fewer it says that memory is out. Relies on the public API alone. */
#include "check.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { UNIT = 16, MOST = 8 };

/* A model and its parameters, which are made first. */
typedef struct model {
    tg_tensor *w[MOST];
    size_t n;
    tg_tensor *x, *y;
} model;

static tg_tensor *weight(model *m, tg_tape *tape, int ndim, const int64_t *dims)
{
    tg_tensor *w = tg_zeros(tape, ndim, dims, TG_REQUIRES_GRAD);
    tg_uniform_(w, -0.3, 0.3);
    return m->w[m->n++] = w;
}

/* --- models: what there is before the first step, and a step's loss --- */

static void make_mlp(model *m, tg_tape *tape)
{
    weight(m, tape, TG_DIMS(8, 4));
    weight(m, tape, TG_DIMS(8));
    weight(m, tape, TG_DIMS(3, 8));
    m->x = tg_rand(tape, TG_DIMS(5, 4), 0);
    m->y = tg_randint(tape, 0, 3, TG_DIMS(5), TG_I64);
}

static tg_tensor *mlp(const model *m)
{
    tg_tensor *hidden = tg_relu(tg_linear(m->x, m->w[0], m->w[1]));
    return tg_cross_entropy(tg_linear(hidden, m->w[2], NULL), m->y, NULL);
}

/* Its products take workspace. */
static void make_wide(model *m, tg_tape *tape)
{
    weight(m, tape, TG_DIMS(300, 500));
    weight(m, tape, TG_DIMS(300));
    weight(m, tape, TG_DIMS(50, 300));
    m->x = tg_rand(tape, TG_DIMS(64, 500), 0);
    m->y = tg_randint(tape, 0, 50, TG_DIMS(64), TG_I64);
}

static void make_conv(model *m, tg_tape *tape)
{
    weight(m, tape, TG_DIMS(6, 2, 3, 3));
    weight(m, tape, TG_DIMS(6));
    weight(m, tape, TG_DIMS(3, 6 * 4 * 4));
    m->x = tg_rand(tape, TG_DIMS(4, 2, 10, 10), 0);
    m->y = tg_randint(tape, 0, 3, TG_DIMS(4), TG_I64);
}

static tg_tensor *conv(const model *m)
{
    tg_tensor *a = tg_relu(tg_conv2d(m->x, m->w[0], m->w[1], NULL));
    a = tg_dropout(tg_max_pool2d(a, &(tg_pool_opts){.kernel = {2, 2}}), 0.5, true);
    return tg_cross_entropy(tg_linear(tg_flatten(a, 1, -1), m->w[2], NULL), m->y, NULL);
}

static void make_attention(model *m, tg_tape *tape)
{
    weight(m, tape, TG_DIMS(11, 16));
    weight(m, tape, TG_DIMS(48, 16));
    m->x = tg_randint(tape, 0, 11, TG_DIMS(3, 20), TG_I64);
    m->y = tg_randint(tape, 0, 11, TG_DIMS(60), TG_I64);
}

static tg_tensor *attention(const model *m)
{
    tg_tensor *x = tg_embedding(m->w[0], m->x, TG_NO_PADDING), *qkv = tg_linear(x, m->w[1], NULL);
    tg_tensor *a =
        tg_scaled_dot_product_attention(tg_slice(qkv, -1, 0, 16, 1), tg_slice(qkv, -1, 16, 32, 1),
                                        tg_slice(qkv, -1, 32, 48, 1), NULL);
    a = tg_layer_norm(tg_add(x, a), TG_DIMS(16), NULL, NULL, 0);
    return tg_cross_entropy(tg_linear(tg_reshape(a, TG_DIMS(60, 16)), m->w[0], NULL), m->y, NULL);
}

typedef struct trial {
    void (*make)(model *m, tg_tape *tape);
    tg_tensor *(*loss)(const model *m);
    bool adam, captured;
    tg_tape_opts opts;
    int steps;     /* of which all but the first rewind */
    uint64_t seed; /* of weights and data */
    float last;    /* the loss of the last step */
} trial;

static void step(const trial *t, const model *m, tg_optim *optim, tg_tensor **loss)
{
    tg_optim_zero_grad(optim);
    tg_backward(*loss = t->loss(m));
    tg_optim_step(optim);
}

static void train(tg_tape *tape, void *context)
{
    trial *t = context;
    model m = {.n = 0};
    tg_tensor *loss = NULL;
    tg_manual_seed(tape, t->seed);
    t->make(&m, tape);
    tg_optim *optim = t->adam ? tg_adam(tape, m.w, m.n, NULL)
                              : tg_sgd(tape, m.w, m.n, &(tg_sgd_opts){.lr = 0.1, .momentum = 0.9});
    tg_mark start = tg_tape_mark(tape);
    tg_capture *capture = t->captured ? tg_capture_begin(tape) : NULL;
    step(t, &m, optim, &loss);
    if (capture)
        tg_capture_end(capture);
    for (int i = 1; i < t->steps && !tg_error(tape); i++) {
        if (capture) {
            tg_capture_replay(capture);
        } else {
            tg_tape_rewind(tape, start);
            step(t, &m, optim, &loss);
        }
    }
    t->last = tg_error(tape) ? 0 : (float)tg_item(loss);
}

/* Whether it ends well in a room of this size; what is said otherwise. */
static bool fits(trial *t, size_t size)
{
    tg_room room = {aligned_alloc(64, (size + 63) / 64 * 64 + 64), size, 0};
    assert_non_null(room.memory);
    tg_tape_opts opts = t->opts;
    opts.alloc = tg_room_alloc;
    opts.free = tg_room_free;
    opts.context = &room;
    tg_tape *tape = tg_tape_new(&opts);
    train(tape, t);
    const bool good = tg_error(tape) == TG_OK;
    if (!good) {
        assert_int_equal(tg_error(tape), TG_ENOMEM);
        assert_non_null(strstr(tg_error_message(tape), ": out of memory"));
    }
    assert_true(room.taken <= size && (!good || room.taken == size));
    tg_tape_free(tape);
    free(room.memory);
    return good;
}

static const trial trials[] = {
    {.make = make_mlp, .loss = mlp},
    {.make = make_mlp, .loss = mlp, .opts = {.block_size = 1024, .block_growth = 1}},
    {.make = make_mlp, .loss = mlp, .captured = true, .opts = {.block_size = 512}},
    {.make = make_wide, .loss = mlp, .opts = {.threads = 1}},
    {.make = make_wide, .loss = mlp, .adam = true, .opts = {.threads = 2, .block_growth = 1}},
    {.make = make_conv, .loss = conv, .adam = true, .opts = {.threads = 1}},
    {.make = make_conv, .loss = conv, .captured = true, .opts = {.block_size = 2048}},
    {.make = make_attention, .loss = attention, .opts = {.block_size = 1024, .threads = 3}},
    {.make = make_attention, .loss = attention, .adam = true, .captured = true},
};

static void exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        trial t = trials[i];
        t.steps = 2;
        const size_t needed = tg_memory_needed(&t.opts, train, &t);
        assert_true(needed > sizeof(trial) && needed % UNIT == 0);
        const float last = t.last;
        assert_true(fits(&t, needed) && t.last == last);
        assert_false(fits(&t, needed - UNIT));
        t.steps = 7; /* and other data: no more */
        t.seed = 5;
        assert_true(fits(&t, needed) && t.last != last);
    }
}

/* Whatever is missing, somebody says so. */
static void any_fewer(void **state)
{
    (void)state;
    trial t = trials[1];
    t.steps = 1;
    for (size_t size = tg_memory_needed(&t.opts, train, &t); size >= UNIT; size -= UNIT)
        assert_false(fits(&t, size - UNIT));
}

static void blunder(tg_tape *tape, void *context)
{
    (void)context;
    tg_add(tg_ones(tape, TG_DIMS(2), 0), tg_ones(tape, TG_DIMS(3), 0));
}

static void hear(void *context, tg_status status, const char *message)
{
    (void)message;
    *(tg_status *)context = status;
}

static void nothing(tg_tape *tape, void *context)
{
    (void)tape, (void)context;
}

static void edges(void **state)
{
    (void)state;
    tg_status heard = TG_OK;
    const tg_tape_opts opts = {.on_error = hear, .error_context = &heard};
    assert_int_equal(tg_memory_needed(&opts, blunder, NULL), 0);
    assert_int_equal(heard, TG_ESHAPE);
    assert_int_equal(tg_memory_needed(NULL, NULL, NULL), 0);
    assert_true(tg_memory_needed(NULL, nothing, NULL) > 0);

    /* Half an allocator is none. */
    const size_t usual = tg_memory_needed(NULL, nothing, NULL);
    assert_int_equal(tg_memory_needed(&(tg_tape_opts){.alloc = tg_room_alloc}, nothing, NULL),
                     usual);
    assert_int_equal(tg_memory_needed(&(tg_tape_opts){.free = tg_room_free}, nothing, NULL), usual);

    /* Through the program's own allocator, which has next to nothing. */
    _Alignas(UNIT) char bytes[4 * UNIT];
    tg_room room = {bytes, sizeof bytes, 0};
    const tg_tape_opts small = {.alloc = tg_room_alloc, .free = tg_room_free, .context = &room};
    assert_int_equal(tg_memory_needed(&small, nothing, NULL), 0);

    assert_ptr_equal(tg_room_alloc(&room, 1), bytes);
    assert_ptr_equal(tg_room_alloc(&room, UNIT + 1), bytes + UNIT);
    assert_int_equal(room.taken, 3 * UNIT);
    assert_null(tg_room_alloc(&room, UNIT + 1));
    assert_null(tg_room_alloc(&room, SIZE_MAX));
    assert_ptr_equal(tg_room_alloc(&room, UNIT), bytes + 3 * UNIT);
    assert_null(tg_room_alloc(&room, 1));
    tg_room_free(&room, bytes, 1);
    assert_int_equal(room.taken, sizeof bytes);
    room.taken++; /* not what it gave */
    assert_null(tg_room_alloc(&room, 0));
    assert_null(tg_room_alloc(&(tg_room){bytes + 1, 2 * UNIT, 0}, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exact), cmocka_unit_test(any_fewer),
                                       cmocka_unit_test(edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
