/* Arrays of the caller's, of more types than tensors have, into a tensor's memory: checked, then
 * converted. A type is a tg_array_type, a dtype TG_F32, TG_F64, TG_I64 or TG_BOOL; types that are
 * dtypes have their numbers. Knows nothing of tensors. */
#ifndef TGK_ARRAY_H
#define TGK_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of an element; 0 where there is no such type. */
size_t tgk_array_size(int type);
/* The first of n elements that the dtype does not hold, as tg_array_type says; n: there is none. */
int64_t tgk_array_misfit(int type, int dtype, const void *from, int64_t n);
/* Converts n elements, which fit. */
void tgk_array_read(int type, int dtype, const void *from, int64_t n, void *to);

/* (x / divisor - mean) / std of n floats of that dtype, in place, each step rounded to it. */
void tgk_array_scale(int dtype, void *data, int64_t n, double divisor, double mean, double std);

typedef struct tgk_array_text {
    char chars[32];
} tgk_array_text;

/* Element i for a message. */
tgk_array_text tgk_array_element(int type, const void *from, int64_t i);

#endif
