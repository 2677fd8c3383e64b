r"""Least squares with errors in x and y: the objective contains a derivative.

.. math:: f(c) = \sum_i \frac{(y_i - p(x_i))^2}{25 + (p'(x_i) / 2)^2}, \quad p(x) = c_0 x^2 + c_1 x + c_2

An error of width 1/2 in x moves y by p' times as much ("effective variance": J. Orear, American
Journal of Physics 50, 1982, 912). Source: ``docs/PROBLEMS.md`` A. In the suite because p' is taken
by the method under test while it differentiates f: nested differentiation, in which an inner
derivative must not be confused with an outer one. The reference has p' written by hand.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: int) -> Point:
    """N points along x^2 + 2 x + 3, moved by 0.5 in x and by 5 in y, at (1.25, 1.5, 1.6)."""
    x = np.linspace(-4.0, 7.0, size)
    y = np.polyval([1.0, 2.0, 3.0], x)
    draw = np.random.default_rng(1)
    x = x + draw.normal(0.0, 0.5, size)
    y = y + draw.normal(0.0, 5.0, size)
    return Point(np.array([1.25, 1.5, 1.6]), (x, y))


def scalar(m: Any) -> Any:
    def f(c, x, y):
        def p(t):
            return c[0] * t * t + c[1] * t + c[2]

        total = 0.0
        for i in range(len(x)):
            d = y[i] - p(x[i])
            moved = 0.5 * m.derivative(p, x[i])
            total = total + d * d / (25.0 + moved * moved)
        return total

    return f


def reference(m: Any) -> Any:
    def f(c, x, y):
        total = 0.0
        for i in range(len(x)):
            d = y[i] - (c[0] * x[i] * x[i] + c[1] * x[i] + c[2])
            moved = 0.5 * (2.0 * c[0] * x[i] + c[1])
            total = total + d * d / (25.0 + moved * moved)
        return total

    return f


def array(xp: Any) -> Any:
    def f(c, x, y):
        def p(t):
            return c[0] * t * t + c[1] * t + c[2]

        d = y - p(x)
        moved = 0.5 * xp.derivative(p, x)
        return xp.sum(d * d / (25.0 + moved * moved))

    return f


def term(m: Any) -> Any:
    def t(c, x, y):
        def p(t):
            return c[0] * t * t + c[1] * t + c[2]

        d = y - p(x)
        moved = 0.5 * m.derivative(p, x)
        return d * d / (25.0 + moved * moved)

    return t


def columns(x: Any, y: Any) -> tuple[Any, ...]:
    return x, y


def gradient(m: Any) -> Any:
    def g(c, x, y):
        result = [c[0] * 0.0 for _ in range(3)]
        for u, v in zip(x, y, strict=True):
            d = v - (c[0] * u * u + c[1] * u + c[2])
            q = c[0] * u + 0.5 * c[1]
            weight = 1.0 / (25.0 + q * q)
            by_d, by_q = 2.0 * d * weight, -2.0 * d * d * q * weight * weight
            result[0] += -by_d * u * u + by_q * u
            result[1] += -by_d * u + 0.5 * by_q
            result[2] += -by_d
        return result

    return g


def hessian(m: Any) -> Any:
    def h(c, x, y):
        result = [[c[0] * 0.0 for _ in range(3)] for _ in range(3)]
        for u, v in zip(x, y, strict=True):
            d = v - (c[0] * u * u + c[1] * u + c[2])
            q = c[0] * u + 0.5 * c[1]
            weight = 1.0 / (25.0 + q * q)
            # d and q are linear in c, so these three numbers are all of the second derivative
            dd = 2.0 * weight
            dq = -4.0 * d * q * weight * weight
            qq = 2.0 * d * d * weight * weight * (4.0 * q * q * weight - 1.0)
            of_d, of_q = (-u * u, -u, -1.0), (u, 0.5, 0.0)
            for i in range(3):
                for j in range(3):
                    cross = of_d[i] * of_q[j] + of_q[i] * of_d[j]
                    result[i][j] += of_d[i] * of_d[j] * dd + cross * dq + of_q[i] * of_q[j] * qq
        return result

    return h


PROBLEM = Problem(
    name="xy_errors",
    summary="least squares with errors in x and y: a derivative within the objective, N data",
    at=at,
    sizes=(30, 1_000, 100_000),
    quick=(30, 1_000),
    operators=(
        Operator.VALUE,
        Operator.GRADIENT,
        Operator.VALUE_AND_GRADIENT,
        Operator.HESSIAN,
        Operator.TAYLOR,
    ),
    forms=(
        Form("scalar", scalar),
        Form("array", array),
        Form("term", term, columns),
        Form("reference", reference),
    ),
    exact={Operator.GRADIENT: gradient, Operator.HESSIAN: hessian},
)
