/* One case of golden/ops.inc, read from its name as golden/ops.py says, and the operations that
 * cases call. Relies on the public API alone. */
#ifndef TG_TESTS_GOLDEN_H
#define TG_TESTS_GOLDEN_H

#include <tinygrad.h>

enum { GOLDEN_TEXT = 512, GOLDEN_INPUTS = 6, GOLDEN_OPTIONS = 12, GOLDEN_DIMS = 8 };

typedef struct golden_option {
    const char *key, *value;
    bool read; /* by the operation; one that is not read is a mistake */
} golden_option;

/* As made by golden_read(). */
typedef struct golden_case {
    char text[GOLDEN_TEXT]; /* the name, cut into tokens; the operation is the first one */
    tg_tape *tape;
    uint64_t state; /* of the generator of values */
    int n, leaves;
    tg_tensor *in[GOLDEN_INPUTS];
    tg_tensor *leaf[GOLDEN_INPUTS]; /* what `in` is made from, each once */
    int n_options;
    golden_option options[GOLDEN_OPTIONS];
    const char *upstream; /* a fill */
} golden_case;

/* False where the name is not understood, or the tape has an error. */
bool golden_read(golden_case *c, tg_tape *tape, const char *name);
/* A gradient for `out`; call it once. */
tg_tensor *golden_upstream(golden_case *c, const tg_tensor *out);
/* The dtype and dims that a text starts with; NULL where it does not, else what follows. */
const char *golden_shape(const char *text, int *dtype, int *ndim, int64_t *dims);

/* Options; where the key is missing, the fallback. */
double golden_number(golden_case *c, const char *key, double fallback);
const char *golden_word(golden_case *c, const char *key, const char *fallback);
/* "2,-1,3"; returns how many. */
int golden_list(const char *text, int64_t *list);

typedef enum golden_check {
    GOLDEN_NEAR,  /* within the tolerance of the dtype */
    GOLDEN_SIGNS, /* the same, and zeros have the same sign in the output */
    GOLDEN_BITS   /* the output has the same bits */
} golden_check;

typedef struct golden_op {
    const char *name;
    tg_tensor *(*run)(golden_case *c);
    golden_check check;
    bool own_backward; /* no backward pass from the output */
} golden_op;

/* A part of the operations; each is in a file of its own. */
typedef struct golden_table {
    const golden_op *ops;
    size_t n;
} golden_table;

extern const golden_table golden_basic, golden_elementwise, golden_reduce, golden_layers,
    golden_formulas, golden_index;

/* All of them; there are GOLDEN_TABLES. */
enum { GOLDEN_TABLES = 6 };
extern const golden_table *const golden_tables[GOLDEN_TABLES];
/* The operation that a case's name begins with, or NULL. */
const golden_op *golden_op_of(const char *name);

/* For the operations: without "dim", `all`; else `along` by the options dim and keepdim. */
tg_tensor *golden_along(golden_case *c, tg_tensor *(*all)(tg_tensor *),
                        tg_tensor *(*along)(tg_tensor *, int, bool));
tg_reduction golden_reduction(golden_case *c);
bool golden_flag(golden_case *c, const char *key);
/* The input that a letter of the option "with" stands for, the first being input `first`; or NULL.
 */
tg_tensor *golden_with(golden_case *c, char letter, int first);

/* clang-format off */
#define GOLDEN_TABLE(name, rows)                                                                   \
    const golden_table name = {rows, sizeof(rows) / sizeof((rows)[0])};
/* clang-format on */
#define GOLDEN_UNARY(name)                                                                         \
    static tg_tensor *run_##name(golden_case *c)                                                   \
    {                                                                                              \
        return tg_##name(c->in[0]);                                                                \
    }
#define GOLDEN_BINARY(name)                                                                        \
    static tg_tensor *run_##name(golden_case *c)                                                   \
    {                                                                                              \
        return tg_##name(c->in[0], c->in[1]);                                                      \
    }
#define GOLDEN_SCALAR(name)                                                                        \
    static tg_tensor *run_##name(golden_case *c)                                                   \
    {                                                                                              \
        return tg_##name(c->in[0], golden_number(c, "s", 0));                                      \
    }

#endif
