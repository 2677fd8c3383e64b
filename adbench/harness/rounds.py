"""Measures one row: prepares its methods, has each answer judged, then lets them take turns in rounds.

Every round visits the methods in a fresh random order, one block each, so that comparisons are paired
in time although tools never share a process.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adbench.harness import stopwatch
from adbench.harness.plan import CONTENDERS, Preset, Row, decided
from adbench.harness.process import Failure, Worker
from adbench.model import Case, Form, Measurement, Method, Outcome, Phase, Point, Result
from adbench.reference.judge import Verdict, judge
from adbench.reference.truth import UncertifiedError, reference

__all__ = ["Cell", "History", "measure_row"]

# A void block is measured again. Noise voids one in forty on a loaded virtual machine, where steal is booked as
# CPU; a call that is not complete voids them all (docs/adr/0005).
VOIDS = 8
STEADY_S = 0.5


# Steady calls that a prediction counts on.
CALLS = 3


@dataclass(frozen=True)
class Cost:
    """Seconds that a case cost once (prepare, first call) and for each steady call."""

    once_s: float
    call_s: float


@dataclass
class History:
    """What cases of smaller sizes cost, to predict what a larger one will.

    Each part is extrapolated as a power of the number of inputs, variables and data. From two sizes
    the exponent is theirs, at most 3; from one, calls grow linearly and the rest, mostly fixed costs
    of a tool, not at all.
    """

    seen: dict[tuple[str, str, str], dict[int, Cost]] = field(default_factory=dict)

    def note(self, case: Case, inputs: int, cost: Cost) -> None:
        """Remember a cost; infinity for a case that timed out."""
        costs = self.seen.setdefault((case.problem, case.operator, case.method), {})
        known = costs.get(inputs)
        if known is None or math.isinf(known.call_s):
            costs[inputs] = cost  # a case that ran once can run: one bad moment does not outlaw it

    def predict(self, case: Case, inputs: int) -> float | None:
        """Seconds that prepare, first call and `CALLS` calls will take; None without a smaller size."""
        costs = self.seen.get((case.problem, case.operator, case.method), {})
        smaller = sorted(i for i in costs if i < inputs)
        if not smaller:
            return None
        last = costs[smaller[-1]]
        ratio = inputs / smaller[-1]
        once, call = 0.0, 1.0
        if len(smaller) > 1:
            before, span = costs[smaller[-2]], smaller[-1] / smaller[-2]
            once = _exponent(before.once_s, last.once_s, span, 0.0)
            call = _exponent(before.call_s, last.call_s, span, 1.0)
        return float(last.once_s * ratio**once + CALLS * last.call_s * ratio**call)


def _exponent(before: float, after: float, span: float, least: float) -> float:
    if not (0.0 < before < math.inf and math.isfinite(after)):
        return least
    return min(max(math.log(max(after, 1e-12) / before) / math.log(span), least), 3.0)


@dataclass
class Cell:
    """One method of a row in one worker: the case, what it has shown so far, what is left to do."""

    row: Row
    method: Method
    worker: Worker
    repeat: int
    twin: bool
    preset: Preset
    spent_s: float = 0.0
    call_s: float = 0.0
    blocks_left: int = 0
    voids: int = 0
    blocks: list[stopwatch.Block] = field(default_factory=list)
    singles: dict[Phase, stopwatch.Sample] = field(default_factory=dict)
    verdict: Verdict | None = None
    answer: Any = None

    @property
    def case(self) -> Case:
        """The case this cell measures."""
        return self.row.case(self.method)

    @property
    def form(self) -> Form:
        """The form the method reads of this problem."""
        form = self.method.form(self.row.problem)
        assert form is not None, "plan.decided lets no case without a form through"
        return form

    def ask(self, command: str, *arguments: Any) -> Any:
        """Ask the worker, within what is left of this case's time."""
        limits = self.preset.limits
        left = max(limits.time_s - self.spent_s, 0.0)
        began = stopwatch.monotonic()
        try:
            return self.worker.ask(
                command, *arguments, limits=type(limits)(left, limits.memory_bytes)
            )
        except Failure as failure:
            if failure.outcome is Outcome.TIMED_OUT:
                raise Failure(
                    Outcome.TIMED_OUT,
                    f"no answer to '{command}' within the {limits.time_s:g} s of a case",
                ) from None
            raise
        finally:
            self.spent_s += stopwatch.monotonic() - began

    def begin(self, point: Point, at: list[float] | None = None) -> Any:
        """Prepare, first call, judge; the decoded first result. A wrong answer is a Failure."""
        if self.worker.process is None:
            self.worker.start()
        case = self.case
        answer = self.ask("prepare", case.problem, case.size, case.operator, at)
        self.singles[Phase.PREPARE] = answer["prepare"]
        answer = self.ask("first")
        self.singles[Phase.FIRST] = answer["first"]
        self.answer = answer["result"]
        self._judge(self.answer, point)
        return self.answer

    def _judge(self, result: Any, point: Point) -> None:
        scalar = self.row.problem.form("scalar") or self.form
        try:
            truth = reference(scalar, self.row.operator, point)
        except UncertifiedError as error:
            raise Failure(Outcome.FAILED, f"there is no certified reference: {error}") from None
        self.verdict = judge(result, truth, self.method.rtol.get(self.row.operator))
        if self.verdict.outcome is not Outcome.OK:
            raise Failure(self.verdict.outcome, self.verdict.message)

    def calibrate(self) -> None:
        """Warm up; decide how many blocks this case gets."""
        self.call_s = self.ask("calibrate", self.preset.warm_s)["call_s"]
        contender = self.method.tool in CONTENDERS
        most = self.preset.blocks if contender else self.preset.other_blocks
        self.blocks_left = most
        if self.call_s > stopwatch.BLOCK_S:
            self.blocks_left = int(min(max(STEADY_S / self.call_s, 3), most))
            fitting = 0.7 * (self.preset.limits.time_s - self.spent_s) / self.call_s
            self.blocks_left = max(1, min(self.blocks_left, int(fitting)))

    def block(self) -> None:
        """One block; a void one is measured again, `VOIDS` in a row end the case."""
        block = self.ask("block")
        if block.void is None:
            self.blocks.append(block)
            self.blocks_left -= 1
            self.voids = 0
            return
        self.voids += 1
        if self.voids == VOIDS:
            raise Failure(Outcome.FAILED, block.void)

    def finish(self, point: Point) -> Result:
        """Judge the last steady result too, and close the case."""
        answer = self.ask("finish")
        if answer["result"] is not None:
            self._judge(answer["result"], point)
        return self.result(Outcome.OK, "", point, peak=answer["peak_rss_bytes"])

    def result(
        self, outcome: Outcome, message: str, point: Point | None, peak: int | None = None
    ) -> Result:
        """The result as it stands; measurements only when the case ran."""
        form = self.method.form(self.row.problem)
        verdict = self.verdict
        return Result(
            case=self.case,
            repeat=self.repeat,
            outcome=outcome,
            message=message,
            twin=self.twin,
            form=form.name if form else "",
            form_hash=form.hash if form else "",
            n=len(point.x) if point is not None else None,
            measurements=self._measurements() if outcome.ran else (),
            accuracy=verdict.accuracy.as_dict() if verdict and verdict.accuracy else None,
            peak_rss_bytes=peak,
        )

    def _measurements(self) -> tuple[Measurement, ...]:
        singles = dict(self.singles)
        if self.worker.import_sample is not None and self.method.requires:
            singles[Phase.IMPORT] = self.worker.import_sample
        found = [Measurement(phase, (s.wall_s,), (s.cpu_s,), (1,)) for phase, s in singles.items()]
        if self.blocks:
            steady = Measurement(
                Phase.STEADY,
                tuple(b.wall_s for b in self.blocks),
                tuple(b.cpu_s for b in self.blocks),
                tuple(b.loops for b in self.blocks),
            )
            found.append(steady)
        return tuple(sorted(found, key=lambda m: list(Phase).index(m.phase)))

    @property
    def cost(self) -> Cost:
        """What this case cost, for predictions."""
        return Cost(sum(s.wall_s for s in self.singles.values()), self.call_s)


def measure_row(
    cells: Iterable[Cell],
    point: Point,
    history: History,
    rng: random.Random,
    record: Callable[[Cell, Result], None],
    announce: Callable[[Cell], None],
    spent: Callable[[], bool],
) -> None:
    """Measure all cells of one row; `record` gets each result as soon as it is known.

    No further cell is begun once `spent` says that there is no time left.
    """
    waiting = list(cells)
    rng.shuffle(waiting)
    running: list[Cell] = []

    def attempt(cell: Cell, step: Callable[[], Any]) -> bool:
        try:
            step()
        except Failure as failure:
            if failure.outcome is Outcome.TIMED_OUT and cell.worker.import_sample is not None:
                history.note(cell.case, _inputs(point), Cost(math.inf, math.inf))
            record(cell, cell.result(failure.outcome, failure.message, point))
            return False
        return True

    for cell in waiting:
        if spent():
            break
        announce(cell)
        known = decided(cell.row, cell.method) or _too_slow(cell, point, history)
        if known is not None:
            record(cell, cell.result(*known, point))
        elif attempt(cell, lambda c=cell: (c.begin(point), c.calibrate())):  # type: ignore[misc]
            history.note(cell.case, _inputs(point), cell.cost)
            running.append(cell)
    while running:
        rng.shuffle(running)
        for cell in list(running):
            announce(cell)
            if cell.blocks_left > 0:
                if not attempt(cell, cell.block):
                    running.remove(cell)
                continue
            running.remove(cell)
            attempt(cell, lambda c=cell: record(c, c.finish(point)))  # type: ignore[misc]


def _inputs(point: Point) -> int:
    """Numbers that go into a call."""
    return int(point.x.size + sum(np.size(d) for d in point.data))


def _too_slow(cell: Cell, point: Point, history: History) -> tuple[Outcome, str] | None:
    predicted = history.predict(cell.case, _inputs(point))
    limit = cell.preset.limits.time_s
    if predicted is None or predicted <= limit:
        return None
    reason = (
        f"about {predicted:.3g} s predicted from smaller sizes"
        if math.isfinite(predicted)
        else "a smaller size timed out"
    )
    return Outcome.TIMED_OUT, f"not started: {reason}, the limit is {limit:g} s"
