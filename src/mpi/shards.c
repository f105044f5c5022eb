/* A step: shards one after the other, their gradients and metrics added in the tree, and the means at its
 * end. Relies on group.h. */
#include "group.h"

#include <math.h>
#include <tinygrad/ops.h>

/* Around what is done on the tape for the group: nothing of it is recorded, or stays. */
typedef struct scope {
    const char *speaker;
    bool enabled;
    tg_mark mark;
} scope;

static scope enter(tg_mpi_group *g, const char *name)
{
    return (scope){tg_speak_as(g->tape, name), tg_set_grad_enabled(g->tape, false),
                   tg_tape_mark(g->tape)};
}

static void leave(tg_mpi_group *g, const scope *s)
{
    tg_tape_rewind(g->tape, s->mark);
    tg_set_grad_enabled(g->tape, s->enabled);
    tg_speak_as(g->tape, s->speaker);
}

static int shard_of(const tg_mpi_group *g)
{
    return g->rank * (g->shards / g->processes) + g->done;
}

/* --- adding --- */

/* What the present shard has of the item; NULL: nothing. */
static tg_tensor *part_of(const tg_mpi_group *g, const tg_mpi_item *item)
{
    if (item->parameter)
        return tg_grad(item->t);
    if (!tg_mpi_changed(g, item))
        return NULL;
    tg_tensor *change = tg_sub(item->t, tg_mpi_base(g, item));
    if (item->dtype == TG_I64)
        return shard_of(g) == 0 ? change : NULL;
    return g->batches ? tg_mul_scalar(change, (double)g->size) : change;
}

static void put(tg_tensor *into, tg_tensor *from, bool add)
{
    if (add)
        tg_add_(into, from, 1);
    else
        tg_copy_(into, from);
}

/* Where there is no part a 0 is added, as between processes: it takes the sign of a -0. */
static void put_item(tg_mpi_group *g, const tg_mpi_item *item, int level, bool add)
{
    const tg_mpi_lane *lane = &g->lanes[item->dtype];
    tg_tensor *flat = lane->levels[level];
    tg_tensor *part = g->stage == TG_MPI_SHARD ? part_of(g, item) : NULL;
    g->any_change |= part != NULL;
    put(tg_mpi_view(flat, item->at, item->t), part ? part : lane->zero, add);
    put(tg_narrow(flat, 0, item->at + tg_numel(item->t), 1), part ? lane->one : lane->zero, add);
    if (part && !item->parameter)
        tg_copy_(item->t, tg_mpi_base(g, item));
}

static void add_numbers(tg_mpi_numbers *into, const tg_mpi_numbers *from)
{
    into->weight += from->weight;
    for (int i = 0; i < TG_MPI_METRICS; i++)
        into->metrics[i] += from->metrics[i];
}

/* The sum that waits last is added to the one before it. */
static void merge(tg_mpi_group *g)
{
    int from = --g->waiting, into = from - 1;
    for (int dtype = 0; dtype < TG_MPI_DTYPES; dtype++) {
        if (g->lanes[dtype].n)
            tg_add_(g->lanes[dtype].levels[into], g->lanes[dtype].levels[from], 1);
    }
    add_numbers(&g->numbers[into], &g->numbers[from]);
}

/* Adds the present shard, or one without samples. Sums wait like the digits of a binary number. */
static void absorb(tg_mpi_group *g, const tg_mpi_numbers *numbers)
{
    bool add = g->done & 1;
    int level = g->waiting - add;
    for (size_t i = 0; i < g->n_items; i++)
        put_item(g, &g->items[i], level, add);
    if (add)
        add_numbers(&g->numbers[level], numbers);
    else
        g->numbers[level] = *numbers;
    g->waiting = level + 1;
    for (int i = g->done / 2; add && i & 1; i /= 2)
        merge(g);
    g->done++;
    g->stage = TG_MPI_ADDED;
}

/* --- going through the shards --- */

/* The first sample of a shard. */
static int64_t begin_of(const tg_mpi_group *g, int shard)
{
    int64_t each = g->samples / g->shards, rest = g->samples % g->shards;
    return each * shard + (rest * shard + g->shards - 1) / g->shards;
}

static void drop_gradients(tg_mpi_group *g)
{
    for (size_t i = 0; i < g->n_items; i++) {
        if (g->items[i].parameter)
            tg_zero_grad(g->items[i].t);
    }
}

/* Draws what the generators of the step's shards are seeded by, so that the step moves the tape's own. */
static bool begin(tg_mpi_group *g, tg_batches *batches)
{
    g->batches = batches;
    g->samples = batches ? tg_batches_size(batches) : 0;
    if (batches && !g->samples)
        tg_fail(g->tape, TG_ESTATE, "mpi_next: there is no batch: call tg_batches_next()");
    const int64_t *seed = tg_i64(tg_randint(g->tape, 0, INT64_C(1) << 32, TG_SCALAR, TG_I64));
    if (!seed || !tg_data_mut(g->self)) /* or a step is captured */
        return false;
    g->seed = (uint64_t)*seed;
    tg_mpi_save(g);
    drop_gradients(g); /* where there is no shard with samples, too */
    g->done = g->waiting = 0;
    g->n_metrics = -1;
    g->any_change = false;
    if (!tg_error(g->tape))
        g->stage = TG_MPI_ADDED;
    return g->stage == TG_MPI_ADDED;
}

/* Shards that differ have seeds that differ: the factor is odd. */
static bool begin_shard(tg_mpi_group *g, int64_t first)
{
    if (g->batches)
        tg_batches_narrow(g->batches, first, g->size);
    tg_manual_seed(g->tape, g->seed + (uint64_t)shard_of(g) * UINT64_C(0x9e3779b9));
    drop_gradients(g);
    g->stage = TG_MPI_SHARD;
    return !tg_error(g->tape);
}

/* The next one that has samples. */
static bool advance(tg_mpi_group *g)
{
    while (g->done < g->shards / g->processes && !tg_error(g->tape)) {
        int64_t first = begin_of(g, shard_of(g));
        g->size = begin_of(g, shard_of(g) + 1) - first;
        if (g->size || !g->batches)
            return begin_shard(g, first);
        absorb(g, &(tg_mpi_numbers){0});
    }
    tg_set_rng_state(g->tape, g->generator);
    if (g->batches)
        tg_batches_narrow(g->batches, 0, g->samples);
    if (!tg_error(g->tape))
        g->stage = TG_MPI_SUMMED;
    return false;
}

bool tg_mpi_next(tg_mpi *mpi, tg_batches *batches)
{
    tg_mpi_group *g = tg_mpi_group_of(mpi);
    if (!g || tg_error(g->tape) || g->stage == TG_MPI_SUMMED)
        return false;
    if (g->stage == TG_MPI_SHARD) {
        tg_fail(g->tape, TG_ESTATE, "mpi_next: shard %d was not added", shard_of(g));
        return false;
    }
    scope s = enter(g, "mpi_next");
    bool more = (g->stage == TG_MPI_ADDED || begin(g, batches)) && advance(g);
    leave(g, &s);
    return more;
}

int tg_mpi_shard(const tg_mpi *mpi)
{
    const tg_mpi_group *g = tg_mpi_group_of(mpi);
    return g && g->stage == TG_MPI_SHARD ? shard_of(g) : -1;
}

static bool check_add(tg_mpi_group *g, double weight, const double *metrics, size_t n)
{
    if (g->stage != TG_MPI_SHARD)
        tg_fail(g->tape, TG_ESTATE, "mpi_add: there is no shard: call tg_mpi_next()");
    else if (!(weight >= 0 && isfinite(weight)))
        tg_fail(g->tape, TG_EVALUE, "mpi_add: weight %g is not finite and >= 0", weight);
    else if (n > TG_MPI_METRICS || (n && !metrics))
        tg_fail(g->tape, TG_EVALUE, "mpi_add: %zu metrics at NULL, or more than %d", n,
                TG_MPI_METRICS);
    else if (g->n_metrics >= 0 && (size_t)g->n_metrics != n)
        tg_fail(g->tape, TG_EVALUE, "mpi_add: %zu metrics, and %d in the shard before", n,
                g->n_metrics);
    return !tg_error(g->tape);
}

tg_status tg_mpi_add(tg_mpi *mpi, double weight, const double *metrics, size_t n)
{
    tg_mpi_group *g = tg_mpi_group_of(mpi);
    if (!g)
        return mpi ? TG_ESTATE : TG_EVALUE;
    if (tg_error(g->tape) || !check_add(g, weight, metrics, n))
        return tg_error(g->tape);
    tg_mpi_numbers numbers = {.weight = weight};
    for (size_t i = 0; i < n; i++)
        numbers.metrics[i] = metrics[i];
    g->n_metrics = (int)n;
    scope s = enter(g, "mpi_add");
    absorb(g, &numbers);
    leave(g, &s);
    return tg_error(g->tape);
}

/* --- means --- */

/* out = in / a number, in double. Where that is a float so is the quotient, rounded twice or not. */
static void mean_forward(tg_node *node)
{
    double by = *(const double *)node->params;
    float single = (float)by;
    int64_t n = tg_numel(node->out);
    const float *f32 = tg_f32(node->in[0]);
    const double *f64 = tg_f64(node->in[0]);
    float *out32 = tg_out_data(node);
    double *out64 = tg_out_data(node);
    for (int64_t i = 0; f64 && i < n; i++)
        out64[i] = f64[i] / by;
    bool exact = (double)single == by;
    for (int64_t i = 0; f32 && exact && i < n; i++)
        out32[i] = f32[i] / single;
    for (int64_t i = 0; f32 && !exact && i < n; i++)
        out32[i] = (float)((double)f32[i] / by);
}

/* A place for the gradient of a leaf that got none from this process's last shard; what is in it does not
 * matter. */
static tg_tensor *make_grad(tg_tensor *t)
{
    tg_tape *tape = tg_tape_of(t);
    tg_set_grad_enabled(tape, true);
    tg_tensor *sum = tg_sum(t);
    tg_set_grad_enabled(tape, false);
    tg_backward(sum);
    return tg_grad(t);
}

static void set_grad(const tg_mpi_item *item, tg_tensor *sum, double weight)
{
    static const tg_op op = {.name = "mpi_mean", .forward = mean_forward};
    tg_tensor *grad = tg_grad(item->t) ? tg_grad(item->t) : make_grad(item->t);
    tg_tensor *in[] = {sum, grad};
    if (tg_check_inputs(&op, 2, in))
        tg_apply(&(tg_call){.op = &op,
                            .n_in = 1,
                            .in = in,
                            .in_place = grad,
                            .params = &weight,
                            .params_size = sizeof weight});
}

static void set_buffer(const tg_mpi_group *g, const tg_mpi_item *item, tg_tensor *sum)
{
    double samples = (double)(g->batches ? g->samples : g->shards);
    if (item->dtype != TG_I64)
        sum = tg_div_scalar(sum, samples);
    tg_copy_(item->t, tg_add(tg_mpi_base(g, item), sum));
}

/* In how many shards the item had a part. */
static double parts_of(const tg_tensor *flat, int64_t at)
{
    if (tg_f32(flat))
        return (double)tg_f32(flat)[at];
    return tg_f64(flat) ? tg_f64(flat)[at] : (double)tg_i64(flat)[at];
}

static void set_item(tg_mpi_group *g, const tg_mpi_item *item, double weight)
{
    tg_tensor *flat = g->lanes[item->dtype].levels[0];
    if (parts_of(flat, item->at + tg_numel(item->t)) == 0)
        return;
    tg_tensor *sum = tg_mpi_view(flat, item->at, item->t);
    if (item->parameter)
        set_grad(item, sum, weight);
    else
        set_buffer(g, item, sum);
}

/* Takes what memory the sums need on the tape, so that none of them can fail while others wait. */
static void rehearse(tg_mpi_group *g)
{
    for (int dtype = 0; dtype < TG_MPI_DTYPES; dtype++) {
        const tg_mpi_lane *lane = &g->lanes[dtype];
        if (lane->n && tg_data_mut(lane->levels[0]) && tg_data_mut(lane->received))
            tg_add_(tg_narrow(lane->levels[0], 0, 0, 0), tg_narrow(lane->received, 0, 0, 0), 1);
    }
}

static void check_mean(tg_mpi_group *g, const double *metrics, size_t n)
{
    if (g->stage != TG_MPI_SUMMED)
        tg_fail(g->tape, TG_ESTATE,
                "mpi_mean: shards are left: call tg_mpi_next() until it is false");
    else if (n > TG_MPI_METRICS || (n && !metrics))
        tg_fail(g->tape, TG_EVALUE, "mpi_mean: %zu metrics at NULL, or more than %d", n,
                TG_MPI_METRICS);
    else if (g->n_metrics >= 0 && (size_t)g->n_metrics != n)
        tg_fail(g->tape, TG_EVALUE, "mpi_mean: %zu metrics, and %d in tg_mpi_add()", n,
                g->n_metrics);
    else
        rehearse(g);
}

/* All processes have said that all is well. */
static void finish(tg_mpi_group *g, const tg_mpi_word *word, double *metrics, size_t n)
{
    bool good = true;
    for (int dtype = 0; dtype < TG_MPI_DTYPES && good && word->any_change; dtype++)
        good = !g->lanes[dtype].n || tg_mpi_sum_lane(g, &g->lanes[dtype]);
    for (size_t i = 0; i < g->n_items && good && word->any_change; i++)
        set_item(g, &g->items[i], word->numbers.weight);
    for (size_t i = 0; i < n; i++)
        metrics[i] = word->numbers.metrics[i] / word->numbers.weight;
    g->stage = TG_MPI_IDLE;
}

tg_status tg_mpi_mean(tg_mpi *mpi, double *metrics, size_t n)
{
    tg_mpi_group *g = tg_mpi_group_of(mpi);
    if (!g)
        return mpi ? TG_ESTATE : TG_EVALUE;
    scope s = enter(g, "mpi_mean");
    if (!tg_error(g->tape))
        check_mean(g, metrics, n);
    tg_mpi_word word = tg_mpi_say(g, TG_MPI_MEAN, g->samples);
    word.seed = g->seed;
    word.n_metrics = (int32_t)n;
    word.any_change = g->any_change;
    word.numbers = g->numbers[0];
    if (!tg_mpi_exchange(g, &word))
        finish(g, &word, metrics, n);
    leave(g, &s);
    return tg_error(g->tape);
}
