"""The polygamma functions of any order, of floats and arrays, on either side of zero.

SciPy has them for positive arguments: psi, and beyond it the Hurwitz zeta function,
``psi_n(x) = (-1)^(n+1) n! zeta(n + 1, x)`` (NIST Digital Library of Mathematical Functions, 5.15 and
25.11.12). Below zero they are reflected (5.15.6), ``psi_n(x) = (-1)^n psi_n(1 - x) - c_n(x)``, c_n the
n-th derivative of ``pi cot(pi x)``. SciPy's own psi loses half its digits near the negative poles.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special


@lru_cache
def cotangent_polynomial(order: int) -> tuple[int, ...]:
    """Coefficients, lowest first, of P with ``d^n/dt^n cot t = P(cot t)``.

    From P_0(c) = c by P_{n+1} = -(1 + c^2) P_n'; those of one n have one sign and one parity.
    """
    if order == 0:
        return (0, 1)
    slope = [i * p for i, p in enumerate(cotangent_polynomial(order - 1))][1:]
    return tuple(-a - b for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True))


def polygamma(order: int, x: Any) -> Any:
    """The derivative of that order of digamma; order 0 is digamma itself.

    Parameters
    ----------
    order : int, not negative
    x : float or array
        Infinite or NaN values come out at 0, -1, -2, ...
    """
    if np.ndim(x) == 0:
        return _right(order, x) if x > 0 else _left(order, np.float64(x))
    positive = x > 0
    if positive.all():
        return _right(order, x)
    left = _left(order, np.where(positive, -0.5, x))
    return np.where(positive, _right(order, np.where(positive, x, 0.5)), left)


def _right(order: int, x: Any) -> Any:
    if order == 0:
        return special.psi(x)
    size = float(math.factorial(order))
    return (size if order % 2 else -size) * special.zeta(order + 1.0, x)


def _left(order: int, x: Any) -> Any:
    with np.errstate(all="ignore"):
        c = 1.0 / np.tan(np.pi * (x - np.round(x)))
        *rest, highest = cotangent_polynomial(order)
        turn = float(highest)
        for coefficient in reversed(rest):
            turn = turn * c + coefficient
        turn = math.pi ** (order + 1) * turn
        return (-_right(order, 1.0 - x) if order % 2 else _right(order, 1.0 - x)) - turn
