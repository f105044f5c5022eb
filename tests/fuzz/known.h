/* Faults that are known and not mended yet: what the API fuzzer leaves out until then. Empty is
 * best. */
#ifndef TG_FUZZ_KNOWN_H
#define TG_FUZZ_KNOWN_H

/* Handles, marks and captures of what was rewound away are used as well (see forget()). */
#define DEAD_HANDLES 0

/* Forward and backward functions that rewind, release, begin captures, ... */
#define EVIL_OPERATIONS 0

/* During a capture tg_data_mut() refuses an operation's forward function what it saves. */
#define SAVED_NOT_CAPTURED 1

/* A view that was rewound away, by a composition that failed for example, still keeps its data from
 * being given back. */
#define REWOUND_VIEWS_COUNT 1

/* A message with a nan has its sign, which depends on the instruction set. */
#define NANS_HAVE_SIGNS 1

/* Anomaly mode looks at every element of an expanded view, however many there are. */
#define ANOMALY_LOOKS_AT_VIEWS 1

/* Messages that name another function than the one that was called. */
static const struct {
    const char *called, *says;
} known_names[] = {
    {"retain_grad", "backward"},        {"save_npy", "contiguous"},
    {"save_safetensors", "contiguous"}, {"save_checkpoint", "contiguous"},
    {"save_checkpoint", "from_i64"},    {"save_checkpoint", "params_add"},
    {"load_checkpoint", "params_add"},  {"load_npy", "zeros"},
    {"load_checkpoint", "zeros"},       {"read_safetensors", "params_add"},
    {"load_npy", "data_mut"},           {"load_safetensors", "data_mut"},
    {"load_checkpoint", "data_mut"},    {"load_checkpoint", "set_rng_state"},
    {"load_checkpoint", "from_i64"},    {"load_checkpoint", "contiguous"},
    {"read_safetensors", "zeros"},      {"read_safetensors", "data_mut"},
};

#endif
