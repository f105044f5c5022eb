#!/bin/sh
# no_data.sh PROGRAM TEXT: a training example without its data exits with 1 and says TEXT on stderr, and
# so does one whose data is empty.
set -eu
for data in /nowhere /dev/null; do
    code=0
    message=$("$1" --data "$data" 2>&1) || code=$?
    echo "$message"
    [ "$code" = 1 ]
    echo "$message" | grep -q "$data: .*"
    echo "$message" | grep -q "$2"
done
