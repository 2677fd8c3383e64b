"""Threads asked for and cores used, method by method, in words and as lines of a table."""

from __future__ import annotations

import math
from typing import Any

from adbench.report.facts import Facts

__all__ = ["short", "table"]


def table(facts: Facts) -> list[dict[str, Any]]:
    """One line a method whose CPU time was read: asked, used (median and most), pool, what is too many.

    Empty where the run does not tell how many threads it asked for.
    """
    if facts.place.threads is None:
        return []
    known = facts.frame[facts.frame["cores_used"].notna()]
    lines = []
    for method, group in known.groupby("method"):
        pool = float(group["pool_threads"].max())
        lines.append(
            {
                "method": str(method),
                "asked": facts.place.threads,
                "median": float(group["cores_used"].median()),
                "most": float(group["cores_used"].max()),
                "pool": "" if math.isnan(pool) else f"{pool:.0f}",
                "excess": _worst(group),
            }
        )
    return lines


def _worst(group: Any) -> str:
    """The sentence of the case that used most, of those that used too many."""
    over = group[group["excess"] != ""].sort_values("cores_used")
    return "" if over.empty else str(over["excess"].iloc[-1])


def short(facts: Facts) -> str:
    """In one line: from the least to the most that a method used, and who used too many."""
    lines = table(facts)
    if not lines:
        return ""
    over = [line["excess"] for line in lines if line["excess"]]
    if over:
        more = f", and {len(over) - 1} more methods" if over[1:] else ""
        return f"more than asked: {over[0]}{more}"
    least, most = (f"{end(x['most'] for x in lines):.2f}" for end in (min, max))
    span = least if least == most else f"{least} to {most}"
    asked = "" if facts.place.threads == "default" else ": none more than asked"
    return f"{span}, CPU seconds a wall second{asked}"
