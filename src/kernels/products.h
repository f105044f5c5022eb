/* Products and linear recurrences along the middle of [outer][n][inner], over raw memory. float32
 * is computed in double. dtype: 0 float, 1 double, and of products 2 int64_t, which wraps around, 3
 * bool. Relies on team.h. */
#ifndef TGK_PRODUCTS_H
#define TGK_PRODUCTS_H

#include "kernels/team.h"

typedef struct tgk_products {
    void *out;
    const void *x, *by; /* `by` like x, or NULL */
    int64_t outer, n, inner;
    bool from_end; /* goes from the last to the first */
    bool shifted;
} tgk_products;

/* out, [outer][inner], is the product of each row. Integers become int64_t; so below. */
void tgk_product(tgk_team *team, int isa, int dtype, const tgk_products *p);
/* out[k] = x[0] ... x[k]. */
void tgk_running_products(tgk_team *team, int isa, int dtype, const tgk_products *p);
/* out[k] = x[k] + by[k] out[k - 1], or, shifted, + by[k - 1] out[k - 1]; the first is x. */
void tgk_recurrence(tgk_team *team, int isa, int dtype, const tgk_products *p);
/* out[k] = by * (the product of all x but x[k]), by: [outer][inner]. */
void tgk_other_products(tgk_team *team, int isa, int dtype, const tgk_products *p);

#endif
