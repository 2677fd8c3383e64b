"""One method of a row in one process: what it has shown so far, and what is left to do.

Asks its worker, judges the answers, keeps blocks and times; knows nothing of the other cells.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from adbench.harness import stopwatch
from adbench.harness.history import Cost
from adbench.harness.plan import CONTENDERS, Missing, Preset, Row
from adbench.harness.process import Failure, Limits, Worker
from adbench.model import Case, Form, Measurement, Method, Operator, Outcome, Phase, Point, Result
from adbench.reference.judge import Verdict, judge
from adbench.reference.truth import UncertifiedError, certified
from adbench.registry import reason_unavailable

__all__ = ["Cell"]

# A void block is measured again. Noise voids one in forty on a loaded virtual machine, where steal is booked as
# CPU; a call that is not complete voids them all (docs/adr/0005). Noise is nothing beside slow calls.
VOIDS, VOIDS_SLOW = 8, 2
# A block of f itself for every third block of the derivative.
VALUE_EVERY = 3
ROUND_TRIPS = 5
# Share of a case's time that steady blocks of slow calls may take.
SHARE = 0.7
# What each request's seconds are spent on, for the account of a run.
SPENT_ON = {"prepare": "prepare", "compile": "compile", "first": "first"}


@dataclass(eq=False)
class Cell:
    """One method of a row in one worker."""

    row: Row
    method: Method
    worker: Worker
    repeat: int
    twin: bool
    preset: Preset
    shared: bool = False
    single_thread: bool = True
    missing: Missing = reason_unavailable
    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    call_s: float = 0.0
    blocks_left: int = 0
    again_left: int = 0
    voids: int = 0
    voided: int = 0
    restarts: int = 0
    values_left: int = 0
    blocks: list[stopwatch.Block] = field(default_factory=list)
    disturbed: list[stopwatch.Block] = field(default_factory=list)
    values: list[stopwatch.Block] = field(default_factory=list)
    trips: list[stopwatch.Block] = field(default_factory=list)
    singles: dict[Phase, stopwatch.Sample] = field(default_factory=dict)
    verdict: Verdict | None = None
    answer: Any = None

    @property
    def case(self) -> Case:
        """The case this cell measures."""
        return self.row.case(self.method)

    @property
    def seat(self) -> str:
        """Its name in the worker."""
        return self.method.name + (" (copy)" if self.twin else "")

    @property
    def form(self) -> Form:
        """The form the method reads of this problem."""
        form = self.method.form(self.row.problem)
        assert form is not None, "plan.decided lets no case without a form through"
        return form

    @property
    def used_s(self) -> float:
        """Seconds of the case's limit that are gone; starting a process and judging are not its own."""
        return sum(s for what, s in self.spent.items() if what not in ("start", "judge"))

    def ask(self, command: str, *arguments: Any) -> Any:
        """Ask the worker, within what is left of this case's time."""
        limits = self.preset.limits
        left = Limits(max(limits.time_s - self.used_s, 0.0), limits.memory_bytes)
        began = stopwatch.monotonic()
        try:
            return self.worker.ask(self.seat, command, *arguments, limits=left)
        except Failure as failure:
            if failure.outcome is Outcome.TIMED_OUT:
                raise Failure(
                    Outcome.TIMED_OUT,
                    f"no answer to '{command}' within the {limits.time_s:g} s of a case",
                ) from None
            raise
        finally:
            what = "compile" if command == "prepare_value" else SPENT_ON.get(command, "measure")
            self.spent[what] += stopwatch.monotonic() - began

    def load(self) -> None:
        """Have the worker running with the tool imported."""
        began = stopwatch.monotonic()
        try:
            self.worker.load(self.seat, self.method.name)
        finally:
            self.spent["start"] += stopwatch.monotonic() - began

    def begin(self, point: Point, at: list[float] | None = None) -> Any:
        """Prepare, compile, first call, judge; the decoded first result. A wrong one is a Failure."""
        self.load()
        case = self.case
        answer = self.ask("prepare", case.problem, case.size, case.operator, at)
        self.singles[Phase.PREPARE] = answer["prepare"]
        sample = self.ask("compile")["compile"]
        if sample is not None:
            self.singles[Phase.COMPILE] = sample
        answer = self.ask("first")
        self.singles[Phase.FIRST] = answer["first"]
        self.answer = answer["result"]
        self._judge(self.answer, point)
        return self.answer

    def _judge(self, result: Any, point: Point) -> None:
        began = stopwatch.monotonic()
        try:
            truth = certified(self.row.problem, self.row.size, self.row.operator, point)
        except UncertifiedError as error:
            raise Failure(Outcome.FAILED, f"there is no certified reference: {error}") from None
        promised = self.method.rtol.get(self.row.operator)
        self.verdict = judge(result, truth, promised, self.method.dtype)
        self.spent["judge"] += stopwatch.monotonic() - began
        if self.verdict.outcome is not Outcome.OK:
            raise Failure(self.verdict.outcome, self.verdict.message)

    def calibrate(self) -> None:
        """Warm up, prove that calls are complete, decide how many blocks this case gets."""
        self.call_s = self.ask("calibrate", self.preset.warm_s)["call_s"]
        self.prove()
        contender = self.method.tool in CONTENDERS
        most = self.preset.blocks if contender else self.preset.other_blocks
        left = SHARE * (self.preset.limits.time_s - self.used_s) / self.call_s
        self.blocks_left = max(1, min(stopwatch.blocks_for(self.call_s, most), int(left)))
        # disturbed blocks of short calls are measured again, as many as there are blocks at most
        self.again_left = self.blocks_left if self.call_s <= stopwatch.BLOCK_S else 0

    def prove(self) -> None:
        """Prove that calls are complete when they return; a void proof is repeated, `VOIDS` end the case.

        The blocks of slow calls need no proof beside them: each is one.
        """
        if self.slow:
            return
        for left in reversed(range(VOIDS)):
            block = self.ask("proof")
            if block.void is None:
                return
            if not left:
                raise Failure(Outcome.FAILED, block.void)

    def calibrate_value(self) -> None:
        """Have f itself ready beside its derivative, where the method offers it and time allows."""
        offers = Operator.VALUE in self.method.operators
        if self.row.operator is Operator.VALUE or not offers:
            return
        if self.repeat >= self.preset.values or self.spent["compile"] + self.call_s > 10.0:
            return
        try:
            call_s = self.ask("prepare_value", self.preset.warm_s)["call_s"]
        except Failure as failure:
            if failure.outcome in (Outcome.UNSUPPORTED, Outcome.FAILED):
                return  # its own row says why; the derivative is measured all the same
            raise
        blocks = stopwatch.blocks_for(call_s, max(1, self.blocks_left // VALUE_EVERY))
        self.values_left = min(blocks, self.blocks_left)

    @property
    def slow(self) -> bool:
        """Whether its calls are so slow that each block proves itself."""
        return self.call_s >= stopwatch.SLOW_S

    @property
    def done(self) -> bool:
        """Whether every block is measured."""
        return self.blocks_left <= 0

    def block(self) -> None:
        """One block, and now and then one of f itself.

        A void block is measured again; `VOIDS` in a row end the case (of slow calls `VOIDS_SLOW`). So is a disturbed one, as long
        as `again_left` lasts.
        """
        block = self.ask("block")
        if block.void is not None:
            self.voids += 1
            if self.voids == (VOIDS_SLOW if self.slow else VOIDS):
                raise Failure(Outcome.FAILED, block.void)
            return
        self.voids = 0
        if self.single_thread and block.disturbed and self.again_left > 0:
            self.again_left -= 1
            self.voided += 1
            self.disturbed.append(block)
            return
        self.blocks.append(block)
        self.blocks_left -= 1
        if self.values_left > 0 and len(self.blocks) % VALUE_EVERY == 1:
            self.values_left -= 1
            value = self.ask("value_block")
            if value.void is None:
                self.values.append(value)

    def again(self) -> None:
        """Forget what was measured: the process is gone, through another method's fault."""
        self.restarts += 1
        for samples in (self.blocks, self.disturbed, self.values, self.trips):
            samples.clear()
        self.values_left = self.voids = self.voided = 0

    def finish(self, point: Point) -> Result:
        """Prove and judge once more, measure round trips, and close the case."""
        self.prove()
        if self.call_s * ROUND_TRIPS < stopwatch.STEADY_S:
            self.trips = [b for b in self.ask("round_trips", ROUND_TRIPS) if b.void is None]
        answer = self.ask("finish")
        if answer["result"] is not None:
            self._judge(answer["result"], point)
        used = answer["memory"]
        self.worker.threads = answer.get("threads", self.worker.threads)
        if self.shared:  # other methods allocate meanwhile
            used |= {"baseline_bytes": None, "peak_bytes": None}
        return self.result(Outcome.OK, "", point, used)

    def result(
        self,
        outcome: Outcome,
        message: str,
        point: Point | None,
        memory: dict[str, int | None] | None = None,
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
            memory=memory or {},
            voided=self.voided,
            shared=self.shared,
        )

    def _measurements(self) -> tuple[Measurement, ...]:
        singles = dict(self.singles)
        if self.method.name in self.worker.imports and (
            self.method.requires or self.method.imports
        ):
            singles[Phase.IMPORT] = self.worker.imports[self.method.name]
        found = [Measurement(phase, (s.wall_s,), (s.cpu_s,), (1,)) for phase, s in singles.items()]
        several = {
            Phase.STEADY: self.blocks,
            Phase.VALUE: self.values,
            Phase.ROUND_TRIP: self.trips,
        }
        found += [_samples(phase, blocks) for phase, blocks in several.items() if blocks]
        return tuple(sorted(found, key=lambda m: list(Phase).index(m.phase)))

    @property
    def cost(self) -> Cost:
        """What this case cost, for predictions."""
        return Cost(sum(s.wall_s for s in self.singles.values()), self.call_s)


def _samples(phase: Phase, blocks: list[stopwatch.Block]) -> Measurement:
    return Measurement(
        phase,
        tuple(b.wall_s for b in blocks),
        tuple(b.cpu_s for b in blocks),
        tuple(b.loops for b in blocks),
    )
