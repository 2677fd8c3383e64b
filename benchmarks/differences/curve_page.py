"""The picture and the words of the error curve of differences, from its lines alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

__all__ = ["best", "chart", "readme", "slope"]

Lines = Sequence[Mapping[str, Any]]
# After M. Okabe and K. Ito (2008), told apart by people who see few colours; dashes tell them apart too.
COLOURS = {
    "forward": "#D55E00",
    "central": "#0072B2",
    "fourth order": "#009E73",
    "Ridders": "#CC79A7",
    "complex step": "#555555",
}
DASHES = {"forward": [1, 0], "central": [1, 0], "fourth order": [1, 0], "Ridders": [6, 3],
          "complex step": [2, 3]}  # fmt: skip
# Ideal exponents of eps, and the powers of the step in the truncation error.
IDEAL = {"forward": (1 / 2, 1), "central": (1 / 3, 2), "fourth order": (1 / 5, 4)}
EPS = 2.0**-52
# How far below its point a name stands, in pixels, where neighbours are in the way.
NUDGES = {"numpy-ridders": 30, "scipy-differentiate": -11, "scipy-approx-fprime": 17}
LEAST = 1e-17  # an error of 0 has no place on this axis


def chart(lines: Lines) -> str:
    """The curves above, the tools by their error below, as SVG."""
    both = alt.vconcat(_curves(lines), _tools(lines), spacing=28).configure_axis(
        labelFontSize=12, titleFontSize=13, gridColor="#e4e4e4"
    )
    styled = both.configure_view(stroke="#999999").configure_title(
        fontSize=15, anchor="start", frame="group"
    )
    styled = styled.configure_legend(labelFontSize=12, titleFontSize=12, symbolStrokeWidth=3)
    svg: str = vl_convert.vegalite_to_svg(styled.properties(background="white").to_dict())
    return svg


def _curves(lines: Lines) -> Any:
    frame = pd.DataFrame(x for x in lines if x["kind"] == "curve")
    frame["error"] = frame["error"].clip(lower=LEAST)
    frame = frame[np.isfinite(frame["error"])]
    names = list(COLOURS)
    marks = pd.DataFrame(
        {"step": EPS**p, "text": f"\u03b5^(1/{round(1 / p)})"} for p, _ in IDEAL.values()
    )
    decades = {"values": [10.0**-k for k in range(0, 17, 2)], "format": ".0e"}
    x = alt.X("step:Q", title="step, relative to max(|x|, 1); of Ridders the first step")
    x = x.scale(type="log", domain=[1e-16, 1.0], nice=False).axis(**decades)
    y = alt.Y("error:Q", title="relative error of the gradient (norms)")
    y = y.scale(type="log", domain=[1e-17, 10.0], nice=False).axis(
        values=[10.0**-k for k in range(0, 17, 2)], format=".0e"
    )
    lined = alt.Chart(frame).mark_line(strokeWidth=1.6, clip=True).encode(
        x, y,
        alt.Color("rule:N", title="rule").scale(domain=names, range=list(COLOURS.values())),
        alt.StrokeDash("rule:N", title="rule").scale(domain=names, range=list(DASHES.values())),
    )  # fmt: skip
    ruled = alt.Chart(marks).mark_rule(color="#888888", strokeDash=[3, 3]).encode(x="step:Q")
    named = alt.Chart(marks).mark_text(dx=5, align="left", fontSize=12, color="#444444")
    named = named.encode(x="step:Q", y=alt.datum(2.5), text="text:N")
    title = "Error of differences against their step: the gradient of gauss_nll[100]"
    return (ruled + lined + named + _landed(lines)).properties(width=640, height=400, title=title)


def _landed(lines: Lines) -> Any:
    """The methods whose step is known, those of one step under one name."""
    known = [x for x in lines if x["kind"] == "tool" and x["error"] and (x["step"] or 0.0) >= 1e-16]
    points = alt.Chart(pd.DataFrame(known)).mark_point(
        shape="diamond", filled=True, size=60, color="black", opacity=1
    ).encode(x="step:Q", y="error:Q")  # fmt: skip
    layers = [points]
    for step in sorted({float(x["step"]) for x in known}):
        here = [x for x in known if x["step"] == step]
        row = {"step": step, "error": min(float(x["error"]) for x in here)}
        row["text"] = ", ".join(sorted(str(x["method"]) for x in here))
        dy = next((NUDGES[x["method"]] for x in here if x["method"] in NUDGES), 13)
        text = alt.Chart(pd.DataFrame([row])).mark_text(
            align="right", dx=-4 if step > 0.1 else -12, dy=dy, fontSize=11, color="black"
        )
        layers.append(text.encode(x="step:Q", y="error:Q", text="text:N"))
    return alt.layer(*layers)


def _tools(lines: Lines) -> Any:
    found = [x for x in lines if x["kind"] == "tool" and x["error"] is not None]
    frame = pd.DataFrame(found).assign(
        shown=lambda t: t["error"].clip(lower=LEAST), what="error at its own default"
    )
    order = frame.sort_values("shown")["method"].tolist()
    x = alt.X(
        "shown:Q", title="relative error of the gradient (norms); the tick is what is promised"
    )
    x = x.scale(type="log", domain=[1e-17, 1e-2], nice=False).axis(
        values=[10.0**-k for k in range(3, 18, 2)], format=".0e"
    )
    y = alt.Y("method:N", title=None, sort=order)
    dots = (
        alt.Chart(frame).mark_point(filled=True, size=70, color="#0072B2", opacity=1).encode(x, y)
    )
    ticks = alt.Chart(frame[frame["promised"].notna()]).mark_tick(
        color="#D55E00", thickness=2, size=14
    ).encode(alt.X("promised:Q"), y)  # fmt: skip
    title = "Where each method lands with its own step"
    return (ticks + dots).properties(width=640, height=20 * len(order), title=title)


def slope(lines: Lines, rule: str, low: float, high: float) -> float:
    """Least-squares slope of log error against log step between two steps."""
    points = [(x["step"], x["error"]) for x in lines if x["kind"] == "curve" and x["rule"] == rule]
    logs = np.log([p for p in points if low <= p[0] <= high and 0.0 < p[1] < math.inf])
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])


def best(lines: Lines, rule: str) -> tuple[float, float]:
    """Step and error at the bottom of a curve: of its error's running median over half a decade, since
    rounding makes single points lucky.
    """
    points = sorted((x["step"], x["error"]) for x in lines
                    if x["kind"] == "curve" and x["rule"] == rule)  # fmt: skip
    steps, errors = (np.array(v) for v in zip(*points, strict=True))
    width = 7
    medians = [float(np.median(errors[i : i + width])) for i in range(len(errors) - width + 1)]
    i = int(np.argmin(medians))
    return float(steps[i + width // 2]), medians[i]


def readme(lines: Lines, where: str) -> str:
    """What is to be seen, with the figures found."""
    rows = [
        "| rule | truncation: slope | rounding: slope | best step | error there | in theory |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for rule, (p, power) in IDEAL.items():
        step, error = best(lines, rule)
        rows.append(
            f"| {rule} | {slope(lines, rule, 10.0 * step, 0.1):.2f} "
            f"| {slope(lines, rule, 1e-14, step / 10.0):.2f} | {step:.1e} | {error:.1e} "
            f"| +{power}, -1, eps^(1/{round(1 / p)}) = {EPS**p:.1e} |"
        )
    tools = sorted((x for x in lines if x["kind"] == "tool" and x["error"] is not None),
                   key=lambda x: float(x["error"]))  # fmt: skip
    landed = ["| method | its step | error | promised |", "| --- | --- | --- | --- |"]
    for x in tools:
        step = "its own choice" if x["step"] is None else f"{x['step']:.1e}"
        promise = "exact" if x["promised"] is None else f"{x['promised']:.1e}"
        landed.append(f"| `{x['method']}` | {step} | {x['error']:.1e} | {promise} |")
    missing = [f"`{x['method']}`" for x in lines if x["kind"] == "tool" and x["reason"]]
    left_out = f"Not installed here: {', '.join(missing)}.\n" if missing else ""
    return TEXT.format(
        where=where, rules="\n".join(rows), tools="\n".join(landed), left_out=left_out
    )


TEXT = """\
# The error of finite differences against their step

The gradient of `gauss_nll[100]`, two variables, against its certified value; the error is the norm of the
difference over the norm of the gradient. {where}. Made by
`python benchmarks/differences/curve.py --out FOLDER` (`nox -s v-curve`); `curve.jsonl` holds every point.

![error against step, and where each method lands](curve.svg)

A difference is wrong in two ways. From the right, where steps are large, the **truncation** error is what Taylor's
series has beyond the rule: it falls with the step to the power of the rule's order, a line of slope 1, 2 or 4 in
this picture. From the left, where steps are small, **rounding** is divided by the step: two nearly equal
values of f are subtracted, of which only the last digits differ, and what is left grows as 1 / step, a
line of slope -1, ragged because rounding is a matter of luck. In between lies the best step. Theory has
it near eps^(1/2) for forward, eps^(1/3) for central differences and eps^(1/5) for fourth order, where
f and its derivatives are of one size; the dashed rules mark these, black diamonds the methods that have one step
(or a first one).

{rules}

Slopes are fitted from ten times the best step to 0.1, and from 1e-14 to a tenth of the best step.

- **Ridders** starts from a step and extrapolates from halved ones; its axis is the first step. A large one
  costs little, since it is extrapolated away: the curve is low over many decades.
- The **complex step** subtracts nothing: no rounding branch. Its error falls with slope 2 and
  then stays at the last digit, however small the step; methods take 2^-200, far off this picture.

Where each method lands with its own default, the most accurate first:

{tools}
{left_out}
"""
