/* einsum of two operands: each is permuted and reshaped to a matrix, or a batch of them, for one product. */
#include "ops/check.h"

#include "kernels/format.h"

#include <string.h>

enum { LETTERS = TG_MAX_NDIM + 1, SIZES = 128 };

/* An equation, read: the labels of the operands' dims and of the output's. */
typedef struct equation {
    char in[2][LETTERS], out[LETTERS];
    int64_t size[SIZES]; /* of each label; 0: it is in no operand */
} equation;

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Labels up to one of the characters in `end`, where `at` is left. */
static bool read_labels(tg_tape *tape, const char *text, const char **at, const char *end,
                        char *labels)
{
    int n = 0;
    for (; **at && !strchr(end, **at); (*at)++) {
        char c = **at;
        if (c == ' ')
            continue;
        TG_CHECK(tape, is_letter(c), TG_EVALUE, "einsum: '%c' in \"%s\" is no letter", c, text);
        TG_CHECK(tape, n < TG_MAX_NDIM, TG_EVALUE, "einsum: \"%s\" has too many labels", text);
        TG_CHECK(tape, !memchr(labels, c, (size_t)n), TG_EVALUE,
                 "einsum: '%c' is twice in one operand of \"%s\"", c, text);
        labels[n++] = c;
    }
    labels[n] = '\0';
    return true;
}

/* Without an arrow, the labels that occur once, by the alphabet. */
static bool name_output(tg_tape *tape, const char *text, equation *e)
{
    int n = 0;
    for (char c = 'A'; c <= 'z'; c++) {
        if (!is_letter(c) || (strchr(e->in[0], c) != NULL) == (strchr(e->in[1], c) != NULL))
            continue;
        TG_CHECK(tape, n < TG_MAX_NDIM, TG_EVALUE, "einsum: \"%s\" has too many labels", text);
        e->out[n++] = c;
    }
    e->out[n] = '\0';
    return true;
}

static bool read_equation(tg_tape *tape, const char *text, equation *e)
{
    const char *at = text;
    TG_CHECK(tape, text, TG_EVALUE, "einsum: the equation is NULL");
    if (!read_labels(tape, text, &at, ",-", e->in[0]))
        return false;
    TG_CHECK(tape, *at == ',', TG_EVALUE, "einsum: \"%s\" has one operand, wanted two", text);
    at++;
    if (!read_labels(tape, text, &at, "-", e->in[1]))
        return false;
    if (!*at)
        return name_output(tape, text, e);
    TG_CHECK(tape, at[1] == '>', TG_EVALUE, "einsum: '-' in \"%s\" is no arrow", text);
    at += 2;
    return read_labels(tape, text, &at, "", e->out);
}

/* Sizes of the labels; 1 stretches. */
static bool measure(equation *e, int i, const tg_tensor *x)
{
    tg_tape *tape = tg_tape_in(x);
    TG_CHECK(tape, (int)strlen(e->in[i]) == tg_at(x)->ndim, TG_ESHAPE,
             "einsum: labels \"%s\" for operand %s", e->in[i], tg_shape_of(x).chars);
    for (int d = 0; d < tg_at(x)->ndim; d++) {
        int64_t *size = &e->size[(int)e->in[i][d]], own = tg_at(x)->dims[d];
        bool known = i && strchr(e->in[0], e->in[i][d]);
        TG_CHECK(tape, !known || *size == own || *size == 1 || own == 1, TG_ESHAPE,
                 "einsum: '%c' is of size %lld and of size %lld", e->in[i][d], (long long)*size,
                 (long long)own);
        *size = known && own == 1 ? *size : own;
    }
    return true;
}

static bool check_output(tg_tape *tape, const equation *e)
{
    for (const char *c = e->out; *c; c++)
        TG_CHECK(tape, strchr(e->in[0], *c) || strchr(e->in[1], *c), TG_EVALUE,
                 "einsum: '%c' of the output is in no operand", *c);
    return true;
}

/* The labels of `from` that are in `also` as wanted, and in the output as wanted. */
static void pick(const char *from, const char *also, bool in_also, const char *out, bool in_out,
                 char *labels)
{
    for (; *from; from++) {
        if ((strchr(also, *from) != NULL) == in_also && (strchr(out, *from) != NULL) == in_out)
            *labels++ = *from;
    }
    *labels = '\0';
}

static int64_t product(const equation *e, const char *labels)
{
    int64_t n = 1;
    for (; *labels; labels++)
        n *= e->size[(int)*labels];
    return n;
}

/* Operand i with the dims `order`, stretched; what is in no other place is summed. */
static tg_tensor *ordered(const equation *e, int i, tg_tensor *x, const char *order)
{
    int64_t dims[TG_MAX_NDIM] = {0}, summed[TG_MAX_NDIM];
    char left[LETTERS];
    int n = 0, rest = 0;
    for (int d = 0; e->in[i][d]; d++) {
        char c = e->in[i][d];
        dims[d] = e->size[(int)c];
        if (strchr(order, c))
            left[rest++] = c;
        else
            summed[n++] = d;
    }
    left[rest] = '\0';
    x = tg_expand(x, n + rest, dims);
    x = n ? tg_sum_dims(x, n, summed, false) : x;
    for (int d = 0; d < rest; d++)
        dims[d] = strchr(left, order[d]) - left;
    return tg_permute(x, rest, dims);
}

static tg_tensor *contract(const equation *e, tg_tensor *a, tg_tensor *b)
{
    char batch[LETTERS], rows[LETTERS], columns[LETTERS], inner[LETTERS], order[4 * LETTERS];
    const char *of_a = e->in[0], *of_b = e->in[1];
    pick(e->out, of_a, true, of_b, true, batch);
    pick(e->out, of_a, true, of_b, false, rows);
    pick(e->out, of_a, false, of_b, true, columns);
    pick(of_a, of_b, true, e->out, false, inner);
    int64_t n = product(e, batch), k = product(e, inner);
    int64_t m = product(e, rows), l = product(e, columns);
    int skip = *batch ? 0 : 1; /* without a batch they are matrices */
    tgk_format(order, sizeof order, "%s%s%s", batch, rows, inner);
    a = tg_reshape(ordered(e, 0, a, order), 3 - skip, (int64_t[]){n, m, k} + skip);
    tgk_format(order, sizeof order, "%s%s%s", batch, inner, columns);
    b = tg_reshape(ordered(e, 1, b, order), 3 - skip, (int64_t[]){n, k, l} + skip);
    tgk_format(order, sizeof order, "%s%s%s", batch, rows, columns);
    int64_t dims[TG_MAX_NDIM];
    int ndim = (int)strlen(order);
    for (int i = 0; i < ndim; i++)
        dims[i] = e->size[(int)order[i]];
    tg_tensor *y = tg_reshape(tg_matmul(a, b), ndim, dims);
    for (int i = 0; i < ndim; i++)
        dims[i] = strchr(order, e->out[i]) - order;
    return tg_permute(y, ndim, dims);
}

static tg_tensor *einsum(const tg_op *op, const char *text, tg_tensor *const *in)
{
    equation e = {.size = {0}};
    tg_tape *tape = tg_tape_in(in[0]);
    bool right = tg_check_floats(op, 2, in) && read_equation(tape, text, &e) &&
                 measure(&e, 0, in[0]) && measure(&e, 1, in[1]) && check_output(tape, &e);
    return right ? contract(&e, in[0], in[1]) : NULL;
}

tg_tensor *tg_einsum(const char *text, tg_tensor *a, tg_tensor *b)
{
    static const tg_op op = {.name = "einsum"};
    tg_tensor *in[] = {a, b};
    TG_IN_SCOPE_GIVEN(&op, 2, in, 2, einsum(&op, text, in));
}
