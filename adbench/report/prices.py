"""What a caller pays beside the derivative itself: value and gradient together, the way from NumPy and back, and
many points at once.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from adbench.analysis.wording import count, seconds, times
from adbench.report.facts import Facts

__all__ = ["batches", "round_trips", "together"]

Table = list[dict[str, Any]]
# A caller of SciPy or Minuit has the value too: what one call for both saves against two.
BOTH, PARTS = "value_and_gradient", ("value", "gradient")


def together(facts: Facts) -> Table:
    """Value and gradient by one call, and by two, of methods that were timed in all three."""
    timed = _timed(facts)
    case = timed["problem"] + "[" + timed["size"] + "]"
    wide = timed.assign(case=case).pivot_table(
        index=["case", "method"], columns="operator", values="time_s", sort=False
    )
    if not {BOTH, *PARTS} <= set(wide.columns):
        return []
    wide = wide.dropna(subset=[BOTH, *PARTS]).reset_index()
    best = wide.groupby("case")[BOTH].transform("min")
    wide = wide.assign(apart=wide[list(PARTS)].sum(axis=1), slower=wide[BOTH] / best)
    return [
        {
            "case": line["case"], "method": line["method"],
            "together": seconds(line[BOTH]), "together_n": line[BOTH],
            "apart": seconds(line["apart"]), "apart_n": line["apart"],
            "saving": times(line["apart"] / line[BOTH]), "saving_n": line["apart"] / line[BOTH],
            "slower": "best" if line["slower"] == 1.0 else times(line["slower"]), "slower_n": line["slower"],
        }
        for line in wide.sort_values(["case", BOTH]).to_dict("records")
    ]  # fmt: skip


def round_trips(facts: Facts) -> Table:
    """For each method what converting arguments and results adds to a call: the median and the worst row."""
    timed = _timed(facts)
    known = timed[timed["round_trip_s"].notna() & (timed["operator"] != "value")]
    known = known.assign(extra=known["round_trip_s"] - known["median_s"], share=known["round_trip_s"] / known["median_s"])  # fmt: skip
    found = []
    for method, group in known.groupby("method", sort=True):
        worst = group.sort_values("share").iloc[-1]
        found.append({
            "method": method, "rows": len(group),
            "extra": seconds(max(0.0, float(group["extra"].median()))),
            "extra_n": float(group["extra"].median()),
            "share": times(float(group["share"].median())), "share_n": float(group["share"].median()),
            "worst": times(float(worst["share"])), "worst_n": float(worst["share"]), "worst_row": worst["row"],
        })  # fmt: skip
    return sorted(found, key=lambda line: (line["extra_n"], line["method"]))


def batches(facts: Facts) -> Table:
    """Time a point of derivatives at many points at once, against the time of one point alone.

    Functions of few numbers at each of many points are derivatives by operator ``derivative``; the smallest
    size with one point is what a loop of the caller's own would pay for each.
    """
    timed = _timed(facts)
    here = timed[timed["operator"] == "derivative"]
    found = []
    for (problem, method), group in here.groupby(["problem", "method"], sort=False):
        sizes = group.sort_values("size_n")
        one, many = sizes.iloc[0], sizes.iloc[-1]
        if one["size_n"] != 1 or many["size_n"] == 1:
            continue
        each = float(many["time_s"]) / float(many["size_n"])
        gain = float(one["time_s"]) / each
        found.append({
            "problem": problem, "method": method, "points": count(float(many["size_n"])),
            "one": seconds(float(one["time_s"])), "one_n": float(one["time_s"]),
            "each": seconds(each), "each_n": each, "gain": times(gain), "gain_n": gain,
        })  # fmt: skip
    return sorted(found, key=lambda line: (line["problem"], line["each_n"], line["method"]))


def _timed(facts: Facts) -> pd.DataFrame:
    table: pd.DataFrame = facts.summary
    return table[table["time_s"].notna() & (table["time_s"] > 0) & ~table["time_s"].map(math.isinf)]
