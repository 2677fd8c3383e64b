r"""The chain of linear equations that `ode` and `ode_states` solve, and its texts.

.. math:: y_0' = x_0, \quad y_i' = x_i y_{i-1}, \quad y(0) = 0

by the classical Runge-Kutta method of fourth order in s equal steps of h = t / s. One step is linear
in (1, y): with the matrix N of the chain it multiplies by p(h N),
:math:`p(u) = 1 + u + u^2/2 + u^3/6 + u^4/24`, so that after s steps

.. math:: y_i = c_i \prod_{j \le i} x_j, \quad c_i = h^{i+1} [u^{i+1}] \, p(u)^s

exactly: a closed form of the discrete map, not of the differential equation (whose
:math:`t^{i+1} / (i+1)!` it approaches). `chain` and its derivatives follow from it.
"""

from typing import Any

import numpy as np

from adbench.model import Size

END = 2.0


def start(size: Size) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """X = 1 + rng.random(n), and the s + 1 times from 0 to 2, for the size (n, s).

    Raises
    ------
    ValueError
        When n > 4 s: a step carries a change four equations along the chain, so that the last
        equations would never leave 0.
    """
    n, steps = size if isinstance(size, tuple) else (size, size)
    if n > 4 * steps:
        raise ValueError(f"{n} equations need at least {-(-n // 4)} steps, got {steps}")
    x = 1.0 + np.random.default_rng(31337).random(n)
    return x, np.linspace(0.0, END, steps + 1)


def scalar_states(m: Any) -> Any:
    """``y(x, times)``: the n numbers y at the last time, in plain numbers."""

    def rate(x, y, k):
        k[0] = x[0]
        for i in range(1, len(x)):
            k[i] = x[i] * y[i - 1]

    def states(x, times):
        n = len(x)
        steps = len(times) - 1
        h = (times[steps] - times[0]) / steps
        y = m.zeros(n)
        z = m.zeros(n)
        k1 = m.zeros(n)
        k2 = m.zeros(n)
        k3 = m.zeros(n)
        k4 = m.zeros(n)
        for _ in range(steps):
            rate(x, y, k1)
            for i in range(n):
                z[i] = y[i] + 0.5 * h * k1[i]
            rate(x, z, k2)
            for i in range(n):
                z[i] = y[i] + 0.5 * h * k2[i]
            rate(x, z, k3)
            for i in range(n):
                z[i] = y[i] + h * k3[i]
            rate(x, z, k4)
            for i in range(n):
                y[i] = y[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])
        return y

    return states


def array_step(xp: Any) -> Any:
    """``step(x, y, h)``: y after one step, in whole-array code."""

    def rate(x, y):
        return xp.concatenate([x[:1], x[1:] * y[:-1]])

    def step(x, y, h):
        k1 = rate(x, y)
        k2 = rate(x, y + 0.5 * h * k1)
        k3 = rate(x, y + 0.5 * h * k2)
        k4 = rate(x, y + h * k3)
        return y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

    return step


def array_states(xp: Any) -> Any:
    """``y(x, times)``: the n numbers y at the last time, in whole-array code with a Python loop."""
    step = array_step(xp)

    def states(x, times):
        steps = times.shape[0] - 1
        h = (times[-1] - times[0]) / steps
        y = xp.zeros(x.shape[0])
        for _ in range(steps):
            y = step(x, y, h)
        return y

    return states


def jax_states(xp: Any, lax: Any) -> Any:
    """``y(x, times)`` by ``lax.fori_loop``."""
    step = array_step(xp)

    def states(x, times):
        steps = times.shape[0] - 1
        h = (times[-1] - times[0]) / steps
        return lax.fori_loop(0, steps, lambda _, y: step(x, y, h), xp.zeros_like(x))

    return states


def chain(m: Any) -> Any:
    r"""``c(n, times)``: the n coefficients c_i, by the recurrence for powers of a polynomial.

    With q = p^s, p q' = s p' q gives
    :math:`k q_k = \sum_{i=1}^{4} (i s - k + i) p_i q_{k-i}` (J. C. P. Miller; Henrici, Applied and
    Computational Complex Analysis 1, 1974, section 1.6).
    """
    factorial = (1, 1, 2, 6, 24)

    def coefficients(n, times):
        steps = len(times) - 1
        h = (times[steps] - times[0]) / steps
        q: Any = [1]
        for k in range(1, n + 1):
            total: Any = 0
            for i in range(1, min(k, 4) + 1):
                # 24 p_i is an integer: the division by 24 k is the only rounding
                total = (i * steps - k + i) * (24 // factorial[i]) * h**i * q[k - i] + total
            q += [total / (24 * k)]
        return q[1:]

    return coefficients
