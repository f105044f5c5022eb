/* Rows for golden/ops.inc: layers, and losses other than classification's. */
#include "golden.h"

#include <string.h>

/* --- losses --- */

#define LOSS(name)                                                                                 \
    static tg_tensor *run_##name(golden_case *c)                                                   \
    {                                                                                              \
        return tg_##name(c->in[0], c->in[1], golden_reduction(c));                                 \
    }
#define SCALED_LOSS(name, key)                                                                     \
    static tg_tensor *run_##name(golden_case *c)                                                   \
    {                                                                                              \
        return tg_##name(c->in[0], c->in[1], golden_number(c, key, 1), golden_reduction(c));       \
    }

LOSS(mse_loss)
LOSS(l1_loss)
SCALED_LOSS(smooth_l1_loss, "beta")
SCALED_LOSS(huber_loss, "delta")

static tg_tensor *run_bce_loss(golden_case *c)
{
    return tg_bce_loss(c->in[0], c->in[1], golden_with(c, 'w', 2), golden_reduction(c));
}

static tg_tensor *run_bce_with_logits_loss(golden_case *c)
{
    tg_bce_opts opts = {.weight = golden_with(c, 'w', 2),
                        .pos_weight = golden_with(c, 'p', 2),
                        .reduction = golden_reduction(c)};
    return tg_bce_with_logits_loss(c->in[0], c->in[1], &opts);
}

static tg_tensor *run_kl_div_loss(golden_case *c)
{
    bool batch_mean = !strcmp(golden_word(c, "reduction", "mean"), "batchmean");
    tg_kl_opts opts = {.log_target = golden_flag(c, "log_target"),
                       .batch_mean = batch_mean,
                       .reduction = batch_mean ? TG_SUM : golden_reduction(c)};
    return tg_kl_div_loss(c->in[0], c->in[1], &opts);
}

/* --- layers --- */

static tg_tensor *run_attention(golden_case *c)
{
    tg_attention_opts opts = {.mask = c->in[3],
                              .causal = golden_flag(c, "causal"),
                              .scale = golden_number(c, "scale", 0)};
    return tg_scaled_dot_product_attention(c->in[0], c->in[1], c->in[2], &opts);
}

/* One number, or two for the two dims. */
static void pair(golden_case *c, const char *key, int64_t *to)
{
    int64_t list[GOLDEN_DIMS];
    int n = golden_list(golden_word(c, key, ""), list);
    for (int i = 0; i < n && i < 2; i++)
        to[i] = list[i];
    if (n == 1 && !strcmp(key, "padding"))
        to[1] = to[0];
}

static tg_conv_opts conv_opts(golden_case *c)
{
    tg_conv_opts opts = {.groups = (int64_t)golden_number(c, "groups", 0)};
    pair(c, "stride", opts.stride);
    pair(c, "padding", opts.padding);
    pair(c, "dilation", opts.dilation);
    return opts;
}

static tg_pool_opts pool_opts(golden_case *c)
{
    tg_pool_opts opts = {.kernel = {0}};
    pair(c, "kernel", opts.kernel);
    pair(c, "stride", opts.stride);
    pair(c, "padding", opts.padding);
    pair(c, "dilation", opts.dilation);
    return opts;
}

#define CONV(name)                                                                                 \
    static tg_tensor *run_##name(golden_case *c)                                                   \
    {                                                                                              \
        tg_conv_opts opts = conv_opts(c);                                                          \
        return tg_##name(c->in[0], c->in[1], c->in[2], &opts);                                     \
    }
#define POOL(name)                                                                                 \
    static tg_tensor *run_##name(golden_case *c)                                                   \
    {                                                                                              \
        tg_pool_opts opts = pool_opts(c);                                                          \
        return tg_##name(c->in[0], &opts);                                                         \
    }

CONV(conv1d)
CONV(conv2d)
POOL(max_pool1d)
POOL(max_pool2d)
POOL(avg_pool1d)
POOL(avg_pool2d)

static tg_tensor *run_dropout(golden_case *c)
{
    tg_manual_seed(c->tape, (uint64_t)golden_number(c, "seed", 0));
    return tg_dropout(c->in[0], golden_number(c, "p", 0.5), golden_flag(c, "training"));
}

static tg_tensor *run_layer_norm(golden_case *c)
{
    int64_t dims[GOLDEN_DIMS];
    int n = golden_list(golden_word(c, "shape", ""), dims);
    return tg_layer_norm(c->in[0], n, dims, golden_with(c, 'w', 1), golden_with(c, 'b', 1),
                         golden_number(c, "eps", 0));
}

/* "result": the running mean or variance instead of the output. */
static tg_tensor *run_batch_norm(golden_case *c)
{
    tg_batch_norm_opts opts = {.weight = golden_with(c, 'w', 1),
                               .bias = golden_with(c, 'b', 1),
                               .running_mean = golden_with(c, 'm', 1),
                               .running_var = golden_with(c, 'v', 1),
                               .momentum = golden_number(c, "momentum", 0),
                               .eps = golden_number(c, "eps", 0),
                               .training = golden_flag(c, "training")};
    tg_tensor *out = tg_batch_norm(c->in[0], &opts);
    const char *result = golden_word(c, "result", "");
    return !out                      ? NULL
           : !strcmp(result, "mean") ? opts.running_mean
           : !strcmp(result, "var")  ? opts.running_var
                                     : out;
}

static const golden_op rows[] = {
    {"mse_loss", run_mse_loss, GOLDEN_SIGNS, false},
    {"l1_loss", run_l1_loss, GOLDEN_SIGNS, false},
    {"smooth_l1_loss", run_smooth_l1_loss, GOLDEN_SIGNS, false},
    {"huber_loss", run_huber_loss, GOLDEN_SIGNS, false},
    {"bce_loss", run_bce_loss, GOLDEN_NEAR, false},
    {"bce_with_logits_loss", run_bce_with_logits_loss, GOLDEN_NEAR, false},
    {"kl_div_loss", run_kl_div_loss, GOLDEN_NEAR, false},
    {"attention", run_attention, GOLDEN_NEAR, false},
    {"conv1d", run_conv1d, GOLDEN_NEAR, false},
    {"conv2d", run_conv2d, GOLDEN_NEAR, false},
    {"max_pool1d", run_max_pool1d, GOLDEN_NEAR, false},
    {"max_pool2d", run_max_pool2d, GOLDEN_NEAR, false},
    {"avg_pool1d", run_avg_pool1d, GOLDEN_NEAR, false},
    {"avg_pool2d", run_avg_pool2d, GOLDEN_NEAR, false},
    {"dropout", run_dropout, GOLDEN_BITS, false},
    {"layer_norm", run_layer_norm, GOLDEN_NEAR, false},
    {"batch_norm", run_batch_norm, GOLDEN_NEAR, false},
};
GOLDEN_TABLE(golden_layers, rows)
