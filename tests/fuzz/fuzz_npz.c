/* Any bytes as an npz archive: an error, or arrays that the bytes can hold, deflated ones included. */
#include "io/npz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_io_file file = {.tape = tape, .op = "fuzz", .path = "npz", .bytes = data, .size = size};
    const tg_params *params = tg_io_parse_npz(&file);
    uint64_t elements = 0;
    if (tape && !params == (tg_error(tape) == TG_OK))
        abort();
    for (size_t i = 0; i < tg_params_count(params); i++)
        elements += (uint64_t)tg_numel(tg_params_tensor(params, i));
    if (elements > 1100 * (uint64_t)size * size) /* members may share their bytes */
        abort();
    tg_tape_free(tape);
    return 0;
}
