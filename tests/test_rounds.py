"""A row's rounds, with workers that are scripted: who is asked what, and what becomes of failures."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from adbench.harness import plan, stopwatch
from adbench.harness.cell import Cell
from adbench.harness.history import History
from adbench.harness.process import Failure
from adbench.harness.rounds import RESTARTS, RowRun
from adbench.harness.stopwatch import Block, Sample
from adbench.model import Operator, Outcome, Phase, Result
from adbench.reference.truth import reference

CLEAN = Block(1e-6, 1e-6, 2000)
WAITED = Block(2e-6, 1e-6, 2000)
VOID = Block(1e-6, 1e-6, 2000, "the call returned before it was complete: scripted")
PRESET = replace(plan.preset("standard"), blocks=6, other_blocks=6, values=1)


def row() -> plan.Row:
    chosen = plan.rows(
        PRESET, ("rosenbrock[10]/gradient/{numpy-central,dual-python,complex-step}",)
    )
    return chosen[0]


ROW = row()
POINT = ROW.problem.at(ROW.size)
SCALAR = ROW.problem.form("scalar")
assert SCALAR is not None
RIGHT = np.array([float(d) for d in reference(SCALAR, Operator.GRADIENT, POINT).decimals()])


@dataclass(eq=False)
class Scripted:
    """Stands for a worker: answers like a well-behaved method, but for what `script` says.

    `script` maps (seat, command, how many times asked before) to a block or a Failure.
    """

    script: dict[tuple[str, str, int], Any] = field(default_factory=dict)
    process: Any = None
    imports: dict[str, Any] = field(default_factory=dict)
    threads: dict[str, Any] = field(default_factory=dict)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    starts: int = 0

    def load(self, seat: str, method: str) -> None:
        if self.process is None:
            self.process = object()
            self.starts += 1

    def kernel(self) -> Block:
        self.order.append("kernel")
        return CLEAN

    def ask(self, seat: str, command: str, *arguments: Any, limits: Any) -> Any:
        times = self.asked[seat, command]
        self.asked[seat, command] += 1
        scripted = self.script.get((seat, command, times))
        if isinstance(scripted, Failure):
            if scripted.outcome is not Outcome.FAILED:
                self.process = None
            raise scripted
        if scripted is not None:
            return scripted
        if command == "block":
            self.order.append(seat)
        sample = Sample(1e-3, 1e-3)
        answers: dict[str, Any] = {
            "prepare": {"prepare": sample},
            "compile": {"compile": sample},
            "first": {"first": sample, "result": RIGHT},
            "calibrate": {"call_s": 1e-6, "loops": 2000},
            "prepare_value": {"call_s": 1e-6},
            "proof": CLEAN,
            "block": CLEAN,
            "value_block": CLEAN,
            "round_trips": [CLEAN, CLEAN],
            "finish": {"result": RIGHT, "memory": {"baseline_bytes": 10, "peak_bytes": 30}},
        }
        return answers[command]


def visit(cells: list[Cell], time_is_up: bool = False) -> list[Result]:
    """Measure these cells as one row."""
    found: list[Result] = []
    run = RowRun(
        POINT,
        History(),
        random.Random(1),
        record=lambda cell, result: found.append(result),
        announce=lambda cell: None,
        spent=lambda: time_is_up,
        kernel=Scripted(),  # type: ignore[arg-type]
    )
    run.measure(cells)
    return found


def cells_of(*workers: Scripted, shared: bool = False, preset: plan.Preset = PRESET) -> list[Cell]:
    """A cell for each method of the row, each in a worker of its own or all in the only one."""
    seats = workers if len(workers) > 1 else workers * len(ROW.methods)
    return [
        Cell(ROW, m, w, 0, False, preset, shared=shared)  # type: ignore[arg-type]
        for m, w in zip(ROW.methods, seats, strict=True)
    ]


def measure(*workers: Scripted, shared: bool = False) -> list[Result]:
    """Results of the row's methods."""
    return visit(cells_of(*workers, shared=shared))


def steady(result: Result) -> Any:
    return next(m for m in result.measurements if m.phase is Phase.STEADY)


NAMES = [m.name for m in ROW.methods]


def test_every_method_gets_its_blocks_and_every_phase_is_kept() -> None:
    results = measure(Scripted(), Scripted(), Scripted())
    assert sorted(r.case.method for r in results) == sorted(NAMES)
    for result in results:
        assert result.outcome is Outcome.OK
        assert len(steady(result).wall_s) == 6
        assert {m.phase for m in result.measurements} == set(Phase) - {
            Phase.IMPORT,
            Phase.COLD,
            Phase.WARM,
        }
        assert result.memory["peak_bytes"] == 30


def test_methods_take_turns() -> None:
    """In one process all: each round visits every method once before any has a second block."""
    worker = Scripted()
    measure(worker, shared=True)
    rounds = [worker.order[i : i + 3] for i in range(0, len(worker.order), 3)]
    assert all(sorted(r) == sorted(NAMES) for r in rounds)
    assert len({tuple(r) for r in rounds}) > 1, "the order of a round is drawn anew"


def test_a_disturbed_block_is_measured_again_and_counted() -> None:
    script = {(NAMES[0], "block", i): WAITED for i in range(4)}
    results = {r.case.method: r for r in measure(Scripted(script), Scripted(), Scripted())}
    assert results[NAMES[0]].voided == 4
    assert steady(results[NAMES[0]]).wall_s == (CLEAN.wall_s,) * 6
    assert results[NAMES[1]].voided == 0


def test_blocks_that_are_always_disturbed_are_used_in_the_end() -> None:
    """As many are measured again as there are blocks; then what there is must do."""
    script = {(NAMES[0], "block", i): WAITED for i in range(100)}
    results = {r.case.method: r for r in measure(Scripted(script), Scripted(), Scripted())}
    assert results[NAMES[0]].voided == 6
    assert steady(results[NAMES[0]]).wall_s == (WAITED.wall_s,) * 6


@pytest.mark.parametrize("command", ["block", "proof"])
def test_calls_that_are_never_complete_end_the_case(command: str) -> None:
    script = {(NAMES[0], command, i): VOID for i in range(100)}
    results = {r.case.method: r for r in measure(Scripted(script), Scripted(), Scripted())}
    assert results[NAMES[0]].outcome is Outcome.FAILED
    assert "before it was complete" in results[NAMES[0]].message
    assert results[NAMES[1]].outcome is Outcome.OK


def test_a_void_now_and_then_is_noise() -> None:
    script = {(NAMES[0], command, i): VOID for command in ("block", "proof") for i in (0, 2)}
    results = {r.case.method: r for r in measure(Scripted(script), Scripted(), Scripted())}
    assert results[NAMES[0]].outcome is Outcome.OK
    assert VOID not in steady(results[NAMES[0]]).wall_s


def test_a_crash_in_a_shared_process_costs_the_others_a_new_beginning_only() -> None:
    crash = Failure(Outcome.CRASHED, "the worker was killed by SIGSEGV")
    worker = Scripted({(NAMES[1], "block", 2): crash})
    results = {r.case.method: r for r in measure(worker, shared=True)}
    assert results[NAMES[1]].outcome is Outcome.CRASHED
    for name in (NAMES[0], NAMES[2]):
        assert results[name].outcome is Outcome.OK
        assert len(steady(results[name]).wall_s) == 6
    assert worker.starts == 2


def test_a_method_that_keeps_losing_its_process_is_given_up() -> None:
    """Others' crashes must not make a run endless."""
    crash = Failure(Outcome.CRASHED, "the worker was killed by SIGSEGV")
    cells = cells_of(Scripted({(NAMES[1], "block", 0): crash}), shared=True)
    for cell in cells:
        cell.restarts = RESTARTS
    found = visit(cells)
    assert len({r.case.method for r in found}) == 3
    assert {r.outcome for r in found} == {Outcome.CRASHED}
    assert any("other methods' fault" in r.message for r in found)


def test_f_that_cannot_be_measured_leaves_the_derivative_alone() -> None:
    script = {(NAMES[0], "prepare_value", 0): Failure(Outcome.FAILED, "no f today")}
    results = {r.case.method: r for r in measure(Scripted(script), Scripted(), Scripted())}
    assert results[NAMES[0]].outcome is Outcome.OK
    phases = {m.phase for m in results[NAMES[0]].measurements}
    assert Phase.VALUE not in phases
    assert Phase.STEADY in phases


def test_memory_of_a_case_is_not_claimed_for_a_shared_process() -> None:
    for result in measure(Scripted(), shared=True):
        assert result.shared
        assert result.memory["peak_bytes"] is None


def test_no_cell_is_begun_when_time_is_up() -> None:
    worker = Scripted()
    assert visit(cells_of(worker), time_is_up=True) == []
    assert worker.starts == 0


def test_a_slow_call_is_not_asked_for_sixty_blocks() -> None:
    """A call of 0.1 s gets half a second's worth, eight at least, and is not repeated when disturbed."""
    script = {(n, "calibrate", 0): {"call_s": 0.1, "loops": 1} for n in NAMES}
    preset = replace(PRESET, blocks=60, other_blocks=60)
    found = visit(cells_of(*(Scripted(dict(script)) for _ in NAMES), preset=preset))
    assert {len(steady(r).wall_s) for r in found} == {stopwatch.blocks_for(0.1, 60)} == {8}
