/* Options whose 0 means the default: decoded here alone. */
#ifndef TG_OPTION_H
#define TG_OPTION_H

#include <tinygrad/core.h>

static inline double tg_option(double value, double standard)
{
    if (value == TG_ZERO)
        return 0;
    return value == 0 ? standard : value;
}

#endif
