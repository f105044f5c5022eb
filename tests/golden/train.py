#!/usr/bin/env python3
"""Writes train.inc: the losses of 1,000 steps of training in PyTorch, on the irises in float32 and
float64 and, in float32, on Fashion-MNIST (Debian: dataset-fashion-mnist).

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/golden/train.py > tests/golden/train.inc

tests/test_train.c and tests/test_train_fashion.c train the same models from the same seed, and give
meaning to the macros:

    CURVE(optimiser, dtype, batch, values...)       FASHION(values...)

A batch of 0 is the whole data set. Values are the loss of every step.
"""
import gzip
import pathlib
import textwrap

import torch
from torch import nn
import torch.nn.functional as F

STEPS = 1000
ROOT = pathlib.Path(__file__).parents[2]
DATASET = pathlib.Path("/usr/share/datasets/fashion-mnist")
SPECIES = ("setosa", "versicolor", "virginica")


def iris(dtype):
    rows = [line.split(",") for line in
            (ROOT / "examples/data/iris.csv").read_text().splitlines()[1:]]
    return (torch.tensor([[float(v) for v in row[:4]] for row in rows], dtype=dtype),
            torch.tensor([SPECIES.index(row[4]) for row in rows]))


def fashion():
    images = gzip.open(DATASET / "train-images-idx3-ubyte.gz").read()[16:]
    labels = gzip.open(DATASET / "train-labels-idx1-ubyte.gz").read()[8:]
    return (torch.frombuffer(bytearray(images), dtype=torch.uint8).reshape(-1, 784).float() / 255,
            torch.frombuffer(bytearray(labels), dtype=torch.uint8).long())


def mlp(sizes, dtype):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(*sizes[:2], dtype=dtype), nn.ReLU(),
                         nn.Linear(*sizes[1:], dtype=dtype))


def batches(count, size):
    """Index tensors for ever: the whole data set, or a new order every epoch."""
    while True:
        yield from torch.randperm(count).split(size) if size else [torch.arange(count)]


def losses(model, optim, x, y, size):
    values = []
    for step, rows in zip(range(STEPS), batches(len(x), size)):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optim.zero_grad()
        loss.backward()
        optim.step()
        values.append(loss.item())
    return values


def optimiser(name, parameters):
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)
    return torch.optim.AdamW(parameters, lr=0.002)


def show(macro, keys, values):
    def short(v):
        digits, exponent = v.hex().split("p")
        return f"{digits.rstrip('0')}p{int(exponent)}"
    print("\n".join(textwrap.wrap(f"{macro}({', '.join([*keys, *map(short, values)])})", 100,
                                  subsequent_indent="    ")))


def main():
    print(f"/* Written by train.py, which see; PyTorch {torch.__version__.split('+')[0]}, CPU. */")
    for name in ("sgd", "adamw"):
        for dtype, text in ((torch.float32, "F32"), (torch.float64, "F64")):
            for size in (0, 32):
                model = mlp((4, 16, 3), dtype)
                show("CURVE", [f'"{name}"', text, str(size)],
                     losses(model, optimiser(name, model.parameters()), *iris(dtype), size))
    model = mlp((784, 128, 10), torch.float32)
    show("FASHION", [], losses(model, optimiser("sgd", model.parameters()), *fashion(), 64))


if __name__ == "__main__":
    main()
