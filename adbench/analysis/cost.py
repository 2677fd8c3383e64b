"""What a derivative costs in units of the function itself: automatic differentiation's own measure."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from adbench.analysis.compare import LEVEL, interval, pooled
from adbench.analysis.sets import one_set
from adbench.model import Operator

__all__ = ["COLUMNS", "cost_ratios"]

ABOUT = ["row", "problem", "size", "size_n", "n", "operator", "method", "tool", "mode"]
COLUMNS = [*ABOUT, "ratio", "low", "high", "processes"]


def cost_ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """Time of a derivative divided by time of f, both measured in turns in the same process.

    Returns
    -------
    DataFrame
        One line per (row, method) that has both, rows of f itself left out: `ratio` is the geometric
        mean over processes, `low` and `high` its 95 % interval (`analysis.compare.interval`, the
        spread borrowed from all lines; NaN with one process), `n` the number of variables.

    Raises
    ------
    ValueError
        When the frame holds several result sets.
    """
    own = one_set(frame)
    own = own[~own["twin"] & (own["operator"] != Operator.VALUE.value)]
    own = own[own["steady_s"].notna() & own["value_s"].notna()]
    groups = [group for _, group in own.groupby(["row", "method"], sort=False)]
    logs = [np.log((g["steady_s"] / g["value_s"]).to_numpy(dtype=np.float64)) for g in groups]
    spread = pooled(logs)
    lines = []
    for group, d in zip(groups, logs, strict=True):
        low, high = interval(d, spread, LEVEL)
        lines.append(
            {
                **{key: group[key].iloc[0] for key in ABOUT},
                "ratio": math.exp(float(d.mean())),
                "low": math.nan if low is None else low,
                "high": math.nan if high is None else high,
                "processes": len(d),
            }
        )
    return pd.DataFrame.from_records(lines, columns=COLUMNS)
