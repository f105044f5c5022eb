/* SPDX-License-Identifier: MIT */
/* libtinygrad in C++17: an owner of the tape, operators, shapes in braces, and exceptions. Optional: it adds
 * nothing to the library, and all of the C manual (tinygrad.h) holds.
 *
 *     tinygrad::tape tape;
 *     tinygrad::tensor w = tape.randn({3, 5}, TG_REQUIRES_GRAD);
 *     tinygrad::tensor loss = sum(w * w);
 *     loss.backward();
 *     print(w.grad());
 *
 * call(tg_NAME, arguments...) is any function of C with tensors, objects, shapes and options as they are here:
 *
 * - a tinygrad::tensor for a tg_tensor *, and so with tapes, optimisers, lists, captures and batches;
 * - a tinygrad::dims for `int ndim, const int64_t *dims`, a tinygrad::tensors for `tg_tensor *const *, size_t`;
 * - an options structure by itself, for a pointer to it;
 * - pointers, bools and enumerators at the end may be left out: NULL, false and 0;
 * - of functions with a format the last argument is the name, as it is.
 *
 * Many have a function of their own, tinygrad::NAME(tensor, ...), for which the same holds.
 *
 * Errors. The tape's on_error writes down what it hears; when the function of C has returned, the wrapper clears
 * the error and throws it as tinygrad::error; what a function of C reported that was called without it is thrown by
 * the next one. Nothing is ever thrown through C. Functions that the library calls
 * (of an operation, hooks) must let no exception out: they use the functions of C, or catch all.
 *
 * Lifetimes. A tensor is a value of two pointers, to be copied at will; what it names is the tape's, until that
 * is rewound or gone. A tape can be moved, not copied; tensors stay its own. */
#ifndef TINYGRAD_HPP
#define TINYGRAD_HPP

#include <tinygrad.h>

#include <cstdio>
#include <initializer_list>
#include <memory>
#include <new>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#if __cplusplus >= 202002L && __has_include(<span>)
#include <span>
#endif

namespace tinygrad {

/** What a tape's error was. */
class error : public std::runtime_error {
  public:
    error(tg_status status, const char *message) : std::runtime_error(message), status_(status) {}
    tg_status status() const noexcept { return status_; }

  private:
    tg_status status_;
};

/** A shape, or other numbers for each dim: {3, 5}. Holds a copy of them. */
class dims {
  public:
    dims(std::initializer_list<int64_t> sizes) : dims(sizes.begin(), sizes.size()) {}
    dims(const std::vector<int64_t> &sizes) : dims(sizes.data(), sizes.size()) {}
#ifdef __cpp_lib_span
    dims(std::span<const int64_t> sizes) : dims(sizes.data(), sizes.size())
    {
    }
#endif
    int size() const
    {
        return size_;
    }
    const int64_t *data() const
    {
        return data_;
    }

  private:
    static constexpr size_t most = 2 * TG_MAX_NDIM; /* tg_pad() takes two numbers a dim */
    dims(const int64_t *sizes, size_t n)
    {
        if (n > most)
            throw error(TG_ESHAPE, "dims: more than a tensor can have");
        size_ = static_cast<int>(n);
        for (size_t i = 0; i < n; i++)
            data_[i] = sizes[i];
    }
    int size_ = 0;
    int64_t data_[most] = {};
};

namespace detail {

/* What on_error heard: it must return, so that the error is thrown later. */
struct record {
    tg_tape *tape = nullptr;
    tg_tape_opts given = {}; /* the program's own on_error hears as well */
    tg_status status = TG_OK;
    char message[1024] = "";

    static void hear(void *context, tg_status status, const char *message) noexcept
    {
        record *self = static_cast<record *>(context);
        self->status = status;
        std::snprintf(self->message, sizeof self->message, "%s", message);
        if (self->given.on_error)
            self->given.on_error(self->given.error_context, status, message);
    }
    void check()
    {
        if (status == TG_OK)
            return;
        if (tg_error(tape) == TG_OK) { /* the program has cleared it */
            status = TG_OK;
            return;
        }
        error heard(status, message);
        status = TG_OK;
        tg_clear_error(tape);
        throw heard;
    }
};

} // namespace detail

/** A value that names something of a tape: an optimiser, a list, a capture, batches. */
template <class T> class object {
  public:
    object() = default;
    object(T *handle, detail::record *record) : handle_(handle), record_(record) {}
    /** The handle of C. */
    T *get() const noexcept { return handle_; }
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /** For call(). */
    detail::record *record() const noexcept { return record_; }

  private:
    T *handle_ = nullptr;
    detail::record *record_ = nullptr;
};

using params = object<tg_params>;
using optimiser = object<tg_optim>;
using capture = object<tg_capture>;
using batches = object<tg_batches>;

/** A tensor; a default one is NULL, for optional arguments. */
class tensor : public object<tg_tensor> {
  public:
    using object::object;

    inline int ndim() const;
    inline int dtype() const;
    inline int64_t numel() const;
    inline int64_t size(int dim) const;
    inline std::vector<int64_t> sizes() const;
    inline bool requires_grad() const;
    /** The value of a tensor of one element. */
    inline double item() const;
    /** The elements in row-major order; T is float, double, int64_t or bool. TG_EDTYPE for another one,
     * TG_ESTATE where the tensor is not contiguous. */
    template <class T> const T *data() const;
    /** The same for writing, which a backward pass that needs the old ones notices. */
    template <class T> T *data_mut() const;
    inline void backward() const;
    /** NULL before the first backward pass. */
    inline tensor grad() const;
    inline tensor reshape(const dims &sizes) const;
    inline tensor expand(const dims &sizes) const;
    inline tensor permute(const dims &order) const;
    /** tg_select() along the first dim. */
    inline tensor operator[](int64_t index) const;
};

/** Tensors for an argument `tg_tensor *const *` and their number; a view of their handles. */
class tensors {
  public:
    tensors(std::initializer_list<tensor> list) : tensors(list.begin(), list.size()) {}
    tensors(const std::vector<tensor> &list) : tensors(list.data(), list.size()) {}
    tensors(tg_tensor *const *handles, size_t n, detail::record *record)
        : handles_(handles, handles + n), record_(record)
    {
    }
    tg_tensor *const *data() const noexcept { return handles_.data(); }
    size_t size() const noexcept { return handles_.size(); }
    detail::record *record() const noexcept { return record_; }

  private:
    tensors(const tensor *list, size_t n)
    {
        handles_.reserve(n);
        for (size_t i = 0; i < n; i++) {
            handles_.push_back(list[i].get());
            record_ = record_ ? record_ : list[i].record();
        }
    }
    std::vector<tg_tensor *> handles_;
    detail::record *record_ = nullptr;
};

/** Owner of a tape, and with it of all that is made on it. */
class tape {
  public:
    explicit tape(const tg_tape_opts &opts = {}) : record_(new detail::record)
    {
        record_->given = opts;
        tg_tape_opts own = opts;
        own.on_error = detail::record::hear;
        own.error_context = record_.get();
        record_->tape = tg_tape_new(&own);
        if (!record_->tape)
            throw std::bad_alloc();
    }
    explicit tape(uint64_t seed) : tape() { tg_manual_seed(get(), seed); }
    tape(tape &&other) noexcept = default;
    tape &operator=(tape &&other) noexcept
    {
        record_.swap(other.record_);
        return *this;
    }
    tape(const tape &) = delete;
    tape &operator=(const tape &) = delete;
    ~tape() { tg_tape_free(get()); }

    /** The handle of C; NULL for a tape that was moved away. */
    tg_tape *get() const noexcept { return record_ ? record_->tape : nullptr; }
    detail::record *record() const noexcept { return record_.get(); }

    tg_mark mark() const { return tg_tape_mark(get()); }
    inline void rewind(tg_mark to) const;
    inline void replay(tg_mark from) const;

    inline tensor zeros(const dims &sizes, int flags = 0) const;
    inline tensor ones(const dims &sizes, int flags = 0) const;
    inline tensor full(const dims &sizes, double value, int flags = 0) const;
    inline tensor rand(const dims &sizes, int flags = 0) const;
    inline tensor randn(const dims &sizes, int flags = 0) const;
    inline tensor randint(int64_t low, int64_t high, const dims &sizes, int flags = TG_I64) const;
    inline tensor arange(double start, double end, double step = 1, int flags = 0) const;
    /** A copy of the caller's row-major array of float, double, int64_t or bool. */
    template <class T> tensor from(const T *data, const dims &sizes, int flags = 0) const;
    /** tape.from<float>({1, 2, 3, 4}, {2, 2}); TG_ESHAPE where there are more or fewer numbers than the
     * shape has elements. */
    template <class T>
    tensor from(std::initializer_list<T> data, const dims &sizes, int flags = 0) const;
    template <class T>
    tensor from(const std::vector<T> &data, const dims &sizes, int flags = 0) const;

  private:
    template <class T> tensor counted(const T *data, size_t n, const dims &sizes, int flags) const;
    std::unique_ptr<detail::record> record_;
};

namespace detail {

/* Where an error of a call with that argument is written down; NULL: it is of no tape. */
template <class T> record *record_of(const T &)
{
    return nullptr;
}
template <class T> record *record_of(const object<T> &value)
{
    return value.record();
}
inline record *record_of(const tensor &value)
{
    return value.record();
}
inline record *record_of(const tensors &value)
{
    return value.record();
}
inline record *record_of(const tape &value)
{
    return value.record();
}

/* The arguments of C that an argument becomes. */
template <class T> std::tuple<const T &> flat(const T &value)
{
    return std::tuple<const T &>(value);
}
template <class T> std::tuple<T *> flat(const object<T> &value)
{
    return std::make_tuple(value.get());
}
inline std::tuple<tg_tensor *> flat(const tensor &value)
{
    return std::make_tuple(value.get());
}
inline std::tuple<tg_tape *> flat(const tape &value)
{
    return std::make_tuple(value.get());
}
inline std::tuple<int, const int64_t *> flat(const dims &value)
{
    return std::make_tuple(value.size(), value.data());
}
inline std::tuple<tg_tensor *const *, size_t> flat(const tensors &value)
{
    return std::make_tuple(value.data(), value.size());
}

/* An argument as the parameter has it. */
template <class P, class T> P convert(const T &value)
{
    using pointed = std::remove_cv_t<std::remove_pointer_t<P>>;
    if constexpr (std::is_pointer_v<P> && std::is_class_v<T> && std::is_same_v<pointed, T>)
        return &value;
    else if constexpr (std::is_array_v<T>)
        return value; /* a text */
    else
        return static_cast<P>(value);
}

/* What a parameter is that was left out. */
template <class P> P left_out()
{
    static_assert(std::is_pointer_v<P> || std::is_same_v<P, bool> || std::is_enum_v<P>,
                  "an argument is missing: only pointers, bools and enumerators can be left out");
    return P();
}

template <class P, size_t I, class Tuple> P argument(const Tuple &given)
{
    if constexpr (I < std::tuple_size_v<Tuple>)
        return convert<P>(std::get<I>(given));
    else
        return left_out<P>();
}

template <class R> auto wrap(R result, record *)
{
    return result;
}
inline tensor wrap(tg_tensor *result, record *record)
{
    return {result, record};
}
inline optimiser wrap(tg_optim *result, record *record)
{
    return {result, record};
}
inline params wrap(tg_params *result, record *record)
{
    return {result, record};
}
inline capture wrap(tg_capture *result, record *record)
{
    return {result, record};
}
inline batches wrap(tg_batches *result, record *record)
{
    return {result, record};
}

/* Does it, then throws what was heard meanwhile. */
template <class R, class F> auto checked(record *record, F &&function)
{
    if constexpr (std::is_void_v<R>) {
        function();
        if (record)
            record->check();
    } else {
        R result = function();
        if (record)
            record->check();
        if constexpr (!std::is_same_v<R, tg_status>)
            return wrap(result, record);
    }
}

template <class... A> record *find_record(const A &...arguments)
{
    record *found = nullptr;
    ((found = found ? found : record_of(arguments)), ...);
    return found;
}

template <class R, class... P, class Tuple, size_t... I>
auto invoke(record *record, R (*function)(P...), const Tuple &given, std::index_sequence<I...>)
{
    static_assert(std::tuple_size_v<Tuple> <= sizeof...(P), "too many arguments");
    return checked<R>(record, [&] { return function(argument<P, I>(given)...); });
}

template <class R, class... P, class Tuple, size_t... I>
auto invoke(record *record, R (*function)(P..., ...), const Tuple &given, std::index_sequence<I...>)
{
    static_assert(std::tuple_size_v<Tuple> == sizeof...(P), "the last argument is the name");
    using parameters = std::tuple<P...>;
    constexpr size_t last = sizeof...(P) - 1;
    return checked<R>(record, [&] {
        return function(argument<std::tuple_element_t<I, parameters>, I>(given)..., "%s",
                        convert<const char *>(std::get<last>(given)));
    });
}

} // namespace detail

/** A function of C, see above. */
template <class R, class... P, class... A> auto call(R (*function)(P...), const A &...arguments)
{
    return detail::invoke(detail::find_record(arguments...), function,
                          std::tuple_cat(detail::flat(arguments)...),
                          std::index_sequence_for<P...>());
}
template <class R, class... P, class... A>
auto call(R (*function)(P..., ...), const A &...arguments)
{
    return detail::invoke(detail::find_record(arguments...), function,
                          std::tuple_cat(detail::flat(arguments)...),
                          std::make_index_sequence<sizeof...(P) - 1>());
}

/* tinygrad::NAME(x, ...) is call(tg_NAME, x, ...). */
#define TINYGRAD_NAME(name)                                                                        \
    template <class... A> auto name(const tensor &x, const A &...more)                             \
    {                                                                                              \
        return call(tg_##name, x, more...);                                                        \
    }
TINYGRAD_NAME(exp)
TINYGRAD_NAME(log)
TINYGRAD_NAME(sqrt)
TINYGRAD_NAME(square)
TINYGRAD_NAME(abs)
TINYGRAD_NAME(sin)
TINYGRAD_NAME(cos)
TINYGRAD_NAME(tanh)
TINYGRAD_NAME(sigmoid)
TINYGRAD_NAME(relu)
TINYGRAD_NAME(gelu)
TINYGRAD_NAME(silu)
TINYGRAD_NAME(softplus)
TINYGRAD_NAME(clamp)
TINYGRAD_NAME(maximum)
TINYGRAD_NAME(minimum)
TINYGRAD_NAME(where)
TINYGRAD_NAME(sum)
TINYGRAD_NAME(sum_dim)
TINYGRAD_NAME(mean)
TINYGRAD_NAME(mean_dim)
TINYGRAD_NAME(argmax)
TINYGRAD_NAME(argmax_dim)
TINYGRAD_NAME(softmax)
TINYGRAD_NAME(log_softmax)
TINYGRAD_NAME(reshape)
TINYGRAD_NAME(transpose)
TINYGRAD_NAME(narrow)
TINYGRAD_NAME(slice)
TINYGRAD_NAME(select)
TINYGRAD_NAME(unsqueeze)
TINYGRAD_NAME(detach)
TINYGRAD_NAME(contiguous)
TINYGRAD_NAME(to)
TINYGRAD_NAME(matmul)
TINYGRAD_NAME(linear)
TINYGRAD_NAME(embedding)
TINYGRAD_NAME(conv2d)
TINYGRAD_NAME(max_pool2d)
TINYGRAD_NAME(dropout)
TINYGRAD_NAME(cross_entropy)
TINYGRAD_NAME(mse_loss)
#undef TINYGRAD_NAME

inline tensor cat(const tensors &list, int dim)
{
    return call(tg_cat, list, dim);
}
inline tensor stack(const tensors &list, int dim)
{
    return call(tg_stack, list, dim);
}

/* Numbers are doubles in C, whatever they are here. */
#define TINYGRAD_OPERATOR(symbol, name)                                                            \
    inline tensor operator symbol(const tensor &a, const tensor &b)                                \
    {                                                                                              \
        return call(tg_##name, a, b);                                                              \
    }                                                                                              \
    inline tensor operator symbol(const tensor &a, double b)                                       \
    {                                                                                              \
        return call(tg_##name##_scalar, a, b);                                                     \
    }
TINYGRAD_OPERATOR(+, add)
TINYGRAD_OPERATOR(-, sub)
TINYGRAD_OPERATOR(*, mul)
TINYGRAD_OPERATOR(/, div)
TINYGRAD_OPERATOR(==, eq)
TINYGRAD_OPERATOR(!=, ne)
TINYGRAD_OPERATOR(<, lt)
TINYGRAD_OPERATOR(<=, le)
TINYGRAD_OPERATOR(>, gt)
TINYGRAD_OPERATOR(>=, ge)
#undef TINYGRAD_OPERATOR
inline tensor operator-(const tensor &x)
{
    return call(tg_neg, x);
}
inline tensor operator+(double a, const tensor &b)
{
    return b + a;
}
inline tensor operator-(double a, const tensor &b)
{
    return -b + a;
}
inline tensor operator*(double a, const tensor &b)
{
    return b * a;
}
/** a times 1 / b, as PyTorch has it. */
inline tensor operator/(double a, const tensor &b)
{
    return call(tg_reciprocal, b) * a;
}
inline tensor pow(const tensor &x, double exponent)
{
    return call(tg_pow_scalar, x, exponent);
}
inline tensor pow(const tensor &x, const tensor &exponent)
{
    return call(tg_pow, x, exponent);
}

inline void print(const tensor &x, std::FILE *file = stdout)
{
    detail::checked<tg_status>(x.record(), [&] { return tg_print(file, x.get()); });
}

/** The parameters of a list, for optimisers. */
inline tensors unique(const params &list)
{
    tg_tensor *const *handles = call(tg_params_unique, list);
    return {handles, tg_params_unique_count(list.get()), list.record()};
}

/** While it lives, its tape records nothing. */
class no_grad {
  public:
    explicit no_grad(const tape &of) : tape_(of.get()), former_(tg_set_grad_enabled(tape_, false))
    {
    }
    ~no_grad() { tg_set_grad_enabled(tape_, former_); }
    no_grad(const no_grad &) = delete;
    no_grad &operator=(const no_grad &) = delete;

  private:
    tg_tape *tape_;
    bool former_;
};

namespace detail {

template <class T> struct element; /* float, double, int64_t and bool are what tensors have */
template <> struct element<float> {
    static constexpr int dtype = TG_F32;
    static constexpr auto from = tg_from_f32;
};
template <> struct element<double> {
    static constexpr int dtype = TG_F64;
    static constexpr auto from = tg_from_f64;
};
template <> struct element<int64_t> {
    static constexpr int dtype = TG_I64;
    static constexpr auto from = tg_from_i64;
};
template <> struct element<bool> {
    static constexpr int dtype = TG_BOOL;
    static constexpr auto from = tg_from_bool;
};

template <class T> void check_element(const tensor &x)
{
    if (x.dtype() != element<T>::dtype)
        throw error(TG_EDTYPE, "data: the tensor's elements are of another type");
}

} // namespace detail

inline int tensor::ndim() const
{
    return call(tg_ndim, *this);
}
inline int tensor::dtype() const
{
    return call(tg_dtype, *this);
}
inline int64_t tensor::numel() const
{
    return call(tg_numel, *this);
}
inline bool tensor::requires_grad() const
{
    return call(tg_requires_grad, *this);
}
inline int64_t tensor::size(int dim) const
{
    return call(tg_size, *this, dim);
}
inline std::vector<int64_t> tensor::sizes() const
{
    std::vector<int64_t> all;
    for (int i = 0; i < ndim(); i++)
        all.push_back(size(i));
    return all;
}
inline double tensor::item() const
{
    return call(tg_item, *this);
}
template <class T> const T *tensor::data() const
{
    detail::check_element<T>(*this);
    const void *found = nullptr;
    if constexpr (std::is_same_v<T, float>)
        found = call(tg_f32, *this);
    else if constexpr (std::is_same_v<T, double>)
        found = call(tg_f64, *this);
    else if constexpr (std::is_same_v<T, int64_t>)
        found = call(tg_i64, *this);
    else
        found = call(tg_bool, *this);
    if (!found && numel() > 0)
        throw error(TG_ESTATE, "data: the tensor is not contiguous, or its data were given back");
    return static_cast<const T *>(found);
}
template <class T> T *tensor::data_mut() const
{
    detail::check_element<T>(*this);
    return static_cast<T *>(call(tg_data_mut, *this));
}
inline void tensor::backward() const
{
    call(tg_backward, *this);
}
inline tensor tensor::grad() const
{
    return call(tg_grad, *this);
}
inline tensor tensor::reshape(const dims &sizes) const
{
    return call(tg_reshape, *this, sizes);
}
inline tensor tensor::expand(const dims &sizes) const
{
    return call(tg_expand, *this, sizes);
}
inline tensor tensor::permute(const dims &order) const
{
    return call(tg_permute, *this, order);
}
inline tensor tensor::operator[](int64_t index) const
{
    return call(tg_select, *this, 0, index);
}

inline void tape::rewind(tg_mark to) const
{
    call(tg_tape_rewind, *this, to);
}
inline void tape::replay(tg_mark from) const
{
    call(tg_tape_replay, *this, from);
}
inline tensor tape::zeros(const dims &sizes, int flags) const
{
    return call(tg_zeros, *this, sizes, flags);
}
inline tensor tape::ones(const dims &sizes, int flags) const
{
    return call(tg_ones, *this, sizes, flags);
}
inline tensor tape::full(const dims &sizes, double value, int flags) const
{
    return call(tg_full, *this, sizes, value, flags);
}
inline tensor tape::rand(const dims &sizes, int flags) const
{
    return call(tg_rand, *this, sizes, flags);
}
inline tensor tape::randn(const dims &sizes, int flags) const
{
    return call(tg_randn, *this, sizes, flags);
}
inline tensor tape::randint(int64_t low, int64_t high, const dims &sizes, int flags) const
{
    return call(tg_randint, *this, low, high, sizes, flags);
}
inline tensor tape::arange(double start, double end, double step, int flags) const
{
    return call(tg_arange, *this, start, end, step, flags);
}
template <class T> tensor tape::from(const T *data, const dims &sizes, int flags) const
{
    return call(detail::element<T>::from, *this, data, sizes, flags);
}
template <class T>
tensor tape::from(std::initializer_list<T> data, const dims &sizes, int flags) const
{
    return counted(data.begin(), data.size(), sizes, flags);
}
template <class T> tensor tape::from(const std::vector<T> &data, const dims &sizes, int flags) const
{
    return counted(data.data(), data.size(), sizes, flags);
}
template <class T> tensor tape::counted(const T *data, size_t n, const dims &sizes, int flags) const
{
    uint64_t elements = 1;
    for (int i = 0; i < sizes.size(); i++)
        elements *= static_cast<uint64_t>(sizes.data()[i]);
    if (elements != n)
        throw error(TG_ESHAPE, "from: the shape has another number of elements than there are");
    return from(data, sizes, flags);
}

} // namespace tinygrad

#endif
