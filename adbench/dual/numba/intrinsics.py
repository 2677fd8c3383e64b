"""Seeds duals and takes values and derivatives out of them, inside compiled drivers."""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.core.typing import signature
from numba.extending import intrinsic

from adbench.dual.numba.dual_type import DOUBLE, NUMBERS, DualType, pack, unit, unpack

f64 = types.float64


def seeder(ty: DualType) -> Any:
    """``seed(value, lane)``: a dual with tangent 1 in `lane`, known at run time; none when outside."""

    def seed(typingctx: Any, value: Any, lane: Any) -> Any:
        def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            value, lane = args
            bits = [
                builder.uitofp(builder.icmp_signed("==", lane, ir.Constant(lane.type, j)), DOUBLE)
                for j in range(ty.k)
            ]
            blocks: list[Any] = [tuple(bits) if ty.layout == "S" else (_vector(builder, bits),)]
            return pack(context, builder, ty, value, blocks + [None] * (ty.order - 1))

        return signature(ty, f64, types.intp), write

    return intrinsic(seed)


def _vector(builder: Any, entries: list[Any]) -> Any:
    vector = ir.Constant(ir.VectorType(DOUBLE, len(entries)), ir.Undefined)
    for j, entry in enumerate(entries):
        vector = builder.insert_element(vector, entry, ir.Constant(ir.IntType(32), j))
    return vector


def stack_of_duals(ty: DualType, n: int) -> Any:
    """``duals(x)``: a pointer to n duals on the caller's stack, variable i seeded in lane i.

    Seeds are constants in the code, so that LLVM leaves out the work on tangents that are zero.
    """

    def duals(typingctx: Any, x: Any) -> Any:
        def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            [array] = sig.args
            item = context.get_function(operator.getitem, signature(array.dtype, array, types.intp))
            store = cgutils.alloca_once(builder, context.get_data_type(ty), size=n)
            for i in range(n):
                index = context.get_constant(types.intp, i)
                value = context.cast(builder, item(builder, (args[0], index)), array.dtype, f64)
                blocks: list[Any] = [unit(ty, i)]
                dual = pack(context, builder, ty, value, blocks + [None] * (ty.order - 1))
                place = builder.gep(store, [ir.Constant(ir.IntType(64), i)])
                context.pack_value(builder, ty, dual, place)
            return store

        return signature(types.CPointer(ty), x), write

    return intrinsic(duals)


def dtype_of(ty: DualType) -> Any:
    """``dtype()``: what ``np.empty(n, dtype())`` takes to make an array of these duals."""

    def dtype(typingctx: Any) -> Any:
        def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return context.get_dummy_value()

        return signature(types.DType(ty)), write

    return intrinsic(dtype)


def as_dual(ty: DualType) -> Any:
    """``result(y)``: y as a dual; a function that returns a plain number is constant."""

    def result(typingctx: Any, y: Any) -> Any:
        if y != ty and not isinstance(y, NUMBERS):
            raise TypingError(
                f"the function returns {y}; one that is differentiated returns one number"
            )

        def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return context.cast(builder, args[0], sig.args[0], ty)

        return signature(ty, y), write

    return intrinsic(result)


def _value(typingctx: Any, dual: Any) -> Any:
    """``value(dual)``: the float64."""

    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.extract_value(args[0], 0)

    return signature(f64, dual), write


def _tangents(typingctx: Any, dual: Any) -> Any:
    """``tangents(dual)``: a tuple of k float64."""

    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        ty = sig.args[0]
        _, blocks = unpack(builder, ty, args[0])
        return cgutils.pack_array(builder, _entries(builder, ty, blocks[0]))

    return signature(types.UniTuple(f64, dual.k), dual), write


def _second_derivatives(typingctx: Any, dual: Any) -> Any:
    """``second_derivatives(dual)``: the upper triangle, row by row, a tuple of k(k+1)/2 float64."""

    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        ty = sig.args[0]
        _, blocks = unpack(builder, ty, args[0])
        entries = _entries(builder, ty, blocks[1])
        if ty.layout == "V":
            entries = [entries[i * ty.k + j] for i, j in ty.pairs]
        return cgutils.pack_array(builder, entries)

    return signature(types.UniTuple(f64, len(dual.pairs)), dual), write


def _entries(builder: Any, ty: DualType, block: Any) -> list[Any]:
    if ty.layout == "S":
        return list(block)
    index = ir.IntType(32)
    return [
        builder.extract_element(row, ir.Constant(index, j)) for row in block for j in range(ty.k)
    ]


# Called, not used as decorators, which mypy would have to trust untyped.
value = intrinsic(_value)
tangents = intrinsic(_tangents)
second_derivatives = intrinsic(_second_derivatives)
