/* GPT-2, its weights read from a safetensors file as Hugging Face has it (--model; one with random
 * weights lies beside this program): goes on from a prompt, and learns from a text (--data, --epochs).
 *
 *     build/examples/gpt2 --prompt "Once upon" --letters 50
 *     build/examples/gpt2 --data /usr/share/common-licenses/GPL-3 --epochs 3 --prompt "You may"
 *     build/examples/gpt2 --model model.safetensors --prompt "7454 2402 257 640" --heads 12
 *
 * With a vocabulary of at most 256 a token is a byte; else tokens are numbers, in and out: those of
 * the published models are made of text, and text of them, by the package tiktoken, say. */
#include "support/gpt2.h"
#include "support/guess.h"
#include "support/run.h"
#include "support/sample.h"
#include "support/tokens.h"

#include <math.h>
#include <string.h>

enum { BATCH = 8, MAX_CONTEXT = 1024 };

/* Of the command line. */
typedef struct choices {
    const char *model, *prompt;
    int letters, heads, top;
} choices;

/* Raw outputs for the token that comes next, (1, vocabulary). */
static tg_tensor *next_logits(const gpt2 *m, const int64_t *window, int64_t filled)
{
    tg_tensor *x = tg_from_i64(tg_tape_of(m->wte), window, TG_DIMS(1, filled), 0);
    return tg_select(gpt2_forward(m, x), 1, filled - 1);
}

/* The prompt's last tokens, as many as the model looks at; the rest of the window is free. */
static int64_t fill_window(const gpt2 *m, const tokens *prompt, int64_t *window)
{
    int64_t most = m->context < MAX_CONTEXT ? m->context : MAX_CONTEXT;
    int64_t n = prompt->n < most ? prompt->n : most;
    memcpy(window, prompt->ids + prompt->n - n, (size_t)n * sizeof *window);
    return n;
}

/* The likeliest tokens and their raw outputs, a line each. */
static void show_top(const gpt2 *m, const tokens *prompt, int top)
{
    int64_t window[MAX_CONTEXT];
    tg_tensor *logits = tg_clone(next_logits(m, window, fill_window(m, prompt, window)));
    for (int i = 0; i < top && i < m->vocabulary && !tg_error(tg_tape_of(logits)); i++) {
        int64_t best = (int64_t)tg_item(tg_argmax(logits));
        float *values = tg_data_mut(logits);
        if (values) {
            printf("%lld %.6f\n", (long long)best, (double)values[best]);
            values[best] = -(float)INFINITY;
        }
    }
}

static void go_on(const gpt2 *m, const tokens *prompt, int letters)
{
    tg_tape *tape = tg_tape_of(m->wte);
    int64_t window[MAX_CONTEXT], most = m->context < MAX_CONTEXT ? m->context : MAX_CONTEXT;
    int64_t filled = fill_window(m, prompt, window);
    tg_mark start = tg_tape_mark(tape);
    for (int i = 0; i < letters && !tg_error(tape); i++) {
        int64_t next;
        sample_classes(next_logits(m, window, filled), &next);
        tg_tape_rewind(tape, start);
        tokens_print(next, m->vocabulary);
        memmove(window, window + (filled == most), (size_t)(filled - 1) * sizeof *window);
        filled += filled < most;
        window[filled - 1] = next;
    }
    if (letters && !tg_error(tape))
        putchar('\n');
}

/* On rows of the text, one after the other. */
static bool teach(run *r, tg_tape *tape, gpt2 *m)
{
    tokens text;
    if (!tokens_read(&text, tape, r->data, NULL, m->vocabulary))
        return false;
    const int64_t length = m->context < 64 ? m->context : 64, rows = (text.n - 1) / length;
    if (rows < 1) {
        fprintf(stderr, "%s: shorter than one row of %lld tokens\n", r->data, (long long)length);
        return false;
    }
    guess g = {.forward = gpt2_forward, .model = m, .list = m->list, .run = r};
    guess_prepare(&g, tape, &(guess_sizes){rows, BATCH, length, length}, r->lr);
    run_begin(r, tape, m->list, g.optim);
    while (run_next(r)) {
        double loss = guess_epoch(&g, tape, text.ids, text.ids + 1);
        run_report(r, &(run_epoch){loss, (double)NAN, (double)NAN, rows * length});
    }
    run_save(r);
    return true;
}

static bool use(run *r, tg_tape *tape, const choices *chosen)
{
    gpt2 m;
    tokens prompt;
    if (!gpt2_read(&m, tape, chosen->model, chosen->heads) ||
        !tokens_read(&prompt, tape, NULL, chosen->prompt, m.vocabulary))
        return false;
    if (r->data && r->epochs && !teach(r, tape, &m))
        return false;
    tg_set_grad_enabled(tape, false);
    tg_manual_seed(tape, r->seed);
    show_top(&m, &prompt, chosen->top);
    go_on(&m, &prompt, chosen->letters);
    return true;
}

int main(int argc, char **argv)
{
    choices chosen = {.prompt = "Every tensor knows its tape.", .letters = 40};
    const run_option own[] = {
        {"model", "weights, in safetensors; none: random ones", .text = &chosen.model},
        {"prompt", "what to go on from", .text = &chosen.prompt},
        {"letters", "how many tokens to write", .count = &chosen.letters},
        {"top", "first show the N likeliest tokens and their raw outputs", .count = &chosen.top},
        {"heads", "of attention; 0: one for 64 numbers", .count = &chosen.heads}};
    run r = {.seed = 1, .epochs = 1, .lr = 3e-4, .own = own, .n_own = 5};
    int code = run_start(&r, argc, argv);
    if (code >= 0)
        return code;
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, r.seed);
    code = use(&r, tape, &chosen) && !tg_error(tape) ? 0 : 1;
    if (tg_error(tape))
        fprintf(stderr, "gpt2: %s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return code;
}
