/* The life of a training run: Ctrl-C, progress, curve, saving. The command line is options.c, the
 * drawing plot.c. Relies on POSIX, and for saving on tinygrad-io where it is built. */
#include "run.h"
#include "private.h"

#include <tinygrad/op.h> /* tg_fail */

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef EXAMPLES_IO
#include <tinygrad/io.h>
#endif

static volatile sig_atomic_t stopping;

static void stop(int number)
{
    static const char text[] = "\nending with this epoch; once more: now, without saving\n";
    int error = errno;
    (void)number;
    stopping = 1;
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    errno = error;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int run_start(run *r, int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    r->program = slash ? slash + 1 : argv[0];
    r->last = INT_MAX;
    int code = run_options(r, argc, argv);
    if (code >= 0)
        return code;
    r->last = r->last < r->epochs ? r->last : r->epochs;
    r->terminal = isatty(STDOUT_FILENO);
    catch_signals();
    return -1;
}

static void open_curve(run *r)
{
    r->curve_file = fopen(r->curve, "w");
    if (r->curve_file)
        fputs("epoch,loss,accuracy,validation\n", r->curve_file);
    else
        tg_fail(r->tape, TG_EIO, "%s: %s", r->curve, strerror(errno));
}

#ifdef EXAMPLES_IO
static void resume(run *r)
{
    int64_t done = 0;
    tg_load_checkpoint(r->resume, r->model, r->optim, &done);
    if (done < 0 || done > INT_MAX) {
        tg_fail(r->tape, TG_EVALUE, "%s: holds %lld epochs done", r->resume, (long long)done);
        return;
    }
    if (!tg_error(r->tape) && done >= r->last)
        fprintf(stderr, "%s: %s has %lld epochs done, and %d were asked for\n", r->program,
                r->resume, (long long)done, r->last);
    r->epoch = r->resumed = (int)done;
}

static void save(const run *r)
{
    tg_save_checkpoint(r->save, r->model, r->optim, r->epoch);
}

static void save_best(const run *r)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s.best", r->save);
    if (length > 0 && (size_t)length < sizeof path)
        tg_save_checkpoint(path, r->model, r->optim, r->epoch);
}
#else /* the command line has neither */
static void resume(run *r)
{
    (void)r;
}

static void save(const run *r)
{
    (void)r;
}

static void save_best(const run *r)
{
    (void)r;
}
#endif

/* To stderr: what is trained is not among the results. */
static void introduce(const run *r)
{
    int64_t numbers = 0;
    size_t n = tg_params_unique_count(r->model);
    for (size_t i = 0; i < n; i++)
        numbers += tg_numel(tg_params_unique(r->model)[i]);
    if (!tg_error(r->tape))
        fprintf(stderr,
                "%s: %lld parameters in %zu tensors, epochs %d to %d, seed %llu, %d thread%s, %s\n",
                r->program, (long long)numbers, n, r->epoch + 1, r->last,
                (unsigned long long)r->seed, tg_threads(r->tape),
                tg_threads(r->tape) == 1 ? "" : "s", tg_isa_name(tg_isa_used(r->tape)));
}

void run_begin(run *r, tg_tape *tape, const tg_params *model, tg_optim *optim)
{
    r->tape = tape;
    r->model = model;
    r->optim = optim;
    if (r->resume)
        resume(r);
    if (r->epoch < r->last)
        introduce(r);
    if (r->save && !tg_error(tape))
        save(r); /* what cannot be written is better known before the training than after */
    if (r->curve && !tg_error(tape))
        open_curve(r);
    r->started = r->saved = seconds();
}

/* A crash loses an epoch, or a second. */
static void save_sometimes(run *r)
{
    double now = seconds();
    if (!r->save || now - r->saved < 1)
        return;
    save(r);
    r->saved = now;
}

static bool lost_patience(const run *r)
{
    return r->patience && r->best_epoch && r->epoch - r->best_epoch >= r->patience;
}

bool run_next(run *r)
{
    if (stopping || lost_patience(r) || r->epoch >= r->last || tg_error(r->tape))
        return false;
    r->epoch++;
    return true;
}

static void print_epoch(run *r, const run_epoch *e)
{
    char line[1024]; /* the largest double has 309 digits */
    char *end = line;
    end += snprintf(end, 400, "epoch %d/%d  loss %.4f", r->epoch, r->epochs, e->loss);
    if (r->has_validation)
        end += snprintf(end, 400, "  validation %.4f", e->validation);
    if (r->has_accuracy)
        end += snprintf(end, 32, "  accuracy %.2f%%", 100 * e->accuracy);
    if (!r->terminal) {
        puts(line);
        return;
    }
    double each = (seconds() - r->started) / (r->epoch - r->resumed);
    snprintf(end, 96, "  %.0f samples/s  %.0f s left", (double)e->samples / each,
             each * (r->last - r->epoch));
    screen_keep(&r->losses, e->loss);
    screen_line(line);
}

/* Without a validation every epoch may be the best so far: then --save alone has it. */
static void keep_best(run *r, const run_epoch *e)
{
    double loss = r->has_validation ? e->validation : e->loss;
    if (r->best_epoch && !(loss < r->best))
        return;
    r->best = loss;
    r->best_epoch = r->epoch;
    if (r->save && r->has_validation)
        save_best(r);
}

static void write_row(const run *r, const run_epoch *e)
{
    fprintf(r->curve_file, "%d,%.9g,", r->epoch, e->loss);
    fprintf(r->curve_file, r->has_accuracy ? "%.9g," : ",", e->accuracy);
    fprintf(r->curve_file, r->has_validation ? "%.9g\n" : "\n", e->validation);
}

void run_report(run *r, const run_epoch *e)
{
    r->has_accuracy = !isnan(e->accuracy);
    r->has_validation = !isnan(e->validation);
    if (tg_error(r->tape))
        return;
    save_sometimes(r);
    keep_best(r, e);
    if (r->curve_file)
        write_row(r, e);
    print_epoch(r, e);
}

void run_progress(run *r, int64_t done, int64_t total)
{
    double now = r->terminal ? seconds() : 0;
    if (done == total || now - r->shown < 0.1) /* always so where there is no terminal */
        return;
    char before[64];
    snprintf(before, sizeof before, "epoch %d/%d", r->epoch, r->epochs);
    screen_bar(before, (double)done / (double)total);
    r->shown = now;
}

static void close_curve(run *r)
{
    bool whole = !ferror(r->curve_file);
    whole = !fclose(r->curve_file) && whole;
    r->curve_file = NULL;
    if (whole)
        run_plot(r);
    else
        tg_fail(r->tape, TG_EIO, "%s cannot be written", r->curve);
}

void run_save(run *r)
{
    if (r->terminal && r->epoch > r->resumed) {
        putchar('\n');
        screen_draw(&r->losses, r->resumed + 1, r->epoch);
    }
    if (stopping)
        fprintf(stderr, "%s: stopped early, after epoch %d\n", r->program, r->epoch);
    else if (lost_patience(r) && r->epoch < r->last)
        fprintf(stderr, "%s: ended after epoch %d: no loss is lower than %.4f of epoch %d\n",
                r->program, r->epoch, r->best, r->best_epoch);
    if (r->save && !tg_error(r->tape))
        save(r);
    if (r->curve_file)
        close_curve(r);
}

int run_finish(const run *r)
{
    if (tg_error(r->tape))
        fprintf(stderr, "%s: %s\n", r->program, tg_error_message(r->tape));
    return tg_error(r->tape) ? 1 : 0;
}
