r"""Gaussian mixture with a Wishart prior: the objective of ADBench and GradBench.

.. math:: F = -N \left( \tfrac D2 \log 2\pi + \mathrm{lse}(\alpha) \right)
   + \sum_i \mathrm{lse}_k(\beta_{ik}) + P, \quad
   \beta_{ik} = \alpha_k + \sum_j q_{kj} - \tfrac12 |Q_k (x_i - \mu_k)|^2

.. math:: P = K \left( \nu D \log(\gamma / \sqrt 2) - G_D(\nu / 2) \right)
   - \tfrac{\gamma^2}{2} \sum_k \left( |e^{q_k}|^2 + |l_k|^2 \right) + m \sum q

with m = 0, gamma = 1, nu = D + m + 1, G_D the logarithm of the multivariate gamma function, and lse the
logarithm of a sum of exponentials. Q_k is lower triangular: exp(q_k) on the diagonal, l_k below it,
column after column. Parameters: alpha (K), mu (K x D), q (K x D), l (K x D(D-1)/2), in this order.

Source: ``docs/PROBLEMS.md`` A (F. Srajer, Z. Kukelova and A. Fitzgibbon, "A benchmark of selected
algorithmic differentiation tools on some problems in computer vision and machine learning",
Optimization Methods and Software 33, 2018, 889). In the suite because up to 21 450 parameters meet a
sum over data of some 20 000 operations a datum: what reverse mode is for.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem
from adbench.problems._gmm import constant, log_sum_exp, sweep, transposed, value_and_gradient

DATA = 1_000


def at(size: tuple[int, int]) -> Point:
    """1 000 normal points in D dimensions and random parameters of K components."""
    d, k = size
    draw = np.random.default_rng(31337)
    points = draw.standard_normal((DATA, d))
    alpha = draw.standard_normal(k)
    mu = draw.random((k, d))
    q = draw.standard_normal((k, d))
    below = draw.standard_normal((k, d * (d - 1) // 2))
    return Point(np.concatenate([alpha, mu.ravel(), q.ravel(), below.ravel()]), (points,))


def scalar(m: Any) -> Any:
    lse, fixed = log_sum_exp(m), constant(m)

    def f(x, points):
        n = len(points)
        d = len(points[0])
        below = d * (d - 1) // 2
        k = len(x) // (1 + 2 * d + below)
        mu, q, first = k, k + k * d, k + 2 * k * d
        scale = m.zeros(k * d)
        weight = m.zeros(k)
        beta = m.zeros(k)
        y = m.zeros(d)
        prior = 0.0
        for j in range(first, len(x)):
            prior = prior + x[j] * x[j]
        for c in range(k):
            beta[c] = x[c]
            weight[c] = x[c]
            for j in range(d):
                scale[c * d + j] = m.exp(x[q + c * d + j])
                weight[c] = weight[c] + x[q + c * d + j]
                prior = prior + scale[c * d + j] * scale[c * d + j]
        total = fixed(n, d, k) - n * lse(beta) - 0.5 * prior
        for i in range(n):
            point = points[i]
            for c in range(k):
                for r in range(d):
                    y[r] = scale[c * d + r] * (point[r] - x[mu + c * d + r])
                at = first + c * below
                for j in range(d - 1):
                    away = point[j] - x[mu + c * d + j]
                    for r in range(j + 1, d):
                        y[r] = y[r] + x[at + r - j - 1] * away
                    at = at + d - j - 1
                square = y[0] * y[0]
                for r in range(1, d):
                    square = square + y[r] * y[r]
                beta[c] = weight[c] - 0.5 * square
            total = total + lse(beta)
        return total

    return f


def array(xp: Any) -> Any:
    def lse(v):
        top = xp.max(v, axis=0)
        return top + xp.log(xp.sum(xp.exp(v - top), axis=0))

    def f(x, points):
        n, d = points.shape
        k = x.shape[0] // (1 + 2 * d + d * (d - 1) // 2)
        alpha = x[:k]
        mu = xp.reshape(x[k : k + k * d], (k, d))
        q = xp.reshape(x[k + k * d : k + 2 * k * d], (k, d))
        below = xp.reshape(x[k + 2 * k * d :], (k, d * (d - 1) // 2))
        diagonal = xp.exp(q)
        entries = xp.concatenate([xp.zeros((k, 1)), diagonal, below], axis=1)
        y = xp.matmul(points - mu[:, None, :], entries[:, transposed(d)])
        beta = (alpha + xp.sum(q, axis=1))[:, None] - 0.5 * xp.sum(y * y, axis=2)
        wishart = -d * (d + 1) * xp.log(xp.sqrt2) - 0.25 * d * (d - 1) * xp.log(xp.pi)
        for j in range(d):
            wishart = wishart - xp.lgamma(0.5 * (d + 1 - j))
        prior = k * wishart - 0.5 * (xp.sum(diagonal * diagonal) + xp.sum(below * below))
        return xp.sum(lse(beta)) - n * (lse(alpha) + 0.5 * d * xp.log2pi) + prior

    return f


def value(m: Any) -> Any:
    both = value_and_gradient(m)
    return lambda x, points: both(x, points)[0]


def gradient(m: Any) -> Any:
    both = value_and_gradient(m)
    return lambda x, points: both(x, points)[1:]


PROBLEM = Problem(
    name="gmm",
    summary="Gaussian mixture with a Wishart prior: up to 21 450 parameters, 1 000 data",
    at=at,
    sizes=((2, 5), (10, 5), (20, 10), (64, 10)),
    quick=((2, 5), (10, 5)),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT),
    forms=(
        Form("scalar", scalar),
        Form("array", array),
        Form("numba-manual", sweep, gives=Operator.VALUE_AND_GRADIENT),
    ),
    exact={
        Operator.VALUE: value,
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: value_and_gradient,
    },
    closed=((20, 10), (64, 10)),
)
