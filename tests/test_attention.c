/* tg_scaled_dot_product_attention() beside the products and the softmax that it stands for: the same
 * bits over many blocks of queries, and none of the memory of all weights. */
#include "check.h"
#include "support.h"

#include <tinygrad/op.h>

typedef enum masking { NOTHING, CAUSAL, BOOLS, FLOATS, FLOATS_GRAD } masking;

/* Dims of q, k, v; those of the mask; whether heads are laid out behind positions, as a model has
 * them before it transposes. */
typedef struct attention {
    int ndim;
    int64_t q[4], k[4], v[4];
    masking masking;
    int mask_ndim;
    int64_t mask[4];
    int dtype;
    double scale;
    bool transposed;
} attention;

enum { LEAVES = 4 };

/* q, k, v and the mask; leaves that may be seen transposed. */
typedef struct inputs {
    tg_tape *tape;
    tg_tensor *leaf[LEAVES], *in[LEAVES];
} inputs;

static tg_tensor *mask_of(tg_tape *tape, const attention *a)
{
    int flags = a->dtype | (a->masking == FLOATS_GRAD ? TG_REQUIRES_GRAD : 0);
    tg_tensor *mask = tg_randn(tape, a->mask_ndim, a->mask, flags);
    if (a->masking == BOOLS)
        mask = tg_gt_scalar(mask, 0.3);
    return mask;
}

static inputs make(const attention *a, const tg_tape_opts *opts)
{
    inputs in = {.tape = tg_tape_new(opts)};
    const int64_t *dims[] = {a->q, a->k, a->v};
    tg_manual_seed(in.tape, 11);
    for (int i = 0; i < 3; i++) {
        in.leaf[i] = tg_randn(in.tape, a->ndim, dims[i], a->dtype | TG_REQUIRES_GRAD);
        in.in[i] = a->transposed ? tg_transpose(in.leaf[i], -2, -3) : in.leaf[i];
    }
    if (a->masking > CAUSAL)
        in.leaf[3] = in.in[3] = mask_of(in.tape, a);
    return in;
}

static tg_tensor *fused(const inputs *in, const attention *a)
{
    const tg_attention_opts opts = {
        .mask = in->in[3], .causal = a->masking == CAUSAL, .scale = a->scale};
    return tg_scaled_dot_product_attention(in->in[0], in->in[1], in->in[2], &opts);
}

static tg_tensor *composed(const inputs *in, const attention *a)
{
    tg_tensor *q = in->in[0], *k = in->in[1];
    double scale = a->scale != 0 ? a->scale : 1 / sqrt((double)tg_size(q, -1));
    tg_tensor *scores = tg_matmul(tg_mul_scalar(q, scale), tg_transpose(k, -2, -1));
    const int64_t *matrix = tg_sizes(scores) + tg_ndim(scores) - 2;
    if (a->masking == CAUSAL)
        scores = tg_masked_fill(scores, tg_triu(tg_ones(in->tape, 2, matrix, TG_BOOL), 1),
                                -(double)INFINITY);
    else if (a->masking == BOOLS)
        scores = tg_masked_fill(scores, tg_logical_not(in->in[3]), -(double)INFINITY);
    else if (in->in[3])
        scores = tg_add(scores, in->in[3]);
    return tg_matmul(tg_softmax(scores, -1), in->in[2]);
}

static void descend(const inputs *in, tg_tensor *y, bool graph)
{
    tg_manual_seed(in->tape, 3);
    tg_tensor *g = tg_randn(in->tape, tg_ndim(y), tg_sizes(y), tg_dtype(y));
    tg_backward_with(y, g, &(tg_backward_opts){.create_graph = graph});
    assert_ok(in->tape);
}

static void assert_same_gradients(int i, const inputs *a, const inputs *b)
{
    static const char *const names[LEAVES] = {"dq", "dk", "dv", "dmask"};
    for (int k = 0; k < LEAVES; k++) {
        if (a->leaf[k] && tg_requires_grad(a->leaf[k]) &&
            !tensors_same(tg_contiguous(tg_grad(a->leaf[k])), tg_contiguous(tg_grad(b->leaf[k]))))
            fail_msg("case %d: %s has other bits", i, names[k]);
    }
}

static const attention cases[] = {
    {.ndim = 2, .q = {5, 3}, .k = {7, 3}, .v = {7, 2}},
    {.ndim = 2, .q = {5, 3}, .k = {5, 3}, .v = {5, 2}, .masking = CAUSAL},
    {.ndim = 2, .q = {5, 3}, .k = {40, 3}, .v = {40, 2}, .masking = CAUSAL},
    {.ndim = 2, .q = {17, 3}, .k = {17, 3}, .v = {17, 2}, .masking = CAUSAL, .scale = -2},
    {.ndim = 2, .q = {200, 30}, .k = {200, 30}, .v = {200, 40}, .masking = CAUSAL},
    {.ndim = 2, .q = {200, 30}, .k = {90, 30}, .v = {90, 40}, .masking = CAUSAL},
    {.ndim = 2, .q = {90, 30}, .k = {200, 30}, .v = {200, 40}, .masking = CAUSAL},
    {.ndim = 2, .q = {2000, 8}, .k = {2100, 8}, .v = {2100, 5}},
    {.ndim = 3, .q = {3, 70, 16}, .k = {3, 65, 16}, .v = {3, 65, 16}, .dtype = TG_F64},
    {.ndim = 4,
     .q = {2, 130, 3, 16},
     .k = {2, 130, 3, 16},
     .v = {2, 130, 3, 20},
     .masking = CAUSAL,
     .transposed = true},
    {.ndim = 4,
     .q = {2, 90, 3, 16},
     .k = {2, 90, 3, 16},
     .v = {2, 90, 3, 20},
     .masking = CAUSAL,
     .dtype = TG_F64,
     .transposed = true},
    {.ndim = 4, .q = {2, 3, 40, 8}, .k = {1, 3, 50, 8}, .v = {2, 1, 50, 8}},
    {.ndim = 3,
     .q = {4, 300, 8},
     .k = {4, 350, 8},
     .v = {4, 350, 8},
     .masking = BOOLS,
     .mask_ndim = 3,
     .mask = {4, 1, 350}},
    {.ndim = 3,
     .q = {4, 300, 8},
     .k = {4, 350, 8},
     .v = {4, 350, 8},
     .masking = FLOATS,
     .mask_ndim = 2,
     .mask = {300, 350}},
    {.ndim = 3,
     .q = {2, 30, 8},
     .k = {2, 20, 8},
     .v = {2, 20, 8},
     .masking = FLOATS_GRAD,
     .mask_ndim = 2,
     .mask = {30, 1}},
    {.ndim = 3,
     .q = {2, 30, 8},
     .k = {2, 20, 8},
     .v = {2, 20, 8},
     .masking = FLOATS_GRAD,
     .mask_ndim = 3,
     .mask = {2, 30, 20},
     .dtype = TG_F64},
};
enum { CASES = sizeof cases / sizeof *cases };

static bool large(const attention *a)
{
    int64_t weights = 1;
    for (int i = 0; i + 1 < a->ndim; i++)
        weights *= a->q[i] > a->k[i] ? a->q[i] : a->k[i];
    return weights * a->k[a->ndim - 2 - a->transposed] > 20000;
}

/* On every instruction set and on one to three threads, against the composition on one. */
static void bits(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const attention *a = &cases[i];
        inputs want = make(a, &(tg_tape_opts){.threads = 1});
        tg_tensor *y = composed(&want, a);
        descend(&want, y, false);
        for (int k = 0; k < 4; k++) {
            tg_isa isa = k < 3 ? isa_number(k, large(a)) : TG_ISA_BEST;
            inputs got = make(a, &(tg_tape_opts){.threads = 1 + k % 3, .isa = isa});
            tg_tensor *other = fused(&got, a);
            assert_ok(got.tape);
            if (!tensors_same(y, other))
                fail_msg("case %d: the result has other bits", i);
            descend(&got, other, false);
            assert_same_gradients(i, &want, &got);
            tg_tape_free(got.tape);
        }
        tg_tape_free(want.tape);
    }
}

/* A recorded pass gives the bits of one that is not, and so does a replay. */
static void ways(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        inputs want = make(&cases[i], NULL), got = make(&cases[i], NULL);
        tg_mark mark = tg_tape_mark(got.tape);
        tg_tensor *y = fused(&got, &cases[i]);
        descend(&want, fused(&want, &cases[i]), false);
        assert_int_equal(tg_tape_replay(got.tape, mark), TG_OK);
        descend(&got, y, true);
        assert_same_gradients(i, &want, &got);
        tg_tape_free(want.tape);
        tg_tape_free(got.tape);
    }
}

/* One tensor in three places, which is a leaf: its gradients add up in the order q, k, v. */
static void same_tensor(void **state)
{
    (void)state;
    tg_tensor *x[3], *sum[3];
    tg_tape *tape = tg_tape_new(NULL);
    for (int i = 0; i < 3; i++) {
        tg_manual_seed(tape, 5);
        x[i] = tg_randn(tape, TG_DIMS(70, 12), TG_REQUIRES_GRAD);
    }
    tg_backward(tg_sum(tg_scaled_dot_product_attention(x[0], x[1], x[2], NULL)));
    for (int i = 0; i < 3; i++)
        sum[i] = tg_clone(tg_grad(x[i]));
    tg_zero_grad(x[0]);
    tg_backward(tg_sum(tg_scaled_dot_product_attention(x[0], x[0], x[0], NULL)));
    assert_ok(tape);
    assert_true(tensors_same(tg_grad(x[0]), tg_add(tg_add(sum[0], sum[1]), sum[2])));
    tg_tape_free(tape);
}

/* A query that may see nothing gets zeros and gives no gradient, whatever its values. */
static void nothing_to_see(void **state)
{
    (void)state;
    for (int floats = 0; floats < 2; floats++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *q = tg_randn(tape, TG_DIMS(3, 4), TG_REQUIRES_GRAD);
        tg_tensor *kv = tg_randn(tape, TG_DIMS(5, 4), TG_REQUIRES_GRAD);
        tg_tensor *mask = tg_zeros(tape, TG_DIMS(3, 5), TG_BOOL);
        tg_fill_(tg_narrow(mask, 0, 1, 1), 1);
        if (floats)
            mask = tg_log(tg_to(mask, TG_F32));
        tg_tensor *y =
            tg_scaled_dot_product_attention(q, kv, kv, &(tg_attention_opts){.mask = mask});
        tg_backward(tg_sum(y));
        assert_ok(tape);
        for (int i = 0; i < 4; i++) {
            assert_equal(tg_f32(y)[i], 0);
            assert_equal(tg_f32(y)[8 + i], 0);
            assert_equal(tg_f32(tg_grad(q))[i], 0);
            assert_equal(tg_f32(tg_grad(q))[8 + i], 0);
            assert_true(isfinite(tg_f32(tg_grad(kv))[i]));
            assert_true(tg_f32(y)[4 + i] != 0 && tg_f32(tg_grad(q))[4 + i] != 0);
        }
        tg_tape_free(tape);
    }
}

/* 64 MiB of weights, and as much for their gradient, are never there. */
static void memory(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 2});
    tg_tensor *x[3];
    for (int i = 0; i < 3; i++)
        x[i] = tg_randn(tape, TG_DIMS(4096, 8), TG_REQUIRES_GRAD);
    size_t before = tg_memory(tape).live;
    tg_reset_peak_memory(tape);
    tg_tensor *y =
        tg_scaled_dot_product_attention(x[0], x[1], x[2], &(tg_attention_opts){.causal = true});
    tg_backward(tg_sum(y));
    assert_ok(tape);
    double mib = (double)(tg_memory(tape).peak - before) / (1 << 20);
    print_message("%.2f MiB\n", mib);
    assert_true(mib < 8);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits),           cmocka_unit_test(ways),   cmocka_unit_test(same_tensor),
        cmocka_unit_test(nothing_to_see), cmocka_unit_test(memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
