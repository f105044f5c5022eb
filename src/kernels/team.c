/* Threads that share a loop, see team.h. A helper joins a loop while it is open; the caller works
 * as well, closes the loop when no range is left, and waits only for those who joined: a helper that
 * wakes too late costs nothing. */
#define _GNU_SOURCE /* sched_getaffinity; NOLINT(bugprone-reserved-identifier): its name */
#include "kernels/team.h"

#include <stddef.h>

#ifdef TGK_NO_THREADS
void tgk_team_init(tgk_team *team, int threads)
{
    (void)threads;
    *team = (tgk_team){.threads = 1};
}

void tgk_team_end(tgk_team *team)
{
    (void)team;
}

void tgk_share(tgk_team *team, int64_t count, int64_t grain, tgk_range *body, void *context)
{
    (void)team;
    (void)grain;
    body(context, 0, count);
}
#else
#include "modes.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#else
#define PAUSE() ((void)0)
#endif

/* Looks before a thread goes to sleep: of a helper, for the next loop, about a tenth of a millisecond; of the caller, for
 * helpers at the end of theirs, half of that. To be woken takes some 50 microseconds. FEW where others wait for the processor. */
enum { LOOKS = 4000, FEW_LOOKS = 50, HELPER_STACK = 512 << 10 };

static int processors(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set))
        return CPU_COUNT(&set);
    return 1;
#elif defined(_WIN32)
    return pthread_num_processors_np();
#else
    return 1;
#endif
}

void tgk_team_init(tgk_team *team, int threads)
{
    const char *text = getenv("OMP_NUM_THREADS"); /* a number, or a list of them by nesting */
    long asked = threads <= 0 && text ? strtol(text, NULL, 10) : threads;
    if (asked <= 0)
        asked = processors();
    *team = (tgk_team){.threads = asked < TGK_MAX_THREADS ? (int)asked : TGK_MAX_THREADS};
    team->looks = team->threads > processors() ? FEW_LOOKS : LOOKS;
}

const void *tgk_this_thread(void)
{
    return &errno;
}

static long this_process(void)
{
#if defined(__unix__) || defined(__APPLE__)
    return (long)getpid();
#else
    return 0;
#endif
}

static void work(tgk_team *team)
{
    for (;;) {
        int64_t from = atomic_fetch_add(&team->next, team->grain), left = team->count - from;
        if (left <= 0)
            return;
        team->body(team->context, from, from + (left < team->grain ? left : team->grain));
    }
}

/* Until the counter is past `seen`. */
static void wait_for_call(tgk_team *team, unsigned seen)
{
    for (int i = 0; i < team->looks && atomic_load(&team->calls) == seen; i++)
        PAUSE();
    pthread_mutex_lock(&team->mutex);
    while (atomic_load(&team->calls) == seen)
        pthread_cond_wait(&team->wake, &team->mutex);
}

static void *help(void *argument)
{
    tgk_team *team = argument;
    unsigned seen = 0;
    tgk_modes_set();
    for (;;) {
        wait_for_call(team, seen); /* comes back with the lock */
        seen = atomic_load(&team->calls);
        bool stop = team->stop, open = team->open;
        team->joined += open;
        pthread_mutex_unlock(&team->mutex);
        if (stop)
            return NULL;
        if (!open)
            continue;
        work(team);
        pthread_mutex_lock(&team->mutex);
        if (--team->joined == 0)
            pthread_cond_signal(&team->done);
        pthread_mutex_unlock(&team->mutex);
    }
}

/* Helpers take no signals: those are the program's. Where the system gives fewer threads, so be it. */
static void start(tgk_team *team)
{
#ifndef _WIN32
    sigset_t all, before;
#endif
    pthread_attr_t attributes;
    team->started = true;
    team->process = this_process();
    team->helpers = 0;
    team->joined = 0;
    team->open = team->stop = false;
    if (pthread_attr_init(&attributes))
        return;
    pthread_attr_setstacksize(&attributes, HELPER_STACK);
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->wake, NULL);
    pthread_cond_init(&team->done, NULL);
#ifndef _WIN32
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
#endif
    while (team->helpers < team->threads - 1 &&
           !pthread_create(&team->helper[team->helpers], &attributes, help, team))
        team->helpers++;
#ifndef _WIN32
    pthread_sigmask(SIG_SETMASK, &before, NULL);
#endif
    pthread_attr_destroy(&attributes);
}

static void call(tgk_team *team, bool open)
{
    pthread_mutex_lock(&team->mutex);
    team->open = open;
    team->stop = !open;
    atomic_fetch_add(&team->calls, 1);
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->mutex);
}

void tgk_team_end(tgk_team *team)
{
    if (team->helpers == 0 || team->process != this_process())
        return;
    call(team, false);
    for (int i = 0; i < team->helpers; i++)
        pthread_join(team->helper[i], NULL);
    pthread_cond_destroy(&team->done);
    pthread_cond_destroy(&team->wake);
    pthread_mutex_destroy(&team->mutex);
}

/* Until those who joined are done. */
static void close_loop(tgk_team *team)
{
    pthread_mutex_lock(&team->mutex);
    team->open = false;
    pthread_mutex_unlock(&team->mutex);
    for (int i = 0; i < team->looks / 2 && atomic_load(&team->joined) > 0; i++)
        PAUSE();
    pthread_mutex_lock(&team->mutex);
    while (team->joined > 0)
        pthread_cond_wait(&team->done, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}

void tgk_share(tgk_team *team, int64_t count, int64_t grain, tgk_range *body, void *context)
{
    bool alone = tgk_alone(team) || count <= grain;
    if (!alone && (!team->started || team->process != this_process()))
        start(team);
    if (alone || team->helpers == 0) {
        body(context, 0, count);
        return;
    }
    team->body = body;
    team->context = context;
    team->count = count;
    team->grain = grain;
    atomic_store(&team->next, 0);
    call(team, true);
    work(team);
    close_loop(team);
}
#endif

void tgk_share_rows(tgk_team *team, int64_t rows, int64_t work, tgk_range *body, void *context)
{
    enum { ELEMENTS = 1 << 14 };
    const int64_t grain = 1 + ELEMENTS / (work + 1);
    tgk_share(rows < 2 * grain ? NULL : team, rows, grain, body, context);
}
