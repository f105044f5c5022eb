
TGK_REAL1(sinh, sinh(x));

static void sinh_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    grad_in[0] = tg_mul(grad_out, tg_sqrt(tg_add_scalar(tg_square(node->out), 1)));
}

static const tg_map_op sinh_op = {{"sinh", tg_map_forward, sinh_backward, {TG_READS_OUT}},
                                  {sinh_f32, sinh_f64}};

tg_tensor *tg_sinh(tg_tensor *x)
{
    return tg_unary_float(&sinh_op.op, x);
}
