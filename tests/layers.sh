#!/bin/sh
# layers.sh SOURCE_DIR OBJECT...: holds the floors of src. A file calls its own floor and those below:
#
#     kernels, memory < kernels/loss, random < tape < record < ops < ops/nn < backward < train, look < nn < io, mpi
#
# (kernels and memory do not call each other, nor do kernels/loss and random, train and look, io and mpi). A finding is a call upwards or
# sideways, a circle of calls between files of a floor, an include of an upper floor's header, an upper floor's type in
# a lower header; calls are read from the object files. And what is to be read in one sitting, memory, tape,
# record and backward, has a limit of lines of code, without comments and blank lines.
set -eu
limit=3000
source=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$source"

# Floor and rank of a file: "tape/tensor.h" is "tape 3".
floors='kernels 0 kernels/loss 1 memory 0 random 1 tape 2 record 3 ops 4 ops/nn 5 backward 6 train 7 look 7 nn 8 io 9 mpi 9'
awk_floors='
    BEGIN {
        n = split(floors, words, " ")
        for (i = 1; i < n; i += 2)
            rank[words[i]] = words[i + 1]
    }
    function floor_of(file) { sub(/\/[^\/]*$/, "", file); return file }
    function allowed(from, to) {
        return floor_of(from) == floor_of(to) || rank[floor_of(from)] > rank[floor_of(to)]
    }'

# "file U name" and "file D name" for each symbol, file as in "tape/tensor.c".
for object; do
    file=${object##*/src/}
    nm "$object" | awk -v file="${file%.o}" 'NF == 2 && $1 == "U" { print file, "U", $2 }
                                             NF == 3 && $2 ~ /[TDRBVW]/ { print file, "D", $3 }'
done >"$work/symbols"

# "caller callee name" for each call between files, and for each read of another file's constant.
awk 'NR == FNR { if ($2 == "D") home[$3] = $1; next }
     $2 == "U" && $3 in home { print $1, home[$3], $3 }' "$work/symbols" "$work/symbols" >"$work/calls"

awk -v floors="$floors" "$awk_floors"'
    !(floor_of($1) in rank) { print $1 ": its folder is no floor"; next }
    !allowed($1, $2) { print $1 " calls up: " $3 "() of " $2 }' "$work/calls" | sort -u >"$work/findings"

# Files of one floor from which a circle can be reached, and back: what is left once those without a call
# out, or in, are taken away again and again.
awk -v floors="$floors" "$awk_floors"'
    floor_of($1) == floor_of($2) { from[NR] = $1; to[NR] = $2; name[NR] = $3 }
    END {
        do {
            split("", calls); split("", called); removed = 0
            for (i in from) { calls[from[i]] = 1; called[to[i]] = 1 }
            for (i in from)
                if (!(to[i] in calls) || !(from[i] in called)) {
                    delete from[i]; delete to[i]; removed = 1
                }
        } while (removed)
        for (i in from)
            print from[i] " stands in a circle: " name[i] "() of " to[i]
    }' "$work/calls" | sort >>"$work/findings"

find src -name '*.[ch]' -o -name '*.inc' | sed 's,^src/,,' | sort >"$work/files"
while read -r file; do
    awk -v file="$file" -v floors="$floors" "$awk_floors"'
        /^#[ ]*include "[^"]*\// {
            split($0, part, "\"")
            if (floor_of(part[2]) in rank && !allowed(file, part[2]))
                print file " includes " part[2]
        }' "src/$file"
done <"$work/files" >>"$work/findings"

# Code alone, for types and for counting.
strip() {
    awk '{ gsub(/\/\*.*\*\//, "") }
         /\/\*/ { inside = 1; sub(/\/\*.*/, "") }
         inside && /\*\// { inside = 0; sub(/.*\*\//, "") }
         !inside && NF' "$1"
}
grep '\.h$' "$work/files" | while read -r file; do
    strip "src/$file" | sed "s,^,$file ,"
done >"$work/headers"
# A type belongs where it is completed: "struct tg_x {", "} tg_x;".
awk '$2 == "typedef" && $3 ~ /^(struct|enum|union)$/ && $5 == "{" { print $4, $1 }
     $2 ~ /^(struct|enum|union)$/ && $4 == "{" { print $3, $1 }
     $2 == "}" && $3 ~ /^[a-z_0-9]+;$/ { sub(/;/, "", $3); print $3, $1 }' "$work/headers" |
    grep '^tg' | sort -u >"$work/types"
awk -v floors="$floors" "$awk_floors"'
    NR == FNR { home[$1] = $2; next }
    {
        file = $1; line = $0; sub(/^[^ ]* /, "", line)
        while (match(line, /[A-Za-z_][A-Za-z_0-9]*/)) {
            word = substr(line, RSTART, RLENGTH)
            line = substr(line, RSTART + RLENGTH)
            if (word in home && !allowed(file, home[word]))
                print file " names a type of an upper floor: " word " of " home[word]
        }
    }' "$work/types" "$work/headers" | sort -u >>"$work/findings"

# Which function makes the call, for the reader.
sed -n 's/^\([^ ]*\) \(calls up\|stands in a circle\): \([^ (]*\)() of .*/\1 \3/p' "$work/findings" |
    while read -r file name; do
        for object; do
            case $object in */src/"$file".o)
                objdump -dr "$object" 2>/dev/null |
                    awk -v name="$name" -v file="$file" '
                        /^[0-9a-f]+ <.*>:$/ { at = $2; gsub(/[<>:]/, "", at) }
                        $3 ~ "^" name "([-+@].*)?$" && !seen[at]++ {
                            print "    " name "() is called in " at "() of " file }' ;;
            esac
        done
    done >"$work/callers"

total=0
for floor in memory tape record backward; do
    lines=0
    for file in src/$floor/*.[ch]; do
        lines=$((lines + $(strip "$file" | wc -l)))
    done
    printf '%5d lines of code in src/%s\n' "$lines" "$floor"
    total=$((total + lines))
done
printf '%5d in all, of at most %d\n' "$total" "$limit"
cat "$work/findings" "$work/callers"
printf '%d findings\n' "$(wc -l <"$work/findings")"
[ ! -s "$work/findings" ] && [ "$total" -le "$limit" ]
