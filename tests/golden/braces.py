"""How generators of optimisers write C: rows of numbers, and fields of options by PyTorch's names."""


def row(t):
    return "{" + ", ".join(float(v).hex() for v in t) + "}"


def rows(t):
    return "{" + ",\n     ".join(row(r) for r in t) + "}"


def fields(opts):
    flat = {}
    for k, v in opts.items():
        if k == "betas":
            flat["beta1"], flat["beta2"] = v
        else:
            flat[k] = v
    return ", ".join(f".{k} = {str(v).lower()}" for k, v in flat.items())
