#ifndef TG_TESTS_MPI_PLAIN_H
#define TG_TESTS_MPI_PLAIN_H

#include "train.h"

/* A step of 8 shards by one process without tinygrad-mpi. */
void plain_step(trainer *t);

#endif
