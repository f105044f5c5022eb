/* What the programs here train, see train.h. */
#include "train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool options_read(options *o, int argc, char **argv)
{
    *o = (options){.steps = 40, .n = 114, .batch = 24, .norm = true, .kill_rank = -1};
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        const char *v = value ? value + 1 : "";
        if (!strncmp(argv[i], "steps=", 6))
            o->steps = atoi(v);
        else if (!strncmp(argv[i], "n=", 2))
            o->n = atoi(v);
        else if (!strncmp(argv[i], "save=", 5))
            o->save = v;
        else if (!strncmp(argv[i], "resume=", 7))
            o->resume = v;
        else if (!strncmp(argv[i], "kill=", 5))
            sscanf(v, "%d:%d", &o->kill_rank, &o->kill_step);
        else if (!strcmp(argv[i], "captured"))
            o->captured = true;
        else if (!strcmp(argv[i], "plain"))
            o->plain = true;
        else if (!strcmp(argv[i], "f64"))
            o->dtype = TG_F64;
        else if (!strcmp(argv[i], "no-norm"))
            o->norm = false;
        else
            return false;
    }
    return true;
}

static void make_data(trainer *t)
{
    const options *o = &t->o;
    tg_tensor *inputs = tg_randn(t->tape, TG_DIMS(o->n, FEATURES), TG_F64);
    tg_tensor *targets = tg_randint(t->tape, 0, CLASSES, TG_DIMS(o->n), TG_I64);
    int64_t *classes = tg_data_mut(targets);
    for (int64_t i = 0; classes && i < o->n; i += 7)
        classes[i] = -100; /* ignored */
    t->inputs = tg_f64(inputs);
    t->targets = tg_i64(targets);
}

void trainer_make(trainer *t, const options *o, tg_tape *tape, int rank)
{
    *t = (trainer){.o = *o, .tape = tape};
    tg_manual_seed(t->tape, 5);
    make_data(t);
    tg_manual_seed(t->tape, 7 + (uint64_t)rank);
    t->list = tg_params_new(t->tape);
    const tg_nn_linear_opts linear = {.dtype = o->dtype};
    t->fc1 = tg_nn_linear(t->list, FEATURES, HIDDEN, &linear, "fc1");
    if (o->norm)
        t->norm =
            tg_nn_batch_norm(t->list, HIDDEN, &(tg_nn_batch_norm_opts){.dtype = o->dtype}, "norm");
    t->fc2 = tg_nn_linear(t->list, HIDDEN, CLASSES, &linear, "fc2");
    t->rare = tg_params_add(
        t->list, tg_ones(t->tape, TG_DIMS(CLASSES), TG_REQUIRES_GRAD | o->dtype), "rare");
    tg_params_add(t->list, tg_full(t->tape, TG_DIMS(3), -(double)INFINITY, o->dtype), "mask");
    tg_params_add(t->list, t->fc1.weight, "tied");
    t->class_weights =
        tg_add_scalar(tg_mul_scalar(tg_arange(t->tape, 0, CLASSES, 1, o->dtype), 0.3), 0.7);
    t->optim = tg_adamw(t->tape, tg_params_unique(t->list), tg_params_unique_count(t->list),
                        &(tg_adam_opts){.lr = 1e-2});
    t->batches = tg_batches_new(t->tape, o->n, o->batch, &(tg_batches_opts){.shuffle = true});
    t->x = tg_zeros(t->tape, TG_DIMS(o->batch, FEATURES), o->dtype);
    t->y = tg_zeros(t->tape, TG_DIMS(o->batch), TG_I64);
    t->hash = UINT64_C(0xcbf29ce484222325);
}

bool trainer_next(trainer *t)
{
    if (!tg_batches_indices(t->batches) || !tg_batches_next(t->batches)) {
        tg_batches_start(t->batches);
        tg_batches_next(t->batches);
    }
    t->step++;
    return !tg_error(t->tape);
}

static tg_tensor *record(trainer *t, int64_t size, bool rare)
{
    tg_tensor *x = tg_narrow(t->x, 0, 0, size), *y = tg_narrow(t->y, 0, 0, size);
    tg_tensor *h = tg_nn_apply_linear(x, &t->fc1);
    if (t->o.norm)
        h = tg_nn_apply_batch_norm(h, &t->norm, true);
    tg_tensor *out = tg_nn_apply_linear(tg_dropout(tg_tanh(h), 0.3, true), &t->fc2);
    if (rare)
        out = tg_mul(out, t->rare);
    const tg_ce_opts opts = {.weight = t->class_weights, .reduction = TG_SUM};
    tg_tensor *loss = tg_cross_entropy(out, y, &opts);
    tg_backward(loss);
    return loss;
}

static double weigh(const trainer *t, int64_t size)
{
    double sum = 0;
    for (int64_t i = 0; i < size; i++) {
        int64_t target = t->targets[tg_batches_indices(t->batches)[i]];
        sum += target >= 0 ? 0.7 + 0.3 * (double)target : 0;
    }
    return sum;
}

double trainer_shard(trainer *t, double *weight)
{
    int64_t size = tg_batches_size(t->batches);
    bool rare = t->targets[tg_batches_indices(t->batches)[0]] == 0;
    tg_batches_read_as(t->batches, t->inputs, TG_ARRAY_F64, t->x);
    tg_batches_read(t->batches, t->targets, t->y);
    *weight = weigh(t, size);
    if (!t->o.captured) {
        tg_tape_rewind(t->tape, t->start);
        return tg_item(record(t, size, rare));
    }
    tg_capture **capture = &t->captures[rare][size];
    if (*capture) {
        tg_capture_replay(*capture);
    } else {
        *capture = tg_capture_begin(t->tape);
        t->losses[rare][size] = record(t, size, rare);
        tg_capture_end(*capture);
    }
    return tg_item(t->losses[rare][size]);
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

void trainer_update(trainer *t, double mean)
{
    t->hash = hash_bytes(t->hash, &mean, sizeof mean);
    tg_optim_step(t->optim);
}

uint64_t trainer_hash(trainer *t)
{
    static const size_t sizes[] = {sizeof(float), sizeof(double), sizeof(int64_t), sizeof(bool)};
    tg_params *all = tg_params_new(t->tape);
    for (size_t i = 0; i < tg_params_count(t->list); i++)
        tg_params_add(all, tg_params_tensor(t->list, i), "%s", tg_params_name(t->list, i));
    tg_optim_state(t->optim, all, "optim.");
    uint64_t hash = t->hash;
    for (size_t i = 0; i < tg_params_count(all); i++) {
        tg_tensor *p = tg_params_tensor(all, i);
        hash = hash_bytes(hash, tg_data_mut(p), (size_t)tg_numel(p) * sizes[tg_dtype(p)]);
    }
    return hash;
}
