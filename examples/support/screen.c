/* What a training run shows on a terminal: a line that is rewritten, never longer than the terminal is
 * wide, a bar within an epoch, and the curve of the losses at the end. Relies on POSIX. */
#include "screen.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int width(void)
{
    struct winsize size;
    bool known = !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col > 0;
    return known ? size.ws_col : 80;
}

void screen_line(const char *line)
{
    printf("\r%.*s\033[K", width() - 1, line);
    fflush(stdout);
}

void screen_bar(const char *before, double part)
{
    enum { CELLS = 30 };
    char line[128], cells[CELLS + 1] = {0};
    memset(cells, ' ', CELLS);
    memset(cells, '#', (size_t)(part * (double)CELLS));
    snprintf(line, sizeof line, "%s  [%s] %3.0f%%", before, cells, 100 * part);
    screen_line(line);
}

void screen_keep(screen_curve *c, double loss)
{
    if (c->n == SCREEN_KEPT) { /* half as many, twice as wide */
        for (int i = 0; i < SCREEN_KEPT / 2; i++)
            c->loss[i] = (c->loss[2 * i] + c->loss[2 * i + 1]) / 2;
        c->n /= 2;
        c->each *= 2;
    }
    c->each += c->each == 0;
    c->sum += loss;
    if (++c->waiting < c->each)
        return;
    c->loss[c->n++] = c->sum / c->each;
    c->sum = c->waiting = 0;
}

/* The least and the largest of those that are numbers; false: there are no two. */
static bool limits(const screen_curve *c, double *low, double *high)
{
    *low = (double)INFINITY, *high = -(double)INFINITY;
    for (int i = 0; i < c->n; i++) {
        if (isfinite(c->loss[i])) {
            *low = fmin(*low, c->loss[i]);
            *high = fmax(*high, c->loss[i]);
        }
    }
    return *low < *high;
}

void screen_draw(const screen_curve *c, int first, int last)
{
    enum { ROWS = 8, MARGIN = 12 };
    double low, high;
    int columns = width() - MARGIN - 1 < c->n ? width() - MARGIN - 1 : c->n;
    if (!limits(c, &low, &high) || columns < 2)
        return;
    for (int row = 0; row < ROWS; row++) {
        if (row == 0 || row == ROWS - 1)
            printf("%*.4f |", MARGIN - 2, row ? low : high);
        else
            printf("%*s |", MARGIN - 2, row == 1 ? "loss" : "");
        for (int i = 0; i < columns; i++) {
            double value = c->loss[i * (c->n - 1) / (columns - 1)];
            bool here = lrint((high - value) / (high - low) * (ROWS - 1)) == row;
            putchar(here && isfinite(value) ? '*' : ' ');
        }
        putchar('\n');
    }
    printf("%*s %d%*d\n", MARGIN - 2, "epoch", first, columns > 1 ? columns : 1, last);
}
