/* Tensors to and from safetensors files: 8 bytes of the header's length, the header in JSON, the
 * data. https://huggingface.co/docs/safetensors describes the format. Relies on header.c, which
 * checks a file, and on json.h. */
#include "safetensors.h"

#include <string.h>

/* -- Reading ----------------------------------------------------------------------------------- */

static tg_tensor *add_entry(const tg_io_file *file, const char *name, const tg_io_entry *entry,
                            tg_params *into)
{
    const tg_io_array *array = &entry->array;
    int dtype = tg_io_element_of(array->type)->dtype;
    tg_tensor *t = tg_zeros(file->tape, array->ndim, array->dims, dtype);
    void *data = tg_data_mut(t);
    if (!data)
        return NULL;
    tg_io_widen(array->type, file->bytes + entry->begin, tg_numel(t), data);
    return tg_params_add(into, t, "%s", name);
}

static tg_params *make_tensors(const tg_io_file *file, const tg_io_header *header)
{
    tg_mark mark = tg_tape_mark(file->tape);
    tg_params *into = tg_params_new(file->tape);
    const char *name;
    json_t *value;
    json_object_foreach(header->root, name, value)
    {
        tg_io_entry entry;
        if (!strcmp(name, TG_IO_METADATA))
            continue;
        tg_io_read_entry(file, header, name, value, &entry); /* the header was checked */
        if (!add_entry(file, name, &entry, into))
            break;
    }
    if (!tg_error(file->tape))
        return into;
    tg_tape_rewind(file->tape, mark);
    return NULL;
}

tg_params *tg_io_parse_safetensors(const tg_io_file *file)
{
    tg_io_header header;
    if (!tg_io_read_header(file, &header))
        return NULL;
    tg_params *params = make_tensors(file, &header);
    json_decref(header.root);
    return params;
}

tg_params *tg_read_safetensors(tg_tape *tape, const char *path)
{
    tg_io_file file = {.tape = tape, .op = "read_safetensors", .path = path};
    tg_params *params = NULL;
    if (tg_io_begin(&file) && tg_io_map(&file)) {
        params = tg_io_parse_safetensors(&file);
        tg_io_unmap(&file);
    }
    tg_io_end(&file);
    return params;
}

/* The entry of a name, if it suits the tensor. */
static bool match_entry(const tg_io_file *file, const tg_io_header *header, const char *name,
                        const tg_tensor *t, tg_io_entry *entry)
{
    json_t *value = json_object_get(header->root, name);
    TG_IO_CHECK(file, value && strcmp(name, TG_IO_METADATA) != 0, TG_EVALUE,
                "the file has no tensor %s", tg_io_quote(name).chars);
    tg_io_read_entry(file, header, name, value, entry); /* the header was checked */
    const tg_io_array *array = &entry->array;
    const tg_io_element *element = tg_io_element_of(array->type);
    TG_IO_CHECK(file, element->dtype == tg_dtype(t), TG_EDTYPE,
                "tensor %s: the file holds %s, the program's tensor %s", tg_io_quote(name).chars,
                element->safetensors, tg_io_element_of(tg_dtype(t))->safetensors);
    bool same = array->ndim == tg_ndim(t);
    for (int i = 0; same && i < array->ndim; i++)
        same = array->dims[i] == tg_size(t, i);
    TG_IO_CHECK(file, same, TG_ESHAPE, "tensor %s: the file holds %s, the program's tensor %s",
                tg_io_quote(name).chars, tg_io_shape(array->ndim, array->dims).chars,
                tg_io_shape(tg_ndim(t), tg_sizes(t)).chars);
    TG_IO_CHECK(file, tg_is_contiguous(t), TG_ESTATE,
                "tensor %s: the program's tensor is not contiguous", tg_io_quote(name).chars);
    return true;
}

/* Reports a tensor of the file, which has more than the list. */
static bool refuse_more(const tg_io_file *file, const tg_io_header *header, const tg_params *params)
{
    const char *name;
    json_t *value;
    json_object_foreach(header->root, name, value) TG_IO_CHECK(
        file, !strcmp(name, TG_IO_METADATA) || tg_params_find(params, name), TG_EVALUE,
        "the file has a tensor %s, which the program has no place for", tg_io_quote(name).chars);
    return false;
}

static bool match_all(const tg_io_file *file, const tg_io_header *header, const tg_params *params,
                      bool partial, tg_io_check *check)
{
    tg_io_entry entry;
    for (size_t i = 0; i < tg_params_count(params); i++) {
        const char *name = tg_params_name(params, i);
        if (!match_entry(file, header, name, tg_params_tensor(params, i), &entry) ||
            (check && !check(file, name, &entry)))
            return false;
    }
    /* Names are distinct on both sides: all of the list's and as many are all of the file's. */
    if (partial || header->count == tg_params_count(params))
        return true;
    return refuse_more(file, header, params);
}

/* Everything was checked: nothing can fail here. */
static void copy_all(const tg_io_file *file, const tg_io_header *header, const tg_params *params)
{
    for (size_t i = 0; i < tg_params_count(params); i++) {
        tg_io_entry entry;
        const char *name = tg_params_name(params, i);
        tg_io_read_entry(file, header, name, json_object_get(header->root, name), &entry);
        tg_tensor *t = tg_params_tensor(params, i);
        tg_io_widen(entry.array.type, file->bytes + entry.begin, tg_numel(t), tg_data_mut(t));
    }
}

bool tg_io_fill(const tg_io_file *file, const tg_params *params, const tg_load_opts *opts,
                tg_io_check *check)
{
    tg_io_header header;
    if (!tg_io_check_tensors(file, params) || !tg_io_read_header(file, &header))
        return false;
    bool good = match_all(file, &header, params, opts && opts->partial, check);
    if (good)
        copy_all(file, &header, params);
    json_decref(header.root);
    return good;
}

tg_status tg_load_safetensors(const char *path, const tg_params *params, const tg_load_opts *opts)
{
    tg_tape *tape = tg_io_tape_of(params);
    if (!tape)
        return TG_EVALUE;
    tg_io_file file = {.tape = tape, .op = "load_safetensors", .path = path};
    if (tg_io_begin(&file) && tg_io_map(&file)) {
        tg_io_fill(&file, params, opts, NULL);
        tg_io_unmap(&file);
    }
    return tg_io_end(&file);
}

int64_t tg_io_find_metadata(const tg_io_file *file, const char *key, char *value, size_t size)
{
    tg_io_header header;
    if (!tg_io_read_header(file, &header))
        return -1;
    json_t *text = json_object_get(json_object_get(header.root, TG_IO_METADATA), key);
    int64_t length = text ? (int64_t)json_string_length(text) : -1;
    if (text && size)
        snprintf(value, size, "%s", json_string_value(text));
    json_decref(header.root);
    return length;
}

int64_t tg_read_metadata(tg_tape *tape, const char *path, const char *key, char *value, size_t size)
{
    tg_io_file file = {.tape = tape, .op = "read_metadata", .path = path};
    int64_t length = -1;
    if (!key || (!value && size)) {
        tg_fail(tape, TG_EVALUE, "read_metadata: the key or the place for its value is NULL");
        return -1;
    }
    if (tg_io_begin(&file) && tg_io_map(&file)) {
        length = tg_io_find_metadata(&file, key, value, size);
        tg_io_unmap(&file);
    }
    tg_io_end(&file);
    return length;
}

/* -- Writing ----------------------------------------------------------------------------------- */

static bool add_metadata(const tg_io_file *file, json_t *root, const tg_save_opts *opts)
{
    TG_IO_CHECK(file, opts->metadata, TG_EVALUE, "the list of %zu metadata is NULL",
                opts->n_metadata);
    json_t *metadata = json_object();
    if (!tg_io_json_add(file, root, TG_IO_METADATA, metadata))
        return false;
    for (size_t i = 0; i < opts->n_metadata; i++) {
        const tg_metadata *pair = &opts->metadata[i];
        TG_IO_CHECK(file, pair->key && pair->value, TG_EVALUE, "metadata %zu: a text is NULL", i);
        json_t *value = tg_io_json_text(file, pair->value);
        if (!value || !tg_io_json_add(file, metadata, pair->key, value))
            return false;
    }
    return true;
}

static json_t *shape_of(const tg_tensor *t)
{
    json_t *shape = json_array();
    for (int i = 0; i < tg_ndim(t); i++) {
        if (json_array_append_new(shape, json_integer(tg_size(t, i)))) {
            json_decref(shape);
            return NULL;
        }
    }
    return shape;
}

/* Walks the list in the order of the file. */
typedef struct walk {
    const tg_params *params;
    tg_file_floats floats;
    size_t size, next; /* of elements; the index in the list */
    /* Where it stands. */
    const char *name;
    tg_tensor *t;
    int type; /* that it is written as */
} walk;

static int written_as(const tg_tensor *t, tg_file_floats floats)
{
    bool real = tg_dtype(t) == TG_F32 || tg_dtype(t) == TG_F64;
    return !real || !floats ? tg_dtype(t) : floats == TG_FILE_F16 ? TG_IO_F16 : TG_IO_BF16;
}

/* Whether there is another one. */
static bool walk_on(walk *w)
{
    for (; w->size > 0; w->size /= 2, w->next = 0) {
        while ((w->t = tg_params_tensor(w->params, w->next))) {
            w->name = tg_params_name(w->params, w->next++);
            w->type = written_as(w->t, w->floats);
            if (tg_io_element_of(w->type)->size == w->size)
                return true;
        }
    }
    return false;
}

static walk walk_from(const tg_params *params, const tg_save_opts *opts)
{
    return (walk){
        .params = params, .floats = opts ? opts->floats : TG_FILE_FULL, .size = sizeof(double)};
}

static bool add_tensor(const tg_io_file *file, json_t *root, const walk *w, json_int_t *offset)
{
    const tg_io_element *element = tg_io_element_of(w->type);
    TG_IO_CHECK(file, strcmp(w->name, TG_IO_METADATA) != 0, TG_EVALUE,
                "no tensor can have the name " TG_IO_METADATA);
    json_int_t end = *offset + (json_int_t)tg_numel(w->t) * (json_int_t)element->size;
    json_t *value = json_pack("{s:s, s:o, s:[I, I]}", "dtype", element->safetensors, "shape",
                              shape_of(w->t), "data_offsets", *offset, end);
    *offset = end;
    return tg_io_json_add(file, root, w->name, value);
}

static bool fill_header(const tg_io_file *file, json_t *root, const tg_params *params,
                        const tg_save_opts *opts)
{
    if (opts && opts->n_metadata && !add_metadata(file, root, opts))
        return false;
    json_int_t offset = 0;
    for (walk w = walk_from(params, opts); walk_on(&w);) {
        if (!add_tensor(file, root, &w, &offset))
            return false;
    }
    return true;
}

static int put_json(const char *text, size_t size, void *writer)
{
    tg_io_put(writer, text, size);
    return 0;
}

/* The length, the header, and spaces up to a multiple of 8. */
static bool put_header(tg_io_writer *w, const json_t *root)
{
    size_t size = json_dumpb(root, NULL, 0, JSON_COMPACT);
    uint64_t length = (size + 7) / 8 * 8;
    if (!size)
        return tg_io_fail_memory(&w->file);
    TG_IO_CHECK(&w->file, length <= TG_IO_MAX_HEADER, TG_EVALUE,
                "the header has %llu bytes, at most %d are allowed", (unsigned long long)length,
                TG_IO_MAX_HEADER);
    uint64_t written = length;
    tg_io_turn(&written, 1, sizeof written);
    tg_io_put(w, &written, sizeof written);
    if (json_dump_callback(root, put_json, w, JSON_COMPACT))
        return tg_io_fail_memory(&w->file);
    tg_io_put(w, "       ", (size_t)length - size);
    return true;
}

static void put_file(tg_io_writer *w, const json_t *root, walk order)
{
    if (!put_header(w, root))
        return;
    while (walk_on(&order))
        tg_io_put_tensor(w, order.t, order.type);
}

static bool check_floats(const tg_io_file *file, const tg_save_opts *opts)
{
    TG_IO_CHECK(file, !opts || (unsigned)opts->floats <= TG_FILE_BF16, TG_EVALUE,
                "floats %d is no tg_file_floats", (int)opts->floats);
    return true;
}

void tg_io_save(const tg_io_file *file, const tg_params *params, const tg_save_opts *opts)
{
    if (!tg_io_check_tensors(file, params) || !check_floats(file, opts))
        return;
    tg_io_writer w;
    json_t *root = json_object();
    if (!root) {
        tg_io_fail_memory(file);
    } else if (fill_header(file, root, params, opts) && tg_io_create(&w, file)) {
        put_file(&w, root, walk_from(params, opts));
        tg_io_commit(&w);
    }
    json_decref(root);
}

tg_status tg_save_safetensors(const char *path, const tg_params *params, const tg_save_opts *opts)
{
    tg_tape *tape = tg_io_tape_of(params);
    if (!tape)
        return TG_EVALUE;
    tg_io_file file = {.tape = tape, .op = "save_safetensors", .path = path};
    if (tg_io_begin(&file) && tg_io_check_path(&file))
        tg_io_save(&file, params, opts);
    return tg_io_end(&file);
}
