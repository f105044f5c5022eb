/* The same step as tg_mpi_next(), _add() and _mean() make it, without them and without MPI: as it reads
 * in the manual. Not quick, and for one process alone. Relies on train.h. */
#include "plain.h"

#include <string.h>

enum { SHARDS = 8 };

/* What a tensor of the list has of each shard, rounded to its dtype. */
typedef struct parts {
    double of[SHARDS][MOST];
    bool any[SHARDS];
} parts;

static double rounded(int dtype, double x)
{
    return dtype == TG_F32 ? (double)(float)x : x;
}

static double element(const tg_tensor *t, int64_t i)
{
    if (tg_f32(t))
        return (double)tg_f32(t)[i];
    return tg_f64(t) ? tg_f64(t)[i] : (double)tg_i64(t)[i];
}

static void set_element(tg_tensor *t, int64_t i, double value)
{
    void *data = tg_data_mut(t);
    if (tg_dtype(t) == TG_F32)
        ((float *)data)[i] = (float)value;
    else if (tg_dtype(t) == TG_F64)
        ((double *)data)[i] = value;
    else
        ((int64_t *)data)[i] = (int64_t)value;
}

static double tree(int dtype, double (*of)[MOST], int64_t i, int from, int to)
{
    if (to - from == 1)
        return of[from][i];
    int middle = (from + to) / 2;
    return rounded(dtype, tree(dtype, of, i, from, middle) + tree(dtype, of, i, middle, to));
}

static bool is_buffer(const tg_tensor *t)
{
    return !tg_requires_grad(t);
}

/* The change in a buffer, weighted; it gets its former value back. */
static void take_buffer(tg_tensor *t, const double *base, parts *p, int shard, double size)
{
    int dtype = tg_dtype(t);
    for (int64_t i = 0; i < tg_numel(t); i++) {
        if (element(t, i) == base[i])
            continue;
        double change = rounded(dtype, element(t, i) - base[i]);
        p->of[shard][i] =
            dtype == TG_I64 ? (double)(shard == 0) * change : rounded(dtype, change * size);
        p->any[shard] = true;
        set_element(t, i, base[i]);
    }
}

static void take_gradient(const tg_tensor *t, parts *p, int shard)
{
    const tg_tensor *grad = tg_grad(t);
    for (int64_t i = 0; grad && i < tg_numel(t); i++)
        p->of[shard][i] = element(grad, i);
    p->any[shard] = grad != NULL;
}

static bool any_of(const parts *p)
{
    bool any = false;
    for (int s = 0; s < SHARDS; s++)
        any |= p->any[s];
    return any;
}

static void set_buffer(tg_tensor *t, const double *base, parts *p, double size)
{
    int dtype = tg_dtype(t);
    for (int64_t i = 0; any_of(p) && i < tg_numel(t); i++) {
        double sum = tree(dtype, p->of, i, 0, SHARDS);
        double change = dtype == TG_I64 ? sum : rounded(dtype, sum / size);
        set_element(t, i, rounded(dtype, base[i] + change));
    }
}

/* A gradient is there once any tensor was used at all. */
static void set_gradient(tg_tape *tape, tg_tensor *t, parts *p, double weight)
{
    tg_zero_grad(t);
    if (!any_of(p))
        return;
    tg_mark mark = tg_tape_mark(tape);
    tg_backward(tg_sum(t));
    tg_tape_rewind(tape, mark);
    for (int64_t i = 0; i < tg_numel(t); i++)
        set_element(tg_grad(t), i,
                    rounded(tg_dtype(t), tree(tg_dtype(t), p->of, i, 0, SHARDS) / weight));
}

static int64_t begin_of(int64_t n, int64_t shard)
{
    return (n * shard + SHARDS - 1) / SHARDS;
}

static parts all[16];
static double bases[16][MOST];

static void run_shard(trainer *t, int64_t n, int shard, double *loss, double *weight)
{
    int64_t first = begin_of(n, shard), size = begin_of(n, shard + 1) - first;
    *loss = *weight = 0;
    if (!size)
        return;
    tg_batches_narrow(t->batches, first, size);
    tg_params_zero_grad(t->list);
    *loss = trainer_shard(t, weight);
    for (size_t i = 0; i < tg_params_count(t->list); i++) {
        tg_tensor *p = tg_params_tensor(t->list, i);
        if (is_buffer(p))
            take_buffer(p, bases[i], &all[i], shard, (double)size);
        else
            take_gradient(p, &all[i], shard);
    }
}

void plain_step(trainer *t)
{
    int64_t n = tg_batches_size(t->batches);
    static double numbers[2][SHARDS][MOST];
    memset(all, 0, sizeof all);
    tg_tensor *draw = tg_randint(t->tape, 0, INT64_C(1) << 32, TG_SCALAR, TG_I64);
    uint64_t seed = (uint64_t)*tg_i64(draw);
    static int64_t generator[1024];
    tg_tensor *state = tg_rng_state(t->tape);
    memcpy(generator, tg_i64(state), (size_t)tg_numel(state) * sizeof *generator);
    for (size_t i = 0; i < tg_params_count(t->list); i++) {
        for (int64_t k = 0; k < tg_numel(tg_params_tensor(t->list, i)); k++)
            bases[i][k] = element(tg_params_tensor(t->list, i), k);
    }
    for (int s = 0; s < SHARDS; s++) {
        tg_manual_seed(t->tape, seed + (uint64_t)s * UINT64_C(0x9e3779b9));
        run_shard(t, n, s, &numbers[0][s][0], &numbers[1][s][0]);
    }
    tg_batches_narrow(t->batches, 0, n);
    tg_set_rng_state(t->tape, tg_from_i64(t->tape, generator, TG_DIMS(627), 0));
    double weight = tree(TG_F64, numbers[1], 0, 0, SHARDS);
    for (size_t i = 0; i < tg_params_count(t->list); i++) {
        tg_tensor *p = tg_params_tensor(t->list, i);
        if (is_buffer(p))
            set_buffer(p, bases[i], &all[i], (double)n);
        else
            set_gradient(t->tape, p, &all[i], weight);
    }
    trainer_update(t, tree(TG_F64, numbers[0], 0, 0, SHARDS) / weight);
}
