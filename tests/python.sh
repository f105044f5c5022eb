#!/bin/sh
# python.sh SOURCE_DIR SHARED_LIBRARY: examples/python: whether the module that is made from the headers is what they
# say now; then its tests, where there is numpy. 77: there is no Python.
set -eu
root=$1
export TINYGRAD_LIBRARY="$2" PYTHONDONTWRITEBYTECODE=1
python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || { echo "left out: no Python from 3.9 on here"; exit 77; }
python3 "$root/examples/python/make_bindings.py" | diff "$root/examples/python/tinygrad_c.py" - || {
    echo "examples/python/tinygrad_c.py is stale: python3 examples/python/make_bindings.py > examples/python/tinygrad_c.py"
    exit 1
}
echo "the module is what the headers say"
python3 "$root/examples/python/train.py"
if python3 -c 'import numpy' 2>/dev/null; then
    python3 "$root/tests/python/test_python.py"
else
    echo "left out: no numpy here"
fi
