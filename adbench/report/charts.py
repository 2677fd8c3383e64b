"""Vega-Lite charts from frames; colours are names of CSS variables, so that one chart serves a light
and a dark page and paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import altair as alt
import pandas as pd

from adbench.analysis.wording import seconds, times
from adbench.report.facts import Facts

__all__ = ["break_even_chart", "scaling_chart"]

Spec = dict[str, Any]
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
OTHER_COLOURS = 6  # --tool-1 ... --tool-6 in the style sheet
# A label every 5 % of the height keeps 9-pixel text apart in a chart of 380 pixels.
LABEL_GAP = 0.05
# Powers of ten are named and ruled; in a picture of less than about two decades every tick is.
PLAIN_TICK = (
    "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6"
    " || domain('{axis}')[1] / domain('{axis}')[0] < 50"
)


def scaling_chart(facts: Facts) -> Spec | None:
    """Time per call against size, log-log, one problem at a time."""
    timed = facts.summary[facts.summary["time_s"].notna()]
    if timed.empty:
        return None
    lines = [_point(line) for line in timed.to_dict("records")]
    pictures = _by(lines, "case")
    for case in pictures.values():
        ends = {p["method"]: p for p in sorted(case, key=lambda p: p["x"])}
        _place_labels(list(ends.values()), [p["y"] for p in case])
    # the richest picture first: several sizes, many methods
    options = sorted(pictures, key=lambda c: -len({p["x"] for p in pictures[c]}))
    return _chart(lines, "scaling", ("size of the problem", "time of one call"), options, facts)


def break_even_chart(facts: Facts) -> Spec | None:
    """Total time, first call included, against the number of calls."""
    lines: list[Spec] = []
    table = {(line["row"], line["method"]): line for line in facts.summary.to_dict("records")}
    for duel in facts.duels:
        if not (duel.first and duel.second):
            continue
        rival = _quickest_start(facts.summary, duel.row)
        methods = dict.fromkeys(m for m in (duel.first, duel.second, rival) if m)
        here = [p for m in methods for p in _totals(table[duel.row, m])]
        if here:
            ends = {p["method"]: p for p in here}
            _place_labels(list(ends.values()), [p["y"] for p in here])
            lines += here
    if not lines:
        return None
    options = list(_by(lines, "case"))
    axes = ("number of calls", "total time")
    return _chart(lines, "breakeven", axes, options, facts)


def _point(line: Any) -> Spec:
    return {
        "case": f"{line['problem']}, {line['operator'].replace('_', ' ')}",
        "method": line["method"],
        "tool": line["tool"],
        "x": line["size_n"],
        "y": line["time_s"],
        "told": f"{seconds(line['time_s'])} at size {line['size']}, {times(line['slowdown'])} the best",
    }


def _totals(line: Any) -> list[Spec]:
    start = line["start_s"]  # prepare, compile and first call: what the first answer takes
    if not start > 0:
        return []
    calls = [round(10 ** (k / 4)) for k in range(29)]
    totals = [start + (k - 1) * line["time_s"] for k in calls]
    about = {key: line[key] for key in ("method", "tool")}
    return [
        {"case": line["row"], **about, "x": k, "y": t, "told": f"{seconds(t)} for {k} calls"}
        for k, t in zip(calls, totals, strict=True)
    ]


def _quickest_start(table: pd.DataFrame, row: str) -> str | None:
    """The fastest method of another tool whose first call costs no compilation to speak of."""
    others = ~table["tool"].isin(["jax", "numba"]) & (table["mode"] != "external")
    here = table[(table["row"] == row) & others]
    here = here[here["time_s"].notna() & (here["mode"] != "difference")]
    here = here[here["dtype"] == "float64"]
    light = here[here["start_s"].fillna(0) < 0.1]
    return None if light.empty else str(light.sort_values("time_s")["method"].iloc[0])


def _by(lines: Sequence[Spec], key: str) -> dict[str, list[Spec]]:
    groups: dict[str, list[Spec]] = {}
    for line in lines:
        groups.setdefault(line[key], []).append(line)
    return groups


def _place_labels(ends: list[Spec], heights: Sequence[float]) -> None:
    """Give each method's last point a label, moved just enough to keep labels apart (log scale)."""
    low, high = math.log(min(heights)), math.log(max(heights))
    gap = LABEL_GAP * max(high - low, 1.0)
    ends.sort(key=lambda p: (p["y"], p["method"]))
    places = _apart([math.log(p["y"]) for p in ends], gap)
    for point, place in zip(ends, places, strict=True):
        point["label"], point["label_y"] = point["method"], math.exp(place)


def _apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Places at least `gap` apart that are nearest, in the mean square, to ascending ones.

    Less i * gap, the places are the isotonic regression of what is wanted: neighbours that would
    collide are merged into blocks, which sit at the mean of what their members want.
    """
    blocks: list[list[float]] = []
    for i, place in enumerate(wanted):
        blocks.append([place - i * gap])
        while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    level = [fmean(block) for block in blocks for _ in block]
    return [y + i * gap for i, y in enumerate(level)]


def _chart(
    values: list[Spec], name: str, titles: tuple[str, str], options: list[str], facts: Facts
) -> Spec:
    x_title, y_title = titles
    pick = alt.param(
        name="pick", value=options[0], bind=alt.binding_select(options=options, name="Problem ")
    )
    x = alt.X("x:Q", scale=alt.Scale(type="log", nice=False), axis=_axis("x", x_title, ""))
    y = alt.Y("y:Q", scale=alt.Scale(type="log", nice=False), axis=_axis("y", y_title, "s"))
    colour, shape = _scales(facts)
    is_main = alt.FieldOneOfPredicate("tool", ["jax", "numba"])
    told = [alt.Tooltip("method:N"), alt.Tooltip("told:N", title="time")]
    base = alt.Chart().encode(x=x, y=y, color=colour, detail="method:N")
    line = base.mark_line(interpolate="linear").encode(
        strokeWidth=alt.condition(is_main, alt.value(2.4), alt.value(1.2))
    )
    points = base.mark_point(filled=True, opacity=1).encode(
        shape=shape, tooltip=told, size=alt.value(46 if name == "scaling" else 14)
    )
    labels = (
        alt.Chart()
        .transform_filter("isValid(datum.label)")
        .mark_text(align="left", dx=9, fontSize=11)
        .encode(x=x, y=alt.Y("label_y:Q"), text="label:N", color=colour)
    )
    chart = (
        alt.layer(line, points, labels, data={"values": values})
        .add_params(pick)
        .transform_filter("datum.case === pick")
        .properties(width="container", height=380, padding={"right": 116, "left": 4, "top": 8})
        .properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
        .properties(description=f"{y_title} against {x_title} for each method, log-log")
    )
    spec: Spec = chart.to_dict()
    spec.pop("config", None)  # the page's own script sets fonts and colours
    return spec


def _axis(channel: str, title: str, unit: str) -> alt.Axis:
    plain = PLAIN_TICK.format(axis=channel)
    shown = {"condition": {"test": plain, "value": 1}, "value": 0}
    return alt.Axis(
        title=title,
        labelExpr=f"({plain}) ? format(datum.value, '~s') + '{unit}' : ''",
        labelOverlap=True,
        labelFlush=False,
        gridOpacity=shown,
        tickOpacity=shown,
    )


def _scales(facts: Facts) -> tuple[alt.Color, alt.Shape]:
    """One colour and one shape a tool: JAX and Numba have their own, the others what follows."""
    tools = sorted(set(facts.summary["tool"]) - {"jax", "numba"})
    domain = ["jax", "numba", *tools]
    others = [f"var(--tool-{1 + i % OTHER_COLOURS})" for i in range(len(tools))]
    colours = ["var(--jax)", "var(--numba)", *others]
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(domain))]
    return (
        alt.Color("tool:N", scale=alt.Scale(domain=domain, range=colours), legend=None),
        alt.Shape("tool:N", scale=alt.Scale(domain=domain, range=shapes), legend=None),
    )
