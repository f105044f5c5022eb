/* Sliding windows, see patches.h. Both directions walk the columns in order; a row of columns is one
 * element of the window moved over one image plane. */
#include "kernels/patches.h"

#include <stdbool.h>
#include <string.h>

/* One row of columns: element (k0, k1) of the window on one plane. */
typedef struct element {
    const tgk_window *w;
    int64_t k0, k1;
} element;

#define WINDOW(T)                                                                                  \
    static void fill_##T(T *out, int64_t n, double value)                                          \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i] = (T)value;                                                                     \
    }                                                                                              \
                                                                                                   \
    static void unfold_row_##T(element e, T *row, const T *plane)                                  \
    {                                                                                              \
        const tgk_window *w = e.w;                                                                 \
        tgk_places p0 = tgk_window_inside(w, 0, e.k0), p1 = tgk_window_inside(w, 1, e.k1);         \
        int64_t stride = w->stride[1], count = p1.to - p1.from, width = w->out[1];                 \
        fill_##T(row, p0.from *width, w->fill);                                                    \
        fill_##T(row + p0.to * width, (w->out[0] - p0.to) * width, w->fill);                       \
        for (int64_t o0 = p0.from; o0 < p0.to; o0++) {                                             \
            T *out = row + o0 * width;                                                             \
            const T *in = plane + tgk_window_source(w, 0, e.k0, o0) * w->in[1] +                   \
                          tgk_window_source(w, 1, e.k1, p1.from);                                  \
            fill_##T(out, p1.from, w->fill);                                                       \
            fill_##T(out + p1.to, width - p1.to, w->fill);                                         \
            if (stride == 1)                                                                       \
                memcpy(out + p1.from, in, (size_t)count * sizeof(T));                              \
            for (int64_t i = 0; stride != 1 && i < count; i++)                                     \
                out[p1.from + i] = in[i * stride];                                                 \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void fold_row_##T(element e, T *plane, const T *row)                                    \
    {                                                                                              \
        const tgk_window *w = e.w;                                                                 \
        tgk_places p0 = tgk_window_inside(w, 0, e.k0), p1 = tgk_window_inside(w, 1, e.k1);         \
        int64_t stride = w->stride[1], count = p1.to - p1.from;                                    \
        for (int64_t o0 = p0.from; o0 < p0.to; o0++) {                                             \
            T *out = plane + tgk_window_source(w, 0, e.k0, o0) * w->in[1] +                        \
                     tgk_window_source(w, 1, e.k1, p1.from);                                       \
            const T *in = row + o0 * w->out[1] + p1.from;                                          \
            for (int64_t i = 0; stride == 1 && i < count; i++)                                     \
                out[i] += in[i];                                                                   \
            for (int64_t i = 0; stride != 1 && i < count; i++)                                     \
                out[i * stride] += in[i];                                                          \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static element element_##T(const tgk_window *w, int64_t row)                                   \
    {                                                                                              \
        return (element){w, row / w->kernel[1] % w->kernel[0], row % w->kernel[1]};                \
    }                                                                                              \
                                                                                                   \
    static void unfold_##T(void *context, int64_t from, int64_t to)                                \
    {                                                                                              \
        const tgk_window_job *job = context;                                                       \
        const tgk_window *w = job->w;                                                              \
        int64_t window = w->kernel[0] * w->kernel[1], count = w->out[0] * w->out[1];               \
        for (int64_t row = from * window; row < to * window; row++)                                \
            unfold_row_##T(element_##T(w, row), (T *)job->out + row * count,                       \
                           (const T *)job->in + row / window * w->in[0] * w->in[1]);               \
    }                                                                                              \
                                                                                                   \
    static void fold_##T(void *context, int64_t from, int64_t to)                                  \
    {                                                                                              \
        const tgk_window_job *job = context;                                                       \
        const tgk_window *w = job->w;                                                              \
        int64_t window = w->kernel[0] * w->kernel[1], count = w->out[0] * w->out[1];               \
        int64_t plane = w->in[0] * w->in[1];                                                       \
        memset((T *)job->out + from * plane, 0, (size_t)((to - from) * plane) * sizeof(T));        \
        for (int64_t row = from * window; row < to * window; row++)                                \
            fold_row_##T(element_##T(w, row), (T *)job->out + row / window * plane,                \
                         (const T *)job->in + row * count);                                        \
    }

WINDOW(float)
WINDOW(double)

tgk_range *const tgk_unfold_table[2] = {unfold_float, unfold_double};
tgk_range *const tgk_fold_table[2] = {fold_float, fold_double};

void tgk_window_run(tgk_team *team, tgk_range *body, tgk_window_job *job)
{
    const tgk_window *w = job->w;
    int64_t work = w->kernel[0] * w->kernel[1] * w->out[0] * w->out[1];
    tgk_share_rows(team, w->n * w->c, work, body, job);
}
