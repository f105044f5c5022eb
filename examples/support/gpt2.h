/* GPT-2 from a safetensors file in the naming of Hugging Face: what its sizes are, its parameters, and
 * what it makes of tokens. Needs tinygrad-io. */
#ifndef EXAMPLES_GPT2_H
#define EXAMPLES_GPT2_H

#include <tinygrad.h>

enum { GPT2_MAX_LAYERS = 48 };

/* A weight (in, out) and a bias: x @ weight + bias. */
typedef struct gpt2_affine {
    tg_tensor *weight, *bias;
} gpt2_affine;

typedef struct gpt2_layer {
    tg_layer_norm_layer norm1, norm2;
    gpt2_affine qkv, proj, up, down;
} gpt2_layer;

typedef struct gpt2 {
    int64_t vocabulary, context, width, heads;
    int n_layers;
    tg_params *list;      /* all of it, under the file's names */
    tg_tensor *wte, *wpe; /* embeddings; the first is the last layer's weight as well */
    gpt2_layer layers[GPT2_MAX_LAYERS];
    tg_layer_norm_layer norm;
} gpt2;

/* Reads the file (NULL: that of examples/data) into leaves that require gradients. heads 0: 64 numbers each, as all published
 * models have it. false: it cannot; the tape or stderr has the reason. */
bool gpt2_read(gpt2 *m, tg_tape *tape, const char *path, int heads);

/* Tokens (n, length) to raw outputs for the token after each, (n, length, vocabulary). For guess.h. */
tg_tensor *gpt2_forward(const void *model, tg_tensor *tokens);

#endif
