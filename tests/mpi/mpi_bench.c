/* Samples a second of an MLP 784-512-512-10, float32, batches of 512, SGD, captured: `mpi_bench STEPS SHARDS`
 * by as many processes as it is started as, and with 0 for SHARDS one process without tinygrad-mpi. What
 * tests/bench/distributed.py compares. Rank 0 prints a line of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <tinygrad/mpi.h>

enum { SAMPLES = 8192, BATCH = 512, IN = 784, HIDDEN = 512, OUT = 10, WARM = 5 };

typedef struct bench {
    tg_tape *tape;
    tg_params *list;
    tg_linear_layer fc[3];
    tg_optim *optim;
    tg_batches *batches;
    tg_tensor *inputs, *targets, *x, *y, *loss;
    tg_capture *capture;
    tg_mpi *mpi;
    double *steps, *means; /* seconds */
    int done;
} bench;

static bench make(int64_t rows)
{
    bench b = {.tape = tg_tape_new(NULL)};
    b.list = tg_params_new(b.tape);
    b.fc[0] = tg_nn_linear(b.list, IN, HIDDEN, NULL, "fc1");
    b.fc[1] = tg_nn_linear(b.list, HIDDEN, HIDDEN, NULL, "fc2");
    b.fc[2] = tg_nn_linear(b.list, HIDDEN, OUT, NULL, "fc3");
    b.optim = tg_sgd(b.tape, tg_params_unique(b.list), tg_params_unique_count(b.list),
                     &(tg_sgd_opts){.lr = 1e-2});
    b.batches = tg_batches_new(b.tape, SAMPLES, BATCH, &(tg_batches_opts){.shuffle = true});
    b.inputs = tg_randn(b.tape, TG_DIMS(SAMPLES, IN), 0);
    b.targets = tg_randint(b.tape, 0, OUT, TG_DIMS(SAMPLES), TG_I64);
    b.x = tg_zeros(b.tape, TG_DIMS(rows, IN), 0);
    b.y = tg_zeros(b.tape, TG_DIMS(rows), TG_I64);
    return b;
}

static tg_tensor *record(bench *b, tg_reduction reduction)
{
    tg_tensor *h = tg_relu(tg_nn_apply_linear(b->x, &b->fc[0]));
    h = tg_relu(tg_nn_apply_linear(h, &b->fc[1]));
    tg_tensor *out = tg_nn_apply_linear(h, &b->fc[2]);
    tg_tensor *loss = tg_cross_entropy(out, b->y, &(tg_ce_opts){.reduction = reduction});
    tg_backward(loss);
    return loss;
}

static double run(bench *b, tg_reduction reduction)
{
    tg_batches_read(b->batches, tg_f32(b->inputs), b->x);
    tg_batches_read(b->batches, tg_i64(b->targets), b->y);
    if (b->capture) {
        tg_capture_replay(b->capture);
        return tg_item(b->loss);
    }
    b->capture = tg_capture_begin(b->tape);
    tg_optim_zero_grad(b->optim);
    b->loss = record(b, reduction);
    tg_capture_end(b->capture);
    return tg_item(b->loss);
}

static void step(bench *b)
{
    if (!tg_batches_indices(b->batches) || !tg_batches_next(b->batches)) {
        tg_batches_start(b->batches);
        tg_batches_next(b->batches);
    }
    if (!b->mpi) {
        run(b, TG_MEAN);
        tg_optim_step(b->optim);
        return;
    }
    while (tg_mpi_next(b->mpi, b->batches)) {
        double loss = run(b, TG_SUM);
        tg_mpi_add(b->mpi, (double)tg_batches_size(b->batches), &loss, 1);
    }
    double mean, begun = MPI_Wtime();
    tg_mpi_mean(b->mpi, &mean, 1);
    b->means[b->done] = MPI_Wtime() - begun;
    tg_optim_step(b->optim);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value that a tenth of them, or another part, is below: the machine may be busy otherwise. */
static double quantile(double *values, int n, double part)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    return values[(int)(part * (n - 1))];
}

int main(int argc, char **argv)
{
    int steps = argc > 1 ? atoi(argv[1]) : 40, shards = argc > 2 ? atoi(argv[2]) : 0;
    MPI_Init(&argc, &argv);
    bench b = make(shards ? BATCH / shards : BATCH);
    if (shards) {
        b.mpi = tg_mpi_open(MPI_COMM_WORLD, b.list, &(tg_mpi_opts){.shards = shards});
        tg_mpi_broadcast(b.mpi, b.list);
    }
    b.steps = calloc((size_t)(2 * (WARM + steps)), sizeof *b.steps);
    b.means = b.steps + WARM + steps;
    for (; b.done < WARM + steps && !tg_error(b.tape); b.done++) {
        double begun = MPI_Wtime();
        step(&b);
        b.steps[b.done] = MPI_Wtime() - begun;
    }
    double quick = quantile(b.steps + WARM, steps, 0.1);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    if (tg_error(b.tape))
        fprintf(stderr, "%s\n", tg_error_message(b.tape));
    else if (!tg_mpi_rank(b.mpi))
        printf("{\"samples_per_second\": %.0f, \"step_ms\": %.3f, \"median_ms\": %.3f, "
               "\"mean_ms\": %.3f, "
               "\"peak_mib\": %.0f}\n",
               BATCH / quick, 1e3 * quick, 1e3 * quantile(b.steps + WARM, steps, 0.5),
               1e3 * quantile(b.means + WARM, steps, 0.1), (double)used.ru_maxrss / 1024);
    free(b.steps);
    tg_mpi_close(b.mpi);
    tg_tape_free(b.tape);
    MPI_Finalize();
    return 0;
}
