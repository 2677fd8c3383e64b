"""Tells Numba's type inference which operations take dual numbers and what they return.

Adds templates to the functions that Numba already knows; what it knew of them stays as it was.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numba import types
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global

from adbench.dual.numba.dual_type import NUMBERS, DualType
from adbench.dual.rules import UNARY

# What NumPy calls otherwise than math, and functions that are no member of either.
_NUMPY_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "neg": "negative", "pos": "positive",
}  # fmt: skip
_EXTRA: dict[str, tuple[Any, ...]] = {
    "neg": (operator.neg,),
    "pos": (operator.pos,),
    "fabs": (abs, np.absolute),
}

BINARY_KEYS: dict[str, tuple[Any, ...]] = {
    "add": (operator.add, operator.iadd, np.add),
    "sub": (operator.sub, operator.isub, np.subtract),
    "mul": (operator.mul, operator.imul, np.multiply),
    "div": (operator.truediv, operator.itruediv, np.true_divide),
    "atan2": (math.atan2, np.arctan2),
    "hypot": (math.hypot, np.hypot),
}
POWER_KEYS: tuple[Any, ...] = (operator.pow, operator.ipow, pow, math.pow, np.power)
COMPARISONS: dict[Any, str] = {
    operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">=",
    operator.eq: "==", operator.ne: "!=",
}  # fmt: skip
CLASSIFIERS: tuple[Any, ...] = (
    math.isnan, math.isinf, math.isfinite, np.isnan, np.isinf, np.isfinite,
)  # fmt: skip
TO_INTEGER: tuple[Any, ...] = (int, math.floor, math.ceil)


def unary_keys(name: str) -> tuple[Any, ...]:
    """Functions and operators that the unary rule of that name serves."""
    found = [getattr(math, name, None), getattr(np, _NUMPY_NAMES.get(name, name), None)]
    return tuple(f for f in found if f is not None) + _EXTRA.get(name, ())


def _unary(args: Any) -> Any:
    if len(args) == 1 and isinstance(args[0], DualType):
        return signature(args[0], args[0])
    return None


def _returns(result: Any) -> Callable[[Any], Any]:
    def of_one(args: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], DualType):
            return signature(result, args[0])
        return None

    return of_one


def _operands(args: Any) -> tuple[Any, ...] | None:
    """Types to which two operands are converted, or None when this is no operation on duals."""
    if len(args) != 2:
        return None
    a, b = args
    if isinstance(a, DualType) and (a == b or isinstance(b, NUMBERS)):
        return a, (b if a == b else types.float64)
    if isinstance(b, DualType) and isinstance(a, NUMBERS):
        return types.float64, b
    return None


def _binary(args: Any) -> Any:
    operands = _operands(args)
    if operands is None:
        return None
    return signature(next(t for t in operands if isinstance(t, DualType)), *operands)


def _comparison(args: Any) -> Any:
    operands = _operands(args)
    return None if operands is None else signature(types.boolean, *operands)


def _power(args: Any) -> Any:
    # Whole exponents keep their type: a literal one becomes multiplications.
    if len(args) == 2 and isinstance(args[0], DualType) and isinstance(args[1], types.Integer):
        exponent = args[1] if isinstance(args[1], types.IntegerLiteral) else types.int64
        return signature(args[0], args[0], exponent)
    return _binary(args)


def _extremum(args: Any) -> Any:
    duals = {a for a in args if isinstance(a, DualType)}
    rest = [a for a in args if not isinstance(a, DualType)]
    if len(args) < 2 or len(duals) != 1 or not all(isinstance(a, NUMBERS) for a in rest):
        return None
    [dual] = duals
    return signature(dual, *[dual] * len(args))


def _register(keys: Iterable[Any], typed: Callable[[Any], Any]) -> None:
    for key in keys:

        def generic(self: Any, args: Any, kws: Any) -> Any:
            return None if kws else typed(args)

        name = f"Dual_{getattr(key, '__name__', key)}"
        infer_global(key)(type(name, (AbstractTemplate,), {"key": key, "generic": generic}))


for _name in UNARY:
    _register(unary_keys(_name), _unary)
for _keys in BINARY_KEYS.values():
    _register(_keys, _binary)
_register(POWER_KEYS, _power)
_register(COMPARISONS, _comparison)
_register((np.maximum, np.minimum), _binary)
_register((max, min), _extremum)
_register((bool, *CLASSIFIERS), _returns(types.boolean))
_register(TO_INTEGER, _returns(types.int64))
