"""A whole run: stages of fresh processes over rows, results into the store, resumable at any line."""

from __future__ import annotations

import importlib.util
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from adbench.harness import (
    caches,
    conditions,
    costs,
    features,
    kernel,
    machine,
    stopwatch,
    store,
    warm,
)
from adbench.harness.cell import Cell
from adbench.harness.external.tool import External
from adbench.harness.external.visits import Visits
from adbench.harness.forecast import forecast, learn
from adbench.harness.header import Settings, header
from adbench.harness.history import History
from adbench.harness.plan import (
    BEFORE_OTHERS,
    CONTENDERS,
    PRESETS,
    Preset,
    Row,
    Stage,
    decided,
    stages,
    twins,
)
from adbench.harness.process import Failure, Worker
from adbench.harness.rounds import RowRun
from adbench.harness.store import Key, Store
from adbench.model import Measurement, Method, Outcome, Phase, Result
from adbench.registry import reason_unavailable

__all__ = ["Advise", "Campaign", "Progress", "Settings", "Sink", "Summary", "header", "run"]

# Of a budget, what the first process of JAX and Numba may use, and what all of theirs may until the
# other methods have had their first.
FIRST_PASS = 0.3
DUELS = 0.75
# Blocks of the reference kernel that tell this machine's speed before the run.
PILOTS = 5
# A run longer than this says how to have a shorter one.
LONG_S = 1800.0
NARROWER = (
    "for less, name what you want to know: problems, sizes, operators or methods ('gmm/gradient', "
    "'rosenbrock[10]', '*/*/jax-*'; 'adbench list cases FILTER' shows what they match); or give --budget 1h, "
    "which goes to first sizes first. What is measured stays in the file, and a rerun continues it"
)
# What the seconds of a row go to.
SPENT = ("start", "prepare", "compile", "first", "measure", "judge")
# More than one method in a process that belongs to a row (`Settings.workers`).
SHARED = "the contenders of a row"

# Result lines and the repeat to come -> methods to measure on each row; None for everything.
Advise = Callable[[Sequence[Mapping[str, Any]], int], Mapping[str, Collection[str]] | None]


class Progress(Protocol):
    """What a run tells its watcher."""

    def total(self, cells: int) -> None:
        """How many cells there are to measure, the measured ones of this run included."""

    def case(self, name: str) -> None:
        """What is being measured now."""

    def done(self, line: dict[str, Any]) -> None:
        """A result was written."""

    def note(self, message: str) -> None:
        """A sentence for the user."""


class Sink(Protocol):
    """Where results go: the result file, or a list that travels to one."""

    header: dict[str, Any]
    lines: list[dict[str, Any]]
    conditions: list[dict[str, Any]]
    done: dict[Key, str]

    def append(self, record: Mapping[str, Any]) -> None:
        """Take one line."""


@dataclass
class Summary:
    """What a run did: new results, results that stood in the file already, cells left by the budget."""

    measured: int = 0
    resumed: int = 0
    left: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


def run(
    rows: Sequence[Row],
    chosen: Preset,
    path: Path,
    progress: Progress,
    seed: int = 0,
    *,
    advise: Advise | None = None,
    settings: Settings | None = None,
    externals: Sequence[External] = (),
) -> Summary:
    """Measure what is not yet in the file at `path`.

    Parameters
    ----------
    advise : callable, optional
        Asked before each process of JAX and Numba but the first, which rows and methods are still
        worth one; without it, everything is measured in every process.
    settings : Settings, optional
    externals : sequence of External
        The programs behind the methods of mode `external` among the rows' methods.

    Raises
    ------
    StoreError
        When the file belongs to another machine, other versions or another preset.
    KeyboardInterrupt
        As it comes; every finished result is in the file and the workers are gone.
    """
    asked = settings or Settings()
    chosen = within(chosen, asked.budget_s)
    described = header(chosen, seed, asked)
    if absent := _absent(asked.device, described["machine"]["gpu"]):
        raise ValueError(f"device '{asked.device}': {absent}; measure with device 'cpu'")
    with Store.open(path, described) as file:
        campaign = Campaign(
            list(rows), chosen, file, progress, random.Random(seed), asked, advise,
            externals={tool.name: tool for tool in externals},
        )  # fmt: skip
        campaign.warn()
        for stage in stages(chosen):
            campaign.stage(stage)
        return campaign.summary


def _absent(device: str, gpus: Collection[str]) -> str:
    """Why nothing can be measured on a device of this machine; empty where nothing speaks against it."""
    if device == "gpu" and not gpus:
        return "this machine shows no GPU (nvidia-smi lists none)"
    if device == "tpu" and importlib.util.find_spec("libtpu") is None:
        return (
            "JAX reaches a TPU through the package libtpu, which is not installed (on a machine "
            "with a TPU: pip install 'jax[tpu]')"
        )
    return ""


def within(chosen: Preset, budget_s: float | None) -> Preset:
    """The preset with a budget, which is spent on as many processes as any decision may need."""
    if budget_s is None:
        return chosen
    # without second copies there is no noise floor, and nothing that more processes could decide
    most = chosen.repeats if chosen.twins == "none" else PRESETS["standard"].repeats
    return replace(chosen, budget_s=budget_s, repeats=max(chosen.repeats, most))


@dataclass
class Campaign:
    """The state of a run."""

    rows: list[Row]
    chosen: Preset
    file: Sink
    progress: Progress
    rng: random.Random
    settings: Settings
    advise: Advise | None = None
    history: History = field(default_factory=History)
    summary: Summary = field(default_factory=Summary)
    began: float = field(default_factory=stopwatch.monotonic)
    covered: list[Row] | None = None
    total: int = 0
    told: set[str] = field(default_factory=set)
    externals: Mapping[str, External] = field(default_factory=dict)

    @property
    def machine_id(self) -> str:
        """The machine that measures."""
        return str(self.file.header["machine"]["id"])

    def warn(self) -> None:
        """Say what this machine lacks, whether it is too busy, and how long the run will take."""
        for sentence in features.missing(self.file.header["machine"].get("features") or {}):
            self.progress.note(sentence)
        busy = conditions.busy_now()
        if busy.sentence:
            self.progress.note(busy.sentence)
        lines = [*self.file.lines, *self.file.conditions]
        done = {key[:3] for key in self.file.done}
        learnt = learn(lines) if lines else None
        share = busy.share or 0.0
        expected = forecast(self.rows, self.chosen, learnt, self._speed(), share, done)
        self.progress.note(expected.sentence)
        if expected.likely_s > LONG_S:
            self.progress.note(NARROWER)

    def _speed(self) -> float:
        """How many times as fast as the machine of the tables this one is just now."""
        worker = self.settings.worker(0)
        try:
            call_s = min(worker.kernel().cpu_s for _ in range(PILOTS))
        except Failure:
            return 1.0
        finally:
            worker.end()
        return costs.KERNEL_S / call_s if call_s > 0 else 1.0

    def stage(self, stage: Stage) -> None:
        """Visit the rows that are worth it with one set of fresh processes."""
        plan = list(self.plan(stage))
        cells = [(row, key, m) for row, keys in plan for key, (m, _) in keys]
        left = sum(not self.has(*cell) for cell in cells)
        self.summary.resumed += len(cells) - left
        self.summary.left += left
        self.total += left
        self.progress.total(self.total)
        if not left:
            return
        visit = _Visit(self, stage)
        covered = []
        try:
            for row, keys in plan:
                pending = [(k, m) for k, m in keys if not self.has(row, k, m[0])]
                if pending and self.spent(stage):
                    continue
                covered.append(row)
                if pending:
                    visit.row(row, pending)
        finally:
            visit.end()
        if stage.contenders and stage.repeat == 0:
            self.covered = covered  # further processes only where a first one was measured

    def plan(self, stage: Stage) -> Iterator[tuple[Row, list[tuple[Key, tuple[Method, bool]]]]]:
        """The rows of a stage with their cells: key, method, whether it is a second copy."""
        rows = self.rows
        wanted: Mapping[str, Collection[str]] | None = None
        if stage.contenders and stage.repeat:
            rows = self.rows if self.covered is None else self.covered
            if self.advise:
                wanted = self.advise([self.file.header, *self.file.lines], stage.repeat)
        if wanted is not None:
            order = {row: place for place, row in enumerate(wanted)}
            rows = sorted((r for r in rows if r.id in order), key=lambda r: order[r.id])
        for row in rows:
            methods = [m for m in row.methods if (m.tool in CONTENDERS) == stage.contenders]
            if wanted is not None:
                methods = [m for m in methods if m.name in wanted[row.id]]
            copies = [m for m in twins(row, self.chosen.twins, self.missing) if m in methods]
            both = [(m, False) for m in methods] + [(m, True) for m in copies]
            yield row, [(self._key(row, m, stage, twin), (m, twin)) for m, twin in both]

    def _key(self, row: Row, m: Method, stage: Stage, twin: bool) -> Key:
        return row.case(m).id, stage.repeat, twin, self.machine_id

    def missing(self, m: Method) -> str | None:
        """Why a method cannot run in the Python that is meant for it; None when it can."""
        own = self.settings.interpreters.get(m.tool)
        return reason_unavailable(m) if own is None else own.reason_unavailable(m)

    def versions_of(self, m: Method) -> dict[str, str]:
        """Versions that a method's numbers depend on, in the Python that it runs in."""
        own = self.settings.interpreters.get(m.tool)
        return machine.versions_of(m) if own is None else own.versions_of(m)

    def has(self, row: Row, key: Key, m: Method) -> bool:
        """Whether the file has this result, of the function text as it stands today."""
        if m.name in self.externals:
            return self.file.done.get(key) == self.externals[m.name].text_hash(row.problem)
        form = m.form(row.problem)
        return self.file.done.get(key) == (form.hash if form else "")

    def spent(self, stage: Stage | None) -> bool:
        """Whether the budget's share of this stage, or all of it, is used up."""
        budget = self.chosen.budget_s
        if budget is None:
            return False
        share = 1.0
        if stage is not None and stage.contenders:
            alone = all(m.tool in CONTENDERS for row in self.rows for m in row.methods)
            early = stage.repeat < BEFORE_OTHERS and not alone
            share = FIRST_PASS if stage.repeat == 0 else DUELS if early else 1.0
        return stopwatch.monotonic() - self.began > budget * share

    def announce(self, cell: Cell) -> None:
        """Tell what is being measured."""
        self.progress.case(cell.case.id + (" (copy)" if cell.twin else ""))

    def record(self, cell: Cell, result: Result) -> None:
        """Write a result."""
        measured = (*result.measurements, *self._starts(cell, result))
        ordered = tuple(sorted(measured, key=lambda m: list(Phase).index(m.phase)))
        found = replace(result, versions=self.versions_of(cell.method), measurements=ordered)
        more = {"base": True} if self.settings.of_base(cell.repeat, cell.twin) else {}
        self.write(cell.method, found, {"threads": dict(cell.worker.threads), **more})

    def _starts(self, cell: Cell, result: Result) -> tuple[Measurement, ...]:
        """Starts of the case with an empty and with a filled cache, where they are asked for."""
        m = cell.method
        fine = result.outcome is Outcome.OK and not cell.twin and caches.able(m)
        if not (self.settings.warm_start and fine) or self.spent(None):
            return ()

        def cell_in(folder: str) -> Cell:
            worker = self.settings.worker(cell.repeat, m.tool, cache=folder)
            return Cell(cell.row, m, worker, cell.repeat, False, self.chosen)

        self.progress.case(f"{cell.case.id} (cold and warm start)")
        try:
            return warm.starts(cell_in, cell.row.problem.at(cell.row.size))
        except Failure as failure:
            self.progress.note(
                f"{cell.case.id}: no start with a cache was timed: {failure.outcome.label}: "
                f"{failure.message}"
            )
            return ()

    def write(self, method: Method, result: Result, more: Mapping[str, Any]) -> None:
        """Write a result with its versions, and what else its line says."""
        line = store.line_of(result, method, stopwatch.now())
        line |= {"machine": self.machine_id, **more}
        self.file.append(line)
        self.summary.measured += 1
        self.summary.left -= 1
        self.summary.outcomes[result.outcome.label] += 1
        self.progress.done(line)
        self._tell_threads(line)

    def _tell_threads(self, line: dict[str, Any]) -> None:
        """Say once for each method that it used more cores than were asked for."""
        sentence = store.excess(line, self.settings.threads)
        if sentence and line["method"] not in self.told:
            self.told.add(line["method"])
            self.progress.note(f"{line['id']}: {sentence}")


class _Visit:
    """The processes of a stage, and the rows they measure."""

    def __init__(self, campaign: Campaign, stage: Stage) -> None:
        self.campaign, self.stage = campaign, stage
        self.workers: dict[str, Worker] = {}
        settings = campaign.settings
        self.kernel = settings.worker(stage.repeat)
        self.visits = Visits(
            campaign.externals, campaign.chosen, stage.repeat, settings.cores(stage.repeat),
            settings.environment(), campaign.write, campaign.progress.case, campaign.history,
        )  # fmt: skip

    def row(self, row: Row, pending: Sequence[tuple[Key, tuple[Method, bool]]]) -> None:
        """Measure the cells of one row, and the conditions meanwhile."""
        campaign = self.campaign
        external = [m for _, (m, _) in pending if m.name in campaign.externals]
        cells = [
            self._cell(row, m, twin) for _, (m, twin) in pending if m.name not in campaign.externals
        ]
        able = [c for c in cells if decided(row, c.method, campaign.missing) is None]
        run = RowRun(
            point=row.problem.at(row.size),
            history=campaign.history,
            rng=campaign.rng,
            record=campaign.record,
            announce=campaign.announce,
            spent=lambda: campaign.spent(None),
            kernel=self.kernel if able else None,
        )
        watch = conditions.Watch()
        run.measure(cells)
        if able:
            self._account(row, cells, run, watch)
        self.visits.row(row, external, run.point, lambda: campaign.spent(None))

    def _cell(self, row: Row, m: Method, twin: bool) -> Cell:
        settings = self.campaign.settings
        alone = m.own_process or m.tool in settings.pythons
        shares = settings.workers == "row" and self.stage.contenders and not alone
        name = SHARED if shares else m.name + (" (copy)" if twin else "")
        of_base = settings.of_base(self.stage.repeat, twin)
        worker = self.workers.setdefault(
            name, settings.worker(self.stage.repeat, m.tool, of_base=of_base)
        )
        return Cell(
            row, m, worker, self.stage.repeat, twin, self.campaign.chosen,
            shared=shares, single_thread=settings.single_thread, missing=self.campaign.missing,
        )  # fmt: skip

    def _account(
        self, row: Row, cells: Sequence[Cell], run: RowRun, watch: conditions.Watch
    ) -> None:
        """Write what the machine did while the row was measured."""
        spent = {what: sum(c.spent[what] for c in cells) for what in SPENT}
        blocks = [b for b in run.blocks if b.void is None]
        self.campaign.file.append(
            {
                "kind": "conditions",
                "row": row.id,
                "repeat": self.stage.repeat,
                "contenders": self.stage.contenders,
                "machine": self.campaign.machine_id,
                "kernel": {
                    "hash": kernel.KERNEL_HASH,
                    "wall_s": [b.wall_s for b in blocks],
                    "cpu_s": [b.cpu_s for b in blocks],
                    "loops": [b.loops for b in blocks],
                },
                **watch.read(),
                "spent": {
                    k: spent[k]
                    for k in ("start", "prepare", "compile", "first", "measure", "judge")
                },
                "finished": stopwatch.now(),
            }
        )

    def end(self) -> None:
        """End all processes."""
        for worker in (*self.workers.values(), self.kernel):
            worker.end()
        self.visits.end()
