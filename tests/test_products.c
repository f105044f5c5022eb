/* Matrix products as raw memory sees them: every path (few rows, one column, tiles that stick out,
 * blocks, what is packed and what is not) on every instruction set gives bit for bit what a loop of
 * fma in order of k gives, and writes nothing else. */
#include "check.h"

#include "kernels/gemm.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SPACE = 3
}; /* between rows of c that are not side by side, and elements of what is strided */

/* What numbers are like: any; of few digits, so that sums are ties; such that products are subnormal,
 * lost, at the edge of what there is; with infinities, nan and zeros among them. */
enum { ANY, TIES, SUBNORMAL, LOST, HUGE, STRANGE, MANNERS };

enum { C = 3 }; /* the seed of what c starts from */

typedef struct product {
    tgk_gemm_args args;
    int dtype, manner;
    int64_t length_a, length_b, length_c;
} product;

static size_t size_of(const product *p)
{
    return p->dtype ? sizeof(double) : sizeof(float);
}

static void put(void *data, int dtype, int64_t i, double value)
{
    if (dtype)
        ((double *)data)[i] = value;
    else
        ((float *)data)[i] = (float)value;
}

/* By a number in [-1, 1) and some bits: a factor, or of the size of a product of two. */
static double number(const product *p, double x, unsigned bits, int factors)
{
    static const double strange[] = {(double)INFINITY, (double)NAN, 0, -0.0, 1, 0x1p-149, 1, 1};
    static const int apart[2][MANNERS] = {{0, 0, -70, -90, 59, 0}, {0, 0, -520, -600, 507, 0}};
    if (p->manner == ANY)
        return x;
    if (p->manner == STRANGE && bits % 64 < 8)
        return x < 0 ? -strange[bits % 8] : strange[bits % 8];
    if (bits % 8 == 0)
        return 0;
    if (bits % 2)
        x = round(x * (p->dtype ? 0x1p+27 : 0x1p+12)) / (p->dtype ? 0x1p+27 : 0x1p+12);
    return ldexp(x, factors * (apart[p->dtype][p->manner] + (int)(bits / 64 % 8)));
}

/* Memory of exactly this size, so that what reads over its end is seen by those who look for it. */
static void *numbers(const product *p, int64_t count, unsigned seed)
{
    void *data = malloc((size_t)(count ? count : 1) * size_of(p));
    assert_non_null(data);
    const bool of_c = seed == C;
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        const double x = (double)(seed >> 8) / (1 << 23) - 1;
        put(data, p->dtype, i, number(p, x, seed >> 4 ^ seed >> 20, of_c ? 2 : 1));
    }
    return data;
}

/* A matrix of this kind: by rows, by columns, with space between its elements. */
static int64_t lay(tgk_matrix *m, int64_t rows, int64_t columns, char kind)
{
    int64_t apart = kind == 's' ? SPACE : 1;
    *m = kind == 'T' ? (tgk_matrix){NULL, 1, rows} : (tgk_matrix){NULL, columns * apart, apart};
    return rows && columns ? (rows - 1) * m->row + (columns - 1) * m->column + 1 : 0;
}

static void chain(const product *p, void *c, int64_t i, int64_t j)
{
    const tgk_gemm_args *g = &p->args;
    const int64_t at = i * g->row + j;
    if (p->dtype) {
        double sum = g->accumulate ? ((double *)c)[at] : 0;
        for (int64_t q = 0; q < g->k; q++)
            sum = fma(((const double *)g->a.data)[i * g->a.row + q * g->a.column],
                      ((const double *)g->b.data)[q * g->b.row + j * g->b.column], sum);
        ((double *)c)[at] = g->bias ? sum + ((const double *)g->bias)[j] : sum;
    } else {
        float sum = g->accumulate ? ((float *)c)[at] : 0;
        for (int64_t q = 0; q < g->k; q++)
            sum = fmaf(((const float *)g->a.data)[i * g->a.row + q * g->a.column],
                       ((const float *)g->b.data)[q * g->b.row + j * g->b.column], sum);
        ((float *)c)[at] = g->bias ? sum + ((const float *)g->bias)[j] : sum;
    }
}

/* Without workspace where it says that it needs none. */
static void *workspace_for(const tgk_gemm_args *g, size_t size)
{
    return tgk_gemm_in_place(g) ? NULL : malloc(tgk_gemm_workspace(g->m, g->n, g->k, size));
}

/* Bit for bit, but that a nan is a nan. */
static bool same(const product *p, const void *expected)
{
    if (!memcmp(p->args.c, expected, (size_t)p->length_c * size_of(p)))
        return true;
    for (int64_t i = 0; i < p->length_c; i++) {
        const double x = p->dtype ? ((double *)p->args.c)[i] : (double)((float *)p->args.c)[i];
        const double y =
            p->dtype ? ((const double *)expected)[i] : (double)((const float *)expected)[i];
        if (p->manner == ANY || !(isnan(x) ? isnan(y) : x == y && !signbit(x) == !signbit(y)))
            return false;
    }
    return true;
}

static void compare(const product *p, const void *expected, int isa)
{
    const tgk_gemm_args *g = &p->args;
    if (same(p, expected))
        return;
    fail_msg("%s of manner %d, instruction set %d: %lld x %lld x %lld, a by %lld and %lld, b by "
             "%lld and %lld,"
             "c by %lld%s%s",
             p->dtype ? "double" : "float", p->manner, isa, (long long)g->m, (long long)g->n,
             (long long)g->k, (long long)g->a.row, (long long)g->a.column, (long long)g->b.row,
             (long long)g->b.column, (long long)g->row, g->accumulate ? ", accumulating" : "",
             g->bias ? ", bias" : "");
}

/* Whole, then in two pieces. */
static void run(const product *p, const void *start, const void *expected, int isa)
{
    tgk_gemm *gemm = tgk_gemm_table[isa][p->dtype];
    void *workspace = workspace_for(&p->args, size_of(p));
    for (int pieces = 1; pieces <= 2; pieces++) {
        memcpy(p->args.c, start, (size_t)p->length_c * size_of(p));
        for (int i = 0; i < pieces; i++) {
            tgk_gemm_args part = p->args;
            bool by_rows = part.m >= part.n;
            int64_t length = by_rows ? part.m : part.n;
            part.workspace = workspace;
            (by_rows ? tgk_gemm_rows : tgk_gemm_columns)(&part, length * i / pieces,
                                                         length * (i + 1) / pieces, size_of(p));
            gemm(&part);
        }
        compare(p, expected, isa);
    }
    free(workspace);
}

static void check_of(int manner, int64_t m, int64_t n, int64_t k, const char *kinds, int dtype,
                     unsigned how)
{
    product p = {.args = {.m = m, .n = n, .k = k, .accumulate = how & 1}, .dtype = dtype};
    p.manner = manner;
    tgk_gemm_args *g = &p.args;
    p.length_a = lay(&g->a, m, k, kinds[0]);
    p.length_b = lay(&g->b, k, n, kinds[1]);
    g->row = how & 2 ? n + SPACE : n;
    p.length_c = m ? (m - 1) * g->row + n : 0;
    void *a = numbers(&p, p.length_a, 1), *b = numbers(&p, p.length_b, 2);
    void *start = numbers(&p, p.length_c, C), *expected = numbers(&p, p.length_c, C);
    void *bias = numbers(&p, n, 4);
    g->a.data = a;
    g->b.data = b;
    g->c = numbers(&p, p.length_c, C);
    g->bias = how & 4 ? bias : NULL;
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++)
            chain(&p, expected, i, j);
    }
    for (int isa = 0; isa <= tgk_isa_best(); isa++) {
        if (tgk_isa_choose(isa) == isa)
            run(&p, start, expected, isa);
    }
    void *all[] = {a, b, g->c, start, expected, bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void check(int64_t m, int64_t n, int64_t k, const char *kinds, int dtype, unsigned how)
{
    check_of(ANY, m, n, k, kinds, dtype, how);
}

static const char *const kinds[] = {"NN", "NT", "TN", "TT", "sN", "Ns", "ss"};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* All heights of a tile, with widths around those of vectors; each with another way of calling. */
static void test_edges(void **state)
{
    (void)state;
    const int64_t widths[] = {1, 2, 7, 8, 9, 16, 17, 31, 32, 33, 50, 129},
                  depths[] = {0, 1, 5, 16, 37};
    unsigned how = 0;
    for (int64_t m = 0; m <= 30; m++) {
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            for (size_t kind = 0; kind < KINDS; kind++, how++) {
                int64_t k = depths[(how / KINDS + kind) % 5];
                check(m, widths[w], k, kinds[kind], (int)(how / 3 % 2), how);
            }
        }
    }
}

/* Deeper than a block, larger than the second cache, one row, one column. */
static void test_long(void **state)
{
    (void)state;
    const int64_t sizes[][3] = {
        {3, 40, 600},  {1, 1100, 515}, {1100, 1, 515}, {2, 70, 300},  {30, 70, 300}, {300, 5, 260},
        {5, 300, 260}, {1, 1, 1000},   {20, 1, 1000},  {1, 20, 1000}, {15, 33, 700}, {64, 64, 64},
        {18, 2100, 6}, {520, 34, 20},  {2, 1100, 300}, {50, 40, 16},  {90, 40, 20},  {20, 300, 2}};
    unsigned how = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t kind = 0; kind < KINDS; kind++, how++) {
            const int64_t *s = sizes[i];
            check(s[0], s[1], s[2], kinds[kind], (int)(how % 2), how / 2);
        }
    }
}

/* Where a machine without fused multiply-adds must not take the quick way. */
static void test_manners(void **state)
{
    (void)state;
    const int64_t sizes[][3] = {{5, 7, 3}, {3, 5, 70}, {1, 40, 33}, {40, 40, 20}, {9, 40, 300}};
    for (unsigned i = 0; i < 8 * 2 * MANNERS * 5; i++) {
        const int64_t *s = sizes[i / (16 * MANNERS)];
        check_of((int)(i / 16 % MANNERS), s[0], s[1], s[2], kinds[i % KINDS], (int)(i / 8 % 2), i);
    }
}

/* A sum that overflows and comes back in a wider type; a factor whose halves overflow. */
static void test_ends(void **state)
{
    (void)state;
    for (int isa = 0; isa <= tgk_isa_best(); isa++) {
        if (tgk_isa_choose(isa) != isa)
            continue;
        const float a[] = {0x1p+52F, -0x1p+62F}, b[] = {0x1p+52F, 0x1p+62F};
        const double large = 0x1p+1000, small = 0x1.8p-100;
        float c = FLT_MAX;
        double d = 0;
        tgk_gemm_table[isa][0](&(tgk_gemm_args){
            .m = 1, .n = 1, .k = 2, .a = {a, 2, 1}, .b = {b, 1, 1}, .c = &c, .accumulate = true});
        tgk_gemm_table[isa][1](&(tgk_gemm_args){
            .m = 1, .n = 1, .k = 1, .a = {&large, 1, 1}, .b = {&small, 1, 1}, .c = &d});
        assert_true(isinf(c));
        assert_true(d == 0x1.8p+900);
    }
}

/* What a product takes beside its matrices is about as much as a and b, up to what caches hold. */
static void test_room(void **state)
{
    (void)state;
    const int64_t sizes[][3] = {{16, 64, 32}, {64, 128, 784}, {128, 784, 64}, {1, 9, 5}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
        for (size_t size = sizeof(float); size <= sizeof(double); size *= 2)
            assert_in_range(tgk_gemm_workspace(m, n, k, size), 1,
                            (size_t)(k * (m + 8) + k * (n + 31)) * size + 128);
    }
    const size_t large = tgk_gemm_workspace(1 << 20, 1 << 20, 1 << 20, sizeof(double));
    assert_int_equal(large, 2 * 64 + (256 << 10) + 256 * 2048 * sizeof(double));
}

/* A product that threads share: of the shorter side each has all, of the longer one its piece; the same bits. */
static void test_room_of_pieces(void **state)
{
    (void)state;
    const int64_t sizes[][3] = {
        {256, 64, 256}, {64, 256, 256}, {384, 32, 700}, {1000, 40, 100}, {40, 1000, 100}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
        const int64_t longer = m > n ? m : n, shorter = m > n ? n : m, deep = k < 256 ? k : 256;
        tg_tensor *products[4] = {NULL};
        for (int threads = 1; threads <= 4; threads++) {
            tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = threads});
            tg_tensor *a = tg_randn(tape, TG_DIMS(m, k), 0), *b = tg_randn(tape, TG_DIMS(k, n), 0);
            tg_reset_peak_memory(tape);
            const size_t before = tg_memory(tape).peak, size = sizeof(float);
            products[threads - 1] = tg_matmul(a, b);
            assert_non_null(products[threads - 1]);
            const size_t most = (size_t)(m * n + deep * (longer + threads * (shorter + 96))) * size;
            assert_in_range(tg_memory(tape).peak - before, 1, most + 1000 + (size_t)threads * 300);
            assert_memory_equal(tg_f32(products[0]), tg_f32(products[threads - 1]),
                                (size_t)(m * n) * size);
        }
        for (int threads = 1; threads <= 4; threads++)
            tg_tape_free(tg_tape_of(products[threads - 1]));
    }
}

/* Batches, shared by threads, of which one is stretched over the other. */
static void test_batches(void **state)
{
    (void)state;
    tg_tape *tapes[] = {tg_tape_new(NULL), tg_tape_new(&(tg_tape_opts){.threads = 3})};
    tg_tensor *products[2];
    for (int i = 0; i < 2; i++) {
        tg_tape *tape = tapes[i];
        tg_tensor *a = tg_randn(tape, TG_DIMS(5, 2, 33, 40), TG_F32);
        tg_tensor *b = tg_transpose(tg_randn(tape, TG_DIMS(2, 90, 40), TG_F32), -1, -2);
        products[i] = tg_matmul(a, b);
        for (int64_t j = 0; j < 10; j++) {
            tg_tensor *x = tg_select(tg_select(a, 0, j / 2), 0, j % 2), *y = tg_select(b, 0, j % 2);
            tg_tensor *one = tg_contiguous(tg_matmul(x, y));
            assert_memory_equal(tg_f32(products[i]) + j * 33 * 90, tg_f32(one), 33 * 90 * 4);
        }
        assert_int_equal(tg_error(tape), TG_OK);
    }
    assert_memory_equal(tg_f32(products[0]), tg_f32(products[1]), 10 * 33 * 90 * 4);
    tg_tape_free(tapes[0]);
    tg_tape_free(tapes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),   cmocka_unit_test(test_long),
        cmocka_unit_test(test_manners), cmocka_unit_test(test_ends),
        cmocka_unit_test(test_room),    cmocka_unit_test(test_room_of_pieces),
        cmocka_unit_test(test_batches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
