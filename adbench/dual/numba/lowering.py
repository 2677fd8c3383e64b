"""What each operation on dual numbers compiles to: a rule, run over LLVM code.

Code is written in place, without inferring the types of a nested function: compiling for duals then
takes two to three times as long as for floats, and not ten.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.imputils import lower_constant
from numba.core.typing import signature
from numba.extending import lower_builtin, lower_cast

from adbench.dual.numba.dual_type import DOUBLE, NUMBERS, DualType, pack, unpack
from adbench.dual.numba.emit import Emitter, chain, f64
from adbench.dual.numba.names import (
    BINARY_KEYS,
    COMPARISONS,
    EXTREMA,
    POWER_KEYS,
    STEPS,
    UNARY_RULES,
)
from adbench.dual.numba.typing import as_numbers
from adbench.dual.rules import BINARY, SINGULAR, Binary, Unary, power

Lowering = Callable[[Any, Any, Any, Any], Any]


def value_of(builder: Any, ty: Any, operand: Any) -> Any:
    """The float64 of an operand that is a dual or a float64."""
    return builder.extract_value(operand, 0) if isinstance(ty, DualType) else operand


def _unary(rule: Unary) -> Lowering:
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        m = Emitter(context, builder)
        x, blocks = unpack(builder, sig.args[0], args[0])
        value, first, second = rule(m, m.expression(x))
        return chain(m, sig.return_type, value.ir, [blocks], [first], [second], rule in SINGULAR)

    return lower


def _binary(key: Any, rule: Binary) -> Lowering:
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        m = Emitter(context, builder)
        a, b = (m.expression(value_of(builder, t, v)) for t, v in zip(sig.args, args, strict=True))
        value, fa, fb, faa, fab, fbb = rule(m, a, b)
        if key in (operator.truediv, operator.itruediv):
            # Numba's own division raises ZeroDivisionError under the error model that asks for it.
            value = m.call(operator.truediv, a, b)
        strong = rule in SINGULAR
        return _spread_over(m, sig, args, value.ir, (fa, fb), (faa, fab, fbb), strong)

    return lower


def _spread_over(
    m: Emitter, sig: Any, args: Any, value: Any, first: Any, second: Any, strong_zero: bool = False
) -> Any:
    """Chain rule over those of two operands that are duals."""
    which = [i for i, t in enumerate(sig.args) if isinstance(t, DualType)]
    operands = [unpack(m.builder, sig.args[i], args[i])[1] for i in which]
    if len(which) == 1:
        first, second = [first[which[0]]], [second[2 * which[0]]]
    return chain(m, sig.return_type, value, operands, first, second, strong_zero)


def _power_of_duals(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    m = Emitter(context, builder)
    a, b = (m.expression(value_of(builder, t, v)) for t, v in zip(sig.args, args, strict=True))
    value, fa, fb, faa, fab, fbb = BINARY["pow"](m, a, b)
    # A strong zero: the exponent may be a constant that was converted to a dual (``p = 2.0``), and
    # log of a negative base must not turn the other derivatives into NaN.
    return _spread_over(m, sig, args, value.ir, (fa, fb), (faa, fab, fbb), strong_zero=True)


def _power_with_float(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    m = Emitter(context, builder)
    x, blocks = unpack(builder, sig.args[0], args[0])
    return _run_time_power(m, sig, x, blocks, args[1], None)


def _power_with_integer(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    m = Emitter(context, builder)
    x, blocks = unpack(builder, sig.args[0], args[0])
    exact = context.get_function(operator.pow, signature(f64, f64, types.int64))
    value = exact(builder, (x, args[1]))
    return _run_time_power(m, sig, x, blocks, builder.sitofp(args[1], DOUBLE), value)


def _run_time_power(m: Emitter, sig: Any, x: Any, blocks: Any, n: Any, value: Any) -> Any:
    whole = value is not None
    computed, first, second = power(m, m.expression(x), m.expression(n), whole)
    # The rule looks for exponents 0 and 1; here they are known at run time only.
    is_zero = m.builder.fcmp_ordered("==", n, ir.Constant(DOUBLE, 0.0))
    is_one = m.builder.fcmp_ordered("==", n, ir.Constant(DOUBLE, 1.0))
    first = m.choose(is_zero, 0.0, first)
    second = m.choose(m.builder.or_(is_zero, is_one), 0.0, second)
    value = computed.ir if value is None else value
    return chain(m, sig.return_type, value, [blocks], [first], [second], not whole)


def _power_with_literal(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    m = Emitter(context, builder)
    n = sig.args[1].literal_value
    x, blocks = unpack(builder, sig.args[0], args[0])
    _, first, second = power(m, m.expression(x), n)
    value = m.pow(m.expression(x), n)
    return chain(m, sig.return_type, value.ir, [blocks], [first], [second])


def _comparison(predicate: str) -> Lowering:
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, b = (value_of(builder, t, v) for t, v in zip(sig.args, args, strict=True))
        compare = builder.fcmp_unordered if predicate == "!=" else builder.fcmp_ordered
        return compare(predicate, a, b)

    return lower


def _extremum(predicate: str) -> Lowering:
    """Python's max and min: the first of equal operands, as Numba compiles them for floats."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        best = args[0]
        for other in args[1:]:
            x, y = builder.extract_value(other, 0), builder.extract_value(best, 0)
            best = builder.select(builder.fcmp_ordered(predicate, x, y), other, best)
        return best

    return lower


def _numpy_extremum(predicate: str, key: Any) -> Lowering:
    """NumPy's maximum and minimum: the first of two equal operands; NaN wins, but not in fmax."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, b = (
            context.cast(builder, v, t, sig.return_type)
            for t, v in zip(sig.args, args, strict=True)
        )
        x, y = builder.extract_value(a, 0), builder.extract_value(b, 0)
        nan = y if key in (np.fmax, np.fmin) else x
        first = builder.or_(
            builder.fcmp_ordered(predicate, x, y), builder.fcmp_unordered("uno", nan, nan)
        )
        return builder.select(first, a, b)

    return lower


def _step(key: Any) -> Lowering:
    """Functions of the value alone, as Numba compiles them for floats."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        values = [value_of(builder, t, v) for t, v in zip(sig.args, args, strict=True)]
        return Emitter(context, builder).resolved(key, as_numbers(sig.args), values)[1]

    return lower


def _print(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    own = context.get_function("print_item", signature(types.none, f64))
    return own(builder, [builder.extract_value(args[0], 0)])


def _divmod(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    quotient = _step(operator.floordiv)(context, builder, sig, args)
    rest = sig.return_type.types[1]
    remainder = _binary(operator.mod, BINARY["mod"])(
        context, builder, signature(rest, *sig.args), args
    )
    return context.make_tuple(builder, sig.return_type, (quotient, remainder))


def _copysign(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """The first operand or its opposite, whichever has the sign of the second."""
    m = Emitter(context, builder)
    a, b = (m.expression(value_of(builder, t, v)) for t, v in zip(sig.args, args, strict=True))
    value = m.call(math.copysign, a, b)
    slope = m.call(math.copysign, 1.0, a) * m.call(math.copysign, 1.0, b)
    return _spread_over(m, sig, args, value.ir, (slope, None), (None, None, None))


def _number_to_dual(context: Any, builder: Any, fromty: Any, toty: Any, val: Any) -> Any:
    value = context.cast(builder, val, fromty, f64)
    return pack(context, builder, toty, value, [None] * toty.order)


def _dual_to_bool(context: Any, builder: Any, fromty: Any, toty: Any, val: Any) -> Any:
    return builder.fcmp_unordered("!=", builder.extract_value(val, 0), ir.Constant(DOUBLE, 0.0))


@lower_constant(DualType)  # type: ignore[untyped-decorator, unused-ignore]
def _constant(context: Any, builder: Any, ty: DualType, number: Any) -> Any:
    """A Python number where a dual is due: parallel reductions begin with one."""
    return pack(context, builder, ty, ir.Constant(DOUBLE, float(number)), [None] * ty.order)


def _register() -> None:
    mixed = ((DualType, DualType), (DualType, types.Float), (types.Float, DualType))
    for key, rule in UNARY_RULES.items():
        lower_builtin(key, DualType)(_unary(rule))
    for name, keys in BINARY_KEYS.items():
        for key in keys:
            for operands in mixed:
                lower_builtin(key, *operands)(_binary(key, BINARY[name]))
    for key in POWER_KEYS:
        lower_builtin(key, DualType, DualType)(_power_of_duals)
        lower_builtin(key, types.Float, DualType)(_power_of_duals)
        lower_builtin(key, DualType, types.Float)(_power_with_float)
        lower_builtin(key, DualType, types.Integer)(_power_with_integer)
        lower_builtin(key, DualType, types.IntegerLiteral)(_power_with_literal)
    for operands in mixed:
        for key, predicate in COMPARISONS.items():
            lower_builtin(key, *operands)(_comparison(predicate))
        for key, predicate in EXTREMA.items():
            lower_builtin(key, *operands)(_numpy_extremum(predicate, key))
        for key in (math.copysign, np.copysign):
            lower_builtin(key, *operands)(_copysign)
        for key in (divmod, np.divmod):
            lower_builtin(key, *operands)(_divmod)
    lower_builtin(max, DualType, types.VarArg(DualType))(_extremum(">"))
    lower_builtin(min, DualType, types.VarArg(DualType))(_extremum("<"))
    forms: list[tuple[Any, ...]] = [(DualType,), (DualType, DualType)]
    forms += [pair for n in NUMBERS for pair in ((DualType, n), (n, DualType))]
    for key in STEPS:
        for form in forms:
            lower_builtin(key, *form)(_step(key))
    lower_builtin("print_item", DualType)(_print)
    lower_builtin(bool, DualType)(lambda c, b, sig, args: _dual_to_bool(c, b, None, None, args[0]))
    for number in NUMBERS:
        lower_cast(number, DualType)(_number_to_dual)
    lower_cast(DualType, types.Boolean)(_dual_to_bool)


_register()
