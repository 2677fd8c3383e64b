"""The win map, problem by size, and the list of comparisons behind it, as plain tables."""

from __future__ import annotations

import math
from typing import Any

from adbench.analysis import Duel, Pair
from adbench.analysis.wording import coverage, span, times
from adbench.model import Comparison, Decision
from adbench.report.facts import Facts

__all__ = ["comparisons", "views", "win_map"]

# Colour steps by ratio: the eye sees about four, and the number is in the cell anyhow.
STEPS = (1.5, 3.0, 10.0)
BEST = "a function text of the tool's own counts, where its manual would have you write one."
SHARED = "rows measured with a tool's own function text are left out, on both sides."


def views(facts: Facts) -> list[dict[str, Any]]:
    """The map with each side at its best form, and, where own forms ran, with shared forms alone.

    Each has its own choice of methods, decisions and sentence. Empty without anything to show.
    """
    found = [_view("best", "Each side at its best form", BEST, facts)]
    own = facts.frame[facts.frame["own_form"]]
    if any(len(side.able(own)) for side in facts.pair.sides):
        found.append(_view("shared", "Shared forms only", SHARED, facts.shared))
    return [view for view in found if view["board"] is not None]


def _view(key: str, name: str, about: str, facts: Facts) -> dict[str, Any]:
    sentence = facts.verdict.sentence
    return {"key": key, "name": name, "about": about, "board": win_map(facts), "sentence": sentence}


def win_map(facts: Facts) -> dict[str, Any] | None:
    """Rows of cells, one row per problem and operator, its sizes from small to large."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for duel in facts.duels:
        rows.setdefault((duel.problem, duel.operator), []).append(_cell(duel, facts.pair))
    if not any(duel.comparison or duel.apart for duel in facts.duels):
        return None
    width = max(len(cells) for cells in rows.values())
    return {
        "width": width,
        "rows": [
            {
                "problem": p,
                "operator": o.replace("_", " "),
                "cells": cells,
                "pad": width - len(cells),
            }
            for (p, o), cells in rows.items()
        ],
    }


def _cell(duel: Duel, pair: Pair) -> dict[str, str]:
    cell = (
        _fought(duel.comparison, duel.withdrawn, pair)
        if duel.comparison
        else _one_sided(duel, pair)
    )
    cases = [f"{duel.row}/{method}" for method in (duel.first, duel.second) if method]
    return {"size": duel.size, "title": _title(duel, pair), "cases": "\n".join(cases), **cell}


def _fought(c: Comparison, withdrawn: bool, pair: Pair) -> dict[str, str]:
    side, factor, low, high = _winner(c)
    name, bounds = getattr(pair, side).name, _levelled(c, low, high)
    if c.decision is Decision.TIE:
        return {"css": "tie", "text": "≈ tie", "small": _levelled(c, c.low, c.high)}
    if c.decision is Decision.UNDECIDED:
        small = (bounds or "one process") + (", withdrawn" if withdrawn else "")
        return {"css": "undecided", "text": f"? {name} {times(factor)}", "small": small}
    step = sum(factor >= limit for limit in STEPS)
    return {"css": f"{side} s{step}", "text": f"{name} {times(factor)}", "small": bounds}


def _levelled(c: Comparison, low: float | None, high: float | None) -> str:
    """An interval with its coverage, ``4.1–9.8 (99 %)``; empty where there is none."""
    shown = span(low, high)
    return f"{shown} ({coverage(c.level)})" if shown and c.level else shown


def _winner(c: Comparison) -> tuple[str, float, float | None, float | None]:
    """Who took less time, how many times, and the interval seen from that side."""
    if c.ratio >= 1:
        return "second", c.ratio, c.low, c.high
    low, high = (1 / c.high, 1 / c.low) if c.low and c.high else (None, None)
    return "first", 1 / c.ratio, low, high


def _one_sided(duel: Duel, pair: Pair) -> dict[str, str]:
    if duel.apart:
        return {"css": "undecided", "text": "not compared", "small": "measure both in one run"}
    if duel.first or duel.second:
        names = pair.first.name, pair.second.name
        here, there = names if duel.first else names[::-1]
        why = duel.second_why if duel.first else duel.first_why
        return {"css": "failed", "text": f"{here} only", "small": f"✕ {there}: {_label(why)}"}
    if duel.first_why == duel.second_why:
        return {"css": "failed", "text": "✕ neither", "small": _label(duel.first_why)}
    return {"css": "failed", "text": "✕ neither", "small": "see failures"}


def _label(why: str) -> str:
    """``wrong`` of ``numba-dual: wrong: error 3e5 ulp``."""
    parts = why.split(": ", 2)
    return parts[1] if len(parts) > 1 else why


def _title(duel: Duel, pair: Pair) -> str:
    if duel.apart:
        return (
            f"{duel.row}: {duel.first} and {duel.second} both gave a right answer, but in no common "
            "process. Measure both in one run: adbench run"
        )
    if duel.comparison is None:
        told = [f"{pair.first.name}: {duel.first_why or duel.first}"]
        told += [f"{pair.second.name}: {duel.second_why or duel.second}"]
        return f"{duel.row}. {'. '.join(told)}"
    c = duel.comparison
    covers = f"{coverage(c.level)} " if c.level else ""
    interval = f", {covers}interval {span(c.low, c.high)}" if c.low else ", no interval"
    processes = f" over {c.processes} processes" if c.low else ""
    return (
        f"{duel.row}: time of {duel.first} / time of {duel.second} = {times(c.ratio)}{interval}"
        f"{processes}: {_decision(duel, pair)}"
    )


def _decision(duel: Duel, pair: Pair) -> str:
    assert duel.comparison
    labels = {
        Decision.FASTER: f"{pair.first.name} faster",
        Decision.SLOWER: f"{pair.second.name} faster",
        Decision.TIE: "tie",
        Decision.UNDECIDED: "undecided",
    }
    return labels[duel.comparison.decision] + (", withdrawn" if duel.withdrawn else "")


def comparisons(facts: Facts) -> list[dict[str, Any]]:
    """Every comparison in words and numbers, with the place of its interval on a log scale."""
    found = [d for d in facts.duels if d.comparison]
    reach = max((_reach(d.comparison) for d in found if d.comparison), default=1.0) * 1.05
    return [_line(duel, reach, facts) for duel in found]


def _reach(c: Comparison) -> float:
    ends = [c.ratio, c.low or c.ratio, c.high or c.ratio]
    # an interval of few processes can span decades; beyond 100x its end is cut off at the frame
    return max(math.log(1.5), *(min(abs(math.log(e)), math.log(100.0)) for e in ends))


def _line(duel: Duel, reach: float, facts: Facts) -> dict[str, Any]:
    c = duel.comparison
    assert c is not None
    low, mid, high = (_place(v, reach) for v in (c.low or c.ratio, c.ratio, c.high or c.ratio))
    edge = math.log1p(facts.margin or 0.0)
    beside = facts.fixed.get(duel.row)
    pair = beside.comparison if beside else None
    return {
        "row": duel.row,
        "first": duel.first,
        "second": duel.second,
        "ratio": times(c.ratio),
        "ratio_n": c.ratio,
        "interval": _levelled(c, c.low, c.high) or "no interval",
        "processes": c.processes,
        "pair": times(pair.ratio) if pair else "–",
        "pair_n": pair.ratio if pair else math.nan,
        "pair_interval": _levelled(pair, pair.low, pair.high) if pair else "",
        "decision": _decision(duel, facts.pair),
        "css": {Decision.FASTER: "first", Decision.SLOWER: "second"}.get(c.decision, ""),
        "note": "" if duel.exact else "finite differences",
        "left": low,
        "width": high - low,
        "mid": mid,
        "margin_left": _place(math.exp(-edge), reach),
        "margin_width": _place(math.exp(edge), reach) - _place(math.exp(-edge), reach),
    }


def _place(ratio: float, reach: float) -> float:
    """Per cent from the left of a scale on which 1 is in the middle."""
    return round(min(100.0, max(0.0, 50.0 + 50.0 * math.log(ratio) / reach)), 2)
