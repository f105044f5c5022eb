
TGK_REAL1(erfc, erfc(x));

static void erfc_backward(tg_node *node, tg_tensor *grad_out, tg_tensor **grad_in)
{
    tg_tensor *density = tg_exp(tg_neg(tg_square(node->in[0])));
    grad_in[0] = tg_mul(grad_out, tg_mul_scalar(density, -1.1283791670955126));
}

static const tg_map_op erfc_op = {{"erfc", tg_map_forward, erfc_backward, {TG_READS_IN(0)}},
                                  {erfc_f32, erfc_f64}};

tg_tensor *tg_erfc(tg_tensor *x)
{
    return tg_unary_float(&erfc_op.op, x);
}
