#!/usr/bin/env python3
"""Writes layers.inc: results and gradients of layers, computed by PyTorch in float64.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/golden/layers.py > tests/golden/layers.inc

tests/test_layers.c makes the same layers from the same draws: seed 7, weights, then inputs, normal.
"""
import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def write(name, tensors):
    values = [v for t in tensors for v in t.detach().reshape(-1).tolist()]
    print(f"static const double {name}[] = {{")
    for i in range(0, len(values), 4):
        print("    " + " ".join(f"{v!r}," for v in values[i:i + 4]))
    print("};")


def recurrent(name, kind, layers=1, bidirectional=False, lengths=None, batch_first=False):
    """Output, last states, and the gradients of the sum of their squares: of x, states, weights."""
    torch.manual_seed(7)
    m = kind(3, 2, layers, bidirectional=bidirectional, batch_first=batch_first).double()
    torch.manual_seed(7)
    m.reset_parameters()  # the draws of float64
    lstm, states = kind is torch.nn.LSTM, layers * (1 + bidirectional)
    x = torch.randn((2, 4, 3) if batch_first else (4, 2, 3), dtype=torch.float64)
    first = [torch.randn(states, 2, 2, dtype=torch.float64) for _ in range(1 + lstm)]
    leaves = [t.requires_grad_() for t in [x, *first]]
    given = tuple(first) if lstm else first[0]
    if lengths:
        packed = pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False)
        y, last = m(packed, given)
        y = pad_packed_sequence(y, batch_first, total_length=4)[0]
    else:
        y, last = m(x, given)
    results = [y, *(last if lstm else [last])]
    sum(t.square().sum() for t in results).backward()
    write(name, results + [t.grad for t in leaves + list(m.parameters())])


def images(name, dims, layer):
    """Results of a layer of x and weights, all normal, and the gradients of the sum of squares."""
    torch.manual_seed(7)
    leaves = [torch.randn(d, dtype=torch.float64, requires_grad=True) for d in dims]
    results = layer(*leaves)
    results = results if isinstance(results, tuple) else (results,)
    results[0].square().sum().backward()
    write(name, list(results) + [t.grad for t in leaves])


IMAGE = (1, 2, 5, 4)


def main():
    assert torch.__version__.split("+")[0] == "2.13.0", torch.__version__
    torch.set_num_threads(1)
    print("/* Written by layers.py, which see; PyTorch 2.13.0, CPU. */")
    for kind in (torch.nn.LSTM, torch.nn.GRU):
        name = kind.__name__.lower()
        recurrent(name, kind)
        recurrent(name + "_lengths", kind, 2, True, [2, 4], True)
    images("transposed", [(1, 4, 2, 3), (4, 1, 3, 2), (2,)],
           lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 3), (1, 0), (1, 2), 2, (2, 1)))
    images("largest", [IMAGE], lambda x: F.max_pool2d(x, 2, 2, 1, ceil_mode=True,
                                                      return_indices=True))
    for name, options in (("means", {}), ("inside", {"count_include_pad": False}),
                          ("divided", {"divisor_override": 3})):
        images(name, [IMAGE], lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, **options))
    images("adaptive", [IMAGE], lambda x: F.adaptive_avg_pool2d(x, (3, 3)))
    images("nearest", [IMAGE], lambda x: F.interpolate(x, scale_factor=1.7))
    images("linear", [IMAGE], lambda x: F.interpolate(x, (3, 7), mode="bilinear"))
    images("corners", [IMAGE], lambda x: F.interpolate(x, (3, 7), mode="bilinear",
                                                       align_corners=True))


if __name__ == "__main__":
    main()
