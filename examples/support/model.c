/* Parameters of models, reading them, and the choice between two models. */
#include "model.h"

#include <stdarg.h>
#include <string.h>

#ifdef EXAMPLES_IO
#include <tinygrad/io.h>
#endif

tg_tensor *model_add(tg_params *list, tg_tape *tape, const char *name, int ndim,
                     const int64_t *dims)
{
    return tg_params_add(list, tg_zeros(tape, ndim, dims, TG_REQUIRES_GRAD), "%s", name);
}

layer model_linear(tg_tape *tape, int64_t out, int64_t in)
{
    layer l = {.weight = tg_zeros(tape, TG_DIMS(out, in), TG_REQUIRES_GRAD),
               .bias = tg_zeros(tape, TG_DIMS(out), TG_REQUIRES_GRAD)};
    tg_linear_init(l.weight, l.bias);
    return l;
}

tg_tensor *model_apply(tg_tensor *x, const layer *linear)
{
    return tg_linear(x, linear->weight, linear->bias);
}

layer model_list(tg_params *list, layer l, const char *format, ...)
{
    char name[64];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    tg_params_add(list, l.weight, "%s.weight", name);
    tg_params_add(list, l.bias, "%s.bias", name);
    return l;
}

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
