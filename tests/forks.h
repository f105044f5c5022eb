/* What can be asked of children by fork() here. NO_FORKS: none of a program with threads, as under the thread sanitizer,
 * which lets them start none. NO_FORKS_BESIDE_WORK: none while other threads allocate, as under the address sanitizer,
 * whose allocator is not made for fork(): a child has it locked for ever where another thread was in it. */
#ifndef FORKS_H
#define FORKS_H

#include <poll.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NO_FORKS 1
#endif
#if __has_feature(address_sanitizer)
#define NO_FORKS_BESIDE_WORK 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) && !defined(NO_FORKS)
#define NO_FORKS 1
#endif
#if (defined(__SANITIZE_ADDRESS__) || defined(NO_FORKS)) && !defined(NO_FORKS_BESIDE_WORK)
#define NO_FORKS_BESIDE_WORK 1
#endif

/* Before a fork: a thread that is only starting allocates, too. */
static inline void let_threads_start(void)
{
#ifdef NO_FORKS_BESIDE_WORK
    poll(NULL, 0, 200); /* ms */
#endif
}

#endif
