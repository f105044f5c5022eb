/* Reads cases of golden/ops.inc. Values are computed as golden/ops.py does, step for step in
 * double. */
#include "golden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- values --- */

enum { FILL_VALUES = 64 };

typedef struct fill {
    char kind;
    int n;
    double values[FILL_VALUES];
} fill;

static bool read_fill(fill *f, const char *text)
{
    *f = (fill){.kind = *text};
    if (!f->kind || !strchr("~#=%", f->kind))
        return false;
    do {
        char *end;
        if (f->n == FILL_VALUES)
            return false;
        f->values[f->n++] = strtod(text + 1, &end);
        if (end == text + 1)
            return false;
        text = end;
    } while (*text == ',');
    return *text == '\0' && (f->n == 2 || !strchr("~#", f->kind));
}

static uint64_t next_random(golden_case *c)
{
    c->state = c->state * 6364136223846793005U + 1442695040888963407U;
    return c->state;
}

static double next_value(golden_case *c, const fill *f, int64_t i)
{
    double low = f->values[0], high = f->values[1];
    if (f->kind == '~')
        return low + (double)(next_random(c) >> 11) * 0x1p-53 * (high - low);
    if (f->kind == '#')
        return low + (double)((next_random(c) >> 33) % (uint64_t)(high - low + 1));
    return f->values[i % f->n];
}

static void store(void *data, int dtype, int64_t i, double value)
{
    if (dtype == TG_F32)
        ((float *)data)[i] = (float)value;
    else if (dtype == TG_F64)
        ((double *)data)[i] = value;
    else if (dtype == TG_I64)
        ((int64_t *)data)[i] = (int64_t)value;
    else
        ((bool *)data)[i] = value != 0;
}

static tg_tensor *make(golden_case *c, const char *text, int ndim, const int64_t *dims, int flags)
{
    fill f;
    if (!read_fill(&f, text))
        return NULL;
    if (f.kind == '%') {
        tg_manual_seed(c->tape, (uint64_t)f.values[0]);
        return tg_randn(c->tape, ndim, dims, flags);
    }
    tg_tensor *t = tg_zeros(c->tape, ndim, dims, flags);
    void *data = tg_data_mut(t);
    for (int64_t i = 0; i < tg_numel(t) && data; i++)
        store(data, tg_dtype(t), i, next_value(c, &f, i));
    return t;
}

tg_tensor *golden_upstream(golden_case *c, const tg_tensor *out)
{
    int64_t dims[GOLDEN_DIMS];
    for (int i = 0; i < tg_ndim(out); i++)
        dims[i] = tg_size(out, i);
    return make(c, c->upstream, tg_ndim(out), dims, tg_dtype(out));
}

/* --- tokens --- */

const char *golden_shape(const char *text, int *dtype, int *ndim, int64_t *dims)
{
    static const char letters[] = "fdib"; /* in the order of the dtypes */
    const char *letter = *text ? strchr(letters, *text) : NULL;
    if (!letter)
        return NULL;
    *dtype = (int)(letter - letters);
    *ndim = 0;
    for (text++; *text >= '0' && *text <= '9'; text += *text == 'x') {
        char *end;
        if (*ndim == GOLDEN_DIMS)
            return NULL;
        dims[(*ndim)++] = strtoll(text, &end, 10);
        text = end;
    }
    return text;
}

static bool add_input(golden_case *c, const char *token)
{
    if (c->n == GOLDEN_INPUTS)
        return false;
    if (*token == '$') {
        long i = strtol(token + 1, NULL, 10);
        if (i >= c->n)
            return false;
        c->in[c->n++] = c->in[i];
        return true;
    }
    int flags, ndim;
    int64_t dims[GOLDEN_DIMS];
    const char *rest = golden_shape(token, &flags, &ndim, dims);
    if (!rest)
        return false;
    if (*rest == '!')
        flags |= TG_REQUIRES_GRAD, rest++;
    bool transposed = *rest == '^';
    rest += transposed;
    tg_tensor *t = make(c, *rest ? rest : "~-2,2", ndim, dims, flags);
    c->leaf[c->leaves++] = t;
    c->in[c->n++] = transposed ? tg_transpose(t, -1, -2) : t;
    return t != NULL;
}

static bool add_option(golden_case *c, char *token, char *colon)
{
    if (c->n_options == GOLDEN_OPTIONS)
        return false;
    *colon = '\0';
    c->options[c->n_options++] = (golden_option){.key = token, .value = colon + 1};
    return true;
}

static bool add_token(golden_case *c, char *token)
{
    char *colon = strchr(token, ':');
    if (colon)
        return add_option(c, token, colon);
    if (*token != '<')
        return add_input(c, token);
    c->upstream = token + 1;
    return true;
}

static uint64_t fnv1a(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
    return hash;
}

bool golden_read(golden_case *c, tg_tape *tape, const char *name)
{
    *c = (golden_case){.tape = tape, .state = fnv1a(name), .upstream = "~-2,2"};
    size_t length = strlen(name);
    if (length >= sizeof c->text)
        return false;
    memcpy(c->text, name, length + 1);
    char *space = strchr(c->text, ' ');
    while (space) {
        char *token = space + 1;
        *space = '\0';
        space = strchr(token, ' ');
        if (space)
            *space = '\0';
        if (!add_token(c, token))
            return false;
    }
    return !tg_error(tape);
}

/* --- operations --- */

const golden_table *const golden_tables[GOLDEN_TABLES] = {
    &golden_basic, &golden_elementwise, &golden_reduce, &golden_layers, &golden_formulas};

const golden_op *golden_op_of(const char *name)
{
    size_t length = strcspn(name, " ");
    for (size_t i = 0; i < GOLDEN_TABLES; i++) {
        for (size_t j = 0; j < golden_tables[i]->n; j++) {
            const golden_op *op = &golden_tables[i]->ops[j];
            if (strlen(op->name) == length && !strncmp(op->name, name, length))
                return op;
        }
    }
    return NULL;
}

/* --- options --- */

const char *golden_word(golden_case *c, const char *key, const char *fallback)
{
    for (int i = 0; i < c->n_options; i++) {
        if (!strcmp(c->options[i].key, key)) {
            c->options[i].read = true;
            return c->options[i].value;
        }
    }
    return fallback;
}

double golden_number(golden_case *c, const char *key, double fallback)
{
    const char *word = golden_word(c, key, NULL);
    return word ? strtod(word, NULL) : fallback;
}

int golden_list(const char *text, int64_t *list)
{
    int n = 0;
    while (*text && n < GOLDEN_DIMS) {
        char *end;
        list[n++] = strtoll(text, &end, 10);
        text = *end ? end + 1 : end;
    }
    return n;
}

bool golden_flag(golden_case *c, const char *key)
{
    return golden_number(c, key, 0) != 0;
}

tg_tensor *golden_with(golden_case *c, char letter, int first)
{
    const char *letters = golden_word(c, "with", "");
    const char *at = strchr(letters, letter);
    return at ? c->in[first + (int)(at - letters)] : NULL;
}

tg_reduction golden_reduction(golden_case *c)
{
    const char *word = golden_word(c, "reduction", "mean");
    return !strcmp(word, "sum") ? TG_SUM : !strcmp(word, "none") ? TG_NONE : TG_MEAN;
}

tg_tensor *golden_along(golden_case *c, tg_tensor *(*all)(tg_tensor *),
                        tg_tensor *(*along)(tg_tensor *, int, bool))
{
    if (!golden_word(c, "dim", NULL))
        return all(c->in[0]);
    return along(c->in[0], (int)golden_number(c, "dim", 0), golden_flag(c, "keepdim"));
}
