"""Operations and cases of ops.py, which explains the names: padding, repeating, writing by index, sorting,
products, samples."""
import itertools

import torch
import torch.nn.functional as F

from ops_basic import FLOATS, name_of

MODES = ("constant", "reflect", "replicate", "circular")


def numbers(case, key):
    return [int(v) for v in case.options.get(key, "").split(",") if v]


def seeded(op):
    def run(case):
        torch.manual_seed(case.whole("seed"))
        return op(case)

    return run


def index_of(case, first):
    """x[..., i, j, ...], the indices being the inputs from number `first` on"""
    return (slice(None),) * case.whole("dim") + tuple(case.inputs[first:])


def index_put(case):
    x, values = case.inputs[:2]
    at = torch.arange(x.numel()).reshape(x.shape)[index_of(case, 2)]
    flat = x.reshape(-1).index_put((at,), values, accumulate=bool(case.whole("accumulate")))
    return flat.reshape(x.shape)


def along(op):
    return lambda c: op(c.inputs[0], c.whole("dim"), *c.inputs[1:])


OPS = {
    "pad": lambda c: F.pad(c.inputs[0], numbers(c, "pads"), c.options.get("mode", "constant"),
                           **({"value": c.number("value")} if "value" in c.options else {})),
    "flip": lambda c: torch.flip(c.inputs[0], numbers(c, "dims")),
    "roll": lambda c: torch.roll(c.inputs[0], numbers(c, "shifts"), numbers(c, "dims")),
    "repeat": lambda c: c.inputs[0].repeat(numbers(c, "times")),
    "repeat_interleave": lambda c: c.inputs[0].repeat_interleave(c.whole("times"), c.whole("dim")),
    "diagonal": lambda c: torch.diagonal(c.inputs[0], c.whole("offset"), *numbers(c, "dims")),
    "diag": lambda c: torch.diag(c.inputs[0], c.whole("offset")),
    "scatter": along(torch.scatter),
    "scatter_add": along(torch.scatter_add),
    "index_copy": along(torch.index_copy),
    "index_add": along(torch.index_add),
    "slice_scatter": lambda c: torch.slice_scatter(*c.inputs, c.whole("dim"), *numbers(c, "at")),
    "select_scatter": lambda c: torch.select_scatter(*c.inputs, c.whole("dim"), c.whole("at")),
    "index": lambda c: c.inputs[0][index_of(c, 1)],
    "index_put": index_put,
    "masked_select": lambda c: torch.masked_select(*c.inputs),
    "nonzero": lambda c: torch.nonzero(c.inputs[0]),
    "sort": lambda c: torch.sort(c.inputs[0], dim=c.whole("dim"), stable=True,
                                 descending=bool(c.whole("descending")))[0],
    "argsort": lambda c: torch.argsort(c.inputs[0], dim=c.whole("dim"), stable=True,
                                       descending=bool(c.whole("descending"))),
    "topk": lambda c: torch.topk(c.inputs[0], c.whole("k"), c.whole("dim"),
                                 not c.whole("smallest"))[0],
    "argtopk": lambda c: torch.topk(c.inputs[0], c.whole("k"), c.whole("dim"),
                                    not c.whole("smallest"))[1],
    "any": lambda c: torch.any(c.inputs[0]),
    "all": lambda c: torch.all(c.inputs[0]),
    "any_dim": lambda c: torch.any(c.inputs[0], c.whole("dim")),
    "all_dim": lambda c: torch.all(c.inputs[0], c.whole("dim")),
    "isnan": lambda c: torch.isnan(c.inputs[0]),
    "isinf": lambda c: torch.isinf(c.inputs[0]),
    "isfinite": lambda c: torch.isfinite(c.inputs[0]),
    "prod": lambda c: torch.prod(c.inputs[0], c.whole("dim"), keepdim=bool(c.whole("keepdim")))
    if "dim" in c.options else torch.prod(c.inputs[0]),
    "cumprod": lambda c: torch.cumprod(c.inputs[0], c.whole("dim")),
    "bernoulli": seeded(lambda c: torch.bernoulli(c.inputs[0])),
    "multinomial": seeded(lambda c: torch.multinomial(c.inputs[0], c.whole("count"),
                                                      bool(c.whole("replacement")))),
}


def place_cases(t):
    for x, pads, mode in (("3x4!", "1,2", 0), ("2x3x4!", "-1,2,1,-2", 0), ("2x5!", "2,3", 1),
                          ("1x3x4!", "1,2,2,1", 1), ("2x5!", "-1,7", 1 + 1), ("2x5!", "5,3", 3),
                          ("1x3x4!", "-1,2,2,0", 3), ("1x5!", "-1,2", 1)):
        yield name_of("pad", t + x, pads=pads, mode=MODES[mode])
    yield name_of("pad", t + "2x3!", pads="1,1", value=-2.5)
    yield name_of("flip", t + "2x3x4!", dims="0,2")
    yield name_of("roll", t + "3x5!", shifts="-1,12", dims="0,1")
    yield name_of("repeat", t + "2x3!", times="2,1,3")
    yield name_of("repeat_interleave", t + "2x3!", times=3, dim=1)
    yield name_of("diagonal", t + "3x4x2!", offset=-1, dims="1,0")
    yield name_of("diag", t + "3!", offset=-2)
    yield name_of("diag", t + "3x4!", offset=1)


def write_cases(t):
    index = "i2x3=0,2,1,2,0,1"
    yield name_of("scatter", f"{t}2x4! {index} {t}2x3!", dim=1)
    yield name_of("scatter_add", f"{t}3x3! i3x3=0,2,1,2,0,0,1,1,1 {t}3x3!", dim=0)
    yield name_of("index_copy", f"{t}3x4! i2=3,1 {t}3x2!", dim=1)
    yield name_of("index_add", f"{t}3x4! i5=0,3,3,3,1 {t}3x5!", dim=1)
    yield name_of("slice_scatter", f"{t}3x5! {t}3x2!", dim=1, at="-4,5,2")
    yield name_of("select_scatter", f"{t}3x5! {t}3!", dim=1, at=-2)
    yield f"index {t}3x4! i2x1=0,-1 i3=-4,3,3"
    yield f"index {t}2x3x4! i2=2,2 dim:1"
    yield f"index_put {t}3x4! {t}3! i3=0,2,1 i3=1,-1,0"
    yield f"index_put {t}3x4! {t}2x1! i2x1=0,-1 i3=-4,3,3 accumulate:1"
    yield f"masked_select {t}2x3! b3=1,0,1"


SPECIAL = "=2,nan,-0,inf,0,-inf,1,nan,2,-1"


def order_cases(t):
    for op, descending in itertools.product(("sort", "argsort"), (0, 1)):
        marks = "!" if op == "sort" else ""
        yield name_of(op, f"{t}10{marks}{SPECIAL}", dim=0, descending=descending)
    yield name_of("sort", t + "3x4x2!", dim=1, descending=1)
    yield name_of("topk", t + "3x6!", k=3, dim=1)
    yield name_of("argtopk", t + "6=3,nan,1,-inf,2,7", k=3, dim=0)
    yield name_of("argtopk", t + "6=3,nan,1,-inf,2,7", k=5, dim=0, smallest=1)
    for op in ("any", "all", "isnan", "isinf", "isfinite", "nonzero"):
        yield f"{op} {t}10{SPECIAL}"
    yield name_of("any_dim", t + "2x3=0,0,0,0,nan,0", dim=1)
    yield name_of("all_dim", t + "2x3=0,1,nan,2,1,1", dim=0)
    for x in ("5!", "4!=2,0,3,5", "4!=0,2,0,5", "0!", "!"):
        yield name_of("prod", t + x)
        yield name_of("cumprod", t + x, dim=0)
    yield name_of("prod", t + "3x4!", dim=0, keepdim=1)
    yield name_of("cumprod", t + "3x4!", dim=1)


def sample_cases(t):
    yield name_of("bernoulli", t + "50~0,1", seed=3)
    for x, count, replacement in (("40", 1, 0), ("40", 1, 1), ("40", 40, 0), ("3x9", 4, 0),
                                  ("3x9", 20, 1), ("4=0,1,0,3", 30, 1)):
        yield name_of("multinomial", t + x + ("~0,1" if "=" not in x else ""), count=count,
                      replacement=replacement, seed=7)


def cases():
    for t in FLOATS:
        for family in (place_cases, write_cases, order_cases, sample_cases):
            yield from family(t)
    yield from ("pad i2x3 pads:1,1 value:7", "pad b2x2=1,0 pads:1,0,0,1 value:1",
                "scatter_add i2x3 i2x2=2,2,0,1 i2x2 dim:1", "index_add i3x2 i2=2,2 i2x2 dim:0",
                "sort i7=3,-1,2,3,-9,0,2 dim:0", "argsort i7=3,-1,2,3,-9,0,2 dim:0 descending:1",
                "argsort b6=1,0,1,1,0,0 dim:0", "nonzero i2x3=0,1,2,0,0,5", "nonzero b=1",
                "nonzero b3x2=1,0,0,1,1,1", "prod i3=2,-3,4", "prod b2=1,1",
                "cumprod i4=2,3,-1,2 dim:0", "any b0", "all b0", "isnan i2")
