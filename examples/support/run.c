/* The life of a training run: Ctrl-C, progress, curve, saving. The command line is options.c, the
 * drawing plot.c. Relies on POSIX, and for saving on tinygrad-io where it is built. */
#include "run.h"
#include "private.h"

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
    (void)number;
    stopping = 1;
}

bool run_stopping(void)
{
    return stopping;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};
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
    int code = run_options(r, argc, argv);
    if (code >= 0)
        return code;
    if (r->curve) {
        r->curve_file = fopen(r->curve, "w");
        if (!r->curve_file) {
            perror(r->curve);
            return 1;
        }
        fputs("epoch,loss,accuracy\n", r->curve_file);
    }
    r->terminal = isatty(STDOUT_FILENO);
    r->started = seconds();
    catch_signals();
    return -1;
}

void run_resume(const run *r, const tg_params *model)
{
#ifdef EXAMPLES_IO
    if (r->resume)
        tg_load_safetensors(r->resume, model, NULL);
#else
    (void)r, (void)model;
#endif
}

static void save(const run *r, const tg_params *model)
{
#ifdef EXAMPLES_IO
    if (r->save)
        tg_save_safetensors(r->save, model, NULL);
#else
    (void)r, (void)model;
#endif
}

void run_report(run *r, int epoch, double loss, double accuracy, int64_t samples)
{
    bool has_accuracy = !isnan(accuracy);
    if (r->curve_file) {
        fprintf(r->curve_file, "%d,%.9g,", epoch, loss);
        fprintf(r->curve_file, has_accuracy ? "%.9g\n" : "\n", accuracy);
    }
    printf("%sepoch %d/%d  loss %.4f", r->terminal ? "\r" : "", epoch, r->epochs, loss);
    if (has_accuracy)
        printf("  accuracy %.2f%%", 100 * accuracy);
    if (r->terminal) {
        double each = (seconds() - r->started) / epoch;
        printf("  %.0f samples/s  %.0f s left\033[K", (double)samples / each,
               each * (r->epochs - epoch));
        fflush(stdout);
    } else {
        putchar('\n');
    }
}

static bool close_curve(run *r)
{
    if (!r->curve_file)
        return true;
    bool whole = !ferror(r->curve_file);
    whole = !fclose(r->curve_file) && whole;
    r->curve_file = NULL;
    if (whole)
        run_plot(r->curve);
    else
        fprintf(stderr, "%s: %s cannot be written\n", r->program, r->curve);
    return whole;
}

int run_finish(run *r, tg_tape *tape, const tg_params *model)
{
    if (r->terminal)
        putchar('\n');
    if (stopping)
        fprintf(stderr, "%s: stopped early\n", r->program);
    if (!tg_error(tape))
        save(r, model);
    bool whole = close_curve(r);
    if (tg_error(tape))
        fprintf(stderr, "%s: %s\n", r->program, tg_error_message(tape));
    return !tg_error(tape) && whole ? 0 : 1;
}
