/* The main of a fuzz target that is built without libFuzzer: runs it once over every file named
 * on the command line, so that what fuzzing found once is tested for ever after. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return EXIT_FAILURE;
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    /* A block of its exact size, so that a sanitizer sees a read past its end. */
    uint8_t *exact = malloc(size + !size);
    if (!exact)
        return EXIT_FAILURE;
    for (size_t i = 0; i < size; i++)
        exact[i] = data[i];
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (replay(argv[i]) != EXIT_SUCCESS)
            return EXIT_FAILURE;
    }
    printf("%d inputs replayed\n", argc - 1);
    return EXIT_SUCCESS;
}
