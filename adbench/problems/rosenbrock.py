r"""The Rosenbrock function in n variables.

.. math:: f = \sum_{i < n-1} 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2

Source: ``docs/PROBLEMS.md`` B (H. H. Rosenbrock, The Computer Journal 3, 1960, 175). In the suite
because every optimiser is shown on it, and because n alone is what grows: forward mode pays for
each variable, reverse mode does not.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: int) -> Point:
    """N points from -1.2 to 1."""
    return Point(np.linspace(-1.2, 1.0, size))


def scalar(m: Any) -> Any:
    def f(x):
        total = 0.0
        for i in range(len(x) - 1):
            a = x[i + 1] - x[i] * x[i]
            b = 1.0 - x[i]
            total = total + (100.0 * a * a + b * b)
        return total

    return f


def array(xp: Any) -> Any:
    def f(x):
        a = x[1:] - x[:-1] * x[:-1]
        b = 1.0 - x[:-1]
        return xp.sum(100.0 * a * a + b * b)

    return f


def manual(m: Any) -> Any:
    """The limit that other methods are compared with: value and gradient derived by hand, in one
    pass over x that keeps nothing but the result.
    """

    def g(x):
        n = len(x)
        gradient = np.empty(n)
        total = 0.0
        carried = 0.0
        for i in range(n - 1):
            a = x[i + 1] - x[i] * x[i]
            b = 1.0 - x[i]
            total += 100.0 * a * a + b * b
            gradient[i] = carried - 400.0 * x[i] * a - 2.0 * b
            carried = 200.0 * a
        gradient[n - 1] = carried
        return total, gradient

    return g


def gradient(m: Any) -> Any:
    def g(x):
        n = len(x)
        result = [x[0] * 0.0 for _ in range(n)]
        for i in range(n - 1):
            a = x[i + 1] - x[i] * x[i]
            result[i] += -400.0 * x[i] * a - 2.0 * (1.0 - x[i])
            result[i + 1] += 200.0 * a
        return result

    return g


def hessian(m: Any) -> Any:
    def h(x):
        n = len(x)
        result = [[x[0] * 0.0 for _ in range(n)] for _ in range(n)]
        for i in range(n - 1):
            result[i][i] += 1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0
            result[i + 1][i + 1] += 200.0
            result[i][i + 1] += -400.0 * x[i]
            result[i + 1][i] += -400.0 * x[i]
        return result

    return h


def product(m: Any) -> Any:
    def h(x, v):
        # the Hessian is tridiagonal
        n = len(x)
        result = [x[0] * 0.0 for _ in range(n)]
        for i in range(n - 1):
            corner = -400.0 * x[i]
            result[i] += (1200.0 * x[i] * x[i] - 400.0 * x[i + 1] + 2.0) * v[i] + corner * v[i + 1]
            result[i + 1] += 200.0 * v[i + 1] + corner * v[i]
        return result

    return h


PROBLEM = Problem(
    name="rosenbrock",
    summary="Rosenbrock's banana in n variables: no data, n grows",
    at=at,
    sizes=(2, 10, 100, 1_000, 10_000),
    showcase=True,
    quick=(2, 10),
    operators=(
        Operator.VALUE,
        Operator.GRADIENT,
        Operator.VALUE_AND_GRADIENT,
        Operator.HESSIAN,
        Operator.HVP,
        Operator.TAYLOR,
    ),
    forms=(
        Form("scalar", scalar),
        Form("array", array),
        Form("numba-manual", manual, gives=Operator.VALUE_AND_GRADIENT),
    ),
    exact={Operator.GRADIENT: gradient, Operator.HESSIAN: hessian, Operator.HVP: product},
    up_to={Operator.HESSIAN: 100},
)
