
TGK_REAL1(hardtanh, x<-1 ? -1 : x> 1 ? 1 : x);

static void hardtanh_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *size = tg_abs(node->in[0]);
    grad_in[0] = tg_masked_fill(grad_out, tg_logical_not(tg_lt_scalar(size, 1)), 0);
}

static const tg_map_op hardtanh_op = {
    {"hardtanh", tg_map_forward, hardtanh_backward, {TG_READS_IN(0)}},
    {hardtanh_f32, hardtanh_f64}};

tg_tensor *tg_hardtanh(tg_tensor *x)
{
    return tg_unary_float(&hardtanh_op.op, x);
}
