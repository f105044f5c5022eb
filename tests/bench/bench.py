#!/usr/bin/env python3
"""Runs the rows of bench.c in PyTorch beside it and prints a Markdown table of medians.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/bench/bench.py build/tests/bench_bench [row prefix ...]

One thread on both sides. Each row runs in PyTorch right after it ran in C, so that a machine that
drifts disturbs the ratio little. A ratio above 1 says that libtinygrad is faster.
"""
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)


def cross_entropy(size):
    rows = {5: 3, 50257: 1024}.get(size, 256 if size > 10000 else 1024)
    x = torch.randn(rows, size, requires_grad=True)
    t = torch.randint(0, size, (rows,))

    def step():
        x.grad = None
        F.cross_entropy(x, t).backward()
    return step


def hinge(size):
    model = torch.nn.Sequential(torch.nn.Linear(2, size), torch.nn.ReLU(),
                                torch.nn.Linear(size, size), torch.nn.ReLU(),
                                torch.nn.Linear(size, 1))
    x, y = torch.randn(100, 2), torch.randn(100, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)

    def step():
        loss = (1 - model(x) * y).relu().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return step


def mlp(size):
    model = torch.nn.Sequential(torch.nn.Linear(784, size), torch.nn.ReLU(),
                                torch.nn.Linear(size, 10))
    x, t = torch.randn(64, 784), torch.randint(0, 10, (64,))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step():
        loss = F.cross_entropy(model(x), t)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return step


def matmul(size):
    a, b = (torch.randn(size, size, requires_grad=True) for _ in range(2))
    g = torch.randn(size, size)

    def step():
        a.grad = b.grad = None
        (a @ b).backward(g)
    return step


def elementwise(size):
    x, y, z = (torch.randn(size, requires_grad=True) for _ in range(3))

    def step():
        x.grad = y.grad = z.grad = None
        ((x * y) + z).relu().sum().backward()
    return step


def chain(size, backward):
    x = torch.ones(size, requires_grad=True)

    def step():
        x.grad = None
        y = x
        for _ in range(1000):
            y = y * 1.0
        if backward:
            y.sum().backward()
    return step


def randn(size):
    x = torch.empty(size)
    return lambda: x.normal_()


# Name, what to time, and how much of the row's unit a step is; None: the row is in microseconds.
ROWS = {
    "W1_cross_entropy_3": (cross_entropy, None),
    "W2_mlp_hinge": (hinge, None),
    "W3_mlp_784_10": (mlp, None),
    "W4_cross_entropy": (cross_entropy, None),
    "W5_matmul": (matmul, lambda n: 6e-9 * n**3),
    "W6_elementwise": (elementwise, None),
    "W7_chain_forward": (lambda n: chain(n, False), None),
    "W7_chain_both": (lambda n: chain(n, True), None),
    "W8_randn": (randn, lambda n: 1e-6 * n),
}


def median_seconds(step):
    for _ in range(3):
        step()
    samples, start = [], time.perf_counter()
    while len(samples) < 5 or (time.perf_counter() - start < 0.5 and len(samples) < 1000):
        before = time.perf_counter()
        step()
        samples.append(time.perf_counter() - before)
    return statistics.median(samples)


def main():
    program, chosen = sys.argv[1], sys.argv[2:]
    names = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    print("| row | libtinygrad | PyTorch | unit | ratio |\n|---|--:|--:|---|--:|")
    for name in names.stdout.split():
        if chosen and not name.startswith(tuple(chosen)):
            continue
        ours = subprocess.run([program, name], capture_output=True, text=True, check=True)
        _, median, _, unit, _ = ours.stdout.splitlines()[0].split()
        row, size = name.split("/")
        make, work = ROWS[row]
        seconds = median_seconds(make(int(size)))
        theirs = work(int(size)) / seconds if work else seconds * 1e6
        ratio = float(median) / theirs if work else theirs / float(median)
        print(f"| {name} | {float(median):.4g} | {theirs:.4g} | {unit} | {ratio:.2f} |", flush=True)


main()
