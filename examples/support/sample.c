/* Drawing from a softmax: the first class at which the sum of the probabilities passes a uniform
 * number. */
#include "sample.h"

/* Rounding may leave the sum of all below u: the last class then. */
static int64_t pick(const float *p, int64_t n, float u)
{
    int64_t c = 0;
    for (float sum = p[0]; c < n - 1 && sum <= u; sum += p[c])
        c++;
    return c;
}

void sample_classes(tg_tensor *logits, int64_t *drawn)
{
    int64_t n = tg_size(logits, 0), classes = tg_size(logits, 1);
    const float *p = tg_f32(tg_softmax(logits, 1));
    const float *u = tg_f32(tg_rand(tg_tape_of(logits), TG_DIMS(n), 0));
    for (int64_t i = 0; i < n; i++)
        drawn[i] = p && u ? pick(p + i * classes, classes, u[i]) : 0;
}
