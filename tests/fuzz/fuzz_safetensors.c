/* Any bytes as a safetensors file: an error, or tensors as large as the bytes say. Filling a tensor
 * in place changes it if that succeeds, and not at all if it does not. */
#include "io/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void read_all(tg_io_file *file)
{
    tg_params *params = tg_io_parse_safetensors(file);
    require(!params == (tg_error(file->tape) != TG_OK));
    uint64_t elements = 0; /* of a byte and more */
    for (size_t i = 0; params && i < tg_params_count(params); i++)
        elements += (uint64_t)tg_numel(tg_params_tensor(params, i));
    require(elements <= file->size);
    tg_clear_error(file->tape);
}

static void fill(tg_io_file *file)
{
    tg_params *params = tg_params_new(file->tape);
    const tg_tensor *a = tg_params_add(params, tg_full(file->tape, TG_DIMS(2), 7, 0), "a");
    const tg_tensor *b = tg_params_add(params, tg_full(file->tape, TG_SCALAR, 7, TG_F64), "b");
    if (!tg_io_fill(file, params, &(tg_load_opts){.partial = true}, NULL))
        require(tg_f32(a)[0] == 7 && tg_f32(a)[1] == 7 && tg_f64(b)[0] == 7);
    tg_clear_error(file->tape);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tg_tape *tape = tg_tape_new(NULL);
    if (!tape)
        return 0;
    tg_io_file file = {.tape = tape, .op = "fuzz", .path = "st", .bytes = data, .size = size};
    char value[8];
    read_all(&file);
    fill(&file);
    require(tg_io_find_metadata(&file, "key", value, sizeof value) < (int64_t)size);
    tg_tape_free(tape);
    return 0;
}
