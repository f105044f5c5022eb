#!/usr/bin/env python3
"""Writes print.inc: tensors, and the text that PyTorch prints for them.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/golden/print.py > tests/golden/print.inc

The output is the same at every run. tests/test_print.c gives meaning to its macros:

    FLOATS(dtype, ndim, (sizes), text, values...)       exact, in hexadecimal
    INTEGERS(dtype, ndim, (sizes), text, values...)     int64 and bool
    EMPTY(dtype, ndim, (sizes), text)
    RULE(dtype, ndim, (sizes), start, step, text)       element i is start + i * step, computed in
                                                        double and converted to the dtype
    TURNED(dtype, ndim, (sizes), start, step, text)     the same with first and last dim exchanged
    SPREAD(dtype, ndim, (sizes), start, step, n, text)  the same n times along a new first dim
"""

import itertools
import math
import random

import torch

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64, "BOOL": torch.bool}
FLOATS = ("F32", "F64")
LONGEST = 4095  # the longest string literal that C99 promises
NAN, INF = math.nan, math.inf


# -- Writing cases --------------------------------------------------------------------------------


def literal(text):
    """A C string literal for each line."""
    assert len(text) <= LONGEST and '"' not in text and "\\" not in text
    lines = text.split("\n")
    return "\n".join(
        f'    "{line}' + ('"' if i + 1 == len(lines) else '\\n"') for i, line in enumerate(lines)
    )


def hexadecimal(value):
    mantissa, exponent = float(value).hex().split("p")
    return mantissa.rstrip("0").rstrip(".") + "p" + exponent


def number(dtype, value):
    if dtype in FLOATS:
        value = float(value)
        if math.isnan(value):
            return "-NOT" if math.copysign(1, value) < 0 else "NOT"
        if math.isinf(value):
            return "INF" if value > 0 else "-INF"
        return hexadecimal(value)
    return "INT64_MIN" if value == -(2**63) else str(int(value))


def wrap(items, width=100, indent="    "):
    lines, line = [], indent
    for i, item in enumerate(items):
        piece = item + ("," if i + 1 < len(items) else "")
        if len(line) + len(piece) + 1 > width and line != indent:
            lines.append(line.rstrip())
            line = indent
        line += piece + " "
    return "\n".join(lines + [line.rstrip()])


def head(dtype, shape):
    return f"{dtype}, {len(shape)}, ({', '.join(map(str, shape)) if shape else 0})"


def given(dtype, shape, values):
    values = list(values)
    tensor = torch.tensor(values, dtype=DTYPES[dtype]).reshape(shape)
    numbers = [number(dtype, value) for value in tensor.reshape(-1).tolist()]
    kind = "FLOATS" if dtype in FLOATS else "INTEGERS"
    print(f"{kind}({head(dtype, shape)},\n{literal(str(tensor))},\n{wrap(numbers)})")


def empty(dtype, shape):
    text = literal(str(torch.empty(shape, dtype=DTYPES[dtype])))
    print(f"EMPTY({head(dtype, shape)},\n{text})")


def by_rule(dtype, shape, start, step):
    values = torch.arange(math.prod(shape), dtype=torch.float64) * step + start
    return values.to(DTYPES[dtype]).reshape(shape)


def rule(dtype, shape, start=0.0, step=1.0):
    text = literal(str(by_rule(dtype, shape, start, step)))
    print(f"RULE({head(dtype, shape)}, {hexadecimal(start)}, {hexadecimal(step)},\n{text})")


def turned(dtype, shape, start, step):
    """The first and the last dim exchanged."""
    text = literal(str(by_rule(dtype, shape, start, step).transpose(0, -1)))
    print(f"TURNED({head(dtype, shape)}, {hexadecimal(start)}, {hexadecimal(step)},\n{text})")


def spread(dtype, shape, start, step, times):
    """Repeated along a new first dim, without a copy."""
    text = literal(str(by_rule(dtype, shape, start, step).expand(times, *shape)))
    print(
        f"SPREAD({head(dtype, shape)}, {hexadecimal(start)}, {hexadecimal(step)}, {times},\n"
        f"{text})"
    )


# -- Which cases ----------------------------------------------------------------------------------

# Each is printed as it stands, in both float dtypes.
EDGES = (
    # whole numbers, fractions, and what is neither
    (1, NAN), (1.5, INF, -INF), (0, 0), (-0.0,), (0.0, -0.0, 0.5), (NAN,), (-NAN, -INF),
    (0, NAN, INF), (1, 1000), (-1, 1000), (1, -1000), (-1, 2, -30, 0), (0.5, -0.5), (-0.0, 3),
    (INF, 123456), (-INF, 2),
    # the ratio of 1000
    (1, 1001), (0.1, 100), (0.1, 100.00001), (0.1, 99.99999), (0.001, 1), (0.001, 1.0001),
    (-0.001, 1.0001), (0, 1, 1000), (0, 1, 1001), (3, 3000), (3, 3001), (NAN, 1, 1001),
    (INF, 1, 1001),
    # 1e8
    (1e8,), (100000008,), (99999992,), (99999999.5,), (1e8, 1e6), (-1e8,), (-1e9,), (1e8, 2e8),
    (123456.789,),
    # 1e-4
    (1e-4,), (9.9e-5,), (1.1e-4,), (-1e-4,), (1e-4, 1e-2), (9e-5, 1e-2), (1e-5, 1), (1e-5, 0),
    (2e-4, NAN),
    # rounding, and rounding to another width
    (0.00005, 0.04), (0.00015,), (0.03125,), (0.09375,), (9.99995,), (9.99994,), (99.99995,),
    (-9.99996,), (0.99995,), (0.99996, 3), (2.5, 3.5), (0.5, 1.5, 2.5), (1 / 3, -2 / 3),
    (0.00025, 0.00035),
    # scientific
    (9.99995e9,), (9.99994e9,), (1e30, 1e-30), (3.4e38,), (1.2e-38,), (1e-45, 1), (-1e-40, 1e20),
    (1e10, 0), (1e10, NAN, INF, -INF, -0.0), (1e12, -1), (2**60,), (-(2**31), 5, 0.25),
)
DOUBLES = (
    (1e99,), (9.99999e99,), (1e100, 1), (-1e100, 1), (5e-324,), (-5e-324, 1),
    (1.7976931348623157e308,), (1e-99,), (9.99999e-100,), (1e-100, 1), (-1e-100, -1),
    (1e300, 1e-300, -1e-300), (99999999.99,), (1e8 + 0.01,), (1 + 2**-52,),
)
INTEGERS = (
    (0,), (-1,), (5, 10), (-5, 10), (-100, 7), (100, -7), (1, 22, 333, -4444),
    (2**63 - 1, -(2**63), 0), (10**18,), (0, -(10**9)), tuple(range(30)), tuple(range(-30, 30)),
    tuple(10**i for i in range(19)),
)
BOOLS = ((True,), (False,), (True, False), (True,) * 40, (False,) * 12, (True, False) * 15)
EMPTY = (
    (0,), (0, 0), (2, 0), (0, 3), (1, 0, 5), (0,) * 7, (0,) * 16, (4, 0) * 8, (123456, 0, 1),
    (10**9, 0, 10**8),
)
WRAPPED = (1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 24, 25, 37)
SHAPES = (
    (1, 1), (2, 3), (3, 1), (2, 12), (2, 1, 2), (2, 2, 3), (2, 1, 2, 2), (1, 2, 1, 2, 1), (1,) * 16,
)
SUMMARIES = (
    (1001,), (1500,), (2, 501), (501, 2), (7, 143), (6, 200), (40, 50), (1001, 1), (1, 1001),
    (3, 7, 60), (11, 10, 10), (7, 1, 7, 21), (2, 2, 2, 130), (1, 1, 1001), (2, 8, 40, 2),
)


def elements():
    for dtype, values in itertools.product(FLOATS, EDGES):
        given(dtype, (len(values),), values)
    for values in DOUBLES:
        given("F64", (len(values),), values)
    for values in INTEGERS:
        given("I64", (len(values),), values)
    for values in BOOLS:
        given("BOOL", (len(values),), values)
    for value in (0, 1, -2.5, NAN, -INF, 1e-5, 1e9, 123456.789, 2.7256):
        for dtype in FLOATS:
            given(dtype, (), [value])
    for value in (0, -7, 2**63 - 1):
        given("I64", (), [value])
    for value in (True, False):
        given("BOOL", (), [value])


def layouts(choice):
    for dtype, shape in itertools.product(DTYPES, EMPTY):
        empty(dtype, shape)
    for dtype, n in itertools.product(FLOATS, WRAPPED):
        given(dtype, (n,), [6 * choice.random() - 3 for _ in range(n)])
    for n in range(32):
        rule("F32", (1,) * (n % 16) + (25,), -0.5, 0.125 * (n // 16 + 1))
    for dtype, value in itertools.product(FLOATS, (0, -0.0, NAN, INF, -INF, 1)):
        given(dtype, (30,), [value] * 30)
    for n in WRAPPED:
        given("F64", (n,), [1 + 8 * choice.random() for _ in range(n)])
        given("I64", (n,), [int(2e5 * choice.random() - 1e5) for _ in range(n)])
    for dtype, shape in itertools.product(DTYPES, SHAPES):
        rule(dtype, shape, -2, 1)
    for shape in SHAPES:
        rule("F32", shape, 0.25, 0.5)
    suffixes()
    rule("F64", (1,) * 15 + (9,), -1000.5, 250.25)
    rule("F32", (1,) * 15 + (9,), -1000.5, 250.25)


def suffixes():
    """Around the column from which a dtype, or a size, goes to a line of its own."""
    for ndim, digits in itertools.product((1, 2, 3, 16), range(1, 6)):
        for n in range(1, 20):
            last = 5 + 2 * ndim + n * (digits + 3)  # the length of the last line
            if 55 <= last <= 60:
                given("F64", (1,) * (ndim - 1) + (n,), [10 ** (digits - 1)] * n)
    for dtype, length in itertools.product(DTYPES, (*range(44, 53), *range(65, 71))):
        ones, zeros = divmod(length - 11 - 15, 3)
        empty(dtype, (0, *(1,) * ones, 10 ** (zeros + 15)))  # size=(...) has this length


def summaries():
    for dtype, shape in itertools.product(DTYPES, SUMMARIES):
        rule(dtype, shape, -2, 1)
    for shape in SUMMARIES:
        rule("F64", shape, -0.125, 0.0625)
        rule("F32", shape, 2e9, -3.5e6)
    rule("I64", (1000,), 0, 0.008)  # the largest that is shown whole
    rule("I64", (20, 50), 0, 0.008)
    rule("I64", (1001,), 0, 0.008)
    # What is not shown has no say: a fraction, a small, a large number in the middle.
    rule("F32", (1001,), -498, 1)
    rule("F32", (3001,), -1500, 1)
    rule("F64", (100, 100), -5000, 1)


def views():
    for dtype in DTYPES:
        turned(dtype, (3, 2), -2, 1)
        turned(dtype, (40, 50), -2, 1)
        turned(dtype, (2, 3, 4), -2, 1)
        spread(dtype, (), 3, 1, 4)
        spread(dtype, (2, 3), -2, 1, 2)
        spread(dtype, (3,), -2, 1, 10**12)
    turned("F64", (11, 5, 20), -0.5, 0.001)


def main():
    if torch.__version__.split("+")[0] != "2.13.0":
        raise SystemExit(f"torch 2.13.0 is wanted, this is {torch.__version__}")
    print("/* Written by print.py, which see; PyTorch 2.13.0. */")
    choice = random.Random(1)
    elements()
    layouts(choice)
    summaries()
    views()


if __name__ == "__main__":
    main()
