"""examples/python/tinygrad.py: beside PyTorch's numbers, and what Python's manners promise. Wants numpy, and
TINYGRAD_LIBRARY; python.sh runs it."""
import gc
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples/python"))
import tinygrad as tg  # noqa: E402
import train  # noqa: E402

GOLDEN = json.loads((ROOT / "tests/golden/python.json").read_text())


class Training(unittest.TestCase):
    def test_document(self):
        with tg.Tape(seed=40431):
            loss, gradient = train.document()
            self.assertAlmostEqual(loss.item(), GOLDEN["loss"], delta=5e-7)
            np.testing.assert_allclose(gradient, GOLDEN["gradient"], atol=1e-7)

    def test_clouds(self):
        with tg.Tape(seed=1) as tape:
            points, labels = train.clouds()
            model = train.Model()
            losses = train.train(tape, model, points, labels)
            np.testing.assert_allclose(losses, GOLDEN["losses"], rtol=1e-5)
            np.testing.assert_allclose(model.out.bias, GOLDEN["out.bias"], rtol=1e-4)


class Tape(unittest.TestCase):
    def setUp(self):
        self.tape = tg.Tape(seed=1)
        self.tape.__enter__()

    def tearDown(self):
        self.tape.__exit__()


class Operators(Tape):
    def test_as_numpy(self):
        a = np.arange(1.0, 7.0).reshape(2, 3)
        b = np.array([[2.0, 0.5, 4.0]])
        x, y = tg.tensor(a), tg.tensor(b)
        for got, want in ((x + y, a + b), (x - y, a - b), (x * y, a * b), (x / y, a / b), (x @ y.T, a @ b.T), (x**y, a**b),
                          (2 + x, 2 + a), (2 - x, 2 - a), (2 * x, 2 * a), (2 / x, 2 / a), (2**x, 2**a), (x**2, a**2),
                          (x // 2, a // 2), (x % 4, a % 4), (-x, -a), (abs(-x), a), (x > 2, a > 2), (x <= y, a <= b),
                          (x == y, a == b), (~(x > 2), ~(a > 2)), ((x > 1) & (x < 5), (a > 1) & (a < 5)), (x + b, a + b),
                          (x - 1, a - 1), (x / 3, a / 3), (1 < x, 1 < a)):
            np.testing.assert_allclose(got.numpy(), want, rtol=1e-15)
            self.assertEqual(got.numpy().dtype, want.dtype)

    def test_index(self):
        a = np.arange(24.0).reshape(2, 3, 4)
        x = tg.tensor(a)
        for at in (0, -1, slice(1, None), (0, 1, 2), (slice(None), 1), (..., 2), (0, ..., slice(0, 3, 2)), None, (1, None, 2),
                   (slice(None), slice(-2, None)), ([1, 0],), (slice(None), [2, 0]), ([0, 1], [1, 2]), a > 5, (0, ..., None)):
            np.testing.assert_array_equal(x[at], a[at])
        x[0, 1] = 5
        x[:, :, 3] = tg.zeros((2, 3), dtype=tg.f64)
        a[0, 1] = 5
        a[:, :, 3] = 0
        np.testing.assert_array_equal(x, a)
        self.assertEqual([row.shape for row in x], [(3, 4), (3, 4)])
        with self.assertRaises(tg.Error):
            x[2]

    def test_dtypes(self):
        for data, dtype in (([1, 2], tg.i64), ([1, 2.5], tg.f32), ([True], tg.bool_), (3, tg.i64), (np.float32(1), tg.f32),
                            (np.array([1], np.int32), tg.i64), (np.array([1], np.uint8), tg.i64), ([], tg.f32)):
            self.assertEqual(tg.tensor(data).dtype, dtype)
        self.assertEqual(tg.tensor([0.1], dtype=tg.f64).item(), 0.1)
        self.assertEqual(tg.tensor([[1, 2], [3, 4]]).tolist(), [[1, 2], [3, 4]])
        self.assertEqual(int(tg.tensor(2**53 + 1)), 2**53 + 1)
        self.assertEqual(np.asarray(tg.zeros((0, 3))).shape, (0, 3))
        with self.assertRaises(ValueError):
            tg.tensor([[1], [2, 3]])
        with self.assertRaisesRegex(tg.Error, "complex"):
            tg.tensor(np.zeros(2, complex))

    def test_reductions(self):
        a = np.arange(6.0).reshape(2, 3)
        x = tg.tensor(a)
        np.testing.assert_array_equal(x.sum(), a.sum())
        np.testing.assert_array_equal(x.sum(dim=1), a.sum(1))
        np.testing.assert_array_equal(x.sum(1, True), a.sum(1, keepdims=True))
        np.testing.assert_array_equal(x.mean(dim=(0, 1)), a.mean())
        np.testing.assert_array_equal(tg.argmax(x, dim=1), a.argmax(1))
        self.assertEqual([p.shape for p in x.split((1, 2), 1)], [(2, 1), (2, 2)])
        self.assertEqual(tg.cat([x, x], 1).shape, (2, 6))


class Views(Tape):
    def test_no_copy(self):
        x = tg.zeros((2, 3))
        self.assertEqual(x.numpy().ctypes.data, tg.lib.tg_f32(x.handle))
        x.numpy(write=True)[0, 1] = 7
        self.assertEqual(x[0, 1].item(), 7)
        with self.assertRaises(ValueError):
            x.numpy()[0, 0] = 1
        array = np.ones((2, 2))
        y = tg.borrow(array)
        array[1, 1] = 3
        self.assertEqual(y.tolist(), [[1, 1], [1, 3]])
        with self.assertRaises(tg.Error):
            tg.borrow(array.T)
        np.testing.assert_array_equal(y.T, array.T)

    def test_a_write_is_noticed(self):
        x = tg.ones((3,), requires_grad=True)
        y = (x * x).sum()
        x.numpy(write=True)[0] = 2
        with self.assertRaisesRegex(tg.Error, "was changed"):
            y.backward()

    def test_outlives_the_tape(self):
        with tg.Tape():
            x = tg.full((1000,), 3)
            view = x.numpy()[10:]
        del x
        gc.collect()
        self.assertEqual(view.sum(), 990 * 3)

    def test_borrowed_memory_is_held(self):
        mark = self.tape.mark()
        x = tg.borrow(np.full((1000,), 3.0))
        gc.collect()
        self.assertEqual(x.sum().item(), 3000)
        self.tape.rewind(mark)
        self.assertEqual(self.tape.kept, [])


class Errors(Tape):
    def test_raised_and_cleared(self):
        with self.assertRaises(tg.Error) as raised:
            tg.zeros((3, 5)) @ tg.zeros((4, 2))
        self.assertEqual(str(raised.exception), "matmul: [3, 5] x [4, 2]: inner sizes 5 and 4 differ")
        self.assertEqual(raised.exception.status, tg.ESHAPE)
        self.assertEqual(tg.lib.tg_error(self.tape.handle), tg.OK)
        self.assertEqual((tg.ones((2,)) + 1).tolist(), [2, 2])

    def test_rewound_and_closed(self):
        mark = self.tape.mark()
        x = tg.ones((2,))
        self.tape.rewind(mark)
        with self.assertRaisesRegex(tg.Error, "rewound away"):
            x + x
        with tg.Tape() as inner:
            y = tg.ones((2,))
        for use in (lambda: y + y, lambda: y.shape, lambda: inner.mark(), y.numpy):
            with self.assertRaisesRegex(tg.Error, "closed"):
                use()
        self.tape.__exit__()
        with self.assertRaisesRegex(tg.Error, "with-block"):
            tg.ones((2,))
        self.tape.__enter__()

    def test_exceptions_do_not_go_through_c(self):
        def fails(_):
            raise KeyError("mine")
        x = tg.ones((2,), requires_grad=True)
        with self.assertRaisesRegex(KeyError, "mine"):
            tg.hook_grad(x, fails).sum().backward()
        with self.assertRaisesRegex(tg.Error, "inner sizes"):
            tg.hook_grad(x, lambda g: tg.ones((2, 3)) @ g).sum().backward()
        tg.hook_grad(x, lambda g: g * 3).sum().backward()
        self.assertEqual(x.grad.tolist(), [3, 3])

    def test_arguments(self):
        x = tg.ones((2, 3))
        with self.assertRaisesRegex(TypeError, "no option smoothing"):
            tg.cross_entropy(x, tg.tensor([0, 1]), smoothing=0.1)
        with self.assertRaisesRegex(TypeError, "lacks"):
            tg.softmax(x)
        with self.assertRaises(AttributeError):
            x.no_such_operation()


class Options(Tape):
    def test_named(self):
        x, t = tg.ones((2, 3)), tg.tensor([0, 1])
        self.assertEqual(tg.cross_entropy(x, t, reduction=tg.NONE).shape, (2,))
        out = tg.conv2d(tg.ones((1, 1, 5, 5)), tg.ones((1, 1, 3, 3)), None, padding=1, stride=(2, 1))
        self.assertEqual(out.shape, (1, 1, 3, 5))
        self.assertEqual(tg.conv1d(tg.ones((1, 1, 5)), tg.ones((1, 1, 3)), padding=1).shape, (1, 1, 5))

    def test_zero_is_zero(self):
        w = tg.ones((1,), requires_grad=True)
        optim = tg.sgd([w], lr=0)
        (w * 3).sum().backward()
        optim.step()
        self.assertEqual(w.item(), 1)
        self.assertEqual(optim.lr(0), 0)
        x = tg.tensor([[1.0, 3.0]])
        self.assertEqual(tg.cross_entropy(x, tg.tensor([0]), label_smoothing=0).item(),
                         tg.cross_entropy(x, tg.tensor([0])).item())
        tg.sgd([w], lr=0.5, momentum=0, dampening=0, weight_decay=0)
        tg.adamw([w], lr=0.5, beta1=0, weight_decay=0)

    def test_structures(self):
        params = tg.params_new()
        lstm = params.nn_lstm(3, 4, name="lstm", how={"batch_first": True, "layers": 2})
        out, h, c = tg.nn_apply_lstm(tg.ones((5, 7, 3)), lstm, True)
        self.assertEqual((out.shape, h.shape, c.shape), ((5, 7, 4), (2, 5, 4), (2, 5, 4)))
        norm = params.nn_batch_norm(3, name="norm")
        norm(tg.randn((5, 3)), True)
        self.assertEqual(norm.num_batches_tracked.item(), 1)
        self.assertEqual(params.name(0), "lstm.weight_ih_l0")

    def test_capture(self):
        w = tg.ones((1,), requires_grad=True)
        optim = tg.sgd([w], lr=0.25)
        step = self.tape.mark() and tg.capture_begin()
        loss = (w * w).sum()
        optim.zero_grad()
        loss.backward()
        optim.step()
        step.end()
        for _ in range(3):
            step.replay()
        self.assertEqual((w.item(), loss.item()), (0.0625, 0.015625))

    def test_second_derivatives(self):
        x = tg.tensor([2.0], dtype=tg.f64, requires_grad=True)
        (g,) = tg.gradients((x**3).sum(), [x], create_graph=True)
        (h,) = tg.gradients(g.sum(), [x])
        self.assertEqual((g.item(), h.item()), (12, 12))
        tg.gradcheck(lambda a: (a * a).sin(), [x])

    def test_reports(self):
        start = self.tape.mark()
        tg.ones((2,), requires_grad=True).relu()
        self.assertIn("relu", self.tape.dot(start))
        self.assertIn("relu", self.tape.memory_report())

    def test_files(self):
        if not tg._function("tg_save_safetensors"):
            self.skipTest("tinygrad-io was not built")
        params = tg.params_new()
        params.linear(2, 3, name="fc")
        with tempfile.TemporaryDirectory() as work:
            path = os.path.join(work, "model.safetensors")
            tg.save_safetensors(path, params)
            self.assertEqual(tg.read_safetensors(path).name(1), "fc.bias")

    def test_every_function_has_a_form(self):
        """By rule or by hand, but for those whose work Python does otherwise."""
        left = {name for name in tg.c.FUNCTIONS if not tg._function(name) and name[3:] not in tg._OVERRIDES}
        if not tg._function("tg_save_npy"):
            left = {name for name in left if tg.c.FUNCTIONS[name][0] == "tinygrad"}
        self.assertEqual(left - tg._BY_HAND, {
            "tg_error_print", "tg_batches_indices", "tg_params_name_of", "tg_params_tensors", "tg_lr_plateau", "tg_print",
            "tg_write_dot", "tg_write_dot_with", "tg_memory_holders", "tg_print_memory", "tg_room_alloc", "tg_room_free",
            "tg_memory_needed", "tg_profile", "tg_print_profile",
            "tg_check_inputs", "tg_apply", "tg_node_outs", "tg_needs_grad", "tg_out_data", "tg_load_checkpoint"} & left)
        self.assertIn("PyTorch's rules", tg.matmul.__doc__)


if __name__ == "__main__":
    unittest.main()
