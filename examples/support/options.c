/* The command line of the training programs, by getopt_long. */
#include "private.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>

enum { HELP, EAGER, SEED, EPOCHS, STOP, PATIENCE, LR, DATA, SAVE, RESUME, CURVE, COMMON };

static const struct {
    const char *name, *argument, *help;
} common[COMMON] = {
    [HELP] = {"help", NULL, "this text, as -h"},
    [EAGER] = {"eager", NULL,
               "record every step anew instead of replaying the first; same numbers"},
    [SEED] = {"seed", " N", "of the random generator"},
    [EPOCHS] = {"epochs", " N", "how many times over the data, those before --resume included"},
    [STOP] = {"stop", " N", "end after epoch N of them, as Ctrl-C would, for --resume to go on"},
    [PATIENCE] = {"patience", " N",
                  "end after N epochs without a lower loss, on the validation if there is one"},
    [LR] = {"lr", " X", "learning rate"},
    [DATA] = {"data", " PATH", "what to learn from"},
    [SAVE] =
        {"save", " FILE",
         "write a checkpoint (safetensors): at the start, after epochs, and at the end; and the "
         "one of the lowest validation loss to FILE.best"},
    [RESUME] = {"resume", " FILE",
                "go on from what --save wrote; give the other options as before (the best is then "
                "looked for anew)"},
    [CURVE] = {"curve", " FILE",
               "epoch, loss, accuracy, validation as CSV; with gnuplot an SVG as well"},
};

static void print_own(const run_option *own)
{
    printf("  --%s %s\n        %s (default: ", own->name, own->count ? "N" : "TEXT", own->help);
    if (own->count)
        printf("%d)\n", *own->count);
    else
        printf("%s)\n", *own->text ? *own->text : "none");
}

static void print_help(const run *r)
{
    printf("usage: %s [options]\n", r->program);
    for (int i = 0; i < COMMON; i++)
        printf("  --%s%s\n        %s\n", common[i].name,
               common[i].argument ? common[i].argument : "", common[i].help);
    for (int i = 0; i < r->n_own; i++)
        print_own(&r->own[i]);
    printf("defaults: --seed %llu --epochs %d --lr %g%s%s\n"
           "Ctrl-C ends the run after the epoch under way and saves; a second one at once,\n"
           "without saving.\n",
           (unsigned long long)r->seed, r->epochs, r->lr, r->data ? " --data " : "",
           r->data ? r->data : "");
}

/* A number >= 0 that takes all of the text; says on stderr where it is none. */
static bool number(const run *r, const char *name, const char *text, double most, bool whole,
                   double *value)
{
    char *end;
    *value = strtod(text, &end);
    bool right = end != text && !*end && *value >= 0 && *value <= most;
    right = right && (!whole || *value == floor(*value));
    if (!right)
        fprintf(stderr, "%s: --%s %s: not a %snumber from 0 to %.16g\n", r->program, name, text,
                whole ? "whole " : "", most);
    return right;
}

static bool count(const run *r, const char *name, const char *text, int *value)
{
    double read;
    bool right = number(r, name, text, 1e9, true, &read);
    *value = right ? (int)read : *value;
    return right;
}

static bool take_number(run *r, int option, const char *text)
{
    double seed;
    if (option == LR)
        return number(r, "lr", text, 1e6, false, &r->lr);
    int *counts[] = {[EPOCHS] = &r->epochs, [STOP] = &r->last, [PATIENCE] = &r->patience};
    if (option != SEED)
        return count(r, common[option].name, text, counts[option]);
    bool right = number(r, "seed", text, 0x1p53, true, &seed);
    r->seed = right ? (uint64_t)seed : 0;
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

static bool take_own(const run *r, const run_option *own, const char *text)
{
    if (own->count)
        return count(r, own->name, text, own->count);
    *own->text = text;
    return true;
}

static bool take(run *r, int option, const char *text)
{
    if (option == EAGER)
        return r->eager = true;
    if (option >= COMMON)
        return take_own(r, &r->own[option - COMMON], text);
    return option <= LR ? take_number(r, option, text) : take_file(r, option, text);
}

static void list_options(const run *r, struct option *options)
{
    for (int i = 0; i < COMMON + r->n_own; i++) {
        bool own = i >= COMMON;
        options[i].name = own ? r->own[i - COMMON].name : common[i].name;
        options[i].has_arg = i <= EAGER ? no_argument : required_argument;
        options[i].val = i;
    }
}

/* What getopt_long() does not take; it would say so with the path that the program was called by.
 * A letter is told from a number of the list. */
static bool refuse(const run *r, int why, const char *argument)
{
    if (why == '?' && optopt > COMMON + RUN_MAX_OWN)
        fprintf(stderr, "%s: -%c: not an option\n", r->program, optopt);
    else
        fprintf(stderr, "%s: %s: %s\n", r->program, argument,
                why == ':' ? "a value is missing" : "not an option");
    return false;
}

/* Whether all of the command line could be taken; sets *help where it asks for that. */
static bool read_options(run *r, int argc, char **argv, bool *help)
{
    struct option options[COMMON + RUN_MAX_OWN + 1] = {{0}};
    list_options(r, options);
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (option == HELP || option == 'h')
            return *help = true;
        if (option == '?' || option == ':')
            return refuse(r, option, argv[optind - 1]);
        if (!take(r, option, optarg))
            return false;
    }
    return optind == argc || refuse(r, 0, argv[optind]);
}

int run_options(run *r, int argc, char **argv)
{
    bool help = false;
    if (!read_options(r, argc, argv, &help)) {
        fprintf(stderr, "try %s --help\n", r->program);
        return 2;
    }
    if (help)
        print_help(r);
    return help ? 0 : -1;
}
