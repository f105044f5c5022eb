/* The idea of this library in some hundred lines that need nothing of it: a tape of numbers and its
 * four verbs, record, backward, rewind and replay. In main() three neurons learn "either, but not
 * both". The library does the same with tensors; tests/test_tape_example.c compares gradients. */
#include <math.h>
#include <stdio.h>

/* A number, and how it came about. Its inputs stand before it on the tape. */
typedef struct node {
    const struct op *op; /* NULL: a leaf, whose value was given */
    int in[2];
    double value, grad;
} node;

/* An operation: the value from the inputs' values, and what of the output's gradient goes to each
 * input: its slope there times that. */
typedef struct op {
    double (*forward)(double a, double b);
    void (*backward)(const node *out, node *a, node *b);
} op;

/* All numbers in the order in which they were made. This alone owns memory; the library's grows. */
typedef struct tape {
    int count;
    node nodes[200];
} tape;

static int leaf(tape *t, double value)
{
    t->nodes[t->count] = (node){.value = value};
    return t->count++;
}

/* Record: compute now, and remember how. */
static int record(tape *t, const op *f, int a, int b)
{
    double value = f->forward(t->nodes[a].value, t->nodes[b].value);
    t->nodes[t->count] = (node){.op = f, .in = {a, b}, .value = value};
    return t->count++;
}

/* Backward: from the end to the start, once. All that a number went into stands behind it, so that
 * its gradient is complete when its turn comes; no graph has to be sorted. */
static void backward(tape *t, int loss)
{
    for (int i = 0; i <= loss; i++)
        t->nodes[i].grad = i == loss;
    for (int i = loss; i >= 0; i--) {
        node *n = &t->nodes[i];
        if (n->op)
            n->op->backward(n, &t->nodes[n->in[0]], &t->nodes[n->in[1]]);
    }
}

/* A mark is a place on the tape. Rewind: forget all that was made behind it. */
static void rewind_to(tape *t, int mark)
{
    t->count = mark;
}

/* Replay: compute all that was recorded behind it again, from the leaves' values as they are now. */
static void replay(tape *t, int mark)
{
    for (int i = mark; i < t->count; i++) {
        node *n = &t->nodes[i];
        if (n->op)
            n->value = n->op->forward(t->nodes[n->in[0]].value, t->nodes[n->in[1]].value);
    }
}

/* --- three operations; each is a constant --- */

static double add_forward(double a, double b)
{
    return a + b;
}

static void add_backward(const node *out, node *a, node *b)
{
    a->grad += out->grad;
    b->grad += out->grad;
}

static double mul_forward(double a, double b)
{
    return a * b;
}

static void mul_backward(const node *out, node *a, node *b)
{
    a->grad += out->grad * b->value;
    b->grad += out->grad * a->value;
}

static double tanh_forward(double a, double b)
{
    (void)b; /* the same number again */
    return tanh(a);
}

static void tanh_backward(const node *out, node *a, node *b)
{
    (void)b;
    a->grad += out->grad * (1 - out->value * out->value);
}

static const op add = {add_forward, add_backward};
static const op mul = {mul_forward, mul_backward};
static const op tanh_of = {tanh_forward, tanh_backward};

/* --- something to learn --- */

/* tanh(w[0] a + w[1] b + w[2]); w counts on from the first weight. */
static int neuron(tape *t, int w, int a, int b)
{
    int sum = record(t, &add, record(t, &mul, w, a), record(t, &mul, w + 1, b));
    sum = record(t, &add, sum, w + 2);
    return record(t, &tanh_of, sum, sum);
}

/* Two neurons look at the case, a third one at them. */
static int answer(tape *t, int w, double a, double b)
{
    int first = leaf(t, a), second = leaf(t, b);
    return neuron(t, w + 6, neuron(t, w, first, second), neuron(t, w + 3, first, second));
}

static const double cases[4][3] = {{-1, -1, -1}, {-1, 1, 1}, {1, -1, 1}, {1, 1, -1}};

/* The squares of how far the answers are off. */
static int total_error(tape *t, int w)
{
    int error = leaf(t, 0);
    for (int i = 0; i < 4; i++) {
        int off = record(t, &add, answer(t, w, cases[i][0], cases[i][1]), leaf(t, -cases[i][2]));
        error = record(t, &add, error, record(t, &mul, off, off));
    }
    return error;
}

int main(void)
{
    enum { WEIGHTS = 9 };
    static const double start[WEIGHTS] = {0.5, -0.4, 0.1, -0.3, 0.6, 0.2, 0.4, 0.3, -0.1};
    tape t = {.count = 0};
    for (int i = 0; i < WEIGHTS; i++)
        leaf(&t, start[i]);

    int mark = t.count, error = 0; /* the weights stand before the mark, and stay */
    for (int step = 1; step <= 200; step++) {
        if (step <= 100) { /* one way: forget the former step, and record this one */
            rewind_to(&t, mark);
            error = total_error(&t, 0);
        } else { /* the other: run it again; the numbers are the same */
            replay(&t, mark);
        }
        backward(&t, error);
        for (int i = 0; i < WEIGHTS; i++)
            t.nodes[i].value -= 0.1 * t.nodes[i].grad;
        if (step == 1 || step % 40 == 0)
            printf("step %3d  error %.4f  %d numbers\n", step, t.nodes[error].value, t.count);
    }
    for (int i = 0; i < 4; i++) {
        int y = answer(&t, 0, cases[i][0], cases[i][1]);
        printf("%2g %2g: %5.2f\n", cases[i][0], cases[i][1], t.nodes[y].value);
    }
    return 0;
}
