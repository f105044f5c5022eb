/* Why cross-entropy is one operation and not log(softmax) by hand. In float32, exp(1000) is inf and
 * exp(-1000) is 0, so that the composition gives nan, inf or a false 0 where the mathematics has an
 * ordinary number; from a margin of 17 on it forgets that a confident prediction has a loss at all.
 * The exact values were computed with 60 decimal digits (Python's decimal module). */
#include <tinygrad.h>

#include <math.h>

typedef struct row {
    const char *about;
    float logits[3];
    int64_t target;
    double loss;     /* exact: log(sum of e^x) - x[target] */
    double gradient; /* exact, at the target: e^x[target] / (sum of e^x) - 1 */
} row;

static const row rows[] = {
    {"exp overflows: inf / inf", {1000, 0, -1000}, 0, 0, 0},
    {"exp underflows: log(0)", {0, 0, -1000}, 2, 1000.6931471805599, -1},
    {"both at once", {1000, 0, -1000}, 2, 2000, -1},
    {"a margin of 40: log(1)", {40, 0, 0}, 0, 8.4967085105831777e-18, -8.4967085105831777e-18},
};

/* How printf writes a nan is up to the system. */
static void put(double value)
{
    if (isnan(value))
        printf(" %14s", "nan");
    else
        printf(" %14.6g", value);
}

static void put_tensor(const char *name, tg_tensor *t)
{
    printf("%-18s", name);
    const float *values = tg_f32(t);
    for (int64_t i = 0; i < tg_numel(t) && values; i++)
        put((double)values[i]);
    printf("\n");
}

static tg_tensor *naive_softmax(tg_tensor *x)
{
    tg_tensor *e = tg_exp(x);
    return tg_div(e, tg_sum(e));
}

/* The loss, and the gradient at the target. */
static void put_loss(const char *name, tg_tensor *loss, tg_tensor *logits, int64_t target)
{
    tg_zero_grad(logits);
    tg_backward(loss);
    const float *gradient = tg_f32(tg_grad(logits));
    printf("  %-16s", name);
    put(tg_item(loss));
    put(gradient ? (double)gradient[target] : (double)NAN);
    printf("\n");
}

static void compare(tg_tape *tape, const row *r)
{
    tg_tensor *x = tg_from_f32(tape, r->logits, TG_DIMS(3), TG_REQUIRES_GRAD);
    tg_tensor *target = tg_from_i64(tape, &r->target, TG_SCALAR, 0);
    printf("logits (%g, %g, %g), target %d: %s\n", (double)r->logits[0], (double)r->logits[1],
           (double)r->logits[2], (int)r->target, r->about);
    put_loss("by hand", tg_nll_loss(tg_log(naive_softmax(x)), target, NULL), x, r->target);
    put_loss("cross_entropy", tg_cross_entropy(x, target, NULL), x, r->target);
    printf("  %-16s", "exact");
    put(r->loss);
    put(r->gradient);
    printf("\n");
}

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_from_f32(tape, (float[]){1000, 0, -1000}, TG_DIMS(3), 0);
    put_tensor("x", x);
    put_tensor("exp(x)", tg_exp(x));
    put_tensor("softmax by hand", naive_softmax(x));
    put_tensor("tg_softmax", tg_softmax(x, 0));
    put_tensor("log(tg_softmax)", tg_log(tg_softmax(x, 0)));
    put_tensor("tg_log_softmax", tg_log_softmax(x, 0));

    printf("\n%-18s %14s %14s\n", "", "loss", "gradient");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        compare(tape, &rows[i]);

    tg_status status = tg_error(tape);
    if (status)
        fprintf(stderr, "stability: %s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return status ? 1 : 0;
}
