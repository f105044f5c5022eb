/* Reads the idx files of MNIST and its kin, plain or gzipped (http://yann.lecun.com/exdb/mnist):
 * arrays of unsigned bytes behind a header that gives their sizes. Relies on zlib. */
#ifndef EXAMPLES_SUPPORT_IDX_H
#define EXAMPLES_SUPPORT_IDX_H

#include <tinygrad.h>

enum { IDX_MAX_NDIM = 3 };

/* The array in the file at `path` as a new tensor of a dtype TG_F32 or TG_I64, with each byte's
 * value as it is. The file must hold just this shape, and nothing after it; a size of -1 is the
 * file's to choose. NULL where it does not, or cannot be read; then a line on stderr says why,
 * unless the tape has an error that does. */
tg_tensor *idx_read(tg_tape *tape, const char *path, int ndim, const int64_t *dims, int dtype);

#endif
