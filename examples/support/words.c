/* Reading a list of words: the lines are counted first, so that all memory comes from the tape. */
#include "words.h"

#include <string.h>

enum { LINE = 256 };

/* The length of a word that is taken; 0: it is not. */
static size_t word_length(const char *line)
{
    size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz");
    bool whole = line[n] == '\n' || line[n] == '\0';
    return whole && n >= 2 && n < WORDS_STEPS ? n : 0;
}

/* What is too long for a word anyway is cut. */
static bool read_line(FILE *file, char line[LINE])
{
    if (!fgets(line, LINE, file))
        return false;
    bool whole = strchr(line, '\n') != NULL;
    for (int c; !whole && (c = getc(file)) != EOF;)
        whole = c == '\n';
    return true;
}

static int64_t count(FILE *file)
{
    char line[LINE];
    int64_t n = 0;
    while (read_line(file, line))
        n += word_length(line) > 0;
    return n;
}

/* Whether there were n words. */
static bool fill(FILE *file, int64_t n, int64_t *inputs, int64_t *targets)
{
    char line[LINE];
    while (n && read_line(file, line)) {
        size_t length = word_length(line);
        if (!length)
            continue;
        for (size_t i = 0; i < WORDS_STEPS; i++)
            targets[i] = i < length ? line[i] - 'a' + 1 : i == length ? 0 : -100;
        for (size_t i = 0; i < length; i++)
            inputs[WORDS_BEFORE + i] = targets[i];
        inputs += WORDS_ROW;
        targets += WORDS_STEPS;
        n--;
    }
    return n == 0;
}

bool words_read(tg_tape *tape, words *w, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return false;
    }
    *w = (words){.n = count(file)};
    tg_tensor *inputs = tg_zeros(tape, TG_DIMS(w->n, WORDS_ROW), TG_I64);
    tg_tensor *targets = tg_full(tape, TG_DIMS(w->n, WORDS_STEPS), -100, TG_I64);
    bool good = w->n && targets && !ferror(file) && !fseek(file, 0, SEEK_SET) &&
                fill(file, w->n, tg_data_mut(inputs), tg_data_mut(targets));
    fclose(file);
    w->inputs = tg_i64(inputs);
    w->targets = tg_i64(targets);
    if (!good)
        fprintf(stderr, "%s: %s\n", path,
                tg_error(tape) ? tg_error_message(tape) : "no words, or cannot be read twice");
    return good;
}

void words_spell(const int64_t row[WORDS_ROW], char text[WORDS_STEPS])
{
    int n = 0;
    for (; n < WORDS_STEPS - 1 && row[WORDS_BEFORE + n]; n++)
        text[n] = (char)('a' + row[WORDS_BEFORE + n] - 1);
    text[n] = '\0';
}
