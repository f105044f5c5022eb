/* Parameters of models, reading them, and the choice between two models. */
#include "model.h"

#include <string.h>

#ifdef EXAMPLES_IO
#include <tinygrad/io.h>
#endif

#ifdef EXAMPLES_IO
bool model_read(const tg_params *list, tg_tape *tape, const char *path, const char *program)
{
    tg_params *saved = tg_params_new(tape); /* a checkpoint has more than the model */
    for (size_t i = 0; i < tg_params_count(list); i++)
        tg_params_add(saved, tg_params_tensor(list, i), "model.%s", tg_params_name(list, i));
    tg_load_safetensors(path, saved, &(tg_load_opts){.partial = true});
    if (tg_error(tape))
        fprintf(stderr, "%s: %s\n", program, tg_error_message(tape));
    return !tg_error(tape);
}
#else
bool model_read(const tg_params *list, tg_tape *tape, const char *path, const char *program)
{
    (void)list;
    (void)tape;
    fprintf(stderr,
            "%s: %s: to read it needs tinygrad-io, which was not built (it needs jansson)\n",
            program, path);
    return false;
}
#endif

int model_choice(const char *text, const char *const names[2])
{
    for (int i = 0; i < 2; i++) {
        if (strcmp(text, names[i]) == 0)
            return i;
    }
    fprintf(stderr, "--model %s: neither %s nor %s\n", text, names[0], names[1]);
    return -1;
}
