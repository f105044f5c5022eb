/* Tensors: a header with sizes and strides over data that views share. Relies on tape.h. */
#ifndef TG_TENSOR_H
#define TG_TENSOR_H

#include "kernels/touched.h"
#include "tape/shape.h"
#include "tape/tape.h"

enum { TG_DTYPES = 4 };

/* A tensor. Nobody looks through a tg_tensor *, which is a handle. */
typedef struct tg_header {
    tg_slot head;
    uint8_t dtype;
    uint8_t ndim;
    bool requires_grad;
    bool is_leaf; /* requires_grad, and nothing made it */
    bool contiguous;
    bool released : 1;   /* without data, see release.h */
    bool spent : 1;      /* its data are a capture's, whose pass gave them back */
    bool pooled : 1;     /* header and data belong to the running backward pass */
    bool temporary : 1;  /* still in the list of what the running backward function made */
    bool small : 1;      /* its data are one of a pass's small pieces */
    bool kept : 1;       /* its data are a kept gradient's, present or dropped */
    bool recomputed : 1; /* a checkpoint takes its data away and makes them again */
    uint8_t room;        /* for sizes: how many `dims` has place for */
    uint32_t pins;       /* gradients of tensors that it is */
    uint32_t
        headers; /* that look at its data, itself among them; and other readers, see release.c */
    union {
        uint64_t version;        /* of data that it made: counts writes in place */
        struct tg_header *older; /* of a view: the view before it, see tg_tape.views */
    };
    struct tg_header *owner; /* the one that made the data */
    union {
        char *data;
        int64_t offset; /* of a released view: bytes from its owner's data */
    };
    int64_t numel;
    tg_tensor *grad;    /* its gradient while a backward pass runs */
    const void *holder; /* handle of where its gradient is kept, or NULL */
    union {
        tg_record *record;      /* what made it, or NULL */
        struct tg_header *next; /* in the list of temporaries, or of free headers */
        tgk_touched *touched;   /* of a kept gradient: its note, see ops/touched.h, or NULL */
    } u;
    int64_t *dims;  /* ndim sizes, then ndim strides in elements: */
    int64_t few[4]; /* here, or in a body where they are more */
} tg_header;

_Static_assert(sizeof(tg_header) <= TG_SLOT_SIZE, "a header fits into a slot");

/* Says that a header's data were there before it: a piece of the heap. */
typedef struct tg_borrowed {
    const tg_header *by;
    struct tg_borrowed *before;
} tg_borrowed;

/* A gradient that is kept for the user: memory reserved with a leaf, so that it lives as long,
 * or on request for an interior tensor. */
typedef struct tg_holder {
    tg_slot head;
    tg_tensor *value;   /* NULL: `graph` is all that is wanted */
    tg_tensor *graph;   /* the same, recorded, where create_graph made it; may be rewound away */
    tg_tensor *pending; /* what the running backward pass has for it */
    tg_tensor *next;    /* in that pass's list of tensors to keep gradients of */
    size_t listed;      /* its number in the list of the running clip_grad_norm or _value */
    uint32_t captured;  /* the last capture that sets it, and so need not expect anything of it */
    bool present;       /* value holds a gradient */
    bool requested;     /* by tg_gradients(): in place of ... */
    const void *former; /* ... what it is kept in otherwise, or NULL */
} tg_holder;

/* The tensor that a handle names, which must be alive. */
static inline tg_header *tg_at(const tg_tensor *t)
{
    return tg_slot_of(t);
}

static inline tg_tensor *tg_handle_of(const tg_header *h)
{
    return (tg_tensor *)(uintptr_t)h->head.self;
}

static inline const int64_t *tg_strides(const tg_tensor *t)
{
    return tg_at(t)->dims + tg_at(t)->ndim;
}

/* The one that made t's data. */
static inline tg_header *tg_owner_of(const tg_tensor *t)
{
    return tg_at(t)->owner;
}

/* Where the gradient of a tensor is kept that is known to have such a place. */
static inline tg_holder *tg_its_holder(const tg_tensor *t)
{
    return tg_slot_of(tg_at(t)->holder);
}

/* Whether t can be looked into; sets ESTATE for one that was rewound away or released. NULL:
 * false. */
bool tg_alive(const tg_tensor *t, const char *name);
/* The same for its sizes and its gradient, which one that was released still has. */
bool tg_known(const tg_tensor *t, const char *name);
/* What is wrong with a tensor that cannot be used at all; TG_OK, or its tape's status, with one
 * that can. */
tg_status tg_check_tensor(const tg_tensor *t, const char *name);
/* Whether the tape can look into the n tensors of a list, in which each is a `what`. */
bool tg_check_list(tg_tape *tape, const char *name, const char *what, tg_tensor *const *list,
                   size_t n);

/* Whether t's data were given back, see backward/release.h. t may be NULL. */
static inline bool tg_is_released(const tg_tensor *t)
{
    return t && tg_at(t)->released;
}

static inline tg_dims tg_dims_of(const tg_tensor *t)
{
    return (tg_dims){tg_at(t)->ndim, tg_at(t)->dims};
}

static inline bool tg_is_float(int dtype)
{
    return dtype == TG_F32 || dtype == TG_F64;
}

/* Bytes of one element. */
static inline size_t tg_dtype_size(int dtype)
{
    static const uint8_t sizes[TG_DTYPES] = {sizeof(float), sizeof(double), sizeof(int64_t),
                                             sizeof(bool)};
    return sizes[dtype];
}

/* Bytes of all elements. */
static inline size_t tg_header_bytes(const tg_header *h)
{
    return (size_t)h->numel * tg_dtype_size(h->dtype);
}

static inline size_t tg_data_size(const tg_tensor *t)
{
    return tg_header_bytes(tg_at(t));
}

/* The bytes of memory that its elements lie in: a dim of stride 0 repeats the same ones. */
int64_t tg_bytes_moved(const tg_tensor *t);
const char *tg_dtype_name(int dtype);
/* "[3, 5]"; use it as an argument of tg_fail(). */
tg_text tg_shape_of(const tg_tensor *t);

/* An uninitialised contiguous tensor without gradient. Errors name `name`. */
tg_tensor *tg_tensor_new(tg_tape *tape, const char *name, int dtype, tg_dims dims);
/* What is wrong with dims whose product is no number of elements. */
#define TG_OVERFLOWS "%s: the product of the sizes %s overflows"
/* The same over the caller's memory (NULL: memory of its own). Not in a forward function: in a pass, what is
 * made there without tg_inside_open() is given back with its memory. */
tg_tensor *tg_tensor_over(tg_tape *tape, const char *name, int dtype, tg_dims dims, void *data);
/* Another shape over base's data. */
tg_tensor *tg_tensor_view(const tg_tensor *base, const char *name, tg_dims dims,
                          const int64_t *strides, int64_t offset);
/* Takes memory for h's data, from where there is some to spare; false without memory. */
bool tg_data_take(tg_header *h, const char *name);
/* Gives it back. */
void tg_data_give(tg_header *h);
/* Gives a pass's tensor back. */
void tg_header_release(tg_header *h);

/* The row-major index of the first element that anomaly mode reports; -1 where there is none. */
int64_t tg_first_anomaly(const tg_tensor *t);
/* The element at a row-major index, as a double. */
double tg_element(const tg_tensor *t, int64_t index);

#endif
