/* See making.h. */
#include "nn/making.h"

#include "kernels/format.h"

#include <string.h>

/* The layer's name and the dot behind it, as long as what is made. */
static const char *format_name(tg_tape *tape, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = format ? tgk_format_list(NULL, 0, format, again) : 0;
    va_end(again);
    if (length <= 0)
        return "";
    char *name = tg_tape_body(tape, "params_add", (size_t)length + 2);
    if (name) {
        tgk_format_list(name, (size_t)length + 1, format, args);
        memcpy(name + length, ".", 2);
    }
    return name;
}

tg_tape *tg_nn_begin(tg_nn_making *m, tg_params *list, const char *op, int dtype,
                     const char *format, va_list args)
{
    tg_tape *tape = tg_params_tape(list, op);
    if (!tape)
        return NULL;
    TG_CHECK(tape, dtype == TG_F32 || dtype == TG_F64, TG_EDTYPE,
             "%s: dtype %d is neither TG_F32 nor TG_F64", op, dtype);
    *m = (tg_nn_making){
        .list = list, .scope = tg_scope_begin(tape, op), .generator = tape->generator};
    m->name = format_name(tape, format, args);
    return tape;
}

bool tg_nn_end(const tg_nn_making *m, bool done)
{
    if (!done)
        m->scope.tape->generator = m->generator;
    tg_scope_end(&m->scope, done);
    return done;
}

bool tg_nn_finish(const tg_nn_making *m, tg_tensor *const tensors[TG_NN_MOST],
                  const char *const suffixes[TG_NN_MOST])
{
    tg_tape *tape = m->scope.tape;
    const tg_naming naming = {m->name, suffixes, tensors, TG_NN_MOST};
    return tg_nn_end(m, !tape->status && tg_params_add_all(m->list, &naming));
}

bool tg_nn_check_layer(const tg_tensor *x, const void *layer, const char *name)
{
    TG_CHECK(tg_tape_of(x), layer, TG_EVALUE, "%s: the layer is NULL", name);
    return true;
}
