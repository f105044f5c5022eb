/* SPDX-License-Identifier: MIT */
/** @file train.h
 * What trains networks: minibatches, lists of parameters, optimisers, clipping, learning rates. */
#ifndef TINYGRAD_TRAIN_H
#define TINYGRAD_TRAIN_H

#include <tinygrad/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup tinygrad_data Data
 * @ingroup tinygrad_train
 * Minibatches over arrays of n samples in the caller's memory, one row a sample.
 *
 *     tg_batches *b = tg_batches_new(tape, n, 64, &(tg_batches_opts){.shuffle = true});
 *     tg_tensor *x = tg_zeros(tape, TG_DIMS(64, 784), TG_F32);
 *     tg_tensor *y = tg_zeros(tape, TG_DIMS(64), TG_I64);
 *     tg_mark step = tg_tape_mark(tape);
 *     for (int epoch = 0; epoch < 10; epoch++) {
 *         tg_batches_start(b);
 *         while (tg_batches_next(b)) {
 *             tg_tape_rewind(tape, step);
 *             tg_batches_read(b, images, x);
 *             tg_batches_read(b, labels, y);
 *             tg_tensor *input = tg_narrow(x, 0, 0, tg_batches_size(b));
 *             tg_tensor *target = tg_narrow(y, 0, 0, tg_batches_size(b));
 *             ...
 *
 * The object is made before the loop's mark; then nothing is allocated in any epoch. TG_ESTATE,
 * from all functions: it was rewound away.
 * @{ */

/** Minibatches over arrays in memory; lives in the tape like a tensor. */
typedef struct tg_batches tg_batches;
/** Options of tg_batches_new(); zero means the default. */
typedef struct tg_batches_opts {
    bool shuffle;   /**< a new random order each epoch; default: 0 .. n-1 */
    bool drop_last; /**< leave out a last batch that is not full */
} tg_batches_opts;
/** Batches of `batch` > 0 of n >= 0 samples; the order (8 n bytes) is allocated here. `opts` may be
 * NULL. TG_EVALUE for sizes out of range. */
TG_API tg_batches *tg_batches_new(tg_tape *tape, int64_t n, int64_t batch,
                                  const tg_batches_opts *opts);
/** Begins an epoch, before its first batch; the one before may be left unfinished. With `shuffle`
 * draws the order from the tape's generator: the batches are torch.randperm(n).split(batch). Not
 * recorded. */
TG_API tg_status tg_batches_start(tg_batches *batches);
/** Moves on to the next batch. false: the epoch is over, or there is an error. TG_ESTATE: no epoch
 * was ever started. */
TG_API bool tg_batches_next(tg_batches *batches);
/** The samples in the present batch: `batch`, or fewer in the last one; 0 where there is none. */
TG_API int64_t tg_batches_size(const tg_batches *batches);
/** Narrows the present batch to `size` > 0 of its samples from number `first` on, until the next call
 * of this or of tg_batches_next(), so that gradients can be accumulated over its pieces: `first`
 * always counts from the start of the whole batch. TG_ESTATE: there is no batch. TG_EVALUE: it has no
 * such samples. */
TG_API tg_status tg_batches_narrow(tg_batches *batches, int64_t first, int64_t size);
/** Their indices; NULL, without an error, where there is no batch. Valid until the next
 * tg_batches_start(). */
TG_API const int64_t *tg_batches_indices(const tg_batches *batches);
/** Copies the present batch's rows of a row-major array of n rows into the first rows of `into`:
 * row i is the array's row indices[i]. A row has the shape of into's dims after the first, and
 * into's dtype: nobody can see whether that is so, and int labels for an int64 tensor are misread;
 * tg_batches_read_as() converts them. Rows after a short batch's are left alone. The version is
 * bumped. The copy is not recorded: read again before tg_tape_replay(). TG_ESHAPE: `into` has no
 * dims, or fewer rows than the batch. TG_ESTATE: there is no batch; `into` requires a gradient or
 * is not contiguous. TG_EVALUE: `array` or `into` is NULL, or `into` of another tape. */
TG_API tg_status tg_batches_read(const tg_batches *batches, const void *array, tg_tensor *into);
/** The same from an array of another type, aligned for it, whose elements are converted to into's
 * dtype: `int` or `uint8_t` labels into an int64 tensor, bytes of images into a float one.
 *
 *     tg_batches_read_as(b, labels, TG_ARRAY_I32, y);
 *
 * Errors as tg_batches_read(); TG_EVALUE also, with `into` as it was, where its dtype does not hold
 * a value (see tg_array_type; the message names the array's row), or for an unknown type. */
TG_API tg_status tg_batches_read_as(const tg_batches *batches, const void *array,
                                    tg_array_type type, tg_tensor *into);
/** What becomes of numbers that are read: (x / divisor - mean) / std, as torchvision's ToTensor and
 * Normalize compute it, each step rounded to the tensor's dtype. Zero means the default. */
typedef struct tg_scaling {
    double divisor; /**< default 1; 255 for bytes of pictures */
    double mean;    /**< default 0 */
    double std;     /**< default 1 */
} tg_scaling;
/** The same into a float tensor, whose new rows are then scaled. `scaling` may be NULL.
 *
 *     tg_batches_read_scaled(b, pictures, TG_ARRAY_U8, x,
 *                            &(tg_scaling){.divisor = 255, .mean = 0.1307, .std = 0.3081});
 *
 * Errors as tg_batches_read_as(); TG_EDTYPE also where `into` is not a float tensor, TG_EVALUE for a
 * number in `scaling` that is not finite, or divides and is 0. */
TG_API tg_status tg_batches_read_scaled(const tg_batches *batches, const void *array,
                                        tg_array_type type, tg_tensor *into,
                                        const tg_scaling *scaling);

/** @}
 * @defgroup tinygrad_params Parameters
 * @ingroup tinygrad_train
 * A list of tensors under names, in the order in which they were added: what a model is to an
 * optimiser, and to a file that it is saved in. Layers (nn.h) list themselves. It holds tensors, not their data: a tensor's
 * lifetime is its own. Any tensor of the tape may be listed (buffers such as running means too),
 * and the same one under several names. TG_ESTATE, from all functions: the list was rewound away,
 * or has grown since a mark that the tape was rewound to.
 * @{ */

/** An empty list. */
TG_API tg_params *tg_params_new(tg_tape *tape);
/** Appends t under a name that is formatted as by printf, and returns t, so that a tensor can be
 * made and listed in one line; NULL where it is not listed.
 *
 *     tg_tensor *w = tg_params_add(list, tg_zeros(tape, TG_DIMS(3), TG_REQUIRES_GRAD),
 *                                  "layer%d.weight", i);
 *
 * TG_EVALUE: a name that is empty or listed already; t is NULL or of another tape. */
TG_API tg_tensor *tg_params_add(tg_params *params, tg_tensor *t, const char *format, ...)
    TG_PRINTF(3);
/** How many there are; 0 for NULL. */
TG_API size_t tg_params_count(const tg_params *params);
/** The name of number i, valid until the next tg_params_add(); NULL, without an error, where there
 * is none. */
TG_API const char *tg_params_name(const tg_params *params, size_t i);
/** Number i; NULL, without an error, where there is none. */
TG_API tg_tensor *tg_params_tensor(const tg_params *params, size_t i);
/** The tensor of that name; NULL, without an error, where there is none. */
TG_API tg_tensor *tg_params_find(const tg_params *params, const char *name);
/** The first name that t is listed under; NULL, without an error, where it is not. `params` is a
 * tg_params: for tg_dot_opts (look.h). */
TG_API const char *tg_params_name_of(const void *params, const tg_tensor *t);
/** All tensors as an array of tg_params_count(), in the order of the names; valid until the next
 * tg_params_add(). NULL for an empty list. */
TG_API tg_tensor *const *tg_params_tensors(const tg_params *params);
/** The parameters as an array of tg_params_unique_count(), for tg_sgd() and the like: the tensors
 * that required a gradient when they were listed, so that buffers are left out; one that is listed
 * under several names (tied weights) stands in it once, where it was listed first. Valid until the
 * next tg_params_add(). NULL where there is none. */
TG_API tg_tensor *const *tg_params_unique(const tg_params *params);
/** How many different parameters there are; 0 for NULL. */
TG_API size_t tg_params_unique_count(const tg_params *params);
/** tg_zero_grad() for each of them. */
TG_API void tg_params_zero_grad(const tg_params *params);

/** @}
 * @defgroup tinygrad_optimisers Optimisers
 * @ingroup tinygrad_train
 * Made over leaves (TG_ESTATE for other tensors). They live in the tape like tensors, with all
 * their state: a step allocates nothing. Parameters without a gradient are skipped. Options are
 * finite numbers (TG_EVALUE for others); where 0 itself is meant and not the default, TG_ZERO says
 * it.
 * @{ */

/** An optimiser over a list of leaves; lives in the tape like a tensor. */
typedef struct tg_optim tg_optim;
/** Options of tg_sgd(); zero means the default. */
typedef struct tg_sgd_opts {
    double lr;           /**< learning rate >= 0; default 1e-3 */
    double momentum;     /**< >= 0 */
    double dampening;    /**< of the momentum */
    double weight_decay; /**< L2 penalty >= 0 */
    bool nesterov;       /**< needs a momentum and no dampening */
    bool maximize;       /**< ascend */
} tg_sgd_opts;
/** Stochastic gradient descent with torch.optim.SGD's update, bit for bit. TG_EVALUE for options
 * out of range, n == 0 or a parameter given twice. `opts` may be NULL. */
TG_API tg_optim *tg_sgd(tg_tape *tape, tg_tensor *const *params, size_t n, const tg_sgd_opts *opts);
/** Options of tg_adam() and tg_adamw(); zero means the default. */
typedef struct tg_adam_opts {
    double lr;           /**< learning rate >= 0; default 1e-3 */
    double beta1;        /**< of the gradient's average, in [0, 1); default 0.9 */
    double beta2;        /**< of its square's average, in [0, 1); default 0.999 */
    double eps;          /**< added to the root >= 0; default 1e-8 */
    double weight_decay; /**< >= 0; default 0 for Adam, 1e-2 for AdamW */
    bool amsgrad;        /**< divide by the largest average of squares so far */
    bool maximize;       /**< ascend */
} tg_adam_opts;
/** torch.optim.Adam, its single-tensor update on the CPU rounding for rounding; but square roots
 * are rounded correctly, where PyTorch's may be the next number (and steps are counted in int64).
 * Weight decay is an L2 penalty in the gradient. Errors as tg_sgd(). */
TG_API tg_optim *tg_adam(tg_tape *tape, tg_tensor *const *params, size_t n,
                         const tg_adam_opts *opts);
/** torch.optim.AdamW: as tg_adam(), but weight decay shrinks the parameter by 1 - lr *
 * weight_decay. */
TG_API tg_optim *tg_adamw(tg_tape *tape, tg_tensor *const *params, size_t n,
                          const tg_adam_opts *opts);
/** Options of tg_rmsprop(); zero means the default. */
typedef struct tg_rmsprop_opts {
    double lr;           /**< learning rate >= 0; default 1e-2 */
    double alpha;        /**< of the square's average >= 0; default 0.99 */
    double eps;          /**< added to the root >= 0; default 1e-8 */
    double weight_decay; /**< L2 penalty >= 0 */
    double momentum;     /**< >= 0 */
    bool centered;       /**< divide by an estimate of the standard deviation */
    bool maximize;       /**< ascend */
} tg_rmsprop_opts;
/** torch.optim.RMSprop, as exactly as tg_adam(). Errors as tg_sgd(). */
TG_API tg_optim *tg_rmsprop(tg_tape *tape, tg_tensor *const *params, size_t n,
                            const tg_rmsprop_opts *opts);
/** Options of tg_adagrad(); zero means the default. */
typedef struct tg_adagrad_opts {
    double lr;                        /**< learning rate >= 0; default 1e-2 */
    double lr_decay;                  /**< >= 0: step k takes lr / (1 + (k - 1) lr_decay) */
    double weight_decay;              /**< L2 penalty >= 0 */
    double initial_accumulator_value; /**< where the sum of squares starts, >= 0 */
    double eps;                       /**< added to the root >= 0; default 1e-10 */
    bool maximize;                    /**< ascend */
} tg_adagrad_opts;
/** torch.optim.Adagrad, as exactly as tg_adam(). Errors as tg_sgd(). */
TG_API tg_optim *tg_adagrad(tg_tape *tape, tg_tensor *const *params, size_t n,
                            const tg_adagrad_opts *opts);
/** Options of tg_nadam(); zero means the default. */
typedef struct tg_nadam_opts {
    double lr;                   /**< learning rate >= 0; default 2e-3 */
    double beta1;                /**< of the gradient's average, in [0, 1); default 0.9 */
    double beta2;                /**< of its square's average, in [0, 1); default 0.999 */
    double eps;                  /**< added to the root >= 0; default 1e-8 */
    double weight_decay;         /**< >= 0 */
    double momentum_decay;       /**< >= 0; default 4e-3 */
    bool decoupled_weight_decay; /**< weight decay as tg_adamw()'s */
    bool maximize;               /**< ascend */
} tg_nadam_opts;
/** torch.optim.NAdam, as exactly as tg_adam(). Its mu_product follows from the step and is not kept. Errors as
 * tg_sgd(). */
TG_API tg_optim *tg_nadam(tg_tape *tape, tg_tensor *const *params, size_t n,
                          const tg_nadam_opts *opts);
/** Options of tg_radam(); zero means the default. */
typedef struct tg_radam_opts {
    double lr;                   /**< learning rate >= 0; default 1e-3 */
    double beta1;                /**< of the gradient's average, in [0, 1); default 0.9 */
    double beta2;                /**< of its square's average, in [0, 1); default 0.999 */
    double eps;                  /**< added to the root >= 0; default 1e-8 */
    double weight_decay;         /**< >= 0 */
    bool decoupled_weight_decay; /**< weight decay as tg_adamw()'s */
    bool maximize;               /**< ascend */
} tg_radam_opts;
/** torch.optim.RAdam, as exactly as tg_adam(). Errors as tg_sgd(). */
TG_API tg_optim *tg_radam(tg_tape *tape, tg_tensor *const *params, size_t n,
                          const tg_radam_opts *opts);
/** Options of tg_adamax(); zero means the default. */
typedef struct tg_adamax_opts {
    double lr;           /**< learning rate >= 0; default 2e-3 */
    double beta1;        /**< of the gradient's average, in [0, 1); default 0.9 */
    double beta2;        /**< by which the largest gradient shrinks, in [0, 1); default 0.999 */
    double eps;          /**< added to the gradient's size >= 0; default 1e-8 */
    double weight_decay; /**< L2 penalty >= 0 */
    bool maximize;       /**< ascend */
} tg_adamax_opts;
/** torch.optim.Adamax, as exactly as tg_adam(). Errors as tg_sgd(). */
TG_API tg_optim *tg_adamax(tg_tape *tape, tg_tensor *const *params, size_t n,
                           const tg_adamax_opts *opts);
/** Options of tg_adadelta(); zero means the default. */
typedef struct tg_adadelta_opts {
    double lr;           /**< factor of a step >= 0; default 1 */
    double rho;          /**< of both averages of squares, in [0, 1]; default 0.9 */
    double eps;          /**< added to both >= 0; default 1e-6 */
    double weight_decay; /**< L2 penalty >= 0 */
    bool maximize;       /**< ascend */
} tg_adadelta_opts;
/** torch.optim.Adadelta, as exactly as tg_adam(). Errors as tg_sgd(). */
TG_API tg_optim *tg_adadelta(tg_tape *tape, tg_tensor *const *params, size_t n,
                             const tg_adadelta_opts *opts);

/** Options of tg_sparse_adam(); zero means the default. */
typedef struct tg_sparse_adam_opts {
    double lr;     /**< learning rate >= 0; default 1e-3 */
    double beta1;  /**< of the gradient's average, in [0, 1); default 0.9 */
    double beta2;  /**< of its square's average, in [0, 1); default 0.999 */
    double eps;    /**< added to the root >= 0; default 1e-8 */
    bool maximize; /**< ascend */
} tg_sparse_adam_opts;
/** torch.optim.SparseAdam, as exactly as tg_adam(): the rows that tg_embedding() read (but for its
 * padding_idx), and their moments, are updated; other rows are left as they are, moments too. Errors as
 * tg_sgd(). A step with a gradient that is not known to be zero in all other rows is TG_ESTATE, with
 * nothing changed: one that anything but tg_embedding() or tg_index_select() along dim 0 had a part in,
 * that two backward passes added up, that create_graph made or that the program wrote to.
 *
 * Which rows a gradient is known to be zero in costs tg_sgd() nothing either, without momentum, weight
 * decay and maximize, nor tg_adagrad() without the latter two, nor clipping: they take the time of the
 * rows that were read, with the bits of an update of all. */
TG_API tg_optim *tg_sparse_adam(tg_tape *tape, tg_tensor *const *params, size_t n,
                                const tg_sparse_adam_opts *opts);

/** Updates every parameter that has a gradient, in place; its version is bumped. TG_EVALUE, with
 * nothing changed, where a learning rate or a count of steps is none: tensors of tg_optim_state()
 * were written to. */
TG_API tg_status tg_optim_step(tg_optim *optim);
/** tg_zero_grad() for every parameter. */
TG_API void tg_optim_zero_grad(tg_optim *optim);
/** Sets the learning rate of all groups; 0 is 0 here. TG_EVALUE where it is negative or not
 * finite. */
TG_API void tg_optim_set_lr(tg_optim *optim, double lr);
/** Adds more parameters with a learning rate of their own (0 is 0 here) and the optimiser's other
 * options. What the optimiser was made over is group 0, the first one added is group 1. Errors as
 * tg_sgd(). The optimiser is lost (TG_ESTATE) where the tape is rewound past its last group. */
TG_API tg_status tg_optim_add_group(tg_optim *optim, tg_tensor *const *params, size_t n, double lr);
/** Sets one group's learning rate. TG_EVALUE as tg_optim_set_lr(), or where there is no such
 * group. */
TG_API void tg_optim_set_group_lr(tg_optim *optim, size_t group, double lr);
/** A group's learning rate; nan, and TG_EVALUE, where there is no such group. */
TG_API double tg_optim_lr(const tg_optim *optim, size_t group);
/** Appends all of the optimiser's state to a list, as the tensors that it works with, for saving.
 * Values copied into them (tg_data_mut(), or tg_copy_() while gradients are disabled) restore the
 * optimiser exactly. Names, behind `prefix` (NULL: ""), are PyTorch's behind the parameter's
 * number counted over all groups: "0.exp_avg" (exp_avg_sq, max_exp_avg_sq, momentum_buffer,
 * square_avg, grad_avg, sum) and "0.step" (int64, 0-d) for each parameter, where there is a state;
 * and "group0.lr" (float64, 0-d). Where it fails, the list is as it was. */
TG_API tg_status tg_optim_state(tg_optim *optim, tg_params *list, const char *prefix);
/** An exponential moving average of n tensors, such as parameters, after a step: average = decay average + (1 -
 * decay) tensor, as torch.optim.swa_utils' get_ema_multi_avg_fn(). Averages begin as copies,
 * tg_clone(tg_detach(p)), made where the parameters are. Recorded: a replay averages again; rewind after it.
 * TG_ESTATE: an average requires a gradient, or it or its tensor is not contiguous; TG_ESHAPE, TG_EDTYPE: it is not like its
 * tensor; TG_EVALUE: decay outside [0, 1], a NULL tensor. */
TG_API tg_status tg_ema_update(tg_tensor *const *averages, tg_tensor *const *tensors, size_t n,
                               double decay);
/** Exchanges their values, to evaluate with the averages, and once more to go on. Not recorded (TG_ESTATE
 * during a capture). Errors as tg_ema_update(). */
TG_API tg_status tg_ema_swap(tg_tensor *const *averages, tg_tensor *const *tensors, size_t n);

/** torch.nn.utils.clip_grad_norm_: multiplies the gradients of n tensors, in place, by max_norm /
 * (total + 1e-6) where that is below 1, and returns `total`, the norm that they had together. Call
 * it between tg_backward() and tg_optim_step(). The norm is computed in double, so that float32
 * gradients do not overflow it as PyTorch's. norm_type p gives (sum of |g|^p)^(1/p); 0 means 2,
 * INFINITY the largest magnitude. A tensor listed several times (tied weights) counts once. A norm
 * of nan makes all gradients nan; an infinite one makes them 0, infinite ones nan. Tensors without
 * a gradient are skipped; without any the norm is 0. A gradient made with create_graph stops being
 * one that can be differentiated. Returns nan on an error. TG_EVALUE: max_norm or norm_type
 * negative or nan, a NULL tensor, tensors of two tapes; TG_ESTATE: one that was rewound away. */
TG_API double tg_clip_grad_norm(tg_tensor *const *params, size_t n, double max_norm,
                                double norm_type);
/** torch.nn.utils.clip_grad_value_: brings every element of the gradients of n tensors into
 * [-value, value]; nan stays. For the rest as tg_clip_grad_norm(). TG_EVALUE: value negative or
 * nan. */
TG_API tg_status tg_clip_grad_value(tg_tensor *const *params, size_t n, double value);

/** @}
 * @defgroup tinygrad_rates Learning rates
 * @ingroup tinygrad_train
 * As functions of a step counted from 0, without any state: tg_optim_set_lr(optim,
 * tg_lr_cosine(0.1, step, 1000, 0)) before each tg_optim_step(), or with the epoch for the step.
 * They are closed forms of torch.optim.lr_scheduler's; PyTorch's own, which go from one step to the
 * next, agree to about 1e-12 of the largest rate. `base` is the rate that the schedule scales. They
 * return nan, which tg_optim_set_lr() reports, for a negative step and for a step_size, t_max or
 * total_steps below 1.
 * @{ */

/** StepLR: base * gamma^(step / step_size), the quotient rounded down. */
TG_API double tg_lr_step(double base, int64_t step, int64_t step_size, double gamma);
/** MultiStepLR: base * gamma^k, where k of the n milestones, in any order, are <= step. */
TG_API double tg_lr_multi_step(double base, int64_t step, const int64_t *milestones, size_t n,
                               double gamma);
/** ExponentialLR: base * gamma^step. */
TG_API double tg_lr_exponential(double base, int64_t step, double gamma);
/** CosineAnnealingLR: eta_min + (base - eta_min) (1 + cos(pi step / t_max)) / 2. It rises again
 * after t_max. */
TG_API double tg_lr_cosine(double base, int64_t step, int64_t t_max, double eta_min);
/** LinearLR, for a warm-up: base times a factor that goes from start_factor to end_factor in
 * total_steps steps and stays there. */
TG_API double tg_lr_linear(double base, int64_t step, double start_factor, double end_factor,
                           int64_t total_steps);
/** Options of tg_lr_one_cycle(); zero means the default. */
typedef struct tg_one_cycle_opts {
    double max_lr;           /**< the largest rate; default 0 */
    int64_t total_steps;     /**< >= 1; no default */
    double pct_start;        /**< the part of the steps that rises, in (0, 1]; default 0.3 */
    double div_factor;       /**< the first rate is max_lr / div_factor; default 25 */
    double final_div_factor; /**< the last is the first / final_div_factor; default 1e4 */
    bool linear;             /**< straight lines instead of cosines */
    bool three_phase;        /**< down to the first rate as fast as up, then to the last */
} tg_one_cycle_opts;
/** OneCycleLR's rate (PyTorch cycles the momentum as well): up to max_lr, then down until step
 * total_steps - 1, and the same from then on. Nan for pct_start out of its range, or no options. */
TG_API double tg_lr_one_cycle(int64_t step, const tg_one_cycle_opts *opts);
/** CosineAnnealingWarmRestarts: tg_lr_cosine() over t_0 steps, then from the start over t_mult times as many,
 * and so on. nan for t_0 < 1 or t_mult < 1. */
TG_API double tg_lr_cosine_restarts(double base, int64_t step, int64_t t_0, int64_t t_mult,
                                    double eta_min);
/** What tg_lr_plateau() has seen: begins as {0}, and is the caller's to save. */
typedef struct tg_plateau {
    bool begun;      /**< anything */
    double best;     /**< metric */
    int64_t bad;     /**< how often it was no better since */
    int64_t cooling; /**< how many more calls do not count */
} tg_plateau;
/** Options of tg_lr_plateau(); zero means the default. */
typedef struct tg_plateau_opts {
    bool maximize;    /**< a larger metric is better, not a smaller one */
    double factor;    /**< of a reduction, < 1; default 0.1 */
    double patience;  /**< how many bad calls pass; default 10 (TG_ZERO: 0) */
    double threshold; /**< by how much it must be better; default 1e-4 (TG_ZERO: 0) */
    bool absolute;    /**< the threshold is a difference, not a part of the best metric */
    int64_t cooldown; /**< calls after a reduction that do not count */
    double min_lr;    /**< the least rate */
    double eps;       /**< a smaller reduction is left out; default 1e-8 (TG_ZERO: 0) */
} tg_plateau_opts;
/** ReduceLROnPlateau: the rate to go on with after an epoch of that metric, `lr` being the present one.
 *
 *     tg_optim_set_lr(optim, tg_lr_plateau(tg_optim_lr(optim, 0), loss, &state, NULL));
 *
 * nan for options out of range, or no state. */
TG_API double tg_lr_plateau(double lr, double metric, tg_plateau *state,
                            const tg_plateau_opts *opts);

/** @} */

#ifdef __cplusplus
}
#endif
#endif
