r"""Sum of the states of a chain of linear differential equations, solved by a Runge-Kutta method.

.. math:: f = \sum_i y_i(2), \quad y_0' = x_0, \quad y_i' = x_i y_{i-1}, \quad y(0) = 0

by the classical Runge-Kutta method of fourth order, s equal steps. Source: ``docs/PROBLEMS.md`` C
(the chain is that of the MATLAB and C++ benchmarks of automatic differentiation since ADMAT and
CppAD). In the suite because fitting a simulation means differentiating its solver: a long loop
carrying a state, few operations a step, where reverse mode must keep or recompute every state. The
truth is the derivative of the discrete map, never of the analytic solution, which it only approaches.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem
from adbench.problems._ode import array_states, array_step, chain, jax_states, scalar_states, start


def at(size: Any) -> Point:
    """N rates between 1 and 2, and the times of s steps from 0 to 2."""
    x, times = start(size)
    return Point(x, (times,))


def scalar(m: Any) -> Any:
    states = scalar_states(m)

    def f(x, times):
        y = states(x, times)
        total = 0.0
        for i in range(len(x)):
            total = total + y[i]
        return total

    return f


def array(xp: Any) -> Any:
    states = array_states(xp)

    def f(x, times):
        return xp.sum(states(x, times))

    return f


def jax(xp: Any) -> Any:
    """A Python loop would be unrolled into a program of some 20 operations a step, which XLA takes
    minutes to compile at 1 000 steps; JAX's manual has ``lax.fori_loop`` for a known number of passes.
    """
    from jax import lax

    states = jax_states(xp, lax)

    def f(x, times):
        return xp.sum(states(x, times))

    return f


def jax_checkpoint(xp: Any) -> Any:
    """``jax.checkpoint`` on the step, as JAX's manual has it for loops: reverse mode then keeps the
    state before each step and computes the four stages anew, instead of keeping them all.
    """
    import jax
    from jax import lax

    step = array_step(xp)

    def f(x, times):
        steps = times.shape[0] - 1
        h = (times[-1] - times[0]) / steps
        # a scan needs no protection from merging of the repeated work: JAX's manual says to switch it off
        once = jax.checkpoint(lambda y, _: (step(x, y, h), None), prevent_cse=False)
        y, _ = lax.scan(once, xp.zeros_like(x), None, length=steps)
        return xp.sum(y)

    return f


def numba_manual(m: Any) -> Any:
    """The discrete adjoint by hand: what reverse mode can at best become. The states of all steps
    are kept; going back, the stages of a step are computed anew and their adjoints in one loop.
    """

    def forward(x, h, before, after):
        # one pass along the chain: a stage's rate needs the stage before at the neighbour only
        a, b = 0.5 * h, h / 6.0
        y, k1, k2, k3 = 1.0, 0.0, 0.0, 0.0
        for i in range(len(x)):
            r1, r2 = x[i] * y, x[i] * (y + a * k1)
            r3, r4 = x[i] * (y + a * k2), x[i] * (y + h * k3)
            y = before[i]
            after[i] = y + b * (r1 + 2.0 * r2 + 2.0 * r3 + r4)
            k1, k2, k3 = r1, r2, r3

    def stages(x, h, y, z):
        # the second to the fourth state at which the rates are taken, rows of z
        a = 0.5 * h
        left, k1, k2 = 1.0, 0.0, 0.0
        for i in range(len(x)):
            r1, r2, r3 = x[i] * left, x[i] * (left + a * k1), x[i] * (left + a * k2)
            left = y[i]
            z[0, i], z[1, i], z[2, i] = left + a * r1, left + a * r2, left + h * r3
            k1, k2 = r1, r2

    def back(x, h, y, z, w, gradient):
        # w: adjoint of the state after the step on entry, before the step on return
        a, b, c = 0.5 * h, h / 6.0, h / 3.0
        w1, w2, w3, w4 = 0.0, 0.0, 0.0, 0.0  # adjoints of the stages' states at i
        for i in range(len(x) - 1, -1, -1):
            s4 = b * w[i]
            s3 = c * w[i] + h * w4
            s2 = c * w[i] + a * w3
            s1 = b * w[i] + a * w2
            w[i] += w1 + w2 + w3 + w4
            if i > 0:
                gradient[i] += (
                    s1 * y[i - 1] + s2 * z[0, i - 1] + s3 * z[1, i - 1] + s4 * z[2, i - 1]
                )
            else:
                gradient[i] += s1 + s2 + s3 + s4
            w1, w2, w3, w4 = x[i] * s1, x[i] * s2, x[i] * s3, x[i] * s4

    def g(x, times):
        n, steps = len(x), len(times) - 1
        h = (times[steps] - times[0]) / steps
        y = np.empty((steps + 1, n))
        y[0] = 0.0
        for k in range(steps):
            forward(x, h, y[k], y[k + 1])
        z, w, gradient = np.empty((3, n)), np.ones(n), np.zeros(n)
        for k in range(steps - 1, -1, -1):
            stages(x, h, y[k], z)
            back(x, h, y[k], z, w, gradient)
        return np.sum(y[steps]), gradient

    return g


def gradient(m: Any) -> Any:
    coefficients = chain(m)

    def g(x, times):
        n = len(x)
        c = coefficients(n, times)
        product = 1
        states = []
        for i in range(n):
            product = x[i] * product
            states += [c[i] * product]
        tail: Any = 0
        result = []
        for j in range(n - 1, -1, -1):
            tail = states[j] + tail  # the states that hold x_j: from the j-th on
            result += [tail / x[j]]
        return result[::-1]

    return g


PROBLEM = Problem(
    name="ode",
    summary="Runge-Kutta steps of a chain of n linear equations: s steps, n rates",
    at=at,
    sizes=((4, 10), (10, 1_000), (100, 1_000)),
    quick=((4, 10), (10, 1_000)),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT),
    forms=(
        Form("scalar", scalar),
        Form("array", array),
        Form("jax", jax),
        Form("jax-checkpoint", jax_checkpoint),
        Form("numba-manual", numba_manual, gives=Operator.VALUE_AND_GRADIENT),
    ),
    exact={Operator.GRADIENT: gradient},
)
