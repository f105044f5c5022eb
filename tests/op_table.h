/* The operations as data. A new operation is one new row in one of the ops_*.c files: every
 * generic test (test_ops*.c, test_alloc.c) then runs over it. A new family is a new file.
 *
 * A sample says its inputs in a few words, one per input: "3x5 5:p" are a tensor of shape [3, 5]
 * and a positive one of shape [5]. A shape is sizes with x between them; "." is a 0-d tensor,
 * "=" the first input again, "~" NULL. After a colon come letters, to which the row may give
 * defaults:
 *     values   none: in [-3, 3)   n: 0.5 or more from 0   p: in [0.3, 3)   u: in (0, 1)   h: huge
 *              x: extreme ones: infinities, nan, subnormals, ... (left out by gradcheck)
 *              k: classes of input 0   K: the last one out of range   g, G: some, all ignored
 *     dtype    i: int64   b: bool   o: the other float dtype   none: the run's float dtype
 *     else     c: requires no gradient   r: is the result of an operation
 * Relies on support.h. */
#ifndef TG_TESTS_OP_TABLE_H
#define TG_TESTS_OP_TABLE_H

#include "support.h"

enum { OP_MAX_IN = 6, OP_MAX_DIMS = 6, OP_MAX_LISTS = 3, OP_KINK_IN = 3, OP_KINK_VALUES = 6 };

/* Inputs and what else the call gets; an error sample has a status as well. */
typedef struct op_sample {
    const char *in;    /* NULL: the end of a list */
    const char *shape; /* sizes given to the operation; may hold -1 */
    int dim[2];
    bool keepdim;
    int flags; /* of a creation; a dtype to convert to */
    double s[3];
    tg_reduction reduction;
    double smoothing;
    bool has_ignore;
    int64_t ignore;
    tg_status status;    /* that an error sample sets ... */
    const char *message; /* ... and a part of its message */
} op_sample;

/* Where a gradient jumps or has no limit, so that differences say nothing, and what it is there:
 * PyTorch's choice. The sample gives shapes and all else; values are in row-major order, and a
 * gradient of nan is not looked at. */
typedef struct op_kink {
    op_sample s;                               /* in is NULL: the end of a list */
    double x[OP_KINK_IN][OP_KINK_VALUES];      /* the inputs, */
    double grad[OP_KINK_IN][OP_KINK_VALUES];   /* the gradients of the sum of the result, */
    double second[OP_KINK_IN][OP_KINK_VALUES]; /* and those of the sum of all these gradients */
} op_kink;

/* The inputs of one call. */
typedef struct op_args {
    tg_tape *tape;
    const op_sample *s;
    int dtype; /* the run's float dtype */
    int n;
    tg_tensor *in[OP_MAX_IN];
    tg_tensor *leaf[OP_MAX_IN]; /* what in[i] is a view of, or itself; NULL: no tensor of its own */
} op_args;

/* Values for and from a reference, in double whatever their dtype. dtype -1: no tensor. */
typedef struct array {
    int dtype;
    int ndim;
    int64_t dims[OP_MAX_DIMS];
    int64_t numel;
    double data[SNAPSHOT_NUMEL];
} array;

/* Bits of op_row.is. */
enum {
    OP_CONSTANT = 1,           /* results never require a gradient */
    OP_RANDOM = 2,             /* draws from the generator: has a check instead of a reference */
    OP_IN_PLACE = 4,           /* overwrites input 0 and returns it */
    OP_TO_FLOAT = 8,           /* integers give float32 */
    OP_OPTIONAL_IN = 0x10,     /* the last input may be NULL */
    OP_COMPOSED = 0x20,        /* several calls: where one fails, those before it stay */
    OP_OPTIONAL_FROM_3 = 0x40, /* inputs from number 3 on may be NULL */
    OP_UNCAPTURED = 0x80       /* a capture refuses it */
};

typedef struct op_row {
    const char *name;
    const char *says; /* the name in its messages, where it is another */
    int is;
    /* One of these makes the call. */
    tg_tensor *(*unary)(tg_tensor *);
    tg_tensor *(*binary)(tg_tensor *, tg_tensor *);
    tg_tensor *(*build)(const op_args *);
    /* One of these is the reference: of an element, of two broadcast ones, or of everything. */
    double (*f1)(double);
    double (*f2)(double, double);
    void (*ref)(const op_sample *s, const array *in, array *out);
    bool (*check)(const op_args *args, const snapshot *out);
    double eps;                    /* of gradcheck, where 1e-6 is no good */
    const char *values[OP_MAX_IN]; /* letters for inputs whose sample has none */
    /* Lists, each of which ends with an entry of zeros. */
    const op_sample *samples[OP_MAX_LISTS], *errors[OP_MAX_LISTS];
    /* All places where a gradient jumps: a test looks for others. */
    const op_kink *kinks[OP_MAX_LISTS];
} op_row;

/* One row with one of its samples in one dtype: what a test runs on. */
typedef struct op_case {
    const char *test;
    const op_row *row;
    const op_sample *s;
    int dtype;
    uint64_t seed;
    int round; /* 1: other values in the inputs; 2: the same ones, as float32 holds them */
    const op_kink *kink; /* not NULL: what s is part of, and where the values come from */
} op_case;

/* How inputs lie in memory; those that have too few dims for it are contiguous. */
typedef enum op_layout { PLAIN, SWAP_LAST, SWAP_ENDS, EXPANDED, OP_LAYOUTS } op_layout;

/* The rows; row number op_rows() is NULL. */
size_t op_rows(void);
const op_row *op_row_at(size_t i);

/* Lists for rows to share. */
extern const op_sample samples_unary[], samples_unary_int[], samples_unary_bool[];
extern const op_sample samples_binary[], samples_binary_int[], samples_binary_bool[];
extern const op_sample samples_dim[]; /* reductions and the like along one dim */
extern const op_sample errors_not_bool[], errors_not_float[], errors_broadcast[], errors_dim[];
extern const op_sample errors_shape[]; /* creations */

/* Makes the inputs of a case; false on an error. */
bool op_inputs(const op_case *c, tg_tape *tape, op_layout layout, op_args *args);
/* Makes the call. */
tg_tensor *op_call(const op_row *row, const op_args *args);
/* The values that op_inputs() gives to all inputs, in plain layout. */
void op_values(const op_case *c, array *in);
/* Overwrites the leaves with the values of case c. */
bool op_overwrite(const op_case *c, const op_args *args, op_layout layout);
/* The sizes in op_sample.shape. */
int op_shape(const op_sample *s, int64_t *dims);
/* The name that the row's messages begin with. */
const char *op_says(const op_row *row);
/* Whether a message does. */
bool op_speaks(const op_row *row, const char *message);

/* What a call gave: its result and, after a backward pass, the leaves' gradients. */
typedef struct op_outcome {
    snapshot out, grad[OP_MAX_IN];
} op_outcome;

/* A random gradient for the result y; `number` picks one of many. */
tg_tensor *op_upstream(const op_case *c, tg_tensor *y, int number);
/* Fills in `out` from y, runs backward where y requires it, and fills in the gradients. */
void op_finish(const op_case *c, const op_args *args, tg_tensor *y, op_outcome *out);
/* The gradients alone. */
void op_gradients(const op_args *args, op_outcome *out);
/* The sum of the squares of y's gradients, through which gradients go; NULL where none do. */
tg_tensor *op_squares(const op_case *c, const op_args *args, tg_tensor *y);
/* Leaves its gradients; false where there are none. */
bool op_second_order(const op_case *c, const op_args *args, tg_tensor *y);
/* What differs in bits, in words; NULL: nothing. */
const char *op_difference(const op_outcome *a, const op_outcome *b);
/* Inputs, call and op_finish() on a tape. */
void op_eager(const op_case *c, tg_tape *tape, op_layout layout, op_outcome *out);

/* A test over all rows: runs on each sample (or error sample) of the row. */
typedef struct op_test {
    const char *name;
    void (*run)(const op_case *c);
    bool errors; /* over the error samples */
    bool kinks;  /* over the kinks */
    bool f64_only;
} op_test;

/* Runs tests over rows as cmocka tests named "test/row"; a pattern may pick some. */
int op_run(const char *group, const op_test *tests, size_t n, const char *pattern);
/* Ends the running test with a message that says the case. */
void op_fail(const op_case *c, int line, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#define OP_CHECK(c, condition, ...)                                                                \
    do {                                                                                           \
        if (!(condition))                                                                          \
            op_fail(c, __LINE__, __VA_ARGS__);                                                     \
    } while (0)

#endif
