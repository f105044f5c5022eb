/** The nearest number in [-1, 1]; the gradient at the bounds is 0. */
TG_API tg_tensor *tg_saturate(tg_tensor *x);
