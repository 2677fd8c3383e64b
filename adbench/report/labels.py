"""Where the names of lines stand: at their ends, moved just enough to be read apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

__all__ = ["by", "name_ends", "place_labels"]

Point = dict[str, Any]
# A label every 5 % of the height keeps 9-pixel text apart in a chart of 380 pixels.
LABEL_GAP = 0.05
# More lines than this cannot all be named at their ends: the best of each tool are shown first.
NAMED = 14


def name_ends(values: list[Point]) -> bool:
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


def _ends(points: Sequence[Point]) -> list[Point]:
    """The last point of each method."""
    return list({p["method"]: p for p in sorted(points, key=lambda p: p["x"])}.values())


def by(points: Iterable[Point], key: str) -> dict[str, list[Point]]:
    """Points in groups of one value of a key, in order of appearance."""
    groups: dict[str, list[Point]] = {}
    for point in points:
        groups.setdefault(point[key], []).append(point)
    return groups


def place_labels(ends: list[Point], heights: Sequence[float], field: str) -> None:
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
