/* The list of all rows, the samples that rows share, and the runner. See op_table.h. */
#include "op_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* CMakeLists.txt defines OP_FAMILIES as FAMILY(ops_name) for each file ops_name.c. */
#define FAMILY(name) extern const op_row name[];
OP_FAMILIES
#undef FAMILY

#define FAMILY(name) name,
static const op_row *const families[] = {OP_FAMILIES};

const op_row *op_row_at(size_t i)
{
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
        for (const op_row *row = families[f]; row->name; row++) {
            if (i-- == 0)
                return row;
        }
    }
    return NULL;
}

size_t op_rows(void)
{
    size_t n = 0;
    while (op_row_at(n))
        n++;
    return n;
}

const char *op_says(const op_row *row)
{
    return row->says ? row->says : row->name;
}

bool op_speaks(const op_row *row, const char *message)
{
    size_t n = strlen(op_says(row));
    return strncmp(message, op_says(row), n) == 0 && message[n] == ':';
}

const op_sample samples_unary[] = {{.in = "."},     {.in = "1"},    {.in = "0"},     {.in = "37"},
                                   {.in = "2x0x3"}, {.in = "3x5"},  {.in = "2x3x4"}, {.in = "1x1"},
                                   {.in = "64"},    {.in = "37:x"}, {.in = "4x3:r"}, {0}};
const op_sample samples_unary_int[] = {
    {.in = ".:i"}, {.in = "0:i"}, {.in = "37:i"}, {.in = "3x5:i"}, {0}};
const op_sample samples_unary_bool[] = {{.in = "5:b"}, {0}};

const op_sample samples_binary[] = {{.in = ". ."},
                                    {.in = "1 1"},
                                    {.in = "0 0"},
                                    {.in = "37 37"},
                                    {.in = "3x5 3x5"},
                                    {.in = "3x5 5"},
                                    {.in = "5 3x5"},
                                    {.in = "3x1 1x5"},
                                    {.in = "3x5 3x1"},
                                    {.in = "3x1 3x5"},
                                    {.in = ". 3x5"},
                                    {.in = "3x5 ."},
                                    {.in = "2x3x4 3x1"},
                                    {.in = "3x1 2x3x4"},
                                    {.in = "2x1x4 1x3x1"},
                                    {.in = "1 37"},
                                    {.in = "37 1"},
                                    {.in = "0x3 1x3"},
                                    {.in = "1 0x3"},
                                    {.in = "2x0 2x1"},
                                    {.in = "37 ="},
                                    {.in = "3x5 ="},
                                    {.in = ". ="},
                                    {.in = "64:x 64:x"},
                                    {.in = "3x5:o 5"},
                                    {.in = "3x5 5:o"},
                                    {.in = "3x5 .:o"},
                                    {.in = ".:o 3x5"},
                                    {.in = "3x5 5:i"},
                                    {.in = "5:i 3x5"},
                                    {.in = "4:b 3x4"},
                                    {.in = ".:i 4"},
                                    {.in = "3x5:r 5:r"},
                                    {.in = "2x1x37 3x1"},
                                    {0}};
const op_sample samples_binary_int[] = {
    {.in = "3x5:i 5:i"}, {.in = "37:i 37:i"}, {.in = "4:i .:b"}, {.in = "3:b 2x3:i"},
    {.in = ".:i 3:b"},   {.in = "3:i ="},     {.in = ".:i .:i"}, {0}};
const op_sample samples_binary_bool[] = {{.in = "8:b 8:b"}, {.in = "3:b 2x1:b"}, {0}};

const op_sample samples_dim[] = {{.in = "37"},
                                 {.in = "."},
                                 {.in = ".", .dim = {-1}},
                                 {.in = "1"},
                                 {.in = "3x5"},
                                 {.in = "3x5", .dim = {1}},
                                 {.in = "3x5", .dim = {-1}, .keepdim = true},
                                 {.in = "5x37", .dim = {1}},
                                 {.in = "37x5", .dim = {0}, .keepdim = true},
                                 {.in = "2x3x4", .dim = {1}},
                                 {.in = "2x3x4", .dim = {-3}},
                                 {.in = "2x3x4", .dim = {2}, .keepdim = true},
                                 {.in = "2x3x2x5", .dim = {2}},
                                 {.in = "0x3", .dim = {1}},
                                 {.in = "2x0x3", .dim = {2}},
                                 {.in = "1x7x1", .dim = {1}},
                                 {.in = "1x7x1", .dim = {2}},
                                 {.in = "3x4:r", .dim = {1}},
                                 {0}};

const op_sample errors_not_bool[] = {{.in = "3:b", .status = TG_EDTYPE, .message = "bool"}, {0}};
const op_sample errors_not_float[] = {{.in = "3x2:i", .status = TG_EDTYPE, .message = "float"},
                                      {.in = "3:b", .status = TG_EDTYPE, .message = "float"},
                                      {0}};
const op_sample errors_broadcast[] = {
    {.in = "3x5 4", .status = TG_ESHAPE, .message = "[3, 5] and [4] do not broadcast"},
    {.in = "0 2", .status = TG_ESHAPE, .message = "do not broadcast"},
    {.in = "2x3 3x2", .status = TG_ESHAPE, .message = "do not broadcast"},
    {.in = "3:i 4", .status = TG_ESHAPE, .message = "do not broadcast"},
    {0}};
const op_sample errors_dim[] = {
    {.in = "3x5", .dim = {2}, .status = TG_EVALUE, .message = "no dim 2 in [3, 5]"},
    {.in = "3x5", .dim = {-3}, .status = TG_EVALUE, .message = "no dim -3"},
    {.in = ".", .dim = {1}, .status = TG_EVALUE, .message = "no dim 1"},
    {.in = ".", .dim = {-2}, .status = TG_EVALUE, .message = "no dim -2"},
    {0}};
const op_sample errors_shape[] = {
    {.in = "", .shape = "3x-1", .status = TG_ESHAPE, .message = "negative size in [3, -1]"},
    {.in = "", .shape = "4294967296x4294967296", .status = TG_ESHAPE, .message = "overflows"},
    {.in = "", .shape = "0x4294967296x4294967296", .status = TG_ESHAPE, .message = "overflows"},
    {.in = "", .shape = "2", .flags = 0x4000, .status = TG_EVALUE, .message = "unknown flags"},
    {0}};

/* --- running --- */

typedef struct job {
    const op_test *test;
    const op_row *row;
    char name[64];
} job;

static void run_sample(const job *j, const op_sample *s, const op_kink *kink, uint64_t seed)
{
    for (int dtype = j->test->f64_only ? TG_F64 : TG_F32; dtype <= TG_F64; dtype++)
        j->test->run(&(op_case){.test = j->test->name,
                                .row = j->row,
                                .s = s,
                                .dtype = dtype,
                                .seed = seed,
                                .kink = kink});
}

static void run_job(void **state)
{
    const job *j = *state;
    for (uint64_t i = 0; i < OP_MAX_LISTS; i++) {
        const op_sample *list = j->test->errors ? j->row->errors[i] : j->row->samples[i];
        for (uint64_t k = 0; !j->test->kinks && list && list[k].in; k++)
            run_sample(j, &list[k], NULL, i * 1000 + k);
        const op_kink *kinks = j->test->kinks ? j->row->kinks[i] : NULL;
        for (uint64_t k = 0; kinks && kinks[k].s.in; k++)
            run_sample(j, &kinks[k].s, &kinks[k], i * 1000 + k);
    }
}

int op_run(const char *group, const op_test *tests, size_t n, const char *pattern)
{
    size_t rows = op_rows(), count = 0;
    job *jobs = calloc(n * rows, sizeof *jobs);
    struct CMUnitTest *units = calloc(n * rows, sizeof *units);
    if (!jobs || !units)
        return 1;
    for (size_t t = 0; t < n; t++) {
        for (size_t r = 0; r < rows; r++) {
            job *j = &jobs[count];
            *j = (job){.test = &tests[t], .row = op_row_at(r)};
            if ((tests[t].errors && !j->row->errors[0]) || (tests[t].kinks && !j->row->kinks[0]))
                continue;
            snprintf(j->name, sizeof j->name, "%s/%s", tests[t].name, j->row->name);
            units[count++] = (struct CMUnitTest){j->name, run_job, NULL, NULL, j};
        }
    }
    if (pattern)
        cmocka_set_test_filter(pattern);
    int failed = _cmocka_run_group_tests(group, units, count, NULL, NULL);
    free(jobs);
    free(units);
    return failed;
}

void op_fail(const op_case *c, int line, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    const op_sample *s = c->s;
    fail_msg("line %d: %s of %s(\"%s\" dim %d %d shape %s s %g %g %g reduction %d smoothing %g) in "
             "%s: %s",
             line, c->test, c->row->name, s->in, s->dim[0], s->dim[1], s->shape ? s->shape : "none",
             s->s[0], s->s[1], s->s[2], (int)s->reduction, s->smoothing,
             c->dtype == TG_F32 ? "float32" : "float64", message);
}
