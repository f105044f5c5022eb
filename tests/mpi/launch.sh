# To be read by the other scripts here: `launch N PROGRAM ARGUMENT...` by the launcher in $mpiexec. Open MPI
# wants to be told that it may run as root, and more processes than there are processors.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# MPI has leaks of its own: what tinygrad-mpi leaks valgrind.sh would tell, and the programs count their tape's.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
over=
if "$mpiexec" --version 2>/dev/null | grep -qi 'open.*mpi\|openrte'; then
    over="--oversubscribe --mca btl_base_warn_component_unused 0"
fi
launch() {
    processes=$1
    shift
    # shellcheck disable=SC2086 # several options
    timeout 120 "$mpiexec" $over -n "$processes" "$@"
}
fail() {
    echo "$1"
    exit 1
}
