/* What the training programs here have in common: the command line, a progress line, Ctrl-C, the
 * loss curve in a file, saving and resuming. For the examples alone; nothing of it is installed.
 *
 *     run r = {.seed = 1, .epochs = 200, .lr = 0.1};
 *     int code = run_start(&r, argc, argv);
 *     if (code >= 0)
 *         return code;
 *     ... make the model and the optimiser ...
 *     run_begin(&r, tape, model, optim);
 *     while (run_next(&r))
 *         ... run_report(&r, &(run_epoch){loss, validation, accuracy, samples});
 *     run_save(&r);
 *     code = run_finish(&r); */
#ifndef EXAMPLES_RUN_H
#define EXAMPLES_RUN_H

#include "screen.h"

#include <tinygrad.h>

/* A flag of one program's own: "--name TEXT", or "--name N" for a whole number >= 0. What it points
 * to holds the default before; one of the two. */
typedef struct run_option {
    const char *name, *help;
    const char **text;
    int *count;
} run_option;

enum { RUN_MAX_OWN = 8 };

/* What an epoch gave. */
typedef struct run_epoch {
    double loss;
    double validation; /* the loss on what is not trained on, nan: there is none */
    double accuracy;   /* of 1; nan: there is none */
    int64_t samples;
} run_epoch;

/* A program sets its defaults, zeros elsewhere; run_start() puts in what the command line says. */
typedef struct run {
    uint64_t seed;
    int epochs; /* of the whole run, what came before --resume included */
    double lr;
    const char *data;      /* --data: the input */
    const char *save;      /* --save: where the checkpoint goes */
    const char *resume;    /* --resume: what --save wrote */
    const char *curve;     /* --curve: CSV; an SVG as well where gnuplot is installed */
    int patience;          /* --patience: 0, or after how many epochs without a better one to end */
    bool eager;            /* --eager: record every step anew */
    const run_option *own; /* n_own of them, at most RUN_MAX_OWN */
    int n_own;
    /* For the program to read: the present epoch of the whole run, the first one being 1; between
     * two epochs the number of those that are done. */
    int epoch;
    bool terminal; /* a line is rewritten in place */
    /* The rest is run.c's. */
    const char *program;
    tg_tape *tape;
    const tg_params *model;
    tg_optim *optim;
    FILE *curve_file;
    bool has_accuracy, has_validation;
    double best;       /* the lowest loss, of the validation where there is one ... */
    int best_epoch;    /* ... and when that was; 0: none yet */
    int last, resumed; /* epochs: where to stop (--stop), and how many were done before */
    double started, saved, shown; /* seconds */
    screen_curve losses;
} run;

/* Reads the command line and catches Ctrl-C. -1: go on; else the exit code: 0 after --help, 2 for a
 * wrong command line. Where the library is built without tinygrad-io, --save and --resume
 * are refused. */
int run_start(run *r, int argc, char **argv);
/* Says on stderr what is trained, opens the curve, starts the clock, and reads --resume into model,
 * optimiser and the tape's generator, so that the next epoch is that of a run that never stopped.
 * The learning rate is the file's as well: set it. Then --save is written, lest it fail when all is
 * done. An error is the tape's. */
void run_begin(run *r, tg_tape *tape, const tg_params *model, tg_optim *optim);
/* Begins the next epoch. false: there is none, Ctrl-C was pressed (or SIGTERM came), --patience is at
 * its end, or the tape has an error. An epoch is never left in the middle, so that what is saved can go on from there; a
 * second Ctrl-C ends the program at once, and saves nothing. */
bool run_next(run *r);
/* After each epoch: one line, on a terminal with speed and time left, a row of the curve, and, if the
 * last one is older than a second, a checkpoint; and a second checkpoint, "FILE.best", if no epoch
 * since the start, or --resume, had a lower validation loss. Nothing where the tape has an error. */
void run_report(run *r, const run_epoch *e);
/* Within an epoch, as often as one likes: a bar on a terminal. */
void run_progress(run *r, int64_t done, int64_t total);
/* After the last epoch: writes the checkpoint to --save, unless there was an error, and draws the
 * curve, on a terminal as well. Random numbers drawn from here on do not matter to the run. */
void run_save(run *r);
/* Says the tape's error on stderr. The exit code: 0 or 1. */
int run_finish(const run *r);

#endif
