#!/usr/bin/env python3
"""Runs the rows of bench.c in PyTorch beside it and prints a Markdown table of medians.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/bench/bench.py build/tests/bench_bench [--threads 1,2] [row prefix ...]

One thread on both sides, or as many as said, one after the other. Each row runs in PyTorch right
after it ran in C, so that a machine that drifts disturbs the ratio little; with --turns N both run
that often by turns, and the best of each counts; with --least a row is the least time that a step
took, for a machine that others use, too. A ratio above 1 says that libtinygrad is faster. With
--compile PyTorch runs what torch.compile makes of the forward function, in the rows W1 to W3 and
logistic.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from torch import optim


WRAP = [lambda f: f]  # or torch.compile


def cross_entropy(size):
    rows = 3 if size == 5 else 256 if size > 60000 else 1024
    x = torch.randn(rows, size, requires_grad=True)
    t = torch.randint(0, size, (rows,))

    loss = WRAP[0](lambda: F.cross_entropy(x, t))

    def step():
        x.grad = None
        loss().backward()
    return step


def linear_cross_entropy(size):
    x, w = torch.randn(2048, 256, requires_grad=True), torch.empty(size, 256, requires_grad=True)
    b, t = torch.zeros(size, requires_grad=True), torch.randint(0, size, (2048,))
    with torch.no_grad():
        w.uniform_(-1 / 16, 1 / 16)

    def step():
        x.grad = w.grad = b.grad = None
        F.cross_entropy(F.linear(x, w, b), t).backward()
    return step


def long_norm(x):
    weight = torch.ones(x.shape[1], requires_grad=True)
    return F.layer_norm(x, x.shape[1:], weight, weight)


def short(call, dtype):
    """A million numbers in rows of `size`."""
    def make(size):
        rows = 1000000 // size
        x = torch.randn(rows, size, dtype=dtype, requires_grad=True)
        t = torch.randint(0, size, (rows,))
        g = torch.randn_like(call(x, t))

        def step():
            x.grad = None
            y = call(x, t)
            y.backward(g if y.dim() else None)
        return step
    return make


def training(forward, optimiser):
    forward = WRAP[0](forward)

    def step():
        loss = forward()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return step


def hinge(size):
    model = torch.nn.Sequential(torch.nn.Linear(2, size), torch.nn.ReLU(),
                                torch.nn.Linear(size, size), torch.nn.ReLU(),
                                torch.nn.Linear(size, 1))
    x, y = torch.randn(100, 2), torch.randn(100, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)

    return training(lambda: (1 - model(x) * y).relu().mean(), optimiser)


def mlp(size):
    model = torch.nn.Sequential(torch.nn.Linear(784, size), torch.nn.ReLU(),
                                torch.nn.Linear(size, 10))
    x, t = torch.randn(64, 784), torch.randint(0, 10, (64,))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    return training(lambda: F.cross_entropy(model(x), t), optimiser)


def logistic(size):
    model = torch.nn.Linear(4, 3)
    x, t = torch.randn(size, 4), torch.randint(0, 3, (size,))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)

    return training(lambda: F.cross_entropy(model(x), t), optimiser)


def matmul(size):
    a, b = (torch.randn(size, size, requires_grad=True) for _ in range(2))
    g = torch.randn(size, size)

    def step():
        a.grad = b.grad = None
        (a @ b).backward(g)
    return step


def addmm(size):
    a, b = (torch.randn(size, size, requires_grad=True) for _ in range(2))
    c = torch.randn(size, size)

    def step():
        a.grad = b.grad = None
        torch.addmm(c, a, b).backward(c)
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


def depth(size):
    x = torch.ones((), requires_grad=True)

    def step():
        y = x
        for _ in range(size):
            y = -y
        x.grad = None
        y.backward()
    return step


def randn(size):
    x = torch.empty(size)
    return lambda: x.normal_()


def square(function, grad=lambda n: torch.randn(n, n)):
    def make(size):
        x, g = torch.randn(size, size, requires_grad=True), grad(size)

        def step():
            x.grad = None
            function(x).backward(g)
        return step
    return make


def attention(size):
    q, k, v, g = (torch.randn(2048 // size, 4, size, 32, requires_grad=i < 3) for i in range(4))

    def step():
        q.grad = k.grad = v.grad = None
        F.scaled_dot_product_attention(q, k, v, is_causal=True).backward(g)
    return step


def embedding(size):
    index = torch.randint(0, size, (size,))
    return square(lambda x: F.embedding(index, x))(size)


def conv2d(size):
    x = torch.randn(32, 16, size, size, requires_grad=True)
    w, g = torch.randn(16, 16, 3, 3, requires_grad=True), torch.randn(32, 16, size, size)

    def step():
        x.grad = w.grad = None
        F.conv2d(x, w, padding=1).backward(g)
    return step


def places(function):
    """Backward from the sum, where it has a gradient; p: probabilities"""
    def make(n):
        x = torch.randn(n, n, requires_grad=True)
        rest = {"source": torch.randn(n, n), "row": torch.randint(0, n, (n,)),
                "index": torch.randint(0, n, (n, n)), "p": torch.rand(n, n),
                "leaf": torch.randn(n, requires_grad=True), "numbers": torch.randn(n)}

        def step():
            x.grad = rest["leaf"].grad = None
            y = function(x, **rest)
            if y.requires_grad:
                y.sum().backward()
        return step
    return make


def grown(layer):
    def row(size):
        x = torch.randn(32, 16, size, size, requires_grad=True)
        w = torch.randn(16, 16, 2, 2, requires_grad=True)
        g = torch.randn(layer(x, w).shape)

        def step():
            x.grad = w.grad = None
            layer(x, w).backward(g)
        return step
    return row


def normed(layer):
    def row(size):
        x = torch.randn(32, 16, size, size, requires_grad=True)
        w, b = (torch.randn(16, requires_grad=True) for _ in range(2))
        g = torch.randn(32, 16, size, size)

        def step():
            x.grad = w.grad = b.grad = None
            layer(x, w, b).backward(g)
        return step
    return row


def pairs(size):
    a, b = (torch.randn(size, 64, requires_grad=True) for _ in range(2))
    g = torch.randn(size, size)

    def step():
        a.grad = b.grad = None
        torch.cdist(a, b).backward(g)
    return step


def baddbmm(size):
    a, b = (torch.randn(16, size, size, requires_grad=True) for _ in range(2))
    c = torch.randn(16, size, size)

    def step():
        a.grad = b.grad = None
        torch.baddbmm(c, a, b).backward(c)
    return step


def update(optimiser, **options):
    def row(size):
        x = torch.randn(size, requires_grad=True)
        x.square().sum().backward()
        return optimiser([x], **options).step
    return row


# Name, what to time, and how much of the row's unit a step is; None: the row is in microseconds;
# "MiB": it is the memory of a step beside leaves and their gradients.
ROWS = {
    "W1_cross_entropy_3": (cross_entropy, None),
    "W1_replayed": (cross_entropy, None),
    "W2_mlp_hinge": (hinge, None),
    "W2_replayed": (hinge, None),
    "logistic_4_3": (logistic, None),
    "logistic_replayed": (logistic, None),
    "W3_mlp_784_10": (mlp, None),
    "W3_replayed": (mlp, None),
    "W4_cross_entropy": (cross_entropy, None),
    "W4_rate": (cross_entropy, lambda n: 1e-6 * (256 if n > 60000 else 1024) * n),
    **{f"{name}_cross_entropy{end}": (linear_cross_entropy, unit)
       for name in ("linear", "linear_then") for end, unit in (("", None), ("_memory", "MiB"))},
    "addmm": (addmm, None),
    "W5_matmul": (matmul, lambda n: 6e-9 * n**3),
    "W6_elementwise": (elementwise, None),
    "W7_chain_forward": (lambda n: chain(n, False), None),
    "W7_chain_both": (lambda n: chain(n, True), None),
    "W7_depth": (depth, lambda n: 1e-6 * n),
    "W8_randn": (randn, lambda n: 1e-6 * n),
    "exp": (square(torch.exp), None),
    "tanh": (square(torch.tanh), None),
    "gelu": (square(F.gelu), None),
    "mish": (square(F.mish), None),
    "hardswish": (square(F.hardswish), None),
    "tan": (square(torch.tan), None),
    "atan": (square(torch.atan), None),
    "remainder": (lambda n: square(lambda x, y=torch.randn(n, n): torch.remainder(x, y))(n), None),
    "rms_norm": (square(lambda x: F.rms_norm(x, x.shape[1:])), None),
    "normalize": (square(F.normalize), None),
    "einsum": (lambda n: square(lambda x, y=torch.randn(n, n): torch.einsum("ij,kj->ik", x, y))(n),
               None),
    **{f"short_{kind}{name}": (short(call, dtype), None)
       for kind, dtype in (("", torch.float32), ("f64_", torch.float64))
       for name, call in {
           "softmax": lambda x, t: F.softmax(x, 1),
           "log_softmax": lambda x, t: F.log_softmax(x, 1),
           "layer_norm": lambda x, t: F.layer_norm(x, x.shape[1:], eps=0),
           "sum": lambda x, t: x.sum(1),
           "cross_entropy": F.cross_entropy,
       }.items()},
    "softmax": (square(lambda x: x.softmax(1)), None),
    "layer_norm": (square(lambda x: F.layer_norm(x, x.shape[1:])), None),
    "attention_causal": (attention, None),
    "sum_rows": (square(lambda x: x.sum(1), torch.randn), None),
    "sum_columns": (square(lambda x: x.sum(0), torch.randn), None),
    "transpose": (square(lambda x: x.t().contiguous()), None),
    "embedding": (embedding, None),
    "conv2d": (conv2d, None),
    **{name: (places(function), None) for name, function in {
        "pad_reflect": lambda x, **_: F.pad(x[None], (2, 2, 2, 2), mode="reflect"),
        "roll": lambda x, **_: x.roll(5, 1),
        "flip": lambda x, **_: x.flip(1),
        "repeat": lambda x, **_: x.repeat(2, 2),
        "scatter_add": lambda x, index, source, **_: x.scatter_add(1, index, source),
        "index_add": lambda x, row, source, **_: x.index_add(0, row, source),
        "index": lambda x, index, **_: x[index, index],
        "sort": lambda x, **_: x.sort(1)[0],
        "topk": lambda x, **_: x.topk(10, 1)[0],
        "masked_select": lambda x, **_: x.masked_select(x > 0),
        "cumprod": lambda x, **_: x.cumprod(1),
        "prod": lambda x, **_: x.prod(),
        "prod_dim": lambda x, **_: x.prod(1),
        "floor": lambda x, **_: x.floor(),
        "ceil": lambda x, **_: x.ceil(),
        "round": lambda x, **_: x.round(),
        "trunc": lambda x, **_: x.trunc(),
        "clamp_tensors": lambda x, source, p, **_: x.clamp(source, p),
        "masked_fill": lambda x, p, **_: x.masked_fill(p > 0.5, 1),
        "softmax_of_20": lambda x, **_: F.softmax(x.reshape(-1, 20), 1),
        "log_softmax_of_20": lambda x, **_: F.log_softmax(x.reshape(-1, 20), 1),
        "layer_norm_10_rows": lambda x, **_: long_norm(x.reshape(10, -1)),
        "scatter": lambda x, index, source, **_: x.scatter(1, index, source),
        "index_copy": lambda x, source, row, **_: x.index_copy(0, row, source),
        "diagonal": lambda x, **_: x.diagonal(),
        "hardtanh": lambda x, **_: F.hardtanh(x),
        "relu6": lambda x, **_: F.relu6(x),
        "hardsigmoid": lambda x, **_: F.hardsigmoid(x),
        "selu": lambda x, **_: F.selu(x),
        "celu": lambda x, **_: F.celu(x),
        "softsign": lambda x, **_: F.softsign(x),
        "glu": lambda x, **_: F.glu(x, 1),
        "cosine_similarity": lambda x, source, **_: F.cosine_similarity(x, source),
        "outer": lambda x, leaf, numbers, **_: torch.outer(leaf, numbers),
        "asinh": lambda x, **_: x.asinh(),
        "sinh": lambda x, **_: x.sinh(),
        "cosh": lambda x, **_: x.cosh(),
        "log2": lambda x, **_: x.abs().log2(),
        "log10": lambda x, **_: x.abs().log10(),
        "exp2": lambda x, **_: x.exp2(),
        "atan2": lambda x, source, **_: torch.atan2(x, source),
        "logaddexp": lambda x, source, **_: torch.logaddexp(x, source),
        "lerp": lambda x, source, p, **_: torch.lerp(x, source, p),
        "norm_0": lambda x, **_: torch.linalg.vector_norm(x, 0, 1),
        "hinge_embedding_loss": lambda x, source, **_: F.hinge_embedding_loss(x, source.sign()),
        "soft_margin_loss": lambda x, source, **_: F.soft_margin_loss(x, source),
        "multi_margin_loss": lambda x, row, **_: F.multi_margin_loss(x, row),
        "poisson_nll_loss": lambda x, p, **_: F.poisson_nll_loss(x, p),
        "gaussian_nll_loss": lambda x, source, p, **_: F.gaussian_nll_loss(x, source, p),
        "triplet_margin_loss": lambda x, source, p, **_: F.triplet_margin_loss(x, source, p),
        "multinomial": lambda x, p, **_: torch.multinomial(p, 1),
        "bernoulli": lambda x, p, **_: torch.bernoulli(p),
    }.items()},
    "group_norm": (normed(lambda x, w, b: F.group_norm(x, 4, w, b)), None),
    "instance_norm": (normed(lambda x, w, b: F.instance_norm(x, weight=w, bias=b)), None),
    "cdist": (pairs, None),
    "baddbmm": (baddbmm, None),
    "conv_transpose2d": (grown(lambda x, w: F.conv_transpose2d(x, w, stride=2)), None),
    "interpolate": (grown(lambda x, w: F.interpolate(x, scale_factor=2, mode="bilinear")), None),
    **{f"step_{name}": (row, None) for name, row in {
        "sgd": update(optim.SGD, lr=0.01, momentum=0.9, nesterov=True),
        "adam": update(optim.Adam),
        "amsgrad": update(optim.Adam, amsgrad=True, weight_decay=0.01),
        "rmsprop": update(optim.RMSprop, centered=True, momentum=0.9),
        "adagrad": update(optim.Adagrad),
        "nadam": update(optim.NAdam),
        "radam": update(optim.RAdam),
        "adamax": update(optim.Adamax),
        "adadelta": update(optim.Adadelta),
    }.items()},
    "adaptive_avg_pool2d": (grown(lambda x, w: F.adaptive_avg_pool2d(x, 7)), None),
}


def seconds_of(step, typical=statistics.median):
    for _ in range(3):
        step()
    samples, start = [], time.perf_counter()
    while len(samples) < 5 or (time.perf_counter() - start < 0.5 and len(samples) < 1000):
        before = time.perf_counter()
        step()
        samples.append(time.perf_counter() - before)
    return typical(samples)


def resident(what):
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what)) / 1024


def peak_mib(step):
    step()
    before = resident("VmRSS")
    with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
        refs.write("5")  # the peak begins again
    step()
    return resident("VmHWM") - before


def measure(program, name, threads, typical):
    """The library's median (or minimum, as `typical` is), its unit, PyTorch's, and the ratio."""
    ours = subprocess.run([program, name], capture_output=True, text=True, check=True,
                          env=dict(os.environ, OMP_NUM_THREADS=str(threads)))
    _, median, least, unit, _ = ours.stdout.splitlines()[0].split()
    median = least if typical is min else median
    row, size = name.split("/")
    make, work = ROWS[row]
    torch.set_num_threads(threads)
    if work == "MiB":
        theirs = peak_mib(make(int(size)))
        return float(median), unit, theirs, theirs / float(median)
    seconds = seconds_of(make(int(size)), typical)
    theirs = work(int(size)) / seconds if work else seconds * 1e6
    return float(median), unit, theirs, float(median) / theirs if work else theirs / float(median)


def best(turns):
    """Of measures of one row; rates are the better the larger they are, all else the smaller."""
    ours, unit, theirs, ratio = zip(*turns)
    choose = max if unit[0].endswith("/s") else min
    ratio = choose(ours) / choose(theirs)
    return choose(ours), unit[0], choose(theirs), ratio if choose is max else 1 / ratio


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--least", action="store_true")
    parser.add_argument("rows", nargs="*")
    args = parser.parse_intermixed_args()
    if args.compile:
        WRAP[0] = torch.compile
    counts = [int(n) for n in args.threads.split(",")]
    names = subprocess.run([args.program, "--list"], capture_output=True, text=True, check=True)
    heads = [f"libtinygrad, {n} | PyTorch, {n} | ratio" for n in counts]
    print("| row | unit |", " | ".join(heads), "|")
    print("|---|---|" + "--:|" * 3 * len(counts))
    for name in names.stdout.split():
        if args.rows and not name.startswith(tuple(args.rows)):
            continue
        results = [best(measure(args.program, name, n, min if args.least else statistics.median)
                        for _ in range(args.turns)) for n in counts]
        cells = [f"{ours:.4g} | {theirs:.4g} | {ratio:.2f}" for ours, _, theirs, ratio in results]
        print(f"| {name} | {results[0][1]} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
