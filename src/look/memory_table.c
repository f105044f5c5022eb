/* A tape's memory for people to read. Relies on memory.c for the figures. */
#include "tape/tensor.h"

#include <tinygrad/look.h>

static void print_bytes(FILE *file, size_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double x = (double)bytes;
    int unit = 0;
    for (; x >= 1024 && unit < 4; unit++)
        x /= 1024;
    fprintf(file, unit ? "%.1f %s" : "%.0f %s", x, units[unit]);
}

static void print_line(FILE *file, const char *const *words, const size_t *bytes, int n)
{
    for (int i = 0; i < n; i++) {
        fputs(words[i], file);
        print_bytes(file, bytes[i]);
    }
}

static void print_holder(FILE *file, const tg_memory_holder *h)
{
    fputs("  ", file);
    print_bytes(file, h->bytes);
    fprintf(file, ": %s %s, %s%s\n", tg_dtype_name(tg_at(h->tensor)->dtype),
            tg_shape_of(h->tensor).chars, h->saved ? "saved by " : "",
            h->op ? h->op : "leaf or constant");
}

enum { PRINTED = 64 };

tg_status tg_print_memory(FILE *file, tg_tape *tape, size_t k)
{
    if (!tape || tape->status)
        return tg_error(tape);
    if (!file)
        return tg_fail(tape, TG_EVALUE, "print_memory: the file is NULL");
    static const char *const words[] = {"in use ", " (objects ", ", data ", "), cached ",
                                        ", peak "};
    const tg_memory_info m = tg_memory(tape);
    print_line(file, words, (size_t[]){m.live, m.objects, m.data, m.cached, m.peak}, 5);
    fputc('\n', file);
    tg_memory_holder holders[PRINTED];
    size_t n = tg_memory_holders(tape, holders, k < PRINTED ? k : PRINTED);
    for (size_t i = 0; i < n; i++)
        print_holder(file, &holders[i]);
    return ferror(file) ? tg_fail(tape, TG_EIO, "print_memory: writing failed") : TG_OK;
}
