/* What goes wrong in one process of several, and what all of them say of it. Each case ends with all
 * processes at its end: a test's time limit says that none waits for ever. */
#include "support.h"
#include "train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tinygrad/mpi.h>
#include <tinygrad/op.h>

static int rank, processes, failures;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "rank %d: line %d: %s\n", rank, __LINE__, #condition);                 \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

/* The error, which is then cleared. */
static void expect_error(int line, tg_tape *tape, tg_status status, const char *message)
{
    if (tg_error(tape) != status || strcmp(tg_error_message(tape), message) != 0) {
        fprintf(stderr, "rank %d: line %d: error %d \"%s\", wanted %d \"%s\"\n", rank, line,
                (int)tg_error(tape), tg_error_message(tape), (int)status, message);
        failures++;
    }
    tg_clear_error(tape);
}
#define EXPECT_ERROR(tape, status, message) expect_error(__LINE__, tape, status, message)

static trainer make(tg_tape *tape)
{
    trainer t;
    options o;
    options_read(&o, 0, NULL);
    trainer_make(&t, &o, tape, 0);
    t.start = tg_tape_mark(tape);
    return t;
}

static tg_mpi *open_for(trainer *t)
{
    tg_mpi *mpi = tg_mpi_open(MPI_COMM_WORLD, t->list, NULL);
    t->start = tg_tape_mark(t->tape);
    return mpi;
}

static tg_status step(trainer *t, tg_mpi *mpi)
{
    trainer_next(t);
    while (tg_mpi_next(mpi, t->batches)) {
        double weight, loss = trainer_shard(t, &weight);
        tg_mpi_add(mpi, weight, &loss, 1);
    }
    double mean = 0;
    if (!tg_mpi_mean(mpi, &mean, 1))
        trainer_update(t, mean);
    return tg_error(t->tape);
}

/* The same hash in all processes. */
static void expect_same(trainer *t, tg_mpi *mpi)
{
    double mine = (double)trainer_hash(t), all[64] = {0};
    EXPECT(tg_mpi_gather(mpi, &mine, 1, all) == TG_OK);
    for (int i = 0; i < processes; i++)
        EXPECT(all[i] == mine);
}

static void finish(trainer *t, tg_mpi *mpi)
{
    EXPECT(tg_mpi_close(mpi) == TG_OK);
    EXPECT(tg_error(t->tape) == TG_OK);
    tg_tape_free(t->tape);
}

/* --- errors of one process --- */

static void target_out_of_range(void)
{
    trainer t = make(tg_tape_new(NULL));
    tg_mpi *mpi = open_for(&t);
    EXPECT(step(&t, mpi) == TG_OK);
    tg_tensor *generator = tg_rng_state(t.tape);
    float before = tg_f32(t.norm.running_mean)[0];
    int64_t *targets = (int64_t *)(uintptr_t)t.targets;
    t.start = tg_tape_mark(t.tape);
    int64_t former = targets[2];
    for (int64_t i = 0; rank == 1 && i < t.o.n; i++)
        targets[i] = targets[i] < 0 ? targets[i] : CLASSES + 7;
    EXPECT(step(&t, mpi) == TG_EVALUE);
    EXPECT(!strncmp(tg_error_message(t.tape), "rank 1: cross_entropy: ", 23));
    EXPECT(strstr(tg_error_message(t.tape), "12"));
    EXPECT(step(&t, mpi) == TG_EVALUE && tg_mpi_agree(mpi) == TG_EVALUE);
    EXPECT(!strncmp(tg_error_message(t.tape), "rank 1: cross_entropy: ", 23));
    tg_clear_error(t.tape);
    /* All is as before the batch but for the draw that its shards are seeded by; the next one works. */
    EXPECT(tg_f32(t.norm.running_mean)[0] == before);
    EXPECT(tg_batches_size(t.batches) == t.o.batch);
    EXPECT(!tensors_same(generator, tg_rng_state(t.tape)));
    for (int64_t i = 0; i < t.o.n; i++)
        targets[i] = targets[i] < 0 ? targets[i] : former < 0 ? 1 : former;
    EXPECT(step(&t, mpi) == TG_OK);
    expect_same(&t, mpi);
    finish(&t, mpi);
}

/* Two at once: that of the lowest rank. And one between two batches, at whatever comes next. */
static void which_error(void)
{
    trainer t = make(tg_tape_new(NULL));
    tg_mpi *mpi = open_for(&t);
    if (rank >= 2)
        tg_fail(t.tape, TG_EIO, "disk %d: full", rank);
    EXPECT(tg_mpi_agree(mpi) == TG_EIO);
    EXPECT_ERROR(t.tape, TG_EIO, "rank 2: disk 2: full");
    if (rank == 3)
        tg_fail(t.tape, TG_EIO, "disk: full");
    double value = 0, all[64];
    EXPECT(tg_mpi_gather(mpi, &value, 1, all) == TG_EIO);
    EXPECT_ERROR(t.tape, TG_EIO, "rank 3: disk: full");
    if (rank == 3)
        tg_fail(t.tape, TG_EIO, "disk: full");
    EXPECT(tg_mpi_broadcast(mpi, t.list) == TG_EIO);
    EXPECT_ERROR(t.tape, TG_EIO, "rank 3: disk: full");
    EXPECT(step(&t, mpi) == TG_OK);
    if (rank == 0)
        tg_fail(t.tape, TG_EIO, "disk: full");
    EXPECT(tg_mpi_close(mpi) == TG_EIO);
    EXPECT_ERROR(t.tape, TG_EIO, "rank 0: disk: full");
    tg_tape_free(t.tape);
}

/* One that leaves the loop early closes while others are in a step, or the reverse. */
static void early_end(void)
{
    trainer t = make(tg_tape_new(NULL));
    tg_mpi *mpi = open_for(&t);
    if (rank == 2)
        tg_fail(t.tape, TG_EIO, "disk: full");
    else
        EXPECT(step(&t, mpi) == TG_EIO);
    EXPECT(tg_mpi_close(mpi) == TG_EIO);
    EXPECT_ERROR(t.tape, TG_EIO, "rank 2: disk: full");
    mpi = open_for(&t);
    tg_status status = rank == 0 ? tg_mpi_close(mpi) : step(&t, mpi);
    EXPECT(status == TG_ESTATE);
    EXPECT_ERROR(t.tape, TG_ESTATE,
                 "mpi_close: rank 0 calls mpi_close, but rank 1 mpi_mean of 24 samples");
    if (rank) {
        EXPECT(step(&t, mpi) == TG_ESTATE);
        EXPECT_ERROR(t.tape, TG_ESTATE, "mpi_mean: other processes have closed");
        EXPECT(tg_mpi_close(mpi) == TG_OK);
    }
    tg_tape_free(t.tape);
}

static void other_calls(void)
{
    trainer t = make(tg_tape_new(NULL));
    tg_mpi *mpi = open_for(&t);
    double values[2] = {1, 2}, all[128];
    EXPECT((rank == 3 ? tg_mpi_agree(mpi) : tg_mpi_gather(mpi, values, 2, all)) == TG_ESTATE);
    EXPECT_ERROR(t.tape, TG_ESTATE,
                 "mpi_gather: rank 2 calls mpi_gather of 2 values, but rank 3 mpi_agree");
    EXPECT(tg_mpi_gather(mpi, values, rank == 1 ? 1 : 2, all) == TG_EVALUE);
    EXPECT_ERROR(
        t.tape, TG_EVALUE,
        "mpi_gather: rank 0 calls mpi_gather of 2 values, but rank 1 mpi_gather of 1 values");
    EXPECT(tg_mpi_gather(mpi, values, 2, all) == TG_OK && all[7] == 2);
    if (rank == 2)
        tg_manual_seed(t.tape, 77);
    EXPECT(step(&t, mpi) == TG_ESTATE);
    EXPECT_ERROR(
        t.tape, TG_ESTATE,
        "mpi_mean: the generators of ranks 2 and 3 differ: tg_mpi_broadcast() makes them the same");
    EXPECT(tg_mpi_broadcast(mpi, t.list) == TG_OK);
    tg_batches_start(t.batches); /* the orders differ as well */
    EXPECT(step(&t, mpi) == TG_OK);
    trainer_next(&t);
    while (tg_mpi_next(mpi, t.batches))
        tg_mpi_add(mpi, 1, values, rank == 1 ? 1 : 2);
    EXPECT(tg_mpi_mean(mpi, values, rank == 1 ? 1 : 2) == TG_EVALUE);
    EXPECT_ERROR(t.tape, TG_EVALUE, "mpi_mean: 2 metrics in rank 0, but 1 in rank 1");
    finish(&t, mpi);
}

/* --- lists that differ --- */

static void expect_no_group(tg_params *list, int shards, tg_status status, const char *message)
{
    tg_tape *tape = tg_tape_of(tg_params_tensor(list, 0));
    tg_mark mark = tg_tape_mark(tape);
    tg_mpi *mpi = tg_mpi_open(MPI_COMM_WORLD, list, &(tg_mpi_opts){.shards = shards});
    EXPECT(!mpi);
    EXPECT(!tape || marks_equal(mark, tg_tape_mark(tape)));
    if (tape)
        expect_error(__LINE__, tape, status, message);
}

static tg_params *list_of(tg_tape *tape, int64_t rows, int dtype, const char *second)
{
    tg_params *list = tg_params_new(tape);
    tg_params_add(list, tg_zeros(tape, TG_DIMS(rows, 3), TG_REQUIRES_GRAD | dtype), "weight");
    if (second)
        tg_params_add(list, tg_zeros(tape, TG_DIMS(3), TG_REQUIRES_GRAD), "%s", second);
    return list;
}

static void other_lists(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    bool odd = rank == 2;
    expect_no_group(
        list_of(tape, odd ? 4 : 5, TG_F32, "bias"), 4, TG_ESHAPE,
        "rank 2: the list: \"weight\" float32 [4, 3], but rank 0 has \"weight\" float32 [5, 3]");
    expect_no_group(
        list_of(tape, 5, odd ? TG_F64 : TG_F32, "bias"), 4, TG_ESHAPE,
        "rank 2: the list: \"weight\" float64 [5, 3], but rank 0 has \"weight\" float32 [5, 3]");
    expect_no_group(list_of(tape, 5, TG_F32, odd ? "b" : "bias"), 4, TG_ESHAPE,
                    "rank 2: the list: \"b\" float32 [3], but rank 0 has \"bias\" float32 [3]");
    expect_no_group(list_of(tape, 5, TG_F32, odd ? NULL : "bias"), 4, TG_ESHAPE,
                    "rank 2: the list: nothing more, but rank 0 has \"bias\" float32 [3]");
    expect_no_group(list_of(tape, 5, TG_F32, odd ? "bias" : NULL), 4, TG_ESHAPE,
                    "rank 2: the list: \"bias\" float32 [3], but rank 0 has nothing more");
    expect_no_group(odd ? NULL : list_of(tape, 5, TG_F32, NULL), 4, TG_EVALUE,
                    "rank 2: mpi_open: the list is NULL, empty or was rewound away");
    expect_no_group(list_of(tape, 5, TG_F32, NULL), odd ? 8 : 4, TG_EVALUE,
                    "mpi_open: rank 2 calls mpi_open of 8 shards, but rank 3 mpi_open of 4 shards");
    expect_no_group(list_of(tape, 5, TG_F32, NULL), odd ? 12 : 4, TG_EVALUE,
                    "rank 2: mpi_open: 12 shards, wanted a power of two up to 65536");
    expect_no_group(list_of(tape, 5, TG_F32, NULL), 2, TG_EVALUE,
                    "rank 0: mpi_open: 4 processes for 2 shards");
    tg_mpi *mpi = tg_mpi_open(MPI_COMM_WORLD, list_of(tape, 5, TG_F32, NULL), NULL);
    EXPECT(tg_mpi_broadcast(mpi, list_of(tape, 5, TG_F32, odd ? "x" : "y")) == TG_ESHAPE);
    EXPECT_ERROR(tape, TG_ESHAPE,
                 "rank 2: the list: \"x\" float32 [3], but rank 0 has \"y\" float32 [3]");
    tg_params *views = tg_params_new(tape);
    tg_tensor *wide = tg_zeros(tape, TG_DIMS(2, 3), 0);
    tg_params_add(views, odd ? tg_transpose(tg_reshape(wide, TG_DIMS(3, 2)), 0, 1) : wide, "view");
    EXPECT(tg_mpi_broadcast(mpi, views) == TG_ESTATE);
    EXPECT_ERROR(tape, TG_ESTATE, "rank 2: mpi_broadcast: \"view\" is not contiguous");
    EXPECT(tg_mpi_broadcast(mpi, NULL) == TG_EVALUE);
    tg_clear_error(tape);
    EXPECT(tg_mpi_close(mpi) == TG_OK);
    tg_tape_free(tape);
}

/* --- memory --- */

/* All of a run, where allocation k of rank 1 fails, and perhaps all after it. Whether any did. */
static bool run_with_failure(int64_t k, bool for_ever)
{
    test_allocator allocator = {.fail_at = rank == 1 ? k : -1, .for_ever = for_ever};
    tg_tape *tape = test_tape(&allocator, 64);
    trainer t = {.tape = tape};
    if (tape)
        t = make(tape);
    tg_mpi *mpi = open_for(&t);
    tg_mpi_broadcast(mpi, t.list);
    for (int i = 0; i < 2 && mpi; i++)
        step(&t, mpi);
    tg_status status = tg_mpi_close(mpi);
    EXPECT(!mpi || status == tg_error(tape));
    EXPECT(status == TG_OK || status == TG_ENOMEM);
    tg_tape_free(tape);
    EXPECT(allocator.live == 0);
    int failed = allocator.failures > 0, any = 0;
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return any;
}

static void memory_out(void)
{
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        int64_t k = 0;
        while (run_with_failure(k, for_ever) && k < 200)
            k++;
        EXPECT(k > 5 && k < 200);
        if (!rank)
            printf("%lld allocations failed\n", (long long)k);
    }
}

/* --- calls at the wrong time --- */

static void misuse(void)
{
    trainer t = make(tg_tape_new(NULL));
    tg_mpi *mpi = open_for(&t);
    double metric = 1;
    EXPECT(tg_mpi_shard(mpi) == -1 && tg_mpi_processes(mpi) == processes);
    EXPECT(!tg_mpi_next(mpi, t.batches));
    EXPECT_ERROR(t.tape, TG_ESTATE, "mpi_next: there is no batch: call tg_batches_next()");
    EXPECT(tg_mpi_add(mpi, 1, &metric, 1) == TG_ESTATE);
    EXPECT_ERROR(t.tape, TG_ESTATE, "mpi_add: there is no shard: call tg_mpi_next()");
    trainer_next(&t);
    EXPECT(tg_mpi_next(mpi, t.batches));
    EXPECT(tg_mpi_shard(mpi) == rank * (8 / processes));
    EXPECT(tg_mpi_add(mpi, -1, &metric, 1) == TG_EVALUE);
    EXPECT_ERROR(t.tape, TG_EVALUE, "mpi_add: weight -1 is not finite and >= 0");
    EXPECT(tg_mpi_add(mpi, 1, &metric, 9) == TG_EVALUE);
    EXPECT_ERROR(t.tape, TG_EVALUE, "mpi_add: 9 metrics at NULL, or more than 8");
    EXPECT(!tg_mpi_next(mpi, t.batches));
    tg_clear_error(t.tape);
    EXPECT(tg_mpi_add(mpi, 1, &metric, 1) == TG_OK);
    if (rank == 0) {
        while (processes == 1 && tg_mpi_next(mpi, t.batches))
            tg_mpi_add(mpi, 1, &metric, 1);
    }
    EXPECT(tg_mpi_mean(mpi, &metric, 1) == (processes == 1 ? TG_OK : TG_ESTATE));
    tg_clear_error(t.tape);
    /* Shards without batches; means of nothing but metrics, and of nothing at all. */
    int shards = 0;
    while (tg_mpi_next(mpi, NULL)) {
        double shard = tg_mpi_shard(mpi);
        EXPECT(shard == rank * (8 / processes) + shards++);
        tg_mpi_add(mpi, 2, &shard, 1);
    }
    EXPECT(shards == 8 / processes && tg_mpi_mean(mpi, &metric, 1) == TG_OK && metric == 28. / 16);
    EXPECT(!tg_grad(t.fc1.weight));
    while (tg_mpi_next(mpi, NULL))
        tg_mpi_add(mpi, 0, NULL, 0);
    EXPECT(tg_mpi_mean(mpi, NULL, 0) == TG_OK);
    tg_capture *capture = tg_capture_begin(t.tape);
    EXPECT(!tg_mpi_next(mpi, NULL) && tg_error(t.tape) == TG_ESTATE);
    tg_clear_error(t.tape);
    tg_capture_end(capture);
    tg_clear_error(t.tape);
    expect_same(&t, mpi);
    EXPECT(tg_mpi_mean(NULL, NULL, 0) == TG_EVALUE && tg_mpi_close(NULL) == TG_OK);
    EXPECT(!tg_mpi_next(NULL, NULL) && tg_mpi_add(NULL, 0, NULL, 0) == TG_EVALUE);
    EXPECT(tg_mpi_agree(NULL) == TG_EVALUE && tg_mpi_gather(NULL, NULL, 0, NULL) == TG_EVALUE);
    EXPECT(tg_mpi_rank(NULL) == 0 && tg_mpi_processes(NULL) == 1 && tg_mpi_shard(NULL) == -1);
    finish(&t, mpi);
}

static void uneven_processes(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    expect_no_group(list_of(tape, 5, TG_F32, NULL), 8, TG_EVALUE,
                    "mpi_open: 3 processes, wanted a power of two");
    tg_tape_free(tape);
}

static void without_init(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    expect_no_group(list_of(tape, 5, TG_F32, NULL), 8, TG_ESTATE,
                    "mpi_open: MPI is not initialised: call MPI_Init()");
    tg_tape_free(tape);
}

int main(int argc, char **argv)
{
    without_init();
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &processes);
    if (processes == 3)
        uneven_processes();
    else
        misuse();
    if (processes == 4) {
        target_out_of_range();
        which_error();
        early_end();
        other_calls();
        other_lists();
        memory_out();
    }
    MPI_Finalize();
    without_init();
    return failures > 0;
}
