#!/usr/bin/env python3
"""Writes the library as two files that a program takes along, and a third for reading and writing
files: OUT/tinygrad.c, OUT/tinygrad.h, OUT/tinygrad_io.c. `cmake --build build --target amalgamation`
runs it.

usage: amalgamate.py COMPILER OUT          COMPILER, on x86, is only asked to preprocess

In a single translation unit the files' own names (static functions, types, enumerators) meet. Those that
more than one file has, or libc, are renamed by macros around the file. Where a file has members of
structures of that name it keeps it, and if it is not the only one is renamed in its text.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
CHAPTERS = ["core", "ops", "nn", "train", "look", "op", "io"]
INCLUDE = re.compile(r'^#include (?:"(.*)"|<(tinygrad.*)>).*\n', re.M)
FEATURES = re.compile(r"^#define _.*_SOURCE.*\n", re.M)  # they stand at the start of the unit
TOKEN = re.compile(r"""[A-Za-z_]\w*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\S""")
WORD = re.compile(r"[A-Za-z_]\w*$")
OPTIONS = "#if defined(__GNUC__) && !defined(__clang__)\n#pragma GCC {}_options\n#endif\n"
ISA_SETS = ["_base", "_v3", "_v4"]  # each_isa.h

ABOUT = """\
/* SPDX-License-Identifier: MIT
 * libtinygrad {version}: a minimal reverse-mode autograd engine, {what}.
 * Made by src/amalgamate.py of the project; change the sources there, not this.
 *
 *     {command}
 *
{licence} */
"""

# The bits of results are promised, so no compiler may fuse a * b + c on its own: the sources say
# fma() where it is meant. What is inline in a header may find no caller here, and a local name of
# one file may be a function of another.
CORE_START = """\
#undef _GNU_SOURCE
#define _GNU_SOURCE
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off", "no-math-errno", "no-trapping-math")
#else
#pragma STDC FP_CONTRACT OFF
#endif
"""

IO_START = """\
#undef _DEFAULT_SOURCE
#undef _POSIX_C_SOURCE
#undef _FILE_OFFSET_BITS
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
"""

START = """\
#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#include "tinygrad.h"
"""


def find(name, file):
    beside = file.parent / name
    return beside if beside.exists() else SRC / name


def guarded(file):
    return file.suffix == ".h" and file.name != "each_isa.h"


def headers_of(file, seen):
    """Headers in an order in which each comes behind those that it needs."""
    for quoted, _ in INCLUDE.findall(file.read_text()):
        header = find(quoted, file)
        if quoted and header not in seen:
            if guarded(header):
                seen[header] = None  # against a circle
            headers_of(header, seen)
            if guarded(header):
                seen[header] = seen.pop(header)
    return seen


def expanded(file, body=None):
    """The text with what is no header, but a part of it, put in place."""
    text = file.read_text()
    found = re.search(r'^#define TGK_BODY "(.*)"', text, re.M)
    body = found.group(1) if found else body

    def part(include):
        if include.group(2) or guarded(find(include.group(1), file)):
            return ""
        return expanded(find(include.group(1), file), body)

    text = INCLUDE.sub(part, text)
    return re.sub(r"^#include TGK_BODY\n", lambda _: expanded(SRC / body), text, flags=re.M)


class File:
    """One source file: its text, and the names that it makes, by what the compiler sees of it."""

    libc = {}  # names of functions by header

    def __init__(self, compiler, path):
        self.path = path
        self.prefix = re.sub(r"\W", "_", str(path.relative_to(SRC).with_suffix("")))
        self.text = FEATURES.sub("", expanded(path))
        self.members = set(re.findall(r"(?:\.|->)\s*([A-Za-z_]\w*)", self.text))
        self.declared = set(re.findall(r"^    \w[\w ]*[ *](\w+)(?:\[.*\])?[;,]", self.text, re.M))
        self.own, self.shared = set(), set()
        # Without stdio there is more to see, of kernels/format.c.
        tokens = self.tokens([*compiler.split(), "-E", "-std=c11", "-DTG_CHAPTERS", "-DTGK_NO_STDIO",
                              f"-I{ROOT}/include", f"-I{SRC}", str(path)])
        start = 0
        while start < len(tokens):
            start = self.declaration(tokens, start)
        self.own = {name.removesuffix("_base") + isa if name.endswith("_base") else name
                    for name in self.own for isa in ISA_SETS}

    def tokens(self, command):
        """What the compiler sees of this project, each token with where it stands."""
        tokens, place, ours, fresh = [], None, False, set()
        for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n"):
            marker = re.match(r'# \d+ "(.*?)"', line)
            if marker:
                place = Path(marker.group(1))
                ours = ROOT in place.parents
                if place not in self.libc:
                    self.libc[place] = set()
                    fresh.add(place)
            elif ours and not line.startswith("#"):  # a pragma
                tokens += [(token, place) for token in TOKEN.findall(line)]
            elif place in fresh:
                self.libc[place].update(re.findall(r"\b([A-Za-z]\w*) ?\(", line))
        return tokens

    def declaration(self, tokens, start):
        """Takes the names of the external declaration that starts there; returns where it ends."""
        outside, depth = [], 0  # outside: of braces
        for end in range(start, len(tokens)):
            token = tokens[end][0]
            if token == "}":
                depth -= 1
            if depth == 0:
                outside.append(token)
            if token == "{":
                self.tag(tokens, end, outside)
                depth += 1
            if depth == 0 and (token == ";" or token == "}" and self.is_function(outside)):
                break
        if "static" in outside or "typedef" in outside:
            self.add(self.declarator(outside), tokens[start][1])
        return end + 1

    @staticmethod
    def is_function(outside):
        data = outside[0] in ("typedef", "struct", "union", "enum") or "=" in outside
        return "(" in outside and not data

    def add(self, name, where):
        if name:
            (self.shared if guarded(where) else self.own).add(name)

    def tag(self, tokens, brace, outside):
        """The tag and, of an enum, the enumerators before and behind this brace."""
        words = outside[-3:-1]
        if words and words[-1] == "enum":
            words = ["enum", None]
        if len(words) < 2 or words[0] not in ("struct", "union", "enum"):
            return
        self.add(words[1], tokens[brace][1])
        previous = "{"
        end = brace
        while words[0] == "enum" and tokens[end + 1][0] != "}":
            end += 1
            token, where = tokens[end]
            if previous in "{," and WORD.match(token):
                self.add(token, where)
            previous = token

    @staticmethod
    def declarator(outside):
        """The name that a declaration without its braces declares: the last before what ends it."""
        name, depth = None, 0
        for before, token in zip([None, *outside], outside):
            if depth == 0 and token in "([=;," and before != "__attribute__" and name:
                if token == "(" and outside[outside.index("(") + 1] == "*":  # of a pointer to functions
                    return next(t for t in outside[outside.index("(") + 2:] if t not in ("const", "*"))
                return name
            depth += (token == "(") - (token == ")")
            if depth == 0 and WORD.match(token) and token not in ("static", "__attribute__"):
                name = token
        return name


    def renamed(self, names):
        """The text with these names made the file's own, and its macros taken back."""
        text, start, end = self.text, "", ""
        for name in sorted(names):
            if name in self.members:
                text = re.sub(rf"(?<![\w.>]){name}\b", f"{self.prefix}_{name}", text)
            else:
                start += f"#define {name} {self.prefix}_{name}\n"
                end += f"#undef {name}\n"
        if "#pragma GCC optimize" in text:
            text = OPTIONS.format("push") + text + OPTIONS.format("pop")
        macros = dict.fromkeys(re.findall(r"^ *# *define (\w+)", text, re.M))
        return start + text + "".join(f"#undef {macro}\n" for macro in macros) + end


def keepers(files):
    """For each name that files make for themselves, the file that may keep it, or None."""
    having = {}
    for file in files:
        for name in file.own:
            having.setdefault(name, []).append(file)

    def keeper(name, alike):
        best = max(alike, key=lambda file: 2 * (name in file.members) + (name in file.declared))
        return best if len(alike) == 1 or name in best.members else None

    return {name: keeper(name, alike) for name, alike in having.items()}


def unit(paths, compiler):
    """One translation unit: the headers, then every file."""
    seen = {}
    for path in paths:
        headers_of(path, seen)
    for header in seen:
        parts = [quoted for quoted, _ in INCLUDE.findall(header.read_text()) if quoted and not guarded(find(quoted, header))]
        if parts:  # whose names would be each file's own, and stand but once
            sys.exit(f"{header}: a header may not include {parts[0]}, which is none")
    files = [File(compiler, path) for path in paths]
    kept = keepers(files)
    shared = set().union(*(file.shared for file in files), *File.libc.values())
    out = "".join(INCLUDE.sub("", header.read_text()) for header in seen)
    for file in files:
        out += f"\n/* {'=' * 20} {file.path.relative_to(SRC)} */\n"
        out += file.renamed({name for name in file.own if name in shared or kept[name] != file})
    return out


def main(compiler, out):
    out = Path(out)
    core = (ROOT / "include/tinygrad/core.h").read_text()
    version = ".".join(re.findall(r"^#define TG_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", core, re.M))
    licence = re.sub(r"^", " * ", (ROOT / "LICENSE").read_text().rstrip(), flags=re.M)

    def about(what, command):
        return ABOUT.format(version=version, what=what, command=command,
                            licence=re.sub(r" +$", "", licence, flags=re.M))

    files = sorted(SRC.glob("**/*.c"))
    core_files = [f for f in files if f.relative_to(SRC).parts[0] not in ("io", "mpi")]
    io_files = [f for f in files if f.relative_to(SRC).parts[0] == "io"]
    manual = (ROOT / "include/tinygrad.h").read_text()
    chapters = "".join((ROOT / f"include/tinygrad/{chapter}.h").read_text() for chapter in CHAPTERS)
    text = re.sub(r"(#define TINYGRAD_H\n)", lambda m: m.group(1) + chapters, manual)
    texts = {
        "tinygrad.h": about("its header", '#include "tinygrad.h"') + INCLUDE.sub("", text),
        "tinygrad.c": about("its source", "cc -O3 -c tinygrad.c        and link with -lm -pthread")
        + CORE_START + START + unit(core_files, compiler),
        "tinygrad_io.c": about("files", "cc -O2 -c tinygrad_io.c     and link with -ljansson as well; with -DTINYGRAD_ZLIB and -lz for compressed npz")
        + IO_START + START + unit(io_files, compiler),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / name).write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
