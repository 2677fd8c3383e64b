"""What a result line says of threads: the cores a method kept busy, and whether those were too many."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["cores_used", "excess", "pool_threads"]

# CPU seconds a wall second this far above what was asked for: more than the clocks' own steps.
TOLERANCE = 1.05


def cores_used(line: Mapping[str, Any]) -> float | None:
    """CPU seconds of all threads divided by wall seconds, over all steady blocks; None where one of the
    clocks has no reading.

    What is booked between blocks does not count, nor does time in which the process was kept waiting.
    """
    steady = next((m for m in line.get("measurements") or () if m["phase"] == "steady"), None)
    if steady is None or any(s is None or s <= 0 for s in (*steady["cpu_s"], *steady["wall_s"])):
        return None
    wall_s, cpu_s = (
        math.fsum(s * loops for s, loops in zip(steady[clock], steady["loops"], strict=True))
        for clock in ("wall_s", "cpu_s")
    )
    return cpu_s / wall_s


def pool_threads(line: Mapping[str, Any]) -> int | None:
    """Threads of the largest pool that the method's process told of (BLAS, OpenMP); None without one."""
    pools = (line.get("threads") or {}).get("pools") or {}
    return max(pools.values(), default=None)


def excess(line: Mapping[str, Any], asked: int | None) -> str:
    """A sentence where a method used more cores than it was given, or meant to; else empty.

    Parameters
    ----------
    line : mapping
        Of a result.
    asked : int or None
        Threads asked for; None: any number, of which there is no excess.
    """
    if asked is None:
        return ""
    used, pool = cores_used(line), pool_threads(line)
    wanted = f"where {asked} {'was' if asked == 1 else 'were'} asked"
    if used is not None and used > TOLERANCE * asked:
        return f"{line['method']} used {used:.1f} cores {wanted}"
    if pool is not None and pool > asked:
        return f"a library of {line['method']} keeps {pool} threads {wanted}"
    return ""
