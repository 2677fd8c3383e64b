"""One side against the other over a result set: the counts and the mean ratio behind the answer's sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from adbench.analysis import sentences
from adbench.analysis.compare import LEVEL, margin
from adbench.analysis.duel import Duel, duels, fixed_pair
from adbench.analysis.means import overall
from adbench.analysis.noise import noise_floor
from adbench.analysis.pair import JAX_NUMBA, Pair
from adbench.model import Decision

__all__ = ["Verdict", "overall", "verdict"]


@dataclass(frozen=True)
class Verdict:
    """A pair over all derivative rows of a result set.

    Parameters
    ----------
    sentence : str
        The answer, plain text, one or two sentences.
    rows : int
        Rows that both sides answered.
    first_wins, second_wins, ties, undecided : int
        Decisions over those rows.
    withdrawn : int
        Of the undecided, those that their interval alone would have decided (see `Duel.withdrawn`).
    first_only, second_only : int
        Rows that only one of the two answered, both having been tried.
    ratio, low, high : float or None
        Geometric mean over problems of the first's time divided by the second's, and its interval
        (see `overall`).
    level : float or None
        Coverage of that interval: 95 % over problems, that of the comparison for a single row.
    problems : int
        Problems that the mean is taken over.
    floor, margin : float or None
        Noise floor, and the margin made of it below which nothing is decided, as relative differences.
    sides : Pair
    pair_ratio, pair_low, pair_high, pair_level : float or None
        As `ratio`, `low`, `high`, of that pair.
    pair_rows, pair_problems : int
        Derivative rows and problems with both of the pair.
    pair_sentence : str
        The pair's ratio in words; empty where it has none.
    """

    sentence: str
    rows: int
    first_wins: int
    second_wins: int
    ties: int
    undecided: int
    withdrawn: int
    first_only: int
    second_only: int
    ratio: float | None
    low: float | None
    high: float | None
    level: float | None
    problems: int
    floor: float | None
    margin: float | None
    sides: Pair = JAX_NUMBA
    pair_ratio: float | None = None
    pair_low: float | None = None
    pair_high: float | None = None
    pair_level: float | None = None
    pair_rows: int = 0
    pair_problems: int = 0
    pair_sentence: str = ""

    @property
    def pair(self) -> tuple[str, str] | None:
        """Two methods that nobody chose by their times, compared beside the best of each side."""
        return self.sides.fixed

    @property
    def basis(self) -> str:
        """What the interval is over."""
        return f"over {self.problems} problems" if self.rows > 1 else "over processes"


def verdict(
    frame: pd.DataFrame,
    pair: Pair = JAX_NUMBA,
    found: Sequence[Duel] | None = None,
    fixed: Sequence[Duel] | None = None,
) -> Verdict:
    """The verdict of a tidy frame on a pair; `found` and `fixed`, its duels where they are known already.

    Raises
    ------
    ValueError
        When the frame holds several result sets.
    """
    rows = [d for d in (duels(frame, pair) if found is None else found) if d.derivative]
    fought = [d for d in rows if d.comparison]
    count = Counter(d.comparison.decision for d in fought if d.comparison)
    ratio, low, high = overall(fought)
    floor = noise_floor(frame)
    facts = Verdict(
        sentence="",
        rows=len(fought),
        first_wins=count[Decision.FASTER],
        second_wins=count[Decision.SLOWER],
        ties=count[Decision.TIE],
        undecided=count[Decision.UNDECIDED],
        withdrawn=sum(d.withdrawn for d in fought),
        first_only=sum(_only(d.first, d.second, d.second_why) for d in rows),
        second_only=sum(_only(d.second, d.first, d.first_why) for d in rows),
        ratio=ratio,
        low=low,
        high=high,
        level=_level(fought, low),
        problems=len({d.problem for d in fought}),
        floor=floor,
        margin=None if floor is None else margin(floor, bool(frame["blind"].any())),
        sides=pair,
    )
    facts = _beside(facts, frame, fixed)
    return replace(
        facts,
        sentence=sentences.answer(facts, frame, fought),
        pair_sentence=sentences.fixed(facts),
    )


def _beside(v: Verdict, frame: pd.DataFrame, fixed: Sequence[Duel] | None) -> Verdict:
    """The verdict with the fixed pair, if there is one."""
    if v.pair is None:
        return v
    known = fixed_pair(frame, *v.pair) if fixed is None else fixed
    fought = [d for d in known if d.derivative and d.comparison]
    ratio, low, high = overall(fought)
    return replace(
        v,
        pair_ratio=ratio,
        pair_low=low,
        pair_high=high,
        pair_level=_level(fought, low),
        pair_rows=len(fought),
        pair_problems=len({d.problem for d in fought}),
    )


def _level(fought: Sequence[Duel], low: float | None) -> float | None:
    if low is None:
        return None
    single = fought[0].comparison if len(fought) == 1 else None
    return single.level if single else LEVEL


def _only(here: str | None, there: str | None, why: str) -> bool:
    return here is not None and there is None and why != "not part of this run"
