#!/bin/sh
# run.sh MPIEXEC N PROGRAM ARGUMENT...
set -eu
mpiexec=$1
shift
. "$(dirname "$0")/launch.sh"
launch "$@"
