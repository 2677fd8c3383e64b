r"""Forward and central differences around a function of arrays or lists; knows no form and no method.

Steps (eps: machine epsilon of x's dtype; Press et al., Numerical Recipes, section 5.7). With
:math:`s_i = \max(|x_i|, 1)`:

=========================  ======================================  ======================
what                       formula                                 step :math:`h_i`
=========================  ======================================  ======================
forward difference         (f(x + h) - f(x)) / h                   eps^(1/2) s_i
central difference         (f(x + h) - f(x - h)) / 2h              eps^(1/3) s_i
second central difference  four corners, or f(+h) - 2 f + f(-h)    eps^(1/4) s_i
=========================  ======================================  ======================

The step is rounded so that :math:`|x_i| + h_i` is a floating-point number: what f sees is exactly
what the quotient assumes. Along a direction: see `adbench.methods._difference`. A Hessian times a
vector takes four corners for each variable, one side along the variable and one along the vector.

A sparse Jacobian takes one difference for each colour of its columns (`adbench.sparsity`): all
variables of a colour move at once, each by its own step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from adbench.methods._difference import EPS, along
from adbench.methods._shared import Function, parts, propagated
from adbench.model import Floats, Operator, Pattern

Ways = Mapping[Operator, Function]


def steps(x: Any, exponent: float) -> Floats:
    """Steps ``eps**exponent * max(|x_i|, 1)``, rounded so that ``|x_i| + h_i`` is exact.

    `eps` is the machine epsilon of x's dtype. The step away from zero is then exact; so is the one
    towards zero, since it only drops digits.
    """
    size = np.abs(np.asarray(x))
    h = np.finfo(size.dtype).eps ** exponent * np.maximum(size, 1.0)
    exact: Floats = (size + h) - size
    return exact


def each_step(x: Any, exponent: float) -> list[float]:
    """The same of each variable by itself: setting up arrays would cost more than a short f."""
    if isinstance(x, np.ndarray) and x.dtype != np.float64:
        return list(steps(x, exponent).tolist())
    sizes = [abs(v) for v in (x.tolist() if isinstance(x, np.ndarray) else x)]
    scale = EPS**exponent
    return [(size + scale * (size if size > 1.0 else 1.0)) - size for size in sizes]


def forward(f: Function, k: int, pattern: Pattern | None, exponent: float = 1 / 2) -> Ways:
    """The operators of forward differences.

    Parameters
    ----------
    f : callable
        ``f(x, *data)``, x an array or a list; returns a number, an array or a list of numbers.
    k : int
        How many numbers an elementwise f takes at each point; else 0.
    pattern : Pattern or None
        Of a sparse Jacobian.
    exponent : float
        Of eps, in the steps.
    """

    def derivative(x: Floats, *data: Any) -> Floats:
        h, y, result = _outward(x, exponent), x.copy(), np.empty(len(x))
        value = f(x, *data)
        for part in parts(k, len(x)):
            y[part] = x[part] + h[part]
            result[part] = (f(y, *data) - value) / h[part]
            y[part] = x[part]
        return result

    def both(x: Any, *data: Any) -> tuple[Any, Floats]:
        value, y, gradient = f(x, *data), x.copy(), np.empty(len(x))
        for i, size in enumerate(each_step(x, exponent)):
            h = math.copysign(size, x[i])
            y[i] = x[i] + h
            gradient[i] = (f(y, *data) - value) / h
            y[i] = x[i]
        return value, gradient

    def jacobian(x: Any, *data: Any) -> Floats:
        value, y = as_vector(f(x, *data)), x.copy()
        columns = np.empty((len(x), len(value)))
        for i, size in enumerate(each_step(x, exponent)):
            h = math.copysign(size, x[i])
            y[i] = x[i] + h
            columns[i] = (as_vector(f(y, *data)) - value) / h
            y[i] = x[i]
        return columns.T

    def jvp(x: Any, v: Floats, *data: Any) -> Floats:
        t = along(x, v, exponent)
        moved = as_array(f(like(x, np.asarray(x) + t * v), *data))
        slopes: Floats = (moved - as_array(f(x, *data))) / t
        return slopes

    def entries(x: Any, *data: Any) -> Floats:
        assert pattern is not None
        h, value = _outward(x, exponent), as_vector(f(x, *data))
        moved = (like(x, np.asarray(x) + h * seed) for seed in pattern.seeds)
        products = [as_vector(f(y, *data)) - value for y in moved]
        return pattern.from_columns(products) / h[pattern.columns]

    return {
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: lambda x, *data: both(x, *data)[1],
        Operator.VALUE_AND_GRADIENT: both,
        Operator.JACOBIAN: entries if pattern else jacobian,
        Operator.JVP: jvp,
        Operator.PROPAGATE: propagated(jacobian),
    }


def _outward(x: Any, exponent: float) -> Floats:
    """Steps of forward differences, away from zero."""
    outward: Floats = np.copysign(steps(x, exponent), x)
    return outward


def central(f: Function, k: int, pattern: Pattern | None, exponent: float = 1 / 3) -> Ways:
    """The operators of central differences; parameters as of `forward`, the exponent of those that
    are no second derivatives.
    """

    def derivative(x: Floats, *data: Any) -> Floats:
        h, y, result = steps(x, exponent), x.copy(), np.empty(len(x))
        for part in parts(k, len(x)):
            y[part] = x[part] + h[part]
            above = f(y, *data)
            y[part] = x[part] - h[part]
            result[part] = (above - f(y, *data)) / (2.0 * h[part])
            y[part] = x[part]
        return result

    def gradient(x: Any, *data: Any) -> Floats:
        y, result = x.copy(), np.empty(len(x))
        for i, h in enumerate(each_step(x, exponent)):
            y[i] = x[i] + h
            above = f(y, *data)
            y[i] = x[i] - h
            result[i] = (above - f(y, *data)) / (2.0 * h)
            y[i] = x[i]
        return result

    def jacobian(x: Any, *data: Any) -> Floats:
        y, columns = x.copy(), []
        for i, h in enumerate(each_step(x, exponent)):
            y[i] = x[i] + h
            above = as_vector(f(y, *data))
            y[i] = x[i] - h
            columns.append((above - as_vector(f(y, *data))) / (2.0 * h))
            y[i] = x[i]
        return np.array(columns).T

    def across(x: Any, moves: Floats, *data: Any) -> Floats:
        """``f(x + moves) - f(x - moves)``."""
        centre = np.asarray(x)
        above = as_array(f(like(x, centre + moves), *data))
        change: Floats = above - as_array(f(like(x, centre - moves), *data))
        return change

    def jvp(x: Any, v: Floats, *data: Any) -> Floats:
        t = along(x, v, exponent)
        return across(x, t * v, *data) / (2.0 * t)

    def entries(x: Any, *data: Any) -> Floats:
        assert pattern is not None
        h = steps(x, exponent)
        products = [across(x, h * seed, *data) for seed in pattern.seeds]
        return pattern.from_columns(products) / (2.0 * h)[pattern.columns]

    return {
        Operator.DERIVATIVE: derivative,
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: lambda x, *data: (f(x, *data), gradient(x, *data)),
        Operator.JACOBIAN: entries if pattern else jacobian,
        Operator.JVP: jvp,
        Operator.PROPAGATE: propagated(jacobian),
        Operator.HESSIAN: lambda x, *data: _hessian(f, x, data),
        Operator.HVP: lambda x, v, *data: _hvp(f, x, v, data),
    }


def _hessian(f: Function, x: Any, data: tuple[Any, ...]) -> Floats:
    """Second central differences: two runs an element of the diagonal, four a pair."""
    h = each_step(x, 1 / 4)
    centre, n = f(x, *data), len(x)
    result = np.empty((n, n))

    def at(*moves: tuple[int, float]) -> Any:
        y = x.copy()
        for i, step in moves:
            y[i] = x[i] + step
        return f(y, *data)

    for i, a in enumerate(h):
        result[i, i] = (at((i, a)) - 2.0 * centre + at((i, -a))) / (a * a)
        for j in range(i):
            b = h[j]
            above = at((i, a), (j, b)) - at((i, a), (j, -b))
            below = at((i, -a), (j, b)) - at((i, -a), (j, -b))
            result[i, j] = result[j, i] = (above - below) / (4.0 * a * b)
    return result


def _hvp(f: Function, x: Any, v: Floats, data: tuple[Any, ...]) -> Floats:
    """Four runs a variable: along it and along v, each to both sides."""
    t, result = along(x, v, 1 / 4), np.empty(len(x))
    ends = [like(x, np.asarray(x) + side * t * v) for side in (1.0, -1.0)]

    def difference(y: Any, i: int, h: float) -> Any:
        middle = y[i]
        y[i] = middle + h
        above = f(y, *data)
        y[i] = middle - h
        below = f(y, *data)
        y[i] = middle
        return above - below

    for i, h in enumerate(each_step(x, 1 / 4)):
        above, below = (difference(y, i, h) for y in ends)
        result[i] = (above - below) / (4.0 * h * t)
    return result


def like(x: Any, y: Any) -> Any:
    """The array y as what x is: a list, if x is one."""
    return y.tolist() if isinstance(x, list) else y


def as_array(value: Any) -> Any:
    """A result as an array, of no axes if it is one number."""
    return np.asarray(value)


def as_vector(value: Any) -> Any:
    """A result as a vector, of one element if it is one number."""
    return np.atleast_1d(np.asarray(value))
