/* Files at the edge of what is read and written, which the measure of branches (coverage.sh) found untried: headers that
 * end early, archives of other kinds, a write of one byte, names that are too long. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include "io/file.h"
#include "io/npz.h"
#include "io/scratch.h"
#include "support.h"

#include <tinygrad/io.h>

#include <errno.h>

static void write_file(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(in_scratch(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A safetensors file of that header, which has so many bytes, and data. */
static const char *safetensors_of(const char *header, size_t length, size_t data)
{
    unsigned char bytes[1024] = {0};
    bytes[0] = (unsigned char)length;
    bytes[1] = (unsigned char)(length >> 8);
    memcpy(bytes + 8, header, length);
    write_file("s", bytes, 8 + length + data);
    return in_scratch("s");
}

static const char *safetensors(const char *header, size_t data)
{
    return safetensors_of(header, strlen(header), data);
}

static void headers(void **state)
{
    (void)state;
    static const struct {
        const char *header, *part;
    } bad[] = {
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", "not an object of dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4],\"x\":1}}", "not an object of dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"x\":1}}", "not an object of dtype"},
        {"{\"a\":\"\\", "is not JSON"},
        {"{", "is not JSON"},
        {"{ \t\n", "is not JSON"},
        {"{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
         "belong to no tensor"}};
    tg_tape *tape = tg_tape_new(NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(tg_read_safetensors(tape, safetensors(bad[i].header, 12)));
        if (tg_error(tape) != TG_EIO || !strstr(tg_error_message(tape), bad[i].part))
            fail_msg("%s: %s", bad[i].header, tg_error_message(tape));
        tg_clear_error(tape);
    }
    /* What a terminal would take as orders. */
    const char *const strange =
        "{\"a\":{\"dtype\":\"\\u001f\\u007f \",\"shape\":[1],\"data_offsets\":[0,4]}}";
    assert_null(tg_read_safetensors(tape, safetensors(strange, 4)));
    assert_error(tape, TG_EDTYPE, "dtype \"?? \"");
    assert_null(tg_read_safetensors(tape, safetensors_of("{ \0}", 4, 0))); /* no space */
    assert_error(tape, TG_EIO, "is not JSON");
    assert_non_null(tg_read_safetensors(tape, safetensors_of("{ \t}", 4, 0)));
    /* Tensors may stand in any order, and text may have any escapes. */
    tg_params *read = tg_read_safetensors(
        tape,
        safetensors("{ \"b\\\"\\\\\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
                    "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                    "\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                    12));
    assert_ok(tape);
    assert_int_equal(tg_params_count(read), 3);
    assert_non_null(tg_params_find(read, "b\"\\"));
    tg_tape_free(tape);
}

/* Of another program's file only what is asked for has to be right. */
static void loading(void **state)
{
    (void)state;
    const char *bad = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}";
    const char *more = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                       "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
                       "\"__metadata__\":{\"k\":\"v\"}}";
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    tg_tensor *a = tg_params_add(list, tg_ones(tape, TG_DIMS(1), 0), "a");
    const tg_load_opts whole = {.partial = false};
    assert_int_equal(tg_load_safetensors(safetensors(bad, 8), list, &whole), TG_EIO);
    assert_error(tape, TG_EIO, "8 bytes of data, but its shape has 4");
    assert_int_equal(tg_load_safetensors(safetensors(more, 8), list, &whole), TG_EVALUE);
    assert_error(tape, TG_EVALUE,
                 "the file has a tensor \"b\", which the program has no place for");
    const char *first = "{\"__metadata__\":{\"k\":\"v\"},"
                        "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                        "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";
    assert_int_equal(tg_load_safetensors(safetensors(first, 8), list, &whole), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "the file has a tensor \"b\"");
    assert_equal(tg_f32(a)[0], 1);
    assert_null(tg_read_safetensors(tape, safetensors(bad, 8)));
    tg_clear_error(tape);
    const tg_load_opts partial = {.partial = true};
    assert_int_equal(tg_load_safetensors(safetensors(more, 8), list, &partial), TG_OK);
    assert_equal(tg_f32(a)[0], 0);
    tg_tape_free(tape);
}

/* An npy file of that header, which need not end in a newline. */
static const char *npy(const char *header)
{
    unsigned char bytes[256] = "\x93NUMPY\1";
    size_t length = strlen(header);
    bytes[8] = (unsigned char)length;
    memcpy(bytes + 10, header, length);
    write_file("n", bytes, 10 + length + 4);
    return in_scratch("n");
}

static void npy_headers(void **state)
{
    (void)state;
    static const char *const bad[] = {"{'fortran_order': T",
                                      "{'fortran_order': Tru",
                                      "{'fortran_order': Fals",
                                      "{'fortran_order': F",
                                      "{'fortran_order': Trve, ",
                                      "{'fortran_order': Falze,",
                                      "{'shape': (",
                                      "{'shape': (1",
                                      "{'shape': (/,)",
                                      "{'shape': (:,)",
                                      "{'shape': (a,)",
                                      "{'shape': (3a,)",
                                      "{'descr",
                                      "{'descr'",
                                      "{'descr' 3",
                                      "{descr: 3",
                                      "{",
                                      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)"};
    tg_tape *tape = tg_tape_new(NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(tg_load_npy(tape, npy(bad[i]), 0));
        if (tg_error(tape) != TG_EIO || !strstr(tg_error_message(tape), "header"))
            fail_msg("%s: %s", bad[i], tg_error_message(tape));
        tg_clear_error(tape);
    }
    write_file("n", "\x93NUMPY\1\0\x64\0{}", 12);
    assert_null(tg_load_npy(tape, in_scratch("n"), 0));
    assert_error(tape, TG_EIO, "the header has 100 bytes, but only 2 are left in the file");
    tg_tensor *x = tg_load_npy(
        tape, npy("{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (1,)}"), 0);
    assert_ok(tape);
    assert_int_equal(tg_numel(x), 1);
    x = tg_load_npy(tape, npy("{'descr': '<f4','shape': (1,),'fortran_order': True}"), 0);
    assert_ok(tape);
    assert_int_equal(tg_ndim(x), 1);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *gone = tg_ones(tape, TG_DIMS(1), 0);
    tg_tape_rewind(tape, mark);
    assert_int_equal(tg_save_npy(in_scratch("n"), gone), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "rewound");
    assert_int_equal(tg_save_npy(in_scratch("n"), NULL), TG_EVALUE);
    tg_tape_free(tape);
}

/* The archive's bytes with some changed. */
typedef struct change {
    int from_entry; /* from the first entry of the directory on; else from its end record on */
    size_t at, n;
    const char *bytes, *part;
} change;

static void archives(void **state)
{
    (void)state;
    static const change changes[] = {{0, 8, 2, "\2\0", "in several parts"},
                                     {0, 16, 4, "\xff\xff\xff\xff", "of more than 4 GiB"},
                                     {1, 8, 1, "\1", "an encrypted member"},
                                     {1, 20, 4, "\xff\xff\xff\xff", "a member of 4 GiB and more"},
                                     {1, 24, 4, "\xff\xff\xff\xff", "a member of 4 GiB and more"},
                                     {1, 42, 4, "\xff\xff\xff\xff", "no member begins there"},
                                     {1, 42, 4, "\xff\xff\0\0", "no member begins there"},
                                     {1, 46, 1, "\0", "not called NAME.npy"},
                                     {1, 52, 4, ".npx", "not called NAME.npy"}};
    unsigned char bytes[8192], changed[8192];
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    tg_params_add(list, tg_ones(tape, TG_DIMS(3), 0), "weight");
    assert_int_equal(tg_save_npz(in_scratch("z"), list, NULL), TG_OK);
    FILE *file = fopen(in_scratch("z"), "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file), end = size - 22, entry = 0;
    fclose(file);
    while (memcmp(bytes + entry, "PK\1\2", 4) != 0)
        entry++;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const change *c = &changes[i];
        memcpy(changed, bytes, size);
        memcpy(changed + (c->from_entry ? entry : end) + c->at, c->bytes, c->n);
        write_file("z", changed, size);
        if (tg_read_npz(tape, in_scratch("z")) || tg_error(tape) != TG_EIO ||
            !strstr(tg_error_message(tape), c->part))
            fail_msg("%zu: %s", i, tg_error_message(tape));
        tg_clear_error(tape);
    }
    /* A name as short as what it ends in. */
    memcpy(changed, bytes, size);
    memcpy(changed + entry + 28, "\4\0", 2);
    write_file("z", changed, size);
    assert_null(tg_read_npz(tape, in_scratch("z")));
    assert_int_equal(tg_error(tape), TG_EIO);
    tg_clear_error(tape);
    /* No directory in all of the bytes that a comment may have, and more. */
    unsigned char *nothing = calloc(1, 70000);
    assert_non_null(nothing);
    write_file("z", nothing, 70000);
    free(nothing);
    assert_null(tg_read_npz(tape, in_scratch("z")));
    assert_error(tape, TG_EIO, "no zip archive");
    /* What inflates to less than it says. */
    if (tg_save_npz(in_scratch("z"), list, &(tg_npz_opts){.compress = true}) == TG_OK) {
        file = fopen(in_scratch("z"), "rb");
        assert_non_null(file);
        size = fread(changed, 1, sizeof changed, file);
        fclose(file);
        for (entry = 0; memcmp(changed + entry, "PK\1\2", 4) != 0;)
            entry++;
        changed[entry + 24]++;
        write_file("z", changed, size);
        assert_null(tg_read_npz(tape, in_scratch("z")));
        assert_error(tape, TG_EIO, "a member that does not inflate to 141 bytes");
    }
    tg_clear_error(tape); /* without zlib */
    /* Of compressed and other options. */
    assert_int_equal(tg_save_npz(in_scratch("z"), list, &(tg_npz_opts){.compress = false}), TG_OK);
    assert_int_equal(tg_params_count(tg_read_npz(tape, in_scratch("z"))), 1);
    tg_tape_free(tape);
}

/* Names as long as a header cannot be. */
static void long_names(void **state)
{
    (void)state;
    enum { LONG = 1 << 20 };
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *x = tg_ones(tape, TG_DIMS(1), 0);
    tg_params *named = tg_params_new(tape);
    char *name = malloc(LONG + 1);
    assert_non_null(name);
    memset(name, 'n', LONG);
    name[LONG] = '\0';
    for (int i = 0; i < 96; i++)
        tg_params_add(named, x, "%d%s", i, name);
    free(name);
    assert_ok(tape);
    assert_int_equal(tg_save_safetensors(in_scratch("long"), named, NULL), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "at most 100000000 are allowed");
    assert_int_equal(access(in_scratch("long"), F_OK), -1);
    tg_tape_free(tape);
}

/* A byte by itself; a signal that the program has blocked stays so; messages of what the system cannot say. */
static void writing(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    for (int blocked = 0; blocked < 2; blocked++) {
        sigset_t set, before, after;
        sigemptyset(&set);
        sigaddset(&set, SIGXFSZ);
        pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, &before);
        tg_io_file file = {.tape = tape, .op = "test", .path = in_scratch("one")};
        tg_io_writer w;
        assert_true(tg_io_create(&w, &file));
        tg_io_put(&w, "x", 1);
        tg_io_put(&w, "", 0);
        assert_int_equal(tg_io_commit(&w), TG_OK);
        pthread_sigmask(SIG_SETMASK, &before, &after);
        assert_int_equal(sigismember(&after, SIGXFSZ), blocked);
        FILE *read = fopen(in_scratch("one"), "rb");
        assert_non_null(read);
        assert_int_equal(fgetc(read), 'x');
        assert_int_equal(fgetc(read), EOF);
        fclose(read);
    }
    tg_io_file file = {.tape = tape, .op = "test", .path = "path"};
    errno = 99999;
    assert_int_equal(tg_io_fail_system(&file, "cannot"), TG_EIO);
    assert_non_null(strstr(tg_error_message(tape), "99999"));
    tg_clear_error(tape);
    char text[100];
    memset(text, 0x80, sizeof text); /* no character begins anywhere */
    text[99] = '\0';
    assert_string_equal(tg_io_quote(text).chars, "\"...\"");
    memset(text, 'a', 60);
    assert_int_equal(strlen(tg_io_quote(text).chars), 59 + 5);
    assert_string_equal(tg_io_quote("a\177b\n").chars, "\"a?b?\"");
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),  cmocka_unit_test(loading),    cmocka_unit_test(npy_headers),
        cmocka_unit_test(archives), cmocka_unit_test(long_names), cmocka_unit_test(writing),
    };
    return cmocka_run_group_tests_name("edges of files", tests, make_scratch, drop_scratch);
}
