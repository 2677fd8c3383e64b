"""What a reader should use, as far as this run decides it: by number of variables, of calls, and by digits wanted.

Counts of decided comparisons, never a sentence about what was not measured; each answer names its rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from adbench.analysis import Duel
from adbench.analysis.wording import count, times
from adbench.report.facts import Facts

__all__ = ["STRESSES", "by_calls", "by_digits", "by_sizes", "by_stresses", "by_variables"]

Line = dict[str, Any]
# From so many variables on; the next begins where the last ends.
VARIABLES = (1, 4, 31, 1_001)
CALLS = (1, 100, 10_000, 1_000_000)
# A side that wins this share of the decided comparisons is named.
MOSTLY = 0.75
POINTWISE = "derivative"
# What a problem stresses, in words for a reader; the last for those that stress none of it.
STRESSES = {
    "branches": "branches or loops that depend on values",
    "long-chain": "a thousand operations in a chain, or more",
    "sum-over-data": "a sum over data",
    "special-functions": "erf, erfc or lgamma",
    "nested-derivative": "a derivative inside",
    "": "none of these",
}


def by_variables(facts: Facts) -> list[Line]:
    """Who wins among comparisons of so many variables; groups without a decided one are left out.

    Derivatives at many points at once are not among them: their points are no variables of one function.
    """
    variables = facts.frame.groupby("row")["n"].max().to_dict()
    rows = [d for d in facts.duels if d.derivative and d.comparison and d.operator != POINTWISE]
    found = []
    for low, high in zip(VARIABLES, (*VARIABLES[1:], math.inf), strict=True):
        here = [d for d in rows if low <= variables.get(d.row, math.nan) < high]
        if any(d.winner for d in here):
            sizes = sorted({int(variables[d.row]) for d in here})
            told = (
                count(sizes[0]) if len(sizes) == 1 else f"{count(sizes[0])} to {count(sizes[-1])}"
            )
            found.append({"when": told, **_won(here, facts), "rows": [d.row for d in here]})
    return found


def by_sizes(facts: Facts) -> list[Line]:
    """Who wins at the smallest and at the largest size of each problem that was run at several."""
    groups: dict[tuple[str, str], list[Duel]] = {}
    for duel in facts.duels:
        if duel.derivative and duel.comparison:
            groups.setdefault((duel.problem, duel.operator), []).append(duel)
    several = [sorted(g, key=lambda d: d.size_n) for g in groups.values() if len(g) > 1]
    found = []
    for told, here in (
        ("the smallest of its problem", [group[0] for group in several]),
        ("the largest that was run", [group[-1] for group in several]),
    ):
        if any(d.winner for d in here):
            found.append({"when": told, **_won(here, facts), "rows": [d.row for d in here]})
    return found


def by_stresses(facts: Facts) -> list[Line]:
    """Who wins among functions with branches, long chains and the like, as far as somebody said which these are."""
    rows = [d for d in facts.duels if d.derivative and d.comparison and d.problem in facts.stresses]
    told = {d.problem: set(facts.stresses[d.problem]) & set(STRESSES) or {""} for d in rows}
    found = []
    for word, words in STRESSES.items():
        here = [d for d in rows if word in told[d.problem]]
        if any(d.winner for d in here):
            found.append({"when": words, **_won(here, facts), "rows": [d.row for d in here]})
    # one line alone would only repeat the answer
    return found if len(found) > 1 else []


def _won(rows: Sequence[Duel], facts: Facts) -> Line:
    first, second = (sum(d.winner == side for d in rows) for side in ("first", "second"))
    return _named(first, second, len(rows) - first - second, facts)


def _named(first: int, second: int, still_open: int, facts: Facts) -> Line:
    """Which side a count speaks for, in words that do not hang on colour; none where most is open."""
    names, total = facts.pair.names, first + second
    counts = {"first": first, "second": second, "open": still_open}
    if still_open > total:
        return {"answer": "not decided", "side": "", **counts}
    answer, side = "depends on the problem", ""
    for key, wins in (("first", first), ("second", second)):
        if total and wins >= MOSTLY * total:
            answer, side = names[key] if wins == total else f"mostly {names[key]}", key
    return {"answer": answer, "side": side, **counts}


def by_calls(facts: Facts) -> list[Line]:
    """Who costs less in all for so many calls, start included, over the rows where both have a start.

    A row whose break-even interval holds the number of calls is not decided.
    """
    table = facts.starts
    if table.empty:
        return []
    known = table[table["first_start_s"].notna() & table["second_start_s"].notna()]
    known = known[known["row"].isin([d.row for d in facts.duels if d.derivative])]
    lines = known.to_dict("records")
    found = []
    for calls in CALLS if lines else ():
        sides = [_cheaper(line, calls) for line in lines]
        first, second = (sides.count(side) for side in ("first", "second"))
        told = "once" if calls == 1 else f"{count(calls)} times"
        found.append({
            "when": told, **_named(first, second, sides.count(""), facts),
            "rows": [line["row"] for line in lines],
        })  # fmt: skip
    return found


def _cheaper(line: Any, calls: int) -> str:
    """The side that costs less; empty where its interval leaves that open, or there is none."""
    low, high = line["calls_low"], line["calls_high"]
    if not math.isnan(line["calls"]) and (math.isnan(low) or low <= calls <= high):
        return ""
    first, second = (
        line[f"{side}_start_s"] + (calls - 1) * line[f"{side}_s"] for side in ("first", "second")
    )
    return "first" if first < second else "second"


def by_digits(facts: Facts) -> list[Line]:
    """The fastest exact method against the fastest finite difference of any tool, row by row, and their digits."""
    table = facts.summary
    timed = table[
        table["time_s"].notna() & (table["operator"] != "value") & (table["dtype"] == "float64")
    ]
    timed = timed[timed["mode"] != "external"]
    timed = timed.assign(loose=timed["mode"] == "difference").sort_values("time_s", kind="stable")
    fastest = timed.drop_duplicates(["row", "loose"])
    best = {(line["row"], line["loose"]): line for line in fastest.to_dict("records")}
    rows = [
        row for row in dict.fromkeys(table["row"]) if (row, False) in best and (row, True) in best
    ]
    pairs = [(best[row, False], best[row, True]) for row in rows]
    ratios = [b["time_s"] / a["time_s"] for a, b in pairs]
    exact_digits, other_digits = ([_digits(p[i]["error_rel"]) for p in pairs] for i in (0, 1))
    if not rows:
        return []
    slower = sum(r > 1.0 for r in ratios)
    middle = float(np.exp(np.median(np.log(ratios))))
    return [{
        "rows": rows, "of": len(rows), "slower": slower, "median": times(max(middle, 1 / middle)),
        "word": "slower" if middle >= 1 else "faster",
        "exact": f"{np.median(exact_digits):.1f}", "other": f"{np.median(other_digits):.1f}",
    }]  # fmt: skip


def _digits(error: float) -> float:
    return 16.0 if not error > 1e-16 else -math.log10(error)
