/* How long a turn of something takes; shared by the programs here. */
#ifndef TIMING_H
#define TIMING_H

#include <stdlib.h>
#include <time.h>

enum { MAX_SAMPLES = 101 };

/* Of one turn, in seconds. */
typedef struct timing {
    double median, least;
    int samples;
} timing;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Enough turns a sample for the clock; none is counted while memory and caches are still cold. */
static inline int warm_up(void (*turn)(void *context), void *context)
{
    int turns = 1;
    double start = now();
    for (int i = 0; i < 3 || now() - start < 0.05; i++) {
        double t = now();
        turn(context);
        t = now() - t;
        turns = t > 0 && t < 1e-3 ? (int)(1e-3 / t) + 1 : 1;
        if (t > 1)
            break;
    }
    return turns;
}

/* Samples for about half a second. */
static inline timing time_turns(void (*turn)(void *context), void *context)
{
    double seconds[MAX_SAMPLES];
    int n = 0, turns = warm_up(turn, context);
    double start = now(), end = start;
    while (n < MAX_SAMPLES && (n < 5 || end - start < 0.5)) {
        double t = now();
        for (int i = 0; i < turns; i++)
            turn(context);
        end = now();
        seconds[n++] = (end - t) / turns;
    }
    qsort(seconds, (size_t)n, sizeof *seconds, by_value);
    return (timing){seconds[n / 2], seconds[0], n};
}

#endif
