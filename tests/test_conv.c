/* Convolutions and their gradients, and max pooling, against loops in double over many shapes, strides,
 * paddings, dilations and groups; and the same bits for every instruction set and number of threads. */
#include "check.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

/* Of images [n][groups * from][in[0]][in[1]]. */
typedef struct shape {
    int64_t n, groups, from, to, in[2], kernel[2], stride[2], padding[2], dilation[2];
} shape;

/* Those that reach a path of their own: each larger than a block in some way. */
static const shape chosen[] = {
    {1, 1, 1, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {1, 1}},
    {2, 1, 3, 17, {9, 11}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
    {5, 1, 40, 30, {7, 7}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, /* two blocks of channels */
    {9, 1, 2, 5, {14, 14}, {5, 5}, {1, 1}, {0, 0}, {1, 1}}, /* bundles of images, the last short */
    {2, 1, 2, 3, {70, 50}, {3, 5}, {1, 1}, {2, 1}, {1, 1}}, /* blocks of rows */
    {1, 2, 3, 16, {1, 2500}, {1, 7}, {1, 1}, {0, 3}, {1, 1}}, /* of columns */
    {1, 1, 1, 2, {1, 2100}, {1, 9}, {1, 3}, {0, 4}, {1, 60}}, /* elements far apart */
    {1, 1, 2, 2, {40, 37}, {2, 2}, {1, 1}, {0, 1}, {30, 25}}, /* in both axes */
    {3, 1, 3, 8, {21, 23}, {7, 7}, {2, 2}, {3, 3}, {1, 1}},
    {2, 1, 4, 6, {11, 12}, {3, 2}, {2, 3}, {1, 2}, {2, 1}},  /* phases */
    {2, 1, 4, 6, {13, 12}, {3, 3}, {4, 2}, {1, 0}, {2, 4}},  /* some without elements */
    {2, 1, 2, 4, {9, 10}, {1, 1}, {3, 2}, {0, 0}, {1, 1}},   /* most of the image is not read */
    {3, 13, 1, 1, {16, 15}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, /* depthwise */
    {2, 5, 1, 3, {16, 15}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
    {2, 4, 3, 2, {8, 9}, {2, 3}, {1, 2}, {1, 1}, {2, 1}},
    {4, 1, 3, 7, {5, 6}, {5, 6}, {1, 1}, {0, 0}, {1, 1}},     /* a linear layer */
    {2, 1, 3, 150, {3, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}},   /* two lots of channels made */
    {1, 1, 1, 3, {1, 700}, {1, 300}, {1, 1}, {0, 9}, {1, 1}}, /* two of elements of the kernel */
    {2, 1, 2, 3, {4, 4}, {3, 3}, {1, 1}, {7, 6}, {1, 1}},     /* more padding than image */
    {40, 1, 1, 2, {30, 30}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},  /* sums that are collected twice */
};
enum { CHOSEN = sizeof chosen / sizeof *chosen, RANDOM = 150 };

static int64_t draw(uint64_t *state, int64_t from, int64_t to)
{
    return from + (int64_t)random_between(state, 0, (double)(to - from + 1));
}

static shape random_shape(uint64_t *state)
{
    shape s = {draw(state, 1, 4),
               draw(state, 1, 3),
               draw(state, 1, 5),
               draw(state, 1, 9),
               {0},
               {0},
               {0},
               {0},
               {0}};
    for (int i = 0; i < 2; i++) {
        s.kernel[i] = draw(state, 1, 4);
        s.stride[i] = draw(state, 1, 4);
        s.padding[i] = draw(state, 0, 3);
        s.dilation[i] = draw(state, 1, 3);
        s.in[i] = draw(state, 1, 12) + (s.kernel[i] - 1) * s.dilation[i];
    }
    return s;
}

static int64_t out_of(const shape *s, int i)
{
    int64_t span = (s->kernel[i] - 1) * s->dilation[i] + 1;
    return (s->in[i] + 2 * s->padding[i] - span) / s->stride[i] + 1;
}

/* x, weight, bias and the upstream gradient; then y and the gradients of the first three. */
enum { X, WEIGHT, BIAS, G, Y, DX, DWEIGHT, DBIAS, ALL };

static int64_t size_of(const shape *s, int i)
{
    int64_t x = s->n * s->groups * s->from * s->in[0] * s->in[1];
    int64_t weight = s->groups * s->to * s->from * s->kernel[0] * s->kernel[1];
    int64_t y = s->n * s->groups * s->to * out_of(s, 0) * out_of(s, 1);
    const int64_t sizes[ALL] = {x, weight, s->groups * s->to, y, y, x, weight, s->groups * s->to};
    return sizes[i];
}

/* All that one element of y, at (i, j) of channel `to` of a group, has to do with one element of x. */
static void follow(const shape *s, double **v, const int64_t *at, const int64_t *k)
{
    int64_t n = at[0], group = at[1], to = at[2], channels = s->groups * s->from;
    int64_t y = at[3] * s->stride[0] + k[1] * s->dilation[0] - s->padding[0];
    int64_t x = at[4] * s->stride[1] + k[2] * s->dilation[1] - s->padding[1];
    if (y < 0 || y >= s->in[0] || x < 0 || x >= s->in[1])
        return;
    int64_t in = ((n * channels + group * s->from + k[0]) * s->in[0] + y) * s->in[1] + x;
    int64_t row = group * s->to + to;
    int64_t w = ((row * s->from + k[0]) * s->kernel[0] + k[1]) * s->kernel[1] + k[2];
    int64_t out = ((n * s->groups * s->to + row) * out_of(s, 0) + at[3]) * out_of(s, 1) + at[4];
    v[Y][out] += v[X][in] * v[WEIGHT][w];
    v[DX][in] += v[G][out] * v[WEIGHT][w];
    v[DWEIGHT][w] += v[G][out] * v[X][in];
}

/* Calls follow() for everything. */
static void reference(const shape *s, double **v)
{
    int64_t area = out_of(s, 0) * out_of(s, 1), channels = s->groups * s->to;
    int64_t window = s->kernel[0] * s->kernel[1];
    for (int64_t i = 0; i < size_of(s, Y); i++) {
        int64_t channel = i / area % channels;
        const int64_t at[] = {i / area / channels, channel / s->to, channel % s->to,
                              i % area / out_of(s, 1), i % out_of(s, 1)};
        for (int64_t j = 0; j < s->from * window; j++)
            follow(s, v, at, (int64_t[]){j / window, j % window / s->kernel[1], j % s->kernel[1]});
        v[Y][i] += v[BIAS][channel];
        v[DBIAS][channel] += v[G][i];
    }
}

static void *room(int64_t n)
{
    void *p = calloc((size_t)n + 1, sizeof(double));
    assert_non_null(p);
    return p;
}

static tg_tensor *tensor_of(tg_tape *tape, const double *values, int ndim, const int64_t *dims,
                            int flags)
{
    tg_tensor *t = tg_zeros(tape, ndim, dims, flags);
    for (int64_t i = 0; i < tg_numel(t); i++) {
        if (tg_dtype(t) == TG_F32)
            ((float *)tg_data_mut(t))[i] = (float)values[i];
        else
            ((double *)tg_data_mut(t))[i] = values[i];
    }
    return t;
}

/* The library's results, in order. */
static void run(const shape *s, int dtype, const tg_tape_opts *opts, double **in, tg_tensor **out)
{
    tg_tape *tape = tg_tape_new(opts);
    tg_tensor *t[4];
    const int64_t dims[4][4] = {{s->n, s->groups * s->from, s->in[0], s->in[1]},
                                {s->groups * s->to, s->from, s->kernel[0], s->kernel[1]},
                                {s->groups * s->to},
                                {s->n, s->groups * s->to, out_of(s, 0), out_of(s, 1)}};
    for (int i = 0; i < 4; i++)
        t[i] = tensor_of(tape, in[i], i == BIAS ? 1 : 4, dims[i],
                         dtype | (i == G ? 0 : TG_REQUIRES_GRAD));
    tg_conv_opts o = {.groups = s->groups};
    memcpy(o.stride, s->stride, sizeof o.stride);
    memcpy(o.padding, s->padding, sizeof o.padding);
    memcpy(o.dilation, s->dilation, sizeof o.dilation);
    out[0] = tg_conv2d(t[X], t[WEIGHT], t[BIAS], &o);
    tg_backward_with(out[0], t[G], NULL);
    assert_ok(tape);
    for (int i = 0; i < 3; i++)
        out[1 + i] = tg_grad(t[i]);
}

static void check_near(const shape *s, int what, int dtype, const tg_tensor *got,
                       const double *want)
{
    assert_int_equal(tg_numel(got), size_of(s, what));
    double near = dtype == TG_F32 ? 4e-6 : 1e-13, most = 1;
    for (int64_t i = 0; i < tg_numel(got); i++)
        most = fabs(want[i]) > most ? fabs(want[i]) : most;
    for (int64_t i = 0; i < tg_numel(got); i++) {
        double is = dtype == TG_F32 ? (double)tg_f32(got)[i] : tg_f64(got)[i];
        if (!(fabs(is - want[i]) <= near * most))
            fail_msg("[%lld, %lld x %lld, %lld, %lld] to %lld, kernel %lld x %lld: result %d, "
                     "element %lld is %.9g, not %.9g",
                     (long long)s->n, (long long)s->groups, (long long)s->from, (long long)s->in[0],
                     (long long)s->in[1], (long long)s->to, (long long)s->kernel[0],
                     (long long)s->kernel[1], what - Y, (long long)i, is, want[i]);
    }
}

/* The same bits, whatever runs them. */
static void check_same(const shape *s, int dtype, double **in, tg_tensor *const *first)
{
    for (int isa = TG_ISA_BASE; isa <= TG_ISA_V4; isa++) {
        tg_tensor *other[4];
        run(s, dtype, &(tg_tape_opts){.threads = 1 + isa, .isa = (tg_isa)isa}, in, other);
        for (int i = 0; i < 4; i++) {
            if (!tensors_same(first[i], other[i]))
                fail_msg("result %d of a shape has other bits", i);
        }
        tg_tape_free(tg_tape_of(other[0]));
    }
}

static void check_shape(const shape *s, uint64_t *state)
{
    double *v[ALL];
    for (int i = 0; i < ALL; i++) {
        v[i] = room(size_of(s, i));
        for (int64_t k = 0; i < Y && k < size_of(s, i); k++)
            v[i][k] = (double)(float)random_between(state, -1, 1);
    }
    reference(s, v);
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tensor *got[4];
        run(s, dtype, &(tg_tape_opts){.threads = 1}, v, got);
        for (int i = 0; i < 4; i++)
            check_near(s, Y + i, dtype, got[i], v[Y + i]);
        check_same(s, dtype, v, got);
        tg_tape_free(tg_tape_of(got[0]));
    }
    for (int i = 0; i < ALL; i++)
        free(v[i]);
}

static void test_chosen_shapes(void **unused)
{
    (void)unused;
    uint64_t state = 1;
    for (int i = 0; i < CHOSEN; i++)
        check_shape(&chosen[i], &state);
}

static void test_random_shapes(void **unused)
{
    (void)unused;
    uint64_t state = 2;
    for (int i = 0; i < RANDOM; i++) {
        shape s = random_shape(&state);
        check_shape(&s, &state);
    }
}

static tg_tensor *convolved(tg_tensor *const *in, size_t n, void *context)
{
    (void)n;
    return tg_conv2d(in[0], in[1], in[2], context);
}

/* Of both orders, where strides, dilations and groups meet. */
static void test_gradients(void **unused)
{
    (void)unused;
    tg_conv_opts opts = {.stride = {2, 3}, .padding = {1, 2}, .dilation = {2, 1}, .groups = 2};
    for (int second = 0; second < 2; second++) {
        tg_tape *tape = tg_tape_new(NULL);
        int flags = TG_F64 | TG_REQUIRES_GRAD;
        tg_tensor *in[] = {tg_randn(tape, TG_DIMS(2, 4, 6, 7), flags),
                           tg_randn(tape, TG_DIMS(6, 2, 2, 3), flags),
                           tg_randn(tape, TG_DIMS(6), flags)};
        tg_gradcheck(convolved, &opts, in, 3, &(tg_gradcheck_opts){.second_order = second});
        assert_ok(tape);
        tg_tape_free(tape);
    }
}

/* An element of x that no window of an element of the weight sees leaves its gradient alone, also where
 * it is no number. */
static void test_infinite_image(void **unused)
{
    (void)unused;
    for (int isa = TG_ISA_BASE; isa <= TG_ISA_V4; isa++) {
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){.isa = (tg_isa)isa});
        tg_tensor *x = tg_ones(tape, TG_DIMS(2, 1, 3, 5), 0);
        tg_tensor *w = tg_ones(tape, TG_DIMS(1, 1, 2, 3), TG_REQUIRES_GRAD);
        ((float *)tg_data_mut(x))[4] = (float)NAN;       /* the corner that the last column sees */
        ((float *)tg_data_mut(x))[15] = (float)INFINITY; /* the other, of the second image */
        tg_backward(tg_sum(tg_conv2d(x, w, NULL, NULL)));
        const float *g = tg_f32(tg_grad(w));
        assert_ok(tape);
        assert_true(isinf(g[0]) && isnan(g[2]));
        for (int i = 0; i < 6; i++)
            assert_true(i == 0 || i == 2 || g[i] == 12);
        tg_tape_free(tape);
    }
}

/* The gradient of weights where some elements of x are infinite, or nan, is what its sums say: in blocks of several
 * images, the last of which has fewer, and in images of several blocks. */
static void test_odd_blocks(void **unused)
{
    (void)unused;
    const shape shapes[] = {{9, 1, 2, 5, {14, 14}, {5, 5}, {1, 1}, {0, 0}, {1, 1}},
                            {51, 1, 2, 3, {4, 4}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
                            {1, 1, 1, 2, {300, 200}, {2, 3}, {1, 1}, {0, 1}, {1, 1}}};
    const double odd[] = {(double)INFINITY, -(double)INFINITY, (double)NAN};
    for (int i = 0; i < 9; i++) {
        const shape *s = &shapes[i / 3];
        uint64_t state = 4;
        double *v[ALL];
        for (int k = 0; k < ALL; k++) {
            v[k] = room(size_of(s, k));
            for (int64_t j = 0; k < Y && j < size_of(s, k); j++)
                v[k][j] = (double)(float)random_between(&state, 0.5, 1);
        }
        v[X][0] = odd[i % 3];
        reference(s, v);
        for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
            tg_tensor *got[4];
            run(s, dtype, &(tg_tape_opts){.threads = 1}, v, got);
            for (int64_t k = 0; k < size_of(s, WEIGHT); k++) {
                double want = v[DWEIGHT][k], near = dtype == TG_F32 ? 4e-6 : 1e-12;
                double is = dtype == TG_F32 ? (double)tg_f32(got[2])[k] : tg_f64(got[2])[k];
                assert_true(is == want || (isnan(is) && isnan(want)) ||
                            fabs(is - want) <= near * fabs(want));
            }
            tg_tape_free(tg_tape_of(got[0]));
        }
        for (int k = 0; k < ALL; k++)
            free(v[k]);
    }
}

/* --- average pooling --- */

/* A single window that the image is within: its padding counts, or does not. */
static void test_mean_with_padding(void **unused)
{
    (void)unused;
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new(NULL);
        tg_tensor *x = tg_reshape(tg_arange(tape, 1, 19, 1, dtype), TG_DIMS(2, 3, 3));
        /* What is within the window, and the sum of that in the first image. */
        const struct {
            tg_pool_more_opts opts;
            double size, sum, more;
        } cases[] = {{{.kernel = {5, 4}, .padding = {1, 1}}, 20, 45, 81},
                     {{.kernel = {3, 3}}, 9, 45, 81},
                     {{.kernel = {3, 2}}, 6, 27, 54},
                     {{.kernel = {2, 3}}, 6, 21, 54},
                     {{.kernel = {3, 3}, .padding = {1, 0}}, 9, 21, 54},
                     {{.kernel = {3, 3}, .padding = {0, 1}}, 9, 27, 54}};
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            tg_pool_more_opts opts = cases[i].opts;
            opts.stride[0] = opts.stride[1] = 9;
            tg_tensor *y = tg_avg_pool2d_with(x, &opts);
            assert_ok(tape);
            assert_int_equal(tg_numel(y), 2);
            snapshot s = snapshot_of(y);
            assert_near(snapshot_at(&s, 0), cases[i].sum / cases[i].size, 1e-6);
            assert_near(snapshot_at(&s, 1), (cases[i].sum + cases[i].more) / cases[i].size, 1e-6);
        }
        tg_tape_free(tape);
    }
}

/* --- max pooling --- */

static double pool_reference(const shape *s, const float *x, int64_t i, int64_t *at)
{
    int64_t area = out_of(s, 0) * out_of(s, 1), plane = i / area * s->in[0] * s->in[1];
    double most = -(double)INFINITY;
    *at = -1;
    for (int64_t k = 0; k < s->kernel[0] * s->kernel[1]; k++) {
        int64_t row = i % area / out_of(s, 1) * s->stride[0] - s->padding[0] +
                      k / s->kernel[1] * s->dilation[0];
        int64_t column =
            i % out_of(s, 1) * s->stride[1] - s->padding[1] + k % s->kernel[1] * s->dilation[1];
        if (row < 0 || row >= s->in[0] || column < 0 || column >= s->in[1])
            continue;
        double value = (double)x[plane + row * s->in[1] + column];
        if (*at < 0 || value > most || (isnan(value) && !isnan(most))) {
            most = value;
            *at = plane + row * s->in[1] + column;
        }
    }
    return most;
}

/* Numbers of few kinds, so that many are equal. */
static float any_number(uint64_t *state)
{
    int64_t kind = draw(state, 0, 11);
    return kind == 0 ? (float)NAN : kind == 1 ? -(float)INFINITY : (float)(kind % 5);
}

static void check_pool(const shape *s, const tg_tape_opts *opts, uint64_t *state)
{
    tg_tape *tape = tg_tape_new(opts);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(s->n, s->from, s->in[0], s->in[1]), TG_REQUIRES_GRAD);
    tg_pool_opts o = {.kernel = {0}};
    memcpy(o.kernel, s->kernel, sizeof o.kernel);
    memcpy(o.stride, s->stride, sizeof o.stride);
    memcpy(o.padding, s->padding, sizeof o.padding);
    memcpy(o.dilation, s->dilation, sizeof o.dilation);
    for (int64_t i = 0; i < tg_numel(x); i++)
        ((float *)tg_data_mut(x))[i] = any_number(state);
    tg_tensor *y = tg_max_pool2d(x, &o), *g = tg_arange(tape, 1, (double)tg_numel(y) + 1, 1, 0);
    double *want = room(tg_numel(x));
    tg_backward_with(y, tg_reshape(g, 4, (int64_t[]){s->n, s->from, out_of(s, 0), out_of(s, 1)}),
                     NULL);
    assert_ok(tape);
    for (int64_t i = 0, at; i < tg_numel(y); i++) {
        double most = pool_reference(s, tg_f32(x), i, &at), is = (double)tg_f32(y)[i];
        assert_true(is == most || (isnan(is) && isnan(most)));
        if (at >= 0)
            want[at] += (double)(i + 1);
    }
    for (int64_t i = 0; i < tg_numel(x); i++)
        assert_true((double)tg_f32(tg_grad(x))[i] == want[i]);
    free(want);
    tg_tape_free(tape);
}

static void test_max_pool(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    for (int i = 0; i < 300; i++) {
        shape s = random_shape(&state);
        for (int axis = 0; axis < 2; axis++) {
            s.in[axis] += draw(&state, 0, 20);
            s.padding[axis] =
                s.padding[axis] < s.kernel[axis] / 2 ? s.padding[axis] : s.kernel[axis] / 2;
        }
        check_pool(&s, &(tg_tape_opts){.threads = 1 + i % 3, .isa = (tg_isa)(TG_ISA_BASE + i % 3)},
                   &state);
    }
}

/* A window that the image is between: nothing is chosen, and nothing gets the gradient. */
static void test_max_pool_of_nothing(void **unused)
{
    (void)unused;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(1, 1, 1), TG_REQUIRES_GRAD);
    tg_pool_opts opts = {.kernel = {2}, .padding = {1}, .dilation = {2}};
    tg_tensor *y = tg_max_pool1d(x, &opts);
    tg_backward(y);
    assert_ok(tape);
    assert_true(tg_item(y) == -(double)INFINITY);
    assert_true(tg_item(tg_grad(x)) == 0);
    /* Nor does it give any back: y = -inf at all x, so that all of x's gradient's gradient is 0. */
    tg_zero_grad(x);
    tg_tensor *g = tg_ones(tape, TG_DIMS(1, 1, 1), TG_REQUIRES_GRAD);
    y = tg_max_pool1d(x, &opts);
    tg_tensor *dx;
    tg_gradients(y, g, &x, 1, &dx, &(tg_backward_opts){.create_graph = true});
    tg_backward(tg_sum(dx));
    assert_ok(tape);
    assert_true(tg_item(tg_grad(g)) == 0);
    /* Rows between which all of an image lies. */
    tg_tensor *wide = tg_ones(tape, TG_DIMS(1, 1, 40), 0);
    y = tg_max_pool2d(
        wide,
        &(tg_pool_opts){.kernel = {2, 1}, .padding = {1, 0}, .dilation = {2, 1}, .stride = {1, 1}});
    assert_ok(tape);
    assert_int_equal(tg_numel(y), 40);
    for (int i = 0; i < 40; i++)
        assert_true((double)tg_f32(y)[i] == -(double)INFINITY);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chosen_shapes), cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_gradients),     cmocka_unit_test(test_infinite_image),
        cmocka_unit_test(test_odd_blocks),    cmocka_unit_test(test_mean_with_padding),
        cmocka_unit_test(test_max_pool),      cmocka_unit_test(test_max_pool_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
