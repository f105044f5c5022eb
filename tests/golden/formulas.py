#!/usr/bin/env python3
"""Writes formulas.inc: what PyTorch computes for operations that are formulas, and their relatives. ops.py
explains the format.

    python3 tests/golden/formulas.py > tests/golden/formulas.inc
"""
import itertools
import sys

sys.dont_write_bytecode = True
import ops
from ops import F, torch, whole_list
from ops_basic import FLOATS, REDUCTIONS, name_of

# Gradients at nan depend on where in a vector it stands.
KINKS = "=0,-0,1,-1,2,6,3,-3,0.5,-2.5,1e-40,88,-104"


def activation(op, *keys):
    return lambda c: op(c.inputs[0], *(c.number(k) for k in keys))


def loss(op, inputs, **more):
    """The options that a case has; those in `more` have that type."""
    def run(case):
        given = {k: t(float(case.options[k])) for k, t in more.items() if k in case.options}
        if len(case.inputs) > inputs:
            given["weight"] = case.inputs[inputs]
        return op(*case.inputs[:inputs], reduction=case.options.get("reduction", "mean"), **given)

    return run


def affine(op, *keys):
    def run(case):
        given = ops.with_letters(case, 1)
        if "eps" in case.options:
            given["eps"] = case.number("eps")
        return op(case.inputs[0], *(case.whole(k) for k in keys), **given)

    return run


ROUNDINGS = ("floor", "ceil", "round", "trunc", "frac")
DIVISIONS = ("remainder", "fmod", "floor_divide")

FUNCTIONS = {"tan": "~-9,9", "asin": "~-1,1", "acos": "~-1,1", "atan": "~-9,9", "sinh": "~-9,9",
             "cosh": "~-9,9", "asinh": "~-9,9", "acosh": "~1.01,9", "atanh": "~-0.99,0.99",
             "log2": "~0.01,9", "log10": "~0.01,9", "exp2": "~-9,9"}

ops.OPS.update({
    "hardtanh": activation(F.hardtanh, "low", "high"),
    "relu6": activation(F.relu6),
    "hardsigmoid": activation(F.hardsigmoid),
    "hardswish": activation(F.hardswish),
    "selu": activation(F.selu),
    "celu": activation(F.celu, "s"),
    "mish": activation(F.mish),
    "softsign": activation(F.softsign),
    "softplus_with": activation(F.softplus, "beta", "threshold"),
    "glu": lambda c: F.glu(c.inputs[0], c.whole("dim")),
    "group_norm": affine(F.group_norm, "groups"),
    "instance_norm": affine(F.instance_norm),
    "rms_norm": lambda c: F.rms_norm(c.inputs[0], whole_list(c.options["shape"]),
                                     *c.inputs[1:], eps=c.number("eps") or None),
    "normalize": lambda c: F.normalize(c.inputs[0], c.number("p", 2), c.whole("dim"),
                                       c.number("eps", 1e-12)),
    "cosine_similarity": lambda c: F.cosine_similarity(*c.inputs, dim=c.whole("dim"),
                                                       eps=c.number("eps", 1e-8)),
    "pairwise_distance": lambda c: F.pairwise_distance(*c.inputs, p=c.number("p", 2),
                                                       keepdim=bool(c.whole("keepdim"))),
    "cdist": lambda c: torch.cdist(*c.inputs, p=c.number("p"),
                                   compute_mode="donot_use_mm_for_euclid_dist"),
    "hinge_embedding_loss": loss(F.hinge_embedding_loss, 2, margin=float),
    "margin_ranking_loss": loss(F.margin_ranking_loss, 3, margin=float),
    "soft_margin_loss": loss(F.soft_margin_loss, 2),
    "cosine_embedding_loss": loss(F.cosine_embedding_loss, 3, margin=float),
    "multi_margin_loss": loss(F.multi_margin_loss, 2, margin=float, p=int),
    "triplet_margin_loss": loss(F.triplet_margin_loss, 3, margin=float, p=float, swap=bool),
    "poisson_nll_loss": loss(F.poisson_nll_loss, 2, log_input=bool, full=bool),
    **{name: lambda c, op=getattr(torch, name): op(c.inputs[0]) for name in (*ROUNDINGS, *FUNCTIONS)},
    **{name: lambda c, op=getattr(torch, name): op(*c.inputs)
       for name in (*DIVISIONS, "atan2", "logaddexp", "lerp", "outer", "logical_xor")},
    **{name + "_scalar": lambda c, op=getattr(torch, name): op(c.inputs[0], ops.scalar(c))
       for name in ("ne", "le", "ge")},
    "einsum": lambda c: torch.einsum(f"{c.options['a']},{c.options['b']}->{c.options.get('to', '')}",
                                     *c.inputs),
    "one_hot": lambda c: F.one_hot(c.inputs[0], c.whole("classes")),
    "linspace": lambda c: torch.linspace(c.number("start"), c.number("end"), c.whole("steps"),
                                         dtype=c.inputs[0].dtype),
    **{name: lambda c, op=getattr(torch, name): op(*c.inputs, beta=c.number("beta"), alpha=c.number("alpha"))
       for name in ("addmm", "baddbmm")},
    "add_scaled": lambda c: torch.add(*c.inputs, alpha=ops.scalar(c)),
    "clamp_tensors": lambda c: torch.clamp(*c.inputs),
    "gaussian_nll_loss": loss(F.gaussian_nll_loss, 3, full=bool, eps=float),
})


def activation_cases():
    for t in FLOATS:
        for op, options in (("hardtanh", {"low": -1, "high": 3}), ("relu6", {}), ("hardsigmoid", {}),
                            ("hardswish", {}), ("selu", {}), ("celu", {"s": 0.5}), ("mish", {}),
                            ("softsign", {}), ("softplus_with", {"beta": 2, "threshold": 6}),
                            ("softplus_with", {"beta": -0.5, "threshold": 1})):
            grad = "" if op == "hardsigmoid" and t == "d" else "!"  # theirs is of a float32's 1/6
            yield name_of(op, f"{t}13{grad}{KINKS}", **options)
            yield name_of(op, f"{t}4x3{grad}^~-5,5", **options)
        for x, dim in (("2x4!", 1), ("4x3!^", 1), ("6!", 0)):
            yield name_of("glu", t + x, dim=dim)
    yield from ("softsign i3=1,-2,0",)


def norm_cases():
    for t in FLOATS:
        for x, groups in (("2x4x3!", 2), ("2x6!", 3), ("1x2x2x3!", 1)):
            c = x[2]
            yield name_of("group_norm", f"{t}{x} {t}{c}! {t}{c}!", groups=groups, **{"with": "wb"})
            yield name_of("group_norm", f"{t}{x}", groups=groups, eps=0.1)
        for x in ("2x3x4!", "2x2x2x3!"):
            c = x[2]
            yield name_of("instance_norm", f"{t}{x} {t}{c}! {t}{c}!", **{"with": "wb"})
            yield name_of("instance_norm", t + x, eps=0.1)
        yield name_of("rms_norm", f"{t}3x4! {t}4!", shape="4")
        yield name_of("rms_norm", f"{t}2x3x4!", shape="3,4", eps=0.1)
        yield name_of("rms_norm", f"{t}3x4!=0,1e-4", shape="4")
        for x, dim, p in (("3x4!", 1, 2), ("4x3!^", 0, 1), ("5!", 0, 3), ("2x3!", -1, "inf"),
                          ("2x3!=0", 1, 2), ("2x3!=1e-20", 1, 2)):
            yield name_of("normalize", t + x, dim=dim, p=p)
        for a, b, dim in (("3x4!", "3x4!", 1), ("2x1x3!", "4x3!", -1), ("3x2!^", "2x3!", 0),
                          ("2x3!=0,0,0,1,2,3", "2x3!", 1), ("2x3!=1e-9", "2x3!", 1)):
            yield name_of("cosine_similarity", f"{t}{a} {t}{b}", dim=dim)
        for p in (0, 1, 2, 3, "inf"):
            yield name_of("cdist", f"{t}2x3x4! {t}2x3x4!", p=p)
            if p != "inf":  # which does not share the gradient of ties
                yield name_of("cdist", f"{t}3x2!=1,2,3 {t}2x2!=1,2,0,3", p=p)
        for a, b, p in (("3x4!", "3x4!", 2), ("3x4!", "4!", 1), ("5!", "5!", 3)):
            yield name_of("pairwise_distance", f"{t}{a} {t}{b}", p=p, keepdim=1 if p == 1 else None)


def vector_norm_cases():
    for t, p in itertools.product(FLOATS, (-1, -2, -0.5, "-inf")):
        for fill in ("=3,-4,1", "=0,2,-3", "=2,-2,5", "=0"):
            yield name_of("norm", f"{t}3!{fill}", p=p)
    yield from ("norm f4=0,2,nan,-1 p:0", "norm d4=0,2,-0,-1 p:0")


def loss_cases():
    for t, reduction in itertools.product(FLOATS, REDUCTIONS):
        r = {"reduction": reduction}
        yield name_of("hinge_embedding_loss", f"{t}6!=1,2,-1,0.5,3,1 i6=1,-1,1,-1,-1,-1", **r)
        yield name_of("hinge_embedding_loss", f"{t}2x3! {t}2x3=1,-1", margin=0.5, **r)
        yield name_of("margin_ranking_loss", f"{t}4! {t}4! {t}4=1,-1,-1,1", margin=0.3, **r)
        yield name_of("margin_ranking_loss", f"{t}3!=1,2,3 {t}3!=1,3,2 i3=1,1,-1", **r)
        yield name_of("soft_margin_loss", f"{t}2x3!~-5,5 {t}2x3=1,-1", **r)
        yield name_of("cosine_embedding_loss", f"{t}4x3! {t}4x3! i4=1,-1,-1,0", margin=-0.2, **r)
        yield name_of("cosine_embedding_loss", f"{t}3! {t}3! i=-1", **r)
        yield name_of("multi_margin_loss", f"{t}3x4! i3=0,3,1", **r)
        yield name_of("multi_margin_loss", f"{t}3x4! i3=0,3,1 {t}4~0,1", p=2, margin=0.5, **r)
        yield name_of("multi_margin_loss", f"{t}4! i=2", **r)
        yield name_of("triplet_margin_loss", f"{t}3x4! {t}3x4! {t}3x4!", **r)
        yield name_of("triplet_margin_loss", f"{t}3x4! {t}3x4! {t}3x4!", margin=3, p=1, swap=1, **r)
        yield name_of("poisson_nll_loss", f"{t}5! {t}5!~0,5", full=1, **r)
        yield name_of("poisson_nll_loss", f"{t}5!~0.1,2 {t}5~0,5", log_input=0, **r)
        yield name_of("gaussian_nll_loss", f"{t}2x3! {t}2x3! {t}2x3!~0.1,2", full=1, **r)
        yield name_of("gaussian_nll_loss", f"{t}2x3! {t}2x3! {t}2!=1,1e-9", **r)


def elementwise_cases():
    special = "=-0.5,0.5,1.5,2.5,-0,0,inf,-inf,nan,1e10,-3.2,7"
    for t in FLOATS:
        for op in ROUNDINGS:
            yield f"{op} {t}12!{special}"
            yield f"{op} {t}4x3!^~-9,9"
        a, b = "5,-5,5,-5,0,-0,1,inf,3,nan,-1,1,7.5,-1e30,1e-30", "3,3,-3,-3,3,-3,0,2,inf,1,inf,-inf,2.5,3,7"
        for op in DIVISIONS:
            grad = "" if op == "floor_divide" else "!"
            yield f"{op} {t}15{grad}={a} {t}15={b}"
            yield f"{op} {t}6{grad}~-9,9 {t}6{grad}~1,3"
            yield f"{op} {t}2x3{grad}~-9,9 {t}3{grad}=0.1,-0.7,2"
        yield f"logaddexp {t}2x3! {t}3!"
        yield f"logaddexp {t}7!=inf,-inf,inf,0,1000,-1000,nan {t}7!=inf,-inf,-inf,-inf,1000,-1001,1 <=1"
        yield f"lerp {t}2x3! {t}3! {t}2x3!~-0.5,1.5"
        yield f"lerp {t}3! {t}3! {t}!=0.25"
        yield f"outer {t}3! {t}4!"
        yield f"clamp_tensors {t}7!=1,2,3,4,5,nan,1 {t}7!=2,2,2,2,6,1,nan {t}7!=4,4,3,3,4,2,3"
        yield f"clamp_tensors {t}2x3! {t}3!~-1,0 {t}!=0.5"
        yield from (name_of("add_scaled", f"{t}2x3! {t}3!", s=0.3), f"ne_scalar {t}4=1,2,nan,0 s:2",
                    f"le_scalar {t}4=1,2,nan,0.5 s:0.5", f"ge_scalar {t}4=1,2,nan,0.5 s:0.5",
                    f"logical_xor {t}4=0,1,nan,-0 {t}4=1,1,0,0")
    for op in DIVISIONS:
        yield f"{op} i6=5,-5,5,-5,0,-6 i6=3,3,-3,-3,3,-2"
    for op in ROUNDINGS[:-1]:
        yield f"{op} i3=1,-2,0"
    yield from ("add_scaled i3=1,2,3 i3=4,5,6 s:-2", "add_scaled i3=1,2,3 f3=4,5,6 s:0.5",
                "ne_scalar i3=1,2,3 s:2", "ge_scalar i3=1,2,3 s:2", "logical_xor i3=1,0,2 b3=1,0,0")


def function_cases():
    for t in FLOATS:
        for op, fill in FUNCTIONS.items():
            yield f"{op} {t}4x3!^{fill}"
            yield f"{op} {t}10=0,-0,1,-1,nan,inf,-inf,0.5,1e-40,1000"
        yield f"atan2 {t}2x3! {t}3!"
        yield f"atan2 {t}9=0,0,-0,-0,inf,-inf,1,nan,inf {t}9=1,-1,1,-1,inf,-inf,inf,1,-1"
    yield from ("tan i3=1,2,-3", "atan2 i2=1,-2 i2=2,-3", "log2 i3=1,2,8")


def making_cases():
    for t in FLOATS:
        for c, beta, alpha in (("3x2!", 1, 1), ("2!", -0.5, 2), ("2!=nan,1", 0, 0.5)):
            yield name_of("addmm", f"{t}{c} {t}3x4! {t}4x2!", beta=beta, alpha=alpha)
        yield name_of("baddbmm", f"{t}3x1! {t}2x3x4! {t}2x4x2!", beta=2, alpha=1)
        for x, y, a, b, to in (("3x4!", "4x2!", "ij", "jk", "ik"), ("2x3x4!", "2x5x4!", "bij", "bkj", "bki"),
                               ("3x4!", "3x4!", "ij", "ij", None), ("3!", "4!", "i", "j", "ji"),
                               ("2x3x4!", "3!", "aij", "i", "ja"), ("3x4!", "3x4!", "ij", "ij", "j")):
            yield name_of("einsum", f"{t}{x} {t}{y}", a=a, b=b, to=to)
        yield f"linspace {t}0=0 start:0 end:1 steps:7"
        yield f"linspace {t}0=0 start:3 end:-5 steps:33"
    yield from ("one_hot i2x3#0,4 classes:5", "one_hot i=1 classes:2", "linspace i0=0 start:3 end:-10 steps:5")


ops.FAMILIES = (vector_norm_cases, function_cases, making_cases, elementwise_cases, activation_cases, norm_cases, loss_cases)
ops.WRITTEN_BY = "formulas.py"
ops.ops_basic.exact_cases = lambda: ()

if __name__ == "__main__":
    ops.main()
