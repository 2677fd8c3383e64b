"""A run on a cluster: stages of rows as Dask tasks, each row on one host, lines into one file.

Knows rows, stages and the file; which worker measures is Dask's to choose, within the hosts it is told.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from adbench.harness import stopwatch
from adbench.harness.cluster.hosts import RESOURCE, RETURN_S, ClusterError, Fleet, connected
from adbench.harness.cluster.visit import Order, Report, measure
from adbench.harness.header import Settings, header
from adbench.harness.history import History
from adbench.harness.plan import Preset, Row, Stage, stages
from adbench.harness.run import Advise, Campaign, Progress, Summary, within
from adbench.harness.store import Store, key_of

__all__ = ["run"]

# How often the hosts are looked after while nothing comes in.
POLL_S = 1.0


def run(
    address: str,
    rows: Sequence[Row],
    chosen: Preset,
    path: Path,
    progress: Progress,
    seed: int = 0,
    *,
    advise: Advise | None = None,
    settings: Settings | None = None,
) -> Summary:
    """Measure what is not yet in the file at `path`, on the hosts of a cluster.

    Parameters
    ----------
    address : str
        ``tcp://host:port`` of a Dask scheduler, or ``local[N]``.
    advise : callable, optional
        As for `harness.run.run`; asked for each machine apart, with its lines only.
    settings : Settings, optional

    Raises
    ------
    ClusterError
        When nobody answers, no worker offers a slot, or hosts run another adbench or other tools.
    StoreError
        As `harness.run.run`; the machine that counts is this one, which gathers.
    KeyboardInterrupt
        As it comes; results of finished visits are in the file and nothing of ours runs on.
    """
    asked = settings or Settings()
    if asked.pythons:
        raise ClusterError(
            "a Python for a tool is a program of this machine, and the hosts of a cluster have their "
            "own: measure without --cluster"
        )
    chosen = within(chosen, asked.budget_s)
    first = header(chosen, seed, asked)
    with connected(address) as (client, several):
        fleet = Fleet(client, first["code"], first["versions"], several, progress.note)
        fleet.start()
        if len(fleet.slots) > len(fleet.capacity()):
            progress.note(
                f"{len(fleet.slots)} slots on one machine disturb each other: good for a trial, not for figures"
            )
        with Store.open(path, first) as file:
            dispatch = Dispatch(
                list(rows), chosen, file, progress, random.Random(seed), asked, advise, fleet
            )
            dispatch.all()
            return dispatch.summary


@dataclass(eq=False)
class _Visit:
    """Cells of a row to be measured in one stage: where, how many, which methods are worth it."""

    row: Row
    machine: str | None
    cells: int
    wanted: tuple[str, ...] | None
    addresses: frozenset[str] = frozenset()


@dataclass
class Dispatch:
    """The state of a run on a cluster."""

    rows: list[Row]
    chosen: Preset
    file: Store
    progress: Progress
    rng: random.Random
    settings: Settings
    advise: Advise | None
    fleet: Fleet
    summary: Summary = field(default_factory=Summary)
    began: float = field(default_factory=stopwatch.monotonic)
    homes: dict[str, str] = field(default_factory=dict)
    covered: set[str] = field(default_factory=set)
    histories: dict[str, History] = field(default_factory=dict)
    lost: list[Row] = field(default_factory=list)
    total: int = 0

    def all(self) -> None:
        """Every stage, and those of rows that must begin anew."""
        self._settle()
        every = stages(self.chosen)
        for place, stage in enumerate(every):
            self._stage(stage, self.rows, late=False)
            while self.lost:
                anew, self.lost = self.lost, []
                self._begin_anew(anew)
                for again in every[: place + 1]:
                    self._stage(again, anew, late=True)

    def _settle(self) -> None:
        """Rows stay where the file has most of them; where two machines have as much, on one that is here."""
        here = self.fleet.capacity()
        counts: dict[str, dict[str, int]] = {}
        for line in self.file.lines:
            row, name = str(line["id"]).rpartition("/")[0], str(line["machine"])
            seen = counts.setdefault(row, {})
            seen[name] = seen.get(name, 0) + 1
        for row, seen in counts.items():
            self.homes[row] = max(seen, key=lambda name: (seen[name], name in here))

    def _begin_anew(self, rows: Iterable[Row]) -> None:
        """Results of two machines never pair: a row that lost its machine begins with repeat 0."""
        for row in rows:
            home = self.homes.pop(row.id)
            self.covered.discard(row.id)
            name = self.file.machines[home]["name"]
            self.progress.note(f"{row.id} begins anew on another host: {name} is gone")

    def _stage(self, stage: Stage, rows: Sequence[Row], late: bool) -> None:
        """Visit the rows that are worth it with one set of fresh processes each."""
        self.fleet.refresh()
        waiting = self._visits(stage, rows)
        cells = sum(v.cells for v in waiting)
        self.summary.left += cells
        self.total += cells
        self.progress.total(self.total)
        running: dict[Any, _Visit] = {}
        try:
            while waiting or running:
                self._send(stage, waiting, running, late)
                self._gather(stage, waiting, running)
        finally:
            if running:
                self.fleet.client.cancel(list(running))

    def _visits(self, stage: Stage, rows: Sequence[Row]) -> list[_Visit]:
        """What a stage has to measure, machine by machine: advice is asked for each apart."""
        groups: dict[str | None, list[Row]] = {}
        for row in rows:
            if not (stage.contenders and stage.repeat) or row.id in self.covered:
                groups.setdefault(self.homes.get(row.id), []).append(row)
        found = []
        for machine, group in groups.items():
            campaign = self._campaign(machine, group)
            for row, keys in campaign.plan(stage):
                left = [k for k, (m, _) in keys if not campaign.has(row, k, m)]
                self.summary.resumed += len(keys) - len(left)
                if left:
                    wanted = tuple(m.name for _, (m, twin) in keys if not twin)
                    chosen = wanted if stage.contenders and stage.repeat else None
                    found.append(_Visit(row, machine, len(left), chosen))
                elif stage.contenders and not stage.repeat:
                    self.covered.add(row.id)
        return found

    def _campaign(self, machine: str | None, rows: list[Row]) -> Campaign:
        """The run as one machine sees it: its rows, its lines."""
        lines = [line for line in self.file.lines if line["machine"] == machine]
        about = self.file.machines.get(machine or "", {"id": machine})
        header = {**self.file.header, "machine": about}
        view = Store(self.file.path, None, header, lines, done=self.file.done)
        return Campaign(
            rows, self.chosen, view, self.progress, self.rng, self.settings, self.advise,
            began=self.began,
        )  # fmt: skip

    def _send(
        self, stage: Stage, waiting: list[_Visit], running: dict[Any, _Visit], late: bool
    ) -> None:
        """Hand as many visits to Dask as there are slots, those of a row to its own machine."""
        if self._campaign(None, self.rows).spent(None if late else stage):
            waiting.clear()
        for visit in list(waiting):
            if visit.machine is not None and self.fleet.gone(visit.machine):
                waiting.remove(visit)
                self._lose(visit)
                continue
            addresses = self._room(visit, running)
            if addresses:
                waiting.remove(visit)
                visit.addresses = frozenset(addresses)
                running[self._submit(stage, visit)] = visit
                more = len(running) - 1
                self.progress.case(visit.row.id + (f" and {more} more" if more else ""))

    def _room(self, visit: _Visit, running: dict[Any, _Visit]) -> list[str]:
        """Slots that may take a visit now; empty when it has to wait."""
        room = self.fleet.capacity()
        if len(running) >= sum(room.values()):
            return []
        for other in running.values():
            if other.machine in room:
                room[other.machine] -= 1
        names = [n for n, slots in room.items() if slots > 0 and visit.machine in (None, n)]
        return [address for name in names for address in self.fleet.addresses(name)]

    def _submit(self, stage: Stage, visit: _Visit) -> Any:
        row = visit.row
        methods = tuple(m.name for m in row.methods)
        budget = self.chosen.budget_s
        left = None if budget is None else budget - (stopwatch.monotonic() - self.began)
        order = Order(
            row.problem.name, row.size, row.operator.value, methods, stage, visit.wanted,
            {k: text for k, text in self.file.done.items() if k[0].rpartition("/")[0] == row.id},
            replace(self.chosen, budget_s=left), self.settings, self.rng.getrandbits(32), self.histories,
        )  # fmt: skip
        return self.fleet.client.submit(
            measure, order, key=f"adbench-{uuid.uuid4().hex}", pure=False, resources={RESOURCE: 1},
            workers=sorted(visit.addresses), allow_other_workers=False,
        )  # fmt: skip

    def _gather(self, stage: Stage, waiting: list[_Visit], running: dict[Any, _Visit]) -> None:
        """Wait a moment for visits that end; what lost its host waits again."""
        from distributed import CancelledError, TimeoutError, wait

        try:
            if running:
                wait(list(running), timeout=POLL_S, return_when="FIRST_COMPLETED")
            elif waiting:
                time.sleep(POLL_S)  # for a host to come back
        except (TimeoutError, CancelledError):
            pass
        for future in [f for f in running if f.done()]:
            visit = running.pop(future)
            self._receive(stage, future, visit, waiting)
        self.fleet.refresh()
        for future, visit in list(running.items()):
            if not visit.addresses & self.fleet.present:
                del running[future]
                self.fleet.client.cancel([future])
                waiting.insert(0, visit)
        if waiting and not running and not self.fleet.slots:
            self._hope()

    def _hope(self) -> None:
        """Wait for any host to come back; raises ClusterError when none does."""
        began = stopwatch.monotonic()
        while not self.fleet.slots:
            if stopwatch.monotonic() - began > RETURN_S:
                raise ClusterError(
                    f"no host with the resource '{RESOURCE}' is left; finished results are in "
                    f"'{self.file.path}': start workers and repeat the command"
                )
            time.sleep(POLL_S)
            self.fleet.refresh()

    def _receive(self, stage: Stage, future: Any, visit: _Visit, waiting: list[_Visit]) -> None:
        """Write what a visit brought; a failed one costs its row's stage, not the run."""
        if future.status == "finished":
            self._record(stage, visit, future.result())
        elif future.status == "error":
            error = future.exception()
            self.progress.note(
                f"{visit.row.id}, process {stage.repeat}: its visit failed and is left out: "
                f"{type(error).__name__}: {error}"
            )
        else:  # cancelled by the scheduler, which lost it
            waiting.insert(0, visit)

    def _record(self, stage: Stage, visit: _Visit, report: Report) -> None:
        name = str(report.machine["id"])
        if name not in self.file.machines:
            self.file.append(self._machine_line(report))
        for line in report.lines:
            if self.file.done.get(key_of(line)) == line["form_hash"]:
                continue
            self.file.append(line)
            self.summary.measured += 1
            self.summary.left -= 1
            self.summary.outcomes[line["outcome"]] += 1
            self.progress.done(line)
        for line in report.conditions:
            self.file.append({**line, "slots": self.fleet.capacity().get(name, 1)})
        self.homes[visit.row.id] = name
        known = self.histories.setdefault(name, History()).seen
        for case, costs in report.history.seen.items():
            known.setdefault(case, {}).update(costs)
        if stage.contenders and not stage.repeat:
            self.covered.add(visit.row.id)

    def _machine_line(self, report: Report) -> dict[str, Any]:
        """Describes a host, before its first result."""
        hosts = [h for h in self.fleet.known.values() if h.id == report.machine["id"]]
        observed = [line["threads"] for line in report.lines if line.get("threads")]
        return {
            "kind": "machine",
            "machine": report.machine,
            "threads": {
                "requested": self.settings.threads or "default",
                "observed": observed[0] if observed else {},
            },
            "environment": dict(hosts[0].environment) if hosts else {},
        }

    def _lose(self, visit: _Visit) -> None:
        """Take a row off its machine, which is gone."""
        self.summary.left -= visit.cells
        self.total -= visit.cells
        self.lost.append(visit.row)
