"""Writes the code that records an operation on a tape: what ``emit.chain`` does in layout R.

A dual knows its derivative by the one number of the tape that it depends on. As long as there is one
only, nothing is recorded, however long the expression: ``sin(x) * exp(-x * x)`` is forward mode with
one tangent. What is recorded is where two meet, ``x + y``: the result is a new number of the tape, and
the entry holds its derivatives by both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature

from adbench.dual.numba.dual_type import DOUBLE, Block, DualType, pack
from adbench.dual.numba.tape_memory import ENTRY_BYTES, LIMIT, NEXT, ORIGIN, WORD, grow

NOWHERE = ir.Constant(WORD, 0)  # index of what depends on no variable
ONE = ir.Constant(DOUBLE, 1.0)
_BYTE = ir.IntType(8)
_GROW = "adbench_dual_tape_grow"


def record(
    context: Any,
    builder: Any,
    ty: DualType,
    value: Any,
    nodes: Sequence[Block],
    slopes: Sequence[Block | None],
) -> Any:
    """The dual of a function of one or two duals.

    Parameters
    ----------
    value : LLVM double
        The function's value.
    nodes : (index, tape) of each operand that is a dual
    slopes : (LLVM double,) or None (zero) for each
        The function's derivative by the number of that index: its partial derivative times the
        operand's own.
    """
    terms = [(*n, *s) for n, s in zip(nodes, slopes, strict=True) if s is not None]
    if len(terms) == 2:
        terms = [_joined(context, builder, *terms)]
    return pack(context, builder, ty, value, list(terms) or [None])


def _joined(context: Any, builder: Any, a: Block, b: Block) -> Block:
    """The block of what depends on both: a new entry, where they are different variables."""
    (i, tape_i, slope_i), (j, tape_j, slope_j) = a, b
    no_i, no_j = (builder.icmp_unsigned("==", index, NOWHERE) for index in (i, j))
    both = builder.select(no_j, slope_i, builder.fadd(slope_i, slope_j))
    slope = builder.select(no_i, slope_j, both)
    # Of two numbers that are equal, or one of them 0, this is the one that is not 0.
    index, tape = builder.or_(i, j), builder.or_(tape_i, tape_j)
    either_constant = builder.or_(no_i, no_j)
    differ = builder.and_(builder.icmp_unsigned("!=", i, j), builder.not_(either_constant))
    before = builder.block
    with builder.if_then(differ):
        recorded = _index_of_new(context, builder, tape, [(i, slope_i), (j, slope_j)])
        after = builder.block
    joined = builder.phi(WORD), builder.phi(DOUBLE)
    for phi, old, new in zip(joined, (index, slope), (recorded, ONE), strict=True):
        phi.add_incoming(old, before)
        phi.add_incoming(new, after)
    return joined[0], tape, joined[1]


def _index_of_new(context: Any, builder: Any, tape: Any, terms: Sequence[Block]) -> Any:
    control = builder.inttoptr(tape, WORD.as_pointer())

    def word(number: int) -> Any:
        return builder.gep(control, [ir.Constant(WORD, number)])

    full = builder.icmp_unsigned("==", builder.load(word(NEXT)), builder.load(word(LIMIT)))
    with cgutils.if_unlikely(builder, full):
        builder.call(_grow_function(context, builder), [tape])
    index, origin = builder.load(word(NEXT)), builder.load(word(ORIGIN))
    entry = builder.add(origin, builder.mul(index, ir.Constant(WORD, ENTRY_BYTES)))
    _write(builder, builder.inttoptr(entry, _BYTE.as_pointer()), terms)
    builder.store(builder.add(index, ir.Constant(WORD, 1)), word(NEXT))
    return index


def _write(builder: Any, entry: Any, terms: Sequence[Block]) -> None:
    """Both indices in one word, the second above the first; then both derivatives."""
    (i, slope_i), (j, slope_j) = terms
    indices = builder.or_(i, builder.shl(j, ir.Constant(WORD, 32)))
    for offset, part in enumerate((indices, slope_i, slope_j)):
        place = builder.gep(entry, [ir.Constant(WORD, 8 * offset)])
        builder.store(part, builder.bitcast(place, part.type.as_pointer()), align=8)


def _grow_function(context: Any, builder: Any) -> Any:
    """`tape_memory.grow` as a function of this module that is never inlined: it is rarely called."""
    found = builder.module.globals.get(_GROW)
    if found is not None:
        return found
    function = ir.Function(builder.module, ir.FunctionType(ir.VoidType(), [WORD]), _GROW)
    function.linkage = "linkonce_odr"
    function.attributes.add("noinline")
    function.attributes.add("cold")
    body = ir.IRBuilder(function.append_basic_block("entry"))
    sig = signature(types.none, types.intp)
    compiled = context.compile_subroutine(builder, grow.py_func, sig)
    # It raises nothing.
    context.call_internal_no_propagate(body, compiled.fndesc, sig, function.args)
    body.ret_void()
    return function
