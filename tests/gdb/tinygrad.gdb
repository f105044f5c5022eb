# gdb -x tests/gdb/tinygrad.gdb PROGRAM, then `tg loss`: what a handle names, its own generation and that
# of the slot now. They differ where the handle outlived what it named (or it is above the arena's top).
define tg
    set $h = (unsigned long long)($arg0)
    set $slot = (unsigned long long *)($h & 0x0000ffffffffff80)
    printf "slot %p, generation %llu; the slot's now: %llu\n", $slot, ($h & 127) | ($h >> 48 << 7), (*$slot & 127) | (*$slot >> 48 << 7)
    print *(struct tg_header *)$slot
end
