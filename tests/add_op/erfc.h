/** 1 - erf(x), accurate where that is near 0. */
TG_API tg_tensor *tg_erfc(tg_tensor *x);
