/* The system's clock. Relies on nothing. */
#ifndef TGK_CLOCK_H
#define TGK_CLOCK_H

#include <stdint.h>

/* Nanoseconds by a clock that never goes back, where the system has such; 0 where it has none. */
int64_t tgk_now(void);

#endif
