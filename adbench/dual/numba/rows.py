"""What a function returns, number by number: one number, an array of them, or a tuple of numbers.

For Jacobians and directional derivatives. A tuple of m numbers counts as an array of shape (m,).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from adbench.dual.numba.dual_type import NUMBERS, DualType, unpack
from adbench.dual.numba.intrinsics import put, value
from adbench.dual.numba.memory import extents, product
from adbench.dual.numba.refusals import refusal

f64 = types.float64


def _is_number(ty: Any, dual: DualType) -> bool:
    return ty == dual or isinstance(ty, NUMBERS)


def check(ty: Any, dual: DualType) -> None:
    """Refuse a type of results that is none of those with numba.TypingError."""
    if isinstance(ty, types.BaseTuple) and ty.types:
        if all(_is_number(t, dual) for t in ty.types):
            return
    elif _is_number(ty.dtype if isinstance(ty, types.Array) else ty, dual):
        return
    raise refusal(
        f"the function returns {ty}; one that is differentiated returns a number, an array of numbers "
        "or a tuple of numbers"
    )


def extent(dual: DualType) -> Any:
    """``extents(y)``: how many numbers a result is, and its shape, a tuple."""

    def extents_of(typingctx: Any, y: Any) -> Any:
        check(y, dual)
        ndim = y.ndim if isinstance(y, types.Array) else int(isinstance(y, types.BaseTuple))
        result = types.Tuple((types.intp, types.UniTuple(types.intp, ndim)))

        def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            if isinstance(y, types.Array):
                shape = extents(context, builder, y, args[0])
            else:
                of_tuple = isinstance(y, types.BaseTuple)
                shape = [context.get_constant(types.intp, len(y.types))] if of_tuple else []
            whole = cgutils.pack_array(builder, shape, context.get_value_type(types.intp))
            parts = (product(context, builder, shape), whole)
            return context.make_tuple(builder, result, parts)

        return signature(result, y), write

    return intrinsic(extents_of)


def put_rows(dual: DualType) -> Any:
    """``put_rows(y, line, start, count, n)``: tangents of every number, each to its row of n.

    The first `count` tangents go to the columns from `start` on.
    """

    def put_all(typingctx: Any, y: Any, line: Any, start: Any, count: Any, n: Any) -> Any:
        check(y, dual)

        def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            rest = [types.intp] * 3
            if isinstance(y, types.Array):
                impl = _put_array if y.dtype == dual else _put_nothing
                store = signature(types.none, y, line, *rest)
                context.compile_internal(builder, impl, store, args)
                return context.get_dummy_value()
            at = args[2]
            for _, number in numbers(context, builder, dual, y, args[0]):
                single = signature(types.none, dual, line, types.intp, types.intp)
                context.compile_internal(builder, _put_one, single, (number, args[1], at, args[3]))
                at = builder.add(at, args[4])
            return context.get_dummy_value()

        return signature(types.none, y, line, types.intp, types.intp, types.intp), write

    return intrinsic(put_all)


def numbers(context: Any, builder: Any, dual: DualType, ty: Any, y: Any) -> list[tuple[Any, Any]]:
    """A number or a tuple of numbers, each as its value and as a dual."""
    of_tuple = isinstance(ty, types.BaseTuple)
    parts = [builder.extract_value(y, i) for i in range(len(ty.types))] if of_tuple else [y]
    given = ty.types if of_tuple else [ty]
    duals = [context.cast(builder, v, t, dual) for t, v in zip(given, parts, strict=True)]
    return [(unpack(builder, dual, d)[0], d) for d in duals]


def _put_one(y, line, start, count):  # type: ignore[no-untyped-def]
    put(y, line, start, count)


def _put_array(y, line, start, count, n):  # type: ignore[no-untyped-def]
    for d in y.flat:
        put(d, line, start, count)
        start += n


def _put_nothing(y, line, start, count, n):  # type: ignore[no-untyped-def]
    for _ in range(y.size):
        line[start : start + count] = 0.0
        start += n


def splitter(dual: DualType) -> Any:
    """``split(y)``: the values of a result and its tangents (one each), as a result for floats is."""

    def split(typingctx: Any, y: Any) -> Any:
        check(y, dual)
        one = _split_type(y)

        def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            if isinstance(y, types.Array):
                impl = _split_array if y.dtype == dual else _split_constant
                return context.compile_internal(builder, impl, sig, args)
            found = numbers(context, builder, dual, y, args[0])
            tangents = [unpack(builder, dual, d)[1][0][0] for _, d in found]
            halves = ([v for v, _ in found], tangents)
            if isinstance(y, types.BaseTuple):
                parts = [context.make_tuple(builder, one, half) for half in halves]
            else:
                parts = [half[0] for half in halves]
            return context.make_tuple(builder, sig.return_type, parts)

        return signature(types.UniTuple(one, 2), y), write

    return intrinsic(split)


def _split_type(y: Any) -> Any:
    if isinstance(y, types.Array):
        return types.Array(f64, y.ndim, "C")
    return types.UniTuple(f64, len(y.types)) if isinstance(y, types.BaseTuple) else f64


def _split_array(y):  # type: ignore[no-untyped-def]
    values, tangents = np.empty(y.shape), np.empty(y.shape)
    v, t = values.reshape(-1), tangents.reshape(-1)
    for i, d in enumerate(y.flat):
        v[i] = value(d)
        put(d, t, i, 1)
    return values, tangents


def _split_constant(y):  # type: ignore[no-untyped-def]
    values = np.empty(y.shape)
    values[...] = y
    return values, np.zeros(y.shape)
