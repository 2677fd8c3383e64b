"""The best method of one tool against the best of another, row by row.

The choice is made on one process and the ratio taken from the others, since the fastest of several
noisy times looks faster than it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from adbench.analysis.compare import Spread, compare, log_ratios, noise_floor, pooled
from adbench.model import Comparison, Decision, Floats, Operator

__all__ = ["Duel", "duels", "pick"]


@dataclass(frozen=True)
class Duel:
    """Two tools on one row; `comparison` is None unless both gave a right answer in one process.

    Parameters
    ----------
    row, problem, size, operator : str
    size_n : int
        The size as one number (product of a tuple), for order and axes.
    first, second : str or None
        The methods that stand for the tools; None where no method of the tool was timed.
    first_why, second_why : str
        Why there is none.
    comparison : Comparison or None
        Time of the first tool divided by time of the second.
    held_out : bool
        Whether the ratio comes from other processes than the choice.
    moderated : bool
        Whether the interval's spread is averaged with the run's (docs/adr/0007).
    exact : bool
        False where a tool had only finite differences to offer.
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

    @property
    def apart(self) -> bool:
        """Whether both tools gave a right answer, but in no common process."""
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


def duels(frame: pd.DataFrame, first: str = "jax", second: str = "numba") -> tuple[Duel, ...]:
    """One duel for each row on which either tool was tried, in order of problem and size."""
    floor = noise_floor(frame)
    both = frame[frame["tool"].isin([first, second]) & ~frame["twin"]]
    order = both.drop_duplicates("row").sort_values(["problem", "operator", "size_n"])
    rows = [both[both["row"] == row] for row in order["row"].tolist()]
    pairs = [_Pair.of(here, first, second) for here in rows]
    spread = pooled(pair.used for pair in pairs)
    return tuple(
        _duel(here, pair, first, second, floor, spread)
        for here, pair in zip(rows, pairs, strict=True)
    )


@dataclass(frozen=True, eq=False)
class _Pair:
    """The methods that stand for two tools on one row, and their log ratios, one a process."""

    a: str | None
    b: str | None
    used: Floats
    held_out: bool

    @classmethod
    def of(cls, here: pd.DataFrame, first: str, second: str) -> _Pair:
        """Chosen on the first process; ratios from the others if at least two remain, else from all."""
        a, b = (pick(here[here["tool"] == tool]) for tool in (first, second))
        if a is None or b is None:
            return cls(a, b, np.empty(0), False)
        d = log_ratios(here, str(here["row"].iloc[0]), a, b).sort_index()
        held_out = len(d) >= 3
        return cls(a, b, np.asarray(d.iloc[1:] if held_out else d, dtype=np.float64), held_out)


def _duel(
    here: pd.DataFrame,
    pair: _Pair,
    first: str,
    second: str,
    floor: float | None,
    spread: Spread | None,
) -> Duel:
    a, b = pair.a, pair.b
    head = here.iloc[0]
    chosen = here[here["method"].isin([m for m in (a, b) if m])]
    comparison = None
    if a and b and len(pair.used):
        comparison = compare(str(head["row"]), a, b, pair.used, floor, spread)
    return Duel(
        row=str(head["row"]),
        problem=str(head["problem"]),
        size=str(head["size"]),
        size_n=int(head["size_n"]),
        operator=str(head["operator"]),
        first=a,
        second=b,
        first_why="" if a else _why(here[here["tool"] == first]),
        second_why="" if b else _why(here[here["tool"] == second]),
        comparison=comparison,
        held_out=pair.held_out,
        moderated=comparison is not None and comparison.low is not None and spread is not None,
        exact=not bool((chosen["mode"] == "difference").any()),
    )


def pick(rows: pd.DataFrame) -> str | None:
    """Fastest method in the first process, of those that ran in every one of their processes.

    Exact methods go before finite differences, whose speed is bought with digits; a method that
    failed in some process is taken only where no other is left.
    """
    timed = rows[rows["steady_s"].notna()]
    if timed.empty:
        return None
    steadfast = timed[timed["method"].isin(_steadfast(rows))]
    for candidates in (
        steadfast[steadfast["mode"] != "difference"],
        timed[timed["mode"] != "difference"],
        steadfast,
        timed,
    ):
        if not candidates.empty:
            process = candidates[candidates["repeat"] == candidates["repeat"].min()]
            best = process.sort_values(["steady_s", "method"])
            return str(best["method"].iloc[0])
    raise AssertionError("timed is not empty, so the last candidates are not")


def _steadfast(rows: pd.DataFrame) -> list[str]:
    ran = rows["steady_s"].notna().groupby(rows["method"]).all()
    return [str(m) for m in ran.index[ran]]


def _why(rows: pd.DataFrame) -> str:
    """Why a tool has no time here: the outcome that most tells, with its message."""
    if rows.empty:
        return "not part of this run"
    # a tool that tried and failed says more than one that does not offer the operator
    quiet = rows["outcome"].isin(["unsupported", "unavailable"])
    told = rows[~quiet] if (~quiet).any() else rows
    line = told.iloc[0]
    return f"{line['method']}: {line['outcome']}" + (
        f": {line['message']}" if line["message"] else ""
    )
