"""The memory of a tape: raw words, segments of entries that grow, and the process's idle tapes.

A *tape* is a control block of `CONTROL` words of 8 bytes; its address is the tape. What is recorded
lies in *segments*, linked both ways, each twice as long as the one before up to `LONGEST_SEGMENT`:
growing moves nothing, so that an address or an index stays good. An entry is 24 bytes: the indices of
two numbers (32 bits each), and the derivatives by them. Indices count on through all segments: 0 is
nowhere, 1 to n are the variables, which have no entry, and then comes what was recorded, in order.

A dual on a tape carries the tape's address (see ``dual_type``), so that code which records finds it
without any global: two threads, or a gradient inside a gradient's function, cannot meet.

Idle tapes wait in `SLOTS` words that all threads of the process share and only exchange atomically.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from adbench.dual.numba.dual_type import DOUBLE

WORD = ir.IntType(64)
_BYTE = ir.IntType(8)

# Words of the control block. The first three are what recording reads: one cache line.
NEXT, LIMIT, ORIGIN = 0, 1, 2  # next index; the index at which the segment is full; see `_enter`
SEGMENT, FIRST, END, FAULT = 3, 4, 5, 6  # current and first segment; index never reached; below
ADJOINTS, LEAVES, REACHED = 7, 9, 11  # buffers: an address, and in the next word how many bytes
KNOWN, HELD = 13, 14  # whether REACHED is that of this sweep; bytes of segments and buffers
CONTROL = 16

# Words of a segment's header: the segments beside it, its room and first index; entries follow.
PREVIOUS, FOLLOWING, CAPACITY, BASE = 0, 1, 2, 3
HEADER_BYTES = 64
ENTRY_BYTES = 24

# What FAULT says: the bound was reached; the system gave no memory; another shape than the value's.
TOO_LARGE, REFUSED, MISMATCH = 1, 2, 3
FIRST_ENTRIES = 2_000  # of the first segment, 48 kB
LONGEST_SEGMENT = 1_000_000  # entries, 24 MB
VARIABLE_BYTES = 32  # a dual
BYTES_PER_OPERATION = ENTRY_BYTES + 8  # an entry, and the adjoint of its result
BYTES_PER_VARIABLE = VARIABLE_BYTES + 8
LARGEST_INDEX = 2**32 - 1
MAX_BYTES = 1 << 31
"""Default bound on the memory of one tape: 67 million recorded operations."""


def check_bound(max_bytes: int) -> None:
    """ValueError for a bound that leaves no room for one variable and one operation."""
    smallest = BYTES_PER_VARIABLE + BYTES_PER_OPERATION
    if max_bytes < smallest:
        raise ValueError(
            f"max_bytes = {max_bytes}: expected at least {smallest}, one variable and one operation"
        )


WITHOUT_WRAPPERS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of what only compiled code calls: half the time to compile."""
Compiler = Callable[[Callable[..., Any]], Any]
INNER: Compiler = njit(**WITHOUT_WRAPPERS)
OUTER: Compiler = njit()  # what Python calls too

SLOTS = 8
KEPT_BYTES = 1 << 26  # a tape that holds more is freed at once
_POOL_SYMBOL = "adbench_dual_idle_tapes"
_pool = (ctypes.c_int64 * SLOTS)()
binding.add_symbol(_POOL_SYMBOL, ctypes.addressof(_pool))


def _place(builder: Any, address: Any, word: Any, element: Any) -> Any:
    return builder.gep(builder.inttoptr(address, element.as_pointer()), [word])


def _reader(number: Any, element: Any) -> Any:
    def read(typingctx: Any, address: Any, word: Any) -> Any:
        def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.load(_place(builder, args[0], args[1], element))

        return signature(number, types.intp, types.intp), write

    return intrinsic(read)


def _writer(number: Any, element: Any) -> Any:
    def put(typingctx: Any, address: Any, word: Any, value: Any) -> Any:
        def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            builder.store(args[2], _place(builder, args[0], args[1], element))
            return context.get_dummy_value()

        return signature(types.void, types.intp, types.intp, number), write

    return intrinsic(put)


def _exchange(typingctx: Any, address: Any, value: Any) -> Any:
    """``exchange(address, value)``: what stood there; in one step that no other thread divides."""

    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], WORD.as_pointer())
        return builder.atomic_rmw("xchg", pointer, args[1], "seq_cst")

    return signature(types.intp, types.intp, types.intp), write


def _pool_address(typingctx: Any) -> Any:
    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        module = builder.module
        slots = module.globals.get(_POOL_SYMBOL)
        if slots is None:
            slots = cgutils.add_global_variable(module, WORD, _POOL_SYMBOL)
        return builder.ptrtoint(slots, WORD)

    return signature(types.intp), write


def _allocate(typingctx: Any, size: Any) -> Any:
    """``allocate(size)``: the address of that many bytes, 0 where the system refuses them."""

    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.ptrtoint(context.nrt.allocate_unchecked(builder, args[0]), WORD)

    return signature(types.intp, types.intp), write


def _free(typingctx: Any, address: Any) -> Any:
    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        context.nrt.free(builder, builder.inttoptr(args[0], cgutils.voidptr_t))
        return context.get_dummy_value()

    return signature(types.void, types.intp), write


# Called, not used as decorators, which mypy would have to trust untyped.
peek, poke = _reader(types.intp, WORD), _writer(types.intp, WORD)
peek_double, poke_double = _reader(types.float64, DOUBLE), _writer(types.float64, DOUBLE)
exchange, pool_address = intrinsic(_exchange), intrinsic(_pool_address)
peek_byte, poke_byte = _reader(types.uint8, _BYTE), _writer(types.uint8, _BYTE)
allocate, free = intrinsic(_allocate), intrinsic(_free)


@INNER
def room(tape: Any, which: Any, size: Any) -> Any:
    """Address of at least `size` bytes for the buffer of that word; 0 where refused.

    What the buffer held is lost.
    """
    if peek(tape, which + 1) < size:
        if peek(tape, which) != 0:
            free(peek(tape, which))
        held = peek(tape, HELD) - peek(tape, which + 1)
        address = allocate(size)
        poke(tape, which, address)
        poke(tape, which + 1, size if address != 0 else 0)
        poke(tape, HELD, held + peek(tape, which + 1))
    return peek(tape, which)


@INNER
def _enter(tape: Any, segment: Any, base: Any) -> Any:
    """Go on recording in that segment, index `base` first."""
    poke(segment, BASE, base)
    poke(tape, SEGMENT, segment)
    # Where entry 0 would lie, so that entry i lies at ORIGIN + 24 i.
    poke(tape, ORIGIN, segment + HEADER_BYTES - ENTRY_BYTES * base)
    poke(tape, LIMIT, min(base + peek(segment, CAPACITY), peek(tape, END)))


@INNER
def _new_segment(tape: Any, previous: Any, capacity: Any) -> Any:
    size = HEADER_BYTES + ENTRY_BYTES * capacity
    segment = allocate(size)
    if segment != 0:
        poke(segment, PREVIOUS, previous)
        poke(segment, FOLLOWING, 0)
        poke(segment, CAPACITY, capacity)
        poke(tape, HELD, peek(tape, HELD) + size)
    return segment


@INNER
def begin(tape: Any, variables: Any, max_bytes: Any) -> Any:
    """Empty the tape for that many variables; False where the bound or the system is too small.

    Nothing recorded before is good afterwards; segments stay for what comes.
    """
    operations = (max_bytes - BYTES_PER_VARIABLE * variables) // BYTES_PER_OPERATION
    first = variables + 1
    if operations < 1 or first >= LARGEST_INDEX:
        poke(tape, FAULT, TOO_LARGE)
        return False
    poke(tape, END, min(first + operations, LARGEST_INDEX))
    poke(tape, FAULT, 0)
    poke(tape, NEXT, first)
    if peek(tape, FIRST) == 0:
        poke(tape, FIRST, _new_segment(tape, 0, min(operations, FIRST_ENTRIES)))
    leaves, adjoints = room(tape, LEAVES, VARIABLE_BYTES * first), room(tape, ADJOINTS, 8 * first)
    if peek(tape, FIRST) == 0 or leaves == 0 or adjoints == 0:
        poke(tape, FAULT, REFUSED)
        return False
    _enter(tape, peek(tape, FIRST), first)
    return True


@INNER
def grow(tape: Any) -> None:
    """Called where a segment is full: opens the next one, or sets FAULT and begins this one again.

    With a fault, recording goes on over what was recorded: the function that is differentiated runs to
    its end, and frees what it holds, before anybody raises. The same work as without derivatives is
    the most that this can cost.
    """
    index, segment = peek(tape, NEXT), peek(tape, SEGMENT)
    following = 0
    if peek(tape, FAULT) == 0 and index < peek(tape, END):
        following = peek(segment, FOLLOWING)
        if following == 0:
            capacity = min(2 * peek(segment, CAPACITY), LONGEST_SEGMENT)
            following = _new_segment(tape, segment, min(capacity, peek(tape, END) - index))
            poke(segment, FOLLOWING, following)
    if following != 0:
        _enter(tape, following, index)
        return
    if peek(tape, FAULT) == 0:
        poke(tape, FAULT, REFUSED if index < peek(tape, END) else TOO_LARGE)
    poke(tape, NEXT, peek(segment, BASE))


@INNER
def append(tape: Any, index: Any, factor: Any) -> None:
    """Record one operand and the derivative by it."""
    if peek(tape, NEXT) == peek(tape, LIMIT):
        grow(tape)
    here = peek(tape, NEXT)
    entry = peek(tape, ORIGIN) + ENTRY_BYTES * here
    poke(entry, 0, index)
    poke_double(entry, 1, factor)
    poke_double(entry, 2, 0.0)
    poke(tape, NEXT, here + 1)


@INNER
def acquire() -> Any:
    """An idle tape, or a new one; 0 where the system refuses its memory."""
    for slot in range(SLOTS):
        tape = exchange(pool_address() + 8 * slot, 0)
        if tape != 0:
            return tape
    tape = allocate(8 * CONTROL)
    if tape != 0:
        for word in range(CONTROL):
            poke(tape, word, 0)
    return tape


@INNER
def _dispose(tape: Any) -> None:
    segment = peek(tape, FIRST)
    while segment != 0:
        following = peek(segment, FOLLOWING)
        free(segment)
        segment = following
    for buffer in (ADJOINTS, LEAVES, REACHED):
        if peek(tape, buffer) != 0:
            free(peek(tape, buffer))
    free(tape)


@INNER
def release(tape: Any) -> None:
    """Leave the tape to whoever comes next, or free it where there are enough or it holds much."""
    if peek(tape, HELD) <= KEPT_BYTES:
        for slot in range(SLOTS):
            # What stood there is now ours to place.
            tape = exchange(pool_address() + 8 * slot, tape)
            if tape == 0:
                return
    _dispose(tape)


@OUTER
def free_idle_tapes() -> Any:
    """Free the memory that idle tapes keep for the next gradient; returns how many bytes it was."""
    total = 0
    for slot in range(SLOTS):
        tape = exchange(pool_address() + 8 * slot, 0)
        if tape != 0:
            total += peek(tape, HELD)
            _dispose(tape)
    return total
