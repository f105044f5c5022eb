#!/usr/bin/env python3
"""mutate.py [--seed N] [--count N] [--folder NAME]... [--minutes N] [--least PER_CENT] [--coverage BUILD_DIR]
[--at FILE[:LINE]]: are mistakes in src noticed?

Makes one small change at a time in a copy of src (a comparison, an operator, a constant, a condition turned round, a
statement left out, two arguments exchanged), compiles what includes that file, and runs the tests of its folder,
then all others, until one fails; where coverage.sh has run in BUILD_DIR, those alone that ran the line there, the
quick ones before the slow, which saves most of the time. With --at, all changes of a line, or in a file --count of
them. Prints each mutant that lives through all of them. mutants.txt says of some why nothing can notice them:

    tape/shape.c: the line as it stands there -> the line as changed
        the reason

Mutants that do not compile, or to the same machine code, do not count. Folders have mutants in proportion to their
tokens. One instruction set, -O1, no sanitizers: what those would see beyond is not counted as noticed.
"""
import argparse
import collections
import concurrent.futures
import glob
import itertools
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = ("-std=c11 -O1 -w -fPIC -fvisibility=default -march=native -ffp-contract=off -fno-math-errno "
         "-fno-trapping-math -pthread -DTGK_NO_V3 -DTGK_NO_V4 -DTG_CHAPTERS -Iinclude -Isrc").split()
TEST_FLAGS = "-std=c11 -O0 -w -pthread -DTINYGRAD_ZLIB -Iinclude -Isrc -Itests".split()
IO_FLAGS = "-D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -D_FILE_OFFSET_BITS=64 -DTINYGRAD_ZLIB".split()
# Which hear of a folder's mistakes first; then come all others, the quick ones before the slow.
CONCERN = {
    "memory": "memory corners names tape", "tape": "tape corners errors numbers names print", "record": "replay capture tape autograd corners",
    "backward": "autograd corners release view_gradients versions", "ops": "ops golden edges messages",
    "ops/nn": "ops golden layers nn", "train": "optim schedule sgd batches clip params", "look": "print dot profile derivatives",
    "nn": "layers nn", "random": "random rng_state init", "io": "io io_bad io_checkpoint io_npz io_writers io_failure",
    "kernels": "ops golden edges", "kernels/loss": "ops errors_loss golden",
}
# Left out: what trains for minutes, all floats, which takes an hour without AVX, and what looks at the build.
LEFT_OUT = {"train_fashion", "all_floats", "examples_alloc", "accuracy_math", "accuracy_trigonometry", "alloc", "threads", "checkpoint_size"}

TOKEN = re.compile(r"""
    (?P<skip>/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|^[ \t]*\#[ \t]*(?:include|if|ifdef|ifndef|elif|else|endif|error|undef|pragma|line)\b[^\n]*
        |^[ \t]*\#[ \t]*define[ \t]+\w+(?:\([^)]*\))?)
  | (?P<number>(?:0[xX][0-9a-fA-F.]+(?:[pP][-+]?\d+)?|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)[uUlLfF]*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<op><<=|>>=|\+\+|--|->|<<|>>|<=|>=|==|!=|&&|\|\||\+=|-=|\*=|/=|%=|&=|\|=|\^=|[-+*/%<>=!&|^~?:;,.(){}\[\]])
  | (?P<space>\s+|\\|.)
""", re.X | re.S | re.M)
SWAP = {"<": ["<=", ">"], "<=": ["<"], ">": [">=", "<"], ">=": [">"], "==": ["!="], "!=": ["=="], "&&": ["||"], "||": ["&&"],
        "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["/"], "<<": [">>"], ">>": ["<<"], "&": ["|"], "|": ["&"],
        "+=": ["-="], "-=": ["+="], "*=": ["/="], "/=": ["*="], "|=": ["&="], "&=": ["|="], "++": ["--"], "--": ["++"]}
KEYWORDS = set("return if else for while do switch case default static const goto sizeof typedef struct enum union".split())
BINARY = set("+ - * / % & < > << >>".split())


def tokens_of(text):
    return [(m.lastgroup, m.group(), m.start()) for m in TOKEN.finditer(text) if m.lastgroup not in ("skip", "space")]


def closing(tokens, i):
    """The token that closes the bracket at i."""
    depth = 0
    for j in range(i, len(tokens)):
        if tokens[j][1] in "([{":
            depth += 1
        elif tokens[j][1] in ")]}":
            depth -= 1
            if depth == 0:
                return j
    return None


def changed_number(text):
    body = re.match(r"0[xX][0-9a-fA-F]+$|\d+(?=[uUlL]*$)", text)
    if body:
        value = int(body.group(), 8 if re.match(r"0\d", text) else 0)
        return [str(value + 1) + text[body.end():]] + ([str(value - 1) + text[body.end():]] if value > 1 else [])
    suffix = text[len(text.rstrip("fFlL")):] if not text.lower().startswith("0x") else ""
    return [f"({text} * 1.001{suffix})", f"(-{text})"]


def arguments(tokens, i, text):
    """Of a call whose bracket opens at i: (start, end) of each argument."""
    end = closing(tokens, i)
    if end is None:
        return []
    found, depth, start = [], 0, tokens[i][2] + 1
    for j in range(i + 1, end):
        if tokens[j][1] in "([{":
            depth += 1
        elif tokens[j][1] in ")]}":
            depth -= 1
        elif tokens[j][1] == "," and depth == 0:
            found.append((start, tokens[j][2]))
            start = tokens[j][2] + 1
    return found + [(start, tokens[end][2])]


def sites(text):
    """[(kind, start, end, what stands there then)]"""
    tokens = tokens_of(text)
    found = []
    depth = 0
    for i, (kind, word, at) in enumerate(tokens):
        depth += (word == "(") - (word == ")")
        before = tokens[i - 1][0:2] if i else (None, "")
        if kind == "op" and word in SWAP:
            operand = before[0] in ("name", "number") or before[1] in (")", "]")
            if word not in BINARY or operand and before[1] not in ("return", "sizeof"):
                found += [("operator", at, at + len(word), to) for to in SWAP[word]]
        elif kind == "number":
            found += [("constant", at, at + len(word), to) for to in changed_number(word)]
        elif word in ("true", "false"):
            found.append(("constant", at, at + len(word), "false" if word == "true" else "true"))
        elif word in ("if", "while") and i + 1 < len(tokens) and tokens[i + 1][1] == "(":
            end = closing(tokens, i + 1)
            if end:
                at, end = tokens[i + 1][2], tokens[end][2] + 1
                found.append(("condition", at, end, "(!" + text[at:end] + ")"))
        elif kind == "name" and word not in KEYWORDS and i + 1 < len(tokens) and tokens[i + 1][1] == "(":
            parts = arguments(tokens, i + 1, text)
            for (a, b), (c, d) in zip(parts, parts[1:]):
                if before[0] != "name" or before[1] == "return":
                    found.append(("arguments", a, d, text[c:d].strip() + ", " + text[a:b].strip()))
        # A statement: from what ends the one before to its own end.
        if kind == "name" and depth == 0 and before[1] in (";", "{", "}", ")", "else") and word not in KEYWORDS:
            end = i
            while end < len(tokens) and tokens[end][1] not in ("{", "}", ";"):
                end += 1
            if end < len(tokens) and tokens[end][1] == ";" and end > i + 1:
                found.append(("statement", at, tokens[end][2], ""))
    return found


class World:
    """A copy of the tree, compiled, its tests with the times that they take."""

    def __init__(self, work):
        self.work = work
        self.lines = None
        os.makedirs(work + "/o", exist_ok=True)
        for part in ("src", "include", "tests"): # an interrupted run may have left a mutant there
            shutil.rmtree(f"{work}/{part}", ignore_errors=True)
            shutil.copytree(f"{ROOT}/{part}", f"{work}/{part}", ignore=shutil.ignore_patterns("__pycache__"))
        self.sources = sorted(name for name in glob.glob("src/**/*.c", root_dir=work, recursive=True)
                              if not name.startswith("src/mpi/"))
        self.needs = collections.defaultdict(list)  # header: sources
        self.code = {}
        print("compiling", flush=True)
        old = [source for source in self.sources if self.is_old(self.object(source))]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for log in pool.map(self.compile, old):
                if log:
                    sys.exit(log)
        for source in self.sources:
            with open(self.object(source)[:-1] + "d") as deps:
                for name in set(re.findall(r"src/\S+", deps.read())):
                    self.needs[name].append(source)
            with open(self.object(source), "rb") as stream:
                self.code[source] = stream.read()
        self.link()
        self.make_tests()

    def is_old(self, made):
        """Whether what gcc -MD made is older than something that it was made of."""
        if not os.path.exists(made):
            return True
        with open(os.path.splitext(made)[0] + ".d") as deps:
            names = [os.path.join(self.work, name) for name in deps.read().replace("\\\n", " ").split()[1:]]
        return any(not os.path.exists(name) or os.path.getmtime(name) >= os.path.getmtime(made) for name in names)

    def object(self, source):
        return f"{self.work}/o/{source[4:].replace('/', '+')[:-2]}.o"

    def run(self, command):
        return subprocess.run(command, cwd=self.work, capture_output=True, text=True)

    def compile(self, source):
        more = IO_FLAGS if source.startswith("src/io/") else []
        done = self.run(["gcc"] + FLAGS + more + ["-MD", "-c", source, "-o", self.object(source)])
        return done.stderr if done.returncode else ""

    def link(self):
        done = self.run(["gcc", "-shared", "-o", "libmutant.so"] + [self.object(s) for s in self.sources] +
                        ["-ljansson", "-lz", "-lm", "-pthread"])
        if done.returncode:
            raise RuntimeError(done.stderr)

    def make_tests(self):
        support = [n for n in glob.glob("tests/*.c", root_dir=self.work)
                   if not n.startswith("tests/test_") and n != "tests/exact_mpfr.c"]
        families = " ".join(f"FAMILY({os.path.basename(n)[:-2]})" for n in support if "/ops_" in n)
        objects = []
        for name in support:
            objects.append("o/support+" + os.path.basename(name)[:-1] + "o")
            if self.is_old(f"{self.work}/{objects[-1]}"):
                done = self.run(["gcc"] + TEST_FLAGS + [f"-DOP_FAMILIES={families}", "-MD", "-c", name, "-o", objects[-1]])
                if done.returncode:
                    sys.exit(done.stderr)
        self.run(["rm", "-f", "libsupport.a"]) # it may have what is no longer there
        self.run(["ar", "rcs", "libsupport.a"] + objects)
        self.times = {}
        known = {}
        if os.path.exists(self.work + "/times.json"):
            with open(self.work + "/times.json") as stream:
                known = json.load(stream)
        names = sorted(os.path.basename(n)[5:-2] for n in glob.glob("tests/test_*.c", root_dir=self.work))
        names = [short for short in names if short not in LEFT_OUT]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = list(pool.map(self.make_test, names))
        for short, done in zip(names, results):
            if done.returncode:
                print(f"left out: {short}: {done.stderr.splitlines()[-1]}")
                continue
            start = time.time()
            if short in known:
                self.times[short] = known[short]
            elif self.test(short, 600):
                self.times[short] = time.time() - start
            else:
                print(f"left out, it fails: {short}")
        with open(self.work + "/times.json", "w") as stream:
            json.dump(self.times, stream)
        print(f"{len(self.times)} tests take {sum(self.times.values()):.0f} s:",
              " ".join(f"{n} {t:.1f}" for n, t in sorted(self.times.items(), key=lambda p: p[1])), flush=True)

    def make_test(self, short):
        wrap = {"threads_apart": ["-Wl,--wrap=pthread_create"],
                "io_faults": ["-Wl,--wrap=inflateInit2_,--wrap=deflateInit2_"]}.get(short, [])
        made = f"o/test+{short}.o"
        if self.is_old(f"{self.work}/{made}"):
            done = self.run(["gcc"] + TEST_FLAGS + ["-MD", "-c", f"tests/test_{short}.c", "-o", made])
            if done.returncode:
                return done
        return self.run(["gcc"] + TEST_FLAGS + wrap + [made, "-o", "t_" + short, "-L.", "-Wl,-rpath,$ORIGIN", "-lsupport", "-lmutant", "-lcmocka",
            "-ljansson", "-lz", "-lquadmath", "-lm"])

    def test(self, short, limit):
        def limits():
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30)) # a mutant may ask for ever more
        process = subprocess.Popen([f"{self.work}/t_{short}"], cwd=self.work + "/tests", stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, preexec_fn=limits)
        try:
            return process.wait(limit) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()

    def read_coverage(self, build):
        """Which tests run which lines."""
        self.lines = collections.defaultdict(lambda: collections.defaultdict(set))
        profiles = collections.defaultdict(list)
        for name in sorted(glob.glob(build + "/profiles/test_*.profraw")):
            profiles[os.path.basename(name).split(".")[0][5:]].append(name)
        for short, names in profiles.items():
            made = f"{self.work}/o/lines+{short}"
            if not os.path.exists(made) or os.path.getmtime(made) < max(os.path.getmtime(name) for name in names):
                self.run(["llvm-profdata", "merge", "-sparse", "-o", made + ".profdata"] + names)
                done = self.run(["llvm-cov", "export", "-format=lcov", "-instr-profile=" + made + ".profdata",
                                 build + "/libtinygrad.so", "-object", build + "/libtinygrad_io.so"])
                with open(made, "w") as stream:
                    stream.write(done.stdout)
            with open(made) as stream:
                for line in stream:
                    if line.startswith("SF:"):
                        path = line[line.rfind("/src/") + 1:].strip()
                    elif line.startswith("DA:") and not line.endswith(",0\n"):
                        self.lines[path][int(line[3:line.index(",")])].add(short)

    def concerned(self, path, number, longest):
        """The tests to run, in their order."""
        quick = sorted(self.times, key=self.times.get)
        if self.lines and self.lines.get(path, {}).get(number):
            return [n for n in quick if n in self.lines[path][number] and self.times[n] <= 3 * longest]
        folder = os.path.dirname(path)[4:]
        first = [n for n in quick if n in CONCERN[folder].split()]
        rest = [n for n in quick if n not in first and self.times[n] <= longest]
        if self.lines: # a line that says nothing: what runs any other of the file
            known = set().union(*self.lines[path].values()) or set(rest)
            rest = [n for n in rest if n in known]
        return first + rest

    def killer(self, path, number, longest):
        """The first test that fails."""
        for short in self.concerned(path, number, longest):
            if not self.test(short, 5 + 8 * self.times[short]):
                return short
        return None


def line_of(text, at):
    start = text.rfind("\n", 0, at) + 1
    return text.count("\n", 0, at) + 1, text[start:text.find("\n", at)].strip()


def excused():
    reasons, key = {}, None
    with open(ROOT + "/tests/mutants.txt") as stream:
        for line in stream:
            if line.startswith("#") or not line.strip():
                continue
            if line.startswith(" "):
                reasons[key] += " " + line.strip()
            else:
                key = line.strip()
                reasons[key] = ""
    return reasons


def try_one(world, path, site, longest):
    """None where it does not count, else the test that noticed it, or ''."""
    full = f"{world.work}/{path}"
    with open(full) as stream:
        text = stream.read()
    changed = text[:site[1]] + site[3] + text[site[2]:]
    with open(full, "w") as stream:
        stream.write(changed)
    users = world.needs[path]
    same = True
    try:
        for source in users:
            if world.compile(source):
                return None
            with open(world.object(source), "rb") as stream:
                same = same and stream.read() == world.code[source]
        if same:
            return None
        world.link()
        return world.killer(path, line_of(text, site[1])[0], longest) or ""
    except RuntimeError:
        return None
    finally:
        with open(full, "w") as stream:
            stream.write(text)
        for source in users:
            with open(world.object(source), "wb") as stream:
                stream.write(world.code[source])


def given(places, at, count, rng):
    """The changes of a line, or some of a file; is told of each whether it counts."""
    name, _, number = at.partition(":")
    found = []
    for path, sites_of, text in itertools.chain(*places.values()):
        if path == "src/" + name:
            found += [(path, site, text) for site in sites_of if not number or line_of(text, site[1])[0] == int(number)]
    rng.shuffle(found)
    done = 0
    for one in found:
        counts = yield one
        yield
        done += counts
        if done == count and not number:
            break


def drawn(places, count, rng):
    """Changes all over src."""
    sizes = {folder: sum(len(found) for _, found, _ in files) for folder, files in places.items()}
    order = [folder for folder in sorted(sizes)
             for _ in range(max(1, round(count * sizes[folder] / sum(sizes.values()))))]
    rng.shuffle(order)
    for folder in order:
        counts = False
        while not counts:
            path, found, text = rng.choices(places[folder], [len(found) for _, found, _ in places[folder]])[0]
            counts = yield path, rng.choice(found), text
            yield


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--folder", action="append")
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--longest", type=float, default=20, help="slower tests run for their own folder alone, with --coverage not where they are three times as slow")
    parser.add_argument("--least", type=float, default=95, help="per cent that are to be noticed")
    parser.add_argument("--users", type=int, default=1000, help="leaves out headers of more files, which take minutes")
    parser.add_argument("--coverage", help="where coverage.sh has run")
    parser.add_argument("--at", help="a file of src, or a line of one: ops/slice.c:17")
    parser.add_argument("--work", default="/dev/shm/tinygrad-mutants")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended")) # what is changed is put back
    world = World(options.work)
    if options.coverage:
        world.read_coverage(os.path.abspath(options.coverage))
    places = collections.defaultdict(list)
    for path in sorted(glob.glob("src/**/*.[ch]", root_dir=ROOT, recursive=True) +
                       glob.glob("src/**/*.inc", root_dir=ROOT, recursive=True)):
        folder = os.path.dirname(path)[4:]
        if folder in CONCERN and 0 < len(world.needs[path]) <= options.users and (not options.folder or folder in options.folder):
            with open(f"{ROOT}/{path}") as stream:
                text = stream.read()
            places[folder].append((path, sites(text), text))
    rng = random.Random(options.seed)
    reasons, table, began = excused(), collections.defaultdict(collections.Counter), time.time()
    chosen = given(places, options.at, options.count, rng) if options.at else drawn(places, options.count, rng)
    for number, (path, site, text) in enumerate(chosen):
        if time.time() - began > 60 * options.minutes:
            break
        noticed = try_one(world, path, site, options.longest)
        chosen.send(noticed is not None)
        if noticed is None:
            continue
        line, old = line_of(text, site[1])
        _, new = line_of(text[:site[1]] + site[3] + text[site[2]:], site[1])
        outcome = "killed" if noticed else "equivalent" if f"{path[4:]}: {old} -> {new}" in reasons else "lives"
        table[os.path.dirname(path)[4:]][outcome] += 1
        print(f"{sum(sum(row.values()) for row in table.values())} {outcome} {noticed}: {path}:{line} {site[0]}: {old} -> {new}", flush=True)
    print(f"\n{'folder':14}{'mutants':>8}{'killed':>8}{'equivalent':>11}{'live':>6}")
    total = sum(table.values(), collections.Counter())
    for folder, row in sorted(table.items()) + [("all", total)]:
        print(f"{folder:14}{sum(row.values()):8}{row['killed']:8}{row['equivalent']:11}{row['lives']:6}")
    score = 100 * total["killed"] / max(1, total["killed"] + total["lives"])
    print(f"seed {options.seed}: {score:.1f} % noticed")
    sys.exit(score < options.least)


main()
