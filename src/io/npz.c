/* NumPy's npz: an archive of npy files. Relies on zip.h and npy.h. */
#include "npz.h"

#include "npy.h"
#include "zip.h"

#include <stdio.h>
#include <string.h>

static const char extension[] = ".npy";

/* -- Reading ----------------------------------------------------------------------------------- */

/* The array's name, cut out of the member's. */
static bool check_name(const tg_io_file *file, const tg_io_member *m, int *length)
{
    const size_t end = sizeof extension - 1;
    bool named = m->name_length > end && !memcmp(m->name + m->name_length - end, extension, end) &&
                 !memchr(m->name, '\0', m->name_length);
    *length = named ? (int)(m->name_length - end) : 0;
    TG_IO_CHECK(file, named, TG_EIO, "a member that is not called NAME.npy");
    return true;
}

static bool read_member(const tg_io_zip *zip, const tg_io_member *m, tg_params *into)
{
    int length;
    if (!check_name(zip->file, m, &length))
        return false;
    char name[128]; /* as much as messages show, and more */
    snprintf(name, sizeof name, "%.*s", length, m->name);
    const tg_io_text quoted = tg_io_quote(name);
    tg_io_file npy = *zip->file;
    npy.member = quoted.chars;
    tg_tape *aside = tg_tape_new(NULL); /* for what is given back at once */
    const unsigned char *bytes = tg_io_zip_bytes(&(tg_io_zip){.file = &npy}, m, aside);
    tg_tensor *t = NULL;
    if (bytes) {
        npy.bytes = bytes;
        npy.size = m->size;
        t = tg_io_parse_npy(&npy, 0);
    }
    tg_tape_free(aside);
    return tg_params_add(into, t, "%.*s", length, m->name);
}

tg_params *tg_io_parse_npz(const tg_io_file *file)
{
    tg_mark mark = tg_tape_mark(file->tape);
    tg_params *into = tg_params_new(file->tape);
    tg_io_zip zip;
    tg_io_member member;
    bool good = tg_io_zip_open(&zip, file);
    while (good && zip.left)
        good = tg_io_zip_next(&zip, &member) && read_member(&zip, &member, into);
    if (!tg_error(file->tape))
        return into;
    tg_tape_rewind(file->tape, mark);
    return NULL;
}

tg_params *tg_read_npz(tg_tape *tape, const char *path)
{
    tg_io_file file = {.tape = tape, .op = "read_npz", .path = path};
    tg_params *params = NULL;
    if (tg_io_begin(&file) && tg_io_map(&file)) {
        params = tg_io_parse_npz(&file);
        tg_io_unmap(&file);
    }
    tg_io_end(&file);
    return params;
}

/* -- Writing ----------------------------------------------------------------------------------- */

static bool check_list(const tg_io_file *file, const tg_params *params, const tg_npz_opts *opts)
{
    TG_IO_CHECK(file, !opts || !opts->compress || tg_io_zip_deflates(), TG_EIO,
                "nothing can be compressed: tinygrad-io was built without zlib");
    TG_IO_CHECK(file, tg_params_count(params) < UINT16_MAX, TG_EVALUE,
                "%zu tensors, at most 65534 fit", tg_params_count(params));
    for (size_t i = 0; i < tg_params_count(params); i++) {
        const char *name = tg_params_name(params, i);
        TG_IO_CHECK(file, strlen(name) + sizeof extension <= UINT16_MAX, TG_EVALUE,
                    "name %s has %zu bytes", tg_io_quote(name).chars, strlen(name));
    }
    return tg_io_check_tensors(file, params);
}

static void put_all(tg_io_writer *w, const tg_params *params, bool deflate)
{
    tg_tape *tape = w->file.tape;
    tg_mark mark = tg_tape_mark(tape);
    tg_io_zipper *z = tg_io_zip_create(w, tg_params_count(params), deflate);
    for (size_t i = 0; z && i < tg_params_count(params); i++) {
        tg_io_zip_begin(z, tg_params_name(params, i), extension);
        tg_io_put_npy(w, tg_params_tensor(params, i));
        tg_io_zip_finish(z);
    }
    if (z)
        tg_io_zip_close(z);
    tg_tape_rewind(tape, mark);
}

tg_status tg_save_npz(const char *path, const tg_params *params, const tg_npz_opts *opts)
{
    tg_tape *tape = tg_io_tape_of(params);
    if (!tape)
        return TG_EVALUE;
    tg_io_file file = {.tape = tape, .op = "save_npz", .path = path};
    tg_io_writer w;
    if (tg_io_begin(&file) && tg_io_check_path(&file) && check_list(&file, params, opts) &&
        tg_io_create(&w, &file)) {
        put_all(&w, params, opts && opts->compress);
        tg_io_commit(&w);
    }
    return tg_io_end(&file);
}
