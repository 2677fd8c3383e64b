"""Which cells a run visits: advice, budgets and what stands in the file already; no process is started."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from adbench.harness import machine, plan, stopwatch
from adbench.harness import run as run_module
from adbench.harness.header import Settings
from adbench.harness.plan import Stage
from adbench.harness.process import worker_environment
from adbench.harness.run import DUELS, FIRST_PASS, Campaign, within

pytest.importorskip("jax")
pytest.importorskip("numba")
STANDARD = plan.preset("standard")
FILTER = (
    "{gauss_nll[100],rosenbrock[10]}/gradient/{jax-forward,jax-reverse,numba-dual,numpy-central}"
)


@dataclass
class Sink:
    """A result file in memory."""

    header: dict[str, Any] = field(default_factory=lambda: {"kind": "run", "machine": {"id": "m1"}})
    lines: list[dict[str, Any]] = field(default_factory=list)
    conditions: list[dict[str, Any]] = field(default_factory=list)
    done: dict[Any, str] = field(default_factory=dict)

    def append(self, record: Mapping[str, Any]) -> None:
        raise AssertionError("nothing is measured here")


class Silent:
    def total(self, cells: int) -> None: ...

    def case(self, name: str) -> None: ...

    def done(self, line: dict[str, Any]) -> None: ...

    def note(self, message: str) -> None: ...


def campaign(chosen: plan.Preset = STANDARD, **more: Any) -> Campaign:
    rows = plan.rows(chosen, (FILTER,))
    return Campaign(rows, chosen, Sink(), Silent(), random.Random(0), Settings(), **more)


def planned(c: Campaign, stage: Stage) -> dict[str, list[str]]:
    """Row -> methods, second copies marked."""
    return {
        row.id: [m.name + ("'" if twin else "") for _, (m, twin) in cells]
        for row, cells in c.plan(stage)
    }


def test_the_first_process_takes_everything_and_a_copy_of_the_fixed_pair() -> None:
    ours = ["jax-forward", "jax-reverse", "numba-dual", "jax-reverse'", "numba-dual'"]
    for methods in planned(campaign(), Stage(0, True)).values():
        assert sorted(methods) == sorted(ours)
    for methods in planned(campaign(), Stage(0, False)).values():
        assert methods == ["numpy-central"]


def test_advice_is_not_asked_for_the_first_process() -> None:
    def never(lines: Sequence[Mapping[str, Any]], repeat: int) -> None:
        raise AssertionError(f"asked for process {repeat}")

    assert planned(campaign(advise=never), Stage(0, True))
    assert planned(campaign(advise=never), Stage(1, False))


def test_later_processes_go_where_advice_says_in_its_order() -> None:
    """Only named rows and methods, copies of these alone; the header comes with the lines."""
    asked: list[Any] = []

    def advise(lines: Sequence[Mapping[str, Any]], repeat: int) -> Mapping[str, set[str]]:
        asked.append((lines[0]["kind"], repeat))
        return {
            "rosenbrock[10]/gradient": {"jax-forward", "numba-dual"},
            "gauss_nll[100]/gradient": {"jax-reverse"},
        }

    found = planned(campaign(advise=advise), Stage(4, True))
    assert list(found) == ["rosenbrock[10]/gradient", "gauss_nll[100]/gradient"]
    assert found["rosenbrock[10]/gradient"] == ["jax-forward", "numba-dual", "numba-dual'"]
    assert found["gauss_nll[100]/gradient"] == ["jax-reverse", "jax-reverse'"]
    assert asked == [("run", 4)]


def test_advice_that_nothing_is_open_ends_the_comparison() -> None:
    assert planned(campaign(advise=lambda lines, repeat: {}), Stage(4, True)) == {}


def test_no_advice_means_everything_every_time() -> None:
    assert planned(campaign(), Stage(3, True)) == planned(campaign(), Stage(0, True))


def test_a_result_of_another_text_is_measured_again() -> None:
    c = campaign()
    row, cells = next(iter(c.plan(Stage(0, True))))
    key, (method, _) = cells[0]
    form = method.form(row.problem)
    assert form is not None
    c.file.done[key] = form.hash
    assert c.has(row, key, method)
    c.file.done[key] = "another"
    assert not c.has(row, key, method)


@pytest.mark.parametrize(
    ("stage", "share"),
    [
        (Stage(0, True), FIRST_PASS),
        (Stage(2, True), DUELS),
        (Stage(5, True), 1.0),
        (Stage(0, False), 1.0),
    ],
)
def test_a_budget_leaves_room_for_what_follows(
    stage: Stage, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first pass, the comparison and the rest have their shares of 100 s."""
    c = campaign(replace(STANDARD, budget_s=100.0))
    monkeypatch.setattr(stopwatch, "monotonic", lambda: c.began + 100.0 * share - 1.0)
    assert not c.spent(stage)
    monkeypatch.setattr(stopwatch, "monotonic", lambda: c.began + 100.0 * share + 1.0)
    assert c.spent(stage)


def test_without_a_budget_time_is_never_up(monkeypatch: pytest.MonkeyPatch) -> None:
    c = campaign()
    monkeypatch.setattr(stopwatch, "monotonic", lambda: c.began + 1e9)
    assert not c.spent(Stage(0, True))


def test_a_budget_buys_as_many_processes_as_a_decision_may_need() -> None:
    """Except where nothing can be decided: without second copies there is no noise floor."""
    quick = within(plan.preset("quick"), 600.0)
    assert (quick.budget_s, quick.repeats) == (600.0, STANDARD.repeats)
    smoke = within(plan.preset("smoke"), 600.0)
    assert smoke.repeats == plan.preset("smoke").repeats
    assert within(STANDARD, None) is STANDARD


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"threads": 0}, "give a number of cores, or 'default'"),
        ({"workers": "case"}, "give method or row"),
        ({"device": "npu"}, "give cpu or gpu or tpu"),
        ({"budget_s": 0.0}, "give a time above 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Settings(**settings)


def result_line(method: str, cores: float) -> dict[str, Any]:
    """A result whose steady block kept so many cores busy."""
    steady = {"phase": "steady", "wall_s": [1e-3], "cpu_s": [cores * 1e-3], "loops": [2]}
    return {"id": f"toy[1]/gradient/{method}", "method": method, "measurements": [steady]}


def test_a_method_that_uses_more_cores_than_asked_is_told_once() -> None:
    notes: list[str] = []

    class Loud(Silent):
        def note(self, message: str) -> None:
            notes.append(message)

    c = campaign()
    c.progress = Loud()
    for method, cores in (("a", 1.0), ("b", 1.9), ("b", 1.7), ("c", 1.3)):
        c._tell_threads(result_line(method, cores))
    assert notes == [
        "toy[1]/gradient/b: b used 1.9 cores where 1 was asked",
        "toy[1]/gradient/c: c used 1.3 cores where 1 was asked",
    ]


def test_threads_of_a_run_are_cores_and_switches() -> None:
    assert Settings(threads=None).cores(0) is None
    (core,) = Settings().cores(0) or ()
    assert core in machine.usable_cores()
    assert (Settings(threads=2).single_thread, Settings(threads=None).single_thread) == (False,) * 2


def test_a_device_that_is_not_there_is_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_module.importlib.util, "find_spec", lambda name: None)
    assert "nvidia-smi lists none" in run_module._absent("gpu", [])
    assert "pip install 'jax[tpu]'" in run_module._absent("tpu", [])
    for device, gpus in (("cpu", []), ("gpu", ["H200"])):
        assert run_module._absent(device, gpus) == ""
    monkeypatch.setattr(run_module.importlib.util, "find_spec", lambda name: name)
    assert run_module._absent("tpu", []) == ""


@pytest.mark.parametrize(("device", "platform"), [("cpu", "cpu"), ("gpu", "cuda"), ("tpu", "tpu")])
def test_workers_are_told_where_jax_computes(
    device: str, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    assert worker_environment(1, device)["JAX_PLATFORMS"] == platform
