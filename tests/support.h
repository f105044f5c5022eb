/* What several test programs share: a tape whose allocator counts and fails on demand, copies of
 * tensors that can be compared, and a generator of test values. Relies on the public API alone. */
#ifndef TG_TESTS_SUPPORT_H
#define TG_TESTS_SUPPORT_H

#include <tinygrad.h>

enum { SNAPSHOT_DIMS = 8, SNAPSHOT_NUMEL = 1024 };

/* An allocator for tg_tape_opts. Give it zeros, and `fail_at` -1 for no failure. */
typedef struct test_allocator {
    int64_t fail_at;  /* the call that fails, counted from 0; -1: none */
    bool for_ever;    /* ... and all calls after it */
    int64_t calls;    /* to alloc since this was last set to 0 */
    int64_t failures; /* calls that were made to fail */
    int64_t live;     /* bytes not given back */
    bool wrong_size;  /* a piece came back with another size than it was asked for with */
} test_allocator;

/* A tape that takes all its memory from `allocator`. With block_size 1 nearly every piece is an allocation of its own:
 * blocks have just what is asked for, and do not grow. */
tg_tape *test_tape(test_allocator *allocator, size_t block_size);

/* Runs a case with the failing allocation k = 0, 1, ... until it says, by false, that none has failed.
 * Returns how many runs had one. */
int64_t failures_of(bool (*fail_at)(int64_t k, bool for_ever), bool for_ever);

/* A copy of a tensor's contents, in row-major order. */
typedef struct snapshot {
    int dtype; /* -1: of no tensor */
    int ndim;
    int64_t dims[SNAPSHOT_DIMS];
    int64_t numel;
    union {
        float f32[SNAPSHOT_NUMEL];
        double f64[SNAPSHOT_NUMEL];
        int64_t i64[SNAPSHOT_NUMEL];
        bool truth[SNAPSHOT_NUMEL];
        unsigned char bytes[SNAPSHOT_NUMEL * sizeof(double)];
    } data;
} snapshot;

/* A strided tensor is copied on its tape, which is then rewound. NULL gives dtype -1. */
snapshot snapshot_of(tg_tensor *t);
/* The same shape, dtype and bits, but for the bits of nans. */
bool snapshot_same(const snapshot *a, const snapshot *b);
double snapshot_at(const snapshot *s, int64_t i);

/* The same shape, dtype and bits; both contiguous. */
bool tensors_same(const tg_tensor *a, const tg_tensor *b);

/* Where the tape stands: no tensor or operation was added or taken away between equal marks. */
bool marks_equal(tg_mark a, tg_mark b);

/* The generator's next number, which is then drawn. */
double next_draw(tg_tape *tape);

/* A tensor from values that are converted to the flags' dtype. */
tg_tensor *tensor_from(tg_tape *tape, const double *values, int ndim, const int64_t *dims,
                       int flags);
/* Rounded as tensor_from() does. */
double rounded_to(int dtype, double value);

/* Uniform in [low, high); the state counts on. */
double random_between(uint64_t *state, double low, double high);

#endif
