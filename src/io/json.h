/* jansson, kept from what it does badly: texts nested so deeply that it overflows the stack, and
 * memory that is out without a word. All of that is here, and nowhere else. */
#ifndef TG_IO_JSON_H
#define TG_IO_JSON_H

#include "file.h"

#include <jansson.h>

enum { TG_IO_MAX_DEPTH = 8 }; /* of objects and arrays; safetensors has 3 */

/* The object that a file's text is; NULL with EIO where it is none, or ENOMEM. `at`: where in the
 * file the text begins, for messages. */
json_t *tg_io_parse_json(const tg_io_file *file, size_t at, const char *text, size_t length);
/* A text; NULL with EVALUE where it is not UTF-8, or ENOMEM. */
json_t *tg_io_json_text(const tg_io_file *file, const char *text);
/* Adds a member that must be new (else EVALUE), and takes `value` over; NULL is ENOMEM. */
bool tg_io_json_add(const tg_io_file *file, json_t *object, const char *name, json_t *value);
/* For what jansson does report. Returns false. */
bool tg_io_fail_memory(const tg_io_file *file);

#endif
