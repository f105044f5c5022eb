"""Writes nn.inc: the state_dict() of PyTorch's modules, made one after the other from one seed, and what they give
for an input that needs no generator.

    python3 nn.py >nn.inc"""
import torch
from torch import nn

SEED = 40431


def make(dtype):
    torch.manual_seed(SEED)
    d = {"dtype": dtype}
    return nn.ModuleDict({
        "fc": nn.Linear(3, 4, **d),
        "narrow": nn.Linear(4, 2, bias=False, **d),
        "conv1": nn.Conv1d(4, 6, 3, padding=1, groups=2, **d),
        "conv2": nn.Conv2d(2, 3, (3, 2), stride=2, bias=False, **d),
        "square": nn.Conv2d(1, 2, 2, **d),
        "symbols": nn.Embedding(4, 3, **d),
        "padded": nn.Embedding(4, 3, padding_idx=-1, **d),
        "norm": nn.LayerNorm((2, 3), **d),
        "scale": nn.LayerNorm(3, bias=False, eps=0.25, **d),
        "plain": nn.LayerNorm(3, elementwise_affine=False, **d),
        "batch": nn.BatchNorm1d(3, **d),
        "slow": nn.BatchNorm2d(2, momentum=0.25, eps=0.5, affine=False, **d),
        "fleeting": nn.BatchNorm1d(3, track_running_stats=False, **d),
    })


def ramp(*shape, dtype):
    n = torch.Size(shape).numel()
    return ((torch.arange(n, dtype=dtype) * 7 % 11 - 5) / 4).reshape(shape)


def outputs(m, dtype):
    x = ramp(4, 3, dtype=dtype)
    yield m["fc"](x)
    yield m["narrow"](m["fc"](x))
    yield m["conv1"](ramp(2, 4, 5, dtype=dtype))
    yield m["conv2"](ramp(1, 2, 5, 4, dtype=dtype))
    yield m["square"](ramp(1, 1, 3, 3, dtype=dtype))
    yield m["symbols"](torch.tensor([3, 0]))
    yield m["padded"](torch.tensor([3, 0]))
    yield m["norm"](ramp(2, 2, 3, dtype=dtype))
    yield m["scale"](x)
    yield m["plain"](x)
    for training in (True, False):
        m.train(training)
        yield m["batch"](x)
        yield m["slow"](ramp(2, 2, 3, 2, dtype=dtype))
        yield m["fleeting"](x)


def row(t, name):
    values = ", ".join(float(v).hex() for v in t.detach().flatten())
    return f'    {{"{name}", {t.numel()}, (const double[]){{{values}}}}},'


print("/* Made by nn.py. Do not edit. */")
for c, dtype in (("f32", torch.float32), ("f64", torch.float64)):
    m = make(dtype)
    print(f"static const golden made_{c}[] = {{")
    for name, t in m.state_dict().items():
        print(row(t, name))
    print(f"}};\nstatic const golden given_{c}[] = {{")
    for t in outputs(m, dtype):
        print(row(t, ""))
    print(f"}};\nstatic const golden left_{c}[] = {{")
    for name, t in m.state_dict().items():
        if "." in name and name.split(".")[0] in ("batch", "slow"):
            print(row(t, name))
    print("};")
