r"""Least squares of the Lotka-Volterra equations, predators and prey, in 4 parameters.

.. math:: f = \sum_k (x(t_k) - \bar x_k)^2 + (y(t_k) - \bar y_k)^2, \quad
   x' = a x - b x y, \quad y' = -c y + d x y, \quad x(0) = y(0) = 1

by the classical Runge-Kutta method, 1 000 steps of 0.01, compared at steps 10, 20, ..., 1 000 with the
trajectory of the parameters (1.5, 1, 3, 1), from (a, b, c, d) = (1.4, 1.1, 2.9, 0.9). Source:
``docs/PROBLEMS.md`` C (A. J. Lotka 1925, V. Volterra 1926). In the suite because it is the smallest fit of
a nonlinear simulation: 4 parameters, two coupled numbers carried through a thousand steps, nothing
to vectorise. The truth is the derivative of the discrete map.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem
from adbench.problems._lotka_volterra import (
    AT,
    array_residuals,
    jax_residuals,
    scalar_residuals,
    target,
)


def at(size: Any) -> Point:
    """The trajectory of (1.5, 1, 3, 1), seen from (1.4, 1.1, 2.9, 0.9); size: number of steps."""
    return Point(np.array(AT), (target(size),))


def scalar(m: Any) -> Any:
    residuals = scalar_residuals(m)

    def f(x, target):
        r = residuals(x, target)
        total = 0.0
        for k in range(2 * len(target)):
            total = total + r[k] * r[k]
        return total

    return f


def array(xp: Any) -> Any:
    residuals = array_residuals(xp)

    def f(x, target):
        r = residuals(x, target)
        return xp.sum(r * r)

    return f


def jax(xp: Any) -> Any:
    """A Python loop would be unrolled into a program of some 70 operations a step, which XLA takes
    minutes to compile; JAX's manual has ``lax.scan`` for a loop that carries a state and records it.
    """
    from jax import lax

    residuals = jax_residuals(xp, lax)

    def f(x, target):
        r = residuals(x, target)
        return xp.sum(r * r)

    return f


PROBLEM = Problem(
    name="lotka_volterra",
    summary="least squares of a predator-prey trajectory: 4 parameters, 1 000 steps",
    at=at,
    sizes=(1_000,),
    operators=(
        Operator.VALUE,
        Operator.GRADIENT,
        Operator.VALUE_AND_GRADIENT,
    ),
    forms=(Form("scalar", scalar), Form("array", array), Form("jax", jax)),
)
