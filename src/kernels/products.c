/* Products and recurrences, see products.h; the loops are in products.inc. */
#include "kernels/products.h"

/* Copies of loops that -O3 makes for all it might know of them take half of the code, and pay nothing. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2", "tree-vectorize", "vect-cost-model=dynamic")
#endif

#include "kernels/isa.h"

enum { COLUMNS = 16, TOGETHER = 4, LOOK = 64 };

#if defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 4")
#else
#define UNROLL
#endif

/* Rows or columns that are worked on together: where they begin, how far they are apart, and where
 * the product of the first is. */
typedef struct part {
    int64_t at, apart, result;
    int count;
} part;

/* Elements from one to before another. */
typedef struct span {
    int64_t from, to, step;
} span;

/* The next ones of the rows, or columns, from `from` to `to`; goes on behind them. */
TGK_INLINE bool next_part(const tgk_products *p, int64_t *from, int64_t to, part *a)
{
    int64_t left = to - *from, column = *from % p->inner;
    if (left <= 0)
        return false;
    if (p->inner == 1) {
        *a = (part){*from * p->n, p->n, *from, left < TOGETHER ? 1 : TOGETHER};
    } else {
        left = left < p->inner - column ? left : p->inner - column;
        *a = (part){*from / p->inner * p->n * p->inner + column, 1, *from,
                    left < COLUMNS ? (int)left : COLUMNS};
    }
    *from += a->count;
    return true;
}

#define TGK_BODY "kernels/products_isa.inc"
#include "kernels/each_isa.h"

enum { PRODUCT, RUNNING, RECUR, OTHERS, LOOPS };

#define EACH_DTYPE(name, isa)                                                                      \
    {                                                                                              \
        name##_f32_##isa, name##_f64_##isa, name##_i64_##isa, name##_bool_##isa                    \
    }
#define TABLE(isa)                                                                                 \
    {                                                                                              \
        EACH_DTYPE(product, isa), EACH_DTYPE(running, isa), {recur_f32_##isa, recur_f64_##isa},    \
            {others_f32_##isa, others_f64_##isa},                                                  \
    }

static tgk_range *const table[TGK_ISAS][LOOPS][4] = TGK_BY_ISA(TABLE);

static void share(tgk_team *team, tgk_range *body, const tgk_products *p)
{
    /* Of nothing there may be any number of rows. */
    if (p->n > 0 && p->outer * p->inner > 0)
        tgk_share_rows(team, p->outer * p->inner, p->n, body, (void *)(uintptr_t)p);
}

void tgk_product(tgk_team *team, int isa, int dtype, const tgk_products *p)
{
    if (p->n == 0) /* as many ones as there are rows */
        table[isa][PRODUCT][dtype]((void *)(uintptr_t)p, 0, p->outer * p->inner);
    share(team, table[isa][PRODUCT][dtype], p);
}

void tgk_running_products(tgk_team *team, int isa, int dtype, const tgk_products *p)
{
    share(team, table[isa][RUNNING][dtype], p);
}

void tgk_recurrence(tgk_team *team, int isa, int dtype, const tgk_products *p)
{
    share(team, table[isa][RECUR][dtype], p);
}

void tgk_other_products(tgk_team *team, int isa, int dtype, const tgk_products *p)
{
    share(team, table[isa][OTHERS][dtype], p);
}
