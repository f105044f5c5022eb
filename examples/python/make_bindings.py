#!/usr/bin/env python3
"""Writes tinygrad_c.py, what the headers declare in Python's ctypes: constants, enumerations, structures
and functions, with the headers' comments as docstrings.

    python3 examples/python/make_bindings.py > examples/python/tinygrad_c.py

It relies on how the headers are written (one declaration at a time, a comment before it or, of members,
behind it) and stops at what it does not understand, so that nothing is left out in silence.
"""
import re
import sys
from pathlib import Path

INCLUDE = Path(__file__).resolve().parents[2] / "include" / "tinygrad"
CHAPTERS = ["core", "ops", "nn", "train", "look", "op", "io"]

COMMENT = re.compile(r"/\*\*(<?)(.*?)\*/", re.S)
DECLARATION = re.compile(r"(?P<comment>/\*\*(?!<)(?:(?!\*/).)*\*/\s*)?"
                         r"^(?P<text>(?:typedef|enum|TG_API)\b(?:[^;{]|\{(?:[^{}])*\})*;)", re.S | re.M)
CONSTANT = re.compile(r"^#define (TG_\w+) ([^\n/]*[^\n/ ])", re.M)
NUMBERS = {"INT64_MIN": "-2**63", "INT64_MAX": "2**63 - 1"}
NO_NUMBERS = {"TG_API", "TG_SCALAR"}

HEAD = '''\
"""What the headers of libtinygrad {version} declare. Made by make_bindings.py: change the headers, not this.

load() opens the library and gives every function its types. Handles (tg_tape *, tg_tensor *) are
integers or None. tinygrad.py is what programs import.
"""
import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_double, c_float, c_int
from ctypes import c_int64, c_size_t, c_uint8, c_uint64, c_void_p

# By name: (library, result, ((type, name), ...), whether a format and more follow, comment).
FUNCTIONS = {{}}
# Of structures: members of type double whose 0 means another number; TG_ZERO is 0 there.
ZERO_IS_DEFAULT = set()

SCALARS = {{"void": None, "bool": c_bool, "int": c_int, "double": c_double, "float": c_float, "int64_t": c_int64,
           "uint64_t": c_uint64, "size_t": c_size_t, "uint8_t": c_uint8, "char": c_char}}


def c_type(text):
    """The ctypes type of one in C, pointers to structures and arrays being void *."""
    text = text.replace("const ", "")
    if text in ("char *", "char *const"):
        return c_char_p
    if "*" in text:
        return c_void_p
    return SCALARS[text] if text in SCALARS else globals()[text]


def load(path, library="tinygrad"):
    """The shared library at `path`, with types."""
    lib = ctypes.CDLL(path)
    for name, (where, result, parameters, _, _) in FUNCTIONS.items():
        if where == library:
            function = getattr(lib, name)
            function.restype = c_type(result)
            function.argtypes = [c_type(kind) for kind, _ in parameters]
    return lib


def _f(name, library, result, parameters, more, comment):
    FUNCTIONS[name] = (library, result, parameters, more, comment)
'''


def plain(comment):
    """A comment's text, without stars and Doxygen's commands."""
    text = re.sub(r"^\s*/\*\*<?|\*/\s*$", "", comment or "")
    lines = [re.sub(r"^\s*\* ?", "", line) for line in text.split("\n")]
    text = "\n".join(line.rstrip() for line in lines).strip()
    return text.replace("\\", "\\\\").replace('"""', "'''")


def one_line(comment):
    return " ".join(plain(comment).split())


def without_comments(text):
    return COMMENT.sub(" ", re.sub(r"/\*(?!\*).*?\*/", " ", text, flags=re.S))


def squeeze(text):
    return " ".join(text.split())


def split_declarator(text):
    """("const tg_tensor *", "t", array size or None) of one member or parameter."""
    found = re.fullmatch(r"(.*?[\s*])(\w+)\s*(?:\[(\w+)\])?", squeeze(text))
    if not found:
        raise SystemExit(f"not understood: {text}")
    kind = re.sub(r"\s*\*\s*", " *", found.group(1)).strip()
    kind = kind.replace("* *", "**").replace(" *const *", " *const *").replace(" * *", " **")
    return kind.removeprefix("struct "), found.group(2), found.group(3)


def ctype(kind):
    """The expression that the generated file has for a type."""
    bare = kind.replace("const ", "")
    if bare == "char *":
        return "c_char_p"
    if "*" in bare:
        return "c_void_p"
    scalars = {"bool": "c_bool", "int": "c_int", "double": "c_double", "float": "c_float", "size_t": "c_size_t",
               "char": "c_char", "void": "None"}
    return scalars.get(bare) or (f"c_{bare[:-2]}" if bare.endswith("_t") else bare)


def split_parameters(text):
    """The parameters, and whether more follow."""
    parts = [squeeze(part) for part in text.split(",")]
    more = parts[-1] == "..."
    if more:
        parts.pop()
    if parts == ["void"]:
        return [], more
    return [split_declarator(part)[:2] for part in parts], more


def callback(text):
    """The CFUNCTYPE of "RESULT (*NAME)(PARAMETERS)", and its name."""
    found = re.fullmatch(r"(.*?)\(\*(\w+)\)\((.*)\)", squeeze(text))
    if not found:
        return None
    parameters, _ = split_parameters(found.group(3))
    kinds = [ctype(found.group(1).strip())] + [ctype(kind) for kind, _ in parameters]
    return f"CFUNCTYPE({', '.join(kinds)})", found.group(2)


def members(body):
    """(declaration, comment) of each member; the comment stands before it or behind it."""
    found, before = [], ""
    for part in re.finditer(r"/\*\*(<?)((?:(?!\*/).)*)\*/|([^;/]+);", body, re.S):
        if part.group(3):
            found.append([part.group(3), one_line(before)])
            before = ""
        elif part.group(1):
            found[-1][1] = one_line(part.group(0))
        else:
            before = part.group(0)
    return found


def docstring(text, indent="    "):
    text = re.sub(r"\n(?=.)", "\n" + indent, text)
    return f'{indent}"""{text}"""\n' if "\n" not in text else f'{indent}"""{text}\n{indent}"""\n'


def structure(out, name, body, comment):
    fields, lines = [], []
    for text, about in members(body):
        function = callback(text)
        if function:
            kind, field = function
        else:
            c_kind, field, array = split_declarator(text)
            kind = ctype(c_kind) + (f" * {array}" if array else "")
            if c_kind == "double" and re.search(r"\bdefault\b[^;]*[1-9]|\b0 means", about):
                out.append(f'ZERO_IS_DEFAULT.add(("{name}", "{field}"))\n')
        fields.append(f'    ("{field}", {kind}),\n')
        lines.append(f"{field}: {about}" if about else field)
    text = plain(comment) + "\n\n" + "\n".join(lines)
    out.append(f"\n\nclass {name}(Structure):\n{docstring(text)}\n\n{name}._fields_ = [\n{''.join(fields)}]\n")


def enumeration(out, name, body):
    value = -1
    for part in without_comments(body).split(","):
        found = re.fullmatch(r"\s*(\w+)\s*(?:=\s*(\w+))?\s*", part)
        if not found:
            raise SystemExit(f"not understood in an enumeration: {part}")
        value = int(found.group(2), 0) if found.group(2) else value + 1
        out.append(f"{found.group(1)} = {value}\n")
    if name:
        out.append(f"{name} = c_int\n")


def function(out, text, comment, library):
    text = squeeze(re.sub(r"\bTG_PRINTF\(\d\)", "", without_comments(text))).removeprefix("TG_API ").rstrip("; ")
    found = re.fullmatch(r"(.*?)(tg_\w+)\((.*)\)", text)
    if not found:
        raise SystemExit(f"not understood: {text}")
    parameters, more = split_parameters(found.group(3))
    shown = "".join(f'("{kind}", "{name}"), ' for kind, name in parameters)
    out.append(f'\n_f("{found.group(2)}", "{library}", "{found.group(1).strip()}", ({shown.rstrip()}), {more},\n'
               f'   """{plain(comment)}""")\n')


def declaration(out, text, comment, library):
    body = re.search(r"\{(.*)\}", text, re.S)
    if text.startswith("TG_API"):
        function(out, text, comment, library)
    elif text.startswith("enum"):
        enumeration(out, None, body.group(1))
    elif text.startswith("typedef enum"):
        enumeration(out, re.search(r"(\w+)\s*;$", text).group(1), body.group(1))
    elif text.startswith("typedef struct") and body:
        structure(out, re.search(r"(\w+)\s*;$", text).group(1), body.group(1), comment)
    elif re.fullmatch(r"typedef struct (\w+) \1;", squeeze(text)):
        pass  # nobody sees what is in it
    else:
        kind, name = callback(squeeze(text).removeprefix("typedef ").rstrip(";")) or (None, None)
        if not name:
            raise SystemExit(f"not understood: {text}")
        out.append(f"{name} = {kind}\n")


def chapter(name):
    text = (INCLUDE / f"{name}.h").read_text()
    text = re.sub(r"#ifdef __cplusplus\n.*?\n#(?:else|endif)\n", "", text, flags=re.S)
    text = re.sub(r"/\*\* @(?:defgroup|addtogroup|file|page|\}|cond|endcond)(?:(?!\*/).)*\*/", "", text, flags=re.S)
    out = [f"\n# tinygrad/{name}.h\n\n"]
    for constant, value in CONSTANT.findall(text):
        if constant not in NO_NUMBERS:
            out.append(f"{constant} = {NUMBERS.get(value, value)}\n")
    text = re.sub(r"^ *#(?:[^\n]*\\\n)*[^\n]*\n", "", text, flags=re.M)
    for found in DECLARATION.finditer(text):
        declaration(out, found.group("text"), found.group("comment"), "tinygrad_io" if name == "io" else "tinygrad")
    declared = len(re.findall(r"^TG_API", text, re.M))
    made = sum(part.startswith("\n_f(") for part in out)
    if declared != made:
        raise SystemExit(f"{name}.h declares {declared} functions, and {made} were understood")
    return "".join(out)


def main():
    core = (INCLUDE / "core.h").read_text()
    version = ".".join(re.findall(r"^#define TG_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", core, re.M))
    text = HEAD.format(version=version) + "".join(chapter(name) for name in CHAPTERS)
    sys.stdout.write(re.sub(r"\n{4,}", "\n\n\n", text))


if __name__ == "__main__":
    main()
