/* See gpt2.h. The file is read twice: for the shapes, and into parameters. */
#include "gpt2.h"

#include <stdio.h>
#include <tinygrad/io.h>

/* -- Reading ----------------------------------------------------------------------------------- */

/* Models are saved with or without this before each name. */
static const char *prefix_of(const tg_params *file)
{
    return tg_params_find(file, "transformer.wte.weight") ? "transformer." : "";
}

/* Finds what the shapes say. */
static bool measure(gpt2 *m, const tg_params *file, int heads)
{
    char name[64];
    const char *prefix = prefix_of(file);
    snprintf(name, sizeof name, "%swte.weight", prefix);
    const tg_tensor *wte = tg_params_find(file, name);
    snprintf(name, sizeof name, "%swpe.weight", prefix);
    const tg_tensor *wpe = tg_params_find(file, name);
    if (tg_ndim(wte) != 2 || tg_ndim(wpe) != 2)
        return false;
    m->vocabulary = tg_size(wte, 0);
    m->width = tg_size(wte, 1);
    m->context = tg_size(wpe, 0);
    m->heads = heads ? heads : m->width < 64 ? 1 : m->width / 64;
    for (m->n_layers = 0; m->n_layers <= GPT2_MAX_LAYERS; m->n_layers++) {
        snprintf(name, sizeof name, "%sh.%d.ln_1.weight", prefix, m->n_layers);
        if (!tg_params_find(file, name))
            break;
    }
    return m->n_layers > 0 && m->n_layers <= GPT2_MAX_LAYERS && m->width % m->heads == 0;
}

/* A parameter of `rows` rows, or (0) of one dim. */
static tg_tensor *add(const gpt2 *m, int64_t rows, int64_t columns, const char *prefix,
                      const char *name)
{
    tg_tape *tape = tg_tape_of(m->wte);
    tg_tensor *t = rows ? tg_zeros(tape, TG_DIMS(rows, columns), TG_REQUIRES_GRAD)
                        : tg_zeros(tape, TG_DIMS(columns), TG_REQUIRES_GRAD);
    return tg_params_add(m->list, t, "%s%s", prefix, name);
}

static gpt2_affine affine(const gpt2 *m, int64_t in, int64_t out, const char *prefix,
                          const char *name)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s.", prefix, name);
    gpt2_affine a = {.weight = add(m, in, out, full, "weight")};
    a.bias = add(m, 0, out, full, "bias");
    return a;
}

static tg_layer_norm_layer norm(const gpt2 *m, const char *prefix, const char *name)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s.", prefix, name);
    tg_layer_norm_layer n = {.eps = 1e-5, .ndim = 1, .dims = {m->width}};
    n.weight = add(m, 0, m->width, full, "weight");
    n.bias = add(m, 0, m->width, full, "bias");
    return n;
}

static void make(gpt2 *m, tg_tape *tape, const char *prefix)
{
    const int64_t width = m->width;
    m->list = tg_params_new(tape);
    m->wte = tg_zeros(tape, TG_DIMS(m->vocabulary, width), TG_REQUIRES_GRAD);
    tg_params_add(m->list, m->wte, "%swte.weight", prefix);
    m->wpe = add(m, m->context, width, prefix, "wpe.weight");
    for (int i = 0; i < m->n_layers; i++) {
        char layer[64];
        snprintf(layer, sizeof layer, "%sh.%d.", prefix, i);
        gpt2_layer *l = &m->layers[i];
        l->norm1 = norm(m, layer, "ln_1");
        l->qkv = affine(m, width, 3 * width, layer, "attn.c_attn");
        l->proj = affine(m, width, width, layer, "attn.c_proj");
        l->norm2 = norm(m, layer, "ln_2");
        l->up = affine(m, width, 4 * width, layer, "mlp.c_fc");
        l->down = affine(m, 4 * width, width, layer, "mlp.c_proj");
    }
    m->norm = norm(m, prefix, "ln_f");
}

bool gpt2_read(gpt2 *m, tg_tape *tape, const char *path, int heads)
{
    *m = (gpt2){0};
    path = path ? path : EXAMPLES_DATA "/gpt2-tiny.safetensors";
    tg_mark start = tg_tape_mark(tape);
    tg_params *file = tg_read_safetensors(tape, path);
    bool right = measure(m, file, heads);
    const char *prefix = prefix_of(file);
    if (file && !right)
        fprintf(
            stderr,
            "%s: no GPT-2: wte.weight, wpe.weight and h.0 to h.%d, of %lld numbers in %lld heads\n",
            path, GPT2_MAX_LAYERS - 1, (long long)m->width, (long long)m->heads);
    tg_tape_rewind(tape, start);
    if (!right)
        return false;
    make(m, tape, prefix);
    /* Passed over: masks, and the last layer's weight, which is the first's. */
    return !tg_load_safetensors(path, m->list, &(tg_load_opts){.partial = true});
}

/* -- Computing --------------------------------------------------------------------------------- */

static tg_tensor *apply(tg_tensor *x, const gpt2_affine *a)
{
    return tg_add(tg_matmul(x, a->weight), a->bias);
}

static tg_tensor *attention(const gpt2 *m, tg_tensor *x, const gpt2_layer *l)
{
    int64_t n = tg_size(x, 0), length = tg_size(x, 1), each = m->width / m->heads;
    tg_tensor *all = tg_reshape(apply(x, &l->qkv), TG_DIMS(n, length, 3, m->heads, each));
    all = tg_permute(all, TG_DIMS(2, 0, 3, 1, 4));
    tg_tensor *mixed =
        tg_scaled_dot_product_attention(tg_select(all, 0, 0), tg_select(all, 0, 1),
                                        tg_select(all, 0, 2), &(tg_attention_opts){.causal = true});
    return apply(tg_reshape(tg_transpose(mixed, 1, 2), TG_DIMS(n, length, m->width)), &l->proj);
}

tg_tensor *gpt2_forward(const void *model, tg_tensor *tokens)
{
    const gpt2 *m = model;
    tg_tensor *x = tg_embedding(m->wte, tokens, TG_NO_PADDING);
    x = tg_add(x, tg_narrow(m->wpe, 0, 0, tg_size(tokens, 1)));
    for (const gpt2_layer *l = m->layers; l < m->layers + m->n_layers; l++) {
        x = tg_add(x, attention(m, tg_nn_apply_layer_norm(x, &l->norm1), l));
        tg_tensor *wide = apply(tg_nn_apply_layer_norm(x, &l->norm2), &l->up);
        x = tg_add(x, apply(tg_gelu_tanh(wide), &l->down));
    }
    return tg_linear(tg_nn_apply_layer_norm(x, &m->norm), m->wte, NULL);
}
