"""What changed between two runs of the same cases: times, accuracy, outcomes, and whether it is worse.

A run of today and one of last month are two independent sets of processes. The frozen reference
kernel, measured beside every row, tells how much faster or slower the machine itself was: where both
runs have it, times are compared in its units.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from adbench.analysis.change import Change
from adbench.analysis.compare import TIE_MARGIN, margin, pooled
from adbench.analysis.sides import Key, Samples, Side, differences, sides
from adbench.analysis.welch import Ratio, ratio
from adbench.analysis.wording import percent
from adbench.harness.store import Run
from adbench.model import Decision, Floats

__all__ = ["Changes", "adjusted", "change_of", "changes", "ordered"]

# Share of false alarms among the alarms of one comparison.
FALSE_DISCOVERIES = 0.05


@dataclass(frozen=True)
class Changes:
    """All cases of two runs.

    Parameters
    ----------
    cases : tuple of Change
        What is in both, regressions first.
    only_old, only_new : tuple of str
        Ids of cases that one run alone has.
    margin : float or None
        Relative difference below which nothing is called a change, the largest of 5 % and the noise
        floors of both runs; None when a run has measured none: there is no verdict about times then.
    kernel : float or None
        NEW's time of the reference kernel divided by OLD's: what the machine itself changed by, which
        is removed. None where the kernel does not serve, and nothing is removed.
    differences : mapping
        What differs of versions, code and preset: name -> (old, new).
    notes : tuple of str
        What a reader must know to trust it.
    """

    cases: tuple[Change, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    margin: float | None
    kernel: float | None
    differences: dict[str, tuple[str | None, str | None]]
    notes: tuple[str, ...]

    @property
    def regressions(self) -> tuple[Change, ...]:
        """The cases that got worse."""
        return tuple(case for case in self.cases if case.worse)

    @property
    def sentence(self) -> str:
        """The whole in one line."""
        count = {w: sum(c.verdict == w for c in self.cases) for w in ("better", "tie")}
        worse = len(self.regressions)
        rest = len(self.cases) - worse - sum(count.values())
        beyond = "" if self.margin is None else f" (margin {percent(self.margin)})"
        return (
            f"cases in both runs: {len(self.cases)}; {worse} worse{beyond}, {count['better']} better, "
            f"{count['tie']} the same, {rest} undecided or without times"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and texts, for JSON."""
        found = {key: value for key, value in asdict(self).items() if key != "cases"}
        cases = [
            {**asdict(c), "verdict": c.verdict, "worse": c.worse, "better": c.better}
            for c in self.cases
        ]
        return {"regressions": len(self.regressions), **found, "cases": cases}


def changes(old: Run, new: Run, across_machines: bool = False) -> Changes:
    """Compare two runs case by case.

    Parameters
    ----------
    old, new : Run
        From `harness.store.load`.
    across_machines : bool
        Whether runs of two machines are compared all the same, one machine a file.

    Raises
    ------
    ValueError
        When the runs are no two measurements of the same thing (see `sides`), or have no case in
        common.
    """
    before, after, relative, notes = sides(old, new, across_machines)
    shared = [key for key in before.cases if key in after.cases]
    if not shared:
        raise ValueError(f"'{old.path}' and '{new.path}' have no case in common")
    floors = [side.floor for side in (before, after) if side.floor is not None]
    edge = margin(max(floors), before.blind or after.blind) if len(floors) == 2 else None
    ratios = _ratios(shared, before, after, relative, edge)
    found = [
        change_of(key, before.cases[key], after.cases[key], ratios.get(key), edge) for key in shared
    ]
    drift = _drift(before, after) if relative else None
    if drift is not None:
        notes = (
            f"the reference kernel took {drift:.3f} times as long in NEW: removed, times are in its units",
            *notes,
        )
    return Changes(
        ordered(found),
        tuple(sorted({case for _, case in before.cases.keys() - after.cases.keys()})),
        tuple(sorted({case for _, case in after.cases.keys() - before.cases.keys()})),
        edge, drift, differences(old, new), notes,
    )  # fmt: skip


def _ratios(
    shared: Sequence[Key], before: Side, after: Side, relative: bool, edge: float | None
) -> dict[Key, Ratio]:
    """The ratio of every case that has times in both, its p value after Benjamini and Hochberg."""
    logs = {key: _logs(before.cases[key], after.cases[key], relative) for key in shared}
    logs = {key: pair for key, pair in logs.items() if len(pair[0]) and len(pair[1])}
    spreads = pooled(a for a, _ in logs.values()), pooled(b for _, b in logs.values())
    return adjusted({key: ratio(a, b, edge or 0.0, spreads) for key, (a, b) in logs.items()})


def adjusted(found: Mapping[Key, Ratio]) -> dict[Key, Ratio]:
    """The ratios with their p values after Benjamini and Hochberg."""
    tested = [key for key, r in found.items() if r.p is not None]
    ps = np.array([found[key].p for key in tested], dtype=float)
    together = stats.false_discovery_control(ps) if len(ps) else ps
    pairs = zip(tested, together, strict=True)
    return {**found, **{key: found[key].with_p(float(p)) for key, p in pairs}}


def ordered(found: Iterable[Change]) -> tuple[Change, ...]:
    """Regressions first, then what is better, each by its ratio."""
    return tuple(
        sorted(found, key=lambda c: (not c.worse, not c.better, -(c.ratio or 0.0), c.case))
    )


def _logs(old: Samples, new: Samples, relative: bool) -> tuple[Floats, Floats]:
    if relative and old.units is not None and new.units is not None:
        return old.logs - old.units, new.logs - new.units
    return old.logs, new.logs


def change_of(
    key: Key, old: Samples, new: Samples, found: Ratio | None, edge: float | None
) -> Change:
    """What is known of one case in two runs, decided beyond the margin `edge`."""
    return Change(
        case=key[1],
        machine=key[0],
        ratio=found.ratio if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        p=found.p if found and edge is not None else None,
        decision=_decide(found, edge).value if found else None,
        old_processes=len(old.logs),
        new_processes=len(new.logs),
        old_outcome=old.outcome,
        new_outcome=new.outcome,
        old_ulp=old.ulp,
        new_ulp=new.ulp,
        message=new.message,
        same_text=old.text == new.text,
    )


def _decide(found: Ratio, edge: float | None) -> Decision:
    """SLOWER or FASTER needs an interval beyond the margin that also stands among all cases tested."""
    if edge is None or found.p is None or found.low is None or found.high is None:
        return Decision.UNDECIDED
    if found.p <= FALSE_DISCOVERIES:
        return Decision.SLOWER if found.ratio > 1.0 else Decision.FASTER
    inside = found.low >= 1.0 / (1.0 + edge) and found.high <= 1.0 + edge
    return Decision.TIE if inside and edge <= TIE_MARGIN else Decision.UNDECIDED


def _drift(before: Side, after: Side) -> float | None:
    """How much longer the kernel took in NEW, over the rows of both."""
    both = (after.kernel_s / before.kernel_s).dropna()
    return math.exp(float(np.log(both.to_numpy()).mean())) if len(both) else None
