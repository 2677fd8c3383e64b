"""At which size the faster of two tools changes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from adbench.analysis.duel import Duel
from adbench.model import Comparison

__all__ = ["Crossover", "crossovers", "zero_between"]


@dataclass(frozen=True)
class Crossover:
    """The winner of a problem and operator changes at about `size`, between two measured sizes.

    Parameters
    ----------
    problem, operator : str
    size : float
        Where the straight line of log ratio against log size passes 0: an interpolation.
    low, high : float or None
        Its interval at `level`, from those of the two ratios; None where it reaches the measured
        size on that side, beyond which nothing is known.
    between : tuple of int
        The two measured sizes.
    below, above : str
        ``"first"`` or ``"second"``: who wins at the smaller and larger size.
    level : float
        Coverage of the interval, if the line is straight between the two sizes.
    """

    problem: str
    operator: str
    size: float
    low: float | None
    high: float | None
    between: tuple[int, int]
    below: str
    above: str
    level: float


def crossovers(rows: Iterable[Duel]) -> tuple[Crossover, ...]:
    """Changes of winner between neighbouring decided sizes.

    Only decided rows support one: a ratio that may as well be 1 crosses nothing.
    """
    found = []
    decided = [d for d in rows if d.winner]
    decided.sort(key=lambda d: (d.problem, d.operator, d.size_n))
    for _, group in itertools.groupby(decided, key=lambda d: (d.problem, d.operator)):
        for small, large in itertools.pairwise(group):
            if small.winner != large.winner and small.size_n < large.size_n:
                found.append(_crossover(small, large))
    return tuple(found)


def _crossover(small: Duel, large: Duel) -> Crossover:
    a, b = small.comparison, large.comparison
    assert a
    assert b
    x0, x1 = math.log(small.size_n), math.log(large.size_n)
    y0, y1 = math.log(a.ratio), math.log(b.ratio)
    where = zero_between(y0, _half(a), y1, _half(b))
    low, middle, high = (None if w is None else math.exp(x0 + (x1 - x0) * w) for w in where)
    assert middle
    return Crossover(
        problem=small.problem,
        operator=small.operator,
        size=middle,
        low=low,
        high=high,
        between=(small.size_n, large.size_n),
        below=str(small.winner),
        above=str(large.winner),
        level=min(a.level or 0.0, b.level or 0.0),
    )


def _half(c: Comparison) -> float:
    """Half the width of the interval of the log ratio."""
    assert c.low
    assert c.high
    return 0.5 * (math.log(c.high) - math.log(c.low))


def zero_between(
    y0: float, h0: float, y1: float, h1: float
) -> tuple[float | None, float, float | None]:
    """Where the line from (0, y0) to (1, y1) passes 0, and its interval.

    The height at w is (1 - w) y0 + w y1; its interval has the half width
    sqrt(((1 - w) h0)^2 + (w h1)^2), two independent intervals of one level put together (G. Y. Zou,
    A. Donner, Statistics in Medicine 27 (2008) 1693). The w at which that interval holds 0 are the
    interval of the zero (E. C. Fieller, Journal of the Royal Statistical Society B 16 (1954) 175).

    Parameters
    ----------
    y0, y1 : float
        Of opposite signs.
    h0, h1 : float
        Half widths of their intervals, not negative.

    Returns
    -------
    low, zero, high : float or None
        None for an end that lies outside 0 to 1.
    """

    def clear(w: float) -> bool:
        height = (1.0 - w) * y0 + w * y1
        return abs(height) > math.hypot((1.0 - w) * h0, w * h1)

    zero = y0 / (y0 - y1)
    low, high = (_edge(clear, far, zero) if clear(far) else None for far in (0.0, 1.0))
    return low, zero, high


def _edge(clear: Callable[[float], bool], far: float, near: float) -> float:
    """Where `clear`, true at `far` and false at `near`, changes: bisection to the last digit."""
    for _ in range(60):
        middle = 0.5 * (far + near)
        if clear(middle):
            far = middle
        else:
            near = middle
    return near
