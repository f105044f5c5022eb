/* Tokens as text: bytes where a vocabulary has at most 256, else numbers with white space between. */
#ifndef EXAMPLES_TOKENS_H
#define EXAMPLES_TOKENS_H

#include <tinygrad.h>

typedef struct tokens {
    int64_t n;
    const int64_t *ids; /* each in [0, vocabulary) */
} tokens;

/* Those of a file, or of `text` itself where path is NULL; the memory is the tape's. false: there is none,
 * one is not in the vocabulary, or the file cannot be read; stderr has the reason. */
bool tokens_read(tokens *t, tg_tape *tape, const char *path, const char *text, int64_t vocabulary);
void tokens_print(int64_t id, int64_t vocabulary);

#endif
