/* Saving and loading, in the common part of C99 and C++11; io.h comes first and alone. */
#include <tinygrad/io.h>

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = tg_params_new(tape);
    tg_tensor *w = tg_params_add(params, tg_ones(tape, TG_DIMS(2, 3), TG_REQUIRES_GRAD), "w");
    tg_load_opts opts;
    opts.partial = true;
    int good = tg_save_npy("/no/such/file", w) == TG_EIO;
    tg_clear_error(tape);
    good = good && tg_save_safetensors("/no/such/file", params, NULL) == TG_EIO;
    tg_clear_error(tape);
    good = good && tg_load_safetensors("/no/such/file", params, &opts) == TG_EIO;
    tg_clear_error(tape);
    int64_t step = 3;
    good = good && tg_save_checkpoint("/no/such/file", params, NULL, step) == TG_EIO;
    tg_clear_error(tape);
    good = good && tg_load_checkpoint("/no/such/file", params, NULL, &step) == TG_EIO;
    tg_clear_error(tape);
    good = good && tg_read_safetensors(tape, "/no/such/file") == NULL;
    if (!good)
        printf("failed: %s\n", tg_error_message(tape));
    tg_tape_free(tape);
    return !good;
}
