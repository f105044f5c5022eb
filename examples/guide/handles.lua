-- LuaJIT by its ffi:  luajit handles.lua libtinygrad.so
-- A handle stays cdata. It has bits above those of addresses once its place was used 128 times.
local ffi = require "ffi"
ffi.cdef [[
typedef struct tg_tape tg_tape;
typedef struct tg_tensor tg_tensor;
typedef struct tg_mark { const void *at[7]; uint64_t epoch; } tg_mark;
tg_tape *tg_tape_new(const void *opts);
void tg_tape_free(tg_tape *tape);
tg_mark tg_tape_mark(const tg_tape *tape);
int tg_tape_rewind(tg_tape *tape, tg_mark mark);
tg_tensor *tg_full(tg_tape *tape, int ndim, const int64_t *dims, double value, int flags);
tg_tensor *tg_mul(tg_tensor *a, tg_tensor *b);
int tg_backward(tg_tensor *loss);
tg_tensor *tg_grad(const tg_tensor *t);
double tg_item(const tg_tensor *t);
const char *tg_error_message(const tg_tape *tape);
]]
local tg = ffi.load(arg[1])
local tape = ffi.gc(tg.tg_tape_new(nil), tg.tg_tape_free)
local start = tg.tg_tape_mark(tape)
local x
for step = 1, 100001 do
    tg.tg_tape_rewind(tape, start)
    x = tg.tg_full(tape, 0, nil, step, 0x100)
    tg.tg_backward(tg.tg_mul(x, x))
    assert(tg.tg_item(tg.tg_grad(x)) == 2 * step)
end
print(tg.tg_item(x), tg.tg_item(tg.tg_grad(x)))
-- A number has 53 bits, so that a handle comes back as another one, which is dead or no address at all.
local number = tonumber(ffi.cast("uint64_t", x))
print(ffi.cast("uint64_t", number) == ffi.cast("uint64_t", x))
