#!/usr/bin/env python3
"""Writes optim.inc: parameters after many steps of PyTorch's optimisers, from gradients that both
dtypes hold exactly. `want` is with square roots rounded correctly (PyTorch's own may be the next
number), `own` with PyTorch's.

    python3 optim.py > optim.inc        (torch 2.13.0+cpu)
"""
import numpy as np
import torch

from braces import fields, row, rows

N, STEPS, SHOWN = 19, 30, (1, 2, 30)
torch.manual_seed(7)
START = torch.randn(N)
GRADS = torch.randn(STEPS, N) * torch.logspace(-6, 2, N)
GRADS[:, 3] = 0
GRADS[5] = 0
GRADS[7:, 11] *= 1e-3

CASES = [
    ("sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01)),
    ("sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9, nesterov=True, maximize=True)),
    ("sgd", torch.optim.SGD, dict(lr=0.05, weight_decay=0.1)),
]
for kind, cls in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
    CASES += [
        (kind, cls, dict()),
        (kind, cls, dict(lr=0.1, amsgrad=True)),
        (kind, cls, dict(lr=0.02, betas=(0.8, 0.95), eps=1e-5, weight_decay=0.1)),
        (kind, cls, dict(lr=0.02, betas=(0.3, 0.5), weight_decay=0.3, amsgrad=True, maximize=True)),
    ]
CASES += [
    ("rmsprop", torch.optim.RMSprop, dict()),
    ("rmsprop", torch.optim.RMSprop, dict(lr=0.1, alpha=0.9, momentum=0.9)),
    ("rmsprop", torch.optim.RMSprop, dict(alpha=0.4, centered=True, weight_decay=0.1)),
    ("rmsprop", torch.optim.RMSprop,
     dict(lr=0.03, momentum=0.5, centered=True, eps=1e-4, maximize=True)),
    ("adagrad", torch.optim.Adagrad, dict()),
    ("adagrad", torch.optim.Adagrad, dict(lr=0.1, lr_decay=0.2, weight_decay=0.05)),
    ("adagrad", torch.optim.Adagrad,
     dict(lr=0.5, initial_accumulator_value=0.7, eps=1e-3, maximize=True)),
]
for kind, cls in (("nadam", torch.optim.NAdam), ("radam", torch.optim.RAdam)):
    CASES += [
        (kind, cls, dict()),
        (kind, cls, dict(lr=0.02, betas=(0.8, 0.95), eps=1e-5, weight_decay=0.1)),
        (kind, cls, dict(lr=0.02, betas=(0.3, 0.5), weight_decay=0.3, decoupled_weight_decay=True,
                         maximize=True)),
    ]
CASES += [
    ("nadam", torch.optim.NAdam, dict(lr=0.1, momentum_decay=0.2)),
    ("adamax", torch.optim.Adamax, dict()),
    ("adamax", torch.optim.Adamax,
     dict(lr=0.02, betas=(0.3, 0.5), eps=1e-4, weight_decay=0.3, maximize=True)),
    ("adadelta", torch.optim.Adadelta, dict()),
    ("adadelta", torch.optim.Adadelta,
     dict(lr=0.1, rho=0.5, eps=1e-3, weight_decay=0.1, maximize=True)),
]


def exact_sqrt(t):
    return torch.from_numpy(np.sqrt(t.detach().numpy()))


def run(cls, opts, dtype):
    p = START.to(dtype, copy=True).requires_grad_()
    optim = cls([p], foreach=False, **opts)
    shown = []
    for step in range(STEPS):
        p.grad = GRADS[step].to(dtype, copy=True)
        optim.step()
        if step + 1 in SHOWN:
            shown.append(p.detach().clone())
    return torch.stack(shown)


def patched(cls, opts, dtype):
    saved = torch.Tensor.sqrt, torch.Tensor.sqrt_
    torch.Tensor.sqrt, torch.Tensor.sqrt_ = exact_sqrt, lambda t: t.copy_(exact_sqrt(t))
    try:
        return run(cls, opts, dtype)
    finally:
        torch.Tensor.sqrt, torch.Tensor.sqrt_ = saved


print("/* Made by optim.py. Do not edit. */")
print(f"enum {{ N = {N}, STEPS = {STEPS}, SHOWN = {len(SHOWN)} }};")
print(f"static const int shown[SHOWN] = {{{', '.join(map(str, SHOWN))}}};")
print(f"static const double start[N] = {row(START)};")
print(f"static const double gradients[STEPS][N] = {rows(GRADS)};")
for i, (kind, cls, opts) in enumerate(CASES):
    struct = "adam" if kind == "adamw" else kind
    print(f"static const tg_{struct}_opts opts_{i} = {{{fields(opts) or '0'}}};")
print("static const golden cases[] = {")
for i, (kind, cls, opts) in enumerate(CASES):
    for name, dtype in (("TG_F32", torch.float32), ("TG_F64", torch.float64)):
        print(f"    {{make_{kind}, &opts_{i}, {name},")
        print(f"     {rows(patched(cls, opts, dtype))},")
        print(f"     {row(run(cls, opts, dtype)[-1])}}},")
print("};")
