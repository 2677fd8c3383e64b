"""Two methods on one row: their ratio, its interval and what may be decided from it.

The unit of evidence is the process: compilation, memory layout and the like are drawn anew with
each one, so that blocks of one process are not independent of each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from adbench.model import Comparison, Decision, Floats

__all__ = [
    "LEVEL",
    "MARGIN",
    "Spread",
    "compare",
    "decide",
    "interval",
    "log_ratios",
    "margin",
    "noise_floor",
    "pooled",
]

# Differences within 5 % are a tie: in tests of a function against itself on a loaded machine, no
# interval over processes ever lay wholly beyond this margin (docs/DESIGN.md, section 4).
MARGIN = 0.05
LEVEL = 0.95
# Where the noise makes the margin wider than this, "equal" would be an empty word: no ties then.
TIE_MARGIN = 0.25
# The floor is this many standard deviations of a method's ratio to itself.
FLOOR_SDS = 3.0
# Fewer self-comparisons do not tell a standard deviation.
FLOOR_PAIRS = 3
# Degrees of freedom that the run's pooled variance counts for in a row's, and those it needs itself.
# Simulated (docs/adr/0007): with two processes a row, coverage stays between 94 and 99 % from four rows
# on, even where the rows' true variances differ widely, and intervals are a third as wide.
SPREAD_WEIGHT = 2
POOL_FREEDOM = 4


def compare(
    row: str, first: str, second: str, d: Floats, floor: float | None, spread: Spread | None = None
) -> Comparison:
    """Time of method `first` divided by time of method `second` on `row`.

    The ratio is exp(mean d) and the interval that of `interval`. With one process, or without a
    measured noise floor, the decision is UNDECIDED.

    Parameters
    ----------
    row : str
        ``problem[size]/operator``.
    d : array (processes,)
        From `log_ratios`: log t_first - log t_second, one a process.
    floor : float or None
        From `noise_floor`.
    spread : Spread or None
        From `pooled`, of all rows that are compared.

    Raises
    ------
    ValueError
        When `d` is empty.
    """
    if not len(d):
        raise ValueError(
            f"{row}: '{first}' and '{second}' have no timed process in common; "
            "measure both in one run (see: adbench run --help)"
        )
    low, high = interval(d, spread)
    ratio = math.exp(float(np.mean(d)))
    return Comparison(row, first, second, ratio, low, high, floor, decide(low, high, floor))


def log_ratios(frame: pd.DataFrame, row: str, first: str, second: str) -> pd.Series[float]:
    """Log t_first - log t_second for each process in which both were timed, indexed by repeat."""
    here = frame[(frame["row"] == row) & ~frame["twin"] & frame["steady_s"].notna()]
    logs = here.assign(log=np.log(here["steady_s"])).pivot(
        index="repeat", columns="method", values="log"
    )
    if first not in logs or second not in logs:
        return pd.Series(dtype="float64")
    return (logs[first] - logs[second]).dropna()


@dataclass(frozen=True)
class Spread:
    """How much a log ratio varies from process to process, pooled over the rows of a run."""

    variance: float


def pooled(samples: Iterable[Floats]) -> Spread | None:
    """The pooled variance within rows; None with fewer than `POOL_FREEDOM` degrees of freedom."""
    several = [d for d in samples if len(d) >= 2]
    freedom = sum(len(d) - 1 for d in several)
    if freedom < POOL_FREEDOM:
        return None
    return Spread(sum(float(np.var(d, ddof=1)) * (len(d) - 1) for d in several) / freedom)


def interval(d: Floats, spread: Spread | None = None) -> tuple[float | None, float | None]:
    """95 % interval of the ratio exp(mean d) by Student's t; None, None from a single process.

    Two processes hardly tell a variance. With `spread`, the row's own variance (n - 1 degrees of
    freedom) is averaged with the run's (`SPREAD_WEIGHT` degrees): the moderated t statistic of
    G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004), article 3, with
    a fixed prior weight (docs/adr/0007).
    """
    if len(d) < 2:
        return None, None
    freedom, variance = len(d) - 1, float(np.var(d, ddof=1))
    if spread is not None:
        weighted = freedom * variance + SPREAD_WEIGHT * spread.variance
        freedom += SPREAD_WEIGHT
        variance = weighted / freedom
    half = float(stats.t.ppf(0.5 + LEVEL / 2.0, freedom)) * math.sqrt(variance / len(d))
    middle = float(np.mean(d))
    return math.exp(min(middle - half, 700.0)), math.exp(min(middle + half, 700.0))


def margin(floor: float) -> float:
    """Relative difference below which two methods tie: 5 %, or the noise floor if larger."""
    return max(MARGIN, floor)


def decide(low: float | None, high: float | None, floor: float | None) -> Decision:
    """What an interval of the ratio says, given the noise floor (a relative difference)."""
    if low is None or high is None or floor is None:
        return Decision.UNDECIDED
    edge = 1.0 + margin(floor)
    if low > edge:
        return Decision.SLOWER
    if high < 1.0 / edge:
        return Decision.FASTER
    if low >= 1.0 / edge and high <= edge and margin(floor) <= TIE_MARGIN:
        return Decision.TIE
    return Decision.UNDECIDED


def noise_floor(frame: pd.DataFrame) -> float | None:
    """Relative difference that this machine, in this run, cannot tell from nothing.

    Twins are the same method measured as if it were two, so that log t_twin - log t should be 0.
    The floor is three root-mean-squares of that (about 0, not about its mean: a bias is noise too),
    over all rows and processes, as a relative difference: expm1(3 rms). None with fewer than three
    such pairs.
    """
    timed = frame[frame["steady_s"].notna()]
    logs = timed.assign(log=np.log(timed["steady_s"])).pivot(
        index=["row", "method", "repeat"], columns="twin", values="log"
    )
    if True not in logs or False not in logs:
        return None
    d = (logs[True] - logs[False]).dropna()
    if len(d) < FLOOR_PAIRS:
        return None
    return math.expm1(min(FLOOR_SDS * math.sqrt(float((d**2).mean())), 700.0))
