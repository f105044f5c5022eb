/* Mapping, atomic writing and messages, see file.h. Relies on POSIX and the public API. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <tinygrad/ops.h>
#include <unistd.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

_Static_assert(sizeof(bool) == 1, "files hold bools of one byte");

bool tg_io_begin(tg_io_file *file)
{
    file->outer = tg_speak_as(file->tape, file->op);
    return !tg_error(file->tape);
}

tg_status tg_io_end(const tg_io_file *file)
{
    tg_speak_as(file->tape, file->outer);
    return tg_error(file->tape);
}

/* -- Messages ---------------------------------------------------------------------------------- */

/* Message lengths are bounded, so a long path keeps its end, which tells most. */
enum { PATH_SHOWN = 80, TEXT_SHOWN = 60 };

tg_status tg_io_fail(const tg_io_file *file, tg_status status, const char *format, ...)
{
    char text[192];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t length = strlen(file->path);
    bool cut = length > PATH_SHOWN;
    return tg_fail(file->tape, status, "%s: %s%s: %s%s%s", file->op, cut ? "..." : "",
                   cut ? file->path + length - PATH_SHOWN : file->path,
                   file->member ? file->member : "", file->member ? ": " : "", text);
}

tg_status tg_io_fail_system(const tg_io_file *file, const char *what)
{
    char text[128];
    int number = errno;
    if (strerror_r(number, text, sizeof text))
        snprintf(text, sizeof text, "error %d", number);
    return tg_io_fail(file, TG_EIO, "%s: %s", what, text);
}

tg_io_text tg_io_quote(const char *text)
{
    tg_io_text quoted = {""};
    size_t length = strlen(text), shown = length > TEXT_SHOWN ? TEXT_SHOWN : length;
    while (shown < length && shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80)
        shown--; /* not within a character of UTF-8 */
    char *to = quoted.chars;
    *to++ = '"';
    for (size_t i = 0; i < shown; i++)
        *to++ = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    memcpy(to, shown < length ? "...\"" : "\"", shown < length ? 5 : 2);
    return quoted;
}

tg_io_text tg_io_shape(int ndim, const int64_t *dims)
{
    tg_io_text text = {"["};
    size_t used = 1;
    int i = 0;
    for (; i < ndim && used < sizeof text.chars - 30; i++) /* room for one more and the end */
        used += (size_t)snprintf(text.chars + used, sizeof text.chars - used, "%s%lld",
                                 i ? ", " : "", (long long)dims[i]);
    snprintf(text.chars + used, sizeof text.chars - used, i < ndim ? ", ...]" : "]");
    return text;
}

bool tg_io_check_path(const tg_io_file *file)
{
    if (!file->path)
        tg_fail(file->tape, TG_EVALUE, "%s: the path is NULL", file->op);
    return file->path != NULL;
}

/* -- Reading ----------------------------------------------------------------------------------- */

static bool map_open(tg_io_file *file, int in)
{
    struct stat status;
    if (fstat(in, &status)) {
        tg_io_fail_system(file, "cannot look at the file");
        return false;
    }
    TG_IO_CHECK(file, S_ISREG(status.st_mode), TG_EIO, "not a regular file");
    TG_IO_CHECK(file, (uintmax_t)status.st_size <= PTRDIFF_MAX, TG_EIO, "too large to be mapped");
    file->size = (size_t)status.st_size;
    file->bytes = (const unsigned char *)"";
    if (file->size == 0)
        return true;
    void *bytes = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, in, 0);
    if (bytes == MAP_FAILED) {
        tg_io_fail_system(file, "cannot map the file");
        return false;
    }
    file->bytes = bytes;
    return true;
}

bool tg_io_map(tg_io_file *file)
{
    if (!tg_io_check_path(file))
        return false;
    /* Not blocking: a pipe must be refused, not waited for. */
    int in = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (in < 0) {
        tg_io_fail_system(file, "cannot open the file");
        return false;
    }
    bool mapped = map_open(file, in);
    close(in);
    return mapped;
}

void tg_io_unmap(tg_io_file *file)
{
    if (file->size)
        munmap((void *)(uintptr_t)file->bytes, file->size);
}

/* -- Writing ----------------------------------------------------------------------------------- */

static bool open_directory(tg_io_writer *w)
{
    const char *path = w->file.path, *slash = strrchr(path, '/');
    char directory[PATH_MAX] = ".";
    size_t length = slash ? (size_t)(slash - path) + 1 : 0; /* with the slash: it may be "/" */
    w->name = path + length;
    w->directory = -1;
    errno = !*path ? ENOENT : !*w->name ? EISDIR : ENAMETOOLONG;
    if (*w->name && length < sizeof directory) {
        if (length) {
            memcpy(directory, path, length);
            directory[length] = '\0';
        }
        w->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (w->directory < 0)
        tg_io_fail_system(&w->file, "cannot open the directory");
    return w->directory >= 0;
}

/* What is there: its permissions, if it can be replaced. Those of a new file are left to umask. */
static bool find_mode(tg_io_writer *w)
{
    struct stat status;
    w->mode = -1;
    if (fstatat(w->directory, w->name, &status, 0)) {
        if (errno != ENOENT)
            tg_io_fail_system(&w->file, "cannot look at the file");
        return errno == ENOENT;
    }
    TG_IO_CHECK(&w->file, S_ISREG(status.st_mode), TG_EIO, "not a regular file");
    w->mode = (int)(status.st_mode & 0777);
    return true;
}

static bool open_temporary(tg_io_writer *w)
{
    if (!find_mode(w))
        return false;
    w->out = tg_io_open_temporary(&w->temporary, w->directory, w->name, w->mode < 0 ? 0666 : 0600);
    if (w->out < 0)
        tg_io_fail_system(&w->file, "cannot make a file beside it");
    return w->out >= 0;
}

static sigset_t only_sigxfsz(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    return set;
}

/* A thread that lets a file grow over the process's limit gets SIGXFSZ, which ends the program. It
 * is kept off this thread while the file is written. */
static void block_signal(tg_io_writer *w)
{
    sigset_t set = only_sigxfsz(), former, pending;
    pthread_sigmask(SIG_BLOCK, &set, &former);
    sigpending(&pending);
    w->blocked = sigismember(&former, SIGXFSZ) == 1;
    w->pending = sigismember(&pending, SIGXFSZ) == 1;
}

/* Takes the signal that our writing raised. */
static void take_signal(const tg_io_writer *w)
{
    sigset_t set = only_sigxfsz();
    const struct timespec none = {0, 0};
    bool interrupted = !w->pending;
    while (interrupted)
        interrupted = sigtimedwait(&set, NULL, &none) < 0 && errno == EINTR;
}

static void unblock_signal(const tg_io_writer *w)
{
    sigset_t set = only_sigxfsz();
    if (!w->blocked)
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

bool tg_io_create(tg_io_writer *w, const tg_io_file *file)
{
    w->file = *file;
    w->used = 0;
    w->filter = NULL;
    if (!open_directory(w))
        return false;
    if (!open_temporary(w)) {
        close(w->directory);
        return false;
    }
    block_signal(w);
    return true;
}

static void write_all(tg_io_writer *w, const char *data, size_t size)
{
    while (size > 0 && !tg_error(w->file.tape)) {
        ssize_t written = write(w->out, data, size < SSIZE_MAX ? size : SSIZE_MAX);
        if (written < 0 && errno != EINTR) {
            bool too_large = errno == EFBIG;
            tg_io_fail_system(&w->file, "cannot write");
            if (too_large)
                take_signal(w);
        }
        if (written > 0) {
            data += written;
            size -= (size_t)written;
        }
    }
}

static void flush(tg_io_writer *w)
{
    write_all(w, w->buffer, w->used);
    w->used = 0;
}

void tg_io_put(tg_io_writer *w, const void *data, size_t size)
{
    if (w->filter) {
        w->filter(w, data, size);
        return;
    }
    if (size > sizeof w->buffer - w->used)
        flush(w);
    if (size > sizeof w->buffer) {
        write_all(w, data, size);
    } else if (size) {
        memcpy(w->buffer + w->used, data, size);
        w->used += size;
    }
}

static const void *data_of(const tg_tensor *t)
{
    switch (tg_dtype(t)) {
    case TG_F32:
        return tg_f32(t);
    case TG_F64:
        return tg_f64(t);
    case TG_I64:
        return tg_i64(t);
    default:
        return tg_bool(t);
    }
}

static void put_elements(tg_io_writer *w, const tg_tensor *t, int type)
{
    const char *data = data_of(t);
    const size_t size = tg_io_element_of(tg_dtype(t))->size;
    int64_t numel = tg_numel(t);
    if (type == tg_dtype(t) && !TG_IO_TURNS) {
        tg_io_put(w, data, (size_t)numel * size);
        return;
    }
    double block[512]; /* of the largest numbers */
    for (int64_t n; numel > 0; numel -= n, data += (size_t)n * size) {
        n = numel < 512 ? numel : 512;
        if (type == tg_dtype(t)) {
            memcpy(block, data, (size_t)n * size);
            tg_io_turn(block, n, size);
            tg_io_put(w, block, (size_t)n * size);
        } else {
            tg_io_narrow(tg_dtype(t), data, n, type, block);
            tg_io_put(w, block, (size_t)n * sizeof(uint16_t));
        }
    }
}

void tg_io_put_tensor(tg_io_writer *w, tg_tensor *t, int type)
{
    tg_tape *tape = w->file.tape;
    if (tg_error(tape))
        return;
    tg_mark mark = tg_tape_mark(tape);
    bool enabled = tg_set_grad_enabled(tape, false);
    tg_tensor *dense = tg_contiguous(t);
    if (dense)
        put_elements(w, dense, type);
    tg_set_grad_enabled(tape, enabled);
    if (dense != t)
        tg_tape_rewind(tape, mark);
}

static bool sync_descriptor(int descriptor)
{
    int result;
    do
        result = fsync(descriptor);
    while (result && errno == EINTR);
    return result == 0;
}

static bool give_name(tg_io_writer *w)
{
    flush(w);
    if (tg_error(w->file.tape))
        return false;
    bool given = (w->mode < 0 || !fchmod(w->out, (mode_t)w->mode)) && sync_descriptor(w->out) &&
                 !renameat(w->directory, w->temporary.name, w->directory, w->name);
    if (!given)
        tg_io_fail_system(&w->file, "cannot put the new file in place");
    return given;
}

tg_status tg_io_commit(tg_io_writer *w)
{
    if (!give_name(w))
        unlinkat(w->directory, w->temporary.name, 0);
    else if (!sync_descriptor(w->directory) && errno != EINVAL) /* which: no such thing here */
        tg_io_fail_system(&w->file, "cannot force the directory to the disk");
    close(w->out);
    close(w->directory);
    unblock_signal(w);
    return tg_error(w->file.tape);
}

/* -- Lists ------------------------------------------------------------------------------------- */

tg_tape *tg_io_tape_of(const tg_params *params)
{
    return tg_tape_of(tg_params_tensor(params, 0));
}

bool tg_io_check_tensors(const tg_io_file *file, const tg_params *params)
{
    for (size_t i = 0; i < tg_params_count(params); i++)
        TG_IO_CHECK(file, tg_tape_of(tg_params_tensor(params, i)), TG_ESTATE,
                    "the tensor for %s was rewound away",
                    tg_io_quote(tg_params_name(params, i)).chars);
    return true;
}

/* -- Arrays ------------------------------------------------------------------------------------ */

/* As strict as the library is with shapes: the sizes without the zeros must not overflow either. */
int64_t tg_io_array_bytes(const tg_io_array *array)
{
    int64_t numel = 1, span = 1;
    for (int i = 0; i < array->ndim; i++) {
        int64_t size = array->dims[i];
        if (size > 1 && span > INT64_MAX / 16 / size)
            return -1;
        span *= size > 1 ? size : 1;
        numel *= size;
    }
    return numel * (int64_t)tg_io_element_of(array->type)->size;
}

bool tg_io_check_data(const tg_io_file *file, const tg_io_array *array, size_t offset, size_t size)
{
    for (size_t i = offset; array->type == TG_IO_BOOL && i < offset + size; i++)
        TG_IO_CHECK(file, file->bytes[i] <= 1, TG_EIO, "byte %zu: a bool of %d, wanted 0 or 1", i,
                    file->bytes[i]);
    return true;
}
