/* Memory that is not in use is poisoned under AddressSanitizer: a stale data pointer that the
 * program kept is reported by the sanitizer itself. Relies on nothing. */
#ifndef TG_POISON_H
#define TG_POISON_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TG_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define TG_ASAN 1
#endif
#ifdef TG_ASAN
#include <sanitizer/asan_interface.h>
#define TG_POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define TG_UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define TG_POISON(p, n) ((void)(p), (void)(n))
#define TG_UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#endif
