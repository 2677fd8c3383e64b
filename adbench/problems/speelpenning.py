r"""The product of n variables.

.. math:: f = \prod_i x_i, \quad x_i = \frac{1 + i}{2 + i}

Source: ``docs/PROBLEMS.md`` B (B. Speelpenning, Compiling fast partial derivatives of functions given
by algorithms, University of Illinois, 1980). In the suite because it is the example that reverse mode
was first shown on: each derivative is the product of all other variables, n^2 multiplications when
each is formed alone and 3 n in reverse. The product telescopes to 1 / (n + 1), so nothing underflows.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: int) -> Point:
    """The fractions 1/2, 2/3, 3/4 and on."""
    i = np.arange(size, dtype=np.float64)
    return Point((1.0 + i) / (2.0 + i))


def scalar(m: Any) -> Any:
    def f(x):
        product = 1.0
        for i in range(len(x)):
            product = product * x[i]
        return product

    return f


def array(xp: Any) -> Any:
    def f(x):
        return xp.prod(x)

    return f


def gradient(m: Any) -> Any:
    def g(x):
        # products of what stands before and after each, so that no factor is divided by
        n = len(x)
        before, after = [1.0] * n, [1.0] * n
        for i in range(1, n):
            before[i] = before[i - 1] * x[i - 1]
        for i in range(n - 2, -1, -1):
            after[i] = after[i + 1] * x[i + 1]
        return [before[i] * after[i] for i in range(n)]

    return g


PROBLEM = Problem(
    name="speelpenning",
    summary="the product of n variables: each derivative is the product of all others",
    at=at,
    sizes=(10, 100, 1_000),
    quick=(10, 100),
    operators=(Operator.VALUE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT),
    forms=(Form("scalar", scalar), Form("array", array)),
    exact={Operator.GRADIENT: gradient},
)
