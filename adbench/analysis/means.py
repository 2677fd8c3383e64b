"""One ratio over many rows: the geometric mean over problems, and how far it hangs on their choice."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from adbench.analysis.compare import LEVEL, interval
from adbench.analysis.duel import Duel
from adbench.model import Floats

__all__ = ["median_of", "over_problems", "overall"]

# Two problems hardly tell how much problems differ.
MEAN_PROBLEMS = 3
# From here on the studentised bootstrap covers better than Student's t (docs/adr/0009).
MANY_PROBLEMS = 8
RESAMPLES = 4000
SEED = 20
SMALLEST = 1e-12


def overall(fought: Sequence[Duel]) -> tuple[float | None, float | None, float | None]:
    """Geometric mean of the ratio, a problem counted once, and its interval.

    Of several rows it is the 95 % interval over problems (`over_problems`), None with fewer than three
    of them. A single row keeps its own interval over processes, at its own level.
    """
    logs: dict[str, list[float]] = {}
    for duel in fought:
        assert duel.comparison
        logs.setdefault(duel.problem, []).append(math.log(duel.comparison.ratio))
    if not logs:
        return None, None, None
    means = np.array([np.mean(values) for _, values in sorted(logs.items())])
    ratio = math.exp(float(means.mean()))
    if len(fought) == 1:
        single = fought[0].comparison
        return (ratio, single.low, single.high) if single else (ratio, None, None)
    return ratio, *over_problems(means)


def over_problems(means: Floats) -> tuple[float | None, float | None]:
    """95 % interval of the geometric mean over problems, from their mean log ratios.

    With eight problems or more the bootstrap over problems, studentised: the distribution of
    (mean* - mean) / sd* over resampled problems stands for that of Student's t (B. Efron, R. Tibshirani,
    An Introduction to the Bootstrap, 1993, section 12.5). Percentile and BCa intervals of 8 means cover
    only 85 to 92 %, those of 4 means 73 to 82 %; the studentised one covers 93 to 94 % from 8 on, while
    below it is twice as wide as Student's t, which is taken there. None with fewer than three problems.
    """
    if len(means) < MEAN_PROBLEMS:
        return None, None
    scale = float(means.std(ddof=1))
    if len(means) < MANY_PROBLEMS or scale < SMALLEST:
        return interval(means, None, LEVEL)
    middle = float(means.mean())

    def student(drawn: Floats, axis: int = -1) -> Floats:
        spread = np.maximum(drawn.std(axis=axis, ddof=1), SMALLEST)
        return np.asarray((drawn.mean(axis=axis) - middle) / spread)

    # the percentile interval of t*, whose ends change places when it is solved for the mean
    t = stats.bootstrap(
        (means,), student, confidence_level=LEVEL, n_resamples=RESAMPLES, method="percentile",
        random_state=SEED,
    ).confidence_interval  # fmt: skip
    return math.exp(middle - float(t.high) * scale), math.exp(middle - float(t.low) * scale)


def median_of(values: Sequence[float], level: float = LEVEL) -> tuple[float, float, float, float]:
    """Median of positive numbers on the log scale, two of the numbers about it, and what they cover.

    The interval lies between two order statistics, which needs no assumption about the distribution:
    P(x_(k) < median < x_(n+1-k)) = 1 - 2 P(B < k), B binomial (n, 1/2) (H. A. David, H. N. Nagaraja,
    Order Statistics, 3rd ed., 2003, section 7.1).

    Parameters
    ----------
    values : sequence of float
        At least one.
    level : float
        Least coverage wanted.

    Returns
    -------
    median, low, high, coverage : float
        Coverage 0, and the smallest and the largest number, where there are too few for `level`.
    """
    order = sorted(values)
    n = len(order)
    middle = math.sqrt(order[(n - 1) // 2] * order[n // 2])
    k = next((k for k in range(n // 2, 0, -1) if _covers(n, k) >= level), 0)
    if not k:
        return middle, order[0], order[-1], 0.0
    return middle, order[k - 1], order[n - k], round(_covers(n, k), 3)


def _covers(n: int, k: int) -> float:
    return float(1.0 - sum(math.comb(n, i) for i in range(k)) * 0.5 ** (n - 1))
