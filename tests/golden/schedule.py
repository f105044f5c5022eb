#!/usr/bin/env python3
"""Writes schedule.inc: learning rates of PyTorch's schedulers, step after step.

    python3 schedule.py > schedule.inc        (torch 2.13.0+cpu)
"""
import warnings

import torch
from torch.optim import lr_scheduler as lr

warnings.simplefilter("ignore")
STEPS = 40


def case(call, base, make):
    optim = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    schedule = make(optim)
    rates = []
    for step in range(STEPS):
        rates.append(optim.param_groups[0]["lr"])
        if step + 1 < STEPS:
            schedule.step()
    return call, rates


def one_cycle(call, **opts):
    made = case(call, 1.0, lambda o: lr.OneCycleLR(o, cycle_momentum=False, **opts))
    return made


def cycle(fields):
    return f"tg_lr_one_cycle(step, &(tg_one_cycle_opts){{{fields}}})"


CASES = [
    case("tg_lr_step(0.1, step, 7, 0.5)", 0.1, lambda o: lr.StepLR(o, 7, 0.5)),
    case("tg_lr_step(3, step, 1, 0.9)", 3, lambda o: lr.StepLR(o, 1, 0.9)),
    case("tg_lr_step(0.02, step, 30, 1.5)", 0.02, lambda o: lr.StepLR(o, 30, 1.5)),
    case("tg_lr_multi_step(0.1, step, (int64_t[]){30, 4, 11}, 3, 0.1)", 0.1,
         lambda o: lr.MultiStepLR(o, [30, 4, 11], 0.1)),
    case("tg_lr_multi_step(0.1, step, (int64_t[]){5, 5, 6}, 3, 0.3)", 0.1,
         lambda o: lr.MultiStepLR(o, [5, 5, 6], 0.3)),
    case("tg_lr_multi_step(0.1, step, NULL, 0, 0.3)", 0.1, lambda o: lr.MultiStepLR(o, [], 0.3)),
    case("tg_lr_exponential(0.1, step, 0.95)", 0.1, lambda o: lr.ExponentialLR(o, 0.95)),
    case("tg_lr_exponential(2, step, 0.5)", 2, lambda o: lr.ExponentialLR(o, 0.5)),
    case("tg_lr_cosine(0.1, step, 39, 0)", 0.1, lambda o: lr.CosineAnnealingLR(o, 39)),
    case("tg_lr_cosine(0.1, step, 5, 0.01)", 0.1, lambda o: lr.CosineAnnealingLR(o, 5, 0.01)),
    case("tg_lr_cosine(1, step, 100, 0.2)", 1, lambda o: lr.CosineAnnealingLR(o, 100, 0.2)),
    case("tg_lr_cosine_restarts(0.1, step, 7, 1, 0.01)", 0.1,
         lambda o: lr.CosineAnnealingWarmRestarts(o, 7, 1, 0.01)),
    case("tg_lr_cosine_restarts(1, step, 3, 2, 0)", 1,
         lambda o: lr.CosineAnnealingWarmRestarts(o, 3, 2)),
    case("tg_lr_linear(0.1, step, 1.0 / 3, 1, 5)", 0.1, lambda o: lr.LinearLR(o)),
    case("tg_lr_linear(0.1, step, 0.001, 1, 30)", 0.1, lambda o: lr.LinearLR(o, 0.001, 1, 30)),
    case("tg_lr_linear(0.5, step, 1, 0, 20)", 0.5, lambda o: lr.LinearLR(o, 1, 0, 20)),
    one_cycle(cycle(".max_lr = 0.1, .total_steps = 40"), max_lr=0.1, total_steps=40),
    one_cycle(cycle(".max_lr = 1, .total_steps = 40, .pct_start = 0.45, .linear = true"),
              max_lr=1, total_steps=40, pct_start=0.45, anneal_strategy="linear"),
    one_cycle(cycle(".max_lr = 0.1, .total_steps = 41, .three_phase = true"),
              max_lr=0.1, total_steps=41, three_phase=True),
    one_cycle(cycle(".max_lr = 0.1, .total_steps = 100, .pct_start = 0.1, .div_factor = 10, "
                    ".final_div_factor = 3, .three_phase = true, .linear = true"),
              max_lr=0.1, total_steps=100, pct_start=0.1, div_factor=10, final_div_factor=3,
              three_phase=True, anneal_strategy="linear"),
    one_cycle(cycle(".max_lr = 0.1, .total_steps = 40, .pct_start = 0.01"),
              max_lr=0.1, total_steps=40, pct_start=0.01),
    one_cycle(cycle(".max_lr = 0.1, .total_steps = 40, .pct_start = 1"),
              max_lr=0.1, total_steps=40, pct_start=1.0),
]

print("/* Made by schedule.py. Do not edit. */")
print(f"enum {{ STEPS = {STEPS} }};")
for i, (call, rates) in enumerate(CASES):
    print(f"static double rate_{i}(int64_t step)\n{{\n    return {call};\n}}")
print("static const golden cases[] = {")
for i, (call, rates) in enumerate(CASES):
    print(f"    {{rate_{i}, {{{', '.join(repr(float(r)) for r in rates)}}}}},")
print("};")

METRICS = [5, 4, 4, 3.9999, 4, 3, 3, 3, 2.9, 2.95, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 1.99999, 2, 2, 1]
PLATEAUS = [
    (".patience = 2", dict(patience=2)),
    (".factor = 0.5, .patience = TG_ZERO, .cooldown = 2", dict(factor=0.5, patience=0, cooldown=2)),
    (".maximize = true, .patience = 1, .min_lr = 1e-3",
     dict(mode="max", patience=1, min_lr=1e-3)),
    (".patience = 1, .threshold = 0.05, .absolute = true, .eps = 1e-3",
     dict(patience=1, threshold=0.05, threshold_mode="abs", eps=1e-3)),
]
print(f"enum {{ METRICS = {len(METRICS)}, PLATEAUS = {len(PLATEAUS)} }};")
print(f"static const double metrics[METRICS] = {{{', '.join(map(repr, METRICS))}}};")
print("static const struct {\n    tg_plateau_opts opts;\n    double want[METRICS];\n"
      "} plateaus[PLATEAUS] = {")
for fields, opts in PLATEAUS:
    optim = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule, rates = lr.ReduceLROnPlateau(optim, **opts), []
    for metric in METRICS:
        schedule.step(metric)
        rates.append(optim.param_groups[0]["lr"])
    print(f"    {{{{{fields}}}, {{{', '.join(repr(float(r)) for r in rates)}}}}},")
print("};")
