#!/usr/bin/env python3
"""What PyTorch says to each of the classic mistakes of ../test_mistakes.c.

    python3 mistakes.py                          (torch 2.13.0+cpu) name and answer, one a line
    python3 mistakes.py ../../src/doc/mistakes.md     writes them into the last column of that page
"""
import os
import re
import signal
import sys
import time
import warnings
import weakref

import torch
import torch.nn.functional as F
from torch import nn

inf = float("inf")
answers = {}


def mistake(function):
    answers[function.__name__] = function
    return function


def leaf(a, b):
    return torch.tensor([float(a), float(b)], requires_grad=True)


def scores():
    return torch.tensor([[1.0, 2, 3], [3, 2, 1]], requires_grad=True)


def labels(a, b):
    return torch.tensor([a, b])


def value(x):
    return f"{x.item() if isinstance(x, torch.Tensor) else x:.4g}"


# --- the training loop ---


@mistake
def zero_grad_forgotten():
    w = leaf(1, 2)
    for _ in range(2):
        w.square().sum().backward()
    return f"the same: {value(w.grad[0])}"


@mistake
def zero_grad_before_the_step():
    w = leaf(1, 2)
    optim = torch.optim.SGD([w])
    w.square().sum().backward()
    optim.zero_grad()
    optim.step()
    return f"the same: {value(w[0])}"


@mistake
def backward_forgotten():
    w = leaf(1, 2)
    torch.optim.SGD([w]).step()
    return f"the same: {value(w[0])}"


@mistake
def backward_twice():
    loss = leaf(1, 2).square().sum()
    loss.backward()
    loss.backward()


@mistake
def requires_grad_forgotten():
    torch.ones(2).square().sum().backward()


@mistake
def gradient_before_backward():
    leaf(1, 2).grad.sum()


@mistake
def gradient_of_a_result():
    y = leaf(1, 2).square()
    y.sum().backward()
    return f"{y.grad}"


@mistake
def backward_of_many_values():
    leaf(1, 2).square().backward()


@mistake
def sum_instead_of_mean():
    w = leaf(1, 2)
    F.mse_loss(w, torch.zeros(2), reduction="sum").backward()
    return f"the same: {value(w.grad[0])}"


@mistake
def loss_detached():
    leaf(1, 2).sum().detach().backward()


@mistake
def loss_from_its_value():
    torch.tensor(leaf(1, 2).sum().item()).backward()


@mistake
def accuracy_as_the_loss():
    (scores().argmax(1) == labels(2, 0)).float().mean().backward()


@mistake
def gradients_left_disabled():
    w = leaf(1, 2)
    with torch.no_grad():
        loss = w.square().sum()
    loss.backward()


@mistake
def evaluation_with_gradients_enabled():
    return f"the same: {type(leaf(1, 2).square().grad_fn).__name__} is kept"


@mistake
def dropout_left_in_training():
    torch.manual_seed(1)
    x = torch.ones(100)
    assert F.dropout(x).sum() != F.dropout(x).sum()
    return "the same"


@mistake
def seed_forgotten():
    import subprocess
    program = "import torch; print(torch.rand(()).item())"
    a, b = (subprocess.check_output([sys.executable, "-c", program]) for _ in range(2))
    return "the same numbers in each run" if a == b else "other numbers in each run"


@mistake
def seed_in_the_loop():
    drawn = [torch.manual_seed(1) and torch.rand(()) for _ in range(2)]
    assert drawn[0] == drawn[1]
    return "the same"


@mistake
def second_gradient_without_a_graph():
    w = leaf(1, 2)
    w.square().sum().backward()
    w.grad.square().sum().backward()


# --- optimisers ---


@mistake
def optimiser_over_a_result():
    torch.optim.SGD([leaf(1, 2) * 0.1])


@mistake
def optimiser_over_nothing():
    torch.optim.Adam([])


@mistake
def parameter_listed_twice():
    w = leaf(1, 2)
    torch.optim.SGD([w, w])


@mistake
def parameter_replaced():
    w = leaf(1, 2)
    optim = torch.optim.SGD([w])
    w = leaf(5, 6)
    w.square().sum().backward()
    optim.step()
    return f"the same: {value(w[0])}"


@mistake
def weight_updated_into_a_result():
    w = leaf(1, 2)
    w.square().sum().backward()
    w = w - 0.1 * w.grad
    w.square().sum().backward()
    return f"{w.grad}"


@mistake
def rate_negative():
    torch.optim.SGD([leaf(1, 2)], lr=-0.1)


@mistake
def rate_nan():
    torch.optim.SGD([leaf(1, 2)], lr=float("nan"))


def after_step(**options):
    w = leaf(1, 2)
    optim = torch.optim.SGD([w], **options)
    w.square().sum().backward()
    optim.step()
    return value(w[0])


@mistake
def rate_infinite():
    return f"allowed; the weight becomes {after_step(lr=inf)}"


@mistake
def rate_of_zero_in_options():
    return f"0 is 0: the weight stays {after_step(lr=0)}"


@mistake
def clipped_before_backward():
    return f"the same: {value(nn.utils.clip_grad_norm_([leaf(1, 2)], 0.1))}"


@mistake
def tied_weight_clipped_twice():
    w = leaf(1, 2)
    (w * torch.tensor([3.0, 4.0])).sum().backward()
    norm = nn.utils.clip_grad_norm_([w, w], 1)
    return f"counted twice: norm {value(norm)}, and {value(w.grad.norm())} is left"


@mistake
def name_listed_twice():
    module = nn.Module()
    module.weight = nn.Parameter(torch.ones(2))
    module.weight = nn.Parameter(torch.zeros(2))
    return f"the second takes the place of the first: {value(list(module.parameters())[0][0])}"


# --- losses ---


@mistake
def softmax_before_cross_entropy():
    sure = torch.tensor([[100.0, 0], [0, 100]])
    return f"the same: {value(F.cross_entropy(sure.softmax(1), labels(0, 1)))}"


@mistake
def probabilities_in_nll_loss():
    return f"the same: {value(F.nll_loss(scores().softmax(1), labels(2, 0)))}"


@mistake
def log_of_softmax():
    x = leaf(0, 200)
    x.softmax(0).log().sum().backward()
    return f"the same: {value(x.grad[0])}"


@mistake
def targets_as_floats():
    F.cross_entropy(scores(), torch.zeros(2))


@mistake
def targets_one_hot_as_integers():
    F.cross_entropy(scores(), torch.ones(2, 3, dtype=torch.int64))


@mistake
def targets_as_a_column():
    F.cross_entropy(scores(), labels(0, 1).reshape(2, 1))


@mistake
def targets_counted_from_1():
    F.cross_entropy(scores(), labels(1, 3))


@mistake
def target_minus_1_for_nothing():
    F.cross_entropy(scores(), labels(1, -1))


@mistake
def all_targets_ignored():
    return f"the same: {value(F.cross_entropy(scores(), labels(-100, -100)))}"


@mistake
def classes_in_the_last_dim():
    F.cross_entropy(torch.zeros(2, 4, 5), torch.zeros(2, 4, dtype=torch.int64))


@mistake
def class_weights_of_another_size():
    F.cross_entropy(scores(), labels(0, 1), torch.ones(2))


@mistake
def label_smoothing_in_percent():
    F.cross_entropy(scores(), labels(0, 1), label_smoothing=10)


@mistake
def mse_of_a_column_and_a_row():
    return f"a mean over {F.mse_loss(torch.ones(2, 1), torch.ones(2), reduction='none').numel()}"


@mistake
def mse_of_integers():
    return f"allowed: {value(F.mse_loss(leaf(1, 2), labels(1, 2)))}"


@mistake
def bce_of_logits():
    F.binary_cross_entropy(leaf(1, 2), torch.ones(2))


@mistake
def bce_of_integer_targets():
    return f"allowed: {value(F.binary_cross_entropy_with_logits(leaf(1, 2), labels(0, 1)))}"


@mistake
def bce_of_two_outputs_for_one_target():
    F.binary_cross_entropy_with_logits(scores(), torch.ones(2))


@mistake
def kl_div_of_probabilities():
    p = scores().softmax(1)
    return f"the same: {value(F.kl_div(p, p, reduction='sum'))}"


@mistake
def mean_of_nothing():
    return f"the same: {value(torch.zeros(0).mean())}"


# --- shapes and dtypes ---


@mistake
def dim_that_is_not_there():
    scores().softmax(2)


@mistake
def softmax_over_the_batch():
    return f"the same: columns sum to {value(scores().softmax(0).sum(0)[0])}"


@mistake
def sizes_that_do_not_match():
    scores() @ torch.ones(5, 4).T


@mistake
def linear_weight_transposed():
    F.linear(scores(), torch.ones(3, 5))


@mistake
def column_plus_row():
    return f"the same: {(torch.ones(3, 1) + torch.ones(3)).numel()} elements"


@mistake
def reshape_for_transpose():
    x = scores()
    return f"the same: {value(x.reshape(3, 2)[0, 1])}, not {value(x.T[0, 1])}"


@mistake
def reshape_to_another_count():
    scores().reshape(4, 2)


@mistake
def cat_of_other_sizes():
    torch.cat([scores(), torch.ones(3, 2)])


@mistake
def image_without_channels():
    F.conv2d(torch.ones(8, 28, 28), torch.ones(4, 1, 3, 3))


@mistake
def two_float_dtypes():
    scores() @ torch.ones(3, 2, dtype=torch.float64)


@mistake
def integers_into_a_layer():
    F.linear(torch.ones(2, 3, dtype=torch.int64), scores())


@mistake
def gradient_of_integers():
    torch.zeros(3, dtype=torch.int64, requires_grad=True)


@mistake
def mean_of_integers():
    labels(1, 2).mean()


@mistake
def division_of_integers():
    return f"the same: {value((labels(1, 2) / 2)[0])}"


@mistake
def mask_as_floats():
    leaf(1, 2).masked_fill(torch.ones(2), -inf)


@mistake
def item_of_many_values():
    leaf(1, 2).item()


@mistake
def data_of_another_dtype():
    return "`data_ptr()` has no type"


@mistake
def index_out_of_range():
    F.embedding(labels(1, 2), scores())


@mistake
def index_as_floats():
    F.embedding(torch.zeros(2), scores())


# --- layers ---


@mistake
def batch_norm_evaluated_without_statistics():
    F.batch_norm(scores(), None, None)


@mistake
def batch_norm_trained_on_one_sample():
    F.batch_norm(torch.ones(1, 3), None, None, training=True)


@mistake
def row_masked_as_a_whole():
    x = scores().masked_fill(torch.ones(2, 3, dtype=torch.bool), -inf)
    return f"the same: {value(x.softmax(1)[0, 0])}"


@mistake
def causal_and_a_mask():
    q = torch.ones(1, 1, 2, 4)
    mask = torch.ones(2, 2, dtype=torch.bool)
    F.scaled_dot_product_attention(q, q, q, attn_mask=mask, is_causal=True)


@mistake
def dropout_in_percent():
    F.dropout(scores(), 50)


# --- writing in place ---


@mistake
def write_to_what_backward_reads():
    w, x = leaf(1, 2), torch.ones(2)
    y = w * x
    x.fill_(7)
    y.sum().backward()


@mistake
def write_through_a_pointer():
    w, x = leaf(1, 2), torch.ones(2)
    y = w * x
    x.numpy()[0] = 7
    y.sum().backward()
    return f"silent (`numpy()`, `.data`): the gradient is {value(w.grad[0])}"


@mistake
def write_to_lent_memory_without_a_word():
    data = torch.ones(2).numpy()
    w, x = leaf(1, 2), torch.from_numpy(data)
    y = w * x
    data[0] = 7
    y.sum().backward()
    return f"the same: {value(w.grad[0])}"


@mistake
def write_to_a_leaf():
    w = leaf(1, 2)
    w -= 0.1


@mistake
def write_to_an_expanded_tensor():
    torch.zeros(3, 1).expand(3, 4).add_(1)


@mistake
def write_to_a_view():
    x = torch.zeros(2, 3)
    x[0].fill_(5)
    return f"the same: {value(x[0, 0])}"


# --- the tape, captures, checkpoints, batches; "–": without a counterpart ---


@mistake
def loop_without_a_rewind():
    w = leaf(1, 2)
    result = w.square()
    kept = weakref.ref(result)
    del result
    return "kept" if kept() is not None else "a graph goes with the last reference to its result"


@mistake
def tensor_after_a_rewind():
    total = 0
    for _ in range(100):
        total = total + leaf(1, 2).sum()
    depth, node = 0, total.grad_fn
    while node.next_functions:
        depth, node = depth + 1, node.next_functions[0][0]
    return f"a sum of 100 losses keeps a graph {depth} deep"


@mistake
def weight_made_after_the_mark():
    return "a weight made in the loop is a new one each time"


@mistake
def optimiser_made_after_the_mark():
    return "an optimiser made in the loop forgets its state"


@mistake
def mark_after_a_rewind():
    return "–"


@mistake
def tensors_of_two_tapes():
    leaf(1, 2) + torch.ones(2, device="meta")


@mistake
def mark_of_another_tape():
    return "–"


@mistake
def tape_that_is_null():
    return "–"


@mistake
def tensor_that_is_null():
    leaf(1, 2) + None


@mistake
def error_not_looked_at():
    return "an exception cannot be overlooked"


@mistake
def tape_used_after_a_fork():
    torch.set_num_threads(2)
    torch.ones(1 << 20).exp().sum()
    child = os.fork()
    if child == 0:
        torch.ones(1 << 20).exp().sum()
        os._exit(0)
    for _ in range(50):
        if os.waitpid(child, os.WNOHANG)[0]:
            return "the child may use what its parent made"
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "the child hangs where its parent has used threads"


@mistake
def data_copied_in_during_a_capture():
    data = [1.0]
    traced = torch.jit.trace(lambda x: x + torch.tensor(data), torch.ones(1))
    data[0] = 5.0
    return f"`torch.jit.trace`: a constant from then on: {value(traced(torch.ones(1)))}"


@mistake
def capture_replayed_before_its_end():
    return "–"


@mistake
def capture_ended_after_an_error():
    torch.jit.trace(lambda x: x @ x, scores())


@mistake
def decision_captured():
    traced = torch.jit.trace(lambda x: x * 2 if x > 0 else -x, torch.ones(()))
    return f"`torch.jit.trace`: the same: {value(traced(-torch.ones(())))}"


@mistake
def backward_after_a_replay_of_it():
    return "–"


@mistake
def checkpoint_of_a_checkpoint():
    from torch.utils.checkpoint import checkpoint
    w = leaf(1, 2)
    once = lambda w: checkpoint(torch.exp, w, use_reentrant=False)
    checkpoint(lambda w: once(once(w)), w, use_reentrant=False).sum().backward()
    return "checkpoints may be nested"


@mistake
def write_before_a_checkpoint():
    from torch.utils.checkpoint import checkpoint
    w, x = leaf(1, 2), torch.ones(2)
    y = checkpoint(lambda w: w * x, w, use_reentrant=False)
    x.fill_(2)
    y.sum().backward()
    return f"silent: computed again from the new data, {value(w.grad[0])}"


@mistake
def released_result_looked_at():
    return "–"


@mistake
def batches_never_started():
    next(torch.utils.data.DataLoader(range(10), 5))


@mistake
def batch_larger_than_its_tensor():
    torch.zeros(4).copy_(torch.ones(5))


@mistake
def batch_that_is_short():
    sizes = [len(b) for b in torch.utils.data.DataLoader(range(3), 2)]
    return f"the last batch is a smaller tensor: {sizes}"


@mistake
def batch_indices_kept():
    return "each batch is a tensor of its own"


@mistake
def labels_of_another_type():
    classes = torch.tensor([1, 2, 0, 1], dtype=torch.int32)
    return f"a tensor has its dtype; `view(int64)`: {value(classes.view(torch.int64)[0])}"


def short(text, most=90):
    text = re.sub(r"\s+", " ", str(text)).strip()
    text = re.split(r"(?<=[a-z)\]0-9\"'])[.;:] (?=[A-Z])", text)[0].rstrip(".")
    text = text if len(text) <= most else text[: most - 4].rsplit(" ", 1)[0] + " ..."
    return text.replace("|", "\\|").replace("<", "&lt;").replace("@", "\\@").replace("#", "\\#")


def answer(function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            text = function() or ("allowed" if caught else "allowed, silent")
        except Exception as error:
            return f"{type(error).__name__}: {short(error)}"
    return text + "".join(f"; {w.category.__name__}: {short(w.message)}" for w in caught[:1])


def main():
    texts = {name: answer(function) for name, function in answers.items()}
    if len(sys.argv) == 1:
        for name, text in texts.items():
            print(name, "|", text)
        return
    with open(sys.argv[1], encoding="utf-8") as page:
        lines = page.read().split("\n")
    for i, line in enumerate(lines):
        row = re.match(r"(\| `(\w+)` \|.*\|.*\|)", line)
        if row:
            cells = line.split(" | ")
            lines[i] = " | ".join(cells[:3]) + f" | {texts[row.group(2)]} |"
    with open(sys.argv[1], "w", encoding="utf-8") as page:
        page.write("\n".join(lines))


main()
