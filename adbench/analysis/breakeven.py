"""After how many calls a method that starts slowly has paid for its start."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adbench.analysis.compare import LEVEL, interval
from adbench.analysis.duel import Duel
from adbench.analysis.sets import one_set

__all__ = ["BreakEven", "break_even", "break_evens", "repayment", "starts"]


@dataclass(frozen=True)
class BreakEven:
    """When one method of a row has repaid its dearer start against another.

    Parameters
    ----------
    row, first, second : str
    first_start_s, second_start_s : float
        Seconds to the first answer (prepare, compile and first call), medians over processes.
    first_s, second_s : float
        Seconds per call, geometric means over processes.
    calls : float
        From `break_even` of these four; NaN where one is as cheap from the start and for ever.
    low, high : float or None
        95 % interval of `calls` over processes, by Student's t on the log scale; `high` is infinite
        where in some processes the dearer start was never repaid. None without two processes that
        held both.
    processes : int
        How many held both.
    """

    row: str
    first: str
    second: str
    first_start_s: float
    second_start_s: float
    first_s: float
    second_s: float
    calls: float
    low: float | None
    high: float | None
    processes: int


def break_even(start_a: float, a: float, start_b: float, b: float) -> float:
    """How many calls cost the same in all: k with start_a + (k - 1) a = start_b + (k - 1) b.

    A start holds the first call, so k - 1 further ones follow. NaN unless one side is dearer to
    start but faster: then it never catches up, or need not.
    """
    if math.isnan(start_a) or math.isnan(start_b) or (start_a - start_b) * (b - a) <= 0:
        return math.nan
    return 1.0 + (start_a - start_b) / (b - a)


def repayment(frame: pd.DataFrame, row: str, first: str, second: str) -> BreakEven | None:
    """Break-even of any two methods of a row; None unless both were timed.

    Raises
    ------
    ValueError
        When the frame holds several result sets.
    """
    own = one_set(frame)
    return _repayment(own[(own["row"] == row) & ~own["twin"]], first, second)


def break_evens(frame: pd.DataFrame, rows: Iterable[Duel]) -> tuple[BreakEven, ...]:
    """Of every duel: each side against every other method that was timed on the row, itself excepted.

    The two sides against each other come once, first against second.
    """
    own = one_set(frame)
    groups = dict(iter(own[~own["twin"]].groupby("row")))
    found = []
    for duel in rows:
        here = groups[duel.row]
        others = dict.fromkeys(here.loc[here["steady_s"].notna(), "method"])
        sides = [m for m in (duel.first, duel.second) if m]
        pairs = [(a, b) for a in sides for b in others if b not in sides]
        if len(sides) == 2:
            pairs.insert(0, (sides[0], sides[1]))
        found += [_repayment(here, a, b) for a, b in pairs]
    return tuple(r for r in found if r)


def starts(frame: pd.DataFrame, rows: tuple[Duel, ...]) -> pd.DataFrame:
    """What each duel's two methods cost before they are fast, and when the dearer start is repaid.

    Returns
    -------
    DataFrame
        One line per duel with both sides timed: row, problem, size, operator, and the fields of
        `BreakEven`, its interval as `calls_low` and `calls_high` (NaN where there is none).
    """
    lines: list[dict[str, Any]] = []
    own = one_set(frame)
    groups = dict(iter(own[~own["twin"]].groupby("row")))
    for duel in rows:
        if duel.first is None or duel.second is None:
            continue
        found = _repayment(groups[duel.row], duel.first, duel.second)
        if found is None:
            continue
        about = {key: getattr(duel, key) for key in ("row", "problem", "size", "operator")}
        told = {k: v for k, v in vars(found).items() if k not in ("row", "low", "high")}
        ends = {"calls_low": found.low, "calls_high": found.high}
        known = {k: math.nan if v is None else v for k, v in ends.items()}
        lines.append({**about, **told, **known})
    return pd.DataFrame.from_records(lines)


def _repayment(here: pd.DataFrame, first: str, second: str) -> BreakEven | None:
    timed = here[here["steady_s"].notna()]
    a, b = (timed[timed["method"] == m].set_index("repeat") for m in (first, second))
    if a.empty or b.empty:
        return None
    start_a, start_b = float(a["start_s"].median()), float(b["start_s"].median())
    time_a, time_b = (float(np.exp(np.log(x["steady_s"]).mean())) for x in (a, b))
    columns = ["start_s", "steady_s"]
    both = a[columns].add_suffix("_a").join(b[columns].add_suffix("_b"), how="inner").dropna()
    calls = break_even(start_a, time_a, start_b, time_b)
    low, high = _interval(both, slow_start_first=start_a > start_b, point=calls)
    return BreakEven(
        row=str(here["row"].iloc[0]),
        first=first,
        second=second,
        first_start_s=start_a,
        second_start_s=start_b,
        first_s=time_a,
        second_s=time_b,
        calls=calls,
        low=low,
        high=high,
        processes=len(both),
    )


def _interval(
    both: pd.DataFrame, slow_start_first: bool, point: float
) -> tuple[float | None, float | None]:
    """Of the log number of calls, from those processes in which the start is repaid at all.

    A process in which the start is dearer and the calls are not cheaper never repays: no upper end
    then. One in which the start is not dearer has repaid with the first call: the lower end is 1.
    """
    if math.isnan(point) or len(both) < 2:
        return None, None
    sign = 1.0 if slow_start_first else -1.0
    dearer = sign * (both["start_s_a"] - both["start_s_b"])
    cheaper = sign * (both["steady_s_b"] - both["steady_s_a"])
    regular = (dearer > 0) & (cheaper > 0)
    calls = 1.0 + dearer[regular] / cheaper[regular]
    low, high = interval(np.log(calls.to_numpy(dtype=np.float64)), None, LEVEL)
    if bool((dearer <= 0).any()) or low is None:
        low = 1.0
    if bool(((dearer > 0) & (cheaper <= 0)).any()) or high is None:
        high = math.inf
    return max(low, 1.0), high
