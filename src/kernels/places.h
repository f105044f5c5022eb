/* Over raw memory: copies that go backwards or stand there several times, where bools are true, and
 * what samples of given weights are found by. dtype: 0 float, 1 double. Relies on nest.h. */
#ifndef TGK_PLACES_H
#define TGK_PLACES_H

#include "kernels/isa.h"
#include "kernels/nest.h"

/* A copy of elements of 1, 4 or 8 bytes, quick where what is read goes backwards. */
tgk_loop *tgk_reverse_loop(int isa, size_t size);

/* `many`, [outer][times][block], and `once`, [outer][block], which stands in it again and again. */
typedef struct tgk_repeat {
    void *many, *once;
    int64_t outer, times, block;
} tgk_repeat;

/* many from once, of elements of 1, 4 or 8 bytes. */
void tgk_repeat_read(tgk_team *team, size_t size, const tgk_repeat *r);
/* once as the sums of what it became. */
void tgk_repeat_add(tgk_team *team, int dtype, const tgk_repeat *r);

int64_t tgk_count_true(const bool *x, int64_t n);
/* The places of the true ones among n elements, each behind ndim - 1 indices `at`. Returns where it
 * came to in `out`. */
int64_t *tgk_places_in_row(const bool *x, int64_t n, const int64_t *at, int ndim, int64_t *out);
/* Of [outer][n][inner]: `wanted` where that is among the n, else the contrary. */
void tgk_find_in_rows(const bool *x, int64_t outer, int64_t n, int64_t inner, bool wanted,
                      bool *out);

/* The sum of n weights from number `from` on; nan where one is negative, infinite or nan. */
double tgk_sum_of_weights(const void *w, int dtype, int64_t from, int64_t n);
/* The sums so far of n weights, over the last one, in their dtype. */
void tgk_shares(const void *w, int dtype, int64_t n, double *sums);
/* The first sum that is not below u; the last one is not. */
int64_t tgk_first_share(const double *sums, int64_t n, double u);

#endif
