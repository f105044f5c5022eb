/* What the page shows at the end, computed on this machine: web_native examples/web */
#include "play.h"

#include <stdio.h>

static int take(int which, const char *folder, const char *name)
{
    enum { SIZE = 1 << 17 };
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    char *text = play_text(which, SIZE);
    if (!file || !text) {
        perror(path);
        return 1;
    }
    size_t size = fread(text, 1, SIZE, file);
    fclose(file);
    return size == 0;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "examples/web";
    if (take(PLAY_DIGITS, folder, "digits.txt") || take(PLAY_NAMES, folder, "names.txt"))
        return 1;
    if (play_begin()) {
        fprintf(stderr, "web: %s\n", play_error());
        return 1;
    }
    static const char *const called[] = {"digits", "names"};
    for (int which = 0; which < 2; which++) {
        double loss = 0;
        for (int step = 0; step < play_steps(which); step++)
            loss = play_step(which);
        printf("%s: %d steps, loss %.4f, weights %s\n", called[which], play_steps(which), loss,
               play_hash(which));
    }
    printf("%.1f %% of the digits kept apart are read rightly\n", 100 * play_accuracy());
    for (int i = 0; i < 12; i++) {
        for (int letter = play_letter(1); letter; letter = play_letter(0))
            putchar('a' + letter - 1);
        putchar(i < 11 ? ' ' : '\n');
    }
    if (*play_error())
        fprintf(stderr, "web: %s\n", play_error());
    return *play_error() != '\0';
}
