/* Reading idx files. zlib reads plain files as they are, so that there is one road for both. */
#include "idx.h"

#include <errno.h>
#include <string.h>

#include <zlib.h>

enum { UNSIGNED_BYTES = 8, CHUNK = 1 << 14 };

static bool fail(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    return false;
}

/* Short data, or zlib's word where the gzip stream itself is broken. */
static bool fail_read(gzFile file, const char *path)
{
    int code = Z_OK;
    const char *what = gzerror(file, &code);
    return fail(path, code == Z_OK || code == Z_BUF_ERROR ? "ends too early" : what);
}

static bool read_header(gzFile file, const char *path, int ndim, const int64_t *dims,
                        int64_t *sizes)
{
    unsigned char magic[4];
    if (gzread(file, magic, sizeof magic) != (int)sizeof magic)
        return fail_read(file, path);
    if (magic[0] || magic[1] || magic[2] != UNSIGNED_BYTES)
        return fail(path, "not an idx file of unsigned bytes");
    if (magic[3] != ndim)
        return fail(path, "holds an array of another number of dims");
    for (int d = 0; d < ndim; d++) {
        unsigned char size[4];
        if (gzread(file, size, sizeof size) != (int)sizeof size)
            return fail_read(file, path);
        sizes[d] = (int64_t)size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3];
        if (dims[d] >= 0 && sizes[d] != dims[d]) {
            fprintf(stderr, "%s: dim %d has size %lld, not %lld\n", path, d, (long long)sizes[d],
                    (long long)dims[d]);
            return false;
        }
    }
    return true;
}

static void convert(const unsigned char *bytes, int64_t n, void *data, int64_t at, int dtype)
{
    for (int64_t i = 0; i < n; i++) {
        if (dtype == TG_I64)
            ((int64_t *)data)[at + i] = bytes[i];
        else
            ((float *)data)[at + i] = bytes[i];
    }
}

static bool read_data(gzFile file, const char *path, int64_t n, void *data, int dtype)
{
    unsigned char bytes[CHUNK];
    for (int64_t at = 0; at < n;) {
        int64_t want = n - at < CHUNK ? n - at : CHUNK;
        if (gzread(file, bytes, (unsigned)want) != want)
            return fail_read(file, path);
        convert(bytes, want, data, at, dtype);
        at += want;
    }
    int more = gzread(file, bytes, 1); /* at the end, zlib checks the sum */
    if (more < 0)
        return fail_read(file, path);
    return more == 0 || fail(path, "holds more than its header says");
}

static tg_tensor *read_array(tg_tape *tape, gzFile file, const char *path, int ndim,
                             const int64_t *dims, int dtype)
{
    int64_t sizes[IDX_MAX_NDIM] = {0};
    if (!read_header(file, path, ndim, dims, sizes))
        return NULL;
    tg_tensor *result = tg_zeros(tape, ndim, sizes, dtype);
    void *data = tg_data_mut(result);
    return result && read_data(file, path, tg_numel(result), data, dtype) ? result : NULL;
}

tg_tensor *idx_read(tg_tape *tape, const char *path, int ndim, const int64_t *dims, int dtype)
{
    errno = 0;
    gzFile file = ndim <= IDX_MAX_NDIM ? gzopen(path, "rb") : NULL;
    if (!file) {
        fail(path, errno ? strerror(errno) : "cannot be opened");
        return NULL;
    }
    tg_tensor *result = read_array(tape, file, path, ndim, dims, dtype);
    gzclose(file);
    return result;
}
