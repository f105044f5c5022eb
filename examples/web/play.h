/* What the page does: two networks that learn a step at a time, one to read digits, one to spell names. The same
 * functions are the page's, compiled to WebAssembly, and of a program on this machine (native.c): from the same
 * seed both come to the same bits. One page has one of each, so they live in static storage. */
#ifndef PLAY_H
#define PLAY_H

#include <stdint.h>

/* A function that the page calls. */
#ifdef __wasm__
#define PLAY(name) __attribute__((export_name(#name))) name
#else
#define PLAY(name) name
#endif

enum { PLAY_SIDE = 8, PLAY_PIXELS = PLAY_SIDE * PLAY_SIDE, PLAY_HIDDEN = 48, PLAY_CLASSES = 10 };
enum { PLAY_SYMBOLS = 27 };   /* 0 stands before and behind a name, 1 to 26 are the letters */
enum { PLAY_PARAMETERS = 5 }; /* at most */
enum { PLAY_DIGITS = 0, PLAY_NAMES = 1 };

/* Memory for the two texts, which play_begin() takes; the page writes them there. */
char *PLAY(play_text)(int which, int size);
/* Makes both networks anew. digits: lines of 64 pixels, from 0 to g, a blank and the digit. names: words.
 * Returns 0; else play_error() says what is wrong. */
int PLAY(play_begin)(void);
/* How many steps a network learns. */
int PLAY(play_steps)(int which);
/* Learns a step; returns its loss. */
double PLAY(play_step)(int which);
/* The part of the digits kept apart that are read rightly. */
double PLAY(play_accuracy)(void);
/* The weights of the hidden layer of the digits' network, (PLAY_HIDDEN, PLAY_PIXELS). */
const float *PLAY(play_weights)(void);
/* Where to write the picture that play_guess() reads, from 0 to 1. */
float *PLAY(play_picture)(void);
/* The probabilities of the ten digits. */
const float *PLAY(play_guess)(void);
/* Picture i of the data, from 0 to 16. */
const uint8_t *PLAY(play_example)(int i);
/* The next letter of a name: 1 to 26, or 0 at its end. first: of a new name. */
int PLAY(play_letter)(int first);
/* The probabilities that it was drawn from. */
const float *PLAY(play_letters)(void);
/* The graph that a step records, as a text for Graphviz. */
const char *PLAY(play_graph)(int which);
/* The norms of the parameters' gradients after the last step, in the order in which they were made. */
const float *PLAY(play_gradients)(int which);
/* A hash of all parameters, 16 digits. */
const char *PLAY(play_hash)(int which);
/* What went wrong; "" if nothing did. */
const char *PLAY(play_error)(void);

#endif
