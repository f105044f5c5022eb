#!/usr/bin/env python3
"""Prints a Markdown table of the worst error, in ulps, of libtinygrad's functions and of PyTorch's
on the same inputs. An ulp is the unit in the last place of the exact result.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    build/tests/bench_accuracy out.bin && python3 tests/bench/accuracy.py out.bin

The file has the inputs, the exact results and libtinygrad's errors; accuracy.c describes it.
"""
import json
import sys

import numpy
import torch
import torch.nn.functional as F

EXACT = numpy.dtype([("near", "f8"), ("rest", "f4"), ("exponent", "i2")])

def sum_inputs(size, shift, dtype):
    """accuracy.c has the same formula."""
    weyl = numpy.arange(size, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
    fractions = (weyl >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-53
    return torch.from_numpy((fractions + shift).astype(dtype))


def with_gradient(function, x):
    x.requires_grad_()
    y = function(x)
    y.sum().backward()
    return [y.detach(), x.grad]


def results_of(record, inputs):
    """What PyTorch gives, in the order of the record's results."""
    name, options, x = record["function"], record["options"], inputs.pop("x", None)
    if name == "cross_entropy":
        return with_gradient(lambda x: F.cross_entropy(x, **inputs, **options), x)
    if name == "bce_with_logits":
        return with_gradient(
            lambda x: F.binary_cross_entropy_with_logits(x, reduction="none", **inputs), x)
    if name == "sum":
        return [sum_inputs(**options, dtype=record["dtype"]).sum()]
    if name in ("log_softmax", "softmax", "logsumexp"):
        return [getattr(torch, name)(x, dim=1)]
    return [F.logsigmoid(x) if name == "logsigmoid" else getattr(torch, name)(x)]


def worst_ulps(got, exact):
    near, rest, exponent = (exact[field] for field in EXACT.names)
    got = got.numpy().astype(numpy.float64).reshape(-1)
    with numpy.errstate(all="ignore"):
        ulps = numpy.abs(numpy.ldexp(got - near, -exponent.astype(int)) - rest)
    return numpy.where(numpy.isnan(ulps), numpy.inf, ulps).max()


def records(file):
    while line := file.readline():
        record = json.loads(line)
        inputs = {}
        for name, dtype, shape in record["inputs"]:
            data = numpy.fromfile(file, dtype, int(numpy.prod(shape)))
            inputs[name] = torch.from_numpy(data.reshape(shape))
        exact = [numpy.fromfile(file, EXACT, count) for _, count, _ in record["results"]]
        yield record, inputs, exact


def shown(ulps):
    if ulps < 1000:
        return f"{ulps:.2f}"
    return f"{ulps:.1e}".replace("e+0", "e").replace("e+", "e")


def main():
    if torch.__version__.split("+")[0] != "2.13.0":
        print(f"torch 2.13.0 is meant, this is {torch.__version__}", file=sys.stderr)
    table = {}
    with open(sys.argv[1], "rb") as file:
        for record, inputs, exact in records(file):
            got = results_of(record, inputs)
            for (row, _, ours), value, want in zip(record["results"], got, exact):
                worst = table.setdefault((row, record["dtype"]), [0, 0])
                worst[0] = max(worst[0], ours)
                worst[1] = max(worst[1], worst_ulps(value, want))
    print("| function | dtype | libtinygrad | PyTorch 2.13 |\n|---|---|--:|--:|")
    for row, _ in [key for key in table if key[1] == "float32"]:
        for dtype in ("float32", "float64"):
            ours, theirs = table[row, dtype]
            print(f"| {row} | {dtype} | {shown(ours)} | {shown(theirs)} |")


if __name__ == "__main__":
    main()
