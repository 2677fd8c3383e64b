"""Sums, means, extremes and products of arrays of duals: the loops that Numba has for floats."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numba import types

from adbench.dual.numba.redirect import is_array, loop_over, serves


@loop_over("prod", method=True)
def _prod(a: Any) -> Any:
    total = 1.0
    for v in a.flat:
        total *= v
    return total


@loop_over("mean", method=True)
def _mean(a: Any) -> Any:
    total = 0.0
    for v in a.flat:
        total += v
    return total / a.size


@loop_over("var", method=True)
def _var(a: Any) -> Any:
    middle, total = np.mean(a), 0.0
    for v in a.flat:
        total += (v - middle) * (v - middle)
    return total / a.size


@loop_over("std", method=True)
def _std(a: Any) -> Any:
    return np.sqrt(np.var(a))


@loop_over("max", "amax", method=True)
def _max(a: Any) -> Any:
    if a.size == 0:
        raise ValueError("zero-size array to reduction operation maximum which has no identity")
    best = a.flat[0]
    for v in a.flat:
        best = np.maximum(best, v)
    return best


@loop_over("min", "amin", method=True)
def _min(a: Any) -> Any:
    if a.size == 0:
        raise ValueError("zero-size array to reduction operation minimum which has no identity")
    best = a.flat[0]
    for v in a.flat:
        best = np.minimum(best, v)
    return best


@loop_over("median")
def _median(a: Any) -> Any:
    if a.size == 0:
        raise ValueError("the median of an empty array")
    sorted_ = np.sort(a.flatten())
    half = a.size // 2
    return sorted_[half] if a.size % 2 else 0.5 * (sorted_[half - 1] + sorted_[half])


@loop_over("ptp")
def _ptp(a: Any) -> Any:
    return np.max(a) - np.min(a)


@loop_over("argmax", method=True)
def _argmax(a: Any) -> Any:
    if a.size == 0:
        raise ValueError("attempt to get argmax of an empty sequence")
    best, where = a.flat[0], 0
    for i, v in enumerate(a.flat):
        if v > best or (v != v and best == best):
            best, where = v, i
    return where


@loop_over("argmin", method=True)
def _argmin(a: Any) -> Any:
    if a.size == 0:
        raise ValueError("attempt to get argmin of an empty sequence")
    best, where = a.flat[0], 0
    for i, v in enumerate(a.flat):
        if v < best or (v != v and best == best):
            best, where = v, i
    return where


@loop_over("cumsum", method=True)
def _cumsum(a: Any) -> Any:
    out, total = np.empty(a.size, a.dtype), 0.0
    for i, v in enumerate(a.flat):
        total += v
        out[i] = total
    return out


@loop_over("cumprod", method=True)
def _cumprod(a: Any) -> Any:
    out, total = np.empty(a.size, a.dtype), 1.0
    for i, v in enumerate(a.flat):
        total *= v
        out[i] = total
    return out


@loop_over("diff")
def _diff(a: Any) -> Any:
    return a[..., 1:] - a[..., :-1]


def _sum_of_all(a: Any, axis: Any = None) -> Any:
    total = 0.0
    for v in a.flat:
        total += v
    return total


def _sum_over_axis(a: Any, axis: Any = None) -> Any:
    if axis < -2 or axis > 1:
        raise ValueError("axis is out of bounds for array of dimension 2")
    b = a if axis == 0 or axis == -2 else a.T
    out = np.zeros(b.shape[1], a.dtype)
    for i in range(b.shape[0]):
        for j in range(b.shape[1]):
            out[j] += b[i, j]
    return out


@serves("sum", method=True)
def _sum(a: Any, axis: Any = None) -> Any:
    if not is_array(a):
        return None
    if axis is None or isinstance(axis, types.NoneType | types.Omitted):
        return _sum_of_all
    if isinstance(axis, types.Integer):
        return {1: _sum_of_all, 2: _sum_over_axis}.get(a.ndim)
    return None


# ---- products of vectors and matrices, of which one may hold floats


def _inner(a: Any, b: Any) -> Any:
    if a.shape[0] != b.shape[0]:
        raise ValueError("vectors of different lengths have no product")
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


def _matrix_by_vector(a: Any, b: Any) -> Any:
    if a.shape[1] != b.shape[0]:
        raise ValueError("matrix and vector do not fit")
    return np.sum(a * b, 1)


def _vector_by_matrix(a: Any, b: Any) -> Any:
    if a.shape[0] != b.shape[0]:
        raise ValueError("vector and matrix do not fit")
    return np.sum(b.T * a, 1)


def _matrices(a: Any, b: Any) -> Any:
    if a.shape[1] != b.shape[0]:
        raise ValueError("matrices do not fit")
    out = np.zeros_like(a[:, :1] * b[:1, :])
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                out[i, j] += a[i, k] * b[k, j]
    return out


_PRODUCTS = {
    (1, 1): _inner, (2, 1): _matrix_by_vector, (1, 2): _vector_by_matrix, (2, 2): _matrices,
}  # fmt: skip


@serves("dot", operator.matmul, method=True)
def _dot(a: Any, b: Any) -> Any:
    if isinstance(a, types.Array) and isinstance(b, types.Array):
        return _PRODUCTS.get((a.ndim, b.ndim))
    return None


@serves("vdot")
def _vdot(a: Any, b: Any) -> Any:
    if isinstance(a, types.Array) and isinstance(b, types.Array) and a.ndim == b.ndim == 1:
        return _inner
    return None


@serves("outer")
def _outer(a: Any, b: Any) -> Any:
    if isinstance(a, types.Array) and isinstance(b, types.Array) and a.ndim == b.ndim == 1:
        return lambda a, b: a.copy().reshape(a.size, 1) * b
    return None


@serves(np.linalg.norm)
def _norm(x: Any, ord: Any = None) -> Any:
    if is_array(x, 1) and (ord is None or isinstance(ord, types.NoneType | types.Omitted)):
        return lambda x, ord=None: np.sqrt(np.sum(x * x))
    return None


@serves("trace")
def _trace(a: Any) -> Any:
    if not is_array(a, 2):
        return None

    def loop(a: Any) -> Any:
        total = 0.0
        for i in range(min(a.shape)):
            total += a[i, i]
        return total

    return loop


@serves("trapezoid", "trapz")
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0) -> Any:
    if not isinstance(y, types.Array) or y.ndim != 1:
        return None
    if x is None or isinstance(x, types.NoneType | types.Omitted):
        return lambda y, x=None, dx=1.0: np.sum((y[1:] + y[:-1]) * (0.5 * dx))
    return lambda y, x=None, dx=1.0: np.sum((y[1:] + y[:-1]) * (0.5 * (x[1:] - x[:-1])))
