"""Measures one row: prepares its methods, has each answer judged, then lets them take turns in rounds.

Every round visits the methods, and the frozen reference kernel, in a fresh random order, one block
each, so that comparisons are paired in time although tools need not share a process.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adbench.harness import stopwatch
from adbench.harness.cell import Cell
from adbench.harness.history import Cost, History
from adbench.harness.plan import decided
from adbench.harness.process import Failure, Worker
from adbench.model import Outcome, Point, Result

__all__ = ["RowRun"]

# A method that lost its process through another one's fault is begun anew this often.
RESTARTS = 2


@dataclass
class RowRun:
    """One visit to a row: its cells, and whom to tell.

    Parameters
    ----------
    point : Point
        Where all are measured.
    history : History
        What smaller sizes cost.
    rng : random.Random
        Orders the visits.
    record : callable
        Gets each cell and its result as soon as it is known.
    announce : callable
        Gets the cell in hand.
    spent : callable
        Whether there is no time left; no further cell is begun then.
    kernel : Worker or None
        The process that runs the reference kernel.
    """

    point: Point
    history: History
    rng: random.Random
    record: Callable[[Cell, Result], None]
    announce: Callable[[Cell], None]
    spent: Callable[[], bool]
    kernel: Worker | None = None
    blocks: list[stopwatch.Block] = field(default_factory=list)

    def measure(self, cells: Iterable[Cell]) -> None:
        """Measure all cells of the row."""
        waiting = list(cells)
        self.rng.shuffle(waiting)
        running: list[Cell] = []
        while waiting or running:
            if waiting:
                cell = waiting.pop()
                if self.spent():
                    waiting.clear()
                elif self._begin(cell):
                    running.append(cell)
                else:
                    waiting += self._orphans(cell, running)
                continue
            waiting += self._round(running)

    def _round(self, running: list[Cell]) -> list[Cell]:
        """One round; cells that end leave `running`. Returns those that must be begun anew."""
        self.rng.shuffle(running)
        turns: list[Cell | None] = [*running]
        if self.kernel is not None:
            turns.insert(self.rng.randrange(len(turns) + 1), None)
        orphans: list[Cell] = []
        for cell in turns:
            if cell is None:
                self._kernel_block()
            elif cell in running:
                self.announce(cell)
                ended = cell.done
                step = (lambda c=cell: self._finish(c)) if ended else cell.block  # type: ignore[misc]
                alive = self._attempt(cell, step)
                if ended or not alive:
                    running.remove(cell)
                if not alive:
                    orphans += self._orphans(cell, running)
        return orphans

    def _begin(self, cell: Cell) -> bool:
        """Bring a cell to where it can take turns; False when it ended before."""
        self.announce(cell)
        known = decided(cell.row, cell.method, cell.missing) or self._too_slow(cell)
        if known is not None:
            self.record(cell, cell.result(*known, self.point))
            return False
        if not self._attempt(cell, lambda: self._prepare(cell)):
            return False
        self.history.note(cell.case, self._inputs, cell.cost)
        return True

    def _prepare(self, cell: Cell) -> None:
        cell.begin(self.point)
        cell.calibrate()
        cell.calibrate_value()

    def _finish(self, cell: Cell) -> None:
        self.record(cell, cell.finish(self.point))

    def _attempt(self, cell: Cell, step: Callable[[], Any]) -> bool:
        try:
            step()
        except Failure as failure:
            if failure.outcome is Outcome.TIMED_OUT and cell.method.name in cell.worker.imports:
                self.history.note(cell.case, self._inputs, Cost(math.inf, math.inf))
            self.record(cell, cell.result(failure.outcome, failure.message, self.point))
            return False
        return True

    def _orphans(self, lost: Cell, running: list[Cell]) -> list[Cell]:
        """Cells that were in the process that `lost` took with it; they leave `running`."""
        if lost.worker.process is not None:
            return []
        orphans = [c for c in running if c.worker is lost.worker]
        for cell in orphans:
            running.remove(cell)
            cell.again()
        given_up = [c for c in orphans if c.restarts > RESTARTS]
        for cell in given_up:
            message = f"its process ended {RESTARTS + 1} times through other methods' fault"
            self.record(cell, cell.result(Outcome.CRASHED, message, self.point))
        return [c for c in orphans if c not in given_up]

    def _kernel_block(self) -> None:
        assert self.kernel is not None
        try:
            self.blocks.append(self.kernel.kernel())
        except Failure:
            self.kernel = None  # a measurement without it is better than none; its account is empty

    @property
    def _inputs(self) -> int:
        """Numbers that go into a call."""
        return int(self.point.x.size + sum(np.size(d) for d in self.point.data))

    def _too_slow(self, cell: Cell) -> tuple[Outcome, str] | None:
        predicted = self.history.predict(cell.case, self._inputs)
        limit = cell.preset.limits.time_s
        if predicted is None or predicted <= limit:
            return None
        reason = (
            f"about {predicted:.3g} s predicted from smaller sizes"
            if math.isfinite(predicted)
            else "a smaller size timed out"
        )
        return Outcome.TIMED_OUT, f"not started: {reason}, the limit is {limit:g} s"
