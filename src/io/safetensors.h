/* The safetensors format over memory, apart from files so that it can be tested with any bytes.
 * Relies on json.h. */
#ifndef TG_IO_SAFETENSORS_H
#define TG_IO_SAFETENSORS_H

#include "json.h"

#define TG_IO_METADATA "__metadata__" /* the name in the header that is no tensor's */

enum { TG_IO_MAX_HEADER = 100000000 };

/* A file that was checked throughout. */
typedef struct tg_io_header {
    json_t *root; /* an object, to be released by the caller */
    size_t data;  /* where the data begin in the file */
    size_t count; /* of tensors */
} tg_io_header;

/* A tensor in it. */
typedef struct tg_io_entry {
    tg_io_array array;
    size_t begin, end; /* in the file */
} tg_io_entry;

/* Checks everything that the format asks for. */
bool tg_io_read_header(const tg_io_file *file, tg_io_header *header);
/* Reads and checks a member of the header. */
bool tg_io_read_entry(const tg_io_file *file, const tg_io_header *header, const char *name,
                      json_t *value, tg_io_entry *entry);

/* Whether values can be taken, or the error is set; the entry suits the program's tensor. */
typedef bool tg_io_check(const tg_io_file *file, const char *name, const tg_io_entry *entry);

/* As tg_read_safetensors(), tg_load_safetensors() and tg_read_metadata(), from file->bytes. `check`
 * may be NULL; it is asked about each tensor of the list before the first one changes. */
tg_params *tg_io_parse_safetensors(const tg_io_file *file);
bool tg_io_fill(const tg_io_file *file, const tg_params *params, const tg_load_opts *opts,
                tg_io_check *check);
int64_t tg_io_find_metadata(const tg_io_file *file, const char *key, char *value, size_t size);

/* As tg_save_safetensors(), to file->path. */
void tg_io_save(const tg_io_file *file, const tg_params *params, const tg_save_opts *opts);

#endif
