/* The training loop over rows of symbols, in batches, with AdamW and clipped gradients. */
#include "guess.h"

#include <math.h>

static tg_tensor *loss_of(const guess *g, tg_tensor *x, tg_tensor *y)
{
    tg_tensor *logits = g->forward(g->model, x);
    return tg_cross_entropy(tg_flatten(logits, 0, 1), tg_flatten(y, 0, 1), NULL);
}

static tg_tensor *record(void *context, int64_t size)
{
    const guess *g = context;
    tg_tensor *loss = loss_of(g, tg_narrow(g->x, 0, 0, size), tg_narrow(g->y, 0, 0, size));
    tg_optim_zero_grad(g->optim);
    tg_backward(loss);
    tg_clip_grad_norm(tg_params_unique(g->list), tg_params_unique_count(g->list), 1, 2);
    tg_optim_step(g->optim);
    return loss;
}

void guess_prepare(guess *g, tg_tape *tape, const guess_sizes *sizes, double lr)
{
    g->optim = tg_adamw(tape, tg_params_unique(g->list), tg_params_unique_count(g->list),
                        &(tg_adam_opts){.lr = lr});
    g->sizes = *sizes;
    g->batches =
        tg_batches_new(tape, sizes->rows, sizes->batch, &(tg_batches_opts){.shuffle = true});
    g->x = tg_zeros(tape, TG_DIMS(sizes->batch, sizes->width), TG_I64);
    g->y = tg_zeros(tape, TG_DIMS(sizes->batch, sizes->steps), TG_I64);
    g->step = (step){.record = record, .context = g, .size = sizes->batch, .eager = g->run->eager};
}

double guess_epoch(guess *g, tg_tape *tape, const int64_t *inputs, const int64_t *targets)
{
    double sum = 0;
    int64_t seen = 0;
    tg_batches_start(g->batches);
    while (tg_batches_next(g->batches)) {
        int64_t size = tg_batches_size(g->batches);
        tg_batches_read(g->batches, inputs, g->x);
        tg_batches_read(g->batches, targets, g->y);
        sum += step_run(&g->step, tape, size) * (double)size;
        seen += size;
        run_progress(g->run, seen, g->sizes.rows);
    }
    return sum / (double)seen;
}

double guess_validate(const guess *g, tg_tape *tape, const int64_t *inputs, const int64_t *targets,
                      int64_t rows)
{
    double sum = 0;
    bool enabled = tg_set_grad_enabled(tape, false);
    tg_mark start = tg_tape_mark(tape);
    for (int64_t at = 0; at < rows && !tg_error(tape); at += g->sizes.batch) {
        int64_t left = rows - at, n = left < g->sizes.batch ? left : g->sizes.batch;
        int64_t width = g->sizes.width, steps = g->sizes.steps;
        tg_tensor *x = tg_from_i64(tape, inputs + at * width, TG_DIMS(n, width), 0);
        tg_tensor *y = tg_from_i64(tape, targets + at * steps, TG_DIMS(n, steps), 0);
        sum += tg_item(loss_of(g, x, y)) * (double)n;
        tg_tape_rewind(tape, start);
    }
    tg_set_grad_enabled(tape, enabled);
    return rows > 0 ? sum / (double)rows : (double)NAN;
}
