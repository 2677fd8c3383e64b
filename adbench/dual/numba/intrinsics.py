"""Seeds duals and takes values and derivatives out of them, inside compiled drivers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic

from adbench.dual.numba.dual_type import DOUBLE, NUMBERS, DualType, pack, unpack
from adbench.dual.numba.refusals import refusal

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


def directed(ty: DualType) -> Any:
    """``seed(value, slope, lane)``: tangent `slope` in lane 0 and 1 in `lane`; none where lane is 0."""

    def seed(typingctx: Any, value: Any, slope: Any, lane: Any) -> Any:
        def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            value, slope, lane = args
            bits = [slope] + [
                builder.uitofp(builder.icmp_signed("==", lane, ir.Constant(lane.type, j)), DOUBLE)
                for j in range(1, ty.k)
            ]
            blocks: list[Any] = [tuple(bits) if ty.layout == "S" else (_vector(builder, bits),)]
            return pack(context, builder, ty, value, blocks + [None] * (ty.order - 1))

        return signature(ty, f64, f64, types.intp), write

    return intrinsic(seed)


def _vector(builder: Any, entries: list[Any]) -> Any:
    vector = ir.Constant(ir.VectorType(DOUBLE, len(entries)), ir.Undefined)
    for j, entry in enumerate(entries):
        vector = builder.insert_element(vector, entry, ir.Constant(ir.IntType(32), j))
    return vector


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
            raise refusal(
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


def _put(typingctx: Any, dual: Any, line: Any, start: Any, count: Any) -> Any:
    """``put(dual, line, start, count)``: the first `count` tangents, into the line from `start` on."""

    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        ty = sig.args[0]
        block = unpack(builder, ty, args[0])[1][0]
        _store_some(context, builder, _entries(builder, ty, block), sig, args)
        return context.get_dummy_value()

    return signature(types.none, dual, line, types.intp, types.intp), write


def _put_mixed(typingctx: Any, dual: Any, line: Any, start: Any, count: Any) -> Any:
    """``put_mixed(...)``: as `put`, second derivatives by lane 0 and by each of the lanes after it."""

    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        ty = sig.args[0]
        block = unpack(builder, ty, args[0])[1][1]
        first = list(block[: ty.k]) if ty.layout == "S" else _entries(builder, ty, block[:1])
        _store_some(context, builder, first[1:], sig, args)
        return context.get_dummy_value()

    return signature(types.none, dual, line, types.intp, types.intp), write


def _store_some(context: Any, builder: Any, entries: list[Any], sig: Any, args: Any) -> None:
    """Those of the entries that `count` tells; LLVM drops the questions where it is a constant."""
    line = context.make_array(sig.args[1])(context, builder, args[1])
    for j, entry in enumerate(entries):
        index = context.get_constant(types.intp, j)
        with builder.if_then(builder.icmp_signed("<", index, args[3])):
            builder.store(entry, builder.gep(line.data, [builder.add(args[2], index)]))


def square_writer(n: int) -> Any:
    """``put(dual, line)``: the symmetric matrix of n x n second derivatives, row by row."""

    def put(typingctx: Any, dual: Any, line: Any) -> Any:
        def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            ty = sig.args[0]
            entries = _entries(builder, ty, unpack(builder, ty, args[0])[1][1])
            array = context.make_array(sig.args[1])(context, builder, args[1])
            places = [(i, j) for i, j in ty.pairs if j < n]
            for i, j in places:
                entry = entries[ty.pairs.index((i, j)) if ty.layout == "S" else i * ty.k + j]
                for at in {i * n + j, j * n + i}:
                    place = builder.gep(array.data, [context.get_constant(types.intp, at)])
                    builder.store(entry, place)
            return context.get_dummy_value()

        return signature(types.none, dual, line), write

    return intrinsic(put)


# Called, not used as decorators, which mypy would have to trust untyped.
value = intrinsic(_value)
tangents = intrinsic(_tangents)
second_derivatives = intrinsic(_second_derivatives)
put = intrinsic(_put)
put_mixed = intrinsic(_put_mixed)
