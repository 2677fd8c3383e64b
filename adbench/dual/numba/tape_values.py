"""Numbers on their way onto a tape and off it: variables before the function, its value after it."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.core.typing import signature
from numba.extending import intrinsic, overload

from adbench.dual.numba.dual_type import DOUBLE, NUMBERS, DualType
from adbench.dual.numba.refusals import refusal
from adbench.dual.numba.tape_memory import (
    ADJOINTS,
    FAULT,
    INNER,
    LEAVES,
    MISMATCH,
    VARIABLE_BYTES,
    WORD,
    append,
    peek,
    peek_double,
    poke,
    poke_double,
)

f64 = types.float64
TAPED = DualType(1, 1, "R")


def _to_doubles(typingctx: Any, address: Any) -> Any:
    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], DOUBLE.as_pointer())

    return signature(types.CPointer(f64), types.intp), write


to_doubles = intrinsic(_to_doubles)


@INNER
def line_of(tape: Any, n: Any) -> Any:
    """The adjoints of the n variables, in the tape's memory; before the sweep, room for numbers."""
    return carray(to_doubles(peek(tape, ADJOINTS) + 8), (n,))


@INNER
def seed(tape: Any, line: Any) -> None:
    """Makes the numbers of the line the variables 1, 2, ... of the tape, duals in its LEAVES.

    In the tape's memory they are freed with it, also when the function raises.
    """
    place = peek(tape, LEAVES)
    for i in range(line.size):
        poke_double(place, 0, line[i])
        poke(place, 1, i + 1)
        poke(place, 2, tape)
        poke_double(place, 3, 1.0)
        place += VARIABLE_BYTES


@INNER
def copy_adjoints(tape: Any, line: Any) -> None:
    """The adjoints of the variables, into a line of as many numbers."""
    adjoints = peek(tape, ADJOINTS)
    for i in range(line.size):
        line[i] = peek_double(adjoints, i + 1)


def _index_of(typingctx: Any, number: Any) -> Any:
    """``index_of(y)``: where y lies on its tape; 0 for a constant."""

    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if sig.args[0] == TAPED:
            return builder.extract_value(args[0], [1, 0])
        return ir.Constant(WORD, 0)

    return signature(types.intp, number), write


def _slope_of(typingctx: Any, number: Any) -> Any:
    """``slope_of(y)``: y's derivative by the number of that index."""

    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if sig.args[0] == TAPED:
            return builder.extract_value(args[0], [1, 2])
        return ir.Constant(DOUBLE, 0.0)

    return signature(f64, number), write


def _float_of(typingctx: Any, number: Any) -> Any:
    """``float_of(y)``: the float64 of a dual or of a number."""

    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if sig.args[0] == TAPED:
            return builder.extract_value(args[0], 0)
        return context.cast(builder, args[0], sig.args[0], f64)

    return signature(f64, number), write


index_of, slope_of = intrinsic(_index_of), intrinsic(_slope_of)
float_of = intrinsic(_float_of)


def refuse_duals(t: Any) -> None:
    """TypingError for an argument that holds duals: they would be recorded on the wrong tape."""
    if isinstance(t, types.BaseTuple):
        for each in t.types:
            refuse_duals(each)
    if isinstance(t, DualType) or isinstance(getattr(t, "dtype", None), DualType):
        raise refusal(
            "an argument is a dual number already, and a tape differentiates once: take second "
            "derivatives in forward mode (hessian, hvp)"
        )


def _is_array(y: Any) -> bool:
    """Whether the function returns an array, and not a number; TypingError where neither."""
    element = y.dtype if isinstance(y, types.Array) else y
    if element != TAPED and not isinstance(element, NUMBERS):
        raise refusal(
            f"the function returns {y}; one that is differentiated in reverse returns a number or "
            "an array of numbers"
        )
    return isinstance(y, types.Array)


def append_result(tape: Any, y: Any, v: Any) -> None:
    """Record the function's value y, a number or an array, with its cotangent v, alike."""
    raise NotImplementedError("append_result: for compiled code only")


def plain(y: Any) -> Any:
    """The value y, a number or an array, as float64 without a place on a tape."""
    raise NotImplementedError("plain: for compiled code only")


def _append_result(tape: Any, y: Any, v: Any) -> Any:
    array = _is_array(y)
    if isinstance(v, types.Array) != array or not isinstance(getattr(v, "dtype", v), NUMBERS):
        raise refusal(f"the function returns {y}; expected a cotangent like it, not {v}")

    def of_number(tape: Any, y: Any, v: Any) -> None:
        append(tape, index_of(y), v * slope_of(y))

    def of_array(tape: Any, y: Any, v: Any) -> None:
        if y.shape != v.shape:
            poke(tape, FAULT, MISMATCH)
            return
        for number, factor in zip(y.flat, v.flat):  # noqa: B905  (Numba's zip has no strict=)
            append(tape, index_of(number), factor * slope_of(number))

    return of_array if array else of_number


def _plain(y: Any) -> Any:
    def of_number(y: Any) -> Any:
        return float_of(y)

    def of_array(y: Any) -> Any:
        out = np.empty(y.shape)
        flat = out.ravel()
        for i, number in enumerate(y.flat):
            flat[i] = float_of(number)
        return out

    return of_array if _is_array(y) else of_number


overload(append_result)(_append_result)
overload(plain)(_plain)
