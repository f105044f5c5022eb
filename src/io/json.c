/* JSON to and from jansson, see json.h. */
#include "json.h"

#include <errno.h>
#include <string.h>

bool tg_io_fail_memory(const tg_io_file *file)
{
    tg_io_fail(file, TG_ENOMEM, "out of memory");
    return false;
}

/* -- Reading ----------------------------------------------------------------------------------- */

/* What is known of a text before jansson sees it, as far as it is JSON. */
typedef struct measures {
    size_t longest;  /* token: the most bytes between two quotes, or outside of them */
    size_t too_deep; /* where nesting goes too deep; its length: nowhere */
} measures;

static measures measure(const char *text, size_t length)
{
    measures m = {0, length};
    size_t run = 0;
    int64_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length && m.too_deep == length; i++) {
        run = text[i] == '"' ? 0 : run + 1;
        quoted ^= text[i] == '"';
        if (text[i] == '\\' && i + 1 < length) { /* what follows ends nothing */
            run++;
            i++;
        } else if (!quoted && (text[i] == '{' || text[i] == '[') && ++depth > TG_IO_MAX_DEPTH) {
            m.too_deep = i;
        } else if (!quoted && (text[i] == '}' || text[i] == ']')) {
            depth--;
        }
        m.longest = run > m.longest ? run : m.longest;
    }
    return m;
}

/* jansson leaves out bytes of a token that it has no memory for, and goes on. So it is given a first
 * member with a name longer than any token of the header's: whether that is whole can be seen, and
 * jansson keeps the memory for the other tokens. */
typedef struct feed {
    const char *text; /* of an object that is not empty */
    size_t length;
    size_t filler; /* bytes of the first name */
    size_t at;
} feed;

static const char filler_end[] = "\":0,";

/* Bytes that the first member adds behind the brace. */
static size_t filler_size(const feed *f)
{
    return 1 + f->filler + sizeof filler_end - 1;
}

static char byte_at(const feed *f, size_t i)
{
    if (i == 0 || i > filler_size(f))
        return f->text[i == 0 ? 0 : i - filler_size(f)];
    if (i == 1)
        return '"';
    return i < 2 + f->filler ? 'x' : filler_end[i - 2 - f->filler];
}

static size_t feed_some(void *buffer, size_t size, void *data)
{
    feed *f = data;
    size_t n = 0;
    for (; n < size && f->at < f->length + filler_size(f); n++)
        ((char *)buffer)[n] = byte_at(f, f->at++);
    return n;
}

static bool is_empty(const char *text, size_t length)
{
    size_t i = 1;
    while (i < length && strchr(" \t\r\n", text[i]) && text[i])
        i++;
    return i == length || text[i] == '}';
}

/* Takes the first member out again; false where memory was out. */
static bool drop_filler(json_t *root, const feed *f)
{
    const char *name = json_object_iter_key(json_object_iter(root));
    bool whole = strlen(name) == f->filler;
    json_object_del(root, name);
    return whole;
}

static json_t *load_json(const char *text, size_t length, size_t longest, json_error_t *error)
{
    if (is_empty(text, length))
        return json_loadb(text, length, JSON_REJECT_DUPLICATES, error);
    feed f = {text, length, longest + 1, 0};
    json_t *root = json_load_callback(feed_some, &f, JSON_REJECT_DUPLICATES, error);
    error->position -= (int)filler_size(&f);
    if (root && !drop_filler(root, &f)) {
        json_decref(root);
        root = NULL;
        errno = ENOMEM;
    }
    return root;
}

json_t *tg_io_parse_json(const tg_io_file *file, size_t at, const char *text, size_t length)
{
    TG_IO_CHECK(file, length && text[0] == '{', TG_EIO, "byte %zu: the header is no JSON object",
                at);
    measures m = measure(text, length);
    TG_IO_CHECK(file, m.too_deep == length, TG_EIO,
                "byte %zu: the header is nested too deep, more than %d levels", at + m.too_deep,
                TG_IO_MAX_DEPTH);
    json_error_t error;
    errno = 0;
    json_t *root = load_json(text, length, m.longest, &error);
    /* Nor does it report everywhere that memory was out. */
    if (errno == ENOMEM)
        json_decref(root);
    TG_IO_CHECK(file, errno != ENOMEM, TG_ENOMEM, "out of memory");
    TG_IO_CHECK(file, root, TG_EIO, "byte %lld: the header is not JSON: %s",
                (long long)at + error.position, tg_io_quote(error.text).chars);
    return root;
}

/* -- Writing ----------------------------------------------------------------------------------- */

/* jansson refuses what is not UTF-8, but does not say whether it was that or memory. */
json_t *tg_io_json_text(const tg_io_file *file, const char *text)
{
    errno = 0;
    json_t *made = json_string(text);
    if (!made && errno == ENOMEM)
        tg_io_fail_memory(file);
    TG_IO_CHECK(file, made, TG_EVALUE, "the text %s is not UTF-8", tg_io_quote(text).chars);
    return made;
}

bool tg_io_json_add(const tg_io_file *file, json_t *object, const char *name, json_t *value)
{
    json_t *probe = tg_io_json_text(file, name);
    bool twice = json_object_get(object, name) != NULL;
    bool set = probe && !twice && json_object_set(object, name, value) == 0;
    json_decref(probe);
    json_decref(value);
    TG_IO_CHECK(file, !twice, TG_EVALUE, "the name %s is given twice", tg_io_quote(name).chars);
    if (!set)
        tg_io_fail_memory(file);
    return set;
}
