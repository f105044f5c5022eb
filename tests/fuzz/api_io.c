/* Actions of the API fuzzer on files, in a directory of their own. See api.h. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "api.h"

#include <unistd.h>

#ifdef FUZZ_API_IO
#include <tinygrad/io.h>

enum { FILES = 4 };
static char directory[64];

static const char *path_of(int i)
{
    static char path[96];
    snprintf(path, sizeof path, "%s/%d", directory, i);
    return path;
}

static void clean_up(void)
{
    for (int i = 0; i < FILES; i++)
        unlink(path_of(i));
    rmdir(directory);
}

/* In memory where the system has such a place: each save forces its file to the disk. */
static bool have_directory(void)
{
    if (directory[0])
        return true;
    snprintf(directory, sizeof directory, "%s/fuzz_api.XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(directory))
        directory[0] = '\0';
    return directory[0] && !atexit(clean_up);
}

/* Files of programs that ran before are not there. */
static const char *draw_path(world *w, bool writes)
{
    int i = (int)draw(w, FILES);
    if (once_in(w, 32))
        return once_in(w, 2) ? NULL : "/nonexistent/file";
    if (!w->files[i])
        unlink(path_of(i));
    w->files[i] |= writes;
    return path_of(i);
}

static void save(world *w, const char *path)
{
    const tg_metadata pairs[] = {{"format", "pt"}, {once_in(w, 4) ? "format" : "b", "\xff"}};
    tg_save_opts opts = {pairs, draw(w, 3),
                         once_in(w, 4) ? (tg_file_floats)draw(w, 4) : TG_FILE_FULL};
    tg_params *list = pick_pointer(w, LISTS);
    switch (draw(w, 3)) {
    case 0:
        w->says = "save_npy";
        note(w, tg_save_npy(path, pick_tensor(w)));
        break;
    case 1:
        w->says = "save_safetensors";
        note(w, tg_save_safetensors(path, list, draw(w, 2) ? &opts : NULL));
        break;
    default:
        w->says = "save_checkpoint";
        note(w, tg_save_checkpoint(path, list, pick_pointer(w, OPTIMS), draw(w, 4)));
    }
}

static void read_list(world *w, const char *path)
{
    w->says = "read_safetensors";
    tg_params *list = tg_read_safetensors(pick_tape(w), path);
    size_t n = tg_params_count(list);
    note(w, n);
    for (size_t i = 0; i < n; i++) {
        note_text(w, tg_params_name(list, i));
        note_tensor(w, tg_params_tensor(list, i));
    }
    if (list)
        keep(w, w->here, LISTS, (thing){.p = list, .fresh = true});
}

static void load_into(world *w, const char *path, tg_params *list, tg_optim *optim)
{
    int64_t count = -1;
    w->says = "load_checkpoint";
    note(w, tg_load_checkpoint(path, list, optim, &count));
    note(w, (uint64_t)count);
    for (size_t i = 0; i < tg_params_count(list); i++)
        note_tensor(w, tg_params_tensor(list, i));
}

static void load(world *w, const char *path)
{
    tg_load_opts opts = {.partial = true};
    tg_params *list = pick_pointer(w, LISTS);
    if (draw(w, 2)) {
        load_into(w, path, list, pick_pointer(w, OPTIMS));
        return;
    }
    w->says = "load_safetensors";
    note(w, tg_load_safetensors(path, list, draw(w, 2) ? &opts : NULL));
    for (size_t i = 0; i < tg_params_count(list); i++)
        note_tensor(w, tg_params_tensor(list, i));
}

static void load_npy(world *w, const char *path)
{
    w->says = "load_npy";
    tg_tensor *t = tg_load_npy(pick_tape(w), path, draw_flags(w));
    note_tensor(w, t);
    keep_tensor(w, t);
}

static void metadata(world *w, const char *path)
{
    char value[8];
    w->says = "read_metadata";
    note(w, (uint64_t)tg_read_metadata(w->here->tape, path, "format", value, draw(w, 9)));
}

/* Saves tensors and reads them again: what comes back is what was saved. */
static void round_trip(world *w, const char *path)
{
    tg_params *list = tg_params_new(w->here->tape);
    uint32_t n = 1 + draw(w, 3);
    for (uint32_t i = 0; i < n; i++)
        tg_params_add(list, pick_tensor(w), "%u", i);
    if (tg_params_count(list) < n)
        return;
    if (draw(w, 2)) {
        tg_optim *optim = pick_pointer(w, OPTIMS);
        if (!tg_save_checkpoint(path, list, optim, 3))
            load_into(w, path, list, optim);
        return;
    }
    if (!tg_save_safetensors(path, list, NULL))
        read_list(w, path);
}

static void files(world *w)
{
    uint32_t how = draw(w, 13);
    if (!have_directory())
        return;
    w->once |= w->here->capturing != 0; /* after a failure nothing comes of the capture */
    const char *path = draw_path(w, how < 5 || how > 9);
    if (how < 5)
        save(w, path);
    else if (how == 5)
        read_list(w, path);
    else if (how < 8)
        load(w, path);
    else if (how == 8)
        load_npy(w, path);
    else if (how == 9)
        metadata(w, path);
    else
        round_trip(w, path);
}

const action api_io[] = {{"files", files, 5, 0}, {0}};
#else
/* Without tinygrad-io a byte picks the same actions; this one does nothing. */
static void files(world *w)
{
    (void)w;
}

const action api_io[] = {{"files", files, 5, 0}, {0}};
#endif
