"""What happens on a host of a cluster: it introduces itself, and measures one row in fresh processes.

Knows nothing of other hosts, of files, or of who asked.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import psutil

from adbench import registry
from adbench.harness import conditions, machine
from adbench.harness.history import History
from adbench.harness.plan import Preset, Row, Stage
from adbench.harness.run import Campaign, Settings
from adbench.harness.store import Key
from adbench.model import Operator, Size

__all__ = ["Order", "Report", "busy", "introduce", "measure"]

# How soon a cancelled visit ends the processes that measure for it.
CANCEL_S = 0.2


@dataclass(frozen=True)
class Order:
    """One visit: the cells of a row that one set of fresh processes measures.

    Parameters
    ----------
    problem, size, operator, methods
        The row, by names: functions do not travel.
    stage : Stage
        Which set of processes.
    wanted : tuple of str or None
        The methods that are worth it in this stage; None for all.
    done : mapping of Key to str
        Results of this row and stage that are known, of any machine, and their function text.
    chosen : Preset
        With the budget that is left, in seconds.
    settings : Settings
        How to measure.
    seed : int
        Orders the measurements.
    histories : mapping of str to History
        What smaller sizes cost, by machine.
    """

    problem: str
    size: Size
    operator: str
    methods: tuple[str, ...]
    stage: Stage
    wanted: tuple[str, ...] | None
    done: Mapping[Key, str]
    chosen: Preset
    settings: Settings
    seed: int
    histories: Mapping[str, History]

    def row(self) -> Row:
        """The row as this host knows it."""
        methods = tuple(registry.method(name) for name in self.methods)
        return Row(registry.problem(self.problem), self.size, Operator(self.operator), methods)


@dataclass(frozen=True)
class Report:
    """What a visit brings home: its lines, what cases cost here, and who measured."""

    machine: dict[str, Any]
    lines: list[dict[str, Any]]
    conditions: list[dict[str, Any]]
    history: History


class CancelledVisit(Exception):  # noqa: N818 - nobody gets it: the one who asked is not waiting any more
    """The visit was called off."""


def introduce(names: tuple[str, ...]) -> dict[str, Any]:
    """Who this host is: machine record, state of adbench's code, versions of `names`, environment."""
    with _without_nanny():
        environment = machine.environment()
    return {
        "machine": _record(),
        "code": machine.code(),
        "versions": machine.versions(*names),
        "environment": environment,
    }


@lru_cache(maxsize=1)
def _record() -> dict[str, Any]:
    return machine.machine()


def busy() -> str | None:
    """A sentence for the user if this host is too busy to measure."""
    return conditions.busy_now().sentence


@dataclass
class _Sheet:
    """The lines of one visit, kept in memory (`run.Sink`)."""

    header: dict[str, Any]
    done: dict[Key, str]
    lines: list[dict[str, Any]] = field(default_factory=list)
    conditions: list[dict[str, Any]] = field(default_factory=list)

    def append(self, record: Mapping[str, Any]) -> None:
        result = record["kind"] == "result"
        (self.lines if result else self.conditions).append(dict(record))


@dataclass
class _Ear:
    """Hears of every step of a visit (`run.Progress`), and ends it when nobody waits for it any more."""

    called_off: threading.Event

    def total(self, cells: int) -> None:
        """Nobody is watching here."""

    def case(self, name: str) -> None:
        if self.called_off.is_set():
            raise CancelledVisit(name)

    def done(self, line: dict[str, Any]) -> None:
        self.case(line["id"])

    def note(self, message: str) -> None:
        """Whoever asked tells the user."""


def measure(order: Order) -> Report:
    """Measure the cells of one row on this host, in fresh processes that end with it.

    Runs as a task of a Dask worker. A task that is cancelled ends within a second, and its processes
    with it.
    """
    record = _record()
    history = order.histories.get(record["id"], History())
    row = order.row()
    sheet = _Sheet({"machine": record}, dict(order.done))
    wanted = None if order.wanted is None else {row.id: order.wanted}
    called_off = threading.Event()
    campaign = Campaign(
        [row], order.chosen, sheet, _Ear(called_off), random.Random(order.seed), order.settings,
        None if wanted is None else lambda lines, repeat: wanted, history,
    )  # fmt: skip
    with _without_nanny(), _ended_when_cancelled(called_off):
        campaign.stage(order.stage)
    return Report(record, sheet.lines, sheet.conditions, history)


@contextmanager
def _without_nanny() -> Iterator[None]:
    """The environment as it was before Dask's nanny set thread counts and heap limits of its own.

    They would be taken for the user's, and change how the tools compute. A value that differs from
    the nanny's is somebody's wish and stays.
    """
    import dask
    import distributed  # noqa: F401 - its import fills in the configuration

    set_by_nanny = {
        **dask.config.get("distributed.nanny.pre-spawn-environ", {}),
        **dask.config.get("distributed.nanny.environ", {}),
    }
    hidden = {
        name: os.environ.pop(name)
        for name, value in set_by_nanny.items()
        if os.environ.get(name) == str(value)
    }
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _ended_when_cancelled(called_off: threading.Event) -> Iterator[None]:
    """Watch the Dask task that runs this; when it is cancelled, end the processes it measures with.

    A thread cannot be interrupted, and a call may last minutes: its process can be ended.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(CANCEL_S):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled":
                called_off.set()
                _end_measuring_processes()

    watcher = threading.Thread(target=watch, name="adbench-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()


def _end_measuring_processes() -> None:
    """End the workers of `harness.process` that this process started, and what they started."""
    for child in psutil.Process().children():
        with suppress(psutil.Error, OSError):
            if "adbench.harness.worker" not in child.cmdline():
                continue
            if hasattr(os, "killpg"):
                os.killpg(child.pid, signal.SIGKILL)  # each leads a process group of its own
            else:
                child.kill()
