/* Archives in the zip format, as far as numpy's npz goes: members stored or deflated, no encryption, below
 * 4 GiB (no ZIP64), in one piece. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT describes
 * it. Relies on file.h, and on zlib where that is there (TINYGRAD_ZLIB); without it nothing deflated is
 * read or written. */
#ifndef TG_IO_ZIP_H
#define TG_IO_ZIP_H

#include "file.h"

#ifdef TINYGRAD_ZLIB
#include <zlib.h>
#endif

/* A member of an archive that is read. */
typedef struct tg_io_member {
    const char *name; /* not ended by a NUL */
    size_t name_length;
    const unsigned char *data; /* as it lies in the file, `packed` bytes */
    size_t packed, size;
    uint32_t crc;
    bool deflated;
} tg_io_member;

/* The archive's directory. */
typedef struct tg_io_zip {
    const tg_io_file *file;
    size_t at, end; /* the entries that are still to come */
    unsigned left;
} tg_io_zip;

/* Finds the directory; then gives member after member, until `left` is 0. false: the error is set. */
bool tg_io_zip_open(tg_io_zip *zip, const tg_io_file *file);
bool tg_io_zip_next(tg_io_zip *zip, tg_io_member *member);
/* The member's bytes, checked; deflated ones in memory of the tape `aside`. NULL: the error is set. */
const unsigned char *tg_io_zip_bytes(const tg_io_zip *zip, const tg_io_member *member,
                                     tg_tape *aside);

/* A member that was written. */
typedef struct tg_io_written {
    const char *name, *extension;
    uint64_t at, packed, size;
    uint32_t crc;
} tg_io_written;

/* An archive that is written. What is put between begin and finish is the member. */
typedef struct tg_io_zipper {
    tg_io_writer *w;
    bool deflate;
    size_t n;
    uint64_t written;       /* of the whole file */
    tg_io_written *entries; /* the last one is under way */
#ifdef TINYGRAD_ZLIB
    z_stream stream;
#endif
} tg_io_zipper;
/* Memory for it comes from the tape. NULL: the error is set. */
tg_io_zipper *tg_io_zip_create(tg_io_writer *w, size_t members, bool deflate);
void tg_io_zip_begin(tg_io_zipper *z, const char *name, const char *extension);
void tg_io_zip_finish(tg_io_zipper *z);
/* The directory, after the last member. */
void tg_io_zip_close(tg_io_zipper *z);

/* Whether there is zlib. */
bool tg_io_zip_deflates(void);

#endif
