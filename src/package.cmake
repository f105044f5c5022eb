# Packages of a release, a part of CMakeLists.txt: `cpack -G DEB` and `cpack -G TGZ` in the build directory.
# For Debian configure with -DCMAKE_INSTALL_PREFIX=/usr, so that libraries go where it has them;
# tests/package/release.sh makes and tries both. What Debian wants to know is in src/debian.
set(CPACK_PACKAGE_NAME libtinygrad)
set(CPACK_PACKAGE_VENDOR "The libtinygrad authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "minimal reverse-mode autograd engine in C")
# Who makes a release says whom it comes from: -DCPACK_PACKAGE_CONTACT="NAME <ADDRESS>".
if(NOT CPACK_PACKAGE_CONTACT)
    set(CPACK_PACKAGE_CONTACT "The libtinygrad authors <nobody@localhost.invalid>")
endif()
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}) # io needs the core's, whose package is below
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)

# COMPONENT as package PACKAGE; Debian has its licence and its changelog in places of their own.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
find_program(GZIP gzip)
file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
macro(tinygrad_debian component package section text)
    string(TOUPPER ${component} key)
    set(CPACK_DEBIAN_${key}_PACKAGE_NAME ${package})
    set(CPACK_DEBIAN_${key}_PACKAGE_SECTION ${section})
    set(CPACK_DEBIAN_${key}_DESCRIPTION "${text}")
    set(documents ${PROJECT_BINARY_DIR}/debian/${package})
    configure_file(src/debian/copyright ${documents}/copyright COPYONLY)
    configure_file(src/debian/changelog.in ${documents}/changelog @ONLY)
    execute_process(COMMAND ${GZIP} -9nf ${documents}/changelog)
    install(FILES ${documents}/copyright ${documents}/changelog.gz
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package} COMPONENT ${component} EXCLUDE_FROM_ALL)
endmacro()

# What the loader and other packages' builds have to know of a LIBRARY in a package.
macro(tinygrad_debian_library component package library)
    set(documents ${PROJECT_BINARY_DIR}/debian/${package})
    file(WRITE ${documents}/shlibs "${library} ${soversion} ${package} (>= ${PROJECT_VERSION})\n")
    string(TOUPPER ${component} key)
    set(CPACK_DEBIAN_${key}_PACKAGE_CONTROL_EXTRA ${documents}/shlibs ${PROJECT_BINARY_DIR}/debian/triggers)
endmacro()

set(soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(CPACK_COMPONENTS_ALL development)
set(what "A tape records tensor operations and runs the backward pass through them; with
layers, losses, optimisers and PyTorch's semantics. It needs libc and libm.")
if(TINYGRAD_SHARED)
    list(APPEND CPACK_COMPONENTS_ALL library)
    tinygrad_debian(library libtinygrad${soversion} libs "${what}")
    tinygrad_debian_library(library libtinygrad${soversion} libtinygrad)
    set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libtinygrad${soversion} (= ${PROJECT_VERSION}), libc6-dev")
endif()
tinygrad_debian(development libtinygrad-dev libdevel
    "${what}\n.\nHeaders, static libraries, and what CMake and pkg-config need.")
if(TARGET tinygrad::io)
    if(TINYGRAD_SHARED)
        list(APPEND CPACK_COMPONENTS_ALL io)
        tinygrad_debian_library(io libtinygrad-io${soversion} libtinygrad_io)
        tinygrad_debian(io libtinygrad-io${soversion} libs
            "${what}\n.\nTensors in safetensors and npy files, as Python has them, and checkpoints.")
        set(CPACK_DEBIAN_IO_PACKAGE_DEPENDS "libtinygrad${soversion} (= ${PROJECT_VERSION})")
        string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libtinygrad-io${soversion} (= ${PROJECT_VERSION})")
    endif()
    string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libjansson-dev")
    if(tinygrad_io_needs)
        string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", zlib1g-dev")
    endif()
endif()
if(TARGET tinygrad::mpi AND TINYGRAD_SHARED)
    list(APPEND CPACK_COMPONENTS_ALL mpi)
    tinygrad_debian_library(mpi libtinygrad-mpi${soversion} libtinygrad_mpi)
    tinygrad_debian(mpi libtinygrad-mpi${soversion} libs
        "${what}\n.\nTraining by several processes over MPI, to the bits of one.")
    set(CPACK_DEBIAN_MPI_PACKAGE_DEPENDS "libtinygrad${soversion} (= ${PROJECT_VERSION})")
    string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libtinygrad-mpi${soversion} (= ${PROJECT_VERSION})")
    set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS mpi-default-dev) # for tinygrad/mpi.h alone
endif()
include(CPack)
