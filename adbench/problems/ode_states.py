r"""States of a chain of linear differential equations as functions of its rates: a Jacobian.

.. math:: y_0' = x_0, \quad y_i' = x_i y_{i-1}, \quad y(0) = 0; \quad \partial y_i(2) / \partial x_j

by the classical Runge-Kutta method of fourth order, s equal steps. Source: ``docs/PROBLEMS.md`` C;
the companion of `ode`, which sums the states. In the suite because sensitivities of a solver's states
are what fits of rate equations need, and because neither mode is favoured: as many outputs as
variables, through a long loop. The Jacobian is lower triangular and dense below the diagonal; at
n = 100 its entries span more than a hundred decades. The truth is the derivative of the discrete map.
"""

from typing import Any

from adbench.model import Form, Operator, Point, Problem
from adbench.problems._ode import array_states, chain, jax_states, scalar_states, start


def at(size: Any) -> Point:
    """N rates between 1 and 2, and the times of s steps from 0 to 2."""
    x, times = start(size)
    return Point(x, (times,), outputs=len(x))


def jax(xp: Any) -> Any:
    """A Python loop would be unrolled into a program of some 20 operations a step, which XLA takes
    minutes to compile at 1 000 steps; JAX's manual has ``lax.fori_loop`` for a known number of passes.
    """
    from jax import lax

    return jax_states(xp, lax)


def value(m: Any) -> Any:
    coefficients = chain(m)

    def v(x, times):
        n = len(x)
        c = coefficients(n, times)
        product = 1
        states = []
        for i in range(n):
            product = x[i] * product
            states += [c[i] * product]
        return states

    return v


def jacobian(m: Any) -> Any:
    states = value(m)

    def j(x, times):
        n = len(x)
        y = states(x, times)
        return [[y[i] / x[j] if j <= i else 0 * x[j] for j in range(n)] for i in range(n)]

    return j


PROBLEM = Problem(
    name="ode_states",
    summary="Runge-Kutta steps of a chain of n linear equations: n states of n rates",
    at=at,
    sizes=((4, 10), (10, 1_000), (100, 1_000)),
    operators=(Operator.VALUE, Operator.JACOBIAN, Operator.JVP, Operator.VJP),
    forms=(Form("scalar", scalar_states), Form("array", array_states), Form("jax", jax)),
    exact={Operator.VALUE: value, Operator.JACOBIAN: jacobian},
    closed=((100, 1_000),),
)
