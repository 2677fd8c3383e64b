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


def numba_manual(m: Any) -> Any:
    r"""By hand, for speed: one erf and one exponential an edge, one logarithm a bin.

    .. math:: \frac{\partial f}{\partial m_b} = 1 - \frac{n_b^2}{(m_b + t)^2 (q_b + t)}, \quad
       q_b = \frac{n_b}{m_b + t}, \quad t = 10^{-100}

    and, with :math:`z = (x - \mu) / \sigma` and the normal density :math:`\varphi`, differences over
    the edges of a bin of :math:`\Phi(z)`, :math:`-A \varphi(z) / \sigma` and
    :math:`-A z \varphi(z) / \sigma` are the derivatives of :math:`m_b` by A, mu and sigma.
    """

    def g(x, n, edges):
        amp, mu = x[0], x[1]
        scale = 1.0 / (x[2] * m.sqrt2)
        total, by_amp, by_mu, by_sigma = 0.0, 0.0, 0.0, 0.0
        u = (edges[0] - mu) * scale
        below, low = m.erf(u), m.exp(-u * u)
        low_u = u * low
        for i in range(len(n)):
            u = (edges[i + 1] - mu) * scale
            above, high = m.erf(u), m.exp(-u * u)
            high_u = u * high
            share = 0.5 * (above - below)
            expected = amp * share
            floor = expected + 1e-100
            q = n[i] / floor
            weight = 1.0 - n[i] * q / ((q + 1e-100) * floor)
            total += expected - n[i] + n[i] * m.log(q + 1e-100)
            by_amp += weight * share
            by_mu += weight * (high - low)
            by_sigma += weight * (high_u - low_u)
            below, low, low_u = above, high, high_u
        # phi(z) / sigma = exp(-u^2) scale / sqrt(pi), z phi(z) / sigma that times u sqrt 2
        slopes = np.empty(3)
        slopes[0] = by_amp
        slopes[1] = -amp * scale / m.sqrt(m.pi) * by_mu
        slopes[2] = -amp * scale / m.sqrt(m.pi) * m.sqrt2 * by_sigma
        return total, slopes

    return g


PROBLEM = Problem(
    name="histogram_nll",
    summary="Poisson likelihood of a histogram with erf: 3 parameters, B bins",
    at=at,
    sizes=(100, 1_000, 10_000),
    showcase=True,
    quick=(100, 1_000),
    quick_operators=(Operator.GRADIENT, Operator.HESSIAN),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT, Operator.HESSIAN),
    forms=(
        Form("scalar", scalar),
        Form("array", array),
        Form("term", term, columns),
        Form("numba-manual", numba_manual, gives=Operator.VALUE_AND_GRADIENT),
    ),
)
