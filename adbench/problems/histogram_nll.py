r"""Poisson likelihood of a histogram, parameters (amp, mu, sigma): the classic counting experiment.

.. math:: f = \sum_b \left[ m_b - n_b + n_b \log\left( \frac{n_b}{m_b + 10^{-100}} + 10^{-100} \right) \right],
   \quad m_b = A \left[ \Phi(x_{b+1}) - \Phi(x_b) \right]

with :math:`\Phi(x) = (1 + \mathrm{erf}((x - \mu) / (\sigma \sqrt 2))) / 2`. Source:
``docs/PROBLEMS.md`` A. In the suite because binned fits are what counting experiments do, and
because erf is where tools differ: XLA has a vector erf, PyPI's Numba has not, complex step needs
one for complex numbers. The 1e-100 guard empty bins, as the original fit does.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: int) -> Point:
    """10 000 standard normal draws in B bins, at (1.5 * total, 1, 2): far from the minimum."""
    draws = np.random.default_rng(1).normal(size=10_000)
    counts, edges = np.histogram(draws, bins=size)
    n = counts.astype(np.float64)
    return Point(np.array([1.5 * n.sum(), 1.0, 2.0]), (n, edges))


def scalar(m: Any) -> Any:
    def f(x, n, edges):
        scale = 1.0 / (x[2] * m.sqrt2)
        total = 0.0
        below = 0.5 * (1.0 + m.erf((edges[0] - x[1]) * scale))
        for i in range(len(n)):
            above = 0.5 * (1.0 + m.erf((edges[i + 1] - x[1]) * scale))
            expected = x[0] * (above - below)
            total = total + (expected - n[i] + n[i] * m.log(n[i] / (expected + 1e-100) + 1e-100))
            below = above
        return total

    return f


def array(xp: Any) -> Any:
    def f(x, n, edges):
        cdf = 0.5 * (1.0 + xp.erf((edges - x[1]) / (x[2] * xp.sqrt2)))
        expected = x[0] * (cdf[1:] - cdf[:-1])
        return xp.sum(expected - n + n * xp.log(n / (expected + 1e-100) + 1e-100))

    return f


def term(m: Any) -> Any:
    def t(x, n, low, high):
        scale = 1.0 / (x[2] * m.sqrt2)
        expected = 0.5 * x[0] * (m.erf((high - x[1]) * scale) - m.erf((low - x[1]) * scale))
        return expected - n + n * m.log(n / (expected + 1e-100) + 1e-100)

    return t


def columns(n: Any, edges: Any) -> tuple[Any, ...]:
    return n, edges[:-1], edges[1:]


PROBLEM = Problem(
    name="histogram_nll",
    summary="Poisson likelihood of a histogram with erf: 3 parameters, B bins",
    at=at,
    sizes=(100, 1_000, 10_000),
    showcase=True,
    quick=(100, 1_000),
    quick_operators=(Operator.GRADIENT, Operator.HESSIAN),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT, Operator.HESSIAN),
    forms=(Form("scalar", scalar), Form("array", array), Form("term", term, columns)),
    traits=frozenset({"sum-over-data", "special-functions"}),
)
