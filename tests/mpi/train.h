/* A model that has all that could depend on who computes it: dropout, running statistics, class weights,
 * ignored targets, a last batch that is not full, and a parameter that some shards do not use. Relies on
 * the public API alone. */
#ifndef TG_TESTS_MPI_TRAIN_H
#define TG_TESTS_MPI_TRAIN_H

#include <tinygrad.h>

enum { FEATURES = 12, HIDDEN = 16, CLASSES = 5, MOST = 1 << 12 };

typedef struct options {
    int steps, dtype;
    bool captured, plain;
    int64_t n, batch;
    bool norm; /* batch_norm, which wants more than one sample in a shard */
    const char *save, *resume;
    int kill_rank, kill_step; /* a rank that ends itself before that step; -1: none does */
} options;

typedef struct trainer {
    options o;
    tg_tape *tape;
    tg_params *list;
    tg_linear_layer fc1, fc2;
    tg_batch_norm_layer norm;
    tg_tensor *rare; /* is used where the first sample's target is class 0 */
    tg_tensor *class_weights;
    tg_optim *optim;
    tg_batches *batches;
    const double *inputs; /* of all samples */
    const int64_t *targets;
    tg_tensor *x, *y; /* of a shard */
    tg_mark start;
    tg_capture *captures[2][64]; /* by whether `rare` is used, and size */
    tg_tensor *losses[2][64];
    int64_t step;
    uint64_t hash; /* of all means so far */
} trainer;

/* From the command line; false: that is wrong. */
bool options_read(options *o, int argc, char **argv);
/* The first weights depend on the rank. */
void trainer_make(trainer *t, const options *o, tg_tape *tape, int rank);
/* The next batch, in a new epoch where there is none left; false: an error. */
bool trainer_next(trainer *t);
/* Forward and backward pass of what the batches object is narrowed to; *weight is what its terms weigh. Returns
 * the loss. */
double trainer_shard(trainer *t, double *weight);
/* The optimiser's step, and the mean loss into the hash. */
void trainer_update(trainer *t, double mean);
/* Hash of the list, the optimiser's state and the means. */
uint64_t trainer_hash(trainer *t);

#endif
