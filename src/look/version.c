/* The version that a program runs with, which may not be the one that it was compiled with. */
#include <tinygrad/core.h>

#define TEXT(x) #x
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *tg_version(void)
{
    return VERSION(TG_VERSION_MAJOR, TG_VERSION_MINOR, TG_VERSION_PATCH);
}
