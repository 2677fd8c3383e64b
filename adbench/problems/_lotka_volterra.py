r"""The trajectory of the Lotka-Volterra equations that two problems fit, and its texts.

.. math:: x' = a x - b x y, \quad y' = -c y + d x y, \quad x(0) = y(0) = 1

by the classical Runge-Kutta method of fourth order in steps of 0.01; x and y at every tenth step.
"""

import math
from typing import Any

import numpy as np

from adbench.model import ELEMENTARY, namespace

STEP = 0.01
EVERY = 10
TRUE = (1.5, 1.0, 3.0, 1.0)
AT = (1.4, 1.1, 2.9, 0.9)


def target(steps: int) -> np.ndarray[Any, Any]:
    """X and y at every tenth of `steps` steps with the parameters (1.5, 1, 3, 1).

    Shape (steps / 10, 2), deterministic: sums, products and quotients of floats in a fixed order.

    Raises
    ------
    ValueError
        When `steps` is no multiple of 10.
    """
    if steps % EVERY:
        raise ValueError(f"the number of steps is a multiple of {EVERY}, got {steps}")
    words = namespace("math", {word: getattr(math, word) for word in ELEMENTARY})
    nothing = [[0.0, 0.0]] * (steps // EVERY)
    return np.array(scalar_residuals(words)(list(TRUE), nothing)).reshape(-1, 2)


def scalar_step(m: Any) -> Any:
    """``step(a, b, c, d, x, y) -> (x, y)`` after one step, in plain numbers."""

    def prey(a, b, u, v):
        return a * u - b * u * v

    def predators(c, d, u, v):
        return d * u * v - c * v

    def step(a, b, c, d, u, v):
        p1 = prey(a, b, u, v)
        q1 = predators(c, d, u, v)
        u2 = u + 0.5 * STEP * p1
        v2 = v + 0.5 * STEP * q1
        p2 = prey(a, b, u2, v2)
        q2 = predators(c, d, u2, v2)
        u3 = u + 0.5 * STEP * p2
        v3 = v + 0.5 * STEP * q2
        p3 = prey(a, b, u3, v3)
        q3 = predators(c, d, u3, v3)
        u4 = u + STEP * p3
        v4 = v + STEP * q3
        p4 = prey(a, b, u4, v4)
        q4 = predators(c, d, u4, v4)
        return (
            u + STEP * (p1 + 2.0 * p2 + 2.0 * p3 + p4) / 6.0,
            v + STEP * (q1 + 2.0 * q2 + 2.0 * q3 + q4) / 6.0,
        )

    return step


def scalar_residuals(m: Any) -> Any:
    """``r(x, target)``: x and y of each record minus the target's, one vector, in plain numbers."""
    step = scalar_step(m)

    def residuals(x, target):
        # a number of the kind of x's, so that the loop's variables keep their type
        u = 1.0 + 0.0 * x[0]
        v = u
        result = m.zeros(2 * len(target))
        for k in range(len(target)):
            for _ in range(EVERY):
                u, v = step(x[0], x[1], x[2], x[3], u, v)
            result[2 * k] = u - target[k][0]
            result[2 * k + 1] = v - target[k][1]
        return result

    return residuals


def array_residuals(xp: Any) -> Any:
    """``r(x, target)`` in whole-array code with a Python loop.

    The equations in the form for many species, z' = z (growth + coupling z): a third of the array
    operations that x and y apart would take.
    """

    def step(growth, coupling, z):
        k1 = z * (growth + coupling @ z)
        z2 = z + 0.5 * STEP * k1
        k2 = z2 * (growth + coupling @ z2)
        z3 = z + 0.5 * STEP * k2
        k3 = z3 * (growth + coupling @ z3)
        z4 = z + STEP * k3
        k4 = z4 * (growth + coupling @ z4)
        return z + STEP * (k1 + 2.0 * k2 + 2.0 * k3 + k4) / 6.0

    def residuals(x, target):
        growth = xp.stack([x[0], -x[2]])
        coupling = xp.reshape(xp.stack([0.0 * x[0], -x[1], x[3], 0.0 * x[0]]), (2, 2))
        z = xp.ones(2)
        records = []
        for _ in range(target.shape[0]):
            for _ in range(EVERY):
                z = step(growth, coupling, z)
            records += [z]
        return xp.reshape(xp.stack(records) - target, (-1,))

    return residuals


def jax_residuals(xp: Any, lax: Any) -> Any:
    """``r(x, target)`` by ``lax.scan`` over the steps, the scalar text's step as its body."""
    step = scalar_step(xp)

    def residuals(x, target):
        def once(state, _):
            after = step(x[0], x[1], x[2], x[3], *state)
            return after, after

        start = (xp.ones(()), xp.ones(()))
        _, (u, v) = lax.scan(once, start, None, length=EVERY * target.shape[0])
        records = xp.stack([u[EVERY - 1 :: EVERY], v[EVERY - 1 :: EVERY]], axis=1)
        return xp.reshape(records - target, (-1,))

    return residuals
