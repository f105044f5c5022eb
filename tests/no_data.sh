#!/bin/sh
# no_data.sh PROGRAM TEXT: a training example without its data exits with 1 and says TEXT on stderr, and
# so does one whose data is empty, or a pipe, which cannot be read twice.
set -eu
for data in /nowhere /dev/null /dev/stdin; do
    code=0
    # shellcheck disable=SC2002 # a pipe is what is wanted
    message=$(cat examples/words.txt | "$1" --data "$data" --epochs 1 2>&1) || code=$?
    echo "$message"
    [ "$code" = 1 ]
    echo "$message" | grep -q "$data: .*"
    echo "$message" | grep -q "$2"
done
