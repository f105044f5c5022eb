"""Reads with numpy, safetensors and PyTorch what this library writes; not part of ctest.

    pip install numpy safetensors torch
    build/release/tests/io_write_all DIR && python3 tests/io/check_python.py DIR
"""
import glob
import os
import sys

import numpy
import safetensors.numpy
import safetensors.torch
import torch
from safetensors import safe_open

where = sys.argv[1]
path = os.path.join(where, "all.safetensors")
arrays = safetensors.numpy.load_file(path)
tensors = safetensors.torch.load_file(path)
stored, deflated = (numpy.load(os.path.join(where, name + ".npz")) for name in ("stored", "deflated"))
narrow = safetensors.torch.load_file(os.path.join(where, "bf16.safetensors"))
files = sorted(glob.glob(os.path.join(where, "*.npy")))
assert len(files) == len(arrays) == len(tensors) == 28, (len(files), len(arrays), len(tensors))


def wanted(dtype, kind):
    """What make_kind() of kinds.h makes."""
    def plain(*shape):
        i = numpy.arange(int(numpy.prod(shape)), dtype=numpy.int64)
        values = {"f": i / 2 - 3, "i": 1000003 * i - 7, "b": i % 3 == 0}[numpy.dtype(dtype).kind]
        return values.astype(dtype).reshape(shape)
    return [plain(), plain(2, 0, 3), plain(1), plain(3, 4, 2), plain(3, 4, 2).transpose(2, 1, 0),
            plain(3, 4, 2)[:, 1:3], numpy.broadcast_to(plain(1, 5), (3, 5))][kind]


for file in files:
    name = os.path.basename(file)[:-4]
    dtype = ["<f4", "<f8", "<i8", "|b1"][int(name[5])]
    right = wanted(dtype, int(name[11]))
    if dtype in ("<f4", "<f8"):
        assert torch.equal(narrow[name], tensors[name].bfloat16()), name
    for got in numpy.load(file), arrays[name], tensors[name].numpy(), stored[name], deflated[name]:
        assert got.dtype == right.dtype and got.shape == right.shape, name
        assert got.tobytes() == right.tobytes(), name
with safe_open(path, "pt") as f:
    assert f.metadata() == {"format": "pt", "author": "Grüße \"q\"\n"}, f.metadata()
for version, numpy_version in (("torch", torch.__version__), ("numpy", numpy.__version__),
                               ("safetensors", safetensors.__version__)):
    print(version, numpy_version)
print(len(files), "tensors of each kind are read alike")
