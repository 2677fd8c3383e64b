"""The best method of one side against the best of another, row by row.

The choice is made on one process and the ratio taken from the others, since the fastest of several
noisy times looks faster than it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from adbench.analysis.compare import (
    Spread,
    compare,
    margin,
    p_values,
    paired,
    pooled,
    survivors,
)
from adbench.analysis.noise import noise_floor
from adbench.analysis.pair import JAX_NUMBA, Pair, Side
from adbench.analysis.pick import TIMED, Choice, Timed, best_of, why_none
from adbench.analysis.sets import one_set
from adbench.model import Comparison, Decision, Floats, Operator

__all__ = ["Duel", "duels", "fixed_pair"]

ABOUT = ("row", "problem", "size", "size_n", "operator")
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
    return _duels(frame, pair, chosen=True)


def fixed_pair(
    frame: pd.DataFrame, first: str = "jax-reverse", second: str = "numba-dual"
) -> tuple[Duel, ...]:
    """One duel of two given methods for each row on which either was tried; from all processes.

    Nothing was chosen, so nothing need be held out.
    """
    pair = Pair(Side(first, methods=(first,)), Side(second, methods=(second,)))
    return _duels(frame, pair, chosen=False)


@dataclass(frozen=True, eq=False)
class _Bout:
    """The methods that stand for two sides on one row, and their log ratios, one a process.

    `about` holds the fields of `Duel` that say which row it is.
    """

    about: Mapping[str, Any]
    sides: tuple[str | None, str | None]
    whys: tuple[str, str]
    used: Floats
    held_out: bool
    exact: bool


def _duels(frame: pd.DataFrame, pair: Pair, chosen: bool) -> tuple[Duel, ...]:
    own = one_set(frame)
    floor = noise_floor(own)
    blind = bool(own["blind"].any())
    bouts = list(_bouts(own[pair.tried(own) & ~own["twin"]], pair, chosen))
    spread = pooled(bout.used for bout in bouts)
    found = [_duel(bout, floor, spread, blind) for bout in bouts]
    return _together(found, bouts, floor, spread, blind)


def _bouts(both: pd.DataFrame, pair: Pair, chosen: bool) -> Iterator[_Bout]:
    """One for each row of a frame of both sides' lines, in order of problem, operator and size.

    By columns, not by a frame for each row: a page has a thousand rows.
    """
    heads = both.drop_duplicates("row").sort_values(["problem", "operator", "size_n"])
    places = both.groupby("row", sort=False).indices
    lines: list[Timed] = list(zip(*(both[c].tolist() for c in TIMED), strict=True))
    able = [both.index.isin(side.able(both).index) for side in pair.sides]
    for about in heads[list(ABOUT)].to_dict("records"):
        where = np.sort(places[about["row"]])
        sides = [where[mask[where]] for mask in able]
        picks = [best_of([lines[i] for i in side]) for side in sides]
        whys = ["" if p else why_none(both.iloc[i]) for p, i in zip(picks, sides, strict=True)]
        yield _bout(about, [lines[i] for i in where], picks, whys, chosen)


def _bout(
    about: Mapping[Any, Any],
    lines: Sequence[Timed],
    picks: Sequence[Choice | None],
    whys: Sequence[str],
    chosen: bool,
) -> _Bout:
    a, b = picks
    names = (a.method if a else None, b.method if b else None)
    exact = not any(mode == "difference" for method, mode, _, _ in lines if method in names)
    why_a, why_b = whys
    if a is None or b is None:
        return _Bout(about, names, (why_a, why_b), np.empty(0), False, exact)
    seconds: dict[str, dict[int, float]] = {a.method: {}, b.method: {}}
    for method, _, repeat, steady_s in lines:
        if method in seconds and not math.isnan(steady_s):
            seconds[method][repeat] = steady_s
    ratios = paired(seconds[a.method], seconds[b.method])
    later = [d for repeat, d in ratios.items() if repeat > max(a.repeat, b.repeat)]
    held_out = chosen and len(later) > 0
    used = np.asarray(later if held_out else list(ratios.values()), dtype=np.float64)
    return _Bout(about, names, (why_a, why_b), used, held_out, exact)


def _duel(bout: _Bout, floor: float | None, spread: Spread | None, blind: bool) -> Duel:
    a, b = bout.sides
    comparison = None
    if a and b and len(bout.used):
        comparison = compare(str(bout.about["row"]), a, b, bout.used, floor, spread, blind)
    return Duel(
        row=str(bout.about["row"]),
        problem=str(bout.about["problem"]),
        size=str(bout.about["size"]),
        size_n=int(bout.about["size_n"]),
        operator=str(bout.about["operator"]),
        first=a,
        second=b,
        first_why=bout.whys[0],
        second_why=bout.whys[1],
        comparison=comparison,
        held_out=bout.held_out,
        moderated=comparison is not None and comparison.low is not None and spread is not None,
        exact=bout.exact,
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
