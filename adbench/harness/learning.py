"""What earlier result files of a machine say of the costs of cases, for forecasts.

Knows result and conditions lines as the store gives them; nothing of rows, presets or clocks.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from adbench.harness import costs, stopwatch
from adbench.model import Operator

__all__ = ["AROUND_BLOCK_S", "AROUND_CASE_S", "PROOFS", "Learnt", "Seen", "learn"]

# What goes with a block: fresh inputs, the decoded output, a message there and one back.
AROUND_BLOCK_S = 0.7e-3
# Garbage, memory, round trips, the judge.
AROUND_CASE_S = 0.2
PROOFS = 2
WARM_S = 0.05
# A run whose visits took this much longer or shorter than predicted was no ordinary one.
SCALES = (0.7, 2.0)


@dataclass(frozen=True)
class Seen:
    """Seconds that a case took once (prepare, compile, first call) and for each steady call."""

    once_s: float
    call_s: float


@dataclass(frozen=True)
class Learnt:
    """What earlier runs on this machine cost; empty where there were none.

    Parameters
    ----------
    cases : mapping
        Case id -> its cost; infinite for a case that did not end within its limit.
    imports : mapping
        Method name -> seconds of its tool's import.
    judged : collection of str
        Rows whose certified reference has been computed, and is at hand.
    scale : float
        Measured seconds of the rows' visits over those that were predicted for them.
    busy : float
        Share of all cores that other processes used meanwhile.
    """

    cases: Mapping[str, Seen] = field(default_factory=dict)
    imports: Mapping[str, float] = field(default_factory=dict)
    judged: Collection[str] = ()
    scale: float = 1.0
    busy: float = 0.0


def learn(lines: Iterable[Mapping[str, Any]]) -> Learnt:
    """What the result and conditions lines of earlier runs on this machine say of costs.

    Lines of failed cases cost nothing, but for those that did not end within their limit.
    """
    once: dict[str, list[float]] = defaultdict(list)
    call: dict[str, float] = {}
    imports: dict[str, float] = {}
    known = list(lines)
    for line in known:
        phases = _phases(line)
        if "import" in phases:
            imports[str(line["method"])] = float(phases["import"]["wall_s"][0])
        if "steady" in phases:
            name = str(line["id"])
            once[name].append(_once_s(phases))
            call[name] = min(call.get(name, math.inf), *phases["steady"]["wall_s"])
        elif line.get("outcome") == "timed out":
            once[str(line["id"])].append(math.inf)
    # the first call varies with the load: what a process costs on average counts
    cases = {name: Seen(fmean(s), call.get(name, math.inf)) for name, s in once.items()}
    visits = [line for line in known if line.get("kind") == "conditions"]
    judged = {str(line["row"]) for line in visits}
    return Learnt(cases, imports, judged, _scale(known, visits), _busy(visits))


def _phases(line: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {m["phase"]: m for m in line.get("measurements", ())}


def _once_s(phases: Mapping[str, Mapping[str, Any]]) -> float:
    singles = (phases[p] for p in ("prepare", "compile", "first") if p in phases)
    return sum(float(m["wall_s"][0]) for m in singles)


def _scale(lines: Iterable[Mapping[str, Any]], visits: Iterable[Mapping[str, Any]]) -> float:
    """Seconds that the visits took over those that their cases and blocks account for."""
    measured_s = predicted_s = 0.0
    for visit in visits:
        spent = visit.get("spent", {})
        measured_s += visit["wall_s"] - spent.get("start", 0.0) - spent.get("judge", 0.0)
        predicted_s += _blocks_s(visit["kernel"])
    for line in lines:
        phases = _phases(line)
        if "steady" in phases:
            predicted_s += _once_s(phases) + AROUND_CASE_S + PROOFS * stopwatch.PROOF_S + WARM_S
            predicted_s += _blocks_s(phases["steady"])
        if "value" in phases:  # what f itself cost once has no line of its own
            predicted_s += (
                costs.once_s(str(line["method"]), str(line["tool"]), Operator.VALUE) + WARM_S
            )
            predicted_s += _blocks_s(phases["value"])
    low, high = SCALES
    return min(max(measured_s / predicted_s, low), high) if measured_s and predicted_s else 1.0


def _busy(visits: Iterable[Mapping[str, Any]]) -> float:
    """Share of all cores that other processes used, mean over the visits' time."""
    known = [(v["wall_s"], v["busy"]) for v in visits if v.get("busy") is not None]
    total_s = sum(wall_s for wall_s, _ in known)
    return float(sum(wall_s * busy for wall_s, busy in known) / total_s) if total_s else 0.0


def _blocks_s(measurement: Mapping[str, Any]) -> float:
    """Seconds that the blocks of a measurement took, with what goes with them."""
    pairs = zip(measurement["wall_s"], measurement["loops"], strict=True)
    return float(sum(wall_s * loops + AROUND_BLOCK_S for wall_s, loops in pairs))
