#!/usr/bin/env python3
"""Writes init.inc: PyTorch's initialisers, each from seed 40431, in both dtypes.

    python3 init.py > init.inc        (torch 2.13.0+cpu, x86-64 with AVX2)
"""
import warnings

import torch
from torch import nn
from torch.nn import init

warnings.simplefilter("ignore")


def filled(function, *dims, **opts):
    def make(dtype):
        t = torch.zeros(*dims, dtype=dtype)
        function(t, **opts)
        return [t]
    return make


def module(cls, *args, **opts):
    return lambda dtype: list(cls(*args, dtype=dtype, **opts).parameters())


def kaiming(fields):
    return f"&(tg_kaiming_opts){{{fields}}}"


# The call, whether it draws normals, what PyTorch makes.
CASES = [
    ("tg_linear_init(t[0], t[1])", False, module(nn.Linear, 7, 3)),
    ("tg_conv_init(t[0], t[1])", False, module(nn.Conv1d, 2, 3, 5)),
    ("tg_conv_init(t[0], NULL)", False, module(nn.Conv1d, 3, 2, 1, bias=False)),
    ("tg_conv_init(t[0], t[1])", False, module(nn.Conv2d, 3, 4, (2, 3))),
    ("tg_conv_init(t[0], t[1])", False, module(nn.Conv2d, 4, 6, 3, groups=2)),
    ("tg_embedding_init(t[0])", True, module(nn.Embedding, 3, 4)),
    ("tg_embedding_init(t[0])", True, module(nn.Embedding, 7, 5)),
    ("tg_recurrent_init(t, 4, 5)", False, module(nn.RNN, 3, 5)),
    ("tg_recurrent_init(t, 8, 2)", False, module(nn.GRU, 3, 2, num_layers=2)),
    ("tg_recurrent_init(t, 8, 3)", False, module(nn.LSTM, 2, 3, bidirectional=True)),
    ("tg_recurrent_init(t, 2, 7)", False, module(nn.GRU, 2, 7, bias=False)),
    ("tg_xavier_uniform_(t[0], 0)", False, filled(init.xavier_uniform_, 5, 3)),
    ("tg_xavier_uniform_(t[0], 1.7)", False, filled(init.xavier_uniform_, 2, 3, 4, 3, gain=1.7)),
    ("tg_xavier_normal_(t[0], 0)", True, filled(init.xavier_normal_, 5, 7)),
    ("tg_xavier_normal_(t[0], 0.3)", True, filled(init.xavier_normal_, 2, 3, 2, gain=0.3)),
    ("tg_kaiming_uniform_(t[0], NULL)", False, filled(init.kaiming_uniform_, 5, 3)),
    ("tg_kaiming_normal_(t[0], NULL)", True, filled(init.kaiming_normal_, 5, 7)),
    (f"tg_kaiming_uniform_(t[0], {kaiming('.a = 0.2, .fan_out = true')})", False,
     filled(init.kaiming_uniform_, 3, 2, 5, a=0.2, mode="fan_out")),
    (f"tg_kaiming_normal_(t[0], {kaiming('.a = 0.2, .fan_out = true')})", True,
     filled(init.kaiming_normal_, 3, 2, 5, a=0.2, mode="fan_out")),
]
for c_name, name in (("RELU", "relu"), ("LINEAR", "linear"), ("LINEAR", "sigmoid"),
                     ("TANH", "tanh"), ("SELU", "selu")):
    fields = kaiming(f".nonlinearity = TG_GAIN_{c_name}")
    CASES.append((f"tg_kaiming_uniform_(t[0], {fields})", False,
                  filled(init.kaiming_uniform_, 4, 5, nonlinearity=name)))
    CASES.append((f"tg_kaiming_normal_(t[0], {fields})", True,
                  filled(init.kaiming_normal_, 4, 5, nonlinearity=name)))


def made(make, dtype):
    torch.manual_seed(40431)
    return [t.detach() for t in make(dtype)]


def values(tensors):
    flat = torch.cat([t.flatten() for t in tensors])
    return "(const double[]){" + ", ".join(float(v).hex() for v in flat) + "}"


print("/* Made by init.py. Do not edit. */")
for i, (call, _, _) in enumerate(CASES):
    print(f"static void make_{i}(tg_tensor *const *t)\n{{\n    {call};\n}}")
print("static const golden cases[] = {")
for i, (_, normal, make) in enumerate(CASES):
    single, double = made(make, torch.float32), made(make, torch.float64)
    shapes = ", ".join(f"{{{t.dim()}, {{{', '.join(map(str, t.shape))}}}}}" for t in single)
    print(f"    {{make_{i}, {str(normal).lower()}, {len(single)}, {{{shapes}}},")
    print(f"     {{{values(single)},\n      {values(double)}}}}},")
print("};")
