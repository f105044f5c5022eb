/* Every file in io/bad is refused, with the code and the words that make_bad.py has for it, and
 * nothing is left behind. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include "support.h"

#include <tinygrad/io.h>

#include <dirent.h>

typedef struct bad_file {
    const char *name;
    tg_status status;
    const char *part;
} bad_file;

static const bad_file files[] = {
#include "io/bad.inc"
};
enum { FILES = sizeof files / sizeof *files };

static void assert_refused(tg_tape *tape, const bad_file *file, tg_status status)
{
    if (tg_error(tape) != status || !strstr(tg_error_message(tape), file->part) ||
        !strstr(tg_error_message(tape), file->name))
        fail_msg("%s: error %d, \"%s\"; wanted %d, \"%s\"", file->name, (int)tg_error(tape),
                 tg_error_message(tape), (int)status, file->part);
    tg_clear_error(tape);
}

/* Names that only a list cannot have are reported by tg_params_add(). */
static bool is_list_error(const bad_file *file)
{
    return file->status == TG_EVALUE;
}

static void read_bad(const bad_file *file, const char *path)
{
    test_allocator allocator = {.fail_at = -1};
    tg_tape *tape = test_tape(&allocator, 256);
    tg_mark before = tg_tape_mark(tape);
    assert_null(tg_read_safetensors(tape, path));
    if (is_list_error(file))
        assert_error(tape, file->status, file->part);
    else
        assert_refused(tape, file, file->status);
    assert_true(marks_equal(before, tg_tape_mark(tape)));
    tg_tape_free(tape);
    assert_int_equal(allocator.live, 0);
}

static void load_bad(const bad_file *file, const char *path)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = tg_params_new(tape);
    tg_tensor *a = tg_params_add(params, tg_full(tape, TG_DIMS(1), 7, 0), "a");
    tg_mark before = tg_tape_mark(tape);
    assert_int_not_equal(tg_load_safetensors(path, params, &(tg_load_opts){.partial = true}),
                         TG_OK);
    if (!is_list_error(file))
        assert_refused(tape, file, file->status);
    assert_true(marks_equal(before, tg_tape_mark(tape)));
    assert_equal(tg_f32(a)[0], 7);
    tg_tape_free(tape);
}

static void load_bad_npy(const bad_file *file, const char *path)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_mark before = tg_tape_mark(tape);
    assert_null(tg_load_npy(tape, path, 0));
    assert_refused(tape, file, file->status);
    assert_true(marks_equal(before, tg_tape_mark(tape)));
    tg_tape_free(tape);
}

static void all_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < FILES; i++) {
        char path[128];
        snprintf(path, sizeof path, "io/bad/%s", files[i].name);
        if (strstr(files[i].name, ".npy")) {
            load_bad_npy(&files[i], path);
        } else {
            read_bad(&files[i], path);
            load_bad(&files[i], path);
        }
    }
}

/* A file without a row would not be tested. */
static void all_have_a_row(void **state)
{
    (void)state;
    int count = 0;
    DIR *directory = opendir("io/bad");
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    assert_int_equal(count, FILES);
    assert_true(count >= 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_refused),
        cmocka_unit_test(all_have_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
