#!/bin/sh
# gpt2.sh PROGRAM: the raw outputs of examples/gpt2 are PyTorch's (examples/gpt2.logits, by golden/gpt2.py) within
# 1e-4, and what is no GPT-2 is refused.
set -u
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
fail() {
    echo "FAILED: $1"
    exit 1
}
"$1" --heads 2 --top 256 --letters 0 >"$dir/out" || fail "does not run"
awk 'NR == FNR {want[$1] = $2; next}
     {n++; d = $2 - want[$1]; if (!($1 in want) || d > 1e-4 || d < -1e-4) {print "token", $0, "wanted", want[$1]; bad = 1}}
     END {exit bad || n != 256}' examples/gpt2.logits "$dir/out" || fail "other raw outputs than PyTorch's"
"$1" --model ../examples/data/iris.safetensors 2>"$dir/err" && fail "took a model of flowers"
grep -q 'iris.safetensors: no GPT-2' "$dir/err" || fail "did not say that it is none"
"$1" --heads 3 2>"$dir/err" && fail "took three heads of 32 numbers"
"$1" --model no_such_file 2>"$dir/err" && fail "took no file"
grep -q 'no_such_file: cannot open' "$dir/err" || fail "did not say that there is no file"
