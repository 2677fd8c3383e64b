"""Few variables, of known shapes, as duals on the stack of the function that calls.

Everything is a constant of the code: how many they are, where each lies, and its seed. LLVM then keeps
the duals in registers, unrolls loops over them, and leaves out the work on tangents that are zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from adbench.dual.numba.arguments import (
    Argnums,
    Shapes,
    all_dimensions,
    chosen,
    chosen_values,
    f64,
    leaves,
)
from adbench.dual.numba.dual_type import DualType, pack, unit
from adbench.dual.numba.internals import load_item
from adbench.dual.numba.memory import array_on
from adbench.dual.numba.refusals import refusal


def checker(argnums: Argnums, shapes: Shapes) -> Any:
    """``fits(args)``: whether the arrays among the variables have these shapes."""

    def fits(typingctx: Any, args: Any) -> Any:
        arrays = [t for t in leaves(chosen(args, argnums)) if isinstance(t, types.Array)]
        if [a.ndim for a in arrays] != [len(s) for s in shapes]:
            raise refusal(
                f"n= tells the shapes {list(shapes)}, but the variables have arrays of "
                f"{[a.ndim for a in arrays]} dimensions"
            )

        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            same = cgutils.true_bit
            dimensions = all_dimensions(context, builder, sig.args[0], values[0], argnums)
            for d, expected in zip(dimensions, (e for s in shapes for e in s), strict=True):
                equal = builder.icmp_signed("==", d, context.get_constant(types.intp, expected))
                same = builder.and_(same, equal)
            return same

        return signature(types.boolean, args), write

    return intrinsic(fits)


def seeded(ty: DualType, argnums: Argnums, shapes: Shapes) -> Any:
    """``seeded(args)``: the variables as duals on the caller's stack, variable i seeded in lane i.

    Seeds are constants in the code, so that LLVM leaves out the work on tangents that are zero.
    """

    def seed(typingctx: Any, args: Any) -> Any:
        def write(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            found = chosen_values(builder, sig.args[0], values[0], argnums)
            numbers = [
                number
                for leaf, shape in zip(found, _all_shapes(found, shapes), strict=True)
                for number in _numbers(context, builder, leaf, shape)
            ]
            store = cgutils.alloca_once(builder, context.get_data_type(ty), size=len(numbers))
            for lane, number in enumerate(numbers):
                blocks: list[Any] = [unit(ty, lane), *[None] * (ty.order - 1)]
                dual = pack(context, builder, ty, number, blocks)
                place = builder.gep(store, [ir.Constant(ir.IntType(64), lane)])
                context.pack_value(builder, ty, dual, place)
            shape = [context.get_constant(types.intp, len(numbers))]
            return array_on(context, builder, sig.return_type, store, shape)

        return signature(types.Array(ty, 1, "C"), args), write

    return intrinsic(seed)


def _all_shapes(found: list[tuple[Any, Any]], shapes: Shapes) -> list[tuple[int, ...]]:
    fixed = iter(shapes)
    return [next(fixed) if isinstance(ty, types.Array) else () for ty, _ in found]


def _numbers(context: Any, builder: Any, leaf: Any, shape: tuple[int, ...]) -> Iterator[Any]:
    """The numbers of a leaf as float64, read one by one."""
    ty, value = leaf
    if not isinstance(ty, types.Array):
        yield context.cast(builder, value, ty, f64)
        return
    array = context.make_array(ty)(context, builder, value)
    for index in np.ndindex(shape):
        places = [context.get_constant(types.intp, i) for i in index]
        pointer = cgutils.get_item_pointer(context, builder, ty, array, places)
        yield context.cast(builder, load_item(context, builder, ty, pointer), ty.dtype, f64)
