# What inside.sh puts into README's project: targets whose names are common, and hidden functions.
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
file(WRITE ${CMAKE_BINARY_DIR}/empty.c "int outside_m(void);\nint outside_m(void)\n{\n    return 0;\n}\n")
add_library(m STATIC EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/empty.c)
foreach(name reference tests examples check package)
    add_custom_target(${name})
endforeach()
