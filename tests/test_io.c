/* Files written and read again, files of numpy and of Python's safetensors, and what loading asks
 * of the program's tensors. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include "io/element.h"
#include "io/kinds.h"
#include "io/scratch.h"

#include <tinygrad/io.h>
#include <tinygrad/op.h>

static void assert_same(tg_tensor *a, tg_tensor *b)
{
    snapshot x = snapshot_of(a), y = snapshot_of(b);
    assert_true(x.dtype >= 0);
    assert_true(snapshot_same(&x, &y));
}

static size_t file_bytes(const char *path, char *bytes, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(bytes, 1, size, file);
    fclose(file);
    assert_true(length < size);
    return length;
}

/* -- npy --------------------------------------------------------------------------------------- */

static void npy_round_trips(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = all_kinds(tape);
    for (size_t i = 0; i < tg_params_count(params); i++) {
        tg_tensor *t = tg_params_tensor(params, i);
        tg_mark before = tg_tape_mark(tape);
        assert_int_equal(tg_save_npy(in_scratch("a.npy"), t), TG_OK);
        assert_true(marks_equal(before, tg_tape_mark(tape)));
        tg_tensor *read = tg_load_npy(tape, in_scratch("a.npy"), 0);
        assert_ok(tape);
        assert_true(tg_is_contiguous(read));
        assert_same(read, t);
    }
    tg_tape_free(tape);
}

static void npy_flags(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const char *path = "io/golden/f64_2x3x4.npy";
    assert_true(tg_requires_grad(tg_load_npy(tape, path, TG_REQUIRES_GRAD)));
    assert_true(tg_requires_grad(tg_load_npy(tape, path, TG_F64 | TG_REQUIRES_GRAD)));
    assert_false(tg_requires_grad(tg_load_npy(tape, path, TG_F64)));
    tg_mark before = tg_tape_mark(tape);
    assert_null(tg_load_npy(tape, path, TG_I64));
    assert_error(tape, TG_EDTYPE, "load_npy: io/golden/f64_2x3x4.npy: the file holds <f8");
    assert_null(tg_load_npy(tape, path, 0x1000));
    assert_error(tape, TG_EVALUE, "unknown flags");
    assert_null(tg_load_npy(tape, "io/golden/i64_scalar.npy", TG_REQUIRES_GRAD));
    assert_error(tape, TG_EDTYPE, "require a gradient");
    assert_true(marks_equal(before, tg_tape_mark(tape)));
    tg_tape_free(tape);
}

static void read_golden(const char *name, int dtype, int ndim, const int64_t *dims)
{
    tg_tape *tape = tg_tape_new(NULL);
    char path[128];
    snprintf(path, sizeof path, "io/golden/%s.npy", name);
    tg_tensor *t = tg_load_npy(tape, path, 0);
    assert_ok(tape);
    assert_same(t, golden(tape, dtype, ndim, dims));
    /* What numpy wrote in version 1.0 and C order comes out again byte for byte. */
    static char theirs[4096], ours[4096];
    size_t length = file_bytes(path, theirs, sizeof theirs);
    tg_save_npy(in_scratch("again.npy"), t);
    assert_int_equal(file_bytes(in_scratch("again.npy"), ours, sizeof ours), length);
    if (!strstr(name, "fortran") && !strstr(name, "version"))
        assert_memory_equal(ours, theirs, length);
    tg_tape_free(tape);
}

static void npy_of_numpy(void **state)
{
    (void)state;
    static const char *const names[] = {"f32", "f64", "i64", "bool"};
    for (int dtype = TG_F32; dtype <= TG_BOOL; dtype++) {
        char name[64];
        snprintf(name, sizeof name, "%s_2x3x4", names[dtype]);
        read_golden(name, dtype, TG_DIMS(2, 3, 4));
        snprintf(name, sizeof name, "%s_2x3x4_fortran", names[dtype]);
        read_golden(name, dtype, TG_DIMS(2, 3, 4));
        snprintf(name, sizeof name, "%s_scalar", names[dtype]);
        read_golden(name, dtype, TG_SCALAR);
        snprintf(name, sizeof name, "%s_empty", names[dtype]);
        read_golden(name, dtype, TG_DIMS(0, 3));
    }
    read_golden("f32_empty_fortran", TG_F32, TG_DIMS(3, 0, 2));
    read_golden("f32_5_version2", TG_F32, TG_DIMS(5));
    read_golden("f64_4x3_fortran_version3", TG_F64, TG_DIMS(4, 3));
}

static void npy_of_16_dims(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *t = tg_load_npy(tape, "io/golden/i64_16_dims.npy", 0);
    assert_int_equal(tg_ndim(t), 16);
    assert_int_equal(tg_numel(t), 12);
    assert_int_equal(tg_size(t, 14), 3);
    assert_int_equal(tg_i64(t)[11], 1000003 * 11 - 7);
    tg_tape_free(tape);
}

/* -- safetensors ------------------------------------------------------------------------------- */

static void safetensors_round_trip(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = all_kinds(tape);
    tg_mark before = tg_tape_mark(tape);
    assert_int_equal(tg_save_safetensors(in_scratch("all.st"), params, NULL), TG_OK);
    assert_true(marks_equal(before, tg_tape_mark(tape)));
    tg_params *read = tg_read_safetensors(tape, in_scratch("all.st"));
    assert_ok(tape);
    assert_int_equal(tg_params_count(read), tg_params_count(params));
    for (size_t i = 0; i < tg_params_count(params); i++) {
        tg_tensor *t = tg_params_find(read, tg_params_name(params, i));
        assert_non_null(t);
        assert_same(t, tg_params_tensor(params, i));
        assert_false(tg_requires_grad(t));
    }
    tg_tape_free(tape);
}

static void safetensors_in_place(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = all_kinds(tape), *into = tg_params_new(tape);
    tg_save_safetensors(in_scratch("all.st"), params, NULL);
    for (size_t i = tg_params_count(params); i-- > 0;) { /* the order does not matter */
        tg_tensor *t = tg_params_tensor(params, i);
        int flags = tg_dtype(t) == TG_F32 ? TG_REQUIRES_GRAD : tg_dtype(t);
        tg_params_add(into, tg_full(tape, tg_ndim(t), tg_sizes(t), 1, flags), "%s",
                      tg_params_name(params, i));
    }
    tg_mark before = tg_tape_mark(tape);
    assert_int_equal(tg_load_safetensors(in_scratch("all.st"), into, NULL), TG_OK);
    assert_true(marks_equal(before, tg_tape_mark(tape)));
    for (size_t i = 0; i < tg_params_count(params); i++)
        assert_same(tg_params_find(into, tg_params_name(params, i)), tg_params_tensor(params, i));
    tg_tape_free(tape);
}

/* A backward pass that needs the values from before is an error, not a wrong gradient. */
static void loading_bumps_versions(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = tg_params_new(tape);
    tg_tensor *w = tg_params_add(params, tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD), "w");
    tg_save_safetensors(in_scratch("w.st"), params, NULL);
    tg_tensor *loss = tg_sum(tg_mul(w, w));
    assert_int_equal(tg_load_safetensors(in_scratch("w.st"), params, NULL), TG_OK);
    tg_backward(loss);
    assert_error(tape, TG_ESTATE, "");
    tg_tape_free(tape);
}

static void same_contents_same_bytes(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    static char first[8192], second[8192];
    tg_save_opts opts = {.metadata = (tg_metadata[]){{"b", "1"}, {"a", "2"}}, .n_metadata = 2};
    tg_save_safetensors(in_scratch("1.st"), all_kinds(tape), &opts);
    tg_save_safetensors(in_scratch("2.st"), all_kinds(tape), &opts);
    size_t length = file_bytes(in_scratch("1.st"), first, sizeof first);
    assert_int_equal(file_bytes(in_scratch("2.st"), second, sizeof second), length);
    assert_memory_equal(first, second, length);
    uint64_t header;
    memcpy(&header, first, sizeof header);
    tg_io_turn(&header, 1, sizeof header);
    assert_int_equal(header % 8, 0);
    tg_tape_free(tape);
}

static void safetensors_of_python(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int dtype, ndim;
        int64_t dims[3];
    } rows[] = {{"bias", TG_F32, 1, {3}},           {"truth", TG_BOOL, 1, {7}},
                {"weight", TG_F64, 2, {2, 3}},      {"index", TG_I64, 3, {2, 1, 2}},
                {"scalar", TG_F32, 0, {0}},         {"nothing", TG_F64, 2, {0, 5}},
                {"name with \"ü\"", TG_F32, 1, {2}}};
    enum { ROWS = sizeof rows / sizeof *rows };
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *read = tg_read_safetensors(tape, "io/golden/numpy.safetensors");
    assert_ok(tape);
    assert_int_equal(tg_params_count(read), ROWS);
    for (int i = 0; i < ROWS; i++)
        assert_same(tg_params_find(read, rows[i].name),
                    golden(tape, rows[i].dtype, rows[i].ndim, rows[i].dims));
    read = tg_read_safetensors(tape, "io/golden/plain.safetensors");
    assert_same(tg_params_find(read, "a"), golden(tape, TG_F32, TG_DIMS(2, 2)));
    tg_tape_free(tape);
}

static void names_of_any_kind(void **state)
{
    (void)state;
    static const char *const names[] = {"a.b.weight", "\"\\/\b\n\t\x01", "Grüße", "dtype", " ",
                                        "{"};
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = tg_params_new(tape);
    for (int i = 0; i < 6; i++)
        tg_params_add(params, golden(tape, TG_F32, TG_DIMS(i)), "%s", names[i]);
    assert_int_equal(tg_save_safetensors(in_scratch("n.st"), params, NULL), TG_OK);
    tg_params *read = tg_read_safetensors(tape, in_scratch("n.st"));
    for (int i = 0; i < 6; i++)
        assert_int_equal(tg_numel(tg_params_find(read, names[i])), i);
    assert_ok(tape);
    tg_tape_free(tape);
}

/* -- What loading asks for --------------------------------------------------------------------- */

typedef struct model {
    tg_tape *tape;
    tg_params *params;
    tg_tensor *w, *b;
} model;

/* w [2, 3] and b [3], filled with `value`. */
static model make_model(double value)
{
    model m = {.tape = tg_tape_new(NULL)};
    m.params = tg_params_new(m.tape);
    m.w = tg_params_add(m.params, tg_full(m.tape, TG_DIMS(2, 3), value, TG_REQUIRES_GRAD), "w");
    m.b = tg_params_add(m.params, tg_full(m.tape, TG_DIMS(3), value, 0), "b");
    return m;
}

/* The file made from `saved` must be refused by a model that then is what it was. */
static void refuse(const tg_params *saved, const tg_load_opts *opts, tg_status status,
                   const char *part)
{
    model m = make_model(7);
    assert_int_equal(tg_save_safetensors(in_scratch("x.st"), saved, NULL), TG_OK);
    tg_mark before = tg_tape_mark(m.tape);
    tg_tensor *loss = tg_sum(tg_mul(m.w, m.w));
    assert_int_equal(tg_load_safetensors(in_scratch("x.st"), m.params, opts), status);
    assert_error(m.tape, status, part);
    for (int i = 0; i < 6; i++)
        assert_equal(tg_f32(m.w)[i], 7);
    for (int i = 0; i < 3; i++)
        assert_equal(tg_f32(m.b)[i], 7);
    assert_int_equal(tg_backward(loss), TG_OK); /* the version did not move either */
    tg_tape_rewind(m.tape, before);
    tg_tape_free(m.tape);
}

static tg_params *list_of(tg_tensor *w, const char *name, tg_tensor *b, tg_tensor *more)
{
    tg_params *params = tg_params_new(tg_tape_of(w));
    tg_params_add(params, w, "w");
    if (b)
        tg_params_add(params, b, "%s", name);
    if (more)
        tg_params_add(params, more, "more");
    return params;
}

static void what_does_not_fit(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_zeros(tape, TG_DIMS(2, 3), 0), *b = tg_zeros(tape, TG_DIMS(3), 0);
    tg_load_opts partial = {.partial = true};
    refuse(list_of(w, "b", NULL, NULL), NULL, TG_EVALUE, "the file has no tensor \"b\"");
    refuse(list_of(w, "b", NULL, NULL), &partial, TG_EVALUE, "the file has no tensor \"b\"");
    refuse(list_of(w, "B", b, NULL), &partial, TG_EVALUE, "the file has no tensor \"b\"");
    refuse(list_of(w, "b", b, b), NULL, TG_EVALUE, "a tensor \"more\", which the program has no");
    refuse(list_of(w, "b", tg_zeros(tape, TG_DIMS(3), TG_F64), NULL), NULL, TG_EDTYPE,
           "tensor \"b\": the file holds F64, the program's tensor F32");
    refuse(list_of(w, "b", tg_zeros(tape, TG_DIMS(4), 0), NULL), NULL, TG_ESHAPE,
           "tensor \"b\": the file holds [4], the program's tensor [3]");
    refuse(list_of(w, "b", tg_zeros(tape, TG_DIMS(3, 1), 0), NULL), NULL, TG_ESHAPE,
           "the file holds [3, 1], the program's tensor [3]");
    refuse(list_of(tg_transpose(w, 0, 1), "b", b, NULL), NULL, TG_ESHAPE, "load_safetensors: ");
    assert_ok(tape);
    tg_tape_free(tape);
}

static void partial_loading(void **state)
{
    (void)state;
    model m = make_model(7), other = make_model(2);
    tg_params_add(other.params, tg_ones(other.tape, TG_DIMS(9), TG_I64), "more");
    tg_save_safetensors(in_scratch("x.st"), other.params, NULL);
    assert_int_equal(
        tg_load_safetensors(in_scratch("x.st"), m.params, &(tg_load_opts){.partial = true}), TG_OK);
    assert_equal(tg_f32(m.w)[5], 2);
    assert_equal(tg_f32(m.b)[2], 2);
    tg_tape_free(m.tape);
    tg_tape_free(other.tape);
}

static void strided_places(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = tg_params_new(tape);
    tg_params_add(params, tg_transpose(tg_zeros(tape, TG_DIMS(2, 3), 0), 0, 1), "w");
    tg_save_safetensors(in_scratch("x.st"), params, NULL);
    assert_int_equal(tg_load_safetensors(in_scratch("x.st"), params, NULL), TG_ESTATE);
    assert_error(tape, TG_ESTATE, "tensor \"w\": the program's tensor is not contiguous");
    tg_tape_free(tape);
}

/* -- Arguments --------------------------------------------------------------------------------- */

static void nothing_to_save(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    const char *path = in_scratch("none");
    assert_int_equal(tg_save_safetensors(path, NULL, NULL), TG_EVALUE);
    assert_int_equal(tg_save_safetensors(path, tg_params_new(tape), NULL), TG_EVALUE);
    assert_int_equal(tg_load_safetensors(path, NULL, NULL), TG_EVALUE);
    assert_int_equal(tg_save_npy(path, NULL), TG_EVALUE);
    assert_null(tg_load_npy(NULL, path, 0));
    assert_null(tg_read_safetensors(NULL, path));
    assert_int_equal(tg_read_metadata(NULL, path, "a", NULL, 0), -1);
    assert_ok(tape);
    assert_int_not_equal(access(path, F_OK), 0);
    tg_tape_free(tape);
}

static void no_path(void **state)
{
    (void)state;
    model m = make_model(1);
    assert_int_equal(tg_save_safetensors(NULL, m.params, NULL), TG_EVALUE);
    assert_error(m.tape, TG_EVALUE, "save_safetensors: the path is NULL");
    assert_int_equal(tg_load_safetensors(NULL, m.params, NULL), TG_EVALUE);
    assert_error(m.tape, TG_EVALUE, "load_safetensors: the path is NULL");
    assert_null(tg_read_safetensors(m.tape, NULL));
    assert_error(m.tape, TG_EVALUE, "read_safetensors: the path is NULL");
    assert_int_equal(tg_save_npy(NULL, m.w), TG_EVALUE);
    assert_error(m.tape, TG_EVALUE, "save_npy: the path is NULL");
    assert_null(tg_load_npy(m.tape, NULL, 0));
    assert_error(m.tape, TG_EVALUE, "load_npy: the path is NULL");
    tg_tape_free(m.tape);
}

static void an_error_is_set(void **state)
{
    (void)state;
    model m = make_model(1);
    tg_save_safetensors(in_scratch("x.st"), m.params, NULL);
    tg_data_mut(m.w);
    ((float *)tg_data_mut(m.w))[0] = 5;
    tg_matmul(m.w, m.w);
    assert_int_equal(tg_save_safetensors(in_scratch("y.st"), m.params, NULL), TG_ESHAPE);
    assert_int_equal(tg_load_safetensors(in_scratch("x.st"), m.params, NULL), TG_ESHAPE);
    assert_int_equal(tg_save_npy(in_scratch("y.st"), m.w), TG_ESHAPE);
    assert_null(tg_read_safetensors(m.tape, in_scratch("x.st")));
    assert_int_not_equal(access(in_scratch("y.st"), F_OK), 0);
    assert_equal(tg_f32(m.w)[0], 5);
    tg_tape_free(m.tape);
}

static void tensors_rewound_away(void **state)
{
    (void)state;
    model m = make_model(1);
    tg_params *params = tg_params_new(m.tape);
    tg_params_add(params, m.w, "w");
    tg_mark mark = tg_tape_mark(m.tape);
    tg_params_add(params, tg_ones(m.tape, TG_DIMS(3), 0), "gone");
    tg_tape_rewind(m.tape, mark);
    assert_int_equal(tg_save_safetensors(in_scratch("gone.st"), params, NULL), TG_ESTATE);
    assert_error(m.tape, TG_ESTATE, "rewound away");
    assert_int_equal(tg_load_safetensors(in_scratch("x.st"), params, NULL), TG_ESTATE);
    assert_error(m.tape, TG_ESTATE, "rewound away");
    assert_int_not_equal(access(in_scratch("gone.st"), F_OK), 0);
    tg_tape_free(m.tape);
}

static void names_that_cannot_be(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_tensor *w = tg_ones(tape, TG_DIMS(3), 0);
    tg_save_safetensors(in_scratch("x.st"), list_of(w, "\xff", w, NULL), NULL);
    assert_error(tape, TG_EVALUE, "is not UTF-8");
    tg_save_safetensors(in_scratch("x.st"), list_of(w, "__metadata__", w, NULL), NULL);
    assert_error(tape, TG_EVALUE, "no tensor can have the name __metadata__");
    tg_save_safetensors(in_scratch("m.st"), list_of(w, NULL, NULL, NULL),
                        &(tg_save_opts){.metadata = (tg_metadata[]){{"a", "b"}}, .n_metadata = 1});
    tg_load_safetensors(in_scratch("m.st"), list_of(w, "__metadata__", w, NULL), NULL);
    assert_error(tape, TG_EVALUE, "the file has no tensor \"__metadata__\"");
    tg_tape_free(tape);
}

/* -- Metadata ---------------------------------------------------------------------------------- */

static void metadata(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = list_of(tg_ones(tape, TG_DIMS(3), 0), NULL, NULL, NULL);
    const char *path = in_scratch("meta.st");
    tg_save_opts opts = {.metadata =
                             (tg_metadata[]){{"format", "pt"}, {"", "empty"}, {"ü", "\"\n"}},
                         .n_metadata = 3};
    char value[8] = "before";
    assert_int_equal(tg_save_safetensors(path, params, &opts), TG_OK);
    assert_int_equal(tg_read_metadata(tape, path, "format", value, sizeof value), 2);
    assert_string_equal(value, "pt");
    assert_int_equal(tg_read_metadata(tape, path, "ü", value, sizeof value), 2);
    assert_string_equal(value, "\"\n");
    assert_int_equal(tg_read_metadata(tape, path, "", value, 3), 5);
    assert_string_equal(value, "em");
    assert_int_equal(tg_read_metadata(tape, path, "", NULL, 0), 5);
    assert_int_equal(tg_read_metadata(tape, path, "w", value, sizeof value), -1);
    assert_string_equal(value, "em");
    assert_int_equal(tg_read_metadata(tape, "io/golden/plain.safetensors", "w", value, 8), -1);
    assert_ok(tape);
    assert_int_equal(tg_read_metadata(tape, path, NULL, value, sizeof value), -1);
    assert_error(tape, TG_EVALUE, "read_metadata: ");
    assert_int_equal(tg_read_metadata(tape, path, "w", NULL, 3), -1);
    assert_error(tape, TG_EVALUE, "read_metadata: ");
    assert_int_equal(tg_params_count(tg_read_safetensors(tape, path)), 1);
    tg_tape_free(tape);
}

static void metadata_of_python(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    char value[64];
    const char *path = "io/golden/numpy.safetensors";
    assert_true(tg_read_metadata(tape, path, "author", value, sizeof value) > 0);
    assert_string_equal(value, "Grüße \"q\"\n");
    tg_tape_free(tape);
}

static void metadata_that_cannot_be(void **state)
{
    (void)state;
    tg_tape *tape = tg_tape_new(NULL);
    tg_params *params = list_of(tg_ones(tape, TG_DIMS(3), 0), NULL, NULL, NULL);
    static const struct {
        tg_metadata pairs[2];
        const char *part;
    } rows[] = {{{{"a", "b"}, {"a", "c"}}, "the name \"a\" is given twice"},
                {{{"a", "b"}, {NULL, "c"}}, "metadata 1: a text is NULL"},
                {{{"a", NULL}, {"b", "c"}}, "metadata 0: a text is NULL"},
                {{{"a", "\xff"}, {"b", "c"}}, "the text \"\xff\" is not UTF-8"},
                {{{"a", "b"}, {"\xc0\x80", "c"}}, "is not UTF-8"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tg_save_safetensors(in_scratch("no.st"), params,
                            &(tg_save_opts){.metadata = rows[i].pairs, .n_metadata = 2});
        assert_error(tape, TG_EVALUE, rows[i].part);
    }
    tg_save_safetensors(in_scratch("no.st"), params, &(tg_save_opts){.n_metadata = 2});
    assert_error(tape, TG_EVALUE, "metadata is NULL");
    assert_int_not_equal(access(in_scratch("no.st"), F_OK), 0);
    tg_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy_round_trips),
        cmocka_unit_test(npy_flags),
        cmocka_unit_test(npy_of_numpy),
        cmocka_unit_test(npy_of_16_dims),
        cmocka_unit_test(safetensors_round_trip),
        cmocka_unit_test(safetensors_in_place),
        cmocka_unit_test(loading_bumps_versions),
        cmocka_unit_test(same_contents_same_bytes),
        cmocka_unit_test(safetensors_of_python),
        cmocka_unit_test(names_of_any_kind),
        cmocka_unit_test(what_does_not_fit),
        cmocka_unit_test(partial_loading),
        cmocka_unit_test(strided_places),
        cmocka_unit_test(nothing_to_save),
        cmocka_unit_test(no_path),
        cmocka_unit_test(an_error_is_set),
        cmocka_unit_test(tensors_rewound_away),
        cmocka_unit_test(names_that_cannot_be),
        cmocka_unit_test(metadata),
        cmocka_unit_test(metadata_of_python),
        cmocka_unit_test(metadata_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
