r"""The logarithm of a sum of exponentials, written out.

.. math:: f = x_* + \log \sum_i e^{x_i - x_*}, \quad x_* = \max_i x_i

Source: ``docs/PROBLEMS.md`` B. In the suite because it stands inside every softmax and every mixture,
because one exponential for each variable is all its work, and because the greatest variable enters
twice: what its two paths add must cancel down to its small share of the result, in every tool.
"""

from typing import Any

import numpy as np

from adbench.model import Form, Operator, Point, Problem


def at(size: int) -> Point:
    """N uniform numbers."""
    return Point(np.random.default_rng(31337).random(size))


def scalar(m: Any) -> Any:
    def f(x):
        greatest = x[0]
        for i in range(1, len(x)):
            if x[i] > greatest:
                greatest = x[i]
        total = 0.0
        for i in range(len(x)):
            total = total + m.exp(x[i] - greatest)
        return greatest + m.log(total)

    return f


def array(xp: Any) -> Any:
    def f(x):
        greatest = xp.max(x)
        return greatest + xp.log(xp.sum(xp.exp(x - greatest)))

    return f


def _shares(m: Any, x: Any) -> tuple[list[Any], int]:
    """exp(x_i) / sum exp(x), and the place of the greatest."""
    top = 0
    for i in range(1, len(x)):
        if x[i] > x[top]:
            top = i
    e = [m.exp(v - x[top]) for v in x]
    r = 1.0 / sum(e)
    return [v * r for v in e], top


def gradient(m: Any) -> Any:
    def g(x):
        p, top = _shares(m, x)
        # 0, but for rounding: the text's two paths through the greatest. Kept, so that estimates of
        # conditioning see what a derivative of the text must lose.
        p[top] = p[top] + (1.0 - sum(p))
        return p

    return g


def product(m: Any) -> Any:
    def h(x, v):
        p, top = _shares(m, x)
        # along v less v at the greatest, as the text has it: x_i - x_* is what it takes exp of
        moved = [b - v[top] for b in v]
        mean = sum(a * b for a, b in zip(p, moved, strict=True))
        result = [a * (b - mean) for a, b in zip(p, moved, strict=True)]
        result[top] = result[top] - sum(result)  # as in `gradient`
        return result

    return h


PROBLEM = Problem(
    name="lse",
    summary="log of a sum of exponentials, written out: as many variables as data elsewhere",
    at=at,
    sizes=(100, 10_000, 1_000_000),
    quick=(100, 10_000),
    operators=(
        Operator.VALUE,
        Operator.GRADIENT,
        Operator.VALUE_AND_GRADIENT,
        Operator.HVP,
        Operator.TAYLOR,
    ),
    forms=(Form("scalar", scalar), Form("array", array)),
    exact={Operator.GRADIENT: gradient, Operator.HVP: product},
    closed=(10_000, 1_000_000),
    up_to={Operator.TAYLOR: 100},  # no closed form certifies more of them
)
