r"""A damped sine at many points: one short formula, element by element.

.. math:: f(x) = e^{-x} \sin x, \qquad f'(x) = e^{-x} (\cos x - \sin x)

Source: ``docs/PROBLEMS.md`` D (**propagation**, as a derivative at points). In the suite because it
is the least work per point that is not mere arithmetic: what is left is what each tool pays to pass
over an array, and how fast its exp and sin are. The full Jacobian of the same function, with all its
zeros, is in `propagation`.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: int) -> Point:
    """Uniform draws in [0, 3)."""
    return Point(3.0 * np.random.default_rng(31337).random(size))


def scalar(m: Any) -> Any:
    def f(x):
        return m.exp(-x) * m.sin(x)

    return f


def array(xp: Any) -> Any:
    def f(x):
        return xp.exp(-x) * xp.sin(x)

    return f


def derivative(m: Any) -> Any:
    def g(x):
        return [m.exp(-v) * (m.cos(v) - m.sin(v)) for v in x]

    return g


PROBLEM = Problem(
    name="damped_sine",
    summary="exp(-x) sin x at many points: the cheapest pass over an array",
    at=at,
    sizes=(1_000, 100_000),
    operators=(Operator.VALUE, Operator.DERIVATIVE),
    forms=(Form("scalar", scalar, elementwise=1), Form("array", array, elementwise=1)),
    exact={Operator.DERIVATIVE: derivative},
)
