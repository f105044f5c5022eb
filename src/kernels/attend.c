/* Attention, see attend.h. */
#include "kernels/attend.h"

#include "kernels/sizes.h"
#include "kernels/softmax_rows.h"

#include <math.h>
#include <string.h>

/* --- loops over a block of queries or scores, which is contiguous, of one dtype --- */

typedef struct elements {
    void (*scale)(void *to, tgk_matrix x, int64_t rows, int64_t columns, double by);
    /* Rows from `row` on; where causal, or masked. */
    void (*causal)(void *scores, int64_t row, int64_t rows, int64_t columns);
    void (*mask)(void *scores, const tgk_attention *a, int64_t row, int64_t rows);
    bool (*all_hidden)(const void *scores, int64_t columns); /* a row of nothing but -inf */
} elements;

#define ELEMENTS(T)                                                                                \
    static void scale_##T(void *to, tgk_matrix x, int64_t rows, int64_t columns, double by)        \
    {                                                                                              \
        for (int64_t i = 0; i < rows; i++) {                                                       \
            T *y = (T *)to + i * columns;                                                          \
            const T *from = (const T *)x.data + i * x.row;                                         \
            for (int64_t j = 0; j < columns; j++)                                                  \
                y[j] = from[j * x.column] * (T)by;                                                 \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void causal_##T(void *scores, int64_t row, int64_t rows, int64_t columns)               \
    {                                                                                              \
        for (int64_t i = 0; i < rows; i++) {                                                       \
            T *x = (T *)scores + i * columns;                                                      \
            for (int64_t j = row + i + 1; j < columns; j++)                                        \
                x[j] = -(T)INFINITY;                                                               \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void mask_##T(void *scores, const tgk_attention *a, int64_t row, int64_t rows)          \
    {                                                                                              \
        for (int64_t i = 0; i < rows; i++) {                                                       \
            T *x = (T *)scores + i * a->keys;                                                      \
            const int64_t from = (row + i) * a->mask.row;                                          \
            for (int64_t j = 0; j < a->keys && a->mask_kind == TGK_FLOAT_MASK; j++)                \
                x[j] += ((const T *)a->mask.data)[from + j * a->mask.column];                      \
            for (int64_t j = 0; j < a->keys && a->mask_kind == TGK_BOOL_MASK; j++) {               \
                if (!((const bool *)a->mask.data)[from + j * a->mask.column])                      \
                    x[j] = -(T)INFINITY;                                                           \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static bool all_hidden_##T(const void *scores, int64_t columns)                                \
    {                                                                                              \
        const T *x = scores;                                                                       \
        int64_t j = 0;                                                                             \
        while (j < columns && x[j] == -(T)INFINITY)                                                \
            j++;                                                                                   \
        return j == columns;                                                                       \
    }

ELEMENTS(float)
ELEMENTS(double)

static const elements elements_of[2] = {
    {scale_float, causal_float, mask_float, all_hidden_float},
    {scale_double, causal_double, mask_double, all_hidden_double},
};

/* --- a block of queries --- */

typedef struct block {
    const tgk_attention *a;
    const elements *elements;
    const tgk_softmax *softmax;
    tgk_gemm *gemm;
    size_t size;                /* of an element */
    int64_t row, rows, columns; /* its queries, and the keys that they see */
    void *queries, *weights;    /* the queries times scale; [rows][columns] */
    void *gradient;             /* of the weights, then of the scores: as large as weights */
    void *workspace;            /* of products */
} block;

/* Rows in a block: about BYTES of scores. Causal ones are low, for each sees as many keys as its last
 * row. */
static int64_t block_rows(const tgk_attention *a, size_t size)
{
    enum { BYTES = 128 << 10, FEWEST = 16, CAUSAL = 64 };
    int64_t rows = BYTES / (a->keys * (int64_t)size + 1);
    rows = tgk_least(rows > FEWEST ? rows : FEWEST, a->queries);
    return a->causal ? tgk_least(rows, CAUSAL) : rows;
}

/* Up to where the last of a block's queries sees. Whole steps, so that the sums of softmax come out as
 * those of whole rows: of so many elements and more, zeros at the end change nothing. */
static int64_t seen(const tgk_attention *a, int64_t rows)
{
    enum { STEP = 32 };
    return a->causal ? tgk_least((rows + STEP - 1) / STEP * STEP, a->keys) : a->keys;
}

/* Bytes of each part of the workspace, rounded up to whole cache lines. */
typedef struct needs {
    uint64_t queries, scores, products;
} needs;

static uint64_t lines(int64_t count, size_t size)
{
    return ((uint64_t)count * size + 63) / 64 * 64;
}

static needs needs_of(const tgk_attention *a, size_t size)
{
    int64_t rows = block_rows(a, size), width = a->width > a->values ? a->width : a->values;
    int64_t longest = a->keys > width ? a->keys : width;
    size_t of_rows = tgk_gemm_workspace(rows, longest, longest, size);
    size_t of_keys = tgk_gemm_workspace(a->keys, width, rows, size);
    return (needs){lines(rows * a->width, size), lines(rows * a->keys, size),
                   of_rows > of_keys ? of_rows : of_keys};
}

uint64_t tgk_attention_workspace(const tgk_attention *a, size_t size)
{
    needs n = needs_of(a, size);
    return 64 + n.queries + 2 * n.scores + n.products;
}

static block first_block(const tgk_attention *a, int isa, int dtype)
{
    static const size_t sizes[] = {sizeof(float), sizeof(double)};
    block b = {.a = a,
               .elements = &elements_of[dtype],
               .softmax = &tgk_softmax_table[isa][dtype],
               .gemm = tgk_gemm_table[isa][dtype],
               .size = sizes[dtype]};
    needs n = needs_of(a, b.size);
    char *memory = (char *)a->workspace + (-(uintptr_t)a->workspace & 63);
    b.queries = memory;
    b.weights = memory + n.queries;
    b.gradient = memory + n.queries + n.scores;
    b.workspace = memory + n.queries + 2 * n.scores;
    return b;
}

/* Goes on to the block that begins with row; false where there is none. */
static bool at_row(block *b, int64_t row)
{
    b->row = row;
    b->rows = tgk_least(block_rows(b->a, b->size), b->a->queries - row);
    b->columns = seen(b->a, row + b->rows);
    return b->rows > 0;
}

static void *behind(const block *b, void *data, int64_t count)
{
    return (char *)data + count * (int64_t)b->size;
}

/* The block's rows of a matrix. */
static tgk_matrix own_rows(const block *b, tgk_matrix m)
{
    return (tgk_matrix){(const char *)m.data + b->row * m.row * (int64_t)b->size, m.row, m.column};
}

static tgk_matrix whole(const void *data, int64_t columns)
{
    return (tgk_matrix){data, columns, 1};
}

static tgk_matrix transposed(tgk_matrix m)
{
    return (tgk_matrix){m.data, m.column, m.row};
}

static void multiply(const block *b, tgk_gemm_args args)
{
    args.workspace = b->workspace;
    b->gemm(&args);
}

/* softmax in place. */
static void normalise(const block *b)
{
    tgk_rows rows = {b->rows, b->columns, 1, b->weights, b->weights, NULL};
    if (b->a->mask_kind == TGK_NO_MASK) {
        b->softmax->softmax(&rows, 0, b->columns ? tgk_softmax_blocks(&rows) : 0);
        return;
    }
    for (int64_t i = 0; i < b->rows; i++) {
        void *row = behind(b, b->weights, i * b->columns);
        if (b->elements->all_hidden(row, b->columns))
            memset(row, 0, (size_t)b->columns * b->size);
        else
            b->softmax->softmax(&(tgk_rows){1, b->columns, 1, row, row, NULL}, 0, 1);
    }
}

static void make_weights(const block *b)
{
    const tgk_attention *a = b->a;
    b->elements->scale(b->queries, own_rows(b, a->q), b->rows, a->width, a->scale);
    multiply(b, (tgk_gemm_args){.m = b->rows,
                                .n = b->columns,
                                .k = a->width,
                                .a = whole(b->queries, a->width),
                                .b = transposed(a->k),
                                .c = b->weights});
    if (a->causal)
        b->elements->causal(b->weights, b->row, b->rows, b->columns);
    if (a->mask_kind)
        b->elements->mask(b->weights, a, b->row, b->rows);
    normalise(b);
}

void tgk_attention_forward(const tgk_attention *a, int isa, int dtype)
{
    block b = first_block(a, isa, dtype);
    for (int64_t row = 0; at_row(&b, row); row += b.rows) {
        make_weights(&b);
        multiply(&b, (tgk_gemm_args){.m = b.rows,
                                     .n = a->values,
                                     .k = b.columns,
                                     .a = whole(b.weights, b.columns),
                                     .b = a->v,
                                     .c = behind(&b, a->out, row * a->values)});
    }
}

/* The gradient of the scores, from that of the block's results. */
static void make_score_gradient(const block *b)
{
    const tgk_attention *a = b->a;
    multiply(b, (tgk_gemm_args){.m = b->rows,
                                .n = b->columns,
                                .k = a->values,
                                .a = own_rows(b, a->g),
                                .b = transposed(a->v),
                                .c = b->gradient});
    tgk_rows rows = {b->rows, b->columns, 1, b->gradient, b->gradient, b->weights};
    b->softmax->softmax_backward(&rows, 0, b->columns ? tgk_softmax_blocks(&rows) : 0);
}

/* What the block's queries add to the gradient of a matrix whose rows are keys: of_keys^T rows. */
static void add_to_keys(const block *b, const void *of_keys, tgk_matrix rows, tgk_gemm_args args)
{
    args.m = b->columns;
    args.k = b->rows;
    args.a = transposed(whole(of_keys, b->columns));
    args.b = rows;
    args.accumulate = true;
    multiply(b, args);
}

static void write_dq(const block *b)
{
    const tgk_attention *a = b->a;
    void *dq = behind(b, a->dq, b->row * a->width);
    multiply(b, (tgk_gemm_args){.m = b->rows,
                                .n = a->width,
                                .k = b->columns,
                                .a = whole(b->gradient, b->columns),
                                .b = a->k,
                                .c = dq});
    b->elements->scale(dq, whole(dq, a->width), b->rows, a->width, a->scale);
}

void tgk_attention_backward(const tgk_attention *a, int isa, int dtype)
{
    block b = first_block(a, isa, dtype);
    if (a->dk)
        memset(a->dk, 0, (size_t)(a->keys * a->width) * b.size);
    if (a->dv)
        memset(a->dv, 0, (size_t)(a->keys * a->values) * b.size);
    for (int64_t row = 0; at_row(&b, row); row += b.rows) {
        make_weights(&b);
        if (a->dv)
            add_to_keys(&b, b.weights, own_rows(&b, a->g),
                        (tgk_gemm_args){.n = a->values, .c = a->dv});
        if (a->dq || a->dk || a->dmask)
            make_score_gradient(&b);
        if (a->dq)
            write_dq(&b);
        if (a->dk)
            add_to_keys(&b, b.gradient, whole(b.queries, a->width),
                        (tgk_gemm_args){.n = a->width, .c = a->dk});
        if (a->dmask) /* never causal: the block is as wide as the mask */
            memcpy(behind(&b, a->dmask, row * a->keys), b.gradient,
                   (size_t)(b.rows * a->keys) * b.size);
    }
}
