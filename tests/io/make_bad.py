"""Writes bad/*, files that must be refused, and bad.inc, what each error must say.

    python3 make_bad.py
"""
import json
import os
import struct

rows = []


def bad(name, data, status, part):
    rows.append((name, status, part))
    with open(os.path.join("bad", name), "wb") as file:
        file.write(data)


# -- safetensors ----------------------------------------------------------------------------------

def raw(name, header, data=b"", status="TG_EIO", part="", length=None):
    if isinstance(header, str):
        header = header.encode()
    size = len(header) if length is None else length
    bad(name + ".safetensors", struct.pack("<Q", size) + header + data, status, part)


def tensors(name, entries, data, status, part):
    raw(name, json.dumps(entries), data, status, part)


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


F4 = b"\0\0\x80?"
good = entry("F32", [1], 0, 4)

bad("empty.safetensors", b"", "TG_EIO", "0 bytes are too few")
bad("seven_bytes.safetensors", b"\2\0\0\0\0\0\0", "TG_EIO", "7 bytes are too few")
raw("no_header", "", part="byte 8: the header is no JSON object")
raw("length_past_end", "{}", part="has 3 bytes, but only 2 are left", length=3)
raw("length_huge", "{}", part="at most 100000000 are allowed", length=2**64 - 1)
raw("length_wraps", "{}", part="at most 100000000 are allowed", length=2**64 - 8)
raw("length_over_limit", "{}", part="has 100000001 bytes, at most", length=100000001)
raw("length_cuts_json", '{"a":1}', part="is not JSON", length=3)
raw("array", "[]", part="byte 8: the header is no JSON object")
raw("space_first", " {}", part="byte 8: the header is no JSON object")
raw("not_json", "{a}", part="is not JSON: \"string or '}' expected near 'a'\"")
raw("trailing_comma", '{"a":1,}', part="is not JSON")
raw("trailing_text", "{} x", part="is not JSON: \"end of file expected near 'x'\"")
raw("nul_padding", b"{}\0\0", part="is not JSON")
raw("unfinished", '{"a": {"dtype": "F32"', part="is not JSON")
raw("deep_nesting", '{"a":' + "[" * 5000 + "]" * 5000 + "}", part="nested too deep")
raw("not_utf8", b'{"\xff": 1}', part="unable to decode byte 0xff")
raw("nul_in_name", '{"a\\u0000b": 1}', part="NUL byte in object key")
raw("name_twice", '{"a":%s,"a":%s}' % (json.dumps(good), json.dumps(good)), F4,
    part="duplicate object key")
raw("field_twice", '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', F4,
    part="duplicate object key")
raw("number_overflows", '{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}',
    F4, part="too big integer")
tensors("entry_number", {"a": 3}, b"", "TG_EIO", 'tensor "a": not an object of dtype')
tensors("no_dtype", {"a": {"shape": [1], "data_offsets": [0, 4]}}, F4, "TG_EIO",
        'tensor "a": not an object of dtype')
tensors("no_shape", {"a": {"dtype": "F32", "data_offsets": [0, 4]}}, F4, "TG_EIO",
        'tensor "a": not an object of dtype')
tensors("no_offsets", {"a": {"dtype": "F32", "shape": [1]}}, F4, "TG_EIO",
        'tensor "a": not an object of dtype')
tensors("extra_field", {"a": dict(good, extra=1)}, F4, "TG_EIO",
        'tensor "a": not an object of dtype')
tensors("dtype_number", {"a": entry(32, [1], 0, 4)}, F4, "TG_EIO", "dtype is no text")
for dtype, size in [("U64", 8), ("F8_E4M3", 1), ("C64", 8)]:
    tensors("dtype_" + dtype, {"w": entry(dtype, [1], 0, size)}, bytes(size), "TG_EDTYPE",
            'tensor "w": dtype "%s"; F16' % dtype)
tensors("data_narrow", {"a": entry("F16", [3], 0, 12)}, F4 * 3, "TG_EIO",
        "12 bytes of data, but its shape has 6")
tensors("dtype_small_letters", {"a": entry("f32", [1], 0, 4)}, F4, "TG_EDTYPE", 'dtype "f32"')
tensors("shape_number", {"a": entry("F32", 1, 0, 4)}, F4, "TG_EIO", "shape is no array")
tensors("shape_negative", {"a": entry("F32", [-1], 0, 4)}, F4, "TG_EIO",
        "shape[0] is no integer >= 0")
tensors("shape_two_negative", {"a": entry("F32", [-1, -1], 0, 4)}, F4, "TG_EIO",
        "shape[0] is no integer >= 0")
tensors("shape_real", {"a": entry("F32", [1.0], 0, 4)}, F4, "TG_EIO",
        "shape[0] is no integer >= 0")
tensors("shape_text", {"a": entry("F32", [1, "1"], 0, 4)}, F4, "TG_EIO",
        "shape[1] is no integer >= 0")
tensors("shape_overflows", {"a": entry("F32", [2**32, 2**32], 0, 0)}, b"", "TG_EIO",
        "the product of the sizes overflows")
tensors("shape_bytes_overflow", {"a": entry("F64", [2**61], 0, 0)}, b"", "TG_EIO",
        "the product of the sizes overflows")
tensors("shape_overflows_empty", {"a": entry("F32", [0, 2**40, 2**40], 0, 0)}, b"", "TG_EIO",
        "the product of the sizes overflows")
tensors("dims_17", {"a": entry("F32", [1] * 17, 0, 4)}, F4, "TG_ESHAPE", "17 dims, at most 16")
tensors("offsets_number", {"a": {"dtype": "F32", "shape": [1], "data_offsets": 4}}, F4, "TG_EIO",
        "data_offsets is no array of two")
tensors("offsets_three", {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 4]}}, F4,
        "TG_EIO", "data_offsets is no array of two")
tensors("offsets_negative", {"a": entry("F32", [1], -4, 0)}, F4, "TG_EIO",
        "data_offsets[0] is no integer >= 0")
tensors("offsets_reversed", {"a": entry("F32", [1], 4, 0)}, F4, "TG_EIO",
        "data_offsets 4 to 0 of 4 bytes")
tensors("offsets_past_end", {"a": entry("F32", [2], 0, 8)}, F4, "TG_EIO",
        "data_offsets 0 to 8 of 4 bytes")
tensors("offsets_huge", {"a": entry("F32", [1], 2**63 - 5, 2**63 - 1)}, F4, "TG_EIO",
        "of 4 bytes")
tensors("data_short", {"a": entry("F32", [2], 0, 4)}, F4, "TG_EIO",
        "4 bytes of data, but its shape has 8")
tensors("data_long", {"a": entry("F32", [1], 0, 8)}, F4 * 2, "TG_EIO",
        "8 bytes of data, but its shape has 4")
tensors("gap_first", {"a": entry("F32", [1], 4, 8)}, F4 * 2, "TG_EIO", "belong to no tensor")
tensors("gap", {"a": good, "b": entry("F32", [1], 8, 12)}, F4 * 3, "TG_EIO",
        "belong to no tensor")
tensors("gap_last", {"a": good}, F4 * 2, "TG_EIO", "belong to no tensor")
tensors("data_without_tensors", {}, F4, "TG_EIO", "belong to no tensor")
tensors("overlap", {"a": entry("F32", [2], 0, 8), "b": entry("F32", [2], 4, 12)}, F4 * 3,
        "TG_EIO", "overlap at byte")
tensors("overlap_same", {"a": good, "b": good}, F4, "TG_EIO", "overlap at byte")
tensors("bool_2", {"a": entry("BOOL", [3], 0, 3)}, b"\0\1\2", "TG_EIO", "a bool of 2, wanted 0 or 1")
tensors("metadata_array", {"__metadata__": []}, b"", "TG_EIO", "__metadata__ is no object")
tensors("metadata_number", {"__metadata__": {"step": 3}}, b"", "TG_EIO", '"step" is no text')
tensors("name_empty", {"": good}, F4, "TG_EVALUE", "an empty name")
tensors("name_strange", {"\n\x1b" + "ü" * 60: entry("F32", [1], 0, 0)}, F4, "TG_EIO", 'tensor "??üü')

# -- npy ------------------------------------------------------------------------------------------


def npy(name, literal, data=b"", status="TG_EIO", part="", version=(1, 0), length=None):
    header = literal.encode("latin1") + b"\n"
    size = len(header) if length is None else length
    packed = struct.pack("<H" if version[0] == 1 else "<I", size)
    bad(name + ".npy", b"\x93NUMPY" + bytes(version) + packed + header + data, status, part)


def fields(descr="'<f4'", order="False", shape="(1,)"):
    return "{'descr': %s, 'fortran_order': %s, 'shape': %s, }" % (descr, order, shape)


bad("empty.npy", b"", "TG_EIO", "0 bytes are too few")
bad("nine_bytes.npy", b"\x93NUMPY\1\0\0", "TG_EIO", "9 bytes are too few")
bad("eleven_bytes.npy", b"\x93NUMPY\2\0\0\0\0", "TG_EIO", "11 bytes are too few")
bad("not_npy.npy", b"PK\3\4" + bytes(60), "TG_EIO", "not an npy file")
npy("version_4", fields(), F4, part="version 4.0", version=(4, 0))
npy("version_1_1", fields(), F4, part="version 1.1", version=(1, 1))
npy("version_0", fields(), F4, part="version 0.0", version=(0, 0))
npy("length_past_end", fields(), part="has 65535 bytes, but only", length=65535)
npy("length_huge", fields(), part="has 4294967295 bytes, but only", version=(2, 0), length=2**32 - 1)
npy("length_cuts_dict", fields(), F4, part="header: ", length=20)
npy("no_dict", "", F4, part="'{' expected")
npy("unfinished", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", F4, part="',' expected")
npy("code", "__import__('os')", F4, part="byte 10 of the header: '{' expected")
npy("lacks_order", "{'descr': '<f4', 'shape': (1,)}", F4, part="the header lacks")
npy("empty_dict", "{}", F4, part="the header lacks")
npy("field_twice", "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", F4,
    part='field "descr" twice')
npy("unknown_field", fields()[:-1] + "'x': 1}", F4, part='unknown field "x"')
npy("long_field", "{'" + "d" * 1000 + "': 1}", F4, part="a text longer than any")
npy("nul_in_text", fields("'<f4\0'"), F4, part="a NUL in the text")
npy("no_comma", "{'descr': '<f4' 'fortran_order': False}", F4, part="',' expected")
npy("more_behind", fields() + " 3", F4, part="more than a dict")
npy("big_endian", fields("'>f4'"), F4, "TG_EDTYPE", 'dtype ">f4"')
npy("structured", fields("[('a', '<f4')]"), F4, "TG_EDTYPE", "a structured dtype")
npy("object", fields("'|O'"), F4, "TG_EDTYPE", 'dtype "|O"')
npy("uint64", fields("'<u8'"), F4 * 2, "TG_EDTYPE", 'dtype "<u8"')
npy("half_long", fields("'<f2'"), F4, part="4 bytes of data, but [1] has 2")
npy("text", fields("'<U1'"), F4, "TG_EDTYPE", 'dtype "<U1"')
npy("dtype_number", fields("4"), F4, part="a quoted text expected")
npy("order_number", fields(order="0"), F4, part="True or False expected")
npy("shape_number", fields(shape="(1)"), F4, part="',' expected")
npy("shape_list", fields(shape="[1]"), F4, part="'(' expected")
npy("shape_negative", fields(shape="(-1,)"), F4, part="a size expected")
npy("shape_comma", fields(shape="(,)"), F4, part="a size expected")
npy("size_overflows", fields(shape="(9223372036854775808,)"), F4, part="the size overflows")
npy("shape_overflows", fields(shape="(4294967296, 4294967296)"), F4, part="the product of the sizes")
npy("shape_overflows_long", fields(shape="(" + "1000000, " * 16 + ")"), F4, part=", ...] overflows")
npy("dims_17", fields(shape="(" + "1, " * 16 + "1)"), F4, "TG_ESHAPE", "more than 16 dims")
npy("data_short", fields(shape="(2, 1)"), F4, part="4 bytes of data, but [2, 1] has 8")
npy("data_long", fields(), F4 * 2, part="8 bytes of data, but [1] has 4")
npy("no_data", fields(shape="()"), part="0 bytes of data, but [] has 4")
npy("bool_2", fields("'|b1'", shape="(3,)"), b"\1\0\2", part="a bool of 2, wanted 0 or 1")

with open("bad.inc", "w") as table:
    table.write("/* Made by make_bad.py. */\n")
    for name, status, part in rows:
        text = part.replace("\\", "\\\\").replace('"', '\\"')
        table.write('{"%s", %s,\n "%s"},\n' % (name, status, text))
print(len(rows), "files")
