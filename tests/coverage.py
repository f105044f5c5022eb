#!/usr/bin/env python3
"""coverage.py SOURCE_DIR BUILD_DIR LIMIT, or coverage.py --conditions FOLDERS ...: what tests left of src.

Branches: each way of each condition, as llvm-cov has them in BUILD_DIR/coverage.json. Copies of a function, which a header
brings to several files or an included file and a macro make for dtypes, count once, what they did is added up; each
use of a macro counts. With --conditions, what each part of a condition decides alone (MC/DC), as gcc 14 has it. coverage.sh
and mcdc.sh call it. Each that is left is printed, and coverage.txt, or mcdc.txt, says of some why:

    tape/shape.c: the line as it stands there
        the reason

Fails where fewer than LIMIT per cent of the others are taken, and where a line of such a list is no longer needed.
"""
import collections
import glob
import gzip
import json
import os
import re
import subprocess
import sys


def clang_outcomes(source, build):
    """((file, line, column), what, whether it was taken) of each way; {file: (lines, run)}"""
    src = os.path.join(source, "src") + "/"
    with open(os.path.join(build, "coverage.json")) as stream:
        data = json.load(stream)["data"][0]
    lines = {}
    for entry in data["files"]:
        name = os.path.normpath(entry["filename"])
        if name.startswith(src):
            summary = entry["summary"]["lines"]
            both = lines.get(name[len(src):], (0, -1)), (summary["count"], summary["covered"]) # of one path by two ways
            lines[name[len(src):]] = max(both, key=lambda counts: counts[1])
    outcomes = []
    for function in data["functions"]:
        names = [os.path.normpath(name) for name in function["filenames"]]
        # Where the macro is used that a part of the function comes from.
        used = {region[6]: region for region in function["regions"] if region[7] == 1}
        seen = collections.Counter()
        for line, column, _, _, yes, no, file_id, _, _ in function["branches"]:
            place = names[file_id], line, column
            outer = file_id
            at = place
            while outer in used:
                region = used[outer]
                outer = region[5]
                at = names[outer], region[0], region[1]
            if not at[0].startswith(src):
                continue
            key = at + place
            seen[key] += 1
            at = (at[0][len(src):],) + at[1:]
            inner = "" if place[1:] == at[1:] else f" of the macro, {os.path.basename(place[0])}:{line}:{column}"
            what = f"condition {seen[key]}{inner}" if inner else "condition"
            outcomes += [(at, what + " is never true", yes > 0), (at, what + " is never false", no > 0)]
    return outcomes, lines


def gcc_outcomes(source, build):
    """The same with the parts of conditions."""
    work = os.path.join(build, "gcov")
    os.makedirs(work, exist_ok=True)
    found = []
    for top in ("CMakeFiles/tinygrad_objects.dir", "tests/CMakeFiles/test_names_few.dir"):
        found += glob.glob(os.path.join(build, top, "**", "*.gcda"), recursive=True)
    subprocess.run(["gcov", "--json-format", "--conditions", "--hash-filenames", "--preserve-paths"] +
                   [os.path.abspath(name) for name in sorted(found)], cwd=work, check=True, stdout=subprocess.DEVNULL)
    src = os.path.join(source, "src") + "/"
    outcomes, run = [], collections.Counter()
    for name in glob.glob(os.path.join(work, "*.gcov.json.gz")):
        with gzip.open(name) as stream:
            data = json.load(stream)
        for entry in data["files"]:
            path = os.path.normpath(os.path.join(data["current_working_directory"], entry["file"]))
            if not path.startswith(src):
                continue
            path = path[len(src):]
            for line in entry["lines"]:
                run[path, line["line_number"]] += line["count"]
                conditions = line.get("conditions", [])
                for i, condition in enumerate(conditions):
                    for part in range(condition["count"] // 2):
                        for way in ("true", "false"):
                            what = f"condition {i + 1} of {len(conditions)}, part {part + 1} of {condition['count'] // 2}"
                            outcomes.append(((path, line["line_number"], 0), f"{what}: {way} does not decide alone",
                                             part not in condition["not_covered_" + way]))
    lines = collections.defaultdict(lambda: (0, 0))
    for (path, _), count in run.items():
        lines[path] = lines[path][0] + 1, lines[path][1] + (count > 0)
    return outcomes, lines


def excused(name):
    reasons = {}
    key = None
    with open(name) as stream:
        for line in stream:
            if line.startswith("#") or not line.strip():
                continue
            if line.startswith(" "):
                reasons[key] = (reasons[key] + " " + line.strip()).strip()
            else:
                path, text = line.split(":", 1)
                key = path, text.strip()
                reasons[key] = ""
    return reasons


def main():
    arguments, conditions, folders = sys.argv[1:], False, ""
    if arguments[0] == "--conditions":
        conditions, folders, arguments = True, arguments[1], arguments[2:]
    source, build, limit = os.path.abspath(arguments[0]), os.path.abspath(arguments[1]), float(arguments[2])
    outcomes, lines = (gcc_outcomes if conditions else clang_outcomes)(source, build)
    taken = {}
    for at, what, done in outcomes:
        if re.match(f"({folders})/", at[0]) or not folders:
            taken[at + (what,)] = taken.get(at + (what,), False) or done
    listed = os.path.join(source, "tests", "mcdc.txt" if conditions else "coverage.txt")
    reasons, used, texts = excused(listed), set(), {}
    table = collections.defaultdict(lambda: [0] * 5)  # lines, run; ways, taken, excused
    for path, (count, run) in lines.items():
        if re.match(f"({folders})/", path) or not folders:
            row = table[os.path.dirname(path)]
            row[0] += count
            row[1] += run
    for (path, number, column, what), done in sorted(taken.items()):
        row = table[os.path.dirname(path)]
        row[2] += 1
        row[3] += done
        if done:
            continue
        if path not in texts:
            with open(os.path.join(source, "src", path)) as stream:
                texts[path] = [text.strip() for text in stream]
        text = texts[path][number - 1]
        if (path, text) in reasons:
            used.add((path, text))
            row[4] += 1
        else:
            print(f"src/{path}:{number}:{column}: {what}: {text}")
    stale = sorted(set(reasons) - used)
    for path, text in stale:
        print(f"{listed}: not needed: {path}: {text}")
    print(f"\n{'folder':14}{'lines':>8}{'run':>9}{'outcomes' if conditions else 'branches':>10}{'taken':>9}{'excused':>9}")
    total = [sum(row[i] for row in table.values()) for i in range(5)]
    for folder, row in sorted(table.items()) + [("all", total)]:
        print(f"{folder:14}{row[0]:8}{100 * row[1] / max(1, row[0]):8.2f}%{row[2]:10}"
              f"{100 * row[3] / max(1, row[2] - row[4]):8.2f}%{row[4]:9}", flush=True)
    share = 100 * total[3] / (total[2] - total[4])
    if stale or share < limit:
        sys.exit(f"{share:.2f} % are taken, wanted are {limit:.2f}" + (", and a list is stale" if stale else ""))


main()
