"""The page's tables as frames, numbers unrounded: comparisons, methods, start-up, crossovers, failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from adbench.analysis import Duel, failures
from adbench.report.facts import Facts, Run, gather

__all__ = ["frames"]

PAIRED = ("row", "problem", "size", "size_n", "operator", "first", "second")
ENDED = ("withdrawn", "held_out", "exact", "first_why", "second_why")
ANSWER = (
    "sentence", "rows", "first_wins", "second_wins", "ties", "undecided", "withdrawn", "first_only",
    "second_only", "ratio", "low", "high", "level", "problems", "floor", "margin",
)  # fmt: skip
TURNED = ("problem", "operator", "size", "low", "high", "level", "below", "above")


def frames(runs: Sequence[Run], versus: str = "") -> Mapping[str, pd.DataFrame]:
    """One frame a table, by name: ``answers``, ``comparisons``, ``crossovers``, ``starts``, ``methods``, ``failures``.

    Times in seconds, ratios as the first side's time divided by the second's; `set` names the part of
    the page, `forms` the view (``best`` or ``shared``). Tables without a line are left out.

    Raises
    ------
    ReportError, ValueError
        As `page.write`.
    """
    parts = gather(runs, versus).parts
    makers: Mapping[str, Callable[[Facts], pd.DataFrame]] = {
        "answers": _answers,
        "comparisons": _comparisons,
        "crossovers": _crossovers,
        "starts": lambda facts: facts.starts,
        "methods": lambda facts: facts.summary,
        "failures": lambda facts: failures(facts.frame),
    }
    found = {}
    for name, make in makers.items():
        own = [_labelled(make(part), part) for part in parts]
        known = [frame for frame in own if len(frame)]
        if known:
            found[name] = pd.concat(known, ignore_index=True)
    return found


def _labelled(frame: pd.DataFrame, part: Facts) -> pd.DataFrame:
    names = part.pair.names
    about = {"set": part.label, "first_side": names["first"], "second_side": names["second"]}
    plain = frame.drop(columns=[c for c in about if c in frame])
    for place, (key, value) in enumerate(about.items()):
        plain.insert(place, key, value)
    return plain


def _views(facts: Facts) -> tuple[tuple[str, Facts], ...]:
    return ("best", facts), ("shared", facts.shared)


def _answers(facts: Facts) -> pd.DataFrame:
    lines = [
        {"forms": name, **{k: getattr(view.verdict, k) for k in ANSWER}}
        for name, view in _views(facts)
    ]
    return pd.DataFrame.from_records(lines)


def _comparisons(facts: Facts) -> pd.DataFrame:
    lines = [_duel(name, duel) for name, view in _views(facts) for duel in view.duels]
    return pd.DataFrame.from_records(lines)


def _duel(forms: str, duel: Duel) -> dict[str, Any]:
    c = duel.comparison
    numbers = ("ratio", "low", "high", "level", "processes")
    return {
        "forms": forms,
        **{key: getattr(duel, key) for key in PAIRED},
        **{key: getattr(c, key) if c else None for key in numbers},
        "decision": c.decision.value if c else None,
        **{key: getattr(duel, key) for key in ENDED},
    }


def _crossovers(facts: Facts) -> pd.DataFrame:
    lines = [{key: getattr(c, key) for key in TURNED} for c in facts.crossovers]
    return pd.DataFrame.from_records(lines)
