/* See clock.h. */
#define _POSIX_C_SOURCE 199309L /* clock_gettime; NOLINT(bugprone-reserved-identifier): its name */
#include "kernels/clock.h"

#include <time.h>

int64_t tgk_now(void)
{
#if defined(CLOCK_MONOTONIC)
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
#elif defined(TIME_UTC) /* C11 */
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
#else
    return 0;
#endif
}
