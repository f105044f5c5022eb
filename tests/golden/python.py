#!/usr/bin/env python3
"""Writes python.json: what examples/python/train.py computes, in PyTorch, from the same seeds.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/golden/python.py > tests/golden/python.json

tests/python/test_python.py compares.
"""
import json

import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(40431)
outputs = torch.randn(3, 5, requires_grad=True)
document = F.cross_entropy(outputs, torch.tensor([1, 0, 3]))
document.backward()

torch.manual_seed(1)
centres = torch.tensor([[[0.0, 2.0]], [[-2.0, -1.0]], [[2.0, -1.0]]])
points = (centres + torch.randn(3, 40, 2)).reshape(-1, 2)
labels = torch.arange(120) // 40
model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3))
optim = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
losses = []
for _ in range(200):
    loss = F.cross_entropy(model(points), labels)
    optim.zero_grad()
    loss.backward()
    optim.step()
    losses.append(round(loss.item(), 8))

print(json.dumps({
    "loss": document.item(),
    "gradient": outputs.grad.tolist(),
    "losses": losses,
    "out.bias": model[2].bias.tolist(),
}))
