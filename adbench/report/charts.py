"""How charts are drawn: lines over a size, with bands, labels, choosers and marks, as Vega-Lite; no numbers of
its own.

Colours are names of CSS variables, so that one chart serves a light and a dark page and paper.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import altair as alt

from adbench.report.facts import Facts

__all__ = ["Axis", "Spec", "axis", "by", "fallback", "lines", "picked", "place_labels", "scales", "side_of"]  # fmt: skip

Spec = dict[str, Any]
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
OTHER_COLOURS = 6  # --tool-1 ... --tool-6 in the style sheet
# A label every 5 % of the height keeps 9-pixel text apart in a chart of 380 pixels.
HEIGHT, LABEL_GAP = 380, 0.05
# More lines than this cannot all be named at their ends: the best of each tool are shown first.
NAMED = 14
# Width of the picture that stands in where scripts do not run.
STILL_WIDTH = 760
# Powers of ten are named and ruled; in a picture of less than about two decades every tick is.
PLAIN_TICK = (
    "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6"
    " || domain('{axis}')[1] / domain('{axis}')[0] < 50"
)


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis: its title, and the unit that its numbers end with."""

    title: str
    unit: str = ""


def lines(
    values: list[Spec],
    facts: Facts,
    x: Axis,
    y: Axis,
    *,
    about: str,
    options: Sequence[str],
    marks: Sequence[Spec] = (),
    guides: Sequence[Spec] = (),
    size: int = 46,
) -> Spec:
    """A line a method, one case at a time.

    Parameters
    ----------
    values : list of dict
        Points: `case`, `method`, `side` (see `side_of`), `x`, `y`, `told` for the tooltip; `low` and `high`
        where y has an interval.
    facts : Facts
    x, y : Axis
    about : str
        A sentence for those who do not see the picture.
    options : sequence of str
        The cases, the one shown first at the front.
    marks : sequence of dict
        Places on the x axis: `case`, `x`, `low`, `high` and `text`.
    guides : sequence of dict
        Points of thin lines that are nobody's: `case`, `guide`, `x`, `y`.
    size : int
        Area of a point, square pixels.
    """
    crowded = _leads(values)
    channels = {"x": _scaled(alt.X, "x", x), "y": _scaled(alt.Y, "y", y)}
    colour, shape = scales(facts)
    main = alt.FieldOneOfPredicate("side", ["first", "second"])
    told = [alt.Tooltip("method:N"), alt.Tooltip("told:N", title=y.title)]
    base = alt.Chart().encode(**channels, color=colour, detail="method:N")
    thick = alt.condition(main, alt.value(2.4), alt.value(1.2))
    layers = [
        *_marked(marks),
        *_guided(guides, channels),
        base.transform_filter("isValid(datum.low)")
        .mark_area(opacity=0.18, interpolate="linear")
        .encode(y=_scaled(alt.Y, "low", y), y2="high:Q"),
        base.mark_line(interpolate="linear").encode(strokeWidth=thick),
        base.mark_point(filled=True, opacity=1).encode(
            shape=shape, tooltip=told, size=alt.value(size)
        ),
        _labels(channels["x"], colour, "label" if not crowded else "label_lead", crowded),
    ]
    if crowded:
        layers.append(_labels(channels["x"], colour, "label_all", crowded))
    chart = _framed(alt.layer(*layers, data={"values": values}), options, crowded, about)
    spec: Spec = chart.to_dict()
    spec.pop("config", None)  # the page's own script sets fonts and colours
    return spec


def _framed(chart: Any, options: Sequence[str], crowded: bool, about: str) -> Any:
    params = [_chooser("pick", "Problem ", options)]
    shown = chart.transform_filter("datum.case === pick")
    if crowded:
        params.append(_chooser("view", "Methods ", ["the best of each tool", "all"]))
        shown = shown.transform_filter("view === 'all' || datum.lead !== false")
    return (
        shown.add_params(*params)
        .properties(width="container", height=HEIGHT, padding={"right": 116, "left": 4, "top": 8})
        .properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
        .properties(description=about)
    )


def _chooser(name: str, title: str, options: Sequence[str]) -> Any:
    bound = alt.binding_select(options=list(options), name=title)
    return alt.param(name=name, value=options[0], bind=bound)


def _marked(marks: Sequence[Spec]) -> list[Any]:
    """Shaded intervals of places on the x axis, a rule at each, and its text at the top."""
    if not marks:
        return []
    base = _drawn_from(marks)
    at = alt.X("x:Q", scale=alt.Scale(type="log", nice=False))
    return [
        base.mark_rect(color="var(--soft)", opacity=0.14).encode(
            x=alt.X("low:Q", scale=alt.Scale(type="log", nice=False)), x2="high:Q"
        ),
        base.mark_rule(color="var(--soft)", strokeDash=[4, 3]).encode(x=at),
        base.mark_text(color="var(--ink)", fontSize=11, align="left", dx=5, baseline="top").encode(
            x=at, y=alt.value(2), text="text:N"
        ),
    ]


def _drawn_from(values: Sequence[Spec]) -> alt.Chart:
    """A chart of data of its own, which the filters of the whole do not reach."""
    return alt.Chart({"values": list(values)}).transform_filter("datum.case === pick")


def _guided(guides: Sequence[Spec], channels: Spec) -> list[Any]:
    if not guides:
        return []
    base = _drawn_from(guides).encode(**channels, detail="guide:N")
    named = base.transform_filter("isValid(datum.label)")
    return [
        base.mark_line(color="var(--soft)", strokeDash=[2, 4], strokeWidth=1),
        named.mark_text(color="var(--soft)", fontSize=11, align="left", dx=4, dy=-6).encode(text="label:N"),
    ]  # fmt: skip


def _labels(x: Any, colour: Any, field: str, crowded: bool) -> Any:
    chart = alt.Chart().transform_filter(f"isValid(datum.{field})")
    if crowded:
        whole = "==" if field == "label_all" else "!="
        chart = chart.transform_filter(f"view {whole} 'all'")
    return chart.mark_text(align="left", dx=9, fontSize=11).encode(
        x=x, y=alt.Y(f"{field}_y:Q"), text=f"{field}:N", color=colour
    )


def _leads(values: list[Spec]) -> bool:
    """Names the lines at their ends; whether there are too many, and then which lead.

    The best of each tool at its largest size of a case leads, and so do both sides of the comparison.
    """
    cases = {case: _ends(points) for case, points in by(values, "case").items()}
    crowded = any(len(ends) > NAMED for ends in cases.values())
    for case, points in by(values, "case").items():
        ends, heights = cases[case], [p["y"] for p in points]
        if not crowded:
            place_labels(ends, heights, "label")
            continue
        lead = {min(group, key=lambda p: p["y"])["method"] for group in by(ends, "tool").values()}
        for point in points:
            point["lead"] = point["method"] in lead
        leading = [p for p in ends if p["lead"]]
        shown = [p["y"] for p in points if p["lead"]]
        place_labels(sorted(leading, key=lambda p: p["y"])[:NAMED], shown, "label_lead")
        place_labels(sorted(ends, key=lambda p: p["y"])[:NAMED], heights, "label_all")
    return crowded


def _ends(points: Sequence[Spec]) -> list[Spec]:
    """The last point of each method."""
    return list({p["method"]: p for p in sorted(points, key=lambda p: p["x"])}.values())


def by(points: Iterable[Spec], key: str) -> dict[str, list[Spec]]:
    """Points in groups of one value of a key, in order of appearance."""
    groups: dict[str, list[Spec]] = {}
    for point in points:
        groups.setdefault(point[key], []).append(point)
    return groups


def place_labels(ends: list[Spec], heights: Sequence[float], field: str) -> None:
    """Give each method's last point a label, moved just enough to keep labels apart (log scale)."""
    low, high = math.log(min(heights)), math.log(max(heights))
    gap = LABEL_GAP * max(high - low, 1.0)
    ends.sort(key=lambda p: (p["y"], p["method"]))
    places = _apart([math.log(p["y"]) for p in ends], gap)
    for point, place in zip(ends, places, strict=True):
        point[field], point[f"{field}_y"] = point["method"], math.exp(place)


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


def _scaled(channel: Any, field: str, about: Axis) -> Any:
    name = "x" if channel is alt.X else "y"
    return channel(
        f"{field}:Q",
        scale=alt.Scale(type="log", nice=False),
        axis=axis(name, about.title, about.unit),
    )


def axis(channel: str, title: str, unit: str) -> alt.Axis:
    """Of a logarithmic scale: powers of ten are named and ruled."""
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


def side_of(facts: Facts, method: str, tool: str) -> str:
    """``first``, ``second`` or the tool: what colour and shape go by."""
    for name, side in (("first", facts.pair.first), ("second", facts.pair.second)):
        if tool in side.tools or method in side.methods:
            return name
    return tool


def scales(facts: Facts) -> tuple[alt.Color, alt.Shape]:
    """One colour and one shape for each side of the comparison, and for each other tool."""
    sides = facts.summary[["method", "tool"]].drop_duplicates().itertuples(index=False)
    others = sorted({side_of(facts, *map(str, pair)) for pair in sides} - {"first", "second"})
    domain = ["first", "second", *others]
    more = [f"var(--tool-{1 + i % OTHER_COLOURS})" for i in range(len(others))]
    colours = ["var(--first)", "var(--second)", *more]
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(domain))]
    return (
        alt.Color("side:N", scale=alt.Scale(domain=domain, range=colours), legend=None),
        alt.Shape("side:N", scale=alt.Scale(domain=domain, range=shapes), legend=None),
    )


def picked(groups: dict[str, list[Spec]]) -> list[str]:
    """The cases, the richest picture first: several sizes, many methods."""
    return sorted(groups, key=lambda case: -len({p["x"] for p in groups[case]}))


def fallback(spec: Spec) -> str:
    """The chart as it first shows, as SVG: for readers without scripts."""
    import vl_convert

    still = {**spec, "width": STILL_WIDTH, "autosize": {"type": "pad"}}
    still["config"] = {
        "background": "transparent", "view": {"stroke": None},
        "axis": {"labelColor": "var(--soft)", "titleColor": "var(--soft)", "gridColor": "var(--faint)",
                 "domainColor": "var(--rule)", "tickColor": "var(--rule)"},
    }  # fmt: skip
    svg: str = vl_convert.vegalite_to_svg(json.dumps(still))
    return svg
