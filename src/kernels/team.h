/* Threads that share a loop: a few helpers, started when first needed, asleep in between. Relies on
 * POSIX threads; with TGK_NO_THREADS on nothing, and every loop is its caller's. */
#ifndef TGK_TEAM_H
#define TGK_TEAM_H

#ifndef TGK_NO_THREADS
#include <pthread.h>
#endif
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { TGK_MAX_THREADS = 64 };

/* Items from (included) to (excluded) of a loop whose items are independent. */
typedef void tgk_range(void *context, int64_t from, int64_t to);

/* What the helpers are at: guarded by `mutex`, but for what is atomic. */
typedef struct tgk_team {
    int threads; /* the caller counts as one */
#ifndef TGK_NO_THREADS
    int helpers; /* running */
    int looks;   /* before one sleeps */
    bool started;
    pthread_t helper[TGK_MAX_THREADS];
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    atomic_uint calls; /* counts loops, and the end: what helpers wait for */
    bool open, stop;   /* helpers may join the loop; shall end */
    atomic_int joined; /* helpers in the loop */
    tgk_range *body;
    void *context;
    int64_t count, grain;
    atomic_llong next; /* the first item that nobody has taken */
    long process; /* that started them: a child by fork() has none of them, and starts its own */
#endif
} tgk_team;

/* Whether the caller has nobody to share with: known to the compiler where there are no threads. */
static inline bool tgk_alone(const tgk_team *team)
{
#ifdef TGK_NO_THREADS
    (void)team;
    return true;
#else
    return !team || team->threads == 1;
#endif
}

/* Starts nothing yet. threads <= 0: OMP_NUM_THREADS, else as many as there are processors. */
void tgk_team_init(tgk_team *team, int threads);
void tgk_team_end(tgk_team *team);

/* Runs `body` over [0, count) in ranges of `grain` items, the last one shorter; returns when all are
 * done. One range, or one thread: in a single call by the caller alone. Which thread takes
 * what is chance, so results must not depend on it. team may be NULL: the caller alone. */
void tgk_share(tgk_team *team, int64_t count, int64_t grain, tgk_range *body, void *context);
/* The same over rows of about `work` elements each, in ranges that are worth a helper's while; alone if there are not two
 * of them. */
void tgk_share_rows(tgk_team *team, int64_t rows, int64_t work, tgk_range *body, void *context);

/* To notice two threads in one tape, where assertions are on: TGK_NOTE_THREAD(where) remembers the one that runs, and
 * TGK_SAME_THREAD(where) is whether that runs now. */
#if defined NDEBUG || defined TGK_NO_THREADS
#define TGK_NOTE_THREAD(where) ((void)0)
#define TGK_SAME_THREAD(where) true
#else
#define TGK_NOTE_THREAD(where) ((void)((where) = tgk_this_thread()))
#define TGK_SAME_THREAD(where) ((where) == tgk_this_thread())
#endif
/* An address that is this thread's. */
const void *tgk_this_thread(void);

#endif
