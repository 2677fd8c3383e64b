"""Tables of all methods: a map of slowdowns, the full list, start-up costs and failures."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from adbench.analysis import Pair, failures
from adbench.analysis.compare import LEVEL
from adbench.analysis.wording import count, coverage, seconds, times, ulps
from adbench.model import Outcome
from adbench.report.facts import Facts
from adbench.report.words import ends, rounded

__all__ = [
    "absence_list",
    "crossover_list",
    "failure_list",
    "heat_map",
    "method_list",
    "start_list",
]

STEPS = (1.3, 3.0, 10.0, 100.0, 1000.0)
# Nothing went wrong: the method does not offer this, or is not installed.
# What an exact method may be off by where the condition number is 1: 100 ulp, as a relative error.
PROMISED = 100.0 * 2.0**-52
QUIET = ("unsupported", "unavailable")
SENTENCES = {outcome.label: outcome.sentence for outcome in Outcome}


def heat_map(facts: Facts) -> dict[str, Any] | None:
    """Slowdown against the best of the row, rows by methods; failures by their label."""
    table = facts.summary
    if table["time_s"].notna().sum() == 0:
        return None
    about = table.groupby("method")[["mode", "dtype"]].first()
    loose = (about["mode"] == "difference") | (about["dtype"] != "float64")
    median = table.groupby("method")["slowdown"].median().fillna(math.inf)
    methods = sorted(about.index, key=lambda m: (median[m], m))
    cells = {(line["row"], line["method"]): line for line in table.to_dict("records")}
    tools = table.groupby("method")["tool"].first()
    return {
        "methods": [
            {"name": m, "inexact": bool(loose[m]), "family": f"{tools[m]} {about['mode'][m]}"}
            for m in methods
        ],
        "own": bool(table["own_form"].any()),
        "partly": any(_partly(line) for line in cells.values()),
        "rows": [
            {**row, "cells": [_heat(cells.get((row["row"], m)), row["row"], m) for m in methods]}
            for row in _rows(table)
        ],
        "operators": list(dict.fromkeys(table["operator"])),
        "families": sorted({*tools, *about["mode"]} - {""}),
    }


def _rows(table: pd.DataFrame) -> list[dict[str, str]]:
    """Rows with their operator, and whether each is the smallest or largest size of its problem."""
    lines = table.drop_duplicates("row")
    ends = lines.groupby(["problem", "operator"])["size_n"].agg(["min", "max"])
    found = []
    for line in lines.to_dict("records"):
        low, high = ends.loc[(line["problem"], line["operator"])]
        size = [name for name, end in (("small", low), ("large", high)) if line["size_n"] == end]
        found.append({"row": line["row"], "operator": line["operator"], "sizes": " ".join(size)})
    return found


def _heat(line: Any, row: str, method: str) -> dict[str, Any]:
    if line is None:
        return {"css": "none", "text": "", "title": "not part of this run", "id": "", "n": ""}
    about = f"{method} on {row}"
    case = {"id": f"{row}/{method}", "n": "" if math.isnan(line["time_s"]) else line["slowdown"]}
    if math.isnan(line["time_s"]):
        told = {"title": f"{about}: {line['outcome']}", **case}
        if line["outcome"] in QUIET:
            return {"css": "quiet", "text": "–", **told}
        return {"css": "failed", "text": line["outcome"], **told}
    best = line["slowdown"] == 1.0
    step = sum(line["slowdown"] >= limit for limit in STEPS)
    mark = ("†" if line["own_form"] else "") + ("‡" if _partly(line) else "")
    notes = [f"{about}: {seconds(line['time_s'])} a call", *_error(line), *_partly(line)]
    return {
        "css": f"h{step}",
        "text": ("best" if best else times(line["slowdown"])) + mark,
        "title": "; ".join(notes),
        **case,
    }


def _error(line: Any) -> list[str]:
    if math.isnan(line["error_ulp"]):
        return []
    worst = f", worst element {ulps(line['worst_ulp'])} ulp" if ulps(line["worst_ulp"]) else ""
    return [f"error by norm {ulps(line['error_ulp'])} ulp{worst}"]


def _partly(line: Any) -> list[str]:
    """What befell a method in some of its processes, where others gave a time."""
    lost = line["tried"] - line["processes"]
    if not lost or not line["processes"]:
        return []
    return [f"‡ {line['outcome']} in {lost} of {line['tried']} processes"]


def method_list(facts: Facts) -> list[dict[str, Any]]:
    """One line per row and method that was timed, best first within a row."""
    timed = facts.summary[facts.summary["time_s"].notna()].copy()
    order = {row: place for place, row in enumerate(dict.fromkeys(facts.summary["row"]))}
    timed["place"] = timed["row"].map(order)
    timed = timed.sort_values(["place", "time_s", "method"])
    return [_method(line) for line in timed.to_dict("records")]


def _method(line: Any) -> dict[str, Any]:
    notes = []
    if line["processes"] < 2:
        notes.append("shown without verdict")
    notes += _partly(line)
    if line["mode"] == "external":
        notes.append("† a program of its own, timed by itself")
    elif line["own_form"]:
        notes.append(f"† own form '{line['form']}'")
    if line["mode"] == "difference":
        notes.append("finite differences")
    elif line["dtype"] != "float64":
        notes.append(line["dtype"])
    elif max(line["error_rel"], line["worst_rel"]) > PROMISED:
        # it passed the judge, so conditioning or a long chain has widened its promise
        notes.append(
            f"error explained by condition (kappa by norm {ulps(line['kappa'])}) or a long chain"
        )
    return {
        **{key: line[key] for key in ("row", "method", "tool", "time_s", "slowdown")},
        **{key: line[key] for key in ("error_ulp", "worst_ulp")},
        "time": seconds(line["time_s"]),
        "times": "best" if line["slowdown"] == 1.0 else times(line["slowdown"]),
        "start": seconds(line["start_s"]),
        "start_s": line["start_s"],
        "ulp": ulps(line["error_ulp"]),
        "worst": ulps(line["worst_ulp"]),
        "processes": line["processes"],
        "notes": "; ".join(notes),
    }


def start_list(facts: Facts) -> list[dict[str, Any]]:
    """What the two sides cost before they are fast."""
    table = facts.starts
    return [_start(line, facts.pair) for line in table.to_dict("records")]


def _start(line: Any, pair: Pair) -> dict[str, Any]:
    return {
        **{key: line[key] for key in ("row", "first", "second")},
        "first_start": seconds(line["first_start_s"]) or "–",
        "second_start": seconds(line["second_start_s"]) or "–",
        "first_time": seconds(line["first_s"]),
        "second_time": seconds(line["second_s"]),
        "calls": _calls(line, pair),
        "calls_interval": _calls_interval(line),
    }


def _calls(line: Any, pair: Pair) -> str:
    """Who is cheaper, in the end and from the start."""
    names = pair.first.name, pair.second.name
    quicker_start, later = names if line["first_start_s"] <= line["second_start_s"] else names[::-1]
    if not math.isnan(line["calls"]):
        k = line["calls"]
        return f"{later} from {rounded(k)} calls on, {quicker_start} before"
    if math.isnan(line["first_start_s"]) or math.isnan(line["second_start_s"]):
        return "–"
    return f"{quicker_start} at any number of calls"


def _calls_interval(line: Any) -> str:
    low, high = line["calls_low"], line["calls_high"]
    if math.isnan(line["calls"]) or math.isnan(low):
        return ""
    far = f"to {rounded(high)}" if math.isfinite(high) else "without an upper end"
    return f"{coverage(LEVEL)} interval: {rounded(low)} {far}"


def crossover_list(facts: Facts) -> list[dict[str, str]]:
    """Where the faster tool changes with size, with the interval of that size."""
    names = {"first": facts.pair.first.name, "second": facts.pair.second.name}
    return [
        {
            "case": f"{c.problem}, {c.operator.replace('_', ' ')}",
            "below": names[c.below],
            "above": names[c.above],
            "size": rounded(c.size),
            "interval": ends(c),
            "level": coverage(c.level),
            "between": " and ".join(map(count, c.between)),
        }
        for c in facts.crossovers
    ]


def failure_list(facts: Facts) -> list[dict[str, Any]]:
    """Cases that were tried and failed, with the outcome's sentence and their own message."""
    table = failures(facts.frame)
    return [
        {
            "id": line["id"] + (" (second copy)" if line["twin"] else ""),
            "case": line["id"],
            "outcome": line["outcome"],
            "sentence": SENTENCES.get(line["outcome"], ""),
            "message": line["message"],
            "processes": line["processes"],
        }
        for line in table[~table["outcome"].isin(QUIET)].to_dict("records")
    ]


def absence_list(facts: Facts) -> list[dict[str, Any]]:
    """What a method does not offer or is not installed for, one line a method and reason."""
    table = failures(facts.frame)
    quiet = table[table["outcome"].isin(QUIET) & ~table["twin"]]
    lines = []
    for (method, outcome, message), group in quiet.groupby(["method", "outcome", "message"]):
        rows = list(dict.fromkeys(group["row"]))
        lines.append(
            {
                "method": method,
                "outcome": outcome,
                "reason": message or SENTENCES[str(outcome)],
                "cases": len(rows),
                "rows": ", ".join(rows[:4]) + (f" and {len(rows) - 4} more" if rows[4:] else ""),
            }
        )
    return lines
