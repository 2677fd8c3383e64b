"""Tells Numba's type inference which operations take dual numbers and what they return.

Adds templates to the functions that Numba already knows; what it knew of them stays as it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numba import types
from numba.core.errors import TypingError
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import overload_method

from adbench.dual.numba.dual_type import NUMBERS, DualType
from adbench.dual.numba.names import (
    BINARY_KEYS,
    COMPARISONS,
    EXTREMA,
    POWER_KEYS,
    STEPS,
    UNARY_RULES,
)

Typed = Callable[[Any], Any]


def _unary(args: Any) -> Any:
    if len(args) == 1 and isinstance(args[0], DualType):
        return signature(args[0], args[0])
    return None


def operands(args: Any) -> tuple[Any, ...] | None:
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
    converted = operands(args)
    if converted is None:
        return None
    return signature(next(t for t in converted if isinstance(t, DualType)), *converted)


def _comparison(args: Any) -> Any:
    converted = operands(args)
    return None if converted is None else signature(types.boolean, *converted)


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


def _truth(args: Any) -> Any:
    if len(args) == 1 and isinstance(args[0], DualType):
        return signature(types.boolean, args[0])
    return None


def _divmod(args: Any) -> Any:
    converted = operands(args)
    if converted is None:
        return None
    dual = next(t for t in converted if isinstance(t, DualType))
    return signature(types.Tuple((types.float64, dual)), *converted)


def as_numbers(args: Any) -> tuple[Any, ...]:
    """The same types with float64 in the place of duals."""
    return tuple(types.float64 if isinstance(a, DualType) else a for a in args)


def _register(keys: Iterable[Any], typed: Typed) -> None:
    for key in keys:

        def generic(self: Any, args: Any, kws: Any) -> Any:
            return None if kws else typed(args)

        _template(key, generic)


def _template(key: Any, generic: Any) -> None:
    name = f"Dual_{getattr(key, '__name__', key)}"
    infer_global(key)(type(name, (AbstractTemplate,), {"key": key, "generic": generic}))


def _register_step(key: Any) -> None:
    """What the function returns for floats it returns for duals, when any operand is one."""

    def generic(self: Any, args: Any, kws: Any) -> Any:
        if kws or not any(isinstance(a, DualType) for a in args):
            return None
        if not all(isinstance(a, (DualType, *NUMBERS)) for a in args):
            return None
        function = self.context.resolve_value_type(key)
        sig = function.get_call_type(self.context, as_numbers(args), {})
        return signature(sig.return_type, *map(types.unliteral, args))

    _template(key, generic)


@overload_method(DualType, "__hash__")  # type: ignore[untyped-decorator, unused-ignore]
def _hash(dual: Any) -> Any:
    raise TypingError(f"hash({dual})")


_register(UNARY_RULES, _unary)
for _keys in BINARY_KEYS.values():
    _register(_keys, _binary)
_register(POWER_KEYS, _power)
_register(COMPARISONS, _comparison)
_register((*EXTREMA, math.copysign, np.copysign), _binary)
_register((max, min), _extremum)
_register((bool,), _truth)
_register((divmod, np.divmod), _divmod)
for _key in STEPS:
    _register_step(_key)
