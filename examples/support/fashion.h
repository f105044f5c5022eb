/* The Fashion-MNIST data set (https://github.com/zalandoresearch/fashion-mnist), and batches of it.
 * Relies on idx.h. */
#ifndef EXAMPLES_FASHION_H
#define EXAMPLES_FASHION_H

#include <tinygrad.h>

enum { FASHION_SIDE = 28, FASHION_CLASSES = 10 };

/* One of its two sets; the memory is the tape's. */
typedef struct fashion {
    int64_t n;
    const float *images; /* n * 28 * 28, of 0 to 1 */
    const int64_t *labels;
} fashion;

/* Reads the set whose files begin with `prefix`, "train" or "t10k". false: it cannot be read, and
 * stderr has the reason. */
bool fashion_read(tg_tape *tape, fashion *set, const char *directory, const char *prefix);

/* Goes over a set in batches. Made before a loop's mark, so that the loop allocates nothing. */
typedef struct fashion_loader {
    const fashion *set;
    tg_batches *batches;
    tg_tensor *x, *y; /* a full batch */
} fashion_loader;

fashion_loader fashion_loader_new(tg_tape *tape, const fashion *set, int64_t batch, bool shuffle);
/* Reads the present batch into x and y, and returns its size. */
int64_t fashion_batch(const fashion_loader *loader);

/* x (n, 1, 28, 28) to the raw outputs of the classes (n, 10). */
typedef tg_tensor *fashion_forward(const void *model, tg_tensor *x);
/* How well a model does on a set. */
typedef struct fashion_score {
    double loss;     /* the mean cross-entropy */
    double accuracy; /* how many pictures have the largest output at their class, of 1 */
} fashion_score;
fashion_score fashion_test(const fashion_loader *loader, tg_tape *tape, fashion_forward *forward,
                           const void *model);

#endif
