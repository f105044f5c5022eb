"""Goes on where go_on.c stopped: go_on.py FROM.safetensors TO.safetensors"""
import sys

import torch
from safetensors.torch import load_file, save_file
from torch import nn

model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
model.load_state_dict(load_file(sys.argv[1]))
optim = torch.optim.SGD(model.parameters(), lr=0.5)
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([0, 1, 1, 0])
print(f"loss {nn.functional.cross_entropy(model(x), y):.4f}")
for step in range(150):
    optim.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optim.step()
print(f"loss {nn.functional.cross_entropy(model(x), y):.4f}")
save_file(model.state_dict(), sys.argv[2])
