#!/bin/sh
# blocks.sh SOURCE_DIR BUILD_DIR C_COMPILER: each block of C in README and the guide is compiled without warnings and
# run. A block with a main() is a program; another one is a piece of a function that has a new tape, `tape`. What is in
# a block of text between it and the next block of C is what it prints; "// error: TEXT" behind a line says what
# the tape's error begins with then, which is cleared. A block without such lines leaves no error.
# (Blocks of other languages: readme_program.sh, package/inside.sh. Of working.md: add_op.sh.)
set -eu
root=$1 build=$2 cc=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
warnings="-Wall -Wextra -Wno-unused -Werror"

run() { # file, expected output or nothing, what it is
    "$cc" -std=gnu11 $warnings -I"$root/include" "$1.c" -o "$1" "$build/libtinygrad.a" -lm -pthread || { cat "$1.c"; exit 1; }
    "./$1" >"$1.out" 2>&1 || { cat "$1.out"; echo "FAILED: $3"; exit 1; }
    [ ! -s "$2" ] || diff "$2" "$1.out" || { echo "FAILED: $3 prints something else"; exit 1; }
}

blocks=0
for page in "$root/README.md" "$root"/src/doc/*.md; do
    name=$(basename "$page" .md)
    [ "$name" != working ] || continue
    mkdir -p "$name"
    # NAME/N.c and NAME/N.text
    awk -v name="$name" '
        /^```/ { if (inside) { inside = 0; next }
                 inside = 1; kind = substr($0, 4)
                 if (kind == "c") file = name "/" ++n ".c"
                 else if (kind == "text" && n && !seen[n]++) file = name "/" n ".text"
                 else file = "/dev/null"
                 next }
        inside { print > file }' "$page"
    printf '%s\n' '#include <tinygrad/op.h>' '#include <math.h>' '#include <stdlib.h>' '#include <string.h>' \
        'static int failed;' \
        'static void want(tg_tape *tape, int line, const char *text)' '{' \
        '    size_t length = strlen(text);' \
        '    if (strncmp(tg_error_message(tape), text, length) || (!length && tg_error(tape))) {' \
        '        printf("block %d: the error is \"%s\", wanted \"%s\"\n", line, tg_error_message(tape), text);' \
        '        failed = 1;' '    }' '    tg_clear_error(tape);' '}' >"$name/all.c"
    : >"$name/expected"
    calls=
    for n in $(ls "$name" | sed -n 's/^\([0-9]*\)\.c$/\1/p' | sort -n); do
        blocks=$((blocks + 1))
        if grep -q 'main(' "$name/$n.c"; then
            run "$name/$n" "$name/$n.text" "program $n of $name.md"
            continue
        fi
        [ ! -e "$name/$n.text" ] || cat "$name/$n.text" >>"$name/expected"
        {
            echo "static void block_$n(tg_tape *tape)"
            echo '{'
            sed "s|^\(.*\); *// error: \(.*\)\$|\1; want(tape, $n, \"\2\");|" "$name/$n.c"
            echo "want(tape, $n, \"\");"
            echo '}'
        } >>"$name/all.c"
        calls="$calls $n"
    done
    [ -n "$calls" ] || continue
    {
        echo 'int main(void)'
        echo '{'
        for n in $calls; do
            printf '%s\n' '    {' '        tg_tape *tape = tg_tape_new(NULL);' "        block_$n(tape);" \
                '        tg_tape_free(tape);' '    }'
        done
        printf '%s\n' '    return failed;' '}'
    } >>"$name/all.c"
    run "$name/all" "$name/expected" "a block of $name.md"
    echo "$name.md: blocks$calls"
done
echo "$blocks blocks"
[ "$blocks" -ge 20 ]
