/* A float of 113 bits: __float128, or where long double is one (arm64 and others), that. */
#ifndef TG_TESTS_EXACT_TYPE_H
#define TG_TESTS_EXACT_TYPE_H

#include <float.h>

#if LDBL_MANT_DIG == 113
typedef long double exact;
#else
typedef __float128 exact;
#endif

#endif
