/* The recorded graph as text for Graphviz. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT = 4096 };

/* What tg_write_dot() writes for a small loss. */
static void graph_text(char *text)
{
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(5, 4), TG_REQUIRES_GRAD);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *x = tg_from_f32(tape, (float[12]){1}, TG_DIMS(3, 4), 0);
    tg_tensor *y = tg_from_i64(tape, (int64_t[]){1, 0, 3}, TG_DIMS(3), 0);
    tg_cross_entropy(tg_linear(x, w, NULL), y, NULL);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(tg_write_dot(file, tape, mark), TG_OK);
    rewind(file);
    text[fread(text, 1, TEXT - 1, file)] = '\0';
    fclose(file);
    tg_tape_free(tape);
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, part)); p++)
        n++;
    return n;
}

/* Both ends of each arrow have a line of their own. */
static void check_ends(const char *text)
{
    for (const char *arrow = text; (arrow = strstr(arrow, " -> ")); arrow++) {
        const char *start = arrow, *end = arrow + 4;
        while (start[-1] != ' ')
            start--;
        char from[64], to[64];
        snprintf(from, sizeof from, "\n  %.*s [", (int)(arrow - start), start);
        snprintf(to, sizeof to, "\n  %.*s [", (int)strcspn(end, ";"), end);
        if (!strstr(text, from) || !strstr(text, to))
            fail_msg("no line for%s or%s", from, to);
    }
}

static void test_graph(void **state)
{
    (void)state;
    char first[TEXT], second[TEXT];
    graph_text(first);
    graph_text(second);
    assert_string_equal(first, second);
    assert_int_equal(strncmp(first, "digraph tape {\n", 15), 0);
    assert_string_equal(first + strlen(first) - 2, "}\n");
    assert_int_equal(count(first, "shape=box"), 2);
    assert_int_equal(count(first, "[label=\"linear\", shape=box]"), 1);
    assert_int_equal(count(first, "[label=\"cross_entropy\", shape=box]"), 1);
    assert_int_equal(count(first, "[label=\"[3, 4]\"]"), 1);
    assert_int_equal(count(first, "[label=\"[5, 4]\", style=filled, fillcolor=lightblue]"), 1);
    assert_int_equal(count(first, "[label=\"[3, 5]\", color=blue]"), 1);
    assert_int_equal(count(first, "[label=\"int64 [3]\"]"), 1);
    check_ends(first);
    assert_int_equal(count(first, " -> "), 7); /* what cross_entropy saves is an output, too */
}

/* What Graphviz would read as something else does not get into a label. */
static void test_names(void **state)
{
    (void)state;
    char text[TEXT];
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *list = tg_params_new(tape);
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *w = tg_ones(tape, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
    tg_mul(tg_params_add(list, w, "fc.\"we\\ight\""), tg_exp(w));
    FILE *file = tmpfile();
    assert_non_null(file);
    tg_dot_opts named = {tg_params_name_of, list};
    assert_int_equal(tg_write_dot_with(file, tape, mark, &named), TG_OK);
    rewind(file);
    text[fread(text, 1, TEXT - 1, file)] = '\0';
    assert_true(count(text, "[label=\"fc.weight float64 [2]\", style=filled") > 0);
    assert_int_equal(count(text, "[label=\"float64 [2]\""), 2);
    assert_string_equal(tg_params_name_of(list, w), "fc.\"we\\ight\"");
    assert_true(!tg_params_name_of(list, NULL) && !tg_params_name_of(NULL, w));
    assert_int_equal(tg_write_dot_with(NULL, tape, mark, &named), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "write_dot: the file is NULL");
    fclose(file);
    tg_tape_free(tape);
}

static const char *odd_name(const void *context, const tg_tensor *t)
{
    return t == context ? "two\nlines" : "";
}

/* Names of several lines are one, and empty ones none; tensors of any block of the tape have places. */
static void test_odd_names(void **state)
{
    (void)state;
    static char text[1 << 20];
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.block_size = 512});
    tg_mark mark = tg_tape_mark(tape);
    tg_tensor *x = tg_ones(tape, TG_DIMS(2), TG_REQUIRES_GRAD), *y = x;
    for (int i = 0; i < 50; i++)
        y = tg_exp(y);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(tg_write_dot_with(file, tape, mark, &(tg_dot_opts){odd_name, y}), TG_OK);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(count(text, "[label=\"twolines [2]\""), 1);
    assert_int_equal(count(text, "[label=\"[2]\""), 50);
    assert_int_equal(count(text, "[label=\"exp\", shape=box]"), 50);
    assert_int_equal(count(text, " -> "), 100);
    tg_tape_free(tape);
}

static void test_machine(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(&(tg_tape_opts){.threads = 3, .isa = TG_ISA_BASE});
    assert_int_equal(tg_threads(tape), 3);
    assert_int_equal(tg_isa_used(tape), TG_ISA_BASE);
    tg_tape_free(tape);
    tape = tg_tape_new(&(tg_tape_opts){.isa = TG_ISA_V3});
    assert_true(tg_threads(tape) >= 1 && tg_isa_used(tape) <= TG_ISA_V3);
    tg_tape_free(tape);
    assert_int_equal(tg_threads(NULL), 0);
    assert_int_equal(tg_isa_used(NULL), TG_ISA_BASE);
    assert_string_equal(tg_isa_name(TG_ISA_BASE), "base");
    assert_string_equal(tg_isa_name(TG_ISA_V3), "v3");
    assert_string_equal(tg_isa_name(TG_ISA_V4), "v4");
    assert_string_equal(tg_isa_name(TG_ISA_BEST), "");
}

static void test_misuse(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL), *other = tg_tape_new(NULL);
    tg_mark mark = tg_tape_mark(tape);
    assert_int_equal(tg_write_dot(NULL, tape, mark), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "write_dot: the file is NULL");
    assert_int_equal(tg_write_dot(stdout, tape, tg_tape_mark(other)), TG_EVALUE);
    assert_error(tape, TG_EVALUE, "write_dot: the mark is of another tape");
    assert_int_equal(tg_write_dot(stdout, NULL, mark), TG_ENOMEM);
    FILE *full = fopen("/dev/full", "w");
    if (full) {
        setvbuf(full, NULL, _IONBF, 0);
        assert_int_equal(tg_write_dot(full, tape, mark), TG_EIO);
        assert_error(tape, TG_EIO, "write_dot: writing failed");
        fclose(full);
    }
    tg_tape_free(other);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_odd_names), cmocka_unit_test(test_machine),
        cmocka_unit_test(test_misuse),
    };
    return cmocka_run_group_tests_name("dot", tests, NULL, NULL);
}
