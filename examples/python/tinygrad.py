"""libtinygrad in Python, by ctypes: all functions of its headers, with Python's manners on top.

    import tinygrad as tg

    with tg.Tape(seed=1):
        x = tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        (x @ x).sum().backward()
        print(x.grad)

A function tg_NAME() of the manual is NAME here, and a method where its first argument is a tensor. A shape is
one argument (a tuple), so is a list of tensors; options are named arguments, and an option that is given as 0
is 0 (TG_ZERO is put in where 0 would mean a default). Constants go without TG_: reduction=tg.SUM. NAME_scalar()
and NAME_dim() are NAME() with a number and with `dim`. Results behind pointers come as a tuple. The tape is that of the tensors, else the innermost
with-block's. An error is raised as Error when the call has returned, and the tape goes on: help(tg.matmul) has
what the manual says of it. What has no such form is in `lib`, under its name in C.

The library is the one that the environment variable TINYGRAD_LIBRARY names, else the system's.
numpy is wanted for views and arrays alone."""
import contextlib
import ctypes
import inspect
import keyword
import os
import threading
import weakref

import tinygrad_c as c

try:
    import numpy
except ImportError:
    numpy = None

lib = c.load(os.environ.get("TINYGRAD_LIBRARY", "libtinygrad.so.0.1"))

f32, f64, i64, bool_ = c.TG_F32, c.TG_F64, c.TG_I64, c.TG_BOOL
_C_TYPES = {f32: ctypes.c_float, f64: ctypes.c_double, i64: ctypes.c_int64, bool_: ctypes.c_bool}
_ARRAY_TYPES = {"float32": (0, f32), "float64": (1, f64), "int64": (2, i64), "bool": (3, bool_), "int32": (4, i64),
                "uint8": (5, i64)}
_blocks = threading.local()  # .tapes: those of the with-blocks that are open


class Error(RuntimeError):
    """What the tape's error said; `status` is TG_ESHAPE and so on."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Tape:
    """Owner of tensors, records, generator and errors. As a with-block it is the tape of what is made inside, and
    freed at its end. Arguments are a seed and those of tg_tape_opts but for functions."""

    def __init__(self, seed=None, **options):
        opts = c.tg_tape_opts(**options)
        self._handle = lib.tg_tape_new(ctypes.byref(opts))
        if not self._handle:
            raise MemoryError("tinygrad: no memory for a tape")
        # Views of data keep the tape's memory alive: it is freed when close() was called and they are gone.
        self._memory = _Memory(self._handle)
        self.kept = []  # what C has addresses of, in the order of the tape
        self.raised = None  # an exception of a function that C called
        if seed is not None:
            lib.tg_manual_seed(self.handle, seed)

    @property
    def handle(self):
        if self._handle is None:
            raise Error(c.TG_ESTATE, "the tape was closed")
        return self._handle

    def close(self):
        self._handle = self._memory = None
        self.kept.clear()

    def __enter__(self):
        _blocks.__dict__.setdefault("tapes", []).append(self)
        return self

    def __exit__(self, *_):
        _blocks.tapes.remove(self)
        self.close()

    def check(self):
        """Raises the tape's error, if there is one, and clears it."""
        status = lib.tg_error(self._handle)
        raised, self.raised = self.raised, None
        if status or raised:
            message = lib.tg_error_message(self._handle).decode(errors="replace")
            lib.tg_clear_error(self._handle)
            raise raised if raised else Error(status, message)

    def mark(self):
        return lib.tg_tape_mark(self.handle), len(self.kept)

    def rewind(self, mark):
        """Forgets all that was made since the mark; views of those tensors show other things then."""
        lib.tg_tape_rewind(self.handle, mark[0])
        self.check()
        del self.kept[mark[1]:]

    def replay(self, mark):
        lib.tg_tape_replay(self.handle, mark[0])
        self.check()

    def steps(self, n):
        """0 .. n-1, for a loop: before each turn what the one before has made is forgotten."""
        start = self.mark()
        for step in range(n):
            self.rewind(start)
            yield step

    @contextlib.contextmanager
    def no_grad(self):
        """A block in which nothing is recorded."""
        former = lib.tg_set_grad_enabled(self.handle, False)
        try:
            yield
        finally:
            lib.tg_set_grad_enabled(self.handle, former)

    def dot(self, mark):
        """The operations since the mark, for Graphviz."""
        return _text(self, lib.tg_write_dot, lambda file: (file, self.handle, mark[0]))

    def memory_report(self, k=10):
        return _text(self, lib.tg_print_memory, lambda file: (file, self.handle, k))

    def profile_report(self):
        return _text(self, lib.tg_print_profile, lambda file: (file, self.handle))


class _Memory:
    def __init__(self, handle):
        weakref.finalize(self, lib.tg_tape_free, handle)


def current_tape():
    """That of the innermost with-block."""
    tapes = getattr(_blocks, "tapes", None)
    if not tapes:
        raise Error(c.TG_ESTATE, "there is no tape: use a with-block of Tape(), or tape=")
    return tapes[-1]


class Handle:
    """A capture, optimiser, list or batches object, with the functions of the manual as methods."""

    def __init__(self, kind, handle, tape):
        self.kind, self._handle, self.tape = kind, handle, tape

    @property
    def handle(self):
        if self.tape._handle is None:
            raise Error(c.TG_ESTATE, "the tape was closed")
        return self._handle

    def __getattr__(self, name):
        return _method(self, (f"tg_{self.kind}_{name}", f"tg_nn_{name}", f"tg_{name}"), name)


class Tensor(Handle):
    """A tensor. Operators and indexing are PyTorch's; comparisons are elementwise."""
    kind = "tensor"

    def __init__(self, handle, tape):
        self._handle, self.tape = handle, tape

    def __getattr__(self, name):
        return _method(self, (f"tg_{name}",), name)

    ndim = property(lambda self: lib.tg_ndim(self.handle))
    dtype = property(lambda self: lib.tg_dtype(self.handle))
    shape = property(lambda self: tuple(lib.tg_size(self.handle, i) for i in range(self.ndim)))
    strides = property(lambda self: tuple(lib.tg_stride(self.handle, i) for i in range(self.ndim)))
    requires_grad = property(lambda self: lib.tg_requires_grad(self.handle))
    grad = property(lambda self: call("grad", self))
    T = property(lambda self: call("permute", self, tuple(reversed(range(self.ndim)))))

    def numpy(self, write=False):
        """The data as a numpy array: a view, without a copy, of a contiguous tensor, else of a contiguous copy of it.
        It can be written to with write=True, which the tape is told. A view holds the tape's memory; after a
        rewind to before the tensor it shows what has come to stand there: numpy.copy() what is wanted longer."""
        if numpy is None:
            raise RuntimeError("numpy is not installed")
        if self.numel() == 0:
            return numpy.zeros(self.shape, list(_ARRAY_TYPES)[self.dtype])
        array = numpy.ctypeslib.as_array(_elements(self, write)).reshape(self.shape)
        array.flags.writeable = write
        return array

    def __array__(self, dtype=None, copy=None):
        array = self.numpy() if copy is False else self.numpy().copy()
        return array if dtype is None else array.astype(dtype)

    def tolist(self):
        """The values as nested lists; of a 0-d tensor the value."""
        values = list(_elements(self, False)) if self.numel() else []
        for size in reversed(self.shape[1:]):
            values = [values[i:i + size] for i in range(0, len(values), size)] if size else []
        return values if self.shape else values[0]

    def to(self, dtype):
        return call("to", self, dtype)

    def __repr__(self):
        return _text(self.tape, lib.tg_print, lambda file: (file, self.handle)).rstrip("\n")

    def __len__(self):
        if not self.ndim:
            raise TypeError("a 0-d tensor has no length")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(_elements(self, False)[0]) if self.dtype == i64 and self.numel() == 1 else int(self.item())

    def __bool__(self):
        return self.item() != 0

    __hash__ = object.__hash__

    def __getitem__(self, index):
        return _index(self, index)

    def __setitem__(self, index, value):
        part = _index(self, index, write=True)
        if isinstance(value, (int, float)):
            call("fill_", part, value)
        else:
            call("copy_", part, value)


def _operator(name, turn=False):
    return lambda a, b: call(name, b, a) if turn else call(name, a, b)


for _name, _symbol in {"add": "add", "sub": "sub", "mul": "mul", "div": "truediv", "matmul": "matmul", "pow": "pow",
                       "floor_divide": "floordiv", "remainder": "mod", "logical_and": "and", "logical_or": "or",
                       "logical_xor": "xor"}.items():
    setattr(Tensor, f"__{_symbol}__", _operator(_name))
    setattr(Tensor, f"__r{_symbol}__", _operator(_name, True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge", "neg", "abs"):
    setattr(Tensor, f"__{_name}__", (lambda name: lambda *args: call(name, *args))(_name))
Tensor.__invert__ = lambda self: call("logical_not", self)


def _elements(tensor, write):
    """The tensor's data as an array of ctypes, which holds the tape's memory."""
    tape = tensor.tape
    if not lib.tg_is_contiguous(tensor.handle) and not write:
        with tape.no_grad():
            tensor = call("contiguous", tensor)
    kind = tensor.dtype
    if write:
        address = lib.tg_data_mut(tensor.handle)
    else:
        address = {f32: lib.tg_f32, f64: lib.tg_f64, i64: lib.tg_i64, bool_: lib.tg_bool}[kind](tensor.handle)
    tape.check()
    if not address:
        raise Error(c.TG_ESTATE, "the tensor has no data: they were given back")
    elements = (_C_TYPES[kind] * tensor.numel()).from_address(address)
    elements.memory = tape._memory
    return elements


def _text(tape, function, arguments):
    """What a function writes to a FILE."""
    buffer, size = ctypes.c_void_p(), ctypes.c_size_t()
    libc = ctypes.CDLL(None)
    libc.open_memstream.restype = ctypes.c_void_p
    libc.fclose.argtypes = libc.free.argtypes = [ctypes.c_void_p]
    file = libc.open_memstream(ctypes.byref(buffer), ctypes.byref(size))
    function(*arguments(file))
    libc.fclose(file)
    text = ctypes.string_at(buffer, size.value).decode()
    libc.free(buffer)
    tape.check()
    return text


def _index(x, index, write=False):
    """x[index]: numbers, slices, None, ... and bool masks or int64 tensors (by themselves)."""
    parts = list(index) if isinstance(index, tuple) else [index]
    parts = [tensor(p, tape=x.tape) if isinstance(p, list) or _is_array(p) else p for p in parts]
    tensors = [p for p in parts if isinstance(p, Tensor)]
    if tensors and write:
        raise TypeError("write to such places by index_put()")
    taken = sum(p is not None and p is not Ellipsis for p in parts)
    if Ellipsis in [p for p in parts if not isinstance(p, Tensor)]:
        at = next(i for i, p in enumerate(parts) if p is Ellipsis)
        parts[at:at + 1] = [slice(None)] * (x.ndim - taken)
    if len(tensors) == 1 and len(parts) == 1 and tensors[0].dtype == bool_:
        return call("masked_select", x, tensors[0])
    dim, i = 0, 0
    while i < len(parts):
        part = parts[i]
        if isinstance(part, Tensor):
            together = 1
            while i + together < len(parts) and isinstance(parts[i + together], Tensor):
                together += 1
            ndim = x.ndim
            x = call("index", x, dim, parts[i:i + together])
            dim += x.ndim - ndim + together
            i += together
            continue
        if part is None:
            x, dim = call("unsqueeze", x, dim), dim + 1
        elif isinstance(part, slice):
            if part != slice(None):
                stop = 2**63 - 1 if part.stop is None else part.stop
                x = call("slice", x, dim, part.start or 0, stop, 1 if part.step is None else part.step)
            dim += 1
        else:
            x = call("select", x, dim, part.__index__())
        i += 1
    return x


def _is_array(value):
    return numpy is not None and isinstance(value, numpy.ndarray)


def _flatten(value, shape, out, depth=0):
    if not isinstance(value, (list, tuple)):
        if depth != len(shape):
            raise ValueError("lists of different depths")
        out.append(float(value) if isinstance(value, Tensor) else value)
        return
    if depth == len(shape) and not out:
        shape.append(len(value))
    elif depth >= len(shape) or shape[depth] != len(value):
        raise ValueError("lists of different lengths")
    for item in value:
        _flatten(item, shape, out, depth + 1)


def tensor(data, dtype=None, requires_grad=False, tape=None):
    """A copy of numbers, nested lists or a numpy array. As in PyTorch lists with a float in them are float32, of ints
    int64, of bools bool; arrays keep their dtype (int32 and uint8 become int64)."""
    tape = tape or current_tape()
    if not _is_array(data) and hasattr(data, "__array_interface__") and numpy is not None:
        data = numpy.asarray(data)
    if _is_array(data):
        if data.dtype.name not in _ARRAY_TYPES:
            raise Error(c.TG_EDTYPE, f"tensor: arrays of {data.dtype} are not taken: {', '.join(_ARRAY_TYPES)}")
        array = numpy.ascontiguousarray(data)
        (kind, native), shape, address = _ARRAY_TYPES[data.dtype.name], list(data.shape), array.ctypes.data
    else:
        shape, values = [], []
        _flatten(data, shape, values)
        if values and all(isinstance(v, bool) for v in values):
            native = bool_
        else:
            native = i64 if values and all(isinstance(v, int) for v in values) else f32
        kind = native = native if dtype is None or native != f32 else f64
        array = (_C_TYPES[kind] * len(values))(*values)
        address = ctypes.addressof(array)
        native = f32 if native == f64 else native
    flags = (native if dtype is None else dtype) | (c.TG_REQUIRES_GRAD if requires_grad else 0)
    made = lib.tg_from_array(tape.handle, address, kind, len(shape), (ctypes.c_int64 * len(shape))(*shape), flags)
    tape.check()
    return Tensor(made, tape)


def borrow(array, requires_grad=False, tape=None):
    """A tensor over a numpy array's own memory, without a copy: float32, float64, int64 or bool, contiguous. Writing
    to the array afterwards behind the tape's back makes gradients wrong: numpy(write=True) tells it."""
    tape = tape or current_tape()
    kind, native = _ARRAY_TYPES.get(array.dtype.name, (9, None))
    if kind > 3 or not array.flags.c_contiguous or not array.flags.writeable or not array.flags.aligned:
        raise Error(c.TG_EDTYPE, "borrow: wants a contiguous writable array of float32, float64, int64 or bool")
    dims = (ctypes.c_int64 * array.ndim)(*array.shape)
    made = lib.tg_from_blob(tape.handle, array.ctypes.data, array.ndim, dims,
                            native | (c.TG_REQUIRES_GRAD if requires_grad else 0))
    tape.check()
    tape.kept.append(array)
    return Tensor(made, tape)


class Layer:
    """A layer's structure: its members are attributes, and to call it is to apply it, where a function
    tg_nn_apply_NAME() needs the input alone."""

    def __init__(self, struct, tape):
        self.struct, self.tape = struct, tape
        self.kind = type(struct).__name__[3:-len("_layer")]

    def __getattr__(self, name):
        value = getattr(self.struct, name)
        kind = dict(self.struct._fields_)[name]
        return Tensor(value, self.tape) if kind is ctypes.c_void_p and value else value

    def __call__(self, x, *args):
        return call(f"nn_apply_{self.kind}", x, self, *args)


# From here on: how arguments of C come of Python's.

_REQUIRED = inspect.Parameter.empty
_DEFAULTS = {"keepdim": False, "correction": 1.0, "descending": False, "largest": True, "reduction": c.TG_MEAN,
             "eps": 0.0, "bias": None, "gain": 0.0, "step": 1, "diagonal": 0, "padding_idx": c.TG_NO_PADDING,
             "norm_type": 0.0}
_OBJECTS = {"tg_capture *": "capture", "tg_optim *": "optim", "tg_params *": "params", "tg_batches *": "batches"}
# They look at memory, have functions for arguments, or another form above.
_BY_HAND = {"tg_tape_new", "tg_tape_free", "tg_tape_of", "tg_tape_mark", "tg_tape_rewind", "tg_tape_replay", "tg_error",
            "tg_error_message", "tg_clear_error", "tg_sizes", "tg_f32", "tg_f64", "tg_i64", "tg_bool", "tg_data_mut",
            "tg_from_f32", "tg_from_f64", "tg_from_i64", "tg_from_bool", "tg_from_array", "tg_from_blob",
            "tg_batches_read", "tg_backward_with"}


class _Unknown(Exception):
    pass


def _io():
    """tinygrad-io, which lies beside the library."""
    if not _io_library:
        path = os.environ.get("TINYGRAD_LIBRARY", "libtinygrad.so.0.1")
        try:
            _io_library.append(c.load(path.replace("libtinygrad.", "libtinygrad_io."), "tinygrad_io"))
        except OSError as error:
            raise _Unknown(str(error)) from error
    return _io_library[0]


_io_library = []


def _ints(values, tape, keep):
    values = (values,) if isinstance(values, int) else tuple(values)
    return len(values), (ctypes.c_int64 * len(values))(*values)


def _tensors(values, tape, keep):
    values = [_as_tensor(v, tape) for v in values]
    keep.append(values)
    return (ctypes.c_void_p * len(values))(*[v.handle for v in values]), len(values)


def _as_tensor(value, tape, like=None):
    if isinstance(value, Tensor):
        return value
    if like is not None and isinstance(value, (int, float)):
        kind = like.dtype if like.dtype in (f32, f64) or isinstance(value, int) else f32
        return call("full", (), value, dtype=kind, tape=tape)
    return tensor(value, tape=tape)


def _fill(struct, options, name, tape, keep):
    """Puts named arguments into a structure, and takes them out of `options`."""
    kinds = dict(struct._fields_)
    for field in [f for f in options if f in kinds]:
        value, kind = options.pop(field), kinds[field]
        if isinstance(value, (Tensor, Handle)):
            keep.append(value)
            value = value.handle
        elif isinstance(value, dict):
            inner = kind()
            _fill(inner, value, field, tape, keep)
            value = inner
        elif kind is ctypes.c_double and value == 0 and (type(struct).__name__, field) in c.ZERO_IS_DEFAULT:
            value = c.TG_ZERO
        elif isinstance(kind, type) and issubclass(kind, ctypes.Array):
            value = kind(*(value if isinstance(value, (list, tuple)) else [value] * kind._length_))
        setattr(struct, field, value)
    if options and name != "":
        raise TypeError(f"{name}() has no option {', '.join(sorted(options))}")
    return struct


class _Function:
    """One function of C: its plan says for each argument of Python what arguments of C it becomes."""

    def __init__(self, name):
        library, self.result, parameters, more, self.__doc__ = c.FUNCTIONS[name]
        self.name, self.plan, self.outs, self.options = name[3:], [], 0, None
        if name in _BY_HAND:
            raise _Unknown(name)
        self.function = getattr(lib if library == "tinygrad" else _io(), name)
        parameters = list(parameters)
        while parameters:
            kind, arg = parameters.pop(0)
            arg += "_" if keyword.iskeyword(arg) else ""
            bare = kind.removeprefix("const ")
            following = parameters[0][0] if parameters else ""
            if bare == "tg_tape *":
                self.plan.append(("tape", None))
            elif kind == "int" and arg in ("ndim", "n") and following == "const int64_t *":
                self.plan.append(("ints", parameters.pop(0)[1]))
                if parameters and parameters[0] == ("const int64_t *", "dims"):
                    self.plan.append(("more_ints", parameters.pop(0)[1]))
            elif bare == "tg_tensor *const *" and following == "size_t":
                parameters.pop(0)
                self.plan.append(("tensors", arg))
            elif bare == "tg_tensor *const *" and following.removeprefix("const ") == bare:
                self.plan.append(("same_tensors", arg))  # as many as of the next
            elif kind == "const int64_t *" and following == "size_t":
                self.plan.append(("ints_n", arg))
                parameters.pop(0)
            elif kind == "const void *" and following == "tg_array_type":
                self.plan.append(("array", arg))
                parameters.pop(0)
            elif kind == "tg_mark":
                self.plan.append(("mark", arg))
            elif kind == "size_t" and following == "tg_tensor *const *":
                self.plan.append(("n_tensors", parameters.pop(0)[1]))
            elif bare == "tg_tensor *":
                self.plan.append(("tensor", arg))
            elif bare == "tg_tensor **" and name not in ("tg_chunk", "tg_split", "tg_gradients"):
                self.plan.append(("out", arg))
                self.outs += 1
            elif bare in _OBJECTS or bare.endswith("_layer *"):
                self.plan.append(("object", arg))
            elif bare.endswith("_opts *") or bare == "tg_scaling *":
                self.options = getattr(c, bare[:-2])
                self.plan.append(("options", arg))
            elif bare == "char *":
                self.plan.append(("format" if more and not parameters else "text", "name" if more else arg))
            elif kind == "int" and arg == "flags":
                self.plan.append(("flags", arg))
            elif "*" not in kind and kind not in ("tg_grad_hook", "tg_gradcheck_fn", "tg_program"):
                self.plan.append(("int" if c.c_type(kind) in (ctypes.c_int, ctypes.c_int64, ctypes.c_size_t) else "plain", arg))
            else:
                raise _Unknown(name)
        if "*" in self.result and self.result not in ("tg_tensor *", "const char *", *_OBJECTS):
            raise _Unknown(name)
        self.names = [arg for kind, arg in self.plan if kind not in ("tape", "out", "options", "flags")]
        self.__name__, self.__signature__ = self.name, self.signature()
        self.tensors_alone = bool(self.plan) and self.result == "tg_tensor *" and all(kind == "tensor" for kind, _ in self.plan)

    def signature(self):
        kinds, shown = dict((arg, kind) for kind, arg in self.plan), []
        for arg in self.names:
            default = _DEFAULTS.get(arg, None if kinds[arg] == "format" else _REQUIRED)
            late = any(p.default is not _REQUIRED for p in shown) and default is _REQUIRED
            shown.append(inspect.Parameter(arg, inspect.Parameter.KEYWORD_ONLY if late else inspect.Parameter.POSITIONAL_OR_KEYWORD,
                                           default=default))
        shown.sort(key=lambda p: p.kind)
        named = [] if self.options is None else [f for f, _ in self.options._fields_ if f not in self.names]
        if any(kind == "flags" for kind, _ in self.plan):
            named += ["dtype", "requires_grad"]
        if any(kind == "tape" for kind, _ in self.plan):
            named.append("tape")
        shown += [inspect.Parameter(arg, inspect.Parameter.KEYWORD_ONLY, default=None) for arg in named]
        return inspect.Signature(shown)

    def __call__(self, *args, tape=None, **named):
        if self.tensors_alone and len(args) == len(self.plan) and not named and all(type(a) is Tensor for a in args):
            result = self.function(*[a.handle for a in args])  # the same, sooner
            if result:
                return Tensor(result, args[0].tape)
            args[0].tape.check()
            return None
        if len(args) > len(self.names):
            raise TypeError(f"{self.name}() takes {len(self.names)} arguments: {', '.join(self.names)}")
        given = dict(zip(self.names, args))
        for arg in self.names[len(args):]:
            if arg in named:
                given[arg] = named.pop(arg)
            elif arg in _DEFAULTS:
                given[arg] = _DEFAULTS[arg]
            elif arg == "name":
                given[arg] = None
            else:
                raise TypeError(f"{self.name}() lacks {arg}")
        tape = tape or _tape_of(given.values()) or (None if self.name.startswith("lr_") else current_tape())
        keep, outs = [], [ctypes.c_void_p() for _ in range(self.outs)]
        values = self.arguments(given, named, tape, keep, outs)
        if named:
            raise TypeError(f"{self.name}() has no argument {', '.join(sorted(named))}")
        result = self.function(*values)
        if tape is not None:
            tape.check()
        return self.returned(result, outs, tape)

    def arguments(self, given, named, tape, keep, outs):
        values, places = [], iter(outs)
        like = next((v for v in given.values() if isinstance(v, Tensor)), None)
        for kind, arg in self.plan:
            value = given.get(arg)
            if kind == "tensor":
                value = None if value is None else _as_tensor(value, tape, like)
                keep.append(value)
                values.append(None if value is None else value.handle)
            elif kind == "tape":
                values.append(tape.handle)
            elif kind == "object":
                value = value.struct if isinstance(value, Layer) else value
                values.append(ctypes.addressof(value) if isinstance(value, ctypes.Structure) else value.handle)
                keep.append(value)
            elif kind == "ints":
                values += _ints(value, tape, keep)
            elif kind == "ints_n":
                values += reversed(_ints(value, tape, keep))
            elif kind == "array":
                values += (value.ctypes.data, _ARRAY_TYPES[numpy.ascontiguousarray(value).dtype.name][0])
            elif kind == "mark":
                values.append(value[0])
            elif kind == "more_ints":
                values.append(_ints(value, tape, keep)[1])
            elif kind == "tensors":
                values += _tensors(value, tape, keep)
            elif kind == "same_tensors":
                values.append(_tensors(value, tape, keep)[0])
            elif kind == "n_tensors":
                values += reversed(_tensors(value, tape, keep))
            elif kind == "out":
                values.append(ctypes.addressof(next(places)))
            elif kind == "options":
                keep.append(_fill(self.options(), named, self.name, tape, keep))
                values.append(ctypes.addressof(keep[-1]))
            elif kind == "flags":
                grad = named.pop("requires_grad", False)
                values.append(named.pop("dtype", f32) | (c.TG_REQUIRES_GRAD if grad else 0))
            elif kind == "format":
                values += (None, None) if value is None else (b"%s", value.encode())
            elif kind == "text":
                values.append(value.encode())
            else:
                values.append(value.__index__() if kind == "int" else value)
        return values

    def returned(self, result, outs, tape):
        if self.result == "tg_tensor *":
            result = Tensor(result, tape) if result else None
        elif self.result in _OBJECTS:
            result = Handle(_OBJECTS[self.result], result, tape)
        elif self.result == "tg_status":
            result = None
        elif self.result == "const char *":
            result = result and result.decode()
        elif self.result.endswith("_layer"):
            result = Layer(result, tape)
        if outs:
            return (result, *(Tensor(place.value, tape) for place in outs))
        return result


def _tape_of(values):
    for value in values:
        if isinstance(value, (Handle, Layer)):
            return value.tape
        if isinstance(value, (list, tuple)):
            found = _tape_of(value)
            if found:
                return found
    return None


_functions = {}


def _function(name):
    """That of C, None where there is no such one."""
    if name not in _functions:
        try:
            _functions[name] = _Function(name) if name in c.FUNCTIONS else None
        except _Unknown:
            _functions[name] = None
    return _functions[name]


def call(name, /, *args, **named):
    """NAME(), by its name: with a number NAME_scalar(), with `dim` NAME_dim() or NAME_dims()."""
    if name in _OVERRIDES:
        return _OVERRIDES[name](*args, **named)
    if len(args) == 2 and isinstance(args[1], (int, float)) and isinstance(args[0], Tensor):
        scalar = _function(f"tg_{name}_scalar")
        if scalar:
            return scalar(*args, **named)
    if "dim" in named or (len(args) > 1 and name in _REDUCTIONS):
        several = isinstance(named.get("dim", args[1] if len(args) > 1 else None), (list, tuple))
        function = _function(f"tg_{name}_dims" if several else f"tg_{name}_dim")
        if function and named.get("dim", 0) is not None:
            if several and "dim" in named:
                named["dims"] = named.pop("dim")
            return function(*args, **named)
        if named.get("dim", 0) is None:
            named.pop("dim")
    function = _function(f"tg_{name}")
    if not function:
        raise AttributeError(f"tinygrad has no {name}()")
    return function(*args, **named)


_REDUCTIONS = {name[3:-4] for name in c.FUNCTIONS if name.endswith("_dim")} - {"squeeze", "norm"}


def _method(self, candidates, name):
    for candidate in candidates:
        if candidate in c.FUNCTIONS and (_function(candidate) or candidate[3:] in _OVERRIDES):
            return lambda *args, **named: call(candidate[3:], self, *args, **named)
    raise AttributeError(f"'{self.kind}' has no attribute '{name}'")


def _rdiv(a, b):
    """a / b, where a may be a number: PyTorch's reciprocal(b) * a."""
    if isinstance(a, (int, float)):
        return call("mul", call("reciprocal", b), a)
    function = "tg_div_scalar" if isinstance(b, (int, float)) else "tg_div"
    return _function(function)(a, b)


def _rsub(a, b):
    """a - b, where a may be a number: -b + a."""
    if isinstance(a, (int, float)) and not isinstance(b, (int, float)):
        return call("add", call("neg", b), a)
    return _function("tg_sub_scalar" if isinstance(b, (int, float)) else "tg_sub")(a, b)


def _commuting(name):
    def function(a, b):
        if isinstance(a, (int, float)):
            a, b = b, a
        return _function(f"tg_{name}_scalar" if isinstance(b, (int, float)) else f"tg_{name}")(a, b)
    return function


def _pieces(name, most):
    def function(x, sizes, dim=0):
        """Views of x along dim, as a list."""
        out = (ctypes.c_void_p * most(x, sizes, dim))()
        if name == "tg_chunk":
            n = lib.tg_chunk(x.handle, sizes, dim, out)
        else:
            n = lib.tg_split(x.handle, len(sizes), (ctypes.c_int64 * len(sizes))(*sizes), dim, out)
        x.tape.check()
        return [Tensor(out[i], x.tape) for i in range(n)]
    return function


def backward(out, grad_out=None, create_graph=False, release_since=None):
    """tg_backward_with(): gradients of the leaves, added to what they have."""
    opts = c.tg_backward_opts(create_graph=create_graph)
    if release_since is not None:
        opts.release_since = ctypes.addressof(release_since[0])
    lib.tg_backward_with(out.handle, grad_out.handle if grad_out is not None else None, ctypes.byref(opts))
    out.tape.check()


def gradients(out, inputs, grad_out=None, create_graph=False):
    """tg_gradients(): a list of the gradients of `out` with respect to the inputs; None where there is none."""
    handles, n = _tensors(inputs, out.tape, [])
    grads, opts = (ctypes.c_void_p * n)(), c.tg_backward_opts(create_graph=create_graph)
    lib.tg_gradients(out.handle, grad_out.handle if grad_out is not None else None, handles, n, grads, ctypes.byref(opts))
    out.tape.check()
    return [Tensor(g, out.tape) if g else None for g in grads]


def _called_from_c(kind, tape, function):
    """A function for C to call. An exception must not go through C: it is kept, the tape's error is set, and
    check() raises it when the call has returned."""
    def guarded(*args):
        try:
            result = function(*args)
            return result.handle if isinstance(result, Tensor) else result
        except BaseException as error:  # noqa: B902, all kinds
            tape.raised = tape.raised or error
            lib.tg_fail(tape._handle, c.TG_EVALUE, b"%s", str(error).encode())
            return None
    return kind(guarded)


def hook_grad(x, hook):
    """tg_hook_grad(): x to compute with, whose gradients go through hook(grad), which returns another or None."""
    called = _called_from_c(c.tg_grad_hook, x.tape, lambda grad, _: hook(Tensor(grad, x.tape)))
    made = lib.tg_hook_grad(x.handle, called, None)
    x.tape.check()
    x.tape.kept.append(called)
    return Tensor(made, x.tape)


def gradcheck(function, inputs, **options):
    """tg_gradcheck() of function(*inputs), one output; raises Error where gradients are wrong."""
    tape = inputs[0].tape
    called = _called_from_c(c.tg_gradcheck_fn, tape, lambda at, n, _: function(
        *(Tensor(h, tape) for h in (ctypes.c_void_p * n).from_address(at))))
    opts = _fill(c.tg_gradcheck_opts(), options, "gradcheck", tape, [])
    lib.tg_gradcheck(called, None, *_tensors(inputs, tape, []), ctypes.byref(opts))
    tape.check()


def params_unique(params):
    """tg_params_unique(): the list's parameters, tied ones once."""
    at = lib.tg_params_unique(params.handle)
    params.tape.check()
    n = lib.tg_params_unique_count(params.handle)
    return [Tensor(h, params.tape) for h in (ctypes.c_void_p * n).from_address(at)] if at else []


_OVERRIDES = {"div": _rdiv, "sub": _rsub, "add": _commuting("add"), "mul": _commuting("mul"),
              "chunk": _pieces("tg_chunk", lambda x, n, dim: n),
              "split": _pieces("tg_split", lambda x, sizes, dim: len(sizes)), "backward": backward, "gradients": gradients,
              "hook_grad": hook_grad, "gradcheck": gradcheck, "params_unique": params_unique}


def __getattr__(name):
    if name in _OVERRIDES:
        return _OVERRIDES[name]
    shown = _function(f"tg_{name}")
    if not shown:
        if f"TG_{name}" in c.__dict__:
            return c.__dict__[f"TG_{name}"]
        raise AttributeError(f"tinygrad has no {name}")

    def function(*args, **named):
        return call(name, *args, **named)

    function.__name__, function.__doc__, function.__signature__ = name, shown.__doc__, shown.__signature__
    globals()[name] = function
    return function


def __dir__():
    return sorted({*globals(), *(name[3:] for name in c.FUNCTIONS if _function(name))})
