/* Variances of rows, see moments.h. */
#include "kernels/moments.h"

#include "kernels/row_sum.h"

#include <math.h>

#define MOMENTS(T)                                                                                 \
    TGK_INLINE double variance_##T(const tgk_moments *m, int64_t row)                              \
    {                                                                                              \
        double divisor = (double)m->n - m->param;                                                  \
        return tgk_measure_##T((const T *)m->x + row * m->n, (tgk_pieces){1, 0, m->n}).squares /   \
               (divisor > 0 ? divisor : 0);                                                        \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE void var_##T##_body(void *context, int64_t from, int64_t to)                        \
    {                                                                                              \
        const tgk_moments *m = context;                                                            \
        for (int64_t row = from; row < to; row++)                                                  \
            ((T *)m->out)[row] = (T)variance_##T(m, row);                                          \
    }                                                                                              \
                                                                                                   \
    TGK_INLINE void std_##T##_body(void *context, int64_t from, int64_t to)                        \
    {                                                                                              \
        const tgk_moments *m = context;                                                            \
        for (int64_t row = from; row < to; row++)                                                  \
            ((T *)m->out)[row] = (T)sqrt(variance_##T(m, row));                                    \
    }                                                                                              \
    TGK_EACH_ISA(var_##T, (void *context, int64_t from, int64_t to), (context, from, to));         \
    TGK_EACH_ISA(std_##T, (void *context, int64_t from, int64_t to), (context, from, to))

MOMENTS(float);
MOMENTS(double);

const tgk_moments_kernel tgk_var_table[2] = {var_float, var_double};
const tgk_moments_kernel tgk_std_table[2] = {std_float, std_double};

void tgk_moments_run(tgk_team *team, tgk_range *body, tgk_moments *m)
{
    tgk_share_rows(team, m->rows, m->n, body, m);
}
