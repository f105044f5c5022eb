/* Formats without stdio, see format.h. A number with a fraction is written out as a whole one times a power of ten,
 * exactly, and then rounded once, as by the C libraries that do it right. */
#include "kernels/format.h"

#ifdef TGK_NO_STDIO
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* --- where text goes --- */

typedef struct text {
    char *out;
    size_t room, length; /* what would be written */
} text;

static void put(text *t, char c)
{
    if (t->length + 1 < t->room)
        t->out[t->length] = c;
    t->length++;
}

/* What stands between % and the letter. */
typedef struct spec {
    bool left, zeros, precise;
    int width, precision;
    int longs; /* of int, long, long long; 3: size_t */
    bool negative;
} spec;

/* n characters, with a minus before them where it is negative, in a field as wide as is wanted. */
static void put_field(text *t, const spec *s, const char *chars, size_t n)
{
    const int more = s->width - (int)n - s->negative;
    for (int i = 0; i < more && !s->left && !s->zeros; i++)
        put(t, ' ');
    if (s->negative)
        put(t, '-');
    for (int i = 0; i < more && !s->left && s->zeros; i++)
        put(t, '0');
    for (size_t i = 0; i < n; i++)
        put(t, chars[i]);
    for (int i = 0; i < more && s->left; i++)
        put(t, ' ');
}

/* --- whole numbers --- */

static void put_whole(text *t, const spec *s, uint64_t x, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits;
    do
        digits[--at] = "0123456789abcdef"[x % base];
    while (x /= base);
    put_field(t, s, digits + at, sizeof digits - at);
}

/* --- numbers with a fraction --- */

enum { WORD = 1000000000, WORD_DIGITS = 9, WORDS = 90, DIGITS = 17 };

/* A whole number of so many words, the lowest first: up to 2^53 times 5^1074 or 2^971. */
typedef struct large {
    uint32_t word[WORDS];
    int n;
} large;

static void times(large *x, uint32_t factor)
{
    uint64_t carry = 0;
    for (int i = 0; i < x->n; i++) {
        carry += (uint64_t)x->word[i] * factor;
        x->word[i] = (uint32_t)(carry % WORD);
        carry /= WORD;
    }
    if (carry)
        x->word[x->n++] = (uint32_t)carry;
}

/* Digit i of all, from the lowest. */
static int digit(const large *x, int i)
{
    uint32_t word = x->word[i / WORD_DIGITS];
    for (i %= WORD_DIGITS; i > 0; i--)
        word /= 10;
    return (int)(word % 10);
}

static int digits_of(const large *x)
{
    int n = x->n * WORD_DIGITS;
    while (n > 1 && digit(x, n - 1) == 0)
        n--;
    return n;
}

/* Whether x, of which the digits from `end` up are kept, is rounded up: a half, to the even one. */
static bool rounds_up(const large *x, int end)
{
    if (end <= 0 || digit(x, end - 1) != 5)
        return end > 0 && digit(x, end - 1) > 5;
    for (int i = 0; i < end - 1; i++) {
        if (digit(x, i))
            return true;
    }
    return digit(x, end) % 2;
}

/* x > 0 as `n` digits, 0 to 9 each; returns the power of ten of the first. */
static int decimal(double x, int n, char *digits)
{
    int exponent;
    uint64_t m = (uint64_t)ldexp(frexp(x, &exponent), 53);
    for (exponent -= 53; exponent < 0 && m % 2 == 0; exponent++)
        m /= 2;
    large l = {{(uint32_t)(m % WORD), (uint32_t)(m / WORD)}, 2};
    for (int i = 0; i < exponent; i++)
        times(&l, 2);
    for (int i = exponent; i < 0; i++)
        times(&l, 5);
    const int all = digits_of(&l), end = all - n;
    for (int i = 0; i < n; i++)
        digits[i] = (char)(end + n - 1 - i < 0 ? 0 : digit(&l, end + n - 1 - i));
    int power = all - 1 + (exponent < 0 ? exponent : 0), i = n;
    for (bool up = rounds_up(&l, end); up && i-- > 0; up = digits[i] == 0)
        digits[i] = (char)((digits[i] + 1) % 10);
    if (i < 0) { /* all were nines */
        digits[0] = 1;
        power++;
    }
    return power;
}

/* As digits with a point behind the first `whole` of them, of which those beyond n are zeros. */
static int with_point(char *out, const char *digits, int n, int whole)
{
    int length = 0;
    const int at = whole; /* never that of the first */
    for (int i = whole > 0 ? 0 : whole - 1; i < n || i < whole; i++) {
        if (i == at)
            out[length++] = '.';
        out[length++] = (char)('0' + (i < 0 || i >= n ? 0 : digits[i]));
    }
    return length;
}

/* 0.0001 to 999999, others with an exponent; without zeros at the end. */
static int number(char *out, double x, int precision)
{
    char digits[DIGITS] = {0};
    int n = precision < 1 ? 1 : precision < DIGITS ? precision : DIGITS;
    const int power = x > 0 ? decimal(x, n, digits) : 0;
    const bool with_power = power < -4 || power >= n;
    while (n > 1 && digits[n - 1] == 0)
        n--;
    int length = with_point(out, digits, n, with_power ? 1 : power + 1);
    if (!with_power)
        return length;
    const int size = power < 0 ? -power : power;
    out[length++] = 'e';
    out[length++] = power < 0 ? '-' : '+';
    if (size > 99)
        out[length++] = (char)('0' + size / 100);
    out[length++] = (char)('0' + size / 10 % 10);
    out[length++] = (char)('0' + size % 10);
    return length;
}

static void put_number(text *t, spec *s, double x)
{
    char out[DIGITS + 16];
    s->negative = signbit(x);
    if (isnan(x) || isinf(x)) {
        s->zeros = false;
        put_field(t, s, isnan(x) ? "nan" : "inf", 3);
    } else {
        put_field(t, s, out, (size_t)number(out, fabs(x), s->precise ? s->precision : 6));
    }
}

/* --- formats --- */

static int64_t whole_of(const spec *s, va_list *args)
{
    if (s->longs == 0)
        return va_arg(*args, int);
    if (s->longs == 1)
        return va_arg(*args, long);
    return s->longs == 2 ? va_arg(*args, long long) : (int64_t)va_arg(*args, ptrdiff_t);
}

static uint64_t natural_of(const spec *s, va_list *args)
{
    if (s->longs == 0)
        return va_arg(*args, unsigned);
    if (s->longs == 1)
        return va_arg(*args, unsigned long);
    return s->longs == 2 ? va_arg(*args, unsigned long long) : va_arg(*args, size_t);
}

/* A number, or an argument in its place. */
static int count_of(const char **at, va_list *args)
{
    int n = 0;
    if (**at == '*') {
        ++*at;
        return va_arg(*args, int);
    }
    while (**at >= '0' && **at <= '9')
        n = n * 10 + *(*at)++ - '0';
    return n;
}

static spec read_spec(const char **at, va_list *args)
{
    spec s = {0};
    for (; **at == '-' || **at == '0'; ++*at)
        *(**at == '-' ? &s.left : &s.zeros) = true;
    s.width = count_of(at, args);
    if (**at == '.') {
        ++*at;
        s.precision = count_of(at, args);
        s.precise = s.precision >= 0;
    }
    for (; **at == 'l'; ++*at)
        s.longs++;
    if (**at == 'z') {
        ++*at;
        s.longs = 3;
    }
    return s;
}

static void put_string(text *t, const spec *s, const char *chars)
{
    size_t n = 0;
    while ((!s->precise || n < (size_t)s->precision) && chars[n])
        n++;
    put_field(t, s, chars, n);
}

static void put_value(text *t, spec *s, char letter, va_list *args)
{
    char one = letter;
    int64_t x;
    switch (letter) {
    case 'd':
        x = whole_of(s, args);
        s->negative = x < 0;
        put_whole(t, s, x < 0 ? -(uint64_t)x : (uint64_t)x, 10);
        return;
    case 'u':
    case 'x':
        put_whole(t, s, natural_of(s, args), letter == 'x' ? 16 : 10);
        return;
    case 'g':
        put_number(t, s, va_arg(*args, double));
        return;
    case 's':
        put_string(t, s, va_arg(*args, const char *));
        return;
    case 'c':
        one = (char)va_arg(*args, int);
        break;
    default:; /* %%, and what is not known, stands for itself */
    }
    put_field(t, s, &one, 1);
}

/* Where lists are arrays, one that is an argument is but an address: a copy can be handed on everywhere. */
typedef struct list {
    va_list args;
} list;

int tgk_format_list(char *out, size_t room, const char *format, va_list args)
{
    text t = {out, room, 0};
    list l;
    va_copy(l.args, args);
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            put(&t, *at);
            continue;
        }
        at++;
        spec s = read_spec(&at, &l.args);
        if (!*at)
            break;
        put_value(&t, &s, *at, &l.args);
    }
    va_end(l.args);
    if (room)
        out[t.length < room ? t.length : room - 1] = '\0';
    return (int)t.length;
}

int tgk_format(char *out, size_t room, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = tgk_format_list(out, room, format, args);
    va_end(args);
    return length;
}
#endif
