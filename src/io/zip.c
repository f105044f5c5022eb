/* Reading and writing archives, see zip.h. A member's sizes are known when it has been written, and stand
 * behind it; readers go by the directory at the end. */
#include "zip.h"

#include <string.h>

enum { LOCAL = 0x04034b50, BEHIND = 0x08074b50, ENTRY = 0x02014b50, END = 0x06054b50 };
enum { LOCAL_SIZE = 30, ENTRY_SIZE = 46, END_SIZE = 22, MAX_COMMENT = 65535 };
enum { STORED = 0, DEFLATED = 8, SIZES_BEHIND = 8, UTF8 = 0x800, VERSION = 20, DAY = 33 };

bool tg_io_zip_deflates(void)
{
#ifdef TINYGRAD_ZLIB
    return true;
#else
    return false;
#endif
}

/* The format's checksum, of what came before and of these. */
static uint32_t checksum(uint32_t crc, const unsigned char *bytes, size_t size)
{
#ifdef TINYGRAD_ZLIB
    return (uint32_t)crc32_z(crc, bytes, size);
#else
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
#endif
}

/* -- Reading ----------------------------------------------------------------------------------- */

static uint32_t read16(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t read32(const unsigned char *at)
{
    return read16(at) | read16(at + 2) << 16;
}

/* The last record that says where the directory is; a comment may stand behind it. */
static const unsigned char *find_end(const tg_io_file *file)
{
    const unsigned char *bytes = file->bytes;
    for (size_t behind = 0; behind <= MAX_COMMENT && behind + END_SIZE <= file->size; behind++) {
        const unsigned char *at = bytes + file->size - END_SIZE - behind;
        if (read32(at) == END && read16(at + 20) == behind)
            return at;
    }
    return NULL;
}

bool tg_io_zip_open(tg_io_zip *zip, const tg_io_file *file)
{
    const unsigned char *end = find_end(file);
    TG_IO_CHECK(file, end, TG_EIO, "no zip archive: it has no directory");
    size_t size = read32(end + 12), at = read32(end + 16), behind = (size_t)(end - file->bytes);
    TG_IO_CHECK(file, read16(end + 8) == read16(end + 10) && at != UINT32_MAX, TG_EIO,
                "an archive in several parts, or of more than 4 GiB");
    TG_IO_CHECK(file, at <= behind && size <= behind - at, TG_EIO,
                "the directory at byte %zu, of %zu bytes, does not end before byte %zu", at, size,
                behind);
    *zip = (tg_io_zip){file, at, at + size, read16(end + 10)};
    return true;
}

/* Where the member's data begin, by the header before them. */
static bool find_data(const tg_io_file *file, size_t local, size_t limit, tg_io_member *m)
{
    bool inside =
        local <= limit && LOCAL_SIZE <= limit - local; /* of size_t's 32 bits all may be set */
    const unsigned char *at = inside ? file->bytes + local : NULL;
    TG_IO_CHECK(file, at && read32(at) == LOCAL, TG_EIO, "byte %zu: no member begins there", local);
    size_t begin = local + LOCAL_SIZE + read16(at + 26) + read16(at + 28);
    TG_IO_CHECK(file, begin <= limit && m->packed <= limit - begin, TG_EIO,
                "byte %zu: a member that goes beyond byte %zu", local, limit);
    m->data = file->bytes + begin;
    return true;
}

bool tg_io_zip_next(tg_io_zip *zip, tg_io_member *m)
{
    const tg_io_file *file = zip->file;
    const unsigned char *at = file->bytes + zip->at;
    TG_IO_CHECK(file, zip->end - zip->at >= ENTRY_SIZE && read32(at) == ENTRY, TG_EIO,
                "byte %zu: an entry of the directory expected", zip->at);
    size_t name = read16(at + 28), length = ENTRY_SIZE + name + read16(at + 30) + read16(at + 32);
    TG_IO_CHECK(file, length <= zip->end - zip->at, TG_EIO,
                "byte %zu: the entry goes beyond the directory", zip->at);
    *m = (tg_io_member){.name = (const char *)at + ENTRY_SIZE,
                        .name_length = name,
                        .packed = read32(at + 20),
                        .size = read32(at + 24),
                        .crc = read32(at + 16),
                        .deflated = read16(at + 10) == DEFLATED};
    TG_IO_CHECK(file, m->packed != UINT32_MAX && m->size != UINT32_MAX, TG_EIO,
                "byte %zu: a member of 4 GiB and more", zip->at);
    TG_IO_CHECK(file, !(read16(at + 8) & 1), TG_EIO, "byte %zu: an encrypted member", zip->at);
    TG_IO_CHECK(file, m->deflated || read16(at + 10) == STORED, TG_EIO,
                "byte %zu: compression %d; stored and deflated members are read", zip->at,
                (int)read16(at + 10));
    TG_IO_CHECK(file, m->deflated || m->packed == m->size, TG_EIO,
                "byte %zu: a stored member of %zu bytes in %zu", zip->at, m->size, m->packed);
    if (!find_data(file, read32(at + 42), file->size, m))
        return false;
    zip->at += length;
    zip->left--;
    return true;
}

#ifdef TINYGRAD_ZLIB
static const unsigned char *inflated(const tg_io_file *file, const tg_io_member *m, tg_tape *aside)
{
    /* No byte of deflate makes more than 1,032. */
    TG_IO_CHECK(file, m->size / 1032 <= m->packed, TG_EIO, "%zu bytes cannot come of %zu", m->size,
                m->packed);
    unsigned char *out = tg_data_mut(tg_zeros(aside, TG_DIMS((int64_t)m->size + 1), TG_BOOL));
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)m->data, .avail_in = (uInt)m->packed};
    TG_IO_CHECK(file, out && inflateInit2(&z, -MAX_WBITS) == Z_OK, TG_ENOMEM, "out of memory");
    z.next_out = out;
    z.avail_out = (uInt)m->size + 1; /* one more, to see that there is not */
    int result = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    TG_IO_CHECK(file, result == Z_STREAM_END && z.total_out == m->size, TG_EIO,
                "a member that does not inflate to %zu bytes", m->size);
    return out;
}
#else
static const unsigned char *inflated(const tg_io_file *file, const tg_io_member *m, tg_tape *aside)
{
    (void)m;
    (void)aside;
    TG_IO_CHECK(file, false, TG_EIO, "a deflated member; tinygrad-io was built without zlib");
}
#endif

const unsigned char *tg_io_zip_bytes(const tg_io_zip *zip, const tg_io_member *m, tg_tape *aside)
{
    const unsigned char *bytes = m->deflated ? inflated(zip->file, m, aside) : m->data;
    if (!bytes)
        return NULL;
    TG_IO_CHECK(zip->file, checksum(0, bytes, m->size) == m->crc, TG_EIO,
                "a member that is not what was written: another checksum");
    return bytes;
}

/* -- Writing ----------------------------------------------------------------------------------- */

static void put_raw(tg_io_zipper *z, const void *bytes, size_t size)
{
    z->w->filter = NULL;
    tg_io_put(z->w, bytes, size);
    z->written += size;
}

static void put(tg_io_zipper *z, uint64_t value, int bytes)
{
    unsigned char out[8];
    for (int i = 0; i < bytes; i++)
        out[i] = (unsigned char)(value >> 8 * i);
    put_raw(z, out, (size_t)bytes);
}

static void put_name(tg_io_zipper *z, const tg_io_written *e)
{
    put_raw(z, e->name, strlen(e->name));
    put_raw(z, e->extension, strlen(e->extension));
}

/* What header and directory say alike. Names are in UTF-8; the day is the format's first. */
static void put_facts(tg_io_zipper *z, const tg_io_written *e)
{
    bool plain = true;
    for (const char *c = e->name; *c; c++)
        plain = plain && *c > 0;
    put(z, SIZES_BEHIND | (plain ? 0 : UTF8), 2);
    put(z, z->deflate ? DEFLATED : STORED, 2);
    put(z, 0, 2);
    put(z, DAY, 2);
    put(z, e->crc, 4);
    put(z, e->packed, 4);
    put(z, e->size, 4);
    put(z, strlen(e->name) + strlen(e->extension), 2);
    put(z, 0, 2);
}

tg_io_zipper *tg_io_zip_create(tg_io_writer *w, size_t members, bool deflate)
{
    const size_t size = sizeof(tg_io_zipper) + members * sizeof(tg_io_written);
    tg_io_zipper *z = tg_data_mut(tg_zeros(w->file.tape, TG_DIMS((int64_t)(size / 8 + 1)), TG_I64));
    if (!z)
        return NULL;
    *z = (tg_io_zipper){.w = w, .deflate = deflate, .entries = (tg_io_written *)(void *)(z + 1)};
#ifdef TINYGRAD_ZLIB
    if (deflate && deflateInit2(&z->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8,
                                Z_DEFAULT_STRATEGY) != Z_OK) {
        tg_io_fail(&w->file, TG_ENOMEM, "out of memory");
        return NULL;
    }
#endif
    return z;
}

#ifdef TINYGRAD_ZLIB
/* Until all of it is taken, or with Z_FINISH until all has come out. */
static void deflate_on(tg_io_zipper *z, const void *bytes, size_t size, int how)
{
    unsigned char out[2048];
    z->stream.next_in = (unsigned char *)(uintptr_t)bytes;
    z->stream.avail_in = (uInt)size;
    do {
        z->stream.next_out = out;
        z->stream.avail_out = sizeof out;
        deflate(&z->stream, how);
        put_raw(z, out, sizeof out - z->stream.avail_out);
    } while (!z->stream.avail_out);
}
#endif

static void put_part(tg_io_zipper *z, const void *bytes, size_t size)
{
#ifdef TINYGRAD_ZLIB
    if (z->deflate) {
        deflate_on(z, bytes, size, Z_NO_FLUSH);
        return;
    }
#endif
    put_raw(z, bytes, size);
}

/* What is put while a member is under way. zlib counts by 32 bits. */
static void put_content(tg_io_writer *w, const void *bytes, size_t size)
{
    tg_io_zipper *z = w->filter_context;
    tg_io_written *e = &z->entries[z->n];
    e->crc = checksum(e->crc, bytes, size);
    e->size += size;
    const char *at = bytes;
    for (size_t part; size > 0 && !tg_error(w->file.tape); size -= part, at += part) {
        part = size < (size_t)1 << 30 ? size : (size_t)1 << 30;
        put_part(z, at, part);
    }
    w->filter = put_content;
}

void tg_io_zip_begin(tg_io_zipper *z, const char *name, const char *extension)
{
    z->entries[z->n] = (tg_io_written){.name = name, .extension = extension, .at = z->written};
    put(z, LOCAL, 4);
    put(z, VERSION, 2);
    put_facts(z, &z->entries[z->n]);
    put_name(z, &z->entries[z->n]);
    z->entries[z->n].packed = z->written;
    z->w->filter = put_content;
    z->w->filter_context = z;
}

/* Whether the format's 32 bits hold all numbers. */
static void check_size(const tg_io_zipper *z, const tg_io_written *e)
{
    if (z->written >= UINT32_MAX || e->size >= UINT32_MAX)
        tg_io_fail(&z->w->file, TG_EVALUE, "an npz of more than 4 GiB");
}

void tg_io_zip_finish(tg_io_zipper *z)
{
    tg_io_written *e = &z->entries[z->n++];
#ifdef TINYGRAD_ZLIB
    if (z->deflate) {
        deflate_on(z, NULL, 0, Z_FINISH);
        deflateReset(&z->stream);
    }
#endif
    e->packed = z->written - e->packed;
    check_size(z, e);
    put(z, BEHIND, 4);
    put(z, e->crc, 4);
    put(z, e->packed, 4);
    put(z, e->size, 4);
}

void tg_io_zip_close(tg_io_zipper *z)
{
    const uint64_t at = z->written;
    for (size_t i = 0; i < z->n; i++) {
        const tg_io_written *e = &z->entries[i];
        put(z, ENTRY, 4);
        put(z, VERSION, 2);
        put(z, VERSION, 2);
        put_facts(z, e);
        put(z, 0, 4); /* no comment, first part, */
        put(z, 0, 6); /* nothing of a system's */
        put(z, e->at, 4);
        put_name(z, e);
    }
    const uint64_t size = z->written - at;
    put(z, END, 4);
    put(z, 0, 4);
    put(z, z->n, 2);
    put(z, z->n, 2);
    put(z, size, 4);
    put(z, at, 4);
    put(z, 0, 2);
#ifdef TINYGRAD_ZLIB
    if (z->deflate)
        deflateEnd(&z->stream);
#endif
}
