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
    columns = {key: own[key].tolist() for key in ABOUT}
    log = np.log((own["steady_s"] / own["value_s"]).to_numpy(dtype=np.float64))
    places = own.groupby(["row", "method"], sort=False).indices.values()
    groups = [np.sort(where) for where in sorted(places, key=min)]
    logs = [log[where] for where in groups]
    spread = pooled(logs)
    lines = []
    for where, d in zip(groups, logs, strict=True):
        low, high = interval(d, spread, LEVEL)
        lines.append(
            {
                **{key: columns[key][where[0]] for key in ABOUT},
                "ratio": math.exp(float(d.mean())),
                "low": math.nan if low is None else low,
                "high": math.nan if high is None else high,
                "processes": len(d),
            }
        )
    return pd.DataFrame.from_records(lines, columns=COLUMNS)
