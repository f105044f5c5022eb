/* A training run in one safetensors file. Everything in it is a tensor of one list, which is made
 * for the length of a call: the tape is rewound afterwards. Relies on safetensors.h. */
#include "safetensors.h"

#include <math.h>
#include <string.h>

#define OPTIM "optim." /* before the names of an optimiser's state */

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
    tg_status status = optim ? tg_optim_state(optim, list, OPTIM) : TG_OK;
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
    *file = (tg_io_file){.tape = tg_io_tape_of(params), .op = op, .path = path};
    if (!tg_io_begin(file) || !tg_io_check_path(file))
        return false;
    if (optim)
        tg_optim_lr(optim, 0);
    return !tg_error(file->tape);
}

static tg_status end(const tg_io_file *file)
{
    tg_status status = tg_io_end(file);
    return file->tape ? status : TG_EVALUE;
}

static bool is_count(int64_t step)
{
    return step >= 0 && step < INT64_MAX;
}

tg_status tg_save_checkpoint(const char *path, const tg_params *params, tg_optim *optim,
                             int64_t step)
{
    tg_io_file file;
    if (!begin(&file, "save_checkpoint", path, params, optim))
        return end(&file);
    if (!is_count(step)) {
        tg_io_fail(&file, TG_EVALUE, "step %lld is outside [0, 2^63 - 2]", (long long)step);
        return end(&file);
    }
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
    return !tg_error(file->tape) &&
           tg_io_fill(file, copies, &(tg_load_opts){.partial = true}, NULL) &&
           !tg_set_rng_state(file->tape, c->rng) && !tg_set_rng_state(file->tape, former);
}

static bool check_step(const tg_io_file *file, const char *name, const tg_io_entry *entry)
{
    int64_t step;
    memcpy(&step, file->bytes + entry->begin, sizeof step);
    tg_io_turn(&step, 1, sizeof step);
    TG_IO_CHECK(file, is_count(step), TG_EVALUE, "tensor %s: %lld steps, outside [0, 2^63 - 2]",
                tg_io_quote(name).chars, (long long)step);
    return true;
}

static bool check_rate(const tg_io_file *file, const char *name, const tg_io_entry *entry)
{
    double lr;
    memcpy(&lr, file->bytes + entry->begin, sizeof lr);
    tg_io_turn(&lr, 1, sizeof lr);
    TG_IO_CHECK(file, lr >= 0 && isfinite(lr), TG_EVALUE,
                "tensor %s: %g, wanted a finite rate >= 0", tg_io_quote(name).chars,
                isnan(lr) ? (double)NAN : lr);
    return true;
}

static double element_at(const tg_io_file *file, size_t at, int type)
{
    float single;
    double value;
    if (type == TG_IO_F64) {
        memcpy(&value, file->bytes + at, sizeof value);
        tg_io_turn(&value, 1, sizeof value);
        return value;
    }
    memcpy(&single, file->bytes + at, sizeof single);
    tg_io_turn(&single, 1, sizeof single);
    return (double)single;
}

/* Averages and sums of squares: not below 0, but nan where a run has diverged. */
static bool check_squares(const tg_io_file *file, const char *name, const tg_io_entry *entry)
{
    size_t size = tg_io_element_of(entry->array.type)->size;
    for (size_t at = entry->begin; at < entry->end; at += size) {
        double value = element_at(file, at, entry->array.type);
        TG_IO_CHECK(file, !(value < 0), TG_EVALUE, "tensor %s: %g for a square",
                    tg_io_quote(name).chars, value);
    }
    return true;
}

/* Whether a value of the run or of its optimiser is one that they can have. A model's may be
 * anything. */
static bool check_value(const tg_io_file *file, const char *name, const tg_io_entry *entry)
{
    static const struct {
        const char *name;
        tg_io_check *check;
    } kinds[] = {{"step", check_step},          {"lr", check_rate},
                 {"exp_avg_sq", check_squares}, {"max_exp_avg_sq", check_squares},
                 {"square_avg", check_squares}, {"sum", check_squares}};
    const char *last = strrchr(name, '.');
    const tg_io_element *element = tg_io_element_of(entry->array.type);
    TG_IO_CHECK(file, entry->array.type == element->dtype, TG_EDTYPE,
                "tensor %s: no checkpoint has %s", tg_io_quote(name).chars, element->safetensors);
    if (last && strncmp(name, OPTIM, sizeof OPTIM - 1) != 0)
        return true;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!strcmp(last ? last + 1 : name, kinds[i].name))
            return kinds[i].check(file, name, entry);
    }
    return true;
}

static void load(const tg_io_file *file, const tg_params *params, tg_optim *optim, int64_t *step)
{
    checkpoint c;
    if (!list_all(file, params, optim, 0, &c) || !check_rng(file, &c) ||
        !tg_io_fill(file, c.list, NULL, check_value))
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
