/* The sticky error of a tape. Relies on tape.h. */
#include "inside.h"

#include <stdarg.h>

tg_status tg_fail(tg_tape *tape, tg_status status, const char *format, ...)
{
    if (!tape || tape->status)
        return status;
    tape->status = status;
    tape->capture_failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(tape->message, sizeof tape->message, format, args);
    va_end(args);
    return status;
}

tg_status tg_fail_memory(tg_tape *tape, const char *name)
{
    return tg_fail(tape, TG_ENOMEM, "%s: out of memory", name);
}

tg_status tg_error(const tg_tape *tape)
{
    return tape ? tape->status : TG_ENOMEM;
}

const char *tg_error_message(const tg_tape *tape)
{
    return tape ? tape->message : "no tape: out of memory";
}

void tg_clear_error(tg_tape *tape)
{
    if (!tape || !tg_outside(tape, "clear_error"))
        return;
    tape->status = TG_OK;
    tape->message[0] = '\0';
}
