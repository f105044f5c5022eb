#!/usr/bin/env python3
"""Writes edges.inc: operations at the edges of the numbers, of first and second order.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python3 tests/golden/edges.py > tests/golden/edges.inc

Zeros, ones and infinities of both signs, nan, subnormal numbers and the largest ones, alone and in
pairs. PyTorch computes everything in float64, also for float32: from the float32 inputs, and
rounded to float32 at the end. tests/test_edges.c gives meaning to the macros and lists where the
library differs on purpose:

    EDGE(name, values...)
    ROWS(name, values...)       the same, of sums, which cancel

The name is as in ops.py, which has the operations. NONE is a nan. The values are the output; the
gradient of each input that requires one, for the case's upstream gradient; then, for these
gradients with upstream gradients 1, 3, 1, 3, ... of their own, what each of those inputs gets, and
what the first upstream gradient gets.
"""
import math
import sys

import torch

sys.dont_write_bytecode = True
import ops

DTYPES = "fd"
SUBNORMAL = {"f": "1e-40", "d": "1e-310"}
LARGEST = {"f": "3.4028234663852886e+38", "d": "1.7976931348623157e+308"}


def edges(t):
    return ["0", "-0", "1", "-1", "inf", "-inf", "nan", SUBNORMAL[t], "-" + SUBNORMAL[t],
            LARGEST[t], "-" + LARGEST[t]]


# -- Cases ----------------------------------------------------------------------------------------

UNARY = ("neg abs sign square reciprocal sqrt rsqrt exp expm1 log log1p sin cos erf relu sigmoid "
         "tanh gelu gelu_tanh silu softplus logsigmoid").split()
BY_NUMBER = ["leaky_relu s:0.5", "elu s:0.5", "clamp low:-1 high:1", "clamp low:0",
             *("pow_scalar s:" + s for s in "0 1 2 3 0.5 -0.5 -1 1.5 -2 -1.5".split()),
             "add_scalar s:1", "sub_scalar s:inf", "mul_scalar s:2", "mul_scalar s:0",
             "mul_scalar s:inf", "div_scalar s:2", "div_scalar s:0"]
BINARY = ["add", "sub", "mul", "div", "pow", "maximum", "minimum"]
LOSSES = ["mse_loss", "l1_loss", "smooth_l1_loss beta:1", "smooth_l1_loss beta:1e-60",
          "huber_loss delta:1"]
ROWS = ["sum dim:1", "mean dim:1", "var dim:1", "std dim:1", "max dim:1", "min dim:1",
        "amax dims:1", "amin dims:1", "logsumexp dim:1", "cumsum dim:1", "softmax dim:1",
        "log_softmax dim:1", "layer_norm shape:3",
        *("norm_dims dims:1 p:" + p for p in "2 1 inf 3 0.5".split())]
WHOLE = ["sum", "mean", "var", "std", "max", "min", "amax", "amin", "logsumexp", "norm"]


def named(row, inputs, upstream="1"):
    op, *options = row.split()
    return " ".join([op, *inputs, *options, "<=" + upstream])


def filled(t, dims, values, marks="!"):
    return f"{t}{dims}{marks}=" + ",".join(values)


def elementwise_cases(t):
    for row in UNARY + BY_NUMBER:
        for upstream in ("1", "inf"):
            yield named(row, [filled(t, 11, edges(t))], upstream)
    yield named("masked_fill s:2", [filled(t, "2x11", edges(t)), "b2x1=0,1"])
    yield named("masked_fill s:nan", [filled(t, "2x11", edges(t)), "b2x1=0,1"], "inf")


def pair_cases(t):
    pair = [filled(t, "11x11", edges(t), "!^"), filled(t, "11x11", edges(t))]
    for row in BINARY:
        yield named(row, pair)
    for row in LOSSES:
        yield named(row + " reduction:none", pair)
    for row in ("maximum", "minimum", "l1_loss reduction:none"):
        yield named(row, pair, "inf")
    for condition in "01":
        yield named("where", [f"b11x11={condition}", *pair], "inf")
    likely = ["0", "-0", "1", SUBNORMAL[t], "0.5", "nan"]
    logs = ["0", "-0", "-1", "-inf", "nan", "-" + SUBNORMAL[t], "-" + LARGEST[t]]
    yield named("bce_loss reduction:none",
                [filled(t, "5x5", likely[:5], "!^"), filled(t, "5x5", likely[:5])])
    for row, targets in (("bce_with_logits_loss", likely), ("kl_div_loss", likely),
                         ("kl_div_loss log_target:1", logs)):
        n = len(targets)
        yield named(row + " reduction:none",
                    [filled(t, f"{n}x11", edges(t), "!^"), filled(t, f"11x{n}", targets)])
    for k in range(11):
        weight = edges(t)[k:] + edges(t)[:k]
        yield named("prelu", [filled(t, "1x11", edges(t)), filled(t, 11, weight)])
    for k in (0, 4):
        yield named("prelu", [filled(t, "1x11", edges(t)), filled(t, 11, edges(t)[k:])], "inf")


def rows_of(t):
    yield [v for x in edges(t) for v in (x, "1", "2")]
    yield [v for x in edges(t) for v in ("1", x, x)]
    yield [v for x in edges(t) for v in (x, x, x)]
    yield [v for x in edges(t) for v in ("inf", x, "-1")]
    yield [v for x in edges(t) for v in ("-inf", x, "-inf")]


def reduction_cases(t):
    for row in ROWS:
        for values in rows_of(t):
            for upstream in ("1,2", "inf,-inf,1"):
                yield named(row, [filled(t, "11x3", values)], upstream)
    for row in WHOLE:
        for x in edges(t):
            yield named(row, [filled(t, 3, ["-1", x, "1"])])
        for upstream in ("inf", "nan"):
            yield named(row, [filled(t, 3, ["-1", "0", "1"])], upstream)
    for row in ("max_pool1d kernel:2 stride:1", "avg_pool1d kernel:2 stride:1"):
        for values in rows_of(t):
            yield named(row, [filled(t, "11x1x3", values)], "inf,1,1")


def classification_cases(t):
    for op in ("nll_loss", "cross_entropy"):
        for values in rows_of(t):
            scores = filled(t, "11x3", values)
            for target in ("0", "1", "-100"):
                yield named(op, [scores, f"i11={target}", "reduction:none"], "1,2")
        scores = filled(t, "11x3", next(rows_of(t)))
        yield named(op, [scores, "i11=0", "reduction:none"], "inf,1,-inf")
        ignored = "i11=-100,0,0,0,-100,-100,-100,-100,0,-100,-100"
        for reduction in ("mean", "sum", "none"):
            yield named(op, [scores, ignored, "reduction:" + reduction])
            yield named(op, [scores, ignored, filled(t, 3, ["2", "0", "1"], ""),
                             "reduction:" + reduction])
    for smoothing in ("0.1", "1"):
        yield named("cross_entropy", [scores, ignored, "label_smoothing:" + smoothing])
    for values in rows_of(t):
        likely = filled(t, "11x3", ["0", "0.25", "0.75"])
        yield named("cross_entropy", [filled(t, "11x3", values), likely, "reduction:none"], "1,2")
    x = filled(t, "4x2", ["1", "2", "inf", "-1", "nan", "0", "0.5", "-3"])
    yield named("linear_cross_entropy", [x, filled(t, "3x2", ["1", "0.5", "-1"]),
                                         "i4=1,-100,-100,0"])


def layer_cases(t):
    qkv = [filled(t, "3x2", ["0.25", "-1", "0.5", "2", "-0.75", "0.125"])] * 3
    for mask in ("b3x3=1,0,1,0,0,0,1,1,1", t + "3x3=0,-inf,0,-inf,-inf,-inf,0,0,0",
                 t + "3x3!=0,-inf,0,-inf,-inf,-inf,0.5,0,0"):
        yield named("attention", [*qkv, mask])
    for v in ("inf", "nan", LARGEST[t]):
        k = filled(t, "3x2", ["0.5", "1", v, "1", "-1", "0"])
        yield named("attention", [qkv[0], k, qkv[2]])
        yield named("matmul", [filled(t, "2x2", ["1", v, "0", "1"]), filled(t, "2x2", ["1", "0"])])
        yield named("linear", [filled(t, "2x2", ["1", v, "0", "1"]), filled(t, "2x2", ["1", "0"]),
                               filled(t, 2, ["0", "-inf"])])
        yield named("batch_norm training:1", [filled(t, "3x2", ["1", v, "0", "1", "2", "2"])])
        yield named("conv1d", [filled(t, "1x1x4", ["1", v, "0", "1"]),
                               filled(t, "1x1x2", ["1", "0"])])


def product_cases(t):
    for row in ("prod dim:1", "cumprod dim:1"):
        for values in rows_of(t):
            yield named(row, [filled(t, "11x3", values)], "1,2")


FAMILIES = {elementwise_cases: "EDGE", pair_cases: "EDGE", reduction_cases: "ROWS",
            classification_cases: "ROWS", layer_cases: "ROWS", product_cases: "ROWS"}

# -- Writing --------------------------------------------------------------------------------------


class Case(ops.Case):
    """Its float32 inputs, and so its results, are float64."""

    def add_input(self, token):
        dtype, dims, requires_grad, transposed, fill = ops.cut(token)
        leaf = ops.filled(self.generator, dtype, dims, fill)
        if dtype.is_floating_point:
            leaf = leaf.double().requires_grad_(requires_grad)
        self.leaves.append(leaf)
        self.inputs.append(leaf.transpose(-1, -2) if transposed else leaf)


def gradients(outs, inputs, upstreams, **more):
    """Of those outputs that depend on anything; zeros for inputs that nothing depends on"""
    pairs = [(o, u) for o, u in zip(outs, upstreams) if o.requires_grad]
    grads = [None] * len(inputs)
    if pairs:
        outs, upstreams = zip(*pairs)
        grads = torch.autograd.grad(outs, inputs, upstreams, allow_unused=True, **more)
    return [torch.zeros_like(x) if g is None or g._is_zerotensor() else g
            for g, x in zip(grads, inputs)]


def ones_and_threes(x):
    flat = torch.ones(x.numel(), dtype=x.dtype)
    flat[1::2] = 3
    return flat.reshape(x.shape)


def results(case):
    out = ops.OPS[case.op](case)
    leaves = case.wants_grad()
    upstream = case.upstream_of(out).requires_grad_()
    first = gradients([out], leaves, [upstream], create_graph=True)
    second = gradients(first, leaves + [upstream], [ones_and_threes(g) for g in first])
    return out, first, second


def text(value, single):
    if math.isnan(value):
        return "NONE"
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    if value == 0:
        return "0" if math.copysign(1, value) > 0 else "-0.0"
    return f"{value:.9g}" if single else f"{value:.17g}"


def write(macro, name, parts, single):
    dtype = torch.float32 if single else torch.float64
    items = [f'{macro}("{name}"']
    for part in parts:
        items += [text(v, single) for v in part.detach().to(dtype).reshape(-1).tolist()]
    line = ""
    for i, item in enumerate(items):
        item += ")" if i + 1 == len(items) else ","
        if line and len(line) + 1 + len(item) > 100:
            print(line)
            line = "   "
        line += " " * bool(line) + item
    print(line)


def main():
    assert torch.__version__.split("+")[0] == "2.13.0", torch.__version__
    torch.set_num_threads(1)
    print("/* Written by edges.py, which see; PyTorch 2.13.0, CPU. */")
    for t in DTYPES:
        for family, macro in FAMILIES.items():
            for name in dict.fromkeys(family(t)):
                out, first, second = results(Case(name))
                write(macro, name, [out, *first, *second], t == "f")


main()
