/* A training run in one safetensors file. Everything in it is a tensor of one list, which is made
 * for the length of a call: the tape is rewound afterwards. Relies on safetensors.h. */
#include "safetensors.h"

typedef struct checkpoint {
    tg_params *list;
    tg_tensor *rng, *step; /* those in the list */
} checkpoint;

static void list_model(const tg_params *params, tg_params *list)
{
    for (size_t i = 0; i < tg_params_count(params); i++)
        tg_params_add(list, tg_params_tensor(params, i), "model.%s", tg_params_name(params, i));
}

/* The list's tape hears nothing of an optimiser whose memory is in use again, nor of one whose own
 * tape has an error already. */
static void list_optim(const tg_io_file *file, tg_optim *optim, tg_params *list)
{
    tg_status status = optim ? tg_optim_state(optim, list, "optim.") : TG_OK;
    if (status && !tg_error(file->tape))
        tg_io_fail(file, status, "the optimiser cannot be used on this tape");
}

/* Lists what a checkpoint holds; the generator and the step as copies. */
static bool list_all(const tg_io_file *file, const tg_params *params, tg_optim *optim, int64_t step,
                     checkpoint *c)
{
    c->list = tg_params_new(file->tape);
    list_model(params, c->list);
    list_optim(file, optim, c->list);
    c->rng = tg_params_add(c->list, tg_rng_state(file->tape), "rng");
    c->step = tg_params_add(c->list, tg_from_i64(file->tape, &step, TG_SCALAR, 0), "step");
    return !tg_error(file->tape);
}

/* Fills in what is known of the file; false where nothing can be done with it. An optimiser that
 * was rewound away says so here, for the list takes its place. */
static bool begin(tg_io_file *file, const char *op, const char *path, const tg_params *params,
                  const tg_optim *optim)
{
    *file = (tg_io_file){.tape = tg_tape_of(tg_params_tensor(params, 0)), .op = op, .path = path};
    if (!file->tape || tg_error(file->tape) || !tg_io_check_path(file))
        return false;
    if (optim)
        tg_optim_lr(optim, 0);
    return !tg_error(file->tape);
}

static tg_status end(const tg_io_file *file)
{
    return file->tape ? tg_error(file->tape) : TG_EVALUE;
}

tg_status tg_save_checkpoint(const char *path, const tg_params *params, tg_optim *optim,
                             int64_t step)
{
    tg_io_file file;
    if (!begin(&file, "save_checkpoint", path, params, optim))
        return end(&file);
    tg_mark mark = tg_tape_mark(file.tape);
    checkpoint c;
    if (list_all(&file, params, optim, step, &c))
        tg_io_save(&file, c.list, NULL);
    tg_tape_rewind(file.tape, mark);
    return end(&file);
}

/* Reads the copies, and sees whether the generator could be set. */
static bool check_rng(const tg_io_file *file, const checkpoint *c)
{
    tg_tensor *former = tg_rng_state(file->tape);
    tg_params *copies = tg_params_new(file->tape);
    tg_params_add(copies, c->rng, "rng");
    tg_params_add(copies, c->step, "step");
    return !tg_error(file->tape) && tg_io_fill(file, copies, &(tg_load_opts){.partial = true}) &&
           !tg_set_rng_state(file->tape, c->rng) && !tg_set_rng_state(file->tape, former);
}

static void load(const tg_io_file *file, const tg_params *params, tg_optim *optim, int64_t *step)
{
    checkpoint c;
    if (!list_all(file, params, optim, 0, &c) || !check_rng(file, &c) ||
        !tg_io_fill(file, c.list, NULL))
        return;
    tg_set_rng_state(file->tape, c.rng);
    if (step)
        *step = *tg_i64(c.step);
}

tg_status tg_load_checkpoint(const char *path, const tg_params *params, tg_optim *optim,
                             int64_t *step)
{
    tg_io_file file;
    if (!begin(&file, "load_checkpoint", path, params, optim) || !tg_io_map(&file))
        return end(&file);
    tg_mark mark = tg_tape_mark(file.tape);
    load(&file, params, optim, step);
    tg_tape_rewind(file.tape, mark);
    tg_io_unmap(&file);
    return end(&file);
}
