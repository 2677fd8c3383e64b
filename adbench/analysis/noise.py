"""The noise floor: what this machine, in this run, makes of a method measured against itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from adbench.analysis.compare import compare, pooled
from adbench.analysis.sets import one_set
from adbench.model import Comparison, Floats

__all__ = ["floor_of", "noise_floor", "self_comparisons"]

# The floor is this many standard deviations of a method's ratio to itself.
FLOOR_SDS = 3.0
# With fewer processes that held a copy, there is no telling.
FLOOR_PROCESSES = 3
# The spread of single processes counts for so many self-comparisons, and a self-comparison for no more
# than so many spreads (docs/adr/0009).
PRIOR_PAIRS = 4
CLIP = 3.0
# The standard deviation of normal numbers about 0 over the median of their absolute values.
NORMAL = 1.4826


@dataclass(frozen=True, eq=False)
class _Twins:
    """A method against its copy on one row; `held` are the log ratios that a comparison would use."""

    row: str
    method: str
    every: Floats
    held: Floats


def noise_floor(frame: pd.DataFrame) -> float | None:
    """Relative difference that this machine, in this run, cannot tell from nothing.

    Twins are the same method measured as if it were two, so that log t_twin - log t should be 0; the
    mean over the later processes of a row is what a comparison would report of them. The floor is
    three standard deviations of such means about 0 (not about their own mean: a bias is noise too),
    as a relative difference. None with fewer than `FLOOR_PROCESSES` processes that held a copy.

    Few rows, and a few wild ones, must not decide alone (docs/adr/0009): with s the spread of single
    processes (by their median, over the square root of how many are averaged), a mean counts for at
    most `CLIP` s, and s itself for `PRIOR_PAIRS` means.

    Raises
    ------
    ValueError
        When the frame holds several result sets.
    """
    pairs = _twins(frame)
    return floor_of([p.every for p in pairs], [p.held for p in pairs])


def floor_of(every: Sequence[Floats], held: Sequence[Floats]) -> float | None:
    """`noise_floor` from log ratios of methods to their copies, one array a row and method.

    `every` holds those of all processes, `held` of those whose mean a comparison would report.
    """
    if sum(map(len, every)) < FLOOR_PROCESSES:
        return None
    single = NORMAL * float(np.median(np.abs(np.concatenate(every))))
    expected = np.array([single / math.sqrt(len(d)) for d in held])
    means = np.array([float(np.mean(d)) for d in held])
    clipped = np.clip(means, -CLIP * expected, CLIP * expected)
    total = float(np.sum(clipped**2)) + PRIOR_PAIRS * float(np.mean(expected**2))
    return math.expm1(min(FLOOR_SDS * math.sqrt(total / (len(held) + PRIOR_PAIRS)), 700.0))


def self_comparisons(frame: pd.DataFrame) -> tuple[Comparison, ...]:
    """Every method that was measured twice against its own copy, decided as any other comparison.

    A decision FASTER or SLOWER here is a false one; `first` and `second` are the same name. As with
    two tools, a row's variance is moderated by that of the same pair's other rows, which here is one
    method's: what is made of many Python objects varies several times as much as compiled code.
    """
    pairs, floor = _twins(frame), noise_floor(frame)
    methods = {p.method for p in pairs}
    spreads = {m: pooled(p.held for p in pairs if p.method == m) for m in methods}
    blind = bool(frame["blind"].any())
    return tuple(
        compare(p.row, p.method, p.method, p.held, floor, spreads[p.method], blind) for p in pairs
    )


def _twins(frame: pd.DataFrame) -> list[_Twins]:
    timed = one_set(frame)[frame["steady_s"].notna()]
    logs = timed.assign(log=np.log(timed["steady_s"])).pivot(
        index=["row", "method", "repeat"], columns="twin", values="log"
    )
    if True not in logs or False not in logs:
        return []
    d = (logs[True] - logs[False]).dropna().rename("d").reset_index()
    places: dict[tuple[str, str], list[int]] = {}
    for place, key in enumerate(zip(d["row"], d["method"], strict=True)):
        places.setdefault(key, []).append(place)
    values, repeats = d["d"].to_numpy(), d["repeat"].to_numpy()
    found = []
    for (row, method), where in sorted(places.items()):
        later = [i for i in where if repeats[i] > 0]
        found.append(_Twins(row, method, values[where], values[later or where]))
    return found
