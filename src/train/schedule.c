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
