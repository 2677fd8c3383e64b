"""After how many calls a method that starts slowly has paid for its start."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from adbench.analysis.compare import LEVEL, interval
from adbench.analysis.duel import Duel
from adbench.analysis.sets import one_set
from adbench.model import Floats

__all__ = ["BreakEven", "break_even", "break_evens", "repayment", "starts"]

# Method -> process -> seconds to the first answer, and of a call.
_Costs = dict[str, dict[int, tuple[float, float]]]


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
    return _repayment(row, _costs(frame).get(row, {}), first, second)


def break_evens(frame: pd.DataFrame, rows: Iterable[Duel]) -> tuple[BreakEven, ...]:
    """Of every duel: each side against every other method that was timed on the row, itself excepted.

    The two sides against each other come once, first against second.
    """
    costs = _costs(frame)
    found = []
    for duel in rows:
        here = costs.get(duel.row, {})
        sides = [m for m in (duel.first, duel.second) if m]
        pairs = [(a, b) for a in sides for b in here if b not in sides]
        if len(sides) == 2:
            pairs.insert(0, (sides[0], sides[1]))
        found += [_repayment(duel.row, here, a, b) for a, b in pairs]
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
    costs = _costs(frame)
    for duel in rows:
        if duel.first is None or duel.second is None:
            continue
        found = _repayment(duel.row, costs.get(duel.row, {}), duel.first, duel.second)
        if found is None:
            continue
        about = {key: getattr(duel, key) for key in ("row", "problem", "size", "operator")}
        told = {k: v for k, v in vars(found).items() if k not in ("row", "low", "high")}
        ends = {"calls_low": found.low, "calls_high": found.high}
        known = {k: math.nan if v is None else v for k, v in ends.items()}
        lines.append({**about, **told, **known})
    return pd.DataFrame.from_records(lines)


def _costs(frame: pd.DataFrame) -> dict[str, _Costs]:
    """By row and method, in the order of the frame: what each process that timed it paid."""
    own = one_set(frame)
    own = own[~own["twin"] & own["steady_s"].notna()]
    columns = (own[c].tolist() for c in ("row", "method", "repeat", "start_s", "steady_s"))
    found: dict[str, _Costs] = {}
    for row, method, repeat, start_s, steady_s in zip(*columns, strict=True):
        found.setdefault(row, {}).setdefault(method, {})[repeat] = (start_s, steady_s)
    return found


def _repayment(row: str, costs: _Costs, first: str, second: str) -> BreakEven | None:
    if first not in costs or second not in costs:
        return None
    a, b = costs[first], costs[second]
    start_a, start_b = (_middle([start for start, _ in x.values()]) for x in (a, b))
    time_a, time_b = (math.exp(np.mean([math.log(t) for _, t in x.values()])) for x in (a, b))
    both = np.array([(*a[k], *b[k]) for k in a if k in b], dtype=np.float64).reshape(-1, 4)
    both = both[~np.isnan(both).any(axis=1)]
    calls = break_even(start_a, time_a, start_b, time_b)
    low, high = _interval(both, slow_start_first=start_a > start_b, point=calls)
    return BreakEven(
        row=row,
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


def _middle(values: list[float]) -> float:
    """The median of those that are there; NaN without any."""
    known = [v for v in values if not math.isnan(v)]
    return median(known) if known else math.nan


def _interval(
    both: Floats, slow_start_first: bool, point: float
) -> tuple[float | None, float | None]:
    """Of the log number of calls, from those processes in which the start is repaid at all.

    `both` has a line a process: start and seconds a call of the first, then of the second. A process in
    which the start is dearer and the calls are not cheaper never repays: no upper end then. One in which
    the start is not dearer has repaid with the first call: the lower end is 1.
    """
    if math.isnan(point) or len(both) < 2:
        return None, None
    sign = 1.0 if slow_start_first else -1.0
    start_a, steady_a, start_b, steady_b = both.T
    dearer, cheaper = sign * (start_a - start_b), sign * (steady_b - steady_a)
    regular = (dearer > 0) & (cheaper > 0)
    calls = 1.0 + dearer[regular] / cheaper[regular]
    low, high = interval(np.log(calls), None, LEVEL)
    if bool((dearer <= 0).any()) or low is None:
        low = 1.0
    if bool(((dearer > 0) & (cheaper <= 0)).any()) or high is None:
        high = math.inf
    return max(low, 1.0), high
