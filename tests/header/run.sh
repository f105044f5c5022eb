#!/bin/sh
# run.sh SOURCE STANDARD PROGRAM LIBRARIES COMPILER FLAGS...: builds SOURCE as that standard's language
# and runs it.
set -eu
source=$1 standard=$2 program=$3 libraries=$4
shift 4
case $standard in
c++*) language=c++ ;;
*) language=c ;;
esac
"$@" -O2 -Wall -Wextra -pedantic -Werror -x "$language" -std="$standard" "$source" \
    -x none $libraries -lm -o "$program"
"$program"
