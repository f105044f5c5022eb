/* See vocabulary.h. The text is cut into words in place; sorted, equal ones lie side by side. */
#include "vocabulary.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    const char *word;
    int64_t count;
} entry;

static void *memory(tg_tape *tape, int64_t n, size_t size)
{
    return tg_data_mut(tg_zeros(tape, TG_DIMS(n * (int64_t)size / 8 + 1), TG_I64));
}

/* All of the file, with a NUL at the end; NULL where it cannot be read. */
static char *read_file(tg_tape *tape, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    long size = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
    char *text = size >= 0 && !fseek(file, 0, SEEK_SET) ? memory(tape, size + 1, 1) : NULL;
    if (text && fread(text, 1, (size_t)size, file) != (size_t)size)
        text = NULL;
    fclose(file);
    return text;
}

/* The next word from *at on, small, with a NUL behind it; NULL at the end. */
static const char *cut(char **at)
{
    while (**at && !isalpha((unsigned char)**at))
        ++*at;
    char *word = *at;
    for (; isalpha((unsigned char)**at); ++*at)
        **at = (char)tolower((unsigned char)**at);
    if (*word && **at)
        *(*at)++ = '\0';
    return *word ? word : NULL;
}

static int64_t count_words(const char *text)
{
    int64_t n = 0;
    for (bool inside = false; *text; text++) {
        bool letter = isalpha((unsigned char)*text) != 0;
        n += letter && !inside;
        inside = letter;
    }
    return n;
}

static int by_word(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_count(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->word, y->word);
}

static int by_entry(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->word, ((const entry *)b)->word);
}

/* Those of n sorted words that are frequent enough, in alphabetical order. */
static int64_t collect(const char *const *sorted, int64_t n, int64_t least, entry *entries)
{
    int64_t kept = 0;
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && strcmp(sorted[end], sorted[i]) == 0;)
            end++;
        if (end - i >= least)
            entries[kept++] = (entry){sorted[i], end - i};
    }
    return kept;
}

static int64_t number_of(const entry *sorted, int64_t n, const char *word)
{
    const entry *e = bsearch(&(entry){.word = word}, sorted, (size_t)n, sizeof *sorted, by_entry);
    return e ? e - sorted : -1;
}

/* The text's words by number: those of the entries by their count. */
static bool fill(vocabulary *v, tg_tape *tape, const char *const *all, int64_t n, const entry *e)
{
    entry *ranked = memory(tape, v->n_words, sizeof *ranked);
    int64_t *rank = memory(tape, v->n_words, sizeof *rank);
    int64_t *text = memory(tape, n, sizeof *text), *count = memory(tape, v->n_words, sizeof *count);
    v->words = memory(tape, v->n_words, sizeof *v->words);
    if (!ranked || !rank || !text || !count || !v->words)
        return false;
    memcpy(ranked, e, (size_t)v->n_words * sizeof *ranked);
    qsort(ranked, (size_t)v->n_words, sizeof *ranked, by_count);
    for (int64_t i = 0; i < v->n_words; i++) {
        v->words[i] = ranked[i].word;
        count[i] = ranked[i].count;
        rank[number_of(e, v->n_words, ranked[i].word)] = i;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t number = number_of(e, v->n_words, all[i]);
        if (number >= 0)
            text[v->n++] = rank[number];
    }
    v->text = text;
    v->count = count;
    return true;
}

static bool read_words(vocabulary *v, tg_tape *tape, char *text, int64_t least)
{
    int64_t n = count_words(text);
    const char **all = memory(tape, n, sizeof *all), **sorted = memory(tape, n, sizeof *sorted);
    entry *entries = memory(tape, n, sizeof *entries);
    if (!all || !sorted || !entries)
        return false;
    for (int64_t i = 0; i < n; i++)
        all[i] = sorted[i] = cut(&text);
    qsort(sorted, (size_t)n, sizeof *sorted, by_word);
    v->n_words = collect(sorted, n, least, entries);
    return v->n_words > 1 && fill(v, tape, all, n, entries);
}

bool vocabulary_read(vocabulary *v, tg_tape *tape, const char *path, int64_t least)
{
    *v = (vocabulary){0};
    char *text = read_file(tape, path);
    bool read = text && read_words(v, tape, text, least);
    if (!read)
        fprintf(stderr, "%s: cannot be read, or no two words stand in it %lld times\n", path,
                (long long)least);
    return read;
}
