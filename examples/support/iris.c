/* Reads the flowers' CSV file. EXAMPLES_DATA is the directory that it lies in, from CMake. */
#include "iris.h"

#include <string.h>

static bool read_flower(FILE *file, float *x, int64_t *species)
{
    static const char *const names[IRIS_SPECIES] = {"setosa", "versicolor", "virginica"};
    char line[128], name[32];
    if (!fgets(line, sizeof line, file))
        return false;
    if (sscanf(line, "%f,%f,%f,%f,%31s", &x[0], &x[1], &x[2], &x[3], name) != 5)
        return false;
    for (*species = 0; *species < IRIS_SPECIES; ++*species) {
        if (!strcmp(name, names[*species]))
            return true;
    }
    return false;
}

bool iris_read(iris *flowers, const char *path)
{
    char header[128];
    path = path ? path : EXAMPLES_DATA "/iris.csv";
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return false;
    }
    int n = 0;
    if (fgets(header, sizeof header, file)) {
        while (n < IRIS_FLOWERS && read_flower(file, flowers->features[n], &flowers->species[n]))
            n++;
    }
    fclose(file);
    if (n < IRIS_FLOWERS)
        fprintf(stderr, "%s: line %d is not a flower\n", path, n + 2);
    return n == IRIS_FLOWERS;
}

double iris_accuracy(const iris *flowers, const tg_tensor *logits)
{
    const float *row = tg_f32(logits);
    int right = 0;
    for (int i = 0; i < IRIS_FLOWERS && row; i++, row += IRIS_SPECIES) {
        int best = 0;
        for (int c = 1; c < IRIS_SPECIES; c++)
            best = row[c] > row[best] ? c : best;
        right += best == flowers->species[i];
    }
    return (double)right / (double)IRIS_FLOWERS;
}
