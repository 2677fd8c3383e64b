"""The machines of a result file: name of the result set, clock to read, and what the system lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Host", "clock_of", "hosts"]


@dataclass(frozen=True)
class Host:
    """What a result line takes from its machine and the run's header.

    Parameters
    ----------
    id : str
        The machine's hash.
    set : str
        Name of the result set: machine, threads and device. Times of two sets are never compared.
    clock : str
        From `clock_of`.
    threads : int or None
        Asked for; None: each library's own default.
    blind : bool
        Whether the system cannot pin a process to a core or has no CPU clock of a process.
    """

    id: str
    set: str
    clock: str
    threads: int | None
    blind: bool


def clock_of(header: Mapping[str, Any], machine: Mapping[str, Any] | None = None) -> str:
    """``"cpu"`` where a run on one thread of the CPU was pinned to one core, else ``"wall"``.

    CPU seconds of threads add up, and those of helper threads are booked late; a process that is not
    pinned may have such threads. An accelerator's time is no CPU time.
    """
    threads = header.get("threads") or {}
    one = threads.get("requested", 1) == 1 and header.get("device", "cpu") == "cpu"
    return "cpu" if one and not _blind(machine or header.get("machine") or {}) else "wall"


def hosts(
    header: Mapping[str, Any] | None, lines: Sequence[Mapping[str, Any]]
) -> Mapping[str | None, Host]:
    """The machines of a file by id; None stands for the header's, for lines that name none."""
    if header is None:
        header = next((line for line in lines if line.get("kind") == "run"), {})
    first = header.get("machine") or {}
    found: dict[str | None, Host] = {}
    for line in lines:
        if line.get("kind") == "machine":
            about = {**header, **line, "device": header.get("device", "cpu")}
            found[str(line["machine"]["id"])] = _host(about, line["machine"])
        elif isinstance(line.get("machine"), str) and line["machine"] not in found:
            own = first if line["machine"] == first.get("id") else {"id": line["machine"]}
            found[line["machine"]] = _host(header, own)
    return {None: _host(header, first), **found}


def _host(header: Mapping[str, Any], machine: Mapping[str, Any]) -> Host:
    name = str(machine.get("id") or "")
    threads = (header.get("threads") or {}).get("requested", 1)
    pool = "one thread" if threads == 1 else f"{threads} threads"
    device = str(header.get("device") or "cpu")
    label = f"machine {name or 'unnamed'}, {pool}, {device}"
    asked = threads if isinstance(threads, int) else None
    return Host(name, label, clock_of(header, machine), asked, _blind(machine))


def _blind(machine: Mapping[str, Any]) -> bool:
    features = machine.get("features") or {}
    return not (features.get("affinity", True) and features.get("cpu_clock", True))
