/* Reads the header of a safetensors file, with every check that the format asks for, so that what
 * comes after may trust it. Relies on json.h, for JSON's syntax, UTF-8 and repeated names. */
#include "safetensors.h"

#include <stdlib.h>
#include <string.h>

static bool find_header(const tg_io_file *file, size_t *length)
{
    uint64_t said = 0;
    TG_IO_CHECK(file, file->size >= 8, TG_EIO, "%zu bytes are too few for the format", file->size);
    memcpy(&said, file->bytes, sizeof said);
    tg_io_turn(&said, 1, sizeof said);
    TG_IO_CHECK(file, said <= TG_IO_MAX_HEADER, TG_EIO,
                "the header has %llu bytes, at most %d are allowed", (unsigned long long)said,
                TG_IO_MAX_HEADER);
    TG_IO_CHECK(file, said <= file->size - 8, TG_EIO,
                "the header has %llu bytes, but only %zu are left in the file",
                (unsigned long long)said, file->size - 8);
    *length = (size_t)said;
    return true;
}

/* -- One tensor -------------------------------------------------------------------------------- */

static bool read_type(const tg_io_file *file, const char *name, json_t *value, int *type)
{
    const char *text = json_string_value(value);
    TG_IO_CHECK(file, text, TG_EIO, "tensor %s: dtype is no text", tg_io_quote(name).chars);
    for (*type = 0; *type < TG_IO_TYPES; ++*type) {
        if (!strcmp(text, tg_io_element_of(*type)->safetensors))
            return true;
    }
    TG_IO_CHECK(file, false, TG_EDTYPE,
                "tensor %s: dtype %.16s; F16, BF16, F32, F64, BOOL and integers but U64 are read",
                tg_io_quote(name).chars, tg_io_quote(text).chars);
}

/* Reads n numbers that are integers and >= 0. */
static bool read_sizes(const tg_io_file *file, const char *name, const char *field, json_t *array,
                       size_t n, int64_t *sizes)
{
    for (size_t i = 0; i < n; i++) {
        json_t *number = json_array_get(array, i);
        TG_IO_CHECK(file, json_is_integer(number) && json_integer_value(number) >= 0, TG_EIO,
                    "tensor %s: %s[%zu] is no integer >= 0", tg_io_quote(name).chars, field, i);
        sizes[i] = json_integer_value(number);
    }
    return true;
}

static bool read_shape(const tg_io_file *file, const char *name, json_t *value, tg_io_array *array)
{
    size_t ndim = json_array_size(value);
    TG_IO_CHECK(file, json_is_array(value), TG_EIO, "tensor %s: shape is no array",
                tg_io_quote(name).chars);
    TG_IO_CHECK(file, ndim <= TG_MAX_NDIM, TG_ESHAPE, "tensor %s: %zu dims, at most %d are read",
                tg_io_quote(name).chars, ndim, TG_MAX_NDIM);
    array->ndim = (int)ndim;
    return read_sizes(file, name, "shape", value, ndim, array->dims);
}

static bool read_offsets(const tg_io_file *file, size_t data, const char *name, json_t *value,
                         tg_io_entry *entry)
{
    int64_t offsets[2], size = (int64_t)(file->size - data);
    TG_IO_CHECK(file, json_array_size(value) == 2, TG_EIO,
                "tensor %s: data_offsets is no array of two", tg_io_quote(name).chars);
    if (!read_sizes(file, name, "data_offsets", value, 2, offsets))
        return false;
    TG_IO_CHECK(file, offsets[0] <= offsets[1] && offsets[1] <= size, TG_EIO,
                "tensor %s: data_offsets %lld to %lld of %lld bytes", tg_io_quote(name).chars,
                (long long)offsets[0], (long long)offsets[1], (long long)size);
    entry->begin = data + (size_t)offsets[0];
    entry->end = data + (size_t)offsets[1];
    return true;
}

bool tg_io_read_entry(const tg_io_file *file, const tg_io_header *header, const char *name,
                      json_t *value, tg_io_entry *entry)
{
    /* An object of three members that has these three has no other. */
    json_t *dtype = json_object_get(value, "dtype"), *shape = json_object_get(value, "shape");
    json_t *offsets = json_object_get(value, "data_offsets");
    TG_IO_CHECK(file, json_object_size(value) == 3 && dtype && shape && offsets, TG_EIO,
                "tensor %s: not an object of dtype, shape and data_offsets",
                tg_io_quote(name).chars);
    if (!read_type(file, name, dtype, &entry->array.type) ||
        !read_shape(file, name, shape, &entry->array) ||
        !read_offsets(file, header->data, name, offsets, entry))
        return false;
    int64_t wanted = tg_io_array_bytes(&entry->array);
    TG_IO_CHECK(file, wanted >= 0, TG_EIO, "tensor %s: the product of the sizes overflows",
                tg_io_quote(name).chars);
    TG_IO_CHECK(file, (uint64_t)wanted == entry->end - entry->begin, TG_EIO,
                "tensor %s: %zu bytes of data, but its shape has %lld", tg_io_quote(name).chars,
                entry->end - entry->begin, (long long)wanted);
    return true;
}

/* -- All of the file --------------------------------------------------------------------------- */

static bool check_metadata(const tg_io_file *file, json_t *metadata)
{
    const char *key;
    json_t *value;
    TG_IO_CHECK(file, !metadata || json_is_object(metadata), TG_EIO,
                TG_IO_METADATA " is no object");
    json_object_foreach(metadata, key, value)
        TG_IO_CHECK(file, json_is_string(value), TG_EIO, TG_IO_METADATA ": %s is no text",
                    tg_io_quote(key).chars);
    return true;
}

typedef struct range {
    int64_t begin, end;
} range;

static int compare_ranges(const void *a, const void *b)
{
    const range *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* Whether the sorted ranges follow each other from the beginning of the data to the end. */
static bool check_cover(const tg_io_file *file, const tg_io_header *header, const range *ranges)
{
    int64_t at = (int64_t)header->data;
    for (size_t i = 0; i < header->count; i++) {
        TG_IO_CHECK(file, ranges[i].begin <= at, TG_EIO,
                    "bytes %lld to %lld of the file belong to no tensor", (long long)at,
                    (long long)ranges[i].begin);
        TG_IO_CHECK(file, ranges[i].begin == at, TG_EIO, "two tensors overlap at byte %lld",
                    (long long)ranges[i].begin);
        at = ranges[i].end;
    }
    TG_IO_CHECK(file, at == (int64_t)file->size, TG_EIO,
                "bytes %lld to %zu of the file belong to no tensor", (long long)at, file->size);
    return true;
}

/* Checks each entry, and collects their ranges. */
static bool check_entries(const tg_io_file *file, const tg_io_header *header, range *ranges)
{
    const char *name;
    json_t *value;
    json_object_foreach(header->root, name, value)
    {
        tg_io_entry entry;
        if (!strcmp(name, TG_IO_METADATA))
            continue;
        if (!tg_io_read_entry(file, header, name, value, &entry) ||
            !tg_io_check_data(file, &entry.array, entry.begin, entry.end - entry.begin))
            return false;
        *ranges++ = (range){(int64_t)entry.begin, (int64_t)entry.end};
    }
    return true;
}

static bool check_header(const tg_io_file *file, const tg_io_header *header)
{
    tg_mark mark = tg_tape_mark(file->tape);
    int64_t numbers = 2 * (int64_t)header->count;
    range *ranges = tg_data_mut(tg_zeros(file->tape, 1, &numbers, TG_I64));
    bool good = ranges && check_entries(file, header, ranges);
    if (good) {
        qsort(ranges, header->count, sizeof *ranges, compare_ranges);
        good = check_cover(file, header, ranges);
    }
    tg_tape_rewind(file->tape, mark);
    return good;
}

bool tg_io_read_header(const tg_io_file *file, tg_io_header *header)
{
    size_t length;
    if (!find_header(file, &length))
        return false;
    header->root = tg_io_parse_json(file, 8, (const char *)file->bytes + 8, length);
    if (!header->root)
        return false;
    json_t *metadata = json_object_get(header->root, TG_IO_METADATA);
    header->data = 8 + length;
    header->count = json_object_size(header->root) - (metadata != NULL);
    if (check_metadata(file, metadata) && check_header(file, header))
        return true;
    json_decref(header->root);
    return false;
}
