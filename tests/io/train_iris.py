#!/usr/bin/env python3
"""Trains the network of examples/iris.c in PyTorch and writes its weights as safetensors, or reads
such a file, also one that `iris --save` wrote, and prints its loss and accuracy.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    pip install safetensors
    python3 tests/io/train_iris.py examples/data/iris.safetensors       (writes the committed file)
    build/examples/evaluate_iris examples/data/iris.safetensors         (prints the same)

    build/examples/iris --save model.safetensors
    python3 tests/io/train_iris.py --evaluate model.safetensors
    build/examples/evaluate_iris model.safetensors                      (prints the same)
"""
import pathlib
import sys

import torch
from torch import nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

DATA = pathlib.Path(__file__).parents[2] / "examples/data/iris.csv"
SPECIES = ("setosa", "versicolor", "virginica")


def main():
    rows = [line.split(",") for line in DATA.read_text().splitlines()[1:]]
    x = torch.tensor([[float(v) for v in row[:4]] for row in rows])
    y = torch.tensor([SPECIES.index(row[4]) for row in rows])
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    path = sys.argv[-1]
    if sys.argv[1] == "--evaluate":
        saved = load_file(path)
        prefix = "model." if "model.0.weight" in saved else ""  # of a checkpoint
        model.load_state_dict({name: saved[prefix + name] for name in model.state_dict()})
    else:
        optim = torch.optim.AdamW(model.parameters(), lr=0.02)
        for _ in range(200):
            optim.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optim.step()
        save_file(model.state_dict(), path)
    with torch.no_grad():
        logits = model(x)
        right = (logits.argmax(1) == y).sum().item()
        print(f"loss {F.cross_entropy(logits, y).item():.4f}  accuracy {right / 1.5:.2f}%")


if __name__ == "__main__":
    main()
