/* Learning rates as functions of the step. They keep nothing and need no tape. Relies on libm. */
#include "ops/option.h"

#include "kernels/modes.h"

#include <math.h>
#include <tinygrad/train.h>

static const double pi = 0x1.921fb54442d18p+1, none = (double)NAN;

double tg_lr_step(double base, int64_t step, int64_t step_size, double gamma)
{
    TGK_IN_RIGHT_MODES(double, tg_lr_step(base, step, step_size, gamma));
    if (step < 0 || step_size < 1)
        return none;
    int64_t periods = step / step_size;
    return base * pow(gamma, (double)periods);
}

double tg_lr_multi_step(double base, int64_t step, const int64_t *milestones, size_t n,
                        double gamma)
{
    TGK_IN_RIGHT_MODES(double, tg_lr_multi_step(base, step, milestones, n, gamma));
    if (step < 0 || (n && !milestones))
        return none;
    double passed = 0;
    for (size_t i = 0; i < n; i++)
        passed += step >= milestones[i];
    return base * pow(gamma, passed);
}

double tg_lr_exponential(double base, int64_t step, double gamma)
{
    TGK_IN_RIGHT_MODES(double, tg_lr_exponential(base, step, gamma));
    return step < 0 ? none : base * pow(gamma, (double)step);
}

double tg_lr_cosine(double base, int64_t step, int64_t t_max, double eta_min)
{
    TGK_IN_RIGHT_MODES(double, tg_lr_cosine(base, step, t_max, eta_min));
    if (step < 0 || t_max < 1)
        return none;
    return eta_min + (base - eta_min) * (1 + cos(pi * (double)step / (double)t_max)) / 2;
}

double tg_lr_linear(double base, int64_t step, double start_factor, double end_factor,
                    int64_t total_steps)
{
    TGK_IN_RIGHT_MODES(double, tg_lr_linear(base, step, start_factor, end_factor, total_steps));
    if (step < 0 || total_steps < 1)
        return none;
    double part = step < total_steps ? (double)step / (double)total_steps : 1;
    return base * (start_factor + (end_factor - start_factor) * part);
}

/* From `low` to `high` over a part of the steps. */
typedef struct phase {
    double end, low, high;
} phase;

static double anneal(const phase *p, double begin, double step, bool linear)
{
    double part = p->end > begin ? (step - begin) / (p->end - begin) : 1;
    if (linear)
        return (p->high - p->low) * part + p->low;
    return p->high + (p->low - p->high) / 2 * (cos(pi * part) + 1);
}

double tg_lr_one_cycle(int64_t step, const tg_one_cycle_opts *opts)
{
    TGK_IN_RIGHT_MODES(double, tg_lr_one_cycle(step, opts));
    if (!opts || opts->total_steps < 1 || step < 0)
        return none;
    double part = tg_option(opts->pct_start, 0.3);
    if (!(part > 0 && part <= 1))
        return none;
    double total = (double)opts->total_steps, most = tg_option(opts->max_lr, 0);
    double first = most / tg_option(opts->div_factor, 25);
    double last = first / tg_option(opts->final_div_factor, 1e4);
    phase phases[3] = {{part * total - 1, first, most}, {total - 1, most, last}};
    int n = 2;
    if (opts->three_phase) {
        phases[1] = (phase){2 * part * total - 2, most, first};
        phases[n++] = (phase){total - 1, first, last};
    }
    double at = fmin((double)step, total - 1), begin = 0;
    int i = 0;
    for (; i < n - 1 && at > phases[i].end; i++)
        begin = phases[i].end;
    return anneal(&phases[i], begin, at, opts->linear);
}

double tg_lr_cosine_restarts(double base, int64_t step, int64_t t_0, int64_t t_mult, double eta_min)
{
    if (step < 0 || t_0 < 1 || t_mult < 1)
        return none;
    if (t_mult == 1)
        return tg_lr_cosine(base, step % t_0, t_0, eta_min);
    while (step >= t_0) {
        step -= t_0;
        t_0 = t_0 > INT64_MAX / t_mult ? INT64_MAX : t_0 * t_mult;
    }
    return tg_lr_cosine(base, step, t_0, eta_min);
}

static bool is_better(double metric, double best, const tg_plateau_opts *o)
{
    double threshold = tg_option(o->threshold, 1e-4);
    if (o->maximize)
        return metric > (o->absolute ? best + threshold : best * (1 + threshold));
    return metric < (o->absolute ? best - threshold : best * (1 - threshold));
}

double tg_lr_plateau(double lr, double metric, tg_plateau *state, const tg_plateau_opts *opts)
{
    TGK_IN_RIGHT_MODES(double, tg_lr_plateau(lr, metric, state, opts));
    static const tg_plateau_opts standard = {0};
    const tg_plateau_opts *o = opts ? opts : &standard;
    double factor = tg_option(o->factor, 0.1), eps = tg_option(o->eps, 1e-8);
    double patience = tg_option(o->patience, 10);
    if (!state || !(factor < 1) || !(patience >= 0) || o->cooldown < 0)
        return none;
    if (!state->begun)
        *state = (tg_plateau){.begun = true, .best = (double)(o->maximize ? -INFINITY : INFINITY)};
    bool better = is_better(metric, state->best, o), cooling = state->cooling > 0;
    state->best = better ? metric : state->best;
    state->bad = better || cooling ? 0 : state->bad + 1;
    state->cooling -= cooling;
    if ((double)state->bad <= patience)
        return lr;
    state->cooling = o->cooldown;
    state->bad = 0;
    double lower = fmax(lr * factor, o->min_lr);
    return lr - lower > eps ? lower : lr;
}
