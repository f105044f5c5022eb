/* Text by formats, for messages and names: the C library's, or, in a build without its stdio, one that knows of
 * printf's formats %d %u %x %c %s %g and %%, with the lengths l, ll and z, a width, and a precision for %s and %g.
 * Relies on nothing. */
#ifndef TGK_FORMAT_H
#define TGK_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

#ifdef TGK_NO_STDIO
/* As snprintf() and vsnprintf(). */
#ifdef __GNUC__
__attribute__((format(printf, 3, 4)))
#endif
int tgk_format(char *out, size_t room, const char *format, ...);
#ifdef __GNUC__
__attribute__((format(printf, 3, 0)))
#endif
int tgk_format_list(char *out, size_t room, const char *format, va_list args);
#else
#include <stdio.h>
#define tgk_format snprintf
#define tgk_format_list vsnprintf
#endif

#endif
