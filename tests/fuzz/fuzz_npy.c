/* Any bytes as an npy file: an error, or a tensor as large as the bytes say. */
#include "io/npy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_io_file file = {.tape = tape, .op = "fuzz", .path = "npy", .bytes = data, .size = size};
    tg_tensor *t = tg_io_parse_npy(&file, 0);
    if (tape && !t == (tg_error(tape) == TG_OK))
        abort();
    if (t && (uint64_t)tg_numel(t) > size) /* an element has a byte */
        abort();
    tg_tape_free(tape);
    return 0;
}
