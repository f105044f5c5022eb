/* Optimiser updates, see optim.h. A scalar times a tensor plus a tensor is one fused
 * multiply-add in PyTorch, and so it is here. */
#include "optim.h"

#include <math.h>

#define TGK_BODY "optim_isa.inc"
#include "each_isa.h"

tgk_sgd *const tgk_sgd_table[TGK_ISAS][2] = {
    {sgd_f32_base, sgd_f64_base},
#ifdef TGK_X86
    {sgd_f32_v3, sgd_f64_v3},
    {sgd_f32_v4, sgd_f64_v4},
#endif
};
