"""Sums, products, extremes and running ones of array duals, along axes."""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from adbench.dual.numpy.array_type import (
    FUNCTIONS,
    METHODS,
    UFUNC_METHODS,
    UFUNCS,
    DualArray,
    core,
    linear,
)
from adbench.dual.numpy.elementwise import implements, valued, where
from adbench.dual.numpy.joining import concatenate
from adbench.dual.numpy.layout import Array
from adbench.dual.numpy.shapes import Axes, axes_of, ravel, reshape, swapaxes

_reduce: Any = np.add.reduce
SMALL = 1024  # elements of a block, up to which a product with ones is the faster sum of its rows


@lru_cache(maxsize=64)
def _ones(n: int, dtype: Any) -> Array:
    return np.ones(n, dtype)


@implements(np.sum)
def sum_(a: DualArray, axis: Axes = None, *, keepdims: bool = False) -> DualArray:
    """As `numpy.sum`; an axis that was never stored is multiplied by its length."""
    value, h, low = a.value, a.curvatures, a.low
    if axis is None and not keepdims and h is None:
        t, n = (a.tangents if low is None else a.block), len(value.shape)
        if n == 1 and t.shape[1] == len(value):  # the commonest
            if low is not None and a.factor is not None:
                s = t.dot(a.factor)
            elif type(t) is np.ndarray and t.size <= SMALL:
                s = t.dot(_ones(t.shape[1], t.dtype))
            else:
                s = _reduce(t, 1)
            one_hot = a.seed.one_hot
            if one_hot is None or len(s) == len(one_hot):
                low = None
            return DualArray(_reduce(value), s, None, a.seed, low)
    t = a.tangents
    axes = axes_of(axis, len(value.shape))
    total = _reduce(value, axes, keepdims=keepdims)
    t = _summed(t, value.shape, axes, keepdims)
    return DualArray(
        total, t, None if h is None else _summed(h, value.shape, axes, keepdims), a.seed
    )


def _summed(t: Array, shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> Array:
    # an axis along which the tangents are all alike was never stored: it counts as often as the
    # value has elements there
    alike = 1
    if t.shape[1:] != shape:
        alike = math.prod(shape[i] for i in axes if t.shape[i + 1] != shape[i])
    s = _reduce(t, tuple(i + 1 for i in axes), keepdims=keepdims)
    return s if alike == 1 else s * alike


@implements(np.mean)
def mean(a: DualArray, axis: Axes = None, *, keepdims: bool = False) -> Any:
    """As `numpy.mean`."""
    return sum_(a, axis, keepdims=keepdims) / _count(a, axis)


def _count(a: DualArray, axis: Axes) -> int:
    return math.prod(a.shape[i] for i in axes_of(axis, a.ndim))


@implements(np.var)
def var(a: DualArray, axis: Axes = None, ddof: float = 0, *, keepdims: bool = False) -> Any:
    """As `numpy.var`."""
    c = a - mean(a, axis, keepdims=True)
    value = np.var(a.value, axis=axis, ddof=ddof, keepdims=keepdims)
    return valued(value, sum_(c * c, axis, keepdims=keepdims) / (_count(a, axis) - ddof))


@implements(np.std)
def std(a: DualArray, axis: Axes = None, ddof: float = 0, *, keepdims: bool = False) -> Any:
    """As `numpy.std`."""
    return np.sqrt(var(a, axis, ddof, keepdims=keepdims))


@implements(np.average)
def _average(
    a: Any,
    axis: Axes = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    n = a.ndim if type(a) is DualArray else np.ndim(a)
    if weights is None:
        weights = np.ones((1,) * n)
        scale: Any = _count(a, axis)
    elif np.ndim(weights) != n:
        (i,) = axes_of(axis, n)
        weights = np.reshape(weights, tuple(-1 if j == i else 1 for j in range(n)))
        scale = np.sum(weights, axis=axis, keepdims=keepdims)
    else:
        scale = np.sum(weights, axis=axis, keepdims=keepdims)
    result = np.sum(a * weights, axis=axis, keepdims=keepdims) / scale
    return (result, scale + np.zeros(result.shape)) if returned else result


@implements(np.nansum)
def _nansum(a: DualArray, axis: Axes = None, *, keepdims: bool = False) -> Any:
    return sum_(where(np.isnan(core(a)), 0.0, a), axis, keepdims=keepdims)


@implements(np.nanmean)
def _nanmean(a: DualArray, axis: Axes = None, *, keepdims: bool = False) -> Any:
    count = np.sum(~np.isnan(core(a)), axis=axis, keepdims=keepdims)
    return _nansum(a, axis, keepdims=keepdims) / count


def merged(a: Any, axis: Axes) -> tuple[Any, tuple[int, ...]]:
    """The array with those axes as one, the last; and the shape of a reduction that keeps them."""
    axes = axes_of(axis, a.ndim)
    others = tuple(i for i in range(a.ndim) if i not in axes)
    kept = tuple(1 if i in axes else a.shape[i] for i in range(a.ndim))
    if axis is None:
        return np.ravel(a), kept
    moved = np.transpose(a, others + axes)
    shape = tuple(a.shape[i] for i in others)
    return np.reshape(moved, (*shape, _count(a, axis))), kept


@implements(np.prod)
def prod(a: DualArray, axis: Axes = None, *, keepdims: bool = False) -> Any:
    """By halves: no division, so zeros are as good as any number, to second order."""
    value = np.prod(a.value, axis=axis, keepdims=keepdims)
    x, _ = merged(a, axis)
    if not x.shape[-1]:
        return valued(value, sum_(x, -1))
    while x.shape[-1] > 1:
        n = x.shape[-1]
        half = n // 2
        paired = x[..., :half] * x[..., half : 2 * half]
        x = concatenate([paired, x[..., 2 * half :]], -1) if n % 2 else paired
    x = reshape(x, np.shape(value))
    return valued(value, x)


@implements(np.cumsum)
def _cumsum(a: DualArray, axis: int | None = None) -> DualArray:
    if axis is None:
        return _cumsum(ravel(a), 0)
    (i,) = axes_of(axis, a.ndim)
    return linear(a, np.cumsum(a.value, i), lambda t: np.cumsum(t, i + 1))


@implements(np.cumprod)
def _cumprod(a: DualArray, axis: int | None = None) -> DualArray:
    """By doubling: products of 1, 2, 4, ... elements; no division, as in `prod`."""
    if axis is None:
        return _cumprod(ravel(a), 0)
    x: Any = swapaxes(a, axis, -1)
    step = 1
    while step < a.shape[axis]:
        x = concatenate([x[..., :step], x[..., step:] * x[..., :-step]], -1)
        step *= 2
    result: DualArray = valued(np.cumprod(a.value, axis), swapaxes(x, axis, -1))
    return result


def picked(a: DualArray, indices: Array, axis: int) -> DualArray:
    """As `numpy.take_along_axis`."""
    (i,) = axes_of(axis, a.ndim)
    value = np.take_along_axis(a.value, indices, i)
    return linear(a, value, lambda t: np.take_along_axis(t, indices[None], i + 1))


def _extreme(choose: Any) -> Any:
    """np.max or np.min: of equal elements the first; NaN wins, as in NumPy."""

    def extreme(a: DualArray, axis: Axes = None, *, keepdims: bool = False) -> Any:
        x, kept = merged(a, axis)
        if axis is None and not keepdims:
            return x[int(choose(core(x)))]
        best = picked(x, choose(core(x), axis=-1)[..., None], -1)
        return reshape(best, kept) if keepdims else best[..., 0]

    return extreme


max_, min_ = _extreme(np.argmax), _extreme(np.argmin)
implements(np.max, getattr(np, "amax", None))(max_)
implements(np.min, getattr(np, "amin", None))(min_)


@implements(np.ptp)
def _ptp(a: DualArray, axis: Axes = None, *, keepdims: bool = False) -> Any:
    return max_(a, axis, keepdims=keepdims) - min_(a, axis, keepdims=keepdims)


def _running_extreme(ufunc: Any) -> Any:
    """np.maximum.accumulate or np.minimum.accumulate: of equal elements the first."""

    def running(array: DualArray, axis: int = 0) -> DualArray:
        (i,) = axes_of(axis, array.ndim)
        x = np.moveaxis(core(array), i, -1)
        best = ufunc.accumulate(x, -1)
        fresh = np.ones(x.shape, bool)
        before = best[..., :-1]
        fresh[..., 1:] = (best[..., 1:] != before) & ~np.isnan(before)
        at = np.maximum.accumulate(np.where(fresh, np.arange(x.shape[-1]), 0), -1)
        return picked(array, np.moveaxis(at, -1, i), i)

    return running


def _by_halves(ufunc: Any) -> Any:
    """The reduction of an associative function, such as np.logaddexp."""

    def reduced(array: DualArray, axis: Axes = 0, *, keepdims: bool = False) -> Any:
        x, kept = merged(array, axis)
        while x.shape[-1] > 1:
            n = x.shape[-1]
            half = n // 2
            paired = UFUNCS[ufunc](x[..., :half], x[..., half : 2 * half])
            x = concatenate([paired, x[..., 2 * half :]], -1) if n % 2 else paired
        return reshape(x, kept) if keepdims else x[..., 0].copy()

    return reduced


def _first_axis(function: Any) -> Any:
    """A ufunc's reduce: as the function, where no axis means the first one."""

    def reduced(array: DualArray, axis: Axes = 0, *, keepdims: bool = False) -> Any:
        return function(array, axis, keepdims=keepdims)

    return reduced


def _outer(ufunc: Any, a: Any, b: Any) -> Any:
    """The function of every element of a with every one of b."""
    return UFUNCS[ufunc](np.reshape(a, (*np.shape(a), *(1,) * np.ndim(b))), b)


UFUNC_METHODS.update(
    {
        (np.add, "reduce"): _first_axis(sum_),
        (np.multiply, "reduce"): _first_axis(prod),
        (np.maximum, "reduce"): _first_axis(max_),
        (np.minimum, "reduce"): _first_axis(min_),
        (np.logaddexp, "reduce"): _by_halves(np.logaddexp),
        (np.add, "accumulate"): lambda array, axis=0: _cumsum(array, axis),
        (np.multiply, "accumulate"): lambda array, axis=0: _cumprod(array, axis),
        (np.maximum, "accumulate"): _running_extreme(np.maximum),
        (np.minimum, "accumulate"): _running_extreme(np.minimum),
        (None, "outer"): _outer,
    }
)
METHODS.update(
    sum=sum_, mean=mean, var=var, std=std, prod=prod, cumsum=_cumsum, cumprod=_cumprod, max=max_,
    min=min_, argmax=FUNCTIONS[np.argmax], argmin=FUNCTIONS[np.argmin], clip=FUNCTIONS[np.clip],
    argsort=FUNCTIONS[np.argsort], any=FUNCTIONS[np.any], all=FUNCTIONS[np.all],
    round=FUNCTIONS[np.round], nonzero=FUNCTIONS[np.nonzero],
    searchsorted=FUNCTIONS[np.searchsorted],
)  # fmt: skip
