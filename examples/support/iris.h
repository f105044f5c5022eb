/* The 150 flowers of R. A. Fisher, "The use of multiple measurements in taxonomic problems" (1936):
 * sepal length and width, petal length and width in cm, and the species. */
#ifndef EXAMPLES_IRIS_H
#define EXAMPLES_IRIS_H

#include <tinygrad.h>

enum { IRIS_FLOWERS = 150, IRIS_FEATURES = 4, IRIS_SPECIES = 3, IRIS_PETAL_LENGTH = 2 };

typedef struct iris {
    float features[IRIS_FLOWERS][IRIS_FEATURES];
    int64_t species[IRIS_FLOWERS]; /* setosa, versicolor, virginica */
} iris;

/* Reads data/iris.csv, or the file at `path` unless it is NULL. False where it is not that file,
 * and says so on stderr. */
bool iris_read(iris *flowers, const char *path);
/* How many rows of the float32 logits have the largest number at the flower's species, of 1. */
double iris_accuracy(const iris *flowers, const tg_tensor *logits);

#endif
