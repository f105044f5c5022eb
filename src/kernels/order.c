/* Orders, see order.h: floats as integers that compare alike, sorted byte by byte. The items of a
 * float or bool are one integer, the key above the place; those of eight bytes are pairs. The loops
 * are in order.inc. */
#include "kernels/order.h"

#include <string.h>

enum {
    DIGITS = 256,
    COUNTS = 8 * DIGITS, /* room for all bytes of a key */
    CHUNK = 64,
    INSERT = 40, /* up to so many items are inserted one by one */
    PIECES = 4   /* for each thread */
};

typedef struct row {
    const tgk_order *o;
    const char *x;
    int dtype;
    int64_t *index;
    uint64_t least; /* of integers */
} row;

/* Whether so few of the elements are wanted that the others are only looked at. */
static bool few(const tgk_order *o)
{
    return o->k <= o->n / 4 && o->k * o->k <= 16 * o->n;
}

/* Without branches, so that loops of them become vectors. */
static inline uint32_t key_f32(const char *x)
{
    uint32_t u;
    memcpy(&u, x, sizeof u);
    uint32_t size = u & 0x7fffffffu;
    u = size == 0 ? 0 : u;
    u ^= 0x80000000u | (0u - (u >> 31));
    return size > 0x7f800000u ? UINT32_MAX : u;
}

static inline uint64_t key_f64(const char *x)
{
    uint64_t u;
    memcpy(&u, x, sizeof u);
    uint64_t size = u & 0x7fffffffffffffffu;
    u = size == 0 ? 0 : u;
    u ^= 0x8000000000000000u | (0u - (u >> 63));
    return size > 0x7ff0000000000000u ? UINT64_MAX : u;
}

static inline uint64_t key_i64(const char *x)
{
    uint64_t u;
    memcpy(&u, x, sizeof u);
    return u ^ 0x8000000000000000u;
}

/* The keys of n elements of a row, from number `from` on. */
static void keys_narrow(const row *r, int64_t from, int64_t n, uint32_t *keys)
{
    const uint32_t turn = r->o->descending ? UINT32_MAX : 0;
    const char *x = r->x + from * (r->dtype == 0 ? 4 : 1);
    for (int64_t i = 0; i < n && r->dtype == 0; i++)
        keys[i] = key_f32(x + i * 4) ^ turn;
    for (int64_t i = 0; i < n && r->dtype != 0; i++)
        keys[i] = (uint32_t)x[i] ^ turn;
}

static void keys_wide(const row *r, int64_t from, int64_t n, uint64_t *keys)
{
    const uint64_t turn = r->o->descending ? UINT64_MAX : 0;
    const char *x = r->x + from * 8;
    for (int64_t i = 0; i < n && r->dtype == 1; i++)
        keys[i] = key_f64(x + i * 8) ^ turn;
    for (int64_t i = 0; i < n && r->dtype != 1; i++)
        keys[i] = (key_i64(x + i * 8) - r->least) ^ turn;
}

typedef struct pair {
    uint64_t key, place;
} pair;

/* The smallest key of integers: less that, those of a small range differ in few bytes. */
static uint64_t least_i64(const char *x, int64_t n)
{
    uint64_t least = UINT64_MAX;
    for (int64_t i = 0; i < n; i++) {
        uint64_t key = key_i64(x + i * 8);
        least = key < least ? key : least;
    }
    return least;
}

#define ITEM uint64_t
#define WORD uint32_t
#define MAKE(word, place) ((uint64_t)(word) << 32 | (uint64_t)(place))
#define WORD_OF(item) ((uint32_t)((item) >> 32))
#define NAME(x) x##_narrow
#define KEY(item) (item)
#define PLACE(item) ((int64_t)((item)&UINT32_MAX))
#define BYTES 4
#define SHIFT 32
#include "kernels/order.inc"
#undef ITEM
#undef WORD
#undef MAKE
#undef WORD_OF
#undef NAME
#undef KEY
#undef PLACE
#undef BYTES
#undef SHIFT

#define ITEM pair
#define WORD uint64_t
#define MAKE(word, place) ((pair){word, (uint64_t)(place)})
#define WORD_OF(item) ((item).key)
#define NAME(x) x##_wide
#define KEY(item) ((item).key)
#define PLACE(item) ((int64_t)(item).place)
#define BYTES 8
#define SHIFT 0
#include "kernels/order.inc"

/* Rows are cut into so many pieces, each of which has room of its own. */
static int64_t pieces(const tgk_team *team, const tgk_order *o)
{
    enum { SMALL = 1 << 13, LONG = 1 << 18 };
    int64_t rows = o->outer * o->inner, most = team->threads * (o->n < LONG ? PIECES : 1) + 1;
    return team->threads == 1 || rows * o->n < SMALL ? 1 : rows < most ? rows : most;
}

static bool is_narrow(int dtype)
{
    return dtype == 0 || dtype == 3;
}

static uint64_t room_of(int dtype, const tgk_order *o)
{
    uint64_t items = few(o) ? (uint64_t)o->k : 2 * (uint64_t)o->n;
    return COUNTS * sizeof(uint32_t) + items * (is_narrow(dtype) ? sizeof(uint64_t) : sizeof(pair));
}

uint64_t tgk_order_workspace(const tgk_team *team, int dtype, const tgk_order *o)
{
    return (uint64_t)pieces(team, o) * room_of(dtype, o);
}

typedef struct job {
    const tgk_order *o;
    int dtype;
    int64_t pieces;
    uint64_t room;
} job;

static void run_pieces(void *context, int64_t from, int64_t to)
{
    const job *j = context;
    const tgk_order *o = j->o;
    const int64_t size = j->dtype == 0 ? 4 : j->dtype == 3 ? 1 : 8, rows = o->outer * o->inner;
    for (int64_t piece = from; piece < to; piece++) {
        void *room = (char *)o->workspace + (uint64_t)piece * j->room;
        int64_t end = (piece + 1) * rows / j->pieces;
        for (int64_t i = piece * rows / j->pieces; i < end; i++) {
            row r = {.o = o,
                     .x = (const char *)o->x + i * o->n * size,
                     .dtype = j->dtype,
                     .index = o->index + i / o->inner * o->k * o->inner + i % o->inner};
            if (j->dtype == 2)
                r.least = least_i64(r.x, o->n);
            (is_narrow(j->dtype) ? order_narrow : order_wide)(&r, room);
        }
    }
}

void tgk_order_run(tgk_team *team, int dtype, const tgk_order *o)
{
    job j = {o, dtype, pieces(team, o), room_of(dtype, o)};
    tgk_share(team, j.pieces, 1, run_pieces, &j);
}
