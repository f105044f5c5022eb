/* Temporary files: which name one has is known from its target, and whether it still is in use from
 * a lock, which ends with its process. So what a killed process left is found by the next one, and
 * told from what a living one writes. Relies on POSIX, and on flock(). */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Number i of a target's names. Targets whose hashes are equal share them, which does no harm. */
static void name_for(tg_io_temporary *t, const char *target, int i)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *target; target++)
        hash = (hash ^ (unsigned char)*target) * UINT64_C(0x100000001b3);
    snprintf(t->name, sizeof t->name, ".tinygrad-%016llx-%d.tmp", (unsigned long long)hash, i);
}

static bool lock(int file)
{
    int result;
    do
        result = flock(file, LOCK_EX | LOCK_NB);
    while (result && errno == EINTR);
    return result == 0;
}

/* Whether the name still is that file's: from open() to flock() it may have become another's. */
static bool is_named(const tg_io_temporary *t, int directory, int file)
{
    struct stat open, named;
    return !fstat(file, &open) && !fstatat(directory, t->name, &named, AT_SYMLINK_NOFOLLOW) &&
           S_ISREG(open.st_mode) && open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

/* Removes a file that nobody writes any more; false where there is none, or none of that kind. */
static bool remove_stale(const tg_io_temporary *t, int directory)
{
    int file = openat(directory, t->name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return false;
    bool stale = lock(file) && is_named(t, directory, file);
    bool removed = stale && !unlinkat(directory, t->name, 0);
    close(file);
    return removed;
}

static int create(const tg_io_temporary *t, int directory, mode_t mode)
{
    return openat(directory, t->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
}

/* A new file of that name, locked where the file system has locks; -1 with EEXIST where the name is
 * in use. */
static int take(const tg_io_temporary *t, int directory, mode_t mode)
{
    int file = create(t, directory, mode);
    if (file < 0 && errno == EEXIST) {
        bool removed = remove_stale(t, directory);
        errno = EEXIST;
        file = removed ? create(t, directory, mode) : -1;
    }
    if (file < 0)
        return -1;
    bool ours = lock(file) || errno != EWOULDBLOCK;
    if (ours && is_named(t, directory, file))
        return file;
    close(file); /* another process took it for stale, and removes it */
    errno = EEXIST;
    return -1;
}

int tg_io_open_temporary(tg_io_temporary *t, int directory, const char *target, mode_t mode)
{
    enum { NAMES = 10000 };
    int i = 0, file;
    do {
        name_for(t, target, i);
        file = take(t, directory, mode);
    } while (file < 0 && errno == EEXIST && ++i < NAMES);
    if (file < 0)
        return -1;
    /* Others were left where several processes saved at once. */
    tg_io_temporary next;
    do
        name_for(&next, target, ++i);
    while (remove_stale(&next, directory));
    return file;
}
