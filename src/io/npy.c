/* NumPy's npy format: a magic word, a version, and the literal of a Python dict that says dtype,
 * order and shape; then the elements. The literal is read by a strict parser of what numpy writes.
 * The format's description: numpy/lib/format.py. Relies on file.h. */
#include "npy.h"

#include <stdio.h>
#include <string.h>

static const char magic[] = {(char)0x93, 'N', 'U', 'M', 'P', 'Y'};

/* -- Reading the header ------------------------------------------------------------------------ */

typedef struct header {
    tg_io_array array;
    bool fortran;
    size_t end; /* where the data begin */
} header;

/* A place in the literal. */
typedef struct cursor {
    const tg_io_file *file;
    size_t at, end;
} cursor;

/* The next character that is no space; NUL at the end. */
static char peek(cursor *c)
{
    const unsigned char *bytes = c->file->bytes;
    while (c->at < c->end && (bytes[c->at] == ' ' || bytes[c->at] == '\n'))
        c->at++;
    return c->at < c->end ? (char)bytes[c->at] : '\0';
}

static bool accept(cursor *c, char wanted)
{
    bool found = peek(c) == wanted; /* which is no NUL, as the end is */
    c->at += found;
    return found;
}

static bool expect(cursor *c, char wanted)
{
    TG_IO_CHECK(c->file, accept(c, wanted), TG_EIO, "byte %zu of the header: '%c' expected", c->at,
                wanted);
    return true;
}

enum { WORD = 16 };

/* A quoted text without escapes, of less than WORD bytes. */
static bool read_quoted(cursor *c, char word[WORD])
{
    char quote = peek(c);
    size_t start = c->at, length = 0;
    TG_IO_CHECK(c->file, accept(c, '\'') || accept(c, '"'), TG_EIO,
                "byte %zu of the header: a quoted text expected", start);
    for (; c->at < c->end && c->file->bytes[c->at] != (unsigned char)quote; c->at++) {
        TG_IO_CHECK(c->file, length < WORD - 1, TG_EIO,
                    "byte %zu of the header: a text longer than any that belongs here", start);
        TG_IO_CHECK(c->file, c->file->bytes[c->at], TG_EIO,
                    "byte %zu of the header: a NUL in the text", c->at);
        word[length++] = (char)c->file->bytes[c->at];
    }
    word[length] = '\0';
    return expect(c, quote);
}

static bool read_size(cursor *c, int64_t *size)
{
    size_t start = c->at;
    char digit = peek(c);
    TG_IO_CHECK(c->file, digit >= '0' && digit <= '9', TG_EIO,
                "byte %zu of the header: a size expected", c->at);
    *size = 0;
    for (; c->at < c->end && c->file->bytes[c->at] >= '0' && c->file->bytes[c->at] <= '9';
         c->at++) {
        int value = c->file->bytes[c->at] - '0';
        TG_IO_CHECK(c->file, *size <= (INT64_MAX - value) / 10, TG_EIO,
                    "byte %zu of the header: the size overflows", start);
        *size = *size * 10 + value;
    }
    return true;
}

static bool read_shape(cursor *c, header *h)
{
    h->array.ndim = 0;
    if (!expect(c, '('))
        return false;
    while (!accept(c, ')')) {
        TG_IO_CHECK(c->file, h->array.ndim < TG_MAX_NDIM, TG_ESHAPE, "more than %d dims",
                    TG_MAX_NDIM);
        if (!read_size(c, &h->array.dims[h->array.ndim++]))
            return false;
        /* (3) is a number to Python, (3,) a tuple. */
        if ((h->array.ndim == 1 || peek(c) != ')') && !expect(c, ','))
            return false;
    }
    return true;
}

static bool read_order(cursor *c, header *h)
{
    const char *rest = (const char *)c->file->bytes + c->at;
    size_t left = c->end - c->at;
    h->fortran = left >= 4 && !memcmp(rest, "True", 4);
    bool good = h->fortran || (left >= 5 && !memcmp(rest, "False", 5));
    TG_IO_CHECK(c->file, good, TG_EIO, "byte %zu of the header: True or False expected", c->at);
    c->at += h->fortran ? 4 : 5;
    return true;
}

static bool read_dtype(cursor *c, header *h)
{
    char word[WORD];
    TG_IO_CHECK(c->file, peek(c) != '[', TG_EDTYPE, "a structured dtype");
    if (!read_quoted(c, word))
        return false;
    for (h->array.type = 0; h->array.type < TG_IO_TYPES; h->array.type++) {
        const char *name = tg_io_element_of(h->array.type)->npy;
        if (name && !strcmp(word, name))
            return true;
    }
    TG_IO_CHECK(c->file, false, TG_EDTYPE,
                "dtype %s; bools, little-endian floats and integers but uint64 are read",
                tg_io_quote(word).chars);
}

enum { FIELDS = 3 };

/* Reads `key: value`; sets the field's bit. */
static bool read_field(cursor *c, header *h, unsigned *seen)
{
    static const char *const keys[FIELDS] = {"descr", "fortran_order", "shape"};
    static bool (*const readers[FIELDS])(cursor *, header *) = {read_dtype, read_order, read_shape};
    char key[WORD];
    if (!read_quoted(c, key) || !expect(c, ':'))
        return false;
    int field = 0;
    while (field < FIELDS && strcmp(key, keys[field]) != 0)
        field++;
    TG_IO_CHECK(c->file, field < FIELDS, TG_EIO, "unknown field %s in the header",
                tg_io_quote(key).chars);
    TG_IO_CHECK(c->file, !(*seen & 1U << field), TG_EIO, "field %s twice in the header",
                tg_io_quote(key).chars);
    *seen |= 1U << field;
    peek(c);
    return readers[field](c, h);
}

static bool read_dict(cursor *c, header *h)
{
    unsigned seen = 0;
    if (!expect(c, '{'))
        return false;
    while (!accept(c, '}')) {
        if (!read_field(c, h, &seen) || (peek(c) != '}' && !expect(c, ',')))
            return false;
    }
    peek(c);
    TG_IO_CHECK(c->file, c->at == c->end, TG_EIO, "byte %zu: more than a dict in the header",
                c->at);
    TG_IO_CHECK(c->file, seen == (1U << FIELDS) - 1, TG_EIO,
                "the header lacks descr, fortran_order or shape");
    return true;
}

/* What stands before the literal, and the literal's bounds. */
static bool read_preamble(const tg_io_file *file, cursor *c)
{
    const unsigned char *b = file->bytes;
    TG_IO_CHECK(file, file->size >= 10, TG_EIO, "%zu bytes are too few for the format", file->size);
    TG_IO_CHECK(file, !memcmp(b, magic, sizeof magic), TG_EIO, "not an npy file");
    int major = b[6], minor = b[7];
    TG_IO_CHECK(file, major >= 1 && major <= 3 && minor == 0, TG_EIO,
                "version %d.%d; only 1.0, 2.0 and 3.0 are read", major, minor);
    size_t start = major == 1 ? 10 : 12;
    TG_IO_CHECK(file, file->size >= start, TG_EIO, "%zu bytes are too few for the format",
                file->size);
    size_t length = (size_t)b[8] | (size_t)b[9] << 8;
    if (major > 1)
        length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    TG_IO_CHECK(file, length <= file->size - start, TG_EIO,
                "the header has %zu bytes, but only %zu are left in the file", length,
                file->size - start);
    *c = (cursor){file, start, start + length};
    return true;
}

static bool read_header(const tg_io_file *file, header *h)
{
    cursor c;
    if (!read_preamble(file, &c) || !read_dict(&c, h))
        return false;
    h->end = c.end;
    int64_t wanted = tg_io_array_bytes(&h->array);
    TG_IO_CHECK(file, wanted >= 0, TG_EIO, "the product of the sizes %s overflows",
                tg_io_shape(h->array.ndim, h->array.dims).chars);
    TG_IO_CHECK(file, (uint64_t)wanted == file->size - h->end, TG_EIO,
                "%zu bytes of data, but %s has %lld", file->size - h->end,
                tg_io_shape(h->array.ndim, h->array.dims).chars, (long long)wanted);
    return tg_io_check_data(file, &h->array, h->end, (size_t)wanted);
}

/* -- Reading ----------------------------------------------------------------------------------- */

/* From the first dim running fastest to the last dim running fastest. */
static void copy_fortran(char *out, const char *in, const tg_io_array *array, int64_t numel)
{
    const int64_t size = (int64_t)tg_io_element_of(array->type)->size;
    const size_t wide = tg_io_element_of(tg_io_element_of(array->type)->dtype)->size;
    int64_t steps[TG_MAX_NDIM] = {0}, index[TG_MAX_NDIM] = {0};
    for (int d = 0; d < array->ndim; d++)
        steps[d] = d ? steps[d - 1] * array->dims[d - 1] : size;
    for (int64_t i = 0; i < numel; i++, out += wide) {
        tg_io_widen(array->type, in, 1, out);
        for (int d = array->ndim - 1; d >= 0; d--) {
            in += steps[d];
            if (++index[d] < array->dims[d])
                break;
            in -= steps[d] * array->dims[d];
            index[d] = 0;
        }
    }
}

tg_tensor *tg_io_parse_npy(const tg_io_file *file, int flags)
{
    header h = {.fortran = false};
    if (!read_header(file, &h))
        return NULL;
    const tg_io_element *element = tg_io_element_of(h.array.type);
    int asked = flags & 0xff;
    TG_IO_CHECK(file, !asked || asked == element->dtype, TG_EDTYPE,
                "the file holds %s, not the dtype that the flags name", element->npy);
    tg_tensor *t = tg_zeros(file->tape, h.array.ndim, h.array.dims, flags | element->dtype);
    char *data = tg_data_mut(t);
    if (!data)
        return NULL;
    const char *from = (const char *)file->bytes + h.end;
    if (h.fortran)
        copy_fortran(data, from, &h.array, tg_numel(t));
    else
        tg_io_widen(h.array.type, from, tg_numel(t), data);
    return t;
}

tg_tensor *tg_load_npy(tg_tape *tape, const char *path, int flags)
{
    tg_io_file file = {.tape = tape, .op = "load_npy", .path = path};
    tg_tensor *t = NULL;
    if (tg_io_begin(&file) && tg_io_map(&file)) {
        t = tg_io_parse_npy(&file, flags);
        tg_io_unmap(&file);
    }
    tg_io_end(&file);
    return t;
}

/* -- Writing ----------------------------------------------------------------------------------- */

/* Padded so that the data begin at a multiple of 64, with a newline at the end. */
static void put_header(tg_io_writer *w, const tg_tensor *t)
{
    char text[512];
    enum { PREAMBLE = 10, ALIGN = 64 };
    int ndim = tg_ndim(t);
    int used = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                        tg_io_element_of(tg_dtype(t))->npy);
    for (int i = 0; i < ndim; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, i ? ", %lld" : "%lld",
                         (long long)tg_size(t, i));
    used += snprintf(text + used, sizeof text - (size_t)used, ndim == 1 ? ",), }" : "), }");
    while ((PREAMBLE + used + 1) % ALIGN)
        text[used++] = ' ';
    text[used++] = '\n';
    const char version[] = {1, 0, (char)(used & 0xff), (char)(used >> 8)};
    tg_io_put(w, magic, sizeof magic);
    tg_io_put(w, version, sizeof version);
    tg_io_put(w, text, (size_t)used);
}

void tg_io_put_npy(tg_io_writer *w, tg_tensor *t)
{
    put_header(w, t);
    tg_io_put_tensor(w, t, tg_dtype(t));
}

tg_status tg_save_npy(const char *path, tg_tensor *t)
{
    tg_tape *tape = tg_tape_of(t);
    if (!tape)
        return t ? TG_ESTATE : TG_EVALUE;
    tg_io_file file = {.tape = tape, .op = "save_npy", .path = path};
    tg_io_writer w;
    if (tg_io_begin(&file) && tg_io_check_path(&file) && tg_io_create(&w, &file)) {
        tg_io_put_npy(&w, t);
        tg_io_commit(&w);
    }
    return tg_io_end(&file);
}
