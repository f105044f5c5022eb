/* Fisher's irises on a microcontroller: a network of one hidden layer learns the species from four
 * measurements, in the memory of `memory` below and nothing else. It prints the losses and a hash of the weights,
 * which are the same on any machine. How it is built and run says CMakeLists.txt. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tinygrad.h>

enum { FLOWERS = 150, FEATURES = 4, HIDDEN = 8, SPECIES = 3, BATCH = 5, EPOCHS = 60 };

/* In the order of the species, 50 of each. */
static const float flowers[FLOWERS][FEATURES] = {
#include "iris.inc"
};

/* All that the tape may have, which is what it takes: after the first step it asks for nothing more, whatever
 * the data are. What it takes it keeps, so that giving back is nothing to do. */
enum { MEMORY = sizeof(void *) == 4 ? 15856 : 24 << 10 };
static _Alignas(64) char memory[MEMORY];
static size_t taken;

static void *take(void *context, size_t size)
{
    (void)context;
    size = (size + 15) / 16 * 16;
    if (size > sizeof memory - taken)
        return NULL;
    taken += size;
    return memory + taken - size;
}

static void give(void *context, void *piece, size_t size)
{
    (void)context, (void)piece, (void)size;
}

typedef struct network {
    tg_tensor *w1, *b1, *w2, *b2;
} network;

static tg_tensor *apply(const network *n, tg_tensor *x)
{
    return tg_linear(tg_relu(tg_linear(x, n->w1, n->b1)), n->w2, n->b2);
}

/* Batch i of thirty has each thirtieth flower. */
static void fill(int i, float (*x)[FEATURES], int64_t *y)
{
    for (int j = 0; j < BATCH; j++) {
        int flower = j * (FLOWERS / BATCH) + i;
        memcpy(x[j], flowers[flower], sizeof x[j]);
        y[j] = flower / (FLOWERS / SPECIES);
    }
}

static int right(const tg_tensor *logits, const int64_t *y)
{
    const float *row = tg_f32(logits);
    int n = 0;
    for (int j = 0; row && j < BATCH; j++, row += SPECIES) {
        int best = row[1] > row[0];
        best = row[2] > row[best] ? 2 : best;
        n += best == (int)y[j];
    }
    return n;
}

static uint64_t hash(const network *n)
{
    tg_tensor *const all[] = {n->w1, n->b1, n->w2, n->b2};
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a, from the lowest byte of each number on */
    for (int i = 0; i < 4; i++) {
        for (int64_t j = 0; j < tg_numel(all[i]); j++) {
            uint32_t bits;
            memcpy(&bits, tg_f32(all[i]) + j, sizeof bits);
            for (int b = 0; b < 32; b += 8)
                hash = (hash ^ (bits >> b & 0xff)) * 0x100000001b3;
        }
    }
    return hash;
}

int main(void)
{
    static float x[BATCH][FEATURES];
    static int64_t y[BATCH];
    tg_tape *tape = tg_tape_new(
        &(tg_tape_opts){.alloc = take, .free = give, .block_size = 1024, .block_growth = 1});
    tg_manual_seed(tape, 1);
    network n = {tg_zeros(tape, TG_DIMS(HIDDEN, FEATURES), TG_REQUIRES_GRAD),
                 tg_zeros(tape, TG_DIMS(HIDDEN), TG_REQUIRES_GRAD),
                 tg_zeros(tape, TG_DIMS(SPECIES, HIDDEN), TG_REQUIRES_GRAD),
                 tg_zeros(tape, TG_DIMS(SPECIES), TG_REQUIRES_GRAD)};
    tg_linear_init(n.w1, n.b1);
    tg_linear_init(n.w2, n.b2);
    tg_optim *optim = tg_sgd(tape, (tg_tensor *[]){n.w1, n.b1, n.w2, n.b2}, 4,
                             &(tg_sgd_opts){.lr = 0.01, .momentum = 0.9});
    tg_mark start = tg_tape_mark(tape);
    for (int epoch = 1; epoch <= EPOCHS && !tg_error(tape); epoch++) {
        double sum = 0;
        int count = 0;
        for (int i = 0; i < FLOWERS / BATCH; i++) {
            fill(i, x, y);
            tg_tape_rewind(tape, start);
            tg_tensor *logits = apply(&n, tg_from_f32(tape, x[0], TG_DIMS(BATCH, FEATURES), 0));
            tg_tensor *species = tg_from_i64(tape, y, TG_DIMS(BATCH), 0);
            tg_tensor *loss = tg_cross_entropy(logits, species, NULL);
            tg_optim_zero_grad(optim);
            tg_backward(loss);
            tg_optim_step(optim);
            sum += tg_item(loss);
            count += right(logits, y);
        }
        if (epoch % 10 == 0)
            printf("epoch %d  loss %.4f  right %d of %d\n", epoch, sum * BATCH / FLOWERS, count,
                   FLOWERS);
    }
    if (tg_error(tape))
        printf("%s\n", tg_error_message(tape));
    printf("weights %016" PRIx64 "\n", hash(&n));
    fprintf(stderr, "%u bytes of memory\n", (unsigned)taken);
    int code = tg_error(tape) != TG_OK;
    tg_tape_free(tape);
    return code;
}
