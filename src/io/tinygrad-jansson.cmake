# Makes the target tinygrad::jansson where jansson is installed; for the build and, installed beside
# tinygrad-config.cmake, for programs that link tinygrad::io.
find_path(TINYGRAD_JANSSON_INCLUDE_DIR jansson.h)
find_library(TINYGRAD_JANSSON_LIBRARY jansson)
mark_as_advanced(TINYGRAD_JANSSON_INCLUDE_DIR TINYGRAD_JANSSON_LIBRARY)
if(TINYGRAD_JANSSON_INCLUDE_DIR AND TINYGRAD_JANSSON_LIBRARY AND NOT TARGET tinygrad::jansson)
    add_library(tinygrad::jansson UNKNOWN IMPORTED GLOBAL)
    set_target_properties(tinygrad::jansson PROPERTIES
        IMPORTED_LOCATION "${TINYGRAD_JANSSON_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${TINYGRAD_JANSSON_INCLUDE_DIR}")
endif()
