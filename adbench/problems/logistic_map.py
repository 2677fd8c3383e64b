r"""1 000 steps of the logistic map, differentiated with respect to its parameter.

.. math:: x_{k+1} = r x_k (1 - x_k), \quad x_0 = 0.3; \quad \mathrm{d} x_{1000} / \mathrm{d} r

Source: ``docs/PROBLEMS.md`` C. In the suite because it is the plainest long sequential loop: nothing
to vectorise at one point, a tape of thousands of entries for reverse mode, an expression that
doubles with every pass for symbolic tools. At r = 3.5 the map sits on a stable cycle of period 4,
so the derivative is well conditioned.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem

STEPS = 1_000


def at(size: int) -> Point:
    """R = 3.5 alone, or a line of parameters from 2.9 to 3.5."""
    return Point(np.array([3.5]) if size == 1 else np.linspace(2.9, 3.5, size))


def scalar(m: Any) -> Any:
    def f(r):
        x = 0.3
        for _ in range(STEPS):
            x = r * x * (1.0 - x)
        return x

    return f


def array(xp: Any) -> Any:
    def f(r):
        x = 0.3
        for _ in range(STEPS):
            x = r * x * (1.0 - x)
        return x

    return f


def jax(xp: Any) -> Any:
    """A Python loop would be unrolled into a program of 3 000 operations that takes XLA many seconds
    to compile; JAX's manual has ``lax.fori_loop`` for a known number of passes.
    """
    from jax import lax

    def f(r):
        start = xp.full_like(r, 0.3)
        return lax.fori_loop(0, STEPS, lambda _, x: r * x * (1.0 - x), start)

    return f


PROBLEM = Problem(
    name="logistic_map",
    summary="1 000 steps of the logistic map: one number in, one out, a long loop",
    at=at,
    sizes=(1, 100_000),
    showcase=True,
    operators=(Operator.VALUE, Operator.DERIVATIVE),
    forms=(
        Form("scalar", scalar, elementwise=1),
        Form("array", array, elementwise=1),
        Form("jax", jax, elementwise=1),
    ),
)
