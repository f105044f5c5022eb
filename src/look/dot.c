/* The recorded graph as text for Graphviz. A tensor or record is named by where it stands in the
 * tape's memory, which is the same in every run of a program. Relies on tensor.h. */
#include "tape/tensor.h"

#include <stdio.h>
#include <tinygrad/look.h>

/* A tensor's or record's name: its block's number and its offset there. */
typedef struct name {
    int block;
    long long offset;
} name;

static name name_of(const tg_arena *arena, const void *object)
{
    name p = {0, 0};
    const char *at = object;
    const tg_block *b = arena->first;
    for (; b && (at < (const char *)b || at >= b->end); b = b->next)
        p.block++;
    p.offset = b ? at - b->start : 0;
    return p;
}

static name name_of_tensor(const tg_tape *tape, const tg_tensor *t)
{
    return name_of(&tape->slots, tg_at(t));
}

/* What is written, and where. */
typedef struct drawing {
    FILE *file;
    const tg_tape *tape;
    const tg_dot_opts *opts;
} drawing;

/* A name and a blank, with what Graphviz would read otherwise left out. */
static void write_name(const drawing *d, const tg_tensor *t)
{
    const char *text = d->opts->name_of ? d->opts->name_of(d->opts->context, t) : NULL;
    for (const char *c = text; c && *c; c++) {
        if (*c != '"' && *c != '\\' && *c != '\n')
            fputc(*c, d->file);
    }
    if (text && *text)
        fputc(' ', d->file);
}

static void write_tensor(const drawing *d, const tg_tensor *t)
{
    name p = name_of_tensor(d->tape, t);
    const char *style = !tg_at(t)->requires_grad ? ""
                        : tg_at(t)->is_leaf      ? ", style=filled, fillcolor=lightblue"
                                                 : ", color=blue";
    bool usual = tg_at(t)->dtype == TG_F32;
    fprintf(d->file, "  t%d_%lld [label=\"", p.block, p.offset);
    write_name(d, t);
    fprintf(d->file, "%s%s%s\"%s];\n", usual ? "" : tg_dtype_name(tg_at(t)->dtype),
            usual ? "" : " ", tg_shape_of(t).chars, style);
}

static void write_record(const drawing *d, const tg_record *record)
{
    FILE *file = d->file;
    const tg_tape *tape = d->tape;
    const tg_node *node = &record->node;
    name r = name_of(&tape->bodies, record);
    fprintf(file, "  r%d_%lld [label=\"%s\", shape=box];\n", r.block, r.offset, node->op->name);
    for (int i = 0; i < node->n_in; i++) {
        if (!node->in[i])
            continue;
        name in = name_of_tensor(tape, node->in[i]);
        if (!tg_at(node->in[i])->requires_grad || tg_at(node->in[i])->is_leaf)
            write_tensor(d, node->in[i]);
        fprintf(file, "  t%d_%lld -> r%d_%lld;\n", in.block, in.offset, r.block, r.offset);
    }
    for (int i = 0; i < node->n_out; i++) {
        name out = name_of_tensor(tape, tg_outs(node)[i]);
        write_tensor(d, tg_outs(node)[i]);
        fprintf(file, "  r%d_%lld -> t%d_%lld;\n", r.block, r.offset, out.block, out.offset);
    }
}

tg_status tg_write_dot(FILE *file, tg_tape *tape, tg_mark mark)
{
    return tg_write_dot_with(file, tape, mark, NULL);
}

tg_status tg_write_dot_with(FILE *file, tg_tape *tape, tg_mark mark, const tg_dot_opts *opts)
{
    static const tg_dot_opts nameless = {0};
    if (!tape || tape->status)
        return tg_error(tape);
    tg_record *record;
    if (tg_mark_records(tape, mark, "write_dot", &record))
        return tape->status;
    if (!file)
        return tg_fail(tape, TG_EVALUE, "write_dot: the file is NULL");
    const drawing d = {file, tape, opts ? opts : &nameless};
    fputs("digraph tape {\n", file);
    for (; record; record = record->next) {
        if (!(record->node.flags & TG_BESIDE))
            write_record(&d, record);
    }
    fputs("}\n", file);
    return ferror(file) ? tg_fail(tape, TG_EIO, "write_dot: writing failed") : TG_OK;
}
