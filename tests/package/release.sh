#!/bin/sh
# release.sh SOURCE_DIR: the packages of a release are made, looked through by lintian, unpacked, and a program is built
# against each. Beside the last release, if there is one, abidiff says what became of what programs link with.
# Wants lintian, fakeroot and abigail-tools; `conan` and `meson` are tried where they are.
set -eu
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
options="-DCMAKE_BUILD_TYPE=Release -DTINYGRAD_BUILD_TESTS=OFF -DTINYGRAD_BUILD_EXAMPLES=OFF"

# shellcheck disable=SC2086 # several options
cmake -S "$root" -B "$work/build" $options -DCMAKE_INSTALL_PREFIX=/usr >"$work/log"
cmake --build "$work/build" -j2 >"$work/log"
(cd "$work/build" && cpack -G DEB && cpack -G TGZ) >"$work/log"
ls -l "$work/build"/*.deb "$work/build"/*.tar.gz

# Who releases gives the address (CPACK_PACKAGE_CONTACT); that ldconfig is called, and not only
# triggered, is CPack's doing.
lintian --fail-on error,warning --suppress-tags \
    bogus-mail-host,bogus-mail-host-in-debian-changelog,maintscript-calls-ldconfig "$work/build"/*.deb

program() { # the root that it was unpacked to, where libraries are in it
    export PKG_CONFIG_PATH="$1/$2/pkgconfig"
    # shellcheck disable=SC2046 # several flags
    cc -o "$work/program" "$root/examples/cross_entropy.c" $(pkg-config --cflags --libs tinygrad) "-Wl,-rpath,$1/$2"
    "$work/program" >"$work/first"
    grep -qF 'tensor(2.7256)' "$work/first"
}
for package in "$work/build"/*.deb; do
    dpkg -x "$package" "$work/debian"
done
libraries=$(cd "$work/debian" && find . -name pkgconfig | sed 's/pkgconfig$//')
program "$work/debian" "$libraries"
mkdir "$work/archive"
tar xzf "$work/build"/*.tar.gz -C "$work/archive" --strip-components 1
libraries=$(cd "$work/archive" && find . -name pkgconfig | sed 's/pkgconfig$//')
program "$work/archive" "$libraries"
echo "a program was built against the packages and against the archive"

last=$(git -C "$root" describe --tags --abbrev=0 2>/dev/null || true)
if [ -n "$last" ]; then
    git -C "$root" archive --prefix=last/ "$last" | tar x -C "$work"
    # shellcheck disable=SC2086
    cmake -S "$work/last" -B "$work/last-build" $options >"$work/log"
    cmake --build "$work/last-build" -j2 --target tinygrad_shared >"$work/log"
    abidiff --no-added-syms "$work/last-build/libtinygrad.so" "$work/build/libtinygrad.so"
else
    echo "no release yet: nothing to compare with"
fi

if command -v meson >"$work/log"; then
    mkdir -p "$work/meson/subprojects/tinygrad"
    cmake --build "$work/build" --target amalgamation >"$work/log"
    cp "$work/build/amalgamation"/tinygrad.[ch] "$root/src/recipes/meson/meson.build" "$work/meson/subprojects/tinygrad"
    cp "$root/examples/cross_entropy.c" "$work/meson"
    echo "project('program', 'c')
executable('program', 'cross_entropy.c', dependencies: dependency('tinygrad', fallback: 'tinygrad'))" >"$work/meson/meson.build"
    (cd "$work/meson" && meson setup build && meson compile -C build) >"$work/log"
    "$work/meson/build/program" | grep -F 'tensor(2.7256)'
fi
if command -v conan >"$work/log"; then
    export CONAN_HOME="$work/conan"
    conan profile detect >"$work/log" 2>&1
    conan create "$root/src/recipes/conan" >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
    conan list 'tinygrad/*'
fi
