"""How charts are drawn: lines over a size, with bands, labels, choosers and marks, as Vega-Lite; no numbers of
its own.

Colours are names of CSS variables, so that one chart serves a light and a dark page and paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from adbench.report.facts import Facts
from adbench.report.labels import name_ends

__all__ = ["Axis", "Spec", "axis", "lines", "palette", "picked", "scales", "side_of"]

Spec = dict[str, Any]
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
OTHER_COLOURS = 6  # --tool-1 ... --tool-6 in the style sheet
HEIGHT = 380
# Share of the x axis, on its logarithmic scale, from which on words stand left of their place.
LATE = 0.6
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
    crowded = name_ends(values)
    banded = any("low" in p for p in values)
    # a layer without data in the chosen case would have no extent, which Vega tells the console
    values = [{"low": p["y"], "high": p["y"], **p} if banded else p for p in values]
    channels = {"x": _scaled(alt.X, "x", x), "y": _scaled(alt.Y, "y", y)}
    colour, shape = scales(facts)
    main = alt.FieldOneOfPredicate("side", ["first", "second"])
    told = [alt.Tooltip("method:N"), alt.Tooltip("told:N", title=y.title)]
    base = alt.Chart().encode(**channels, color=colour, detail="method:N")
    thick = alt.condition(main, alt.value(2.4), alt.value(1.2))
    layers = [
        *_marked(marks, values),
        *_guided(guides, channels),
        *([_band(base, y)] if banded else []),
        base.mark_line(interpolate="linear").encode(strokeWidth=thick),
        base.mark_point(filled=True, opacity=1).encode(
            shape=shape, tooltip=told, size=alt.value(size)
        ),
        _labels(channels["x"], colour, "label" if not crowded else "label_lead", crowded),
    ]
    if crowded:
        layers.append(_labels(channels["x"], colour, "label_all", crowded))
    # by name: Altair would copy and check every point
    chart = _framed(alt.layer(*layers, data=alt.NamedData("points")), options, crowded, about)
    spec: Spec = chart.to_dict()
    spec["datasets"] = {"points": values, **spec.get("datasets", {})}
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


def _band(base: Any, y: Axis) -> Any:
    area = base.mark_area(opacity=0.18, interpolate="linear")
    return area.encode(y=_scaled(alt.Y, "low", y), y2="high:Q")


def _marked(marks: Sequence[Spec], values: Sequence[Spec]) -> list[Any]:
    """Shaded intervals of places on the x axis, a rule at each, and its text at the top.

    A case without a mark has one that is not seen.
    """
    if not marks:
        return []
    places: dict[str, list[float]] = {}
    for point in values:
        places.setdefault(point["case"], []).append(point["x"])
    marks = [{**m, "late": _late(m["x"], places.get(m["case"], []))} for m in marks]
    bare = {p["case"]: p["x"] for p in values} | {m["case"]: None for m in marks}
    unseen = [{"case": c, "x": x, "low": x, "high": x, "text": ""} for c, x in bare.items() if x]
    base = _drawn_from([*marks, *unseen])

    def seen(opacity: float) -> Any:
        return alt.condition("datum.text !== ''", alt.value(opacity), alt.value(0))

    at = alt.X("x:Q", scale=alt.Scale(type="log", nice=False))
    return [
        base.mark_rect(color="var(--soft)").encode(
            opacity=seen(0.14),
            x=alt.X("low:Q", scale=alt.Scale(type="log", nice=False)),
            x2="high:Q",
        ),
        base.mark_rule(color="var(--soft)", strokeDash=[4, 3]).encode(x=at, opacity=seen(1.0)),
        *(_told_at(base, at, late) for late in (False, True)),
    ]


def _late(x: float, places: Sequence[float]) -> bool:
    """Whether a mark stands so far to the right that its words would run into the names of the lines."""
    low, high = min(places, default=x), max(places, default=x)
    return low < high and math.log(x / low) > LATE * math.log(high / low)


def _told_at(base: alt.Chart, at: alt.X, late: bool) -> Any:
    """The words of marks, on the side of each that has room."""
    side: Spec = {"align": "right", "dx": -5} if late else {"align": "left", "dx": 5}
    # all are drawn and half of them are not seen: a layer without data would have no extent
    here = alt.condition("datum.late" if late else "!datum.late", alt.value(1), alt.value(0))
    text = base.mark_text(color="var(--ink)", fontSize=11, baseline="top", **side)
    return text.encode(x=at, y=alt.value(2), text="text:N", opacity=here)


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


def palette(facts: Facts) -> tuple[alt.Scale, alt.Scale]:
    """One colour and one shape for each side of the comparison, and for each other tool."""
    sides = facts.summary[["method", "tool"]].drop_duplicates().itertuples(index=False)
    others = sorted({side_of(facts, *map(str, pair)) for pair in sides} - {"first", "second"})
    domain = ["first", "second", *others]
    more = [f"var(--tool-{1 + i % OTHER_COLOURS})" for i in range(len(others))]
    colours = ["var(--first)", "var(--second)", *more]
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(domain))]
    return alt.Scale(domain=domain, range=colours), alt.Scale(domain=domain, range=shapes)


def scales(facts: Facts) -> tuple[alt.Color, alt.Shape]:
    """The channels of the palette, without a legend: lines are named at their ends."""
    colour, shape = palette(facts)
    return (
        alt.Color("side:N", scale=colour, legend=None),
        alt.Shape("side:N", scale=shape, legend=None),
    )


def picked(groups: dict[str, list[Spec]]) -> list[str]:
    """The cases, the richest picture first: several sizes, many methods."""
    return sorted(groups, key=lambda case: -len({p["x"] for p in groups[case]}))
