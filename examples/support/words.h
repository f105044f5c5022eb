/* Words of a list as rows of symbols, for a model that guesses each letter from those before it. */
#ifndef EXAMPLES_WORDS_H
#define EXAMPLES_WORDS_H

#include <tinygrad.h>

/* Symbol 0 stands before and after a word, 1 to 26 are the letters. A row of inputs is WORDS_BEFORE
 * symbols 0 and a word; its step t is to guess symbol WORDS_BEFORE + t, and targets has that: -100,
 * which cross_entropy passes over, behind the word's end. */
enum { WORDS_SYMBOLS = 27, WORDS_BEFORE = 4, WORDS_STEPS = 16 };
enum { WORDS_ROW = WORDS_BEFORE + WORDS_STEPS - 1 };

typedef struct words {
    int64_t n;
    const int64_t *inputs;  /* n rows of WORDS_ROW */
    const int64_t *targets; /* n rows of WORDS_STEPS */
} words;

/* Takes those lines of a file that are 2 to 15 small letters a to z; the memory is the tape's.
 * false: there are none, or the file cannot be read; stderr has the reason. */
bool words_read(tg_tape *tape, words *w, const char *path);
/* Writes the word of a row of inputs, NUL at the end. */
void words_spell(const int64_t row[WORDS_ROW], char text[WORDS_STEPS]);

#endif
