/* tg_print(): a tensor's values as PyTorch lays them out. Relies on tensor.h; walks the strides and
 * allocates nothing. One walk over the elements that will be seen finds how all of them are written
 * and how wide that is, a second one writes them. */
#include "tape/tensor.h"

#include "kernels/modes.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <tinygrad/look.h>

/* PyTorch's default print options; its precision, 4, stands in the formats below. EDGE elements at
 * either end of a dim are shown in a summary. */
enum { THRESHOLD = 1000, EDGE = 3, LINE_WIDTH = 80 };

static const char prefix[] = "tensor(";
enum { PREFIX = sizeof prefix - 1 };

typedef enum tg_style {
    STYLE_BOOL,
    STYLE_INTEGER,
    STYLE_WHOLE,
    STYLE_FIXED,
    STYLE_SCIENTIFIC
} tg_style;

/* Long enough for any number in its style, and for "size=(...)". */
enum { NUMBER = 40, SUFFIX = 24 * TG_MAX_NDIM };

/* What the elements that will be seen are like. Texts get longer towards the ends of these
 * ranges, so that the ends are all that their width depends on. */
typedef struct tg_extent {
    int64_t low, high; /* of integers, and of bools as 0 and 1 */
    double least[2];   /* least magnitude of the finite floats but 0: the positive, the negative */
    double most[2];    /* largest; 0 where there is none of the sign */
    bool fractions;    /* one of them is no whole number */
} tg_extent;

typedef struct tg_printer {
    FILE *file;
    const tg_tensor *t;
    bool summary;
    tg_style style;
    int width;
    int column; /* where the next character goes */
    bool failed;
} tg_printer;

/* -- Which elements are seen ------------------------------------------------------------------- */

static bool is_cut(const tg_printer *p, int dim)
{
    return p->summary && tg_at(p->t)->dims[dim] > 2 * EDGE;
}

/* The number of items in a dim's brackets; in a dim that is cut, item EDGE stands for the gap. */
static int64_t count_items(const tg_printer *p, int dim)
{
    return is_cut(p, dim) ? 2 * EDGE + 1 : tg_at(p->t)->dims[dim];
}

static bool is_gap(const tg_printer *p, int dim, int64_t item)
{
    return is_cut(p, dim) && item == EDGE;
}

static const char *find_item(const tg_printer *p, int dim, int64_t item, const char *at)
{
    int64_t skipped =
        is_cut(p, dim) && item > EDGE ? tg_at(p->t)->dims[dim] - count_items(p, dim) : 0;
    return at +
           (item + skipped) * tg_strides(p->t)[dim] * (int64_t)tg_dtype_size(tg_at(p->t)->dtype);
}

/* -- Elements as text -------------------------------------------------------------------------- */

static int64_t read_integer(const tg_tensor *t, const char *at)
{
    return tg_at(t)->dtype == TG_I64 ? *(const int64_t *)(const void *)at : *at != 0;
}

static double read_float(const tg_tensor *t, const char *at)
{
    return tg_at(t)->dtype == TG_F64 ? *(const double *)(const void *)at
                                     : (double)*(const float *)(const void *)at;
}

/* The program may have set a locale with another decimal point, even one of several bytes. */
static void restore_point(char *text)
{
    char *to = text;
    bool inside = false;
    for (const char *from = text; *from; from++) {
        bool plain = (*from >= '0' && *from <= '9') || *from == '-' || *from == '+' || *from == 'e';
        if (plain)
            *to++ = *from;
        else if (!inside)
            *to++ = '.';
        inside = !plain;
    }
    *to = '\0';
}

static const char *float_text(char buffer[NUMBER], tg_style style, double value)
{
    static const char *const formats[] = {
        [STYLE_WHOLE] = "%.0f.", [STYLE_FIXED] = "%.4f", [STYLE_SCIENTIFIC] = "%.4e"};
    if (isnan(value))
        return "nan"; /* printf's may have a sign */
    if (isinf(value))
        return value < 0 ? "-inf" : "inf";
    snprintf(buffer, NUMBER, formats[style], value);
    restore_point(buffer);
    return buffer;
}

static const char *integer_text(char buffer[NUMBER], tg_style style, int64_t value)
{
    if (style == STYLE_BOOL)
        return value ? "True" : "False";
    snprintf(buffer, NUMBER, "%" PRId64, value);
    return buffer;
}

/* -- The first walk: style and width ----------------------------------------------------------- */

static void note_integer(tg_extent *e, int64_t value)
{
    e->low = value < e->low ? value : e->low;
    e->high = value > e->high ? value : e->high;
}

static void note_float(tg_extent *e, double value)
{
    if (!isfinite(value) || value == 0)
        return;
    int sign = value < 0;
    e->least[sign] = fmin(e->least[sign], fabs(value));
    e->most[sign] = fmax(e->most[sign], fabs(value));
    e->fractions |= value != trunc(value);
}

static void survey(const tg_printer *p, tg_extent *e, int dim, const char *at)
{
    if (dim < tg_at(p->t)->ndim) {
        for (int64_t item = 0; item < count_items(p, dim); item++) {
            if (!is_gap(p, dim, item))
                survey(p, e, dim + 1, find_item(p, dim, item, at));
        }
    } else if (tg_is_float(tg_at(p->t)->dtype)) {
        note_float(e, read_float(p->t, at));
    } else {
        note_integer(e, read_integer(p->t, at));
    }
}

static tg_style choose_style(const tg_extent *e, int dtype)
{
    if (!tg_is_float(dtype))
        return dtype == TG_BOOL ? STYLE_BOOL : STYLE_INTEGER;
    double smallest = fmin(e->least[0], e->least[1]);
    double largest = fmax(e->most[0], e->most[1]);
    if (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4)
        return STYLE_SCIENTIFIC;
    return e->fractions ? STYLE_FIXED : STYLE_WHOLE;
}

static int widest(int width, const char *text)
{
    int length = (int)strlen(text);
    return length > width ? length : width;
}

static int measure_integers(const tg_extent *e, tg_style style)
{
    char buffer[NUMBER];
    int width = widest(1, integer_text(buffer, style, e->low));
    return widest(width, integer_text(buffer, style, e->high));
}

static int measure_floats(const tg_extent *e, tg_style style)
{
    char buffer[NUMBER];
    int width = 1;
    for (int sign = 0; sign < 2; sign++) {
        if (e->most[sign] == 0)
            continue;
        width = widest(width, float_text(buffer, style, sign ? -e->least[sign] : e->least[sign]));
        width = widest(width, float_text(buffer, style, sign ? -e->most[sign] : e->most[sign]));
    }
    return width;
}

static void choose_layout(tg_printer *p)
{
    tg_extent e = {
        .low = INT64_MAX, .high = INT64_MIN, .least = {(double)INFINITY, (double)INFINITY}};
    survey(p, &e, 0, tg_at(p->t)->data);
    p->style = choose_style(&e, tg_at(p->t)->dtype);
    p->width = tg_is_float(tg_at(p->t)->dtype) ? measure_floats(&e, p->style)
                                               : measure_integers(&e, p->style);
}

/* -- The second walk: writing ------------------------------------------------------------------ */

static void put(tg_printer *p, const char *text)
{
    p->failed = p->failed || fputs(text, p->file) == EOF;
    p->column += (int)strlen(text);
}

static void put_spaces(tg_printer *p, int count)
{
    for (int i = 0; i < count; i++)
        put(p, " ");
}

static void break_line(tg_printer *p, int lines, int indent)
{
    for (int i = 0; i < lines; i++)
        put(p, "\n");
    p->column = 0;
    put_spaces(p, indent);
}

static void put_element(tg_printer *p, const char *at)
{
    char buffer[NUMBER];
    const char *text = tg_is_float(tg_at(p->t)->dtype)
                           ? float_text(buffer, p->style, read_float(p->t, at))
                           : integer_text(buffer, p->style, read_integer(p->t, at));
    put_spaces(p, p->width - (int)strlen(text));
    put(p, text);
}

/* Before every item but the first. Two items at least go on a line: they have 20 characters at
 * most, an int64, and 16 dims still leave 58. */
static void put_separator(tg_printer *p, int dim, int64_t item)
{
    int indent = PREFIX + dim;
    int rest = tg_at(p->t)->ndim - 1 - dim;
    int per_line = (LINE_WIDTH - indent) / (p->width + 2);
    put(p, ",");
    if (rest > 0)
        break_line(p, rest, indent + 1);
    else if (item % per_line == 0)
        break_line(p, 1, indent + 1);
    else
        put(p, " ");
}

static void put_values(tg_printer *p, int dim, const char *at)
{
    if (dim == tg_at(p->t)->ndim) {
        put_element(p, at);
        return;
    }
    put(p, "[");
    for (int64_t item = 0; item < count_items(p, dim); item++) {
        if (item > 0)
            put_separator(p, dim, item);
        if (is_gap(p, dim, item))
            put(p, dim + 1 == tg_at(p->t)->ndim ? " ..." : "...");
        else
            put_values(p, dim + 1, find_item(p, dim, item, at));
    }
    put(p, "]");
}

/* Breaks the line two columns early, where PyTorch does. (It reckons from the true column after
 * a suffix on a line of its own; but only a size too long for another suffix beside it gets
 * there.) */
static void put_suffix(tg_printer *p, const char *text)
{
    bool fits = p->column + 2 + 2 + (int)strlen(text) <= LINE_WIDTH;
    put(p, ",");
    if (fits)
        put(p, " ");
    else
        break_line(p, 1, PREFIX);
    put(p, text);
}

static void format_size(char text[SUFFIX], const tg_tensor *t)
{
    size_t length = (size_t)snprintf(text, SUFFIX, "size=(");
    for (int i = 0; i < tg_at(t)->ndim; i++)
        length += (size_t)snprintf(text + length, SUFFIX - length, i ? ", %" PRId64 : "%" PRId64,
                                   tg_at(t)->dims[i]);
    snprintf(text + length, SUFFIX - length, ")");
}

/* What the values alone do not tell. */
static void put_suffixes(tg_printer *p)
{
    const tg_tensor *t = p->t;
    char text[SUFFIX];
    if (tg_at(t)->numel == 0 && tg_at(t)->ndim != 1) {
        format_size(text, t);
        put_suffix(p, text);
    }
    if (tg_at(t)->dtype == TG_F64 || (tg_at(t)->numel == 0 && tg_at(t)->dtype != TG_F32)) {
        snprintf(text, sizeof text, "dtype=torch.%s", tg_dtype_name(tg_at(t)->dtype));
        put_suffix(p, text);
    }
}

tg_status tg_print(FILE *file, const tg_tensor *t)
{
    TGK_IN_RIGHT_MODES(tg_status, tg_print(file, t));
    if (!tg_alive(t, "print"))
        return t ? TG_ESTATE : TG_EVALUE;
    if (!file)
        return tg_fail(tg_tape_in(t), TG_EVALUE, "print: no file");
    tg_printer p = {.file = file, .t = t, .summary = tg_at(t)->numel > THRESHOLD};
    put(&p, prefix);
    if (tg_at(t)->numel > 0) {
        choose_layout(&p);
        put_values(&p, 0, tg_at(t)->data);
    } else {
        put(&p, "[]");
    }
    put_suffixes(&p);
    put(&p, ")\n");
    if (p.failed)
        return tg_fail(tg_tape_in(t), TG_EIO, "print: writing failed");
    return TG_OK;
}

void tg_error_print(void *file, tg_status status, const char *message)
{
    (void)status;
    if (file)
        fprintf(file, "tinygrad: %s\n", message);
}
