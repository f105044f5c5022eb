/* What goes wrong outside: the file system, memory of the tape's and of jansson's, and the process
 * itself, killed while it writes. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include "io/heap.h"
#include "io/scratch.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <tinygrad/io.h>

/* A tensor of n times `value`, alone in a list, strided if asked for. */
static tg_params *list_of(tg_tape *tape, int64_t n, double value, bool strided)
{
    tg_params *params = tg_params_new(tape);
    tg_tensor *t = tg_full(tape, TG_DIMS(2, n / 2), value, TG_F32);
    tg_params_add(params, strided ? tg_transpose(t, 0, 1) : t, "w");
    return params;
}

/* -- The file system --------------------------------------------------------------------------- */

static void cannot_be_read(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    assert_null(tg_load_npy(tape, "/no/such/file", 0));
    assert_error(tape, TG_EIO, "load_npy: /no/such/file: cannot open the file: No such file");
    assert_null(tg_read_safetensors(tape, "/no/such/file"));
    assert_error(tape, TG_EIO, "read_safetensors: /no/such/file: cannot open");
    assert_null(tg_load_npy(tape, "", 0));
    assert_error(tape, TG_EIO, "No such file");
    assert_null(tg_load_npy(tape, "/", 0));
    assert_error(tape, TG_EIO, "not a regular file");
    assert_null(tg_load_npy(tape, "/dev/null", 0));
    assert_error(tape, TG_EIO, "not a regular file");
    assert_int_equal(mkfifo(in_scratch("pipe"), 0600), 0);
    assert_null(tg_read_safetensors(tape, in_scratch("pipe"))); /* and not waited for */
    assert_error(tape, TG_EIO, "not a regular file");
    assert_int_equal(tg_read_metadata(tape, "/no/such/file", "a", NULL, 0), -1);
    assert_error(tape, TG_EIO, "read_metadata: /no/such/file: cannot open");
    assert_int_equal(tg_load_safetensors("/no/x", list_of(tape, 2, 1, false), NULL), TG_EIO);
    assert_error(tape, TG_EIO, "load_safetensors: /no/x: cannot open");
    remove(in_scratch("pipe"));
    tg_tape_free(tape);
}

/* Both writers refuse `path`, in these words. */
static void refuse_path(const char *path, const char *part)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = list_of(tape, 2, 1, false);
    assert_int_equal(tg_save_safetensors(path, params, NULL), TG_EIO);
    assert_error(tape, TG_EIO, part);
    assert_int_equal(tg_save_npy(path, tg_params_tensor(params, 0)), TG_EIO);
    assert_error(tape, TG_EIO, part);
    tg_tape_free(tape);
}

static void cannot_be_written(void **state)
{
    (void)state;
    char path[8192];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    refuse_path(path, "xxxx: cannot look at the file: File name too long");
    path[sizeof path / 2 + 1000] = '/';
    refuse_path(path, "cannot open the directory: File name too long");
    refuse_path("/no/such/file", "/no/such/file: cannot open the directory: No such file");
    refuse_path("", "No such file");
    refuse_path(in_scratch(""), "cannot open the directory: Is a directory");
    refuse_path(scratch, "not a regular file");
    refuse_path("/dev/full", "/dev/full: not a regular file");
    struct stat full;
    assert_int_equal(stat("/dev/full", &full), 0);
    assert_true(S_ISCHR(full.st_mode));
    assert_int_equal(count_files(0), 0);
}

static void directory_without_permission(void **state)
{
    (void)state;
    uid_t user = geteuid();
    assert_int_equal(chmod(scratch, 0555), 0);
    assert_int_equal(seteuid(user ? user : 65534), 0); /* root may do anything */
    refuse_path(in_scratch("x"), "cannot make a file beside it: Permission denied");
    assert_int_equal(seteuid(user), 0);
    assert_int_equal(chmod(scratch, 0700), 0);
}

/* A disk that is full, as far as this process can tell: the old file stays, no other one does. */
static void no_space(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const char *path = in_scratch("x");
    tg_save_safetensors(path, list_of(tape, 10, 1, false), NULL);
    struct rlimit former, limit;
    getrlimit(RLIMIT_FSIZE, &former);
    limit = (struct rlimit){6000, former.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    tg_status first = tg_save_safetensors(path, list_of(tape, 2000, 2, false), NULL);
    assert_error(tape, TG_EIO, "cannot write: File too large");
    tg_status second = tg_save_npy(path, tg_zeros(tape, TG_DIMS(2000), 0));
    assert_error(tape, TG_EIO, "cannot write: File too large");
    setrlimit(RLIMIT_FSIZE, &former);
    assert_int_equal(first, TG_EIO);
    assert_int_equal(second, TG_EIO);
    tg_params *read = tg_read_safetensors(tape, path);
    assert_ok(tape);
    assert_int_equal(tg_numel(tg_params_tensor(read, 0)), 10);
    assert_int_equal(count_files(1), 1);
    tg_tape_free(tape);
}

static void permissions(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = list_of(tape, 2, 1, false);
    struct stat status;
    mode_t mask = umask(027);
    tg_save_safetensors(in_scratch("new"), params, NULL);
    assert_int_equal(stat(in_scratch("new"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_int_equal(chmod(in_scratch("new"), 0666), 0);
    tg_save_safetensors(in_scratch("new"), params, NULL);
    assert_int_equal(stat(in_scratch("new"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0666);
    umask(mask);
    assert_ok(tape);
    assert_int_equal(count_files(1), 1);
    tg_tape_free(tape);
}

/* A path without a directory, and one in the root. */
static void relative_path(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    char former[4096];
    assert_non_null(getcwd(former, sizeof former));
    assert_int_equal(chdir(scratch), 0);
    tg_save_npy("here.npy", tg_ones(tape, TG_DIMS(3), 0));
    assert_non_null(tg_load_npy(tape, "here.npy", 0));
    assert_int_equal(chdir(former), 0);
    assert_int_equal(access(in_scratch("here.npy"), F_OK), 0);
    assert_ok(tape);
    assert_int_equal(count_files(1), 1);
    tg_tape_free(tape);
}

/* -- Memory ------------------------------------------------------------------------------------ */

#ifdef TINYGRAD_ZLIB
static const bool deflates = true;
#else
static const bool deflates = false;
#endif

/* Everything once, from files that stand there to new ones. */
static void use_all(tg_tape *tape)
{
    tg_params *params = list_of(tape, 40, 3, true), *into = list_of(tape, 40, 0, false);
    tg_params_add(into, tg_full(tape, TG_DIMS(1), 4, 0), "a_name_of_more_than_16_bytes");
    tg_save_npy(in_scratch("new.npy"), tg_params_tensor(params, 0));
    tg_load_npy(tape, in_scratch("old.npy"), TG_REQUIRES_GRAD);
    tg_save_safetensors(in_scratch("new.st"), params,
                        &(tg_save_opts){.metadata = (tg_metadata[]){{"a", "b"}}, .n_metadata = 1});
    tg_read_safetensors(tape, in_scratch("old.st"));
    tg_save_npz(in_scratch("new.npz"), params, &(tg_npz_opts){.compress = deflates});
    tg_read_npz(tape, in_scratch("old.npz"));
    tg_read_metadata(tape, in_scratch("old.st"), "a", NULL, 0);
    tg_load_safetensors(in_scratch("old.st"), into, NULL);
    const float *w = tg_f32(tg_params_tensor(into, 0));
    if (w)
        assert_equal(w[39], tg_error(tape) ? 0 : 3);
}

static void make_old_files(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = list_of(tape, 40, 3, false);
    tg_params_add(params, tg_full(tape, TG_DIMS(1), 4, 0), "a_name_of_more_than_16_bytes");
    tg_save_npy(in_scratch("old.npy"), tg_params_tensor(params, 0));
    tg_save_npz(in_scratch("old.npz"), params, &(tg_npz_opts){.compress = deflates});
    tg_save_safetensors(in_scratch("old.st"), params,
                        &(tg_save_opts){.metadata = (tg_metadata[]){{"a", "b"}}, .n_metadata = 1});
    assert_ok(tape);
    tg_tape_free(tape);
}

/* Each call on files names itself, not what it is made of: with no memory from some call on, and
 * during a capture. */
static void run_save_npy(tg_tape *tape, tg_params *strided, tg_params *into, tg_optim *optim)
{
    (void)tape, (void)into, (void)optim;
    tg_save_npy(in_scratch("new.npy"), tg_params_tensor(strided, 0));
}

static void run_load_npy(tg_tape *tape, tg_params *strided, tg_params *into, tg_optim *optim)
{
    (void)strided, (void)into, (void)optim;
    tg_load_npy(tape, in_scratch("old.npy"), TG_REQUIRES_GRAD);
}

static void run_save(tg_tape *tape, tg_params *strided, tg_params *into, tg_optim *optim)
{
    (void)tape, (void)into, (void)optim;
    tg_save_safetensors(in_scratch("new.st"), strided, NULL);
}

static void run_read(tg_tape *tape, tg_params *strided, tg_params *into, tg_optim *optim)
{
    (void)strided, (void)into, (void)optim;
    tg_read_safetensors(tape, in_scratch("old.st"));
}

static void run_load(tg_tape *tape, tg_params *strided, tg_params *into, tg_optim *optim)
{
    (void)tape, (void)strided, (void)optim;
    tg_load_safetensors(in_scratch("old.st"), into, NULL);
}

static void run_save_npz(tg_tape *tape, tg_params *strided, tg_params *into, tg_optim *optim)
{
    (void)tape, (void)into, (void)optim;
    tg_save_npz(in_scratch("new.npz"), strided, NULL);
}

static void run_read_npz(tg_tape *tape, tg_params *strided, tg_params *into, tg_optim *optim)
{
    (void)strided, (void)into, (void)optim;
    tg_read_npz(tape, in_scratch("old.npz"));
}

static void run_metadata(tg_tape *tape, tg_params *strided, tg_params *into, tg_optim *optim)
{
    (void)strided, (void)into, (void)optim;
    tg_read_metadata(tape, in_scratch("old.st"), "a", NULL, 0);
}

static void run_save_checkpoint(tg_tape *tape, tg_params *strided, tg_params *into, tg_optim *optim)
{
    (void)tape, (void)strided;
    tg_save_checkpoint(in_scratch("check"), into, optim, 3);
}

static void run_load_checkpoint(tg_tape *tape, tg_params *strided, tg_params *into, tg_optim *optim)
{
    (void)tape, (void)strided;
    tg_load_checkpoint(in_scratch("check"), into, optim, NULL);
}

static const struct call {
    const char *name;
    void (*run)(tg_tape *tape, tg_params *strided, tg_params *into, tg_optim *optim);
} calls_on_files[] = {
    {"save_npy: ", run_save_npy},
    {"load_npy: ", run_load_npy},
    {"save_npz: ", run_save_npz},
    {"read_npz: ", run_read_npz},
    {"save_safetensors: ", run_save},
    {"read_safetensors: ", run_read},
    {"load_safetensors: ", run_load},
    {"read_metadata: ", run_metadata},
    {"save_checkpoint: ", run_save_checkpoint},
    {"load_checkpoint: ", run_load_checkpoint},
};

enum { CALLS = sizeof calls_on_files / sizeof calls_on_files[0] };

/* Whether it failed; then in its own name. Afterwards others speak in theirs. */
static bool check_name(tg_tape *tape, int i, int call)
{
    bool failed = tg_error(tape);
    size_t length = strlen(calls_on_files[call].name);
    if (failed && strncmp(tg_error_message(tape), calls_on_files[call].name, length) != 0)
        fail_msg("%s without memory %d: %s", calls_on_files[call].name, i, tg_error_message(tape));
    tg_clear_error(tape);
    tg_zeros(tape, TG_DIMS(-1), 0);
    assert_error(tape, TG_ESHAPE, "zeros: ");
    return failed;
}

static void names(void **state)
{
    (void)state;
    make_old_files();
    for (int call = 0; call < CALLS; call++) {
        int failures = 0;
        for (int i = -1; i < 60; i++) {
            test_allocator allocator = {.fail_at = -1, .for_ever = true};
            tg_tape *tape = test_tape(&allocator, 64);
            tg_params *strided = list_of(tape, 40, 3, true), *into = list_of(tape, 40, 0, false);
            tg_params_add(into, tg_full(tape, TG_DIMS(1), 4, 0), "a_name_of_more_than_16_bytes");
            tg_tensor *const *all = tg_params_tensors(into);
            tg_optim *optim = tg_adam(tape, all, 2, NULL);
            tg_save_checkpoint(in_scratch("check"), into, optim, 3);
            assert_ok(tape);
            allocator.calls = 0;
            allocator.fail_at = i;
            if (i < 0)
                tg_capture_begin(tape);
            calls_on_files[call].run(tape, strided, into, optim);
            allocator.fail_at = -1;
            failures += check_name(tape, i, call);
            tg_tape_free(tape);
        }
        assert_in_range(failures, 1, 60);
    }
    remove(in_scratch("new.npy"));
    remove(in_scratch("new.npz"));
    remove(in_scratch("new.st"));
    remove(in_scratch("check"));
}

static void tape_out_of_memory(void **state)
{
    (void)state;
    make_old_files();
    for (int i = 0; i < 4; i++) {
        const bool for_ever = i % 2;
        const size_t block = i < 2 ? 64 : 1;
        test_allocator a = {.fail_at = 1, .for_ever = for_ever};
        for (;; a.fail_at++) {
            a.calls = a.failures = 0;
            tg_tape *tape = test_tape(&a, block);
            use_all(tape);
            tg_status status = tg_error(tape);
            assert_int_equal(status, a.failures ? TG_ENOMEM : TG_OK);
            assert_true(count_files(0) <= 6); /* no temporary file */
            tg_clear_error(tape);
            if (a.failures && !for_ever) {
                use_all(tape);
                assert_ok(tape);
            }
            tg_tape_free(tape);
            assert_int_equal(a.live, 0);
            assert_false(a.wrong_size);
            if (status == TG_OK)
                break;
        }
        assert_true(a.fail_at > 10);
    }
    count_files(1);
}

#if defined(TINYGRAD_ZLIB) && !defined(SANITIZED) && !defined(NO_LIMITS)
/* No address is left for what a member inflates to; a small part of the file. */
static void archive_out_of_memory(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_save_npz(in_scratch("x"), list_of(tape, 1 << 23, 3, false),
                &(tg_npz_opts){.compress = true});
    assert_ok(tape);
    tg_tape_free(tape);
    tape = tg_tape_new(NULL);
    long pages = 0;
    FILE *sizes = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(sizes, "%ld", &pages), 1);
    fclose(sizes);
    struct rlimit former, limit;
    getrlimit(RLIMIT_AS, &former);
    limit = (struct rlimit){(rlim_t)(pages * sysconf(_SC_PAGESIZE)) + (4 << 20), former.rlim_max};
    setrlimit(RLIMIT_AS, &limit);
    tg_params *read = tg_read_npz(tape, in_scratch("x"));
    setrlimit(RLIMIT_AS, &former);
    assert_null(read);
    assert_error(tape, TG_ENOMEM, "read_npz: ");
    read = tg_read_npz(tape, in_scratch("x"));
    assert_ok(tape);
    assert_equal(tg_f32(tg_params_tensor(read, 0))[(1 << 23) - 1], 3);
    tg_tape_free(tape);
    count_files(1);
}
#endif

static void jansson_out_of_memory(void **state)
{
    (void)state;
    json_malloc_t former_malloc;
    json_free_t former_free;
    json_get_alloc_funcs(&former_malloc, &former_free);
    make_old_files();
    json_set_alloc_funcs(heap_alloc, heap_free);
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        heap.failed = true;
        for (heap.fail_at = 0; heap.failed; heap.fail_at++) {
            heap.calls = heap.live = 0;
            heap.failed = false;
            heap.for_ever = for_ever;
            tg_tape *tape = tg_tape_new(NULL);
            use_all(tape);
            if (tg_error(tape) != (heap.failed ? TG_ENOMEM : TG_OK))
                fail_msg("call %ld: %d, %s", heap.fail_at, (int)tg_error(tape),
                         tg_error_message(tape));
            tg_tape_free(tape);
            assert_int_equal(heap.live, 0);
            assert_true(count_files(0) <= 6);
        }
        assert_true(heap.fail_at > 50);
    }
    json_set_alloc_funcs(former_malloc, former_free);
    count_files(1);
}

/* -- The process is killed --------------------------------------------------------------------- */

enum { NUMEL = 30000, KILLS = 60 };

/* Writes files of 0s, 1s, 2s, ..., until it is killed; tells when the first one stands. */
static void write_for_ever(const char *path, int ready)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark mark = tg_tape_mark(tape);
    for (int i = 0;; i++) {
        tg_tape_rewind(tape, mark);
        if (tg_save_safetensors(path, list_of(tape, NUMEL, i, false), NULL))
            _exit(1);
        if (i == 0 && write(ready, "", 1) != 1)
            _exit(1);
    }
}

static void kill_a_writer(const char *path, int kill_number)
{
    int ready[2], status;
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_for_ever(path, ready[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    struct timespec delay = {0, 37003L * kill_number};
    nanosleep(&delay, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* and no error before */
}

static void assert_whole(const char *path)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *read = tg_read_safetensors(tape, path);
    assert_ok(tape);
    tg_tensor *w = tg_params_find(read, "w");
    assert_int_equal(tg_numel(w), NUMEL);
    for (int64_t i = 1; i < NUMEL; i++)
        assert_true(tg_f32(w)[i] == tg_f32(w)[0]);
    tg_tape_free(tape);
}

static void killed_while_writing(void **state)
{
    (void)state;
    const char *path = in_scratch("model.st");
    tg_tape *tape = tg_tape_new(NULL);
    assert_int_equal(tg_save_safetensors(path, list_of(tape, NUMEL, -1, false), NULL), TG_OK);
    tg_tape_free(tape);
    int left = 0;
    for (int i = 0; i < KILLS; i++) {
        kill_a_writer(path, i);
        assert_whole(path);
        assert_in_range(count_files(0), 1, 2);
        left += count_files(0) == 2;
    }
    /* The kills did come in the middle of writing. */
    assert_true(left > 0);
    count_files(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cannot_be_read),
        cmocka_unit_test(cannot_be_written),
        cmocka_unit_test(directory_without_permission),
        cmocka_unit_test(no_space),
        cmocka_unit_test(permissions),
        cmocka_unit_test(relative_path),
        cmocka_unit_test(names),
        cmocka_unit_test(tape_out_of_memory),
#if defined(TINYGRAD_ZLIB) && !defined(SANITIZED) && !defined(NO_LIMITS)
        cmocka_unit_test(archive_out_of_memory),
#endif
        cmocka_unit_test(jansson_out_of_memory),
        cmocka_unit_test(killed_while_writing),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
