/* Sliding windows, see window.h. Both directions walk the columns in order; a row of columns is one
 * element of the window moved over one image plane. */
#include "window.h"

#include <stdbool.h>
#include <string.h>

/* One row of columns: element (k0, k1) of the window on one plane. */
typedef struct element {
    const tgk_window *w;
    int64_t k0, k1;
} element;

static int64_t source(const tgk_window *w, int axis, int64_t k, int64_t at)
{
    return at * w->stride[axis] - w->padding[axis] + k * w->dilation[axis];
}

#define WINDOW(T)                                                                                  \
    static void unfold_row_##T(element e, T *row, const T *plane)                                  \
    {                                                                                              \
        const tgk_window *w = e.w;                                                                 \
        for (int64_t o0 = 0; o0 < w->out[0]; o0++) {                                               \
            int64_t i0 = source(w, 0, e.k0, o0);                                                   \
            for (int64_t o1 = 0; o1 < w->out[1]; o1++, row++) {                                    \
                int64_t i1 = source(w, 1, e.k1, o1);                                               \
                bool inside = i0 >= 0 && i0 < w->in[0] && i1 >= 0 && i1 < w->in[1];                \
                *row = inside ? plane[i0 * w->in[1] + i1] : (T)w->fill;                            \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void fold_row_##T(element e, T *plane, const T *row)                                    \
    {                                                                                              \
        const tgk_window *w = e.w;                                                                 \
        for (int64_t o0 = 0; o0 < w->out[0]; o0++) {                                               \
            int64_t i0 = source(w, 0, e.k0, o0);                                                   \
            for (int64_t o1 = 0; o1 < w->out[1]; o1++, row++) {                                    \
                int64_t i1 = source(w, 1, e.k1, o1);                                               \
                if (i0 >= 0 && i0 < w->in[0] && i1 >= 0 && i1 < w->in[1])                          \
                    plane[i0 * w->in[1] + i1] += *row;                                             \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static element element_##T(const tgk_window *w, int64_t row)                                   \
    {                                                                                              \
        return (element){w, row / w->kernel[1] % w->kernel[0], row % w->kernel[1]};                \
    }                                                                                              \
                                                                                                   \
    static void unfold_##T(const tgk_window *w, void *out, const void *in)                         \
    {                                                                                              \
        int64_t window = w->kernel[0] * w->kernel[1], places = w->out[0] * w->out[1];              \
        for (int64_t row = 0; row < w->n * w->c * window; row++)                                   \
            unfold_row_##T(element_##T(w, row), (T *)out + row * places,                           \
                           (const T *)in + row / window * w->in[0] * w->in[1]);                    \
    }                                                                                              \
                                                                                                   \
    static void fold_##T(const tgk_window *w, void *out, const void *in)                           \
    {                                                                                              \
        int64_t window = w->kernel[0] * w->kernel[1], places = w->out[0] * w->out[1];              \
        memset(out, 0, (size_t)(w->n * w->c * w->in[0] * w->in[1]) * sizeof(T));                   \
        for (int64_t row = 0; row < w->n * w->c * window; row++)                                   \
            fold_row_##T(element_##T(w, row), (T *)out + row / window * w->in[0] * w->in[1],       \
                         (const T *)in + row * places);                                            \
    }

WINDOW(float)
WINDOW(double)

tgk_window_copy *const tgk_unfold_table[2] = {unfold_float, unfold_double};
tgk_window_copy *const tgk_fold_table[2] = {fold_float, fold_double};
