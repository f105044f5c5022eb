#!/bin/sh
# guide.sh SOURCE_DIR BUILD_DIR C_COMPILER: the guide's programs that CMake's C alone cannot build or run: the one in
# C++, and the one that PyTorch goes on from, where there is PyTorch.
set -eu
root=$1 build=$2 cc=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
expected=$root/tests/examples/guide

echo 'int main() { return 0; }' >"$work/probe.cc"
if "$cc" "$work/probe.cc" -o "$work/probe" -lstdc++ 2>/dev/null; then
    "$cc" -std=c++11 -Wall -Wextra -Werror -I"$root/include" "$root/examples/guide/three_ways.cc" -o "$work/three_ways" \
        "$build/libtinygrad.a" -lstdc++ -lm -pthread
    "$work/three_ways" | diff "$expected/three_ways.out" -
    echo "in C++"
else
    echo "left out: no C++ compiler here"
fi

go_on=$build/examples/guide_go_on
[ -x "$go_on" ] || exit 0
"$go_on" "$work/here.safetensors" >"$work/out"
find="from importlib.util import find_spec as f; import sys; sys.exit(not (f('torch') and f('safetensors')))"
if python3 -c "$find" 2>/dev/null; then
    python3 "$root/examples/guide/go_on.py" "$work/here.safetensors" "$work/there.safetensors" >>"$work/out"
    "$go_on" "$work/here.safetensors" "$work/there.safetensors" >>"$work/out"
    diff "$expected/go_on.out" "$work/out"
    echo "on in PyTorch, and back"
else
    head -n 1 "$expected/go_on.out" | diff - "$work/out"
    echo "left out: no PyTorch here"
fi
