"""Where a result set was measured: machine, threads and device, in the words of a heading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adbench.analysis.hosts import clock_of, hosts
from adbench.analysis.wording import listed

__all__ = ["Place", "labels", "places"]

LACKS = {
    "affinity": "binding a process to a core",
    "cpu_clock": "a CPU clock of a process",
    "proc": "/proc (memory of a case, steal time and load)",
}


@dataclass(frozen=True, eq=False)
class Place:
    """One result set's machine record, threads and device.

    Parameters
    ----------
    set : str
        Name of the result set (`analysis.sets`).
    machine : mapping
        The record; empty where the run has none.
    threads : int or str or None
        As requested: a number or ``"default"``.
    observed : mapping
        Library to the number of threads it was seen to use.
    device : str
    pinned : bool
        Whether each process was bound to one core and its CPU clock is read.
    """

    set: str
    machine: Mapping[str, Any]
    threads: int | str | None
    observed: Mapping[str, Any]
    device: str
    pinned: bool

    @property
    def pool(self) -> str:
        """Threads in words; empty where the run does not tell."""
        if self.threads is None:
            return ""
        if self.threads == 1:
            affinity = (self.machine.get("features") or {}).get("affinity", True)
            return "one core" if affinity else "one thread"
        return "default threads" if self.threads == "default" else f"{self.threads} threads"

    @property
    def name(self) -> str:
        """The machine in words, by its processor."""
        return str(self.machine.get("cpu") or "unnamed machine")

    @property
    def lacks(self) -> str:
        """What the measurement needs and this system lacks; empty if nothing."""
        has = self.machine.get("features") or {}
        missing = [words for key, words in LACKS.items() if not has.get(key, True)]
        return listed(missing) if missing else ""


def places(header: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> Iterator[Place]:
    """The place of each machine of a result file."""
    added = {str(x["machine"]["id"]): x for x in lines if x.get("kind") == "machine"}
    first = header.get("machine") or {}
    for host in hosts(header, lines).values():
        line = added.get(host.id, {})
        own = first if host.id == str(first.get("id") or "") else {"id": host.id}
        machine = line.get("machine") or own
        threads = line.get("threads") or header.get("threads") or {}
        yield Place(
            set=host.set,
            machine=machine,
            threads=threads.get("requested"),
            observed=threads.get("observed") or {},
            device=str(header.get("device") or "cpu"),
            pinned=clock_of({**header, "threads": threads}, machine) == "cpu",
        )


def labels(found: Sequence[Place]) -> tuple[str, ...]:
    """A heading for each place: only what tells them apart beside the processor's name."""
    machines = {p.machine.get("id") for p in found}
    devices = {p.device for p in found}
    return tuple(
        ", ".join(
            part
            for part in (
                p.name + (f" (machine {p.machine.get('id') or '?'})" if len(machines) > 1 else ""),
                p.pool,
                p.device.upper() if len(devices) > 1 or p.device != "cpu" else "",
            )
            if part
        )
        for p in found
    )
