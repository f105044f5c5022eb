#!/bin/sh
# web.sh SOURCE_DIR BUILD_DIR NATIVE: the page examples/web, built in BUILD_DIR for WebAssembly, has at most 200 KiB gzipped,
# trains to its end in a headless Chromium, and shows the hashes that NATIVE (build/.../examples/web) prints. 77: what
# it needs is not installed:
#
#     apt-get install -y --no-install-recommends clang lld wasi-libc libclang-rt-14-dev-wasm32 python3 chromium
set -eu
source=$(cd "$1" && pwd)
mkdir -p "$2"
build=$(cd "$2" && pwd) native=$3
for program in clang wasm-ld python3 chromium; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
[ -d /usr/include/wasm32-wasi ] || { echo "skipped: there is no wasi-libc"; exit 77; }
work=$(mktemp -d)
browser=
trap '[ -z "$browser" ] || kill -- "-$browser" 2>/dev/null || true; rm -rf "$work" 2>/dev/null || true' EXIT

cmake -S "$source" -B "$build" -DCMAKE_TOOLCHAIN_FILE="$source/tests/cross/wasi.cmake" -DCMAKE_BUILD_TYPE=MinSizeRel \
    -DTINYGRAD_BUILD_TESTS=OFF >"$build/log" 2>&1 && cmake --build "$build" -j2 --target web >>"$build/log" 2>&1 ||
    { cat "$build/log"; exit 1; }
python3 "$source/examples/web/make_page.py" "$build/examples/web.wasm" "$build/index.html"

"$native" "$source/examples/web" >"$work/native"
grep weights "$work/native"
hashes=$(sed -n 's/.*weights //p' "$work/native" | sort)

# Two runs: one by the clock, one whose end is looked at.
setsid chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" --enable-logging=stderr \
    --remote-debugging-port=0 "file://$build/index.html#run" >"$work/log" 2>&1 &
browser=$!
waited=0
while ! grep -qE '"(done|failed):' "$work/log"; do
    [ $waited -lt 300 ] && kill -0 "$browser" || { cat "$work/log"; echo "the page did not come to its end"; exit 1; }
    sleep 1
    waited=$((waited + 1))
done
sed -n 's/.*"\(done\|failed\): \(.*\)", source.*/in Chromium: \2/p' "$work/log"
kill -- "-$browser"
wait "$browser" 2>/dev/null || true
browser=

chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile2" --virtual-time-budget=600000 --dump-dom \
    "file://$build/index.html#run" >"$work/page" 2>"$work/log" || { cat "$work/log"; exit 1; }
shown=$(grep -oE 'id="hash[01]">[0-9a-f]{16}' "$work/page" | sed 's/.*>//' | sort)
[ -n "$hashes" ] && [ "$shown" = "$hashes" ] || { echo "the page shows other hashes: $shown"; exit 1; }
grep -q 'data-done="1"' "$work/page"
echo "the page shows the same"
