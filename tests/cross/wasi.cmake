# WebAssembly with the system interface WASI, by clang, lld and wasi-libc (Debian: clang lld wasi-libc
# libclang-rt-14-dev-wasm32):
#
#     cmake -B build/wasi -DCMAKE_TOOLCHAIN_FILE=tests/cross/wasi.cmake -DTINYGRAD_BUILD_TESTS=OFF
#
# Programs run wherever WASI does; with node: node tests/cross/wasi.mjs build/wasi/examples/train.wasm
# Vectors of 128 bits are part of it; for what has none, -DTINYGRAD_WASM_SIMD=OFF. With -DTINYGRAD_WASM_RELAXED=ON products are
# made by relaxed vectors' multiply-add, where the engine has it fused, to the same bits: for newer compilers
# (-DCMAKE_C_COMPILER=clang-19) and engines that know these vectors (node 20: --experimental-wasm-relaxed-simd).
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
if(NOT CMAKE_C_COMPILER)
    set(CMAKE_C_COMPILER clang)
endif()
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_EXECUTABLE_SUFFIX_C .wasm)
option(TINYGRAD_WASM_SIMD "Vectors of 128 bits" ON)
option(TINYGRAD_WASM_RELAXED "Relaxed vectors for products" OFF)
if(TINYGRAD_WASM_SIMD)
    set(CMAKE_C_FLAGS_INIT -msimd128)
endif()
if(TINYGRAD_WASM_RELAXED)
    string(APPEND CMAKE_C_FLAGS_INIT " -mrelaxed-simd")
endif()
# -O0: a wasm-opt that happens to be there may not know these vectors, and clang would run it.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-z,stack-size=1048576 -O0")
# What this machine has installed for itself is of no use there.
set(CMAKE_FIND_ROOT_PATH /usr/lib/wasm32-wasi)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(TINYGRAD_MPI OFF CACHE STRING "") # an MPI that is found is this machine's
