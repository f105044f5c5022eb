"""Random programs beside PyTorch: values, shapes, dtypes, errors and gradients of first and second order.

    TINYGRAD_LIBRARY=build/release/libtinygrad.so python3 tests/python/against_torch.py [--seed N] [--seconds N] [--one]

A program makes some leaves (0-d to 4-d, empty ones, views, two dtypes) and calls operations on whatever there is
by then, with arguments that mostly fit. What PyTorch refuses the library must refuse, and the other way round, but
for what ACCEPTS and REFUSES name. It runs program after program, each with the next seed; --one runs that seed alone,
and says every step. Exit code 1 with the first difference of every operation, and its seed."""
import argparse
import os
import random
import sys
import time
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "examples", "python"))
import numpy
import tinygrad as tg
import torch
import torch.nn.functional as F

warnings.simplefilter("ignore")
torch.set_num_threads(1)
DTYPES = {torch.float32: tg.f32, torch.float64: tg.f64, torch.int64: tg.i64, torch.bool: tg.bool_}
REDUCTIONS = {"mean": 0, "sum": 1, "none": 2}


class Pair:
    """A tensor of both."""

    def __init__(self, ours, theirs):
        self.ours, self.theirs = ours, theirs

    def __repr__(self):
        t = self.theirs
        return f"{str(t.dtype)[6:]}{list(t.shape)}{'' if t.is_contiguous() else ' ' + str(t.stride())}"


class Program:
    def __init__(self, seed, tape):
        self.random, self.tape, self.seed = random.Random(seed), tape, seed
        self.numpy = numpy.random.default_rng(seed)
        self.dtype = torch.float64 if self.random.random() < 0.7 else torch.float32
        self.leaves, self.pool = [], []
        for _ in range(self.random.randint(1, 4)):
            self.leaf()

    # --- inputs ---

    def chance(self, p):
        return self.random.random() < p

    def size(self):
        return self.random.choice([0, 1, 1, 2, 2, 3, 3, 4, 5, 7]) if self.chance(0.3) else self.random.randint(1, 4)

    def shape(self, ndim=None):
        return [self.size() for _ in range(self.random.randint(0, 4) if ndim is None else ndim)]

    def pair(self, array, requires_grad=False):
        theirs = torch.tensor(array, requires_grad=requires_grad)
        ours = tg.tensor(numpy.asarray(array), requires_grad=requires_grad, tape=self.tape)
        pair = Pair(ours, theirs)
        if requires_grad:
            self.leaves.append(pair)
        return pair

    def numbers(self, shape, low=-2, high=2):
        kind = numpy.float64 if self.dtype == torch.float64 else numpy.float32
        values = self.numpy.uniform(low, high, shape)
        if self.chance(0.2):
            values = numpy.round(values)  # ties and zeros
        return values.astype(kind)

    def leaf(self, shape=None):
        shape = self.shape() if shape is None else shape
        pair = self.pair(self.numbers(shape), self.chance(0.8))
        self.pool.append(pair)
        return pair

    def layout(self, pair):
        """The same shape in another layout, at times."""
        t, n = pair.theirs, pair.theirs.ndim
        if n >= 2 and self.chance(0.2):
            a, b = self.random.sample(range(n), 2)
            return Pair(pair.ours.transpose(a, b).contiguous().transpose(a, b),
                        t.transpose(a, b).contiguous().transpose(a, b))
        return pair

    def any(self, ndim=None, wanted=lambda t: True):
        """A float tensor, of that number of dims where one is asked for."""
        fit = [p for p in self.pool if (ndim is None or p.theirs.ndim == ndim) and wanted(p.theirs)]
        if fit and self.chance(0.8):
            return self.layout(self.random.choice(fit))
        if self.chance(0.05):
            return self.random.choice(self.pool)
        return self.layout(self.leaf(self.shape(ndim)))

    def like(self, shape, broadcast=True):
        """A float tensor that goes with that shape, mostly."""
        shape = list(shape)
        if broadcast and self.chance(0.4):
            shape = [1 if self.chance(0.3) else s for s in shape][self.random.randint(0, len(shape)):]
        elif self.chance(0.04):
            shape = self.shape()
        fit = [p for p in self.pool if list(p.theirs.shape) == shape]
        return self.layout(self.random.choice(fit) if fit and self.chance(0.6) else self.leaf(shape))

    def fresh(self, ndim=None):
        """A leaf whose elements differ: what is to be sorted must not depend on the last bit."""
        shape = self.shape(ndim)
        size = int(numpy.prod(shape))
        values = (self.numpy.permutation(size).reshape(shape) - size / 2 + 0.25) / max(size, 1)
        return self.layout(self.pair(values.astype(self.numbers([0]).dtype), self.chance(0.8)))

    def positive(self, shape, low=0.1, high=3):
        return self.pair(self.numbers(shape, low, high).clip(low, high), self.chance(0.7))

    def weights(self, shape):
        """Constant: PyTorch has no gradient of them, or none that counts."""
        return self.pair(self.numbers(shape, 0, 3).clip(0, 3))

    def index(self, shape, n):
        """Integers below n, at times not quite."""
        high = n if n > 0 else 1
        values = self.numpy.integers(-1 if self.chance(0.03) else 0, high + (1 if self.chance(0.03) else 0), shape)
        return self.pair(values.astype(numpy.int64))

    def mask(self, shape):
        return self.pair(self.numpy.random(shape) < 0.6)

    def dim(self, t):
        n = t.ndim
        return self.random.randint(-n - 1, n) if self.chance(0.05) else self.random.randint(-n, n - 1) if n else \
            self.random.choice([0, -1])

    def dims(self, t):
        n = t.ndim
        some = self.random.sample(range(n), self.random.randint(1, n)) if n else []
        return tuple(d - n if self.chance(0.3) else d for d in some)

    def number(self):
        return self.random.choice([0.0, 1.0, -1.0, 0.5, 2.0, 3.0, -2.0, self.random.uniform(-3, 3)])

    def truth(self):
        return self.chance(0.5)

    def small(self, low=0, high=3):
        return self.random.randint(low, max(low, high))


class Call:
    """What a step does: a name, and the two calls on the same arguments."""

    def __init__(self, name, args, ours, theirs):
        self.name, self.args, self.ours, self.theirs = name, args, ours, theirs


OPS = {}


def op(name):
    def note(make):
        OPS[name] = make
        return make
    return note


def split(args, which):
    def one(a):
        return getattr(a, which) if isinstance(a, Pair) else [one(b) for b in a] if isinstance(a, list) else a
    return [one(a) for a in args]


def same(name, theirs, *args, ours=None):
    """Both take the same arguments; ours is that name."""
    def run_ours():
        return tg.call(name, *split(args, "ours")) if ours is None else ours(*split(args, "ours"))
    return Call(name, args, run_ours, lambda: theirs(*split(args, "theirs")))


def simple(names, module):
    for name in names.split():
        OPS[name] = lambda p, name=name: same(name, getattr(module, name), p.any())


def binary(names, module):
    for name in names.split():
        def make(p, name=name):
            a = p.any()
            return same(name, getattr(module, name), a, p.like(a.theirs.shape))
        OPS[name] = make


simple("neg exp sqrt relu sigmoid tanh abs sign square reciprocal rsqrt log1p expm1 sin cos erf tan asin acos atan "
       "sinh cosh asinh acosh atanh log log2 log10 exp2 floor ceil round trunc frac isnan isinf isfinite logical_not sum "
       "mean var std prod logsumexp_all any all clone argmax argmin nonzero squeeze max min", torch)
OPS["logsumexp_all"] = lambda p: same("logsumexp", lambda x: torch.logsumexp(x, tuple(range(x.ndim))), p.any())
for _name in "argmax argmin max min asin acos atanh acosh floor ceil round trunc frac sign nonzero reciprocal rsqrt".split():
    OPS[_name] = lambda p, name=_name: same(name, getattr(torch, name), p.fresh())
OPS["any"] = lambda p: same("any", lambda x: torch.any(x), p.any())
OPS["all"] = lambda p: same("all", lambda x: torch.all(x), p.any())
simple("gelu silu softplus logsigmoid relu6 hardsigmoid hardswish mish softsign", F)
OPS["selu"] = lambda p: same("selu", F.selu, p.fresh())
binary("add sub mul div logaddexp outer", torch)
for _name in ("eq ne lt le gt ge remainder fmod floor_divide maximum minimum atan2 logical_and logical_or "
              "logical_xor").split():
    def _make(p, name=_name):
        a = p.fresh()
        return same(name, getattr(torch, name), a, p.pair(p.numbers(list(a.theirs.shape)), p.truth()))
    OPS[_name] = _make



def reducing(names, ours, tensor, dims, of=lambda result: result, **numbers):
    """Operations along dims: ours is NAME and that, where PyTorch has arguments. numbers: more of those, to choose from."""
    for name in names.split():
        def make(p, name=name):
            x, chosen = tensor(p), {k: p.random.choice(v) for k, v in numbers.items()}
            return same(name + ours, lambda x, d, *rest: of(getattr(torch, name)(x, dim=d, keepdim=rest[-1], **chosen)), x,
                        dims(p, x.theirs), *chosen.values(), p.truth())
        OPS[name + (ours or "_dims")] = make


def of_some_dims(p):
    return p.any(wanted=lambda t: t.ndim > 0)


reducing("sum mean var std any all", "_dim", Program.any, Program.dim)
reducing("prod argmax argmin", "_dim", Program.fresh, Program.dim)
reducing("max min", "_dim", Program.fresh, Program.dim, of=lambda result: result.values)
reducing("sum mean logsumexp", "_dims", of_some_dims, Program.dims)
reducing("amax amin", "", lambda p: p.fresh(p.small(1, 4)), Program.dims)
reducing("var std", "_dims", of_some_dims, Program.dims, correction=[0, 1, 2, 0.5])
for _name in "cumsum cumprod softmax log_softmax".split():
    def _make(p, name=_name):
        x = p.any()
        return same(name, lambda x, d, name=name: getattr(torch, name)(x, d), x, p.dim(x.theirs))
    OPS[_name] = _make


@op("norm")
def _(p):
    return same("norm", lambda x, q: torch.linalg.vector_norm(x, q), p.any(), p.random.choice(
        [0.0, 1.0, 2.0, 3.0, 0.5, -1.0, -2.0, float("inf"), float("-inf")]))


@op("norm_dims")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    q = p.random.choice([0.0, 1.0, 2.0, 3.0, 0.5, -1.0, float("inf"), float("-inf")])
    return same("norm_dims", lambda x, q, d, k: torch.linalg.vector_norm(x, q, d, k), x, q, p.dims(x.theirs), p.truth())


@op("scalars")
def _(p):
    name = p.random.choice("add sub mul div eq ne lt le gt ge".split())
    return same(name + "_scalar", getattr(torch, name), p.any(), p.number())


@op("pow_scalar")
def _(p):
    return same("pow_scalar", torch.pow, p.any(), p.number())


@op("pow")
def _(p):
    a = p.any()
    return same("pow", torch.pow, p.positive(list(a.theirs.shape)), p.like(a.theirs.shape))


@op("clamp")
def _(p):
    return same("clamp", torch.clamp, p.any(), p.number(), p.number())


@op("clamp_tensors")
def _(p):
    x = p.any()
    return same("clamp_tensors", torch.clamp, x, p.like(x.theirs.shape), p.like(x.theirs.shape))


@op("where")
def _(p):
    a = p.any()
    return same("where", torch.where, p.mask(list(a.theirs.shape)), a, p.like(a.theirs.shape))


@op("masked_fill")
def _(p):
    x = p.any()
    shape = list(x.theirs.shape)
    return same("masked_fill", lambda x, m, v: x.masked_fill(m, v), x, p.mask(shape[p.small(0, len(shape)):]), p.number())


@op("add_scaled")
def _(p):
    a = p.any()
    return same("add_scaled", lambda a, b, s: torch.add(a, b, alpha=s), a, p.like(a.theirs.shape), p.number())


@op("lerp")
def _(p):
    a = p.any()
    return same("lerp", torch.lerp, a, p.like(a.theirs.shape), p.like(a.theirs.shape))


@op("reshape")
def _(p):
    x = p.any()
    shape, left = [], x.theirs.numel()
    while left > 1 and p.chance(0.7):
        size = p.random.choice([d for d in range(1, left + 1) if left % d == 0])
        shape.append(size)
        left //= size
    shape.append(left)
    if p.chance(0.3):
        shape[p.small(0, len(shape) - 1)] = -1
    return same("reshape", torch.reshape, x, tuple(shape))


@op("transpose")
def _(p):
    x = p.any()
    return same("transpose", torch.transpose, x, p.dim(x.theirs), p.dim(x.theirs))


@op("permute")
def _(p):
    x = p.any()
    order = list(range(x.theirs.ndim))
    p.random.shuffle(order)
    return same("permute", torch.permute, x, tuple(order))


@op("expand")
def _(p):
    x = p.any()
    shape = [p.small(1, 3) if s == 1 and p.chance(0.7) else s for s in x.theirs.shape]
    return same("expand", lambda x, s: x.expand(s), x, tuple(p.shape(p.small(0, 1)) + shape))


@op("squeeze_dim")
def _(p):
    x = p.any()
    return same("squeeze_dim", torch.squeeze, x, p.dim(x.theirs))


@op("unsqueeze")
def _(p):
    x = p.any(wanted=lambda t: t.ndim < 5)
    return same("unsqueeze", torch.unsqueeze, x, p.small(-x.theirs.ndim - 1, x.theirs.ndim))


@op("flatten")
def _(p):
    x = p.any()
    return same("flatten", torch.flatten, x, p.dim(x.theirs), p.dim(x.theirs))


@op("narrow")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    d = p.dim(x.theirs)
    n = x.theirs.shape[d] if -x.theirs.ndim <= d < x.theirs.ndim else 1
    start = p.small(0, n)
    return same("narrow", torch.narrow, x, d, start, p.small(0, n - start))


@op("slice")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    d, start, end, step = p.small(0, x.theirs.ndim - 1), p.small(-5, 5), p.small(-5, 8), p.small(1, 3)
    return same("slice", lambda x, d, a, b, s: x[(slice(None),) * d + (slice(a, b, s),)], x, d, start, end, step)


@op("select")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    d = p.small(0, x.theirs.ndim - 1)
    n = x.theirs.shape[d]
    return same("select", torch.select, x, d, p.small(-n, n - 1) if n else 0)


@op("cat")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    d, list_of = p.small(0, x.theirs.ndim - 1), [x]
    for _ in range(p.small(0, 2)):
        shape = list(x.theirs.shape)
        shape[d] = p.size()
        list_of.append(p.like(shape, broadcast=False))
    return same("cat", torch.cat, list_of, d)


@op("stack")
def _(p):
    x = p.any()
    return same("stack", torch.stack, [x] + [p.like(x.theirs.shape, broadcast=False) for _ in range(p.small(0, 2))],
                p.small(-x.theirs.ndim - 1, x.theirs.ndim))


@op("tril")
def _(p):
    name = p.random.choice(["tril", "triu"])
    return same(name, getattr(torch, name), p.any(wanted=lambda t: t.ndim >= 2), p.small(-3, 3))


@op("pad")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    mode = p.random.choice(["constant", "reflect", "replicate", "circular"])
    n = p.small(1, x.theirs.ndim) if mode == "constant" else max(1, min(p.small(1, 2), x.theirs.ndim - 1))
    pads, value = tuple(p.small(-1 if mode == "constant" else 0, 2) for _ in range(2 * n)), p.number()
    kinds = ["constant", "reflect", "replicate", "circular"]
    return same("pad", lambda x, s: F.pad(x, s, mode, value if mode == "constant" else None), x, pads,
                ours=lambda x, s: tg.call("pad", x, s, kinds.index(mode), value))


@op("flip")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    return same("flip", torch.flip, x, p.dims(x.theirs))


@op("roll")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    dims = p.dims(x.theirs)
    return same("roll", torch.roll, x, tuple(p.small(-5, 5) for _ in dims), dims)


@op("repeat")
def _(p):
    x = p.any()
    return same("repeat", lambda x, t: x.repeat(t), x, tuple(p.small(0 if p.chance(0.1) else 1, 2) for _ in range(
        x.theirs.ndim + p.small(0, 1))))


@op("repeat_interleave")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    return same("repeat_interleave", torch.repeat_interleave, x, p.small(0, 3), p.dim(x.theirs))


@op("diagonal")
def _(p):
    x = p.any(wanted=lambda t: t.ndim >= 2)
    a, b = p.random.sample(range(max(2, x.theirs.ndim)), 2)
    return same("diagonal", torch.diagonal, x, p.small(-3, 3), a, b)


@op("diag")
def _(p):
    return same("diag", torch.diag, p.any(p.small(1, 2)), p.small(-3, 3))


@op("gather")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    d = p.small(0, x.theirs.ndim - 1)
    shape = [p.small(1, s) if s else 0 for s in x.theirs.shape]
    shape[d] = p.small(0, 4)
    return same("gather", torch.gather, x, d, p.index(shape, x.theirs.shape[d]))


@op("index_select")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    d = p.small(0, x.theirs.ndim - 1)
    return same("index_select", torch.index_select, x, d, p.index([p.size()], x.theirs.shape[d]))


@op("scatter")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    d = p.small(0, x.theirs.ndim - 1)
    shape = [p.small(1, s) if s else 0 for s in x.theirs.shape]
    n = x.theirs.shape[d]
    index = p.index(shape, n)
    if p.chance(0.5):
        return same("scatter_add", torch.scatter_add, x, d, index, p.like(shape, broadcast=False))
    values = numpy.argsort(p.numpy.random(shape), axis=d)  # no place twice: PyTorch says of those nothing
    return same("scatter", torch.scatter, x, d, p.pair(values.astype(numpy.int64)), p.like(shape, broadcast=False))


@op("index_add")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    d = p.small(0, x.theirs.ndim - 1)
    shape, n = list(x.theirs.shape), x.theirs.shape[d]
    if p.chance(0.5):
        shape[d] = p.size()
        return same("index_add", torch.index_add, x, d, p.index([shape[d]], n), p.like(shape, broadcast=False))
    order = p.numpy.permutation(n)[:p.small(0, n)].astype(numpy.int64)
    shape[d] = len(order)
    return same("index_copy", torch.index_copy, x, d, p.pair(order), p.like(shape, broadcast=False))


@op("slice_scatter")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    d, n = p.small(0, x.theirs.ndim - 1), 0
    start, end, step = p.small(0, 3), p.small(0, 6), p.small(1, 2)
    shape = list(x.theirs.shape)
    shape[d] = len(range(*slice(start, end, step).indices(shape[d])))
    return same("slice_scatter", torch.slice_scatter, x, p.like(shape, broadcast=False), d, start, end, step)


@op("select_scatter")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    d = p.small(0, x.theirs.ndim - 1)
    shape, n = list(x.theirs.shape), x.theirs.shape[d]
    del shape[d]
    return same("select_scatter", torch.select_scatter, x, p.like(shape, broadcast=False), d, p.small(-n, n - 1) if n else 0)


@op("index")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    d = p.small(0, x.theirs.ndim - 1)
    n, shape = p.small(1, x.theirs.ndim - d), p.shape(p.small(0, 2))
    indices = [p.index([1 if p.chance(0.2) else s for s in shape], x.theirs.shape[d + i]) for i in range(n)]
    return same("index", lambda x, d, l: x[(slice(None),) * d + tuple(l)], x, d, indices)


@op("index_put")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    n, shape = p.small(1, x.theirs.ndim), p.shape(1)
    indices = [p.index(shape, x.theirs.shape[i]) for i in range(n)]
    values = p.like(shape + list(x.theirs.shape[n:]), broadcast=p.chance(0.3))
    return same("index_put", lambda x, d, l, v, a: torch.index_put(x, tuple(l), v, a), x, 0, indices, values, True)


@op("embedding")
def _(p):
    w = p.any(2)
    padding = p.small(0, max(0, w.theirs.shape[0] - 1)) if w.theirs.ndim and p.chance(0.3) else None
    return same("embedding", lambda w, i: F.embedding(i, w, padding), w, p.index(p.shape(p.small(0, 2)), (
        list(w.theirs.shape) + [1])[0]), ours=lambda w, i: tg.call("embedding", w, i, *([] if padding is None else [padding])))


@op("masked_select")
def _(p):
    x = p.any()
    return same("masked_select", torch.masked_select, x, p.mask(list(x.theirs.shape)))


@op("sort")
def _(p):
    x = p.fresh()
    name = p.random.choice(["sort", "argsort"])
    return same(name, lambda x, d, k: (torch.sort(x, dim=d, descending=k, stable=True).values if name == "sort" else
                                       torch.argsort(x, dim=d, descending=k, stable=True)), x, p.dim(x.theirs), p.truth())


@op("topk")
def _(p):
    x = p.fresh(p.small(1, 4))
    d = p.small(0, x.theirs.ndim - 1)
    return same("topk", lambda x, k, d, l: torch.topk(x, k, d, l).values, x, p.small(0, x.theirs.shape[d]), d, p.truth())


@op("matmul")
def _(p):
    a = p.any(wanted=lambda t: t.ndim > 0)
    shape = list(a.theirs.shape)
    other = [p.size() for _ in range(p.small(0, 1))] if len(shape) == 1 else []
    second = other + [shape[-1]] + ([p.size()] if p.chance(0.8) else [])
    if len(shape) > 2 and len(second) == 2 and p.chance(0.4):
        second = [1 if p.chance(0.3) else s for s in shape[:-2]] + second
    return same("matmul", torch.matmul, a, p.like(second, broadcast=False))


@op("einsum")
def _(p):
    equation = p.random.choice(["ij,jk->ik", "bij,bjk->bik", "i,j->ij", "ij,ij->", "ij,ij->i", "bhqd,bhkd->bhqk", "ij,kj->ki",
                                "ij,jk", "bi,bj->bij", "abc,cd->abd"])
    sizes = {letter: p.size() for letter in "abcdhijkq"}
    left = equation.split("->")[0].split(",")
    return same("einsum", torch.einsum, equation, *[p.like([sizes[c] for c in word], broadcast=False) for word in left],
                ours=lambda e, *l: tg.call("einsum", e, *l))


@op("linear")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    out = p.size()
    return same("linear", F.linear, x, p.like([out, x.theirs.shape[-1]], broadcast=False),
                p.like([out], broadcast=False) if p.truth() else None)


for _name, _count in (("leaky_relu", 1), ("elu", 1), ("celu", 1), ("hardtanh", 2)):
    def _make(p, name=_name, count=_count):
        numbers = [p.random.choice([0.1, 0.5, 1.0, 2.0]) for _ in range(count)]
        if count == 2:
            numbers = [-numbers[0], numbers[1]]
        return same(name, getattr(F, name), p.fresh() if name.endswith("elu") else p.any(), *numbers)
    OPS[_name] = _make


@op("softplus_with")
def _(p):
    return same("softplus_with", F.softplus, p.fresh(), p.random.choice([0.5, 1.0, 2.0]), p.random.choice([1.0, 5.0, 20.0]))


@op("gelu_tanh")
def _(p):
    return same("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), p.any())


@op("glu")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    return same("glu", F.glu, x, p.dim(x.theirs))


@op("prelu")
def _(p):
    x = p.fresh()
    return same("prelu", F.prelu, x, p.like([x.theirs.shape[1] if x.theirs.ndim > 1 and p.truth() else 1], broadcast=False))


def conv_shape(p, dims):
    groups = p.random.choice([1, 1, 1, 2])
    channels, out = groups * p.small(1, 3), groups * p.small(1, 3)
    kernel = [p.small(1, 3) for _ in range(dims)]
    return groups, channels, out, kernel


def options(p, dims, **ranges):
    return {name: [p.small(*r) for _ in range(dims)] for name, r in ranges.items()}


def pairs_of(o):
    return {k: tuple(v) if len(v) == 2 else tuple(v) + (0,) for k, v in o.items()}


def conv(p, dims):
    groups, channels, out, kernel = conv_shape(p, dims)
    o = options(p, dims, stride=(1, 2), padding=(0, 2), dilation=(1, 2))
    shape = ([] if p.chance(0.2) else [p.small(1, 3)]) + [channels] + [p.small(1, 7) for _ in range(dims)]
    return same(f"conv{dims}d", lambda x, w, b: getattr(F, f"conv{dims}d")(x, w, b, groups=groups, **o),
                p.like(shape, broadcast=False), p.like([out, channels // groups] + kernel, broadcast=False),
                p.like([out], broadcast=False) if p.truth() else None,
                ours=lambda x, w, b: tg.call(f"conv{dims}d", x, w, b, groups=groups, **pairs_of(o)))


def conv_transpose(p, dims):
    groups, channels, out, kernel = conv_shape(p, dims)
    o = options(p, dims, stride=(1, 3), padding=(0, 2), output_padding=(0, 1), dilation=(1, 2))
    shape = ([] if p.chance(0.2) else [p.small(1, 3)]) + [channels] + [p.small(1, 5) for _ in range(dims)]
    return same(f"conv_transpose{dims}d", lambda x, w, b: getattr(F, f"conv_transpose{dims}d")(x, w, b, groups=groups, **o),
                p.like(shape, broadcast=False), p.like([channels, out // groups] + kernel, broadcast=False),
                p.like([out], broadcast=False) if p.truth() else None,
                ours=lambda x, w, b: tg.call(f"conv_transpose{dims}d", x, w, b, groups=groups, **pairs_of(o)))


def pool(p, dims, kind):
    o = options(p, dims, kernel=(1, 4), stride=(1, 3), padding=(0, 2))
    ceil = p.truth()
    shape = ([] if p.chance(0.2) else [p.small(1, 3)]) + [p.small(1, 3)] + [p.small(1, 8) for _ in range(dims)]
    mine, theirs = pairs_of(o), {"ceil_mode": ceil}
    if kind == "max":
        dilation = [p.small(1, 2) for _ in range(dims)]
        mine["dilation"] = theirs["dilation"] = tuple(dilation)
        mine["dilation"] = (mine["dilation"] + (0,))[:2]
    else:
        theirs["count_include_pad"] = not p.truth()
        mine["exclude_padding"] = not theirs["count_include_pad"]
    name = f"{kind}_pool{dims}d"
    return same(name, lambda x: getattr(F, name)(x, o["kernel"], o["stride"], o["padding"], **theirs),
                p.like(shape, broadcast=False), ours=lambda x: tg.call(name + "_with", x, ceil_mode=ceil, **mine))


for _dims in (1, 2):
    OPS[f"conv{_dims}d"] = lambda p, d=_dims: conv(p, d)
    OPS[f"conv_transpose{_dims}d"] = lambda p, d=_dims: conv_transpose(p, d)
    OPS[f"max_pool{_dims}d"] = lambda p, d=_dims: pool(p, d, "max")
    OPS[f"avg_pool{_dims}d"] = lambda p, d=_dims: pool(p, d, "avg")


@op("adaptive_avg_pool")
def _(p):
    if p.truth():
        return same("adaptive_avg_pool1d", F.adaptive_avg_pool1d, p.any(3), p.small(1, 5))
    h, w = p.small(1, 4), p.small(1, 4)
    return same("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (h, w)), p.any(4),
                ours=lambda x: tg.call("adaptive_avg_pool2d", x, h, w))


@op("interpolate")
def _(p):
    x = p.any(p.random.choice([3, 4]))
    linear, corners, n = p.truth(), p.truth(), x.theirs.ndim - 2
    mode = {1: "linear", 2: "bilinear"}.get(n, "linear") if linear else "nearest"
    size = [p.small(1, 6) for _ in range(max(1, n))]
    scale = [p.random.choice([0.5, 1.5, 2.0, 1.0]) for _ in range(max(1, n))]
    by_size, kinds = p.truth(), {"align_corners": corners} if linear else {}
    mine = {"size": size + [0] * (2 - len(size))} if by_size else {"scale": scale + [0] * (2 - len(scale))}
    return same("interpolate", lambda x: F.interpolate(x, size if by_size else None, None if by_size else scale, mode, **kinds), x,
                ours=lambda x: tg.call("interpolate", x, mode=int(linear), align_corners=corners and linear, **mine))


@op("attention")
def _(p):
    lead = [p.small(1, 3) for _ in range(p.small(0, 2))]
    length, source, e, v = (p.small(1, 4) for _ in range(4))
    kind, scale = p.random.choice(["none", "causal", "bool", "float"]), p.random.choice([None, 0.5, 2.0])
    q, k, value = p.like(lead + [length, e], False), p.like(lead + [source, e], False), p.like(lead + [source, v], False)
    mask = p.mask([length, source]) if kind == "bool" else p.like([length, source], False) if kind == "float" else None
    if kind == "bool":
        mask = p.pair(numpy.logical_or(mask.theirs.numpy(), numpy.eye(length, source, dtype=bool)))

    def ours(q, k, v, m):
        o = {} if m is None else {"mask": m}
        if scale:
            o["scale"] = scale
        return tg.call("scaled_dot_product_attention", q, k, v, causal=kind == "causal", **o)
    return same("scaled_dot_product_attention", lambda q, k, v, m: F.scaled_dot_product_attention(
        q, k, v, m, is_causal=kind == "causal", scale=scale), q, k, value, mask, ours=ours)


@op("layer_norm")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    dims = tuple(x.theirs.shape[-p.small(1, max(1, x.theirs.ndim)):])
    affine = p.truth()
    return same("layer_norm", lambda x, w, b: F.layer_norm(x, dims, w, b), x, p.like(dims, False) if affine else None,
                p.like(dims, False) if affine else None, ours=lambda x, w, b: tg.call("layer_norm", x, dims, w, b, 1e-5))


@op("rms_norm")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    dims = tuple(x.theirs.shape[-p.small(1, max(1, x.theirs.ndim)):])
    return same("rms_norm", lambda x, w: F.rms_norm(x, dims, w, 1e-5), x, p.like(dims, False) if p.truth() else None,
                ours=lambda x, w: tg.call("rms_norm", x, dims, w, 1e-5))


@op("group_norm")
def _(p):
    groups, each = p.small(1, 3), p.small(1, 3)
    x, affine = p.like([p.small(1, 3), groups * each] + p.shape(p.small(0, 2)), False), p.truth()
    return same("group_norm", lambda x, w, b: F.group_norm(x, groups, w, b), x, p.like([groups * each], False) if affine else None,
                p.like([groups * each], False) if affine else None,
                ours=lambda x, w, b: tg.call("group_norm", x, groups, w, b, 1e-5))


@op("instance_norm")
def _(p):
    x, affine = p.any(p.random.choice([3, 4])), p.truth()
    n = (list(x.theirs.shape) + [1, 1])[1]
    return same("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), x, p.like([n], False) if affine else None,
                p.like([n], False) if affine else None, ours=lambda x, w, b: tg.call("instance_norm", x, w, b, 1e-5))


@op("batch_norm")
def _(p):
    # Contiguous: PyTorch 2.13's gradient is wrong where channels lie last, as (1, 2, 3, 1) strided (6, 1, 2, 1).
    x = p.leaf(p.shape(p.random.choice([2, 3, 4])))
    n = (list(x.theirs.shape) + [1, 1])[1]
    w, b = (p.leaf([n]), p.leaf([n])) if p.truth() else (None, None)
    return same("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), x, w, b,
                ours=lambda x, w, b: tg.call("batch_norm", x, training=True, **({"weight": w, "bias": b} if w is not None else {})))


@op("normalize")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    return same("normalize", lambda x, q, d: F.normalize(x, q, d), x, p.random.choice([1.0, 2.0, 3.0]), p.dim(x.theirs),
                ours=lambda x, q, d: tg.call("normalize", x, q, d, 1e-12))


@op("cosine_similarity")
def _(p):
    x = p.any(wanted=lambda t: t.ndim > 0)
    return same("cosine_similarity", F.cosine_similarity, x, p.like(x.theirs.shape), p.small(0, x.theirs.ndim - 1),
                ours=lambda a, b, d: tg.call("cosine_similarity", a, b, d, 1e-8))


@op("cdist")
def _(p):
    a = p.fresh(p.random.choice([2, 3]))
    shape = list(a.theirs.shape)
    shape[-2 if len(shape) > 1 else 0] = p.size()
    return same("cdist", lambda a, b, q: torch.cdist(a, b, q, compute_mode="donot_use_mm_for_euclid_dist"), a, p.leaf(shape),
                p.random.choice([0.0, 1.0, 2.0, 3.0, float("inf")]))


@op("pairwise_distance")
def _(p):
    a = p.any(wanted=lambda t: t.ndim > 0)
    return same("pairwise_distance", F.pairwise_distance, a, p.like(a.theirs.shape, False), p.random.choice([1.0, 2.0, 3.0]), 1e-6,
                p.truth())


# --- losses ---

def reduced(p):
    return p.random.choice(list(REDUCTIONS))


def loss(name, theirs, make, *numbers):
    def build(p):
        r, args, values = reduced(p), make(p), [p.random.choice(n) for n in numbers]
        return same(name, lambda *a: theirs(*a, *values, reduction=r), *args,
                    ours=lambda *a: tg.call(name, *a, *values, REDUCTIONS[r]))
    OPS[name] = build


def two(p):
    x = p.any()
    return [x, p.like(x.theirs.shape, False)]


def signs(p, shape):
    return p.pair(numpy.where(p.numpy.random(shape) < 0.5, -1.0, 1.0).astype(
        numpy.float64 if p.dtype == torch.float64 else numpy.float32))


loss("mse_loss", F.mse_loss, two)
loss("l1_loss", F.l1_loss, two)
loss("smooth_l1_loss", lambda x, t, b, reduction: F.smooth_l1_loss(x, t, beta=b, reduction=reduction), two, [0.5, 1.0, 2.0])
loss("huber_loss", lambda x, t, d, reduction: F.huber_loss(x, t, delta=d, reduction=reduction), two, [0.5, 1.0, 2.0])
loss("soft_margin_loss", F.soft_margin_loss, lambda p: (lambda x: [x, signs(p, x.theirs.shape)])(p.any()))
loss("hinge_embedding_loss", lambda x, t, m, reduction: F.hinge_embedding_loss(x, t, margin=m, reduction=reduction),
     lambda p: (lambda x: [x, signs(p, x.theirs.shape)])(p.any()), [0.5, 1.0])
loss("margin_ranking_loss", lambda a, b, t, m, reduction: F.margin_ranking_loss(a, b, t, margin=m, reduction=reduction),
     lambda p: (lambda x: [x, p.like(x.theirs.shape, False), signs(p, x.theirs.shape)])(p.any()), [0.0, 0.5])


@op("bce")
def _(p):
    r, x = reduced(p), p.any()
    shape = list(x.theirs.shape)
    target = p.positive(shape, 0, 1)
    if p.truth():
        w = p.weights(shape) if p.truth() else None
        return same("bce_loss", lambda x, t, w: F.binary_cross_entropy(x, t, w, reduction=r), p.positive(shape, 0, 1), target, w,
                    ours=lambda x, t, w: tg.call("bce_loss", x, t, w, REDUCTIONS[r]))
    w, pos = (p.weights(shape[-1:]) if p.truth() else None for _ in range(2))
    return same("bce_with_logits_loss", lambda x, t, w, q: F.binary_cross_entropy_with_logits(x, t, w, pos_weight=q, reduction=r),
                x, target, w, pos, ours=lambda x, t, w, q: tg.call("bce_with_logits_loss", x, t, reduction=REDUCTIONS[r], **{
                    k: v for k, v in (("weight", w), ("pos_weight", q)) if v is not None}))


@op("kl_div_loss")
def _(p):
    x, log, r = p.any(), p.truth(), p.random.choice(["mean", "sum", "none", "batchmean"])
    t = p.like(x.theirs.shape, False) if log else p.positive(list(x.theirs.shape), 0, 2)
    mine = {"reduction": REDUCTIONS.get(r, 1), "batch_mean": r == "batchmean", "log_target": log}
    return same("kl_div_loss", lambda x, t: F.kl_div(x, t, reduction=r, log_target=log), x, t,
                ours=lambda x, t: tg.call("kl_div_loss", x, t, **mine))


@op("poisson_nll_loss")
def _(p):
    x, log, full, r = p.any(), p.truth(), p.truth(), reduced(p)
    x = x if log else p.positive(list(x.theirs.shape))
    return same("poisson_nll_loss", lambda x, t: F.poisson_nll_loss(x, t, log_input=log, full=full, reduction=r), x,
                p.positive(list(x.theirs.shape), 0, 4), ours=lambda x, t: tg.call(
                    "poisson_nll_loss", x, t, no_log_input=not log, full=full, reduction=REDUCTIONS[r]))


@op("gaussian_nll_loss")
def _(p):
    x, full, r = p.any(wanted=lambda t: t.ndim > 0), p.truth(), reduced(p)
    return same("gaussian_nll_loss", lambda x, t, v: F.gaussian_nll_loss(x, t, v, full=full, reduction=r), x,
                p.like(x.theirs.shape, False), p.positive(list(x.theirs.shape)), ours=lambda x, t, v: tg.call(
                    "gaussian_nll_loss", x, t, v, full=full, reduction=REDUCTIONS[r]))


@op("cross_entropy")
def _(p):
    x, r, name = p.any(wanted=lambda t: t.ndim in (1, 2, 3, 4)), reduced(p), p.random.choice(["cross_entropy", "nll_loss"])
    shape = list(x.theirs.shape) or [1]
    classes = shape[1] if len(shape) > 1 else shape[0]
    rows = [] if len(shape) == 1 else shape[:1] + shape[2:]
    ignore, smooth = p.random.choice([None, None, 0, 1]), p.random.choice([0.0, 0.0, 0.1, 1.0])
    w = p.weights([classes]) if p.truth() else None
    probabilities = name == "cross_entropy" and classes > 0 and p.chance(0.3)  # of none: nan, PyTorch: 0
    t = p.positive(shape, 0, 1) if probabilities else p.index(rows, classes)
    ignore = None if probabilities else ignore
    more, mine = {}, {"reduction": REDUCTIONS[r]}
    if ignore is not None:
        more["ignore_index"] = mine["ignore_index"] = ignore
        mine["has_ignore_index"] = True
    if name == "cross_entropy":
        more["label_smoothing"] = mine["label_smoothing"] = smooth
    return same(name, lambda x, t, w: getattr(F, name)(x, t, w, reduction=r, **more), x, t, w, ours=lambda x, t, w: tg.call(
        name, x, t, **mine, **({} if w is None else {"weight": w})))


@op("multi_margin_loss")
def _(p):
    x, q, m, r = p.any(2), p.small(1, 2), p.random.choice([0.5, 1.0]), reduced(p)
    rows, classes = (list(x.theirs.shape) + [1, 1])[:2]
    if rows == 0:
        raise ValueError  # PyTorch gives what stood in memory
    w = p.weights([classes]) if p.truth() else None
    return same("multi_margin_loss", lambda x, t, w: F.multi_margin_loss(x, t, q, m, w, reduction=r), x,
                p.index([rows], classes), w,
                ours=lambda x, t, w: tg.call("multi_margin_loss", x, t, p=q, margin=m, reduction=REDUCTIONS[r], **(
                    {} if w is None else {"weight": w})))


@op("triplet_margin_loss")
def _(p):
    x, swap, r, q = p.fresh(p.small(1, 3)), p.truth(), reduced(p), p.random.choice([1.0, 2.0])
    return same("triplet_margin_loss", lambda a, b, c: F.triplet_margin_loss(a, b, c, p=q, swap=swap, reduction=r), x,
                p.leaf(list(x.theirs.shape)), p.leaf(list(x.theirs.shape)), ours=lambda a, b, c: tg.call(
                    "triplet_margin_loss", a, b, c, p=q, swap=swap, reduction=REDUCTIONS[r]))


@op("cosine_embedding_loss")
def _(p):
    x, m, r = p.any(2), p.random.choice([0.0, 0.3]), reduced(p)
    return same("cosine_embedding_loss", lambda a, b, t: F.cosine_embedding_loss(a, b, t, m, reduction=r), x,
                p.like(x.theirs.shape, False), signs(p, list(x.theirs.shape)[:1]), ours=lambda a, b, t: tg.call(
                    "cosine_embedding_loss", a, b, t, m, REDUCTIONS[r]))


# --- comparison ---

# What is other than PyTorch, and why. Second derivatives where the first one jumps are left to tests/ops_*.c: they are
# those of the side to which the value belongs, PyTorch's are 0.
ACCEPTS = {
    "conv1d": "nothing but padding", "conv2d": "nothing but padding", "pad": "any number of dims in all modes",
    "cross_entropy": "no classes", "nll_loss": "no classes", "roll": "no dims at all", "repeat_interleave": "0-d", "interpolate": "no channels",
    "embedding": "no rows and no columns", "index_select": "no rows and no columns",
    "instance_norm": "one place, where there are no images", "batch_norm": "no images",
}
LOSSES = "one shape, where PyTorch broadcasts"
EMPTY = "an index out of range is an error also where nothing is read"
REFUSES = {
    "kl_div_loss": LOSSES, "mse_loss": LOSSES, "l1_loss": LOSSES, "smooth_l1_loss": LOSSES, "huber_loss": LOSSES,
    "gaussian_nll_loss": LOSSES, "triplet_margin_loss": LOSSES, "margin_ranking_loss": LOSSES,
    "cosine_embedding_loss": LOSSES, "multi_margin_loss": "0-d", "instance_norm": "weights that broadcast", "linear": "a bias of no dims",
    "adaptive_avg_pool1d": "an empty image, PyTorch: nan", "adaptive_avg_pool2d": "as adaptive_avg_pool1d",
    "scaled_dot_product_attention": "values of another length, where there are none",
    "conv_transpose1d": "an empty result", "conv_transpose2d": "an empty result",
    "index": EMPTY, "index_add": EMPTY, "index_copy": EMPTY, "scatter": EMPTY, "scatter_add": EMPTY, "gather": EMPTY,
}
NAN = {"kl_div_loss": "the gradient of a target of 0 is infinite", "poisson_nll_loss": "that of log(t!) is 0 for t <= 1",
       "group_norm": "no elements"}
# Near 0 their second derivatives are as large as 1 / x, or they jump.
ROUGH = {"pairwise_distance", "cdist", "norm", "norm_dims", "smooth_l1_loss", "huber_loss"}
COARSE = {"hardsigmoid": "PyTorch's 1/6 is a float", "hardswish": "as hardsigmoid",
          "celu": "so is its 1 / alpha"}


class Different(Exception):
    pass


def compare(what, ours, theirs, loose=1, nan=False):
    """Raises Different. Nans are equal; sums of many terms are as exact as their largest."""
    if (ours is None) != (theirs is None):
        raise Different(f"{what}: {'none' if ours is None else 'one'}, PyTorch has {'none' if theirs is None else 'one'}")
    if ours is None:
        return
    if DTYPES[theirs.dtype] != ours.dtype:
        raise Different(f"{what}: dtype {ours.dtype} for {theirs.dtype}")
    if tuple(theirs.shape) != ours.shape:
        raise Different(f"{what}: shape {list(ours.shape)} for {list(theirs.shape)}")
    a, b = numpy.array(ours, dtype=numpy.float64), theirs.detach().numpy(force=True).astype(numpy.float64)
    if a.size == 0:
        return
    finite = numpy.isfinite(b)
    scale = numpy.abs(b[finite]).max() if finite.any() else 0
    exact = theirs.dtype == torch.float64 and what.split("(")[0] not in COARSE
    near = (1e-9 if exact else 2e-4) * loose
    good = numpy.where(finite, numpy.abs(a - b) <= near * (numpy.abs(b) + 0.1 * scale + 0.3),
                       numpy.isnan(b) & (numpy.isnan(a) | nan) | (a == b))
    if not good.all():
        at = tuple(int(i) for i in numpy.argwhere(~good)[0])
        raise Different(f"{what}: {a[at]!r} at {list(at)}, PyTorch {b[at]!r}")


def step(program, say):
    name = program.random.choice(list(OPS))
    try:
        call = OPS[name](program)
    except (IndexError, ValueError):
        return  # nothing was there that fits
    if say:
        print(f"  {call.name}{call.args}")
    theirs = ours = error = refused = None
    try:
        theirs = call.theirs()
    except (RuntimeError, IndexError, ValueError, TypeError, AssertionError, NotImplementedError) as e:
        error = str(e).split("\n")[0]
    try:
        ours = call.ours()
    except tg.Error as e:
        refused = str(e)
    if error and refused:
        return
    if error:
        if call.name in ACCEPTS:
            return
        raise Different(f"{call.name}{call.args}: gives a result, PyTorch says: {error}")
    if refused:
        if call.name in REFUSES:
            return
        raise Different(f"{call.name}{call.args}: {refused}; PyTorch gives {list(theirs.shape)}")
    compare(f"{call.name}{call.args}", ours, theirs)
    if theirs.dtype not in (torch.float32, torch.float64):
        return
    if ours.requires_grad != theirs.requires_grad:
        raise Different(f"{call.name}{call.args}: requires_grad {ours.requires_grad}, PyTorch {theirs.requires_grad}")
    if call.name in COARSE or any(
            isinstance(a, Pair) and (a.ours.handle == ours.handle or a.theirs is theirs) for a in call.args):
        return  # what has no more to do is the input itself
    good = theirs.numel() == 0 or bool(torch.isfinite(theirs).all() and theirs.abs().max() < 1e4)
    if good and theirs.numel() < 500 and theirs.ndim < 6:
        program.pool.append(Pair(ours, theirs))
        if ours.requires_grad:
            gradients(program, call, program.pool[-1])


def gradients(program, call, result):
    """Of this one operation: of its inputs, and of the gradients' own sum of squares."""
    inputs = []
    for a in call.args:
        for b in a if isinstance(a, list) else [a]:
            if isinstance(b, Pair) and b.theirs.requires_grad and all(b.theirs is not i.theirs for i in inputs):
                inputs.append(b)
    if not inputs:
        return
    weight = program.pair(program.numbers(list(result.theirs.shape)))
    what = f"{call.name}{call.args}"
    second = program.chance(0.3)
    try:
        theirs = torch.autograd.grad((result.theirs * weight.theirs).sum(), [i.theirs for i in inputs], retain_graph=True,
                                     create_graph=second, allow_unused=True)
    except RuntimeError:
        return  # PyTorch has no derivative there
    ours = tg.gradients((result.ours * weight.ours).sum(), [i.ours for i in inputs], create_graph=second)
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if b is None and a is not None and not numpy.array(a).any():
            continue  # zeros
        compare(f"{what}: gradient {i}", a, b, 10, call.name in NAN)
    squares = [(a, b) for a, b in zip(ours, theirs) if b is not None and b.requires_grad and b.numel() and
               bool(torch.isfinite(b).all()) and b.abs().max() < 1e4]
    if not second or not squares or call.name in ROUGH:
        return
    # Of leaves alone: for what was computed it depends on the formula of the first derivative.
    inputs = program.leaves
    a, b = squares[0]
    try:
        theirs = torch.autograd.grad((b * b).sum(), [i.theirs for i in inputs], retain_graph=True, allow_unused=True)
    except RuntimeError:
        return  # PyTorch has no second derivative there
    ours = tg.gradients((a * a).sum(), [i.ours for i in inputs]) if a.requires_grad else [None] * len(inputs)
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if b is None or a is None:
            a = None if a is None or not numpy.array(a).any() else a
            b = None if b is None or not bool(torch.nan_to_num(b).any()) else b
        if b is None or not b.numel() or not b.abs().max() > 1e8:  # group_norm's second derivative of nothing is 1e30
            compare(f"{what}: second order {i}", a, b, 1000, True)


def run(seed, say=False):
    with tg.Tape(seed=seed) as tape:
        program = Program(seed, tape)
        calls = 0
        for _ in range(program.random.randint(3, 14)):
            step(program, say)
            calls += 1
        return calls


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--one", action="store_true")
    args = parser.parse_args()
    if args.one:
        return print(run(args.seed, say=True), "calls")
    end, seed, calls, found = time.monotonic() + args.seconds, args.seed, 0, {}
    while time.monotonic() < end:
        try:
            calls += run(seed)
        except tg.Error as e:
            print(f"seed {seed}: {e}")
            raise
        except Different as e:
            kind = str(e).split("(")[0]
            if kind not in found:
                found[kind] = seed
                print(f"seed {seed}: {e}", flush=True)
        seed += 1
    print(f"{seed - args.seed} programs from seed {args.seed} on, {calls} calls of {len(OPS)} kinds: "
          f"{len(found)} kinds differ")
    return sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
