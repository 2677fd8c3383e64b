"""How disturbed the machine is while it measures: time stolen by the host, load, other processes.

Knows the system's counters, nothing of rows or results. What a system does not count is None.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TypedDict

import psutil

from adbench.harness import stopwatch
from adbench.harness.machine_record import UNKNOWN, load

__all__ = ["Busy", "Conditions", "Watch", "busy_now"]

# Kinds of CPU time that a system counts for all its cores together; guests' time is in user's already.
KINDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "interrupt", "dpc")
IDLE = ("idle", "iowait", "steal")
# A machine is too busy when others use more than this share of its cores, or when more than this many
# processes a core want to run, or when its host gives more than this share of its time away.
BUSY_SHARE = 0.5
BUSY_LOAD = 2.0
BUSY_STEAL = 0.05
# Counters step in hundredths of a second: over less than this their differences say nothing.
SHORTEST_S = 0.1


class Conditions(TypedDict):
    """What the machine did during a stretch of time, as a conditions line of a result file says it.

    ``wall_s`` is how long that was; ``steal`` the share of the machine's CPU time that its host gave
    to other machines; ``busy`` the share of all cores' time used by processes other than this one and
    those it started; ``load`` the load averages of 1, 5 and 15 minutes at the end.
    """

    wall_s: float
    steal: float | None
    busy: float | None
    load: list[float] | None


@dataclass(frozen=True)
class _Counters:
    """CPU seconds since the machine started: of all cores, used, stolen, and used by us."""

    total_s: float
    used_s: float
    steal_s: float | None
    own_s: float


class Watch:
    """Counts from its making; ``read()`` tells what happened since, as often as wanted.

    What this process and its descendants use is not foreign. That of a descendant that has ended is
    known where the system adds it to its parent (not on Windows and macOS, where it counts as
    foreign from its end on).
    """

    def __init__(self) -> None:
        self._began_s = stopwatch.monotonic()
        self._before = _counters()

    def read(self) -> Conditions:
        """The conditions since this watch was made."""
        wall_s = stopwatch.monotonic() - self._began_s
        steal, busy = _shares(self._before, _counters()) if wall_s >= SHORTEST_S else (None, None)
        return {"wall_s": wall_s, "steal": steal, "busy": busy, "load": load()}


def _counters() -> _Counters | None:
    """The counters as they stand; None where the system has none or shows them to nobody."""
    try:
        times = psutil.cpu_times()
        own_s = _own_s()
    except UNKNOWN:
        return None
    kinds = {kind: float(getattr(times, kind)) for kind in KINDS if hasattr(times, kind)}
    used_s = sum(s for kind, s in kinds.items() if kind not in IDLE)
    return _Counters(sum(kinds.values()), used_s, kinds.get("steal"), own_s)


def _own_s() -> float:
    """CPU seconds of this process, of its descendants, and of those that have ended."""
    me = psutil.Process()
    own_s = sum(me.cpu_times()[:4])
    for child in me.children(recursive=True):
        try:
            own_s += sum(child.cpu_times()[:4])
        except psutil.Error:  # it ended just now: its parent has its time
            continue
    return round(own_s, 6)  # ticks of 0.01 s: their sum must not depend on who holds which part


def _shares(before: _Counters | None, after: _Counters | None) -> tuple[float | None, float | None]:
    """Shares of all cores' time that were stolen, and used by others."""
    if before is None or after is None or after.total_s <= before.total_s:
        return None, None
    total_s = after.total_s - before.total_s
    foreign_s = (after.used_s - before.used_s) - (after.own_s - before.own_s)
    steal = None
    if before.steal_s is not None and after.steal_s is not None:
        steal = _share(after.steal_s - before.steal_s, total_s)
    return steal, _share(foreign_s, total_s)


def _share(part_s: float, total_s: float) -> float:
    """Between 0 and 1: counters of one moment are not all of the same moment."""
    return min(max(part_s / total_s, 0.0), 1.0)


@dataclass(frozen=True)
class Busy:
    """How busy the machine was just now, before anything was measured."""

    cores: int
    share: float | None
    steal: float | None
    load: float | None

    @property
    def sentence(self) -> str | None:
        """What to tell the user before the run; None when the machine is quiet enough."""
        found = []
        if self.share is not None and self.share > BUSY_SHARE:
            used = f"{self.share * self.cores:.1f} of {self.cores} cores"
            found.append(f"other processes use {used}")
        if self.steal is not None and self.steal > BUSY_STEAL:
            found.append(f"its host gives {self.steal:.0%} of its time to other machines")
        if self.load is not None and (found or self.load > BUSY_LOAD * self.cores):
            many = f"{self.load:.1f} processes want to run on {self.cores} cores"
            found = [f"{' and '.join(found)} (load {self.load:.1f})"] if found else [many]
        if not found:
            return None
        return (
            f"this machine is busy: {' and '.join(found)}; times will vary more, and more "
            "comparisons stay undecided; close other programs, or measure later"
        )


def busy_now(seconds: float = 0.5) -> Busy:
    """Watch the machine for a moment while this process sleeps."""
    watch = Watch()
    time.sleep(seconds)
    seen = watch.read()
    recent = seen["load"][0] if seen["load"] else None
    return Busy(os.cpu_count() or 1, seen["busy"], seen["steal"], recent)
