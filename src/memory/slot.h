/* Names that cannot lie. What a program holds is not an address but a handle: the address of a slot
 * and, in bits that addresses do not use, the slot's generation, which counts how often it was used.
 * A slot says which handle is its own: what outlived that finds another one there, or a slot above
 * the top of its block. Slots lie in arenas of their own and are never poisoned nor given to
 * anything else, so that looking at one that is dead is no fault. Relies on arena.h. */
#ifndef TG_SLOT_H
#define TG_SLOT_H

#include "memory/arena.h"

enum { TG_SLOT_SIZE = 128 }; /* and its alignment */

/* A tensor, or what else handles name, begins with this and is no larger than a slot. */
typedef struct tg_slot {
    const void *self; /* its handle */
    tg_block *block;
} tg_slot;

/* How many bits a generation has. A build may have fewer, to test what happens once all are used. */
#ifndef TG_GENERATION_BITS
#if UINTPTR_MAX <= UINT32_MAX
#define TG_GENERATION_BITS 7
#elif defined(__aarch64__) /* the top byte belongs to others: memory tagging */
#define TG_GENERATION_BITS 15
#else
#define TG_GENERATION_BITS 23
#endif
#endif

/* Its low bits stand in those that a slot's alignment leaves, the others above all addresses. */
#define TG_SLOT_LOW ((uintptr_t)TG_SLOT_SIZE - 1)
#if TG_GENERATION_BITS > 7
#define TG_SLOT_HIGH_ONE ((uintptr_t)1 << 48)
#define TG_SLOT_HIGH ((((uintptr_t)1 << (TG_GENERATION_BITS - 7)) - 1) << 48)
#define TG_SLOT_LOW_MOST TG_SLOT_LOW
#else
#define TG_SLOT_HIGH_ONE ((uintptr_t)0)
#define TG_SLOT_HIGH ((uintptr_t)0)
#define TG_SLOT_LOW_MOST (((uintptr_t)1 << TG_GENERATION_BITS) - 1)
#endif

static inline void *tg_slot_of(const void *handle)
{
    return (void *)((uintptr_t)handle & ~(TG_SLOT_HIGH | TG_SLOT_LOW));
}

/* The handle of the use after the present one. No handle is of generation 0: a mere address is never
 * alive. */
static inline const void *tg_slot_next(const tg_slot *slot)
{
    uintptr_t self = (uintptr_t)slot->self, low = self & TG_SLOT_LOW;
    if (low < TG_SLOT_LOW_MOST)
        return (const void *)(self + 1);
    if ((self & TG_SLOT_HIGH) != TG_SLOT_HIGH)
        return (const void *)(self - low + TG_SLOT_HIGH_ONE);
    return (const void *)((uintptr_t)slot + 1);
}

/* A new slot; NULL where memory is out. */
static inline void *tg_slot_take(tg_arena *arena)
{
    tg_slot *slot = tg_arena_alloc(arena, TG_SLOT_SIZE, TG_SLOT_SIZE);
    if (!slot)
        return NULL;
    tg_block *block = arena->current;
    if ((char *)slot >= block->unused) {
        block->unused = (char *)slot + TG_SLOT_SIZE;
        slot->self = (char *)slot + 1;
        slot->block = block;
    } else {
        slot->self = tg_slot_next(slot);
    }
    return slot;
}

/* Whether the handle names what it named; not for NULL. */
static inline bool tg_slot_alive(const void *handle)
{
    const tg_slot *slot = tg_slot_of(handle);
    return slot->self == handle && (const char *)slot < slot->block->top;
}

#endif
