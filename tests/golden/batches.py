#!/usr/bin/env python3
"""Writes batches.inc: three epochs of torch.randperm(n).split(batch) for each seed, with a rand(3)
between epochs, as batches of their size and indices.

    python3 batches.py > batches.inc        (torch 2.13.0+cpu)
"""
import torch

EPOCHS = 3
CASES = [(0, 1, 1), (1, 10, 5), (2, 10, 4), (3, 7, 16), (4, 23, 1), (5, 100, 32), (40431, 64, 64)]

print("/* Made by batches.py. Do not edit. */")
print(f"enum {{ EPOCHS = {EPOCHS} }};")
print("static const struct {\n    uint64_t seed;\n    int64_t n, batch, sizes[24 * EPOCHS];")
print("    int64_t order[100 * EPOCHS];\n} cases[] = {")
for seed, n, batch in CASES:
    torch.manual_seed(seed)
    sizes, order = [], []
    for _ in range(EPOCHS):
        for part in torch.randperm(n).split(batch):
            sizes.append(str(len(part)))
            order += [str(i) for i in part.tolist()]
        torch.rand(3)
    print(f"    {{{seed}, {n}, {batch}, {{{', '.join(sizes)}}},\n     {{{', '.join(order)}}}}},")
print("};")
