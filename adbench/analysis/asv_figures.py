"""What asv follows of each case: a handful of figures, each with its type, unit and samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from adbench.model import Outcome

__all__ = ["FIGURES", "Figure", "cell"]

# Not run, and nobody's fault: asv's "n/a". Every other outcome but ok is "failed".
SKIPPED = {Outcome.UNSUPPORTED.label, Outcome.UNAVAILABLE.label}
LEVEL = 0.99


@dataclass(frozen=True)
class Figure:
    """One number of a case that asv follows; less is better.

    Parameters
    ----------
    type, unit : str
        As asv shows them.
    of : callable
        Lines of a case that ran -> one sample a process, or a single number.
    """

    type: str
    unit: str
    of: Callable[[pd.DataFrame], list[float] | float]


FIGURES: Mapping[str, Figure] = {
    "steady": Figure("time", "seconds", lambda lines: _samples(lines["steady_s"])),
    "first_call": Figure("time", "seconds", lambda lines: _samples(lines["start_s"])),
    "error": Figure(
        "track", "log2(1 + ulp)", lambda lines: math.log2(1.0 + lines["error_ulp"].max())
    ),
    "memory": Figure("memory", "bytes", lambda lines: float(lines["process_peak_bytes"].max())),
    "cost_ratio": Figure(
        "track", "times f", lambda lines: lines["steady_s"].min() / lines["value_s"].min()
    ),
}


def cell(lines: pd.DataFrame, about: Figure) -> tuple[Any, ...]:
    """Value, statistics and samples of a case: None where it failed, NaN where it was skipped."""
    ran = lines[lines["outcome"] == Outcome.OK.label]
    if len(ran) < len(lines):
        skipped = set(lines["outcome"]) <= SKIPPED
        return (math.nan if skipped else None, *[None] * 7)
    found = about.of(ran)
    if not isinstance(found, list):
        return (found, *[None] * 7)
    if not found:
        return (math.nan, *[None] * 7)
    low, high = _interval(found)
    q25, median, q75 = (float(q) for q in np.quantile(found, (0.25, 0.5, 0.75)))
    return median, low, high, q25, q75, 1, len(found), found


def _interval(samples: list[float]) -> tuple[float | None, float | None]:
    """99 % interval of the geometric mean of processes, by Student's t; None for a single process."""
    if len(samples) < 2:
        return None, None
    logs = np.log(samples)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, len(logs) - 1) * stats.sem(logs))
    return tuple(math.exp(min(logs.mean() + side, 700.0)) for side in (-half, half))  # type: ignore[return-value]


def _samples(numbers: pd.Series[float]) -> list[float]:
    return [float(s) for s in numbers if math.isfinite(s)]
