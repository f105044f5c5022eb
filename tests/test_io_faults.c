/* What the system does to those who write and read files, at each call in turn: an error, half of a
 * write, the end of the process, a disk that is full. The calls are this program's own functions,
 * which come before libc's. */
#define _GNU_SOURCE /* dlsym's RTLD_NEXT, unshare */
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#include "check.h"

#include "io/scratch.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tinygrad/io.h>
#ifdef TINYGRAD_ZLIB
#include <zlib.h>
#endif

/* --- calls that fail --- */

typedef enum harm { FAIL, FAIL_FROM_HERE, HALF, KILL } harm;

static struct {
    harm harm;
    int error;       /* errno of a call that fails */
    int at, calls;   /* the call that is struck, counted from 0; -1: none */
    const char *hit; /* its name */
    int others;      /* so many temporary files seem to be others when they are looked at */
    bool other_device;
} fault = {.at = -1};

/* The file that is mapped and not unmapped; one at a time. */
static void *mapped;
static int unmapped_others;

static bool struck(const char *name)
{
    const int call = fault.calls++;
    if (fault.at < 0 || call < fault.at || (call > fault.at && fault.harm != FAIL_FROM_HERE))
        return false;
    fault.hit = fault.hit ? fault.hit : name;
    if (fault.harm == KILL)
        kill(getpid(), SIGKILL);
    errno = fault.error;
    return fault.harm != HALF;
}

/* libc's function of that type and name; the name is another where files have 64 bits on a machine
 * of 32. */
#define REAL(type, name) ((type)real(sizeof(long) == 4 ? #name "64" : #name, #name))

static void (*real(const char *wide, const char *name))(void)
{
    void *found = dlsym(RTLD_NEXT, wide);
    found = found ? found : dlsym(RTLD_NEXT, name);
    void (*function)(void);
    memcpy(&function, &found, sizeof function);
    return function;
}

static mode_t mode_in(int flags, va_list args)
{
    return flags & O_CREAT ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_in(flags, args);
    va_end(args);
    return struck("open") ? -1 : REAL(int (*)(const char *, int, ...), open)(path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_in(flags, args);
    va_end(args);
    return struck("openat")
               ? -1
               : REAL(int (*)(int, const char *, int, ...), openat)(directory, path, flags, mode);
}

int fstat(int file, struct stat *to)
{
    return struck("fstat") ? -1 : REAL(int (*)(int, struct stat *), fstat)(file, to);
}

int fstatat(int directory, const char *path, struct stat *to, int flags)
{
    if (struck("fstatat"))
        return -1;
    int result =
        REAL(int (*)(int, const char *, struct stat *, int), fstatat)(directory, path, to, flags);
    if (fault.others && strstr(path, ".tinygrad-") && fault.others--) {
        to->st_dev += fault.other_device;
        to->st_ino += !fault.other_device;
    }
    return result;
}

void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset)
{
    if (file >= 0 && struck("mmap"))
        return MAP_FAILED;
    void *made = REAL(void *(*)(void *, size_t, int, int, int, off_t), mmap)(at, size, protection,
                                                                             flags, file, offset);
    mapped = file >= 0 ? made : mapped;
    return made;
}

int munmap(void *at, size_t size)
{
    unmapped_others += at != mapped;
    mapped = at == mapped ? NULL : mapped;
    return REAL(int (*)(void *, size_t), munmap)(at, size);
}

ssize_t write(int file, const void *data, size_t size)
{
    const bool fails = struck("write");
    if (fails && errno == EFBIG)
        pthread_kill(pthread_self(), SIGXFSZ); /* as the system does */
    if (fails) {
        errno = fault.error;
        return -1;
    }
    const bool half = fault.harm == HALF && fault.calls == fault.at + 1 && size > 1;
    return REAL(ssize_t(*)(int, const void *, size_t), write)(file, data, half ? size / 2 : size);
}

int fsync(int file)
{
    (void)file;
    return struck("fsync") ? -1 : 0; /* no power fails here */
}

int fchmod(int file, mode_t mode)
{
    return struck("fchmod") ? -1 : REAL(int (*)(int, mode_t), fchmod)(file, mode);
}

int flock(int file, int how)
{
    return struck("flock") ? -1 : REAL(int (*)(int, int), flock)(file, how);
}

int renameat(int from, const char *old, int to, const char *new)
{
    return struck("renameat")
               ? -1
               : REAL(int (*)(int, const char *, int, const char *), renameat)(from, old, to, new);
}

int unlinkat(int directory, const char *path, int flags)
{
    return struck("unlinkat")
               ? -1
               : REAL(int (*)(int, const char *, int), unlinkat)(directory, path, flags);
}

#ifdef TINYGRAD_ZLIB
/* The linker sends the library's calls here, for zlib may be an archive. */
int __real_inflateInit2_(z_streamp stream, int bits, const char *version, int size);
int __wrap_inflateInit2_(z_streamp stream, int bits, const char *version, int size);
int __real_deflateInit2_(z_streamp stream, int level, int method, int bits, int memory,
                         int strategy, const char *version, int size);
int __wrap_deflateInit2_(z_streamp stream, int level, int method, int bits, int memory,
                         int strategy, const char *version, int size);

int __wrap_inflateInit2_(z_streamp stream, int bits, const char *version, int size)
{
    return struck("inflateInit2") ? Z_MEM_ERROR : __real_inflateInit2_(stream, bits, version, size);
}

int __wrap_deflateInit2_(z_streamp stream, int level, int method, int bits, int memory,
                         int strategy, const char *version, int size)
{
    return struck("deflateInit2")
               ? Z_MEM_ERROR
               : __real_deflateInit2_(stream, level, method, bits, memory, strategy, version, size);
}
#endif

static void arm(harm how, int error, int at)
{
    fault.harm = how;
    fault.error = error;
    fault.at = at;
    fault.calls = 0;
    fault.hit = NULL;
}

static void disarm(void)
{
    fault.at = -1;
}

/* --- what is saved and read --- */

enum { NUMEL = 40000 }; /* several buffers */

typedef struct work {
    tg_tape *tape;
    tg_params *params; /* one tensor of NUMEL, and one that is none of the writers' buffers */
    tg_optim *optim;
} work;

static work work_of(double value)
{
    work w = {.tape = tg_tape_new(NULL)};
    w.params = tg_params_new(w.tape);
    tg_params_add(w.params, tg_full(w.tape, TG_DIMS(NUMEL), value, TG_REQUIRES_GRAD), "w");
    tg_params_add(w.params, tg_full(w.tape, TG_DIMS(3), value, TG_REQUIRES_GRAD), "b");
    w.optim = tg_sgd(w.tape, tg_params_unique(w.params), 2, &(tg_sgd_opts){.lr = 0.1});
    assert_ok(w.tape);
    return w;
}

/* Each call on a file, to be named in messages; readers give the value of all that is read. */
typedef struct call {
    const char *name, *file;
    void (*save)(const work *w, const char *path);
    double (*read)(const work *w, const char *path);
} call;

static double value_of(const tg_tensor *t)
{
    if (!t)
        return -1;
    for (int64_t i = 1; i < tg_numel(t); i++)
        assert_true(tg_f32(t)[i] == tg_f32(t)[0]);
    return (double)tg_f32(t)[0];
}

static double value_in(const tg_params *p)
{
    return p ? value_of(tg_params_find(p, "w")) : -1;
}

static void save_npy(const work *w, const char *path)
{
    tg_save_npy(path, tg_params_tensor(w->params, 0));
}

static double load_npy(const work *w, const char *path)
{
    return value_of(tg_load_npy(w->tape, path, 0));
}

static void save_npz(const work *w, const char *path)
{
    tg_save_npz(path, w->params, NULL);
}

static double read_npz(const work *w, const char *path)
{
    return value_in(tg_read_npz(w->tape, path));
}

static void save_safetensors(const work *w, const char *path)
{
    tg_save_safetensors(path, w->params,
                        &(tg_save_opts){.metadata = (tg_metadata[]){{"a", "b"}}, .n_metadata = 1});
}

static double read_safetensors(const work *w, const char *path)
{
    return value_in(tg_read_safetensors(w->tape, path));
}

static double load_safetensors(const work *w, const char *path)
{
    return tg_load_safetensors(path, w->params, NULL) ? -1 : value_in(w->params);
}

static double read_metadata(const work *w, const char *path)
{
    return tg_read_metadata(w->tape, path, "a", NULL, 0) < 0 ? -1 : 1;
}

static void save_checkpoint(const work *w, const char *path)
{
    tg_save_checkpoint(path, w->params, w->optim, 3);
}

static double load_checkpoint(const work *w, const char *path)
{
    return tg_load_checkpoint(path, w->params, w->optim, NULL) ? -1 : value_in(w->params);
}

static const call writers[] = {
    {"save_npy", "a.npy", save_npy, load_npy},
    {"save_npz", "a.npz", save_npz, read_npz},
    {"save_safetensors", "a.st", save_safetensors, read_safetensors},
    {"save_checkpoint", "a.check", save_checkpoint, load_checkpoint},
};

static const call readers[] = {
    {"load_npy", "a.npy", save_npy, load_npy},
    {"read_npz", "a.npz", save_npz, read_npz},
    {"read_safetensors", "a.st", save_safetensors, read_safetensors},
    {"load_safetensors", "a.st", save_safetensors, load_safetensors},
    {"read_metadata", "a.st", save_safetensors, read_metadata},
    {"load_checkpoint", "a.check", save_checkpoint, load_checkpoint},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* The file with that value, whole. */
static void make(const call *c, double value)
{
    work w = work_of(value);
    c->save(&w, in_scratch(c->file));
    assert_ok(w.tape);
    tg_tape_free(w.tape);
}

static double value_there(const call *c)
{
    work w = work_of(-2);
    double value = c->read(&w, in_scratch(c->file));
    assert_ok(w.tape);
    tg_tape_free(w.tape);
    return value;
}

static int count_descriptors(void)
{
    int count = 0;
    for (int i = 0; i < 256; i++)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

/* A save failed: in its own words, the old file stands. What the disk is not sure to have may be the
 * new one. */
static void expect_failure(const call *c, tg_tape *tape, int error, double old)
{
    char start[64];
    snprintf(start, sizeof start, "%s: ", c->name);
    const char *message = tg_error_message(tape);
    if (tg_error(tape) != TG_EIO || strncmp(message, start, strlen(start)) != 0 ||
        !strstr(message, c->file) || !strstr(message, strerror(error)))
        fail_msg("%s with %s: status %d, \"%s\"", fault.hit, strerror(error), (int)tg_error(tape),
                 message);
    if (!strstr(message, "the directory to the disk"))
        assert_true(value_there(c) == old);
}

/* Saves 2 where 1 stands. False where no call was struck. */
static bool save_struck(const call *c, harm how, int error, int at)
{
    make(c, 1);
    work w = work_of(2);
    const int descriptors = count_descriptors();
    arm(how, error, at);
    c->save(&w, in_scratch(c->file));
    disarm();
    assert_int_equal(count_descriptors(), descriptors);
    if (tg_error(w.tape)) {
        assert_non_null(fault.hit);
        expect_failure(c, w.tape, error, 1);
        tg_clear_error(w.tape);
    } else {
        assert_true(value_there(c) == 2);
    }
    /* Of what cannot be looked at it is not known whose it is. */
    assert_true(how == FAIL_FROM_HERE || count_files(0) == 1 ||
                (fault.hit && strstr(fault.hit, "fstat")));
    c->save(&w, in_scratch(c->file));
    assert_ok(w.tape);
    assert_true(value_there(c) == 2);
    assert_int_equal(count_files(1), 1); /* what could not be removed is removed by the next one */
    tg_tape_free(w.tape);
    return fault.hit;
}

static void each_write_fails(void **state)
{
    (void)state;
    static const int errors[] = {EIO, ENOSPC, EFBIG,
                                 EINVAL}; /* the last of a directory: there it is none */
    for (const call *c = writers; c < writers + COUNT(writers); c++) {
        for (size_t e = 0; e < COUNT(errors); e++) {
            int at = 0;
            while (save_struck(c, FAIL, errors[e], at))
                at++;
            assert_true(at > 8); /* opens, looks, writes, syncs, and gives the name */
            at = 0;
            while (save_struck(c, FAIL_FROM_HERE, errors[e], at))
                at++;
        }
    }
}

/* A temporary file that another process took for left, and put its own in the place of, is let alone: the next name
 * does as well. */
static void replaced_by_others(void **state)
{
    (void)state;
    for (const call *c = writers; c < writers + COUNT(writers); c++) {
        for (int device = 0; device < 2; device++) {
            make(c, 1);
            fault.others = 1;
            fault.other_device = device;
            make(c, 2);
            assert_int_equal(fault.others, 0);
            assert_true(value_there(c) == 2);
            assert_int_equal(count_files(0), 2);
            make(c, 3);
            assert_int_equal(count_files(1), 1); /* now nobody writes it */
        }
    }
}

/* Or is about to remove, which its lock says. */
static void locked_by_others(void **state)
{
    (void)state;
    for (const call *c = writers; c < writers + COUNT(writers); c++) {
        const char *hit = "";
        for (int at = 0; strcmp(hit, "flock") != 0; at++) {
            make(c, 1);
            work w = work_of(2);
            arm(FAIL, EWOULDBLOCK, at);
            c->save(&w, in_scratch(c->file));
            disarm();
            hit = fault.hit;
            assert_true(tg_error(w.tape) || strcmp(hit, "flock") == 0);
            tg_tape_free(w.tape);
        }
        assert_true(value_there(c) == 2);
        assert_int_equal(count_files(0), 2);
        make(c, 3);
        assert_int_equal(count_files(1), 1);
    }
}

/* A file that was left, and cannot be removed: the save goes on with another name, or says what is wrong. */
static void beside_what_was_left(void **state)
{
    (void)state;
    const call *c = writers;
    bool more = true;
    for (int at = 0; more; at++) {
        make(c, 1);
        work w = work_of(2);
        const char *hit = NULL;
        for (int k = 0; !hit || strcmp(hit, "renameat") != 0; k++) {
            count_files(1);
            make(c, 1);
            tg_clear_error(w.tape);
            arm(FAIL_FROM_HERE, EIO, k);
            c->save(&w, in_scratch(c->file));
            disarm();
            hit = fault.hit;
        }
        assert_int_equal(count_files(0), 2);
        tg_clear_error(w.tape);
        arm(FAIL, EIO, at);
        c->save(&w, in_scratch(c->file));
        disarm();
        more = fault.hit;
        if (tg_error(w.tape))
            expect_failure(c, w.tape, EIO, 1);
        else
            assert_true(value_there(c) == 2);
        make(c, 3);
        assert_true(value_there(c) == 3);
        assert_int_equal(count_files(1), 1);
        tg_tape_free(w.tape);
    }
}

/* Ten thousand names are in use. */
static void no_name_left(void **state)
{
    (void)state;
    for (const call *c = writers; c < writers + COUNT(writers); c++) {
        make(c, 1);
        work w = work_of(2);
        const char *hit = "";
        for (int at = 0; strcmp(hit, "openat") != 0; at++) {
            tg_clear_error(w.tape);
            arm(FAIL_FROM_HERE, EEXIST, at);
            c->save(&w, in_scratch(c->file));
            hit = fault.hit;
        }
        assert_true(fault.calls > 10000);
        disarm();
        expect_failure(c, w.tape, EEXIST, 1);
        assert_int_equal(count_files(1), 1);
        tg_tape_free(w.tape);
    }
}

#ifdef TINYGRAD_ZLIB
/* zlib has no memory. */
static void no_memory_for_zlib(void **state)
{
    (void)state;
    const char *path = in_scratch("a.npz");
    work w = work_of(1);
    bool more = true;
    int failures = 0;
    for (int at = 0; more; at++) {
        count_files(1);
        arm(FAIL, EIO, at);
        tg_status status = tg_save_npz(path, w.params, &(tg_npz_opts){.compress = true});
        more = fault.hit;
        disarm();
        if (more && !strcmp(fault.hit, "deflateInit2")) {
            assert_int_equal(status, TG_ENOMEM);
            assert_error(w.tape, TG_ENOMEM, "save_npz: ");
            failures++;
        }
        tg_clear_error(w.tape);
    }
    more = true;
    for (int at = 0; more; at++) {
        arm(FAIL, EIO, at);
        tg_params *read = tg_read_npz(w.tape, path);
        more = fault.hit;
        disarm();
        assert_true(!read == more);
        if (more && !strcmp(fault.hit, "inflateInit2")) {
            assert_error(w.tape, TG_ENOMEM, "read_npz: ");
            failures++;
        }
        tg_clear_error(w.tape);
        assert_true(more || value_in(read) == 1);
    }
    assert_int_equal(failures, 3); /* one for the file, and one for each member */
    count_files(1);
    tg_tape_free(w.tape);
}
#endif

/* A write that takes half, and signals that come between: nobody notices. */
static void half_of_a_write(void **state)
{
    (void)state;
    for (const call *c = writers; c < writers + COUNT(writers); c++) {
        bool more = true;
        for (int at = 0; more; at++) {
            make(c, 1);
            work w = work_of(2);
            arm(HALF, 0, at);
            c->save(&w, in_scratch(c->file));
            more = fault.hit;
            if (fault.hit && (!strcmp(fault.hit, "write") || !strcmp(fault.hit, "fsync") ||
                              !strcmp(fault.hit, "flock"))) {
                arm(FAIL, EINTR, at);
                c->save(&w, in_scratch(c->file));
            }
            disarm();
            assert_ok(w.tape);
            assert_true(value_there(c) == 2);
            assert_int_equal(count_files(1), 1);
            tg_tape_free(w.tape);
        }
    }
}

static void each_read_fails(void **state)
{
    (void)state;
    for (const call *c = readers; c < readers + COUNT(readers); c++) {
        make(c, 1);
        bool more = true;
        for (int at = 0; more; at++) {
            work w = work_of(3);
            const int descriptors = count_descriptors();
            arm(FAIL, EIO, at);
            double value = c->read(&w, in_scratch(c->file));
            disarm();
            assert_int_equal(count_descriptors(), descriptors);
            assert_null(mapped);
            assert_int_equal(unmapped_others, 0);
            more = fault.hit;
            assert_true(value == (more ? -1 : 1));
            if (more)
                expect_failure(c, w.tape, EIO, 1);
            assert_true(!more || value_in(w.params) == 3);
            tg_tape_free(w.tape);
        }
        count_files(1);
    }
}

/* --- the end of the process, before each call --- */

/* False where the process came to its own end. */
static bool kill_at(const call *c, int at)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work w = work_of(2);
        arm(KILL, 0, at);
        c->save(&w, in_scratch(c->file));
        _exit(tg_error(w.tape) ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void killed_at_each_call(void **state)
{
    (void)state;
    for (const call *c = writers; c < writers + COUNT(writers); c++) {
        int old = 0, new = 0;
        bool killed = true;
        for (int at = 0; killed; at++) {
            make(c, 1);
            killed = kill_at(c, at);
            const double value = value_there(c);
            assert_true(value == 1 || value == 2);
            old += value == 1;
            new += value == 2;
            make(c, 3);
            assert_true(value_there(c) == 3);
            assert_int_equal(count_files(1), 1);
        }
        assert_true(old > 5 && new >= 2); /* it did come before the name was given, and after */
    }
}

/* --- a disk that is full, and one that may only be read --- */

enum { CANNOT_MOUNT = 77 };

static bool write_line(const char *path, const char *line)
{
    const int file = open(path, O_WRONLY);
    const bool written = file >= 0 && write(file, line, strlen(line)) == (ssize_t)strlen(line);
    return !close(file) && written;
}

/* Name spaces of this process's own, in which it is root. */
static bool be_root(void)
{
    char user[64], group[64];
    snprintf(user, sizeof user, "0 %lld 1", (long long)geteuid());
    snprintf(group, sizeof group, "0 %lld 1", (long long)getegid());
    return !unshare(CLONE_NEWUSER | CLONE_NEWNS) && write_line("/proc/self/uid_map", user) &&
           write_line("/proc/self/setgroups", "deny") && write_line("/proc/self/gid_map", group);
}

/* A file system of 64 KiB over the scratch directory, for this process alone. */
static bool mount_small(void)
{
    return be_root() && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
           !mount("none", scratch, "tmpfs", 0, "size=64k");
}

/* There is room for none of the 156 KiB, and for a small file. */
static int fill_the_disk(void)
{
    if (!mount_small())
        return CANNOT_MOUNT;
    work w = work_of(2);
    for (const call *c = writers; c < writers + COUNT(writers); c++) {
        c->save(&w, in_scratch(c->file));
        if (tg_error(w.tape) != TG_EIO ||
            !strstr(tg_error_message(w.tape), "cannot write: No space left on device") ||
            count_files(0))
            return 1;
        tg_clear_error(w.tape);
    }
    tg_save_npy(in_scratch("small"), tg_params_tensor(w.params, 1));
    return tg_error(w.tape) || count_files(0) != 1;
}

static int read_only_disk(void)
{
    work w = work_of(2);
    if (!mount_small() || mount("none", scratch, NULL, MS_REMOUNT | MS_RDONLY, NULL))
        return CANNOT_MOUNT;
    for (const call *c = writers; c < writers + COUNT(writers); c++) {
        c->save(&w, in_scratch(c->file));
        if (tg_error(w.tape) != TG_EIO ||
            !strstr(tg_error_message(w.tape), "cannot make a file beside it: Read-only"))
            return 1;
        tg_clear_error(w.tape);
    }
    return 0;
}

static void in_a_process(int (*run)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(run());
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_MOUNT)
        skip(); /* not allowed to, here */
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void full_disk(void **state)
{
    (void)state;
    in_a_process(fill_the_disk);
}

static void disk_to_read_from(void **state)
{
    (void)state;
    in_a_process(read_only_disk);
}

/* --- links --- */

/* A link as the target becomes a file; what it led to stays. */
static void link_as_target(void **state)
{
    (void)state;
    for (const call *c = writers; c < writers + COUNT(writers); c++) {
        make(c, 1);
        char precious[512];
        snprintf(precious, sizeof precious, "%s", in_scratch("precious"));
        assert_int_equal(rename(in_scratch(c->file), precious), 0);
        assert_int_equal(symlink(precious, in_scratch(c->file)), 0);
        make(c, 2);
        assert_true(value_there(c) == 2);
        assert_int_equal(rename(precious, in_scratch(c->file)), 0);
        assert_true(value_there(c) == 1);
        assert_int_equal(symlink("/no/such/file", in_scratch("nowhere")), 0);
        const call dangling = {c->name, "nowhere", c->save, c->read};
        make(&dangling, 4);
        assert_true(value_there(&dangling) == 4);
        count_files(1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_write_fails),   cmocka_unit_test(half_of_a_write),
        cmocka_unit_test(each_read_fails),    cmocka_unit_test(killed_at_each_call),
        cmocka_unit_test(full_disk),          cmocka_unit_test(disk_to_read_from),
        cmocka_unit_test(link_as_target),     cmocka_unit_test(replaced_by_others),
        cmocka_unit_test(locked_by_others),   cmocka_unit_test(beside_what_was_left),
        cmocka_unit_test(no_name_left),
#ifdef TINYGRAD_ZLIB
        cmocka_unit_test(no_memory_for_zlib),
#endif
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
