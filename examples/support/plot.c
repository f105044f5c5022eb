/* A loss curve drawn by gnuplot, which is run without a shell: it reads the CSV as its standard
 * input and writes the SVG to its standard output, so that no file name needs quoting. */
#include "private.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ; /* POSIX declares it nowhere */

#define CURVE(column) "'/dev/stdin' using 1:" column " skip 1 with lines "
static const char setting[] = "set terminal svg size 640,400 background 'white'; set datafile "
                              "separator ','; set grid; set key center right;"
                              "set xlabel 'epoch'; set ylabel 'loss'; ";
#define LOSS "plot " CURVE("2") "title 'loss'"
#define VALIDATION ", " CURVE("4") "title 'validation'"
#define ACCURACY ", " CURVE("(100*$3)") "axes x1y2 title 'accuracy'"
#define TWO_AXES "set ytics nomirror; set y2tics; set y2label 'accuracy, %';"
static const char *const plots[2][2] = {
    {LOSS, LOSS VALIDATION}, {TWO_AXES LOSS ACCURACY, TWO_AXES LOSS VALIDATION ACCURACY}};

static bool draw(const char *csv, const char *svg, const char *plot)
{
    char *arguments[] = {"gnuplot", "-e", (char *)setting, "-e", (char *)plot, NULL};
    posix_spawn_file_actions_t files;
    pid_t child;
    int status = 1;
    if (posix_spawn_file_actions_init(&files))
        return false;
    bool ready =
        !posix_spawn_file_actions_addopen(&files, 0, csv, O_RDONLY, 0) &&
        !posix_spawn_file_actions_addopen(&files, 1, svg, O_WRONLY | O_CREAT | O_TRUNC, 0644) &&
        !posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    if (ready && !posix_spawnp(&child, "gnuplot", &files, NULL, arguments, environ))
        waitpid(child, &status, 0);
    posix_spawn_file_actions_destroy(&files);
    return status == 0;
}

void run_plot(const run *r)
{
    char svg[4096];
    int length = snprintf(svg, sizeof svg, "%s.svg", r->curve);
    const char *plot = plots[r->has_accuracy][r->has_validation];
    if (length > 0 && (size_t)length < sizeof svg && !draw(r->curve, svg, plot))
        unlink(svg); /* empty: gnuplot is not there */
}
