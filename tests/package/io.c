#include <tinygrad/io.h>

int main(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = tg_params_new(tape);
    tg_tensor *x = tg_params_add(params, tg_full(tape, TG_SCALAR, 2.7256, 0), "x");
    tg_save_safetensors("package.safetensors", params, NULL);
    tg_fill_(x, 0);
    tg_load_safetensors("package.safetensors", params, NULL);
    tg_print(stdout, x);
    remove("package.safetensors");
    tg_tape_free(tape);
    return 0;
}
