r"""Negative log-likelihood of a normal sample, parameters (mu, s) with sigma = exp(s).

.. math:: f = \sum_i \left[ s + \frac{(x_i - \mu)^2}{2 e^{2s}} \right] + \frac{N}{2} \log 2\pi

Source: ``docs/PROBLEMS.md`` A. In the suite because it is the fit that most users do first: two
parameters, much data, one cheap term per datum. It stresses call overhead when N is small and the
reduction over data when N is large.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: int) -> Point:
    """N draws of a normal distribution with mean 1.5 and width 0.7, at (mu, s) = (1.2, -0.2)."""
    sample = 1.5 + 0.7 * np.random.default_rng(31337).standard_normal(size)
    return Point(np.array([1.2, -0.2]), (sample,))


def scalar(m: Any) -> Any:
    def f(x, sample):
        mu = x[0]
        s = x[1]
        scale = 1.0 / (2.0 * m.exp(2.0 * s))
        total = 0.0
        for i in range(len(sample)):
            d = sample[i] - mu
            total = total + (s + d * d * scale)
        return total + 0.5 * len(sample) * m.log2pi

    return f


def array(xp: Any) -> Any:
    def f(x, sample):
        mu = x[0]
        s = x[1]
        d = sample - mu
        return xp.sum(s + d * d / (2.0 * xp.exp(2.0 * s))) + 0.5 * sample.shape[0] * xp.log2pi

    return f


def term(m: Any) -> Any:
    def t(x, value):
        d = value - x[0]
        return x[1] + d * d / (2.0 * m.exp(2.0 * x[1])) + 0.5 * m.log2pi

    return t


def columns(sample: Any) -> tuple[Any, ...]:
    return (sample,)


def gradient(m: Any) -> Any:
    def g(x, sample):
        inverse = m.exp(-2.0 * x[1])
        d = [v - x[0] for v in sample]
        return [-sum(d) * inverse, len(sample) - sum(v * v for v in d) * inverse]

    return g


def hessian(m: Any) -> Any:
    def h(x, sample):
        inverse = m.exp(-2.0 * x[1])
        d = [v - x[0] for v in sample]
        cross = 2.0 * sum(d) * inverse
        return [[len(sample) * inverse, cross], [cross, 2.0 * sum(v * v for v in d) * inverse]]

    return h


def numba_manual(m: Any) -> Any:
    r"""By hand, for speed: both derivatives and the value are sums of d and d^2, taken in one loop.

    .. math:: f_\mu = -e^{-2s} \sum d_i, \quad f_s = N - e^{-2s} \sum d_i^2, \quad d_i = x_i - \mu
    """

    def g(x, sample):
        mu, s, count = x[0], x[1], len(sample)
        first, second = 0.0, 0.0
        for i in range(count):
            d = sample[i] - mu
            first += d
            second += d * d
        inverse = m.exp(-2.0 * s)
        slopes = np.empty(2)
        slopes[0] = -first * inverse
        slopes[1] = count - second * inverse
        return count * s + 0.5 * second * inverse + 0.5 * count * m.log2pi, slopes

    return g


PROBLEM = Problem(
    name="gauss_nll",
    summary="negative log-likelihood of a normal sample: 2 parameters, N data",
    at=at,
    sizes=(100, 10_000, 1_000_000),
    showcase=True,
    quick=(100, 10_000),
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
        Form("numba-manual", numba_manual, gives=Operator.VALUE_AND_GRADIENT),
    ),
    exact={Operator.GRADIENT: gradient, Operator.HESSIAN: hessian},
)
