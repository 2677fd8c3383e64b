"""Gives derivatives in flat memory the structure of the variables that they belong to.

A gradient lies in a line of n numbers. A Jacobian lies in a line of m rows of n numbers, a row for
each number of the result; it comes out with the result's shape before the variables' shape. In a
Hessian the variables themselves take the place of the result. Views where the memory is in order
already (one array among the variables, or one row), copies where it is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from adbench.dual.numba.arguments import (
    LINE,
    Argnums,
    assembled,
    chosen,
    chosen_values,
    f64,
    mapped,
    offsets,
    shapes_of,
)
from adbench.dual.numba.memory import array_on, product, steps, view


def _block_type(leading: int) -> Any:
    """The type of the derivatives of `leading` dimensions by one leaf of the variables."""

    def of(leaf: Any) -> Any:
        own = leaf.ndim if isinstance(leaf, types.Array) else 0
        is_array = leading or isinstance(leaf, types.Array)
        return types.Array(f64, leading + own, "C") if is_array else f64

    return of


class _Variables:
    """Leaves of the variables in LLVM code: types, shapes and places in the line."""

    def __init__(self, context: Any, builder: Any, ty: Any, args: Any, argnums: Argnums) -> None:
        found = chosen_values(builder, ty, args, argnums)
        self.types = [t for t, _ in found]
        self.shapes = shapes_of(context, builder, found, None)
        self.sizes = [product(context, builder, s) for s in self.shapes]
        *self.starts, self.count = offsets(context, builder, self.sizes)


def structurer(argnums: Argnums) -> Any:
    """``structured(args, line, shape)``: the m x n derivatives as the variables are structured.

    Of a result of that shape (a tuple of m's factors): ``()`` for a gradient.
    """

    def structured(typingctx: Any, args: Any, line: Any, shape: Any) -> Any:
        result = mapped(chosen(args, argnums), _block_type(len(shape)))

        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            variables = _Variables(context, builder, sig.args[0], values[0], argnums)
            leading = cgutils.unpack_tuple(builder, values[2], len(shape))
            start = context.get_constant(types.intp, 0)
            blocks = _blocks(context, builder, variables, values[1], start, leading)
            return assembled(context, builder, result, blocks)

        return signature(result, args, line, shape), write

    return intrinsic(structured)


def matrix_structurer(argnums: Argnums) -> Any:
    """``structured(args, line)``: the n x n second derivatives, variables by variables."""

    def structured(typingctx: Any, args: Any, line: Any) -> Any:
        tree = chosen(args, argnums)

        def rows(leaf: Any) -> Any:
            own = leaf.ndim if isinstance(leaf, types.Array) else 0
            return mapped(tree, _block_type(own))

        result = mapped(tree, rows)

        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            variables = _Variables(context, builder, sig.args[0], values[0], argnums)
            blocks = (
                block
                for row, shape in zip(variables.starts, variables.shapes, strict=True)
                for block in _blocks(
                    context,
                    builder,
                    variables,
                    values[1],
                    builder.mul(row, variables.count),
                    shape,
                )
            )
            return assembled(context, builder, result, blocks)

        return signature(result, args, line), write

    return intrinsic(structured)


def _blocks(
    context: Any, builder: Any, variables: _Variables, line: Any, start: Any, leading: list[Any]
) -> Iterator[Any]:
    """Derivatives of the rows from `start` on, one leaf of the variables after the other."""
    in_order = len(variables.types) == 1 or not leading
    of = zip(variables.types, variables.shapes, variables.starts, strict=True)
    for ty, shape, column in of:
        at = builder.add(start, column)
        if in_order:
            is_array = bool(leading) or isinstance(ty, types.Array)
            yield view(context, builder, LINE, line, at, [*leading, *shape], is_array)
        else:
            yield _copy_of_columns(context, builder, variables, line, at, leading, shape)


def _copy_of_columns(
    context: Any,
    builder: Any,
    variables: _Variables,
    line: Any,
    at: Any,
    leading: list[Any],
    shape: list[Any],
) -> Any:
    """Some columns of a matrix of rows of n numbers, as a contiguous array."""
    number = context.get_constant(types.intp, context.get_abi_sizeof(context.get_value_type(f64)))
    row = builder.mul(number, variables.count)
    strides = [
        *steps(context, builder, leading, row),
        *steps(context, builder, shape, number),
    ]
    source = context.make_array(LINE)(context, builder, line)
    scattered = types.Array(f64, len(strides), "A")
    data = builder.gep(source.data, [at])
    columns = array_on(context, builder, scattered, data, [*leading, *shape], strides)
    contiguous = types.Array(f64, len(strides), "C")
    return context.compile_internal(builder, _copy, signature(contiguous, scattered), (columns,))


def _copy(a):  # type: ignore[no-untyped-def]
    return a.copy()
