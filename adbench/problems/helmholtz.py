r"""Helmholtz energy of a mixed fluid by the equation of state of Peng and Robinson.

.. math:: f = R T \sum_i x_i \log \frac{x_i}{1 - b^T x}
   - \frac{x^T A x}{\sqrt 8\, b^T x} \log \frac{1 + (1 + \sqrt 2)\, b^T x}{1 + (1 - \sqrt 2)\, b^T x}

with :math:`R T = 1`, :math:`A_{ij} = 1 / (1 + i + j)`, :math:`b_i = 1 / (4 n)` and
:math:`x_i = (1 + 0.1 \sin i) / (2 n)`. Source: ``docs/PROBLEMS.md`` B (A. Griewank, On automatic
differentiation, in Mathematical Programming, Kluwer 1989, 83). In the suite because a dense
quadratic form makes f itself cost n^2, so that reverse mode pays only a small multiple of it where
forward mode pays n times as much, and because the Hessian is dense.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: int) -> Point:
    """Amounts x at which b.x is near 1/8; the data are A and b."""
    i = np.arange(size)
    x = (1.0 + 0.1 * np.sin(i)) / (2.0 * size)
    return Point(x, (1.0 / (1.0 + i[:, None] + i[None, :]), np.full(size, 0.25 / size)))


def scalar(m: Any) -> Any:
    def f(x, a, b):
        volume = 0.0
        for i in range(len(x)):
            volume = volume + b[i] * x[i]
        ideal = 0.0
        attraction = 0.0
        for i in range(len(x)):
            ideal = ideal + x[i] * m.log(x[i] / (1.0 - volume))
            row = 0.0
            for j in range(len(x)):
                row = row + a[i][j] * x[j]
            attraction = attraction + x[i] * row
        above = 1.0 + (1.0 + m.sqrt2) * volume
        below = 1.0 + (1.0 - m.sqrt2) * volume
        return ideal - attraction / (2.0 * m.sqrt2 * volume) * m.log(above / below)

    return f


def array(xp: Any) -> Any:
    def f(x, a, b):
        volume = b @ x
        ideal = xp.sum(x * xp.log(x / (1.0 - volume)))
        above = 1.0 + (1.0 + xp.sqrt2) * volume
        below = 1.0 + (1.0 - xp.sqrt2) * volume
        return ideal - (x @ (a @ x)) / (2.0 * xp.sqrt2 * volume) * xp.log(above / below)

    return f


def _factor(m: Any, u: Any) -> tuple[Any, Any, Any]:
    """G(u) = log(...) / (sqrt8 u), what multiplies the quadratic form, and its derivatives G', G''."""
    log = m.log((1.0 + (1.0 + m.sqrt2) * u) / (1.0 + (1.0 - m.sqrt2) * u))
    g = log / (2.0 * m.sqrt2 * u)
    # the derivative of the logarithm is sqrt8 / d
    d = 1.0 + 2.0 * u - u * u
    first = (1.0 / d - g) / u
    second = 2.0 * g / (u * u) - 2.0 / (u * u * d) - (2.0 - 2.0 * u) / (u * d * d)
    return g, first, second


def value(m: Any) -> Any:
    def f(x, a, b):
        u = sum(p * q for p, q in zip(b, x, strict=True))
        ax = [row[0] for row in m.matmul([list(row) for row in a], [[v] for v in x])]
        attraction = sum(p * q for p, q in zip(x, ax, strict=True))
        ideal = sum(v * m.log(v / (1.0 - u)) for v in x)
        return ideal - attraction * _factor(m, u)[0]

    return f


def gradient(m: Any) -> Any:
    def g(x, a, b):
        u = sum(p * q for p, q in zip(b, x, strict=True))
        ax = [row[0] for row in m.matmul([list(row) for row in a], [[v] for v in x])]
        attraction = sum(p * q for p, q in zip(x, ax, strict=True))
        total, (factor, slope, _) = sum(x), _factor(m, u)
        common = total / (1.0 - u) - attraction * slope
        return [
            m.log(x[k] / (1.0 - u)) + 1.0 + b[k] * common - 2.0 * ax[k] * factor
            for k in range(len(x))
        ]

    return g


def hessian(m: Any) -> Any:
    def h(x, a, b):
        n = len(x)
        u = sum(p * q for p, q in zip(b, x, strict=True))
        ax = [row[0] for row in m.matmul([list(row) for row in a], [[v] for v in x])]
        attraction = sum(p * q for p, q in zip(x, ax, strict=True))
        total, (factor, slope, bend) = sum(x), _factor(m, u)
        r = 1.0 / (1.0 - u)
        both = total * r * r - attraction * bend
        side = [r - 2.0 * slope * v for v in ax]
        return [
            [
                b[k] * side[j] + b[j] * side[k] + both * b[k] * b[j]
                - 2.0 * factor * a[k][j] + (1.0 / x[k] if j == k else 0.0)
                for j in range(n)
            ]
            for k in range(n)
        ]  # fmt: skip

    return h


PROBLEM = Problem(
    name="helmholtz",
    summary="Helmholtz energy of a mixed fluid: a dense quadratic form and logarithms",
    at=at,
    sizes=(10, 100, 1_000),
    quick=(10, 100),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT, Operator.HESSIAN),
    forms=(Form("scalar", scalar), Form("array", array)),
    exact={Operator.VALUE: value, Operator.GRADIENT: gradient, Operator.HESSIAN: hessian},
    closed=(1_000,),
    up_to={Operator.HESSIAN: 100},
)
