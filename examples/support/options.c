/* The command line of the training programs, by getopt_long. */
#include "private.h"

#include <getopt.h>
#include <stdlib.h>

enum { HELP, SEED, EPOCHS, LR, DATA, SAVE, RESUME, CURVE, COMMON };

static const struct {
    const char *name, *argument, *help;
} common[COMMON] = {
    [HELP] = {"help", NULL, "this text"},
    [SEED] = {"seed", " N", "of the random generator"},
    [EPOCHS] = {"epochs", " N", "how many times over the data"},
    [LR] = {"lr", " X", "learning rate"},
    [DATA] = {"data", " PATH", "what to learn from"},
    [SAVE] = {"save", " FILE", "write the model at the end (safetensors)"},
    [RESUME] = {"resume", " FILE", "start from what --save wrote"},
    [CURVE] = {"curve", " FILE", "epoch, loss, accuracy as CSV; with gnuplot an SVG as well"},
};

static void print_help(const run *r)
{
    printf("usage: %s [options]\n", r->program);
    for (int i = 0; i < COMMON; i++)
        printf("  --%s%s\n        %s\n", common[i].name,
               common[i].argument ? common[i].argument : "", common[i].help);
    for (int i = 0; i < r->n_own; i++)
        printf("  --%s VALUE\n        %s (default: %s)\n", r->own[i].name, r->own[i].help,
               *r->own[i].value ? *r->own[i].value : "none");
    printf("defaults: --seed %llu --epochs %d --lr %g%s%s\n", (unsigned long long)r->seed,
           r->epochs, r->lr, r->data ? " --data " : "", r->data ? r->data : "");
}

/* A number that takes all of the text and lies in [low, high]. */
static bool number(const char *text, double low, double high, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && *value >= low && *value <= high;
}

static bool take_number(run *r, int option, const char *text)
{
    double value = 0;
    bool right = option == LR ? number(text, 0, 1e6, &value)
                              : number(text, 0, option == SEED ? 0x1p53 : 1e9, &value);
    if (option == LR)
        r->lr = right ? value : r->lr;
    else if (option == SEED)
        r->seed = right ? (uint64_t)value : r->seed;
    else
        r->epochs = right ? (int)value : r->epochs;
    if (!right)
        fprintf(stderr, "%s: --%s %s: not a number in range\n", r->program, common[option].name,
                text);
    return right;
}

static bool take_file(run *r, int option, const char *text)
{
#ifndef EXAMPLES_IO
    if (option == SAVE || option == RESUME) {
        fprintf(stderr, "%s: --%s needs tinygrad-io, which was not built (it needs jansson)\n",
                r->program, common[option].name);
        return false;
    }
#endif
    const char **file[] = {
        [DATA] = &r->data, [SAVE] = &r->save, [RESUME] = &r->resume, [CURVE] = &r->curve};
    *file[option] = text;
    return true;
}

static bool take(run *r, int option, const char *text)
{
    if (option >= COMMON) {
        *r->own[option - COMMON].value = text;
        return true;
    }
    return option <= LR ? take_number(r, option, text) : take_file(r, option, text);
}

static void list_options(const run *r, struct option *options)
{
    for (int i = 0; i < COMMON + r->n_own; i++) {
        bool own = i >= COMMON;
        options[i].name = own ? r->own[i - COMMON].name : common[i].name;
        options[i].has_arg = i == HELP ? no_argument : required_argument;
        options[i].val = i;
    }
}

int run_options(run *r, int argc, char **argv)
{
    struct option options[COMMON + RUN_MAX_OWN + 1] = {{0}};
    list_options(r, options);
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == HELP) {
            print_help(r);
            return 0;
        }
        if (option == '?' || !take(r, option, optarg))
            return 2;
    }
    if (optind < argc) {
        fprintf(stderr, "%s: %s: not an option\n", r->program, argv[optind]);
        return 2;
    }
    return -1;
}
