"""Which method stands for a side on a row, chosen on one process; or why none does."""

from __future__ import annotations

from dataclasses import dataclass

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
            best = process.sort_values(["steady_s", "method"]).iloc[0]
            return Choice(str(best["method"]), int(best["repeat"]), float(best["steady_s"]))
    raise AssertionError("timed is not empty, so the last candidates are not")


def pick(rows: pd.DataFrame) -> str | None:
    """The method of `choose` alone."""
    found = choose(rows)
    return found.method if found else None


def _steadfast(rows: pd.DataFrame) -> list[str]:
    ran = rows["steady_s"].notna().groupby(rows["method"]).all()
    return [str(m) for m in ran.index[ran]]


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
