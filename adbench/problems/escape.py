r"""The smooth escape time of the Mandelbrot iteration, at many points c of the plane.

.. math:: z \leftarrow z^2 + c \text{ from } z = 0, \text{ until } |z|^2 > 4 \text{ or 50 iterations};
   \quad \nu = n + 1 - \log_2 \log |z|

n is the iteration that leaves, counted from 0. Points that do not leave have the constant value 50,
and gradient zero. Differentiated with respect to (Re c, Im c); complex numbers are written as two real
ones, since c is two variables. Source: ``docs/PROBLEMS.md`` C; the smooth count is folklore of
fractal drawing. In the suite because every point leaves its loop at another pass: scalar code stops
there, array code carries all points to the end. Near the edge of the set the orbit forgets c
by a digit in every few steps, and so do the derivatives of any tool.

The array text freezes a point that has left, so that nothing overflows in what ``where`` discards, and
takes the logarithm of 5 in place of what has none; the derivative of a constant is zero.
"""

import math
from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem

MOST = 50


def at(size: int) -> Point:
    """C = -0.8 + 0.3i alone (it leaves at n = 8), or a square grid on [-2, 0.5] x [-1.25, 1.25]."""
    if size == 1:
        return Point(np.array([-0.8, 0.3]))
    side = math.isqrt(size)
    if side * side != size:
        raise ValueError(f"{size} points make no square grid: take the square of a number")
    across, up = np.meshgrid(np.linspace(-2.0, 0.5, side), np.linspace(-1.25, 1.25, side))
    return Point(np.concatenate([across.ravel(), up.ravel()]))


def scalar(m: Any) -> Any:
    def f(re, im):
        x, y = re, im
        for n in range(MOST):
            square = x * x + y * y
            if square > 4.0:
                return n + 1.0 - m.log(0.5 * m.log(square)) / m.log(2.0)
            x, y = x * x - y * y + re, 2.0 * x * y + im
        return 1.0 * MOST

    return f


def array(xp: Any) -> Any:
    def f(re, im):
        x, y, n = re, im, 0.0 * re
        for _ in range(MOST - 1):
            left = x * x + y * y > 4.0
            n = xp.where(left, n, n + 1.0)
            ahead, beside = x * x - y * y + re, 2.0 * x * y + im
            x, y = xp.where(left, x, ahead), xp.where(left, y, beside)
        square = x * x + y * y
        left = square > 4.0
        beyond = xp.where(left, square, 5.0)
        return xp.where(left, n + 1.0 - xp.log2(0.5 * xp.log(beyond)), 1.0 * MOST)

    return f


def jax(xp: Any) -> Any:
    """JAX has ``lax.fori_loop`` for what would else be unrolled into 600 operations, whose reverse mode,
    as a function of one vector, XLA had not compiled after 100 s. With a known number of passes
    both modes differentiate the loop; a ``lax.while_loop`` reverse mode cannot.
    """
    from jax import lax

    def f(re, im):
        def iterate(_, state):
            x, y, n = state
            left = x * x + y * y > 4.0
            ahead, beside = x * x - y * y + re, 2.0 * x * y + im
            return xp.where(left, x, ahead), xp.where(left, y, beside), xp.where(left, n, n + 1.0)

        x, y, n = lax.fori_loop(0, MOST - 1, iterate, (re, im, xp.zeros_like(re)))
        square = x * x + y * y
        left = square > 4.0
        beyond = xp.where(left, square, 5.0)
        return xp.where(left, n + 1.0 - xp.log2(0.5 * xp.log(beyond)), 1.0 * MOST)

    return f


PROBLEM = Problem(
    name="escape",
    summary="smooth escape time of the Mandelbrot iteration: two numbers a point, a data-dependent exit",
    at=at,
    sizes=(1, 10_000, 1_000_000),
    quick=(1, 10_000),
    operators=(Operator.VALUE, Operator.DERIVATIVE),
    forms=(
        Form("scalar", scalar, elementwise=2),
        Form("array", array, elementwise=2),
        Form("jax", jax, elementwise=2),
    ),
)
