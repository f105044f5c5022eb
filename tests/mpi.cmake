# Programs that run as several processes, a part of CMakeLists.txt: they are started by MPI's own launcher, and
# left out where there is none. As root, and with more processes than processors, launchers want to be told.
#
# mpi/train.c, plain.c  what is trained, and how it would be done without tinygrad-mpi
# mpi/mpi_train.c   prints a hash of what came of it       mpi/bits.sh    the same one for all numbers of processes
# mpi/mpi_faults.c  what goes wrong in one process         mpi/stop.sh    a killed process, and a run that goes on
# mpi/mpi_bench.c   what bench/distributed.py measures     mpi/mpi_overlap.c   whether messages move meanwhile; not tests
# mpi/example.sh    examples/distributed.c                 mpi/launch.sh, run.sh   how processes are started
if(NOT TARGET tinygrad::mpi)
    return()
elseif(NOT MPIEXEC_EXECUTABLE OR CMAKE_C_FLAGS MATCHES "-fsanitize=thread")
    message(STATUS "tests of tinygrad-mpi left out: there is no launcher, or MPI itself would be reported")
    return()
endif()
set(mpi_program_mpi_train mpi/mpi_train.c mpi/train.c mpi/plain.c)
set(mpi_program_mpi_faults mpi/mpi_faults.c mpi/train.c)
set(mpi_program_mpi_bench mpi/mpi_bench.c)
set(mpi_program_mpi_overlap mpi/mpi_overlap.c)
foreach(program mpi_train mpi_faults mpi_bench mpi_overlap)
    add_executable(${program} ${mpi_program_${program}})
    tinygrad_test_options(${program})
    target_link_libraries(${program} PRIVATE tinygrad::mpi_static)
    if(TARGET tinygrad::io)
        target_compile_definitions(${program} PRIVATE WITH_IO)
        target_link_libraries(${program} PRIVATE tinygrad::io_static tinygrad::jansson)
    endif()
    target_link_libraries(${program} PRIVATE ${test_libraries})
endforeach()

# The processes wait for each other, and are slow where somebody else works.
foreach(test bits stop)
    if(test STREQUAL "bits" OR TARGET tinygrad::io)
        tinygrad_add_test(mpi_${test} sh mpi/${test}.sh ${MPIEXEC_EXECUTABLE} $<TARGET_FILE:mpi_train>)
    endif()
endforeach()
foreach(processes 1 3 4)
    tinygrad_add_test(mpi_faults_${processes} sh mpi/run.sh ${MPIEXEC_EXECUTABLE} ${processes}
        $<TARGET_FILE:mpi_faults>)
endforeach()
if(TARGET distributed)
    tinygrad_add_test(mpi_example sh mpi/example.sh ${MPIEXEC_EXECUTABLE} $<TARGET_FILE:distributed>)
endif()
