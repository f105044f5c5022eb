/* A loss curve drawn by gnuplot, which is run without a shell: it reads the CSV as its standard
 * input and writes the SVG to its standard output, so that no file name needs quoting. */
#include "private.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ; /* POSIX declares it nowhere */

static const char script[] = "set terminal svg size 640,400; set datafile separator ','; set grid; "
                             "set xlabel 'epoch'; set ylabel 'loss'; set key off; "
                             "plot '/dev/stdin' using 1:2 skip 1 with lines";

static bool draw(const char *csv, const char *svg)
{
    char *arguments[] = {"gnuplot", "-e", (char *)script, NULL};
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

void run_plot(const char *csv)
{
    char svg[4096];
    int length = snprintf(svg, sizeof svg, "%s.svg", csv);
    if (length > 0 && (size_t)length < sizeof svg && !draw(csv, svg))
        unlink(svg); /* empty: gnuplot is not there */
}
