/* What the training programs here have in common: the command line, a progress line, Ctrl-C, the
 * loss curve in a file, saving and resuming. For the examples alone; nothing of it is installed.
 *
 *     run r = {.seed = 1, .epochs = 200, .lr = 0.1};
 *     int code = run_start(&r, argc, argv);
 *     if (code >= 0)
 *         return code;
 *     ... make the model, run_resume(&r, model) ...
 *     for (int epoch = 1; epoch <= r.epochs && !run_stopping() && !tg_error(tape); epoch++)
 *         ... run_report(&r, epoch, loss, accuracy, samples);
 *     code = run_finish(&r, tape, model); */
#ifndef EXAMPLES_RUN_H
#define EXAMPLES_RUN_H

#include <tinygrad.h>

/* A flag of one program's own, "--name VALUE". */
typedef struct run_option {
    const char *name, *help;
    const char **value; /* where the text goes; holds the default before */
} run_option;

enum { RUN_MAX_OWN = 8 };

/* A program sets its defaults, zeros elsewhere; run_start() puts in what the command line says. */
typedef struct run {
    uint64_t seed;
    int epochs;
    double lr;
    const char *data;      /* --data: the input */
    const char *save;      /* --save: where the model goes at the end */
    const char *resume;    /* --resume: what --save wrote */
    const char *curve;     /* --curve: CSV; an SVG as well where gnuplot is installed */
    const run_option *own; /* n_own of them, at most RUN_MAX_OWN */
    int n_own;
    /* The rest is run.c's. */
    const char *program;
    FILE *curve_file;
    double started; /* seconds */
    bool terminal;  /* a line is rewritten in place */
} run;

/* Reads the command line, starts the clock and catches Ctrl-C. -1: go on; else the exit code: 0
 * after --help, 2 for a wrong command line, 1 where the curve's file cannot be written. */
int run_start(run *r, int argc, char **argv);
/* Whether Ctrl-C was pressed (or SIGTERM came); a second one ends the program at once. */
bool run_stopping(void);
/* Reads the list's tensors from --resume, if it is given. An error is the tape's. Where the library
 * is built without tinygrad-io, run_start() refuses --save and --resume. */
void run_resume(const run *r, const tg_params *model);
/* After each epoch: one line, on a terminal with speed and time left, and a row of the curve.
 * `accuracy` may be nan: there is none. `samples` is how many the epoch had. */
void run_report(run *r, int epoch, double loss, double accuracy, int64_t samples);
/* Saves the list to --save unless there was an error, draws the curve, says the tape's error on
 * stderr. The exit code: 0 or 1. */
int run_finish(run *r, tg_tape *tape, const tg_params *model);

#endif
