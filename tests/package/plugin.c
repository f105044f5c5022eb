#include <tinygrad.h>

/* The only function that the plugin shows. */
__attribute__((visibility("default"))) double plugin_loss(void);

double plugin_loss(void)
{
    tg_tape *tape = tg_tape_new(NULL);
    double loss = tg_item(tg_exp(tg_full(tape, TG_SCALAR, 0, 0)));
    tg_tape_free(tape);
    return loss;
}
