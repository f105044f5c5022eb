/* An allocator for jansson that counts what is alive, and fails at one call or from it on. */
#ifndef TG_TESTS_IO_HEAP_H
#define TG_TESTS_IO_HEAP_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static struct {
    long calls, live, fail_at; /* -1: none fails */
    bool for_ever, failed;
} heap = {.fail_at = -1};

static void *heap_alloc(size_t size)
{
    long call = heap.calls++;
    if (heap.fail_at >= 0 && (call == heap.fail_at || (heap.for_ever && call > heap.fail_at))) {
        heap.failed = true;
        errno = ENOMEM;
        return NULL;
    }
    void *memory = malloc(size);
    heap.live += memory != NULL;
    return memory;
}

static void heap_free(void *memory)
{
    heap.live -= memory != NULL;
    free(memory);
}

#endif
