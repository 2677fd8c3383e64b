r"""A charged particle's flight to the axis: an unbounded loop whose force is itself a derivative.

Charges at :math:`c_1 = (10, 10 - w)` and :math:`c_2 = (10, 0)`; the particle starts at (0, 8) with velocity (0.75, 0)
in the potential

.. math:: p(x) = \sum_k \frac{1}{|x - c_k|}

A step of dt = 0.1 takes the acceleration :math:`a = -\nabla p(x)` at the old position, then
:math:`x \leftarrow x + v\, dt`. If :math:`x_1 \le 0` the particle is moved back along v to the axis, by
:math:`dt_f = -x_1 / v_1`, and the result is :math:`(x_0 + dt_f v_0)^2`; else
:math:`v \leftarrow v + a\, dt`. Differentiated with respect to w at 0.2.

Source: ``docs/PROBLEMS.md`` C; after the particle examples of Siskind and Pearlmutter, "Using
polyvariant union-free flow analysis to compile a higher-order functional-programming language with a
first-class derivative operator", 2008. In the suite because two derivatives nest through a loop that
nobody can unroll: the gradient of p is taken by the method under test, one inner derivative a
coordinate. There is no array text: the loop ends by a branch on a value.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem

DT = 0.1


def at(size: int) -> Point:
    """W = 0.2; there is one variable."""
    if size != 1:
        raise ValueError("the flight has one variable: take size 1")
    return Point(np.array([0.2]))


def _flight(slope_0, slope_1):
    """The flight in a potential with these partial derivatives, functions of x_0, x_1 and w."""

    def f(x):
        w = x[0]
        x_0, x_1, v_0, v_1 = 0.0, 8.0, 0.75, 0.0
        while True:
            a_0, a_1 = -slope_0(x_0, x_1, w), -slope_1(x_0, x_1, w)
            x_0, x_1 = x_0 + DT * v_0, x_1 + DT * v_1
            if x_1 <= 0.0:
                landed = x_0 - x_1 / v_1 * v_0
                return landed * landed
            v_0, v_1 = v_0 + DT * a_0, v_1 + DT * a_1

    return f


def scalar(m: Any) -> Any:
    def potential(x_0, x_1, w):
        across, up, over = x_0 - 10.0, x_1 - 10.0 + w, x_1
        return 1.0 / m.sqrt(across * across + up * up) + 1.0 / m.sqrt(across * across + over * over)

    def slope_0(x_0, x_1, w):
        return m.derivative(lambda t: potential(t, x_1, w), x_0)

    def slope_1(x_0, x_1, w):
        return m.derivative(lambda t: potential(x_0, t, w), x_1)

    return _flight(slope_0, slope_1)


def reference(m: Any) -> Any:
    def pull(across, up):
        square = across * across + up * up
        return -1.0 / (square * m.sqrt(square))

    def slope_0(x_0, x_1, w):
        across = x_0 - 10.0
        return across * (pull(across, x_1 - 10.0 + w) + pull(across, x_1))

    def slope_1(x_0, x_1, w):
        across, up = x_0 - 10.0, x_1 - 10.0 + w
        return up * pull(across, up) + x_1 * pull(across, x_1)

    return _flight(slope_0, slope_1)


def jax(xp: Any) -> Any:
    """JAX traces its programs, so a loop that ends by a value must be its own ``lax.while_loop``.
    Forward mode differentiates that; reverse mode cannot, and says so, since nobody knows beforehand
    how many passes there are to remember. The force is ``jax.grad`` of the potential.
    """
    from jax import grad, lax

    def potential(x, w):
        first, second = x - xp.stack([10.0, 10.0 - w]), x - xp.array([10.0, 0.0])
        return 1.0 / xp.sqrt(xp.sum(first * first)) + 1.0 / xp.sqrt(xp.sum(second * second))

    def f(x):
        w = x[0]

        def above(state):
            return state[1][1] > 0.0

        def step(state):
            _, position, _, velocity = state
            faster = velocity - DT * grad(potential)(position, w)
            return position, position + DT * velocity, velocity, faster

        start, velocity = xp.array([0.0, 8.0]), xp.array([0.75, 0.0])
        _, position, velocity, _ = lax.while_loop(above, step, (start, start, velocity, velocity))
        landed = position[0] - position[1] / velocity[1] * velocity[0]
        return landed * landed

    return f


PROBLEM = Problem(
    name="particle",
    summary="flight of a charged particle to the axis: nested derivatives in an unbounded loop",
    at=at,
    sizes=(1,),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT),
    forms=(
        Form("scalar", scalar),
        Form("reference", reference),
        Form("jax", jax),
    ),
)
