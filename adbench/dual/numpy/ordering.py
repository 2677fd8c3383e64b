"""Sorting, picking, differences and interpolation of array duals."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from adbench.dual.numpy.array_type import METHODS, UFUNC_METHODS, DualArray, core, linear
from adbench.dual.numpy.elementwise import implements, where
from adbench.dual.numpy.joining import concatenate
from adbench.dual.numpy.memory import DroppedDerivativeError, assign
from adbench.dual.numpy.reductions import merged, picked
from adbench.dual.numpy.shapes import Axes, axes_of, moveaxis, ravel, reshape


@implements(np.take_along_axis)
def _take_along_axis(arr: DualArray, indices: Any, axis: int | None = -1) -> DualArray:
    return picked(ravel(arr), indices, 0) if axis is None else picked(arr, indices, axis)


@implements(np.put_along_axis)
def _put_along_axis(arr: DualArray, indices: Any, values: Any, axis: int) -> None:
    (i,) = axes_of(axis, arr.ndim)
    at = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    at[i] = indices
    arr[tuple(at)] = values


@implements(np.take)
def _take(a: DualArray, indices: Any, axis: int | None = None, *, mode: str = "raise") -> DualArray:
    if axis is None:
        return _take(ravel(a), indices, 0, mode=mode)
    (i,) = axes_of(axis, a.ndim)
    value = np.take(a.value, indices, i, mode=mode)  # type: ignore[call-overload]
    return linear(a, value, lambda t: np.take(t, indices, i + 1, mode=mode))  # type: ignore[call-overload]


@implements(np.sort)
def sort(
    a: DualArray, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> DualArray:
    """As `numpy.sort`; equal elements keep their order, whatever the kind."""
    if axis is None:
        return sort(ravel(a), 0)
    return picked(a, np.argsort(core(a), axis, kind="stable"), axis)


@implements(np.partition)
def _partition(a: DualArray, kth: Any, axis: int | None = -1) -> DualArray:
    if axis is None:
        return _partition(ravel(a), kth, 0)
    return picked(a, np.argpartition(core(a), kth, axis), axis)


@implements(np.median)
def _median(a: DualArray, axis: Axes = None, *, keepdims: bool = False) -> Any:
    x, _ = merged(a, axis)
    s, n = sort(x), x.shape[-1]
    value = np.median(core(a), axis=axis, keepdims=keepdims)
    middle = 0.5 * (s[..., (n - 1) // 2] + s[..., n // 2])
    middle = reshape(middle, np.shape(value))
    # NaN there, too, is NumPy's
    return middle + np.where(np.isnan(value), np.nan, 0.0)


@implements(np.quantile)
def quantile(a: DualArray, q: Any, axis: Axes = None, *, keepdims: bool = False) -> Any:
    """As `numpy.quantile`, by its default method, linear between two elements."""
    x, kept = merged(a, axis)
    s, n = sort(x), x.shape[-1]
    position = np.asarray(q) * (n - 1.0)
    low = np.minimum(np.floor(position).astype(int), max(n - 2, 0))
    share = position - low
    # the axis of q, where it has one, comes first
    result = s[..., low] * (1.0 - share) + s[..., np.minimum(low + 1, n - 1)] * share
    result = moveaxis(result, -1, 0) if np.ndim(q) else result
    return reshape(result, (*np.shape(q), *kept)) if keepdims else result


@implements(np.percentile)
def _percentile(a: DualArray, q: Any, axis: Axes = None, *, keepdims: bool = False) -> Any:
    return quantile(a, np.true_divide(q, 100.0), axis, keepdims=keepdims)


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """As `numpy.diff`."""
    if prepend is not None or append is not None:
        shape = list(np.shape(a))
        shape[axis] = 1
        ends = [
            x if x is None or np.ndim(x) else np.broadcast_to(x, shape) for x in (prepend, append)
        ]
        return diff(concatenate([x for x in (ends[0], a, ends[1]) if x is not None], axis), n, axis)
    if type(a) is not DualArray:
        return np.diff(a, n, axis)
    (i,) = axes_of(axis, a.ndim)
    return linear(a, np.diff(a.value, n, i), lambda t: np.diff(t, n, i + 1))


@implements(np.ediff1d)
def _ediff1d(ary: DualArray) -> Any:
    return diff(ravel(ary))


@implements(np.gradient)
def _gradient(f: DualArray, *varargs: Any, axis: Axes = None, edge_order: Any = 1) -> Any:
    axes = axes_of(axis, f.ndim)
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    if len(spacings) != len(axes) or any(type(s) is DualArray for s in spacings):
        raise TypeError(
            "np.gradient of an array dual takes one plain spacing for all axes or one for each"
        )

    def along(i: int, spacing: Any) -> DualArray:
        value = np.gradient(f.value, spacing, axis=i, edge_order=edge_order)
        path = lambda t: np.gradient(t, spacing, axis=i + 1, edge_order=edge_order)  # noqa: E731
        return linear(f, value, path)

    parts = tuple(map(along, axes, spacings))
    return parts[0] if len(parts) == 1 else parts


@implements(getattr(np, "trapezoid", None), getattr(np, "trapz", None))
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = np.moveaxis(y, axis, -1)
    if x is not None:
        x = x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1)
        dx = x[..., 1:] - x[..., :-1]
    return np.sum(dx * (y[..., 1:] + y[..., :-1]) * 0.5, axis=-1)


@implements(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """Of x, positions and values alike; at a position the slope of the interval to its right.

    At and beyond the ends the value is a constant, as NumPy's is.
    """
    x = x if type(x) is DualArray else np.asarray(x)
    v, knots = core(x), np.asarray(core(xp))
    at = np.clip(np.searchsorted(knots, v, side="right") - 1, 0, max(len(knots) - 2, 0))
    after = np.minimum(at + 1, len(knots) - 1)
    position = xp if type(xp) is DualArray else np.asarray(xp)
    height = fp if type(fp) is DualArray else np.asarray(fp)
    x0, y0 = position[at], height[at]
    inside = y0 + (height[after] - y0) / (position[after] - x0) * (x - x0)
    inside = where(v == knots[-1], height[-1] + 0.0 * inside, inside)
    low = height[0] if left is None else left
    high = height[-1] if right is None else right
    return where(v < knots[0], low, where(v > knots[-1], high, inside))


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    result = 0.0 * x
    for c in p:
        result = result * x + c
    return result


@implements(np.linspace)
def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Any:
    steps = np.arange(num) / max(num - endpoint, 1)
    n = max(np.ndim(start), np.ndim(stop))
    steps = steps.reshape((-1,) + (1,) * n)
    return np.moveaxis(start + (stop - start) * steps, 0, axis)


@implements(np.meshgrid)
def _meshgrid(*xi: Any, indexing: str = "xy") -> list[Any]:
    n = len(xi)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    sizes = tuple(np.size(xi[i]) for i in order)
    return [
        np.copy(
            np.broadcast_to(np.reshape(x, [-1 if order[j] == i else 1 for j in range(n)]), sizes)
        )
        for i, x in enumerate(xi)
    ]


@implements(np.bincount)
def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    at = core(x)
    if type(weights) is not DualArray:
        return np.bincount(at, weights, minlength)

    def counted(t: Any) -> Any:
        return np.stack([np.bincount(at, row, minlength) for row in t])

    return linear(weights, np.bincount(at, weights.value, minlength), counted)


def _add_at(a: Any, indices: Any, b: Any) -> None:
    """As ``numpy.add.at``."""
    if type(a) is not DualArray:
        raise DroppedDerivativeError(
            "np.add.at cannot store an array dual in a plain NumPy array: make it with "
            "np.zeros_like(x), where x is one of the variables"
        )
    at = np.arange(a.size).reshape(a.shape)[indices]
    added = np.bincount(at.reshape(-1), np.ravel(np.broadcast_to(b, at.shape)), a.size)
    assign(a, Ellipsis, a + np.reshape(added, a.shape))


def _sort_in_place(a: DualArray, axis: int = -1, **words: Sequence[Any]) -> None:
    assign(a, Ellipsis, sort(a, axis, **words))


UFUNC_METHODS[(np.add, "at")] = _add_at
METHODS.update(take=_take, sort=_sort_in_place)
