#!/usr/bin/env python3
"""The most memory that a training step takes, libtinygrad and PyTorch side by side: the models of
memory.c, and the same ones here. Prints a Markdown table in MiB.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/bench/memory.py build/tests/bench_memory

Ours: as it is; with tg_release() after each layer and release_since in the backward pass; with
tg_checkpoint() of each layer instead. "Gradients kept": zero_grad(set_to_none=False), as ours are.

PyTorch: bytes of all tensors that stand before the step (parameters, momenta, input, kept
gradients), and the highest sum of what its allocator reports to torch.profiler from there on; what
kernels take from elsewhere (oneDNN's and MKL's workspace) is not reported, which is in its favour.
libtinygrad: tg_memory().peak, workspace and records included. One thread; the third of three equal
steps.
"""
import gc
import json
import os
import subprocess
import sys
import tempfile

os.environ["OMP_NUM_THREADS"] = "1"
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

BATCH, LENGTH, WIDTH, HEADS, LAYERS, BYTES = 16, 128, 128, 4, 2, 256


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Sequential(nn.Linear(784, 512), nn.ReLU()),
                                     nn.Sequential(nn.Linear(512, 512), nn.ReLU())])
        self.last = nn.Linear(512, 10)

    def forward(self, x, run):
        for layer in self.layers:
            x = run(layer, x)
        return self.last(x)


class Attention(nn.Module):
    def __init__(self, fused):
        super().__init__()
        self.fused = fused
        self.norm, self.qkv = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        q, k, v = (t.view(BATCH, LENGTH, HEADS, -1).transpose(1, 2)
                   for t in self.qkv(self.norm(x)).chunk(3, -1))
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            mask = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)
            scores = (q * (WIDTH // HEADS) ** -0.5) @ k.transpose(-2, -1)
            y = scores.masked_fill(mask, -torch.inf).softmax(-1) @ v
        return x + self.out(y.transpose(1, 2).reshape(BATCH, LENGTH, WIDTH))


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.wide, self.out = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        return x + self.out(F.gelu(self.wide(self.norm(x))))


class Transformer(nn.Module):
    def __init__(self, fused):
        super().__init__()
        self.bytes = nn.Embedding(BYTES, WIDTH)
        self.places = nn.Parameter(torch.randn(LENGTH, WIDTH))
        self.layers = nn.ModuleList(f() for _ in range(LAYERS)
                                    for f in (lambda: Attention(fused), FeedForward))
        self.norm, self.last = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, BYTES)

    def forward(self, x, run):
        x = self.bytes(x) + self.places
        for layer in self.layers:
            x = run(layer, x)
        return self.last(self.norm(x)).flatten(0, 1)


def plain(layer, x):
    return layer(x)


def again(layer, x):
    return checkpoint(layer, x, use_reentrant=False)


def highest(events):
    """The highest running sum of the allocator's reports."""
    now = most = 0
    for e in sorted((e for e in events if e.get("name") == "[memory]"), key=lambda e: e["ts"]):
        now += e["args"]["Bytes"]
        most = max(most, now)
    return most


def standing(model, optimiser, data):
    """Bytes of all tensors that outlive a step."""
    tensors = [*model.parameters(), *model.buffers(), *data]
    tensors += [p.grad for p in model.parameters() if p.grad is not None]
    tensors += [t for state in optimiser.state.values() for t in state.values()
                if isinstance(t, torch.Tensor)]
    return sum(t.numel() * t.element_size() for t in tensors)


def highest_during(step):
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU],
                                profile_memory=True) as profile:
        step()
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        profile.export_chrome_trace(file.name)
        with open(file.name, encoding="utf-8") as trace:
            events = json.load(trace)["traceEvents"]
    return highest(events)


def peak(make, x, target, run=plain, keep_gradients=False):
    torch.manual_seed(0)
    model = make()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step():
        optimiser.zero_grad(set_to_none=not keep_gradients)
        F.cross_entropy(model(x, run), target).backward()
        optimiser.step()

    step()
    step()
    if not keep_gradients:
        optimiser.zero_grad()
    gc.collect()
    before = standing(model, optimiser, [x, target])
    return before + highest_during(step)


def main():
    torch.set_num_threads(1)
    ours = {}
    for line in subprocess.run([sys.argv[1]], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        name, way, size, _ = line.split()
        ours[name, way] = int(size)
    images = torch.randn(1024, 784), torch.randint(0, 10, (1024,))
    texts = torch.randint(0, BYTES, (BATCH, LENGTH)), torch.randint(0, BYTES, (BATCH * LENGTH,))
    rows = [("MLP", "mlp", Mlp, images),
            ("transformer, PyTorch's fused attention", "transformer",
             lambda: Transformer(True), texts),
            ("transformer, attention in single operations", "transformer",
             lambda: Transformer(False), texts)]
    print("| step | libtinygrad | released | checkpoints | PyTorch | PyTorch, gradients kept "
          "| PyTorch, checkpoints |\n|---|--:|--:|--:|--:|--:|--:|")
    for title, name, make, data in rows:
        sizes = [ours[name, way] for way in ("plain", "release", "checkpoint")]
        sizes += [peak(make, *data), peak(make, *data, keep_gradients=True),
                  peak(make, *data, again)]
        print(f"| {title} | " + " | ".join(f"{size / 2**20:.1f}" for size in sizes) + " |")


if __name__ == "__main__":
    main()
