"""Two methods on one row: their ratio, its interval and what may be decided from it.

The unit of evidence is the process: compilation, memory layout and the like are drawn anew with
each one, so that blocks of one process are not independent of each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from adbench.model import Comparison, Decision, Floats

__all__ = [
    "EARLY_LEVEL",
    "FALSE_SHARE",
    "LATE_LEVEL",
    "LEVEL",
    "LOOKS",
    "MARGIN",
    "TIE_MARGIN",
    "Spread",
    "compare",
    "decide",
    "interval",
    "level_of",
    "log_ratios",
    "margin",
    "p_values",
    "paired",
    "pooled",
    "survivors",
]

# Differences within 5 % are a tie: in tests of a function against itself on a loaded machine, no
# interval over processes ever lay wholly beyond this margin (docs/adr/0009).
MARGIN = 0.05
# Where the system cannot pin a process or has no CPU clock, the margin is this many times as wide.
BLIND = 2.0
# Where the noise makes the margin wider than this, "equal" would be an empty word: no ties then.
TIE_MARGIN = 0.25
# A comparison may be decided at the first look; else it gets more processes, and a next look.
LOOKS = (3, 5, 8)
EARLY_LEVEL, LATE_LEVEL, LATE = 0.99, 0.975, 5
# What is estimated without a decision: means over problems, cost ratios, break-even.
LEVEL = 0.95
# Of the decisions of a page, at most this share is expected to be false.
FALSE_SHARE = 0.05
# Degrees of freedom that the run's pooled variance counts for in a row's, and the rows it needs: a row
# must not borrow from itself. Simulated (docs/adr/0007): with two processes a row, coverage stays
# between 94 and 99 % from four rows on, even where the rows' true variances differ widely, and
# intervals are a third as wide.
SPREAD_WEIGHT = 2
POOL_ROWS = 4
POOL_CLIP = 8.0


def compare(
    row: str,
    first: str,
    second: str,
    d: Floats,
    floor: float | None,
    spread: Spread | None = None,
    blind: bool = False,
) -> Comparison:
    """Time of method `first` divided by time of method `second` on `row`.

    The ratio is exp(mean d), the interval that of `interval` at the level of `level_of`, the
    decision that of the interval. With one process, or without a measured noise floor, the decision
    is UNDECIDED.

    Parameters
    ----------
    row : str
        ``problem[size]/operator``.
    d : array (processes,)
        From `log_ratios`: log t_first - log t_second, one a process.
    floor : float or None
        From `analysis.noise_floor`.
    spread : Spread or None
        From `pooled`, of all rows that are compared.
    blind : bool
        Column `blind` of the frame.

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
    level = level_of(len(d))
    low, high = interval(d, spread, level)
    return Comparison(
        row=row,
        first=first,
        second=second,
        ratio=math.exp(float(np.mean(d))),
        low=low,
        high=high,
        noise_floor=floor,
        decision=decide(low, high, floor, blind),
        level=None if low is None else level,
        processes=len(d),
    )


def log_ratios(frame: pd.DataFrame, row: str, first: str, second: str) -> pd.Series[float]:
    """Log t_first - log t_second for each process in which both were timed, indexed by repeat."""
    times: dict[str, dict[int, float]] = {first: {}, second: {}}
    columns = ("row", "method", "repeat", "twin", "steady_s")
    for name, method, repeat, twin, steady_s in zip(*(frame[c] for c in columns), strict=True):
        if name == row and method in times and not twin and not math.isnan(steady_s):
            times[method][repeat] = steady_s
    ratios = paired(times[first], times[second])
    both = pd.Index(list(ratios), dtype="int64", name="repeat")
    return pd.Series(list(ratios.values()), index=both, dtype="float64")


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> dict[int, float]:
    """Log ratios by process, of seconds by process; only of those that timed both, in their order."""
    both = sorted(first.keys() & second.keys())
    return {k: math.log(first[k]) - math.log(second[k]) for k in both}


@dataclass(frozen=True)
class Spread:
    """How much a log ratio varies from process to process, pooled over the rows of a run."""

    variance: float


def pooled(samples: Iterable[Floats]) -> Spread | None:
    """The pooled variance within rows; None with fewer than `POOL_ROWS` rows of several processes.

    A row counts for at most `POOL_CLIP` times what half of the rows show (the median of their
    variances over the median of chi-squared): now and then a whole process runs at half the speed,
    which is that row's affair and must not leave every other row undecided (docs/adr/0012).
    """
    several = [d for d in samples if len(d) >= 2]
    if len(several) < POOL_ROWS:
        return None
    freedom = np.array([len(d) - 1 for d in several])
    variances = np.array([float(np.var(d, ddof=1)) for d in several])
    typical = float(np.median(variances * freedom / stats.chi2.ppf(0.5, freedom)))
    clipped = np.minimum(variances, POOL_CLIP * typical)
    return Spread(float(np.sum(clipped * freedom) / np.sum(freedom)))


def level_of(processes: int) -> float:
    """Coverage of a comparison's interval: 99 % with fewer than five processes, 97.5 % from then on.

    Stricter than 95 %, since a comparison that is not decided is looked at again (`LOOKS`).
    """
    return LATE_LEVEL if processes >= LATE else EARLY_LEVEL


def interval(
    d: Floats, spread: Spread | None = None, level: float = LEVEL
) -> tuple[float | None, float | None]:
    """Interval of the ratio exp(mean d) by Student's t; None, None from a single process.

    Two processes hardly tell a variance. With `spread`, the row's own variance (n - 1 degrees of
    freedom) is averaged with the run's (`SPREAD_WEIGHT` degrees): the moderated t statistic of
    G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004), article 3, with
    a fixed prior weight (docs/adr/0007).
    """
    if len(d) < 2:
        return None, None
    error, freedom = _error(d, spread)
    half = float(stats.t.ppf(0.5 + level / 2.0, freedom)) * error
    middle = float(np.mean(d))
    return math.exp(min(middle - half, 700.0)), math.exp(min(middle + half, 700.0))


def _error(d: Floats, spread: Spread | None) -> tuple[float, int]:
    """Standard error of mean d, and its degrees of freedom."""
    freedom, variance = len(d) - 1, float(np.var(d, ddof=1))
    if spread is not None:
        weighted = freedom * variance + SPREAD_WEIGHT * spread.variance
        freedom += SPREAD_WEIGHT
        variance = weighted / freedom
    return math.sqrt(variance / len(d)), freedom


def margin(floor: float, blind: bool = False) -> float:
    """Relative difference below which two methods tie: 5 %, or the noise floor if larger.

    Twice that on a `blind` system, whose noise the run could not keep out.
    """
    return max(MARGIN, floor) * (BLIND if blind else 1.0)


def decide(
    low: float | None, high: float | None, floor: float | None, blind: bool = False
) -> Decision:
    """What an interval of the ratio says, given the noise floor (a relative difference)."""
    if low is None or high is None or floor is None:
        return Decision.UNDECIDED
    edge = 1.0 + margin(floor, blind)
    if low > edge:
        return Decision.SLOWER
    if high < 1.0 / edge:
        return Decision.FASTER
    if low >= 1.0 / edge and high <= edge and edge - 1.0 <= TIE_MARGIN:
        return Decision.TIE
    return Decision.UNDECIDED


def p_values(d: Floats, width: float, spread: Spread | None = None) -> tuple[float, float]:
    """How surprising the data were if the claims "they differ" and "they tie" were false.

    Parameters
    ----------
    d : array (processes,)
        At least two log ratios.
    width : float
        The margin, a relative difference; both claims are about abs(mean) against log(1 + width).

    Returns
    -------
    different, tie : float
        The first for the hypothesis that the true ratio lies within the margin, at its least
        favourable point, the edge: one tail beyond the near edge and the sliver beyond the far one.
        The second for the hypothesis that it lies outside: the larger of two one-sided tests (TOST,
        D. J. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987) 657).
    """
    error, freedom = _error(d, spread)
    size, edge = abs(float(np.mean(d))), math.log1p(width)
    if error == 0.0:
        return (0.0, 1.0) if size > edge else (1.0, 0.0)
    near, far = (float(stats.t.sf(x / error, freedom)) for x in (size - edge, size + edge))
    return min(1.0, near + far), 1.0 - near


def survivors(p: Sequence[float]) -> list[bool]:
    """Which claims of a page stand together, by the false discovery rate.

    Y. Benjamini, Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289: of the claims
    that stand, a share of at most `FALSE_SHARE` is expected to be false.
    """
    if not p:
        return []
    adjusted = stats.false_discovery_control(np.asarray(p, dtype=np.float64), method="bh")
    return [bool(q <= FALSE_SHARE) for q in adjusted]
