"""Cases of ops.py, which explains the names: the other elementwise operations, reductions, moves,
losses and layers."""
import itertools

from ops_basic import FLOATS, MIXED, PAIRS, REDUCTIONS, SPECIAL, name_of

UNARY_MORE = ("abs", "sign", "square", "reciprocal", "rsqrt", "log1p", "expm1", "sin", "cos", "erf")
ACTIVATIONS = ("gelu", "gelu_tanh", "silu", "softplus", "logsigmoid")
BINARY_MORE = ("pow", "maximum", "minimum")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or")
UNARY_DOMAINS = {"rsqrt": "~0.1,5", "log1p": "~-0.9,5", "reciprocal": "~0.2,5"}
KINKS = "=0,-0,1,-1,nan,inf,-inf,0.5,-2.5,1e-40,1e-8,-1e-8"


def unary_more_cases():
    for op, t in itertools.product((*UNARY_MORE, *ACTIVATIONS), FLOATS):
        fill = UNARY_DOMAINS.get(op, "~-4,4")
        for dims in ("!", "0!", "3x4!", "2x0x3!", "19!", "4x3!^"):
            yield name_of(op, t + dims + fill)
        yield name_of(op, f"{t}12!{KINKS}")
        yield name_of(op, f"{t}8!=1e-5,-1e-3,20,20.5,-20,88,-104,30")
    for op in UNARY_MORE:
        yield name_of(op, "i4=1,2,3,-3")
    yield from ("abs i4=0,-5,7,-1", "sign i4=0,-5,7,-1", "square i4=0,-5,7,-1", "sign b2=0,1",
                "exp b2=0,1")
    for t in "fdib":
        yield f"logical_not {t}4=0,1,2,-3"
    yield from ("logical_not f4=nan,-0,inf,1e-40", "logical_not d0=0", "logical_not f3x2^#0,1")


def activation_cases():
    for t, op in itertools.product(FLOATS, ("leaky_relu", "elu")):
        for s, x in itertools.product((0.01, 1, 0.3, 2), ("3x4!", "4x3!^", "0!", "!")):
            yield name_of(op, t + x, s=s)
        yield name_of(op, f"{t}12!{KINKS}", s=0.3, upstream="=1")
    for t in FLOATS:
        for x, w in (("5!", "1!"), ("1x5!", "5!"), ("2x3!", "3!"), ("2x3!", "1!"), ("2x3x4!", "3!"),
                     ("2x3x2x2!", "3!"), ("4x3!^", "4!"), ("0x3!", "3!"), ("2x3", "3!"),
                     ("2x3!", "3"), (f"12!{KINKS}", "1!=0.25"), ("1x3!=0,-0,0", "3!=0.25,2,-1")):
            yield name_of("prelu", f"{t}{x} {t}{w}")


BASES = "0,0,0,0,0,-0,1,1,2,2,-2,-2,-2,nan,1,nan,inf,-inf,inf,0.5,-1"
EXPONENTS = "0,1,2,0.5,-1,3,nan,inf,0,-1,2,3,0.5,0,nan,1,2,3,-1,inf,inf"


def more_binary_cases():
    for op, t, pair in itertools.product(BINARY_MORE, FLOATS, PAIRS):
        inputs = [t + p if p[0] != "$" else p for p in pair.split()]
        yield name_of(op, " ".join(x + "~0.2,2" * (op == "pow" and x[0] != "$") for x in inputs))
    for op, pair in itertools.product(BINARY_MORE, MIXED):
        if op != "pow":
            yield name_of(op, pair)
    for t in FLOATS:
        yield f"pow {t}21!={BASES} {t}21!={EXPONENTS}"
        for op in ("maximum", "minimum"):
            yield f"{op} {t}9!={SPECIAL} {t}9!=nan,1,-inf,-0,0,1e-40,0,1,inf"
            yield f"{op} {t}2x3!#0,1 {t}2x3!#0,1"
        for s in (0, 1, 2, 3, -1, 0.5, 1.5, -0.5, -2):
            yield name_of("pow_scalar", f"{t}3x3!~0.2,2", s=s)
            yield name_of("pow_scalar", f"{t}10!=0,-0,1,-1,nan,inf,-inf,0.5,-2.5,3", s=s)
        yield name_of("pow_scalar", f"{t}3x2!^~0.2,2", s=2.5)
        for low, high in ((-1, 1), (None, 0.5), (0, None), (1, -1), (0.5, 0.5), (0, "inf")):
            for x in ("3x4!", "4x3!^", "0!", "!", f"12!{KINKS}"):
                yield name_of("clamp", t + x, low=low, high=high)
    for s in (0, 1, 2, 3):
        yield name_of("pow_scalar", "i4=0,1,-3,5", s=s)
    yield from ("pow i4=0,1,-3,5 i4=0,3,3,2", "pow i3=1,2,3 f3!~0,2", "pow f3!~0.5,2 i3=-1,0,2",
                "pow f3!~0.5,2 d3!", "pow i3=1,2,3 i=2", "clamp i5=-3,-1,0,2,5 low:-1 high:2")


def comparison_cases():
    shapes = ("4 4", "2x3 3", "2x1 1x3", "2x3 ", " ", "0 1", "3x2^ 2x3")
    for op, t in itertools.product(COMPARISONS, "fdi"):
        for a, b in ((x.split(" ")) for x in shapes):
            yield f"{op} {t}{a}#-1,1 {t}{b}#-1,1"
        if t != "i":
            yield f"{op} {t}9x1={SPECIAL} {t}9={SPECIAL}"
    for op, pair in itertools.product(COMPARISONS, ("f3#-1,1 d3#-1,1", "i3#-1,1 f3#-1,1",
                                                    "b4=0,1 b4=0,0,1,1", "i=1 b2=0,1",
                                                    "f2=16777216 i2=16777217,16777216")):
        yield f"{op} {pair}"
    for op, t, s in itertools.product(("eq", "lt", "gt"), FLOATS, (0, 0.5, "nan", "inf")):
        yield name_of(op + "_scalar", f"{t}9={SPECIAL},0.5", s=s)
    for op, s in itertools.product(("eq", "lt", "gt"), (0, 1, -2)):
        yield name_of(op + "_scalar", "i4=0,1,-2,5", s=s)
    for t in FLOATS:
        for c, a, b in (("3=1,0", "3!", "3!"), ("2x3#0,1", "3!", "2x1!"), ("=1", "3!", "2x3!"),
                        ("2x1=1,0", "!", "!"), ("3x2^#0,1", "2x3!", "2x3!"), ("0=1", "1!", "!"),
                        ("9=1,0,0", f"9!={SPECIAL}", f"9!={SPECIAL}"), ("3#0,1", "3!", "3"),
                        ("2x3#0,1", "3x2!^", "3!")):
            yield f"where b{c} {t}{a} {t}{b}"
        yield f"where b3=1,0 {t}3! $1"
        for x, m, s in (("3!", "3=1,0", 2), ("2x3!", "3#0,1", "-inf"), ("2x3!", "2x1#0,1", 0.1),
                        ("3x2!^", "2x3#0,1", "nan"), ("2x3!", "=1", 0), ("0!", "1=1", 1),
                        ("9!=" + SPECIAL, "9=1,0", 0), ("2x2x2!", "2x1x2#0,1", -1)):
            yield name_of("masked_fill", f"{t}{x} b{m}", s=s)


SHAPES = ("", "5", "2x3x2", "3x2^")


def reductions_of(op, t, grad="!", options=None, fills=("",)):
    options = options or {}
    for x, fill in itertools.product(SHAPES, fills):
        x = x.replace("^", grad + "^") if "^" in x else x + grad
        yield name_of(op, t + x + fill, **options)
        for dim in range(-1, max(1, x.count("x") + 1) - 1 + (x[:1].isdigit())):
            yield name_of(op, t + x + fill, dim=dim, keepdim=(None, 1)[dim % 2], **options)


DIMS = (("2x3x2", "0,2"), ("2x3x2", "-1"), ("2x3x2^", "0,-1"), ("2x3", ""), ("2x1x2x2", "1,3"),
        ("3", "0"), ("", ""))


def reduce_more_cases():
    for t in FLOATS:
        for op in ("var", "std", "logsumexp"):
            yield from reductions_of(op, t)
        for op in ("max", "min"):
            yield from reductions_of(op, t, fills=("", "#0,2"))
        for op in ("argmax", "argmin"):
            yield from reductions_of(op, t, grad="", fills=("#0,2",))
            for x in ("3=nan,1,nan", "3=1,nan,nan", "4=inf,-inf,inf,-inf", "3=0,-0,0", "3=-0,0,-0"):
                yield name_of(op, t + x)
                yield name_of(op, t + x, dim=0, keepdim=1)
        for op in ("sum_dims", "mean_dims", "amax", "amin", "logsumexp_dims", "norm_dims",
                   "var_dims", "std_dims"):
            for (x, dims), keepdim in itertools.product(DIMS, (None, 1)):
                x = x.replace("^", "!^") if "^" in x else x + "!"
                yield name_of(op, t + x, dims=dims, keepdim=keepdim)
        for op in ("sum_dims", "mean_dims", "logsumexp_dims", "norm_dims", "var_dims"):
            yield name_of(op, f"{t}2x0x3!", dims="0,2")
            yield name_of(op, f"{t}2x0x3!", dims="1")
        for op, correction in itertools.product(("var_dims", "std_dims"), (0, 2, 0.5, 3)):
            yield name_of(op, f"{t}3x2!", dims="0", correction=correction)
            yield name_of(op, f"{t}3x2", dims="0", correction=4)  # PyTorch's gradient is of n - 4
            yield name_of(op, f"{t}2x3!", dims="0,1", correction=correction)
        for op in ("var", "std"):
            for x in ("1!", "0!", "3!=2,2,2", "3!=1,nan,2", "3!=1,inf,2", "2x1!", "0x3!",
                      "4!=10000,10001,10002,10003"):
                yield name_of(op, t + x)
                yield name_of(op, t + x, dim=0)
        for op in ("max", "min", "amax", "amin"):
            nans = ("4=nan,1,nan,2",) if op[0] == "a" else ("4!=nan,1,nan,2",
                                                            "2x3!=1,1,1,2,2,nan")
            for x in ("4!=1,2,2,1", "4!=0,-0,0,-0", "3!=inf,inf,-inf", "3!=-inf,-inf,-inf",
                      "2x3!=1,1,1,2,2,0", *nans):
                yield name_of(op, t + x)
                yield name_of(op, t + x, **{"dims" if op[0] == "a" else "dim": -1})
            yield name_of(op, f"{t}0x3!", **{"dims" if op[0] == "a" else "dim": 1})
        for op, fill in itertools.product(("amax", "amin"), ("nan", "nan,1,1")):
            yield f"{op} {t}3!={fill} <=1"
        for x in ("3!=1,-inf,3", "3!=-inf,-inf,-inf", "3!=inf,1,2", "3!=inf,inf,0", "3!=nan,1,2",
                  "3!=inf,-inf,0", "3!=1000,1001,999", "3!=-1000,-1001,-999", "0!", "0x3!"):
            yield name_of("logsumexp", t + x)
            yield name_of("logsumexp", t + x, dim=0)
        for p in (1, 2, 3, 0.5, 1.5, "inf"):
            for x in ("3x4!", "4x3!^", "!", "1!", "4!=3,-3,0,1"):
                yield name_of("norm", t + x, p=p)
            yield name_of("norm_dims", f"{t}2x3x4!", p=p, dims="0,2", keepdim=1)
        for p in (1, 2, 3, 0.5, 1.5, "inf"):
            for x in ("3!=0,0,-0", "4!=0,2,-0,-1", "3!=nan,1,2", "3!=inf,1,-2"):
                yield name_of("norm", t + x, p=p)
        for x, dim in (("5!", 0), ("3x4!", 0), ("3x4!", 1), ("2x3x4!", -2), ("4x3!^", 0), ("!", 0),
                       ("4x3!^", 1), ("0!", 0), ("2x0!", 0), ("5!=1,nan,2,inf,-inf", 0),
                       ("2x4x3!^", -1)):
            yield name_of("cumsum", t + x, dim=dim)
    for op in ("max", "min", "argmax", "argmin", "amax", "amin"):
        yield name_of(op, "i2x3#-3,3")
        yield name_of(op, "i2x3#-3,3", **{"dims" if op[:2] == "am" else "dim": 1})
    yield from ("cumsum i5#-9,9 dim:0", "cumsum b4=1,0,1,1 dim:0", "sum_dims i2x3#-3,3 dims:0,1",
                "sum_dims b2x3=1,0,1 dims:0 keepdim:1")


MOVES = ("permute:2,0,1", "permute:0,2,1", "permute:-1,-3,-2 reshape:24", "permute:1,0,2",
         "unsqueeze:0", "unsqueeze:-1", "unsqueeze:1 squeeze:1", "unsqueeze:3 squeeze:",
         "flatten:0,1", "flatten:1,-1", "flatten:0,-1", "narrow:1,1,1", "narrow:0,0,2",
         "narrow:-1,1,0", "slice:0,0,2,1", "slice:2,0,9223372036854775807,2", "slice:1,-2,-1,1",
         "slice:2,1,100,3", "slice:-1,3,1,1", "slice:2,1,4,2 slice:0,1,2,1", "select:0,1",
         "select:1,-1", "select:-1,0 select:0,0", "chunk:2,2,0", "chunk:3,2,1", "chunk:2,1,1",
         "chunk:5,0,1", "tril:0", "tril:1", "tril:-1", "triu:0", "triu:1", "triu:-2", "clone:",
         "transpose:0,2 clone:", "transpose:0,1 flatten:0,1", "narrow:2,1,2 transpose:0,1 clone:",
         "squeeze:0", "transpose:1,2 tril:0", "slice:2,0,4,2 permute:2,1,0 reshape:-1")


def move_cases():
    for chain in MOVES:
        yield f"shape d2x3x4! {chain}"
        yield f"shape f2x4x3!^ {chain}"
    for t in FLOATS:
        yield from (f"shape {t}{x}" for x in (
            "! unsqueeze:0", "! flatten:0,-1", "! clone:", "! squeeze:", "1x3x1! squeeze:",
            "1x3x1! squeeze:0", "1x3x1! squeeze:-1", "1x3x1! squeeze:1", "1x1! squeeze:",
            "0x3! permute:1,0", "0x3! flatten:0,1", "2x0! tril:0", "0x3! slice:1,0,2,1",
            "5! select:0,-2", "7! chunk:3,0,2", "6! chunk:4,0,1", "! permute:", "3x3!=nan,1 tril:0",
            "3x3!=inf,1 triu:1"))
        for x, dim in (("3! 2!", 0), ("2x3! 1x3!", 0), ("2x3! 2x1!", 1), ("2x3! 2x2!", -1),
                       ("3x2!^ 2x3!", 0), ("0! 2x3!", 0), ("2x3! 0!", 1), ("0x3! 2x3!", 0),
                       ("2x3! 2x3 2x3!", 1), ("2x2x2! 2x1x2!", 1), ("3! $0", 0), ("3x2!^ $0", 1)):
            yield name_of("cat", " ".join(p if p[0] == "$" else t + p for p in x.split()), dim=dim)
        for x, dim in (("3! 3!", 0), ("3! 3!", 1), ("! !", 0), ("2x3! 2x3!", 1), ("2x3! 3x2!^", -1),
                       ("0! 0!", 0), ("2! $0 2!", 0), ("2x3! 2x3", 2)):
            yield name_of("stack", " ".join(p if p[0] == "$" else t + p for p in x.split()),
                          dim=dim)
        for x, dim, index in (("3x4!", 0, "2x4#0,2"), ("3x4!", 1, "3x2#0,3"),
                              ("3x4!", 1, "2x5#0,3"), ("5!", 0, "7#0,4"),
                              ("2x3x4!", 1, "2x2x4#0,2"), ("4x3!^", 0, "2x2#0,2"),
                              ("3x4!", -1, "3x2=1,1"), ("3x4!", 0, "0x4=0"), ("!", 0, "=0"),
                              ("3x4!", 0, "3x2^#0,2"), ("3x4!=nan,inf", 1, "3x1#0,3")):
            yield name_of("gather", f"{t}{x} i{index}", dim=dim)
        for x, dim, index in (("3x4!", 0, "2=2,0"), ("3x4!", 1, "5=1,1,3,0,1"),
                              ("5!", 0, "3=4,4,4"),
                              ("2x3x4!", -2, "2=2,1"), ("4x3!^", 0, "3=0,2,0"), ("3x4!", 0, "0=0"),
                              ("3x4!", 1, "1=3")):
            yield name_of("index_select", f"{t}{x} i{index}", dim=dim)
        for w, index, padding in (("4x3!", "3=1,3,1", None), ("4x3!", "2x2=0,1,1,2", None),
                                  ("4x3!", "3=1,3,1", 1), ("4x3!", "3=1,3,1", -1),
                                  ("4x3!", "=2", 0),
                                  ("4x3!", "0=0", None), ("3x4!^", "4=0,0,3,2", 0),
                                  ("4x1!", "5=1", None), ("4x3!", "2x1x2=0,3", 3)):
            yield name_of("embedding", f"{t}{w} i{index}", padding=padding)
    yield from ("cat i2#0,9 i3#0,9 dim:0", "stack b2=1,0 b2=0 dim:1", "gather i3#0,9 i2=2,0 dim:0",
                "shape i2x3#0,9 tril:0", "shape i2x3#0,9 permute:1,0 slice:0,0,3,2")


def loss_cases():
    for t, reduction in itertools.product(FLOATS, REDUCTIONS):
        for op, key, values in (("mse_loss", "beta", (None,)), ("l1_loss", "beta", (None,)),
                                ("smooth_l1_loss", "beta", (None, 0.5, 0, 2)),
                                ("huber_loss", "delta", (None, 0.5, 2))):
            for value, x in itertools.product(values, (
                    "3x4! 3x4!", "4x3!^ 3x4", "! !", "0! 0!", "3 3!",
                    "8!=0,1,-1,0.5,nan,inf,2,-0 8!=0,0,0,0,0,0,inf,0", "5! $0")):
                yield name_of(op, " ".join(p if p[0] == "$" else t + p for p in x.split()),
                              **{key: value}, reduction=reduction)
        for x in ("3x4!~0,1 T3x4~0,1", "4x3!^~0,1 T3x4=0,1", "!~0,1 T=1", "0!~0,1 T0=1",
                  *("6!=0,0,1,1,0.5,1e-20 T6=0,1,0,1,0.5,1",) * (t == "f")):
            x = t + x.replace("T", t)
            yield name_of("bce_loss", x, reduction=reduction)
            yield name_of("bce_with_logits_loss", x, reduction=reduction)
        for w in ("3x4~0,2", "4~0,2", "3x1~0,2", "~0,2"):
            yield name_of("bce_loss", f"{t}3x4!~0,1 {t}3x4~0,1 {t}{w}", reduction=reduction,
                          **{"with": "w"})
            for letter in "wp":
                yield name_of("bce_with_logits_loss", f"{t}3x4! {t}3x4~0,1 {t}{w}",
                              reduction=reduction, **{"with": letter})
        for x in ("3x4! T3x4!~0,1 T4~0,2 T3x4~0,2", "3x2!^ T2x3!~0,1 T3~0,2 T2x1~0,2",
                  "8!=0,20,-20,100,-100,nan,inf,-inf T8=0,1,0,1,0,1,0,1 T8=1 T8=1,2"):
            yield name_of("bce_with_logits_loss", t + x.replace("T", t), reduction=reduction,
                          **{"with": "wp"})
        yield name_of("bce_with_logits_loss", f"{t}6!=0,-0,2,-2,10,-10 {t}6!=0,1,0.5",
                      reduction=reduction)
    yield "bce_loss d6!=0,0,1,1,0.5,1e-20 d6=0,1,0,1,0.5,1 reduction:sum <=1"
    for t, reduction in itertools.product(FLOATS, (*REDUCTIONS, "batchmean")):
        for x, log_target in (("3x4!~-3,0 T3x4!~0.1,1", None), ("3x4!~-3,0 T3x4!~-3,0", 1),
                              ("4x3!^~-3,0 T3x4~0.1,1", None), ("4!~-3,0 T4=0,0.5,0,1", None),
                              ("3x4!~-3,0 T3x4=-inf,-1", 1), ("0x3! T0x3!", None),
                              ("4!=-inf,0,nan,-1 T4=0,1,0.5,1", None)):
            yield name_of("kl_div_loss", t + x.replace("T", t), reduction=reduction,
                          log_target=log_target)


def layer_cases():
    for t in FLOATS:
        for x, causal, scale in (
                ("3x4! T3x4! T3x4!", None, None), ("3x4! T5x4! T5x2!", None, None),
                ("2x3x4! T2x3x4! T2x3x4!", 1, None), ("2x2x3x4! T2x2x3x4! T2x2x3x4!", 1, 0.7),
                ("3x4! T3x4! T3x4!", 1, None), ("3x2! T5x2! T5x2!", 1, None),
                ("5x2! T3x2! T3x2!", 1, None), ("3x4! T3x4! T3x4!", None, 2),
                ("3x4! T5x4! T5x2! b3x5=1,0,1", None, None),
                ("3x4! T5x4! T5x2! b5=1,0", None, None),
                ("2x3x4! T2x5x4! T2x5x2! T3x5!", None, None),
                ("2x3x4! T2x5x4! T2x5x2! T2x1x5=0,-inf,1", None, 0.5),
                ("4x3!^ T4x3!^ T4x3!^", None, None), ("2x4x3!^ T2x4x3!^ T2x3x4!", 1, None),
                ("2x2! T2x2! T2x2! b2x2=1,1,0,0", None, None), ("1x4! T1x4! T1x4!", None, None),
                ("3x4! $0 $0", None, None), ("2x3x4! T3x4! T3x4!", None, None),
                ("2x0x4! T2x3x4! T2x3x4!", None, None)):
            yield name_of("attention", t + x.replace("T", t), causal=causal, scale=scale)
        for x, options in (
                ("2x3x7! T4x3x3! T4!", {}), ("3x7! T4x3x3! T4!", {}), ("2x3x7! T4x3x3!", {}),
                ("2x3x7! T4x3x3! T4!", {"stride": 2}), ("2x3x7! T4x3x3! T4!", {"padding": 2}),
                ("2x3x7! T4x3x3! T4!", {"dilation": 2}),
                ("2x3x7! T4x3x2! T4!", {"stride": 2, "padding": 1, "dilation": 3}),
                ("2x4x5! T4x2x3! T4!", {"groups": 2}), ("1x3x5! T6x1x2! T6!", {"groups": 3}),
                ("2x7x3!^ T4x3x3! T4!", {"padding": 1}), ("2x3x5! T2x3x1! T2!", {}),
                ("2x3x7! T4x3x3!^", {"padding": 1}), ("0x3x7! T4x3x3! T4!", {}),
                ("1x1x4!=nan,1,inf,2 T1x1x2! T1!", {}), ("2x3x7 T4x3x3! T4", {})):
            yield name_of("conv1d", t + x.replace("T", t), **options)
        for x, options in (
                ("2x2x5x4! T3x2x3x2! T3!", {}), ("2x5x4! T3x2x3x2! T3!", {}),
                ("1x2x5x4! T3x2x3x3!", {"padding": 1}), ("1x2x5x4! T2x2x2x2! T2!", {"stride": 2}),
                ("1x2x5x6! T2x2x3x2! T2!", {"stride": "2,1", "padding": "1,0"}),
                ("1x2x5x6! T2x2x2x2! T2!", {"dilation": "1,2"}),
                ("1x2x7x6! T2x2x3x2! T2!", {"stride": "2,3", "padding": "2,1", "dilation": "1,2"}),
                ("1x4x4x3! T4x2x2x2! T4!", {"groups": 2}),
                ("1x2x3x3! T4x1x2x2! T4!", {"groups": 2}),
                ("1x2x4x5!^ T2x2x3x2! T2!", {"padding": "1,1"}), ("2x2x3x3! T3x2x1x1! T3!", {}),
                ("1x2x3x3! T2x2x3x3! T2!", {}), ("0x2x3x3! T2x2x2x2! T2!", {})):
            yield name_of("conv2d", t + x.replace("T", t), **options)
        for x, options in (
                ("2x3x7!", {"kernel": 3}), ("3x7!", {"kernel": 2}),
                ("2x3x7!", {"kernel": 3, "stride": 2}),
                ("2x3x7!", {"kernel": 3, "stride": 1, "padding": 1}), ("2x7x3!^", {"kernel": 2}),
                ("1x1x6!#0,1", {"kernel": 3, "stride": 1}), ("1x2x5!", {"kernel": 5}),
                ("1x1x6!=nan,1,2,inf,nan,3", {"kernel": 2, "stride": 1}),
                ("1x1x6!=2,inf,inf,3,-inf,-inf", {"kernel": 2, "stride": 1, "padding": 1})):
            yield name_of("max_pool1d", t + x, **options)
            yield name_of("avg_pool1d", t + x, **options)
        yield name_of("max_pool1d", f"{t}1x1x3!=nan,nan,3", kernel=2, stride=1, upstream="=1")
        for dilation in (2, 3):
            yield name_of("max_pool1d", f"{t}2x2x9!", kernel=3, stride=1, dilation=dilation)
            yield name_of("max_pool2d", f"{t}1x2x7x8!", kernel="2,3", stride=2, padding="1,1",
                          dilation=dilation)
        for x, options in (
                ("2x2x5x4!", {"kernel": 2}), ("2x5x4!", {"kernel": 2}),
                ("1x2x5x6!", {"kernel": "3,2", "stride": "2,1"}),
                ("1x2x5x6!", {"kernel": "3,2", "stride": 1, "padding": "1,1"}),
                ("1x2x5x6!", {"kernel": "2,4", "stride": "1,3", "padding": "0,2"}),
                ("1x2x4x5!^", {"kernel": 2, "stride": 1}),
                ("1x1x4x4!#0,1", {"kernel": 2, "stride": 1}), ("1x2x3x3!", {"kernel": 3}),
                ("1x1x3x3!=nan,1,2,inf,0,0,-inf", {"kernel": 2, "stride": 1})):
            yield name_of("max_pool2d", t + x, **options)
            yield name_of("avg_pool2d", t + x, **options)
        for x, options in (("8!", {"p": 0.3}), ("3x7!", {}), ("30!", {"p": 0.9}),
                           ("8!", {"p": 0}), ("8!", {"p": 1}), ("!", {}), ("0!", {}),
                           ("6!=nan,inf,-inf,0,-0,1", {}), ("20!", {"p": 0.1})):
            yield name_of("dropout", t + x, seed=11, training=1, **options)
            yield name_of("dropout", t + x, **options)
        yield f"dropout {t}7x3!^"  # PyTorch's mask for it is in the order of memory
        for x, shape, letters, eps in (
                ("3x4! T4! T4!", "4", "wb", None), ("3x4!", "4", "", None),
                ("3x4! T4!", "4", "w", None),
                ("3x4! T4!", "4", "b", 0.1), ("2x3x4! T3x4! T3x4!", "3,4", "wb", None),
                ("2x3x4! T4! T4!", "4", "wb", 1e-3), ("4x3!^ T4! T4!", "4", "wb", None),
                ("5! T5! T5!", "5", "wb", None), ("3x1! T1! T1!", "1", "wb", None),
                ("0x4! T4! T4!", "4", "wb", None), ("2x3!=2 T3! T3!", "3", "wb", None),
                ("2x3!=1,nan,2,inf,0,1 T3! T3!", "3", "wb", None), ("3x4 T4! T4!", "4", "wb", None),
                ("2x4!=100,101,102,103 T4! T4!", "4", "wb", None),
                ("2x19! T19! T19!", "19", "wb", None)):
            yield name_of("layer_norm", t + x.replace("T", t), shape=shape, eps=eps,
                          **{"with": letters or None})
        for x, letters, options in (
                ("4x3! T3! T3!", "wb", {}), ("4x3!", "", {}), ("2x3x4! T3! T3!", "wb", {}),
                ("2x3x2x2! T3! T3!", "wb", {}), ("4x3! T3!", "w", {"eps": 0.1}),
                ("2x4x3!^ T3! T3!", "wb", {}), ("3x4!^ T3! T3!", "wb", {}),
                ("3x2!=2 T2! T2!", "wb", {}), ("4x3 T3! T3!", "wb", {}),
                ("3x2!=1,2,nan,3,4,5 T2! T2!", "wb", {}),
                ("4x3! T3! T3! T3 T3~0.5,2", "wbmv", {"momentum": 0.3})):
            yield name_of("batch_norm", t + x.replace("T", t), training=1, **options,
                          **{"with": letters or None})
        for x, letters in (("4x3! T3! T3! T3 T3~0.5,2", "wbmv"), ("4x3! T3 T3~0.5,2", "mv"),
                           ("2x3x4! T3! T3! T3 T3~0.5,2", "wbmv"), ("0x3! T3 T3~0.5,2", "mv"),
                           ("2x3x2x2! T3! T3 T3~0.5,2", "wmv"), ("3x4!^ T3! T3 T3=0,1", "bmv")):
            yield name_of("batch_norm", t + x.replace("T", t), **{"with": letters})
        for result, momentum in itertools.product(("mean", "var"), (None, 0.5, 1)):
            yield name_of("batch_norm", f"{t}4x3 {t}3 {t}3~0.5,2", training=1, momentum=momentum,
                          result=result, **{"with": "mv"})
            yield name_of("batch_norm", f"{t}2x3x2 {t}3 {t}3~0.5,2", training=1, momentum=momentum,
                          result=result, **{"with": "mv"})
