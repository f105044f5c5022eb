/* What src/io/json.c keeps from jansson, each by itself: nesting that overflows a small stack, bytes
 * that it drops and errors that it mistakes where memory is out. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "stack.h"

#include "io/element.h"
#include "io/heap.h"
#include "io/json.h"
#include "io/scratch.h"

#include <pthread.h>

/* -- An allocator for jansson that fails ------------------------------------------------------- */

static int use_heap(void **state)
{
    json_set_alloc_funcs(heap_alloc, heap_free);
    return make_scratch(state);
}

static int drop_heap(void **state)
{
    json_set_alloc_funcs(malloc, free);
    return drop_scratch(state);
}

/* The next call k of jansson's to its allocator fails, if it makes so many. */
static void fail_next(long k)
{
    heap.calls = 0;
    heap.fail_at = k;
}

/* Whether one did fail. */
static bool end_failing(void)
{
    bool failed = heap.fail_at >= 0 && heap.calls > heap.fail_at;
    heap.fail_at = -1;
    return failed;
}

static tg_io_file file_on(tg_tape *tape)
{
    return (tg_io_file){.tape = tape, .op = "test", .path = "path"};
}

static json_t *parse(tg_tape *tape, const char *text)
{
    tg_io_file file = file_on(tape);
    return tg_io_parse_json(&file, 8, text, strlen(text));
}

/* -- Reading ----------------------------------------------------------------------------------- */

/* Whichever allocation fails: ENOMEM, or all of what the text says. */
static void parse_or_fail(const char *text, long least)
{
    tg_tape *tape = tg_tape_new(NULL);
    json_t *whole = parse(tape, text);
    assert_ok(tape);
    long k = 0;
    for (bool failed = true; failed; k++) {
        long live = heap.live;
        fail_next(k);
        json_t *got = parse(tape, text);
        failed = end_failing();
        if (got) {
            assert_false(failed);
            assert_true(json_equal(got, whole));
        } else {
            assert_true(failed);
            assert_error(tape, TG_ENOMEM, "test: path: out of memory");
        }
        json_decref(got);
        assert_int_equal(heap.live, live);
    }
    assert_true(k > least);
    json_decref(whole);
    tg_tape_free(tape);
}

/* jansson's buffer for a token has 16 bytes, then twice as many; bytes that do not fit are dropped
 * in silence, so that a name or a number becomes another one. */
static void dropped_bytes(void **state)
{
    (void)state;
    parse_or_fail("{\"a name of some more bytes than sixteen\": 1}", 5);
    parse_or_fail("{\"a\": \"a text of some more bytes than sixteen\"}", 5);
    parse_or_fail("{\"a\": 1234567890123456789, \"b\": 1234567890123456788}", 5);
    parse_or_fail("{\"a\": [1234567890123456789]}", 5);
    parse_or_fail("{\"\\u00e9\\u00e9\\u00e9\\n\": {\"b\": 0.12345678901234567}}", 5);
    char text[400] = "{\"";
    memset(text + 2, 'n', 300);
    memcpy(text + 302, "\": 1}", 6);
    parse_or_fail(text, 8);
}

/* Where it has no memory for the first bytes of a token, jansson finds the syntax wrong. */
static void out_of_memory_is_no_syntax_error(void **state)
{
    (void)state;
    parse_or_fail("{\"a\": true, \"b\": [null, false, 1, 1.5, \"x\"]}", 10);
    parse_or_fail("{}", 1);
    parse_or_fail("{ \n\t}", 1);
}

/* The member that reserves the buffer is in nobody's way. */
static void nothing_is_added(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    json_t *root = parse(tape, "{\"xxxxxxxx\": 1, \"x\": 2, \"\": 3}");
    assert_int_equal(json_object_size(root), 3);
    assert_int_equal(json_integer_value(json_object_get(root, "xxxxxxxx")), 1);
    assert_int_equal(json_integer_value(json_object_get(root, "")), 3);
    assert_string_equal(json_object_iter_key(json_object_iter(root)), "xxxxxxxx");
    json_decref(root);
    assert_null(parse(tape, "{\"a\": 1, \"a\": 2}"));
    assert_error(tape, TG_EIO, "the header is not JSON");
    assert_null(parse(tape, "{\"abc\": ?}"));
    assert_error(tape, TG_EIO, "byte 17: the header is not JSON");
    assert_null(parse(tape, "[]"));
    assert_error(tape, TG_EIO, "byte 8: the header is no JSON object");
    assert_null(parse(tape, "{\"a\": \"\xff\"}"));
    assert_error(tape, TG_EIO, "the header is not JSON");
    tg_tape_free(tape);
}

/* `depth` arrays in an object that is in a few others. */
static size_t nest(char *text, int depth, const char *before)
{
    size_t n = (size_t)sprintf(text, "%s", before);
    for (int i = 0; i < depth; i++)
        text[n++] = '[';
    for (int i = 0; i < depth; i++)
        text[n++] = ']';
    text[n++] = '}';
    text[n] = '\0';
    return n;
}

static void depth(void **state)
{
    (void)state;
    char text[256];
    tg_tape *tape = tg_tape_new(NULL);
    nest(text, TG_IO_MAX_DEPTH - 1, "{\"[[[[[[[[[[[[\": 1, \"a\\\"[[[[[[[[[[[\": ");
    json_decref(parse(tape, text));
    assert_ok(tape);
    nest(text, TG_IO_MAX_DEPTH, "{\"a\": ");
    assert_null(parse(tape, text));
    assert_error(tape, TG_EIO, "byte 21: the header is nested too deep, more than 8 levels");
    nest(text, TG_IO_MAX_DEPTH, "{\"a\": [], \"b\": [[]], \"\\\\\": ");
    assert_null(parse(tape, text));
    assert_error(tape, TG_EIO, "nested too deep");
    json_decref(parse(tape, "{\"a\": [[], [], [], [], [], [], [], [], [], {}, {}]}"));
    assert_ok(tape);
    tg_tape_free(tape);
}

/* -- On a small stack -------------------------------------------------------------------------- */

enum { DEEP = 2000 };

static void *read_deep(void *stack)
{
    (void)stack;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *read = tg_read_safetensors(tape, in_scratch("deep.st"));
    bool good = !read && tg_error(tape) == TG_EIO && strstr(tg_error_message(tape), "too deep");
    tg_tape_free(tape);
    return good ? tape : NULL;
}

/* What a program does with good files. */
static void *save_and_load(void *stack)
{
    (void)stack;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *model = tg_params_new(tape);
    tg_tensor *w = tg_params_add(model, tg_ones(tape, TG_DIMS(5), TG_REQUIRES_GRAD), "w");
    tg_optim *optim = tg_adam(tape, &w, 1, NULL);
    tg_save_checkpoint(in_scratch("good.st"), model, optim, 1);
    tg_load_checkpoint(in_scratch("good.st"), model, optim, NULL);
    tg_read_safetensors(tape, in_scratch("good.st"));
    bool good = !tg_error(tape);
    tg_tape_free(tape);
    return good ? tape : NULL;
}

static void on_stack(size_t size, void *(*work)(void *))
{
    pthread_attr_t attributes;
    pthread_t thread;
    void *good;
    pthread_attr_init(&attributes);
#ifdef SANITIZED /* frames are larger */
    size *= 8;
#endif
    assert_int_equal(pthread_attr_setstacksize(&attributes, stack_of(size)), 0);
    assert_int_equal(pthread_create(&thread, &attributes, work, NULL), 0);
    pthread_join(thread, &good);
    pthread_attr_destroy(&attributes);
    assert_non_null(good);
}

static void write_deep(bool objects)
{
    static char text[16 + 16 * DEEP];
    size_t n = (size_t)sprintf(text + 8, "{\"a\":");
    for (int i = 0; i < DEEP; i++)
        n += (size_t)sprintf(text + 8 + n, objects ? "{\"b\":" : "[");
    text[8 + n++] = '1';
    for (int i = 0; i < DEEP; i++)
        text[8 + n++] = objects ? '}' : ']';
    text[8 + n++] = '}';
    uint64_t length = n;
    tg_io_turn(&length, 1, sizeof length);
    memcpy(text, &length, 8);
    FILE *file = fopen(in_scratch("deep.st"), "wb");
    assert_int_equal(fwrite(text, 1, n + 8, file), n + 8);
    fclose(file);
}

static void small_stacks(void **state)
{
    (void)state;
    for (int objects = 0; objects < 2; objects++) {
        write_deep(objects);
        on_stack(131072, read_deep);
        on_stack(65536, read_deep);
    }
    on_stack(65536, save_and_load);
}

/* -- Writing ----------------------------------------------------------------------------------- */

/* jansson's one NULL for two reasons. */
static void texts(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const tg_io_file file = file_on(tape);
    assert_null(tg_io_json_text(&file, "caf\xe9"));
    assert_error(tape, TG_EVALUE, "test: path: the text \"caf\xe9\" is not UTF-8");
    for (int k = 0; k < 2; k++) {
        fail_next(k);
        assert_null(tg_io_json_text(&file, "caf\xc3\xa9"));
        assert_true(end_failing());
        assert_error(tape, TG_ENOMEM, "out of memory");
    }
    json_t *text = tg_io_json_text(&file, "caf\xc3\xa9");
    assert_string_equal(json_string_value(text), "caf\xc3\xa9");
    json_decref(text);
    tg_tape_free(tape);
}

static void members(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const tg_io_file file = file_on(tape);
    long live = heap.live, k = 0;
    for (bool failed = true; failed; k++) {
        json_t *object = json_object(), *value = json_integer(1);
        fail_next(k);
        bool added = tg_io_json_add(&file, object, "name", value);
        failed = end_failing();
        assert_true(added != failed);
        assert_int_equal(json_object_size(object), added);
        if (failed)
            assert_error(tape, TG_ENOMEM, "out of memory");
        json_decref(object);
        assert_int_equal(heap.live, live); /* the value too */
    }
    assert_true(k > 2);
    json_t *object = json_object();
    assert_false(tg_io_json_add(&file, object, "a", NULL)); /* that could not be made */
    assert_error(tape, TG_ENOMEM, "out of memory");
    assert_false(tg_io_json_add(&file, object, "\xff", json_true()));
    assert_error(tape, TG_EVALUE, "is not UTF-8");
    assert_true(tg_io_json_add(&file, object, "a", json_true()));
    assert_false(tg_io_json_add(&file, object, "a", json_integer(2)));
    assert_error(tape, TG_EVALUE, "the name \"a\" is given twice");
    assert_true(json_is_true(json_object_get(object, "a")));
    json_decref(object);
    assert_int_equal(heap.live, live);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropped_bytes),    cmocka_unit_test(out_of_memory_is_no_syntax_error),
        cmocka_unit_test(nothing_is_added), cmocka_unit_test(depth),
        cmocka_unit_test(small_stacks),     cmocka_unit_test(texts),
        cmocka_unit_test(members),
    };
    return cmocka_run_group_tests(tests, use_heap, drop_heap);
}
