"""Two independent groups of processes: the ratio of their times, its interval, and its p value.

Unlike the methods of one run, which take turns in time, the processes of two runs are no pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from adbench.analysis.compare import LEVEL, Spread
from adbench.model import Floats

__all__ = ["Ratio", "ratio"]

# What the run's pooled variance counts for in that of one case, in degrees of freedom (docs/adr/0007).
WEIGHT = 2
SMALLEST = 1e-12


@dataclass(frozen=True)
class Ratio:
    """Time of the second group divided by that of the first.

    Parameters
    ----------
    ratio : float
        exp(difference of mean logs).
    low, high : float or None
        Its 95 % interval; None where the groups hold too few processes to tell a variance.
    p : float or None
        Of the hypothesis that the true ratio lies within the margin; two-sided.
    """

    ratio: float
    low: float | None
    high: float | None
    p: float | None

    def with_p(self, p: float) -> Ratio:
        """The same with another p value."""
        return replace(self, p=p)


def ratio(
    old: Floats, new: Floats, margin: float, spreads: tuple[Spread | None, Spread | None]
) -> Ratio:
    """Welch's t for the difference of mean logs, with variances that borrow from their run.

    A group's own variance (n - 1 degrees of freedom) is averaged with that of its run (`WEIGHT`
    degrees): the moderated t of G. K. Smyth, Statistical Applications in Genetics and Molecular
    Biology 3 (2004), article 3, with a fixed prior weight, in the statistic of B. L. Welch,
    Biometrika 34 (1947) 28. A single process has no variance but its run's.

    Parameters
    ----------
    old, new : array (processes,)
        Logs of times, one a process; neither may be empty.
    margin : float
        Relative difference within which two times are the same.
    spreads : pair of Spread or None
        From `compare.pooled`, of either run.
    """
    d = float(np.mean(new) - np.mean(old))
    parts = [_variance(x, s) for x, s in zip((old, new), spreads, strict=True)]
    known = [p for p in parts if p is not None]
    if len(known) < 2:
        return Ratio(math.exp(d), None, None, None)
    total = math.fsum(v for v, _ in known)
    error = max(math.sqrt(total), SMALLEST)
    freedom = total**2 / math.fsum(v**2 / f for v, f in known) if total > 0.0 else known[0][1]
    half = float(stats.t.ppf(0.5 + LEVEL / 2.0, freedom)) * error
    beyond = (abs(d) - math.log1p(margin)) / error
    p = min(1.0, 2.0 * float(stats.t.sf(beyond, freedom)))
    return Ratio(math.exp(d), _exp(d - half), _exp(d + half), p)


def _variance(x: Floats, spread: Spread | None) -> tuple[float, float] | None:
    """Variance of the mean and its degrees of freedom; None where nothing tells it."""
    freedom = len(x) - 1
    own = float(np.var(x, ddof=1)) if freedom else 0.0
    weight = WEIGHT if spread is not None else 0
    if not freedom + weight:
        return None
    borrowed = spread.variance if spread is not None else 0.0
    variance = (freedom * own + weight * borrowed) / (freedom + weight)
    return variance / len(x), float(freedom + weight)


def _exp(value: float) -> float:
    return math.exp(min(value, 700.0))
