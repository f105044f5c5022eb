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

To add an operation: a function in OPS, its cases in a function named in FAMILIES (in ops_basic.py
or ops_more.py), and a row in one of the tables of tests/golden_*.c.
"""
import itertools
import os
import sys

os.environ["ATEN_CPU_CAPABILITY"] = "avx2"

import mpmath
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
import ops_basic
import ops_index
import ops_more

DTYPES = {"f": torch.float32, "d": torch.float64, "i": torch.int64, "b": torch.bool}
LETTERS = {dtype: letter for letter, dtype in DTYPES.items()}
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


def scalar(case, key="s"):
    s = case.number(key)
    return int(s) if s.is_integer() and not case.inputs[0].dtype.is_floating_point else s


def sliced(x, dim, start, end, step):
    return x[(slice(None),) * (dim % x.dim()) + (slice(start, end, step),)]


def shape(case):
    x = case.inputs[0]
    special = {"slice": lambda *v: sliced(x, *v),
               "chunk": lambda n, dim, i: torch.chunk(x, n, dim)[i],
               **{key: lambda *v, key=key: getattr(x, key)(v)
                  for key in ("reshape", "expand", "permute")}}
    for key, value in case.steps:
        x = special.get(key, getattr(x, key, None))(*whole_list(value))
    return x


def reduce(op):
    def run(case):
        if "dim" not in case.options:
            return op(case.inputs[0])
        return op(case.inputs[0], case.whole("dim"), keepdim=bool(case.whole("keepdim")))

    return run


def reduce_dims(op, **defaults):
    """Over the list in the option "dims"; all dims without it"""
    def run(case):
        x = case.inputs[0]
        dims = whole_list(case.options.get("dims", "")) or list(range(x.dim()))
        more = {k: case.number(k, v) for k, v in defaults.items()}
        return op(x, dim=dims, keepdim=bool(case.whole("keepdim")), **more)

    return run


def along(op):
    """max and min: with a dim, the values"""
    def run(case):
        out = reduce(op)(case)
        return out if torch.is_tensor(out) else out.values

    return run


def logsumexp(case):
    x = case.inputs[0]
    if "dim" in case.options:
        return torch.logsumexp(x, case.whole("dim"), keepdim=bool(case.whole("keepdim")))
    return torch.logsumexp(x, list(range(x.dim())))


def norm(case):
    return torch.linalg.vector_norm(case.inputs[0], case.number("p", 2))


def plain_loss(op, **more):
    def run(case):
        return op(*case.inputs[:2], reduction=case.options.get("reduction", "mean"),
                  **{k: case.number(k, v) for k, v in more.items()}, **with_letters(case, 2))

    return run


LETTER_NAMES = {"w": "weight", "b": "bias", "m": "running_mean", "v": "running_var",
                "p": "pos_weight"}


def with_letters(case, first):
    """The option "with" names the inputs from `first` on, a letter each."""
    return {LETTER_NAMES[c]: case.inputs[first + i]
            for i, c in enumerate(case.options.get("with", ""))}


def kl_div(case):
    return F.kl_div(*case.inputs, reduction=case.options.get("reduction", "mean"),
                    log_target=bool(case.whole("log_target")))


def attention(case):
    scale = case.number("scale") or None
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        return F.scaled_dot_product_attention(
            *case.inputs[:3], attn_mask=optional(case, 3), is_causal=bool(case.whole("causal")),
            scale=scale)


def windowed(op):
    def run(case):
        options = {("kernel_size" if k == "kernel" else k): whole_list(v)
                   for k, v in case.steps if k != "groups"}
        if "groups" in case.options:
            options["groups"] = case.whole("groups")
        return op(*case.inputs, **options)

    return run


def dropout(case):
    torch.manual_seed(case.whole("seed"))
    return F.dropout(case.inputs[0], case.number("p", 0.5), bool(case.whole("training")))


def layer_norm(case):
    return F.layer_norm(case.inputs[0], whole_list(case.options["shape"]),
                        eps=case.number("eps") or 1e-5, **with_letters(case, 1))


def batch_norm(case):
    given = {"running_mean": None, "running_var": None, **with_letters(case, 1)}
    out = F.batch_norm(case.inputs[0], training=bool(case.whole("training")),
                       momentum=case.number("momentum") or 0.1, eps=case.number("eps") or 1e-5,
                       **given)
    return given["running_" + case.options["result"]] if "result" in case.options else out


def loss(op, **more):
    def run(case):
        options = {"reduction": case.options.get("reduction", "mean"),
                   "ignore_index": case.whole("ignore", -100), "weight": optional(case, 2)}
        options.update({k: case.number(k) for k in more})
        return op(case.inputs[0], case.inputs[1], **options)

    return run


def linear_cross_entropy(case):
    """x, weight, targets, bias, class weight"""
    x, weight, targets, *more = case.inputs
    logits = F.linear(x, weight, more[0] if more else None).reshape(-1, weight.shape[0])
    value = F.cross_entropy(
        logits, targets.reshape(-1), more[1] if len(more) > 1 else None,
        reduction=case.options.get("reduction", "mean"), ignore_index=case.whole("ignore", -100),
        label_smoothing=case.number("label_smoothing"))
    return value.reshape(targets.shape) if value.numel() == targets.numel() else value


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
UNARY_MORE = {
    "abs": torch.abs, "sign": torch.sign, "square": torch.square, "reciprocal": torch.reciprocal,
    "rsqrt": torch.rsqrt, "log1p": torch.log1p, "expm1": torch.expm1, "sin": torch.sin,
    "cos": torch.cos, "erf": torch.erf}
ACTIVATIONS = {
    "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu,
    "softplus": F.softplus, "logsigmoid": F.logsigmoid}
COMPARISONS = {
    "eq": torch.eq, "ne": torch.ne, "lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge,
    "logical_and": torch.logical_and, "logical_or": torch.logical_or}
BINARY_MORE = {"pow": torch.pow, "maximum": torch.maximum, "minimum": torch.minimum}
BY_NUMBER = {"pow_scalar": torch.pow, "leaky_relu": F.leaky_relu, "elu": F.elu,
             "eq_scalar": torch.eq, "lt_scalar": torch.lt, "gt_scalar": torch.gt}
STEPS = {"sgd": sgd, "mlp": mlp}  # they run their own backward passes
OPS = {
    **{name: lambda c, op=op: op(c.inputs[0]) for name, op in UNARY.items()},
    **{name: lambda c, op=op: op(*c.inputs) for name, op in BINARY.items()},
    **{name + "_scalar": lambda c, op=op: op(c.inputs[0], scalar(c))
       for name, op in BINARY.items()},
    **{name: lambda c, op=op: op(c.inputs[0])
       for name, op in {**UNARY_MORE, **ACTIVATIONS, "logical_not": torch.logical_not}.items()},
    **{name: lambda c, op=op: op(*c.inputs)
       for name, op in {**BINARY_MORE, **COMPARISONS, "prelu": F.prelu,
                        "where": torch.where}.items()},
    **{name: lambda c, op=op: op(c.inputs[0], scalar(c)) for name, op in BY_NUMBER.items()},
    "clamp": lambda c: torch.clamp(c.inputs[0], *(
        scalar(c, k) if k in c.options else None for k in ("low", "high"))),
    "masked_fill": lambda c: c.inputs[0].masked_fill(c.inputs[1], scalar(c)),
    "sum_dims": reduce_dims(torch.sum),
    "mean_dims": reduce_dims(torch.mean),
    "var": reduce(torch.var),
    "var_dims": reduce_dims(torch.var, correction=1),
    "std": reduce(torch.std),
    "std_dims": reduce_dims(torch.std, correction=1),
    "max": along(torch.max),
    "min": along(torch.min),
    "amax": reduce_dims(torch.amax),
    "amin": reduce_dims(torch.amin),
    "argmax": reduce(torch.argmax),
    "argmin": reduce(torch.argmin),
    "logsumexp": logsumexp,
    "logsumexp_dims": reduce_dims(torch.logsumexp),
    "norm": norm,
    "norm_dims": reduce_dims(
        lambda x, dim, keepdim, p: torch.linalg.vector_norm(x, p, dim, keepdim), p=2),
    "cumsum": lambda c: torch.cumsum(c.inputs[0], c.whole("dim")),
    "cat": lambda c: torch.cat(c.inputs, c.whole("dim")),
    "stack": lambda c: torch.stack(c.inputs, c.whole("dim")),
    "gather": lambda c: torch.gather(c.inputs[0], c.whole("dim"), c.inputs[1]),
    "index_select": lambda c: torch.index_select(c.inputs[0], c.whole("dim"), c.inputs[1]),
    "embedding": lambda c: F.embedding(
        c.inputs[1], c.inputs[0],
        padding_idx=c.whole("padding") if "padding" in c.options else None),
    "mse_loss": plain_loss(F.mse_loss),
    "l1_loss": plain_loss(F.l1_loss),
    "smooth_l1_loss": plain_loss(F.smooth_l1_loss, beta=1),
    "huber_loss": plain_loss(F.huber_loss, delta=1),
    "bce_loss": plain_loss(F.binary_cross_entropy),
    "bce_with_logits_loss": plain_loss(F.binary_cross_entropy_with_logits),
    "kl_div_loss": kl_div,
    "attention": attention,
    **{name: windowed(getattr(F, name))
       for name in ("conv1d", "conv2d", "max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d")},
    "dropout": dropout,
    "layer_norm": layer_norm,
    "batch_norm": batch_norm,
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
    "linear_cross_entropy": linear_cross_entropy,
    **STEPS,
}

OPS.update(ops_index.OPS)


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

FAMILIES = (
    ops_basic.cross_entropy_cases,
    ops_basic.nll_cases,
    ops_basic.softmax_cases,
    ops_basic.binary_cases,
    ops_basic.scalar_cases,
    ops_basic.unary_cases,
    ops_basic.reduce_cases,
    ops_basic.shape_cases,
    ops_basic.matmul_cases,
    ops_basic.sgd_cases,
    ops_basic.mlp_cases,
    ops_more.unary_more_cases,
    ops_more.activation_cases,
    ops_more.more_binary_cases,
    ops_more.comparison_cases,
    ops_more.reduce_more_cases,
    ops_more.move_cases,
    ops_more.loss_cases,
    ops_more.layer_cases,
    ops_basic.head_cases,
    ops_index.cases,
)


# -- Writing --------------------------------------------------------------------------------------

WRITTEN_BY = "ops.py"


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
    print(f"/* Written by {WRITTEN_BY}, which see; PyTorch 2.13.0, CPU. */")
    for name in unique:
        case, out = run(name)
        if "%40431" in name and name[14] == "f":
            print(f'PRINTED("{name}",\n    {literal(str(out.detach()))},\n'
                  f"    {literal(str(case.leaves[0].grad))})")
    exact = list(dict.fromkeys(ops_basic.exact_cases()))
    for name in exact:
        run_exact(name)
    print({k: len(v) for k, v in names.items()}, "exact", len(exact), "of", len(unique),
          file=sys.stderr)


if __name__ == "__main__":
    main()
