"""Which functions of the operating system a measurement can use here, and what it is without them."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path

__all__ = ["features", "missing"]

# A CPU clock that steps in more than this says nothing of a block of 2 ms.
CPU_CLOCK_S = 1e-3
WITHOUT = {
    "affinity": (
        "this system binds no process to a core: calls may use several and move between them, "
        "so decisions need a wider margin"
    ),
    "cpu_clock": (
        "the CPU clock of a process steps too coarsely here: the wall clock is used, which counts "
        "other processes in, so decisions need a wider margin"
    ),
    "proc": (
        "/proc cannot be read here: time stolen by a host and the memory of single cases may stay unknown"
    ),
}


def features() -> dict[str, bool]:
    """What there is: ``affinity``, ``cpu_clock`` and ``proc``.

    Binding a process to a core; a CPU clock fine enough for a block; /proc, and with it the memory
    of a case and the share of time stolen.
    """
    return {"affinity": _can_pin(), "cpu_clock": _fine_cpu_clock(), "proc": _readable_proc()}


def missing(has: Mapping[str, bool]) -> list[str]:
    """A sentence for the user for everything that `has` denies; what it does not name is there."""
    return [sentence for name, sentence in WITHOUT.items() if not has.get(name, True)]


def _can_pin() -> bool:
    """Whether this process may set its cores; setting those it has changes nothing."""
    try:
        os.sched_setaffinity(0, os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return False
    return True


def _fine_cpu_clock() -> bool:
    """Whether the process CPU clock steps in less than a millisecond.

    Windows states the unit of that clock, 100 ns, not its step, which is a tick of 15.6 ms.
    """
    stated = time.get_clock_info("process_time").resolution
    return stated < CPU_CLOCK_S and platform.system() != "Windows"


def _readable_proc() -> bool:
    try:
        return all(Path(name).read_bytes() for name in ("/proc/stat", "/proc/self/stat"))
    except OSError:
        return False
