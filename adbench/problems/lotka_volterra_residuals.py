r"""Residuals of a fit of the Lotka-Volterra equations: 200 numbers of 4 parameters.

.. math:: x' = a x - b x y, \quad y' = -c y + d x y, \quad x(0) = y(0) = 1

by the classical Runge-Kutta method, 1 000 steps of 0.01; residuals are x and y at steps 10, 20, ...,
1 000 minus the trajectory of the parameters (1.5, 1, 3, 1), taken at (a, b, c, d) =
(1.4, 1.1, 2.9, 0.9). Source: ``docs/PROBLEMS.md`` C (A. J. Lotka 1925, V. Volterra 1926); the companion of
`lotka_volterra`. In the suite because Levenberg-Marquardt and its kin ask for exactly this: the
Jacobian of many residuals with respect to few parameters, forward mode's best case, through a loop.
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
    observed = target(size)
    return Point(np.array(AT), (observed,), outputs=observed.size)


def jax(xp: Any) -> Any:
    """A Python loop would be unrolled into a program of some 70 operations a step, which XLA takes
    minutes to compile; JAX's manual has ``lax.scan`` for a loop that carries a state and records it.
    """
    from jax import lax

    return jax_residuals(xp, lax)


PROBLEM = Problem(
    name="lotka_volterra_residuals",
    summary="residuals of a predator-prey trajectory: 200 numbers of 4 parameters",
    at=at,
    sizes=(1_000,),
    operators=(Operator.VALUE, Operator.JACOBIAN, Operator.JVP, Operator.VJP),
    forms=(Form("scalar", scalar_residuals), Form("array", array_residuals), Form("jax", jax)),
)
