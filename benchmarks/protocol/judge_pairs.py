"""A/A, JAX against Numba, and the two designs of worker, from the files of ``trial.py``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import study
from decisions import of_itself, of_pair, strict, twin_ratios
from study import percent
from tables import STATES, Criterion, groups, share, show, spread
from trial import CELLS, METHODS, PAIR, PAIR_ROWS

from adbench.analysis.noise import noise_floor
from adbench.model import Comparison, Decision

__all__ = ["judge_designs", "judge_pair", "judge_selves", "pair_summary"]

FALSE = (Decision.FASTER, Decision.SLOWER)
REPEATS, TIES, SELF_SD, PAIR_SD, STATE_DIFFERENCE = 10, 0.90, 0.02, 0.03, 0.05


@dataclass(frozen=True)
class Seen:
    """A comparison of one repeat."""

    number: int
    loaded: bool
    comparison: Comparison

    @property
    def log(self) -> float:
        """Log of the ratio."""
        return math.log(self.comparison.ratio)


def selves(out: Path) -> list[Seen]:
    """Every self-comparison of every complete repeat."""
    return [
        Seen(f.number, f.loaded, c)
        for f in study.folders(out)
        for c in of_itself(study.read(f.path / "results.jsonl"))
    ]


def pairs(out: Path) -> list[Seen]:
    """The fixed pair on its rows, in every complete repeat."""
    return [
        Seen(f.number, f.loaded, c)
        for f in study.folders(out)
        for c in of_pair(study.read(f.path / "results.jsonl"), *PAIR, PAIR_ROWS)
    ]


def judge_selves(out: Path) -> list[Criterion]:
    """Tables and criteria of the A/A test."""
    seen, done = selves(out), study.folders(out)
    show("A/A: each method against itself", [_selves(n, _of(seen, n)) for n in STATES])
    for key, title in (("first", "method"), ("row", "row")):
        names = groups([getattr(s.comparison, key) for s in seen])
        lines = [
            _selves(name, [s for s in seen if getattr(s.comparison, key) == name], seen)
            for name in sorted(names)
        ]
        show(f"A/A by {title}", lines)
    _show_failures(seen, len(done))
    _show_floors(done)
    if not seen:
        return [Criterion("A/A", "a trial", "none", None)]
    n, false = len(seen), [s for s in seen if s.comparison.decision in FALSE]
    ties = sum(s.comparison.decision is Decision.TIE for s in seen)
    sd, loaded = spread([s.log for s in seen]), sum(f.loaded for f in done)
    cells = len({(s.comparison.row, s.comparison.first) for s in seen})
    wanted = len(CELLS) * len(METHODS)
    return [
        Criterion("A/A repeats, half under load", f"{REPEATS}", f"{len(done)}, {loaded} loaded",
                  len(done) >= REPEATS and 2 * loaded == len(done)),
        Criterion("A/A cases", f"{wanted}, each in all repeats", f"{cells}, {n} comparisons",
                  cells == wanted and n == wanted * len(done)),
        Criterion("A/A false faster or slower", "0", share(len(false), n), not false),
        Criterion("A/A ties", f"at least {TIES:.0%}", share(ties, n), ties >= TIES * n),
        Criterion("A/A sd of the ratio", f"at most {SELF_SD:.0%}", percent(sd, 2), sd <= SELF_SD),
    ]  # fmt: skip


def _of(seen: Sequence[Seen], state: str) -> list[Seen]:
    return [s for s in seen if s.loaded in STATES[state]]


def _selves(
    name: str, seen: Sequence[Seen], everything: Sequence[Seen] | None = None
) -> dict[str, object]:
    decisions = [s.comparison.decision for s in seen]
    line: dict[str, object] = {
        "": name,
        "n": len(seen),
        "false": sum(d in FALSE for d in decisions),
        "false, 5 % margin": sum(strict(s.comparison) in FALSE for s in seen),
        "ties": share(decisions.count(Decision.TIE), len(seen)),
        "undecided": decisions.count(Decision.UNDECIDED),
        "sd": percent(spread([s.log for s in seen]), 2),
    }
    if everything is not None:
        for state in ("quiet", "loaded"):
            line[f"sd {state}"] = percent(spread([s.log for s in _of(seen, state)]), 2)
    worst = max((abs(math.expm1(s.log)) for s in seen), default=math.nan)
    processes = [s.comparison.processes for s in seen]
    mean = f"{np.mean(processes):.1f}" if processes else ""
    return line | {"worst": percent(worst), "processes": mean}


def _show_failures(seen: Sequence[Seen], repeats: int) -> None:
    """What has no self-comparison in some repeat, and every false decision."""
    counts: dict[tuple[str, str], int] = {}
    for s in seen:
        key = (s.comparison.row, s.comparison.first)
        counts[key] = counts.get(key, 0) + 1
    lacking = [(k, n) for k, n in counts.items() if n < repeats]
    lines = [{"row": r, "method": m, "compared in": share(n, repeats)} for (r, m), n in lacking]
    show("A/A not compared in every repeat", lines)
    show("A/A false decisions", [
        {"repeat": s.number, "state": "loaded" if s.loaded else "quiet", "row": s.comparison.row,
         "method": s.comparison.first, **_interval(s.comparison)}
        for s in seen if s.comparison.decision in FALSE
    ])  # fmt: skip


def _interval(c: Comparison) -> dict[str, str]:
    low, high = (math.nan if v is None else v for v in (c.low, c.high))
    return {
        "ratio": f"{c.ratio:.3f}", "interval": f"{low:.3f} to {high:.3f}",
        "decision": c.decision.value, "processes": str(c.processes),
    }  # fmt: skip


def _show_floors(done: Sequence[study.Folder]) -> None:
    lines = []
    for f in done:
        frame = study.read(f.path / "results.jsonl")
        singles = [d for group in twin_ratios(frame).values() for d in group]
        floor = noise_floor(frame)
        lines.append({
            "repeat": f.path.name, "noise floor": percent(math.nan if floor is None else floor),
            "sd of single processes": percent(spread(singles), 2),
            "wall": f"{f.done['wall_s']:.0f} s",
            "load after": f"{f.done['load_after']:.1f}", "open after each look": f.done["open"],
        })  # fmt: skip
    show("A/A: the repeats", lines)


def pair_summary(
    name: str, row: str, logs: Sequence[tuple[bool, float]], decisions: Sequence[str]
) -> dict[str, object]:
    """One line of the table of protocols: (loaded, log ratio) and decision of each repeat."""
    by = {n: [v for loaded, v in logs if loaded in states] for n, states in STATES.items()}
    means = {n: float(np.mean(v)) if v else math.nan for n, v in by.items()}
    words = groups([d for d in decisions if d not in (Decision.UNDECIDED.value, "")])
    values = by["all"]
    return {
        "protocol": name,
        "row": row.partition("/")[0],
        "n": len(values),
        "quiet": f"{math.exp(means['quiet']):.3g}",
        "loaded": f"{math.exp(means['loaded']):.3g}",
        "loaded/quiet - 1": percent(math.expm1(means["loaded"] - means["quiet"])),
        "sd": percent(spread(values)),
        "sd quiet": percent(spread(by["quiet"])),
        "sd loaded": percent(spread(by["loaded"])),
        "largest/smallest": f"{math.exp(max(values) - min(values)):.2f}" if values else "",
        "decisions": ", ".join(f"{w} {list(decisions).count(w)}" for w in groups(decisions)),
        "contradictory": "yes" if len(words) > 1 else "no",
    }


def judge_pair(out: Path) -> list[Criterion]:
    """Repeatability of JAX against Numba."""
    seen = pairs(out)
    found, lines = [], []
    for row in PAIR_ROWS:
        here = [s for s in seen if s.comparison.row == row]
        logs = [(s.loaded, s.log) for s in here]
        words = [s.comparison.decision.value for s in here]
        lines.append(pair_summary("adbench", row, logs, words))
        found += _repeatable(row.partition("/")[0], logs, words)
    show(f"{PAIR[0]} / {PAIR[1]}", lines)
    show("Its repeats", [
        {"repeat": s.number, "state": "loaded" if s.loaded else "quiet", "row": s.comparison.row,
         **_interval(s.comparison)}
        for s in seen
    ])  # fmt: skip
    return found


def _repeatable(
    name: str, logs: Sequence[tuple[bool, float]], words: Sequence[str]
) -> list[Criterion]:
    if len({loaded for loaded, _ in logs}) < 2 or len(logs) < 3:
        return [Criterion(f"{name} JAX/Numba", f"{REPEATS} repeats", f"{len(logs)}", None)]
    sd = spread([v for _, v in logs])
    quiet, loaded = (np.mean([v for state, v in logs if state is s]) for s in (False, True))
    apart = abs(math.expm1(float(loaded - quiet)))
    told = groups([w for w in words if w != Decision.UNDECIDED.value])
    return [
        Criterion(f"{name} JAX/Numba repeats", f"{REPEATS}", f"{len(logs)}", len(logs) >= REPEATS),
        Criterion(f"{name} JAX/Numba sd of log ratio", f"at most {PAIR_SD:.0%}", percent(sd),
                  sd <= PAIR_SD),
        Criterion(f"{name} JAX/Numba loaded against quiet", f"within {STATE_DIFFERENCE:.0%}",
                  percent(apart), apart <= STATE_DIFFERENCE),
        Criterion(f"{name} JAX/Numba decisions", "no two that contradict", ", ".join(told) or "none",
                  len(told) <= 1),
    ]  # fmt: skip


def judge_designs(method: Path, row: Path) -> None:
    """A/A spread of the contenders, a worker per method against a worker per row."""
    lines = []
    for name, out in (("worker per method", method), ("worker per row", row)):
        singles = [
            (f.loaded, m, float(d))
            for f in study.folders(out)
            for (_, m), group in twin_ratios(study.read(f.path / "results.jsonl")).items()
            for d in group
        ]
        means = [(s.loaded, s.comparison.first, s.log) for s in selves(out)]
        for m in ("jax-reverse", "numba-dual", "numba-central"):
            line: dict[str, object] = {"design": name, "method": m}
            for state in ("quiet", "loaded"):
                inside = STATES[state]
                process = [d for loaded, which, d in singles if which == m and loaded in inside]
                ratio = [d for loaded, which, d in means if which == m and loaded in inside]
                line[f"{state}: processes"] = len(process)
                line[f"{state}: sd, one process"] = percent(spread(process), 2)
                line[f"{state}: sd of the ratio"] = percent(spread(ratio), 2)
            lines.append(line)
    show("Designs of worker: A/A spread", lines)
