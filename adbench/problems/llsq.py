r"""Linear least squares: a polynomial of 128 coefficients against a step, at n points.

.. math:: f = \frac12 \sum_i \Bigl( s_i - \sum_{j < 128} x_j t_i^j \Bigr)^2,
   \quad t_i = -1 + \frac{2 i}{n - 1}, \quad s_i = \mathrm{sign}\, t_i

Source: ``docs/PROBLEMS.md`` B. In the suite because the number of variables stays as n grows: the
cost of many data for a medium number of parameters, with multiplications and additions alone. t and
s are data.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem

COEFFICIENTS = 128


def at(size: int) -> Point:
    """128 uniform coefficients; `size` points from -1 to 1 and their signs."""
    t = -1.0 + 2.0 * np.arange(size) / (size - 1)
    return Point(np.random.default_rng(31337).random(COEFFICIENTS), (t, np.sign(t)))


def scalar(m: Any) -> Any:
    def f(x, t, s):
        total = 0.0
        for i in range(len(t)):
            polynomial = 0.0
            for j in range(len(x) - 1, -1, -1):
                polynomial = polynomial * t[i] + x[j]
            residual = s[i] - polynomial
            total = total + residual * residual
        return 0.5 * total

    return f


def array(xp: Any) -> Any:
    def f(x, t, s):
        # Horner's rule on whole arrays, as numpy.polynomial evaluates
        polynomial = x[-1] + 0.0 * t
        for j in range(x.shape[0] - 2, -1, -1):
            polynomial = polynomial * t + x[j]
        residual = s - polynomial
        return 0.5 * xp.sum(residual * residual)

    return f


def jax(xp: Any) -> Any:
    """A Python loop is unrolled into a program of 128 steps, whose derivative XLA takes half a minute
    to compile; ``jax.numpy.polyval`` is the same rule of Horner with ``lax.scan`` inside.
    """

    def f(x, t, s):
        residual = s - xp.polyval(x[::-1], t)
        return 0.5 * xp.sum(residual * residual)

    return f


def term(m: Any) -> Any:
    def summand(x, t, s):
        polynomial = 0.0
        for j in range(len(x) - 1, -1, -1):
            polynomial = polynomial * t + x[j]
        residual = s - polynomial
        return 0.5 * residual * residual

    return summand


def columns(t: Any, s: Any) -> tuple[Any, ...]:
    return t, s


def gradient(m: Any) -> Any:
    def g(x, t, s):
        powers = []
        for v in t:
            row = [1.0]
            for _ in range(len(x) - 1):
                row.append(row[-1] * v)
            powers.append(row)
        fitted = m.matmul(powers, [[c] for c in x])
        residuals = [row[0] - v for row, v in zip(fitted, s, strict=True)]
        return m.matmul([residuals], powers)[0]

    return g


PROBLEM = Problem(
    name="llsq",
    summary="linear least squares: 128 coefficients of a polynomial, n points",
    at=at,
    sizes=(16, 1_024, 16_384),
    quick=(16, 1_024),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT),
    forms=(
        Form("scalar", scalar),
        Form("array", array),
        Form("term", term, columns),
        Form("jax", jax),
    ),
    exact={Operator.GRADIENT: gradient},
    closed=(16_384,),
)
