"""Measures one case of an external tool: first answer, judge, warm-up, blocks of runs, round trips.

The samples are what the tool's own clock says; the round trips are ours. A block is a number of
consecutive runs, about as long as a block of the stopwatch, and its sample their mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from adbench.harness import stopwatch
from adbench.harness.external.payloads import TRANSLATIONS, PayloadError, Translation
from adbench.harness.external.program import Answer, Program
from adbench.harness.external.tool import FORM
from adbench.harness.plan import Preset, Row
from adbench.harness.process import START_S, Failure, Limits
from adbench.model import Measurement, Outcome, Phase, Point, Result
from adbench.reference.judge import Verdict, judge
from adbench.reference.truth import UncertifiedError, certified

__all__ = ["measure", "outcome_of"]

# Most runs that are asked for in one message: their times come as text.
MOST_RUNS = 100_000
WARM_RUNS = 1_000
# A clock that shows nothing of a run: what runs are then taken for, to ask for enough of them.
SHORTEST_S = 20e-9
SHARE = 0.7
ROUND_TRIPS = 5


def measure(row: Row, program: Program, preset: Preset, repeat: int, point: Point) -> Result:
    """What one process of the tool shows of a case; failures are outcomes."""
    work = _Work(row, program, preset, point)
    try:
        work.run()
    except Failure as failure:
        return work.result(failure.outcome, failure.message, repeat)
    return work.result(Outcome.OK, "", repeat)


def outcome_of(
    row: Row, program: Program, outcome: Outcome, message: str, repeat: int, point: Point
) -> Result:
    """The result of a case that was not tried."""
    return _Result(row, program, repeat, point).of(outcome, message)


@dataclass(frozen=True)
class _Result:
    row: Row
    program: Program
    repeat: int
    point: Point

    def of(self, outcome: Outcome, message: str, **more: Any) -> Result:
        tool = self.program.tool
        return Result(
            case=self.row.case(tool.method),
            repeat=self.repeat,
            outcome=outcome,
            message=message,
            form=FORM,
            form_hash=tool.text_hash(self.row.problem),
            n=len(self.point.x),
            **more,
        )


@dataclass(eq=False)
class _Work:
    """A case in progress."""

    row: Row
    program: Program
    preset: Preset
    point: Point
    began: float = field(default_factory=stopwatch.monotonic)
    judged_s: float = 0.0
    verdict: Verdict | None = None
    first: Answer | None = None
    blocks: list[tuple[float, int]] = field(default_factory=list)
    trips: list[float] = field(default_factory=list)

    @property
    def limits(self) -> Limits:
        """What is left to the case; starting and judging are not its own."""
        limits = self.preset.limits
        used = stopwatch.monotonic() - self.began - self.judged_s
        return Limits(max(limits.time_s - used, 0.0), limits.memory_bytes)

    def run(self) -> None:
        """All steps; a Failure ends them."""
        known = TRANSLATIONS[self.row.problem.name]
        # as of a worker, its start is not part of the case; it may compile what a module needs
        self.program.load(known.module, Limits(START_S, self.preset.limits.memory_bytes))
        self.began = stopwatch.monotonic()
        payload = known.payload(self.point)
        function = known.functions[self.row.operator]

        def ask(runs: int) -> Answer:
            try:
                return self.program.evaluate(function, payload, runs, self.row.id, self.limits)
            except Failure as failure:
                if failure.outcome is Outcome.TIMED_OUT:
                    raise self._late(function) from None
                raise

        self.first = ask(1)
        self._judge(known, function, self.first)
        call_s = self._warm(ask)
        count, loops = self._plan(call_s)
        answer = ask(count * loops)
        self.blocks = list(_blocks(answer.runs_s, count, loops))
        self._judge(known, function, answer)
        if ROUND_TRIPS * self.first.wall_s < stopwatch.STEADY_S:
            self.trips = [self._trip(known, function) for _ in range(ROUND_TRIPS)]

    def _late(self, function: str) -> Failure:
        limit = self.preset.limits.time_s
        return Failure(
            Outcome.TIMED_OUT, f"no answer to '{function}' within the {limit:g} s of a case"
        )

    def _judge(self, known: Translation, function: str, answer: Answer) -> None:
        began = stopwatch.monotonic()
        try:
            result = known.result(self.row.operator, answer.output, self.point)
        except PayloadError as error:
            raise Failure(Outcome.FAILED, f"its output of {function}: {error}") from None
        try:
            row = self.row
            truth = certified(row.problem, row.size, row.operator, self.point)
        except UncertifiedError as error:
            raise Failure(Outcome.FAILED, f"there is no certified reference: {error}") from None
        self.verdict = judge(result, truth, self.program.promise(function))
        self.judged_s += stopwatch.monotonic() - began
        right = self.verdict.outcome is Outcome.OK
        self.program.verdict(right, self.verdict.message, self.limits)
        if not right:
            raise Failure(self.verdict.outcome, self.verdict.message)

    def _warm(self, ask: Any) -> float:
        """Warm up; seconds of a run, their mean where single ones are too short for the tool's clock."""
        assert self.first is not None
        call_s = self.first.runs_s[0]
        if call_s >= stopwatch.SLOW_S:
            return call_s
        warm_s = max(self.preset.warm_s, stopwatch.BLOCK_S)
        runs = max(3, min(int(warm_s / max(call_s, SHORTEST_S)), WARM_RUNS))
        warm = ask(runs).runs_s
        return max(median(warm) or _mean(warm), SHORTEST_S)

    def _plan(self, call_s: float) -> tuple[int, int]:
        """How many blocks, of how many runs each."""
        left = SHARE * self.limits.time_s / call_s
        most = stopwatch.blocks_for(call_s, self.preset.other_blocks)
        count = max(1, min(most, int(left)))
        loops = max(1, round(stopwatch.BLOCK_S / call_s))
        return count, min(loops, max(1, MOST_RUNS // count))

    def _trip(self, known: Translation, function: str) -> float:
        """Seconds from a point to an array by our clock: translation, pipes, JSON and all."""

        def there_and_back() -> None:
            payload = known.payload(self.point)
            answer = self.program.evaluate(function, payload, 1, self.row.id, self.limits)
            known.result(self.row.operator, answer.output, self.point)

        return stopwatch.timed(there_and_back)[1].wall_s

    def result(self, outcome: Outcome, message: str, repeat: int) -> Result:
        """The result as it stands; times only when the case ran."""
        accuracy = self.verdict.accuracy if self.verdict else None
        return _Result(self.row, self.program, repeat, self.point).of(
            outcome,
            message,
            measurements=tuple(self._measurements()) if outcome.ran else (),
            accuracy=accuracy.as_dict() if accuracy else None,
        )

    def _measurements(self) -> Iterator[Measurement]:
        assert self.first is not None
        if self.program.started is not None:
            yield _samples(Phase.IMPORT, [(self.program.started.wall_s, 1)])
        if self.first.prepare_s:
            yield _samples(Phase.PREPARE, [(math.fsum(self.first.prepare_s), 1)])
        yield _samples(Phase.FIRST, [(self.first.runs_s[0], 1)])
        yield _samples(Phase.STEADY, self.blocks)
        if self.trips:
            yield _samples(Phase.ROUND_TRIP, [(s, 1) for s in self.trips])


def _blocks(runs_s: tuple[float, ...], count: int, loops: int) -> Iterator[tuple[float, int]]:
    """Means of consecutive runs, and how many; runs beyond those asked for are left out."""
    for start in range(0, count * loops, loops):
        yield _mean(runs_s[start : start + loops]), loops


def _mean(runs_s: tuple[float, ...]) -> float:
    total = math.fsum(runs_s)
    if total <= 0.0:
        raise Failure(
            Outcome.FAILED, f"its clock is too coarse: {len(runs_s)} runs took 0 nanoseconds"
        )
    return total / len(runs_s)


def _samples(phase: Phase, blocks: list[tuple[float, int]]) -> Measurement:
    """Wall times alone: nobody read the CPU's clock, which 0 says."""
    wall_s, loops = zip(*blocks, strict=True)
    return Measurement(phase, wall_s, (0.0,) * len(wall_s), loops)
