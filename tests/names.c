/* See names.h. */
#include "names.h"

#include <math.h>
#include <string.h>

#include <tinygrad/op.h>

static FILE *nowhere(void)
{
    static FILE *file;
    if (!file)
        file = fopen("/dev/null", "w");
    return file;
}

living make_living(tg_tape *tape)
{
    living l = {.tape = tape, .nowhere = nowhere()};
    l.leaf = tg_ones(tape, TG_DIMS(3), TG_REQUIRES_GRAD);
    l.plain = tg_ones(tape, TG_DIMS(3), 0);
    l.index = tg_zeros(tape, TG_DIMS(3), TG_I64);
    l.into = tg_zeros(tape, TG_DIMS(4, 2), 0);
    l.f64 = tg_ones(tape, TG_DIMS(2), TG_F64 | TG_REQUIRES_GRAD);
    l.list = tg_params_new(tape);
    tg_params_add(l.list, l.leaf, "leaf");
    l.optim = tg_sgd(tape, &l.leaf, 1, NULL);
    l.batches = tg_batches_new(tape, 5, 2, NULL);
    tg_batches_start(l.batches);
    tg_batches_next(l.batches);
    l.loss = tg_sum(tg_mul(l.leaf, l.leaf));
    tg_backward(l.loss);
    l.mark = tg_tape_mark(tape);
    return l;
}

/* --- tensors --- */

static tg_tensor *T(const void *handle)
{
    return (tg_tensor *)(uintptr_t)handle;
}

/* A call whose value says whether it was refused. */
#define USE(kind, name, refused)                                                                   \
    static bool kind##_##name(const living *l, const void *h)                                      \
    {                                                                                              \
        (void)l;                                                                                   \
        return refused;                                                                            \
    }

USE(tensor, ndim, tg_ndim(T(h)) == -1)
USE(tensor, size, tg_size(T(h), 0) == -1)
USE(tensor, stride, tg_stride(T(h), 0) == -1)
USE(tensor, numel, tg_numel(T(h)) == 0)
USE(tensor, dtype, tg_dtype(T(h)) == -1)
USE(tensor, sizes, !tg_sizes(T(h)))
USE(tensor, is_contiguous, !tg_is_contiguous(T(h)))
USE(tensor, f32, !tg_f32(T(h)))
USE(tensor, f64, !tg_f64(T(h)))
USE(tensor, i64, !tg_i64(T(h)))
USE(tensor, bool, !tg_bool(T(h)))
USE(tensor, data_mut, !tg_data_mut(T(h)))
USE(tensor, item, isnan(tg_item(T(h))))
USE(tensor, tape_of, !tg_tape_of(T(h)))
USE(tensor, requires_grad, !tg_requires_grad(T(h)))
USE(tensor, grad, !tg_grad(T(h)))
USE(tensor, zero_grad, (tg_zero_grad(T(h)), true))
USE(tensor, retain_grad, tg_retain_grad(T(h)) == TG_ESTATE)
USE(tensor, detach, !tg_detach(T(h)))
USE(tensor, print, tg_print(l->nowhere, T(h)) == TG_ESTATE)
USE(tensor, backward, tg_backward(T(h)) == TG_ESTATE)
USE(tensor, backward_with, tg_backward_with(T(h), l->plain, NULL) == TG_ESTATE)
USE(tensor, upstream, tg_backward_with(l->loss, T(h), NULL) == TG_ESTATE)
USE(tensor, uniform, (tg_uniform_(T(h), 0, 1), true))
USE(tensor, normal, (tg_normal_(T(h), 0, 1), true))
USE(tensor, linear_init, (tg_linear_init(T(h), NULL), true))
USE(tensor, xavier, (tg_xavier_normal_(T(h), 0), true))
USE(tensor, set_rng_state, tg_set_rng_state(l->tape, T(h)) == TG_ESTATE)

static bool gradients(tg_tensor *out, tg_tensor *upstream, tg_tensor *in)
{
    tg_tensor *grad = out;
    return tg_gradients(out, upstream, &in, 1, &grad, NULL) == TG_ESTATE && !grad;
}

USE(tensor, gradients_out, gradients(T(h), NULL, l->leaf))
USE(tensor, gradients_upstream, gradients(l->loss, T(h), l->leaf))
USE(tensor, gradients_in, gradients(l->loss, NULL, T(h)))
USE(tensor, release,
    tg_release(l->tape, tg_tape_mark(l->tape), (tg_tensor *[]){l->leaf, T(h)}, 2) == TG_ESTATE)
USE(tensor, checkpoint,
    tg_checkpoint(l->tape, tg_tape_mark(l->tape), (tg_tensor *[]){T(h)}, 1) == TG_ESTATE)

static tg_tensor *square(tg_tensor *const *in, size_t n, void *context)
{
    (void)context;
    return tg_mul(in[0], in[n - 1]);
}

USE(tensor, gradcheck_first,
    tg_gradcheck(square, NULL, (tg_tensor *[]){T(h), l->f64}, 2, NULL) == TG_ESTATE)
USE(tensor, gradcheck,
    tg_gradcheck(square, NULL, (tg_tensor *[]){l->f64, T(h)}, 2, NULL) == TG_ESTATE)

/* What trains. */

USE(tensor, sgd, !tg_sgd(l->tape, (tg_tensor *[]){l->leaf, T(h)}, 2, NULL))
USE(tensor, adam, !tg_adam(l->tape, (tg_tensor *[]){T(h)}, 1, NULL))
USE(tensor, adamw, !tg_adamw(l->tape, (tg_tensor *[]){T(h)}, 1, NULL))
USE(tensor, rmsprop, !tg_rmsprop(l->tape, (tg_tensor *[]){T(h)}, 1, NULL))
USE(tensor, adagrad, !tg_adagrad(l->tape, (tg_tensor *[]){T(h)}, 1, NULL))
USE(tensor, add_group, tg_optim_add_group(l->optim, (tg_tensor *[]){T(h)}, 1, 1) == TG_ESTATE)
USE(tensor, clip_norm, isnan(tg_clip_grad_norm((tg_tensor *[]){l->leaf, T(h)}, 2, 1, 0)))
USE(tensor, clip_value, tg_clip_grad_value((tg_tensor *[]){T(h), l->leaf}, 2, 1) == TG_ESTATE)
USE(tensor, params_add, !tg_params_add(l->list, T(h), "dead"))

static const float rows[10];
static const uint8_t bytes[10];

USE(tensor, read, tg_batches_read(l->batches, rows, T(h)) == TG_ESTATE)
USE(tensor, read_as, tg_batches_read_as(l->batches, bytes, TG_ARRAY_U8, T(h)) == TG_ESTATE)

/* Operations: of each shape of arguments one. The op table's tests have all of them. */

USE(tensor, exp, !tg_exp(T(h)))
USE(tensor, add_left, !tg_add(T(h), l->plain))
USE(tensor, add_right, !tg_add(l->plain, T(h)))
USE(tensor, add_both, !tg_add(T(h), T(h)))
USE(tensor, mul_scalar, !tg_mul_scalar(T(h), 2))
USE(tensor, sum, !tg_sum(T(h)))
USE(tensor, max_dim, !tg_max_dim(T(h), 0, false))
USE(tensor, reshape, !tg_reshape(T(h), TG_DIMS(3, 1)))
USE(tensor, expand, !tg_expand(T(h), TG_DIMS(2, 3)))
USE(tensor, transpose, !tg_transpose(T(h), 0, -1))
USE(tensor, contiguous, !tg_contiguous(T(h)))
USE(tensor, to, !tg_to(T(h), TG_F64))
USE(tensor, cat, !tg_cat((tg_tensor *[]){l->plain, T(h)}, 2, 0))
USE(tensor, gather, !tg_gather(l->plain, 0, T(h)))
USE(tensor, where, !tg_where(T(h), l->plain, l->plain))
USE(tensor, copy_to, tg_copy_(T(h), l->plain) == TG_ESTATE)
USE(tensor, copy_from, tg_copy_(l->plain, T(h)) == TG_ESTATE)
USE(tensor, fill, tg_fill_(T(h), 1) == TG_ESTATE)
USE(tensor, matmul, !tg_matmul(l->plain, T(h)))
USE(tensor, linear_bias, !tg_linear(l->into, l->into, T(h)))
USE(tensor, softmax, !tg_softmax(T(h), 0))
USE(tensor, dropout, !tg_dropout(T(h), 0.5, true))
USE(tensor, mse_loss, !tg_mse_loss(l->plain, T(h), TG_MEAN))
USE(tensor, targets, !tg_cross_entropy(l->into, T(h), NULL))
USE(tensor, weight, !tg_nll_loss(l->into, l->index, &(tg_nll_opts){.weight = T(h)}))
USE(tensor, mask,
    !tg_scaled_dot_product_attention(l->into, l->into, l->into, &(tg_attention_opts){.mask = T(h)}))

static const tg_op own_op = {.name = "own"};

USE(tensor, check_inputs, !tg_check_inputs(&own_op, 2, (tg_tensor *[]){l->leaf, T(h)}))

static const dead_use of_tensors[] = {
    {"ndim", tensor_ndim},
    {"size", tensor_size},
    {"stride", tensor_stride},
    {"numel", tensor_numel},
    {"dtype", tensor_dtype},
    {"sizes", tensor_sizes},
    {"is_contiguous", tensor_is_contiguous},
    {"f32", tensor_f32},
    {"f64", tensor_f64},
    {"i64", tensor_i64},
    {"bool", tensor_bool},
    {"data_mut", tensor_data_mut},
    {"item", tensor_item},
    {"tape_of", tensor_tape_of},
    {"requires_grad", tensor_requires_grad},
    {"grad", tensor_grad},
    {"zero_grad", tensor_zero_grad},
    {"retain_grad", tensor_retain_grad},
    {"detach", tensor_detach},
    {"print", tensor_print},
    {"backward", tensor_backward},
    {"backward", tensor_backward_with},
    {"backward", tensor_upstream},
    {"gradients", tensor_gradients_out},
    {"gradients", tensor_gradients_upstream},
    {"gradients", tensor_gradients_in},
    {"gradcheck", tensor_gradcheck_first},
    {"gradcheck", tensor_gradcheck},
    {"uniform_", tensor_uniform},
    {"normal_", tensor_normal},
    {"linear_init", tensor_linear_init},
    {"xavier_normal_", tensor_xavier},
    {"set_rng_state", tensor_set_rng_state},
    {"release", tensor_release},
    {"checkpoint", tensor_checkpoint},
    {"sgd", tensor_sgd},
    {"adam", tensor_adam},
    {"adamw", tensor_adamw},
    {"rmsprop", tensor_rmsprop},
    {"adagrad", tensor_adagrad},
    {"optim_add_group", tensor_add_group},
    {"clip_grad_norm", tensor_clip_norm},
    {"clip_grad_value", tensor_clip_value},
    {"params_add", tensor_params_add},
    {"batches_read", tensor_read},
    {"batches_read_as", tensor_read_as},
    {"exp", tensor_exp},
    {"add", tensor_add_left},
    {"add", tensor_add_right},
    {"add", tensor_add_both},
    {"mul_scalar", tensor_mul_scalar},
    {"sum", tensor_sum},
    {"max", tensor_max_dim},
    {"reshape", tensor_reshape},
    {"expand", tensor_expand},
    {"transpose", tensor_transpose},
    {"contiguous", tensor_contiguous},
    {"to", tensor_to},
    {"cat", tensor_cat},
    {"gather", tensor_gather},
    {"where", tensor_where},
    {"copy_", tensor_copy_to},
    {"copy_", tensor_copy_from},
    {"fill_", tensor_fill},
    {"matmul", tensor_matmul},
    {"linear", tensor_linear_bias},
    {"softmax", tensor_softmax},
    {"dropout", tensor_dropout},
    {"mse_loss", tensor_mse_loss},
    {"cross_entropy", tensor_targets},
    {"nll_loss", tensor_weight},
    {"scaled_dot_product_attention", tensor_mask},
    {"own", tensor_check_inputs},
    {0},
};

/* --- optimisers --- */

static tg_optim *O(const void *handle)
{
    return (tg_optim *)(uintptr_t)handle;
}

USE(optim, step, tg_optim_step(O(h)) == TG_ESTATE)
USE(optim, zero_grad, (tg_optim_zero_grad(O(h)), true))
USE(optim, set_lr, (tg_optim_set_lr(O(h), 1), true))
USE(optim, set_group_lr, (tg_optim_set_group_lr(O(h), 0, 1), true))
USE(optim, lr, isnan(tg_optim_lr(O(h), 0)))
USE(optim, add_group, tg_optim_add_group(O(h), (tg_tensor *[]){l->plain}, 1, 1) == TG_ESTATE)
USE(optim, state, tg_optim_state(O(h), l->list, NULL) == TG_ESTATE)

static const dead_use of_optims[] = {
    {"optim_step", optim_step},     {"optim_zero_grad", optim_zero_grad},
    {"optim_set_lr", optim_set_lr}, {"optim_set_group_lr", optim_set_group_lr},
    {"optim_lr", optim_lr},         {"optim_add_group", optim_add_group},
    {"optim_state", optim_state},   {0},
};

/* --- lists --- */

static tg_params *L(const void *handle)
{
    return (tg_params *)(uintptr_t)handle;
}

USE(list, add, !tg_params_add(L(h), l->plain, "plain"))
USE(list, count, tg_params_count(L(h)) == 0)
USE(list, name, !tg_params_name(L(h), 0))
USE(list, tensor, !tg_params_tensor(L(h), 0))
USE(list, find, !tg_params_find(L(h), "leaf"))
USE(list, tensors, !tg_params_tensors(L(h)))
USE(list, unique, !tg_params_unique(L(h)))
USE(list, unique_count, tg_params_unique_count(L(h)) == 0)
USE(list, zero_grad, (tg_params_zero_grad(L(h)), true))
USE(list, name_of, !tg_params_name_of(h, l->leaf))
USE(list, linear, !tg_nn_linear(L(h), 2, 1, NULL, "fc").weight)
USE(list, state, tg_optim_state(l->optim, L(h), NULL) == TG_ESTATE)

static const dead_use of_lists[] = {
    {"params_add", list_add},
    {"params_count", list_count},
    {"params_name", list_name},
    {"params_tensor", list_tensor},
    {"params_find", list_find},
    {"params_tensors", list_tensors},
    {"params_unique", list_unique},
    {"params_unique_count", list_unique_count},
    {"params_zero_grad", list_zero_grad},
    {"params_name_of", list_name_of},
    {"nn_linear", list_linear},
    {"optim_state", list_state},
    {0},
};

/* --- batches --- */

static tg_batches *B(const void *handle)
{
    return (tg_batches *)(uintptr_t)handle;
}

USE(batches, start, tg_batches_start(B(h)) == TG_ESTATE)
USE(batches, next, !tg_batches_next(B(h)))
USE(batches, narrow, tg_batches_narrow(B(h), 0, 1) == TG_ESTATE)
USE(batches, size, tg_batches_size(B(h)) == 0)
USE(batches, indices, !tg_batches_indices(B(h)))
USE(batches, read, tg_batches_read(B(h), rows, l->into) == TG_ESTATE)
USE(batches, read_as, tg_batches_read_as(B(h), bytes, TG_ARRAY_U8, l->into) == TG_ESTATE)

static const dead_use of_batches[] = {
    {"batches_start", batches_start},     {"batches_next", batches_next},
    {"batches_narrow", batches_narrow},   {"batches_size", batches_size},
    {"batches_indices", batches_indices}, {"batches_read", batches_read},
    {"batches_read_as", batches_read_as}, {0},
};

/* --- captures --- */

static tg_capture *C(const void *handle)
{
    return (tg_capture *)(uintptr_t)handle;
}

USE(capture, end, tg_capture_end(C(h)) == TG_ESTATE)
USE(capture, replay, tg_capture_replay(C(h)) == TG_ESTATE)

static const dead_use of_captures[] = {
    {"capture_end", capture_end}, {"capture_replay", capture_replay}, {0}};

/* --- marks --- */

static tg_mark M(const void *handle)
{
    return *(const tg_mark *)handle;
}

/* Whether the call failed, for whatever reason. */
static bool fails(const living *l, tg_status status)
{
    return status && status == tg_error(l->tape);
}

static tg_status gradients_since(const living *l, const tg_mark *mark)
{
    tg_tensor *grad, *in = l->leaf;
    return tg_gradients(l->loss, NULL, &in, 1, &grad, &(tg_backward_opts){.release_since = mark});
}

USE(mark, rewind, fails(l, tg_tape_rewind(l->tape, M(h))))
USE(mark, replay, fails(l, tg_tape_replay(l->tape, M(h))))
USE(mark, release, fails(l, tg_release(l->tape, M(h), NULL, 0)))
USE(mark, release_but, fails(l, tg_release(l->tape, M(h), &(tg_tensor *){l->loss}, 1)))
USE(mark, checkpoint, fails(l, tg_checkpoint(l->tape, M(h), NULL, 0)))
USE(mark, checkpoint_but, fails(l, tg_checkpoint(l->tape, M(h), &(tg_tensor *){l->loss}, 1)))
USE(mark, write_dot, fails(l, tg_write_dot(l->nowhere, l->tape, M(h))))
USE(mark, backward,
    fails(l, tg_backward_with(l->loss, NULL, &(tg_backward_opts){.release_since = h})))
USE(mark, gradients, fails(l, gradients_since(l, h)))

static const dead_use of_marks[] = {
    {"tape_rewind", mark_rewind},    {"tape_replay", mark_replay},
    {"release", mark_release},       {"release", mark_release_but},
    {"checkpoint", mark_checkpoint}, {"checkpoint", mark_checkpoint_but},
    {"write_dot", mark_write_dot},   {"backward", mark_backward},
    {"gradients", mark_gradients},   {0},
};

/* --- all --- */

const dead_use *dead_uses(name_kind kind)
{
    static const dead_use *const uses[NAME_KINDS] = {of_tensors, of_optims,   of_lists,
                                                     of_batches, of_captures, of_marks};
    return uses[kind];
}

bool is_reported(const dead_use *use, const living *l, const void *handle, tg_status status,
                 const char *part, char why[400])
{
    bool refused = use->refused(l, handle);
    const char *message = tg_error_message(l->tape);
    size_t length = strlen(use->name);
    bool named = strncmp(message, use->name, length) == 0 && message[length] == ':';
    snprintf(why, 400, "%s: %s, error %d, \"%s\"; wanted %d, \"%s: ... %s\"", use->name,
             refused ? "refused" : "not refused", (int)tg_error(l->tape), message, (int)status,
             use->name, part);
    return refused && tg_error(l->tape) == status && named && strstr(message, part);
}
