"""Writes golden/*: files from numpy and from Python's safetensors, which test_io.c reads.

    pip install numpy safetensors; python3 make_golden.py

Element i of an array, in row-major order, is i / 2 - 3 (floats), 1000003 i - 7 (integers), or
whether i is a multiple of 3 (bools).
"""
import warnings

import numpy
from safetensors.numpy import save_file

warnings.simplefilter("ignore")  # numpy tells that versions 2.0 and 3.0 are newer than most need


def array(dtype, *shape):
    i = numpy.arange(int(numpy.prod(shape)), dtype=numpy.int64)
    values = {"f": i / 2 - 3, "i": 1000003 * i - 7, "b": i % 3 == 0}[numpy.dtype(dtype).kind]
    return values.astype(dtype).reshape(shape)


def narrow(dtype, *shape):
    """The same, but 5 i - 7 (integers; 5 i without a sign): they fit everywhere."""
    kind = numpy.dtype(dtype).kind
    i = numpy.arange(int(numpy.prod(shape)), dtype=numpy.int64)
    return {"f": i / 2 - 3, "i": 5 * i - 7, "u": 5 * i}[kind].astype(dtype).reshape(shape)


def npy(name, a, version=(1, 0)):
    with open("golden/%s.npy" % name, "wb") as file:
        numpy.lib.format.write_array(file, a, version=version)


for name, dtype in ("f32", "<f4"), ("f64", "<f8"), ("i64", "<i8"), ("bool", "|b1"):
    npy(name + "_2x3x4", array(dtype, 2, 3, 4))
    npy(name + "_2x3x4_fortran", numpy.asfortranarray(array(dtype, 2, 3, 4)))
    npy(name + "_scalar", array(dtype))
    npy(name + "_empty", array(dtype, 0, 3))
npy("f32_empty_fortran", numpy.asfortranarray(array("<f4", 3, 0, 2)))
npy("f32_5_version2", array("<f4", 5), (2, 0))
npy("f64_4x3_fortran_version3", numpy.asfortranarray(array("<f8", 4, 3)), (3, 0))
npy("i64_16_dims", array("<i8", 1, 2, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 3, 1))

for name in "<f2", "<i4", "<i2", "|i1", "<u4", "<u2", "|u1":
    npy(name[1:] + "_3x2_fortran", numpy.asfortranarray(narrow(name, 3, 2)))
save_file({name[1:]: narrow(name, 7) for name in ("<f2", "<i4", "<i2", "|i1", "<u4", "<u2", "|u1")},
          "golden/narrow.safetensors")

save_file({"bias": array("<f4", 3), "truth": array("|b1", 7), "weight": array("<f8", 2, 3),
           "index": array("<i8", 2, 1, 2), "scalar": array("<f4"), "nothing": array("<f8", 0, 5),
           "name with \"ü\"": array("<f4", 2)},
          "golden/numpy.safetensors", {"format": "np", "author": "Grüße \"q\"\n"})
save_file({"a": array("<f4", 2, 2)}, "golden/plain.safetensors")

# Archives: stored, deflated, as numpy.savez and numpy.savez_compressed write them.
arrays = {"weight": array("<f8", 2, 3), "layer/bias": array("<f4", 3), "index": narrow("<i2", 7),
          "fortran": numpy.asfortranarray(array("<i8", 2, 3, 4)), "nothing": array("<f4", 0, 5),
          "scalar": array("|b1"), "large": numpy.zeros((10, 20), "<f4"), "name with \"ü\"": array("<f4", 2)}
numpy.savez("golden/stored.npz", **arrays)
numpy.savez_compressed("golden/deflated.npz", **arrays)
