"""How long a run will take, said before it starts: from its rows, its preset and what cases cost before.

Knows the protocol's stages and blocks; costs of tools come from `costs`, or better from earlier result
files of the same machine (`learn`). Starts nothing and reads no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from adbench.harness import costs, stopwatch
from adbench.harness.learning import AROUND_BLOCK_S, AROUND_CASE_S, PROOFS, Learnt, Seen, learn
from adbench.harness.machine import usable_cores
from adbench.harness.plan import CONTENDERS, FIXED_PAIR, Preset, Row, Stage, decided, stages, twins
from adbench.model import Method, Operator, Problem, Size, size_text
from adbench.reference import traits

__all__ = ["Forecast", "Learnt", "forecast", "learn"]

# A run's own start: the machine record, the threads a worker sees, a look at how busy it is.
BEGIN_S = 3.0
VALUE_EVERY = 3
# Calls until a case is warm, and those that the decision to begin it counts on.
WARM_CALLS, CALLS = 3, 3
# Of a row's methods, those near enough to the best to be measured again; then, of all rows, those that
# are undecided at the looks after three and five held-out processes (most ratios are large).
FINALISTS = 0.65
LOOKS = {3: 0.2, 5: 0.1}
# Functions of whole arrays that the text of a problem without a loop calls.
CALLS_OF_ARRAYS = 12.0
# Of problems whose operations are not counted: operations for each number that goes in, and steps of
# the map that elementwise ones iterate.
PER_INPUT, STEPS = 4, 500
# How far a forecast may be off, without and with costs seen on this machine.
FACTOR, FACTOR_LEARNT = 1.5, 1.3


@dataclass(frozen=True)
class Forecast:
    """Seconds that a run will take: likely ones, and the limits it will hardly leave."""

    low_s: float
    likely_s: float
    high_s: float

    @property
    def sentence(self) -> str:
        """For the user, before the run."""
        low, high = _duration(self.low_s), _duration(self.high_s)
        return f"this run will take about {_duration(self.likely_s)} ({low} to {high})"


def _slowed(busy: float) -> float:
    """How much longer a run takes beside others: they fill the idle cores before they take turns on ours."""
    cores = len(usable_cores())
    return 1.0 + max(0.0, busy * cores - (cores - 1))


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            found = seconds / size
            return f"{found:.0f} {unit}" if found >= 10.0 else f"{found:.2g} {unit}"
    return f"{max(seconds, 1.0):.0f} s"


_Able = tuple[Row, list[Method], list[Method]]


@dataclass(frozen=True)
class _Cell:
    """A method of a row in one stage, with the share of such cells that will be measured at all."""

    row: Row
    method: Method
    twin: bool
    stage: Stage
    share: float = 1.0

    @property
    def key(self) -> tuple[str, int, bool]:
        return self.row.case(self.method).id, self.stage.repeat, self.twin


def forecast(
    rows: Sequence[Row],
    chosen: Preset,
    learnt: Learnt | None = None,
    speed: float = 1.0,
    busy: float = 0.0,
    done: Collection[tuple[str, int, bool]] = (),
) -> Forecast:
    """Predict the seconds of a run.

    Parameters
    ----------
    rows : sequence of Row
        What will be measured.
    chosen : Preset
        How.
    learnt : Learnt, optional
        Costs of earlier runs on this machine, from `learn`.
    speed : float
        How many times as fast as the machine of `costs` this one is: ``costs.KERNEL_S`` over a call
        of the reference kernel. Costs that were learnt are this machine's already.
    busy : float
        Share of all cores that other processes use now: beyond the idle ones they take turns on ours.
    done : collection of (case id, repeat, twin)
        What a file that is continued has already.
    """
    known = learnt or Learnt()
    estimate, able = _Estimate(chosen, known, speed), _able(rows, chosen)
    total = BEGIN_S + sum(
        known.scale * estimate.stage([c for c in _cells(able, stage) if c.key not in done])
        for stage in stages(chosen)
    )
    total += sum(estimate.reference_s(row) for row in rows if row.id not in known.judged)
    total *= _slowed(busy) / _slowed(known.busy)
    factor = FACTOR_LEARNT if known.cases else FACTOR
    low, likely, high = total / factor, total, total * factor
    if chosen.budget_s is not None:
        # the case in hand is finished, and so is the process it is in
        most = chosen.budget_s + 5.0
        low, likely, high = min(low, most), min(likely, most), min(high, most)
    return Forecast(low, likely, high)


def _able(rows: Sequence[Row], chosen: Preset) -> list[_Able]:
    """Each row with the methods that start a process, and those of them that have a second copy."""
    return [
        (row, [m for m in row.methods if decided(row, m) is None], twins(row, chosen.twins))
        for row in rows
    ]


def _cells(able: Sequence[_Able], stage: Stage) -> Iterator[_Cell]:
    """The cells of a stage that start a process; later stages have a share of them."""
    for row, methods, copies in able:
        for m in methods:
            if (m.tool in CONTENDERS) != stage.contenders:
                continue
            share = 1.0
            if stage.contenders and stage.repeat:
                share = 1.0 if m.name in FIXED_PAIR else FINALISTS
                share *= min((s for look, s in LOOKS.items() if stage.repeat > look), default=1.0)
            yield _Cell(row, m, False, stage, share)
            if stage.contenders and m in copies:
                yield _Cell(row, m, True, stage, share)


@dataclass
class _Estimate:
    """Costs of stages and cells, from what was learnt or from the tables."""

    chosen: Preset
    learnt: Learnt
    speed: float
    works: dict[tuple[str, str], costs.Work] = field(default_factory=dict)

    def stage(self, cells: Sequence[_Cell]) -> float:
        """Seconds of one set of fresh processes."""
        if not cells:
            return 0.0
        # a process is started when one of its cells is measured; the kernel has one of its own
        rest: dict[tuple[str, bool], float] = {}
        methods = {(c.method.name, c.twin): c.method for c in cells}
        rows: dict[str, float] = {}
        for c in cells:
            place = c.method.name, c.twin
            rest[place] = rest.get(place, 1.0) * (1.0 - c.share)
            rows[c.row.id] = max(rows.get(c.row.id, 0.0), c.share)
        starts = sum((1.0 - rest[p]) * self.start_s(m) for p, m in methods.items())
        blocks = self.chosen.blocks if cells[0].stage.contenders else self.chosen.other_blocks
        kernel = blocks * (stopwatch.BLOCK_S + AROUND_BLOCK_S) * sum(rows.values())
        own = costs.START_S / self.speed
        return own + starts + kernel + sum(c.share * self.cell_s(c) for c in cells)

    def start_s(self, m: Method) -> float:
        """Seconds until the method's process is ready."""
        known = self.learnt.imports.get(m.name)
        return costs.start_s(m.tool, known) / (self.speed if known is None else 1.0)

    def cell_s(self, c: _Cell) -> float:
        """Seconds of one cell in a process that runs: prepare, compile, first call, warm-up, blocks."""
        limit_s = self.chosen.limits.time_s
        seen = self.seen(c.row, c.method, c.row.operator)
        if seen.once_s + CALLS * seen.call_s > limit_s:
            # not started where smaller sizes told so; else it takes all it may
            return limit_s if c.row.size == c.row.problem.sizes[0] else 0.0
        most = self.chosen.blocks if c.stage.contenders else self.chosen.other_blocks
        total = seen.once_s + AROUND_CASE_S + self._steady_s(seen.call_s, most)
        total += PROOFS * max(stopwatch.PROOF_S, seen.call_s)
        values = c.stage.repeat < self.chosen.values and c.row.operator is not Operator.VALUE
        if values and Operator.VALUE in c.method.operators:
            f = self.seen(c.row, c.method, Operator.VALUE)
            total += f.once_s + self._steady_s(f.call_s, max(1, most // VALUE_EVERY))
        return min(total, limit_s)

    def _steady_s(self, call_s: float, most: int) -> float:
        """Warm-up and blocks of calls that long."""
        warm_s = max(self.chosen.warm_s, WARM_CALLS * max(call_s, stopwatch.BLOCK_S))
        each_s = max(call_s, stopwatch.BLOCK_S) + AROUND_BLOCK_S
        return warm_s + stopwatch.blocks_for(call_s, most) * each_s

    def seen(self, row: Row, m: Method, operator: Operator) -> Seen:
        """What the method costs on this problem and size: learnt, or from the tables."""
        case = f"{row.problem.name}[{size_text(row.size)}]/{operator.value}/{m.name}"
        known = self.learnt.cases.get(case)
        if known is not None:
            return known
        call_s = costs.call_s(m, operator, self._work(row)) / self.speed
        return Seen(costs.once_s(m.name, m.tool, operator) / self.speed + call_s, call_s)

    def reference_s(self, row: Row) -> float:
        """Seconds to certify the reference of a row; nothing where the package knows the problem."""
        if traits.traits(row.problem, row.size) is not None:
            return 0.0
        return costs.judge_s(row.operator, self._work(row)) / self.speed

    def _work(self, row: Row) -> costs.Work:
        place = row.problem.name, size_text(row.size)
        if place not in self.works:
            self.works[place] = _work(row.problem, row.size)
        return self.works[place]


def _work(problem: Problem, size: Size) -> costs.Work:
    """What f asks for: counted operations where the package has them, else a guess from its inputs."""
    known = traits.traits(problem, size)
    point = problem.at(size) if known is None or known.nonzeros is not None else None
    if known is None:
        assert point is not None
        inputs = point.x.size + sum(np.size(d) for d in point.data)
        operations, n = float(PER_INPUT * inputs), point.x.size
        outputs, chain = point.outputs or 1, STEPS
    else:
        operations, n, chain = float(known.operations), known.variables, known.chain
        outputs = 1 if problem.elementwise else known.outputs
    if problem.elementwise:
        operations *= 1 if known else STEPS
        n = problem.forms[0].elementwise
    # a text of its own for JAX is one of a loop, which array code goes through step by step
    calls = float(chain) if problem.form("jax") else CALLS_OF_ARRAYS
    columns, rows = n, outputs
    if point is not None and point.pattern is not None:
        columns = int(np.diff(point.pattern.rows).max())
        rows = int(np.bincount(point.pattern.columns).max())
    return costs.Work(operations, calls, n, columns, rows)
