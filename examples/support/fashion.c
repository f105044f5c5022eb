/* Reading Fashion-MNIST as Debian's package has it, and its batches. */
#include "fashion.h"

#include "idx.h"

static tg_tensor *read_images(tg_tape *tape, const char *directory, const char *prefix)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte.gz", directory, prefix);
    tg_tensor *images = idx_read(tape, path, TG_DIMS(-1, FASHION_SIDE, FASHION_SIDE), TG_F32);
    float *pixels = tg_data_mut(images);
    for (int64_t i = 0, n = tg_numel(images); i < n; i++)
        pixels[i] /= 255;
    return images;
}

static tg_tensor *read_labels(tg_tape *tape, const char *directory, const char *prefix, int64_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte.gz", directory, prefix);
    return idx_read(tape, path, TG_DIMS(n), TG_I64);
}

bool fashion_read(tg_tape *tape, fashion *set, const char *directory, const char *prefix)
{
    tg_tensor *images = read_images(tape, directory, prefix);
    tg_tensor *labels = images ? read_labels(tape, directory, prefix, tg_size(images, 0)) : NULL;
    if (!labels) {
        fprintf(stderr, "%s\n",
                tg_error(tape) ? tg_error_message(tape)
                               : "Fashion-MNIST is in Debian's package dataset-fashion-mnist");
        return false;
    }
    *set = (fashion){tg_numel(labels), tg_f32(images), tg_i64(labels)};
    return true;
}

fashion_loader fashion_loader_new(tg_tape *tape, const fashion *set, int64_t batch, bool shuffle)
{
    return (fashion_loader){
        .set = set,
        .batches = tg_batches_new(tape, set->n, batch, &(tg_batches_opts){.shuffle = shuffle}),
        .x = tg_zeros(tape, TG_DIMS(batch, 1, FASHION_SIDE, FASHION_SIDE), TG_F32),
        .y = tg_zeros(tape, TG_DIMS(batch), TG_I64),
    };
}

int64_t fashion_batch(const fashion_loader *loader)
{
    tg_batches_read(loader->batches, loader->set->images, loader->x);
    tg_batches_read(loader->batches, loader->set->labels, loader->y);
    return tg_batches_size(loader->batches);
}

fashion_score fashion_test(const fashion_loader *l, tg_tape *tape, fashion_forward *forward,
                           const void *model)
{
    double right = 0, loss = 0;
    bool enabled = tg_set_grad_enabled(tape, false);
    tg_mark start = tg_tape_mark(tape);
    tg_batches_start(l->batches);
    while (tg_batches_next(l->batches)) {
        tg_tape_rewind(tape, start);
        int64_t size = fashion_batch(l);
        tg_tensor *x = tg_narrow(l->x, 0, 0, size), *y = tg_narrow(l->y, 0, 0, size);
        tg_tensor *logits = forward(model, x);
        right += tg_item(tg_sum(tg_eq(tg_argmax_dim(logits, 1, false), y)));
        loss += tg_item(tg_cross_entropy(logits, y, &(tg_ce_opts){.reduction = TG_SUM}));
    }
    tg_tape_rewind(tape, start);
    tg_set_grad_enabled(tape, enabled);
    return (fashion_score){loss / (double)l->set->n, right / (double)l->set->n};
}
