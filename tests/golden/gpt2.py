"""Writes ../../examples/data/gpt2-tiny.safetensors, random weights in the naming that Hugging Face gives GPT-2, and
../examples/gpt2.logits, what PyTorch makes of a prompt with them.

    pip install torch==2.13.0 safetensors; python3 gpt2.py

Two layers of width 32 with two heads, a context of 64, one token a byte; in half precision, as large ones often come.
The formulas are those of GPT2LMHeadModel; with the package transformers installed, it is asked as well.
"""
import math

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

VOCABULARY, CONTEXT, WIDTH, HEADS, LAYERS = 256, 64, 32, 2, 2
PROMPT = b"Every tensor knows its tape."


def weights():
    torch.manual_seed(40431)
    w = {"wte.weight": (VOCABULARY, WIDTH), "wpe.weight": (CONTEXT, WIDTH)}
    for i in range(LAYERS):
        w |= {f"h.{i}.ln_1.weight": (WIDTH,), f"h.{i}.ln_1.bias": (WIDTH,),
              f"h.{i}.attn.c_attn.weight": (WIDTH, 3 * WIDTH), f"h.{i}.attn.c_attn.bias": (3 * WIDTH,),
              f"h.{i}.attn.c_proj.weight": (WIDTH, WIDTH), f"h.{i}.attn.c_proj.bias": (WIDTH,),
              f"h.{i}.ln_2.weight": (WIDTH,), f"h.{i}.ln_2.bias": (WIDTH,),
              f"h.{i}.mlp.c_fc.weight": (WIDTH, 4 * WIDTH), f"h.{i}.mlp.c_fc.bias": (4 * WIDTH,),
              f"h.{i}.mlp.c_proj.weight": (4 * WIDTH, WIDTH), f"h.{i}.mlp.c_proj.bias": (WIDTH,)}
    w |= {"ln_f.weight": (WIDTH,), "ln_f.bias": (WIDTH,)}
    return {name: (torch.randn(shape) * 0.3 + (".ln_" in name or "ln_f" in name) * name.endswith("weight")).half()
            for name, shape in w.items()}


def logits(w, ids):
    def norm(x, name):
        return F.layer_norm(x, (WIDTH,), w[name + ".weight"], w[name + ".bias"])

    def conv1d(x, name):  # as the models call it: the weight is (in, out)
        return x @ w[name + ".weight"] + w[name + ".bias"]

    x = w["wte.weight"][ids] + w["wpe.weight"][: len(ids)]
    for i in range(LAYERS):
        q, k, v = conv1d(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn").split(WIDTH, 1)
        q, k, v = (t.view(-1, HEADS, WIDTH // HEADS).transpose(0, 1) for t in (q, k, v))
        scores = q @ k.transpose(1, 2) / math.sqrt(WIDTH // HEADS)
        scores = scores.masked_fill(torch.ones_like(scores[0], dtype=torch.bool).triu(1), -math.inf)
        mixed = (scores.softmax(2) @ v).transpose(0, 1).reshape(-1, WIDTH)
        x = x + conv1d(mixed, f"h.{i}.attn.c_proj")
        x = x + conv1d(F.gelu(conv1d(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc"), approximate="tanh"),
                       f"h.{i}.mlp.c_proj")
    return norm(x, "ln_f") @ w["wte.weight"].T


def ask_transformers(w, ids, ours):
    try:
        from transformers import GPT2Config, GPT2LMHeadModel
    except ImportError:
        return
    model = GPT2LMHeadModel(GPT2Config(vocab_size=VOCABULARY, n_positions=CONTEXT, n_embd=WIDTH, n_layer=LAYERS,
                                       n_head=HEADS))
    missing, unexpected = model.transformer.load_state_dict(w, strict=False)
    assert not unexpected and all(".attn." in name for name in missing), (missing, unexpected)
    model.tie_weights()
    model.eval()
    difference = (model(ids[None]).logits[0] - ours).abs().max().item()
    print("GPT2LMHeadModel differs by", difference)
    assert difference < 1e-4


def main():
    half = weights()
    save_file(half, "../../examples/data/gpt2-tiny.safetensors", {"format": "pt"})
    w = {name: t.float() for name, t in half.items()}
    ids = torch.tensor(list(PROMPT))
    with torch.no_grad():
        out = logits(w, ids)
        ask_transformers(w, ids, out)
        exact = logits({name: t.double() for name, t in half.items()}, ids)
    print("float32 differs from float64 by", (out.double() - exact).abs().max().item())
    with open("../examples/gpt2.logits", "w") as file:
        for token, value in enumerate(out[-1].tolist()):
            file.write("%d %.6f\n" % (token, value))


main()
