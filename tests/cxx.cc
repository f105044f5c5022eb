/* tinygrad.hpp: each promise of its comments. Exits with 0 where all hold. */
#include <tinygrad.hpp>

#include <tinygrad/op.h>

#include <string>

using tinygrad::tape;
using tinygrad::tensor;

using sizes = std::vector<int64_t>;

static int failures;

static void check(bool good, const char *what)
{
    if (!good) {
        std::printf("FAILED: %s\n", what);
        failures++;
    }
}

/* What is thrown, as "STATUS message"; "" where nothing is. */
template <class F> static std::string thrown(F &&function)
{
    try {
        function();
    } catch (const tinygrad::error &error) {
        return std::to_string(error.status()) + " " + error.what();
    }
    return "";
}

static std::vector<double> values(const tensor &x)
{
    tensor all = contiguous(to(x, TG_F64));
    return {all.data<double>(), all.data<double>() + all.numel()};
}

static void owns()
{
    static_assert(!std::is_copy_constructible_v<tape> && !std::is_copy_assignable_v<tape>);
    static_assert(std::is_nothrow_move_constructible_v<tape> &&
                  std::is_nothrow_move_assignable_v<tape>);
    tape first(7);
    tensor x = first.ones({2});
    tape second = std::move(first);
    check(!first.get() && second.get(), "a tape is moved");
    check(thrown([&] { x + second.ones({3}); }).find("add: ") != std::string::npos,
          "and hears errors where it is");
    second = tape(tg_tape_opts{});
    check(sum(second.ones({2})).item() == 2, "moved to another one");
}

static void throws()
{
    tape t;
    tensor a = t.ones({3, 5}), b = t.ones({4, 2});
    std::string message = "2 matmul: [3, 5] x [4, 2]: inner sizes 5 and 4 differ";
    check(thrown([&] { matmul(a, b); }) == message, "an error is thrown");
    check(tg_error(t.get()) == TG_OK, "and cleared");
    tg_matmul(a.get(), b.get());
    check(thrown([&] { a + a; }) == message, "what C reported is thrown by the next call");
    tg_matmul(a.get(), b.get());
    tg_clear_error(t.get());
    check(thrown([&] { a + a; }).empty(), "unless the program has cleared it");
    tg_mark mark = t.mark();
    tensor c = a + 1;
    t.rewind(mark);
    check(thrown([&] { c.numel(); }).find("rewound away") != std::string::npos, "a dead tensor");
    check(thrown([&] {
              t.from<float>({1, 2, 3}, {2, 2});
          }).substr(0, 2) == "2 ",
          "too few numbers");
    check(thrown([&] { a.data<double>(); }).substr(0, 2) == "3 ", "another dtype");
    check(thrown([&] { transpose(a, 0, 1).data<float>(); }).substr(0, 2) == "5 ", "not contiguous");
    check(thrown([&] { t.ones(std::vector<int64_t>(33, 1)); }).substr(0, 2) == "2 ",
          "too many dims");
    check(thrown([&] { a + tensor(); }).find("add: ") != std::string::npos, "a NULL tensor");
    int heard = 0;
    tg_tape_opts opts = {};
    opts.on_error = [](void *count, tg_status, const char *) { ++*static_cast<int *>(count); };
    opts.error_context = &heard;
    tape mine(opts);
    thrown([&] { mine.ones({-1}); });
    check(heard == 1, "the program's own on_error hears as well");
}

static void refuses()
{
    tg_tape_opts opts = {};
    opts.alloc = [](void *, size_t) -> void * { return nullptr; };
    opts.free = [](void *, void *, size_t) {};
    bool thrown = false;
    try {
        tape t(opts);
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    check(thrown, "no memory for a tape is std::bad_alloc");
}

static void computes()
{
    tape t;
    tensor x = t.from<double>({1, 2, 3, 4}, {2, 2}), y = t.full({2, 2}, 2, TG_F64);
    using list = std::vector<double>;
    check(values(x + y) == list{3, 4, 5, 6} && values(x - y) == list{-1, 0, 1, 2}, "+ -");
    check(values(x * y) == list{2, 4, 6, 8} && values(x / y) == list{0.5, 1, 1.5, 2}, "* /");
    check(values(1 + x) == list{2, 3, 4, 5} && values(1 - x) == list{0, -1, -2, -3},
          "numbers before");
    check(values(2 * x) == list{2, 4, 6, 8} && values(4 / y) == list{2, 2, 2, 2},
          "numbers before * /");
    check(values(x > y) == list{0, 0, 1, 1} && values(x == 2) == list{0, 1, 0, 0}, "comparisons");
    check(values(-x) == list{-1, -2, -3, -4} && values(pow(x, 2)) == list{1, 4, 9, 16}, "- pow");
    check(values(x[1]) == list{3, 4} && values(x.permute({1, 0})) == list{1, 3, 2, 4},
          "[] permute");
    check(values(tinygrad::cat({x, y}, 0)).size() == 8 &&
              tinygrad::stack({x, y, x}, 1).sizes() == sizes{2, 3, 2},
          "cat stack");
#ifdef __cpp_lib_span
    const int64_t shape[] = {4};
    check(values(x.reshape(std::span<const int64_t>(shape))) == list{1, 2, 3, 4}, "a span");
#endif
}

/* Any function of C: options, what is left out, formats, results behind pointers, structures. */
static void calls()
{
    tape t(1);
    auto list = call(tg_params_new, t);
    tg_nn_recurrent_opts opts = {};
    opts.how.batch_first = true;
    auto layer = call(tg_nn_lstm, list, 3, 4, opts, "lstm");
    check(std::string(call(tg_params_name, list, 0)) == "lstm.weight_ih_l0", "a name");
    check(thrown([&] { call(tg_nn_linear, list, 3, 4, nullptr, "lstm%d"); }).empty(),
          "a name is no format");
    check(call(tg_params_find, list, "lstm%d.bias").get() != nullptr, "but stands as it is");
    tg_tensor *h = nullptr;
    auto out = call(tg_nn_apply_lstm, t.ones({2, 5, 3}), layer, true, &h);
    check(out.sizes() == sizes{2, 5, 4} && tensor(h, t.record()).sizes() == sizes{1, 2, 4},
          "a result behind a pointer");
    tg_ce_opts smooth = {};
    smooth.label_smoothing = 0.5;
    auto x = t.from<float>({0, 3}, {1, 2});
    auto y = t.from<int64_t>({1}, {1});
    check(cross_entropy(x, y).item() < cross_entropy(x, y, smooth).item(),
          "options by themselves, or none");
    check(tinygrad::call(tg_lr_step, 1.0, 3, 2, 0.5) == 0.5, "a function without a tape");
    auto w = t.ones({2}, TG_REQUIRES_GRAD);
    auto optim = call(tg_sgd, t, tinygrad::tensors({w}));
    auto step = call(tg_capture_begin, t);
    call(tg_optim_zero_grad, optim);
    sum(w * w).backward();
    call(tg_optim_step, optim);
    call(tg_capture_end, step);
    call(tg_capture_replay, step);
    check(values(w)[0] < 0.9981 && values(w.grad())[0] < 2, "a capture");
    {
        tinygrad::no_grad block(t);
        check(!(w * 2).requires_grad(), "no_grad");
    }
    check((w * 2).requires_grad(), "its end");
    w.data_mut<float>()[0] = 5;
    check(w[0].item() == 5, "data_mut");
}

int main()
{
    owns();
    throws();
    refuses();
    computes();
    calls();
    return failures != 0;
}
