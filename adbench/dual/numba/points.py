"""Functions of few numbers at each of many points: values, and all partial derivatives.

The points are one line: with k numbers a point, the first numbers of all points, then the second
numbers of all, and so on. Derivatives by them have the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from adbench.dual.numba.compiling import Function, options, primal
from adbench.dual.numba.drivers import derivative, grad
from adbench.dual.numba.sizes import Compiled

MOST = 3
"""Largest number of numbers a point: for each there is a loop."""


def elementwise(f: Function, k: int = 1, *, strict: bool = False, vector_math: bool = False) -> Any:
    """Compiled ``v(points, *data) -> array``: f, a function of k numbers, at each of the points.

    Parameters
    ----------
    f : callable
        ``f(a, *data)``, ``f(a, b, *data)`` or ``f(a, b, c, *data)``, returning one number.
    k : int
    strict, vector_math : bool
        As of `grad`.
    """
    _check(k)
    values = _VALUES[k - 1](primal(f, strict, vector_math))
    return njit(**options(strict, vector_math))(values)


def partials(f: Function, k: int = 1, *, strict: bool = False, vector_math: bool = False) -> Any:
    """Compiled ``d(points, *data) -> array`` like the points: all k derivatives at each of them.

    Parameters as of `elementwise`.
    """
    _check(k)
    if k == 1:
        return derivative(f, strict=strict, vector_math=vector_math)
    slopes = grad(f, tuple(range(k)), layout="S", strict=strict, vector_math=vector_math)
    return Compiled(_SLOPES[k](slopes), options(strict, vector_math), f)


def _check(k: int) -> None:
    if k not in range(1, MOST + 1):
        raise ValueError(f"k={k}: functions of 1 to {MOST} numbers a point")


def _values_of_one(g: Any) -> Function:
    def values(points, *data):  # type: ignore[no-untyped-def]
        out = np.empty(points.size)
        for i in range(points.size):
            out[i] = g(points[i], *data)
        return out

    return values


def _values_of_two(g: Any) -> Function:
    def values(points, *data):  # type: ignore[no-untyped-def]
        n = points.size // 2
        out = np.empty(n)
        for i in range(n):
            out[i] = g(points[i], points[n + i], *data)
        return out

    return values


def _values_of_three(g: Any) -> Function:
    def values(points, *data):  # type: ignore[no-untyped-def]
        n = points.size // 3
        out = np.empty(n)
        for i in range(n):
            out[i] = g(points[i], points[n + i], points[2 * n + i], *data)
        return out

    return values


def _slopes_of_two(g: Any) -> Function:
    def slopes(points, *data):  # type: ignore[no-untyped-def]
        n = points.size // 2
        out = np.empty(2 * n)
        for i in range(n):
            out[i], out[n + i] = g(points[i], points[n + i], *data)
        return out

    return slopes


def _slopes_of_three(g: Any) -> Function:
    def slopes(points, *data):  # type: ignore[no-untyped-def]
        n = points.size // 3
        out = np.empty(3 * n)
        for i in range(n):
            a, b, c = g(points[i], points[n + i], points[2 * n + i], *data)
            out[i], out[n + i], out[2 * n + i] = a, b, c
        return out

    return slopes


_VALUES = (_values_of_one, _values_of_two, _values_of_three)
_SLOPES = {2: _slopes_of_two, 3: _slopes_of_three}
