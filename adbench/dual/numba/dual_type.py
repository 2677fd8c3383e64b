"""The Numba type of a dual number, its three layouts, and how its parts lie in memory.

A dual is a value with a *block* of tangents and, in second order, a block of second derivatives. A
block is a tuple of LLVM values of one type:

- layout S: k scalars, and the k(k+1)/2 entries of the upper triangle row by row. LLVM's loop
  vectoriser can then work across data.
- layout V: one vector of k lanes, and the k rows of the full matrix (a packed triangle would need
  shuffles, and LLVM would widen it to about the same number of lanes anyway). SIMD works across
  tangents, also in code that cannot be vectorised across data.
- layout R, for reverse mode: no tangents but an index on a tape, the address of that tape (see
  ``tape_memory``), and the derivative by the number of that index. All are 0 in a constant.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import UnsupportedError
from numba.core.typeconv import Conversion
from numba.extending import models, register_model

DOUBLE = ir.DoubleType()
NUMBERS = (types.Float, types.Integer, types.Boolean)

Block = tuple[Any, ...]
"""LLVM values of one type, DOUBLE or a vector of DOUBLE; in layout R of the types `ON_TAPE`."""

ON_TAPE = (ir.IntType(64), ir.IntType(64), DOUBLE)

_PARALLEL = "__numba_parfor_gufunc"  # in the names of what Numba makes of the body of a prange


class DualType(types.Type):  # type: ignore[misc, unused-ignore]
    """Type of a dual number with k tangents.

    Not a ``numba.types.Number``: Numba would then convert it to a float and lose the derivative.

    Parameters
    ----------
    k : int
        Number of tangents; 1 in layout R.
    order : {1, 2}
        Highest derivative carried; 1 in layout R.
    layout : {"S", "V", "R"}
        Scalars, one LLVM vector, or a place on a tape.
    """

    def __init__(self, k: int, order: int = 1, layout: str = "S") -> None:
        if layout not in ("S", "V", "R"):
            raise ValueError(
                f"layout {layout!r}: expected 'S' (scalars), 'V' (a vector) or 'R' (a tape)"
            )
        if k < 1 or order not in (1, 2):
            raise ValueError(f"a dual of order {order} with {k} tangents: k >= 1, order 1 or 2")
        if layout == "R" and (k, order) != (1, 1):
            raise ValueError(f"layout 'R' with k = {k} and order {order}: a tape has 1 and 1")
        self.k, self.order, self.layout = k, order, layout
        super().__init__(name=f"Dual[{k},{order},{layout}]")

    def can_convert_from(self, typingctx: Any, other: Any) -> Any:
        """Numbers become duals with zero tangents; nothing else converts."""
        return Conversion.promote if isinstance(other, NUMBERS) else None

    def unify(self, typingctx: Any, other: Any) -> Any:
        """One variable holding a number here and a dual there is a dual: ``s = 0.0; s += x``."""
        return self if isinstance(other, NUMBERS) else None

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Index pairs of the upper triangle, row by row: the order of packed second derivatives."""
        return [(i, j) for i in range(self.k) for j in range(i, self.k)]

    @property
    def element(self) -> Any:
        """LLVM type of an entry of a block, in layouts S and V."""
        return DOUBLE if self.layout == "S" else ir.VectorType(DOUBLE, self.k)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many entries each block has: tangents, then second derivatives."""
        if self.layout == "R":
            return (len(ON_TAPE),)
        if self.layout == "S":
            return (self.k, len(self.pairs))[: self.order]
        return (1, self.k)[: self.order]

    @property
    def aggregates(self) -> list[Any]:
        """LLVM type of each block in a dual."""
        if self.layout == "R":
            return [ir.LiteralStructType(ON_TAPE)]
        return [ir.ArrayType(self.element, count) for count in self.counts]


@register_model(DualType)
class DualModel(models.PrimitiveModel):  # type: ignore[misc, unused-ignore]
    """``{double, block, ...}`` in registers, the same in memory, in layout V packed.

    Memory is packed because Numba aligns arrays to 32 bytes at most, a vector's natural alignment
    is up to 128, and LLVM would fault on what it believes to be aligned.
    """

    def __init__(self, dmm: Any, fe_type: DualType) -> None:
        members = [DOUBLE, *fe_type.aggregates]
        self._members = members
        self._on_a_tape = fe_type.layout == "R"
        self._memory = ir.LiteralStructType(members, packed=fe_type.layout == "V")
        super().__init__(dmm, fe_type, ir.LiteralStructType(members))

    def get_data_type(self) -> Any:
        """LLVM type in memory."""
        return self._memory

    def as_data(self, builder: Any, value: Any) -> Any:
        """From registers to memory form."""
        self._refuse_threads(builder)
        return self._copied(builder, value, self._memory)

    def from_data(self, builder: Any, value: Any) -> Any:
        """From memory form to registers."""
        return self._copied(builder, value, self.get_value_type())

    def _copied(self, builder: Any, value: Any, target: Any) -> Any:
        result = ir.Constant(target, ir.Undefined)
        for i in range(len(self._members)):
            result = builder.insert_value(result, builder.extract_value(value, i), i)
        return result

    def load_from_data_pointer(self, builder: Any, ptr: Any, align: int | None = None) -> Any:
        """Load member by member, each with the 8-byte alignment that memory really has."""
        self._refuse_threads(builder)
        result = ir.Constant(self.get_value_type(), ir.Undefined)
        for i in range(len(self._members)):
            part = builder.load(cgutils.gep_inbounds(builder, ptr, 0, i))
            part.align = 8
            result = builder.insert_value(result, part, i)
        return result

    def _refuse_threads(self, builder: Any) -> None:
        """A tape belongs to one thread; whatever enters a parallel loop is loaded there."""
        if self._on_a_tape and _PARALLEL in builder.function.name:
            raise UnsupportedError(
                "a helper compiled with parallel=True: a tape records one thread; give the function "
                "a helper compiled without it (the function's own prange is no obstacle), or "
                "differentiate in forward mode"
            )


def unpack(builder: Any, ty: DualType, dual: Any) -> tuple[Any, list[Block]]:
    """The value of a dual, and its blocks in the order of `DualType.counts`."""
    realign_stack(builder)
    blocks = [
        tuple(builder.extract_value(dual, [1 + which, i]) for i in range(count))
        for which, count in enumerate(ty.counts)
    ]
    return builder.extract_value(dual, 0), blocks


def pack(context: Any, builder: Any, ty: DualType, value: Any, blocks: list[Block | None]) -> Any:
    """A dual of a value and its blocks; a block that is None is zero."""
    realign_stack(builder)
    dual = ir.Constant(context.get_value_type(ty), ir.Undefined)
    dual = builder.insert_value(dual, value, 0)
    for which, (block, aggregate) in enumerate(zip(blocks, ty.aggregates, strict=True)):
        for i, element in enumerate(aggregate.elements):
            entry = ir.Constant(element, None) if block is None else block[i]
            dual = builder.insert_value(dual, entry, [1 + which, i])
    return dual


def unit(ty: DualType, lane: int | None) -> Block:
    """The tangents of variable number `lane` as constants; all zero for None."""
    ones = [1.0 if j == lane else 0.0 for j in range(ty.k)]
    if ty.layout == "V":
        return (ir.Constant(ty.element, ones),)
    return tuple(ir.Constant(DOUBLE, one) for one in ones)


def realign_stack(builder: Any) -> None:
    """Have LLVM align the stack frame of the function being built to its widest vectors.

    Without it wide registers are spilled to a stack that is aligned to 16 bytes only, and the same
    machine code takes up to 1.6 times as long, depending on where the process's stack happens to
    begin: two fresh processes would then disagree about one method.

    The hook: llvmlite's attribute set refuses every name outside a list, which has no string
    attributes; ``set.add`` goes round its check. LLVM itself ignores attributes it does not know.
    """
    set.add(builder.function.attributes, '"stackrealign"')
