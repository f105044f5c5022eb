/* Checkpoints: a run that goes on in another process (this program again, with arguments) ends with
 * the same bits; files that do not fit, and memory that runs out, leave everything as it was. A
 * checkpoint's bytes stand for all that is compared: weights, optimiser, generator and step. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include "io/scratch.h"
#include "support.h"

#include <errno.h>
#include <jansson.h>
#include <sys/wait.h>
#include <tinygrad/io.h>

enum { SAMPLES = 40, FEATURES = 6, CLASSES = 3, BATCH = 8, EPOCH = 5, HALF = 50 };
enum { STEP = 7 }; /* of checkpoints that are not continued */

static const char *program;

typedef enum optim_kind { ADAMW, SGD, NO_OPTIM } optim_kind;

typedef struct run {
    tg_tape *tape;
    tg_params *model;
    tg_optim *optim;
    tg_batches *batches;
    tg_tensor *x, *y, *weight[2], *bias[2];
} run;

static void add_layer(run *r, int i, int64_t in, int64_t out, int dtype)
{
    r->weight[i] = tg_zeros(r->tape, TG_DIMS(out, in), dtype | TG_REQUIRES_GRAD);
    r->bias[i] = tg_zeros(r->tape, TG_DIMS(out), dtype | TG_REQUIRES_GRAD);
    tg_params_add(r->model, r->weight[i], "layer%d.weight", i);
    tg_params_add(r->model, r->bias[i], "layer%d.bias", i);
    tg_linear_init(r->weight[i], r->bias[i]);
}

/* A run before its first step. One normal is pending, and still after an even number of steps. */
static run set_up(tg_tape *tape, optim_kind kind, int64_t hidden, int dtype)
{
    run r = {.tape = tape, .model = tg_params_new(tape)};
    tg_manual_seed(tape, 11);
    add_layer(&r, 0, FEATURES, hidden, dtype);
    add_layer(&r, 1, hidden, CLASSES, dtype);
    tg_randn(tape, TG_DIMS(1), 0);
    tg_tensor *const *all = tg_params_tensors(r.model);
    size_t n = tg_params_count(r.model);
    if (kind == ADAMW)
        r.optim = tg_adamw(tape, all, n, &(tg_adam_opts){.lr = 0.01, .amsgrad = true});
    if (kind == SGD)
        r.optim = tg_sgd(tape, all, n, &(tg_sgd_opts){.lr = 0.05, .momentum = 0.9});
    r.batches = tg_batches_new(tape, SAMPLES, BATCH, &(tg_batches_opts){.shuffle = true});
    r.x = tg_zeros(tape, TG_DIMS(BATCH, FEATURES), dtype);
    r.y = tg_zeros(tape, TG_DIMS(BATCH), TG_I64);
    assert_ok(tape);
    return r;
}

static run new_run(optim_kind kind)
{
    return set_up(tg_tape_new(NULL), kind, 16, TG_F32);
}

static void train_step(run *r)
{
    static float xs[SAMPLES][FEATURES];
    static int64_t ys[SAMPLES];
    uint64_t draws = 5;
    for (int i = 0; i < SAMPLES; i++) {
        for (int k = 0; k < FEATURES; k++)
            xs[i][k] = (float)random_between(&draws, -1, 1);
        ys[i] = (xs[i][0] > 0) + (xs[i][1] > xs[i][2]);
    }
    tg_batches_read(r->batches, xs, r->x);
    tg_batches_read(r->batches, ys, r->y);
    tg_tensor *noise = tg_mul_scalar(tg_randn(r->tape, TG_DIMS(1), 0), 0.01);
    tg_tensor *h = tg_relu(tg_linear(tg_add(r->x, noise), r->weight[0], r->bias[0]));
    h = tg_linear(tg_dropout(h, 0.3, true), r->weight[1], r->bias[1]);
    tg_params_zero_grad(r->model);
    tg_backward(tg_cross_entropy(h, r->y, NULL));
    tg_optim_step(r->optim);
}

static void train(run *r, int64_t from, int64_t to)
{
    tg_mark mark = tg_tape_mark(r->tape);
    for (int64_t step = from; step < to; step++) {
        tg_tape_rewind(r->tape, mark);
        if (step % EPOCH == 0)
            tg_batches_start(r->batches);
        assert_true(tg_batches_next(r->batches));
        train_step(r);
    }
    tg_tape_rewind(r->tape, mark);
    assert_ok(r->tape);
}

typedef struct bytes {
    size_t size;
    char data[32768];
} bytes;

static void read_bytes(const char *path, bytes *into)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    into->size = fread(into->data, 1, sizeof into->data, file);
    fclose(file);
    assert_in_range(into->size, 1, sizeof into->data - 1);
}

static bool same_files(const char *a, const char *b)
{
    static bytes x, y;
    read_bytes(a, &x);
    read_bytes(b, &y);
    return x.size == y.size && !memcmp(x.data, y.data, x.size);
}

static void save(const run *r, const char *path, int64_t step)
{
    assert_int_equal(tg_save_checkpoint(path, r->model, r->optim, step), TG_OK);
}

/* -- Another process --------------------------------------------------------------------------- */

/* What main() does with arguments: KIND FROM TO loads FROM ("": begins anew), trains for HALF steps
 * and saves TO. */
static int go_on(char **argv)
{
    run r = new_run(argv[1][0] == '0' ? ADAMW : SGD);
    int64_t step = HALF;
    if (*argv[2] && tg_load_checkpoint(argv[2], r.model, r.optim, &step))
        return 1;
    train(&r, step, step + HALF);
    tg_status status = tg_save_checkpoint(argv[3], r.model, r.optim, step + HALF);
    tg_tape_free(r.tape);
    return status != TG_OK;
}

/* What runs programs of another machine; "": the system does. */
#ifndef EMULATOR
#define EMULATOR ""
#endif

static void go_on_elsewhere(optim_kind kind, const char *from, const char *to)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "exec " EMULATOR " \"$0\" \"$@\"", program,
              kind == ADAMW ? "0" : "1", from, to, (char *)NULL);
        _exit(2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void resumed_in_another_process(void **state)
{
    (void)state;
    char half[512], whole[512], again[512];
    snprintf(half, sizeof half, "%s", in_scratch("half"));
    snprintf(whole, sizeof whole, "%s", in_scratch("whole"));
    snprintf(again, sizeof again, "%s", in_scratch("again"));
    for (optim_kind kind = ADAMW; kind <= SGD; kind++) {
        run r = new_run(kind);
        train(&r, 0, HALF);
        save(&r, half, HALF);
        train(&r, HALF, 2 * HALF);
        save(&r, whole, 2 * HALF);
        go_on_elsewhere(kind, half, again);
        assert_true(same_files(whole, again));
        go_on_elsewhere(kind, "", again);
        assert_false(same_files(whole, again));
        tg_tape_free(r.tape);
    }
}

/* What PyTorch users find in the file. */
static void contents(void **state)
{
    (void)state;
    run r = new_run(SGD);
    train(&r, 0, EPOCH);
    save(&r, in_scratch("x"), EPOCH);
    tg_params *read = tg_read_safetensors(r.tape, in_scratch("x"));
    assert_int_equal(tg_params_count(read), 4 + 2 * 4 + 1 + 2);
    snapshot want = snapshot_of(r.weight[1]);
    snapshot got = snapshot_of(tg_params_find(read, "model.layer1.weight"));
    assert_true(snapshot_same(&want, &got));
    assert_equal(tg_item(tg_params_find(read, "optim.group0.lr")), 0.05);
    assert_equal(tg_item(tg_params_find(read, "optim.3.step")), EPOCH);
    assert_int_equal(tg_numel(tg_params_find(read, "optim.2.momentum_buffer")), CLASSES * 16);
    assert_equal(tg_item(tg_params_find(read, "step")), EPOCH);
    tg_tensor *rng = tg_params_find(read, "rng");
    assert_memory_equal(tg_i64(rng), tg_i64(tg_rng_state(r.tape)), 627 * sizeof(int64_t));
    assert_ok(r.tape);
    tg_tape_free(r.tape);
}

/* Without an optimiser, and without a place for the step; a pass that was recorded before the load
 * does not go on with the new weights. */
static void model_alone(void **state)
{
    (void)state;
    run r = new_run(NO_OPTIM);
    save(&r, in_scratch("x"), INT64_MAX - 1);
    float first = tg_f32(tg_rand(r.tape, TG_DIMS(1), 0))[0];
    float bias = tg_f32(r.bias[1])[0];
    ((float *)tg_data_mut(r.bias[1]))[0] = 9;
    tg_tensor *loss = tg_sum(tg_square(r.bias[1]));
    assert_int_equal(tg_load_checkpoint(in_scratch("x"), r.model, NULL, NULL), TG_OK);
    assert_true(tg_f32(r.bias[1])[0] == bias);
    assert_true(tg_f32(tg_rand(r.tape, TG_DIMS(1), 0))[0] == first);
    assert_int_equal(tg_backward(loss), TG_ESTATE);
    tg_clear_error(r.tape);
    int64_t step = 0;
    assert_int_equal(tg_load_checkpoint(in_scratch("x"), r.model, NULL, &step), TG_OK);
    assert_true(step == INT64_MAX - 1);
    tg_tape_free(r.tape);
}

/* Neither call leaves anything behind, and the second one of each finds its memory there. */
static void nothing_stays(void **state)
{
    (void)state;
    test_allocator allocator = {.fail_at = -1};
    run r = set_up(test_tape(&allocator, 64), ADAMW, 16, TG_F32);
    train(&r, 0, EPOCH);
    tg_mark mark = tg_tape_mark(r.tape);
    for (int i = 0; i < 3; i++) {
        int64_t step = 0;
        allocator.calls = 0;
        save(&r, in_scratch("x"), i);
        assert_true(marks_equal(mark, tg_tape_mark(r.tape)));
        assert_int_equal(tg_load_checkpoint(in_scratch("x"), r.model, r.optim, &step), TG_OK);
        assert_int_equal(step, i);
        assert_true(marks_equal(mark, tg_tape_mark(r.tape)));
        assert_true(i == 0 || allocator.calls == 0);
    }
    train(&r, 0, EPOCH);
    tg_tape_free(r.tape);
}

/* -- Files that do not fit --------------------------------------------------------------------- */

/* Loading fails, and what would be saved is the same before and after. */
static void refuse(const run *r, const char *path, tg_status status, const char *part)
{
    char before[512], after[512];
    snprintf(before, sizeof before, "%s", in_scratch("before"));
    snprintf(after, sizeof after, "%s", in_scratch("after"));
    save(r, before, 0);
    int64_t step = -5;
    tg_mark mark = tg_tape_mark(r->tape);
    assert_int_equal(tg_load_checkpoint(path, r->model, r->optim, &step), status);
    assert_true(marks_equal(mark, tg_tape_mark(r->tape)));
    assert_error(r->tape, status, part);
    assert_int_equal(step, -5);
    save(r, after, 0);
    assert_true(same_files(before, after));
}

/* A checkpoint of another run, trained a little (in float32) so that it differs everywhere. */
static void save_other(const char *path, optim_kind kind, int64_t hidden, int dtype)
{
    run r = set_up(tg_tape_new(NULL), kind, hidden, dtype);
    if (kind != NO_OPTIM && dtype == TG_F32)
        train(&r, 0, EPOCH);
    save(&r, path, STEP);
    tg_tape_free(r.tape);
}

static void other_programs(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", in_scratch("x"));
    run adam = new_run(ADAMW), sgd = new_run(SGD), none = new_run(NO_OPTIM);
    tg_save_safetensors(path, adam.model, NULL);
    refuse(&adam, path, TG_EVALUE, "load_checkpoint: ");
    refuse(&none, path, TG_EVALUE, "the file has no tensor \"rng\"");
    save_other(path, NO_OPTIM, 16, TG_F32);
    refuse(&adam, path, TG_EVALUE, "the file has no tensor \"optim.0.exp_avg\"");
    save_other(path, ADAMW, 16, TG_F32);
    refuse(&sgd, path, TG_EVALUE, "the file has no tensor \"optim.0.momentum_buffer\"");
    refuse(&none, path, TG_EVALUE, "which the program has no place for");
    save_other(path, SGD, 16, TG_F32);
    refuse(&adam, path, TG_EVALUE, "the file has no tensor \"optim.0.exp_avg\"");
    save_other(path, SGD, 15, TG_F32);
    refuse(&sgd, path, TG_ESHAPE, "\"model.layer0.weight\": the file holds [15, 6], the program's");
    save_other(path, SGD, 16, TG_F64);
    refuse(&sgd, path, TG_EDTYPE, "\"model.layer0.weight\": the file holds F64");
    tg_tape_free(adam.tape);
    tg_tape_free(sgd.tape);
    tg_tape_free(none.tape);
}

/* `r`'s checkpoint with one tensor replaced, in every other respect a good one. */
static void save_with(const run *r, const char *path, const char *name, tg_tensor *instead)
{
    tg_tape *tape = r->tape;
    tg_params *changed = tg_params_new(tape), *read = tg_read_safetensors(tape, path);
    for (size_t i = 0; i < tg_params_count(read); i++) {
        bool this_one = !strcmp(tg_params_name(read, i), name);
        tg_params_add(changed, this_one ? instead : tg_params_tensor(read, i), "%s",
                      tg_params_name(read, i));
    }
    assert_int_equal(tg_save_safetensors(path, changed, NULL), TG_OK);
}

static void damaged(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", in_scratch("x"));
    run r = new_run(ADAMW);
    save_other(path, ADAMW, 16, TG_F32);
    tg_tensor *wrong = tg_rng_state(r.tape);
    ((int64_t *)tg_data_mut(wrong))[624] = 1000;
    save_with(&r, path, "rng", wrong);
    refuse(&r, path, TG_EVALUE, "load_checkpoint: position 1000 is outside");
    save_with(&r, path, "rng", tg_zeros(r.tape, TG_DIMS(5), TG_I64));
    refuse(&r, path, TG_ESHAPE, "tensor \"rng\": the file holds [5]");
    save_with(&r, path, "rng", tg_rng_state(r.tape));
    save_with(&r, path, "step", tg_zeros(r.tape, TG_SCALAR, TG_F64));
    refuse(&r, path, TG_EDTYPE, "tensor \"step\": the file holds F64");
    save_other(path, ADAMW, 16, TG_F32);
    save_with(&r, path, "optim.3.step", tg_zeros(r.tape, TG_DIMS(1), TG_I64));
    refuse(&r, path, TG_ESHAPE, "tensor \"optim.3.step\": the file holds [1]");
    assert_int_equal(truncate(path, 3000), 0);
    refuse(&r, path, TG_EIO, "load_checkpoint: ");
    refuse(&r, "/no/such/file", TG_EIO, "load_checkpoint: /no/such/file: cannot open the file");
    assert_ok(r.tape);
    tg_tape_free(r.tape);
}

static void refuse_value(const run *r, const char *name, tg_tensor *value, const char *part)
{
    char path[512];
    snprintf(path, sizeof path, "%s", in_scratch("x"));
    save(r, path, STEP);
    save_with(r, path, name, value);
    refuse(r, path, TG_EVALUE, part);
}

/* A model and an optimiser with each kind of state. */
static run with_optim(int kind)
{
    run r = new_run(NO_OPTIM);
    tg_tensor *const *all = tg_params_tensors(r.model);
    if (kind == 0)
        r.optim = tg_adam(r.tape, all, 4, &(tg_adam_opts){.amsgrad = true});
    else if (kind == 1)
        r.optim = tg_rmsprop(r.tape, all, 4, &(tg_rmsprop_opts){.centered = true});
    else
        r.optim = tg_adagrad(r.tape, all, 4, NULL);
    return r;
}

/* Values that no run and no optimiser has, in a file that is well formed. */
static void impossible_values(void **state)
{
    (void)state;
    run r = with_optim(0);
    const int64_t steps[] = {-5, -1, INT64_MIN, INT64_MAX};
    for (int i = 0; i < 4; i++) {
        char part[96];
        tg_tensor *step = tg_from_i64(r.tape, &steps[i], TG_SCALAR, 0);
        snprintf(part, sizeof part, "tensor \"optim.0.step\": %lld steps, outside [0, 2^63 - 2]",
                 (long long)steps[i]);
        refuse_value(&r, "optim.0.step", step, part);
        refuse_value(&r, "optim.3.step", step, "tensor \"optim.3.step\": ");
        refuse_value(&r, "step", step, "tensor \"step\": ");
        assert_int_equal(tg_save_checkpoint(in_scratch("x"), r.model, r.optim, steps[i]),
                         TG_EVALUE);
        assert_error(r.tape, TG_EVALUE, "is outside [0, 2^63 - 2]");
    }
    const double rates[] = {-0.1, (double)NAN, (double)INFINITY, -(double)INFINITY};
    for (int i = 0; i < 4; i++)
        refuse_value(&r, "optim.group0.lr", tg_full(r.tape, TG_SCALAR, rates[i], TG_F64),
                     "tensor \"optim.group0.lr\": ");
    tg_tape_free(r.tape);
}

static void impossible_squares(void **state)
{
    (void)state;
    const char *const squares[][2] = {
        {"exp_avg_sq", "max_exp_avg_sq"}, {"square_avg", "square_avg"}, {"sum", "sum"}};
    const char *const others[] = {"exp_avg", "grad_avg", "sum"};
    for (int kind = 0; kind < 3; kind++) {
        run r = with_optim(kind);
        tg_tensor *t = tg_ones(r.tape, TG_DIMS(CLASSES), 0);
        char name[64];
        for (int i = 0; i < 2; i++) {
            snprintf(name, sizeof name, "optim.3.%s", squares[kind][i]);
            ((float *)tg_data_mut(t))[2] = -1e-30f;
            refuse_value(&r, name, t, ": -1e-30 for a square");
        }
        /* What has diverged can be loaded, and other state and the model may be below 0. */
        ((float *)tg_data_mut(t))[2] = (float)NAN;
        save_with(&r, in_scratch("before"), name, t);
        snprintf(name, sizeof name, "optim.3.%s", others[kind]);
        ((float *)tg_data_mut(t))[2] = kind < 2 ? -1 : 0;
        save_with(&r, in_scratch("before"), name, t);
        ((float *)tg_data_mut(t))[2] = -1;
        save_with(&r, in_scratch("before"), "model.layer1.bias", t);
        assert_int_equal(tg_load_checkpoint(in_scratch("before"), r.model, r.optim, NULL), TG_OK);
        assert_equal(tg_f32(r.bias[1])[2], -1);
        tg_tape_free(r.tape);
    }
}

/* -- Misuse ------------------------------------------------------------------------------------ */

/* Both functions report it, and no file is written. */
static void refuse_both(tg_tape *tape, const tg_params *params, tg_optim *optim, tg_status status,
                        const char *part)
{
    assert_int_equal(tg_save_checkpoint(in_scratch("new"), params, optim, 1), status);
    assert_error(tape, status, part);
    assert_int_not_equal(access(in_scratch("new"), F_OK), 0);
    assert_int_equal(tg_load_checkpoint(in_scratch("x"), params, optim, NULL), status);
    assert_error(tape, status, part);
}

static void misuse(void **state)
{
    (void)state;
    run r = new_run(SGD), other = new_run(SGD);
    tg_tape *tape = r.tape;
    save(&r, in_scratch("x"), STEP);
    assert_int_equal(tg_load_checkpoint(in_scratch("x"), r.model, other.optim, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "is of another tape");
    assert_true(tg_error(other.tape)); /* it was told as well, and is silent from now on */
    refuse_both(tape, r.model, other.optim, TG_EVALUE, "the optimiser cannot be used on this tape");
    tg_mark mark = tg_tape_mark(tape);
    tg_optim *late = tg_sgd(tape, tg_params_tensors(r.model), 4, NULL);
    tg_tape_rewind(tape, mark);
    refuse_both(tape, r.model, late, TG_ESTATE, "the optimiser was rewound away");
    assert_int_equal(tg_save_checkpoint(NULL, r.model, r.optim, 1), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "save_checkpoint: the path is NULL");
    assert_int_equal(tg_load_checkpoint(NULL, r.model, r.optim, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "load_checkpoint: the path is NULL");
    assert_int_equal(tg_save_checkpoint("/no/x", other.model, NULL, 1), TG_EVALUE); /* set before */
    tg_clear_error(other.tape);
    assert_int_equal(tg_save_checkpoint("/no/x", other.model, NULL, 1), TG_EIO);
    assert_error(other.tape, TG_EIO, "save_checkpoint: /no/x: cannot open the directory");
    assert_int_equal(tg_save_checkpoint("/no/x", NULL, NULL, 1), TG_EVALUE);
    assert_int_equal(tg_load_checkpoint("/no/x", tg_params_new(tape), NULL, NULL), TG_EVALUE);
    assert_ok(tape);
    tg_tape_free(tape);
    tg_tape_free(other.tape);
}

static void strided_parameter(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    run r = {.tape = tape, .model = tg_params_new(tape)};
    tg_tensor *base = tg_rand(tape, TG_DIMS(2, 3), 0);
    tg_params_add(r.model, tg_transpose(base, 0, 1), "w");
    char path[512];
    snprintf(path, sizeof path, "%s", in_scratch("x"));
    save(&r, path, STEP);
    refuse(&r, path, TG_ESTATE, "\"model.w\": the program's tensor is not contiguous");
    tg_tape_free(tape);
}

/* -- Memory ------------------------------------------------------------------------------------ */

/* Files there: "x" another run's checkpoint, "out" a copy of it, "fresh" that of a new run. */
static void make_files(void)
{
    save_other(in_scratch("x"), SGD, 16, TG_F32);
    save_other(in_scratch("out"), SGD, 16, TG_F32);
    run r = new_run(SGD);
    save(&r, in_scratch("fresh"), STEP);
    tg_tape_free(r.tape);
}

/* A new run loads "x", or saves to "out". Whether that failed, then for want of memory. */
static bool call_fails(const run *r, bool loading)
{
    int64_t step = -5;
    tg_mark mark = tg_tape_mark(r->tape);
    tg_status status = loading ? tg_load_checkpoint(in_scratch("x"), r->model, r->optim, &step)
                               : tg_save_checkpoint(in_scratch("out"), r->model, r->optim, STEP);
    assert_int_equal(status, tg_error(r->tape));
    if (status != TG_OK && status != TG_ENOMEM)
        fail_msg("%s", tg_error_message(r->tape));
    assert_true(marks_equal(mark, tg_tape_mark(r->tape)));
    assert_int_equal(step, status || !loading ? -5 : STEP);
    tg_clear_error(r->tape);
    return status != TG_OK;
}

/* What failed did nothing, to memory or to the file, and what did not did all. */
static void check_outcome(const run *r, bool loading, bool failed)
{
    if (loading) {
        save(r, in_scratch("after"), STEP);
        assert_true(same_files(in_scratch(failed ? "fresh" : "x"), in_scratch("after")));
        remove(in_scratch("after"));
    } else {
        assert_true(same_files(in_scratch(failed ? "x" : "fresh"), in_scratch("out")));
    }
    assert_int_equal(count_files(0), 3);
}

static int64_t sweep_tape(bool loading, bool for_ever)
{
    bool failed = true;
    int64_t k = 0;
    for (; failed; k++) {
        test_allocator allocator = {.fail_at = -1};
        run r = set_up(test_tape(&allocator, 64), SGD, 16, TG_F32);
        allocator.calls = 0;
        allocator.fail_at = k;
        allocator.for_ever = for_ever;
        failed = call_fails(&r, loading);
        assert_int_equal(failed, allocator.failures > 0);
        allocator.fail_at = -1;
        check_outcome(&r, loading, failed);
        tg_tape_free(r.tape);
        assert_int_equal(allocator.live, 0);
    }
    return k - 1;
}

static void tape_out_of_memory(void **state)
{
    (void)state;
    count_files(1);
    for (int i = 0; i < 4; i++) {
        make_files();
        assert_true(sweep_tape(i & 1, i & 2) > 0);
    }
}

static struct {
    long calls, live, fail_at; /* fail_at -1: none fails */
    bool for_ever;
} heap = {.fail_at = -1};

static void *heap_alloc(size_t size)
{
    long call = heap.calls++;
    bool fail =
        heap.fail_at >= 0 && (call == heap.fail_at || (heap.for_ever && call > heap.fail_at));
    void *memory = fail ? NULL : malloc(size);
    errno = fail ? ENOMEM : errno;
    heap.live += memory != NULL;
    return memory;
}

static void heap_free(void *memory)
{
    heap.live -= memory != NULL;
    free(memory);
}

/* Loading reads the header twice: nothing may have changed before the second time either. */
static long sweep_jansson(bool loading, bool for_ever)
{
    bool failed = true;
    long k = 0;
    for (; failed; k++) {
        run r = new_run(SGD);
        heap.calls = heap.live = 0;
        heap.fail_at = k;
        heap.for_ever = for_ever;
        failed = call_fails(&r, loading);
        assert_int_equal(failed, heap.calls > k);
        assert_int_equal(heap.live, 0);
        heap.fail_at = -1;
        check_outcome(&r, loading, failed);
        tg_tape_free(r.tape);
    }
    return k - 1;
}

static void jansson_out_of_memory(void **state)
{
    (void)state;
    json_malloc_t former_malloc;
    json_free_t former_free;
    json_get_alloc_funcs(&former_malloc, &former_free);
    json_set_alloc_funcs(heap_alloc, heap_free);
    count_files(1);
    for (int i = 0; i < 4; i++) {
        make_files();
        assert_true(sweep_jansson(i & 1, i & 2) > 100);
    }
    json_set_alloc_funcs(former_malloc, former_free);
}

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc == 4)
        return go_on(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumed_in_another_process),
        cmocka_unit_test(contents),
        cmocka_unit_test(model_alone),
        cmocka_unit_test(nothing_stays),
        cmocka_unit_test(other_programs),
        cmocka_unit_test(damaged),
        cmocka_unit_test(impossible_values),
        cmocka_unit_test(impossible_squares),
        cmocka_unit_test(misuse),
        cmocka_unit_test(strided_parameter),
        cmocka_unit_test(tape_out_of_memory),
        cmocka_unit_test(jansson_out_of_memory),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
