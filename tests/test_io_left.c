/* What functions of files leave behind: no mapping of a file and no open file, whether they succeed or not. Looks into
 * /proc. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include "io/kinds.h"
#include "io/scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <tinygrad/io.h>

/* Lines of the process's map that name a file in the scratch directory, and its open files. */
static int left(void)
{
    int n = 0;
    char line[1024];
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!maps)
        return 0; /* no such system */
    while (fgets(line, sizeof line, maps))
        n += strstr(line, scratch) != NULL;
    fclose(maps);
    DIR *open = opendir("/proc/self/fd");
    while (open && readdir(open))
        n += 1000;
    if (open)
        closedir(open);
    return n;
}

static void nothing_is_left(void **state)
{
    (void)state;
    char value[20];
    int64_t step;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = all_kinds(tape);
    tg_tensor *w = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD);
    tg_params *model = tg_params_new(tape);
    tg_params_add(model, w, "w");
    tg_optim *optim = tg_sgd(tape, &w, 1, NULL);
    const tg_save_opts opts = {.metadata = (const tg_metadata[]){{"key", "value"}},
                               .n_metadata = 1};
    char npy[256], tensors[256], npz[256], checkpoint[256], junk[256];
    snprintf(npy, sizeof npy, "%s", in_scratch("left.npy"));
    snprintf(tensors, sizeof tensors, "%s", in_scratch("left.safetensors"));
    snprintf(npz, sizeof npz, "%s", in_scratch("left.npz"));
    snprintf(checkpoint, sizeof checkpoint, "%s", in_scratch("left.checkpoint"));
    snprintf(junk, sizeof junk, "%s", in_scratch("left.junk"));
    const int before = left();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tg_save_npy(npy, w), TG_OK);
        assert_int_equal(tg_save_safetensors(tensors, model, &opts), TG_OK);
        assert_int_equal(tg_save_npz(npz, params, NULL), TG_OK);
        assert_int_equal(tg_save_checkpoint(checkpoint, model, optim, 7), TG_OK);
        assert_int_equal(left(), before);
        assert_non_null(tg_load_npy(tape, npy, 0));
        assert_int_equal(left(), before);
        assert_int_equal(tg_read_metadata(tape, tensors, "key", value, sizeof value), 5);
        assert_int_equal(tg_read_metadata(tape, tensors, "other", value, sizeof value), -1);
        assert_int_equal(left(), before);
        assert_int_equal(tg_load_safetensors(tensors, model, NULL), TG_OK);
        assert_non_null(tg_read_safetensors(tape, tensors));
        assert_non_null(tg_read_npz(tape, npz));
        assert_int_equal(tg_load_checkpoint(checkpoint, model, optim, &step), TG_OK);
        assert_int_equal(left(), before);
    }
    FILE *file = fopen(junk, "wb");
    assert_non_null(file);
    fputs("this is none of them, and long enough to be looked at", file);
    fclose(file);
    assert_null(tg_load_npy(tape, junk, 0));
    tg_clear_error(tape);
    assert_int_equal(tg_read_metadata(tape, junk, "key", value, sizeof value), -1);
    tg_clear_error(tape);
    assert_null(tg_read_safetensors(tape, junk));
    tg_clear_error(tape);
    assert_null(tg_read_npz(tape, junk));
    tg_clear_error(tape);
    assert_true(tg_load_checkpoint(junk, model, optim, NULL) != TG_OK);
    assert_int_equal(left(), before);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_left)};
    return cmocka_run_group_tests_name("files left", tests, make_scratch, drop_scratch);
}
