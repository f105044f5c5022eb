"""Cases of ops.py, which explains the names: arithmetic, products, classification, training."""
import itertools

FLOATS = "fd"
UNARY = ("neg", "exp", "log", "sqrt", "relu", "sigmoid", "tanh")
BINARY = ("add", "sub", "mul", "div")


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


def head_cases():
    """linear_cross_entropy: options, then ranks and strides"""
    for t, (targets, ignore), more, reduction, smoothing in itertools.product(
            FLOATS, (("=1,0,3", None), ("=1,-100,3", None), ("=3,1,2", 1)),
            ("", "4!", "4! 4~0.2,2"), REDUCTIONS, (None, 0.1)):
        tokens = [f"{t}3x5! {t}4x5! i3{targets}"] + [t + x for x in more.split()]
        yield name_of("linear_cross_entropy", " ".join(tokens), reduction=reduction,
                      label_smoothing=smoothing, ignore=ignore)
    for t, inputs in itertools.product(FLOATS, (
            ("5!", "4x5!", "=2", "4!"), ("2x3x5!", "4x5!", "2x3#0,3", "4!"),
            ("5x3!^", "4x5!", "3#0,3", "4!"), ("3x5!", "5x4!^", "3#0,3", "4!"),
            ("3x5", "4x5!", "3#0,3", "4!"), ("3x5!", "4x5", "3#0,3", "4"),
            ("5x17!", "9x17!", "5#0,8", "9!"))):
        x, weight, targets, bias = inputs
        for reduction in REDUCTIONS:
            yield name_of("linear_cross_entropy", f"{t}{x} {t}{weight} i{targets} {t}{bias}",
                          reduction=reduction, label_smoothing=0.25 if reduction else None)


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
