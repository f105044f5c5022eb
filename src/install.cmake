# Install rules, a part of CMakeLists.txt: headers, libraries, and how CMake and pkg-config find them.
# Components: library, io and mpi, what programs need to run; development, what compiles them.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tinygrad)

# Builds what is missing: README's first command makes one example and what that needs.
foreach(library ${tinygrad_libraries} ${tinygrad_io_libraries} ${tinygrad_mpi_libraries})
    install(CODE "
        if(NOT EXISTS \"$<TARGET_FILE:${library}>\")
            set(config \${CMAKE_INSTALL_CONFIG_NAME})
            if(config)
                set(config --config \${config})
            endif()
            execute_process(RESULT_VARIABLE failed COMMAND \"${CMAKE_COMMAND}\"
                --build \"${CMAKE_BINARY_DIR}\" --target ${library} \${config})
            if(failed)
                message(FATAL_ERROR \"${library} cannot be built\")
            endif()
        endif()")
endforeach()

install(TARGETS ${tinygrad_libraries} tinygrad_default EXPORT tinygrad-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT library)
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp"
    PATTERN io.h EXCLUDE PATTERN mpi.h EXCLUDE)
install(EXPORT tinygrad-targets NAMESPACE tinygrad:: DESTINATION ${package_dir})

configure_package_config_file(src/tinygrad-config.cmake.in tinygrad-config.cmake
    INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break programs.
write_basic_package_version_file(tinygrad-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tinygrad-config.cmake
    ${PROJECT_BINARY_DIR}/tinygrad-config-version.cmake DESTINATION ${package_dir})

# NAME.pc for pkg-config. It finds its prefix from where it lies, so that an installed tree can be
# moved. CFLAGS and LIBS are flags, PRIVATE those of a static link only, REQUIRES what other .pc files have.
file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
file(RELATIVE_PATH pc_libdir ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH pc_includedir ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
function(tinygrad_install_pc pc_name pc_description)
    cmake_parse_arguments(pc "" "" "CFLAGS;LIBS;PRIVATE;REQUIRES;REQUIRES_PRIVATE" ${ARGN})
    foreach(list CFLAGS LIBS PRIVATE REQUIRES REQUIRES_PRIVATE)
        string(REPLACE ";" " " pc_${list} "${pc_${list}}")
    endforeach()
    configure_file(src/tinygrad.pc.in ${pc_name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${pc_name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# NAME is linked from the shared library where there is one, NAME-static from the archive, which
# "pkg-config --static" alone does not choose. The loader looks into /usr by itself, and into other
# places, /usr/local among them, after ldconfig or not at all.
set(pc_where -L\${libdir})
if(TINYGRAD_SHARED AND UNIX AND NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    list(APPEND pc_where -Wl,-rpath,\${libdir})
endif()
function(tinygrad_install_pcs name library description)
    cmake_parse_arguments(needs "" "" "CFLAGS;LIBS;SHARED_LIBS;REQUIRES;NEEDS" ${ARGN})
    set(version " = ${PROJECT_VERSION}")
    list(TRANSFORM needs_REQUIRES APPEND "-static${version}" OUTPUT_VARIABLE requires_static)
    list(TRANSFORM needs_REQUIRES APPEND "${version}")
    if(TINYGRAD_SHARED)
        tinygrad_install_pc(${name} "${description}" LIBS ${pc_where} -l${library} ${needs_SHARED_LIBS}
            PRIVATE ${needs_LIBS} CFLAGS ${needs_CFLAGS} REQUIRES ${needs_REQUIRES} REQUIRES_PRIVATE ${needs_NEEDS})
    else()
        tinygrad_install_pc(${name} "${description}" LIBS ${pc_where} -l${library} ${needs_LIBS}
            CFLAGS ${needs_CFLAGS} REQUIRES ${needs_REQUIRES} ${needs_NEEDS})
    endif()
    tinygrad_install_pc(${name}-static "${description} (static)"
        LIBS \${libdir}/${CMAKE_STATIC_LIBRARY_PREFIX}${library}${CMAKE_STATIC_LIBRARY_SUFFIX} ${needs_LIBS}
        CFLAGS ${needs_CFLAGS} REQUIRES ${requires_static} ${needs_NEEDS})
endfunction()
tinygrad_install_pcs(tinygrad tinygrad "${PROJECT_DESCRIPTION}" LIBS ${system_libraries})

if(TARGET tinygrad::io)
    install(TARGETS ${tinygrad_io_libraries} tinygrad_io_default EXPORT tinygrad-io-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT io NAMELINK_COMPONENT development
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT io)
    install(FILES include/tinygrad/io.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tinygrad)
    install(EXPORT tinygrad-io-targets NAMESPACE tinygrad:: DESTINATION ${package_dir})
    install(FILES src/io/tinygrad-jansson.cmake DESTINATION ${package_dir})
    tinygrad_install_pcs(tinygrad-io tinygrad_io "Tensors of libtinygrad in safetensors and npy files"
        REQUIRES tinygrad NEEDS jansson ${tinygrad_io_needs})
endif()

# MPI's flags are written down: its own .pc files have other names in each implementation, and the library is
# of the one that it was built with.
if(TARGET tinygrad::mpi)
    install(TARGETS ${tinygrad_mpi_libraries} tinygrad_mpi_default EXPORT tinygrad-mpi-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT mpi NAMELINK_COMPONENT development
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT mpi)
    install(FILES include/tinygrad/mpi.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tinygrad)
    install(EXPORT tinygrad-mpi-targets NAMESPACE tinygrad:: DESTINATION ${package_dir})
    list(TRANSFORM tinygrad_mpi_include_dirs PREPEND -I OUTPUT_VARIABLE mpi_cflags)
    tinygrad_install_pcs(tinygrad-mpi tinygrad_mpi "Training by several processes with libtinygrad, over MPI"
        CFLAGS ${mpi_cflags} LIBS ${tinygrad_mpi_link} SHARED_LIBS ${tinygrad_mpi_link} REQUIRES tinygrad)
endif()
