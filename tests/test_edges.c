/* The numbers at their edges: every case of golden/edges.inc, of first and second order, the first
 * one both as a plain pass makes it and as a pass does that can be differentiated. Where the
 * library differs from PyTorch on purpose, `exceptions` says what it gives, and why. Relies on
 * golden.h and on the names of the operations in op_table.h. */
#include "check.h"
#include "golden.h"
#include "op_table.h"

#include <stdio.h>

/* One line of golden/edges.inc. */
typedef struct edge {
    const char *name;
    bool sums; /* which may cancel: then small is as good as 0 */
    size_t n;
    const double *values;
} edge;

#define INF ((double)INFINITY)
#define NONE ((double)NAN)

/* clang-format off */
#define VALUES(...)                                                                                \
    sizeof((const double[]){__VA_ARGS__}) / sizeof(double), (const double[]){__VA_ARGS__}
#define EDGE(name, ...) {name, false, VALUES(__VA_ARGS__)},
#define ROWS(name, ...) {name, true, VALUES(__VA_ARGS__)},
/* clang-format on */

static const edge edges[] = {
#include "golden/edges.inc"
};
enum { EDGES = sizeof edges / sizeof edges[0] };

/* What has no cases: it moves values without a look at them, or computes what another one does. */
static const char without[] =
    " reshape transpose expand contiguous contiguous_copy to to_integer to_and_back gather"
    " index_select embedding tril triu cat stack permute squeeze squeeze_dim unsqueeze flatten"
    " narrow slice select chunk clone sum_dims_bool dropout_evaluation conv2d max_pool2d"
    " avg_pool2d attention_masked batch_norm_evaluation"
    " pad flip roll repeat repeat_interleave diagonal diag split scatter"
    " scatter_add index_copy index_add slice_scatter select_scatter index index_put"
    " masked_select sort topk"
    /* conv's gradient; means, mixes; sigmoids, tanhs and products */
    " conv_transpose1d conv_transpose2d adaptive_avg_pool1d adaptive_avg_pool2d interpolate"
    " lstm gru lstm_cell gru_cell"
    /* Composed of those that have some: */
    " glu outer einsum hinge_embedding_loss margin_ranking_loss soft_margin_loss"
    " cosine_embedding_loss multi_margin_loss triplet_margin_loss poisson_nll_loss"
    " gaussian_nll_loss group_norm instance_norm rms_norm cdist normalize cosine_similarity"
    " pairwise_distance"
    /* Special values of these are in golden/formulas.inc: */
    " hardtanh relu6 hardsigmoid hardswish selu celu mish softsign softplus_with add_scaled lerp"
    " logaddexp clamp_tensors floor ceil round trunc frac remainder fmod floor_divide tan asin"
    " acos atan sinh cosh asinh acosh atanh log2 log10 exp2 atan2 addmm baddbmm ";

/* --- where the library differs on purpose --- */

/* In a case of this operation, of dtype f or d (T: both), with that word in its name (NULL: any), a
 * value of that part (o: output, 1 and 2: gradients of that order) may differ in the ways listed,
 * each as "golden>ours": n nan, + and - infinities, 0, f any other number. */
typedef struct exception {
    const char *op;
    char dtype;
    const char *with;
    char part;
    const char *ways;
    int count; /* of values that differ so */
    const char *reason;
} exception;

static const char ties[] =
    "nans share the gradient as other ties do, and others get 0, as in max()";
static const char masked[] = "what is not chosen gets 0, also of an infinite gradient";
static const char first_nan[] = "the first of several nans gets the gradient";
static const char ignored[] = "an ignored position has gradient 0 whatever its logits";
static const char confident[] = "the target's p - 1 is not made of two terms: no inf - inf";
static const char narrow[] =
    "the result fits float32, a step on the way does not; PyTorch's neither";
static const char wide[] = "PyTorch's squares or powers overflow, here they do not";
static const char large[] = "a sum of products with the largest number overflows on the way";
static const char large_row[] = "a row whose variance overflows is normalised to 0";
static const char root[] = "the slope of a root at 0 is taken as 0, in both orders";
static const char subnormal[] = "so it is at a subnormal, whose square is 0 in PyTorch's float32";
static const char left[] = "at the kink the slope is that of the left side, in both orders";
static const char one[] = "the slope at a nan is 1";
static const char limit[] = "the limit, 0 or infinite; PyTorch multiplies inf by 0";
static const char power[] = "0 where a limit is taken from, as in the first order; else the limit";
static const char power_zero[] = "a^b moves with a as b / a at b = 0, which PyTorch drops";
static const char entropy[] = "t log t has the limit 0 at 0, and the slope -inf";
static const char certain[] = "the term of a target of 0 is 0, whatever the logarithm";
static const char curve[] = "the slope of log t is 1 / t, also where that is infinite";
static const char epsilon[] = "PyTorch's 1e-12 is a float32, and not only where it divides by 0";
static const char negative[] = "1 / x at -0";
static const char mistake[] = "an infinitely confident mistake costs inf";
static const char digits[] = "PyTorch's terms cancel";
static const char cancels[] = "two gradients that cancel, each right to its last digit";

static const char quotient[] = "PyTorch divides the product, which is infinite, by its factors";
static const char meets[] = "a step on the way is an infinite product times 0";

static const exception exceptions[] = {
    {"amax", 'T', "nan", '1', "n>f", 36, ties},
    {"amax", 'T', NULL, '2', "n>f", 22, ties},
    {"amax", 'T', NULL, '1', "n>0 n>+", 324, masked},
    {"amin", 'T', "nan", '1', "n>f", 36, ties},
    {"amin", 'T', NULL, '2', "n>f", 22, ties},
    {"amin", 'T', NULL, '1', "n>0 n>+", 284, masked},
    {"norm_dims", 'T', "p:inf", '1', "n>0", 196, masked},
    {"max_pool1d", 'T', NULL, '1', "+>f 0>+ f>0", 16, first_nan},
    {"max_pool1d", 'T', NULL, '2', "f>f", 6, first_nan},
    {"cross_entropy", 'T', "<=inf", '1', "n>+ n>-", 20, confident},
    {"cross_entropy", 'T', "<=inf", '2', "n>+ n>-", 28, confident},
    {"cross_entropy", 'T', NULL, '1', "n>0", 444, ignored},
    {"cross_entropy", 'T', NULL, '2', "n>0", 222, ignored},
    {"linear_cross_entropy", 'T', NULL, '1', "n>0 n>f", 28, ignored},
    {"linear_cross_entropy", 'T', NULL, '2', "n>0 n>f", 14, ignored},
    {"elu", 'T', NULL, '1', "n>f n>+", 8, one},
    {"elu", 'T', NULL, '2', "0>f", 4, left},
    {"elu", 'T', "<=inf", '2', "n>0 n>+ n>f", 16, limit},
    {"elu", 'T', NULL, '2', "n>f", 4, one},
    {"prelu", 'T', NULL, '2', "0>f 0>+ f>0 f>+ f>- f>f f>n", 152, left},
    {"prelu", 'f', NULL, '2', "->n", 2, narrow},
    {"erf", 'T', NULL, '2', "n>0", 2, limit},
    {"gelu", 'T', NULL, '2', "n>0", 6, limit},
    {"gelu_tanh", 'T', NULL, '2', "n>0", 6, limit},
    {"softplus", 'T', NULL, '2', "n>0", 4, limit},
    {"silu", 'T', NULL, '2', "n>+ n>0", 9, limit},
    {"pow", 'T', NULL, '2', "n>0 n>f n>+ n>-", 50, power},
    {"pow", 'T', NULL, '2', "0>f", 4, power_zero},
    {"pow", 'd', NULL, '2', "+>f", 1, digits},
    {"pow", 'f', NULL, '2', "+>n 0>n f>n f>+", 5, narrow},
    {"reciprocal", 'f', NULL, '1', "+>n ->n", 4, narrow},
    {"reciprocal", 'f', NULL, '2', "+>n ->n", 2, narrow},
    {"div", 'f', NULL, '2', "+>n ->n 0>n", 16, narrow},
    {"div", 'd', NULL, '2', "n>-", 4, wide},
    {"mul", 'f', NULL, '2', "0>n", 2, narrow},
    {"mse_loss", 'f', NULL, '2', "0>n", 26, narrow},
    {"smooth_l1_loss", 'f', "1e-60", '2', "0>n", 20, narrow},
    {"attention", 'f', NULL, '2', "0>n f>n", 12, narrow},
    {"std", 'T', NULL, '2', "n>0", 36, root},
    {"std", 'f', NULL, '2', "0>n f>n f>+ f>-", 18, narrow},
    {"var", 'f', NULL, '2', "f>+ f>-", 4, narrow},
    {"norm", 'd', NULL, 'o', "+>f", 2, wide},
    {"norm", 'd', NULL, '1', "0>f", 4, wide},
    {"norm", 'T', NULL, '2', "0>n 0>+ 0>- f>+ f>- f>n", 16, large},
    {"norm_dims", 'd', "p:2 ", 'o', "+>f", 4, wide},
    {"norm_dims", 'd', "p:2 ", '1', "0>f", 4, wide},
    {"norm_dims", 'T', "p:2 ", '1', "n>+ n>-", 12, wide},
    {"norm_dims", 'T', "p:2 ", '1', "n>0", 30, root},
    {"norm_dims", 'f', "p:2 ", '1', "+>n ->n", 24, narrow},
    {"norm_dims", 'f', "p:2 ", '1', "f>0 ->0", 44, subnormal},
    {"norm_dims", 'T', "p:2 ", '2', "n>+ n>-", 8, wide},
    {"norm_dims", 'T', "p:2 ", '2', "n>0", 39, root},
    {"norm_dims", 'f', "p:2 ", '2', "+>0 ->0 f>0", 13, subnormal},
    {"norm_dims", 'T', "p:2 ", '2', "0>n f>n f>+ 0>+ 0>f", 52, large},
    {"norm_dims", 'd', "p:0.5 ", '1', "+>f ->f", 24, wide},
    {"norm_dims", 'T', "p:0.5 ", '1', "n>0", 80, root},
    {"norm_dims", 'd', "p:0.5 ", '2', "+>f ->f", 6, wide},
    {"norm_dims", 'T', "p:0.5 ", '2', "n>+ n>- n>0 n>f", 228, root},
    {"norm_dims", 'f', "p:0.5 ", '2', "+>n ->n", 18, narrow},
    {"norm_dims", 'f', "p:3 ", 'o', "f>+", 4, narrow},
    {"norm_dims", 'f', "p:3 ", '1', "+>n ->n 0>n f>n ->0 f>0", 84, narrow},
    {"norm_dims", 'T', "p:3 ", '2', "n>0", 15, root},
    {"norm_dims", 'f', "p:3 ", '2', "+>0 ->0 f>0 ->n 0>n f>n", 46, narrow},
    {"layer_norm", 'd', NULL, 'o', "n>0", 36, large_row},
    {"layer_norm", 'd', NULL, '1', "n>0 n>f", 36, large_row},
    {"layer_norm", 'd', NULL, '2', "n>0 n>f", 54, large_row},
    {"batch_norm", 'd', NULL, '2', "n>0", 6, large_row},
    {"bce_loss", 'd', NULL, '1', "f>f", 28, epsilon},
    {"bce_loss", 'T', NULL, '2', "f>0", 10, epsilon},
    {"bce_loss", 'T', NULL, '2', "->+", 10, negative},
    {"bce_with_logits_loss", 'T', NULL, 'o', "n>+", 6, mistake},
    {"bce_with_logits_loss", 'T', NULL, 'o', "0>f", 2, digits},
    {"bce_with_logits_loss", 'd', NULL, '1', "0>f", 4, digits},
    {"bce_with_logits_loss", 'd', NULL, '2', "f>f", 2, digits},
    {"kl_div_loss", 'T', "log_target", '1', "0>n", 2, narrow},
    {"kl_div_loss", 'T', "log_target", '2', "0>n", 5, narrow},
    {"kl_div_loss", 'T', "log_target", '2', "f>0", 14, cancels},
    {"kl_div_loss", 'T', NULL, 'o', "n>0", 12, certain},
    {"kl_div_loss", 'T', NULL, '1', "n>-", 72, entropy},
    {"kl_div_loss", 'T', NULL, '2', "n>+ n>- +>f", 99, curve},
    {"cumprod", 'T', NULL, '1', "n>+ n>- ->f", 128, quotient},
    {"cumprod", 'T', NULL, '2', "n>+ n>- n>f ->f", 27, quotient},
    {"cumprod", 'T', NULL, '2', "+>n ->n", 60, meets},
    {"prod", 'T', NULL, '2', "n>+ n>- n>f +>f ->f", 47, quotient},
    {"prod", 'T', NULL, '2', "+>n ->n", 39, meets},
};
enum { EXCEPTIONS = sizeof exceptions / sizeof exceptions[0] };

static int needed[EXCEPTIONS];

static char class_of(double x)
{
    return isnan(x) ? 'n' : isinf(x) ? (x > 0 ? '+' : '-') : x == 0 ? '0' : 'f';
}

static bool has_way(const char *ways, double golden, double ours)
{
    for (const char *way = ways; *way; way += 3 + (way[3] == ' ')) {
        if (way[0] == class_of(golden) && way[2] == class_of(ours))
            return true;
    }
    return false;
}

/* -1: there is none. */
static int exception_for(const edge *e, char part, int dtype, double golden, double ours)
{
    for (int i = 0; i < EXCEPTIONS; i++) {
        const exception *x = &exceptions[i];
        size_t length = strlen(x->op);
        if (!strncmp(e->name, x->op, length) && e->name[length] == ' ' && x->part == part &&
            (x->dtype == 'T' || x->dtype == "fd"[dtype]) &&
            (!x->with || strstr(e->name, x->with)) && has_way(x->ways, golden, ours))
            return i;
    }
    return -1;
}

/* --- running --- */

/* The parts of a case: the output, first gradients, second gradients. */
enum { PARTS = 2 + 2 * GOLDEN_INPUTS };

typedef struct results {
    golden_case c;
    int n, first, seconds; /* parts; where the first and the second gradients begin */
    tg_tensor *part[PARTS];
    tg_tensor *plain[GOLDEN_INPUTS]; /* the first gradients, by a pass that records nothing */
} results;

/* A leaf of t's shape and dtype, full of zeros. */
static tg_tensor *zeros_like(const tg_tensor *t, int flags)
{
    int64_t dims[GOLDEN_DIMS];
    for (int i = 0; i < tg_ndim(t); i++)
        dims[i] = tg_size(t, i);
    return tg_zeros(tg_tape_of(t), tg_ndim(t), dims, tg_dtype(t) | flags);
}

/* t's values in a leaf that requires a gradient. */
static tg_tensor *leaf_of(tg_tensor *t)
{
    tg_tensor *leaf = zeros_like(t, TG_REQUIRES_GRAD);
    bool enabled = tg_set_grad_enabled(tg_tape_of(t), false);
    tg_copy_(leaf, t);
    tg_set_grad_enabled(tg_tape_of(t), enabled);
    return leaf;
}

/* 1, 3, 1, 3, ... */
static tg_tensor *ones_and_threes(const tg_tensor *t)
{
    tg_tensor *y = zeros_like(t, 0);
    void *data = tg_data_mut(y);
    for (int64_t i = 0; i < tg_numel(y); i++) {
        if (tg_dtype(y) == TG_F32)
            ((float *)data)[i] = i % 2 ? 3 : 1;
        else
            ((double *)data)[i] = i % 2 ? 3 : 1;
    }
    return y;
}

static tg_tensor *gradient_or_zeros(const tg_tensor *leaf)
{
    return tg_grad(leaf) ? tg_clone(tg_grad(leaf)) : zeros_like(leaf, 0);
}

static void run_second(results *r, tg_tensor **leaves, int n, tg_tensor *upstream)
{
    leaves[n] = upstream;
    for (int i = 0; i <= n; i++)
        tg_zero_grad(leaves[i]);
    for (int i = 0; i < n; i++) {
        tg_tensor *g = r->part[r->first + i];
        if (tg_requires_grad(g))
            tg_backward_with(g, ones_and_threes(g), NULL);
    }
    r->seconds = r->n;
    for (int i = 0; i <= n; i++)
        r->part[r->n++] = gradient_or_zeros(leaves[i]);
}

static void run(results *r, tg_tape *tape, const edge *e)
{
    tg_tensor *leaves[GOLDEN_INPUTS + 1];
    int n = 0;
    if (!golden_read(&r->c, tape, e->name))
        fail_msg("%s: the name is not understood", e->name);
    for (int i = 0; i < r->c.leaves; i++) {
        if (tg_requires_grad(r->c.leaf[i]))
            leaves[n++] = r->c.leaf[i];
    }
    tg_tensor *out = r->part[r->n++] = golden_op_of(e->name)->run(&r->c);
    tg_tensor *upstream = out ? leaf_of(golden_upstream(&r->c, out)) : NULL;
    tg_backward_with(out, tg_detach(upstream), NULL);
    for (int i = 0; i < n; i++)
        r->plain[i] = gradient_or_zeros(leaves[i]);
    r->first = r->n;
    tg_gradients(out, upstream, leaves, (size_t)n, r->part + r->n,
                 &(tg_backward_opts){.create_graph = true});
    r->n += n;
    if (!tg_error(tape))
        run_second(r, leaves, n, upstream);
    if (tg_error(tape))
        fail_msg("%s: %s", e->name, tg_error_message(tape));
}

/* --- comparing --- */

static bool agree(const edge *e, int dtype, double got, double want)
{
    if (!isfinite(got) || !isfinite(want))
        return (isnan(got) && isnan(want)) || got == want;
    bool single = dtype == TG_F32;
    double relative = single ? 1e-5 : 1e-11;
    double least = e->sums ? (single ? 1e-6 : 1e-14) : (single ? 0x1p-146 : 0x1p-1071);
    return fabs(got - want) <= relative * fabs(want) + least;
}

/* Zeros of an output have PyTorch's sign where the operation's row in the tables says so. */
static bool same_sign(const edge *e, char part, double got, double want)
{
    return part != 'o' || got != 0 || want != 0 || !signbit(got) == !signbit(want) ||
           golden_op_of(e->name)->check == GOLDEN_NEAR;
}

static int compare(const edge *e, const char *what, int part, tg_tensor *t, const double *want)
{
    int failures = 0;
    snapshot s = snapshot_of(t);
    for (int64_t i = 0; i < s.numel; i++) {
        double got = snapshot_at(&s, i);
        if (agree(e, s.dtype, got, want[i]) && same_sign(e, what[0], got, want[i]))
            continue;
        int x = exception_for(e, what[0], s.dtype, want[i], got);
        if (x >= 0) {
            needed[x]++;
            continue;
        }
        failures++;
        print_error("%s: %s %d, element %lld: %.9g, wanted %.9g\n", e->name, what, part,
                    (long long)i, got, want[i]);
    }
    return failures;
}

static int check(const edge *e)
{
    tg_tape *tape = tg_tape_new(NULL);
    static results r;
    r = (results){0};
    run(&r, tape, e);
    int failures = 0;
    size_t at = 0;
    for (int i = 0; i < r.n; i++) {
        if (at + (size_t)tg_numel(r.part[i]) > e->n)
            fail_msg("%s: too few values", e->name);
        const char *what = i == 0 ? "output" : i < r.seconds ? "1st" : "2nd";
        int number = i == 0 ? 0 : i < r.seconds ? i - 1 : i - r.seconds;
        failures += compare(e, what, number, r.part[i], e->values + at);
        if (i > 0 && i < r.seconds)
            failures += compare(e, "1st, plain", number, r.plain[number], e->values + at);
        at += (size_t)tg_numel(r.part[i]);
    }
    if (at != e->n)
        fail_msg("%s: %zu values, wanted %zu", e->name, at, e->n);
    tg_tape_free(tape);
    return failures;
}

static void test_edges(void **state)
{
    (void)state;
    int failures = 0;
    for (size_t i = 0; i < EDGES; i++)
        failures += check(&edges[i]);
    if (failures)
        fail_msg("%d values are wrong", failures);
}

/* Whether a case's operation is this one, over whichever dims. */
static bool is_case_of(const edge *e, const char *name)
{
    size_t length = strcspn(e->name, " ");
    const char *rest = name + length;
    return !strncmp(e->name, name, length) &&
           (!*rest || !strcmp(rest, "_dim") || !strcmp(rest, "_dims"));
}

static bool has_case(const char *name)
{
    for (size_t i = 0; i < EDGES; i++) {
        if (is_case_of(&edges[i], name))
            return true;
    }
    char word[64];
    snprintf(word, sizeof word, " %s ", name);
    return strstr(without, word);
}

static void test_every_operation_has_cases(void **state)
{
    (void)state;
    int missing = 0;
    for (size_t i = 0; i < op_rows(); i++) {
        const op_row *row = op_row_at(i);
        bool makes = !row->samples[0] || !*row->samples[0]->in; /* something out of nothing */
        if (!makes && !(row->is & (OP_CONSTANT | OP_RANDOM | OP_IN_PLACE)) && !has_case(row->name))
            print_error("%s has no case\n", row->name), missing++;
    }
    assert_int_equal(missing, 0);
}

/* Runs after all cases: the table says what there is. */
static void test_every_exception_is_needed(void **state)
{
    (void)state;
    int wrong = 0;
    for (int i = 0; i < EXCEPTIONS; i++) {
        const exception *x = &exceptions[i];
        if (needed[i] == x->count)
            continue;
        wrong++;
        print_error("%s %c %s, part %c, %s: %d values, not %d: %s\n", x->op, x->dtype,
                    x->with ? x->with : "", x->part, x->ways, needed[i], x->count, x->reason);
    }
    if (wrong)
        fail_msg("%d exceptions", wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_every_operation_has_cases),
        cmocka_unit_test(test_every_exception_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
