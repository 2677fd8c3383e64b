"""Speed against accuracy: which methods are the fastest for their digits, over all rows and row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from adbench.analysis.wording import times
from adbench.report.charts import Spec, axis, palette, scales, side_of
from adbench.report.facts import Facts
from adbench.report.labels import by

__all__ = ["ALL_ROWS", "frontier", "frontier_chart"]

ALL_ROWS = "all rows"
# More digits than a float64 has are luck; fewer than none are none.
MOST, LEAST = 16.0, 0.0
HEIGHT = 460
# What a label covers: a share of the axis of times, and digits.
LABEL_WIDTH, LABEL_DIGITS = 0.2, 0.62
# Tops of the axis leave room for labels that were moved out of each other's way.
ROOM = 4.5


def frontier(facts: Facts) -> pd.DataFrame:
    """One line a method and row, and one over all rows: how slow, how exact, and whether on the front.

    Returns
    -------
    DataFrame
        `case` (a row, or `ALL_ROWS`), `method`, `tool`, `slowdown` (against the best of the row; over all
        rows its geometric mean), `digits` (-log10 of the relative error by norm, 0 to 16; over all rows the
        median), `rows` (how many rows it stands for), `of` (how many there are), `whole` (no method stands for
        more) and `best`: no other such method is both faster and at least as exact.
    """
    table = facts.summary
    table = table[
        table["time_s"].notna() & table["error_rel"].notna() & (table["operator"] != "value")
    ]
    if table.empty:
        return pd.DataFrame(columns=["case", "method", "tool", "slowdown", "digits", "rows", "of", "whole", "best"])  # fmt: skip
    digits = -np.log10(table["error_rel"].clip(lower=10.0**-MOST, upper=10.0**-LEAST))
    each = table[["row", "method", "tool", "slowdown"]].rename(columns={"row": "case"})
    each = each.assign(digits=digits, rows=1, of=1)
    total = each["case"].nunique()
    whole = [
        {
            "case": ALL_ROWS, "method": method, "tool": group["tool"].iloc[0],
            "slowdown": math.exp(float(np.log(group["slowdown"]).mean())),
            "digits": float(group["digits"].median()), "rows": len(group), "of": total,
        }
        for method, group in each.groupby("method", sort=False)
    ]  # fmt: skip
    found = pd.concat([pd.DataFrame(whole), each], ignore_index=True)
    complete = found["rows"] == found.groupby("case")["rows"].transform("max")
    # on the front is what nothing faster is as exact as
    order = found[complete].sort_values(
        ["slowdown", "digits", "method"], ascending=[True, False, True]
    )
    before = order.groupby("case", sort=False)["digits"].transform(lambda d: d.cummax().shift())
    front = order.index[before.isna() | (order["digits"] > before)]
    return found.assign(whole=complete, best=found.index.isin(front))


def frontier_chart(facts: Facts) -> Spec | None:
    """Digits against slowdown; the front as steps; every method named."""
    table = frontier(facts)
    if table.empty:
        return None
    values = [_point(line, facts) for line in table.to_dict("records")]
    groups = by(values, "case")
    bottom = math.floor(min(p["y"] for p in values)) - 1.0
    for group in groups.values():
        _place(group, bottom)
    colour, shape = scales(facts)
    pick = alt.param(
        name="pick", value=ALL_ROWS, bind=alt.binding_select(options=list(groups), name="Row ")
    )
    x = alt.X("x:Q", scale=alt.Scale(type="log", nice=False), axis=axis("x", "time / time of the best of the row", "×"))  # fmt: skip
    y = alt.Y("y:Q", scale=alt.Scale(domain=[bottom, MOST + ROOM], nice=False),
              axis=alt.Axis(title="correct digits", values=list(range(0, 17, 2)), gridOpacity=1))  # fmt: skip
    told = [alt.Tooltip("method:N"), alt.Tooltip("told:N", title="speed and accuracy")]
    base = alt.Chart().encode(x=x, color=colour)
    layers = [
        alt.Chart().transform_filter("datum.best").mark_line(
            interpolate="step-after", color="var(--soft)", strokeDash=[5, 4], strokeWidth=1.2
        ).encode(x=x, y=y, order="x:Q"),
        base.mark_rule(strokeWidth=0.6, opacity=0.6).encode(y=y, y2="label_y:Q"),
        base.mark_point(filled=False, opacity=1, size=60, strokeWidth=1.5).encode(
            y=y, shape=shape, tooltip=told,
            fill=alt.condition(
                "datum.whole", alt.Fill("side:N", scale=palette(facts)[0], legend=None), alt.value("transparent")
            ),
        ),
        base.mark_text(align="left", dx=7, fontSize=11).encode(y=alt.Y("label_y:Q"), text="method:N"),
    ]  # fmt: skip
    chart = (
        alt.layer(*layers, data=alt.NamedData("points"))
        .add_params(pick)
        .transform_filter("datum.case === pick")
        .properties(width="container", height=HEIGHT, padding={"right": 116, "left": 4, "top": 8})
        .properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
        .properties(
            description="Correct digits against time in units of the best of the row, for each method; a "
            "dashed line joins those that nothing faster is as exact as"
        )
    )
    spec: Spec = chart.to_dict()
    spec["datasets"] = {"points": values}
    spec.pop("config", None)
    return spec


def _point(line: Any, facts: Facts) -> Spec:
    over = "" if line["of"] == 1 else f", on {line['rows']} of {line['of']} rows"
    return {
        "case": line["case"],
        "method": line["method"],
        "side": side_of(facts, line["method"], line["tool"]),
        "x": line["slowdown"],
        "y": line["digits"],
        "whole": bool(line["whole"]),
        "best": bool(line["best"]),
        "told": f"{times(line['slowdown'])} the best, {line['digits']:.1f} digits{over}",
    }


def _place(points: Sequence[Spec], bottom: float) -> None:
    """Give each point a height for its name, the nearest at which it covers no other name."""
    low = math.log(min(p["x"] for p in points))
    reach = max(math.log(max(p["x"] for p in points)) - low, 1.0)
    taken: list[tuple[float, float]] = []
    steps = sorted(range(-40, 41), key=lambda k: (abs(k), -k))
    for point in sorted(points, key=lambda p: (-p["y"], p["x"], p["method"])):
        across = (math.log(point["x"]) - low) / reach
        for k in steps:
            height = point["y"] + k * LABEL_DIGITS / 2
            inside = bottom + 0.3 <= height <= MOST + ROOM - 0.3
            free = all(
                abs(across - a) >= LABEL_WIDTH or abs(height - h) >= LABEL_DIGITS for a, h in taken
            )
            if inside and free:
                break
        taken.append((across, height))
        point["label_y"] = height
