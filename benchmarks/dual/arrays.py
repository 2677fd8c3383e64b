"""The same functions as whole-array code, for JAX, autograd and NumPy; loops where there must be any.

Each builder takes a namespace ``xp`` like NumPy's, with ``erf`` and, for the three sequential
functions, ``loop(steps, body, state)`` and ``loop_while(test, body, state)`` of the tool's manual.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from functions import ESCAPE_STEPS, LOG_2PI, ORBIT_H, SQRT2, module

__all__ = [
    "bessel", "escape", "for_autograd", "for_jax", "for_numpy", "gauss_log", "gauss_nll", "gmm",
    "histogram_nll", "logistic_map", "ode", "peaks", "rosenbrock",
]  # fmt: skip


def for_numpy() -> Any:
    """NumPy with SciPy's erf."""
    import numpy as np
    from scipy.special import erf

    return module("arrays_numpy", **vars(np) | {"erf": erf, "loop": _loop, "loop_while": _while})


def for_autograd() -> Any:
    """Autograd's NumPy; loops are Python's."""
    from autograd import numpy as anp
    from autograd.scipy.special import erf

    return module(
        "arrays_autograd", **vars(anp) | {"erf": erf, "loop": _loop, "loop_while": _while}
    )


def for_jax() -> Any:
    """JAX's NumPy; loops are XLA's."""
    from jax import lax
    from jax import numpy as jnp
    from jax.scipy.special import erf

    def loop(steps: int, body: Callable[[Any], Any], state: Any) -> Any:
        return lax.fori_loop(0, steps, lambda _, s: body(s), state)

    words = {"erf": erf, "loop": loop, "loop_while": lax.while_loop}
    return module("arrays_jax", **vars(jnp) | words)


def _loop(steps: int, body: Callable[[Any], Any], state: Any) -> Any:
    for _ in range(steps):
        state = body(state)
    return state


def _while(test: Callable[[Any], Any], body: Callable[[Any], Any], state: Any) -> Any:
    while test(state):
        state = body(state)
    return state


def logistic_map(xp: Any, steps: int = 1000) -> Any:
    """See `functions.logistic_map`; the number of steps is fixed, as a compiled loop wants it."""

    def f(r):
        return xp.loop(steps, lambda x: r * x * (1.0 - x), 0.3 + 0.0 * r)

    return f


def bessel(xp: Any) -> Any:
    """See `functions.bessel`."""

    def f(x):
        q = -0.25 * x * x
        one = 1.0 + 0.0 * x

        def body(state):
            term, total, k = state
            term = term * q / (k * k)
            return term, total + term, k + 1.0

        def goes_on(state):
            return xp.abs(state[0]) > 1e-17 * xp.abs(state[1])

        return xp.loop_while(goes_on, body, (one, one, 1.0))[1]

    return f


def rosenbrock(xp: Any) -> Any:
    """See `functions.rosenbrock`."""

    def f(x):
        a = x[1:] - x[:-1] * x[:-1]
        b = 1.0 - x[:-1]
        return xp.sum(100.0 * a * a + b * b)

    return f


def gauss_nll(xp: Any) -> Any:
    """See `functions.gauss_nll`."""

    def f(x, sample):
        z = (sample - x[0]) / x[1]
        return 0.5 * xp.sum(z * z) + sample.shape[0] * (xp.log(x[1]) + 0.5 * LOG_2PI)

    return f


def gauss_log(xp: Any) -> Any:
    """See `functions.gauss_log`."""

    def f(x, sample):
        z = (sample - x[0]) / x[1]
        return -xp.sum(xp.log(xp.exp(-0.5 * z * z) / (math.sqrt(2.0 * math.pi) * x[1])))

    return f


def histogram_nll(xp: Any) -> Any:
    """See `functions.histogram_nll`."""

    def f(x, n, edges):
        cdf = 0.5 * (1.0 + xp.erf((edges - x[1]) / (x[2] * SQRT2)))
        expected = x[0] * (cdf[1:] - cdf[:-1])
        return xp.sum(expected - n + n * xp.log(n / (expected + 1e-100) + 1e-100))

    return f


def gmm(xp: Any) -> Any:
    """See `functions.gmm`."""

    def f(x, points):
        k = x.shape[0] // 6
        weights, centres = x[:k], xp.reshape(x[k : 3 * k], (k, 2))
        factor = xp.reshape(x[3 * k :], (k, 3))
        apart = xp.reshape(points, (-1, 1, 2)) - centres
        u, v = apart[:, :, 0], apart[:, :, 1]
        a = xp.exp(factor[:, 0]) * u
        b = factor[:, 2] * u + xp.exp(factor[:, 1]) * v
        terms = weights + factor[:, 0] + factor[:, 1] - 0.5 * (a * a + b * b)
        top = xp.max(terms, axis=1)
        density = xp.sum(xp.exp(terms - top[:, None]), axis=1)
        n = points.shape[0] // 2
        return n * (xp.log(xp.sum(xp.exp(weights))) + LOG_2PI) - xp.sum(top + xp.log(density))

    return f


def ode(xp: Any, steps: int = 1000) -> Any:
    """See `functions.ode`; the number of steps is fixed."""

    def f(p):
        def rhs(u, v):
            du = p[0] + p[1] * u + p[2] * v + p[3] * u * v + p[4] * u * u
            return du, p[5] + p[6] * u + p[7] * v + p[8] * u * v + p[9] * v * v

        def step(state):
            u, v = state
            h = ORBIT_H
            a, b = rhs(u, v)
            a2, b2 = rhs(u + 0.5 * h * a, v + 0.5 * h * b)
            a3, b3 = rhs(u + 0.5 * h * a2, v + 0.5 * h * b2)
            a4, b4 = rhs(u + h * a3, v + h * b3)
            u = u + h / 6.0 * (a + 2.0 * (a2 + a3) + a4)
            return u, v + h / 6.0 * (b + 2.0 * (b2 + b3) + b4)

        one = 1.0 + 0.0 * p[0]
        u, v = xp.loop(steps, step, (one, one))
        return u * u + v * v

    return f


def escape(xp: Any) -> Any:
    """One point's smooth count, by a loop that ends with the point; see `functions.escape`."""

    def f(c):
        zero = 0.0 * c[0]

        def step(state):
            n, u, v, _ = state
            u, v = u * u - v * v + c[0], 2.0 * u * v + c[1]
            return n + 1.0, u, v, u * u + v * v

        def inside(state):
            return (state[0] < ESCAPE_STEPS) & (state[3] <= 4.0)

        n, _, _, size = xp.loop_while(inside, step, (0.0, zero, zero, zero))
        out = size > 4.0
        safe = xp.where(out, size, 5.0)
        return xp.where(out, n - xp.log2(0.5 * xp.log(safe)), 0.0)

    return f


def peaks(xp: Any) -> Any:
    """Sum of squares of a spectrum of five exponentials: 2 variables each, all data at once."""

    def f(x, times, heights):
        model = 0.0
        for j in range(x.shape[0] // 2):
            model = model + x[2 * j] * xp.exp(-x[2 * j + 1] * times)
        rest = heights - model
        return xp.sum(rest * rest)

    return f
