/** The cosine of the angle between the vectors along dim of a and b, floats of one shape; vectors
 * shorter than 1e-8 count as so long. */
TG_API tg_tensor *tg_cosine(tg_tensor *a, tg_tensor *b, int dim);
