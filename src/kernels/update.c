/* Optimiser updates, see update.h. A scalar times a tensor plus a tensor is one fused multiply-add
 * in PyTorch, and so it is here; its addcmul fuses the second product with the sum; its addcdiv
 * fuses nothing. */
#include "kernels/update.h"

#include "kernels/fused.h"

#include <math.h>

#define TGK_BODY "kernels/update_isa.inc"
#include "kernels/each_isa.h"

#define TABLE(name)                                                                                \
    tgk_update_table tgk_##name##_table = {                                                        \
        TGK_IN_BASE([TGK_BASE] = {name##_f32_base, name##_f64_base}, )                             \
            TGK_IN_V3([TGK_V3] = {name##_f32_v3, name##_f64_v3}, )                                 \
                TGK_IN_V4([TGK_V4] = {name##_f32_v4, name##_f64_v4})}

TABLE(sgd);
TABLE(adam);
TABLE(rmsprop);
TABLE(adagrad);
TABLE(nadam);
TABLE(radam);
TABLE(adamax);
TABLE(adadelta);
TABLE(sparse_adam);
