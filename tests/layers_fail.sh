#!/bin/sh
# layers_fail.sh SOURCE_DIR CC: whether layers.sh finds one of each: adds it by hand to a copy of src, and wants
# the finding named.
set -eu
source=$1
cc=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$source/src" "$work/src"
mkdir -p "$work/objects/src"

compile() {
    mkdir -p "$work/objects/src/$(dirname "$1")"
    "$cc" -std=c11 -I"$source/include" -I"$work/src" -c "$work/src/$1" -o "$work/objects/src/$1.o"
}

expect() { # a part of what is printed, and why
    if sh "$source/tests/layers.sh" "$work" $(find "$work/objects" -name '*.o') >"$work/out" 2>&1; then
        echo "not found: $2"
        exit 1
    fi
    grep -qF "$1" "$work/out" || { echo "wanted '$1' for $2, got"; cat "$work/out"; exit 1; }
    echo "found: $2"
}

good() {
    sh "$source/tests/layers.sh" "$work" $(find "$work/objects" -name '*.o') >"$work/out" 2>&1 ||
        { echo "the files as they are do not pass:"; cat "$work/out"; exit 1; }
}

compile tape/shape.c
compile ops/triangle.c
good

printf '%s\n' '#include <tinygrad.h>' 'tg_tensor *tg_bad(tg_tensor *x);' \
    'tg_tensor *tg_bad(tg_tensor *x)' '{' '    return tg_tril(x, 0);' '}' >"$work/src/tape/bad.c"
compile tape/bad.c
expect 'tape/bad.c calls up: tg_tril() of ops/triangle.c' 'a call upwards'
expect 'tg_tril() is called in tg_bad() of tape/bad.c' 'the function that makes it'
rm "$work/src/tape/bad.c" "$work/objects/src/tape/bad.c.o"

printf '%s\n' 'int tg_b(int x);' 'int tg_a(int x);' 'int tg_a(int x)' '{' '    return x ? tg_b(x - 1) : 0;' '}' \
    >"$work/src/ops/bad_a.c"
printf '%s\n' 'int tg_a(int x);' 'int tg_b(int x);' 'int tg_b(int x)' '{' '    return x ? tg_a(x - 1) : 1;' '}' \
    >"$work/src/ops/bad_b.c"
compile ops/bad_a.c
compile ops/bad_b.c
expect 'ops/bad_a.c stands in a circle: tg_b() of ops/bad_b.c' 'a circle of calls'
rm "$work"/src/ops/bad_?.c "$work"/objects/src/ops/bad_?.c.o

cp "$work/src/tape/shape.c" "$work/shape.c"
echo '#include "ops/check.h"' >>"$work/src/tape/shape.c"
expect 'tape/shape.c includes ops/check.h' "an include of an upper floor's header"
cp "$work/shape.c" "$work/src/tape/shape.c"

echo 'typedef struct tg_pass *tg_bad_hook(struct tg_pass *pass);' >"$work/src/tape/bad.h"
expect 'tape/bad.h names a type of an upper floor: tg_pass of backward/pass.h' \
    "an upper floor's type in a lower header"
rm "$work/src/tape/bad.h"

seq -f 'int tg_line_%.0f;' 3000 >"$work/src/memory/bad.h"
expect 'of at most' 'too many lines of code'
rm "$work/src/memory/bad.h"
good
