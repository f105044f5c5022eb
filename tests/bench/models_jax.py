#!/usr/bin/env python3
"""The models of models.py as JAX compiles them (jax.jit of the whole step: loss, gradients, update), by turns with
libtinygrad; prints a Markdown table of medians of a step.

    pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu && pip install jax jaxlib
    python3 tests/bench/models_jax.py build/tests/bench_models [--threads 2] [model prefix ...]

Weights and data are PyTorch's of models.py, and so must the first three losses be. JAX takes as many threads as there are
processors: both programs are confined to the first --threads of them. Running statistics of batch_norm, which no loss
here depends on, are left out.
"""
import argparse
import math
import os
import statistics
import sys


def linear(p, name, x):
    return x @ p[name + ".weight"].T + p[name + ".bias"]


def cross_entropy(scores, target):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores), target[:, None], 1))


def binary_cross_entropy(scores, target):
    return jnp.mean(jnp.maximum(scores, 0) - scores * target + jnp.log1p(jnp.exp(-jnp.abs(scores))))


def conv(p, name, x, padding):
    y = lax.conv_general_dilated(x, p[name + ".weight"], (1, 1), [(padding, padding)] * 2)
    return y + p[name + ".bias"][:, None, None]


def max_pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def lenet(p, key, x, target):
    x = max_pool(jax.nn.relu(conv(p, "features.0", x, 2)))
    x = max_pool(jax.nn.relu(conv(p, "features.3", x, 0))).reshape(len(x), -1)
    x = jax.nn.relu(linear(p, "features.7", x))
    return cross_entropy(linear(p, "features.11", jax.nn.relu(linear(p, "features.9", x))), target)


def batch_norm(p, name, x):
    mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    weight, bias = p[name + ".weight"][:, None, None], p[name + ".bias"][:, None, None]
    return (x - mean) * lax.rsqrt(var + 1e-5) * weight + bias


def vgg(p, key, x, target):
    at = 0
    for i in range(6):
        x = jax.nn.relu(batch_norm(p, f"features.{at + 1}", conv(p, f"features.{at}", x, 1)))
        x = max_pool(x) if i % 2 else x
        at += 3 + i % 2
    return cross_entropy(linear(p, f"features.{at + 1}", x.reshape(len(x), -1)), target)


def gates(p, x, h):
    return (x @ p["layer.weight_ih_l0"].T + p["layer.bias_ih_l0"], h @ p["layer.weight_hh_l0"].T + p["layer.bias_hh_l0"])


def gru(p, key, x, target):
    def cell(h, x):
        (ri, zi, ni), (rh, zh, nh) = (jnp.split(g, 3, -1) for g in gates(p, x, h))
        z, n = jax.nn.sigmoid(zi + zh), jnp.tanh(ni + jax.nn.sigmoid(ri + rh) * nh)
        return (1 - z) * n + z * h, None
    h, _ = lax.scan(cell, jnp.zeros((x.shape[1], 128)), x)
    return cross_entropy(linear(p, "out", h), target)


def lstm(p, key, x, target):
    def cell(state, x):
        h, c = state
        i, f, g, o = jnp.split(sum(gates(p, x, h)), 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None
    (h, _), _ = lax.scan(cell, (jnp.zeros((x.shape[1], 128)),) * 2, x)
    return cross_entropy(linear(p, "out", h), target)


def layer_norm(p, name, x):
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + 1e-5) * p[name + ".weight"] + p[name + ".bias"]


def attention(q, k, v):
    length = q.shape[2]
    scores = q @ k.swapaxes(2, 3) / math.sqrt(q.shape[3])
    seen = jnp.tril(jnp.ones((length, length), bool))
    return jax.nn.softmax(jnp.where(seen, scores, -jnp.inf)) @ v


def transformer(heads):
    def loss(p, key, x, target):
        x = p["bytes.weight"][x] + p["places"]
        texts, length, d = x.shape
        for i in range(2):
            name = f"layers.{i}."
            q, k, v = (t.reshape(texts, length, heads, -1).swapaxes(1, 2)
                       for t in jnp.split(linear(p, name + "qkv", layer_norm(p, name + "norm1", x)), 3, -1))
            x = x + linear(p, name + "out", attention(q, k, v).swapaxes(1, 2).reshape(texts, length, d))
            wide = linear(p, name + "wide", layer_norm(p, name + "norm2", x))
            x = x + linear(p, name + "narrow", jax.nn.gelu(wide, approximate=False))
        return cross_entropy(linear(p, "last", layer_norm(p, "norm", x)).reshape(-1, 256), target)
    return loss


def dropout(key, x):
    return x if key is None else jnp.where(jax.random.bernoulli(key, 0.8, x.shape), x / 0.8, 0)


def mlp(p, key, x, target):
    first, second = (None, None) if key is None else jax.random.split(key)
    x = dropout(first, jax.nn.relu(linear(p, "layers.0", x)))
    x = dropout(second, jax.nn.relu(linear(p, "layers.3", x)))
    return cross_entropy(linear(p, "layers.6", x), target)


def tiny(p, key, x, target):
    return cross_entropy(linear(p, "layers.2", jax.nn.relu(linear(p, "layers.0", x))), target)


def autoencoder(p, key, x):
    y = x
    for i in (0, 2, 4):
        y = jax.nn.relu(linear(p, f"layers.{i}", y))
    return jnp.mean((jax.nn.sigmoid(linear(p, "layers.6", y)) - x) ** 2)


def logistic(p, key, x, target):
    return binary_cross_entropy(linear(p, "layer", x), target)


def pinn(p, key, x, target):
    def u_of(x):
        for i in (0, 2, 4):
            x = jnp.tanh(linear(p, f"layers.{i}", x))
        return linear(p, "layers.6", x)
    slopes = jax.grad(lambda x: u_of(x).sum())
    u, first = u_of(x), slopes(x)
    second = jax.grad(lambda x: slopes(x)[:, 0].sum())(x)
    residual = first[:, 1:] + u * first[:, :1] - 0.01 * second[:, :1]
    return jnp.mean(residual ** 2) + jnp.mean((u - target) ** 2)


def word_vectors(p, key, x, y, target):
    return binary_cross_entropy((p["other.weight"][y] @ p["word.weight"][x][:, :, None])[:, :, 0], target)


def adam(p, grads, state):
    t, m, v = state
    t = t + 1
    m = {k: 0.9 * m[k] + 0.1 * g for k, g in grads.items()}
    v = {k: 0.999 * v[k] + 0.001 * g * g for k, g in grads.items()}
    rate, scale = 1e-3 / (1 - 0.9 ** t), 1 / jnp.sqrt(1 - 0.999 ** t)
    return {k: p[k] - rate * m[k] / (jnp.sqrt(v[k]) * scale + 1e-8) for k in p}, (t, m, v)


def sgd(lr, momentum=0):
    def update(p, grads, state):
        t, m, v = state
        if momentum:
            grads = m = {k: momentum * m[k] + g for k, g in grads.items()}
        return {k: p[k] - lr * grads[k] for k in p}, (t, m, v)
    return update


MODELS = {
    "lenet": (lenet, sgd(0.01, 0.9)), "vgg": (vgg, adam), "gru": (gru, adam), "lstm": (lstm, adam),
    "transformer_128": (transformer(4), adam), "transformer_256": (transformer(8), adam),
    "mlp_128": (mlp, adam), "mlp_2048": (mlp, adam), "autoencoder": (autoencoder, adam), "pinn": (pinn, adam),
    "word_vectors": (word_vectors, sgd(1)), "logistic": (logistic, sgd(0.1)), "tiny": (tiny, sgd(0.01)),
}


class Training:
    """PyTorch's of the same name, in JAX; dropout only where `noisy`."""

    def __init__(self, name, noisy=True):
        theirs = models.Training(name)
        loss, update = MODELS[name]

        def array(t):
            return jnp.array(t.detach().numpy())

        def step(p, state, key, data):
            key, used = jax.random.split(key)
            value, grads = jax.value_and_grad(loss)(p, used if noisy else None, *data)
            return value, *update(p, grads, state), key

        self.data = tuple(map(array, theirs.data))
        p = {k: array(t) for k, t in theirs.model.named_parameters()}
        zeros = {k: jnp.zeros_like(t) for k, t in p.items()}
        self.state = p, (jnp.array(0.0), zeros, {k: jnp.zeros_like(t) for k, t in p.items()}), jax.random.key(0)
        self.compiled = jax.jit(step, donate_argnums=(0, 1, 2))

    def step(self):
        value, *self.state = self.compiled(*self.state, self.data)
        return value.block_until_ready()


def compare_losses(name):
    theirs, mine = models.Training(name), Training(name, noisy=False)
    if name.startswith("mlp"):
        theirs.model.eval()
    losses = [(float(mine.step()), theirs.step().item()) for _ in range(3)]
    # Adam's first steps are as large for gradients of rounding errors as for others.
    if not all(math.isclose(a, b, rel_tol=tolerance) for (a, b), tolerance in zip(losses, (1e-5, 5e-4, 5e-3))):
        sys.exit(f"{name}: losses of JAX and PyTorch: {losses}")


def measure(name, args):
    training, rounds = Training(name), []
    training.step()
    for _ in range(args.rounds):
        lines = models.ours(args, args.threads, name)
        times = [float(lines[f"{name}/{way}"][0]) for way in ("eager", "captured")]
        rounds.append((*times, seconds_of(training.step) * 1e6))
    eager, captured, theirs = map(statistics.median, zip(*rounds))
    return (f"| {name} | {args.threads} | {eager:.4g} | {captured:.4g} | {theirs:.4g} "
            f"| {theirs / eager:.2f} | {theirs / captured:.2f} |")


parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("models", nargs="*")
arguments = parser.parse_intermixed_args()
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:arguments.threads])  # before JAX looks

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402
import models  # noqa: E402
from bench import seconds_of  # noqa: E402

names = [name for name in MODELS if not arguments.models or name.startswith(tuple(arguments.models))]
for each in names:
    compare_losses(each)
print("| model | threads | eager, us | captured, us | JAX, us | ratio, eager | ratio, captured |\n|---|" + "--:|" * 6)
for each in names:
    print(measure(each, arguments), flush=True)
