r"""Marginal likelihood of a Gaussian process, parameters (log amplitude, log length, log noise).

.. math:: f = \tfrac12 y^T K^{-1} y + \tfrac12 \log\det K + \tfrac N2 \log 2\pi, \quad
   K_{ij} = a^2 e^{-(x_i - x_j)^2 / 2 l^2} + s^2 \delta_{ij}

through a Cholesky factor K = L L^T (C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for
Machine Learning, MIT Press 2006, algorithm 2.1). Source: ``docs/PROBLEMS.md`` A. In the suite
because its N^3 operations are linear algebra: array tools need the derivative of a factorisation,
loops differentiate through it element by element. Few parameters, so forward mode is at home.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: int) -> Point:
    """N points of a sine between 0 and 10 with noise 0.1, at (0, 0, -1)."""
    draw = np.random.default_rng(31337)
    x = np.sort(draw.uniform(0.0, 10.0, size))
    y = np.sin(x) + 0.1 * draw.standard_normal(size)
    return Point(np.array([0.0, 0.0, -1.0]), (x, y))


def scalar(m: Any) -> Any:
    def f(p, x, y):
        n = len(x)
        square = m.exp(2.0 * p[0])
        scale = 0.5 * m.exp(-2.0 * p[1])
        noise = m.exp(2.0 * p[2])
        # the factor's rows one after another, and z = L^-1 y
        factor = m.zeros(n * (n + 1) // 2)
        z = m.zeros(n)
        total = 0.5 * n * m.log2pi
        for i in range(n):
            row = i * (i + 1) // 2
            rest = y[i]
            pivot = square + noise
            for j in range(i):
                other = j * (j + 1) // 2
                d = x[i] - x[j]
                entry = square * m.exp(-(d * d) * scale)
                for k in range(j):
                    entry = entry - factor[row + k] * factor[other + k]
                entry = entry / factor[other + j]
                factor[row + j] = entry
                pivot = pivot - entry * entry
                rest = rest - entry * z[j]
            root = m.sqrt(pivot)
            factor[row + i] = root
            z[i] = rest / root
            total = total + (0.5 * z[i] * z[i] + m.log(root))
        return total

    return f


def array(xp: Any) -> Any:
    def f(p, x, y):
        n = x.shape[0]
        d = x[:, None] - x[None, :]
        kernel = xp.exp(2.0 * p[0] - 0.5 * d * d * xp.exp(-2.0 * p[1]))
        factor = xp.linalg.cholesky(kernel + xp.exp(2.0 * p[2]) * xp.eye(n))
        z = xp.linalg.solve(factor, y)
        return 0.5 * xp.sum(z * z) + xp.sum(xp.log(xp.diag(factor))) + 0.5 * n * xp.log2pi

    return f


def jax(xp: Any) -> Any:
    """NumPy's solve knows no triangular matrix and factorises L again, in N^3 operations; JAX's
    manual has ``jax.scipy.linalg.solve_triangular``, in N^2.
    """
    from jax.scipy.linalg import solve_triangular

    def f(p, x, y):
        n = x.shape[0]
        d = x[:, None] - x[None, :]
        kernel = xp.exp(2.0 * p[0] - 0.5 * d * d * xp.exp(-2.0 * p[1]))
        factor = xp.linalg.cholesky(kernel + xp.exp(2.0 * p[2]) * xp.eye(n))
        z = solve_triangular(factor, y, lower=True)
        return 0.5 * xp.sum(z * z) + xp.sum(xp.log(xp.diag(factor))) + 0.5 * n * xp.log2pi

    return f


def value_and_gradient(m: Any) -> Any:
    """By the inverse: df = (tr(K^-1 dK) - (K^-1 y)^T dK (K^-1 y)) / 2."""

    def g(p, x, y):
        n = len(x)
        square, noise = m.exp(2.0 * p[0]), m.exp(2.0 * p[2])
        over_length = m.exp(-2.0 * p[1])
        kernel = [[square + noise for _ in range(n)] for _ in range(n)]
        by_length = [[p[0] * 0.0 for _ in range(n)] for _ in range(n)]
        for i in range(n):
            for j in range(i):
                d = x[i] - x[j]
                t = d * d * over_length
                kernel[i][j] = kernel[j][i] = square * m.exp(-0.5 * t)
                by_length[i][j] = by_length[j][i] = kernel[i][j] * t
        inverse = m.inverse(kernel)
        a = [v[0] for v in m.matmul(inverse, [[v] for v in y])]
        fit = sum(u * v for u, v in zip(a, y, strict=True))
        value = 0.5 * (fit + m.logdet(kernel) + n * m.log2pi)
        trace = sum(inverse[i][i] - a[i] * a[i] for i in range(n))
        # K = its derivative by log amplitude / 2, plus the noise: tr(K^-1 K) = n
        length = sum(
            (inverse[i][j] - a[i] * a[j]) * by_length[i][j] for i in range(n) for j in range(i)
        )
        return [value, n - fit - noise * trace, length, noise * trace]

    return g


def value(m: Any) -> Any:
    both = value_and_gradient(m)
    return lambda p, x, y: both(p, x, y)[0]


def gradient(m: Any) -> Any:
    both = value_and_gradient(m)
    return lambda p, x, y: both(p, x, y)[1:]


PROBLEM = Problem(
    name="gp_nll",
    summary="marginal likelihood of a Gaussian process: 3 parameters, a Cholesky factor of N x N",
    at=at,
    sizes=(10, 100, 500),
    quick=(10, 100),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT),
    forms=(Form("scalar", scalar), Form("array", array), Form("jax", jax)),
    exact={
        Operator.VALUE: value,
        Operator.GRADIENT: gradient,
        Operator.VALUE_AND_GRADIENT: value_and_gradient,
    },
    closed=(500,),
)
