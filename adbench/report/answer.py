"""The cards at the top of the page: the few numbers worth remembering."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from adbench.analysis import Duel, Pair, Verdict
from adbench.analysis.compare import LEVEL
from adbench.analysis.means import MANY_PROBLEMS, median_of, overall
from adbench.analysis.wording import count, coverage, seconds, span, times, ulps
from adbench.report.facts import Facts
from adbench.report.words import ends, rounded

__all__ = ["cards"]

Card = dict[str, str]


def cards(facts: Facts) -> list[Card]:
    """A few numbers: head, what it is, what it rests on, and whose colour it wears."""
    rows = [d for d in facts.duels if d.derivative and d.comparison]
    if not rows:
        return []
    found = [_overall(facts), *_by_size(rows, facts.pair), _crossover(facts), _start(facts, rows)]
    found.append(_error(facts, rows))
    return [card for card in found if card]


def _faster(ratio: float, pair: Pair) -> tuple[str, str]:
    side = "second" if ratio >= 1 else "first"
    return side, f"{getattr(pair, side).name} {times(max(ratio, 1 / ratio))}"


def _overall(facts: Facts) -> Card | None:
    v = facts.verdict
    if v.ratio is None:
        return None
    side, head = _faster(v.ratio, facts.pair)
    bounds = (v.low, v.high) if side == "second" else _inverse(v.low, v.high)
    # a mean whose interval holds 1 says nothing where either tool wins somewhere
    torn = v.low and v.high and v.low < 1 < v.high and v.first_wins and v.second_wins
    decided = 2 * max(v.first_wins, v.second_wins) > v.rows and not torn
    single = all(d.comparison.low is None for d in facts.duels if d.comparison)
    text = f"{_interval_name(v)}: {span(*bounds)}" if v.low else _no_interval(v)
    text = "one process each" if single else text
    mean = "; geometric mean" if v.rows > 1 else ""
    return {
        "head": head,
        "what": "faster overall" if decided else "faster overall, not established",
        "why": text + mean,
        "side": side if decided else "",
    }


def _interval_name(v: Verdict) -> str:
    made = "bootstrap" if v.rows > 1 and v.problems >= MANY_PROBLEMS else "Student's t"
    return f"{coverage(v.level or 0.0)} interval {v.basis} ({made})"


def _no_interval(v: Verdict) -> str:
    return "too few problems for an interval" if v.rows > 1 else "no interval"


def _inverse(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    return (1 / high, 1 / low) if low and high else (None, None)


def _by_size(rows: Sequence[Duel], pair: Pair) -> list[Card]:
    """The smallest and the largest sizes apart, for problems that were run at several."""
    sizes: dict[tuple[str, str], list[Duel]] = {}
    for duel in sorted(rows, key=lambda d: d.size_n):
        sizes.setdefault((duel.problem, duel.operator), []).append(duel)
    several = [group for group in sizes.values() if len(group) > 1]
    ends = (
        ("at the smallest sizes", [group[0] for group in several]),
        ("at the largest sizes", [group[-1] for group in several]),
    )
    return [_end(what, group, pair) for what, group in ends if any(d.winner for d in group)]


def _end(what: str, group: Sequence[Duel], pair: Pair) -> Card:
    ratio, _, _ = overall(group)
    assert ratio is not None
    side, head = _faster(ratio, pair)
    a, b = (sum(d.winner == s for d in group) for s in ("first", "second"))
    sizes = sorted({d.size_n for d in group})
    among = count(sizes[0]) if len(sizes) == 1 else f"{count(sizes[0])} to {count(sizes[-1])}"
    if a and b:
        # a mean over winners of both kinds is nobody's experience: counts come first
        more, n = ("first", a) if a > b else ("second", b)
        return {
            "head": f"{getattr(pair, more).name} in {n} of {len(group)}"
            if a != b
            else f"{a} to {b}",
            "what": f"faster {what}",
            "why": f"sizes {among}; {head} faster in the mean",
            "side": more if a != b else "",
        }
    why = f"sizes {among}: {pair.second.name} wins {b}, {pair.first.name} {a} of {len(group)}"
    return {"head": head, "what": f"faster {what}", "why": why, "side": side}


def _crossover(facts: Facts) -> Card | None:
    if not facts.crossovers:
        return None
    found = facts.crossovers
    later = {c.above for c in found}
    side = facts.pair.names[later.pop()] if len(later) == 1 else "the other"
    middle, low, high, level = median_of([c.size for c in found])
    if len(found) == 1:
        (one,) = found
        case = f"{one.problem}, {one.operator.replace('_', ' ')}"
        why = f"{case}; {coverage(one.level)} interval {ends(one)}"
    elif level:
        why = f"median of {len(found)}; {coverage(level)} interval {rounded(low, 2)} to {rounded(high, 2)}"
    else:
        why = f"median of {len(found)}, from {rounded(low, 2)} to {rounded(high, 2)}; too few for an interval"
    return {
        "head": f"size ≈ {rounded(middle, 2)}",
        "what": f"where {side} takes over",
        "why": why,
        "side": "",
    }


def _start(facts: Facts, rows: Sequence[Duel]) -> Card | None:
    known = facts.starts
    table = known[known["row"].isin([d.row for d in rows])] if len(known) else known
    if table.empty:
        return None
    a, b = (float(table[key].median()) for key in ("first_start_s", "second_start_s"))
    if math.isnan(a) or math.isnan(b):
        return None
    return {
        "head": f"{seconds(a)} / {seconds(b)}",
        "what": f"to the first answer, {' / '.join(facts.pair.names.values())}",
        "why": f"preparing, compiling, first call; {_repaid(table)}",
        "side": "",
    }


def _repaid(table: pd.DataFrame) -> str:
    """After how many calls the dearer start is repaid, in the median of the rows where it is."""
    known = sorted(table["calls"].dropna())
    if not known:
        return "the slower start is repaid on no row"
    if len(table) == 1:
        low, high = (float(table[key].iloc[0]) for key in ("calls_low", "calls_high"))
        told = "" if math.isnan(low) else f" ({coverage(LEVEL)} interval {_reach(low, high)})"
        return f"the slower start is repaid after {rounded(known[0])} calls{told}"
    middle, low, high, level = median_of(known)
    told = f"{coverage(level)} interval " if level else ""
    return (
        f"the slower start is repaid on {len(known)} of {len(table)} rows, after {rounded(middle, 2)} calls "
        f"in the median ({told}{_reach(low, high)})"
    )


def _reach(low: float, high: float) -> str:
    far = f"to {rounded(high, 2)}" if math.isfinite(high) else "without an upper end"
    return f"{rounded(low, 2)} {far}"


def _error(facts: Facts, rows: Sequence[Duel]) -> Card | None:
    sides = [{(d.row, m) for d in rows if (m := getattr(d, s))} for s in ("first", "second")]
    worst = [
        facts.summary[[key in chosen for key in _keys(facts)]][["error_ulp", "worst_ulp"]].max()
        for chosen in sides
    ]
    if any(w.isna()["error_ulp"] for w in worst):
        return None
    norm, element = (
        " / ".join(ulps(float(w[key])) or "?" for w in worst) for key in ("error_ulp", "worst_ulp")
    )
    return {
        "head": f"{norm} ulp",
        "what": f"largest error by norm, {facts.pair.first.name} / {facts.pair.second.name}",
        "why": f"worst element {element} ulp; of the methods compared",
        "side": "",
    }


def _keys(facts: Facts) -> list[tuple[str, str]]:
    return list(zip(facts.summary["row"], facts.summary["method"], strict=True))
