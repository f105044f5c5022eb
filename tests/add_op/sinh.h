/** Hyperbolic sine. */
TG_API tg_tensor *tg_sinh(tg_tensor *x);
