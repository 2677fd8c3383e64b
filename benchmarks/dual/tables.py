"""Results as tables: to the terminal and, the same text, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from goals import AGAINST_JAX, GOALS, JAX, WINS, Goal, Times, judge, wins
from timing import best

__all__ = ["document", "table"]

OURS = ("py dual", "py tape", "py hessian", "Dual", "numpy dual")
PEERS = ("autograd", "num-dual", "fastdual", "hyperjet", "jacobi")


def document(
    cases: Mapping[str, Times],
    notes: Mapping[str, Mapping[str, float]],
    missing: Mapping[str, Mapping[str, str]],
    heads: Sequence[str],
) -> str:
    """Everything: goals, JAX, the peers beside them, all times, what was missing."""
    parts = ["# Duals against C, JAX and others", *(f"- {head}" for head in heads)]
    for title, lines in (
        ("Goals", _goals(cases, notes)),
        ("Against JAX's best gradient, called from Python", _against_jax(cases)),
        ("Other tools beside them (times; in brackets over ours from Python)", _peers(cases)),
        ("All times", _times(cases)),
        ("Not measured", _missing(missing)),
    ):
        if lines:
            parts += [f"\n## {title}\n", table(lines)]
    return "\n".join(parts) + "\n"


def table(lines: Sequence[Mapping[str, str]]) -> str:
    """A Markdown table, padded to be read as text."""
    heads = list(lines[0])
    rows = [heads, *([line.get(h, "") for h in heads] for line in lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    rows.insert(1, ["-" * w for w in widths])
    return "\n".join(
        f"| {' | '.join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))} |"
        for row in rows
    )


def _goals(
    cases: Mapping[str, Times], notes: Mapping[str, Mapping[str, float]]
) -> list[dict[str, str]]:
    return [_goal(g, cases[g.case], notes.get(g.case, {})) for g in GOALS if g.case in cases]


def _goal(goal: Goal, times: Times, notes: Mapping[str, float]) -> dict[str, str]:
    limit = "" if goal.limit is None else f"{goal.limit:g}"
    try:
        judged = judge(goal, times, notes)
    except (ValueError, KeyError) as error:
        return {"what": goal.what, "at most": limit, "seen": f"not measured: {error}"}
    return {
        "what": goal.what,
        "at most": limit,
        "seen": judged.seen.text(),
        "": judged.verdict,
        "ours": judged.above,
        "over": judged.below,
        "processes": str(judged.seen.processes),
    }


def _against_jax(cases: Mapping[str, Times]) -> list[dict[str, str]]:
    lines = []
    for which, wanted in WINS.items():
        found = wins(cases, which)
        for case, ours, theirs, seen in found:
            word = "win" if seen.value > 1.0 else "loss"
            lines.append({
                "case": case, "ours": ours, "JAX's best": theirs, "JAX / ours": seen.text(),
                "": word + ("?" if seen.low <= 1.0 <= seen.high else ""),
            })  # fmt: skip
        if found:
            won = sum(seen.value > 1.0 for *_, seen in found)
            verdict = "pass" if won >= wanted else "FAIL"
            if len(found) < len(AGAINST_JAX):
                verdict = f"{len(AGAINST_JAX) - len(found)} not measured"
            name = f"with{which}" if which else "without vector math"
            lines.append({
                "case": f"wins {name}", "ours": f"{won} of {len(found)}",
                "JAX's best": f"wanted {wanted}", "": verdict,
            })  # fmt: skip
    return lines


def _peers(cases: Mapping[str, Times]) -> list[dict[str, str]]:
    lines = []
    for case, times in cases.items():
        present = [name for name in (*JAX, *PEERS) if times.get(name)]
        mine = [name for name in times if name.startswith(OURS) and times[name]]
        if not present or not mine:
            continue
        ours, least = best(times, mine)
        line = {"case": case, "ours": f"{duration(_mean(least))} {ours}"}
        line["JAX's best"] = _beside(times, [n for n in JAX if times.get(n)], least)
        line["value_and_grad"] = _beside(times, ["jax value_and_grad"], least)
        for name in PEERS:
            line[name] = _beside(times, [name], least)
        lines.append(line)
    return lines


def _beside(times: Times, names: Sequence[str], ours: Sequence[float]) -> str:
    if not any(map(times.get, names)):
        return ""
    _, theirs = best(times, names)
    return f"{duration(_mean(theirs))} ({_mean(theirs) / _mean(ours):.3g})"


def _times(cases: Mapping[str, Times]) -> list[dict[str, str]]:
    return [
        {"case": case, "contender": name, "time": duration(_mean(seconds)),
         "least": duration(min(seconds)), "most": duration(max(seconds))}
        for case, times in cases.items()
        for name, seconds in times.items()
        if seconds
    ]  # fmt: skip


def _missing(missing: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    return [
        {"case": case, "contender": name, "why": why.replace("|", "/")}
        for case, reasons in missing.items()
        for name, why in reasons.items()
    ]


def _mean(seconds: Sequence[float]) -> float:
    return sum(seconds) / len(seconds)


def duration(seconds: float) -> str:
    """Three digits with a unit: ``12.3 us``."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1.0:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
