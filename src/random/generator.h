/* The random generator: PyTorch 2.13's CPU streams, bit for bit, over raw memory. An mt19937
 * engine and one pending normal, which all functions share, so that any mix of calls stays in
 * step with the same mix in PyTorch. Relies on kernels/isa.h.
 *
 * A fill of n elements takes the same draws as n fills of one element, except for normals: from
 * 16 elements on they come in blocks, with other values. A strided tensor is therefore filled
 * element by element, normals with tg_generator_normal(). */
#ifndef TG_GENERATOR_H
#define TG_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

enum { TG_GENERATOR_WORDS = 624, TG_GENERATOR_STATE = TG_GENERATOR_WORDS + 3 };

/* A plain value: a copy of it is a second generator that goes on from the same place. */
typedef struct tg_generator {
    uint32_t state[TG_GENERATOR_WORDS];
    int32_t next; /* the first unused word; TG_GENERATOR_WORDS: none is left */
    bool has_normal;
    int isa;       /* the instruction set that long fills run on; no part of the stream */
    double normal; /* the second half of a pair, for mean 0 and std 1, where has_normal says so */
} tg_generator;

/* Only the low 32 bits of the seed count. Forgets the pending normal; isa stays. */
void tg_generator_seed(tg_generator *g, uint64_t seed);
uint32_t tg_generator_u32(tg_generator *g);
/* Two words, the high half first. */
uint64_t tg_generator_u64(tg_generator *g);

/* 53 bits in [0, 1): what bernoulli and dropout compare with their probability. */
double tg_generator_uniform(tg_generator *g);
/* In [low, high), both rounded to float first; low where they are equal. 24 bits, one word each. */
void tg_generator_uniform_f32(tg_generator *g, float *out, int64_t n, double low, double high);
/* In [low, high); low where they are equal. 53 bits, two words each. */
void tg_generator_uniform_f64(tg_generator *g, double *out, int64_t n, double low, double high);

/* One normal; they are made in pairs, and every second call takes the pending one. */
double tg_generator_normal(tg_generator *g, double mean, double std);
/* n < 16: as n calls of tg_generator_normal(). Else in blocks of 16, and the pending normal is left
 * alone. */
void tg_generator_normal_f32(tg_generator *g, float *out, int64_t n, double mean, double std);
/* As tg_generator_normal_f32(). */
void tg_generator_normal_f64(tg_generator *g, double *out, int64_t n, double mean, double std);

/* In [low, high) for low < high; high - low may exceed INT64_MAX. */
int64_t tg_generator_integer(tg_generator *g, int64_t low, int64_t high);
/* A permutation of 0 .. n - 1. */
void tg_generator_permutation(tg_generator *g, int64_t *out, int64_t n);

/* What is wrong with a state. */
typedef struct tg_state_fault {
    char chars[96];
} tg_state_fault;

/* The state as TG_GENERATOR_STATE numbers, and back. False, with the fault, for numbers that no
 * generator has; g may be half written then. */
void tg_generator_save(const tg_generator *g, int64_t *out);
bool tg_generator_load(tg_generator *g, const int64_t *in, tg_state_fault *fault);

#endif
