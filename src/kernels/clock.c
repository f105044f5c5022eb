/* See clock.h. */
#define _POSIX_C_SOURCE 199309L /* clock_gettime; NOLINT(bugprone-reserved-identifier): its name */
#include "kernels/clock.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

int64_t tgk_now(void)
{
#if defined(_WIN32)
    LARGE_INTEGER ticks, second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&second);
    return (int64_t)((double)ticks.QuadPart / (double)second.QuadPart * 1e9);
#elif defined(CLOCK_MONOTONIC)
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
