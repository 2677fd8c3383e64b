r"""Special functions in float64 that Numba lacks: polygamma of order 0 to 3, and the logistic function.

Plain Python, which compiled code may call by the same names; for duals the table of rules knows the
derivatives of `digamma`, `trigamma` and `expit`.

Polygamma of order n at positive x: m steps of the recurrence take x to at least 12, where ten terms
of the asymptotic series are good to :math:`10^{-19}` (NIST Digital Library of Mathematical Functions,
5.5.2, 5.11.2, 5.15.5, 5.15.8):

.. math::
    (-1)^{n-1} \psi^{(n)}(x) &= n! \sum_{i<m} (x+i)^{-n-1} + (-1)^{n-1} \psi^{(n)}(x + m),

    \psi(x) &\sim \log x - \frac{1}{2x} - \sum_k \frac{B_{2k}}{2k} x^{-2k},

    (-1)^{n-1} \psi^{(n)}(x) &\sim x^{-n} \Bigl( (n-1)! + \frac{n!}{2x}
        + \sum_k B_{2k} \frac{(2k+n-1)!}{(2k)!} x^{-2k} \Bigr).

Negative x by reflection (5.5.4, 5.15.6), :math:`\psi(1-x) - \psi(x) = \pi \cot \pi x` and its
derivatives, where the nearest integer is taken from x, exactly, before it is multiplied by pi.

Errors: 1e-14 relative to :math:`\max(1, |f|)`, 1e-12 at negative arguments (tested against mpmath).
At its poles digamma is NaN, at 0 infinite with the sign of the limit from that zero's side; the
higher orders are infinite with the sign of their limit from above, as in SciPy. At -infinity nothing
has a limit: NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload, register_jitable

FAR = 12.0  # from here on the asymptotic series serve
BERNOULLI = (
    "1/6", "-1/30", "1/42", "-1/30", "5/66", "-691/2730", "7/6", "-3617/510", "43867/798",
    "-174611/330",
)  # fmt: skip


def _series(order: int) -> tuple[float, ...]:
    """Coefficients of x^-2k for that order, the highest k first, as Horner's scheme wants them."""
    exact = [
        Fraction(b) * math.factorial(2 * k + order - 1) / math.factorial(2 * k)
        for k, b in enumerate(BERNOULLI, start=1)
    ]
    return tuple(float(c) for c in reversed(exact))


SERIES = _series(0)
SERIES_OF_ORDER = (SERIES, _series(1), _series(2), _series(3))


def _turn(x: float) -> float:
    """What is left of x without its nearest integer: exact, so that poles stay where they are."""
    rest: float = x - np.floor(x + 0.5)
    return rest


def digamma(x: float) -> float:
    """The logarithmic derivative of the gamma function, float64."""
    if x == 0.0:
        return -math.copysign(math.inf, x)
    reflection = 0.0
    if x < 0.0:
        turn = _turn(x)
        if turn == 0.0 or x == -math.inf:
            return math.nan
        reflection = math.pi / math.tan(math.pi * turn)
        x = 1.0 - x
    near = 0.0
    while x < FAR:
        near += 1.0 / x
        x += 1.0
    r = 1.0 / x
    tail = 0.0
    for c in SERIES:
        tail = (tail + c) * r * r
    return math.log(x) - 0.5 * r - tail - near - reflection


def _above(x: float, order: int) -> float:
    """Polygamma of positive x without its sign, order 1 to 3."""
    factorial = 6.0 if order == 3 else float(order)
    near = 0.0
    while x < FAR:
        r = 1.0 / x
        term = factorial * r
        for _ in range(order):
            term *= r
        near += term
        x += 1.0
    r = 1.0 / x
    tail = 0.0
    for c in SERIES_OF_ORDER[order]:
        tail = (tail + c) * r * r
    far = factorial / order + 0.5 * factorial * r + tail
    for _ in range(order):
        far *= r
    return near + far


def trigamma(x: float) -> float:
    """The derivative of `digamma`, float64."""
    if x > 0.0 or x != x:
        return _above(x, 1)
    turn = _turn(x)
    if turn == 0.0:
        return math.inf
    s = math.pi / math.sin(math.pi * turn)
    return s * s - _above(1.0 - x, 1)


def tetragamma(x: float) -> float:
    """The second derivative of `digamma`, float64."""
    if x > 0.0 or x != x:
        return -_above(x, 2)
    turn = _turn(x)
    if turn == 0.0:
        return -math.inf
    s = math.pi / math.sin(math.pi * turn)
    return -_above(1.0 - x, 2) - 2.0 * s * s * s * math.cos(math.pi * turn)


def pentagamma(x: float) -> float:
    """The third derivative of `digamma`, float64."""
    if x > 0.0 or x != x:
        return _above(x, 3)
    turn = _turn(x)
    if turn == 0.0:
        return math.inf
    s = math.pi / math.sin(math.pi * turn)
    c = math.cos(math.pi * turn)
    return 2.0 * s * s * s * s * (1.0 + 2.0 * c * c) - _above(1.0 - x, 3)


def expit(x: float) -> float:
    """The logistic function 1 / (1 + exp(-x)), float64, without overflow on either side."""
    e = math.exp(-abs(x))
    return 1.0 / (1.0 + e) if x >= 0.0 else e / (1.0 + e)


def _compiled(function: Callable[[float], float]) -> Any:
    """The function for compiled code, under its own name too; its flags are nobody else's."""
    dispatcher = njit(error_model="numpy")(function)

    def choose(x: Any) -> Any:
        return (lambda x: dispatcher(x)) if isinstance(x, types.Float | types.Integer) else None

    overload(function, strict=False)(choose)
    return dispatcher


for _helper in (_turn, _above):
    register_jitable(_helper)
POLYGAMMA = tuple(map(_compiled, (digamma, trigamma, tetragamma, pentagamma)))
"""Compiled polygamma functions by their order."""

_compiled(expit)
