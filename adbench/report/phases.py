"""The phases of each case side by side, from import to memory; none is averaged into another."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from adbench.analysis.compare import LEVEL
from adbench.analysis.wording import count, coverage, seconds, span, times
from adbench.report.facts import Facts
from adbench.report.words import memory

__all__ = ["phase_table"]

Shown = Callable[[float], str]
# Column of a line, head, and how a number is shown; a column without any number is left out.
COLUMNS: tuple[tuple[str, str, Shown], ...] = (
    ("import_s", "import", seconds),
    ("prepare_s", "prepare", seconds),
    ("compile_s", "compile", seconds),
    ("first_s", "first call", seconds),
    ("cold_start_s", "cold start", seconds),
    ("warm_start_s", "warm start", seconds),
    ("time_s", "steady call", seconds),
    ("round_trip_s", "round trip", seconds),
    ("ratio", "derivative / f", times),
    ("evaluations", "calls of f", count),
    ("above_bytes", "memory above baseline", memory),
    ("temp_bytes", "scratch (XLA)", memory),
    ("code_bytes", "code", memory),
    ("device_peak_bytes", "peak on device", memory),
)


def phase_table(facts: Facts) -> dict[str, Any] | None:
    """Heads and one line per timed row and method, in the order of the rows; None without any."""
    timed = facts.summary[facts.summary["time_s"].notna()].copy()
    if timed.empty:
        return None
    key = ["row", "method"]
    own = facts.frame[~facts.frame["twin"]]
    rest = ["import_s", "cold_start_s", "warm_start_s", "evaluations"]
    imports = own.groupby(key, as_index=False)[rest].median()
    costs = facts.costs[[*key, "ratio", "low", "high"]]
    order = {row: place for place, row in enumerate(dict.fromkeys(facts.summary["row"]))}
    timed = timed.merge(imports, on=key, how="left").merge(costs, on=key, how="left")
    timed["place"] = timed["row"].map(order)
    timed = timed.sort_values(["place", "time_s", "method"])
    known = [column for column in COLUMNS if timed[column[0]].notna().any()]
    return {
        "heads": [head for _, head, _ in known],
        "known": {name for name, _, _ in known},
        "level": coverage(LEVEL),
        "lines": [
            {
                "row": line["row"],
                "method": line["method"],
                "cells": [_cell(line, name, show) for name, _, show in known],
            }
            for line in timed.to_dict("records")
        ],
    }


def _cell(line: Any, name: str, show: Shown) -> dict[str, Any]:
    value = float(line[name])
    missing = math.isnan(value)
    interval = name == "ratio" and not missing and not math.isnan(line["low"])
    return {
        "value": value,
        "text": "" if missing else show(value),
        "small": span(line["low"], line["high"]) if interval else "",
    }
