#!/usr/bin/env python3
"""Writes the page: one file that needs nothing else, so that it works from a disk and from any server.

usage: make_page.py WEB.wasm OUT.html         says how large it is, and fails above 200 KiB gzipped
"""
import base64
import gzip
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MOST = 200 * 1024


def packed(path):
    return base64.b64encode(gzip.compress(Path(path).read_bytes(), 9, mtime=0)).decode()


def main(module, out):
    page = (HERE / "page.html").read_text()
    data = {"module": packed(module), "digits": packed(HERE / "digits.txt"), "names": packed(HERE / "names.txt")}
    for mark, text in (("style.css", (HERE / "style.css").read_text()), ("page.js", (HERE / "page.js").read_text()),
                       ("data", json.dumps(data))):
        before, after = page.split(f"@{mark}@")
        page = before + text + after
    Path(out).write_text(page)
    size = len(gzip.compress(page.encode(), 9, mtime=0))
    print(f"{out}: {len(page)} bytes, {size} gzipped ({size / 1024:.1f} KiB of {MOST // 1024})")
    return size > MOST


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
