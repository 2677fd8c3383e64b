"""A whole run: phases of fresh processes over rows, results into the store, resumable at any line."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from adbench.harness import machine, stopwatch, store
from adbench.harness.plan import CONTENDERS, PRESETS, Preset, Row, decided
from adbench.harness.process import Failure, Limits, Worker
from adbench.harness.rounds import Cell, History, measure_row
from adbench.harness.store import Key, Store
from adbench.model import Case, Method, Operator, Outcome, Point, Result, UnknownNameError
from adbench.reference.truth import UncertifiedError, reference
from adbench.registry import did_you_mean, method, methods, problem

__all__ = ["Evaluation", "Progress", "Summary", "evaluate", "header", "run"]

# Of the quick budget, what the first pass over JAX and Numba may use: two more passes follow, then
# the other methods.
FIRST_PASS = 0.3


class Progress(Protocol):
    """What a run tells its watcher."""

    def total(self, cells: int) -> None:
        """How many cells there are to measure."""

    def case(self, name: str) -> None:
        """What is being measured now."""

    def done(self, line: dict[str, Any]) -> None:
        """A result was written."""


@dataclass
class Summary:
    """What a run did: new results, results that stood in the file already, cells left by the budget."""

    measured: int = 0
    resumed: int = 0
    left: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


def header(chosen: Preset, seed: int) -> dict[str, Any]:
    """First line of a result file."""
    head, dirty = machine.commit()
    return {
        "kind": "run",
        "schema": store.SCHEMA,
        "started": stopwatch.now(),
        "preset": chosen.name,
        "seed": seed,
        "machine": machine.machine(),
        "versions": machine.versions(*_distributions()),
        "code": machine.code(),
        "threads": {"requested": 1, "observed": _observed_threads()},
        "commit": head,
        "dirty": dirty,
        "limits": {"time_s": chosen.limits.time_s, "memory_bytes": chosen.limits.memory_bytes},
    }


def _distributions() -> list[str]:
    """Distributions of every method's tool, plug-ins' included, and of the plug-ins themselves."""
    groups = ("adbench.problems", "adbench.methods")
    plugins = {e.dist.name for g in groups for e in entry_points(group=g) if e.dist is not None}
    needs = {name for m in methods().values() for name in (m.tool, *m.requires)}
    return sorted((needs | plugins) - {"adbench", "autodiff-bench"})


def _observed_threads() -> dict[str, Any]:
    """Thread pools and cores that a worker sees, as its libraries report them."""
    worker = Worker(next(iter(methods())), machine.core_of(0))
    try:
        worker.start()
    except Failure:  # a tool that does not import has its own outcome later
        return {}
    else:
        return dict(worker.threads)
    finally:
        worker.end()


@dataclass(frozen=True)
class Stage:
    """One set of fresh processes: its repeat and the methods that take part."""

    repeat: int
    contenders: bool


def _stages(chosen: Preset) -> list[Stage]:
    """JAX and Numba first, so that a budget that runs out leaves the question answered."""
    first = [Stage(r, True) for r in range(chosen.repeats)]
    return first + [Stage(r, False) for r in range(chosen.other_repeats)]


def run(
    rows: Sequence[Row], chosen: Preset, path: Path, progress: Progress, seed: int = 0
) -> Summary:
    """Measure what is not yet in the file at `path`.

    Raises
    ------
    StoreError
        When the file belongs to another machine, other versions or another preset.
    KeyboardInterrupt
        As it comes; every finished result is in the file and the workers are gone.
    """
    with Store.open(path, header(chosen, seed)) as file:
        campaign = _Campaign(list(rows), chosen, file, progress, random.Random(seed))
        campaign.remember()
        for stage in _stages(chosen):
            campaign.stage(stage)
        return campaign.summary


@dataclass
class _Campaign:
    rows: list[Row]
    chosen: Preset
    file: Store
    progress: Progress
    rng: random.Random
    history: History = field(default_factory=History)
    summary: Summary = field(default_factory=Summary)
    began: float = field(default_factory=stopwatch.monotonic)
    duels: list[Row] = field(default_factory=list)

    def remember(self) -> None:
        """Count what is done and left; what was done before tells nothing about costs."""
        self.duels = self.rows
        everything = [
            (row, key, m)
            for s in _stages(self.chosen)
            for row in self.rows
            for key, (m, _) in self._keys(row, s)
        ]
        self.summary.resumed = sum(self._done(*cell) for cell in everything)
        self.summary.left = len(everything) - self.summary.resumed
        self.progress.total(self.summary.left)

    def _keys(self, row: Row, stage: Stage) -> Iterator[tuple[Key, tuple[Method, bool]]]:
        """The cells of a row in a stage: key, method, twin."""
        for m in row.methods:
            if (m.tool in CONTENDERS) == stage.contenders:
                yield (row.case(m).id, stage.repeat, False), (m, False)
        if stage.contenders and self.chosen.twins:
            for m in _twins(row):
                yield (row.case(m).id, stage.repeat, True), (m, True)

    def _done(self, row: Row, key: Key, m: Method) -> bool:
        """Whether the file has this result, of the function text as it stands today."""
        form = m.form(row.problem)
        return self.file.done.get(key) == (form.hash if form else "")

    def stage(self, stage: Stage) -> None:
        """Visit all rows with one set of fresh processes."""
        core = machine.core_of(stage.repeat)
        workers: dict[tuple[str, bool], Worker] = {}
        covered = []
        try:
            for row in self.duels if stage.contenders else self.rows:
                keys = list(self._keys(row, stage))
                pending = [(k, m) for k, m in keys if not self._done(row, k, m[0])]
                if pending and self._spent(stage):
                    continue
                covered.append(row)
                cells = [
                    Cell(row, m, _worker(workers, m, twin, core), stage.repeat, twin, self.chosen)
                    for _, (m, twin) in pending
                ]
                if cells:
                    point = row.problem.at(row.size)
                    measure_row(
                        cells,
                        point,
                        self.history,
                        self.rng,
                        self._record,
                        self._announce,
                        lambda: self._spent(None),
                    )
        finally:
            for worker in workers.values():
                worker.end()
        if stage.contenders:
            self.duels = covered  # further processes only where a first one was measured

    def _spent(self, stage: Stage | None) -> bool:
        """Whether the budget's share of this stage, or all of it, is used up."""
        budget = self.chosen.budget_s
        if budget is None:
            return False
        first = stage is not None and stage.contenders and stage.repeat == 0
        share = FIRST_PASS if first else 1.0
        return stopwatch.monotonic() - self.began > budget * share

    def _announce(self, cell: Cell) -> None:
        self.progress.case(cell.case.id + (" (copy)" if cell.twin else ""))

    def _record(self, cell: Cell, result: Result) -> None:
        found = replace(result, versions=machine.versions_of(cell.method))
        line = store.line_of(found, cell.method, stopwatch.now())
        line["threads"] = dict(cell.worker.threads)
        self.file.append(line)
        self.summary.measured += 1
        self.summary.left -= 1
        label = result.outcome.label
        self.summary.outcomes[label] = self.summary.outcomes.get(label, 0) + 1
        self.progress.done(line)


def _worker(workers: dict[tuple[str, bool], Worker], m: Method, twin: bool, core: int) -> Worker:
    return workers.setdefault((m.name, twin), Worker(m.name, core))


def _twins(row: Row) -> list[Method]:
    """One method of each contender that runs in this row: the pair of the fixed comparison, if it can."""
    found = []
    for tool in CONTENDERS:
        able = [m for m in row.methods if m.tool == tool and decided(row, m) is None]
        preferred = [m for m in able if m.name in ("jax-reverse", "numba-dual")]
        found += (preferred or able)[:1]
    return found


@dataclass(frozen=True)
class Evaluation:
    """One derivative, computed in a worker and judged: what ``adbench eval`` prints."""

    case: Case
    outcome: Outcome
    message: str
    point: Point
    result: Any
    reference: Any
    accuracy: Any
    versions: dict[str, str]


def evaluate(
    case: Case, at: Sequence[float] | None = None, limits: Limits | None = None
) -> Evaluation:
    """Compute one case once, in a worker of its own, at the standard point or at x = `at`.

    Raises
    ------
    UnknownNameError
        For unknown names, or an operator or size the problem does not offer.
    ValueError
        When `at` has another length than the standard point's x.
    """
    row, point = _row(case), _point(case, at)
    chosen = row.methods[0]
    preset = replace(PRESETS["standard"], limits=limits or PRESETS["standard"].limits)
    cell = Cell(row, chosen, Worker(case.method, machine.core_of(0)), 0, False, preset)
    outcome, message, truth = Outcome.OK, "", None
    known = decided(row, chosen)
    try:
        if known is not None:
            outcome, message = known
        else:
            cell.begin(point, None if at is None else [float(v) for v in at])
    except Failure as failure:
        outcome, message = failure.outcome, failure.message
    finally:
        cell.worker.end()
    if known is None:
        with suppress(UncertifiedError):  # the message says it
            form = row.problem.form("scalar") or row.problem.forms[0]
            truth = reference(form, row.operator, point)
    accuracy = cell.verdict.accuracy if cell.verdict else None
    found = machine.versions_of(chosen)
    return Evaluation(case, outcome, message, point, cell.answer, truth, accuracy, found)


def _row(case: Case) -> Row:
    found = problem(case.problem)
    operator = _operator(case, found.operators)
    n = len(found.point(case.size).x)
    if not found.offers(operator, n):
        raise UnknownNameError(
            f"{case.row} is not offered: {case.problem} has {operator.value} up to "
            f"{found.up_to[operator]} variables"
        )
    return Row(found, case.size, operator, (method(case.method),))


def _point(case: Case, at: Sequence[float] | None) -> Point:
    found = problem(case.problem)
    standard = found.point(case.size)
    if at is None:
        return standard
    if not found.elementwise and len(at) != len(standard.x):
        raise ValueError(f"{case.row} has {len(standard.x)} variables, --at gives {len(at)}")
    return Point(np.array(at), standard.data)


def _operator(case: Case, offered: Sequence[Operator]) -> Operator:
    names = [o.value for o in offered]
    if case.operator not in names:
        raise UnknownNameError(did_you_mean(f"operator of {case.problem}", case.operator, names))
    return Operator(case.operator)
