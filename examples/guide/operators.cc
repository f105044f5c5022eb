// tinygrad.hpp: exclusive or is learned, with an owner of the tape, operators and exceptions; C++17.
#include <tinygrad.hpp>

struct network {
    tinygrad::params list;
    tg_linear_layer hidden, out;

    explicit network(const tinygrad::tape &tape)
        : list(call(tg_params_new, tape)),
          hidden(call(tg_nn_linear, list, 2, 8, nullptr, "hidden")),
          out(call(tg_nn_linear, list, 8, 2, nullptr, "out"))
    {
    }
    tinygrad::tensor operator()(const tinygrad::tensor &x) const
    {
        return call(tg_nn_apply_linear, tanh(call(tg_nn_apply_linear, x, hidden)), out);
    }
};

static void learn()
{
    tinygrad::tape tape(1);
    auto x = tape.from<float>({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2});
    auto y = tape.from<int64_t>({0, 1, 1, 0}, {4});
    network net(tape);
    tg_sgd_opts opts = {};
    opts.lr = 0.5;
    auto optim = call(tg_sgd, tape, unique(net.list), opts);
    tg_mark start = tape.mark();
    for (int step = 1; step <= 200; step++) {
        tape.rewind(start);
        auto loss = cross_entropy(net(x), y);
        call(tg_optim_zero_grad, optim);
        loss.backward();
        call(tg_optim_step, optim);
        if (step % 100 == 0)
            std::printf("step %d  loss %.4f\n", step, loss.item());
    }
    tinygrad::no_grad block(tape);
    print(softmax(net(x), 1));
    print(1 / (1 + exp(-x))); // numbers may stand on both sides
    net(tape.ones({4, 3}));   // throws
}

int main()
{
    try {
        learn();
        return 1;
    } catch (const tinygrad::error &error) {
        std::puts(error.what());
        return error.status() == TG_ESHAPE ? 0 : 1;
    }
}
