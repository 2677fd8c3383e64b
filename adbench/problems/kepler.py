r"""Kepler's equation: the eccentric anomaly of mean anomaly M and eccentricity e, at many points.

.. math:: E - e \sin E = M; \quad E_0 = M + e \sin M, \quad
   E \leftarrow E - \frac{E - e \sin E - M}{1 - e \cos E}
   \text{ until } |\Delta E| < 10^{-14}

or 50 steps. Derivatives by the implicit function theorem:

.. math:: \frac{\partial E}{\partial M} = \frac{1}{1 - e \cos E}, \quad
   \frac{\partial E}{\partial e} = \frac{\sin E}{1 - e \cos E}

Source: ``docs/PROBLEMS.md`` C; the equation is Kepler's, 1609. In the suite because its loop ends
when the numbers say so, at another pass for every point, and because who solves an equation need not
differentiate the solver: the implicit form shows what that saves. A derivative carried through the
loop is as exact as E: one Newton step squares the errors of both.

The array texts take a fixed number of steps instead, for whole-array code has no branch on values.
More Newton steps than needed stay where they are, up to rounding, so it is the same function.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem

TOLERANCE = 1e-14
MOST_STEPS = 50
# What the slowest M needs at eccentricities up to 0.91; most points need 4 or 5.
STEPS = 7


def at(size: int) -> Point:
    """Mean anomalies in [0, 2 pi), then eccentricities in [0, 0.9)."""
    rng = np.random.default_rng(31337)
    mean = 2.0 * np.pi * rng.random(size)
    return Point(np.concatenate([mean, 0.9 * rng.random(size)]))


def scalar(m: Any) -> Any:
    def f(mean, e):
        anomaly = mean + e * m.sin(mean)
        step, count = 1.0, 0
        while abs(step) >= TOLERANCE and count < MOST_STEPS:
            step = (anomaly - e * m.sin(anomaly) - mean) / (1.0 - e * m.cos(anomaly))
            anomaly = anomaly - step
            count = count + 1
        return anomaly

    return f


def array(xp: Any) -> Any:
    def f(mean, e):
        anomaly = mean + e * xp.sin(mean)
        for _ in range(STEPS):
            step = (anomaly - e * xp.sin(anomaly) - mean) / (1.0 - e * xp.cos(anomaly))
            anomaly = anomaly - step
        return anomaly

    return f


def jax(xp: Any) -> Any:
    """JAX has a loop of its own, ``lax.fori_loop``, for what would else be unrolled. With a known
    number of passes both modes differentiate it; a ``lax.while_loop`` reverse mode cannot.
    """
    from jax import lax

    def f(mean, e):
        def newton(_, anomaly):
            step = (anomaly - e * xp.sin(anomaly) - mean) / (1.0 - e * xp.cos(anomaly))
            return anomaly - step

        return lax.fori_loop(0, STEPS, newton, mean + e * xp.sin(mean))

    return f


def jax_implicit(xp: Any) -> Any:
    """``jax.custom_jvp`` with the derivatives of the implicit function theorem, so that nobody
    differentiates the loop: it may then be a ``lax.while_loop``, in reverse mode too.
    """
    from jax import custom_jvp, lax

    def newton(mean, e, anomaly):
        return (anomaly - e * xp.sin(anomaly) - mean) / (1.0 - e * xp.cos(anomaly))

    @custom_jvp
    def f(mean, e):
        def unfinished(state):
            count, _, step = state
            return (count < MOST_STEPS) & xp.any(xp.abs(step) >= TOLERANCE)

        def improved(state):
            count, anomaly, _ = state
            step = newton(mean, e, anomaly)
            return count + 1, anomaly - step, step

        start = mean + e * xp.sin(mean)
        return lax.while_loop(unfinished, improved, (0, start, xp.ones_like(start)))[1]

    @f.defjvp
    def slopes(primals, tangents):
        anomaly = f(*primals)
        mean_dot, e_dot = tangents
        turned = mean_dot + xp.sin(anomaly) * e_dot
        return anomaly, turned / (1.0 - primals[1] * xp.cos(anomaly))

    return f


def derivative(m: Any) -> Any:
    """By the implicit function theorem, from E with errors squared twice more than the text has."""
    solve = scalar(m)

    def g(x):
        count = len(x) // 2
        by_mean, by_e = [0.0] * count, [0.0] * count
        for i in range(count):
            mean, e = x[i], x[count + i]
            anomaly = solve(mean, e)
            for _ in range(2):
                step = (anomaly - e * m.sin(anomaly) - mean) / (1.0 - e * m.cos(anomaly))
                anomaly = anomaly - step
            by_mean[i] = 1.0 / (1.0 - e * m.cos(anomaly))
            by_e[i] = m.sin(anomaly) * by_mean[i]
        return [*by_mean, *by_e]

    return g


PROBLEM = Problem(
    name="kepler",
    summary="Kepler's equation by Newton steps to a tolerance: two numbers a point, an implicit result",
    at=at,
    sizes=(1, 1_000, 100_000),
    quick=(1, 1_000),
    operators=(Operator.VALUE, Operator.DERIVATIVE),
    forms=(
        Form("scalar", scalar, elementwise=2),
        Form("array", array, elementwise=2),
        Form("jax", jax, elementwise=2),
        Form("jax-implicit", jax_implicit, elementwise=2),
    ),
    exact={Operator.DERIVATIVE: derivative},
)
