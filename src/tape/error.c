/* The sticky error of a tape, and calls at the wrong time. Relies on tape.h. */
#include "tape/tape.h"

#include "kernels/format.h"

#include <stdarg.h>
#include <string.h>

tg_status tg_fail(tg_tape *tape, tg_status status, const char *format, ...)
{
    if (!tape || tape->status)
        return tape && tape->reporting ? TG_ESTATE : status;
    tape->status = status;
    char said[sizeof tape->message];
    va_list args;
    va_start(args, format);
    tgk_format_list(said, sizeof said, format, args);
    va_end(args);
    for (char *nan; (nan = strstr(said, "-nan"));) /* which instructions made it is no message */
        memmove(nan, nan + 1, strlen(nan));
    const char *rest = tape->speaker ? strchr(said, ':') : NULL;
    tgk_format(tape->message, sizeof tape->message, "%s%s", rest ? tape->speaker : "",
               rest ? rest : said);
    if (!tape->capture_failed)
        memcpy(tape->failure, tape->message, sizeof tape->message);
    tape->capture_failed = true;
    if (!tape->on_error)
        return status;
    /* The program is told. Meanwhile the tape is in a state in which calls do nothing. */
    const char *outer = tape->calling;
    tape->calling = "on_error";
    tape->reporting = true;
    tape->status = TG_ESTATE;
    tape->on_error(tape->error_context, status, tape->message);
    tape->status = status;
    tape->reporting = false;
    tape->calling = outer;
    return status;
}

tg_status tg_fail_memory(tg_tape *tape, const char *name)
{
    return tg_fail(tape, TG_ENOMEM, "%s: out of memory", name);
}

bool tg_refuse_inside(tg_tape *tape, const char *name)
{
    const tg_op *forward = tape->now.forward_of, *op = forward ? forward : tape->backward_of;
    TG_CHECK(tape, !forward || TGK_SAME_THREAD(tape->thread), TG_ESTATE,
             "%s: another thread is using the tape, for %s", name, forward->name);
    TG_CHECK(tape, !tape->calling, TG_ESTATE, "%s: called inside %s", name, tape->calling);
    return tg_fail(tape, TG_ESTATE, "%s: called inside the %s function of %s", name,
                   forward ? "forward" : "backward", op->name) == TG_OK;
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
