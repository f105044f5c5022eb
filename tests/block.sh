#!/bin/sh
# block.sh FILE LANGUAGE N: the N-th block of code of that language in a page, as it stands there.
set -eu
awk -v want="$3" -v start="\`\`\`$2" '/^```/ {if (inside) inside = 0; else {inside = 1; mine = $0 == start; n += mine}; next}
    inside && mine && n == want {print; found = 1} END {exit !found}' "$1"
