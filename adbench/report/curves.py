"""Which curves the page draws: time and memory over size, cost over variables, total time over calls."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from adbench.analysis.wording import count, seconds, span, times
from adbench.report.charts import Axis, Spec, lines, picked, side_of
from adbench.report.facts import Facts
from adbench.report.labels import by
from adbench.report.words import ends, memory, rounded

__all__ = ["break_even_chart", "cost_chart", "memory_chart", "scaling_chart"]

# A straight line in k is drawn by so many points a decade of a logarithmic axis.
PER_DECADE, DECADES = 3, 7


def scaling_chart(facts: Facts) -> Spec | None:
    """Time per call against size, log-log, one problem at a time, with crossovers."""
    timed = facts.summary[facts.summary["time_s"].notna()]
    if timed.empty:
        return None
    values = [_timed(line, facts) for line in timed.to_dict("records")]
    return lines(
        values, facts, Axis("size of the problem"), Axis("time of one call", "s"),
        about="Time of one call against the size of the problem for each method, both axes logarithmic",
        options=picked(by(values, "case")), marks=_crossovers(facts),
    )  # fmt: skip


def memory_chart(facts: Facts) -> Spec | None:
    """Memory above the process's baseline against size, of problems that have it at several sizes."""
    table = facts.summary
    known = table[table["time_s"].notna() & (table["above_bytes"] > 0)]
    values = [
        {
            **_about(line, facts), "x": line["size_n"], "y": line["above_bytes"],
            "told": f"{memory(line['above_bytes'])} at size {line['size']}",
        }
        for line in known.to_dict("records")
    ]  # fmt: skip
    values = _several(values)
    if not values:
        return None
    return lines(
        values, facts, Axis("size of the problem"), Axis("memory above baseline", "B"),
        about="Peak memory above what the process held before, against the size of the problem, for each "
        "method, both axes logarithmic",
        options=picked(by(values, "case")),
    )  # fmt: skip


def cost_chart(facts: Facts) -> Spec | None:
    """Time of a derivative in units of f against the number of variables, of cases with several."""
    table = facts.costs
    table = table[(table["n"] > 0) & (table["operator"] != "derivative")]
    values = [_cost(line, facts) for line in table.to_dict("records")]
    values = _several(values)
    if not values:
        return None
    return lines(
        values, facts, Axis("number of variables"), Axis("time of the derivative / time of f", "×"),
        about="Time of the derivative in units of the function itself against the number of variables, for "
        "each method, both axes logarithmic; a thin line shows growth in proportion to the variables",
        options=picked(by(values, "case")), guides=_proportional(values),
    )  # fmt: skip


def break_even_chart(facts: Facts) -> Spec | None:
    """Total time, first call included, against the number of calls."""
    values: list[Spec] = []
    table = {(line["row"], line["method"]): line for line in facts.summary.to_dict("records")}
    rivals = _quickest_starts(facts)
    for duel in facts.duels:
        if not (duel.first and duel.second):
            continue
        rival = rivals.get(duel.row)
        methods = dict.fromkeys(m for m in (duel.first, duel.second, rival) if m)
        values += [p for m in methods for p in _totals(table[duel.row, m], facts)]
    if not values:
        return None
    return lines(
        values, facts, Axis("number of calls"), Axis("total time", "s"),
        about="Total time, first call included, against the number of calls, both axes logarithmic",
        options=list(by(values, "case")), marks=_repaid(facts), size=14,
    )  # fmt: skip


def _several(values: list[Spec]) -> list[Spec]:
    """The points of cases that stand at more than one place of the x axis: one place is no curve."""
    wide = {
        case for case, points in by(values, "case").items() if len({p["x"] for p in points}) > 1
    }
    return [p for p in values if p["case"] in wide]


def _about(line: Any, facts: Facts) -> Spec:
    return {
        "case": f"{line['problem']}, {line['operator'].replace('_', ' ')}",
        "method": line["method"],
        "tool": line["tool"],
        "side": side_of(facts, line["method"], line["tool"]),
    }


def _timed(line: Any, facts: Facts) -> Spec:
    interval = span_of(line["time_low_s"], line["time_high_s"])
    return {
        **_about(line, facts), "x": line["size_n"], "y": line["time_s"], **_ends(line["time_low_s"], line["time_high_s"]),
        "told": f"{seconds(line['time_s'])}{interval} at size {line['size']}, {times(line['slowdown'])} the best",
    }  # fmt: skip


def span_of(low: float, high: float) -> str:
    """The interval of a time in brackets; empty where there is none."""
    return "" if math.isnan(low) else f" ({seconds(low)} to {seconds(high)})"


def _ends(low: float, high: float) -> Spec:
    return {} if math.isnan(low) else {"low": low, "high": high}


def _cost(line: Any, facts: Facts) -> Spec:
    interval = f" ({span(line['low'], line['high'])})" if not math.isnan(line["low"]) else ""
    return {
        **_about(line, facts), "x": line["n"], "y": line["ratio"], **_ends(line["low"], line["high"]),
        "told": f"{times(line['ratio'])}{interval} at {count(line['n'])} variables",
    }  # fmt: skip


def _proportional(values: list[Spec]) -> list[Spec]:
    """For each case a line of slope one, through the cheapest derivative of its fewest variables."""
    found = []
    for case, points in by(values, "case").items():
        low, high = (f(p["x"] for p in points) for f in (min, max))
        start = min(p["y"] for p in points if p["x"] == low)
        ceiling = max(p["y"] for p in points)
        # no higher than what was measured: the guide must not squeeze the curves
        end = min(high, low * max(ceiling / start, 1.0))
        found.append({"case": case, "guide": "n", "x": low, "y": start})
        label = {"label": "∝ variables"} if end > low else {}
        found.append({"case": case, "guide": "n", "x": end, "y": start * end / low, **label})
    return found


def _crossovers(facts: Facts) -> list[Spec]:
    return [
        {
            "case": f"{c.problem}, {c.operator.replace('_', ' ')}", "x": c.size,
            "low": c.low or c.between[0], "high": c.high or c.between[1],
            "text": f"equal at {rounded(c.size, 2)} ({ends(c)})",
        }
        for c in facts.crossovers
    ]  # fmt: skip


def _repaid(facts: Facts) -> list[Spec]:
    """The number of calls from which the dearer start is repaid, where the axis reaches it."""
    table = facts.starts
    found = []
    for line in table.to_dict("records"):
        calls, most = line["calls"], 10.0**DECADES
        if math.isnan(calls) or not 1.0 <= calls <= most:
            continue
        low, high = line["calls_low"], line["calls_high"]
        known = not math.isnan(low)
        text = f"equal after {rounded(calls, 2)}"
        if known:
            text += (
                f" ({rounded(low, 2)} to {rounded(high, 2) if math.isfinite(high) else 'no end'})"
            )
        found.append({
            "case": line["row"], "x": calls, "text": text,
            "low": max(1.0, low) if known else calls, "high": min(most, high) if known else calls,
        })  # fmt: skip
    return found


def _totals(line: Any, facts: Facts) -> list[Spec]:
    start = line["start_s"]  # prepare, compile and first call: what the first answer takes
    if not start > 0:
        return []
    calls = [round(10 ** (k / PER_DECADE)) for k in range(PER_DECADE * DECADES + 1)]
    totals = [start + (k - 1) * line["time_s"] for k in calls]
    about = {**_about(line, facts), "case": line["row"]}
    return [
        {**about, "x": k, "y": t, "told": f"{seconds(t)} for {count(k)} calls"}
        for k, t in zip(calls, totals, strict=True)
    ]


def _quickest_starts(facts: Facts) -> dict[str, str]:
    """By row the fastest exact method beside the two whose first call costs no compilation to speak of."""
    table: pd.DataFrame = facts.summary
    here = table[~facts.pair.tried(table) & (table["mode"] != "external")]
    here = here[here["time_s"].notna() & (here["mode"] != "difference")]
    light = here[(here["dtype"] == "float64") & (here["start_s"].fillna(0) < 0.1)]
    first = light.sort_values("time_s", kind="stable").drop_duplicates("row")
    return dict(zip(first["row"], first["method"], strict=True))
