/* Rows of padding, turning, repeating and cutting: each element of a result is one of the input, or
 * a number. See op_table.h. */
#include "op_reference.h"

#include <string.h>

enum { PARTS = 8 };

/* Indices of an element, and back. */
typedef struct place {
    int64_t at[OP_MAX_DIMS];
} place;

static place place_of(const array *a, int64_t k)
{
    place p = {{0}};
    for (int i = a->ndim - 1; i >= 0; k /= a->dims[i--])
        p.at[i] = k % a->dims[i];
    return p;
}

static int64_t number_of(const array *a, const place *p)
{
    int64_t k = 0;
    for (int i = 0; i < a->ndim; i++)
        k = k * a->dims[i] + p->at[i];
    return k;
}

/* --- pad: `shape` has the pads, dim[0] the mode, s[0] the value --- */

static tg_tensor *pad(const op_args *a)
{
    int64_t pads[OP_MAX_DIMS];
    int n = op_shape(a->s, pads);
    return tg_pad(a->in[0], n, pads, (tg_pad_mode)a->s->dim[0], a->s->s[0]);
}

static int64_t source(int mode, int64_t i, int64_t n)
{
    if (mode == TG_PAD_REFLECT)
        return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
    if (mode == TG_PAD_REPLICATE)
        return i < 0 ? 0 : i >= n ? n - 1 : i;
    return mode == TG_PAD_CIRCULAR ? (i + n) % n : i < n ? i : -1;
}

static void ref_pad(const op_sample *s, const array *in, array *out)
{
    int64_t pads[OP_MAX_DIMS] = {0}, dims[OP_MAX_DIMS];
    int n = op_shape(s, pads) / 2;
    memcpy(dims, in->dims, sizeof dims);
    for (int i = 0; i < n; i++)
        dims[in->ndim - 1 - i] += pads[2 * i] + pads[2 * i + 1];
    ref_start(out, in->dtype, in->ndim, dims);
    for (int64_t k = 0; k < out->numel; k++) {
        place p = place_of(out, k);
        bool outside = false;
        for (int i = 0; i < n; i++) {
            int64_t *at = &p.at[in->ndim - 1 - i];
            *at = source(s->dim[0], *at - pads[2 * i], in->dims[in->ndim - 1 - i]);
            outside |= *at < 0;
        }
        out->data[k] = outside ? rounded_to(in->dtype, s->s[0]) : in->data[number_of(in, &p)];
    }
}

static const op_sample pads[] = {{.in = "5", .shape = "2x1", .s = {0.5}},
                                 {.in = "3x4", .shape = "1x0x0x2"},
                                 {.in = "2x3x4", .shape = "-1x2x1x-2", .s = {-2}},
                                 {.in = "2x3x4:r", .shape = "0x0x1x1"},
                                 {.in = "2x3", .shape = ""},
                                 {.in = "."},
                                 {.in = "0x3", .shape = "1x1x2x0", .s = {3}},
                                 {.in = "4x3:i", .shape = "1x1", .s = {7}},
                                 {.in = "4x3:b", .shape = "1x-1x1x0", .s = {1}},
                                 {.in = "37:x", .shape = "3x2", .s = {1}},
                                 {0}};
static const op_sample pads_copying[] = {{.in = "2x5", .shape = "2x3", .dim = {1}},
                                         {.in = "3x4", .shape = "1x2x2x1", .dim = {1}},
                                         {.in = "2x3x4", .shape = "-1x2", .dim = {1}},
                                         {.in = "2x3x2", .shape = "0x0x1x2", .dim = {1}},
                                         {.in = "2x5", .shape = "2x7", .dim = {2}},
                                         {.in = "2x3x4:r", .shape = "-1x2x3x1", .dim = {2}},
                                         {.in = "0x5", .shape = "2x7", .dim = {2}},
                                         {.in = "2x5", .shape = "5x3", .dim = {3}},
                                         {.in = "3x4", .shape = "1x4x3x0", .dim = {3}},
                                         {.in = "3x4:i", .shape = "1x2", .dim = {3}},
                                         {.in = "4x3:b", .shape = "1x1x2x2", .dim = {1}},
                                         {0}};
static const op_sample pad_errors[] = {
    {.in = "3", .shape = "1", .status = TG_EVALUE, .message = "1 numbers, wanted two"},
    {.in = "3", .shape = "1x1x1x1", .status = TG_ESHAPE, .message = "at most 2"},
    {.in = "3", .shape = "1x1", .dim = {4}, .status = TG_EVALUE, .message = "unknown mode 4"},
    {.in = "2x3", .shape = "-2x-2", .status = TG_EVALUE, .message = "no 4 elements to cut off"},
    {.in = "2x3", .shape = "3x0", .dim = {1}, .status = TG_EVALUE, .message = "2 to give"},
    {.in = "2x3", .shape = "0x4", .dim = {3}, .status = TG_EVALUE, .message = "3 to give"},
    {.in = "2x0", .shape = "0x1", .dim = {2}, .status = TG_EVALUE, .message = "0 to give"},
    {.in = "3:i", .shape = "1x1", .s = {1e19}, .status = TG_EVALUE, .message = "int64 cannot hold"},
    {.in = "3", .shape = "4611686018427387904x1", .status = TG_EVALUE, .message = "no number"},
    {.in = "3x3",
     .shape = "1073741824x1x4294967296x1",
     .status = TG_ESHAPE,
     .message = "overflows"},
    {0}};

/* --- flip, roll: `shape` lists dims; those of roll are half of it, the shifts behind them --- */

static tg_tensor *flip(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int n = op_shape(a->s, dims);
    return tg_flip(a->in[0], n, dims);
}

static tg_tensor *roll(const op_args *a)
{
    int64_t dims[OP_MAX_DIMS];
    int n = op_shape(a->s, dims) / 2;
    return tg_roll(a->in[0], n, dims + n, dims);
}

static void ref_flip(const op_sample *s, const array *in, array *out)
{
    int64_t dims[OP_MAX_DIMS];
    int n = op_shape(s, dims);
    *out = *in;
    for (int64_t k = 0; k < out->numel; k++) {
        place p = place_of(out, k);
        for (int i = 0; i < n && in->ndim; i++) {
            int dim = ref_dim(in, (int)dims[i]);
            p.at[dim] = in->dims[dim] - 1 - p.at[dim];
        }
        out->data[k] = in->data[number_of(in, &p)];
    }
}

static void ref_roll(const op_sample *s, const array *in, array *out)
{
    int64_t dims[OP_MAX_DIMS];
    int n = op_shape(s, dims) / 2;
    *out = *in;
    for (int64_t k = 0; k < out->numel; k++) {
        place p = place_of(out, k);
        for (int i = 0; i < n && in->ndim; i++) {
            int dim = ref_dim(in, (int)dims[i]);
            p.at[dim] = (p.at[dim] - dims[n + i] + 60 * in->dims[dim]) % in->dims[dim];
        }
        out->data[k] = in->data[number_of(in, &p)];
    }
}

static const op_sample flips[] = {{.in = "37", .shape = "0"},   {.in = "3x5", .shape = "1"},
                                  {.in = "3x5", .shape = "0"},  {.in = "2x3x4", .shape = "-1x0"},
                                  {.in = "3x5:r", .shape = ""}, {.in = ".", .shape = "0"},
                                  {.in = "0x3", .shape = "1"},  {.in = "4x3:i", .shape = "0x1"},
                                  {.in = "5:b", .shape = "0"},  {0}};
static const op_sample flip_errors[] = {
    {.in = "2x3", .shape = "2", .status = TG_EVALUE, .message = "no dim 2"},
    {.in = "2x3", .shape = "1x-1", .status = TG_EVALUE, .message = "dim 1 is named twice"},
    {0}};
static const op_sample rolls[] = {
    {.in = "7", .shape = "0x2"},           {.in = "3x5", .shape = "1x-1"},
    {.in = "3x5:r", .shape = "0x1x-7x13"}, {.in = "2x3x4", .shape = "1x1"},
    {.in = "2x3", .shape = "1x3"},         {.in = ".", .shape = "0x2"},
    {.in = "2x0", .shape = "1x2"},         {.in = "5:i", .shape = "0x2"},
    {.in = "3x5:b", .shape = "0x1"},       {0}};
static const op_sample roll_errors[] = {
    {.in = "2x3", .shape = "2x1", .status = TG_EVALUE, .message = "no dim 2"}, {0}};

/* --- repeat, repeat_interleave (s[0] times) --- */

static tg_tensor *repeat(const op_args *a)
{
    int64_t times[OP_MAX_DIMS];
    int n = op_shape(a->s, times);
    return tg_repeat(a->in[0], n, times);
}

static tg_tensor *interleave(const op_args *a)
{
    return tg_repeat_interleave(a->in[0], (int64_t)a->s->s[0], a->s->dim[0]);
}

static void ref_repeat(const op_sample *s, const array *in, array *out)
{
    int64_t times[OP_MAX_DIMS], dims[OP_MAX_DIMS];
    int n = op_shape(s, times), more = n - in->ndim;
    for (int i = 0; i < n; i++)
        dims[i] = times[i] * (i < more ? 1 : in->dims[i - more]);
    ref_start(out, in->dtype, n, dims);
    for (int64_t k = 0; k < out->numel; k++) {
        place p = place_of(out, k), q = {{0}};
        for (int i = 0; i < in->ndim; i++)
            q.at[i] = p.at[i + more] % in->dims[i];
        out->data[k] = in->data[number_of(in, &q)];
    }
}

static void ref_interleave(const op_sample *s, const array *in, array *out)
{
    int dim = ref_dim(in, s->dim[0]);
    int64_t dims[OP_MAX_DIMS] = {1}, times = (int64_t)s->s[0];
    memcpy(dims, in->dims, (size_t)in->ndim * sizeof *dims);
    dims[dim] *= times;
    ref_start(out, in->dtype, in->ndim ? in->ndim : 1, dims);
    for (int64_t k = 0; k < out->numel; k++) {
        place p = place_of(out, k);
        p.at[dim] /= times;
        out->data[k] = in->data[number_of(in, &p)];
    }
}

static const op_sample repeats[] = {{.in = "3", .shape = "2"},
                                    {.in = "3x4", .shape = "2x3"},
                                    {.in = "3x4", .shape = "1x2"},
                                    {.in = "3", .shape = "2x1x2"},
                                    {.in = "2x3:r", .shape = "3x1"},
                                    {.in = "2x3", .shape = "1x1"},
                                    {.in = ".", .shape = ""},
                                    {.in = ".", .shape = "3"},
                                    {.in = "2x3", .shape = "0x2"},
                                    {.in = "2x0", .shape = "2x2"},
                                    {.in = "3:i", .shape = "2"},
                                    {.in = "3:b", .shape = "2x2"},
                                    {0}};
static const op_sample repeat_errors[] = {
    {.in = "2x3", .shape = "2", .status = TG_ESHAPE, .message = "1 numbers for [2, 3]"},
    {.in = "2x3", .shape = "2x-1", .status = TG_EVALUE, .message = "-1 times"},
    {.in = "2x3", .shape = "1x4611686018427387904", .status = TG_ESHAPE, .message = "overflow"},
    {0}};
static const op_sample interleaves[] = {{.in = "4", .s = {3}},
                                        {.in = "3x4", .s = {2}, .dim = {1}},
                                        {.in = "3x4:r", .s = {2}, .dim = {0}},
                                        {.in = "2x3x2", .s = {3}, .dim = {-2}},
                                        {.in = "2x3", .s = {1}, .dim = {1}},
                                        {.in = ".", .s = {2}},
                                        {.in = "2x3", .s = {0}, .dim = {1}},
                                        {.in = "3:i", .s = {2}},
                                        {0}};
static const op_sample interleave_errors[] = {
    {.in = "3", .s = {-1}, .status = TG_EVALUE, .message = "-1 times"},
    {.in = "3", .s = {2}, .dim = {1}, .status = TG_EVALUE, .message = "no dim 1"},
    {0}};

/* --- diagonal, diag (s[0] is the offset) --- */

static tg_tensor *diagonal(const op_args *a)
{
    return tg_diagonal(a->in[0], (int64_t)a->s->s[0], a->s->dim[0], a->s->dim[1]);
}

static tg_tensor *diag(const op_args *a)
{
    return tg_diag(a->in[0], (int64_t)a->s->s[0]);
}

static void ref_diagonal(const op_sample *s, const array *in, array *out)
{
    int rows = ref_dim(in, s->dim[0]), columns = ref_dim(in, s->dim[1]), n = 0, kept[OP_MAX_DIMS];
    int64_t offset = (int64_t)s->s[0], dims[OP_MAX_DIMS], length = 0;
    for (int64_t i = 0; i < in->dims[rows]; i++)
        length += i + offset >= 0 && i + offset < in->dims[columns];
    for (int i = 0; i < in->ndim; i++) {
        if (i != rows && i != columns) {
            kept[n] = i;
            dims[n++] = in->dims[i];
        }
    }
    dims[n] = length;
    ref_start(out, in->dtype, n + 1, dims);
    for (int64_t k = 0; k < out->numel; k++) {
        place p = place_of(out, k), q = {{0}};
        for (int i = 0; i < n; i++)
            q.at[kept[i]] = p.at[i];
        q.at[rows] = p.at[n] + (offset < 0 ? -offset : 0);
        q.at[columns] = p.at[n] + (offset > 0 ? offset : 0);
        out->data[k] = in->data[number_of(in, &q)];
    }
}

static void ref_diag(const op_sample *s, const array *in, array *out)
{
    op_sample both = *s;
    both.dim[1] = 1;
    if (in->ndim == 2) {
        ref_diagonal(&both, in, out);
        return;
    }
    int64_t offset = (int64_t)s->s[0], n = in->numel + (offset < 0 ? -offset : offset);
    ref_start(out, in->dtype, 2, (int64_t[]){n, n});
    for (int64_t i = 0; i < in->numel; i++) {
        int64_t row = i + (offset < 0 ? -offset : 0), column = i + (offset > 0 ? offset : 0);
        out->data[row * n + column] = in->data[i];
    }
}

static const op_sample diagonals[] = {{.in = "4x4", .dim = {0, 1}},
                                      {.in = "3x5", .dim = {0, 1}, .s = {2}},
                                      {.in = "5x3", .dim = {1, 0}, .s = {-1}},
                                      {.in = "2x3x4", .dim = {2, 0}, .s = {-1}},
                                      {.in = "2x3x4:r", .dim = {-2, -1}},
                                      {.in = "3x3", .dim = {0, 1}, .s = {7}},
                                      {.in = "0x3", .dim = {0, 1}},
                                      {.in = "3x4:i", .dim = {0, 1}, .s = {-2}},
                                      {0}};
static const op_sample diagonal_errors[] = {
    {.in = "3", .status = TG_ESHAPE, .message = "at least 2 dims"},
    {.in = "3x3", .dim = {1, -1}, .status = TG_EVALUE, .message = "dim 1 is named twice"},
    {.in = "3x3", .dim = {0, 2}, .status = TG_EVALUE, .message = "no dim 2"},
    {0}};
static const op_sample diags[] = {{.in = "4"},
                                  {.in = "3", .s = {2}},
                                  {.in = "3:r", .s = {-1}},
                                  {.in = "3x4", .s = {1}},
                                  {.in = "0"},
                                  {.in = "3:i"},
                                  {0}};
static const op_sample diag_errors[] = {
    {.in = ".", .status = TG_ESHAPE, .message = "1 or 2 dims"},
    {.in = "2x2x2", .status = TG_ESHAPE, .message = "1 or 2 dims"},
    {.in = "3", .s = {1e15}, .status = TG_ESHAPE, .message = "too large"},
    {0}};

/* --- split: dim[1] is the part that is looked at --- */

static tg_tensor *part_of(const op_args *a, tg_tensor *const *parts, size_t n)
{
    int i = a->s->dim[1];
    return i >= 0 && (size_t)i < n ? parts[i] : NULL;
}

static tg_tensor *split(const op_args *a)
{
    tg_tensor *parts[PARTS];
    int64_t sizes[OP_MAX_DIMS];
    int n = op_shape(a->s, sizes);
    return part_of(a, parts, tg_split(a->in[0], (size_t)n, sizes, a->s->dim[0], parts));
}

static void ref_split(const op_sample *s, const array *in, array *out)
{
    int64_t sizes[OP_MAX_DIMS], from = 0, dims[OP_MAX_DIMS];
    int dim = ref_dim(in, s->dim[0]);
    op_shape(s, sizes);
    for (int i = 0; i < s->dim[1]; i++)
        from += sizes[i];
    memcpy(dims, in->dims, sizeof dims);
    dims[dim] = sizes[s->dim[1]];
    ref_start(out, in->dtype, in->ndim, dims);
    for (int64_t k = 0; k < out->numel; k++) {
        place p = place_of(out, k);
        p.at[dim] += from;
        out->data[k] = in->data[number_of(in, &p)];
    }
}

static const op_sample splits[] = {{.in = "6", .shape = "2x3x1", .dim = {0, 1}},
                                   {.in = "2x5:r", .shape = "3x2", .dim = {1, 1}},
                                   {.in = "3x2", .shape = "0x3", .dim = {-2, 0}},
                                   {.in = "4:i", .shape = "4"},
                                   {0}};
static const op_sample split_errors[] = {
    {.in = "6", .shape = "2x3", .status = TG_ESHAPE, .message = "do not make dim 0 of [6]"},
    {.in = "6", .shape = "2x5", .status = TG_ESHAPE, .message = "number 1, 5"},
    {.in = "6", .shape = "6x-1", .status = TG_ESHAPE, .message = "number 1, -1"},
    {.in = ".", .shape = "1", .status = TG_ESHAPE, .message = "0-d"},
    {.in = "6", .shape = "6", .dim = {1}, .status = TG_EVALUE, .message = "no dim 1"},
    {0}};
/* clang-format off */
const op_row ops_places[] = {
    {.name = "pad", .build = pad, .ref = ref_pad, .samples = {pads, pads_copying},
     .errors = {pad_errors}},
    {.name = "flip", .build = flip, .ref = ref_flip, .samples = {flips}, .errors = {flip_errors}},
    {.name = "roll", .build = roll, .ref = ref_roll, .samples = {rolls}, .errors = {roll_errors}},
    {.name = "repeat", .build = repeat, .ref = ref_repeat, .samples = {repeats},
     .errors = {repeat_errors}},
    {.name = "repeat_interleave", .build = interleave, .ref = ref_interleave,
     .samples = {interleaves}, .errors = {interleave_errors}},
    {.name = "diagonal", .build = diagonal, .ref = ref_diagonal, .samples = {diagonals},
     .errors = {diagonal_errors}},
    {.name = "diag", .build = diag, .ref = ref_diag, .samples = {diags}, .errors = {diag_errors}},
    {.name = "split", .build = split, .ref = ref_split, .samples = {splits},
     .errors = {split_errors}},
    {0}};
