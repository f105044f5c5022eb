/* Recurrent layers that make, fill and list their own parameters. Relies on making.h. */
#include "nn/making.h"

#include "kernels/format.h"

#include <tinygrad/nn.h>

enum { PER_DIRECTION = 4 };

static bool check_recurrent(tg_tape *tape, const char *op, int64_t gates, int64_t in,
                            int64_t hidden, const tg_recurrent_opts *o)
{
    const int64_t most = TG_RECURRENT_WEIGHTS / PER_DIRECTION / (o->bidirectional ? 2 : 1);
    TG_CHECK(tape, o->layers >= 0 && o->layers <= most, TG_EVALUE,
             "%s: %lld layers, wanted 1 to %lld", op, (long long)o->layers, (long long)most);
    TG_CHECK(tape, in >= 0 && hidden >= 1 && hidden <= INT64_MAX / gates, TG_EVALUE,
             "%s: %lld inputs and %lld units", op, (long long)in, (long long)hidden);
    return true;
}

/* Whether all of it is done. A weight's name, behind the layer's, has its kind, layer and direction. */
static bool finish_recurrent(const tg_nn_making *m, const tg_recurrent_layer *l)
{
    static const char *const kinds[PER_DIRECTION] = {"weight_ih", "weight_hh", "bias_ih",
                                                     "bias_hh"};
    const size_t directions = l->how.bidirectional ? 2 : 1,
                 per = l->how.no_bias ? 2 : PER_DIRECTION;
    char names[TG_RECURRENT_WEIGHTS][32];
    const char *suffixes[TG_RECURRENT_WEIGHTS];
    for (size_t i = 0; i < l->n; i++) {
        size_t direction = i / per;
        tgk_format(names[i], sizeof names[i], "%s_l%zu%s", kinds[i % per], direction / directions,
                   direction % directions ? "_reverse" : "");
        suffixes[i] = names[i];
    }
    const tg_naming naming = {m->name, suffixes, l->weights, l->n};
    return tg_nn_end(m, !m->scope.tape->status && tg_params_add_all(m->list, &naming));
}

static void make_recurrent(tg_tape *tape, tg_recurrent_layer *l, int64_t rows, int64_t in,
                           int64_t hidden, int flags)
{
    const int64_t directions = l->how.bidirectional ? 2 : 1;
    for (int64_t i = 0; i < l->how.layers * directions; i++) {
        int64_t width = i < directions ? in : directions * hidden;
        l->weights[l->n++] = tg_zeros(tape, TG_DIMS(rows, width), flags);
        l->weights[l->n++] = tg_zeros(tape, TG_DIMS(rows, hidden), flags);
        for (int k = 0; k < 2 && !l->how.no_bias; k++)
            l->weights[l->n++] = tg_zeros(tape, TG_DIMS(rows), flags);
    }
    if (!tape->status)
        tg_recurrent_init(l->weights, l->n, hidden);
}

static tg_recurrent_layer recurrent(tg_params *list, int64_t gates, const int64_t sizes[2],
                                    const tg_nn_recurrent_opts *opts, const char *format,
                                    va_list args)
{
    const char *op = gates == 4 ? "nn_lstm" : "nn_gru";
    const tg_nn_recurrent_opts o = opts ? *opts : (tg_nn_recurrent_opts){.dtype = TG_F32};
    tg_recurrent_layer none = {.n = 0}, l = {.how = o.how};
    tg_nn_making m;
    tg_tape *tape = tg_nn_begin(&m, list, op, o.dtype, format, args);
    if (!tape)
        return none;
    l.how.layers = o.how.layers ? o.how.layers : 1;
    if (check_recurrent(tape, op, gates, sizes[0], sizes[1], &l.how))
        make_recurrent(tape, &l, gates * sizes[1], sizes[0], sizes[1], o.dtype | TG_REQUIRES_GRAD);
    return finish_recurrent(&m, &l) ? l : none;
}

tg_recurrent_layer tg_nn_lstm(tg_params *list, int64_t in, int64_t hidden,
                              const tg_nn_recurrent_opts *opts, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tg_recurrent_layer l = recurrent(list, 4, (int64_t[]){in, hidden}, opts, format, args);
    va_end(args);
    return l;
}

tg_recurrent_layer tg_nn_gru(tg_params *list, int64_t in, int64_t hidden,
                             const tg_nn_recurrent_opts *opts, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tg_recurrent_layer l = recurrent(list, 3, (int64_t[]){in, hidden}, opts, format, args);
    va_end(args);
    return l;
}

static tg_recurrent_opts how(const tg_recurrent_layer *layer, bool training)
{
    tg_recurrent_opts o = layer->how;
    o.training = training;
    return o;
}

tg_tensor *tg_nn_apply_lstm(tg_tensor *x, const tg_recurrent_layer *layer, bool training,
                            tg_tensor **h_n, tg_tensor **c_n)
{
    if (!tg_nn_check_layer(x, layer, "nn_apply_lstm"))
        return NULL;
    const tg_recurrent_opts o = how(layer, training);
    return tg_lstm(x, layer->weights, layer->n, &o, h_n, c_n);
}

tg_tensor *tg_nn_apply_gru(tg_tensor *x, const tg_recurrent_layer *layer, bool training,
                           tg_tensor **h_n)
{
    if (!tg_nn_check_layer(x, layer, "nn_apply_gru"))
        return NULL;
    const tg_recurrent_opts o = how(layer, training);
    return tg_gru(x, layer->weights, layer->n, &o, h_n);
}
