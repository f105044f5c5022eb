/* Parameters of models, and the choice between two. */
#include "model.h"

#include <string.h>

tg_tensor *model_add(tg_params *list, tg_tape *tape, const char *name, int ndim,
                     const int64_t *dims)
{
    return tg_params_add(list, tg_zeros(tape, ndim, dims, TG_REQUIRES_GRAD), "%s", name);
}

int model_choice(const char *text, const char *const names[2])
{
    for (int i = 0; i < 2; i++) {
        if (strcmp(text, names[i]) == 0)
            return i;
    }
    fprintf(stderr, "--model %s: neither %s nor %s\n", text, names[0], names[1]);
    return -1;
}
