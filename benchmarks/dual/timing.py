"""Interleaved blocks of calls, and what several processes of them say of a ratio.

A *contender* is a function ``run(count)`` that makes ``count`` calls. All contenders of a case take
turns in one process, one block of about 2 ms each, in a new random order every round; what counts of
a process is each contender's least block by the process's CPU clock, which no neighbour inflates as
long as a block fits into a slice of the scheduler. Processes are what is independent: a ratio is the
mean of their log ratios, its interval Student's.
"""

from __future__ import annotations

import gc
import math
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from scipy import stats

__all__ = ["Effort", "Ratio", "best", "calls", "floors", "ratio"]

Run = Callable[[int], Any]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Effort:
    """How much is measured: blocks a contender, their length, the longest a contender may take."""

    blocks: int = 60
    block_s: float = 2e-3
    budget_s: float = 2.0
    fewest: int = 3


def calls(
    function: Callable[..., Any], *args: Any, after: Callable[[Any], Any] | None = None
) -> Run:
    """A contender of calls from Python; `after` sees the last result (to wait for it)."""

    def run(count: int) -> Any:
        result = None
        for _ in repeat(None, count):
            result = function(*args)
        return after(result) if after is not None else result

    return run


def floors(
    contenders: Mapping[str, Run], effort: Effort, seed: int
) -> dict[str, tuple[float, float]]:
    """Least CPU and least wall seconds a call of each contender, from interleaved blocks."""
    counts = {name: _calibrated(run, effort.block_s) for name, run in contenders.items()}
    rounds = {name: _rounds(counts[name], effort) for name in contenders}
    least = dict.fromkeys(contenders, (math.inf, math.inf))
    order, chance = list(contenders), random.Random(seed)
    gc.collect()
    gc.disable()
    try:
        for turn in range(effort.blocks):
            chance.shuffle(order)
            for name in order:
                if turn < rounds[name]:
                    block = _block(contenders[name], counts[name][0])
                    least[name] = tuple(map(min, least[name], block))  # type: ignore[assignment]
    finally:
        gc.enable()
    return least


def _calibrated(run: Run, block_s: float) -> tuple[int, float]:
    """Calls a block, and seconds a call."""
    run(1)
    count = 1
    while True:
        one = min(_block(run, count)[0] for _ in range(2))
        if one * count >= 0.2 * block_s:
            return max(1, round(block_s / one)), one
        count *= 4


def _rounds(calibrated: tuple[int, float], effort: Effort) -> int:
    count, one = calibrated
    affordable = int(effort.budget_s / (count * one))
    return max(effort.fewest, min(effort.blocks, affordable))


def _block(run: Run, count: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    run(count)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return cpu / count, wall / count


@dataclass(frozen=True)
class Ratio:
    """A ratio of times: geometric mean over processes and its interval (NaN from one process)."""

    value: float
    low: float
    high: float
    processes: int

    def text(self) -> str:
        """``1.23 (1.20 to 1.26)``."""
        if math.isnan(self.low):
            return f"{self.value:.3g}"
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


def ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """The ratio of two contenders from their times in the same processes."""
    logs = [math.log(a / b) for a, b in zip(above, below, strict=True)]
    if not logs:
        raise ValueError("a ratio of no processes: at least one must have measured both")
    mean, n = statistics.fmean(logs), len(logs)
    if n == 1:
        return Ratio(math.exp(mean), math.nan, math.nan, 1)
    quantile = float(stats.t.ppf(0.5 + 0.5 * CONFIDENCE, n - 1))
    half = quantile * statistics.stdev(logs) / math.sqrt(n)
    return Ratio(math.exp(mean), math.exp(mean - half), math.exp(mean + half), n)


def best(times: Mapping[str, Sequence[float]], names: Sequence[str]) -> tuple[str, Sequence[float]]:
    """The fastest of these contenders, over all processes, and its times."""
    there = [name for name in names if times.get(name)]
    if not there:
        raise ValueError(f"none of {', '.join(names)} was measured")
    chosen = min(there, key=lambda name: statistics.fmean(map(math.log, times[name])))
    return chosen, times[chosen]
