"""What the headers of libtinygrad 0.1.0 declare. Made by make_bindings.py: change the headers, not this.

load() opens the library and gives every function its types. Handles (tg_tape *, tg_tensor *) are
integers or None. tinygrad.py is what programs import.
"""
import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_double, c_float, c_int
from ctypes import c_int64, c_size_t, c_uint8, c_uint64, c_void_p

# By name: (library, result, ((type, name), ...), whether a format and more follow, comment).
FUNCTIONS = {}
# Of structures: members of type double whose 0 means another number; TG_ZERO is 0 there.
ZERO_IS_DEFAULT = set()

SCALARS = {"void": None, "bool": c_bool, "int": c_int, "double": c_double, "float": c_float, "int64_t": c_int64,
           "uint64_t": c_uint64, "size_t": c_size_t, "uint8_t": c_uint8, "char": c_char}


def c_type(text):
    """The ctypes type of one in C, pointers to structures and arrays being void *."""
    text = text.replace("const ", "")
    if text in ("char *", "char *const"):
        return c_char_p
    if "*" in text:
        return c_void_p
    return SCALARS[text] if text in SCALARS else globals()[text]


def load(path, library="tinygrad"):
    """The shared library at `path`, with types."""
    lib = ctypes.CDLL(path)
    for name, (where, result, parameters, _, _) in FUNCTIONS.items():
        if where == library:
            function = getattr(lib, name)
            function.restype = c_type(result)
            function.argtypes = [c_type(kind) for kind, _ in parameters]
    return lib


def _f(name, library, result, parameters, more, comment):
    FUNCTIONS[name] = (library, result, parameters, more, comment)

# tinygrad/core.h

TG_VERSION_MAJOR = 0
TG_VERSION_MINOR = 1
TG_VERSION_PATCH = 0
TG_ZERO = (-2.2250738585072014e-308)

_f("tg_version", "tinygrad", "const char *", (), False,
   """The version of the library that the program runs with, "0.1.0"; TG_VERSION_MAJOR and so on are
those of the header that it was compiled with. Before 1.0 a minor version may break programs, and
shared libraries are named after it (libtinygrad.so.0.1).""")


class tg_mark(Structure):
    """A position on a tape. A plain value: copy it, drop it. Its fields are private.

    at: private
    epoch: private
    """


tg_mark._fields_ = [
    ("at", c_void_p * 7),
    ("epoch", c_uint64),
]
TG_MAX_NDIM = 16
TG_OK = 0
TG_ENOMEM = 1
TG_ESHAPE = 2
TG_EDTYPE = 3
TG_EVALUE = 4
TG_ESTATE = 5
TG_EIO = 6
tg_status = c_int
TG_F32 = 0
TG_F64 = 1
TG_I64 = 2
TG_BOOL = 3
TG_REQUIRES_GRAD = 256
TG_PHASE_FORWARD = 0
TG_PHASE_BACKWARD = 1
TG_PHASE_STEP = 2
tg_phase = c_int
TG_PROFILE_ROWS = 256


class tg_profile_row(Structure):
    """One row of the profile: sums over all calls. A plain value: copy it, drop it.

    name: of the operation, as in error messages; cut to 47 bytes
    phase: in which it ran
    calls: at least 1; failed ones count
    nanoseconds: the calling thread's wall time. A look at the clock, 20 to 25 ns, is in each call's: more than the smallest operations take
    bytes: an estimate of memory traffic (not of memory allocated): each input read once, expanded ones as they lie in memory; output and what is saved for the backward pass written once
    share: of the time of all rows, 0 to 1
    """


tg_profile_row._fields_ = [
    ("name", c_char * 48),
    ("phase", tg_phase),
    ("calls", c_int64),
    ("nanoseconds", c_int64),
    ("bytes", c_int64),
    ("share", c_double),
]
TG_ISA_BEST = 0
TG_ISA_BASE = 1
TG_ISA_V3 = 2
TG_ISA_V4 = 3
tg_isa = c_int


class tg_tape_opts(Structure):
    """Options of tg_tape_new(); zero or NULL means the default, each on its own.

    alloc: Returns `size` bytes aligned as by malloc, or NULL. Default: malloc. Give alloc and free together; every byte the library uses comes from here. Memory whose addresses have bits that handles use for themselves (from bit 48 on, see tinygrad.h) is given back and counts as NULL.
    free: Takes back what alloc returned, with the same size. Default: free.
    context: Passed to both.
    block_size: Bytes of the first block of memory, see block_growth. Default: 16 KiB.
    isa: The instruction set; one that the machine lacks becomes the best it has. Default: what the environment variable TINYGRAD_ISA names (base, v3, v4), else the best.
    threads: Threads for large operations, the calling one included; at most 64. Results have the same bits for any number. They are started when first needed and end with the tape; a child by fork() goes on with threads of its own, and with fewer where the system gives fewer. Default: the environment variable OMP_NUM_THREADS, else the processors that the process may use.
    on_error: Called once when an error is set, with what tg_error() and tg_error_message() are going to say; tg_error_print() is one to put here. It must return, and not call the tape: inside it every call that would change something, tg_clear_error() and tg_tape_free() too, does nothing and is TG_ESTATE. `message` is valid until it returns. Default: none.
    error_context: Passed to on_error.
    block_growth: How many times as large as the one before each block is. 1 leaves the least memory over, where there is little of it; the default, 2, makes the fewest blocks.
    """


tg_tape_opts._fields_ = [
    ("alloc", CFUNCTYPE(c_void_p, c_void_p, c_size_t)),
    ("free", CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)),
    ("context", c_void_p),
    ("block_size", c_size_t),
    ("isa", tg_isa),
    ("threads", c_int),
    ("on_error", CFUNCTYPE(None, c_void_p, tg_status, c_char_p)),
    ("error_context", c_void_p),
    ("block_growth", c_int),
]

_f("tg_tape_new", "tinygrad", "tg_tape *", (("const tg_tape_opts *", "opts"),), False,
   """A new tape, seeded with 0; NULL where memory is out, or where the library was built without kernels
for this processor (TINYGRAD_ISAS). `opts` may be NULL.
Every function reads a NULL tape as one whose error is TG_ENOMEM.""")

_f("tg_tape_free", "tinygrad", "void", (("tg_tape *", "tape"),), False,
   """Frees the tape and all that it owns. NULL is ignored.""")

_f("tg_tape_mark", "tinygrad", "tg_mark", (("const tg_tape *", "tape"),), False,
   """The tape's present position. Costs nothing and cannot fail; but what is taken inside a function
of an operation, or one that tg_gradcheck() calls, is no mark (TG_EVALUE where it is used).""")

_f("tg_tape_rewind", "tinygrad", "tg_status", (("tg_tape *", "tape"), ("tg_mark", "mark"),), False,
   """Forgets all that was made since `mark`: tensors, operations, optimisers. Memory is kept for
what comes next, so a loop that rewinds makes no allocator call from its second turn on. The
mark stays good and may be used again. Works while an error is set. TG_ESTATE: the tape was
rewound past the mark already. TG_EVALUE: another tape's mark, also where that was freed and this
one has come to stand at its address.""")

_f("tg_tape_replay", "tinygrad", "tg_status", (("tg_tape *", "tape"), ("tg_mark", "mark"),), False,
   """Runs all operations recorded since `mark` again, in order, into the same tensors; random ones
draw anew. Afterwards tg_backward() works on the new values. What was done while gradients were
disabled is not on the tape and does not run; of a captured step, neither do its passes, dropped
and clipped gradients and steps of optimisers. Errors as tg_tape_rewind(), and what the operations
report (a target out of range).""")

_f("tg_capture_begin", "tinygrad", "tg_capture *", (("tg_tape *", "tape"),), False,
   """Begins to capture a whole step: forward, backward and optimiser. Up to tg_capture_end()
everything is done as always, and noted; tg_capture_replay() then does it again.

    tg_tensor *x = tg_zeros(tape, TG_DIMS(32, 4), 0), *y = tg_zeros(tape, TG_DIMS(32), TG_I64);
    ... the first minibatch into x and y ...
    tg_capture *step = tg_capture_begin(tape);
    tg_tensor *loss = tg_cross_entropy(tg_linear(x, w, b), y, NULL);
    tg_optim_zero_grad(optim);
    tg_backward(loss);
    tg_optim_step(optim);
    tg_capture_end(step);
    while (...) {
        ... the next minibatch into tg_data_mut(x) and tg_data_mut(y) ...
        tg_capture_replay(step);
        ... tg_item(loss) ...
    }

What is noted: operations, with gradients enabled or not; backward passes of all kinds; dropped,
clipped and accumulated gradients; steps of optimisers. What the program itself computes or
decides in between is not. A call whose effect a replay could not repeat is TG_ESTATE:
tg_from_f32() and its like (make such tensors before, and write to them by tg_data_mut() between
replays), tg_data_mut(), tg_batches_start(), _next(), _narrow(), _read() and its like,
tg_manual_seed(), tg_set_rng_state(), tg_optim_set_lr(), tg_release(), tg_checkpoint(), a
backward pass with release_since or through a checkpoint, tg_tape_replay(), tg_capture_replay(),
another tg_capture_begin(). To rewind to a mark before the capture gives it up; to one inside it is
TG_ESTATE. As long as there is a capture, nothing from a mark before it can be released. NULL on
an error.""")

_f("tg_capture_end", "tinygrad", "tg_status", (("tg_capture *", "capture"),), False,
   """Ends the capture and makes it ready. TG_ESTATE: it has ended already, or an operation failed
during it (the message says which, and how). The memory of what it noted, intermediate gradients
included, lives as long as it.""")

_f("tg_capture_replay", "tinygrad", "tg_status", (("tg_capture *", "capture"),), False,
   """Does again what was done during the capture, into the same tensors: bit for bit what the same
calls would do now. Random operations draw again, an optimiser's rate may have changed, and
errors that depend on data (a target out of range) are reported, with nothing done after them.
Calls no allocator, but perhaps for tensors that forward functions of your own make. Afterwards
results and gradients can be read; they cannot be differentiated again. TG_ESTATE, before anything
is done: the capture is not complete, or the tape was rewound into it; a gradient that the step
takes as it finds it (one that it neither drops nor makes itself) is there now and was not then,
or the reverse. TG_EVALUE: NULL.""")

_f("tg_error", "tinygrad", "tg_status", (("const tg_tape *", "tape"),), False,
   """The first error since tg_tape_new() or tg_clear_error(); TG_ENOMEM for a NULL tape.""")

_f("tg_error_message", "tinygrad", "const char *", (("const tg_tape *", "tape"),), False,
   """What happened, as "operation: what it got and what it wanted"; "" without an error.""")

_f("tg_clear_error", "tinygrad", "void", (("tg_tape *", "tape"),), False,
   """Makes the tape usable again; everything recorded before the error is still right.""")

_f("tg_error_print", "tinygrad", "void", (("void *", "file"), ("tg_status", "status"), ("const char *", "message"),), False,
   """For tg_tape_opts.on_error, with a FILE * for error_context: writes "tinygrad: ", the message and
a newline to it. NULL: nothing.""")

_f("tg_manual_seed", "tinygrad", "void", (("tg_tape *", "tape"), ("uint64_t", "seed"),), False,
   """Seeds the generator: the streams are PyTorch's on the CPU, bit for bit (mt19937; the engine
sees the low 32 bits). Forgets a pending normal. Rewinding does not touch the generator.""")

_f("tg_rng_state", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"),), False,
   """The whole state of the generator, pending normal included, as a new int64 tensor of shape (627)
without gradient: a copy, which is not recorded. Its contents are private to
tg_set_rng_state().""")

_f("tg_set_rng_state", "tinygrad", "tg_status", (("tg_tape *", "tape"), ("const tg_tensor *", "state"),), False,
   """Goes on from where the generator stood at tg_rng_state(): the same bits are drawn from here on.
The values may come from another process; the tensor must be of this tape. Where it is no such
state the generator is as it was: TG_EDTYPE for another dtype than int64, TG_ESHAPE for another
shape, TG_EVALUE for values that no generator has.""")

_f("tg_set_grad_enabled", "tinygrad", "bool", (("tg_tape *", "tape"), ("bool", "enabled"),), False,
   """Turns recording on or off and returns the former setting (false for a NULL tape). While it is
off, operations compute but record nothing, and results require no gradient.""")

_f("tg_zeros", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("int", "ndim"), ("const int64_t *", "dims"), ("int", "flags"),), False,
   """All zeros.""")

_f("tg_ones", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("int", "ndim"), ("const int64_t *", "dims"), ("int", "flags"),), False,
   """All ones.""")

_f("tg_full", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("int", "ndim"), ("const int64_t *", "dims"), ("double", "value"), ("int", "flags"),), False,
   """All `value`, converted to the dtype as by a C cast (TG_EVALUE where int64 cannot hold it).""")

_f("tg_arange", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("double", "start"), ("double", "end"), ("double", "step"), ("int", "flags"),), False,
   """start, start + step, ... up to but without `end`: ceil((end - start) / step) elements, 1-d.
TG_EVALUE: step 0, a step away from `end`, or a bound that is not finite. Bool: TG_EDTYPE.""")

_f("tg_linspace", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("double", "start"), ("double", "end"), ("int64_t", "steps"), ("int", "flags"),), False,
   """`steps` numbers from start to end, both included, evenly spaced: step i is computed from the nearer
end, in double, and rounded (int64: truncated) once. TG_EVALUE: steps < 0, or a bound that is not
finite. Bool: TG_EDTYPE.""")

_f("tg_eye", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("int64_t", "rows"), ("int64_t", "columns"), ("int", "flags"),), False,
   """Ones on the diagonal of a matrix of zeros (rows, columns), in any dtype.""")

_f("tg_rand", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("int", "ndim"), ("const int64_t *", "dims"), ("int", "flags"),), False,
   """Uniform in [0, 1). Float dtypes. A recorded operation: a replay draws again.""")

_f("tg_randn", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("int", "ndim"), ("const int64_t *", "dims"), ("int", "flags"),), False,
   """Standard normal. Float dtypes. A recorded operation: a replay draws again.""")

_f("tg_randint", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("int64_t", "low"), ("int64_t", "high"), ("int", "ndim"), ("const int64_t *", "dims"), ("int", "flags"),), False,
   """Integers uniform in [low, high), in any dtype that holds them (flags 0: float32, as everywhere;
for indices say TG_I64). TG_EVALUE: low >= high. Recorded. As torch 2.13: widths from 2^28 on
take 64-bit draws.""")

_f("tg_randperm", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("int64_t", "n"), ("int", "flags"),), False,
   """A random permutation of 0 .. n-1, 1-d, any dtype but bool (for indices say TG_I64). Recorded.
TG_EVALUE: n < 0, or n larger than the dtype counts exactly.""")

_f("tg_from_f32", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("const float *", "data"), ("int", "ndim"), ("const int64_t *", "dims"), ("int", "flags"),), False,
   """A copy of the caller's row-major array. The dtype is the array's: `flags` may repeat it or
leave it out; another one is TG_EDTYPE. `data` may be NULL where the shape has no elements.""")

_f("tg_from_f64", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("const double *", "data"), ("int", "ndim"), ("const int64_t *", "dims"), ("int", "flags"),), False,
   """As tg_from_f32().""")

_f("tg_from_i64", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("const int64_t *", "data"), ("int", "ndim"), ("const int64_t *", "dims"), ("int", "flags"),), False,
   """As tg_from_f32().""")

_f("tg_from_bool", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("const bool *", "data"), ("int", "ndim"), ("const int64_t *", "dims"), ("int", "flags"),), False,
   """As tg_from_f32().""")
TG_ARRAY_F32 = 0
TG_ARRAY_F64 = 1
TG_ARRAY_I64 = 2
TG_ARRAY_BOOL = 3
TG_ARRAY_I32 = 4
TG_ARRAY_U8 = 5
tg_array_type = c_int

_f("tg_from_array", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("const void *", "data"), ("tg_array_type", "type"), ("int", "ndim"), ("const int64_t *", "dims"), ("int", "flags"),), False,
   """A copy of the caller's row-major array of elements of another type, aligned for it, converted to
the flags' dtype.

    tg_tensor *y = tg_from_array(tape, labels, TG_ARRAY_I32, TG_DIMS(n), TG_I64);

TG_EVALUE: a value that the dtype does not hold (see tg_array_type), an unknown type, or `data` is
NULL where the shape has elements.""")

_f("tg_from_blob", "tinygrad", "tg_tensor *", (("tg_tape *", "tape"), ("void *", "data"), ("int", "ndim"), ("const int64_t *", "dims"), ("int", "flags"),), False,
   """Borrows the caller's row-major memory, of the flags' dtype (aligned for it), without a copy; it
must outlive the tensor. Call tg_data_mut() when you write to it yourself, so that a backward
pass which still needs the old values reports it.""")

_f("tg_uniform_", "tinygrad", "void", (("tg_tensor *", "t"), ("double", "low"), ("double", "high"),), False,
   """Fills with uniform draws from [low, high), as Tensor.uniform_: fma(u, high - low, low) in the
dtype. Recorded. On leaves (with or without gradient) and on results that require none. A fill
has no inputs, so a leaf that requires a gradient needs no disabled gradients, unlike in
PyTorch. TG_EVALUE: low > high; TG_EDTYPE: not a float tensor; TG_ESTATE: the result of a
differentiable operation.""")

_f("tg_normal_", "tinygrad", "void", (("tg_tensor *", "t"), ("double", "mean"), ("double", "std"),), False,
   """Fills with normal draws, as Tensor.normal_. Recorded. TG_EVALUE: std < 0; else as
tg_uniform_().""")

_f("tg_ndim", "tinygrad", "int", (("const tg_tensor *", "t"),), False,
   """The number of dims; -1 for NULL.""")

_f("tg_size", "tinygrad", "int64_t", (("const tg_tensor *", "t"), ("int", "dim"),), False,
   """The size of one dim; negative dims count from the end. -1, and TG_EVALUE, where there is none.""")

_f("tg_stride", "tinygrad", "int64_t", (("const tg_tensor *", "t"), ("int", "dim"),), False,
   """The stride of one dim in elements. -1, and TG_EVALUE, where there is no such dim.""")

_f("tg_numel", "tinygrad", "int64_t", (("const tg_tensor *", "t"),), False,
   """The number of elements; 0 for NULL.""")

_f("tg_dtype", "tinygrad", "int", (("const tg_tensor *", "t"),), False,
   """TG_F32, TG_F64, TG_I64 or TG_BOOL; -1 for NULL.""")

_f("tg_is_contiguous", "tinygrad", "bool", (("const tg_tensor *", "t"),), False,
   """Whether the elements lie in row-major order without gaps.""")

_f("tg_f32", "tinygrad", "const float *", (("const tg_tensor *", "t"),), False,
   """Row-major data; NULL where the tensor has another dtype or is not contiguous (see
tg_contiguous()). No error is set. Valid as long as the tensor.""")

_f("tg_f64", "tinygrad", "const double *", (("const tg_tensor *", "t"),), False,
   """As tg_f32().""")

_f("tg_i64", "tinygrad", "const int64_t *", (("const tg_tensor *", "t"),), False,
   """As tg_f32().""")

_f("tg_bool", "tinygrad", "const bool *", (("const tg_tensor *", "t"),), False,
   """As tg_f32().""")

_f("tg_data_mut", "tinygrad", "void *", (("tg_tensor *", "t"),), False,
   """The same memory for writing, to be asked for anew for each time of writing. Bumps the version: a
backward pass that needs the old values will fail instead of giving a wrong gradient, and an
optimiser looks for what was written. NULL and TG_ESTATE where t is not contiguous.""")

_f("tg_item", "tinygrad", "double", (("const tg_tensor *", "t"),), False,
   """The value of a one-element tensor as a double; nan, and TG_ESHAPE, for other sizes.""")

_f("tg_tape_of", "tinygrad", "tg_tape *", (("const tg_tensor *", "t"),), False,
   """The tape that a tensor belongs to; NULL for NULL.""")

_f("tg_backward", "tinygrad", "tg_status", (("tg_tensor *", "loss"),), False,
   """Computes the gradient of the one-element tensor `loss` with respect to every leaf that requires
one, and adds it to the leaf's tg_grad(). May be called again: gradients accumulate. Where it
fails, every gradient is as it was. TG_ESHAPE: more than one element. TG_ESTATE: nothing on the
way requires a gradient, or data that the pass reads was changed after it was recorded (the
message names tensor and operation).""")


class tg_backward_opts(Structure):
    """Options of tg_backward_with().

    create_graph: Record the backward pass as well, so that tg_grad() can be differentiated again.
    release_since: Not NULL: give the data of results recorded since this mark back as soon as the pass is through with them, or write a gradient in their place; all but those of `out` (PyTorch's way without retain_graph, which writes over nothing). Another pass that needs them, and whatever else tg_release() makes of using them, is TG_ESTATE, also where this pass fails. TG_EVALUE together with create_graph. See tg_release().
    """


tg_backward_opts._fields_ = [
    ("create_graph", c_bool),
    ("release_since", c_void_p),
]

_f("tg_backward_with", "tinygrad", "tg_status", (("tg_tensor *", "out"), ("tg_tensor *", "grad_out"), ("const tg_backward_opts *", "opts"),), False,
   """As tg_backward() for a result of any shape, with the gradient of `out`: a tensor of its shape
and dtype, or NULL for a one-element `out` (then 1).""")

_f("tg_grad", "tinygrad", "tg_tensor *", (("const tg_tensor *", "t"),), False,
   """A leaf's gradient; NULL before the first backward pass, after tg_zero_grad(), and for tensors
that are not leaves requiring one. The same tensor every time, unless create_graph made it: the
place of the leaf's gradient, which lives as long as the leaf. Once the gradient is dropped a kept
handle of it still has the former numbers, until the next pass writes there.""")

_f("tg_zero_grad", "tinygrad", "void", (("tg_tensor *", "t"),), False,
   """Drops a leaf's gradient: tg_grad() is NULL again (zero_grad(set_to_none=True)).""")

_f("tg_requires_grad", "tinygrad", "bool", (("const tg_tensor *", "t"),), False,
   """Whether a backward pass would reach t.""")

_f("tg_detach", "tinygrad", "tg_tensor *", (("tg_tensor *", "t"),), False,
   """A view of the same data that requires no gradient.""")

_f("tg_retain_grad", "tinygrad", "tg_status", (("tg_tensor *", "t"),), False,
   """Keeps the gradient of an interior tensor as well: tg_grad(t) after later backward passes. Lives
as long as t. Nothing to do for leaves. TG_ESTATE where t requires no gradient.""")
tg_grad_hook = CFUNCTYPE(c_void_p, c_void_p, c_void_p)

_f("tg_hook_grad", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_grad_hook", "hook"), ("void *", "context"),), False,
   """A view of x to compute with in its place: gradients that come back to it go through the hook, and on to x; all
of one backward pass at once. (PyTorch's register_hook() of a tensor, which here is a value in the graph.)
TG_EVALUE: no hook. TG_ESTATE: during a capture, also where a captured backward pass comes to it.""")

_f("tg_gradients", "tinygrad", "tg_status", (("tg_tensor *", "out"), ("tg_tensor *", "grad_out"), ("tg_tensor *const *", "inputs"), ("size_t", "n"), ("tg_tensor **", "grads"), ("const tg_backward_opts *", "opts"),), False,
   """torch.autograd.grad: the gradients of `out` with respect to n chosen tensors (leaves or
interior), as new tensors in grads[0..n), without touching any tg_grad(); one that is listed twice
has one. NULL for an input that `out` does not depend on. grad_out and opts as
tg_backward_with(). Errors as tg_backward_with(); then all of grads is NULL. TG_ESTATE: an input
that requires no gradient.""")

_f("tg_jacobian", "tinygrad", "tg_tensor *", (("tg_tensor *", "y"), ("tg_tensor *", "x"), ("const tg_backward_opts *", "opts"),), False,
   """All derivatives of y by x, an input that y was computed from (a leaf or an interior tensor), of y's
shape followed by x's: a backward pass for each element of y. opts as tg_backward_with(): with
create_graph they can be differentiated. Zeros where y does not depend on x. Errors as tg_gradients(),
in these three: TG_ESTATE, too, where y requires no gradient.""")

_f("tg_hessian", "tinygrad", "tg_tensor *", (("tg_tensor *", "loss"), ("tg_tensor *", "x"), ("const tg_backward_opts *", "opts"),), False,
   """Second derivatives of a loss of one element by x, of x's shape twice: the Jacobian of the gradient,
which stays on the tape.""")

_f("tg_hvp", "tinygrad", "tg_tensor *", (("tg_tensor *", "loss"), ("tg_tensor *", "x"), ("tg_tensor *", "v"), ("const tg_backward_opts *", "opts"),), False,
   """The Hessian times v, a tensor of x's shape and dtype, by two backward passes.""")

_f("tg_set_anomaly_enabled", "tinygrad", "bool", (("tg_tape *", "tape"), ("bool", "enabled"),), False,
   """Anomaly mode: the first operation whose output, or whose gradient in a backward pass, holds a
nan is reported as TG_EVALUE ("log: output element 3 is nan"), and its result is NULL. Infinities
may be meant (a mask of -inf before a softmax), and are let through; see tg_set_anomaly_inf().
Costs one look at every element. Returns the former setting (false for a NULL tape).""")

_f("tg_set_anomaly_inf", "tinygrad", "bool", (("tg_tape *", "tape"), ("bool", "enabled"),), False,
   """Whether anomaly mode reports infinities as well; at first it does not. Returns the former
setting (false for a NULL tape).""")

_f("tg_release", "tinygrad", "tg_status", (("tg_tape *", "tape"), ("tg_mark", "mark"), ("tg_tensor *const *", "keep"), ("size_t", "n"),), False,
   """Gives back the data of all results recorded since `mark` that no backward pass reads: of
relu(linear(x)) those of linear, as the gradient of relu is computed from its output. Costs one
look at each record, and nothing in the backward pass, which may record itself.""")

_f("tg_checkpoint", "tinygrad", "tg_status", (("tg_tape *", "tape"), ("tg_mark", "mark"), ("tg_tensor *const *", "keep"), ("size_t", "n"),), False,
   """Gives back the data of all results recorded since `mark`; a backward pass that comes to them
computes them again, to the same bits, and gives them back once it is through. Records stay
(some 100 to 300 bytes each). With a checkpoint every sqrt(n) of n layers, memory for data grows
as sqrt(n), for the time of one more forward pass.

What cannot be computed again stays: what operations drew (dropout), results that were written to
in place, and what in-place operations wrote to (the running statistics of batch_norm, which are
not updated twice).
TG_ESTATE, before anything is given back: an operation read data that were changed in place
since; a part is in a checkpoint already, or was released. In the backward pass TG_ESTATE says
that data to compute from were changed since, or that a pass with create_graph comes to a
checkpoint.""")

# tinygrad/ops.h

TG_NO_PADDING = -2**63

_f("tg_add", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a + b (or, for two bools).""")

_f("tg_sub", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a - b. TG_EDTYPE for two bools.""")

_f("tg_mul", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a * b (and, for two bools).""")

_f("tg_div", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a / b, true division: integers give float32.""")

_f("tg_add_scalar", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("double", "s"),), False,
   """a + s. An int64 tensor stays int64 where s is a whole number, else becomes float32.""")

_f("tg_sub_scalar", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("double", "s"),), False,
   """a - s; dtypes as tg_add_scalar().""")

_f("tg_mul_scalar", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("double", "s"),), False,
   """a * s; dtypes as tg_add_scalar().""")

_f("tg_div_scalar", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("double", "s"),), False,
   """a / s; integers give float32.""")

_f("tg_neg", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """-x. Bool: TG_EDTYPE.""")

_f("tg_exp", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """e^x.""")

_f("tg_log", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Natural logarithm: -inf at 0, nan below.""")

_f("tg_sqrt", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Square root: nan below 0, gradient inf at 0.""")

_f("tg_relu", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """max(x, 0): gradient 0 at 0; nan passes with gradient 1.""")

_f("tg_sigmoid", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """1 / (1 + e^-x).""")

_f("tg_tanh", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Hyperbolic tangent.""")

_f("tg_abs", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """|x|; gradient sign(x), 0 at 0.""")

_f("tg_sign", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """-1, 0 or 1 (0 for nan, as PyTorch); gradient 0.""")

_f("tg_square", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """x * x.""")

_f("tg_reciprocal", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """1 / x.""")

_f("tg_rsqrt", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """1 / sqrt(x).""")

_f("tg_log1p", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """log(1 + x), accurate near 0.""")

_f("tg_expm1", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """e^x - 1, accurate near 0.""")

_f("tg_sin", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Sine of x radians (libm's).""")

_f("tg_cos", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Cosine of x radians (libm's).""")

_f("tg_erf", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Error function; gradient 2 / sqrt(pi) e^(-x^2).""")

_f("tg_pow", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a^b elementwise, broadcasting (libm's pow). Gradients b a^(b-1), 0 where b is 0; and a^b
log(a), 0 where a is 0 and b >= 0. Two integers: TG_EVALUE for a negative exponent.""")

_f("tg_pow_scalar", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "s"),), False,
   """x^s; gradient s x^(s-1), 0 everywhere for s = 0. Integers stay integers for whole s >= 0.""")

_f("tg_clamp", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "low"), ("double", "high"),), False,
   """min(max(x, low), high); high where low > high. Use -INFINITY or INFINITY for no bound. Gradient
1 from low to high inclusive, 0 outside; nan passes with gradient 0. TG_EVALUE for a nan bound.""")

_f("tg_maximum", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """The larger of each pair; a tie gives each side half of the gradient; nan wins over numbers.""")

_f("tg_minimum", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """The smaller of each pair; as tg_maximum().""")

_f("tg_where", "tinygrad", "tg_tensor *", (("tg_tensor *", "condition"), ("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a where condition (bool, TG_EDTYPE otherwise) holds, else b; all three broadcast.""")

_f("tg_masked_fill", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "mask"), ("double", "value"),), False,
   """value where mask (bool) holds, else x; mask broadcasts to x's shape.""")

_f("tg_eq", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a == b as bool, broadcasting and promoting. Comparisons are not differentiable.""")

_f("tg_ne", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a != b.""")

_f("tg_lt", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a < b.""")

_f("tg_le", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a <= b.""")

_f("tg_gt", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a > b.""")

_f("tg_ge", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """a >= b.""")

_f("tg_eq_scalar", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "s"),), False,
   """x == s as bool.""")

_f("tg_ne_scalar", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "s"),), False,
   """x != s.""")

_f("tg_le_scalar", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "s"),), False,
   """x <= s.""")

_f("tg_ge_scalar", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "s"),), False,
   """x >= s.""")

_f("tg_lt_scalar", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "s"),), False,
   """x < s.""")

_f("tg_gt_scalar", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "s"),), False,
   """x > s.""")

_f("tg_logical_and", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """Whether both are nonzero, as bool, broadcasting.""")

_f("tg_logical_or", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """Whether one is nonzero.""")

_f("tg_logical_xor", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """Whether just one is nonzero.""")

_f("tg_logical_not", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Whether x is zero.""")

_f("tg_tan", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Tangent of x radians; float64 within 2 ulp. (Of the functions from here to tg_exp2(), float32 is within
0.501 ulp, float64 within 1, or 2 where it says so, with the same bits on every machine.)""")

_f("tg_asin", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Arc sine: nan outside [-1, 1], gradient inf at both ends.""")

_f("tg_acos", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Arc cosine: nan outside [-1, 1], gradient -inf at both ends.""")

_f("tg_atan", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Arc tangent.""")

_f("tg_atan2", "tinygrad", "tg_tensor *", (("tg_tensor *", "y"), ("tg_tensor *", "x"),), False,
   """The angle of the point (x, y), in [-pi, pi]; broadcasting and promoting. Gradient 0 at (0, 0).""")

_f("tg_sinh", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Hyperbolic sine.""")

_f("tg_cosh", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Hyperbolic cosine.""")

_f("tg_asinh", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """The inverse of tg_sinh(); float64 within 2 ulp, so in the next two.""")

_f("tg_acosh", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """The inverse of tg_cosh(): nan below 1, gradient inf at 1.""")

_f("tg_atanh", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """The inverse of tg_tanh(): infinite at -1 and 1, nan beyond.""")

_f("tg_log2", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Logarithm to base 2, exact for powers of 2; -inf at 0, nan below.""")

_f("tg_log10", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Logarithm to base 10; as tg_log2().""")

_f("tg_exp2", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """2^x.""")

_f("tg_floor", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """The greatest whole number <= x; integers stay as they are, so in the three that follow. Gradient 0.
TG_EDTYPE for bool.""")

_f("tg_ceil", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """The least whole number >= x.""")

_f("tg_round", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """The nearest whole number; of two, the even one.""")

_f("tg_trunc", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """x without its fraction.""")

_f("tg_frac", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """x - trunc(x), gradient 1. Float dtypes.""")

_f("tg_remainder", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """What is left of a / b, with the sign of b, as Python's %; broadcasting and promoting. A number is a 0-d
tensor. Exact. Gradient 1 to a, -floor(a / b) to b. TG_EVALUE: an integer by 0; TG_EDTYPE for two bools;
so in the two that follow.""")

_f("tg_fmod", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """The same with the sign of a, as C's fmod(). Gradient 1 to a, -trunc(a / b) to b.""")

_f("tg_floor_divide", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """floor(a / b), as Python's //. Integers stay integers. Gradient 0.""")

_f("tg_add_scaled", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"), ("double", "alpha"),), False,
   """a + alpha b, broadcasting and promoting: PyTorch's add() with its alpha, and sub() with -alpha.
TG_EVALUE: integers and an alpha that is not whole; TG_EDTYPE for two bools.""")

_f("tg_lerp", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"), ("tg_tensor *", "weight"),), False,
   """a + weight (b - a), from b where |weight| >= 0.5; broadcasting. All of one float dtype (TG_EDTYPE).""")

_f("tg_logaddexp", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """log(e^a + e^b) without overflow, broadcasting and promoting; float64 within 1 ulp of the larger of
both. Float dtypes.""")

_f("tg_clamp_tensors", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "low"), ("tg_tensor *", "high"),), False,
   """min(max(x, low), high) with bounds that are tensors; one may be NULL. All broadcast, and are of one
float dtype. A nan of any passes. Gradient to x from low to high inclusive, else to the bound that the
result is.""")

_f("tg_sum", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Sum of all elements, 0-d; 0 for none. Integers and bools give int64.""")

_f("tg_sum_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """Sum over one dim, which goes away or, with keepdim, stays with size 1.""")

_f("tg_mean", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Mean of all elements, 0-d; nan for none. Integers and bools: TG_EDTYPE.""")

_f("tg_mean_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """Mean over one dim.""")

_f("tg_sum_dims", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "dims"), ("bool", "keepdim"),), False,
   """Sum over several dims: tg_sum_dims(x, TG_DIMS(0, 2), true). All dims where n is 0. TG_EVALUE
for a dim given twice; so for all functions on several dims.""")

_f("tg_mean_dims", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "dims"), ("bool", "keepdim"),), False,
   """Mean over several dims.""")

_f("tg_var", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Variance of all elements, divided by their number - 1; nan for fewer than two.""")

_f("tg_var_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """Variance over one dim, divided by its size - 1.""")

_f("tg_var_dims", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "dims"), ("double", "correction"), ("bool", "keepdim"),), False,
   """Variance over several dims, divided by max(0, number - correction): 1 is unbiased, 0 is not.""")

_f("tg_std", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Square root of tg_var(); gradient 0 where it is 0.""")

_f("tg_std_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """Square root of tg_var_dim().""")

_f("tg_std_dims", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "dims"), ("double", "correction"), ("bool", "keepdim"),), False,
   """Square root of tg_var_dims().""")

_f("tg_max", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """The largest element; nan wins. Ties share the gradient evenly. TG_ESHAPE for an empty tensor.""")

_f("tg_min", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """The smallest element; as tg_max().""")

_f("tg_max_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """The largest along one dim; the first of equals (nan before numbers) gets all of the gradient.
The indices are tg_argmax_dim(). TG_ESHAPE for a dim of size 0.""")

_f("tg_min_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """The smallest along one dim; as tg_max_dim().""")

_f("tg_amax", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "dims"), ("bool", "keepdim"),), False,
   """The largest over several dims (all where n is 0). Ties, nans too, share the gradient evenly.""")

_f("tg_amin", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "dims"), ("bool", "keepdim"),), False,
   """The smallest over several dims; as tg_amax().""")

_f("tg_argmax", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """The row-major index (int64) of the largest element: the first of equals, nan before numbers.
Not differentiable. TG_ESHAPE for an empty tensor.""")

_f("tg_argmin", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """As tg_argmax() for the smallest; a nan counts as smallest too.""")

_f("tg_argmax_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """The index of the largest along one dim.""")

_f("tg_argmin_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """The index of the smallest along one dim.""")

_f("tg_logsumexp", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """log of the sum of e^x over all elements; -inf for none. Integers and bools as float32.""")

_f("tg_logsumexp_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """log of the sum of e^x along one dim, without overflow.""")

_f("tg_logsumexp_dims", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "dims"), ("bool", "keepdim"),), False,
   """The same over several dims (all where n is 0).""")

_f("tg_norm", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "p"),), False,
   """(sum of |x|^p)^(1/p) over all elements; p = INFINITY is the largest |x|, -INFINITY the smallest, 0 the
number of those that are not 0. Gradient 0 at 0 for p = 2, and for p = 0. TG_EVALUE: p nan. TG_ESHAPE: p <
0, or infinite, over no elements.""")

_f("tg_norm_dims", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "p"), ("int", "n"), ("const int64_t *", "dims"), ("bool", "keepdim"),), False,
   """The same over several dims (all where n is 0).""")

_f("tg_cumsum", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"),), False,
   """Running sums along one dim. Integers and bools give int64.""")

_f("tg_reshape", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "ndim"), ("const int64_t *", "dims"),), False,
   """The same elements in another shape; one size may be -1. A view where the strides allow it, else
a copy. TG_ESHAPE where the number of elements differs.""")

_f("tg_transpose", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim0"), ("int", "dim1"),), False,
   """A view with two dims exchanged.""")

_f("tg_expand", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "ndim"), ("const int64_t *", "dims"),), False,
   """A view in which dims of size 1 are stretched (stride 0) and new ones lead; -1 keeps a size.""")

_f("tg_contiguous", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """x itself where it is contiguous, else a contiguous copy.""")

_f("tg_to", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dtype"),), False,
   """x itself where it has that dtype, else a converted copy. Float to int64 truncates; float to
bool is x != 0. Differentiable between floats.""")

_f("tg_permute", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "ndim"), ("const int64_t *", "dims"),), False,
   """A view with the dims in another order: result dim i is dim dims[i] of x.""")

_f("tg_squeeze", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """A view without dims of size 1.""")

_f("tg_squeeze_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"),), False,
   """A view without that dim where its size is 1, else x as it is.""")

_f("tg_unsqueeze", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"),), False,
   """A view with a dim of size 1 put in before `dim` (from -(ndim + 1) to ndim).""")

_f("tg_flatten", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "first"), ("int", "last"),), False,
   """Joins dims first to last into one; a view where the strides allow it.""")

_f("tg_narrow", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("int64_t", "start"), ("int64_t", "length"),), False,
   """A view of `length` elements along dim from `start` on. TG_EVALUE where they are not all there.""")

_f("tg_slice", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("int64_t", "start"), ("int64_t", "end"), ("int64_t", "step"),), False,
   """A view of every step-th element along dim from start to, without, end: x[start:end:step].
Negative bounds count from the end; bounds are cut to the size, INT64_MAX means to the end.
step > 0.""")

_f("tg_select", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("int64_t", "index"),), False,
   """A view of one index along dim (negative: from the end), without that dim.""")

_f("tg_cat", "tinygrad", "tg_tensor *", (("tg_tensor *const *", "tensors"), ("size_t", "n"), ("int", "dim"),), False,
   """n tensors of one dtype one after the other along dim; other sizes must be equal. Tensors of
shape (0) are skipped.""")

_f("tg_stack", "tinygrad", "tg_tensor *", (("tg_tensor *const *", "tensors"), ("size_t", "n"), ("int", "dim"),), False,
   """n tensors of one shape along a new dim. For n = 0 both are NULL, without an error: there is no
tape to report it to.""")

_f("tg_chunk", "tinygrad", "size_t", (("tg_tensor *", "x"), ("size_t", "chunks"), ("int", "dim"), ("tg_tensor **", "out"),), False,
   """Splits x along dim into at most `chunks` views of equal size (the last may be smaller), writes
them to out[] and returns their number; 0 on an error.""")

_f("tg_gather", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("tg_tensor *", "index"),), False,
   """out[i][j][k] = x[i][index[i][j][k]][k] for dim 1. index is int64, of x's rank, and no larger
than x in other dims. Gradients of repeated elements add up. TG_EVALUE: an index outside [0,
size).""")

_f("tg_index_select", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("tg_tensor *", "index"),), False,
   """The entries along dim that a 1-d int64 index names, in its order. Errors as tg_gather().""")

_f("tg_embedding", "tinygrad", "tg_tensor *", (("tg_tensor *", "weight"), ("tg_tensor *", "index"), ("int64_t", "padding_idx"),), False,
   """Rows of weight (V, D) by int64 indices of any shape: result index.shape + (D). padding_idx: a
row that gets no gradient; negative ones count from the end, TG_NO_PADDING is none.""")

_f("tg_one_hot", "tinygrad", "tg_tensor *", (("tg_tensor *", "index"), ("int64_t", "classes"),), False,
   """Rows of zeros with a 1 at the class: int64 index (...) to int64 (..., classes). Not differentiable.
TG_EVALUE: a class outside [0, classes).""")

_f("tg_tril", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int64_t", "diagonal"),), False,
   """The lower triangle of the last two dims: 0 above the given diagonal (0: the main one).""")

_f("tg_triu", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int64_t", "diagonal"),), False,
   """The upper triangle: 0 below the given diagonal.""")

_f("tg_clone", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """A contiguous copy.""")
TG_PAD_CONSTANT = 0
TG_PAD_REFLECT = 1
TG_PAD_REPLICATE = 2
TG_PAD_CIRCULAR = 3
tg_pad_mode = c_int

_f("tg_pad", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "pads"), ("tg_pad_mode", "mode"), ("double", "value"),), False,
   """x with more around it: tg_pad(x, TG_DIMS(left, right, top, bottom), TG_PAD_CONSTANT, 0). Two
numbers a dim, the last dim first; below 0 they cut off. `value` is for TG_PAD_CONSTANT alone.
Other modes take any number of dims. TG_EVALUE for an odd number of them, and where there is less
to cut off or copy than asked for; TG_ESHAPE for more than two a dim.""")

_f("tg_flip", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "dims"),), False,
   """x with n dims turned around, as a copy. TG_EVALUE for a dim given twice.""")

_f("tg_roll", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "shifts"), ("const int64_t *", "dims"),), False,
   """Moves elements by shifts[i] along dims[i]; what goes out at one end comes in at the other.""")

_f("tg_repeat", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "times"),), False,
   """x times[i] times along dim i, one after the other; more numbers than dims add dims in front.""")

_f("tg_repeat_interleave", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int64_t", "times"), ("int", "dim"),), False,
   """Each entry along dim so many times, side by side.""")

_f("tg_diagonal", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int64_t", "offset"), ("int", "dim0"), ("int", "dim1"),), False,
   """A view of the elements with equal indices in two dims, which become the last one; offset: so many to the
right or, below 0, down.""")

_f("tg_diag", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int64_t", "offset"),), False,
   """Of 1-d x: a square matrix of zeros with x on that diagonal. Of 2-d x: tg_diagonal().""")

_f("tg_split", "tinygrad", "size_t", (("tg_tensor *", "x"), ("size_t", "n"), ("const int64_t *", "sizes"), ("int", "dim"), ("tg_tensor **", "out"),), False,
   """Splits x along dim into n views of these sizes, which must add up to all of it (TG_ESHAPE), and
writes them to out[]. Returns n; 0 on an error.""")

_f("tg_scatter", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("tg_tensor *", "index"), ("tg_tensor *", "src"),), False,
   """A copy of x into which src is written: out[i][index[i][j]] = src[i][j] for dim 1. index is int64
and no larger than src nor, in other dims, than x; src has x's dtype. Of writes to one place the
last one counts; what was written over gets no gradient. TG_EVALUE for an index outside [0,
size).""")

_f("tg_scatter_add", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("tg_tensor *", "index"), ("tg_tensor *", "src"),), False,
   """The same, added to what is there. Not for bool.""")

_f("tg_index_copy", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("tg_tensor *", "index"), ("tg_tensor *", "src"),), False,
   """A copy of x in which the entry index[i] (1-d) along dim is entry i of src.""")

_f("tg_index_add", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("tg_tensor *", "index"), ("tg_tensor *", "src"),), False,
   """The same, added to what is there. Not for bool.""")

_f("tg_slice_scatter", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "src"), ("int", "dim"), ("int64_t", "start"), ("int64_t", "end"), ("int64_t", "step"),), False,
   """A copy of x with src in place of tg_slice(x, dim, start, end, step).""")

_f("tg_select_scatter", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "src"), ("int", "dim"), ("int64_t", "index"),), False,
   """A copy of x with src in place of tg_select(x, dim, index).""")

_f("tg_index", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("size_t", "n"), ("tg_tensor *const *", "indices"),), False,
   """x[..., i, j, ...] by n int64 tensors that broadcast, for the dims from `dim` on, in whose place
their shape stands: x[i, j] is tg_index(x, 0, 2, (tg_tensor *[]){i, j}). Negative indices count
from the end. TG_EVALUE for one outside [-size, size).""")

_f("tg_index_put", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("size_t", "n"), ("tg_tensor *const *", "indices"), ("tg_tensor *", "values"), ("bool", "accumulate"),), False,
   """A copy of x with values, which broadcast, written to (or added at) those places.""")

_f("tg_nonzero", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """The indices (int64) of all elements that are not 0, a row each, in row-major order: (n, dims of
x). n depends on the data: a replay with another n is TG_ESTATE.""")

_f("tg_masked_select", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "mask"),), False,
   """The elements where a bool mask is true, in row-major order, 1-d; both broadcast. A replay with
another number of them is TG_ESTATE.""")

_f("tg_sort", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "descending"),), False,
   """x in rising or falling order along dim; equals keep theirs (it is stable), and nan is larger
than numbers. The indices are tg_argsort().""")

_f("tg_argsort", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "descending"),), False,
   """The indices that sort x.""")

_f("tg_topk", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int64_t", "k"), ("int", "dim"), ("bool", "largest"),), False,
   """The k largest (or smallest) along dim, in order; of equals the first. TG_EVALUE for a k that is
not in [0, size].""")

_f("tg_argtopk", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int64_t", "k"), ("int", "dim"), ("bool", "largest"),), False,
   """Their indices.""")

_f("tg_any", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Whether any element is not 0 (nan is not), as 0-d bool; false for none.""")

_f("tg_all", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Whether no element is 0; true for none.""")

_f("tg_any_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """tg_any() along one dim.""")

_f("tg_all_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """tg_all() along one dim.""")

_f("tg_isnan", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Whether x is nan, as bool.""")

_f("tg_isinf", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Whether x is infinite.""")

_f("tg_isfinite", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Whether x is neither.""")

_f("tg_prod", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """Product of all elements, 0-d; 1 for none. Integers and bools give int64. Gradients hold where
there are zeros; float32 multiplies in double.""")

_f("tg_prod_dim", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"), ("bool", "keepdim"),), False,
   """Product over one dim.""")

_f("tg_cumprod", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"),), False,
   """Running products along one dim.""")

_f("tg_bernoulli", "tinygrad", "tg_tensor *", (("tg_tensor *", "p"),), False,
   """1 with the probability that p has, else 0, element by element in row-major order; p's dtype. Not
differentiable. TG_EVALUE for a p outside [0, 1], TG_EDTYPE for one that is no float.""")

_f("tg_multinomial", "tinygrad", "tg_tensor *", (("tg_tensor *", "weights"), ("int64_t", "count"), ("bool", "replacement"),), False,
   """`count` indices (int64) of each row of weights (n) or (rows, n), which need not add up to 1:
(count) or (rows, count). TG_EVALUE for a weight that is negative, infinite or nan, for a row of
zeros, and for more samples than there are numbers, without replacement.""")

_f("tg_copy_", "tinygrad", "tg_status", (("tg_tensor *", "t"), ("tg_tensor *", "source"),), False,
   """t = source, broadcast and converted to t's dtype.""")

_f("tg_add_", "tinygrad", "tg_status", (("tg_tensor *", "t"), ("tg_tensor *", "source"), ("double", "alpha"),), False,
   """t = t + alpha * source; source broadcasts to t and has its dtype.""")

_f("tg_fill_", "tinygrad", "tg_status", (("tg_tensor *", "t"), ("double", "value"),), False,
   """t = value everywhere. It has no inputs, and so may be done to a leaf that requires a gradient
without disabling gradients, as tg_uniform_(). TG_EVALUE: int64 cannot hold the value.""")

_f("tg_matmul", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """Matrix product by PyTorch's rules: (n)(n) is 0-d; (m,k)(k) and (k)(k,n) are 1-d; (m,k)(k,n) is
(m,n); more dims are batches and broadcast. Both of one float dtype (TG_EDTYPE). k = 0 gives
zeros. Each element is a chain of fused multiply-adds in order of k.""")

_f("tg_addmm", "tinygrad", "tg_tensor *", (("tg_tensor *", "c"), ("tg_tensor *", "a"), ("tg_tensor *", "b"), ("double", "beta"), ("double", "alpha"),), False,
   """beta c + alpha a b of matrices, (m,k)(k,n) or, tg_baddbmm(), batches of them, (B,m,k)(B,k,n), in the time of the
product: it is added to what c, which broadcasts to its shape, begins each element with. A beta of 0 means that c is
not looked at, nor its nan. All of one float dtype (TG_EDTYPE). TG_ESHAPE: other dims.""")

_f("tg_baddbmm", "tinygrad", "tg_tensor *", (("tg_tensor *", "c"), ("tg_tensor *", "a"), ("tg_tensor *", "b"), ("double", "beta"), ("double", "alpha"),), False,
   """As tg_addmm().""")

_f("tg_outer", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """The products of all pairs of elements of two vectors: (n)(m) to (n, m). TG_ESHAPE for other ranks.""")

_f("tg_einsum", "tinygrad", "tg_tensor *", (("const char *", "equation"), ("tg_tensor *", "a"), ("tg_tensor *", "b"),), False,
   """The sum of products that an equation names, PyTorch's einsum of two operands, as one product of
matrices: "bij,bjk->bik". A letter for each dim of a and b; those that are not in the output are summed;
without an arrow it has those that occur once, by the alphabet. A size of 1 stretches. Both of one float
dtype. TG_EVALUE: an equation that is none, one operand, a letter twice in an operand, "..."; TG_ESHAPE:
sizes of a letter that differ.""")

_f("tg_linear", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "weight"), ("tg_tensor *", "bias"),), False,
   """x W^T + b: x (..., in), weight (out, in), bias (out) or NULL; result (..., out).""")

_f("tg_softmax", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"),), False,
   """e^x / sum of e^x along dim; float dtypes. Rows with an inf or nan as in PyTorch.""")

_f("tg_log_softmax", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"),), False,
   """log(softmax(x)) along dim, without the overflow and underflow of the composition, and accurate
near 0: a row's largest entry is -log1p(sum of the others' e^(x - max)).""")

# tinygrad/nn.h

TG_KEEP_SIZE = (-1)
TG_RECURRENT_WEIGHTS = 64

_f("tg_leaky_relu", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "slope"),), False,
   """x where x > 0, else slope * x; gradient slope at 0.""")

_f("tg_prelu", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "weight"),), False,
   """As tg_leaky_relu() with a learned slope: weight (1), or (C) along dim 1 of x (dim 0 where x is
1-d).""")

_f("tg_elu", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "alpha"),), False,
   """x where x > 0, else alpha (e^x - 1).""")

_f("tg_gelu", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """x times the normal distribution function: x / 2 (1 + erf(x / sqrt(2))).""")

_f("tg_gelu_tanh", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """The same by tanh: x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).""")

_f("tg_silu", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """x sigmoid(x).""")

_f("tg_softplus", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """log(1 + e^x), and x itself above 20, as PyTorch's defaults.""")

_f("tg_logsigmoid", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """log(sigmoid(x)), accurate everywhere.""")

_f("tg_hardtanh", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "low"), ("double", "high"),), False,
   """min(max(x, low), high), low <= high (TG_EVALUE); gradient 0 at both bounds, where tg_clamp() has 1.""")

_f("tg_relu6", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """tg_hardtanh() from 0 to 6.""")

_f("tg_hardsigmoid", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """min(max(x + 3, 0), 6) / 6; gradient 0 at -3 and 3.""")

_f("tg_hardswish", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """x times that; gradient 0 at -3, 1 at 3.""")

_f("tg_selu", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """1.0507... times tg_elu() of alpha 1.6732.... Klambauer et al., 2017.""")

_f("tg_celu", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "alpha"),), False,
   """x where x > 0, else alpha (e^(x / alpha) - 1). TG_EVALUE: alpha 0.""")

_f("tg_mish", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """x tanh(log(1 + e^x)); float64 within 2 ulp.""")

_f("tg_softsign", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"),), False,
   """x / (1 + |x|). Integers give float32.""")

_f("tg_softplus_with", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "beta"), ("double", "threshold"),), False,
   """log(1 + e^(beta x)) / beta, and x itself where beta x > threshold: PyTorch's softplus with both of
its options; its defaults, 1 and 20, are tg_softplus().""")

_f("tg_glu", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "dim"),), False,
   """The first half of x along dim times the sigmoid of the second. TG_ESHAPE: an odd size.""")
ZERO_IS_DEFAULT.add(("tg_attention_opts", "scale"))


class tg_attention_opts(Structure):
    """Options of tg_scaled_dot_product_attention().

    mask: bool (true: attend) or float (added to scores); broadcasts to (..., L, S)
    causal: position i attends to 0 to i only; not together with mask (TG_EVALUE)
    scale: of the scores; 0 means 1 / sqrt(E)
    """


tg_attention_opts._fields_ = [
    ("mask", c_void_p),
    ("causal", c_bool),
    ("scale", c_double),
]

_f("tg_scaled_dot_product_attention", "tinygrad", "tg_tensor *", (("tg_tensor *", "q"), ("tg_tensor *", "k"), ("tg_tensor *", "v"), ("const tg_attention_opts *", "opts"),), False,
   """softmax(q k^T scale) v: q (..., L, E), k (..., S, E), v (..., S, Ev); result (..., L, Ev), with the
batch dims of all inputs broadcast. A query that the mask lets see nothing gets zeros. The bits are
those of tg_matmul() and tg_softmax(), but the weights (..., L, S) are never held: memory grows with
L + S, in both directions, unless a float mask requires its gradient or create_graph is asked for.
Dao et al., FlashAttention, 2022.""")


class tg_conv_opts(Structure):
    """Options of the convolutions; zero means the default. The second entry is for the second dim
    (width) of 2-d; where it is 0, stride and dilation take the first one's value.

    stride: default 1
    padding: zeros on both sides; default 0
    dilation: default 1
    groups: default 1; divides both channel counts
    """


tg_conv_opts._fields_ = [
    ("stride", c_int64 * 2),
    ("padding", c_int64 * 2),
    ("dilation", c_int64 * 2),
    ("groups", c_int64),
]

_f("tg_conv1d", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "weight"), ("tg_tensor *", "bias"), ("const tg_conv_opts *", "opts"),), False,
   """Cross-correlation: x (N, C, L) or (C, L), weight (O, C / groups, K), bias (O) or NULL; result
(N, O, Lout), Lout = (L + 2 padding - dilation (K - 1) - 1) / stride + 1. TG_ESHAPE where Lout
< 1.""")

_f("tg_conv2d", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "weight"), ("tg_tensor *", "bias"), ("const tg_conv_opts *", "opts"),), False,
   """The same in two dims: x (N, C, H, W) or (C, H, W), weight (O, C / groups, KH, KW).""")


class tg_conv_transpose_opts(Structure):
    """Options of the transposed convolutions; second entries as in tg_conv_opts.

    stride: default 1
    padding: taken off on both sides; default 0
    output_padding: added at the end; below stride or dilation (TG_EVALUE)
    dilation: default 1
    groups: default 1; divides C
    """


tg_conv_transpose_opts._fields_ = [
    ("stride", c_int64 * 2),
    ("padding", c_int64 * 2),
    ("output_padding", c_int64 * 2),
    ("dilation", c_int64 * 2),
    ("groups", c_int64),
]

_f("tg_conv_transpose1d", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "weight"), ("tg_tensor *", "bias"), ("const tg_conv_transpose_opts *", "opts"),), False,
   """What tg_conv1d() does to the gradient of its result: x (N, C, L) or (C, L), weight (C, O / groups, K),
bias (O) or NULL; result (N, O, Lout), Lout = (L - 1) stride - 2 padding + dilation (K - 1) +
output_padding + 1. TG_ESHAPE where Lout < 1.""")

_f("tg_conv_transpose2d", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "weight"), ("tg_tensor *", "bias"), ("const tg_conv_transpose_opts *", "opts"),), False,
   """The same in two dims: x (N, C, H, W) or (C, H, W), weight (C, O / groups, KH, KW).""")


class tg_pool_opts(Structure):
    """Options of the poolings; the second entries as in tg_conv_opts.

    kernel: window; required
    stride: default: the window
    padding: at most half the window
    dilation: default 1; max pooling only
    """


tg_pool_opts._fields_ = [
    ("kernel", c_int64 * 2),
    ("stride", c_int64 * 2),
    ("padding", c_int64 * 2),
    ("dilation", c_int64 * 2),
]

_f("tg_max_pool1d", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_pool_opts *", "opts"),), False,
   """The largest of each window of (N, C, L) or (C, L); the first of equals gets the gradient, nan
wins (the first of several; PyTorch: the last). The padding is never chosen. Keeps four bytes for
each window. TG_EVALUE, too: images of more than 2^31 - 1 elements each.""")

_f("tg_max_pool2d", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_pool_opts *", "opts"),), False,
   """The largest of each window of (N, C, H, W) or (C, H, W).""")

_f("tg_avg_pool1d", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_pool_opts *", "opts"),), False,
   """The mean of each window (padding counts, as by PyTorch's default).""")

_f("tg_avg_pool2d", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_pool_opts *", "opts"),), False,
   """The mean of each window in two dims.""")


class tg_pool_more_opts(Structure):
    """Options of the poolings' longer forms: those of tg_pool_opts, and more.

    kernel: window; required
    stride: default: the window
    padding: at most half the window
    dilation: default 1; max pooling only
    ceil_mode: A last window may stick out at the end, but begins before the padding there.
    exclude_padding: Average pooling: divide by elements of x alone (count_include_pad=False).
    divisor: Average pooling: what sums are divided by; 0: the number of elements.
    indices: Max pooling: gets where the results stand in their planes (int64, of the result's shape), looked for once more, -1 for a window that the padding alone makes; NULL: none.
    """


tg_pool_more_opts._fields_ = [
    ("kernel", c_int64 * 2),
    ("stride", c_int64 * 2),
    ("padding", c_int64 * 2),
    ("dilation", c_int64 * 2),
    ("ceil_mode", c_bool),
    ("exclude_padding", c_bool),
    ("divisor", c_int64),
    ("indices", c_void_p),
]

_f("tg_max_pool1d_with", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_pool_more_opts *", "opts"),), False,
   """tg_max_pool1d() with more options. TG_EVALUE, too: options of average pooling.""")

_f("tg_max_pool2d_with", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_pool_more_opts *", "opts"),), False,
   """tg_max_pool2d() with more options.""")

_f("tg_avg_pool1d_with", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_pool_more_opts *", "opts"),), False,
   """tg_avg_pool1d() with more options. TG_EVALUE, too: indices.""")

_f("tg_avg_pool2d_with", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_pool_more_opts *", "opts"),), False,
   """tg_avg_pool2d() with more options.""")

_f("tg_adaptive_avg_pool1d", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int64_t", "size"),), False,
   """nn.AdaptiveAvgPool1d: the means of `size` windows of (N, C, L) or (C, L), number i from i L / size
rounded down to (i + 1) L / size rounded up. TG_EVALUE: size < 1.""")

_f("tg_adaptive_avg_pool2d", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int64_t", "height"), ("int64_t", "width"),), False,
   """The same in both dims of (N, C, H, W) or (C, H, W).""")
TG_NEAREST = 0
TG_LINEAR = 1
tg_interpolation = c_int


class tg_interpolate_opts(Structure):
    """Options of tg_interpolate(): either size or scale, of which the second entry is for the width of 2-d
    images; where it is 0, as the first. Where a scale leaves the size as it is, or nearest elements
    of 2-d images double it, places are by the sizes; nearest ones of 1-d never: PyTorch's rule.

    size: of the result
    scale: the size is that of x times this, rounded down; places are by the scale
    mode: default TG_NEAREST; TG_LINEAR is 2-d images' "bilinear"
    align_corners: TG_LINEAR: the first and last elements stay first and last
    """


tg_interpolate_opts._fields_ = [
    ("size", c_int64 * 2),
    ("scale", c_double * 2),
    ("mode", tg_interpolation),
    ("align_corners", c_bool),
]

_f("tg_interpolate", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_interpolate_opts *", "opts"),), False,
   """torch.nn.functional.interpolate: x (N, C, L) or (N, C, H, W) at another size. TG_EVALUE: neither or
both of size and scale; a size below 1.""")

_f("tg_dropout", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "p"), ("bool", "training"),), False,
   """In training, zeroes each element with probability p and scales the others by 1 / (1 - p); else
x itself. The mask is PyTorch's (builds without MKL's generator): 53-bit draws in row-major
order. Recorded: a replay draws again. TG_EVALUE: p outside [0, 1].""")

_f("tg_layer_norm", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "dims"), ("tg_tensor *", "weight"), ("tg_tensor *", "bias"), ("double", "eps"),), False,
   """(x - mean) / sqrt(variance + eps) over the last dims, those of weight's shape (n, dims give it:
TG_DIMS(d)), times weight plus bias (each may be NULL). The variance is biased. eps 0 means 1e-5
(TG_ZERO: 0). float32 is computed in double and rounded once. Backward reads x, weight and two
doubles for each row, not the result. TG_ESHAPE: x does not end in dims, or weight or bias is not
of that shape. TG_EVALUE: eps < 0.""")

_f("tg_group_norm", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int64_t", "groups"), ("tg_tensor *", "weight"), ("tg_tensor *", "bias"), ("double", "eps"),), False,
   """Normalises each of so many equal groups of the channels of x (N, C, ...) as tg_layer_norm() does rows,
then scales and shifts channels by weight and bias (C), which may be NULL. eps as there. TG_EVALUE:
groups that do not divide C; one value a group and sample, as PyTorch has it.""")

_f("tg_instance_norm", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "weight"), ("tg_tensor *", "bias"), ("double", "eps"),), False,
   """The same for each channel by itself. TG_EVALUE: one value a channel.""")

_f("tg_rms_norm", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("int", "n"), ("const int64_t *", "dims"), ("tg_tensor *", "weight"), ("double", "eps"),), False,
   """x / sqrt(mean of x^2 + eps) over the last dims, those of weight's shape, as in tg_layer_norm(), times
weight, which may be NULL. eps 0 means the dtype's, 1.2e-7 or 2.2e-16 (TG_ZERO: 0).""")

_f("tg_normalize", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("double", "p"), ("int", "dim"), ("double", "eps"),), False,
   """x / max(norm of order p along dim, eps); eps 0 means 1e-12 (TG_ZERO: 0). Errors of tg_norm().""")

_f("tg_cosine_similarity", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"), ("int", "dim"), ("double", "eps"),), False,
   """Sum along dim of a b / (max(|a|, eps) max(|b|, eps)); a and b broadcast. eps 0 means 1e-8 (TG_ZERO:
0); where a norm is less, the gradient is that of the norm, as PyTorch's.""")

_f("tg_cdist", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"), ("double", "p"),), False,
   """The distances of order p >= 0 of all rows of a (..., n, d) from all rows of b (..., m, d): (..., n, m); batch
dims broadcast. By their differences, which are held: exact for near rows, where a product of matrices is
not. Gradient 0 at 0. TG_EVALUE: p < 0.""")

_f("tg_pairwise_distance", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"), ("double", "p"), ("double", "eps"), ("bool", "keepdim"),), False,
   """The norm of order p of a - b + eps along the last dim; a and b broadcast. eps 0 means 1e-6 (TG_ZERO:
0).""")
ZERO_IS_DEFAULT.add(("tg_batch_norm_opts", "momentum"))
ZERO_IS_DEFAULT.add(("tg_batch_norm_opts", "eps"))


class tg_batch_norm_opts(Structure):
    """Options of tg_batch_norm(); tensors of shape (C) may be NULL.

    weight: scale
    bias: shift
    running_mean: updated in training, used in evaluation
    running_var: as running_mean
    momentum: of the update; 0 means 0.1 (TG_ZERO: 0, no update)
    eps: 0 means 1e-5 (TG_ZERO: 0)
    training: use the batch's statistics
    """


tg_batch_norm_opts._fields_ = [
    ("weight", c_void_p),
    ("bias", c_void_p),
    ("running_mean", c_void_p),
    ("running_var", c_void_p),
    ("momentum", c_double),
    ("eps", c_double),
    ("training", c_bool),
]

_f("tg_batch_norm", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_batch_norm_opts *", "opts"),), False,
   """Normalises each channel of x (N, C) or (N, C, ...). Training: by the batch's mean and biased
variance, and running = (1 - momentum) running + momentum * (mean, unbiased variance).
Evaluation: by the running statistics (TG_EVALUE without them). An empty batch gives an empty
result and leaves the statistics as they are. TG_EVALUE: training on one value a channel.""")


class tg_recurrent_opts(Structure):
    """Options of tg_lstm() and tg_gru(); zero means the default.

    layers: default 1; each takes the output of the one before
    bidirectional: every layer walks the sequence from its end as well: D is 2, else 1
    batch_first: x and output (N, T, ...) instead of (T, N, ...)
    no_bias: weights without b_ih and b_hh
    dropout: in training, of the input of every layer but the first: tg_dropout()
    training: whether there is dropout
    h0: (layers * D, N, H), or NULL: zeros
    c0: the same; of an LSTM, which has both or none (TG_EVALUE)
    lengths: int64 (N): how many steps of each row count, 1 to T (else TG_EVALUE); NULL: all. As of a packed sequence: the output is 0 from there on, the last states are those at the length
    """


tg_recurrent_opts._fields_ = [
    ("layers", c_int64),
    ("bidirectional", c_bool),
    ("batch_first", c_bool),
    ("no_bias", c_bool),
    ("dropout", c_double),
    ("training", c_bool),
    ("h0", c_void_p),
    ("c0", c_void_p),
    ("lengths", c_void_p),
]

_f("tg_lstm", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *const *", "weights"), ("size_t", "n"), ("const tg_recurrent_opts *", "opts"), ("tg_tensor **", "h_n"), ("tg_tensor **", "c_n"),), False,
   """nn.LSTM: x (T, N, I), or (T, I) for one row without N anywhere; output (T, N, D * H), and the
last states h_n and c_n (layers * D, N, H); each may be NULL. `weights` are n tensors, PyTorch's,
layer by layer and direction by direction: w_ih (4 H, I), w_hh (4 H, H), b_ih (4 H), b_hh (4 H);
rows are the input, forget, cell and output gates'. From the second layer on I is D * H.

    c = sigmoid(f) c + sigmoid(i) tanh(g),  h = sigmoid(o) tanh(c)

A direction of a layer is one product for all steps' inputs and one operation over the steps; the
gradients of weights are one product each. TG_ESHAPE: T of 0, other shapes. TG_EDTYPE: not one
float dtype. TG_EVALUE: another number of weights.""")

_f("tg_gru", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *const *", "weights"), ("size_t", "n"), ("const tg_recurrent_opts *", "opts"), ("tg_tensor **", "h_n"),), False,
   """nn.GRU: as tg_lstm() without c; 3 H rows, the reset, update and new gates'.

    n = tanh(w_in x + b_in + sigmoid(r) (w_hn h + b_hn)),  h = n + sigmoid(z) (h - n)""")

_f("tg_lstm_cell", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "h"), ("tg_tensor *", "c"), ("tg_tensor *", "w_ih"), ("tg_tensor *", "w_hh"), ("tg_tensor *", "b_ih"), ("tg_tensor *", "b_hh"), ("tg_tensor **", "c_next"),), False,
   """nn.LSTMCell, a step: x (N, I) or (I); h and c (N, H) or (H), or NULL: zeros; biases may both be NULL.
Returns the next h, and the next c by c_next, which may be NULL. Weights and errors as of tg_lstm().""")

_f("tg_gru_cell", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "h"), ("tg_tensor *", "w_ih"), ("tg_tensor *", "w_hh"), ("tg_tensor *", "b_ih"), ("tg_tensor *", "b_hh"),), False,
   """nn.GRUCell: as tg_lstm_cell().""")
TG_MEAN = 0
TG_SUM = 1
TG_NONE = 2
tg_reduction = c_int


class tg_nll_opts(Structure):
    """Options of tg_nll_loss(); NULL or zeros are PyTorch's defaults.

    weight: a factor per class, shape (C), the input's dtype; NULL: all 1
    reduction: TG_MEAN divides by the sum of the targets' weights
    has_ignore_index: whether ignore_index is given; else it is -100
    ignore_index: positions with this target count for nothing
    """


tg_nll_opts._fields_ = [
    ("weight", c_void_p),
    ("reduction", tg_reduction),
    ("has_ignore_index", c_bool),
    ("ignore_index", c_int64),
]

_f("tg_nll_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "log_probs"), ("tg_tensor *", "targets"), ("const tg_nll_opts *", "opts"),), False,
   """Negative log likelihood: -weight[t] * log_probs[t]. log_probs (C), (N, C) or (N, C, d1, ...)
of a float dtype; targets int64 of the same shape without C. Result 0-d, or the targets' shape
for TG_NONE. The mean over no position (none there, all ignored, or weights that sum to 0) is
nan with zero gradients. (PyTorch 2.13 divides by a sum of weights of 0: an infinite loss is
possible, and gradients are nan.) TG_EVALUE: a target outside [0, C) that is not ignore_index;
a weight that requires grad.""")


class tg_ce_opts(Structure):
    """Options of tg_cross_entropy(); NULL or zeros are PyTorch's defaults.

    weight: a factor per class, shape (C), the logits' dtype; NULL: all 1
    reduction: TG_MEAN: index targets divide by the sum of the targets' weights, probabilities by the number of positions
    label_smoothing: e in [0, 1]: targets become (1 - e) * target + e / C
    has_ignore_index: whether ignore_index is given; else it is -100
    ignore_index: index targets: such positions count for nothing. Probability targets: giving one >= 0 is TG_EVALUE
    """


tg_ce_opts._fields_ = [
    ("weight", c_void_p),
    ("reduction", tg_reduction),
    ("label_smoothing", c_double),
    ("has_ignore_index", c_bool),
    ("ignore_index", c_int64),
]

_f("tg_cross_entropy", "tinygrad", "tg_tensor *", (("tg_tensor *", "logits"), ("tg_tensor *", "targets"), ("const tg_ce_opts *", "opts"),), False,
   """Cross-entropy of raw outputs: nn.CrossEntropyLoss. logits (C), (N, C) or (N, C, d1, ...) of a
float dtype. Targets: class indices, int64, the same shape without C; or class probabilities,
of the logits' shape and dtype, which may require grad (and so may the weight then).

Per position with largest logit m:  loss = sum over c of a_c * ((m - x_c) + log1p(S)),  where a
is the weighted, smoothed target and S the sum of e^(x_j - m) over all j but the largest. Terms
are kept apart until the end, so that a confident prediction keeps a nonzero loss and gradient
where PyTorch's float32 returns 0, and huge logits overflow nothing. float32 is computed in
double, float64 in more than that; more accurate than PyTorch on purpose. Rows with infinite or
nan logits give what PyTorch gives (inf, or nan for 0 * inf); an ignored position gives loss 0
and gradient 0 whatever its logits (PyTorch: gradient nan where they are nan or infinite). Means
over nothing as in tg_nll_loss().
TG_EVALUE: a target outside [0, C) that is not ignore_index; label_smoothing outside [0, 1];
with index targets, a weight that requires grad.""")

_f("tg_linear_cross_entropy", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "weight"), ("tg_tensor *", "bias"), ("tg_tensor *", "targets"), ("const tg_ce_opts *", "opts"),), False,
   """tg_cross_entropy(tg_linear(x, weight, bias), targets, opts), a classifier's last layer and its
loss, without ever holding the logits. x (..., D), weight (V, D), bias (V) or NULL, targets int64
(...): the dims of x but the last are positions, all of them (tg_cross_entropy() has its classes
second). Float dtypes. Options and accuracy as there, errors as of both, but that targets are
classes: probabilities (TG_EDTYPE) would be as large as the logits. Result 0-d, or (...) for
TG_NONE. Loss and gradients have the bits of the composition, but in builds with a CBLAS.

Logits are made a few rows at a time and, in the backward pass, once more, a few classes at a
time: four matrix products instead of three. In float32 that takes 11 MiB (or 42 rows of logits,
where those are more), 2.3 MiB a thread and 64 bytes a position beside the gradients, of which the
weight's is made in place where it is a leaf's first one. With create_graph the backward pass
does hold logits and their gradient.""")

_f("tg_mse_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "t"), ("tg_reduction", "reduction"),), False,
   """(x - t)^2.""")

_f("tg_l1_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "t"), ("tg_reduction", "reduction"),), False,
   """|x - t|; gradient 0 where they are equal.""")

_f("tg_smooth_l1_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "t"), ("double", "beta"), ("tg_reduction", "reduction"),), False,
   """(x - t)^2 / (2 beta) where |x - t| < beta, else |x - t| - beta / 2. beta >= 0; 0 is
tg_l1_loss().""")

_f("tg_huber_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "t"), ("double", "delta"), ("tg_reduction", "reduction"),), False,
   """(x - t)^2 / 2 where |x - t| <= delta, else delta (|x - t| - delta / 2). delta > 0.""")

_f("tg_bce_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "t"), ("tg_tensor *", "weight"), ("tg_reduction", "reduction"),), False,
   """Binary cross-entropy of probabilities: -(t log x + (1 - t) log(1 - x)), logarithms no lower
than -100; times weight (may be NULL; broadcasts). Gradient (x - t) / max(x (1 - x), 1e-12).
TG_EVALUE: an x outside [0, 1].""")


class tg_bce_opts(Structure):
    """Options of tg_bce_with_logits_loss().

    weight: a factor of each element; broadcasts to x; NULL: 1
    pos_weight: a factor of the positive term; broadcasts to x; NULL: 1
    reduction: of the elements
    """


tg_bce_opts._fields_ = [
    ("weight", c_void_p),
    ("pos_weight", c_void_p),
    ("reduction", tg_reduction),
]

_f("tg_bce_with_logits_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "t"), ("const tg_bce_opts *", "opts"),), False,
   """Binary cross-entropy of raw outputs: weight ((1 - t) softplus(x) + pos_weight t softplus(-x)),
with gradient weight ((1 - t) sigmoid(x) - pos_weight t sigmoid(-x)): sums of terms that do not
cancel, so that a confident prediction keeps its loss and gradient.""")


class tg_kl_opts(Structure):
    """Options of tg_kl_div_loss().

    log_target: t holds logarithms
    batch_mean: with TG_SUM (else TG_EVALUE): divide by the size of dim 0
    reduction: of the elements
    """


tg_kl_opts._fields_ = [
    ("log_target", c_bool),
    ("batch_mean", c_bool),
    ("reduction", tg_reduction),
]

_f("tg_kl_div_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "t"), ("const tg_kl_opts *", "opts"),), False,
   """t (log t - x) for log-probabilities x and probabilities t; 0 where t is 0.""")

_f("tg_hinge_embedding_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "t"), ("double", "margin"), ("tg_reduction", "reduction"),), False,
   """x where t is 1, max(0, margin - x) where t is -1 (any dtype; the sum of both where it is neither).
PyTorch's margin is 1. Gradient 1 where a max() is 0, so in all that follow.""")

_f("tg_margin_ranking_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"), ("tg_tensor *", "t"), ("double", "margin"), ("tg_reduction", "reduction"),), False,
   """max(0, t (b - a) + margin): t of 1 (any dtype) asks for a > b, -1 for b > a. PyTorch's margin is 0.""")

_f("tg_soft_margin_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "t"), ("tg_reduction", "reduction"),), False,
   """log(1 + e^(-t x)), accurate everywhere.""")

_f("tg_cosine_embedding_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "a"), ("tg_tensor *", "b"), ("tg_tensor *", "t"), ("double", "margin"), ("tg_reduction", "reduction"),), False,
   """Of vectors a and b (N, D) or (D) with cosine c: 1 - c where t, (N) or () of any dtype, is 1, max(0, c -
margin) where it is -1, else 0. PyTorch's margin is 0.""")
ZERO_IS_DEFAULT.add(("tg_multi_margin_opts", "margin"))


class tg_multi_margin_opts(Structure):
    """Options of tg_multi_margin_loss(); zero means the default.

    p: 1 (default) or 2
    margin: default 1
    weight: a factor per class, (C); NULL: 1
    reduction: of the rows
    """


tg_multi_margin_opts._fields_ = [
    ("p", c_int),
    ("margin", c_double),
    ("weight", c_void_p),
    ("reduction", tg_reduction),
]

_f("tg_multi_margin_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "targets"), ("const tg_multi_margin_opts *", "opts"),), False,
   """Mean over the classes j of max(0, margin - x[t] + x[j])^p, 0 for j = t, times weight[t]. x (N, C) or
(C), targets int64 (N) or (). Gradient 0 where the max() is 0. TG_EVALUE: a target outside [0, C).""")
ZERO_IS_DEFAULT.add(("tg_triplet_opts", "margin"))
ZERO_IS_DEFAULT.add(("tg_triplet_opts", "p"))
ZERO_IS_DEFAULT.add(("tg_triplet_opts", "eps"))


class tg_triplet_opts(Structure):
    """Options of tg_triplet_margin_loss(); zero means the default.

    margin: > 0; default 1
    p: of tg_pairwise_distance(); default 2
    eps: as there; default 1e-6
    swap: take the distance of near and far, where it is the smaller one
    reduction: of the vectors
    """


tg_triplet_opts._fields_ = [
    ("margin", c_double),
    ("p", c_double),
    ("eps", c_double),
    ("swap", c_bool),
    ("reduction", tg_reduction),
]

_f("tg_triplet_margin_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "anchor"), ("tg_tensor *", "near"), ("tg_tensor *", "far"), ("const tg_triplet_opts *", "opts"),), False,
   """max(0, distance(anchor, near) - distance(anchor, far) + margin) of vectors along the last dim.""")
ZERO_IS_DEFAULT.add(("tg_poisson_opts", "eps"))


class tg_poisson_opts(Structure):
    """Options of tg_poisson_nll_loss(); zero means the default.

    no_log_input: x is the rate, not its logarithm
    full: add Stirling's log(t!), 0 for t <= 1
    eps: added to a rate before its logarithm; default 1e-8
    reduction: of the elements
    """


tg_poisson_opts._fields_ = [
    ("no_log_input", c_bool),
    ("full", c_bool),
    ("eps", c_double),
    ("reduction", tg_reduction),
]

_f("tg_poisson_nll_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "t"), ("const tg_poisson_opts *", "opts"),), False,
   """e^x - t x, or x - t log(x + eps).""")
ZERO_IS_DEFAULT.add(("tg_gaussian_opts", "eps"))


class tg_gaussian_opts(Structure):
    """Options of tg_gaussian_nll_loss(); zero means the default.

    full: add log(2 pi) / 2
    eps: the least variance; default 1e-6
    reduction: of the elements
    """


tg_gaussian_opts._fields_ = [
    ("full", c_bool),
    ("eps", c_double),
    ("reduction", tg_reduction),
]

_f("tg_gaussian_nll_loss", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("tg_tensor *", "t"), ("tg_tensor *", "variance"), ("const tg_gaussian_opts *", "opts"),), False,
   """(log v + (x - t)^2 / v) / 2, v the variance or eps, if that is more; the gradient is passed to the
variance all the same. It has x's shape, size 1 in one dim, or lacks the last one. TG_EVALUE: one < 0.""")

_f("tg_linear_init", "tinygrad", "void", (("tg_tensor *", "weight"), ("tg_tensor *", "bias"),), False,
   """nn.Linear's default initialisation: weight [out, in] uniform within sqrt(3) * (sqrt(1/3) /
sqrt(in)) as torch rounds it, then bias [out] (may be NULL) within 1/sqrt(in).""")

_f("tg_conv_init", "tinygrad", "void", (("tg_tensor *", "weight"), ("tg_tensor *", "bias"),), False,
   """The same for nn.Conv1d and nn.Conv2d: weight [out, in / groups, size...], whose fan-in, in /
groups * size..., stands for `in`. TG_ESHAPE, as of all that follow: dims that do not fit.""")

_f("tg_embedding_init", "tinygrad", "void", (("tg_tensor *", "weight"),), False,
   """nn.Embedding's: standard normal. weight [rows, columns]. PyTorch sets the row of padding_idx to
0 afterwards.""")

_f("tg_recurrent_init", "tinygrad", "void", (("tg_tensor *const *", "tensors"), ("size_t", "n"), ("int64_t", "hidden"),), False,
   """nn.RNN's, nn.LSTM's and nn.GRU's: each of n tensors, in the order given (PyTorch's: layer by
layer weight_ih, weight_hh, bias_ih, bias_hh), uniform within 1/sqrt(hidden). TG_EVALUE: hidden
< 1.""")

_f("tg_xavier_uniform_", "tinygrad", "void", (("tg_tensor *", "t"), ("double", "gain"),), False,
   """torch.nn.init.xavier_uniform_: within gain * sqrt(6 / (fan_in + fan_out)). The fans are those of
a weight [out, in] or [out, in, size...]; gain 0 means 1 (TG_ZERO: 0). TG_ESHAPE: fewer than 2
dims; TG_EVALUE: gain negative or not finite; else as tg_uniform_(). Empty tensors are left
alone.""")

_f("tg_xavier_normal_", "tinygrad", "void", (("tg_tensor *", "t"), ("double", "gain"),), False,
   """torch.nn.init.xavier_normal_: mean 0, std gain * sqrt(2 / (fan_in + fan_out)). For the rest as
tg_xavier_uniform_().""")
TG_GAIN_LEAKY_RELU = 0
TG_GAIN_RELU = 1
TG_GAIN_LINEAR = 2
TG_GAIN_TANH = 3
TG_GAIN_SELU = 4
tg_nonlinearity = c_int


class tg_kaiming_opts(Structure):
    """Options of tg_kaiming_uniform_() and tg_kaiming_normal_(); zero means the default.

    a: the leaky relu's slope; default 0
    fan_out: go by fan_out instead of fan_in
    nonlinearity: default TG_GAIN_LEAKY_RELU
    """


tg_kaiming_opts._fields_ = [
    ("a", c_double),
    ("fan_out", c_bool),
    ("nonlinearity", tg_nonlinearity),
]

_f("tg_kaiming_uniform_", "tinygrad", "void", (("tg_tensor *", "t"), ("const tg_kaiming_opts *", "opts"),), False,
   """torch.nn.init.kaiming_uniform_: within gain * sqrt(3 / fan). `opts` may be NULL. TG_EVALUE: `a`
not finite, an unknown nonlinearity; for the rest as tg_xavier_uniform_().""")

_f("tg_kaiming_normal_", "tinygrad", "void", (("tg_tensor *", "t"), ("const tg_kaiming_opts *", "opts"),), False,
   """torch.nn.init.kaiming_normal_: mean 0, std gain / sqrt(fan). As tg_kaiming_uniform_().""")


class tg_linear_layer(Structure):
    """What tg_nn_linear() makes.

    weight: (out, in)
    bias: (out), or NULL
    """


tg_linear_layer._fields_ = [
    ("weight", c_void_p),
    ("bias", c_void_p),
]


class tg_nn_linear_opts(Structure):
    """Options of tg_nn_linear(); zero means the default.

    no_bias: leave the bias out
    dtype: default TG_F32
    """


tg_nn_linear_opts._fields_ = [
    ("no_bias", c_bool),
    ("dtype", c_int),
]

_f("tg_nn_linear", "tinygrad", "tg_linear_layer", (("tg_params *", "list"), ("int64_t", "in"), ("int64_t", "out"), ("const tg_nn_linear_opts *", "opts"), ("const char *", "format"),), True,
   """nn.Linear: "weight" and "bias", by tg_linear_init().""")

_f("tg_nn_apply_linear", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_linear_layer *", "layer"),), False,
   """tg_linear(): x (..., in) to (..., out). NULL layers are TG_EVALUE, here as below.""")


class tg_conv_layer(Structure):
    """What tg_nn_conv1d() and tg_nn_conv2d() make.

    weight: (out, in / groups, K) or (out, in / groups, KH, KW)
    bias: (out), or NULL
    conv: how it is applied
    """


tg_conv_layer._fields_ = [
    ("weight", c_void_p),
    ("bias", c_void_p),
    ("conv", tg_conv_opts),
]


class tg_nn_conv_opts(Structure):
    """Options of tg_nn_conv1d() and tg_nn_conv2d(); zero means the default.

    conv: stride, padding, dilation, groups
    width: KW of 2-d; default: as the height
    no_bias: leave the bias out
    dtype: default TG_F32
    """


tg_nn_conv_opts._fields_ = [
    ("conv", tg_conv_opts),
    ("width", c_int64),
    ("no_bias", c_bool),
    ("dtype", c_int),
]

_f("tg_nn_conv1d", "tinygrad", "tg_conv_layer", (("tg_params *", "list"), ("int64_t", "in"), ("int64_t", "out"), ("int64_t", "kernel"), ("const tg_nn_conv_opts *", "opts"), ("const char *", "format"),), True,
   """nn.Conv1d: "weight" and "bias", by tg_conv_init(). TG_EVALUE: kernel < 1; groups that do not
divide both channel counts.""")

_f("tg_nn_conv2d", "tinygrad", "tg_conv_layer", (("tg_params *", "list"), ("int64_t", "in"), ("int64_t", "out"), ("int64_t", "kernel"), ("const tg_nn_conv_opts *", "opts"), ("const char *", "format"),), True,
   """nn.Conv2d, of kernels (kernel, kernel) or (kernel, width). As tg_nn_conv1d().""")

_f("tg_nn_apply_conv", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_conv_layer *", "layer"),), False,
   """tg_conv1d() or tg_conv2d(), as the weight has 3 or 4 dims.""")


class tg_embedding_layer(Structure):
    """What tg_nn_embedding() makes.

    weight: (rows, columns)
    padding_idx: the row that gets no gradient, or TG_NO_PADDING
    """


tg_embedding_layer._fields_ = [
    ("weight", c_void_p),
    ("padding_idx", c_int64),
]


class tg_nn_embedding_opts(Structure):
    """Options of tg_nn_embedding(); zero means the default.

    has_padding_idx: whether padding_idx is given; default: no such row
    padding_idx: a row that is 0 and gets no gradient; negative: from the end
    dtype: default TG_F32
    """


tg_nn_embedding_opts._fields_ = [
    ("has_padding_idx", c_bool),
    ("padding_idx", c_int64),
    ("dtype", c_int),
]

_f("tg_nn_embedding", "tinygrad", "tg_embedding_layer", (("tg_params *", "list"), ("int64_t", "rows"), ("int64_t", "columns"), ("const tg_nn_embedding_opts *", "opts"), ("const char *", "format"),), True,
   """nn.Embedding: "weight", by tg_embedding_init(). TG_EVALUE: there is no row padding_idx.""")

_f("tg_nn_apply_embedding", "tinygrad", "tg_tensor *", (("tg_tensor *", "index"), ("const tg_embedding_layer *", "layer"),), False,
   """tg_embedding(): int64 indices (...) to (..., columns).""")


class tg_layer_norm_layer(Structure):
    """What tg_nn_layer_norm() makes.

    weight: of the normalised dims, or NULL
    bias: as weight
    eps: as tg_layer_norm() takes it
    ndim: how many dims are normalised
    dims: their sizes
    """


tg_layer_norm_layer._fields_ = [
    ("weight", c_void_p),
    ("bias", c_void_p),
    ("eps", c_double),
    ("ndim", c_int),
    ("dims", c_int64 * TG_MAX_NDIM),
]
ZERO_IS_DEFAULT.add(("tg_nn_layer_norm_opts", "eps"))


class tg_nn_layer_norm_opts(Structure):
    """Options of tg_nn_layer_norm(); zero means the default.

    eps: default 1e-5 (TG_ZERO: 0)
    no_affine: neither weight nor bias: nothing is listed
    no_bias: leave the bias out
    dtype: default TG_F32
    """


tg_nn_layer_norm_opts._fields_ = [
    ("eps", c_double),
    ("no_affine", c_bool),
    ("no_bias", c_bool),
    ("dtype", c_int),
]

_f("tg_nn_layer_norm", "tinygrad", "tg_layer_norm_layer", (("tg_params *", "list"), ("int", "ndim"), ("const int64_t *", "dims"), ("const tg_nn_layer_norm_opts *", "opts"), ("const char *", "format"),), True,
   """nn.LayerNorm over the last dims, TG_DIMS(d): "weight" of ones and "bias" of zeros. TG_ESHAPE:
fewer than 1 dim.""")

_f("tg_nn_apply_layer_norm", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_layer_norm_layer *", "layer"),), False,
   """tg_layer_norm().""")


class tg_batch_norm_layer(Structure):
    """What tg_nn_batch_norm() makes.

    weight: (channels), or NULL; a parameter, as bias
    bias: (channels), or NULL
    running_mean: (channels), or NULL; a buffer, as what follows
    running_var: (channels), or NULL
    num_batches_tracked: int64, 0-d: how often it was trained; or NULL
    momentum: as in tg_batch_norm_opts
    eps: as in tg_batch_norm_opts
    """


tg_batch_norm_layer._fields_ = [
    ("weight", c_void_p),
    ("bias", c_void_p),
    ("running_mean", c_void_p),
    ("running_var", c_void_p),
    ("num_batches_tracked", c_void_p),
    ("momentum", c_double),
    ("eps", c_double),
]
ZERO_IS_DEFAULT.add(("tg_nn_batch_norm_opts", "momentum"))
ZERO_IS_DEFAULT.add(("tg_nn_batch_norm_opts", "eps"))


class tg_nn_batch_norm_opts(Structure):
    """Options of tg_nn_batch_norm(); zero means the default.

    momentum: default 0.1 (TG_ZERO: 0)
    eps: default 1e-5 (TG_ZERO: 0)
    no_affine: neither weight nor bias
    no_statistics: no buffers: evaluation is by the batch's statistics as well
    dtype: default TG_F32
    """


tg_nn_batch_norm_opts._fields_ = [
    ("momentum", c_double),
    ("eps", c_double),
    ("no_affine", c_bool),
    ("no_statistics", c_bool),
    ("dtype", c_int),
]

_f("tg_nn_batch_norm", "tinygrad", "tg_batch_norm_layer", (("tg_params *", "list"), ("int64_t", "channels"), ("const tg_nn_batch_norm_opts *", "opts"), ("const char *", "format"),), True,
   """nn.BatchNorm1d and 2d: "weight" of ones, "bias" of zeros; "running_mean" of zeros, "running_var"
of ones and "num_batches_tracked" of 0, which are saved with the parameters but are none
(tg_params_unique()).""")

_f("tg_nn_apply_batch_norm", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_batch_norm_layer *", "layer"), ("bool", "training"),), False,
   """tg_batch_norm(): x (N, C) or (N, C, ...). In training num_batches_tracked is counted up.""")


class tg_recurrent_layer(Structure):
    """What tg_nn_lstm() and tg_nn_gru() make.

    weights: as tg_lstm() takes them
    n: how many there are
    how: how it is applied: set h0, c0 and lengths there
    """


tg_recurrent_layer._fields_ = [
    ("weights", c_void_p * TG_RECURRENT_WEIGHTS),
    ("n", c_size_t),
    ("how", tg_recurrent_opts),
]


class tg_nn_recurrent_opts(Structure):
    """Options of tg_nn_lstm() and tg_nn_gru(); zero means the default.

    how: layers, bidirectional, batch_first, no_bias, dropout
    dtype: default TG_F32
    """


tg_nn_recurrent_opts._fields_ = [
    ("how", tg_recurrent_opts),
    ("dtype", c_int),
]

_f("tg_nn_lstm", "tinygrad", "tg_recurrent_layer", (("tg_params *", "list"), ("int64_t", "in"), ("int64_t", "hidden"), ("const tg_nn_recurrent_opts *", "opts"), ("const char *", "format"),), True,
   """nn.LSTM: "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", then those of the way back,
"..._l0_reverse", and of the next layers, by tg_recurrent_init(). TG_EVALUE: more layers than there is
room for, hidden < 1.""")

_f("tg_nn_gru", "tinygrad", "tg_recurrent_layer", (("tg_params *", "list"), ("int64_t", "in"), ("int64_t", "hidden"), ("const tg_nn_recurrent_opts *", "opts"), ("const char *", "format"),), True,
   """nn.GRU: as tg_nn_lstm().""")

_f("tg_nn_apply_lstm", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_recurrent_layer *", "layer"), ("bool", "training"), ("tg_tensor **", "h_n"), ("tg_tensor **", "c_n"),), False,
   """tg_lstm().""")

_f("tg_nn_apply_gru", "tinygrad", "tg_tensor *", (("tg_tensor *", "x"), ("const tg_recurrent_layer *", "layer"), ("bool", "training"), ("tg_tensor **", "h_n"),), False,
   """tg_gru().""")

# tinygrad/train.h


class tg_batches_opts(Structure):
    """Options of tg_batches_new(); zero means the default.

    shuffle: a new random order each epoch; default: 0 .. n-1
    drop_last: leave out a last batch that is not full
    """


tg_batches_opts._fields_ = [
    ("shuffle", c_bool),
    ("drop_last", c_bool),
]

_f("tg_batches_new", "tinygrad", "tg_batches *", (("tg_tape *", "tape"), ("int64_t", "n"), ("int64_t", "batch"), ("const tg_batches_opts *", "opts"),), False,
   """Batches of `batch` > 0 of n >= 0 samples; the order (8 n bytes) is allocated here. `opts` may be
NULL. TG_EVALUE for sizes out of range.""")

_f("tg_batches_start", "tinygrad", "tg_status", (("tg_batches *", "batches"),), False,
   """Begins an epoch, before its first batch; the one before may be left unfinished. With `shuffle`
draws the order from the tape's generator: the batches are torch.randperm(n).split(batch). Not
recorded.""")

_f("tg_batches_next", "tinygrad", "bool", (("tg_batches *", "batches"),), False,
   """Moves on to the next batch. false: the epoch is over, or there is an error. TG_ESTATE: no epoch
was ever started.""")

_f("tg_batches_size", "tinygrad", "int64_t", (("const tg_batches *", "batches"),), False,
   """The samples in the present batch: `batch`, or fewer in the last one; 0 where there is none.""")

_f("tg_batches_narrow", "tinygrad", "tg_status", (("tg_batches *", "batches"), ("int64_t", "first"), ("int64_t", "size"),), False,
   """Narrows the present batch to `size` > 0 of its samples from number `first` on, until the next call
of this or of tg_batches_next(), so that gradients can be accumulated over its pieces: `first`
always counts from the start of the whole batch. TG_ESTATE: there is no batch. TG_EVALUE: it has no
such samples.""")

_f("tg_batches_indices", "tinygrad", "const int64_t *", (("const tg_batches *", "batches"),), False,
   """Their indices; NULL, without an error, where there is no batch. Valid until the next
tg_batches_start().""")

_f("tg_batches_read", "tinygrad", "tg_status", (("const tg_batches *", "batches"), ("const void *", "array"), ("tg_tensor *", "into"),), False,
   """Copies the present batch's rows of a row-major array of n rows into the first rows of `into`:
row i is the array's row indices[i]. A row has the shape of into's dims after the first, and
into's dtype: nobody can see whether that is so, and int labels for an int64 tensor are misread;
tg_batches_read_as() converts them. Rows after a short batch's are left alone. The version is
bumped. The copy is not recorded: read again before tg_tape_replay(). TG_ESHAPE: `into` has no
dims, or fewer rows than the batch. TG_ESTATE: there is no batch; `into` requires a gradient or
is not contiguous. TG_EVALUE: `array` or `into` is NULL, or `into` of another tape.""")

_f("tg_batches_read_as", "tinygrad", "tg_status", (("const tg_batches *", "batches"), ("const void *", "array"), ("tg_array_type", "type"), ("tg_tensor *", "into"),), False,
   """The same from an array of another type, aligned for it, whose elements are converted to into's
dtype: `int` or `uint8_t` labels into an int64 tensor, bytes of images into a float one.

    tg_batches_read_as(b, labels, TG_ARRAY_I32, y);

Errors as tg_batches_read(); TG_EVALUE also, with `into` as it was, where its dtype does not hold
a value (see tg_array_type; the message names the array's row), or for an unknown type.""")
ZERO_IS_DEFAULT.add(("tg_scaling", "divisor"))
ZERO_IS_DEFAULT.add(("tg_scaling", "std"))


class tg_scaling(Structure):
    """What becomes of numbers that are read: (x / divisor - mean) / std, as torchvision's ToTensor and
    Normalize compute it, each step rounded to the tensor's dtype. Zero means the default.

    divisor: default 1; 255 for bytes of pictures
    mean: default 0
    std: default 1
    """


tg_scaling._fields_ = [
    ("divisor", c_double),
    ("mean", c_double),
    ("std", c_double),
]

_f("tg_batches_read_scaled", "tinygrad", "tg_status", (("const tg_batches *", "batches"), ("const void *", "array"), ("tg_array_type", "type"), ("tg_tensor *", "into"), ("const tg_scaling *", "scaling"),), False,
   """The same into a float tensor, whose new rows are then scaled. `scaling` may be NULL.

    tg_batches_read_scaled(b, pictures, TG_ARRAY_U8, x,
                           &(tg_scaling){.divisor = 255, .mean = 0.1307, .std = 0.3081});

Errors as tg_batches_read_as(); TG_EDTYPE also where `into` is not a float tensor, TG_EVALUE for a
number in `scaling` that is not finite, or divides and is 0.""")

_f("tg_params_new", "tinygrad", "tg_params *", (("tg_tape *", "tape"),), False,
   """An empty list.""")

_f("tg_params_add", "tinygrad", "tg_tensor *", (("tg_params *", "params"), ("tg_tensor *", "t"), ("const char *", "format"),), True,
   """Appends t under a name that is formatted as by printf, and returns t, so that a tensor can be
made and listed in one line; NULL where it is not listed.

    tg_tensor *w = tg_params_add(list, tg_zeros(tape, TG_DIMS(3), TG_REQUIRES_GRAD),
                                 "layer%d.weight", i);

TG_EVALUE: a name that is empty or listed already; t is NULL or of another tape.""")

_f("tg_params_count", "tinygrad", "size_t", (("const tg_params *", "params"),), False,
   """How many there are; 0 for NULL.""")

_f("tg_params_name", "tinygrad", "const char *", (("const tg_params *", "params"), ("size_t", "i"),), False,
   """The name of number i, valid until the next tg_params_add(); NULL, without an error, where there
is none.""")

_f("tg_params_tensor", "tinygrad", "tg_tensor *", (("const tg_params *", "params"), ("size_t", "i"),), False,
   """Number i; NULL, without an error, where there is none.""")

_f("tg_params_find", "tinygrad", "tg_tensor *", (("const tg_params *", "params"), ("const char *", "name"),), False,
   """The tensor of that name; NULL, without an error, where there is none.""")

_f("tg_params_name_of", "tinygrad", "const char *", (("const void *", "params"), ("const tg_tensor *", "t"),), False,
   """The first name that t is listed under; NULL, without an error, where it is not. `params` is a
tg_params: for tg_dot_opts (look.h).""")

_f("tg_params_tensors", "tinygrad", "tg_tensor *const *", (("const tg_params *", "params"),), False,
   """All tensors as an array of tg_params_count(), in the order of the names; valid until the next
tg_params_add(). NULL for an empty list.""")

_f("tg_params_unique", "tinygrad", "tg_tensor *const *", (("const tg_params *", "params"),), False,
   """The parameters as an array of tg_params_unique_count(), for tg_sgd() and the like: the tensors
that required a gradient when they were listed, so that buffers are left out; one that is listed
under several names (tied weights) stands in it once, where it was listed first. Valid until the
next tg_params_add(). NULL where there is none.""")

_f("tg_params_unique_count", "tinygrad", "size_t", (("const tg_params *", "params"),), False,
   """How many different parameters there are; 0 for NULL.""")

_f("tg_params_zero_grad", "tinygrad", "void", (("const tg_params *", "params"),), False,
   """tg_zero_grad() for each of them.""")
ZERO_IS_DEFAULT.add(("tg_sgd_opts", "lr"))


class tg_sgd_opts(Structure):
    """Options of tg_sgd(); zero means the default.

    lr: learning rate >= 0; default 1e-3
    momentum: >= 0
    dampening: of the momentum
    weight_decay: L2 penalty >= 0
    nesterov: needs a momentum and no dampening
    maximize: ascend
    """


tg_sgd_opts._fields_ = [
    ("lr", c_double),
    ("momentum", c_double),
    ("dampening", c_double),
    ("weight_decay", c_double),
    ("nesterov", c_bool),
    ("maximize", c_bool),
]

_f("tg_sgd", "tinygrad", "tg_optim *", (("tg_tape *", "tape"), ("tg_tensor *const *", "params"), ("size_t", "n"), ("const tg_sgd_opts *", "opts"),), False,
   """Stochastic gradient descent with torch.optim.SGD's update, bit for bit. TG_EVALUE for options
out of range, n == 0 or a parameter given twice. `opts` may be NULL.""")
ZERO_IS_DEFAULT.add(("tg_adam_opts", "lr"))
ZERO_IS_DEFAULT.add(("tg_adam_opts", "beta1"))
ZERO_IS_DEFAULT.add(("tg_adam_opts", "beta2"))
ZERO_IS_DEFAULT.add(("tg_adam_opts", "eps"))
ZERO_IS_DEFAULT.add(("tg_adam_opts", "weight_decay"))


class tg_adam_opts(Structure):
    """Options of tg_adam() and tg_adamw(); zero means the default.

    lr: learning rate >= 0; default 1e-3
    beta1: of the gradient's average, in [0, 1); default 0.9
    beta2: of its square's average, in [0, 1); default 0.999
    eps: added to the root >= 0; default 1e-8
    weight_decay: >= 0; default 0 for Adam, 1e-2 for AdamW
    amsgrad: divide by the largest average of squares so far
    maximize: ascend
    """


tg_adam_opts._fields_ = [
    ("lr", c_double),
    ("beta1", c_double),
    ("beta2", c_double),
    ("eps", c_double),
    ("weight_decay", c_double),
    ("amsgrad", c_bool),
    ("maximize", c_bool),
]

_f("tg_adam", "tinygrad", "tg_optim *", (("tg_tape *", "tape"), ("tg_tensor *const *", "params"), ("size_t", "n"), ("const tg_adam_opts *", "opts"),), False,
   """torch.optim.Adam, its single-tensor update on the CPU rounding for rounding; but square roots
are rounded correctly, where PyTorch's may be the next number (and steps are counted in int64).
Weight decay is an L2 penalty in the gradient. Errors as tg_sgd().""")

_f("tg_adamw", "tinygrad", "tg_optim *", (("tg_tape *", "tape"), ("tg_tensor *const *", "params"), ("size_t", "n"), ("const tg_adam_opts *", "opts"),), False,
   """torch.optim.AdamW: as tg_adam(), but weight decay shrinks the parameter by 1 - lr *
weight_decay.""")
ZERO_IS_DEFAULT.add(("tg_rmsprop_opts", "lr"))
ZERO_IS_DEFAULT.add(("tg_rmsprop_opts", "alpha"))
ZERO_IS_DEFAULT.add(("tg_rmsprop_opts", "eps"))


class tg_rmsprop_opts(Structure):
    """Options of tg_rmsprop(); zero means the default.

    lr: learning rate >= 0; default 1e-2
    alpha: of the square's average >= 0; default 0.99
    eps: added to the root >= 0; default 1e-8
    weight_decay: L2 penalty >= 0
    momentum: >= 0
    centered: divide by an estimate of the standard deviation
    maximize: ascend
    """


tg_rmsprop_opts._fields_ = [
    ("lr", c_double),
    ("alpha", c_double),
    ("eps", c_double),
    ("weight_decay", c_double),
    ("momentum", c_double),
    ("centered", c_bool),
    ("maximize", c_bool),
]

_f("tg_rmsprop", "tinygrad", "tg_optim *", (("tg_tape *", "tape"), ("tg_tensor *const *", "params"), ("size_t", "n"), ("const tg_rmsprop_opts *", "opts"),), False,
   """torch.optim.RMSprop, as exactly as tg_adam(). Errors as tg_sgd().""")
ZERO_IS_DEFAULT.add(("tg_adagrad_opts", "lr"))
ZERO_IS_DEFAULT.add(("tg_adagrad_opts", "eps"))


class tg_adagrad_opts(Structure):
    """Options of tg_adagrad(); zero means the default.

    lr: learning rate >= 0; default 1e-2
    lr_decay: >= 0: step k takes lr / (1 + (k - 1) lr_decay)
    weight_decay: L2 penalty >= 0
    initial_accumulator_value: where the sum of squares starts, >= 0
    eps: added to the root >= 0; default 1e-10
    maximize: ascend
    """


tg_adagrad_opts._fields_ = [
    ("lr", c_double),
    ("lr_decay", c_double),
    ("weight_decay", c_double),
    ("initial_accumulator_value", c_double),
    ("eps", c_double),
    ("maximize", c_bool),
]

_f("tg_adagrad", "tinygrad", "tg_optim *", (("tg_tape *", "tape"), ("tg_tensor *const *", "params"), ("size_t", "n"), ("const tg_adagrad_opts *", "opts"),), False,
   """torch.optim.Adagrad, as exactly as tg_adam(). Errors as tg_sgd().""")
ZERO_IS_DEFAULT.add(("tg_nadam_opts", "lr"))
ZERO_IS_DEFAULT.add(("tg_nadam_opts", "beta1"))
ZERO_IS_DEFAULT.add(("tg_nadam_opts", "beta2"))
ZERO_IS_DEFAULT.add(("tg_nadam_opts", "eps"))
ZERO_IS_DEFAULT.add(("tg_nadam_opts", "momentum_decay"))


class tg_nadam_opts(Structure):
    """Options of tg_nadam(); zero means the default.

    lr: learning rate >= 0; default 2e-3
    beta1: of the gradient's average, in [0, 1); default 0.9
    beta2: of its square's average, in [0, 1); default 0.999
    eps: added to the root >= 0; default 1e-8
    weight_decay: >= 0
    momentum_decay: >= 0; default 4e-3
    decoupled_weight_decay: weight decay as tg_adamw()'s
    maximize: ascend
    """


tg_nadam_opts._fields_ = [
    ("lr", c_double),
    ("beta1", c_double),
    ("beta2", c_double),
    ("eps", c_double),
    ("weight_decay", c_double),
    ("momentum_decay", c_double),
    ("decoupled_weight_decay", c_bool),
    ("maximize", c_bool),
]

_f("tg_nadam", "tinygrad", "tg_optim *", (("tg_tape *", "tape"), ("tg_tensor *const *", "params"), ("size_t", "n"), ("const tg_nadam_opts *", "opts"),), False,
   """torch.optim.NAdam, as exactly as tg_adam(). Its mu_product follows from the step and is not kept. Errors as
tg_sgd().""")
ZERO_IS_DEFAULT.add(("tg_radam_opts", "lr"))
ZERO_IS_DEFAULT.add(("tg_radam_opts", "beta1"))
ZERO_IS_DEFAULT.add(("tg_radam_opts", "beta2"))
ZERO_IS_DEFAULT.add(("tg_radam_opts", "eps"))


class tg_radam_opts(Structure):
    """Options of tg_radam(); zero means the default.

    lr: learning rate >= 0; default 1e-3
    beta1: of the gradient's average, in [0, 1); default 0.9
    beta2: of its square's average, in [0, 1); default 0.999
    eps: added to the root >= 0; default 1e-8
    weight_decay: >= 0
    decoupled_weight_decay: weight decay as tg_adamw()'s
    maximize: ascend
    """


tg_radam_opts._fields_ = [
    ("lr", c_double),
    ("beta1", c_double),
    ("beta2", c_double),
    ("eps", c_double),
    ("weight_decay", c_double),
    ("decoupled_weight_decay", c_bool),
    ("maximize", c_bool),
]

_f("tg_radam", "tinygrad", "tg_optim *", (("tg_tape *", "tape"), ("tg_tensor *const *", "params"), ("size_t", "n"), ("const tg_radam_opts *", "opts"),), False,
   """torch.optim.RAdam, as exactly as tg_adam(). Errors as tg_sgd().""")
ZERO_IS_DEFAULT.add(("tg_adamax_opts", "lr"))
ZERO_IS_DEFAULT.add(("tg_adamax_opts", "beta1"))
ZERO_IS_DEFAULT.add(("tg_adamax_opts", "beta2"))
ZERO_IS_DEFAULT.add(("tg_adamax_opts", "eps"))


class tg_adamax_opts(Structure):
    """Options of tg_adamax(); zero means the default.

    lr: learning rate >= 0; default 2e-3
    beta1: of the gradient's average, in [0, 1); default 0.9
    beta2: by which the largest gradient shrinks, in [0, 1); default 0.999
    eps: added to the gradient's size >= 0; default 1e-8
    weight_decay: L2 penalty >= 0
    maximize: ascend
    """


tg_adamax_opts._fields_ = [
    ("lr", c_double),
    ("beta1", c_double),
    ("beta2", c_double),
    ("eps", c_double),
    ("weight_decay", c_double),
    ("maximize", c_bool),
]

_f("tg_adamax", "tinygrad", "tg_optim *", (("tg_tape *", "tape"), ("tg_tensor *const *", "params"), ("size_t", "n"), ("const tg_adamax_opts *", "opts"),), False,
   """torch.optim.Adamax, as exactly as tg_adam(). Errors as tg_sgd().""")
ZERO_IS_DEFAULT.add(("tg_adadelta_opts", "lr"))
ZERO_IS_DEFAULT.add(("tg_adadelta_opts", "rho"))
ZERO_IS_DEFAULT.add(("tg_adadelta_opts", "eps"))


class tg_adadelta_opts(Structure):
    """Options of tg_adadelta(); zero means the default.

    lr: factor of a step >= 0; default 1
    rho: of both averages of squares, in [0, 1]; default 0.9
    eps: added to both >= 0; default 1e-6
    weight_decay: L2 penalty >= 0
    maximize: ascend
    """


tg_adadelta_opts._fields_ = [
    ("lr", c_double),
    ("rho", c_double),
    ("eps", c_double),
    ("weight_decay", c_double),
    ("maximize", c_bool),
]

_f("tg_adadelta", "tinygrad", "tg_optim *", (("tg_tape *", "tape"), ("tg_tensor *const *", "params"), ("size_t", "n"), ("const tg_adadelta_opts *", "opts"),), False,
   """torch.optim.Adadelta, as exactly as tg_adam(). Errors as tg_sgd().""")
ZERO_IS_DEFAULT.add(("tg_sparse_adam_opts", "lr"))
ZERO_IS_DEFAULT.add(("tg_sparse_adam_opts", "beta1"))
ZERO_IS_DEFAULT.add(("tg_sparse_adam_opts", "beta2"))
ZERO_IS_DEFAULT.add(("tg_sparse_adam_opts", "eps"))


class tg_sparse_adam_opts(Structure):
    """Options of tg_sparse_adam(); zero means the default.

    lr: learning rate >= 0; default 1e-3
    beta1: of the gradient's average, in [0, 1); default 0.9
    beta2: of its square's average, in [0, 1); default 0.999
    eps: added to the root >= 0; default 1e-8
    maximize: ascend
    """


tg_sparse_adam_opts._fields_ = [
    ("lr", c_double),
    ("beta1", c_double),
    ("beta2", c_double),
    ("eps", c_double),
    ("maximize", c_bool),
]

_f("tg_sparse_adam", "tinygrad", "tg_optim *", (("tg_tape *", "tape"), ("tg_tensor *const *", "params"), ("size_t", "n"), ("const tg_sparse_adam_opts *", "opts"),), False,
   """torch.optim.SparseAdam, as exactly as tg_adam(): the rows that tg_embedding() read (but for its
padding_idx), and their moments, are updated; other rows are left as they are, moments too. Errors as
tg_sgd(). A step with a gradient that is not known to be zero in all other rows is TG_ESTATE, with
nothing changed: one that anything but tg_embedding() or tg_index_select() along dim 0 had a part in,
that two backward passes added up, that create_graph made or that the program wrote to.

Which rows a gradient is known to be zero in costs tg_sgd() nothing either, without momentum, weight
decay and maximize, nor tg_adagrad() without the latter two, nor clipping: they take the time of the
rows that were read, with the bits of an update of all.""")

_f("tg_optim_step", "tinygrad", "tg_status", (("tg_optim *", "optim"),), False,
   """Updates every parameter that has a gradient, in place; its version is bumped. TG_EVALUE, with
nothing changed, where a learning rate or a count of steps is none: tensors of tg_optim_state()
were written to.""")

_f("tg_optim_zero_grad", "tinygrad", "void", (("tg_optim *", "optim"),), False,
   """tg_zero_grad() for every parameter.""")

_f("tg_optim_set_lr", "tinygrad", "void", (("tg_optim *", "optim"), ("double", "lr"),), False,
   """Sets the learning rate of all groups; 0 is 0 here. TG_EVALUE where it is negative or not
finite.""")

_f("tg_optim_add_group", "tinygrad", "tg_status", (("tg_optim *", "optim"), ("tg_tensor *const *", "params"), ("size_t", "n"), ("double", "lr"),), False,
   """Adds more parameters with a learning rate of their own (0 is 0 here) and the optimiser's other
options. What the optimiser was made over is group 0, the first one added is group 1. Errors as
tg_sgd(). The optimiser is lost (TG_ESTATE) where the tape is rewound past its last group.""")

_f("tg_optim_set_group_lr", "tinygrad", "void", (("tg_optim *", "optim"), ("size_t", "group"), ("double", "lr"),), False,
   """Sets one group's learning rate. TG_EVALUE as tg_optim_set_lr(), or where there is no such
group.""")

_f("tg_optim_lr", "tinygrad", "double", (("const tg_optim *", "optim"), ("size_t", "group"),), False,
   """A group's learning rate; nan, and TG_EVALUE, where there is no such group.""")

_f("tg_optim_state", "tinygrad", "tg_status", (("tg_optim *", "optim"), ("tg_params *", "list"), ("const char *", "prefix"),), False,
   """Appends all of the optimiser's state to a list, as the tensors that it works with, for saving.
Values copied into them (tg_data_mut(), or tg_copy_() while gradients are disabled) restore the
optimiser exactly. Names, behind `prefix` (NULL: ""), are PyTorch's behind the parameter's
number counted over all groups: "0.exp_avg" (exp_avg_sq, max_exp_avg_sq, momentum_buffer,
square_avg, grad_avg, sum) and "0.step" (int64, 0-d) for each parameter, where there is a state;
and "group0.lr" (float64, 0-d). Where it fails, the list is as it was.""")

_f("tg_ema_update", "tinygrad", "tg_status", (("tg_tensor *const *", "averages"), ("tg_tensor *const *", "tensors"), ("size_t", "n"), ("double", "decay"),), False,
   """An exponential moving average of n tensors, such as parameters, after a step: average = decay average + (1 -
decay) tensor, as torch.optim.swa_utils' get_ema_multi_avg_fn(). Averages begin as copies,
tg_clone(tg_detach(p)), made where the parameters are. Recorded: a replay averages again; rewind after it.
TG_ESTATE: an average requires a gradient, or it or its tensor is not contiguous; TG_ESHAPE, TG_EDTYPE: it is not like its
tensor; TG_EVALUE: decay outside [0, 1], a NULL tensor.""")

_f("tg_ema_swap", "tinygrad", "tg_status", (("tg_tensor *const *", "averages"), ("tg_tensor *const *", "tensors"), ("size_t", "n"),), False,
   """Exchanges their values, to evaluate with the averages, and once more to go on. Not recorded (TG_ESTATE
during a capture). Errors as tg_ema_update().""")

_f("tg_clip_grad_norm", "tinygrad", "double", (("tg_tensor *const *", "params"), ("size_t", "n"), ("double", "max_norm"), ("double", "norm_type"),), False,
   """torch.nn.utils.clip_grad_norm_: multiplies the gradients of n tensors, in place, by max_norm /
(total + 1e-6) where that is below 1, and returns `total`, the norm that they had together. Call
it between tg_backward() and tg_optim_step(). The norm is computed in double, so that float32
gradients do not overflow it as PyTorch's. norm_type p gives (sum of |g|^p)^(1/p); 0 means 2,
INFINITY the largest magnitude. A tensor listed several times (tied weights) counts once. A norm
of nan makes all gradients nan; an infinite one makes them 0, infinite ones nan. Tensors without
a gradient are skipped; without any the norm is 0. A gradient made with create_graph stops being
one that can be differentiated. Returns nan on an error. TG_EVALUE: max_norm or norm_type
negative or nan, a NULL tensor, tensors of two tapes; TG_ESTATE: one that was rewound away.""")

_f("tg_clip_grad_value", "tinygrad", "tg_status", (("tg_tensor *const *", "params"), ("size_t", "n"), ("double", "value"),), False,
   """torch.nn.utils.clip_grad_value_: brings every element of the gradients of n tensors into
[-value, value]; nan stays. For the rest as tg_clip_grad_norm(). TG_EVALUE: value negative or
nan.""")

_f("tg_lr_step", "tinygrad", "double", (("double", "base"), ("int64_t", "step"), ("int64_t", "step_size"), ("double", "gamma"),), False,
   """StepLR: base * gamma^(step / step_size), the quotient rounded down.""")

_f("tg_lr_multi_step", "tinygrad", "double", (("double", "base"), ("int64_t", "step"), ("const int64_t *", "milestones"), ("size_t", "n"), ("double", "gamma"),), False,
   """MultiStepLR: base * gamma^k, where k of the n milestones, in any order, are <= step.""")

_f("tg_lr_exponential", "tinygrad", "double", (("double", "base"), ("int64_t", "step"), ("double", "gamma"),), False,
   """ExponentialLR: base * gamma^step.""")

_f("tg_lr_cosine", "tinygrad", "double", (("double", "base"), ("int64_t", "step"), ("int64_t", "t_max"), ("double", "eta_min"),), False,
   """CosineAnnealingLR: eta_min + (base - eta_min) (1 + cos(pi step / t_max)) / 2. It rises again
after t_max.""")

_f("tg_lr_linear", "tinygrad", "double", (("double", "base"), ("int64_t", "step"), ("double", "start_factor"), ("double", "end_factor"), ("int64_t", "total_steps"),), False,
   """LinearLR, for a warm-up: base times a factor that goes from start_factor to end_factor in
total_steps steps and stays there.""")
ZERO_IS_DEFAULT.add(("tg_one_cycle_opts", "pct_start"))
ZERO_IS_DEFAULT.add(("tg_one_cycle_opts", "div_factor"))
ZERO_IS_DEFAULT.add(("tg_one_cycle_opts", "final_div_factor"))


class tg_one_cycle_opts(Structure):
    """Options of tg_lr_one_cycle(); zero means the default.

    max_lr: the largest rate; default 0
    total_steps: >= 1; no default
    pct_start: the part of the steps that rises, in (0, 1]; default 0.3
    div_factor: the first rate is max_lr / div_factor; default 25
    final_div_factor: the last is the first / final_div_factor; default 1e4
    linear: straight lines instead of cosines
    three_phase: down to the first rate as fast as up, then to the last
    """


tg_one_cycle_opts._fields_ = [
    ("max_lr", c_double),
    ("total_steps", c_int64),
    ("pct_start", c_double),
    ("div_factor", c_double),
    ("final_div_factor", c_double),
    ("linear", c_bool),
    ("three_phase", c_bool),
]

_f("tg_lr_one_cycle", "tinygrad", "double", (("int64_t", "step"), ("const tg_one_cycle_opts *", "opts"),), False,
   """OneCycleLR's rate (PyTorch cycles the momentum as well): up to max_lr, then down until step
total_steps - 1, and the same from then on. Nan for pct_start out of its range, or no options.""")

_f("tg_lr_cosine_restarts", "tinygrad", "double", (("double", "base"), ("int64_t", "step"), ("int64_t", "t_0"), ("int64_t", "t_mult"), ("double", "eta_min"),), False,
   """CosineAnnealingWarmRestarts: tg_lr_cosine() over t_0 steps, then from the start over t_mult times as many,
and so on. nan for t_0 < 1 or t_mult < 1.""")


class tg_plateau(Structure):
    """What tg_lr_plateau() has seen: begins as {0}, and is the caller's to save.

    begun: anything
    best: metric
    bad: how often it was no better since
    cooling: how many more calls do not count
    """


tg_plateau._fields_ = [
    ("begun", c_bool),
    ("best", c_double),
    ("bad", c_int64),
    ("cooling", c_int64),
]
ZERO_IS_DEFAULT.add(("tg_plateau_opts", "factor"))
ZERO_IS_DEFAULT.add(("tg_plateau_opts", "patience"))
ZERO_IS_DEFAULT.add(("tg_plateau_opts", "threshold"))
ZERO_IS_DEFAULT.add(("tg_plateau_opts", "eps"))


class tg_plateau_opts(Structure):
    """Options of tg_lr_plateau(); zero means the default.

    maximize: a larger metric is better, not a smaller one
    factor: of a reduction, < 1; default 0.1
    patience: how many bad calls pass; default 10 (TG_ZERO: 0)
    threshold: by how much it must be better; default 1e-4 (TG_ZERO: 0)
    absolute: the threshold is a difference, not a part of the best metric
    cooldown: calls after a reduction that do not count
    min_lr: the least rate
    eps: a smaller reduction is left out; default 1e-8 (TG_ZERO: 0)
    """


tg_plateau_opts._fields_ = [
    ("maximize", c_bool),
    ("factor", c_double),
    ("patience", c_double),
    ("threshold", c_double),
    ("absolute", c_bool),
    ("cooldown", c_int64),
    ("min_lr", c_double),
    ("eps", c_double),
]

_f("tg_lr_plateau", "tinygrad", "double", (("double", "lr"), ("double", "metric"), ("tg_plateau *", "state"), ("const tg_plateau_opts *", "opts"),), False,
   """ReduceLROnPlateau: the rate to go on with after an epoch of that metric, `lr` being the present one.

    tg_optim_set_lr(optim, tg_lr_plateau(tg_optim_lr(optim, 0), loss, &state, NULL));

nan for options out of range, or no state.""")

# tinygrad/look.h


_f("tg_print", "tinygrad", "tg_status", (("FILE *", "file"), ("const tg_tensor *", "t"),), False,
   """Prints as PyTorch prints a detached tensor (precision 4, 80 columns, summary above 1,000
elements), and a newline. TG_EIO where writing fails; TG_EVALUE for NULL.""")

_f("tg_write_dot", "tinygrad", "tg_status", (("FILE *", "file"), ("tg_tape *", "tape"), ("tg_mark", "mark"),), False,
   """Writes the operations recorded since `mark` as a graph for Graphviz (dot -Tsvg): operations as
boxes, tensors with their shape, and their dtype where it is not float32; filled blue are leaves
that require a gradient, blue what a backward pass goes through. The same program writes the same text in every run. TG_EIO where
writing fails; TG_EVALUE for a NULL file; else as tg_tape_replay().""")


class tg_dot_opts(Structure):
    """Options of tg_write_dot_with(); zero means the default.

    name_of: The name of a tensor, which is written before its shape, or NULL. tg_params_name_of() is one to put here, with a list for `context`. It may look at tensors, and nothing else. Default: none has a name.
    context: passed to name_of
    """


tg_dot_opts._fields_ = [
    ("name_of", CFUNCTYPE(c_char_p, c_void_p, c_void_p)),
    ("context", c_void_p),
]

_f("tg_write_dot_with", "tinygrad", "tg_status", (("FILE *", "file"), ("tg_tape *", "tape"), ("tg_mark", "mark"), ("const tg_dot_opts *", "opts"),), False,
   """The same with names of tensors:

    tg_dot_opts named = {tg_params_name_of, list};
    tg_write_dot_with(file, tape, mark, &named);

`opts` may be NULL. Errors as tg_write_dot().""")

_f("tg_threads", "tinygrad", "int", (("const tg_tape *", "tape"),), False,
   """How many threads large operations are shared by, the calling one included; 0 for NULL.""")

_f("tg_isa_used", "tinygrad", "tg_isa", (("const tg_tape *", "tape"),), False,
   """The instruction set of the kernels: TG_ISA_BASE, TG_ISA_V3 or TG_ISA_V4; TG_ISA_BASE for NULL.""")

_f("tg_isa_name", "tinygrad", "const char *", (("tg_isa", "isa"),), False,
   """Its name, as TINYGRAD_ISA has it: "base", "v3", "v4"; "" for what is none of them.""")
tg_gradcheck_fn = CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_void_p)
ZERO_IS_DEFAULT.add(("tg_gradcheck_opts", "eps"))
ZERO_IS_DEFAULT.add(("tg_gradcheck_opts", "atol"))
ZERO_IS_DEFAULT.add(("tg_gradcheck_opts", "rtol"))


class tg_gradcheck_opts(Structure):
    """Options of tg_gradcheck(); zero means the default.

    eps: step of the central difference, not 0; default 1e-6
    atol: default 1e-5
    rtol: default 1e-3
    second_order: check the gradients' gradients instead (gradgradcheck)
    """


tg_gradcheck_opts._fields_ = [
    ("eps", c_double),
    ("atol", c_double),
    ("rtol", c_double),
    ("second_order", c_bool),
]

_f("tg_gradcheck", "tinygrad", "tg_status", (("tg_gradcheck_fn", "fn"), ("void *", "context"), ("tg_tensor *const *", "inputs"), ("size_t", "n"), ("const tg_gradcheck_opts *", "opts"),), False,
   """Compares the gradients of fn with central differences, contracted with a random upstream
gradient (drawn from a generator of its own). Inputs are contiguous float64 leaves on one tape;
those that require a gradient are checked. Their gradients and the tape's generator are left as
they were; `fn` must give the same output for the same inputs. It may do what the functions of an
operation may (see op.h), and call tg_gradients() with create_graph. TG_ESTATE during a capture.
TG_EVALUE: a mismatch; the message says which input, which element and both numbers.""")


class tg_memory_info(Structure):
    """What a tape's memory is used for, in bytes. live + cached is what the allocator gave for it.

    live: in use: objects + data
    objects: tensors without their data, records, optimisers, lists
    data: elements of tensors, of kept gradients and of what operations save
    cached: held for later
    peak: the most that was in use at once, in backward passes and the workspace of operations as well. Memory that was given back to be used again while later memory was in use counts
    """


tg_memory_info._fields_ = [
    ("live", c_size_t),
    ("objects", c_size_t),
    ("data", c_size_t),
    ("cached", c_size_t),
    ("peak", c_size_t),
]

_f("tg_memory", "tinygrad", "tg_memory_info", (("const tg_tape *", "tape"),), False,
   """How the tape's memory is used now. All 0 for NULL.""")

_f("tg_reset_peak_memory", "tinygrad", "void", (("tg_tape *", "tape"),), False,
   """Counts the peak anew, from what is in use now.""")


class tg_memory_holder(Structure):
    """A tensor's data.

    tensor: whose data they are; see tg_sizes(), tg_dtype()
    bytes: of its elements
    op: the operation that made them; NULL: none, a leaf or a constant
    saved: what it keeps for its gradient, not its result
    """


tg_memory_holder._fields_ = [
    ("tensor", c_void_p),
    ("bytes", c_size_t),
    ("op", c_char_p),
    ("saved", c_bool),
]

_f("tg_memory_holders", "tinygrad", "size_t", (("const tg_tape *", "tape"), ("tg_memory_holder *", "out"), ("size_t", "k"),), False,
   """The k tensors with the most bytes, in falling order, in out[]; returns how many there are, at
most k. They are looked for in the records: results that have their data, what operations saved,
and what they read. Not among them: kept gradients, the state of optimisers, and tensors that no
recorded operation has to do with. Views count once, as what they view.""")

_f("tg_print_memory", "tinygrad", "tg_status", (("FILE *", "file"), ("tg_tape *", "tape"), ("size_t", "k"),), False,
   """Prints both for people to read, with the `k` (at most 64) largest tensors. TG_EIO where writing
fails; TG_EVALUE for a NULL file.""")


class tg_room(Structure):
    """Memory of a fixed size, which is all that a tape may have: for alloc, free and context of tg_tape_opts.
    Where it is out an operation is TG_ENOMEM, or the tape NULL.

        static _Alignas(16) char bytes[16000];
        tg_room room = {bytes, sizeof bytes, 0};
        tg_tape *tape = tg_tape_new(&(tg_tape_opts){
            .alloc = tg_room_alloc, .free = tg_room_free, .context = &room});

    A small block_size with block_growth 1 leaves the least over.

    memory: aligned as by malloc, to two pointers' size, else it gives nothing
    size: bytes of it
    taken: bytes that it gave; 0 makes it new, once its tapes are freed
    """


tg_room._fields_ = [
    ("memory", c_void_p),
    ("size", c_size_t),
    ("taken", c_size_t),
]

_f("tg_room_alloc", "tinygrad", "void *", (("void *", "room"), ("size_t", "size"),), False,
   """For tg_tape_opts.alloc, with a tg_room for context.""")

_f("tg_room_free", "tinygrad", "void", (("void *", "room"), ("void *", "memory"), ("size_t", "size"),), False,
   """For tg_tape_opts.free: gives nothing back.""")
tg_program = CFUNCTYPE(None, c_void_p, c_void_p)

_f("tg_memory_needed", "tinygrad", "size_t", (("const tg_tape_opts *", "opts"), ("tg_program", "program"), ("void *", "context"),), False,
   """The size, in bytes, that a tg_room must have for `program` and a tape with these options: it suffices,
and 16 bytes less do not. Runs the program on such a tape, whose memory comes from the allocator in opts
(NULL: all defaults). What its data are does not matter, nor how many steps it makes after the
first, where each rewinds: their shapes do, and who calls for results whose shapes depend on data
should take the largest. It holds for the same build of the library, where pointers are as long, and for as many
threads. 0: the program or the tape met an error, which on_error hears of, or `program` is NULL.""")

_f("tg_set_profile_enabled", "tinygrad", "bool", (("tg_tape *", "tape"), ("bool", "enabled"),), False,
   """Turns the profiler on or off and returns the former setting (false for a NULL tape). What was
measured stays. Off, the profiler costs one branch an operation; on, about 50 ns. The first time
it is turned on takes the table from the allocator, about 23 KB; TG_ENOMEM: it stays off.""")

_f("tg_profile", "tinygrad", "size_t", (("const tg_tape *", "tape"), ("tg_profile_row *", "rows"), ("size_t", "n"),), False,
   """The number of rows in use; the first n of them go into `rows`, longest time first. With n 0
`rows` may be NULL. 0 where nothing was measured.""")

_f("tg_clear_profile", "tinygrad", "void", (("tg_tape *", "tape"),), False,
   """Empties the table.""")

_f("tg_print_profile", "tinygrad", "tg_status", (("FILE *", "file"), ("tg_tape *", "tape"),), False,
   """Writes all rows as a table, in the order of tg_profile(), and a line with the totals. TG_EIO
where writing fails; TG_EVALUE for a NULL file.""")

# tinygrad/op.h


class tg_node(Structure):
    """One recorded operation. Made by tg_apply(); read it, do not write to it.

    op: the operation
    out: the output
    in: the inputs; an optional one may be NULL
    n_in: how many inputs
    in_place: the output was there before, and is overwritten
    flags: private
    n_out: how many outputs, what is saved among them: tg_node_outs()
    phase: private
    params: a copy of the call's parameters
    saved: what forward keeps for backward, or NULL
    """


tg_node._fields_ = [
    ("op", c_void_p),
    ("out", c_void_p),
    ("in", c_void_p),
    ("n_in", c_int),
    ("in_place", c_bool),
    ("flags", c_uint8),
    ("n_out", c_uint8),
    ("phase", c_uint8),
    ("params", c_void_p),
    ("saved", c_void_p),
]
TG_READS_NOTHING = 0
TG_READS_OUT = 128


class tg_op(Structure):
    """An operation. A constant: it may be shared by all tapes and threads.

    name: The name in error messages.
    forward: Fills node->out (and node->saved) from node->in. May run again (tg_tape_replay(), tg_checkpoint()), so it must depend on nothing but the node. NULL for views: their data is there already. May call tg_fail().
    backward: Sets grad_in[i] for each input with tg_needs_grad(node, i), by calling operations (so that it can be differentiated again). grad_out has the output's shape and dtype; grad_in[i] may have any shape that broadcasts from in[i]'s: it is summed down. NULL means no gradient. A NULL function: the result never requires a gradient.
    reads: reads[i]: what grad_in[i] is computed from, TG_READS_ bits. A change to that data between forward and backward is reported as an error, and data that no gradient is computed from may be gone by then (tg_release()). Entries past the 8th input read nothing.
    """


tg_op._fields_ = [
    ("name", c_char_p),
    ("forward", CFUNCTYPE(None, c_void_p)),
    ("backward", CFUNCTYPE(None, c_void_p, c_void_p, c_void_p)),
    ("reads", c_uint8 * 8),
]


class tg_call(Structure):
    """What to record. Fields left out are zero.

    op: the operation
    n_in: how many inputs
    in: the inputs; an optional one may be NULL
    dtype: of the output
    ndim: of the output
    dims: of the output
    params: copied into the node, up to 65,535 bytes, aligned for any type
    params_size: bytes of params
    saved_numel: elements of node->saved, a 1-d tensor; 0: none is made
    saved_dtype: of node->saved
    view_of: not NULL: the output shares this tensor's data ...
    strides: ... with these strides ...
    offset: ... from this element of it on
    in_place: not NULL: the output is this tensor itself, overwritten
    """


tg_call._fields_ = [
    ("op", c_void_p),
    ("n_in", c_int),
    ("in", c_void_p),
    ("dtype", c_int),
    ("ndim", c_int),
    ("dims", c_void_p),
    ("params", c_void_p),
    ("params_size", c_size_t),
    ("saved_numel", c_int64),
    ("saved_dtype", c_int),
    ("view_of", c_void_p),
    ("strides", c_void_p),
    ("offset", c_int64),
    ("in_place", c_void_p),
]

_f("tg_check_inputs", "tinygrad", "bool", (("const tg_op *", "op"), ("int", "n"), ("tg_tensor *const *", "in"),), False,
   """Whether the inputs can be used: no error is set, none is NULL, all are alive and of one tape.
Reports what is wrong, naming the operation.""")

_f("tg_apply", "tinygrad", "tg_tensor *", (("const tg_call *", "call"),), False,
   """Makes the output, runs forward, records the node where gradients are enabled, and returns the
output; NULL on an error, with nothing recorded. The inputs, view_of and in_place must have passed
tg_check_inputs(); NULL ones (optional inputs) are allowed here.""")

_f("tg_fail", "tinygrad", "tg_status", (("tg_tape *", "tape"), ("tg_status", "status"), ("const char *", "format"),), True,
   """Sets the tape's error unless one is set already, and returns `status`. The message is
formatted as by printf.""")

_f("tg_speak_as", "tinygrad", "const char *", (("tg_tape *", "tape"), ("const char *", "name"),), False,
   """For a function that calls others: until the next call of this, messages begin with `name`, which
must live so long, and not with the name of whatever fails. Returns the former name, to be set
again at the end; NULL: none.""")

_f("tg_node_outs", "tinygrad", "tg_tensor *const *", (("const tg_node *", "node"),), False,
   """All n_out outputs: the first is node->out, and the last node->saved where there is one.""")

_f("tg_needs_grad", "tinygrad", "bool", (("const tg_node *", "node"), ("int", "i"),), False,
   """Whether backward must set grad_in[i].""")

_f("tg_sizes", "tinygrad", "const int64_t *", (("const tg_tensor *", "t"),), False,
   """The sizes of all dims, in order; NULL for NULL.""")

_f("tg_out_data", "tinygrad", "void *", (("const tg_node *", "node"),), False,
   """For forward: the output's memory. For inputs that may be strided, call tg_contiguous() in the
function that records. Unlike tg_data_mut() this does not bump the version.""")

# tinygrad/io.h


class tg_metadata(Structure):
    """A pair of texts in UTF-8 that a file carries along (its "__metadata__").

    key: "format", say
    value: "pt", say
    """


tg_metadata._fields_ = [
    ("key", c_char_p),
    ("value", c_char_p),
]
TG_FILE_FULL = 0
TG_FILE_F16 = 1
TG_FILE_BF16 = 2
tg_file_floats = c_int


class tg_save_opts(Structure):
    """Options of tg_save_safetensors(); zero means the default.

    metadata: n_metadata pairs
    n_metadata: default: none
    floats: of all float tensors; another value is TG_EVALUE
    """


tg_save_opts._fields_ = [
    ("metadata", c_void_p),
    ("n_metadata", c_size_t),
    ("floats", tg_file_floats),
]

_f("tg_save_safetensors", "tinygrad_io", "tg_status", (("const char *", "path"), ("const tg_params *", "params"), ("const tg_save_opts *", "opts"),), False,
   """Writes all tensors of the list under their names, in the list's order but the larger elements
first, so that all data are aligned. Strided tensors are written in row-major order. The same
contents give the same bytes. `opts` may be NULL. TG_EVALUE: `params` is NULL or empty (no
message: there is no tape to tell), a name or text that is not UTF-8, the name "__metadata__", a
NULL or repeated key.""")


class tg_load_opts(Structure):
    """Options of tg_load_safetensors(); zero means the default.

    partial: Pass over tensors of the file that the list has no name for. Default: they are an error.
    """


tg_load_opts._fields_ = [
    ("partial", c_bool),
]

_f("tg_load_safetensors", "tinygrad_io", "tg_status", (("const char *", "path"), ("const tg_params *", "params"), ("const tg_load_opts *", "opts"),), False,
   """Reads into the list's tensors, in place; their versions are bumped. Every name in the list must
be in the file with the same shape and, widened, the same dtype: F16 fills a float32 tensor. All is checked before the first tensor changes.
`opts` may be NULL. TG_EVALUE: a name that the file or the list lacks; `params` is NULL or empty
(without a message). TG_ESHAPE, TG_EDTYPE: a tensor of another shape or dtype. TG_ESTATE: a
tensor of the list is not contiguous.""")

_f("tg_read_safetensors", "tinygrad_io", "tg_params *", (("tg_tape *", "tape"), ("const char *", "path"),), False,
   """Reads a file without knowing what is in it: a new list of new leaves, in the header's order,
that require no gradient. NULL on an error. TG_ESHAPE: a tensor of more than TG_MAX_NDIM dims.
TG_EVALUE: an empty name.""")

_f("tg_read_metadata", "tinygrad_io", "int64_t", (("tg_tape *", "tape"), ("const char *", "path"), ("const char *", "key"), ("char *", "value"), ("size_t", "size"),), False,
   """Looks `key` up in a file's metadata. Writes at most `size` bytes to `value`, the last one NUL,
and returns the text's length, so that it is whole where the result is below `size` (as
snprintf). -1 without an error: the file has no such key; -1 on an error. The whole file is
checked as by the other functions.""")

_f("tg_save_checkpoint", "tinygrad_io", "tg_status", (("const char *", "path"), ("const tg_params *", "params"), ("tg_optim *", "optim"), ("int64_t", "step"),), False,
   """Writes a checkpoint, atomically as tg_save_safetensors(), and leaves nothing on the tape.
`optim` may be NULL, `step` is in [0, 2^63 - 2]. Errors as tg_save_safetensors(); TG_EVALUE also
for another step and an optimiser of another tape, TG_ESTATE for one that was rewound away.""")

_f("tg_load_checkpoint", "tinygrad_io", "tg_status", (("const char *", "path"), ("const tg_params *", "params"), ("tg_optim *", "optim"), ("int64_t *", "step"),), False,
   """Reads a checkpoint into the model's tensors, the optimiser, the tape's generator and *step
(`step` may be NULL). It must hold exactly what tg_save_checkpoint() writes for this model and
this optimiser (NULL: none), with the same names, shapes and dtypes, none narrower; all is checked before any of
it changes. (Optimisers of other options are told apart only by the state that they keep: Adam
and AdamW keep the same.) Errors as tg_load_safetensors(), tg_save_checkpoint() and
tg_set_rng_state(); TG_EVALUE also for what no run and no optimiser has: a count of steps outside
[0, 2^63 - 2], a learning rate that is negative or not finite, squares (exp_avg_sq, sum, ...)
below 0.""")

_f("tg_save_npy", "tinygrad_io", "tg_status", (("const char *", "path"), ("tg_tensor *", "t"),), False,
   """Writes one tensor as version 1.0 in C order, as numpy.save does. TG_EVALUE: `t` is NULL (without
a message).""")

_f("tg_load_npy", "tinygrad_io", "tg_tensor *", (("tg_tape *", "tape"), ("const char *", "path"), ("int", "flags"),), False,
   """Reads versions 1.0, 2.0 and 3.0 in C or Fortran order into a new row-major leaf. `flags` may
repeat the dtype that comes of the file's or leave it out; another one is TG_EDTYPE; TG_REQUIRES_GRAD for float
dtypes. NULL on an error. TG_EDTYPE: a dtype other than those above ('>f4', '<u8', structured,
object, ...). TG_ESHAPE: more than TG_MAX_NDIM dims. TG_EIO: a header that is not as numpy writes it, or
more or less data than the shape has.""")


class tg_npz_opts(Structure):
    """Options of tg_save_npz(); zero means the default.

    compress: as numpy.savez_compressed; default: as numpy.savez
    """


tg_npz_opts._fields_ = [
    ("compress", c_bool),
]

_f("tg_save_npz", "tinygrad_io", "tg_status", (("const char *", "path"), ("const tg_params *", "params"), ("const tg_npz_opts *", "opts"),), False,
   """Writes all tensors of the list as an npz archive, each as NAME.npy. The same contents give the same
bytes. `opts` may be NULL. Errors as tg_save_safetensors(); TG_EVALUE also where the archive has more
than 4 GiB or 65,534 tensors, TG_EIO for `compress` in a library that was built without zlib.""")

_f("tg_read_npz", "tinygrad_io", "tg_params *", (("tg_tape *", "tape"), ("const char *", "path"),), False,
   """Reads an npz archive: a new list of new leaves that require no gradient, in the archive's order.
NULL on an error. Errors as tg_load_npy() and tg_read_safetensors(); TG_EIO also for members that
are compressed otherwise than by deflate (or at all, in a library that was built without zlib),
whose checksum is another, or of 4 GiB and more. What is compressed takes its size from malloc while
the call runs.""")
