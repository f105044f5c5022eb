/* Faults that are known and not mended yet: what the API fuzzer leaves out until then. Empty is
 * best. */
#ifndef TG_FUZZ_KNOWN_H
#define TG_FUZZ_KNOWN_H

/* Handles and marks of what was rewound away, and marks of freed tapes, are used as well (see
 * api_dead.c). */
#define DEAD_HANDLES 1

/* Messages that name another function than the one that was called. */
static const struct {
    const char *called, *says;
} known_names[] = {
    {"", ""}, /* none */
};

#endif
