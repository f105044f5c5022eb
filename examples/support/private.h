/* What run.c, options.c and plot.c share among themselves. */
#ifndef EXAMPLES_PRIVATE_H
#define EXAMPLES_PRIVATE_H

#include "run.h"

/* The command line; results as run_start(). */
int run_options(run *r, int argc, char **argv);
/* Draws --curve's losses, and validations and accuracies where it has any, into an SVG beside it ("x.csv"
 * gives "x.csv.svg"). Does nothing where gnuplot is not installed. */
void run_plot(const run *r);

#endif
