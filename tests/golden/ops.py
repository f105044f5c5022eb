#!/usr/bin/env python3
"""Writes ops.inc: inputs of operations, and what PyTorch computes for them.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/golden/ops.py > tests/golden/ops.inc

Needs an x86-64 CPU with AVX2. The output is the same at every run; another CPU may round the last
bits of some float results otherwise. tests/test_golden.c gives meaning to the macros:

    CASE(name, output, n, bits...)      what PyTorch gives
    EXACT(name, output, n, bits...)     computed here with 400 digits, where PyTorch is inaccurate
    PRINTED(name, output, gradient)     the texts that PyTorch prints for the case before

The name says all about a case, its inputs included:

    name    = operation, then tokens separated by spaces: inputs, options, upstream
    input   = dtype dims ["!"] ["^"] [fill], or "$" i: input i once more
    dtype   = f (float32), d (float64), i (int64) or b (bool)
    dims    = "3x5"; nothing for 0-d
    "!"       it requires a gradient
    "^"       the operation gets it with its last two dims exchanged
    fill    = "~" low "," high          uniform; without a fill it is ~-2,2
            | "#" low "," high          integers, both bounds included
            | "=" value "," value ...   as often as needed
            | "%" seed                  standard normal, from the library's own generator
    option  = key ":" value
    upstream = "<" fill                 of the output's gradient; without one it is ~-2,2

The generator behind ~ and # is a 64-bit LCG seeded with the FNV-1a hash of the name, so that a case
keeps its numbers whatever stands around it. `output` is the result's dtype and dims; `bits` are the
n elements, as integers: of the output, then of the gradient of each input that requires one.

To add an operation: a function in OPS, its cases in a function named in FAMILIES, and a row in
tests/golden_ops.c.
"""
import itertools
import os
import struct
import sys

os.environ["ATEN_CPU_CAPABILITY"] = "avx2"

import mpmath
import torch
import torch.nn.functional as F

DTYPES = {"f": torch.float32, "d": torch.float64, "i": torch.int64, "b": torch.bool}
LETTERS = {dtype: letter for letter, dtype in DTYPES.items()}
FLOATS = "fd"
MASK = 2**64 - 1


# -- Inputs ---------------------------------------------------------------------------------------


class Generator:
    """tests/golden_case.c has the same."""

    def __init__(self, name):
        self.state = 0xCBF29CE484222325
        for byte in name.encode():
            self.state = (self.state ^ byte) * 0x100000001B3 & MASK

    def next(self):
        self.state = self.state * 6364136223846793005 + 1442695040888963407 & MASK
        return self.state

    def uniform(self, low, high):
        return low + (self.next() >> 11) * 2.0**-53 * (high - low)

    def integer(self, low, high):
        return low + (self.next() >> 33) % (high - low + 1)


def size_of(dims):
    size = 1
    for d in dims:
        size *= d
    return size


def filled(generator, dtype, dims, fill):
    kind, values = fill[0], [float(v) for v in fill[1:].split(",")]
    if kind == "%":
        torch.manual_seed(int(values[0]))
        return torch.randn(dims, dtype=dtype)
    n = size_of(dims)
    if kind == "~":
        flat = [generator.uniform(*values) for _ in range(n)]
    elif kind == "#":
        flat = [generator.integer(int(values[0]), int(values[1])) for _ in range(n)]
    else:
        flat = [values[i % len(values)] for i in range(n)]
    if dtype == torch.int64:
        flat = [int(v) for v in flat]
    return torch.tensor(flat, dtype=dtype).reshape(dims)


def cut(token):
    """dtype, dims, whether it requires a gradient, whether it is transposed, fill"""
    at = min([token.find(c) for c in "~#=%" if c in token], default=len(token))
    head, fill = token[:at], token[at:] or "~-2,2"
    dims = head[1:].rstrip("^!")
    return DTYPES[head[0]], [int(d) for d in dims.split("x") if d], "!" in head, "^" in head, fill


class Case:
    def __init__(self, name):
        self.name = name
        self.generator = Generator(name)
        self.leaves, self.inputs, self.steps, self.upstream = [], [], [], "~-2,2"
        self.op, *tokens = name.split()
        for token in tokens:
            if ":" in token:
                self.steps.append(token.split(":"))
            elif token[0] == "<":
                self.upstream = token[1:]
            elif token[0] == "$":
                self.inputs.append(self.inputs[int(token[1:])])
            else:
                self.add_input(token)
        self.options = dict(self.steps)

    def add_input(self, token):
        dtype, dims, requires_grad, transposed, fill = cut(token)
        leaf = filled(self.generator, dtype, dims, fill).requires_grad_(requires_grad)
        self.leaves.append(leaf)
        self.inputs.append(leaf.transpose(-1, -2) if transposed else leaf)

    def upstream_of(self, out):
        return filled(self.generator, out.dtype, list(out.shape), self.upstream)

    def wants_grad(self):
        return [leaf for leaf in self.leaves if leaf.requires_grad]

    def number(self, key, fallback=0.0):
        return float(self.options.get(key, fallback))

    def whole(self, key, fallback=0):
        return int(self.options.get(key, fallback))


def whole_list(text):
    return [int(v) for v in text.split(",") if v]


# -- Operations -----------------------------------------------------------------------------------


def optional(case, i):
    return case.inputs[i] if len(case.inputs) > i else None


def scalar(case):
    s = case.number("s")
    return int(s) if s.is_integer() and not case.inputs[0].dtype.is_floating_point else s


def shape(case):
    x = case.inputs[0]
    for key, value in case.steps:
        sizes = whole_list(value)
        x = getattr(x, key)(*([sizes] if key in ("reshape", "expand") else sizes))
    return x


def reduce(op):
    def run(case):
        if "dim" not in case.options:
            return op(case.inputs[0])
        return op(case.inputs[0], case.whole("dim"), keepdim=bool(case.whole("keepdim")))

    return run


def loss(op, **more):
    def run(case):
        options = {"reduction": case.options.get("reduction", "mean"),
                   "ignore_index": case.whole("ignore", -100), "weight": optional(case, 2)}
        options.update({k: case.number(k) for k in more})
        return op(case.inputs[0], case.inputs[1], **options)

    return run


def sgd(case):
    p, rows = case.inputs
    lr = case.number("lr")
    optimizer = torch.optim.SGD(
        [p], lr=lr, momentum=case.number("momentum"), dampening=case.number("dampening"),
        weight_decay=case.number("weight_decay"), nesterov=bool(case.whole("nesterov")),
        maximize=bool(case.whole("maximize")))
    for i, c in enumerate(rows):
        if "decay" in case.options:
            optimizer.param_groups[0]["lr"] = lr
            lr *= case.number("decay")
        optimizer.zero_grad()
        (p * c).sum().backward()
        optimizer.step()
    return p


def mlp(case):
    x, targets = case.inputs
    torch.manual_seed(case.whole("seed"))
    hidden, classes = case.whole("hidden"), case.whole("classes")
    model = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], hidden, dtype=x.dtype),
        getattr(torch.nn, case.options["act"])(),
        torch.nn.Linear(hidden, classes, dtype=x.dtype))
    optimizer = torch.optim.SGD(model.parameters(), lr=case.number("lr"),
                                momentum=case.number("momentum"))
    losses = []
    for _ in range(case.whole("steps")):
        optimizer.zero_grad()
        value = F.cross_entropy(model(x), targets)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return torch.tensor(losses, dtype=x.dtype)


UNARY = {"neg": torch.neg, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt,
         "relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}
BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
STEPS = {"sgd": sgd, "mlp": mlp}  # they run their own backward passes
OPS = {
    **{name: lambda c, op=op: op(c.inputs[0]) for name, op in UNARY.items()},
    **{name: lambda c, op=op: op(*c.inputs) for name, op in BINARY.items()},
    **{name + "_scalar": lambda c, op=op: op(c.inputs[0], scalar(c))
       for name, op in BINARY.items()},
    "sum": reduce(torch.sum),
    "mean": reduce(torch.mean),
    "shape": shape,
    "to": lambda c: c.inputs[0].to(DTYPES[c.options["dtype"]]),
    "matmul": lambda c: torch.matmul(*c.inputs),
    "linear": lambda c: F.linear(c.inputs[0], c.inputs[1], optional(c, 2)),
    "softmax": lambda c: torch.softmax(c.inputs[0], c.whole("dim", -1)),
    "log_softmax": lambda c: torch.log_softmax(c.inputs[0], c.whole("dim", -1)),
    "nll_loss": loss(F.nll_loss),
    "cross_entropy": loss(F.cross_entropy, label_smoothing=0),
    **STEPS,
}


# -- Exact values ---------------------------------------------------------------------------------
# For x and the upstream gradient g of one result, with softmax p along the last dim.


def exact_rows(x):
    for row in x.reshape(-1, x.shape[-1]).tolist():
        row = [mpmath.mpf(v) for v in row]
        top = max(row)
        e = [mpmath.exp(v - top) for v in row]
        total = mpmath.fsum(e)
        yield [v / total for v in e], [v - top - mpmath.log(total) for v in row]


def exact_softmax(case, x, g, log=False):
    out, grad = [], []
    for (p, log_p), v in zip(exact_rows(x), g.reshape(-1, x.shape[-1]).tolist()):
        v = [mpmath.mpf(a) for a in v]
        dot = mpmath.fsum(v) if log else mpmath.fsum(a * b for a, b in zip(v, p))
        out += log_p if log else p
        grad += [a - b * dot if log else b * (a - dot) for a, b in zip(v, p)]
    return out, grad


def exact_cross_entropy(case, x, g):
    """Index targets, no weight; the mean, or a sum"""
    e, c = mpmath.mpf(case.number("label_smoothing")), x.shape[-1]
    scale = 1 if case.options.get("reduction") == "sum" else mpmath.mpf(1) / (x.numel() // c)
    total, grad = mpmath.mpf(0), []
    for (p, log_p), target in zip(exact_rows(x), case.inputs[1].reshape(-1).tolist()):
        q = [(1 - e) * (k == target) + e / c for k in range(c)]
        total -= mpmath.fsum(a * b for a, b in zip(q, log_p))
        grad += [scale * g.item() * (a - b) for a, b in zip(p, q)]
    return [scale * total], grad


EXACT = {
    "softmax": exact_softmax,
    "log_softmax": lambda case, x, g: exact_softmax(case, x, g, log=True),
    "cross_entropy": exact_cross_entropy,
}


def rounded(dtype, value):
    """The nearest float32 or float64. mpmath rounds to a precision; subnormals have less of it."""
    bits, least = (24, -149) if dtype == torch.float32 else (53, -1074)
    if value == 0:
        return 0.0
    exponent = mpmath.frexp(value)[1]
    step = mpmath.ldexp(1, max(exponent - bits, least))
    return float(mpmath.nint(value / step) * step)


# -- Cases ----------------------------------------------------------------------------------------


def name_of(op, inputs, **options):
    """Options that are None are left out; `upstream` is the upstream fill."""
    upstream = options.pop("upstream", None)
    tokens = [op, inputs] + [f"{k}:{v}" for k, v in options.items() if v is not None]
    return " ".join(tokens + (["<" + upstream] if upstream else []))


REDUCTIONS = (None, "sum", "none")
SMOOTHINGS = (None, 0.1, 0.5, 1)
INDICES = (("=1,0,3", None), ("=1,-100,3", None), ("=1,0,3,0", 0), ("=3,1,2", 1), ("=2,-7,0", -7))
WEIGHTS = (None, "~0.2,2", "=1.5,0,-0.5,0.75")
PROBABILITIES = ("~0,1", "=0.5,0.25,0.125,0.125", "~-1,1", "=0,0,1,0")


def ce(inputs, **options):
    """`smoothing` 0.1 is spelt as the library's option."""
    options["label_smoothing"] = options.pop("smoothing", None)
    return name_of("cross_entropy", inputs, **options)


def ce_matrix(t):
    """All combinations of options for (N, C)"""
    for (targets, ignore), weight, reduction, smoothing in itertools.product(
            INDICES, WEIGHTS, REDUCTIONS, SMOOTHINGS):
        inputs = f"{t}3x4! i3{targets}" + (f" {t}4{weight}" if weight else "")
        yield ce(inputs, reduction=reduction, smoothing=smoothing, ignore=ignore)
    cycle = itertools.cycle(PROBABILITIES)
    weights = (None, "4~0.2,2", "4=1.5,0,-0.5,0.75", "4!~-0.5,2")
    for weight, reduction, smoothing, grad in itertools.product(
            weights, REDUCTIONS, SMOOTHINGS, ("", "!")):
        inputs = f"{t}3x4! {t}3x4{grad}{next(cycle)}" + (f" {t}{weight}" if weight else "")
        yield ce(inputs, reduction=reduction, smoothing=smoothing)
        if (reduction, smoothing) == ("none", 0.1):
            next(cycle)


RANKS = (("5", ""), ("2x3x2", "2x2"), ("2x4x3x2", "2x3x2"), ("2x3x1x2x2", "2x1x2x2"))


def ce_ranks(t):
    """All reductions and smoothings for the other ranks, the other options in turn"""
    turn = 0
    for (dims, positions), reduction, smoothing in itertools.product(RANKS, REDUCTIONS, SMOOTHINGS):
        classes = int(dims.split("x")[1 if "x" in dims else 0])
        turn += 1
        weight = (None, f" {t}{classes}~0.2,2", f" {t}{classes}=1.5,0,-0.5,0.75,0.5")[turn % 3]
        targets, ignore = (("#0,2", None), ("=1,0,-100,2,1", None), ("=2,1,2,0", 1),
                           ("=0,-3,2", -3))[turn % 4]
        yield ce(f"{t}{dims}! i{positions}{targets}" + (weight or ""), reduction=reduction,
                 smoothing=smoothing, ignore=ignore)
        grad = "!" if turn % 2 else ""
        weight = (None, f" {t}{classes}!~0.2,2", f" {t}{classes}=1.5,0,-0.5,0.75,0.5")[turn % 3]
        yield ce(f"{t}{dims}! {t}{dims}{grad}{PROBABILITIES[turn % 4]}" + (weight or ""),
                 reduction=reduction, smoothing=smoothing, ignore=(None, None, -5)[turn % 3])


def ce_edges(t):
    """Sizes 0 and 1, nothing that counts, weights that sum to 0, SIMD tails, wide logits"""
    for dims, targets in (("3x1", "i3=0"), ("1x4", "i1=2"), ("1", "i=0"), ("1x1", "i1=0"),
                          ("0x4", "i0=0"), ("2x3x0", "i2x0=0"), ("2x1x2", "i2x2=0"),
                          ("3x1", "3x1"), ("1x4", "1x4!"), ("0x4", "0x4!"), ("2x3x0", "2x3x0"),
                          ("1", "1!"), ("3x4", "i3=-100"), ("5", "i=-100"), ("2x3x2", "i2x2=-100"),
                          ("3x4", f"i3=-100 {t}4")):
        targets = targets if targets[0] == "i" else f"{t}{targets}~0,1"
        for reduction, smoothing in itertools.product(REDUCTIONS, (None, 0.1)):
            yield ce(f"{t}{dims}! {targets}", reduction=reduction, smoothing=smoothing)
    for reduction, smoothing in itertools.product(REDUCTIONS, (None, 0.1)):
        yield ce(f"{t}3x4! i3=1,2,3 {t}4=5,1,-2,1", reduction=reduction, smoothing=smoothing)
        yield ce(f"{t}3x4! i3=1 {t}4=2,0,1,1", reduction=reduction, smoothing=smoothing)
        yield ce(f"{t}3x4! {t}3x4!~0,1 {t}4!=0", reduction=reduction, smoothing=smoothing)
        yield ce(f"{t}3x4 {t}3x4!~0,1 {t}4~0,1", reduction=reduction, smoothing=smoothing)
        yield ce(f"{t}4x3!^ i3=1,2,3", reduction=reduction, smoothing=smoothing)
        yield ce(f"{t}4x3!^ {t}4x3!^~0,1 {t}4!", reduction=reduction, smoothing=smoothing)
        yield ce(f"{t}3x5!~-30,30 i3#0,4", reduction=reduction, smoothing=smoothing)
        yield ce(f"{t}3x5!~1000,1010 {t}3x5!~0,1", reduction=reduction, smoothing=smoothing)
    yield ce(f"{t}5x33! i5#0,32 {t}33~0.5,1")
    yield ce(f"{t}2x17! {t}2x17!~0,0.1", reduction="none")
    yield ce(f"{t}2x3x19! i2x19#0,2 {t}3~0.5,1", smoothing=0.2)
    yield ce(f"{t}2x3x19! {t}2x3x19!~0,1 {t}3!~0.5,1")


def special_rows(t):
    """Infinite, nan and huge logits"""
    big, huge = ("1e38", "3e38") if t == "f" else ("1e308", "1.5e308")
    rows = ("1,-inf,3", "-inf,-inf,-inf", "inf,1,2", "inf,inf,0", "inf,-inf,0", "nan,1,2",
            "nan,inf,-inf", f"{big},{big},-{big}", f"{huge},-{huge},0", "0,-103,-104",
            "0,-700,-745", "-0,-0,-0")
    for row in rows:
        yield name_of("softmax", f"{t}3!={row}")
        yield name_of("log_softmax", f"{t}3!={row}")
        yield name_of("softmax", f"{t}2x3!={row},1,2,3", dim=0)
        yield name_of("log_softmax", f"{t}2x3!={row},1,2,3", dim=0)
        for target, smoothing in itertools.product((0, 1), (None, 0.1)):
            yield ce(f"{t}1x3!={row} i1={target}", smoothing=smoothing, upstream="=1")
        yield ce(f"{t}1x3!={row} {t}1x3!=0.5,0,0.5", upstream="=1")
        yield ce(f"{t}2x3!={row},1,2,3 {t}2x3!=0.5,0.25,0.25 {t}3!=1,0,2", reduction="none")
        yield ce(f"{t}2x3!={row},0.5,1,2 i2=-100,2", upstream="=1")
        yield ce(f"{t}2x3!={row},0.5,1,2 i2=-100,2", smoothing=0.1, reduction="sum", upstream="=1")
        yield ce(f"{t}2x3!={row},0.5,1,2 i2=1,2 {t}3=1,0,1", upstream="=1")
        yield name_of("nll_loss", f"{t}2x3!={row},-1,-2,-3 i2=1,0 {t}3=1,0,1", upstream="=1")


def cross_entropy_cases():
    yield "cross_entropy f3x5!%40431 i3=1,0,3 <=1"
    yield "cross_entropy d3x5!%40431 i3=1,0,3 <=1"
    for t in FLOATS:
        for family in (ce_matrix, ce_ranks, ce_edges, special_rows):
            yield from family(t)


def nll_cases():
    for t, (targets, ignore), weight, reduction in itertools.product(
            FLOATS, INDICES, WEIGHTS, REDUCTIONS):
        inputs = f"{t}3x4!~-3,0 i3{targets}" + (f" {t}4{weight}" if weight else "")
        yield name_of("nll_loss", inputs, reduction=reduction, ignore=ignore)
    for t, reduction in itertools.product(FLOATS, REDUCTIONS):
        for dims, positions in RANKS:
            yield name_of("nll_loss", f"{t}{dims}! i{positions}#0,2", reduction=reduction, ignore=2)
        for inputs in ("0x4! i0=0", "2x3x0! i2x0=0", "3x1! i3=0", "3x4! i3=-100", "5! i=-100",
                       "4x3!^ i3=1,2,3", f"3x4! i3=1,2,3 {t}4=5,1,-2,1", f"5! i=3 {t}5"):
            yield name_of("nll_loss", t + inputs, reduction=reduction)


def softmax_cases():
    for op, t in itertools.product(("softmax", "log_softmax"), FLOATS):
        for dims in ("5", "3x5", "2x3x4", "2x1x3x2", "2x2x2x2x3"):
            rank = dims.count("x") + 1
            for dim in (*range(rank), -rank):
                yield name_of(op, f"{t}{dims}!", dim=dim)
        for inputs, dim in (("!", 0), ("!", -1), ("1!", 0), ("0!", 0), ("0x3!", 1), ("3x0!", 0),
                            ("3x0!", 1), ("3x1!", 1), ("3x4!^", 0), ("3x4!^", 1), ("2x3x4!^", 1),
                            ("3x33!", 1), ("3x33!", 0), ("2x5!~-30,30", 1),
                            ("2x5!~1e4,1.0001e4", 1)):
            yield name_of(op, t + inputs, dim=dim)


PAIRS = ("3! 3!", "2x3! 2x3!", "2x3! 3!", "3! 2x3!", "2x1! 1x3!", "2x3! !", "! 2x3!", "! !",
         "2x1x3! 4x1!", "5x1x2! 1x3x1!", "1! 2x2!", "0! 1!", "2x0! 1x1!", "3x1! 0!", "19! 19!",
         "3x17! 17!", "3x2!^ 2x3!", "2x3! 3x2!^", "3x2!^ 3x2!^", "2x3! 2x3", "2x3 2x3!", "3! $0",
         "2x3!^ $0", "2x2x2x2x2! 2x1x2!")
MIXED = ("f3! d3!", "d3! f3!", "f3! d!", "f! d3!", "f! d!", "d! f3!", "i3#-5,5 f3!", "f3! i3#1,5",
         "i3#-5,5 d!", "i#1,5 f3!", "d3! i#1,5", "i3#-5,5 i3#1,5", "i3#-5,5 i#1,5", "b3=0,1,1 f3!",
         "f3! b3=1", "b3=0,1,1 i3#1,5", "i2x3#-5,5 b3=1", "b=1 d2!", "f2x3! d3!", "f3! d2x3!",
         "b3=1,0,1 d3!", "i=3 d=2.5", "b=1 f=2.5")
SPECIAL = "nan,inf,-inf,0,-0,1e-40,-1e-40,1,-2.5"


def binary_cases():
    for op, t, pair in itertools.product(BINARY, FLOATS, PAIRS):
        inputs = [t + p if p[0] != "$" else p for p in pair.split()]
        if op == "div" and inputs[1][0] != "$":
            inputs[1] += "~0.5,2"
        elif op == "div":
            inputs[0] += "~0.5,2"
        yield name_of(op, " ".join(inputs))
    for op, pair in itertools.product(BINARY, MIXED):
        if op != "sub" or "b" not in pair:  # PyTorch does not subtract bools
            yield name_of(op, pair)
    for op, t in itertools.product(BINARY, FLOATS):
        yield name_of(op, f"{t}9!={SPECIAL} {t}9!={SPECIAL}")
        yield name_of(op, f"{t}9x1!={SPECIAL} {t}9={SPECIAL}")
    yield from ("add b4=0,0,1,1 b4=0,1", "mul b4=0,0,1,1 b4=0,1", "div b3=0,1,1 b3=1")


def scalar_cases():
    for op, s in itertools.product(BINARY, (2, -3, 2.5, 0.1, 1e6, -0.0)):
        for x in ("f3!", "d3!", "f!", "d2x3!", "d3x2!^"):
            yield name_of(op + "_scalar", x, s=s)
        if s or op != "div":
            yield name_of(op + "_scalar", "i5#-9,9", s=s)
            yield name_of(op + "_scalar", "i#-9,9", s=s)
            if op != "sub":
                yield name_of(op + "_scalar", "b2=0,1", s=s)
    for op, t, s in itertools.product(BINARY, FLOATS, (0.3, "inf", "nan")):
        yield name_of(op + "_scalar", f"{t}9!={SPECIAL}", s=s)


def unary_cases():
    domain = {"log": "~0.1,5", "sqrt": "~0.1,5"}
    for op, t in itertools.product(UNARY, FLOATS):
        fill = domain.get(op, "~-4,4")
        for dims in ("!", "1!", "0!", "3x5!", "2x0x3!", "19!", "4x3!^", "2x3x4!^"):
            yield name_of(op, t + dims + fill)
        yield name_of(op, f"{t}9!={SPECIAL}")
        yield name_of(op, f"{t}8!=1e-300,1e300,-1e300,88.8,-104,710,-746,17")
        yield name_of(op, f"{t}8!=9.1,-9.1,20,-20,37,-37,-88,-709")
    for op in UNARY:
        yield name_of(op, "i4=0,1,2,-3")
    yield from (name_of(op, "b2=0,1") for op in UNARY if op not in ("neg", "relu"))


def reduce_cases():
    for op, t in itertools.product(("sum", "mean"), FLOATS):
        for x in ("!", "1!", "0!", "2x0!", "3x5!", "2x3x4!", "4x3!^", "257!"):
            yield name_of(op, t + x)
        for dims in ("!", "5!", "3x5!", "2x3x4!", "2x4x3!^", "3x1x2!"):
            rank = max(1, dims.count("x") + 1)
            rank = 1 if dims == "!" else rank
            for dim, keepdim in itertools.product((*range(rank), -rank), (None, 1)):
                yield name_of(op, t + dims, dim=dim, keepdim=keepdim)
        for x, dim in (("2x0!", 0), ("2x0!", 1), ("0!", 0), ("0x3!", 0), ("3x19!", 0),
                       ("3x19!", 1), (f"9!={SPECIAL}", 0), (f"9x1!={SPECIAL}", 1)):
            yield name_of(op, t + x, dim=dim)
    for x in ("i5#-9,9", "i2x3#-9,9", "b5=1,0,1", "i0=0"):
        yield name_of("sum", x)
        yield name_of("sum", x, dim=0, keepdim=1)


CHAINS = ("reshape:6,4", "reshape:-1", "reshape:2,-1,2", "transpose:0,1", "transpose:0,2",
          "transpose:-1,-2", "transpose:1,1", "transpose:0,2 reshape:6,4",
          "transpose:1,2 reshape:-1",
          "reshape:4,6 transpose:0,1", "reshape:6,4 transpose:0,1 reshape:2,12",
          "transpose:0,2 reshape:4,6 transpose:0,1", "reshape:1,24 expand:3,-1",
          "reshape:2,1,3,4 expand:2,5,3,4 transpose:1,3", "expand:2,2,3,4 reshape:4,12",
          "reshape:24,1 expand:24,2 reshape:6,8 transpose:0,1", "reshape:4,6 contiguous:",
          "transpose:0,1 contiguous: reshape:24", "expand:0,2,3,4", "expand:-1,-1,4")


def shape_cases():
    for t, chain in itertools.product(FLOATS, CHAINS):
        yield f"shape {t}2x3x4! {chain}"
        yield f"shape {t}2x4x3!^ {chain}"
    for t in FLOATS:
        yield from (f"shape {t}{x}" for x in (
            "! reshape:1,1", "1! reshape:", "! expand:3", "! expand:2,0", "3x1! expand:3,0",
            "0x3! reshape:0,5", "2x0! transpose:0,1", "! transpose:0,-1", "1x1! reshape:",
            "0! reshape:3,0,2", "1! expand:2,3,4"))
    yield from ("shape i2x3#0,9 transpose:0,1 reshape:6",
                "shape b2x3=1,0,0 transpose:0,1 reshape:6",
                "shape i3#0,9 expand:2,3")
    for a, b in itertools.product("fdib", "fdib"):
        fill = {"i": "=0,1,-3,16777217", "b": "=0,1"}.get(a, "=0,1,-2.75,2.75,-0.3,7")
        yield name_of("to", a + "6" + "!" * (a in FLOATS and b in FLOATS) + fill, dtype=b)
    yield "to f8!=nan,inf,-inf,0,-0,1e-40,3e38,0.1 dtype:d"
    yield "to d8!=nan,inf,-inf,0,-0,1e-46,1e39,0.1 dtype:f"
    yield "to d4=nan,inf,-0,1e-320 dtype:b"


PRODUCTS = ("3! 3!", "2x3! 3!", "3! 3x2!", "2x3! 3x4!", "1x1! 1x1!", "5x7! 7x3!", "2x3x4! 4!",
            "4! 2x4x3!", "2x3x4! 4x2!", "3x4! 2x4x2!", "2x3x4! 2x4x2!", "2x1x3x4! 3x4x2!",
            "2x1x2x3! 1x3x3x2!", "1x2x3! 4x3x2!", "2x2x2x3! 3!", "3! 2x2x3x2!", "2x0! 0x3!",
            "0! 0!", "0x2! 2x3!", "2x3! 3x0!", "2x0x3! 3x2!", "0x2x3! 0x3x2!", "2x0! 0!",
            "3x2!^ 3x4!",
            "2x3! 4x3!^", "3x2!^ 4x3!^", "2x4x3!^ 2x4x2!", "2x3x4! 2x2x4!^", "3x3! $0", "3x3!^ $0",
            "3! $0", "2x3! 3x2", "2x3 3x2!", "17x19! 19x18!", "1x33! 33x1!")
LAYERS = ("2x3! 4x3! 4!", "2x3! 4x3!", "3! 4x3! 4!", "3! 4x3!", "2x2x3! 4x3! 4!",
          "2x1x2x3! 2x3! 2!",
          "0x3! 4x3! 4!", "2x3 4x3! 4!", "2x3! 4x3 4!", "2x3! 4x3! 4", "3x2!^ 4x3! 4!",
          "2x3! 3x4!^ 4!", "1x1! 1x1! 1!", "5x17! 3x17! 3!", "2x0! 4x0! 4!", "2x3! 0x3! 0!")


def matmul_cases():
    for t in FLOATS:
        for op, rows in (("matmul", PRODUCTS), ("linear", LAYERS)):
            for row in rows:
                yield name_of(op, " ".join(t + x if x[0] != "$" else x for x in row.split()))
        yield name_of("matmul", f"{t}2x3!=inf,1,2,nan,0,1 {t}3x2!=1,0,2,-1,3,1")
        yield name_of("linear", f"{t}2x3!=inf,1,2,-1,0,1 {t}2x3!=1,0,2,-1,3,1 {t}2!=0,inf")


def sgd_cases():
    flags = []
    for momentum, dampening, nesterov, decay, maximize in itertools.product(
            (None, 0.9), (None, 0.83), (None, 1), (None, 0.01), (None, 1)):
        if not (nesterov and (dampening or not momentum)):
            flags.append({"momentum": momentum, "dampening": dampening, "nesterov": nesterov,
                          "weight_decay": decay, "maximize": maximize})
    for t, (n, lr), options in itertools.product(FLOATS, ((3, 0.1), (100, 0.013)), flags):
        yield name_of("sgd", f"{t}{n}! {t}30x{n}", lr=lr, **options)
    for t, momentum in itertools.product(FLOATS, (None, 0.9)):
        yield name_of("sgd", f"{t}5! {t}30x5", lr=0.5, momentum=momentum, decay=0.8)
        yield name_of("sgd", f"{t}! {t}30", lr=0.5, momentum=momentum)


def mlp_cases():
    for t, (act, lr) in itertools.product(FLOATS, (("ReLU", 0.1), ("Tanh", 0.3), ("Sigmoid", 0.5))):
        yield name_of("mlp", f"{t}24x4 i24#0,2", seed=7, hidden=8, classes=3, act=act, lr=lr,
                      momentum=0.9, steps=20)


FAMILIES = (cross_entropy_cases, nll_cases, softmax_cases, binary_cases, scalar_cases, unary_cases,
            reduce_cases, shape_cases, matmul_cases, sgd_cases, mlp_cases)


def exact_cases():
    """Confident and hopeless predictions, and offsets beside which the differences are small"""
    margins = {"f": (10, 15.5, 16, 16.625, 17, 18, 20, 25, 40, 80, 87, 88.5, 100, 103),
               "d": (17, 30, 36, 36.7, 37, 38, 40, 60, 100, 300, 600, 700, 708.5, 740)}
    offsets = {"f": (0, 1000, -65536), "d": (0, 1e6, -2.0**45)}
    for t, reduction, smoothing in itertools.product(FLOATS, (None, "sum"), (None, 0.1)):
        for margin in margins[t]:
            yield ce(f"{t}1x3!={margin},0,-1 i1=0", reduction=reduction, smoothing=smoothing,
                     upstream="=1")
    for t in FLOATS:
        for offset, margin in itertools.product(offsets[t], (0, 1, 17, 40)):
            a, b = offset + margin, offset + margin / 2
            yield ce(f"{t}2x4!={a},{offset},{offset},{b} i2=0,3", upstream="=1")
        for margin in margins[t]:
            yield name_of("softmax", f"{t}3={margin},0,-1")
            yield name_of("log_softmax", f"{t}3!={margin},0,-1", upstream="=1,-0.5,0.25")


# -- Writing --------------------------------------------------------------------------------------


def bits_of(t):
    t = t.detach().contiguous().reshape(-1)
    if t.dtype.is_floating_point:
        t = torch.where(t.isnan(), torch.full_like(t, float("nan")).abs(), t)
    raw, width = t.numpy().tobytes(), t.element_size()
    return [int.from_bytes(raw[i:i + width], "little") for i in range(0, len(raw), width)]


def shape_text(t):
    return LETTERS[t.dtype] + "x".join(str(d) for d in t.shape)


def write(macro, name, out, bits):
    items = [f'{macro}("{name}"', f'"{shape_text(out)}"', str(len(bits))]
    items += [str(b) if b < 10 else f"0x{b:x}" for b in bits]
    line = ""
    for i, item in enumerate(items):
        item += ")" if i + 1 == len(items) else ","
        if line and len(line) + 1 + len(item) > 100:
            print(line)
            line = "   "
        line += " " * bool(line) + item
    print(line)


def run(name):
    case = Case(name)
    out = OPS[case.op](case)
    results = [out]
    if case.op not in STEPS and case.wants_grad():
        out.backward(case.upstream_of(out))
        results += [torch.zeros_like(x) if x.grad is None else x.grad for x in case.wants_grad()]
    write("CASE", name, out, [b for r in results for b in bits_of(r)])
    return case, out


def run_exact(name):
    case = Case(name)
    out = OPS[case.op](case)
    x = case.inputs[0].detach()
    values, grad = EXACT[case.op](case, x, case.upstream_of(out))
    values += grad if case.wants_grad() else []
    rows = torch.tensor([rounded(out.dtype, v) for v in values], dtype=out.dtype)
    write("EXACT", name, out, bits_of(rows))


def literal(text):
    return '"' + text.replace("\n", "\\n\"\n    \"") + '\\n"'


def main():
    assert torch.__version__.split("+")[0] == "2.13.0", torch.__version__
    torch.set_num_threads(1)
    mpmath.mp.dps = 400
    names = {family.__name__: list(family()) for family in FAMILIES}
    unique = list(dict.fromkeys(itertools.chain(*names.values())))
    print("/* Written by ops.py, which see; PyTorch 2.13.0, CPU. */")
    for name in unique:
        case, out = run(name)
        if "%40431" in name and name[14] == "f":
            print(f'PRINTED("{name}",\n    {literal(str(out.detach()))},\n'
                  f"    {literal(str(case.leaves[0].grad))})")
    exact = list(dict.fromkeys(exact_cases()))
    for name in exact:
        run_exact(name)
    print({k: len(v) for k, v in names.items()}, "exact", len(exact), "of", len(unique),
          file=sys.stderr)


main()
