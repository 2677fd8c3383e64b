"""Every method on every row in one line each, and failures with their sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from adbench.analysis.compare import LEVEL, Spread, interval, pooled
from adbench.analysis.sets import one_set
from adbench.model import Floats, Outcome

__all__ = ["failures", "summary"]

ABOUT = ["row", "problem", "size", "size_n", "operator", "method", "tool", "mode", "dtype"]
ERRORS = ["error_ulp", "error_rel", "worst_ulp", "worst_rel", "kappa"]
MEDIANS = ["median_s", "round_trip_s", "prepare_s", "compile_s", "first_s", "start_s"]
BYTES = ["above_bytes", "code_bytes", "temp_bytes", "device_peak_bytes"]
Group = Mapping[str, Any]
RANK = {outcome.label: rank for rank, outcome in enumerate(Outcome)}


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One line per (row, method), twins left out.

    Returns
    -------
    DataFrame
        The columns `ABOUT` and: `processes` (timed ones), `tried`, `outcome` (the worst of the
        processes), `time_s` (geometric mean over processes of `steady_s`), `time_low_s` and `time_high_s` (its
        95 % interval, the spread borrowed from all lines; NaN with one process), `slowdown` (against the
        best of the row, of those that compute in float64 and that this package timed); `median_s`,
        `round_trip_s`, `prepare_s`, `compile_s`, `first_s` and `start_s`
        (medians over processes); `error_ulp`, `error_rel` (by norm), `worst_ulp`, `worst_rel` (of an
        element), `kappa` and the bytes `above_bytes` (peak above the process's baseline),
        `code_bytes`, `temp_bytes` and `device_peak_bytes`, the largest of each; `disturbed`, how many
        processes were; `own_form`, `form`.

    Raises
    ------
    ValueError
        When the frame holds several result sets.
    """
    own = one_set(frame)
    own = own[~own["twin"]]
    columns_of = {str(name): own[name].to_numpy() for name in own.columns}
    places = own.groupby(["row", "method"], sort=False).indices.values()
    # a page has thousands of groups, and a frame for each would take minutes
    groups = [
        {name: column[np.sort(where)] for name, column in columns_of.items()}
        for where in sorted(places, key=min)
    ]
    logs = [np.log(g["steady_s"][~np.isnan(g["steady_s"])].astype(np.float64)) for g in groups]
    spread = pooled(d for d in logs if len(d))
    lines = [_line(group, d, spread) for group, d in zip(groups, logs, strict=True)]
    columns = [*ABOUT, "form", "own_form", "outcome", "tried", "processes", "disturbed", "time_s"]
    columns += ["time_low_s", "time_high_s"]
    columns += [*MEDIANS, *ERRORS, *BYTES]
    table = pd.DataFrame.from_records(lines, columns=columns)
    # programs that time themselves set no measure for the others, nor does half the precision, unless
    # they are alone on the row
    measured = (table["dtype"] == "float64") & (table["mode"] != "external")
    best = table["time_s"].where(measured).groupby(table["row"]).transform("min")
    alone = table.groupby("row")["time_s"].transform("min")
    return table.assign(slowdown=table["time_s"] / best.fillna(alone))


def _line(group: Group, logs: Floats, spread: Spread | None) -> dict[str, object]:
    low, high = interval(logs, spread, LEVEL) if len(logs) else (None, None)
    return {
        **{key: group[key][0] for key in [*ABOUT, "form", "own_form"]},
        "outcome": max(group["outcome"], key=lambda label: RANK[label]),
        "tried": len(group["outcome"]),
        "processes": len(logs),
        "time_s": math.exp(math.fsum(logs) / len(logs)) if len(logs) else math.nan,
        "time_low_s": math.nan if low is None else low,
        "time_high_s": math.nan if high is None else high,
        "disturbed": int(group["disturbed"].sum()),
        **{key: _of_known(group[key], median) for key in MEDIANS},
        **{key: _of_known(group[key], max) for key in (*ERRORS, *BYTES)},
    }


def _of_known(column: Any, function: Callable[[list[float]], float]) -> float:
    """Of the numbers that are there; NaN without any."""
    known = [v for v in column.tolist() if not math.isnan(v)]
    return function(known) if known else math.nan


def failures(frame: pd.DataFrame) -> pd.DataFrame:
    """One line per case and way of failing: how many processes, the outcome, the first message."""
    bad = frame[frame["outcome"] != Outcome.OK.label].copy()
    bad["rank"] = bad["outcome"].map(RANK)
    keys = ["id", *ABOUT, "twin", "outcome", "rank"]
    table = bad.groupby(keys, sort=False, as_index=False).agg(
        message=("message", "first"), processes=("repeat", "count")
    )
    return table.sort_values(
        ["rank", "problem", "operator", "size_n", "method", "twin"],
        ascending=[False, True, True, True, True, True],
        ignore_index=True,
    ).drop(columns="rank")
