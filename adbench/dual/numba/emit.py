"""Turns a rule of the one table into LLVM code: expressions, the namespace, the chain rule.

A rule is ordinary Python over a namespace `m` and plain arithmetic. Here `m` is an `Emitter` and the
operands are `Expression` objects, so that running the rule writes the instructions. Elementary
functions go through Numba's own lowering for float64: a dual's value is what the float would be.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.typing import signature

from adbench.dual.numba.dual_type import DOUBLE, Block, DualType, pack
from adbench.dual.numba.special import POLYGAMMA
from adbench.dual.numba.tape_record import record
from adbench.dual.rules import CONSTANTS

f64 = types.float64
KEPT = ("nsz",)  # fast-math flags of what must be computed in the order written
LARGEST_UNROLLED_POWER = 0x10000  # where Numba's own constant powers stop multiplying


class Expression:
    """A float64 in LLVM code, with the arithmetic that rules use.

    `flags` go with all that is computed from it; Numba adds its own to instructions without any.
    """

    __slots__ = ("builder", "flags", "ir")

    def __init__(self, builder: Any, value: Any, flags: tuple[str, ...] = ()) -> None:
        self.builder = builder
        self.ir = value
        self.flags = flags

    def lift(self, other: Any) -> Expression:
        """`other` if it is an expression, else that number as a constant."""
        if isinstance(other, Expression):
            return other
        return Expression(self.builder, ir.Constant(DOUBLE, float(other)))

    def _new(self, instruction: Callable[..., Any], a: Any, b: Any) -> Expression:
        a, b = self.lift(a), self.lift(b)
        flags = a.flags or b.flags
        return Expression(self.builder, instruction(a.ir, b.ir, flags=flags), flags)

    def __add__(self, other: Any) -> Expression:
        return self._new(self.builder.fadd, self, other)

    def __radd__(self, other: Any) -> Expression:
        return self._new(self.builder.fadd, other, self)

    def __sub__(self, other: Any) -> Expression:
        return self._new(self.builder.fsub, self, other)

    def __rsub__(self, other: Any) -> Expression:
        return self._new(self.builder.fsub, other, self)

    def __mul__(self, other: Any) -> Expression:
        return self._new(self.builder.fmul, self, other)

    def __rmul__(self, other: Any) -> Expression:
        return self._new(self.builder.fmul, other, self)

    def __truediv__(self, other: Any) -> Expression:
        return self._new(self.builder.fdiv, self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return self._new(self.builder.fdiv, other, self)

    def __neg__(self) -> Expression:
        return Expression(self.builder, _negated(self.builder, self.ir, self.flags), self.flags)


class Emitter:
    """The namespace `m` of rules: ``m.exp(x)`` writes what Numba compiles for ``math.exp``."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context = context
        self.builder = builder

    def expression(self, value: Any) -> Expression:
        """The LLVM value as an operand of rules."""
        return Expression(self.builder, value)

    def __getattr__(self, name: str) -> Any:
        if name in CONSTANTS:
            return CONSTANTS[name]
        function = getattr(math, name, None)
        if function is None:
            raise NotImplementedError(f"a rule needs '{name}', which Numba's math does not have")
        return lambda *args: self.call(function, *args)

    def call(self, function: Any, *args: Any) -> Expression:
        """Numba's float64 implementation of a Python function or operator."""
        lifted = [Expression(self.builder, None).lift(a).ir for a in args]
        implementation = self.context.get_function(function, signature(f64, *[f64] * len(args)))
        return self.expression(implementation(self.builder, lifted))

    def resolved(self, function: Any, given: Sequence[Any], args: Sequence[Any]) -> tuple[Any, Any]:
        """Type and value of Numba's ``function(*args)`` for `given` types, whatever its kind."""
        typing = self.context.typing_context
        kind = typing.resolve_value_type(function)
        sig = kind.get_call_type(typing, tuple(given), {})
        implementation = self.context.get_function(kind, sig)
        self.context.add_linking_libs(getattr(implementation, "libs", ()))
        cast = [
            self.context.cast(self.builder, a, was, now)
            for a, was, now in zip(args, given, sig.args, strict=True)
        ]
        return sig.return_type, implementation(self.builder, cast)

    def polygamma(self, order: int, x: Expression) -> Expression:
        """The polygamma function of order 0 to 3."""
        return self.expression(self.resolved(POLYGAMMA[order], [f64], [x.ir])[1])

    def expit(self, x: Expression) -> Expression:
        """The logistic function; the exponential is of -abs(x) and cannot overflow."""
        e: Expression = self.exp(-self.fabs(x))
        return self.where_nonnegative(x, 1.0, e) / (1.0 + e)

    def cbrt(self, x: Expression) -> Expression:
        """The cube root, which Numba has as a ufunc."""
        return self.call(np.cbrt, x)

    def logaddexp(self, a: Expression, b: Expression) -> Expression:
        """``log(exp(a) + exp(b))``, which Numba has as a ufunc."""
        return self.call(np.logaddexp, a, b)

    def mod(self, a: Expression, b: Expression) -> Expression:
        """Python's ``a % b``."""
        return self.call(operator.mod, a, b)

    def floor(self, x: Expression) -> Expression:
        """The largest whole number that is not above, as a float."""
        return self.call(np.floor, x)

    def pow(self, x: Expression, n: Any) -> Expression:
        """``x ** n``; by multiplications, as Numba has it, where n is a whole Python number."""
        if isinstance(n, Expression) or n != int(n) or abs(n) > LARGEST_UNROLLED_POWER:
            return self.call(operator.pow, x, n)
        sig = signature(f64, f64, types.literal(int(n)))
        implementation = self.context.get_function(operator.pow, sig)
        return self.expression(implementation(self.builder, (x.ir, int(n))))

    def where_nonnegative(self, x: Expression, a: Any, b: Any) -> Expression:
        """`a` where ``x >= 0`` (either zero too), else `b`."""
        return self.choose(self.builder.fcmp_ordered(">=", x.ir, x.lift(0.0).ir), a, b)

    def quiet_log(self, x: Expression) -> Expression:
        """The logarithm, which raises nothing here: -inf at 0, NaN below."""
        return self.call(math.log, x)

    def strong(self, v: Expression, x: Expression) -> Expression:
        """``v * x``, where a zero v wins over an infinite x, but not over NaN."""
        is_zero = self.builder.fcmp_ordered("==", v.ir, v.lift(0.0).ir)
        number = self.builder.fcmp_ordered("ord", x.ir, x.ir)
        return self.choose(self.builder.and_(is_zero, number), 0.0, v * x)

    def steady(self, x: Expression) -> Expression:
        """`x`, where what is computed from it keeps its order: relaxed code may else overflow.

        An instruction with a flag of its own gets no other from Numba. The one chosen concerns the sign
        of a zero alone.
        """
        return Expression(self.builder, x.ir, KEPT)

    def square_error(self, x: Expression) -> Expression:
        """``x * x`` less its rounded value, exactly: one fused instruction."""
        b = self.builder
        rounded = b.fmul(x.ir, x.ir, flags=KEPT)
        return Expression(b, b.fma(x.ir, x.ir, b.fneg(rounded, flags=KEPT)), KEPT)

    def choose(self, condition: Any, a: Any, b: Any) -> Expression:
        """`a` where the LLVM boolean holds, else `b`."""
        lift = Expression(self.builder, None).lift
        return self.expression(self.builder.select(condition, lift(a).ir, lift(b).ir))


Factor = Expression | float | int | None
"""A partial derivative as rules give it: None is 0; 1 and -1 are literal."""


def chain(
    m: Emitter,
    ty: DualType,
    value: Any,
    operands: Sequence[list[Block]],
    first: Sequence[Factor],
    second: Sequence[Factor],
    strong_zero: bool = False,
) -> Any:
    """The dual of a function of one or two duals: chain rule in one place, both orders.

    Parameters
    ----------
    value : LLVM double
        The function's value.
    operands : one list of blocks for each operand that is a dual
    first : partial derivatives f_a[, f_b]
    second : f_aa[, f_ab, f_bb], used by order 2 only
    strong_zero : bool
        Whether 0 times infinity or NaN is 0 where the 0 is a tangent (see `pow`).
    """
    b = m.builder
    if ty.layout == "R":
        pairs = zip(operands, first, strict=True)
        slopes = [_scaled(b, o[0][2:], f, strong_zero) for o, f in pairs]
        return record(m.context, b, ty, value, [o[0][:2] for o in operands], slopes)

    def scaled(block: Block, factor: Factor) -> Block | None:
        return _scaled(b, block, factor, strong_zero)

    terms = [[scaled(o[0], f) for o, f in zip(operands, first, strict=True)]]
    if ty.order == 2:
        terms.append([scaled(o[1], f) for o, f in zip(operands, first, strict=True)])
        tangents = [o[0] for o in operands]
        couples = [(0, 0), (0, 1), (1, 1)] if len(operands) == 2 else [(0, 0)]
        for (p, q), factor in zip(couples, second, strict=True):
            if factor is None:
                continue
            product = _outer(b, ty, tangents[p], tangents[q])
            if p != q:
                product = _added(b, product, _outer(b, ty, tangents[q], tangents[p]))
            terms[1].append(scaled(product, factor))
    return pack(m.context, b, ty, value, [_sum(b, t) for t in terms])


def _scaled(b: Any, block: Block, factor: Factor, strong_zero: bool) -> Block | None:
    if factor is None:
        return None
    if not isinstance(factor, Expression):
        if factor == 1:
            return block
        if factor == -1:
            return tuple(_negated(b, t) for t in block)
        factor = Expression(b, ir.Constant(DOUBLE, float(factor)))
    spread = _spread(b, factor.ir, block[0].type)
    product = tuple(b.fmul(spread, t, flags=factor.flags) for t in block)
    if not strong_zero:
        return product
    zero = ir.Constant(spread.type, None)
    return tuple(
        b.select(b.fcmp_ordered("==", t, zero), zero, p)
        for t, p in zip(block, product, strict=True)
    )


def _negated(b: Any, value: Any, flags: tuple[str, ...] = ()) -> Any:
    """`value`, a double or a vector, with the other sign.

    As a subtraction, since Numba gives ``fneg`` no flags, and LLVM makes of ``-(a / b)`` a division that
    has those of both.
    """
    minus = _spread(b, ir.Constant(DOUBLE, -0.0), value.type)
    return b.fsub(minus, value, flags=flags)


def _added(b: Any, left: Block, right: Block) -> Block:
    return tuple(b.fadd(p, q) for p, q in zip(left, right, strict=True))


def _sum(b: Any, blocks: Sequence[Block | None]) -> Block | None:
    total: Block | None = None
    for block in blocks:
        if block is not None:
            total = block if total is None else _added(b, total, block)
    return total


def _outer(b: Any, ty: DualType, g: Block, h: Block) -> Block:
    """The products g_i h_j in the order of the block of second derivatives."""
    if ty.layout == "S":
        return tuple(b.fmul(g[i], h[j]) for i, j in ty.pairs)
    rows = [b.extract_element(g[0], ir.Constant(ir.IntType(32), i)) for i in range(ty.k)]
    return tuple(b.fmul(_spread(b, g_i, ty.element), h[0]) for g_i in rows)


def _spread(b: Any, value: Any, element: Any) -> Any:
    """The scalar in every lane of `element`; itself where that is no vector."""
    if element == DOUBLE:
        return value
    undefined = ir.Constant(element, ir.Undefined)
    index = ir.IntType(32)
    one = b.insert_element(undefined, value, ir.Constant(index, 0))
    lanes = ir.Constant(ir.VectorType(index, element.count), [0] * element.count)
    return b.shuffle_vector(one, undefined, lanes)
