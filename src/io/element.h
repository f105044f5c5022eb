/* Elements as files hold them, of more types than tensors have. Narrow ones become the dtype that has
 * all their values; two kinds of float of 16 bits can be written in place of wider ones. */
#ifndef TG_IO_ELEMENT_H
#define TG_IO_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The dtypes by their numbers, and what is narrower. */
typedef enum tg_io_type {
    TG_IO_F32,
    TG_IO_F64,
    TG_IO_I64,
    TG_IO_BOOL,
    TG_IO_F16,
    TG_IO_BF16,
    TG_IO_I32,
    TG_IO_I16,
    TG_IO_I8,
    TG_IO_U32,
    TG_IO_U16,
    TG_IO_U8,
    TG_IO_TYPES
} tg_io_type;

typedef struct tg_io_element {
    const char *safetensors; /* its name there */
    const char *npy;         /* NULL: it has none */
    size_t size;
    int dtype; /* of a tensor */
} tg_io_element;

/* What is known of a type. */
const tg_io_element *tg_io_element_of(int type);
/* Files hold numbers with the lowest byte first. Where memory does not, n of `size` bytes are turned around,
 * from the one or from the other. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
enum { TG_IO_TURNS = 1 };
#else
enum { TG_IO_TURNS = 0 };
#endif
static inline void tg_io_turn(void *numbers, int64_t n, size_t size)
{
    char *first = numbers;
    for (int64_t i = 0; TG_IO_TURNS && i < n; i++, first += size) {
        for (size_t j = 0; j < size / 2; j++) {
            char byte = first[j];
            first[j] = first[size - 1 - j];
            first[size - 1 - j] = byte;
        }
    }
}
/* n elements from a file, at any address, as elements of the type's dtype. */
void tg_io_widen(int type, const void *from, int64_t n, void *to);
/* n floats of that dtype as floats of 16 bits for a file, rounded to the nearest, ties to even, and to infinity
 * where they are too large. */
void tg_io_narrow(int dtype, const void *from, int64_t n, int type, void *to);

#endif
