/* Faults that are known and not mended yet: what the API fuzzer leaves out until then. Empty is
 * best. */
#ifndef TG_FUZZ_KNOWN_H
#define TG_FUZZ_KNOWN_H

/* Handles, marks and captures of what was rewound away are used as well (see forget()). */
#define DEAD_HANDLES 0

/* Where memory is out inside of a composition, the message names the inner operation; and one whose
 * required inputs are NULL gives NULL without an error though an optional one tells the tape (see
 * untold()). */
#define INNER_NAMES 1

/* Other messages that name another function than the one that was called. */
static const struct {
    const char *called, *says;
} known_names[] = {
    {"retain_grad", "backward"},
    {"norm", "amax"},
};

#endif
