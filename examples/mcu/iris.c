/* Fisher's irises on a microcontroller: a network of one hidden layer learns the species from four
 * measurements, in MEMORY bytes and nothing else. It prints the losses and a hash of the weights, which are the same on
 * any machine. Where MEMORY is not defined it finds out how many bytes that must be, prints it, and takes as many. How
 * it is built and run says CMakeLists.txt. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tinygrad.h>

enum { FLOWERS = 150, FEATURES = 4, HIDDEN = 8, SPECIES = 3, BATCH = 5, EPOCHS = 60 };

/* In the order of the species, 50 of each. */
static const float flowers[FLOWERS][FEATURES] = {
#include "iris.inc"
};

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

/* On the target there is little memory: small blocks, of one size, leave the least of it over. */
static const tg_tape_opts options = {.block_size = 1024, .block_growth = 1};

static network make_network(tg_tape *tape)
{
    network n = {tg_zeros(tape, TG_DIMS(HIDDEN, FEATURES), TG_REQUIRES_GRAD),
                 tg_zeros(tape, TG_DIMS(HIDDEN), TG_REQUIRES_GRAD),
                 tg_zeros(tape, TG_DIMS(SPECIES, HIDDEN), TG_REQUIRES_GRAD),
                 tg_zeros(tape, TG_DIMS(SPECIES), TG_REQUIRES_GRAD)};
    tg_manual_seed(tape, 1);
    tg_linear_init(n.w1, n.b1);
    tg_linear_init(n.w2, n.b2);
    return n;
}

/* Losses and right answers of an epoch. */
typedef struct score {
    double loss;
    int right;
} score;

static void step(const network *n, tg_optim *optim, int i, score *sum)
{
    float x[BATCH][FEATURES];
    int64_t y[BATCH];
    fill(i, x, y);
    tg_tape *tape = tg_tape_of(n->w1);
    tg_tensor *logits = apply(n, tg_from_f32(tape, x[0], TG_DIMS(BATCH, FEATURES), 0));
    tg_tensor *species = tg_from_i64(tape, y, TG_DIMS(BATCH), 0);
    tg_tensor *loss = tg_cross_entropy(logits, species, NULL);
    tg_optim_zero_grad(optim);
    tg_backward(loss);
    tg_optim_step(optim);
    sum->loss += tg_item(loss);
    sum->right += right(logits, y);
}

/* As many epochs as the int that is the context says; what is printed of them, too. */
static void learn(tg_tape *tape, void *context)
{
    const int epochs = *(const int *)context;
    network n = make_network(tape);
    tg_optim *optim = tg_sgd(tape, (tg_tensor *[]){n.w1, n.b1, n.w2, n.b2}, 4,
                             &(tg_sgd_opts){.lr = 0.01, .momentum = 0.9});
    tg_mark start = tg_tape_mark(tape);
    for (int epoch = 1; epoch <= epochs && !tg_error(tape); epoch++) {
        score sum = {0, 0};
        for (int i = 0; i < FLOWERS / BATCH; i++) {
            tg_tape_rewind(tape, start);
            step(&n, optim, i, &sum);
        }
        if (epoch % 10 == 0)
            printf("epoch %d  loss %.4f  right %d of %d\n", epoch, sum.loss * BATCH / FLOWERS,
                   sum.right, FLOWERS);
    }
    if (tg_error(tape))
        printf("%s\n", tg_error_message(tape));
    else if (epochs == EPOCHS)
        printf("weights %016" PRIx64 "\n", hash(&n));
}

#ifdef MEMORY
static tg_room take_room(void)
{
    static _Alignas(16) char memory[MEMORY];
    return (tg_room){memory, sizeof memory, 0};
}
#else
static tg_room take_room(void)
{
    int epochs = 1;
    const size_t needed = tg_memory_needed(&options, learn, &epochs);
    fprintf(stderr, "%u bytes of memory are needed\n", (unsigned)needed);
    return (tg_room){malloc(needed), needed, 0};
}
#endif

int main(void)
{
    tg_room room = take_room();
    tg_tape_opts opts = options;
    opts.alloc = tg_room_alloc;
    opts.free = tg_room_free;
    opts.context = &room;
    tg_tape *tape = tg_tape_new(&opts);
    int epochs = EPOCHS;
    learn(tape, &epochs);
    int code = tg_error(tape) != TG_OK;
    tg_tape_free(tape);
    return code;
}
