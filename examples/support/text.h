/* A text as numbers, one for each of its different bytes. */
#ifndef EXAMPLES_TEXT_H
#define EXAMPLES_TEXT_H

#include <tinygrad.h>

typedef struct text {
    int64_t n;
    const int64_t *symbols; /* n of them, in [0, n_bytes) */
    int64_t n_bytes;
    unsigned char bytes[256]; /* the byte of each symbol, in order */
} text;

/* Reads a file of at least `least` bytes; the memory is the tape's. false: it is shorter, or cannot
 * be read; stderr has the reason. */
bool text_read(tg_tape *tape, text *t, const char *path, int64_t least);

#endif
