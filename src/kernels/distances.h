/* Distances of all pairs of rows, and their gradients, without the differences of all pairs in memory. Rows
 * are doubles; float32's results are rounded once. float64 adds with compensation, and scales where squares
 * would be out of range. */
#ifndef TGK_DISTANCES_H
#define TGK_DISTANCES_H

#include "kernels/isa.h"
#include "kernels/team.h"

typedef enum tgk_distance { TGK_SUM_OF_SIZES, TGK_ROOT_OF_SQUARES, TGK_LARGEST_SIZE } tgk_distance;

typedef struct tgk_distances {
    tgk_distance kind;
    int dtype;           /* of out, g and distances: 0 float, 1 double */
    const double *own;   /* [batches][rows][n] */
    const double *other; /* [batches][n][width]: columns; those behind the last are 0 */
    int64_t batches, rows, columns, width, n;
    void *out;             /* forward: [batches][rows][columns]; backward: [batches][rows][n] */
    const void *g;         /* backward: of `distances`, both [batches][rows][columns], but ... */
    const void *distances; /* ... from one row or column to the next it is so many elements */
    int64_t row_step, column_step;
    double *workspace; /* backward: 2 [batches][rows][width] */
} tgk_distances;

/* Columns in memory for so many: a multiple of what is worked on together. */
int64_t tgk_distances_width(int64_t columns);
/* `count` floats as doubles. */
void tgk_widen(const float *x, int64_t count, double *out);
/* Rows [batches][rows][n] as the columns that `other` is. */
void tgk_distances_turn(const double *x, const tgk_distances *d, double *out);

/* Shared by the team. The gradient is that of the rows: in it, differences of a pair count by their sign, by their
 * share of the distance, or, where they are the largest, evenly; at distance 0 it is 0. */
void tgk_distances_forward(tgk_team *team, int isa, tgk_distances *d);
void tgk_distances_backward(tgk_team *team, int isa, tgk_distances *d);

#endif
