#!/usr/bin/env python3
"""The document's example, and the training loop of examples/train.c: three clouds of points in the plane, a
network with one hidden layer, cross-entropy and gradient descent with momentum.

    cmake --build build --target tinygrad_shared
    TINYGRAD_LIBRARY=build/libtinygrad.so python3 examples/python/train.py

It prints what the programs in C print, since the generator and the bits are the same."""
import tinygrad as tg

CLASSES, PER_CLASS, HIDDEN, STEPS = 3, 40, 16, 200


def document():
    """The loss of three rows of outputs for five classes, and its gradient."""
    outputs = tg.randn((3, 5), requires_grad=True)
    loss = tg.cross_entropy(outputs, tg.tensor([1, 0, 3]))
    loss.backward()
    return loss, outputs.grad


def clouds():
    centres = tg.tensor([[[0.0, 2.0]], [[-2.0, -1.0]], [[2.0, -1.0]]])
    points = centres + tg.randn((CLASSES, PER_CLASS, 2))
    labels = [i // PER_CLASS for i in range(CLASSES * PER_CLASS)]
    return points.reshape((-1, 2)), tg.tensor(labels)


class Model:
    def __init__(self):
        self.list = tg.params_new()
        self.hidden = self.list.linear(2, HIDDEN, name="hidden")
        self.out = self.list.linear(HIDDEN, CLASSES, name="out")

    def __call__(self, x):
        return self.out(self.hidden(x).relu())


def train(tape, model, points, labels):
    """The losses of all steps."""
    optim = tg.sgd(model.list.unique(), lr=0.1, momentum=0.9)
    losses = []
    for _ in tape.steps(STEPS):
        loss = tg.cross_entropy(model(points), labels)
        optim.zero_grad()
        loss.backward()
        optim.step()
        losses.append(loss.item())
    return losses


def main():
    with tg.Tape(seed=40431):
        loss, gradient = document()
        print(loss, "is the document's loss. Its gradient:", gradient, sep="\n")
    with tg.Tape(seed=1) as tape:
        points, labels = clouds()
        model = Model()
        losses = train(tape, model, points, labels)
        for step in (1, 50, 100, 150, 200):
            print(f"step {step:3}  loss {losses[step - 1]:.4f}")
        with tape.no_grad():
            right = (model(points).argmax(dim=1) == labels).tolist().count(True)
            print(f"accuracy {right} of {len(labels)}; probabilities at the three centres and between them:")
            print(model(tg.tensor([[0.0, 2.0], [-2.0, -1.0], [2.0, -1.0], [0.0, 0.0]])).softmax(1))


if __name__ == "__main__":
    main()
