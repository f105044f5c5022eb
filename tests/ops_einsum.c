/* Rows of einsum, one for each equation, and of one_hot. See op_table.h. */
#include "op_reference.h"

#include <string.h>

static tg_tensor *one_hot(const op_args *a)
{
    return tg_one_hot(a->in[0], a->s->dim[0]);
}

static void ref_one_hot(const op_sample *s, const array *in, array *out)
{
    int64_t dims[OP_MAX_DIMS];
    memcpy(dims, in->dims, sizeof dims);
    dims[in->ndim] = s->dim[0];
    ref_start(out, TG_I64, in->ndim + 1, dims);
    for (int64_t k = 0; k < in->numel; k++)
        out->data[k * s->dim[0] + (int64_t)in->data[k]] = 1;
}

/* The equation is what the sample's shape holds. */
static tg_tensor *einsum(const op_args *a)
{
    return tg_einsum(a->s->shape, a->in[0], a->in[1]);
}

/* Over all values of all letters. */
static void ref_einsum(const op_sample *s, const array *in, array *out)
{
    int64_t size[128] = {0}, at[128] = {0}, dims[OP_MAX_DIMS], total = 1;
    const char *comma = strchr(s->shape, ','), *arrow = strchr(s->shape, '>');
    const char *label[2] = {s->shape, comma + 1};
    for (int i = 0; i < 2; i++) {
        for (int d = 0; d < in[i].ndim; d++)
            size[(int)label[i][d]] = in[i].dims[d] > 1 || !size[(int)label[i][d]]
                                         ? in[i].dims[d]
                                         : size[(int)label[i][d]];
    }
    int ndim = (int)strlen(arrow + 1);
    for (int d = 0; d < ndim; d++)
        dims[d] = size[(int)arrow[1 + d]];
    ref_start(out, in->dtype, ndim, dims);
    for (int c = 0; c < 128; c++)
        total *= strchr(s->shape, c) && c >= 'A' ? size[c] : 1;
    for (int64_t step = 0; step < total; step++) {
        int64_t rest = step, to = 0;
        double value = 1;
        for (int c = 'A'; c < 128; c++) {
            if (strchr(s->shape, c)) {
                at[c] = rest % size[c];
                rest /= size[c];
            }
        }
        for (int i = 0; i < 2; i++) {
            int64_t place = 0;
            for (int d = 0; d < in[i].ndim; d++)
                place = place * in[i].dims[d] + (in[i].dims[d] == 1 ? 0 : at[(int)label[i][d]]);
            value *= in[i].data[place];
        }
        for (int d = 0; d < ndim; d++)
            to = to * dims[d] + at[(int)arrow[1 + d]];
        out->data[to] += value;
    }
}

static const op_sample classes[] = {
    {.in = "3x2", .dim = {3}}, {.in = ".", .dim = {1}}, {.in = "0", .dim = {4}}, {0}};
static const op_sample classes_errors[] = {
    {.in = "3:i", .dim = {1}, .status = TG_EVALUE, .message = "wanted 0 to 0"},
    {.in = "3", .status = TG_EVALUE, .message = "0 classes"},
    {.in = "3:n", .dim = {2}, .status = TG_EDTYPE, .message = "wanted int64"},
    {0}};
static const op_sample equations[] = {{.in = "3x4 4x2", .shape = "ij,jk->ik"},
                                      {.in = "2x3x4:r 2x5x4", .shape = "bij,bkj->bki"},
                                      {.in = "3x4 3x4", .shape = "ij,ij->"},
                                      {.in = "3 4", .shape = "i,j->ij"},
                                      {.in = "2x3x4 3x5:r", .shape = "aij,ik->ka"},
                                      {.in = "2x3x2x4 2x5x2x4", .shape = "blhd,bmhd->bhlm"},
                                      {.in = "3x1 3x4", .shape = "ij,ij->j"},
                                      {.in = "3x4 3", .shape = "ij,k->i"},
                                      {.in = ". 3x2", .shape = ",ij->ji"},
                                      {.in = "3x0 0x2", .shape = "ij,jk->ik"},
                                      {.in = "5 =", .shape = "i,i->i"},
                                      {0}};
static const op_sample equation_errors[] = {
    {.in = "3 3", .shape = "i->i", .status = TG_EVALUE, .message = "one operand"},
    {.in = "3 3", .shape = "i,j-i", .status = TG_EVALUE, .message = "no arrow"},
    {.in = "3 3",
     .shape = "i,1->i",
     .status = TG_EVALUE,
     .message = "'1' in \"i,1->i\" is no letter"},
    {.in = "3 3", .shape = "i,j,k->i", .status = TG_EVALUE, .message = "',' in"},
    {.in = "3x3 3", .shape = "ii,j->i", .status = TG_EVALUE, .message = "'i' is twice"},
    {.in = "3 3", .shape = "i,j->ii", .status = TG_EVALUE, .message = "'i' is twice"},
    {.in = "3 3", .shape = "i,j->k", .status = TG_EVALUE, .message = "'k' of the output"},
    {.in = "3x2 3",
     .shape = "i,j->i",
     .status = TG_ESHAPE,
     .message = "labels \"i\" for operand [3, 2]"},
    {.in = "3 4",
     .shape = "i,i->i",
     .status = TG_ESHAPE,
     .message = "'i' is of size 3 and of size 4"},
    {.in = "3 3:o", .shape = "i,i->i", .status = TG_EDTYPE, .message = "input 1 is float"},
    {.in = "3:i 3:i", .shape = "i,i->i", .status = TG_EDTYPE, .message = "int64"},
    {.in = "3 3", .status = TG_EVALUE, .message = "the equation is NULL"},
    {0}};

const op_row ops_einsum[] = {{.name = "einsum",
                              .build = einsum,
                              .ref = ref_einsum,
                              .samples = {equations},
                              .errors = {equation_errors}},
                             {.name = "one_hot",
                              .is = OP_CONSTANT,
                              .build = one_hot,
                              .ref = ref_one_hot,
                              .values = {"k"},
                              .samples = {classes},
                              .errors = {classes_errors}},
                             {0}};
