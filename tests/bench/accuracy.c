/* accuracy.c: the worst error of the library's functions, in ulps (units in the last place of the
 * exact result), and the inputs and exact results in a file for other libraries.
 *
 *     build/tests/bench_accuracy                        prints the library's errors
 *     build/tests/bench_accuracy out.bin                ... and writes the file
 *     python3 tests/bench/accuracy.py out.bin           prints them beside PyTorch's
 *
 * The file is a sequence of records: a line of JSON, then the inputs it names in row-major order,
 * then for each result its exact values, each as the nearest double, what that lacks in ulps
 * (float32), and the exponent e of the ulp 2^e (int16), in the machine's byte order. Inputs of
 * `sum` are not there: they follow a formula. Relies on the public API, on exact.h for 113-bit
 * results, and on libquadmath; all inputs come from one fixed stream. */
#include "check.h"
#include "exact.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_CLASSES = 50000, MAX_ELEMENTS = 100000, MAX_INPUTS = 4, MAX_ROWS = 64 };

/* Logits: what they look like. */
typedef enum family { ORDINARY, CONFIDENT, OFFSET, LOG_PROBABILITIES } family;
static const char *const family_name[] = {"", ", confident", ", offset to 1e6",
                                          " of log-probabilities"};

static tg_tape *tape;
static FILE *out;
static int dtype;
static exact want[2][MAX_ELEMENTS];

static const char *dtype_name(int type)
{
    return type == TG_F32 ? "float32" : type == TG_F64 ? "float64" : "int64";
}

static void stop_unless(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "accuracy: %s %s\n", what, tg_error_message(tape));
    exit(1);
}

/* -- Records ---------------------------------------------------------------------------------- */

/* A line of the table. */
static struct {
    char name[64];
    double worst[2];
} rows[MAX_ROWS];

static void add_to_table(const char *name, double worst)
{
    int i = 0;
    while (i < MAX_ROWS - 1 && rows[i].name[0] && strcmp(rows[i].name, name) != 0)
        i++;
    snprintf(rows[i].name, sizeof rows[i].name, "%s", name);
    rows[i].worst[dtype] = fmax(rows[i].worst[dtype], worst);
}

/* What one call is given and gives; `want` holds the exact results. */
typedef struct call {
    const char *function, *options; /* JSON */
    int inputs, results;
    struct {
        const char *name;
        tg_tensor *value;
    } input[MAX_INPUTS];
    struct {
        char row[64];
        tg_tensor *value;
    } result[2];
} call;

static const void *data_of(const tg_tensor *t)
{
    if (tg_dtype(t) == TG_I64)
        return tg_i64(t);
    return tg_dtype(t) == TG_F32 ? (const void *)tg_f32(t) : (const void *)tg_f64(t);
}

static double worst_of(const call *c, int r)
{
    const tg_tensor *t = c->result[r].value;
    stop_unless(t && data_of(t) && tg_dtype(t) == dtype, c->result[r].row);
    double worst = 0;
    for (int64_t i = 0; i < tg_numel(t); i++)
        worst = fmax(worst, exact_ulps(exact_at(data_of(t), dtype, i), want[r][i], dtype));
    return worst;
}

static void write_exact(const exact *values, int64_t n)
{
    const int digits = dtype == TG_F32 ? 24 : 53, min = dtype == TG_F32 ? -149 : -1074;
    for (int64_t i = 0; i < n; i++) {
        int exponent = 0;
        frexpq(values[i], &exponent);
        exponent = values[i] == 0 || exponent - digits < min ? min : exponent - digits;
        double near = (double)values[i];
        float rest = (float)ldexpq(values[i] - (exact)near, -exponent);
        int16_t ulp = (int16_t)exponent;
        fwrite(&near, sizeof near, 1, out);
        fwrite(&rest, sizeof rest, 1, out);
        fwrite(&ulp, sizeof ulp, 1, out);
    }
}

static void write_head(const call *c, const double *worst)
{
    fprintf(out, "{\"function\": \"%s\", \"dtype\": \"%s\", \"options\": {%s}, \"inputs\": [",
            c->function, dtype_name(dtype), c->options ? c->options : "");
    for (int i = 0; i < c->inputs; i++) {
        const tg_tensor *t = c->input[i].value;
        fprintf(out, "%s[\"%s\", \"%s\", [", i ? ", " : "", c->input[i].name,
                dtype_name(tg_dtype(t)));
        for (int d = 0; d < tg_ndim(t); d++)
            fprintf(out, "%s%lld", d ? ", " : "", (long long)tg_size(t, d));
        fprintf(out, "]]");
    }
    fprintf(out, "], \"results\": [");
    for (int r = 0; r < c->results; r++)
        fprintf(out, "%s[\"%s\", %lld, %.17g]", r ? ", " : "", c->result[r].row,
                (long long)tg_numel(c->result[r].value), worst[r]);
    fprintf(out, "]}\n");
}

/* Measures a call, and writes it down; forgets all tensors made since `mark`. */
static void finish(const call *c, tg_mark mark)
{
    double worst[2] = {0, 0};
    stop_unless(tg_error(tape) == TG_OK, c->function);
    for (int r = 0; r < c->results; r++) {
        worst[r] = worst_of(c, r);
        add_to_table(c->result[r].row, worst[r]);
    }
    if (out) {
        write_head(c, worst);
        for (int i = 0; i < c->inputs; i++) {
            const tg_tensor *t = c->input[i].value;
            size_t size = tg_dtype(t) == TG_F32 ? sizeof(float) : sizeof(double);
            fwrite(data_of(t), size, (size_t)tg_numel(t), out);
        }
        for (int r = 0; r < c->results; r++)
            write_exact(want[r], tg_numel(c->result[r].value));
    }
    tg_tape_rewind(tape, mark);
}

static void take(call *c, const char *name, tg_tensor *value)
{
    c->input[c->inputs].name = name;
    c->input[c->inputs++].value = value;
}

static void give(call *c, const char *what, const char *kind, tg_tensor *value)
{
    snprintf(c->result[c->results].row, sizeof c->result->row, "%s%s", what, kind);
    c->result[c->results++].value = value;
}

/* The gradient of the sum of `y` with respect to x. */
static tg_tensor *gradient(tg_tensor *y, tg_tensor *x)
{
    tg_tensor *ones = tg_ndim(y) > 0 ? tg_ones(tape, TG_DIMS(tg_size(y, 0)), dtype) : NULL;
    tg_backward_with(y, ones, NULL);
    return tg_grad(x);
}

/* -- Elementwise functions and sums ----------------------------------------------------------- */

static double exp_input(void)
{
    bool small = chance(50);
    double sign = chance(50) ? 1 : -1;
    if (small)
        return sign * magnitude(-30, 3);
    return dtype == TG_F32 ? uniform(-104, 88.7) : uniform(-746, 709.7);
}

static double log_input(void)
{
    bool near_one = chance(50);
    return near_one ? uniform(0.5, 2) : magnitude(-100, 100);
}

static double tanh_input(void)
{
    double sign = chance(50) ? 1 : -1;
    return sign * magnitude(-30, 6);
}

static double wide_input(void)
{
    double range = dtype == TG_F32 ? 105 : 748;
    bool wide = chance(50);
    return wide ? uniform(-range, range) : uniform(-5, 5);
}

static exact softplus(exact x)
{
    return x > 0 ? x + log1pq(expq(-x)) : log1pq(expq(x));
}

static exact logsigmoid(exact x)
{
    return -softplus(-x);
}

static exact sigmoid(exact x)
{
    return x > 0 ? 1 / (1 + expq(-x)) : expq(x) / (1 + expq(x));
}

static const struct {
    const char *name;
    double (*input)(void);
    tg_tensor *(*function)(tg_tensor *x);
    exact (*want)(exact x);
} unary[] = {
    {"exp", exp_input, tg_exp, expq},
    {"log", log_input, tg_log, logq},
    {"tanh", tanh_input, tg_tanh, tanhq},
    {"sigmoid", wide_input, tg_sigmoid, sigmoid},
    {"logsigmoid", wide_input, tg_logsigmoid, logsigmoid},
};

static void measure_unary(void)
{
    for (size_t k = 0; k < COUNT(unary); k++) {
        tg_mark mark = tg_tape_mark(tape);
        call c = {.function = unary[k].name};
        tg_tensor *x = tg_zeros(tape, TG_DIMS(MAX_ELEMENTS), dtype);
        void *data = tg_data_mut(x);
        stop_unless(data != NULL, unary[k].name);
        for (int64_t i = 0; i < MAX_ELEMENTS; i++) {
            store(data, dtype, i, unary[k].input());
            want[0][i] = unary[k].want((exact)exact_at(data, dtype, i));
        }
        take(&c, "x", x);
        give(&c, unary[k].name, "", unary[k].function(x));
        finish(&c, mark);
    }
}

/* Element i is the fraction of i times the golden ratio, plus `shift`. */
static void measure_sum(const char *row, double shift)
{
    enum { SIZE = 10000000 };
    char options[64];
    snprintf(options, sizeof options, "\"size\": %d, \"shift\": %.17g", SIZE, shift);
    tg_mark mark = tg_tape_mark(tape);
    call c = {.function = "sum", .options = options};
    tg_tensor *x = tg_zeros(tape, TG_DIMS(SIZE), dtype);
    void *data = tg_data_mut(x);
    stop_unless(data != NULL, row);
    want[0][0] = 0;
    for (int64_t i = 0; i < SIZE; i++) {
        double u = (double)((uint64_t)i * 0x9e3779b97f4a7c15u >> 11) * 0x1p-53;
        store(data, dtype, i, u + shift);
        want[0][0] += (exact)exact_at(data, dtype, i);
    }
    give(&c, row, "", tg_sum(x));
    finish(&c, mark);
}

/* -- Rows of logits --------------------------------------------------------------------------- */

static const int64_t classes[] = {2, 3, 10, 100, 1000, MAX_CLASSES};

static int64_t positions(int64_t n_classes)
{
    return n_classes <= 100 ? 64 : n_classes <= 1000 ? 16 : MAX_ELEMENTS / n_classes;
}

/* top[i] is where the largest of row i lies, in the confident family. */
static tg_tensor *logits(family kind, int64_t n, int64_t c, int64_t *top)
{
    tg_tensor *x = tg_zeros(tape, TG_DIMS(n, c), dtype | TG_REQUIRES_GRAD);
    void *data = tg_data_mut(x);
    stop_unless(data != NULL, "logits");
    for (int64_t i = 0; i < n; i++) {
        double offset = kind == OFFSET ? uniform(-1e6, 1e6) : 0, sum = 0;
        for (int64_t k = 0; k < c; k++) {
            store(data, dtype, i * c + k, offset + uniform(-3, 3));
            sum += exp(exact_at(data, dtype, i * c + k));
        }
        for (int64_t k = 0; k < c && kind == LOG_PROBABILITIES; k++)
            store(data, dtype, i * c + k, exact_at(data, dtype, i * c + k) - log(sum));
        top[i] = (int64_t)(draw() % (uint64_t)c);
        if (kind == CONFIDENT)
            store(data, dtype, i * c + top[i], uniform(10, dtype == TG_F32 ? 105 : 748));
    }
    return x;
}

/* The exact log_softmax, softmax (in want[0], at the same places) or logsumexp of row i. */
static void want_softmax(int function, const void *x, int64_t i, int64_t c)
{
    exact_row row = exact_row_of(x, dtype, i * c, c, 1);
    exact log = log1pq(row.others);
    for (int64_t k = i * c; k < (i + 1) * c && function != 2; k++) {
        exact gap = row.max - (exact)exact_at(x, dtype, k);
        want[0][k] = function == 0 ? -(gap + log) : expq(-gap) / row.sum;
    }
    if (function == 2)
        want[0][i] = row.max + log;
}

static void measure_softmax(int function, family kind)
{
    static const char *const name[] = {"log_softmax", "softmax", "logsumexp"};
    for (size_t s = 0; s < COUNT(classes); s++) {
        int64_t top[64], c = classes[s], n = positions(c);
        tg_mark mark = tg_tape_mark(tape);
        tg_tensor *x = logits(kind, n, c, top), *y;
        for (int64_t i = 0; i < n; i++)
            want_softmax(function, data_of(x), i, c);
        if (function == 2)
            y = tg_logsumexp_dim(x, 1, false);
        else
            y = function ? tg_softmax(x, 1) : tg_log_softmax(x, 1);
        call entry = {.function = name[function]};
        take(&entry, "x", x);
        give(&entry, name[function], family_name[kind], y);
        finish(&entry, mark);
    }
}

/* -- Cross-entropy ---------------------------------------------------------------------------- */

typedef struct problem {
    family kind;
    int64_t n, c;
    tg_tensor *x, *target, *prob;
    tg_ce_opts opts;
} problem;

/* Index targets are the largest logit, so that losses are small where predictions are confident. */
static void draw_targets(problem *p, bool probabilities)
{
    int64_t top[64];
    p->x = logits(p->kind, p->n, p->c, top);
    if (!probabilities) {
        for (int64_t i = 1; i < p->n && p->opts.has_ignore_index; i += 3)
            top[i] = p->opts.ignore_index;
        p->target = tg_from_i64(tape, top, TG_DIMS(p->n), 0);
        return;
    }
    p->prob = tg_zeros(tape, TG_DIMS(p->n, p->c), dtype);
    void *data = tg_data_mut(p->prob);
    for (int64_t i = 0; i < p->n * p->c; i++)
        store(data, dtype, i, chance(30) ? 0 : uniform(0, 2 / (double)p->c));
}

static void draw_options(problem *p)
{
    static const double smoothing[] = {0, 0.1, 0.3, 1e-3};
    bool probabilities = chance(40);
    p->opts.label_smoothing = smoothing[draw() % COUNT(smoothing)];
    p->opts.reduction = (tg_reduction)(draw() % 3);
    p->opts.has_ignore_index = !probabilities && chance(50);
    p->opts.ignore_index = -1;
    if (chance(50)) {
        p->opts.weight = tg_zeros(tape, TG_DIMS(p->c), dtype);
        void *data = tg_data_mut(p->opts.weight);
        for (int64_t k = 0; k < p->c; k++)
            store(data, dtype, k, uniform(0.1, 2));
    }
    draw_targets(p, probabilities);
}

static exact weight_at(const problem *p, int64_t k)
{
    return p->opts.weight ? (exact)exact_at(data_of(p->opts.weight), dtype, k) : 1;
}

static bool ignored(const problem *p, int64_t i)
{
    return p->target && p->opts.has_ignore_index && tg_i64(p->target)[i] == p->opts.ignore_index;
}

/* What the sum is divided by. */
static exact denominator(const problem *p)
{
    exact sum = 0;
    for (int64_t i = 0; i < p->n; i++)
        if (!ignored(p, i))
            sum += p->target ? weight_at(p, tg_i64(p->target)[i]) : 1;
    return p->opts.reduction == TG_MEAN ? sum : 1;
}

/* Fills want[0][i] with the loss of position i, and row i of want[1] with its gradient. */
static void want_position(const problem *p, int64_t i, exact den)
{
    static exact a[MAX_CLASSES];
    exact e = (exact)p->opts.label_smoothing, size;
    int64_t start = i * p->c;
    for (int64_t k = 0; k < p->c; k++) {
        exact q = p->target ? (exact)(tg_i64(p->target)[i] == k)
                            : (exact)exact_at(data_of(p->prob), dtype, start + k);
        a[k] = ignored(p, i) ? 0 : weight_at(p, k) * (q * (1 - e) + e / (exact)p->c);
    }
    const void *x = data_of(p->x);
    exact_row row = exact_row_of(x, dtype, start, p->c, 1);
    exact_ce ce = exact_ce_of(&row, x, dtype, start, p->c, 1, a);
    want[0][i] = ce.loss / den;
    for (int64_t k = 0; k < p->c; k++) {
        exact value = (exact)exact_at(x, dtype, start + k);
        want[1][start + k] = exact_ce_grad(&row, &ce, k, value, a[k], &size) / den;
    }
}

static void measure_problem(problem *p, tg_mark mark, const char *loss_row, const char *grad_row)
{
    static const char *const reduction[] = {"mean", "sum", "none"};
    char options[160], ignore[40] = "";
    if (p->opts.has_ignore_index)
        snprintf(ignore, sizeof ignore, ", \"ignore_index\": %d", (int)p->opts.ignore_index);
    snprintf(options, sizeof options, "\"label_smoothing\": %.17g, \"reduction\": \"%s\"%s",
             p->opts.label_smoothing, reduction[p->opts.reduction], ignore);
    stop_unless(p->x && (p->target || p->prob), "cross_entropy");
    exact den = denominator(p);
    for (int64_t i = 0; i < p->n; i++)
        want_position(p, i, den);
    for (int64_t i = 1; i < p->n && p->opts.reduction != TG_NONE; i++)
        want[0][0] += want[0][i];
    call c = {.function = "cross_entropy", .options = options};
    tg_tensor *loss = tg_cross_entropy(p->x, p->target ? p->target : p->prob, &p->opts);
    take(&c, "x", p->x);
    take(&c, "target", p->target ? p->target : p->prob);
    if (p->opts.weight)
        take(&c, "weight", p->opts.weight);
    give(&c, loss_row, family_name[p->kind], loss);
    give(&c, grad_row, family_name[p->kind], gradient(loss, p->x));
    finish(&c, mark);
}

static void measure_cross_entropy(family kind)
{
    for (size_t s = 0; s < COUNT(classes); s++) {
        tg_mark mark = tg_tape_mark(tape);
        problem p = {.kind = kind, .c = classes[s], .n = positions(classes[s])};
        p.opts.reduction = TG_NONE;
        draw_targets(&p, false);
        measure_problem(&p, mark, "cross_entropy", "cross_entropy gradient");
    }
}

static void measure_cross_entropy_options(void)
{
    for (size_t s = 0; s < COUNT(classes); s++)
        for (int repeat = 0; repeat < (classes[s] < MAX_CLASSES ? 12 : 2); repeat++) {
            tg_mark mark = tg_tape_mark(tape);
            problem p = {.kind = ORDINARY, .c = classes[s], .n = classes[s] > 1000 ? 2 : 8};
            draw_options(&p);
            measure_problem(&p, mark, "cross_entropy, options", "cross_entropy gradient, options");
        }
}

/* -- Binary cross-entropy --------------------------------------------------------------------- */

/* n elements: x[i] and t[i] from `draw_pair`, no options but reduction='none'. */
static void measure_bce(const char *row, const char *grad_row, int64_t n,
                        void (*draw_pair)(double *x, double *t))
{
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *x = tg_zeros(tape, TG_DIMS(n), dtype | TG_REQUIRES_GRAD);
    tg_tensor *t = tg_zeros(tape, TG_DIMS(n), dtype);
    void *x_data = tg_data_mut(x), *t_data = tg_data_mut(t);
    stop_unless(x_data && t_data, row);
    for (int64_t i = 0; i < n; i++) {
        double pair[2];
        draw_pair(&pair[0], &pair[1]);
        store(x_data, dtype, i, pair[0]);
        store(t_data, dtype, i, pair[1]);
        exact z = (exact)exact_at(x_data, dtype, i), q = (exact)exact_at(t_data, dtype, i);
        want[0][i] = (1 - q) * softplus(z) + q * softplus(-z);
        want[1][i] = (1 - q) * sigmoid(z) - q * sigmoid(-z);
    }
    call c = {.function = "bce_with_logits"};
    tg_tensor *loss = tg_bce_with_logits_loss(x, t, &(tg_bce_opts){.reduction = TG_NONE});
    take(&c, "x", x);
    take(&c, "target", t);
    give(&c, row, "", loss);
    give(&c, grad_row, "", gradient(loss, x));
    finish(&c, mark);
}

static void hard_pair(double *x, double *t)
{
    *x = wide_input();
    *t = chance(50);
}

static void soft_pair(double *x, double *t)
{
    *x = uniform(-20, 20);
    *t = uniform(0, 1);
}

static void confident_pair(double *x, double *t)
{
    *x = 20;
    *t = 1;
}

/* -- All of it -------------------------------------------------------------------------------- */

static void measure_all(void)
{
    for (int kind = ORDINARY; kind <= OFFSET; kind++)
        measure_cross_entropy((family)kind);
    measure_cross_entropy_options();
    for (int function = 0; function < 3; function++) {
        for (int kind = ORDINARY; kind <= OFFSET; kind++)
            measure_softmax(function, (family)kind);
    }
    measure_softmax(2, LOG_PROBABILITIES);
    measure_bce("bce_with_logits", "bce_with_logits gradient", 20000, hard_pair);
    measure_bce("bce_with_logits, soft targets", "bce_with_logits gradient, soft targets", 20000,
                soft_pair);
    measure_bce("bce_with_logits, x = 20, t = 1", "bce_with_logits gradient, x = 20, t = 1", 1,
                confident_pair);
    measure_sum("sum of 10^7 in [0, 1)", 0);
    measure_sum("sum of 10^7 in [-0.49, 0.51)", -0.49);
    measure_unary();
}

int main(int argc, char **argv)
{
    tape = tg_tape_new(NULL);
    out = argc > 1 ? fopen(argv[1], "wb") : NULL;
    stop_unless(tape && (argc < 2 || out), argc > 1 ? argv[1] : "no memory");
    for (dtype = TG_F32; dtype <= TG_F64; dtype++)
        measure_all();
    printf("%-42s %8s %8s\n", "worst error in ulps", "float32", "float64");
    for (int i = 0; i < MAX_ROWS && rows[i].name[0]; i++)
        printf("%-42s %8.3g %8.3g\n", rows[i].name, rows[i].worst[0], rows[i].worst[1]);
    stop_unless(!out || (!ferror(out) && fclose(out) == 0), "could not write the file");
    tg_tape_free(tape);
    return 0;
}
