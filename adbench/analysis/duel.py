"""The best method of one side against the best of another, row by row.

The choice is made on one process and the ratio taken from the others, since the fastest of several
noisy times looks faster than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from adbench.analysis.compare import (
    Spread,
    compare,
    log_ratios,
    margin,
    p_values,
    pooled,
    survivors,
)
from adbench.analysis.noise import noise_floor
from adbench.analysis.pair import JAX_NUMBA, Pair, Side
from adbench.analysis.pick import Choice, choose, why_none
from adbench.analysis.sets import one_set
from adbench.model import Comparison, Decision, Floats, Operator

__all__ = ["Duel", "duels", "fixed_pair"]

DIFFERENT = (Decision.FASTER, Decision.SLOWER)


@dataclass(frozen=True)
class Duel:
    """Two sides on one row; `comparison` is None unless both gave a right answer in one process.

    Parameters
    ----------
    row, problem, size, operator : str
    size_n : int
        The size as one number (product of a tuple), for order and axes.
    first, second : str or None
        The methods that stand for the sides; None where no method of the tool was timed.
    first_why, second_why : str
        Why there is none.
    comparison : Comparison or None
        Time of the first side divided by time of the second.
    held_out : bool
        Whether the ratio comes from other processes than a choice.
    moderated : bool
        Whether the interval's spread is averaged with the run's (docs/adr/0007).
    exact : bool
        False where a side had only finite differences to offer.
    withdrawn : bool
        Whether the interval alone would decide, but not together with all rows of the page: the
        decision was made UNDECIDED to keep the false discovery rate.
    """

    row: str
    problem: str
    size: str
    size_n: int
    operator: str
    first: str | None
    second: str | None
    first_why: str
    second_why: str
    comparison: Comparison | None
    held_out: bool
    moderated: bool
    exact: bool
    withdrawn: bool = False

    @property
    def apart(self) -> bool:
        """Whether both sides gave a right answer, but in no common process."""
        return self.comparison is None and bool(self.first and self.second)

    @property
    def derivative(self) -> bool:
        """Whether the row is about a derivative; a row of f itself takes no part in a verdict."""
        return self.operator != Operator.VALUE.value

    @property
    def winner(self) -> str | None:
        """``"first"`` or ``"second"`` when decided, else None."""
        if self.comparison is None:
            return None
        return {Decision.FASTER: "first", Decision.SLOWER: "second"}.get(self.comparison.decision)


def duels(frame: pd.DataFrame, pair: Pair = JAX_NUMBA) -> tuple[Duel, ...]:
    """One duel of a pair's sides for each row on which either was tried, in order of problem and size.

    Each side's best method is chosen on its first process, and the ratio taken from the later ones
    wherever there is one.

    Raises
    ------
    ValueError
        When the frame holds several result sets (see `analysis.sets`).
    """
    return _duels(frame, pair.tried(frame), lambda here: _Bout.chosen(here, pair))


def fixed_pair(
    frame: pd.DataFrame, first: str = "jax-reverse", second: str = "numba-dual"
) -> tuple[Duel, ...]:
    """One duel of two given methods for each row on which either was tried; from all processes.

    Nothing was chosen, so nothing need be held out.
    """
    pair = Pair(Side(first, methods=(first,)), Side(second, methods=(second,)))
    return _duels(frame, pair.tried(frame), lambda here: _Bout.given(here, pair))


@dataclass(frozen=True, eq=False)
class _Bout:
    """The methods that stand for two sides on one row, and their log ratios, one a process."""

    here: pd.DataFrame
    sides: tuple[str | None, str | None]
    whys: tuple[str, str]
    used: Floats
    held_out: bool

    @classmethod
    def chosen(cls, here: pd.DataFrame, pair: Pair) -> _Bout:
        sides = [side.able(here) for side in pair.sides]
        a, b = (choose(side) for side in sides)
        return cls._of(here, sides, (a, b), chosen=True)

    @classmethod
    def given(cls, here: pd.DataFrame, pair: Pair) -> _Bout:
        sides = [side.able(here) for side in pair.sides]
        a, b = (choose(side) for side in sides)
        return cls._of(here, sides, (a, b), chosen=False)

    @classmethod
    def _of(
        cls,
        here: pd.DataFrame,
        sides: Sequence[pd.DataFrame],
        picks: tuple[Choice | None, Choice | None],
        chosen: bool,
    ) -> _Bout:
        a, b = picks
        names = (a.method if a else None, b.method if b else None)
        whys = ("" if a else why_none(sides[0]), "" if b else why_none(sides[1]))
        if a is None or b is None:
            return cls(here, names, whys, np.empty(0), False)
        d = log_ratios(here, str(here["row"].iloc[0]), a.method, b.method).sort_index()
        later = d[d.index > max(a.repeat, b.repeat)]
        held_out = chosen and len(later) > 0
        used = np.asarray(later if held_out else d, dtype=np.float64)
        return cls(here, names, whys, used, held_out)


def _duels(
    frame: pd.DataFrame, tried: pd.Series[bool], pair_of: Callable[[pd.DataFrame], _Bout]
) -> tuple[Duel, ...]:
    floor = noise_floor(one_set(frame))
    blind = bool(frame["blind"].any())
    both = frame[tried & ~frame["twin"]]
    order = both.drop_duplicates("row").sort_values(["problem", "operator", "size_n"])
    groups = dict(iter(both.groupby("row")))
    pairs = [pair_of(groups[row]) for row in order["row"].tolist()]
    spread = pooled(pair.used for pair in pairs)
    found = [_duel(pair, floor, spread, blind) for pair in pairs]
    return _together(found, pairs, floor, spread, blind)


def _duel(pair: _Bout, floor: float | None, spread: Spread | None, blind: bool) -> Duel:
    head = pair.here.iloc[0]
    a, b = pair.sides
    side = pair.here["method"].isin([m for m in (a, b) if m])
    comparison = None
    if a and b and len(pair.used):
        comparison = compare(str(head["row"]), a, b, pair.used, floor, spread, blind)
    return Duel(
        row=str(head["row"]),
        problem=str(head["problem"]),
        size=str(head["size"]),
        size_n=int(head["size_n"]),
        operator=str(head["operator"]),
        first=a,
        second=b,
        first_why=pair.whys[0],
        second_why=pair.whys[1],
        comparison=comparison,
        held_out=pair.held_out,
        moderated=comparison is not None and comparison.low is not None and spread is not None,
        exact=not bool((pair.here[side]["mode"] == "difference").any()),
    )


def _together(
    found: Sequence[Duel],
    pairs: Sequence[_Bout],
    floor: float | None,
    spread: Spread | None,
    blind: bool,
) -> tuple[Duel, ...]:
    """The duels with decisions that do not survive beside all the others made UNDECIDED."""
    tested = [i for i, d in enumerate(found) if d.comparison and d.comparison.low is not None]
    if floor is None or not tested:
        return tuple(found)
    p = [p_values(pairs[i].used, margin(floor, blind), spread) for i in tested]
    differ, tie = (survivors([both[k] for both in p]) for k in (0, 1))
    kept = {i: (a, b) for i, a, b in zip(tested, differ, tie, strict=True)}
    return tuple(_kept(d, *kept.get(i, (True, True))) for i, d in enumerate(found))


def _kept(duel: Duel, differ: bool, tie: bool) -> Duel:
    c = duel.comparison
    if c is None:
        return duel
    stands = {**dict.fromkeys(DIFFERENT, differ), Decision.TIE: tie}.get(c.decision, True)
    if stands:
        return duel
    return replace(duel, comparison=replace(c, decision=Decision.UNDECIDED), withdrawn=True)
