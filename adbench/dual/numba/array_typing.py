"""Array expressions of duals: Numba is told their types, and fuses them into loops over scalars.

An expression of arrays, numbers and duals is compiled by Numba itself, element by element, from what
``typing`` and ``lowering`` say of scalars. Only in-place operators, which Numba does not fuse, are
written here, with the expression that they stand for.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import lower_builtin

from adbench.dual.numba.dual_type import NUMBERS, DualType
from adbench.dual.numba.emit import Emitter
from adbench.dual.numba.internals import (
    FIRST,
    check_version,
    fuse_array_expressions,
    scalars_beside_arrays,
)
from adbench.dual.numba.names import (
    BINARY_KEYS,
    COMPARISONS,
    EXTREMA,
    POWER_KEYS,
    STEPS,
    UNARY_RULES,
)

IN_PLACE: dict[Any, Callable[[Any, Any], Any]] = {
    operator.iadd: lambda a, b: a + b,
    operator.isub: lambda a, b: a - b,
    operator.imul: lambda a, b: a * b,
    operator.itruediv: lambda a, b: a / b,
    operator.ifloordiv: lambda a, b: a // b,
    operator.imod: lambda a, b: a % b,
    operator.ipow: lambda a, b: a**b,
}
_OPERATORS = (
    operator.add, operator.sub, operator.mul, operator.truediv, operator.mod, operator.floordiv,
    operator.pow, operator.neg, operator.pos,
)  # fmt: skip
_TO_BOOLEAN = (np.isnan, np.isinf, np.isfinite, np.signbit)


def elementwise(args: Any) -> Any:
    """Type of an elementwise result: an array of the duals among arrays and scalars, or None."""
    duals, arrays = set(), []
    for a in args:
        element = a
        if isinstance(a, types.Array):
            arrays.append(a)
            element = a.dtype
        if isinstance(element, DualType):
            duals.add(element)
        elif not isinstance(element, NUMBERS):
            return None
    if not arrays or len(duals) != 1:
        return None
    layouts = {a.layout for a in arrays}
    layout = "F" if "F" in layouts and "C" not in layouts else "C"
    return types.Array(duals.pop(), max(a.ndim for a in arrays), layout)


def _template(key: Any, operands: int, boolean: bool) -> None:
    def generic(self: Any, args: Any, kws: Any) -> Any:
        result = None if kws or len(args) != operands else elementwise(args)
        if result is None:
            return None
        return signature(result.copy(dtype=types.boolean) if boolean else result, *args)

    members = {"key": key, "generic": generic}
    infer_global(key)(type(f"DualArray_{key.__name__}", (AbstractTemplate,), members))


def _fusible(key: Any) -> bool:
    return isinstance(key, np.ufunc) or key in _OPERATORS


def _register_expressions() -> None:
    unary = {*UNARY_RULES, *(s for s in STEPS if getattr(s, "nin", 0) == 1)}
    binary = {key for keys in BINARY_KEYS.values() for key in keys}
    binary |= {*POWER_KEYS, *EXTREMA, np.copysign, operator.floordiv, np.floor_divide}
    for key in filter(_fusible, unary):
        _template(key, 1, key in _TO_BOOLEAN)
    for key in filter(_fusible, binary):
        _template(key, 2, False)
    for key in COMPARISONS:
        _template(key, 2, True)


def _register_in_place(key: Any, expression: Callable[[Any, Any], Any]) -> None:
    name = ("dual arrays", key)  # nothing that Numba's own signatures could be confused with

    def generic(self: Any, args: Any, kws: Any) -> Any:
        target = args[0]
        if not isinstance(target, types.Array) or not isinstance(target.dtype, DualType):
            return None
        result = elementwise(args)
        if result is None or result.ndim != target.ndim or result.dtype != target.dtype:
            return None
        return signature(target, *map(types.unliteral, args))

    members = {
        "key": key,
        "generic": generic,
        "metadata": FIRST,  # Numba's own does not merely refuse such arrays, it stumbles
        "get_impl_key": lambda self, sig: name,
    }
    infer_global(key)(type(f"DualArray_{key.__name__}", (AbstractTemplate,), members))
    lower_builtin(name, types.VarArg(types.Any))(_in_place(expression))


def _in_place(expression: Callable[[Any, Any], Any]) -> Any:
    result = njit(expression)

    @njit
    def loop(a, b):  # type: ignore[no-untyped-def]
        a[...] = result(a, b)
        return a

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        # Compiled apart: code written here would be compiled with the options of its user.
        return Emitter(context, builder).resolved(loop, sig.args, args)[1]

    return lower


check_version()
fuse_array_expressions(DualType)
scalars_beside_arrays(DualType)
_register_expressions()
for _key, _expression in IN_PLACE.items():
    _register_in_place(_key, _expression)
