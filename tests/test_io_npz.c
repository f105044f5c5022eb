/* npz archives: numpy's read, ours read again, and what is no archive refused. tests/package's numpy reads
 * what io/write_all.c wrote. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include "io/kinds.h"
#include "io/npz.h"
#include "io/scratch.h"

#include <tinygrad/io.h>

static void assert_same(tg_tensor *a, tg_tensor *b)
{
    snapshot x = snapshot_of(a), y = snapshot_of(b);
    assert_true(x.dtype >= 0);
    assert_true(snapshot_same(&x, &y));
}

/* Whether what needs zlib can be shown here; else that it is refused. */
static bool deflates(void)
{
#ifdef TINYGRAD_ZLIB
    return true;
#else
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    tg_params_add(list, tg_zeros(tape, TG_DIMS(3), 0), "x");
    assert_null(tg_read_npz(tape, "io/golden/deflated.npz"));
    assert_error(tape, TG_EIO, "built without zlib");
    assert_int_equal(tg_save_npz(in_scratch("x"), list, &(tg_npz_opts){.compress = true}), TG_EIO);
    assert_error(tape, TG_EIO, "built without zlib");
    tg_tape_free(tape);
    return false;
#endif
}

static void of_numpy(const char *path)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *read = tg_read_npz(tape, path);
    assert_ok(tape);
    assert_int_equal(tg_params_count(read), 8);
    assert_string_equal(tg_params_name(read, 1), "layer/bias");
    assert_same(tg_params_find(read, "weight"), golden(tape, TG_F64, TG_DIMS(2, 3)));
    assert_same(tg_params_find(read, "layer/bias"), golden(tape, TG_F32, TG_DIMS(3)));
    assert_same(tg_params_find(read, "fortran"), golden(tape, TG_I64, TG_DIMS(2, 3, 4)));
    assert_same(tg_params_find(read, "nothing"), golden(tape, TG_F32, TG_DIMS(0, 5)));
    assert_same(tg_params_find(read, "scalar"), golden(tape, TG_BOOL, TG_SCALAR));
    assert_same(tg_params_find(read, "name with \"ü\""), golden(tape, TG_F32, TG_DIMS(2)));
    assert_int_equal(tg_i64(tg_params_find(read, "index"))[6], 23);
    assert_true(tg_item(tg_sum(tg_abs(tg_params_find(read, "large")))) == 0);
    assert_false(tg_requires_grad(tg_params_tensor(read, 0)));
    tg_tape_free(tape);
}

static void numpys(void **state)
{
    (void)state;
    of_numpy("io/golden/stored.npz");
    if (deflates())
        of_numpy("io/golden/deflated.npz");
}

static void round_trip(bool compress)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = all_kinds(tape);
    tg_params_add(params, tg_zeros(tape, TG_DIMS(300, 70), 0), "many of one");
    tg_params_add(params, tg_randn(tape, TG_DIMS(20000), TG_F64), "ü/dir");
    tg_mark before = tg_tape_mark(tape);
    const tg_npz_opts opts = {.compress = compress};
    assert_int_equal(tg_save_npz(in_scratch("a.npz"), params, &opts), TG_OK);
    assert_true(marks_equal(before, tg_tape_mark(tape)));
    tg_params *read = tg_read_npz(tape, in_scratch("a.npz"));
    assert_ok(tape);
    assert_int_equal(tg_params_count(read), tg_params_count(params));
    for (size_t i = 0; i < tg_params_count(params); i++) {
        tg_tensor *t = tg_params_tensor(params, i);
        assert_string_equal(tg_params_name(read, i), tg_params_name(params, i));
        assert_true(tensors_same(tg_params_tensor(read, i), tg_contiguous(t)));
    }
    tg_tape_free(tape);
}

static void round_trips(void **state)
{
    (void)state;
    round_trip(false);
    if (deflates())
        round_trip(true);
}

/* A file's bytes in memory of their own, so that a sanitizer sees what is read past them. */
static size_t bytes_of(const char *path, unsigned char bytes[8192])
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, 8192, file);
    fclose(file);
    assert_in_range(size, 1000, 8191);
    return size;
}

static tg_params *parse(tg_tape *tape, const unsigned char *bytes, size_t size)
{
    unsigned char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    tg_io_file file = {.tape = tape, .op = "read_npz", .path = "x", .bytes = copy, .size = size};
    tg_params *read = tg_io_parse_npz(&file);
    free(copy);
    assert_int_equal(!read, tg_error(tape) != TG_OK);
    return read;
}

/* Cut anywhere it is none. With one byte changed it is none, or the same: dates and the like are not
 * looked at, and names have no checksum. */
static void damaged(const char *path)
{
    unsigned char bytes[8192];
    size_t size = bytes_of(path, bytes), same = 0;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *good = parse(tape, bytes, size);
    assert_ok(tape);
    tg_mark mark = tg_tape_mark(tape);
    for (size_t i = 0; i < size; i++) {
        assert_null(parse(tape, bytes, i));
        assert_int_equal(tg_error(tape), TG_EIO);
        tg_clear_error(tape);
        bytes[i] ^= 0x40;
        tg_params *read = parse(tape, bytes, size);
        bytes[i] ^= 0x40;
        for (size_t k = 0; k < tg_params_count(read); k++)
            assert_true(tensors_same(tg_params_tensor(read, k), tg_params_tensor(good, k)));
        same += read != NULL;
        tg_clear_error(tape);
        tg_tape_rewind(tape, mark);
    }
    assert_in_range(same, 100, size - 200);
    tg_tape_free(tape);
}

static void damages(void **state)
{
    (void)state;
    damaged("io/golden/stored.npz");
    if (deflates())
        damaged("io/golden/deflated.npz");
}

static size_t find(const unsigned char *bytes, size_t from, const char *what)
{
    while (memcmp(bytes + from, what, 4) != 0)
        from++;
    return from;
}

/* A directory that sends to the end of a 32-bit address space, past which 30 more bytes begin anew. */
static void far_away(void **state)
{
    (void)state;
    unsigned char bytes[8192];
    size_t size = bytes_of("io/golden/stored.npz", bytes), at = find(bytes, 0, "PK\1\2");
    memcpy(bytes + at + 42, "\xf0\xff\xff\xff", 4);
    tg_tape *tape = tg_tape_new(NULL);
    assert_null(parse(tape, bytes, size));
    assert_error(tape, TG_EIO, "byte 4294967280: no member begins there");
    tg_tape_free(tape);
}

/* Entries of the directory may have an extra field and a comment, which are passed over. */
static void with_more(void **state)
{
    (void)state;
    enum { EXTRA = 7, COMMENT = 300 };
    unsigned char bytes[8192 + EXTRA + COMMENT];
    size_t size = bytes_of("io/golden/stored.npz", bytes), at = find(bytes, 0, "PK\1\2");
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *want = parse(tape, bytes, size);
    for (size_t comment = 0; comment < 2; comment++) {
        size_t length = comment ? COMMENT : EXTRA, name = bytes[at + 28];
        size_t behind = at + 46 + name + bytes[at + 30] + (size_t)(bytes[at + 31] << 8);
        memmove(bytes + behind + length, bytes + behind, size - behind);
        memset(bytes + behind, 'P', length);
        bytes[at + 30 + 2 * comment] = (unsigned char)length;
        bytes[at + 31 + 2 * comment] = (unsigned char)(length >> 8);
        size += length;
        size_t end = find(bytes, size - 22, "PK\5\6"); /* the directory's size */
        size_t directory = bytes[end + 12] + (size_t)(bytes[end + 13] << 8) + length;
        bytes[end + 12] = (unsigned char)directory;
        bytes[end + 13] = (unsigned char)(directory >> 8);
        tg_params *read = parse(tape, bytes, size);
        assert_ok(tape);
        assert_int_equal(tg_params_count(read), 8);
        for (size_t i = 0; i < 8; i++) {
            assert_string_equal(tg_params_name(read, i), tg_params_name(want, i));
            assert_true(tensors_same(tg_params_tensor(read, i), tg_params_tensor(want, i)));
        }
    }
    tg_tape_free(tape);
}

/* What is wrong with a member is said with its name. */
static void named(void **state)
{
    (void)state;
    unsigned char bytes[8192];
    size_t size = bytes_of("io/golden/stored.npz", bytes), at = find(bytes, 0, "\x93NUM");
    bytes[at + 9] ^= 1;
    tg_tape *tape = tg_tape_new(NULL);
    assert_null(parse(tape, bytes, size));
    assert_error(tape, TG_EIO, ": \"weight\": ");
    tg_tape_free(tape);
}

static void misuse(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    assert_int_equal(tg_save_npz(in_scratch("x"), NULL, NULL), TG_EVALUE);
    assert_null(tg_read_npz(tape, NULL));
    assert_error(tape, TG_EVALUE, "read_npz: the path is NULL");
    assert_null(tg_read_npz(tape, "io/golden/plain.safetensors"));
    assert_error(tape, TG_EIO, "no zip archive");
    tg_params *list = tg_params_new(tape);
    tg_mark mark = tg_tape_mark(tape);
    tg_params_add(list, tg_zeros(tape, TG_DIMS(2), 0), "x");
    assert_int_equal(tg_save_npz(NULL, list, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "save_npz: the path is NULL");
    tg_params *named = tg_params_new(tape);
    tg_params_add(named, tg_zeros(tape, TG_DIMS(2), 0), "%070000d", 1);
    assert_int_equal(tg_save_npz(in_scratch("x"), named, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "has 70000 bytes");
    tg_tape_rewind(tape, mark);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numpys),    cmocka_unit_test(round_trips),
                                       cmocka_unit_test(damages),   cmocka_unit_test(far_away),
                                       cmocka_unit_test(with_more), cmocka_unit_test(named),
                                       cmocka_unit_test(misuse)};
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
