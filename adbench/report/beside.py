"""Several result sets at the top of a page: their answers in one table, and what changed between dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adbench.analysis.apart import changed
from adbench.analysis.change import Change
from adbench.analysis.wording import coverage, percent, span, times
from adbench.report.facts import Book, Facts

__all__ = ["answers", "changes_list"]

# A longer list is for `adbench compare`; what is left out is counted.
MOST = 40
SHOWN = 12


def answers(book: Book) -> list[dict[str, str]]:
    """One line a part: its factor and interval, its counts, its margin."""
    return [_answer(part) for part in book.parts]


def _answer(part: Facts) -> dict[str, str]:
    v = part.verdict
    ratio, interval = "–", ""
    if v.ratio is not None:
        by_first = v.ratio < 1
        ratio = f"{part.pair.names['first' if by_first else 'second']} {times(max(v.ratio, 1 / v.ratio))}"
    if v.ratio is not None and v.low and v.high and v.level:
        ends = (1 / v.high, 1 / v.low) if v.ratio < 1 else (v.low, v.high)
        interval = f"{span(*ends)} ({coverage(v.level)})"
    return {
        "mark": part.mark,
        "label": part.label,
        "ratio": ratio,
        "interval": interval or "no interval",
        "first": str(v.first_wins),
        "second": str(v.second_wins),
        "ties": str(v.ties),
        "undecided": str(v.undecided),
        "margin": "not measured" if v.margin is None else percent(v.margin),
    }


def changes_list(book: Book) -> list[dict[str, Any]]:
    """Between neighbouring dates of one machine, threads and device: what `adbench compare` says."""
    found: list[dict[str, Any]] = []
    for old, new in book.neighbours:
        names = old.label, new.label
        if len(old.runs) > 1 or len(new.runs) > 1:
            told: Any = "several runs each; merge them first (adbench merge), then: adbench compare"
        else:
            told = changed(old.runs[0], new.runs[0], names)
        if isinstance(told, str):
            found.append({"old": names[0], "new": names[1], "why_not": told})
            continue
        lines = [_line(case) for case in told.cases if case.changed]
        found.append(
            {
                "old": names[0],
                "new": names[1],
                "why_not": "",
                "sentence": told.sentence,
                "notes": told.notes,
                "differences": _differences(told.differences),
                "lines": lines[:MOST],
                "more": max(0, len(lines) - MOST),
            }
        )
    return found


def _differences(found: Mapping[str, tuple[str | None, str | None]]) -> str:
    told = [f"{k} {a or 'none'} → {b or 'none'}" for k, (a, b) in sorted(found.items())]
    more = [f"{len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return " · ".join([*_short(told[:SHOWN]), *more])


def _short(told: Sequence[str]) -> list[str]:
    """Hashes as their first digits would hide nothing here: the full ones stand in the headers."""
    return [" ".join(w[:9] if len(w) >= 16 and w.isalnum() else w for w in t.split()) for t in told]


def _line(case: Change) -> dict[str, Any]:
    interval = "no interval"
    if case.low is not None and case.high is not None:
        interval = f"{case.low:.3f} to {case.high:.3f}"
    return {
        "case": case.case,
        "verdict": case.verdict,
        "ratio": "–" if case.ratio is None else f"{case.ratio:.3f}",
        "ratio_n": "" if case.ratio is None else case.ratio,
        "interval": interval,
        "processes": f"{case.old_processes} + {case.new_processes}",
        "why": case.why,
    }
