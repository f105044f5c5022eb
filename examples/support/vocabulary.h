/* A text as words: runs of letters, small ones made of capital ones. */
#ifndef EXAMPLES_VOCABULARY_H
#define EXAMPLES_VOCABULARY_H

#include <tinygrad.h>

typedef struct vocabulary {
    int64_t n_words;      /* different ones, the most frequent first */
    const char **words;   /* as texts */
    const int64_t *count; /* how often each stands in the text */
    int64_t n;
    const int64_t *text; /* the text's words by number, n of them; rare ones are left out */
} vocabulary;

/* Takes the words that stand in the file at least `least` times; the memory is the tape's. false: there
 * are fewer than two, or the file cannot be read; stderr has the reason. */
bool vocabulary_read(vocabulary *v, tg_tape *tape, const char *path, int64_t least);

#endif
