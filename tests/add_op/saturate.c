
TGK_REAL1(saturate, x<-1 ? -1 : x> 1 ? 1 : x);

static void saturate_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *size = tg_abs(node->in[0]);
    grad_in[0] = tg_masked_fill(grad_out, tg_logical_not(tg_lt_scalar(size, 1)), 0);
}

static const tg_map_op saturate_op = {
    {"saturate", tg_map_forward, saturate_backward, {TG_READS_IN(0)}},
    {saturate_f32, saturate_f64}};

tg_tensor *tg_saturate(tg_tensor *x)
{
    return tg_unary_float(&saturate_op.op, x);
}
