# Gives test_examples_alloc every example, its main() under another name, and a malloc that fails on
# demand in place of the one that the library and the examples call. Without a linker that has --wrap
# the program has nothing to run, and says so. Examples with a file examples/NAME.args are run with what
# is in it: few epochs, for those that train.
if(TINYGRAD_EXAMPLES AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
    foreach(source ${TINYGRAD_EXAMPLES})
        get_filename_component(name ${source} NAME_WE)
        # In a library of its own: the renaming is for this program alone.
        add_library(example_main_${name} OBJECT ${source})
        tinygrad_compile_options(example_main_${name})
        target_link_libraries(example_main_${name} PRIVATE tinygrad::static)
        target_compile_definitions(example_main_${name} PRIVATE main=example_${name})
        target_sources(test_examples_alloc PRIVATE $<TARGET_OBJECTS:example_main_${name}>)
        file(STRINGS ${source} supported REGEX "^#include \"support/")
        if(supported)
            target_link_libraries(test_examples_alloc PRIVATE example_support)
        endif()
        set(arguments ${CMAKE_CURRENT_SOURCE_DIR}/examples/${name}.args)
        if(EXISTS ${arguments})
            file(READ ${arguments} arguments)
            string(REGEX REPLACE "[^ \n]+" "\"\\0\"," arguments "${arguments}")
            string(REPLACE "\n" "" arguments "${arguments}")
            list(APPEND example_calls "EXAMPLE_ARGS(${name}, ${arguments} NULL)")
        else()
            list(APPEND example_calls "EXAMPLE(${name})")
        endif()
    endforeach()
    string(REPLACE ";" " " example_calls "${example_calls}")
    target_compile_definitions(test_examples_alloc PRIVATE "EXAMPLES=${example_calls}"
        _POSIX_C_SOURCE=200809L)
    target_link_options(test_examples_alloc PRIVATE -Wl,--wrap=malloc -Wl,--wrap=free)
endif()
