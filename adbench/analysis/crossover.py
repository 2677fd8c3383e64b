"""At which size the faster of two tools changes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from adbench.analysis.duel import Duel

__all__ = ["Crossover", "crossovers"]


@dataclass(frozen=True)
class Crossover:
    """The winner of a problem and operator changes at about `size`, between two measured sizes.

    `below` and `above` are ``"first"`` or ``"second"``: who wins at the smaller and larger size.
    """

    problem: str
    operator: str
    size: float
    between: tuple[int, int]
    below: str
    above: str


def crossovers(rows: Iterable[Duel]) -> tuple[Crossover, ...]:
    """Changes of winner between neighbouring decided sizes.

    The size is where the straight line of log ratio against log size passes 0; it is an
    interpolation, and only decided rows support it.
    """
    found = []
    decided = [d for d in rows if d.winner]
    decided.sort(key=lambda d: (d.problem, d.operator, d.size_n))
    for (problem, operator), group in itertools.groupby(
        decided, key=lambda d: (d.problem, d.operator)
    ):
        for small, large in itertools.pairwise(group):
            if small.winner != large.winner and small.size_n < large.size_n:
                size = _interpolate(small, large)
                between = (small.size_n, large.size_n)
                sides = (str(small.winner), str(large.winner))
                found.append(Crossover(problem, operator, size, between, *sides))
    return tuple(found)


def _interpolate(small: Duel, large: Duel) -> float:
    assert small.comparison
    assert large.comparison
    y0, y1 = math.log(small.comparison.ratio), math.log(large.comparison.ratio)
    x0, x1 = math.log(small.size_n), math.log(large.size_n)
    return math.exp(x0 + (x1 - x0) * y0 / (y0 - y1))
