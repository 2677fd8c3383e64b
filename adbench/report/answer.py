"""The top of the page: where the figures come from, and the few numbers worth remembering."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adbench.analysis import Duel, Verdict, starts
from adbench.analysis.verdict import overall
from adbench.analysis.wording import NAMES, count, percent, seconds, span, times, ulps
from adbench.report.facts import Facts

__all__ = ["cards", "provenance"]

Card = dict[str, str]


def provenance(facts: Facts) -> list[tuple[str, str]]:
    """Name and text of each thing that the figures depend on."""
    head = facts.headers[0]
    machine, versions = head.get("machine") or {}, dict(head.get("versions") or {})
    tried = {str(tool) for tool in facts.frame["tool"]}
    shown = [t for t in ("adbench", "jax", "jaxlib", "numba") if t in versions]
    shown += sorted(t for t in versions if t in tried | {"numpy"} and t not in shown)
    threads = (head.get("threads") or {}).get("requested")
    known = [
        ("machine", _joined(machine.get("cpu"), _plural(machine.get("cores"), "core"))),
        ("system", _joined(machine.get("os"), _prefixed("Python ", machine.get("python")))),
        ("versions", _joined(*(f"{tool} {versions[tool]}" for tool in shown))),
        ("threads", _plural(threads, "thread") + (", one pinned core" if threads == 1 else "")),
        ("run", _joined(*dict.fromkeys(map(_run, facts.headers)))),
        ("times", _times(facts)),
        ("noise", _noise(facts)),
    ]
    return [(name, text) for name, text in known if text]


def _run(header: Mapping[str, Any]) -> str:
    commit = str(header.get("commit") or "")[:9]
    changed = " with local changes" if header.get("dirty") else ""
    return ", ".join(
        part
        for part in (
            _prefixed("preset ", header.get("preset")),
            _date(header.get("started")),
            f"commit {commit}{changed}" if commit else "",
        )
        if part
    )


def _date(text: Any) -> str:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return ""
    # a time without a zone is read as UTC, not as the zone of whoever makes the page
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return known.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _times(facts: Facts) -> str:
    if not facts.clock:
        return ""
    return f"a call: {facts.block}; to the first answer: wall clock, as you wait for it"


def _noise(facts: Facts) -> str:
    floor, margin = facts.verdict.floor, facts.margin
    if floor is None or margin is None:
        return "not measured: no method ran against itself, so nothing is decided on this page"
    warning = ", which is much: close other programs and run again" if floor > 0.10 else ""
    return (
        f"differences below {percent(margin)} are not resolved on this machine "
        f"(measured noise floor {percent(floor)}{warning})"
    )


def _joined(*parts: str | None) -> str:
    return " · ".join(str(p) for p in parts if p)


def _prefixed(prefix: str, value: Any) -> str:
    return f"{prefix}{value}" if value else ""


def _plural(n: Any, noun: str) -> str:
    return "" if n is None else f"{n} {noun}{'' if n == 1 else 's'}"


def cards(facts: Facts) -> list[Card]:
    """A few numbers: head, what it is, what it rests on, and whose colour it wears."""
    rows = [d for d in facts.duels if d.derivative and d.comparison]
    if not rows:
        return []
    found = [_overall(facts), *_by_size(rows), _crossover(facts), _start(facts, rows)]
    found.append(_error(facts, rows))
    return [card for card in found if card]


def _faster(ratio: float) -> tuple[str, str]:
    side = "numba" if ratio >= 1 else "jax"
    return side, f"{NAMES[side]} {times(max(ratio, 1 / ratio))}"


def _overall(facts: Facts) -> Card | None:
    v = facts.verdict
    if v.ratio is None:
        return None
    side, head = _faster(v.ratio)
    bounds = (v.low, v.high) if side == "numba" else _inverse(v.low, v.high)
    decided = 2 * max(v.first_wins, v.second_wins) > v.rows
    single = all(d.comparison.low is None for d in facts.duels if d.comparison)
    text = f"95 % interval {v.basis}: {span(*bounds)}" if v.low else _no_interval(v)
    text = "one process each" if single else text
    mean = "; geometric mean" if v.rows > 1 else ""
    return {
        "head": head,
        "what": "faster overall" if decided else "faster overall, not established",
        "why": text + mean,
        "side": side if decided else "",
    }


def _no_interval(v: Verdict) -> str:
    return "too few problems for an interval" if v.rows > 1 else "no interval"


def _inverse(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    return (1 / high, 1 / low) if low and high else (None, None)


def _by_size(rows: Sequence[Duel]) -> list[Card]:
    """The smallest and the largest sizes apart, for problems that were run at several."""
    sizes: dict[tuple[str, str], list[Duel]] = {}
    for duel in sorted(rows, key=lambda d: d.size_n):
        sizes.setdefault((duel.problem, duel.operator), []).append(duel)
    several = [group for group in sizes.values() if len(group) > 1]
    ends = (
        ("at the smallest sizes", [group[0] for group in several]),
        ("at the largest sizes", [group[-1] for group in several]),
    )
    return [_end(what, group) for what, group in ends if any(d.winner for d in group)]


def _end(what: str, group: Sequence[Duel]) -> Card:
    ratio, _, _ = overall(group)
    assert ratio is not None
    side, head = _faster(ratio)
    jax, numba = (sum(d.winner == s for d in group) for s in ("first", "second"))
    sizes = sorted({d.size_n for d in group})
    among = count(sizes[0]) if len(sizes) == 1 else f"{count(sizes[0])} to {count(sizes[-1])}"
    if jax and numba:
        # a mean over winners of both kinds is nobody's experience: counts come first
        more, n = ("JAX", jax) if jax > numba else ("Numba", numba)
        return {
            "head": f"{more} in {n} of {len(group)}" if jax != numba else f"{jax} to {numba}",
            "what": f"faster {what}",
            "why": f"sizes {among}; {head} faster in the mean",
            "side": more.lower() if jax != numba else "",
        }
    why = f"sizes {among}: Numba wins {numba}, JAX {jax} of {len(group)}"
    return {"head": head, "what": f"faster {what}", "why": why, "side": side}


def _crossover(facts: Facts) -> Card | None:
    if not facts.crossovers:
        return None
    sizes = sorted(c.size for c in facts.crossovers)
    middle = sizes[len(sizes) // 2]
    later = {c.above for c in facts.crossovers}
    side = {"first": "JAX", "second": "Numba"}[later.pop()] if len(later) == 1 else "the other"
    n = len(sizes)
    return {
        "head": f"size ≈ {count(float(f'{middle:.1e}'))}",
        "what": f"where {side} takes over",
        "why": f"median of {n} crossover{'s' if n > 1 else ''}, interpolated",
        "side": "",
    }


def _start(facts: Facts, rows: Sequence[Duel]) -> Card | None:
    table = starts(facts.frame, tuple(rows))
    a, b = (float(table[key].median()) for key in ("first_start_s", "second_start_s"))
    if math.isnan(a) or math.isnan(b):
        return None
    return {
        "head": f"{seconds(a)} / {seconds(b)}",
        "what": "to the first answer, JAX / Numba",
        "why": "preparing, compiling and first call, median; import apart",
        "side": "",
    }


def _error(facts: Facts, rows: Sequence[Duel]) -> Card | None:
    chosen = {(d.row, m) for d in rows for m in (d.first, d.second)}
    here = facts.summary[[key in chosen for key in _keys(facts)]]
    worst = here.groupby("tool")[["error_ulp", "worst_ulp"]].max()
    if not {"jax", "numba"} <= set(worst.index) or worst["error_ulp"].isna().any():
        return None
    norm, element = (
        " / ".join(ulps(float(worst[key][tool])) or "?" for tool in ("jax", "numba"))
        for key in ("error_ulp", "worst_ulp")
    )
    return {
        "head": f"{norm} ulp",
        "what": "largest error by norm, JAX / Numba",
        "why": f"worst element {element} ulp; of the methods compared",
        "side": "",
    }


def _keys(facts: Facts) -> list[tuple[str, str]]:
    return list(zip(facts.summary["row"], facts.summary["method"], strict=True))
