#!/usr/bin/env python3
"""Writes clip.inc: gradients after PyTorch's clip_grad_norm_ and clip_grad_value_. Those given are
exact in both dtypes.

    python3 clip.py > clip.inc        (torch 2.13.0+cpu)
"""
import math

import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

SIZES = (19, 1, 6)
torch.manual_seed(11)
GRADS = torch.randn(sum(SIZES)) * torch.logspace(-3, 1, sum(SIZES))
GRADS[4] = 0
NORMS = [(1.0, 2.0), (0.25, 2.0), (1e3, 2.0), (0.0, 2.0), (2.0, 1.0), (1.5, 3.0), (0.7, 0.5),
         (0.5, math.inf), (100.0, math.inf)]
VALUES = [0.1, 1.0, 0.0, 50.0]


def params(dtype):
    made = []
    for part in GRADS.split(SIZES):
        p = torch.zeros_like(part, dtype=dtype, requires_grad=True)
        p.grad = part.to(dtype, copy=True)
        made.append(p)
    return made


def number(v):
    return "(double)INFINITY" if v == math.inf else float(v).hex()


def row(t):
    return "{" + ", ".join(number(v) for v in t.flatten()) + "}"


def show(dtype, kind, made, bound, norm_type, total):
    print(f"    {{{dtype}, {kind}, {number(bound)}, {number(norm_type)}, {number(total)},")
    print(f"     {row(torch.cat([p.grad for p in made]))}}},")


print("/* Made by clip.py. Do not edit. */")
print(f"enum {{ N = {sum(SIZES)}, PARTS = {len(SIZES)} }};")
print(f"static const int64_t sizes[PARTS] = {{{', '.join(map(str, SIZES))}}};")
print(f"static const double gradients[N] = {row(GRADS)};")
print("static const golden cases[] = {")
for name, dtype in (("TG_F32", torch.float32), ("TG_F64", torch.float64)):
    for bound, norm_type in NORMS:
        made = params(dtype)
        total = clip_grad_norm_(made, bound, norm_type)
        show(name, "false", made, bound, norm_type, total)
    for bound in VALUES:
        made = params(dtype)
        clip_grad_value_(made, bound)
        show(name, "true", made, bound, 0, 0)
print("};")
