"""Which method stands for a side on a row, chosen on one process; or why none does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

__all__ = ["Choice", "choose", "pick", "why_none"]


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
    columns = ("method", "mode", "repeat", "steady_s")
    lines = list(zip(*(rows[c] for c in columns), strict=True))
    lame = {method for method, _, _, steady_s in lines if math.isnan(steady_s)}
    timed = [line for line in lines if not math.isnan(line[3])]
    steadfast = [line for line in timed if line[0] not in lame]
    for able in (_exact(steadfast), _exact(timed), steadfast, timed):
        if able:
            first = min(line[2] for line in able)
            steady_s, method = min((line[3], str(line[0])) for line in able if line[2] == first)
            return Choice(method, int(first), float(steady_s))
    return None


def _exact(lines: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
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
