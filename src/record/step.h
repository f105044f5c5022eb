/* A captured step, for what notes more of it than records. Relies on tensor.h. */
#ifndef TG_STEP_H
#define TG_STEP_H

#include "tape/tensor.h"

/* The running pass keeps a gradient in the holder: a captured step takes what was there before as it finds
 * it, unless it has dropped or kept that itself. False, with the error set, where that cannot be done
 * again or memory is out. */
bool tg_expect(tg_holder *holder, bool graph);

#endif
