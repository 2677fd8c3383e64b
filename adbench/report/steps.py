"""The error of finite differences against their step: chart and list; from `analysis.read_steps` alone."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import pandas as pd

from adbench.report.charts import HEIGHT, OTHER_COLOURS, Spec
from adbench.report.still import harmless

__all__ = ["landing_list", "steps_chart"]

EPS = 2.0**-52
LEAST = 1e-17  # an error of 0 has no place on a logarithmic axis
DASHES = ([1, 0], [6, 3], [2, 3], [8, 3, 2, 3])
EVEN = [10.0**-k for k in range(0, 17, 2)]
# Names of methods stand below their points by turns, so that those of near steps can be read.
DROPS = (16, 32)


def steps_chart(frame: pd.DataFrame) -> Spec:
    """Error against step, both axes logarithmic: a line a rule, and a mark for each method of one step."""
    # names stand in the specification itself, not in its data alone
    frame = frame.assign(name=frame["name"].map(harmless))
    curves = frame[frame["kind"] == "curve"].sort_values(["name", "step"])
    names = list(dict.fromkeys(frame.loc[frame["kind"] == "curve", "name"]))
    colours = [f"var(--tool-{1 + i % OTHER_COLOURS})" for i in range(len(names))]
    dashes = [DASHES[i % len(DASHES)] for i in range(len(names))]
    x = alt.X("x:Q", title="step, relative to max(|x|, 1); of extrapolations the first one")
    x = x.scale(type="log", domain=[1e-16, 1.0], nice=False).axis(values=EVEN, format=".0e")
    y = alt.Y("y:Q", title="relative error of the gradient")
    y = y.scale(type="log", domain=[LEAST, 10.0], nice=False).axis(values=EVEN, format=".0e")
    legend = alt.Legend(orient="top", title=None, symbolStrokeWidth=2, labelLimit=0)
    lined = _of(curves).mark_line(strokeWidth=1.6, clip=True).encode(
        x, y,
        alt.Color("name:N", legend=legend).scale(domain=names, range=colours),
        alt.StrokeDash("name:N", legend=legend).scale(domain=names, range=dashes),
    )  # fmt: skip
    layers: list[Any] = [_theory(x), lined]
    found = frame[(frame["kind"] == "tool") & (frame["step"] >= EVEN[-1])]
    if len(found):
        layers += _landed(found, x, y)
    chart = alt.layer(*layers).properties(
        width="container", height=HEIGHT, padding={"right": 16, "left": 4, "top": 8},
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        description="Relative error of finite differences against their step, both axes logarithmic: a line for "
        "each rule, falling from the left with rounding and rising to the right with truncation, and a mark for each "
        "method at its own step",
    )  # fmt: skip
    spec: Spec = chart.to_dict()
    spec.pop("config", None)
    return spec


def _of(frame: pd.DataFrame) -> alt.Chart:
    points = zip(frame["name"], frame["step"], frame["error"].clip(lower=LEAST), strict=True)
    return alt.Chart({"values": [{"name": n, "x": x, "y": y} for n, x, y in points]})


def _theory(x: Any) -> Any:
    """Where the best step lies if f and its derivatives are of one size."""
    marks = [{"x": EPS ** (1 / k), "text": f"\u03b5^(1/{k})"} for k in (2, 3, 5)]
    base = alt.Chart({"values": marks}).encode(x=x)
    ruled = base.mark_rule(color="var(--soft)", strokeDash=[3, 3], opacity=0.7)
    named = base.mark_text(color="var(--soft)", dx=4, align="left", baseline="top", fontSize=11)
    return ruled + named.encode(y=alt.value(2), text="text:N")


def _landed(found: pd.DataFrame, x: Any, y: Any) -> list[Any]:
    told = [alt.Tooltip("name:N", title="method"), alt.Tooltip("x:Q", title="step", format=".2g"),
            alt.Tooltip("y:Q", title="relative error", format=".2g")]  # fmt: skip
    points = (
        _of(found).mark_point(shape="diamond", filled=True, size=70, color="var(--ink)", opacity=1)
    ).encode(x, y, tooltip=told)
    together = []
    for _, group in found.groupby("step", sort=True):
        names = ", ".join(sorted(group["name"]))
        together.append({"name": names, "x": group["step"].iloc[0], "y": group["error"].min()})
    named = []
    for turn, drop in enumerate(DROPS):
        here = [{**p, "y": max(p["y"], LEAST)} for p in together[turn :: len(DROPS)]]
        if here:
            text = alt.Chart({"values": here}).mark_text(
                align="right", dx=-6, dy=drop, fontSize=11, color="var(--ink)"
            )
            named.append(text.encode(x, y, text="name:N"))
    return [points, *named]


def landing_list(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Each method with its step, error and promise, the most accurate first."""
    tools = frame[frame["kind"] == "tool"].sort_values(["error", "name"])
    return [
        {
            "method": line["name"], "error": f"{line['error']:.1e}", "n": line["error"],
            "step": "its own choice" if math.isnan(line["step"]) else f"{line['step']:.1e}",
            "promised": "all digits" if math.isnan(line["promised"]) else f"{line['promised']:.1e}",
        }
        for line in tools.to_dict("records")
    ]  # fmt: skip
