"""Starts with a cache of compiled code: off everywhere, in a folder that two processes share when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adbench import registry
from adbench.analysis.frame import tidy
from adbench.harness import caches, plan, warm
from adbench.harness.cell import Cell
from adbench.harness.header import Settings
from adbench.harness.process import Failure, worker_environment
from adbench.harness.run import run
from adbench.harness.stopwatch import Sample
from adbench.harness.store import load
from adbench.model import Outcome, Phase, Point

ROW = "rosenbrock[2]/gradient"


class Told:
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def total(self, cells: int) -> None: ...

    def case(self, name: str) -> None: ...

    def done(self, line: Mapping[str, Any]) -> None: ...

    def note(self, message: str) -> None:
        self.notes.append(message)


def measured(path: Path, methods: str, **settings: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """The result lines of a smoke run, and what it said."""
    chosen = plan.preset("smoke")
    told = Told()
    run(plan.rows(chosen, (f"{ROW}/{methods}",)), chosen, path, told, settings=Settings(**settings))
    return list(load(path).results), told.notes


def test_no_worker_inherits_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in caches.FOLDERS:
        monkeypatch.setenv(name, "/filled")
    monkeypatch.setenv(caches.FLAGS, "blas__ldflags=-lblas,base_compiledir=/filled,compiledir=/too")
    found = worker_environment()
    assert not {name for name in caches.FOLDERS if name in found}
    assert found[caches.FLAGS] == "blas__ldflags=-lblas"


def test_a_folder_joins_what_a_user_asks_of_a_tool() -> None:
    asked = {caches.FLAGS: "blas__ldflags=-lblas", "PATH": "/bin"}
    found = caches.within(asked, "pytensor", "/cache")
    assert found == {caches.FLAGS: "blas__ldflags=-lblas,base_compiledir=/cache", "PATH": "/bin"}
    found = Settings().worker(0, "torch", cache="/cache").environment
    assert found["TORCHINDUCTOR_CACHE_DIR"] == "/cache"
    assert not set(caches.FOLDERS) & set(Settings().worker(0, "torch").environment)


def test_only_what_compiles_and_keeps_it_has_such_starts() -> None:
    known = {name: caches.able(m) for name, m in registry.methods().items()}
    assert {name for name, able in known.items() if able} >= {
        "jax-reverse", "jax-aot", "torch-compile", "pytensor-c", "pytensor-numba",
    }  # fmt: skip
    for name in (
        "numba-dual",
        "numba-manual",
        "numpy-central",
        "torch-reverse",
        "autograd-reverse",
    ):
        assert not known[name]


class Started:
    """A cell that writes to the cache, or does not, or fails."""

    def __init__(self, folder: str, leaves: bool, fails: bool = False) -> None:
        self.folder, self.leaves, self.fails, self.ended = Path(folder), leaves, fails, 0
        self.found = [p.name for p in self.folder.iterdir()]
        self.singles = {Phase.PREPARE: Sample(0.25, 0.125), Phase.FIRST: Sample(0.5, 0.25)}
        self.worker = self

    def begin(self, point: Point) -> None:
        if self.fails:
            raise Failure(Outcome.WRONG, "another answer")
        if self.leaves:
            (self.folder / "code").write_text("compiled")

    def end(self) -> None:
        self.ended += 1


@pytest.mark.parametrize("leaves", [True, False])
def test_the_second_process_finds_what_the_first_one_left(leaves: bool) -> None:
    """One that leaves nothing has no warm start; all processes end, and the folder goes."""
    cells: list[Started] = []

    def cell_in(folder: str) -> Any:
        cells.append(Started(folder, leaves))
        return cells[-1]

    point = registry.problem("rosenbrock").at(2)
    found = warm.starts(cell_in, point)
    assert [m.phase for m in found] == [Phase.COLD, Phase.WARM] * leaves
    assert all((m.wall_s, m.cpu_s, m.loops) == ((0.75,), (0.375,), (1,)) for m in found)
    assert [c.found for c in cells] == ([[], ["code"]] if leaves else [[]])
    assert all(c.ended == 1 and not c.folder.exists() for c in cells)


def test_a_start_that_fails_ends_its_process_and_leaves_no_folder() -> None:
    cells: list[Started] = []

    def cell_in(folder: str) -> Any:
        cells.append(Started(folder, True, fails=len(cells) == 1))
        return cells[-1]

    with pytest.raises(Failure, match="another answer"):
        warm.starts(cell_in, registry.problem("rosenbrock").at(2))
    assert [c.ended for c in cells] == [1, 1]
    assert not cells[0].folder.exists()


def test_jax_starts_warm_from_its_own_cache(tmp_path: Path) -> None:
    """Two samples beside the line's others, in the frame too; a tool without a cache has neither."""
    pytest.importorskip("jax")
    lines, _ = measured(tmp_path / "with.jsonl", "{jax-reverse,numpy-central}", warm_start=True)
    phases = {x["method"]: [m["phase"] for m in x["measurements"]] for x in lines if not x["twin"]}
    here = phases["jax-reverse"].index("first")
    assert phases["jax-reverse"][here + 1 : here + 3] == ["cold start", "warm start"]
    assert "cold start" not in phases["numpy-central"]
    found = load(tmp_path / "with.jsonl")
    frame = tidy(found.results, header=found.header).set_index("method")
    jax = frame.loc["jax-reverse"]
    assert jax.warm_start_s > 0
    assert jax.cold_start_s > 0
    assert frame.loc["numpy-central"][["warm_start_s", "cold_start_s"]].isna().all()


def test_a_second_process_finds_what_jax_compiled(tmp_path: Path) -> None:
    """It reads the entries and writes none: seen in the folder, not by a clock."""
    pytest.importorskip("jax")
    chosen = plan.preset("smoke")
    (row,) = plan.rows(chosen, (f"{ROW}/jax-reverse",))
    entries = []
    for _ in range(2):
        worker = Settings().worker(0, "jax", cache=str(tmp_path))
        cell = Cell(row, registry.method("jax-reverse"), worker, 0, False, chosen)
        warm._started(Phase.COLD, cell, row.problem.at(row.size))
        entries.append({p.name: p.stat().st_mtime_ns for p in tmp_path.rglob("*-cache")})
    assert entries[0]
    assert entries[1] == entries[0]


def test_without_being_asked_there_are_none(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    lines, _ = measured(tmp_path / "without.jsonl", "jax-reverse")
    assert not {m["phase"] for x in lines for m in x["measurements"]} & {"cold start", "warm start"}


def test_a_failing_start_costs_a_note_and_not_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jax")

    def fails(*_: Any) -> None:
        raise Failure(Outcome.TIMED_OUT, "no answer within 2 s")

    monkeypatch.setattr(warm, "starts", fails)
    lines, notes = measured(tmp_path / "lines.jsonl", "jax-reverse", warm_start=True)
    assert [x["outcome"] for x in lines] == ["ok"]
    said = f"{ROW}/jax-reverse: no start with a cache was timed: timed out: no answer within 2 s"
    assert said in notes
