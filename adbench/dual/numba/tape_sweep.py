"""The reverse sweep: from what was recorded to the adjoint of every variable.

Where slopes are infinite or missing, the conventions of forward mode hold (see ``rules``):

- A slope of zero wins over an adjoint that is infinite or NaN: the operand does not depend on the
  variable there. The norm ``sqrt(x * x + y * y)`` has slope 0 at the origin.
- An adjoint of zero times a slope that is infinite or NaN is NaN where the result depends on that
  operation; one that the result does not depend on (the square root of zero in the branch not taken)
  contributes nothing. Which is which is found out, by one more pass over the tape, when such a pair
  first occurs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from adbench.dual.numba.tape_memory import (
    ADJOINTS,
    BASE,
    ENTRY_BYTES,
    FAULT,
    HEADER_BYTES,
    INNER,
    KNOWN,
    NEXT,
    PREVIOUS,
    REACHED,
    REFUSED,
    SEGMENT,
    WITHOUT_WRAPPERS,
    peek,
    peek_byte,
    peek_double,
    poke,
    poke_byte,
    poke_double,
    room,
)

LOW = 0xFFFFFFFF


@INNER
def _find_reached(tape: Any, outputs: Any) -> Any:
    """Into REACHED, byte by byte: whether one of the entries from `outputs` on depends on each index."""
    size = peek(tape, NEXT)
    reached = room(tape, REACHED, size)
    if reached == 0:
        poke(tape, FAULT, REFUSED)
        return
    for i in range(size):
        poke_byte(reached, i, i >= outputs)
    segment, stop = peek(tape, SEGMENT), size
    while segment != 0:
        base = peek(segment, BASE)
        for i in range(stop - 1, base - 1, -1):
            if peek_byte(reached, i) != 0:
                operands = peek(segment + HEADER_BYTES + ENTRY_BYTES * (i - base), 0)
                poke_byte(reached, operands & LOW, 1)
                poke_byte(reached, (operands >> 32) & LOW, 1)
        segment, stop = peek(segment, PREVIOUS), base
    poke(tape, KNOWN, 1)


@INNER
def _is_reached(tape: Any, outputs: Any, index: Any) -> Any:
    if peek(tape, KNOWN) == 0:
        _find_reached(tape, outputs)
    return peek(tape, FAULT) == 0 and peek_byte(peek(tape, REACHED), index) != 0


@INNER
def _share(adjoint: Any, slope: Any) -> Any:
    """What an adjoint that is infinite or NaN contributes."""
    return adjoint * slope if slope != 0.0 else 0.0


def _sweep(tape: Any, outputs: Any) -> None:
    """Adjoints of all indices, into ADJOINTS; sets FAULT where the memory for them is refused.

    Parameters
    ----------
    tape : int
    outputs : int
        Index of the first of the last entries, those whose adjoint is 1: one for each number that
        the function returned, with its cotangent as factor.
    """
    size = peek(tape, NEXT)
    adjoints = room(tape, ADJOINTS, 8 * size)
    poke(tape, KNOWN, 0)
    if adjoints == 0:
        poke(tape, FAULT, REFUSED)
        return
    for i in range(size):
        poke_double(adjoints, i, 1.0 if i >= outputs else 0.0)
    segment, stop = peek(tape, SEGMENT), size
    while segment != 0:
        base = peek(segment, BASE)
        entry = segment + HEADER_BYTES + ENTRY_BYTES * (stop - base)
        for i in range(stop - 1, base - 1, -1):
            entry -= ENTRY_BYTES
            adjoint = peek_double(adjoints, i)
            first, second = peek_double(entry, 1), peek_double(entry, 2)
            if adjoint - adjoint != 0.0:
                first, second = _share(adjoint, first), _share(adjoint, second)
                adjoint = 1.0
            elif adjoint == 0.0:
                if np.isfinite(first) and np.isfinite(second):
                    continue
                if not _is_reached(tape, outputs, i):
                    continue
            operands = peek(entry, 0)
            a, b = operands & LOW, (operands >> 32) & LOW
            poke_double(adjoints, a, peek_double(adjoints, a) + adjoint * first)
            poke_double(adjoints, b, peek_double(adjoints, b) + adjoint * second)
        segment, stop = peek(segment, PREVIOUS), base


# Relaxed code may fuse the product into the sum; more would change what an infinity gives.
sweep = njit(fastmath={"contract"}, error_model="numpy", **WITHOUT_WRAPPERS)(_sweep)
strict_sweep = njit(error_model="numpy", **WITHOUT_WRAPPERS)(_sweep)
