/* Helpers for naive references: shapes, broadcasting and promotion in the plainest way, apart
 * from the library's own code. Relies on op_table.h. */
#ifndef TG_TESTS_OP_REFERENCE_H
#define TG_TESTS_OP_REFERENCE_H

#include "op_table.h"

/* Sets shape and dtype, and zeros. */
void ref_start(array *out, int dtype, int ndim, const int64_t *dims);
/* The place in `in` of the element that broadcasts to place k of `out`. */
int64_t ref_place(const array *in, const array *out, int64_t k);
/* torch.result_type of two tensors. */
int ref_promoted(const array *a, const array *b);
/* Negative dims count from the end. */
int ref_dim(const array *in, int dim);

/* A tensor seen as [outer, n, inner] around one dim. */
typedef struct ref_rows {
    int64_t outer, n, inner;
} ref_rows;

ref_rows ref_rows_of(const array *in, int dim);

/* The reference's result for a row. */
void ref_result(const op_row *row, const op_sample *s, const array *in, array *out);

#endif
