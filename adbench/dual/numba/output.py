"""Derivatives written to arrays of the caller's: what `out` may be, and how it is filled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from adbench.dual.numba.arguments import (
    LINE,
    Argnums,
    chosen,
    chosen_values,
    f64,
    leaf_values,
    shapes_of,
)
from adbench.dual.numba.memory import array_on, extents, product
from adbench.dual.numba.refusals import refusal


def placer(argnums: Argnums, times: int) -> Any:
    """``place(args, out, size)``: a line of so many numbers to compute in.

    It is out's own memory where that is in order: one C-contiguous array for one array of variables,
    whose shape it must have `times` times over (once for a gradient, twice for a Hessian).
    """

    def place(typingctx: Any, args: Any, out: Any, size: Any) -> Any:
        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            if not _in_order(args, out, argnums, times):
                fresh = signature(LINE, types.intp)
                return context.compile_internal(builder, _empty, fresh, (values[2],))
            [leaf] = chosen_values(builder, args, values[0], argnums)
            expected = shapes_of(context, builder, [leaf], None)[0] * times
            shape = extents(context, builder, out, values[1])
            _refuse(context, builder, shape, expected)
            data = context.make_array(out)(context, builder, values[1])
            line = [product(context, builder, shape)]
            return array_on(context, builder, LINE, data.data, line, owner=data.meminfo)

        return signature(LINE, args, out, size), write

    return intrinsic(place)


def _in_order(args: Any, out: Any, argnums: Argnums, times: int) -> bool:
    tree = chosen(args, argnums)
    arrays = isinstance(tree, types.Array) and isinstance(out, types.Array)
    return bool(arrays and out.layout == "C" and out.dtype == f64 and out.ndim == times * tree.ndim)


def _empty(size):  # type: ignore[no-untyped-def]
    return np.empty(size)


def _refuse(context: Any, builder: Any, shape: list[Any], expected: list[Any]) -> None:
    """Raise ValueError in compiled code where a shape is not the expected one."""
    for found, wanted in zip(shape, expected, strict=True):
        with cgutils.if_unlikely(builder, builder.icmp_signed("!=", found, wanted)):
            context.call_conv.return_user_exc(builder, ValueError, (_OTHER_SHAPE,))


_OTHER_SHAPE = "out has another shape than the derivatives"


def filler(argnums: Argnums, times: int | None) -> Any:
    """``fill(args, result, out)``: out, with the result copied to it unless it was computed there.

    `times` is that of `placer`; None where `place` was not used.
    """

    def fill(typingctx: Any, args: Any, result: Any, out: Any) -> Any:
        _check(result, out)

        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            if times is None or not _in_order(args, out, argnums, times):
                for (to, target), (ty, value) in _pairs(builder, sig, values):
                    assign = signature(types.none, to, ty)
                    context.compile_internal(builder, _assign, assign, (target, value))
            context.nrt.incref(builder, out, values[2])
            return values[2]

        return signature(out, args, result, out), write

    return intrinsic(fill)


def _check(result: Any, out: Any) -> None:
    pairs = [(result, out)]
    while pairs:
        wanted, given = pairs.pop()
        trees = isinstance(wanted, types.BaseTuple) and isinstance(given, types.BaseTuple)
        if trees and len(wanted.types) == len(given.types):
            pairs += zip(wanted.types, given.types, strict=True)
            continue
        fits = isinstance(wanted, types.Array) and isinstance(given, types.Array)
        if not (fits and wanted.ndim == given.ndim and given.dtype == f64 and given.mutable):
            raise refusal(
                f"out has {given} where the derivatives are {wanted}: expected writable arrays of "
                "float64 of as many dimensions; a single number has no out"
            )


def _pairs(builder: Any, sig: Any, values: Any) -> Iterator[Any]:
    return zip(
        leaf_values(builder, sig.args[2], values[2]),
        leaf_values(builder, sig.args[1], values[1]),
        strict=True,
    )


def _assign(out, a):  # type: ignore[no-untyped-def]
    if out.shape != a.shape:
        raise ValueError("out has another shape than the derivatives")
    out[...] = a
