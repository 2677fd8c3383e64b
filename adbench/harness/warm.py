"""A second start: what a method costs a process that finds on disk what an earlier one compiled.

Everywhere else such caches are off. Two processes of their own, alike but for the cache: the first finds
an empty folder and fills it, the second reads it; then the folder is gone. Both answers are judged.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

from adbench.harness.cell import Cell
from adbench.model import Measurement, Phase, Point

__all__ = ["ONCE", "starts"]

# What a start is made of, the import of the tool apart.
ONCE = (Phase.PREPARE, Phase.COMPILE, Phase.FIRST)


def starts(cell_in: Callable[[str], Cell], point: Point) -> tuple[Measurement, ...]:
    """The cold and the warm start of a case: prepare, compile and first call together.

    Parameters
    ----------
    cell_in : callable
        ``cell_in(folder)`` gives the case in a worker of its own, not started, that keeps in the folder
        what it compiles.
    point : Point

    Returns
    -------
    tuple of Measurement
        COLD and WARM, a sample each; none when the first process left nothing in the folder.

    Raises
    ------
    Failure
        When the case fails in one of the two.
    """
    with tempfile.TemporaryDirectory(prefix="adbench-cache-", ignore_cleanup_errors=True) as folder:
        cold = _started(Phase.COLD, cell_in(folder), point)
        if not any(path.is_file() for path in Path(folder).rglob("*")):
            return ()
        return cold, _started(Phase.WARM, cell_in(folder), point)


def _started(phase: Phase, cell: Cell, point: Point) -> Measurement:
    """The start of a cell up to its first, judged answer; its process is gone then."""
    try:
        cell.begin(point)
    finally:
        cell.worker.end()
    samples = [cell.singles[p] for p in ONCE if p in cell.singles]
    wall, cpu = (math.fsum(getattr(s, clock) for s in samples) for clock in ("wall_s", "cpu_s"))
    return Measurement(phase, (wall,), (cpu,), (1,))
