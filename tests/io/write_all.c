/* write_all DIRECTORY: writes tensors of all kinds there, for check_python.py to read. */
#include "kinds.h"

#include <stdlib.h>
#include <tinygrad/io.h>

int main(int argc, char **argv)
{
    char path[4096];
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = all_kinds(tape);
    const tg_metadata metadata[] = {{"format", "pt"}, {"author", "Grüße \"q\"\n"}};
    if (argc != 2)
        return EXIT_FAILURE;
    snprintf(path, sizeof path, "%s/all.safetensors", argv[1]);
    tg_save_safetensors(path, params, &(tg_save_opts){.metadata = metadata, .n_metadata = 2});
    snprintf(path, sizeof path, "%s/stored.npz", argv[1]);
    tg_save_npz(path, params, NULL);
    snprintf(path, sizeof path, "%s/deflated.npz", argv[1]);
    tg_save_npz(path, params, &(tg_npz_opts){.compress = true});
    tg_save_opts opts = {.floats = TG_FILE_BF16};
    snprintf(path, sizeof path, "%s/bf16.safetensors", argv[1]);
    tg_save_safetensors(path, params, &opts);
    for (size_t i = 0; i < tg_params_count(params); i++) {
        snprintf(path, sizeof path, "%s/%s.npy", argv[1], tg_params_name(params, i));
        tg_save_npy(path, tg_params_tensor(params, i));
    }
    tg_status status = tg_error(tape);
    fputs(tg_error_message(tape), stderr);
    tg_tape_free(tape);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
