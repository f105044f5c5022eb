#!/usr/bin/env python3
"""A training step of whole models, libtinygrad and PyTorch in turn: models.c, and the same here.
Prints a Markdown table: medians of a step, and the most memory that one takes.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/bench/models.py build/tests/bench_models [--threads 1,2] [model prefix ...]

First both start from the same weights and data, PyTorch's draws from the seed 0, and take three
steps, whose losses must be equal (dropout left out: builds of PyTorch draw different masks). Then
each model runs in C and in PyTorch by turns, --rounds times. A ratio above 1 says that libtinygrad
is faster. PyTorch runs eagerly; --fused: with its fused optimisers; --compile: what
torch.compile makes of the forward function. Models that PyTorch cannot run so have no number.

Memory is in MiB and includes parameters, their gradients and the optimiser's state. PyTorch: bytes
of what outlives a step, and the most that its allocator reports during one (without what kernels
take from elsewhere). libtinygrad: tg_memory().peak of a plain step, workspace and records included,
and of one with release_since.
"""
import argparse
import math
import os
import statistics
import subprocess
import sys

import torch
import torch.nn.functional as F
from bench import seconds_of
from memory import highest_during, standing
from torch import nn


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))

    def forward(self, x, target):
        return F.cross_entropy(self.features(x), target)


class Vgg(nn.Module):
    def __init__(self):
        super().__init__()
        channels, layers = [3, 32, 32, 64, 64, 128, 128], []
        for i in range(6):
            layers += [nn.Conv2d(channels[i], channels[i + 1], 3, padding=1),
                       nn.BatchNorm2d(channels[i + 1]), nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if i % 2 else []
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Linear(2048, 10))

    def forward(self, x, target):
        return F.cross_entropy(self.features(x), target)


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.out = layer(64, 128), nn.Linear(128, 10)

    def forward(self, x, target):
        return F.cross_entropy(self.out(self.layer(x)[0][-1]), target)


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.qkv, self.out = nn.LayerNorm(d), nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.norm2, self.wide = nn.LayerNorm(d), nn.Linear(d, 4 * d)
        self.narrow = nn.Linear(4 * d, d)

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2)
                   for t in self.qkv(self.norm1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        return x + self.narrow(F.gelu(self.wide(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.bytes, self.places = nn.Embedding(256, d), nn.Parameter(torch.randn(128, d))
        self.layers = nn.Sequential(Block(d, heads), Block(d, heads))
        self.norm, self.last = nn.LayerNorm(d), nn.Linear(d, 256)

    def forward(self, x, target):
        x = self.layers(self.bytes(x) + self.places)
        return F.cross_entropy(self.last(self.norm(x)).flatten(0, 1), target)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2),
                                    nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2),
                                    nn.Linear(512, 10))

    def forward(self, x, target):
        return F.cross_entropy(self.layers(x), target)


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x, target):
        return F.cross_entropy(self.layers(x), target)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(),
                                    nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 784),
                                    nn.Sigmoid())

    def forward(self, x):
        return F.mse_loss(self.layers(x), x)


class Logistic(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(20, 1)

    def forward(self, x, target):
        return F.binary_cross_entropy_with_logits(self.layer(x), target)


class Pinn(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(),
                                    nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, x, target):
        u = self.layers(x)
        first, = torch.autograd.grad(u.sum(), x, create_graph=True)
        u_x = first.narrow(1, 0, 1)
        second, = torch.autograd.grad(u_x.sum(), x, create_graph=True)
        residual = first.narrow(1, 1, 1) + u * u_x - 0.01 * second.narrow(1, 0, 1)
        x.grad = None
        return residual.square().mean() + F.mse_loss(u, target)


class WordVectors(nn.Module):
    def __init__(self):
        super().__init__()
        self.word, self.other = nn.Embedding(10000, 100), nn.Embedding(10000, 100)

    def forward(self, x, y, target):
        scores = (self.other(y) @ self.word(x).unsqueeze(2)).squeeze(2)
        return F.binary_cross_entropy_with_logits(scores, target)


class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(50000, 100, sparse=True)

    def forward(self, x):
        return self.table(x).square().mean()


def examples(classes, *dims, batch=None):
    return torch.randn(*dims), torch.randint(0, classes, (batch or dims[0],))


def texts():
    return torch.randint(0, 256, (16, 128)), torch.randint(0, 256, (16 * 128,))


def neighbours():
    x, y = torch.randint(0, 10000, (1024,)), torch.randint(0, 10000, (1024, 6))
    target = torch.zeros(1024, 6)
    target[:, 0] = 1
    return x, y, target


def words():
    return (torch.randint(0, 50000, (512,)),)


def labels(rows):
    return torch.randn(rows, 20), torch.randint(0, 2, (rows, 1), dtype=torch.float32)


def points(n):
    return torch.rand(n, 2, requires_grad=True), torch.randn(n, 1)


def adam(parameters, fused):
    return torch.optim.Adam(parameters, lr=1e-3, fused=fused or None)


def sgd(lr, momentum=0):
    return lambda parameters, fused: torch.optim.SGD(parameters, lr=lr, momentum=momentum,
                                                     fused=fused or None)


# The model, its data (drawn after its weights) and its optimiser.
MODELS = {
    "lenet": (LeNet, lambda: examples(10, 64, 1, 28, 28), sgd(0.01, 0.9)),
    "vgg": (Vgg, lambda: examples(10, 64, 3, 32, 32), adam),
    "gru": (lambda: Recurrent(nn.GRU), lambda: examples(10, 64, 32, 64, batch=32), adam),
    "lstm": (lambda: Recurrent(nn.LSTM), lambda: examples(10, 64, 32, 64, batch=32), adam),
    "transformer_128": (lambda: Transformer(128, 4), texts, adam),
    "transformer_256": (lambda: Transformer(256, 8), texts, adam),
    "mlp_128": (Mlp, lambda: examples(10, 128, 784), adam),
    "mlp_2048": (Mlp, lambda: examples(10, 2048, 784), adam),
    "autoencoder": (Autoencoder, lambda: (torch.rand(128, 784),), adam),
    "pinn": (Pinn, lambda: points(1024), adam),
    "word_vectors": (WordVectors, neighbours, sgd(1)),
    "rows_sgd": (Rows, words, sgd(1000)),
    "rows_adagrad": (Rows, words, lambda p, fused: torch.optim.Adagrad(p)),
    "rows_adam": (Rows, words, lambda p, fused: torch.optim.SparseAdam(p)),
    "logistic": (Logistic, lambda: labels(1000000), sgd(0.1)),
    "tiny": (Tiny, lambda: examples(2, 1, 4), sgd(0.01)),
}


class Training:
    def __init__(self, name, fused=False, compiled=False):
        make, data, optimiser = MODELS[name]
        torch.manual_seed(0)
        self.model = make()
        self.data = data()
        self.optimiser = optimiser(self.model.parameters(), fused)
        self.loss = torch.compile(self.model) if compiled else self.model

    def step(self):
        loss = self.loss(*self.data)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss

    def peak_mib(self):
        self.step()
        self.optimiser.zero_grad()
        return (standing(self.model, self.optimiser, self.data)
                + highest_during(self.step)) / 2**20


def ours(args, threads, *words):
    """The lines that the program prints for these arguments, without their first words."""
    run = subprocess.run([args.program, *words], capture_output=True, text=True, check=False,
                         env=dict(os.environ, OMP_NUM_THREADS=str(threads)))
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    return {first: rest for first, *rest in map(str.split, run.stdout.splitlines())}


def compare_losses(name, args):
    training = Training(name)
    if name.startswith("mlp"):
        training.model.eval()
    mine = [float(word) for word in ours(args, 1, "--losses", name)[name]]
    theirs = [training.step().item() for _ in mine]
    if not all(math.isclose(a, b, rel_tol=2e-5) for a, b in zip(mine, theirs)):
        sys.exit(f"{name}: the first losses are {mine}, PyTorch's {theirs}")


def or_nan(measurement):
    """nan where PyTorch cannot run a model so."""
    try:
        return measurement()
    except RuntimeError:
        return math.nan


def measure(name, args, threads):
    torch.set_num_threads(threads)
    training, rounds = Training(name, args.fused, args.compile), []
    for _ in range(args.rounds):
        lines = ours(args, threads, name)
        times = [float(lines[f"{name}/{way}"][0]) for way in ("eager", "captured")]
        rounds.append((*times, or_nan(lambda: seconds_of(training.step) * 1e6)))
    eager, captured, theirs = map(statistics.median, zip(*rounds))
    peaks = [int(lines[f"{name}/{way}"][4]) / 2**20 for way in ("eager", "released")]
    peaks.append(or_nan(training.peak_mib))
    return (f"| {name} | {threads} | {eager:.4g} | {captured:.4g} | {theirs:.4g} "
            f"| {theirs / eager:.2f} | {theirs / captured:.2f} | "
            + " | ".join(f"{peak:.1f}" for peak in peaks) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fused", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("models", nargs="*")
    args = parser.parse_intermixed_args()
    names = [name for name in MODELS if not args.models or name.startswith(tuple(args.models))]
    torch.set_num_threads(1)
    for name in names:
        compare_losses(name, args)
    print("| model | threads | eager, us | captured, us | PyTorch, us | ratio, eager "
          "| ratio, captured | MiB | MiB, released | MiB, PyTorch |\n|---|" + "--:|" * 9)
    for name in names:
        for threads in args.threads.split(","):
            print(measure(name, args, int(threads)), flush=True)


if __name__ == "__main__":
    main()
