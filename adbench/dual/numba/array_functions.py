"""NumPy's functions that build arrays of duals or choose among them: array, where, clip, interp."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core.typing import signature
from numba.extending import intrinsic, overload, register_jitable

from adbench.dual.numba.array_makers import dtype_of, dual_among
from adbench.dual.numba.dual_type import NUMBERS, DualType
from adbench.dual.numba.redirect import is_array, serves

SCALARS = (DualType, *NUMBERS)


def _same_types(typingctx: Any, values: Any) -> Any:
    """``same_types(values)``: a tuple of numbers and duals, nested or not, as one of duals alone."""
    dual = dual_among([values])

    def target(ty: Any) -> Any:
        if isinstance(ty, types.BaseTuple):
            return types.Tuple(tuple(target(t) for t in ty.types))
        return dual

    def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.cast(builder, args[0], sig.args[0], sig.return_type)

    return signature(target(values), values), write


same_types = intrinsic(_same_types)


def _depth(ty: Any) -> int:
    """How many axes an array of such nested lists and tuples has."""
    if isinstance(ty, types.BaseTuple):
        return 1 + (_depth(ty.types[0]) if ty.types else 0)
    return 1 + _depth(ty.dtype) if isinstance(ty, types.Sequence) else 0


@serves("array", "asarray")
def _array(object: Any, dtype: Any = None) -> Any:
    if isinstance(object, types.Array):
        return lambda object, dtype=None: object.copy()
    empty = dtype_of(dual_among([object]))
    tidy = same_types if isinstance(object, types.BaseTuple) else _itself

    def line(object: Any, dtype: Any = None) -> Any:
        values = tidy(object)
        out = np.empty(len(values), empty())
        for i in range(len(values)):
            out[i] = values[i]
        return out

    def table(object: Any, dtype: Any = None) -> Any:
        values = tidy(object)
        out = np.empty((len(values), len(values[0])), empty())
        for i in range(len(values)):
            if len(values[i]) != out.shape[1]:
                raise ValueError("rows of different lengths make no array")
            for j in range(out.shape[1]):
                out[i, j] = values[i][j]
        return out

    return {1: line, 2: table}.get(_depth(object))


@register_jitable  # type: ignore[untyped-decorator, unused-ignore]
def _itself(values: Any) -> Any:
    return values


def _element(values: Any, i: Any) -> Any:
    """Element i in the order of ``flat``; a number is its own element."""
    raise NotImplementedError("for compiled code")


@overload(_element, strict=False)  # type: ignore[untyped-decorator, unused-ignore]
def _choose_element(values: Any, i: Any) -> Any:
    if isinstance(values, types.Array):
        return lambda values, i: values.flat[i]
    return lambda values, i: values


def _fits(values: Any, array: Any) -> bool:
    """Whether a number, or an array of the same shape as the other."""
    raise NotImplementedError("for compiled code")


@overload(_fits, strict=False)  # type: ignore[untyped-decorator, unused-ignore]
def _choose_fits(values: Any, array: Any) -> Any:
    if not isinstance(values, types.Array):
        return lambda values, array: True
    return lambda values, array: values.shape == array.shape


@serves("where")
def _where(condition: Any, x: Any, y: Any) -> Any:
    if isinstance(condition, NUMBERS) and isinstance(x, SCALARS) and isinstance(y, SCALARS):
        return lambda condition, x, y: x if condition else y
    if not isinstance(condition, types.Array):
        return None
    empty = dtype_of(dual_among([x, y]))

    def loop(condition: Any, x: Any, y: Any) -> Any:
        if not (_fits(x, condition) and _fits(y, condition)):
            raise ValueError("np.where of duals: expected arrays of one shape, or numbers")
        out = np.empty(condition.shape, empty())
        flat = out.flat
        for i in range(out.size):
            if condition.flat[i]:
                flat[i] = _element(x, i)
            else:
                flat[i] = _element(y, i)
        return out

    return loop


@serves("clip", method=True)
def _clip(a: Any, a_min: Any, a_max: Any) -> Any:
    if isinstance(a_min, types.NoneType):
        return lambda a, a_min, a_max: np.minimum(a_max, a)
    if isinstance(a_max, types.NoneType):
        return lambda a, a_min, a_max: np.maximum(a, a_min)
    return lambda a, a_min, a_max: np.minimum(a_max, np.maximum(a, a_min))


@serves(abs)
def _abs(a: Any) -> Any:
    return (lambda a: np.absolute(a)) if is_array(a) else None


@serves("searchsorted")
def _searchsorted(a: Any, v: Any, side: Any = "left") -> Any:
    if not isinstance(a, types.Array) or a.ndim != 1 or not isinstance(v, SCALARS):
        return None

    def loop(a: Any, v: Any, side: Any = "left") -> Any:
        low, high = 0, a.size
        while low < high:
            middle = (low + high) // 2
            if a[middle] < v or (side == "right" and a[middle] == v):
                low = middle + 1
            else:
                high = middle
        return low

    return loop


@serves("linspace")
def _linspace(start: Any, stop: Any, num: Any = 50) -> Any:
    empty = dtype_of(dual_among([start, stop]))

    def loop(start: Any, stop: Any, num: Any = 50) -> Any:
        out = np.empty(num, empty())
        for i in range(num):
            out[i] = start + (stop - start) * (i / max(num - 1, 1))
        return out

    return loop


@register_jitable  # type: ignore[untyped-decorator, unused-ignore]
def _between(x: Any, xp: Any, fp: Any) -> Any:
    """The line through the two nodes around x; the first or last value outside of them."""
    last = xp.shape[0] - 1
    if x != x:
        return x
    if x < xp[0]:
        return fp[0]
    if x >= xp[last]:
        return fp[last]
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if x < xp[middle]:
            high = middle
        else:
            low = middle
    slope = (fp[high] - fp[low]) / (xp[high] - xp[low])
    return fp[low] + slope * (x - xp[low])


@serves("interp")
def _interp(x: Any, xp: Any, fp: Any) -> Any:
    if not all(isinstance(t, types.Array) and t.ndim == 1 for t in (xp, fp)):
        return None
    if isinstance(x, SCALARS):
        return lambda x, xp, fp: _between(x, xp, fp)
    if not isinstance(x, types.Array) or x.ndim != 1:
        return None
    empty = dtype_of(dual_among([x, xp, fp]))

    def loop(x: Any, xp: Any, fp: Any) -> Any:
        out = np.empty(x.shape[0], empty())
        for i in range(x.shape[0]):
            out[i] = _between(x[i], xp, fp)
        return out

    return loop


@serves("astype", method=True)
def _astype(a: Any, dtype: Any) -> Any:
    if is_array(a) and getattr(dtype, "dtype", None) in (types.float64, a.dtype):
        return lambda a, dtype: a.copy()
    return None
