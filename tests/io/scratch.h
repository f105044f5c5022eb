/* A directory of its own for a test program that writes files, and its files' bytes. A program
 * defines _POSIX_C_SOURCE 200809L before it includes anything, and gives make_scratch() and
 * drop_scratch() to cmocka as its group's fixtures. */
#ifndef TG_TESTS_IO_SCRATCH_H
#define TG_TESTS_IO_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch[256];

static int make_scratch(void **state)
{
    (void)state;
    const char *where = getenv("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/tinygrad-io-XXXXXX", where ? where : "/tmp");
    return mkdtemp(scratch) ? 0 : -1;
}

/* Counts the files, removing them if wanted. */
static int count_files(int remove_them)
{
    char path[1024];
    int count = 0;
    DIR *directory = opendir(scratch);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        count++;
        snprintf(path, sizeof path, "%s/%s", scratch, entry->d_name);
        if (remove_them)
            remove(path);
    }
    if (directory)
        closedir(directory);
    return count;
}

static int drop_scratch(void **state)
{
    (void)state;
    count_files(1);
    return rmdir(scratch);
}

/* The path of a file there; good until the call after the next. */
static const char *in_scratch(const char *name)
{
    static _Thread_local char paths[2][512];
    static _Thread_local int turn;
    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", scratch, name);
    return paths[turn];
}

#endif
