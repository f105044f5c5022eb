/* Processes and threads that save: killed or stopped in the middle, several at once, beside what
 * others left there, and over their limit of a file's size. */
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include "io/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tinygrad/io.h>

enum { NUMEL = 20000 };

static const char *target(void)
{
    return in_scratch("model.st");
}

/* The number of temporary files; `name` becomes the last one's, if it is not NULL. */
static int count_temporaries(char name[64])
{
    int count = 0;
    DIR *directory = opendir(scratch);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (strncmp(entry->d_name, ".tinygrad-", 10) != 0)
            continue;
        count++;
        if (name)
            snprintf(name, 64, "%.63s", entry->d_name);
    }
    if (directory)
        closedir(directory);
    return count;
}

/* -- Saving ------------------------------------------------------------------------------------ */

/* What happens in the middle of a save: a signal to the process itself, once. */
static void *interrupting_alloc(void *context, size_t size)
{
    int *signal_number = context, number = *signal_number;
    if (number && count_temporaries(NULL)) {
        *signal_number = 0;
        kill(getpid(), number);
    }
    return malloc(size);
}

static void plain_free(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

/* Saves NUMEL times `value`; a strided tensor takes memory while it is written. */
static tg_status save_value(double value, int signal_number)
{
    int number = 0;
    tg_tape *tape = tg_tape_new(
        &(tg_tape_opts){.alloc = interrupting_alloc, .free = plain_free, .context = &number});
    tg_params *params = tg_params_new(tape);
    tg_tensor *t = tg_full(tape, TG_DIMS(2, NUMEL / 2), value, TG_F32);
    tg_params_add(params, tg_transpose(t, 0, 1), "w");
    number = signal_number;
    tg_status status = tg_save_safetensors(target(), params, NULL);
    if (status)
        fprintf(stderr, "%s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return status;
}

/* The value that the whole file has. */
static double saved_value(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *read = tg_read_safetensors(tape, target());
    assert_ok(tape);
    tg_tensor *w = tg_params_find(read, "w");
    assert_int_equal(tg_numel(w), NUMEL);
    for (int64_t i = 1; i < NUMEL; i++)
        assert_true(tg_f32(w)[i] == tg_f32(w)[0]);
    double value = (double)tg_f32(w)[0];
    tg_tape_free(tape);
    return value;
}

static pid_t start_saver(double value, int signal_number)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit((int)save_value(value, signal_number));
    return child;
}

static void expect_end(pid_t child, int signal_number)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (signal_number) {
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signal_number);
    } else {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

/* -- Temporary files --------------------------------------------------------------------------- */

static void killed(void **state)
{
    (void)state;
    mode_t mask = umask(022);
    assert_int_equal(save_value(1, 0), TG_OK);
    for (int i = 0; i < 3; i++) {
        expect_end(start_saver(2, SIGKILL), SIGKILL);
        assert_int_equal(count_temporaries(NULL), 1); /* however often */
        assert_equal(saved_value(), 1);
    }
    assert_int_equal(save_value(3, 0), TG_OK);
    assert_equal(saved_value(), 3);
    assert_int_equal(count_files(0), 1);
    /* What is taken over leaves no permissions behind. */
    assert_int_equal(chmod(target(), 0600), 0);
    expect_end(start_saver(4, SIGKILL), SIGKILL);
    remove(target());
    assert_int_equal(save_value(5, 0), TG_OK);
    struct stat status;
    assert_int_equal(stat(target(), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
    umask(mask);
    assert_int_equal(count_files(1), 1);
}

static void stopped(void **state)
{
    (void)state;
    int status;
    assert_int_equal(save_value(1, 0), TG_OK);
    pid_t child = start_saver(2, SIGSTOP);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(count_temporaries(NULL), 1);
    assert_int_equal(save_value(3, 0), TG_OK); /* not waiting for it */
    assert_equal(saved_value(), 3);
    assert_int_equal(count_temporaries(NULL), 1);
    kill(child, SIGCONT);
    expect_end(child, 0);
    assert_equal(saved_value(), 2); /* the last one */
    assert_int_equal(count_files(1), 1);
}

/* Two that were killed leave two files, the second of which nobody needs again. */
static void killed_at_once(void **state)
{
    (void)state;
    int status;
    pid_t first = start_saver(1, SIGSTOP);
    assert_int_equal(waitpid(first, &status, WUNTRACED), first);
    expect_end(start_saver(2, SIGKILL), SIGKILL);
    kill(first, SIGKILL);
    expect_end(first, SIGKILL);
    assert_int_equal(count_temporaries(NULL), 2);
    assert_int_equal(save_value(3, 0), TG_OK);
    assert_equal(saved_value(), 3);
    assert_int_equal(count_files(1), 1);
}

/* The target's first temporary name. */
static const char *temporary(void)
{
    static char name[64];
    expect_end(start_saver(1, SIGKILL), SIGKILL);
    assert_int_equal(count_temporaries(name), 1);
    count_files(1);
    return in_scratch(name);
}

static void expect_passed_over(int files)
{
    assert_int_equal(save_value(7, 0), TG_OK);
    assert_equal(saved_value(), 7);
    assert_int_equal(count_files(0), files);
    remove(target());
}

/* What is no file that was left: it is passed over and not touched. */
static void names_taken(void **state)
{
    (void)state;
    char name[512], precious[512];
    struct stat status;
    snprintf(name, sizeof name, "%s", temporary());
    snprintf(precious, sizeof precious, "%s", in_scratch("precious"));
    assert_int_equal(mkdir(name, 0700), 0);
    expect_passed_over(2);
    assert_int_equal(rmdir(name), 0);
    assert_int_equal(mkfifo(name, 0600), 0);
    expect_passed_over(2);
    assert_int_equal(remove(name), 0);
    FILE *file = fopen(precious, "w");
    fputs("precious", file);
    fclose(file);
    assert_int_equal(symlink(precious, name), 0);
    expect_passed_over(3);
    assert_int_equal(lstat(name, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(remove(name), 0);
    assert_int_equal(link(precious, name), 0); /* as if left: the other name stays */
    expect_passed_over(2);
    assert_int_equal(stat(precious, &status), 0);
    assert_int_equal(status.st_size, 8);
    int locked = open(name, O_CREAT | O_RDWR, 0600);
    assert_int_equal(flock(locked, LOCK_EX), 0);
    expect_passed_over(3);
    close(locked);
    expect_passed_over(2);
    count_files(1);
}

/* Both write and fsync a lot; no save fails, and each file is whole. */
static void two_processes(void **state)
{
    (void)state;
    enum { SAVES = 100 };
    pid_t child = fork();
    assert_true(child >= 0);
    for (int i = 0; i < SAVES; i++) {
        tg_status status = save_value(child ? i : -i, 0);
        if (!child && status)
            _exit(1);
        if (child) {
            assert_int_equal(status, TG_OK);
            assert_in_range((long)saved_value() + SAVES, 0, 2 * SAVES);
        }
    }
    if (!child)
        _exit(0);
    expect_end(child, 0);
    assert_int_equal(count_files(1), 1);
}

static void *save_often(void *failures)
{
    for (int i = 0; i < 50; i++)
        *(int *)failures += save_value(i, 0) != TG_OK;
    return NULL;
}

static void two_threads(void **state)
{
    (void)state;
    int failures[2] = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, save_often, &failures[1]), 0);
    save_often(&failures[0]);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(failures[0] + failures[1], 0);
    saved_value();
    assert_int_equal(count_files(1), 1);
}

/* -- The limit of a file's size ---------------------------------------------------------------- */

static bool has(bool blocked)
{
    sigset_t set;
    if (blocked)
        pthread_sigmask(SIG_SETMASK, NULL, &set);
    else
        sigpending(&set);
    return sigismember(&set, SIGXFSZ) == 1;
}

static void limit_size(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 6000;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static bool save_too_large(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = tg_params_new(tape);
    tg_params_add(params, tg_ones(tape, TG_DIMS(NUMEL), 0), "w");
    bool good = tg_save_safetensors(target(), params, NULL) == TG_EIO &&
                strstr(tg_error_message(tape), "cannot write: File too large");
    tg_clear_error(tape);
    good &= tg_save_npy(target(), tg_ones(tape, TG_DIMS(NUMEL), 0)) == TG_EIO;
    tg_clear_error(tape);
    good &= tg_save_checkpoint(target(), params, NULL, 1) == TG_EIO;
    tg_clear_error(tape);
    good &= tg_save_npy(target(), tg_ones(tape, TG_DIMS(10), 0)) == TG_OK;
    tg_tape_free(tape);
    return good;
}

/* In a child: the signal's default ends the program, but not for our writing. */
static void over_the_limit(bool own_signal)
{
    signal(SIGXFSZ, SIG_DFL);
    limit_size();
    if (own_signal) { /* one that the program has yet to take */
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGXFSZ);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        pthread_kill(pthread_self(), SIGXFSZ);
    }
    if (!save_too_large() || has(true) != own_signal || has(false) != own_signal ||
        count_files(0) != 1)
        _exit(1);
    if (own_signal)
        _exit(0);
    /* Its own file ends it as before. */
    int file = open(in_scratch("own"), O_CREAT | O_WRONLY, 0600);
    char bytes[7000] = {0};
    if (write(file, bytes, sizeof bytes) == 6000 && write(file, bytes, sizeof bytes) < 0)
        _exit(2);
    _exit(3);
}

static void size_limit(void **state)
{
    (void)state;
    for (int own_signal = 0; own_signal < 2; own_signal++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            over_the_limit(own_signal);
        expect_end(child, own_signal ? 0 : SIGXFSZ);
        assert_int_equal(access(in_scratch("own"), F_OK) == 0, !own_signal);
        count_files(1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed),         cmocka_unit_test(stopped),
        cmocka_unit_test(killed_at_once), cmocka_unit_test(names_taken),
        cmocka_unit_test(two_processes),  cmocka_unit_test(two_threads),
        cmocka_unit_test(size_limit),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
