"""Which method stands for a side on a row, chosen on one process; or why none does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

__all__ = ["TIMED", "Choice", "Timed", "best_of", "choose", "pick", "why_none"]

# What a choice is made from: method, mode, process and seconds a call (NaN where it failed).
TIMED = ("method", "mode", "repeat", "steady_s")
Timed = tuple[str, str, int, float]


@dataclass(frozen=True)
class Choice:
    """A method, the process on which it was chosen, and its time there in seconds per call."""

    method: str
    repeat: int
    steady_s: float


def choose(rows: pd.DataFrame) -> Choice | None:
    """Fastest method in the first process, of those that ran in every one of their processes.

    Exact methods go before finite differences, whose speed is bought with digits; a method that
    failed in some process is taken only where no other is left. `rows` are one side's on one row of
    one result set, without twins.
    """
    return best_of(list(zip(*(rows[c] for c in TIMED), strict=True)))


def best_of(lines: Sequence[Timed]) -> Choice | None:
    """`choose` from the columns `TIMED` of one side's lines on one row."""
    lame = {method for method, _, _, steady_s in lines if math.isnan(steady_s)}
    timed = [line for line in lines if not math.isnan(line[3])]
    steadfast = [line for line in timed if line[0] not in lame]
    for able in (_exact(steadfast), _exact(timed), steadfast, timed):
        if able:
            first = min(line[2] for line in able)
            steady_s, method = min((line[3], str(line[0])) for line in able if line[2] == first)
            return Choice(method, int(first), float(steady_s))
    return None


def _exact(lines: Sequence[Timed]) -> list[Timed]:
    return [line for line in lines if line[1] != "difference"]


def pick(rows: pd.DataFrame) -> str | None:
    """The method of `choose` alone."""
    found = choose(rows)
    return found.method if found else None


def why_none(rows: pd.DataFrame) -> str:
    """Why a side has no time here: the outcome that most tells, with its message."""
    if rows.empty:
        return "not part of this run"
    # a tool that tried and failed says more than one that does not offer the operator
    quiet = rows["outcome"].isin(["unsupported", "unavailable"])
    told = rows[~quiet] if (~quiet).any() else rows
    line = told.iloc[0]
    return f"{line['method']}: {line['outcome']}" + (
        f": {line['message']}" if line["message"] else ""
    )
