"""The functions that are differentiated, as scalar code: one text for floats and for every dual.

Each builder takes a module ``m`` of elementary functions (``exp``, ``log``, ``log2``, ``erf``, and
``space(x, n)``: room for n numbers of the kind of x's) and returns ``f(x, *data)``. Numba compiles
that very text; pure Python and the scalar tools run it. C kernels of the same mathematics are in
``c/``, whole-array texts in ``arrays.py``.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

__all__ = [
    "ORBIT_H", "bessel", "escape", "for_numba", "for_python", "gauss_log", "gauss_nll", "gmm",
    "histogram_nll", "logistic_map", "module", "ode", "rosenbrock", "tangents",
]  # fmt: skip

LOG_2PI = math.log(2.0 * math.pi)
SQRT2 = math.sqrt(2.0)
ORBIT_H = 0.01  # step of the differential equation
ESCAPE_STEPS = 50


def module(name: str, **members: Any) -> ModuleType:
    """A module object with these members: what Numba can type when a closure holds it."""
    made = ModuleType(name)
    vars(made).update(members)
    return made


def for_python() -> ModuleType:
    """Elementary functions of floats."""
    return module(
        "floats", exp=math.exp, log=math.log, log2=math.log2, erf=math.erf, space=_list
    )  # fmt: skip


def _list(x: Any, n: int) -> list[Any]:
    return [0.0] * n


def for_numba() -> ModuleType:
    """The same for Numba, where room is an array of x's own type."""
    import numpy as np
    from numba import njit

    @njit
    def space(x, n):  # type: ignore[no-untyped-def]
        return np.empty(n, x.dtype)

    return module(
        "numba_words", exp=math.exp, log=math.log, log2=math.log2, erf=math.erf, space=space
    )  # fmt: skip


def logistic_map(m: Any) -> Any:
    """The value after some steps of x <- r x (1 - x), as a function of r: sequential, three operations."""

    def f(r, steps):
        x = 0.3
        for _ in range(steps):
            x = r * x * (1.0 - x)
        return x

    return f


def bessel(m: Any) -> Any:
    """J_0(x) by its power series, until a term no longer counts: a while loop."""

    def f(x):
        q = -0.25 * x * x
        term = 1.0
        total = 1.0
        k = 1.0
        while abs(term) > 1e-17 * abs(total):
            term = term * q / (k * k)
            total = total + term
            k = k + 1.0
        return total

    return f


def rosenbrock(m: Any) -> Any:
    """Rosenbrock's function in len(x) variables."""

    def f(x):
        total = 0.0
        for i in range(len(x) - 1):
            a = x[i + 1] - x[i] * x[i]
            b = 1.0 - x[i]
            total = total + (100.0 * a * a + b * b)
        return total

    return f


def gauss_nll(m: Any) -> Any:
    """Negative log-likelihood of a normal sample in (mu, sigma)."""

    def f(x, sample):
        mu = x[0]
        sigma = x[1]
        total = 0.0
        for i in range(len(sample)):
            z = (sample[i] - mu) / sigma
            total = total + 0.5 * z * z
        return total + len(sample) * (m.log(sigma) + 0.5 * LOG_2PI)

    return f


def gauss_log(m: Any) -> Any:
    """The same as users often write it: minus the sum of log(density)."""

    def f(x, sample):
        mu = x[0]
        sigma = x[1]
        scale = math.sqrt(2.0 * math.pi) * sigma
        total = 0.0
        for i in range(len(sample)):
            z = (sample[i] - mu) / sigma
            total = total - m.log(m.exp(-0.5 * z * z) / scale)
        return total

    return f


def histogram_nll(m: Any) -> Any:
    """Poisson likelihood of a histogram of a normal distribution in (amplitude, mu, sigma)."""

    def f(x, counts, edges):
        scale = 1.0 / (x[2] * SQRT2)
        total = 0.0
        below = 0.5 * (1.0 + m.erf((edges[0] - x[1]) * scale))
        for i in range(len(counts)):
            above = 0.5 * (1.0 + m.erf((edges[i + 1] - x[1]) * scale))
            expected = x[0] * (above - below)
            n = counts[i]
            total = total + (expected - n + n * m.log(n / (expected + 1e-100) + 1e-100))
            below = above
        return total

    return f


def gmm(m: Any) -> Any:
    """Minus the log-likelihood of a mixture of K normals in the plane, 6 parameters each.

    x holds K log weights, then the centres (K pairs), then for each component the inverse Cholesky
    factor of its covariance: log of the first diagonal element, log of the second, the one below.
    ``points`` holds two numbers for each point.
    """

    def f(x, points):
        k = len(x) // 6
        weights = 0.0
        root = m.space(x, 2 * k)
        for j in range(k):
            weights = weights + m.exp(x[j])
            root[2 * j] = m.exp(x[3 * k + 3 * j])
            root[2 * j + 1] = m.exp(x[3 * k + 3 * j + 1])
        terms = m.space(x, k)
        total = 0.0
        for i in range(len(points) // 2):
            top = -1e300
            for j in range(k):
                u = points[2 * i] - x[k + 2 * j]
                v = points[2 * i + 1] - x[k + 2 * j + 1]
                a = root[2 * j] * u
                b = x[3 * k + 3 * j + 2] * u + root[2 * j + 1] * v
                logs = x[3 * k + 3 * j] + x[3 * k + 3 * j + 1]
                term = x[j] + logs - 0.5 * (a * a + b * b)
                if term > top:
                    top = term
                terms[j] = term
            density = 0.0
            for j in range(k):
                density = density + m.exp(terms[j] - top)
            total = total - (top + m.log(density))
        return total + len(points) // 2 * (m.log(weights) + LOG_2PI)

    return f


def ode(m: Any) -> Any:
    """Squared distance from the origin after RK4 steps of two quadratic equations, 10 parameters."""

    def f(p, steps):
        def du(u, v):
            return p[0] + p[1] * u + p[2] * v + p[3] * u * v + p[4] * u * u

        def dv(u, v):
            return p[5] + p[6] * u + p[7] * v + p[8] * u * v + p[9] * v * v

        h = ORBIT_H
        u = 1.0
        v = 1.0
        for _ in range(steps):
            a = du(u, v)
            b = dv(u, v)
            a2 = du(u + 0.5 * h * a, v + 0.5 * h * b)
            b2 = dv(u + 0.5 * h * a, v + 0.5 * h * b)
            a3 = du(u + 0.5 * h * a2, v + 0.5 * h * b2)
            b3 = dv(u + 0.5 * h * a2, v + 0.5 * h * b2)
            a4 = du(u + h * a3, v + h * b3)
            b4 = dv(u + h * a3, v + h * b3)
            u = u + h / 6.0 * (a + 2.0 * (a2 + a3) + a4)
            v = v + h / 6.0 * (b + 2.0 * (b2 + b3) + b4)
        return u * u + v * v

    return f


def tangents(m: Any) -> Any:
    """`ode` in k variables x that move its 10 parameters around p, each by the sum of some of x."""
    equations = _jitted(m, ode(m))

    def f(x, p, steps):
        moved = m.space(x, 10)
        for j in range(10):
            moved[j] = p[j] + 1e-3 * x[j % len(x)]
        for i in range(10, len(x)):
            moved[i % 10] = moved[i % 10] + 1e-3 * x[i]
        return equations(moved, steps)

    return f


def _jitted(m: Any, helper: Any) -> Any:
    """A helper as code under `m` may call it: compiled code calls compiled code only."""
    if not hasattr(m.space, "py_func"):
        return helper
    from numba import njit

    return njit(error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})(helper)


def escape(m: Any) -> Any:
    """Smooth count of the steps in which z <- z^2 + c leaves the disc of radius 2; 0 if it stays."""

    def f(c):
        re = c[0]
        im = c[1]
        u = 0.0
        v = 0.0
        for n in range(ESCAPE_STEPS):
            w = u * u - v * v + re
            v = 2.0 * u * v + im
            u = w
            size = u * u + v * v
            if size > 4.0:
                return n + 1.0 - m.log2(0.5 * m.log(size))
        return 0.0

    return f
