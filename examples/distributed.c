/* Fashion-MNIST by several processes: mpirun -n 4 build/examples/distributed --epochs 3. The networks of
 * fashion_mnist.c, in batches that are cut into shards: the weights have the same bits for 1, 2, 4 and 8
 * processes. Started without mpirun it is one process. Progress, curve and checkpoints are rank 0's. */
#include "support/clothes.h"
#include "support/model.h"
#include "support/run.h"

#include <tinygrad/mpi.h>
#include <tinygrad/op.h> /* tg_fail */

enum { BATCH = 128 };

/* What this process works with. */
typedef struct trainer {
    tg_tape *tape;
    tg_mpi *mpi;
    clothes model;
    fashion trainset, testset;
    fashion_loader training, testing;
} trainer;

/* Of a shard, or of any batch: the sum of its losses. */
static tg_tensor *loss_of(const fashion_loader *l, tg_tensor *logits, int64_t size)
{
    return tg_cross_entropy(logits, tg_narrow(l->y, 0, 0, size),
                            &(tg_ce_opts){.reduction = TG_SUM});
}

/* The gradients of a shard; what drops those of the one before, and what steps, stands outside. */
static tg_tensor *record(void *context, int64_t size)
{
    const trainer *t = context;
    const fashion_loader *l = &t->training;
    tg_tensor *loss = loss_of(l, clothes_forward(&t->model, tg_narrow(l->x, 0, 0, size)), size);
    tg_backward(loss);
    return loss;
}

/* Goes once over the pictures in random order; returns the mean loss. */
static double train(trainer *t, run *r, step *s, tg_optim *optim)
{
    const fashion_loader *l = &t->training;
    double sum = 0;
    int64_t seen = 0;
    tg_batches_start(l->batches);
    while (tg_batches_next(l->batches)) {
        double loss = 0;
        while (tg_mpi_next(t->mpi, l->batches)) {
            int64_t size = fashion_batch(l);
            double shard = step_run(s, t->tape, size);
            tg_mpi_add(t->mpi, (double)size, &shard, 1);
        }
        tg_mpi_mean(t->mpi, &loss, 1);
        tg_optim_step(optim);
        int64_t size = tg_batches_size(l->batches);
        sum += loss * (double)size;
        run_progress(r, seen += size, l->set->n);
    }
    return sum / (double)l->set->n;
}

/* Each process tests its shards: without gradients, none are exchanged. */
static fashion_score test(trainer *t)
{
    const fashion_loader *l = &t->testing;
    fashion_score score = {0, 0};
    bool enabled = tg_set_grad_enabled(t->tape, false);
    tg_mark start = tg_tape_mark(t->tape);
    tg_batches_start(l->batches);
    while (tg_batches_next(l->batches)) {
        double means[2] = {0, 0}; /* loss, right answers */
        while (tg_mpi_next(t->mpi, l->batches)) {
            tg_tape_rewind(t->tape, start);
            int64_t size = fashion_batch(l);
            tg_tensor *logits = clothes_forward(&t->model, tg_narrow(l->x, 0, 0, size));
            tg_tensor *right = tg_eq(tg_argmax_dim(logits, 1, false), tg_narrow(l->y, 0, 0, size));
            double sums[] = {tg_item(loss_of(l, logits, size)), tg_item(tg_sum(right))};
            tg_mpi_add(t->mpi, (double)size, sums, 2);
        }
        tg_mpi_mean(t->mpi, means, 2);
        double part = (double)tg_batches_size(l->batches) / (double)l->set->n;
        score.loss += means[0] * part;
        score.accuracy += means[1] * part;
    }
    tg_tape_rewind(t->tape, start);
    tg_set_grad_enabled(t->tape, enabled);
    return score;
}

/* Where one process ends, by Ctrl-C say, all do, after the same epoch. */
static bool next_epoch(trainer *t, run *r)
{
    int before = r->epoch;
    tg_mark mark = tg_tape_mark(t->tape);
    tg_tensor *all = tg_zeros(t->tape, TG_DIMS(tg_mpi_processes(t->mpi)), TG_F64);
    double more = run_next(r);
    tg_mpi_gather(t->mpi, &more, 1, tg_data_mut(all));
    bool go_on = !tg_error(t->tape) && tg_item(tg_min(all)) != 0;
    tg_tape_rewind(t->tape, mark);
    if (!go_on)
        r->epoch = before;
    return go_on;
}

/* Rank 0 has read --resume, if it was given; the others get what it has. */
static void share(trainer *t, run *r, tg_params *list, tg_optim *optim)
{
    tg_params *state = tg_params_new(t->tape);
    tg_optim_state(optim, state, NULL);
    int64_t done = r->epoch;
    tg_tensor *epoch =
        tg_params_add(state, tg_from_i64(t->tape, &done, TG_SCALAR, TG_I64), "epoch");
    tg_mpi_broadcast(t->mpi, list);
    tg_mpi_broadcast(t->mpi, state);
    if (!tg_error(t->tape))
        r->epoch = (int)*tg_i64(epoch);
}

/* Data that one process cannot read are an error of all. */
static void read_sets(trainer *t, const run *r)
{
    if (!fashion_read(t->tape, &t->trainset, r->data, "train") ||
        !fashion_read(t->tape, &t->testset, r->data, "t10k"))
        tg_fail(t->tape, TG_EIO, "distributed: the data cannot be read");
    t->training = fashion_loader_new(t->tape, &t->trainset, BATCH, true);
    t->testing = fashion_loader_new(t->tape, &t->testset, 8 * BATCH, false);
}

static int teach(run *r, tg_tape *tape, bool conv, int shards)
{
    tg_params *list = tg_params_new(tape);
    trainer t = {.tape = tape, .model = clothes_make(list, conv)};
    tg_optim *optim = tg_adamw(tape, tg_params_unique(list), tg_params_unique_count(list), NULL);
    read_sets(&t, r);
    t.mpi = tg_mpi_open(MPI_COMM_WORLD, list, &(tg_mpi_opts){.shards = shards});
    if (tg_mpi_rank(t.mpi) &&
        !freopen("/dev/null", "w", stderr)) /* rank 0 says it all from here on */
        tg_fail(tape, TG_EIO, "distributed: /dev/null cannot be opened");
    step s = {.record = record, .context = &t, .size = BATCH / shards, .eager = r->eager};
    run_begin(r, tape, list, optim);
    share(&t, r, list, optim);
    while (next_epoch(&t, r)) {
        tg_optim_set_lr(optim, tg_lr_cosine(r->lr, r->epoch - 1, r->epochs, 0));
        double loss = train(&t, r, &s, optim);
        fashion_score tested = test(&t);
        run_report(r, &(run_epoch){loss, tested.loss, tested.accuracy, t.trainset.n});
    }
    run_save(r);
    tg_mpi_close(t.mpi);
    return run_finish(r);
}

static int begin(run *r, int argc, char **argv, int rank)
{
    const char *kind = "mlp";
    int shards = 8;
    const run_option own[] = {
        {"model", "mlp or conv", .text = &kind},
        {"shards",
         "of a batch of 128: a power of two, at least the processes; the bits depend on it",
         .count = &shards}};
    r->own = own;
    r->n_own = 2;
    if (rank && !freopen("/dev/null", "w", stdout))
        return 1;
    int code = run_start(r, argc, argv);
    if (code >= 0)
        return code;
    int chosen = model_choice(kind, (const char *[]){"mlp", "conv"});
    if (chosen < 0)
        return 2;
    if (rank) {
        r->save = r->resume = r->curve = NULL;
        r->terminal = false;
    }
    tg_tape *tape = tg_tape_new(NULL);
    tg_manual_seed(tape, r->seed);
    code = teach(r, tape, chosen == 1, shards ? shards : 8);
    tg_tape_free(tape);
    return code;
}

int main(int argc, char **argv)
{
    int rank = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    run r = {.seed = 1, .epochs = 12, .lr = 2e-3, .data = "/usr/share/datasets/fashion-mnist"};
    int code = begin(&r, argc, argv, rank);
    MPI_Finalize();
    return code;
}
