#!/usr/bin/env python3
"""Writes sparse.inc: a table of word vectors after each step of torch.optim.SparseAdam, whose gradients
come from nn.functional.embedding(sparse=True). `want` is with square roots rounded correctly (PyTorch's own
may be the next number). Gradients are multiples of 1/64 below 4, so that their sums are exact.

    python3 sparse.py > sparse.inc        (torch 2.13.0+cpu)
"""
import numpy as np
import torch
import torch.nn.functional as F

from braces import fields, row, rows

ROWS, WIDTH, READS, STEPS, PADDING = 9, 3, 5, 6, 4
torch.manual_seed(3)
START = torch.randn(ROWS, WIDTH)
INDEX = torch.randint(0, ROWS, (STEPS, READS))
INDEX[2] = PADDING  # a gradient without rows
INDEX[1, :3] = 7
INDEX[4, 0] = PADDING
UPSTREAM = torch.randint(-255, 256, (STEPS, READS, WIDTH)) / 64
UPSTREAM[5, 0] = 0  # a row of zeros, which is updated all the same

CASES = [
    dict(),
    dict(lr=0.1, betas=(0.8, 0.95), eps=1e-4),
    dict(lr=0.02, betas=(0.3, 0.5), maximize=True),
]


def exact_sqrt(t):
    return torch.from_numpy(np.sqrt(t.detach().numpy()))


def run(opts, dtype):
    weight = START.to(dtype, copy=True).requires_grad_()
    optim = torch.optim.SparseAdam([weight], **opts)
    shown = []
    for step in range(STEPS):
        optim.zero_grad()
        read = F.embedding(INDEX[step], weight, padding_idx=PADDING, sparse=True)
        read.backward(UPSTREAM[step].to(dtype))
        optim.step()
        shown.append(weight.detach().clone().flatten())
    return torch.stack(shown)


def patched(opts, dtype):
    saved = torch.Tensor.sqrt_
    torch.Tensor.sqrt_ = lambda t: t.copy_(exact_sqrt(t))
    try:
        return run(opts, dtype)
    finally:
        torch.Tensor.sqrt_ = saved


print("/* Made by sparse.py. Do not edit. */")
print(f"enum {{ ROWS = {ROWS}, WIDTH = {WIDTH}, READS = {READS}, STEPS = {STEPS}, PADDING = {PADDING} }};")
print(f"static const double start[ROWS * WIDTH] = {row(START.flatten())};")
print("static const int64_t indices[STEPS][READS] = {"
      + ", ".join("{" + ", ".join(map(str, r.tolist())) + "}" for r in INDEX) + "};")
print(f"static const double upstream[STEPS][READS * WIDTH] = {rows(UPSTREAM.flatten(1))};")
print("static const golden cases[] = {")
for opts in CASES:
    for name, dtype in (("TG_F32", torch.float32), ("TG_F64", torch.float64)):
        print(f"    {{{{{fields(opts) or '.lr = 1e-3'}}}, {name},")
        print(f"     {rows(patched(opts, dtype))}}},")
print("};")
