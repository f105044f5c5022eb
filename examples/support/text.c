/* Reading a text: once to see how long it is and which bytes it has, once more for its symbols, so
 * that all memory comes from the tape. */
#include "text.h"

static void survey(FILE *file, text *t)
{
    bool found[256] = {false};
    for (int c; (c = getc(file)) != EOF; t->n++)
        found[c] = true;
    for (int c = 0; c < 256; c++) {
        if (found[c])
            t->bytes[t->n_bytes++] = (unsigned char)c;
    }
}

/* Whether the text is still as long. */
static bool number(FILE *file, const text *t, int64_t *symbols)
{
    int64_t symbol_of[256] = {0};
    for (int64_t s = 0; s < t->n_bytes; s++)
        symbol_of[t->bytes[s]] = s;
    int64_t i = 0;
    for (int c; i < t->n && (c = getc(file)) != EOF; i++)
        symbols[i] = symbol_of[c];
    return i == t->n;
}

bool text_read(tg_tape *tape, text *t, const char *path, int64_t least)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return false;
    }
    *t = (text){0};
    survey(file, t);
    tg_tensor *symbols = tg_zeros(tape, TG_DIMS(t->n), TG_I64);
    bool good = t->n >= least && symbols && !ferror(file) && !fseek(file, 0, SEEK_SET) &&
                number(file, t, tg_data_mut(symbols));
    fclose(file);
    t->symbols = tg_i64(symbols);
    if (!good)
        fprintf(stderr, "%s: %s\n", path,
                tg_error(tape) ? tg_error_message(tape) : "too short, or cannot be read twice");
    return good;
}
