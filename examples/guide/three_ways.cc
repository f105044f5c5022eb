// The header in C++, three ways: as it is; with owners that free and throw; with operators.
#include <tinygrad.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

// As it is: every function takes NULL, so one look at the error is enough.
static bool as_it_is()
{
    tg_tape *tape = tg_tape_new(nullptr);
    tg_tensor *x = tg_full(tape, TG_DIMS(2, 3), 2, TG_REQUIRES_GRAD);
    tg_backward(tg_sum(tg_mul(x, x)));
    tg_print(stdout, tg_grad(x));
    bool good = !tg_error(tape);
    tg_tape_free(tape);
    return good;
}

// One owner is enough, as all things live in the tape; on_error must return, so the error is thrown
// afterwards.
struct free_tape {
    void operator()(tg_tape *tape) const { tg_tape_free(tape); }
};
using tape_owner = std::unique_ptr<tg_tape, free_tape>;

static void check(const tape_owner &tape)
{
    if (tg_error(tape.get()))
        throw std::runtime_error(tg_error_message(tape.get()));
}

static void with_an_owner()
{
    tape_owner tape(tg_tape_new(nullptr));
    tg_tensor *a = tg_ones(tape.get(), TG_DIMS(3, 5), 0),
              *b = tg_ones(tape.get(), TG_DIMS(4, 2), 0);
    tg_matmul(a, b);
    check(tape);
}

// Operators: a tensor is a handle, to be passed by value.
struct tensor {
    tg_tensor *t;
};
static tensor operator+(tensor a, tensor b)
{
    return {tg_add(a.t, b.t)};
}
static tensor operator-(tensor a, tensor b)
{
    return {tg_sub(a.t, b.t)};
}
static tensor operator*(tensor a, tensor b)
{
    return {tg_mul(a.t, b.t)};
}
static tensor operator*(double a, tensor b)
{
    return {tg_mul_scalar(b.t, a)};
}

static bool with_operators()
{
    tape_owner tape(tg_tape_new(nullptr));
    const double values[] = {1, 2};
    tensor x{tg_from_f64(tape.get(), values, TG_DIMS(2), TG_REQUIRES_GRAD)};
    tensor y = 3.0 * x * x - x + x * x * x;
    tg_backward(tg_sum(y.t));
    tg_print(stdout, tg_grad(x.t)); // 6 x - 1 + 3 x^2
    return !tg_error(tape.get());
}

int main()
{
    bool good = as_it_is();
    try {
        with_an_owner();
        good = false;
    } catch (const std::runtime_error &error) {
        std::puts(error.what());
    }
    return good && with_operators() ? 0 : 1;
}
