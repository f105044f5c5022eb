/* What the tape asks of its allocator: nothing in a training loop from its second step on,
 * little for gradients, at most 256 bytes for a small operation; and all of it is given back. */
#include "check.h"
#include "support.h"

#include <stdlib.h>

/* --- a training loop --- */

enum { POINTS = 50, HIDDEN = 8, CLASSES = 3 };

typedef struct loop {
    bool draw;       /* new points in every step */
    bool gradcheck;  /* second gradients too */
    int passes;      /* whose gradients are added up for one step */
    double momentum; /* of the optimiser */
} loop;

static void one_step(tg_tape *tape, const loop *l, tg_tensor *const *w, tg_optim *optim)
{
    static const float points[POINTS][2] = {{1, 2}, {3, 4}, {-1, -2}};
    static const int64_t classes[POINTS] = {1, 0, 2};
    tg_optim_zero_grad(optim);
    for (int pass = 0; pass < l->passes; pass++) {
        tg_tensor *x = l->draw ? tg_randn(tape, TG_DIMS(POINTS, 2), 0)
                               : tg_from_f32(tape, points[0], TG_DIMS(POINTS, 2), 0);
        tg_tensor *y = l->draw ? tg_randint(tape, 0, CLASSES, TG_DIMS(POINTS), TG_I64)
                               : tg_from_i64(tape, classes, TG_DIMS(POINTS), 0);
        tg_tensor *h = tg_relu(tg_linear(x, w[0], w[1]));
        tg_tensor *loss = tg_cross_entropy(tg_linear(h, w[2], w[3]), y, NULL);
        tg_backward_with(loss, NULL, &(tg_backward_opts){.create_graph = l->gradcheck});
        if (l->gradcheck)
            tg_backward(tg_sum(tg_mul(tg_grad(w[0]), tg_grad(w[0]))));
    }
    tg_optim_step(optim);
    assert_ok(tape);
}

/* The calls of the allocator that `steps` steps make after the first one. */
static void train(const loop *l, int steps)
{
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 256);
    tg_tensor *w[] = {tg_zeros(tape, TG_DIMS(HIDDEN, 2), TG_REQUIRES_GRAD),
                      tg_zeros(tape, TG_DIMS(HIDDEN), TG_REQUIRES_GRAD),
                      tg_zeros(tape, TG_DIMS(CLASSES, HIDDEN), TG_REQUIRES_GRAD),
                      tg_zeros(tape, TG_DIMS(CLASSES), TG_REQUIRES_GRAD)};
    tg_linear_init(w[0], w[1]);
    tg_linear_init(w[2], w[3]);
    tg_optim *optim = tg_sgd(tape, w, 4, &(tg_sgd_opts){.lr = 0.01, .momentum = l->momentum});
    tg_mark mark = tg_tape_mark(tape);
    one_step(tape, l, w, optim);
    int64_t live = allocator.live, calls = allocator.calls;
    assert_true(calls > 2);
    for (int i = 1; i < steps; i++) {
        tg_tape_rewind(tape, mark);
        one_step(tape, l, w, optim);
        assert_int_equal(allocator.calls, calls);
    }
    assert_int_equal(allocator.live, live);
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
    assert_false(allocator.wrong_size);
}

static void training_loops(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++)
        train(&(loop){.draw = i & 1,
                      .momentum = i & 2 ? 0.9 : 0,
                      .passes = i & 4 ? 2 : 1,
                      .gradcheck = i & 8},
              10);
}

static void ten_thousand_steps(void **state)
{
    (void)state;
    train(&(loop){.draw = true, .momentum = 0.9, .passes = 1}, 10000);
}

/* A step on fewer points than before fits as well, and a larger one costs once. */
static void sizes_that_change(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 1024);
    tg_tensor *w = tg_ones(tape, TG_DIMS(10, 10), TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    int64_t calls[3] = {0};
    for (int round = 0; round < 3; round++) {
        allocator.calls = 0;
        for (int64_t n = 1; n <= 1000; n = n * 3 + 1) {
            tg_tape_rewind(tape, mark);
            tg_zero_grad(w);
            tg_backward(tg_sum(tg_matmul(tg_ones(tape, TG_DIMS(n, 10), 0), w)));
            assert_equal(tg_f32(tg_grad(w))[0], n);
        }
        calls[round] = allocator.calls;
    }
    assert_true(calls[0] > 0);
    assert_int_equal(calls[1], 0);
    assert_int_equal(calls[2], 0);
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
}

/* --- where the allocator puts the blocks --- */

/* An allocator whose pieces follow each other upwards or downwards, `shift` bytes after a line's beginning. */
typedef struct area {
    char *bytes, *from, *to;
    bool downwards;
    size_t shift, calls;
} area;

enum { AREA = 1 << 24, LINE = 64 };

static void *area_alloc(void *context, size_t size)
{
    area *a = context;
    size_t whole = (size + 2 * LINE - 1) / LINE * LINE;
    if (whole > (size_t)(a->to - a->from))
        return NULL;
    a->calls++;
    if (a->downwards)
        return (a->to -= whole) + a->shift;
    a->from += whole;
    return a->from - whole + a->shift;
}

static void area_free(void *context, void *memory, size_t size)
{
    (void)context;
    (void)memory;
    (void)size;
}

/* What graphs of many sizes take, some of whose pieces are given back while later ones are in use. */
static void take_and_release(area *a, tg_memory_info *memory)
{
    tg_tape *tape = tg_tape_new(
        &(tg_tape_opts){.alloc = area_alloc, .free = area_free, .context = a, .block_size = 256});
    tg_tensor *w = tg_ones(tape, TG_DIMS(1), TG_REQUIRES_GRAD);
    for (int64_t step = 0; step < 30; step++) {
        tg_tensor *sum = tg_zeros(tape, TG_DIMS(1), 0);
        tg_mark mark = tg_tape_mark(tape);
        for (int64_t k = 1; k < 8; k++) {
            tg_tensor *x = tg_ones(tape, TG_DIMS(100 + (step * 977 + k * 3571) % 5000), 0);
            sum = tg_add(sum, tg_mean(tg_exp(tg_mul(tg_sin(x), w))));
            if (k % 2)
                tg_release(tape, mark, &sum, 1);
        }
        tg_backward(sum);
        tg_release(tape, mark, NULL, 0);
    }
    assert_ok(tape);
    *memory = tg_memory(tape);
    tg_tape_free(tape);
}

static void wherever_blocks_are(void **state)
{
    (void)state;
    char *bytes = aligned_alloc(LINE, AREA);
    tg_memory_info first = {0};
    size_t calls = 0;
    for (size_t i = 0; i < 8; i++) {
        area a = {bytes, bytes, bytes + AREA, i % 2, i / 2 * (LINE / 4), 0};
        tg_memory_info memory;
        take_and_release(&a, &memory);
        if (i == 0) {
            first = memory;
            calls = a.calls;
        }
        assert_int_equal(a.calls, calls);
        assert_int_equal(memory.live, first.live);
        assert_int_equal(memory.peak, first.peak);
    }
    free(bytes);
}

/* --- bytes that are written to --- */

/* An allocator whose pieces are filled with a pattern, so that it can be told how far each was
 * used: what the tape asked for says little, as blocks double. */
typedef struct piece {
    struct piece *next;
    size_t size;
    unsigned char bytes[];
} piece;

enum { PATTERN = 0xa5 };

static void *patterned_alloc(void *context, size_t size)
{
    piece **first = context, *p = malloc(sizeof *p + size);
    if (!p)
        return NULL;
    *p = (piece){.next = *first, .size = size};
    memset(p->bytes, PATTERN, size);
    *first = p;
    return p->bytes;
}

static void patterned_free(void *context, void *memory, size_t size)
{
    piece **link = context;
    while ((*link)->bytes != memory)
        link = &(*link)->next;
    piece *p = *link;
    assert_int_equal(p->size, size);
    *link = p->next;
    free(p);
}

#if defined(__clang__) || defined(__GNUC__)
#define UNSANITIZED __attribute__((no_sanitize("address")))
#else
#define UNSANITIZED
#endif

/* Looks at memory that the tape does not use now, which is poisoned. */
UNSANITIZED static size_t used_of(const piece *p)
{
    size_t n = p->size;
    while (n > 0 && p->bytes[n - 1] == PATTERN)
        n--;
    return n;
}

static size_t used_in_all(const piece *first)
{
    size_t used = 0;
    for (const piece *p = first; p; p = p->next)
        used += used_of(p);
    return used;
}

static tg_tape *patterned_tape(piece **pieces)
{
    return tg_tape_new(
        &(tg_tape_opts){.alloc = patterned_alloc, .free = patterned_free, .context = pieces});
}

/* Gradients of interior tensors come and go: a pass over a long chain needs a few at a time. */
static void gradients_are_recycled(void **state)
{
    (void)state;
    enum { OPS = 10000, ELEMENTS = 1000 };
    piece *pieces = NULL;
    tg_tape *tape = patterned_tape(&pieces);
    tg_tensor *x = tg_ones(tape, TG_DIMS(ELEMENTS), TG_REQUIRES_GRAD), *y = x;
    for (int i = 0; i < OPS; i++)
        y = i % 2 ? tg_sigmoid(y) : tg_mul(y, y);
    tg_tensor *loss = tg_sum(y);
    size_t before = used_in_all(pieces);
    assert_true(before > (size_t)OPS * ELEMENTS * sizeof(float));
    assert_int_equal(tg_backward(loss), TG_OK);
    size_t after = used_in_all(pieces);
    if (after - before > 20 * ELEMENTS * sizeof(float))
        fail_msg("the pass used %zu bytes", after - before);
    tg_tape_free(tape);
    assert_null(pieces);
}

static tg_tensor *step_add(tg_tensor *x, int i)
{
    (void)i;
    return tg_add(x, x);
}

static tg_tensor *step_mixed(tg_tensor *x, int i)
{
    return i % 2 ? tg_relu(x) : tg_mul_scalar(x, 0.5);
}

static void small_operations(void **state)
{
    (void)state;
    enum { OPS = 100000, ELEMENTS = 8 };
    tg_tensor *(*const steps[])(tg_tensor *, int) = {step_add, step_mixed};
    for (int k = 0; k < 2; k++) {
        piece *pieces = NULL;
        tg_tape *tape = patterned_tape(&pieces);
        tg_tensor *x = tg_ones(tape, TG_DIMS(ELEMENTS), TG_REQUIRES_GRAD), *y = x;
        size_t before = used_in_all(pieces);
        for (int i = 0; i < OPS; i++)
            y = steps[k](y, i);
        assert_non_null(y);
        size_t bytes = (used_in_all(pieces) - before) / OPS;
        if (bytes < ELEMENTS * sizeof(float) || bytes > 272)
            fail_msg("%zu bytes an operation", bytes);
        tg_tape_free(tape);
        assert_null(pieces);
    }
}

/* --- failing --- */

/* A whole life of a tape, for allocations to fail in. */
static tg_status whole_life(test_allocator *allocator)
{
    tg_tape *tape = test_tape(allocator, 1);
    tg_tensor *w = tg_randn(tape, TG_DIMS(3, 40), TG_REQUIRES_GRAD);
    tg_optim *optim = tg_sgd(tape, &w, 1, &(tg_sgd_opts){.momentum = 0.9});
    tg_mark mark = tg_tape_mark(tape);
    for (int i = 0; i < 3; i++) {
        tg_tape_rewind(tape, mark);
        tg_tensor *x = tg_rand(tape, TG_DIMS(200, 40), 0);
        tg_tensor *y = tg_randint(tape, 0, 3, TG_DIMS(200), TG_I64);
        tg_tensor *logits = tg_matmul(x, tg_transpose(w, 0, 1));
        tg_tensor *loss = tg_cross_entropy(logits, y, NULL);
        tg_backward_with(loss, NULL, &(tg_backward_opts){.create_graph = i == 1});
        tg_optim_step(optim);
    }
    tg_status status = tg_error(tape);
    assert_true(status == TG_OK || strstr(tg_error_message(tape), "out of memory"));
    tg_clear_error(tape);
    allocator->fail_at = -1;
    if (tape) { /* it still works, whatever failed */
        tg_tensor *x = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD);
        assert_int_equal(tg_backward(tg_sum(x)), TG_OK);
        assert_equal(tg_f32(tg_grad(x))[2], 1);
    }
    tg_tape_free(tape);
    return status;
}

static void failing_allocations(void **state)
{
    (void)state;
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        int64_t k = 0;
        for (tg_status status = TG_ENOMEM; status; k++) {
            test_allocator allocator = {.fail_at = k, .for_ever = for_ever};
            status = whole_life(&allocator);
            assert_int_equal(status, allocator.failures ? TG_ENOMEM : TG_OK);
            assert_int_equal(allocator.live, 0);
            assert_false(allocator.wrong_size);
        }
        assert_true(k > 15);
    }
}

/* --- what is read where it lies, and not kept --- */

enum { LARGE = 320 * 320, LITTLE = 4096 };

/* The most that was in use at once beyond what was in use before. */
static size_t peak_beyond(tg_tape *tape, size_t before)
{
    assert_ok(tape);
    return tg_memory(tape).peak - before;
}

static tg_tensor *sums_of(tg_tensor *x, int which)
{
    return which == 0   ? tg_sum(x)
           : which == 1 ? tg_mean(x)
           : which == 2 ? tg_var(x)
                        : tg_norm(x, 2);
}

static void reductions_make_no_copies(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        int flags = i % 2 ? TG_F64 : TG_F32;
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *one = tg_ones(tape, TG_DIMS(1), flags);
        tg_tensor *wide = tg_rand(tape, TG_DIMS(10, LARGE / 10), flags);
        size_t before = tg_memory(tape).live;
        tg_reset_peak_memory(tape);
        tg_tensor *spread = sums_of(tg_expand(one, TG_DIMS(LARGE)), i / 2);
        assert_equal(tg_item(spread), i / 2 < 2 ? (i / 2 ? 1 : LARGE) : i / 2 < 3 ? 0 : 320);
        sums_of(tg_transpose(wide, 0, 1), i / 2);
        tg_sum_dim(tg_transpose(wide, 0, 1), 0, false);
        assert_true(peak_beyond(tape, before) < LITTLE);
        tg_tape_free(tape);
    }
}

static tg_tensor *loss_of(tg_tensor *x, tg_tensor *t, int which)
{
    switch (which) {
    case 0:
        return tg_mse_loss(x, t, TG_MEAN);
    case 1:
        return tg_l1_loss(x, t, TG_SUM);
    case 2:
        return tg_smooth_l1_loss(x, t, 0.5, TG_MEAN);
    case 3:
        return tg_huber_loss(x, t, 0.5, TG_SUM);
    case 4:
        return tg_bce_loss(x, t, NULL, TG_MEAN);
    case 5:
        return tg_bce_with_logits_loss(x, t, NULL);
    default:
        return tg_kl_div_loss(x, t, NULL);
    }
}

/* But for the gradient, whose place is there: the first ones go straight to it. */
static void losses_keep_no_elements(void **state)
{
    (void)state;
    for (int i = 0; i < 14; i++) {
        int flags = i % 2 ? TG_F64 : TG_F32, which = i / 2;
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_rand(tape, TG_DIMS(LARGE), flags | TG_REQUIRES_GRAD);
        tg_tensor *t = tg_rand(tape, TG_DIMS(LARGE), flags);
        size_t before = tg_memory(tape).live;
        tg_reset_peak_memory(tape);
        tg_tensor *loss = loss_of(x, t, which);
        assert_true(peak_beyond(tape, before) < LITTLE);
        tg_backward(loss);
        size_t gradients = which < 4 ? 0 : 2;
        assert_true(peak_beyond(tape, before) < LITTLE + gradients * LARGE * (i % 2 ? 8 : 4));
        tg_tape_free(tape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_loops),          cmocka_unit_test(ten_thousand_steps),
        cmocka_unit_test(sizes_that_change),       cmocka_unit_test(wherever_blocks_are),
        cmocka_unit_test(gradients_are_recycled),  cmocka_unit_test(small_operations),
        cmocka_unit_test(failing_allocations),     cmocka_unit_test(reductions_make_no_copies),
        cmocka_unit_test(losses_keep_no_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
