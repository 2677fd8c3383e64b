"""Which functions and operators of Python and NumPy each rule serves when Numba compiles them.

Knows names only: what they take and return is in ``typing``, what they compile to in ``lowering``.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from adbench.dual.numba import special
from adbench.dual.rules import BINARY, UNARY, Unary, power

# What NumPy calls otherwise than math, and functions that are no member of either.
_NUMPY_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "neg": "negative", "pos": "positive",
}  # fmt: skip
_EXTRA: dict[str, tuple[Any, ...]] = {
    "neg": (operator.neg,),
    # float() of a float64 is that float64; of a dual it is the dual, and no derivative is lost
    "pos": (operator.pos, float),
    "fabs": (abs, np.absolute),
    "digamma": (special.digamma,),
    "expit": (special.expit,),
}


def unary_keys(name: str) -> tuple[Any, ...]:
    """Functions and operators that the unary rule of that name serves."""
    found = [getattr(math, name, None), getattr(np, _NUMPY_NAMES.get(name, name), None)]
    return tuple(f for f in found if f is not None) + _EXTRA.get(name, ())


BINARY_KEYS: dict[str, tuple[Any, ...]] = {
    "add": (operator.add, operator.iadd, np.add),
    "sub": (operator.sub, operator.isub, np.subtract),
    "mul": (operator.mul, operator.imul, np.multiply),
    "div": (operator.truediv, operator.itruediv, np.true_divide),
    "mod": (operator.mod, operator.imod, np.remainder),
    "atan2": (math.atan2, np.arctan2),
    "hypot": (math.hypot, np.hypot),
    "logaddexp": (np.logaddexp,),
}
POWER_KEYS: tuple[Any, ...] = (operator.pow, operator.ipow, pow, math.pow, np.power, np.float_power)
COMPARISONS: dict[Any, str] = {
    operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=",
    operator.eq: "==", operator.ne: "!=",
    np.less: "<", np.less_equal: "<=", np.greater: ">", np.greater_equal: ">=",
    np.equal: "==", np.not_equal: "!=",
}  # fmt: skip
EXTREMA: dict[Any, str] = {np.maximum: ">=", np.minimum: "<=", np.fmax: ">=", np.fmin: "<="}

# Functions of the value alone: they step from one constant to the next, and so have no derivative
# to carry. They take and return what they take and return for floats.
STEPS: tuple[Any, ...] = (
    math.isnan, math.isinf, math.isfinite, np.isnan, np.isinf, np.isfinite, np.signbit,
    math.floor, math.ceil, math.trunc, int, round,
    np.floor, np.ceil, np.trunc, np.rint, np.round, np.around, np.sign,
    operator.floordiv, operator.ifloordiv, np.floor_divide,
)  # fmt: skip


def _square(m: Any, x: Any) -> tuple[Any, Any, Any]:
    return power(m, x, 2)


def _reciprocal(m: Any, x: Any) -> tuple[Any, Any, Any]:
    value, _, first, _, _, second = BINARY["div"](m, 1.0, x)
    return value, first, second


def _exp2(m: Any, x: Any) -> tuple[Any, Any, Any]:
    v = m.exp2(x)
    first = math.log(2.0) * v
    return v, first, math.log(2.0) * first


def _times(factor: float) -> Unary:
    return lambda m, x: (x * factor, factor, None)


_TO_RADIANS, _TO_DEGREES = _times(math.pi / 180.0), _times(180.0 / math.pi)

# Functions that the table has under another name; only their values are computed as Numba does.
OTHER_NAMES: dict[Any, Unary] = {
    np.square: _square,
    np.reciprocal: _reciprocal,
    np.exp2: _exp2,
    getattr(math, "exp2", np.exp2): _exp2,
    np.deg2rad: _TO_RADIANS,
    np.radians: _TO_RADIANS,
    math.radians: _TO_RADIANS,
    np.rad2deg: _TO_DEGREES,
    np.degrees: _TO_DEGREES,
    math.degrees: _TO_DEGREES,
}

UNARY_RULES: dict[Any, Unary] = {
    **{key: rule for name, rule in UNARY.items() for key in unary_keys(name)},
    **OTHER_NAMES,
}
"""Rule of every function and operator of one operand."""
