/* What the formats have in common: files that are mapped to be read, files that are written
 * whole or not at all, and the array that a file describes. Everything in src/io uses the library
 * through its public headers alone, since the shared tinygrad-io sees nothing else of it. */
#ifndef TG_IO_FILE_H
#define TG_IO_FILE_H

#include <signal.h>
#include <sys/types.h>

#include "element.h"

#include <tinygrad/io.h>
#include <tinygrad/op.h>

/* A file, or memory that is treated as one. */
typedef struct tg_io_file {
    tg_tape *tape; /* for errors and memory */
    const char *op;
    const char *path;
    const char *outer; /* whoever spoke before the call */
    const unsigned char *bytes;
    size_t size;
    const char
        *member; /* of the archive that it is, which messages are about; NULL: the whole file */
} tg_io_file;

/* Around each call: whatever it calls speaks in its name. False where there is an error already; then
 * too, tg_io_end() follows. Returns the tape's status. */
bool tg_io_begin(tg_io_file *file);
tg_status tg_io_end(const tg_io_file *file);

/* Sets the error "op: path: ..." or "op: path: member: ...", formatted as by printf, and returns `status`. */
tg_status tg_io_fail(const tg_io_file *file, tg_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same from errno; `what` was not possible. */
tg_status tg_io_fail_system(const tg_io_file *file, const char *what);

/* Reports a malformed file where `condition` does not hold, and returns 0 (NULL, false). */
#define TG_IO_CHECK(file, condition, status, ...)                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            tg_io_fail(file, status, __VA_ARGS__);                                                 \
            return 0;                                                                              \
        }                                                                                          \
    } while (0)

/* A text from a file, or a shape, short and clean enough for a message. */
typedef struct tg_io_text {
    char chars[72];
} tg_io_text;
tg_io_text tg_io_quote(const char *text);
tg_io_text tg_io_shape(int ndim, const int64_t *dims);

/* Whether there is a path; until this was asked, no other error may be reported. */
bool tg_io_check_path(const tg_io_file *file);
/* The list's tape; NULL for no list and an empty one. */
tg_tape *tg_io_tape_of(const tg_params *params);
/* Whether all tensors of the list can still be used. */
bool tg_io_check_tensors(const tg_io_file *file, const tg_params *params);
/* Maps file->path to file->bytes. */
bool tg_io_map(tg_io_file *file);
void tg_io_unmap(tg_io_file *file);

/* The name of a file in the making, in its target's directory. */
typedef struct tg_io_temporary {
    char name[48];
} tg_io_temporary;
/* A new file for writing under a name of the target's that is not in use, which is then in use
 * until the file is closed. Removes what was left under them by processes that are gone. -1 with
 * errno: there is no such file. */
int tg_io_open_temporary(tg_io_temporary *t, int directory, const char *target, mode_t mode);

/* A file in the making. Errors go to the tape, and while it has one nothing is written. */
typedef struct tg_io_writer tg_io_writer;
struct tg_io_writer {
    tg_io_file file;
    const char *name; /* in the directory */
    int directory, out;
    tg_io_temporary temporary;
    int mode;              /* of the file that is replaced; -1: there is none */
    bool blocked, pending; /* SIGXFSZ before this began */
    size_t used;
    char buffer[4096];
    /* NULL, or who takes what is put, to put something else. */
    void (*filter)(tg_io_writer *w, const void *data, size_t size);
    void *filter_context;
};

/* false: tg_io_commit() must not be called. */
bool tg_io_create(tg_io_writer *w, const tg_io_file *file);
void tg_io_put(tg_io_writer *w, const void *data, size_t size);
/* The elements in row-major order; floats as those of that type, which may be narrower. */
void tg_io_put_tensor(tg_io_writer *w, tg_tensor *t, int type);
/* Gives the file its name; with an error on the tape, removes it instead. */
tg_status tg_io_commit(tg_io_writer *w);

/* An array as a file describes it. */
typedef struct tg_io_array {
    int type, ndim; /* a tg_io_type */
    int64_t dims[TG_MAX_NDIM];
} tg_io_array;

/* -1 where no tensor can be so large. */
int64_t tg_io_array_bytes(const tg_io_array *array);
/* Whether `size` bytes at `offset` of the file can be the array's data: bools are 0 or 1. */
bool tg_io_check_data(const tg_io_file *file, const tg_io_array *array, size_t offset, size_t size);

#endif
