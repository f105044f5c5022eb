/* How a tape computes. Relies on tape.h and kernels/isa.h. */
#include "kernels/isa.h"
#include "tape/tape.h"

#include <tinygrad/look.h>

int tg_threads(const tg_tape *tape)
{
    return tape ? tape->team.threads : 0;
}

tg_isa tg_isa_used(const tg_tape *tape)
{
    return tape ? (tg_isa)(tape->isa + 1) : TG_ISA_BASE;
}

const char *tg_isa_name(tg_isa isa)
{
    return isa >= TG_ISA_BASE && isa <= TG_ISA_V4 ? tgk_isa_names[isa - 1] : "";
}
