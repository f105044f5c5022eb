/* See tokens.h. A first pass counts, a second one fills. */
#include "tokens.h"

#include <inttypes.h>
#include <string.h>

enum { BYTES = 256 };

/* The next token of a file; -1 at the end or where there is no number. */
static int64_t next_of(FILE *file, int64_t vocabulary)
{
    int64_t id;
    if (vocabulary <= BYTES)
        return getc(file);
    return fscanf(file, "%" SCNd64, &id) == 1 && id >= 0 ? id : -1;
}

/* How many there are; -1 where one is not in the vocabulary. */
static int64_t go_through(FILE *file, int64_t vocabulary, int64_t *ids)
{
    int64_t n = 0;
    for (int64_t id; (id = next_of(file, vocabulary)) >= 0; n++) {
        if (id >= vocabulary)
            return -1;
        if (ids)
            ids[n] = id;
    }
    return feof(file) ? n : -1;
}

static bool read_from(tokens *t, tg_tape *tape, FILE *file, int64_t vocabulary)
{
    t->n = go_through(file, vocabulary, NULL);
    tg_tensor *ids = t->n > 0 ? tg_zeros(tape, TG_DIMS(t->n), TG_I64) : NULL;
    if (!ids || fseek(file, 0, SEEK_SET) != 0)
        return false;
    clearerr(file);
    t->ids = tg_i64(ids);
    return go_through(file, vocabulary, tg_data_mut(ids)) == t->n;
}

bool tokens_read(tokens *t, tg_tape *tape, const char *path, const char *text, int64_t vocabulary)
{
    *t = (tokens){0};
    FILE *file = path ? fopen(path, "rb") : tmpfile();
    if (file && !path && fputs(text, file) >= 0)
        rewind(file);
    bool read = file && read_from(t, tape, file, vocabulary);
    if (!read)
        fprintf(stderr, "%s: cannot be read, or is no list of tokens from 0 to %" PRId64 "\n",
                path ? path : text, vocabulary - 1);
    if (file)
        fclose(file);
    return read;
}

void tokens_print(int64_t id, int64_t vocabulary)
{
    if (vocabulary <= BYTES)
        putchar((int)id);
    else
        printf("%" PRId64 " ", id);
}
