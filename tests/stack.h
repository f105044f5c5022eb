/* How small a stack a thread gets. Relies on nothing of ours. */
#ifndef TG_TESTS_STACK_H
#define TG_TESTS_STACK_H

#include <stddef.h>
#include <unistd.h>

/* So many bytes, or where that is less, as few as the system gives: arm64's takes no less than 128 KiB. */
static inline size_t stack_of(size_t size)
{
    const long least = sysconf(_SC_THREAD_STACK_MIN);
    return least > 0 && (size_t)least > size ? (size_t)least : size;
}

#endif
