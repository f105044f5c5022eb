#!/usr/bin/env python3
"""Writes random.inc: what PyTorch's CPU generator gives for long mixed streams of draws.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/golden/random.py > tests/golden/random.inc

Needs an x86-64 CPU with AVX2 (elsewhere PyTorch rounds normals otherwise) and glibc. The output is
the same at every run. Each line is one draw, a macro call that tests/test_random.c gives meaning to:

    LIBM(count, hash)                                   no draw: the functions behind double normals
    SEED(seed)
    DRAW(kind, dtype, size, hash, bits...)              rand, randn, randperm
    FILL(kind, dtype, size, a, b, hash, bits...)        uniform_(a, b), normal_(mean a, std b)
    TURN(kind, dtype, rows, columns, a, b, hash, bits...)  a fill of a contiguous matrix's transpose,
                                                        read in the order of the matrix
    SPAN(dtype, size, low, high, hash, bits...)         randint
    LAYER(dtype, outputs, inputs, bias, hash, bits...)  nn.Linear: the weight's elements, the bias's

`hash` is FNV-1a, 64 bits, over all elements as little-endian bytes; `bits` are the elements' bytes
as integers, all of them up to 8 elements, else the first 4.
"""
import math
import struct

import torch

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64, "BOOL": torch.bool}
FLOATS = ("F32", "F64")
SIZES = (0, 1, 2, 3, 4, 7, 8, 9, 14, 15, 16, 17, 18, 23, 24, 25, 31, 32, 33, 47, 48, 49, 63, 64, 65,
         100, 127, 128, 129, 255, 256, 257, 500, 623, 624, 625, 640, 999, 1000)
SEEDS = (0, 1, 2, 42, 1337, 40431, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 5, 2**53 + 1,
         2**63 - 1, 2**63, 2**63 + 7, 2**64 - 1)
DRAWS_PER_SEED = 50
UNIFORMS = ((-1, 1), (-0.37, 1.9), (0, 0), (2.5, 2.5), (0.1, 0.1 + 1e-9), (-1e30, 1e30), (0, 1e-40),
            (1, 2), (-3, 0), (1000, 1000.001), (-7, -7 + 5 * 2**-50), (-0.0, 0.0))
NORMALS = ((0, 1), (0.3, 1.7), (-2, 0), (0, 0.02), (1e6, 1e-3), (0, 1e30), (-1, 1e-40))
SPANS = ((0, 1), (0, 2), (0, 10), (-5, 7), (7, 8), (0, 2**16), (-2**24, 2**24), (0, 2**28 - 1),
         (0, 2**28), (1, 2**28 + 1), (-5, 2**28 - 4), (0, 2**31), (0, 2**32 - 1), (0, 2**32),
         (0, 2**32 + 1), (-2**40, 2**50), (0, 2**63 - 1), (-1, 2**63 - 1), (-2**63, 0),
         (-2**63, 1), (-2**62, 2**62 + 3), (-2**63, 2**63 - 1))
EXACT = {"F32": 2**24, "F64": 2**53, "I64": 2**63, "BOOL": 1}
TURNS = ((1, 20), (20, 1), (3, 4), (3, 5), (4, 9), (16, 17))
LAYERS = ((1, 1), (2, 3), (5, 3), (4, 10), (33, 64), (10, 128), (7, 31))


class Choice:
    """A generator of our own, so that the choice of draws does not depend on Python's version."""

    def __init__(self):
        self.state = 1

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n

    def of(self, things):
        return things[self.below(len(things))]


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"0x{value:016x}"


def bits_and_hash(tensors):
    data = [t.detach().contiguous().numpy() for t in tensors]
    width = data[0].itemsize
    raw = b"".join(d.tobytes() for d in data)
    count = len(raw) // width
    shown = count if count <= 8 else 4
    bits = [int.from_bytes(raw[i * width:(i + 1) * width], "little") for i in range(shown)]
    return [fnv1a(raw)] + [f"0x{b:x}" for b in bits]


def integer(value):
    return "INT64_MIN" if value == -2**63 else f"INT64_C({value})"


def line(macro, args):
    """One macro call, wrapped at 100 columns."""
    lines, text = [], f"{macro}("
    for i, arg in enumerate(args):
        piece = arg + ("," if i + 1 < len(args) else ")")
        if len(text) + len(piece) + 1 > 100:
            lines.append(text.rstrip())
            text = "    "
        text += piece + " "
    print("\n".join(lines + [text.rstrip()]))


def libm(count):
    """Python's math and PyTorch call the same libm, whose last bits depend on its version and CPU."""
    data = b""
    for i in range(count):
        u = math.fmod(i * 0.6180339887498949, 1.0)
        angle = 2 * math.pi * u
        data += struct.pack("<4d", math.log(1 - u), math.log1p(-u), math.sin(angle), math.cos(angle))
    line("LIBM", [str(count), fnv1a(data)])


def rand(dtype, n):
    line("DRAW", ["RAND", dtype, str(n)] + bits_and_hash([torch.rand(n, dtype=DTYPES[dtype])]))


def randn(dtype, n):
    line("DRAW", ["RANDN", dtype, str(n)] + bits_and_hash([torch.randn(n, dtype=DTYPES[dtype])]))


def randperm(dtype, n):
    drawn = torch.randperm(n, dtype=DTYPES[dtype])
    line("DRAW", ["RANDPERM", dtype, str(n)] + bits_and_hash([drawn]))


def fill(kind, dtype, n, a, b):
    t = torch.empty(n, dtype=DTYPES[dtype])
    t = t.uniform_(a, b) if kind == "UNIFORM" else t.normal_(a, b)
    args = [kind, dtype, str(n), float(a).hex(), float(b).hex()]
    line("FILL", args + bits_and_hash([t]))


def turn(kind, dtype, rows, columns, a, b):
    t = torch.empty(rows, columns, dtype=DTYPES[dtype])
    t.t().uniform_(a, b) if kind == "UNIFORM" else t.t().normal_(a, b)
    args = [kind, dtype, str(rows), str(columns), float(a).hex(), float(b).hex()]
    line("TURN", args + bits_and_hash([t]))


def randint(dtype, n, low, high):
    if low < -EXACT[dtype] or high - 1 > EXACT[dtype]:
        dtype = "I64"
    drawn = torch.randint(low, high, (n,), dtype=DTYPES[dtype])
    line("SPAN", [dtype, str(n), integer(low), integer(high)] + bits_and_hash([drawn]))


def layer(dtype, outputs, inputs, bias):
    made = torch.nn.Linear(inputs, outputs, bias=bias, dtype=DTYPES[dtype])
    parts = [made.weight, made.bias] if bias else [made.weight]
    line("LAYER", [dtype, str(outputs), str(inputs), str(bias).lower()] + bits_and_hash(parts))


def seed(value):
    torch.manual_seed(value)
    print(f"SEED(UINT64_C({value}))")


def every_size():
    """Each kind of fill at each size, in one stream a dtype: the pending normal lives across them."""
    for dtype in FLOATS:
        seed(40431)
        for n in SIZES:
            rand(dtype, n)
            randn(dtype, n)
            randperm("I64", n)


def every_argument(choice):
    seed(42)
    for dtype in FLOATS:
        for a, b in UNIFORMS:
            fill("UNIFORM", dtype, choice.of(SIZES), a, b)
        for a, b in NORMALS:
            fill("NORMAL", dtype, choice.of(SIZES[:10]), a, b)
            fill("NORMAL", dtype, choice.of(SIZES[10:]), a, b)
        for rows, columns in TURNS:
            turn("UNIFORM", dtype, rows, columns, -1, 2)
            turn("NORMAL", dtype, rows, columns, 0.5, 2)
        for outputs, inputs in LAYERS:
            layer(dtype, outputs, inputs, True)
            layer(dtype, outputs, inputs, False)
    for dtype in DTYPES:
        for low, high in SPANS:
            if dtype == "I64" or -EXACT[dtype] <= low and high - 1 <= EXACT[dtype]:
                randint(dtype, 1 + choice.below(8), low, high)


def mixed(choice):
    """One draw of any kind. Small sizes are the likelier ones: they leave a normal pending."""
    n = choice.of(SIZES[:14] if choice.below(2) else SIZES)
    kind, dtype = choice.below(10), choice.of(FLOATS)
    if kind < 2:
        rand(dtype, n)
    elif kind < 5:
        randn(dtype, n)
    elif kind == 5:
        fill("UNIFORM", dtype, n, *choice.of(UNIFORMS))
    elif kind == 6:
        fill("NORMAL", dtype, n, *choice.of(NORMALS))
    elif kind == 7:
        randint(choice.of(tuple(DTYPES)), n, *choice.of(SPANS))
    elif kind == 8:
        randperm(choice.of(("I64", "F32", "F64")), n)
    else:
        layer(dtype, *choice.of(LAYERS), choice.below(4) > 0)


def main():
    if torch.__version__.split("+")[0] != "2.13.0":
        raise SystemExit(f"torch 2.13.0 is wanted, this is {torch.__version__}")
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        raise SystemExit("an x86-64 CPU with AVX2 is wanted")
    print("/* Written by random.py, which see; PyTorch 2.13.0, CPU. */")
    choice = Choice()
    libm(20000)
    every_size()
    every_argument(choice)
    for value in SEEDS:
        seed(value)
        for _ in range(DRAWS_PER_SEED):
            mixed(choice)


if __name__ == "__main__":
    main()
