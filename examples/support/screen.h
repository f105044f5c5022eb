/* What a training run shows on a terminal. */
#ifndef EXAMPLES_SCREEN_H
#define EXAMPLES_SCREEN_H

enum { SCREEN_KEPT = 64 };

/* Losses of epochs, means of `each` of them where there are many. Zeros to begin with. */
typedef struct screen_curve {
    int n, each, waiting;
    double sum; /* of the waiting */
    double loss[SCREEN_KEPT];
} screen_curve;

void screen_keep(screen_curve *c, double loss);
/* The curve of the epochs first to last, of at least two. */
void screen_draw(const screen_curve *c, int first, int last);
/* Writes over the present line; what does not fit is cut off. */
void screen_line(const char *line);
/* The same with a bar behind it, of which `part` of 1 is filled. */
void screen_bar(const char *before, double part);

#endif
