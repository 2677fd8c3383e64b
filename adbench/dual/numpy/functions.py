"""NumPy functions of array duals beyond arithmetic: shapes, sums, products, choices, comparisons.

Each is written in terms of the value and, through `linear`, of tangents with one more leading axis.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from adbench.dual.numpy.arithmetic import aligned, lift, same_seed
from adbench.dual.numpy.array_type import (
    FUNCTIONS,
    UFUNCS,
    Array,
    DualArray,
    Seed,
    full,
    linear,
    plain,
)

Axes = int | tuple[int, ...] | None
Ours = TypeVar("Ours", bound=Callable[..., Any])


def implements(*functions: Any) -> Callable[[Ours], Ours]:
    """Enter the decorated function for those of NumPy."""

    def enter(ours: Ours) -> Ours:
        FUNCTIONS.update(dict.fromkeys(functions, ours))
        return ours

    return enter


def _axes(axis: Axes, ndim: int) -> tuple[int, ...]:
    """Axes as non-negative numbers; None means all."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if not all(-ndim <= i < ndim for i in axes):
        raise ValueError(f"axis {axis} of an array dual with {ndim} axes does not exist")
    return tuple(i % ndim for i in axes)


@implements(np.sum)
def _sum(a: DualArray, axis: Axes = None, keepdims: bool = False) -> DualArray:
    axes = _axes(axis, a.ndim)

    def summed(t: Array) -> Array:
        # an axis along which the tangents are all alike was never stored: it counts as often as
        # the value has elements there
        alike = math.prod(a.shape[i] for i in axes if t.shape[i + 1] != a.shape[i])
        s = t.sum(axis=tuple(i + 1 for i in axes), keepdims=keepdims)
        return s if alike == 1 else s * alike

    h = a.curvatures
    value = a.value.sum(axis=axes, keepdims=keepdims)
    return DualArray(value, summed(a.tangents), None if h is None else summed(h), a.seed)


@implements(np.mean)
def _mean(a: DualArray, axis: Axes = None, keepdims: bool = False) -> Any:
    count = math.prod(a.shape[i] for i in _axes(axis, a.ndim))
    return _sum(a, axis, keepdims=keepdims) / count


@implements(np.cumsum)
def _cumsum(a: DualArray, axis: int | None = None) -> DualArray:
    if axis is None:
        return _cumsum(ravel(a), 0)
    i = axis % a.ndim
    return linear(a, lambda v: np.cumsum(v, axis=i), lambda t: np.cumsum(t, axis=i + 1))


@implements(np.diff)
def _diff(a: DualArray, n: int = 1, axis: int = -1) -> DualArray:
    i = axis % a.ndim
    return linear(a, lambda v: np.diff(v, n, i), lambda t: np.diff(t, n, i + 1))


@implements(np.reshape)
def reshape(a: DualArray, *shape: Any, order: str = "C") -> DualArray:
    """As `numpy.reshape`."""
    if order != "C":
        raise TypeError(f"np.reshape of an array dual keeps order 'C', got '{order}'")
    wanted = shape[0] if len(shape) == 1 else shape
    target = a.value.reshape(wanted).shape
    return linear(a, lambda v: v.reshape(target), lambda t: t.reshape(t.shape[:1] + target))


@implements(np.ravel)
def ravel(a: DualArray) -> DualArray:
    """As `numpy.ravel`."""
    return reshape(a, -1)


@implements(np.transpose)
def _transpose(a: DualArray, *axes: Any) -> DualArray:
    if not axes or axes[0] is None:
        order = tuple(reversed(range(a.ndim)))
    else:
        given = axes[0] if isinstance(axes[0], (tuple, list)) else axes
        order = tuple(i % a.ndim for i in given)
    behind = (0, *(i + 1 for i in order))
    return linear(a, lambda v: np.transpose(v, order), lambda t: np.transpose(t, behind))


@implements(np.moveaxis)
def moveaxis(a: DualArray, source: int, destination: int) -> DualArray:
    """As `numpy.moveaxis`, for one axis."""
    i, j = source % a.ndim, destination % a.ndim
    return linear(a, lambda v: np.moveaxis(v, i, j), lambda t: np.moveaxis(t, i + 1, j + 1))


@implements(np.expand_dims)
def _expand_dims(a: DualArray, axis: int) -> DualArray:
    i = axis % (a.ndim + 1)
    return linear(a, lambda v: np.expand_dims(v, i), lambda t: np.expand_dims(t, i + 1))


@implements(np.squeeze)
def _squeeze(a: DualArray, axis: int | None = None) -> DualArray:
    return reshape(a, np.squeeze(a.value, axis=axis).shape)


@implements(np.copy)
def _copy(a: DualArray) -> DualArray:
    return linear(a, np.copy, np.copy)


@implements(np.broadcast_to)
def _broadcast_to(a: DualArray, shape: Any) -> DualArray:
    n = len(shape) if isinstance(shape, tuple) else 1
    value = np.broadcast_to(a.value, shape)
    return DualArray(value, aligned(a.tangents, n), lift(a.curvatures, n), a.seed)


def common_seed(operands: Sequence[Any]) -> tuple[Seed, int]:
    """The pass of the duals among the operands, and its number of directions."""
    duals = [x for x in operands if isinstance(x, DualArray)]
    for x in duals[1:]:
        same_seed(duals[0], x)
    return duals[0].seed, len(duals[0].tangents)


def _joined(join: Callable[..., Any], arrays: Sequence[Any], axis: int) -> DualArray:
    """np.concatenate or np.stack; the tangents of plain arrays are zero."""
    seed, k = common_seed(arrays)
    value = join([plain(x) for x in arrays], axis=axis)
    i = axis % value.ndim + 1

    def block(x: Any, part: Callable[[DualArray], Any], length: int) -> Array:
        t = part(x) if isinstance(x, DualArray) else None
        if t is None:
            return np.broadcast_to(np.zeros((), value.dtype), (length, *np.shape(plain(x))))
        return full(x, t)

    t = join([block(x, lambda d: d.tangents, k) for x in arrays], axis=i)
    bent = [x for x in arrays if isinstance(x, DualArray) and x.curvatures is not None]
    if not bent:
        return DualArray(value, t, None, seed)
    p = len(bent[0].curvatures)
    return DualArray(
        value, t, join([block(x, lambda d: d.curvatures, p) for x in arrays], axis=i), seed
    )


@implements(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: int = 0) -> DualArray:
    """As `numpy.concatenate`."""
    return _joined(np.concatenate, arrays, axis)


@implements(np.stack)
def _stack(arrays: Sequence[Any], axis: int = 0) -> DualArray:
    return _joined(np.stack, arrays, axis)


@implements(np.where)
def _where(condition: Any, a: Any, b: Any) -> Any:
    """The chosen operand's derivatives; a condition is looked at, not differentiated."""
    c = plain(condition)
    if not isinstance(a, DualArray) and not isinstance(b, DualArray):
        return np.where(c, a, b)
    seed, _ = common_seed([a, b])
    value = np.where(c, plain(a), plain(b))
    n = value.ndim

    def chosen(part: Callable[[DualArray], Any]) -> Any:
        sides = [lift(part(x), n) if isinstance(x, DualArray) else None for x in (a, b)]
        if sides[0] is None and sides[1] is None:
            return None
        return np.where(c, *(0.0 if t is None else t for t in sides))

    return DualArray(value, chosen(lambda d: d.tangents), chosen(lambda d: d.curvatures), seed)


def _maximum(a: Any, b: Any) -> Any:
    """At a tie the first operand's derivative; NaN wins, as in NumPy."""
    p, q = plain(a), plain(b)
    return _where((p >= q) | np.isnan(p), a, b)


def _minimum(a: Any, b: Any) -> Any:
    p, q = plain(a), plain(b)
    return _where((p <= q) | np.isnan(p), a, b)


@implements(np.clip)
def _clip(a: Any, low: Any = None, high: Any = None) -> Any:
    x = a if low is None else _maximum(a, low)
    return x if high is None else _minimum(x, high)


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(a: DualArray, axis: int | None = None) -> Any:
        if axis is not None:
            raise TypeError("np.max and np.min of an array dual take no axis: use np.maximum")
        return ravel(a)[int(choose(a.value))]

    return extreme


FUNCTIONS.update({np.max: _extreme(np.argmax), np.min: _extreme(np.argmin)})


def _of_value(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of the values: for comparisons, steps and questions about shape."""
    return lambda *args, **kwargs: function(*map(plain, args), **kwargs)


_STEPS = (
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
    np.isnan, np.isinf, np.isfinite, np.signbit, np.sign, np.floor, np.ceil, np.rint, np.trunc,
    np.logical_not, np.logical_and, np.logical_or,
)  # fmt: skip
_QUESTIONS = (np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.argmax, np.argmin)
UFUNCS.update({f: _of_value(f) for f in _STEPS})
UFUNCS.update({np.maximum: _maximum, np.minimum: _minimum})
FUNCTIONS.update({f: _of_value(f) for f in _QUESTIONS})
