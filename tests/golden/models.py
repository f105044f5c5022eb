#!/usr/bin/env python3
"""Writes models.inc: outputs, losses and gradients of small models made of PyTorch's own modules.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/golden/models.py > tests/golden/models.inc

Needs an x86-64 CPU with AVX2; another one may round the last bits otherwise. tests/test_models.c
builds the same models of the library's operations and gives meaning to the one macro:

    GOLDEN(model, dtype, name, count, values...)

`name` is an output ("logits", "loss"), or a leaf whose gradient the values are. Leaves are not in
the file: both sides draw them from a generator that is seeded with "model.name".
"""
import re

import torch
from torch import nn
import torch.nn.functional as F

MASK = 2**64 - 1
DTYPES = {"F32": torch.float32, "F64": torch.float64}


def uniform(name, shape, centre):
    """Uniform in [centre - 0.5, centre + 0.5); support.c's random_between() is the same."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = (state ^ byte) * 0x100000001B3 & MASK
    values = []
    for _ in range(torch.Size(shape).numel()):
        state = state + 0x9E3779B97F4A7C15 & MASK
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        values.append(centre - 0.5 + ((z ^ z >> 31) >> 11) * 2.0**-53)
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def integers(step, size, below):
    return torch.tensor([(step * i * i + 3 * i + 1) % below for i in range(size)])


class Transformer(nn.Module):
    """One pre-norm block with a causal mask; the embedding is the head's weight as well."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.position = nn.Parameter(torch.zeros(5, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, activation="gelu",
                                                batch_first=True, norm_first=True)
        self.norm = nn.LayerNorm(8)

    def forward(self):
        x = self.embedding(integers(7, 10, 11).reshape(2, 5)) + self.position
        mask = nn.Transformer.generate_square_subsequent_mask(5, dtype=x.dtype)
        logits = F.linear(self.norm(self.block(x, src_mask=mask, is_causal=True)),
                          self.embedding.weight)
        return logits, F.cross_entropy(logits.reshape(10, 11), integers(5, 10, 11))


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.x = nn.Parameter(torch.zeros(3, 3, 8, 8))
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 6, 3, padding=1, stride=2, groups=2)
        self.head = nn.Linear(24, 5)

    def forward(self):
        x = F.relu(self.norm(self.conv1(self.x)))
        x = F.relu(self.conv2(x))
        logits = self.head(torch.flatten(F.max_pool2d(x, 2), 1))
        return logits, F.cross_entropy(logits, integers(2, 3, 5), label_smoothing=0.1)


class Recurrent(nn.Module):
    """Three steps of nn.LSTM from a given state; each step's output is classified."""

    def __init__(self):
        super().__init__()
        self.x = nn.Parameter(torch.zeros(2, 3, 4))
        self.h = nn.Parameter(torch.zeros(2, 5))
        self.c = nn.Parameter(torch.zeros(2, 5))
        self.lstm = nn.LSTM(4, 5, batch_first=True)
        self.head = nn.Linear(5, 6)

    def forward(self):
        y, _ = self.lstm(self.x, (self.h.unsqueeze(0), self.c.unsqueeze(0)))
        logits = self.head(y)
        return logits, F.cross_entropy(logits.reshape(6, 6), integers(5, 6, 6))


def golden(model, dtype, name, values):
    values = [re.sub(r"\.?0*p", "p", v.hex()) for v in values.detach().reshape(-1).tolist()]
    lines, text = [], f'GOLDEN("{model}", {dtype}, "{name}", {len(values)},'
    for i, value in enumerate(values):
        piece = " " + value + ("," if i + 1 < len(values) else ")")
        if len(text) + len(piece) > 100:
            lines.append(text)
            text = "   "
        text += piece
    print("\n".join(lines + [text]))


def floats(named):
    return [(name, tensor) for name, tensor in named if tensor.is_floating_point()]


def run(name, model, dtype, training=True):
    model = model.to(DTYPES[dtype]).train(training)
    parameters, buffers = list(model.named_parameters()), floats(model.named_buffers())
    for leaf, tensor in parameters + buffers:
        scale = "norm" in leaf and leaf.endswith("weight") or leaf.endswith("running_var")
        tensor.data.copy_(uniform(f"{name}.{leaf}", tensor.shape, 1.0 if scale else 0.0))
    logits, loss = model()
    loss.backward()
    golden(name, dtype, "logits", logits)
    golden(name, dtype, "loss", loss)
    for leaf, tensor in buffers if training else []:
        golden(name, dtype, leaf, tensor)
    for leaf, tensor in parameters:
        golden(name, dtype, leaf, tensor.grad)


def main():
    if torch.__version__.split("+")[0] != "2.13.0":
        raise SystemExit(f"torch 2.13.0 is wanted, this is {torch.__version__}")
    print("/* Written by models.py, which see; PyTorch 2.13.0, CPU. */")
    for dtype in DTYPES:
        run("transformer", Transformer(), dtype)
        run("convolutions", Convolutions(), dtype)
        run("convolutions in evaluation", Convolutions(), dtype, training=False)
        run("recurrent", Recurrent(), dtype)


if __name__ == "__main__":
    main()
