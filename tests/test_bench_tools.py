"""The scripts on adapters and differences: the calls by hand are right, tables and slopes say what is so."""

import json
import math
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adbench import registry
from adbench.harness.plan import CORE
from adbench.model import Operator
from adbench.reference.truth import certified

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
MODULES = {"adapters": ("by_hand", "overhead"), "differences": ("curve_page", "curve")}


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The scripts as modules: their folders are no packages."""
    folders = [str(BENCHMARKS / folder) for folder in MODULES]
    names = [name for found in MODULES.values() for name in found]
    sys.path[:0] = folders
    try:
        yield SimpleNamespace(**{name: import_module(name) for name in names})
    finally:
        for folder in folders:
            sys.path.remove(folder)
        for name in names:
            sys.modules.pop(name, None)


def _quick() -> list[str]:
    """Of methods that do not compile: the others take seconds each."""
    return [
        "numpy-forward", "numpy-central", "numpy-fourth", "numpy-ridders", "complex-step",
        "dual-python", "dual-numpy", "autograd-reverse", "autograd-forward", "sympy-numpy",
    ]  # fmt: skip


@pytest.mark.parametrize("name", _quick())
def test_a_call_by_hand_is_as_right_as_the_method(bench: SimpleNamespace, name: str) -> None:
    method, problem = registry.method(name), registry.problem("gauss_nll")
    if reason := registry.reason_unavailable(method):
        pytest.skip(reason)
    x, (sample,) = problem.at(100).fresh()
    call, args = bench.by_hand.BY_HAND[name](x, sample)
    truth = certified(problem, 100, Operator.GRADIENT, problem.at(100)).hi
    promise = method.rtol.get(Operator.GRADIENT, 1e-13)
    np.testing.assert_allclose(np.asarray(call(*args)), truth, rtol=promise)


def test_calls_by_hand_are_of_core_methods_that_read_the_problem(bench: SimpleNamespace) -> None:
    problem = registry.problem("gauss_nll")
    for name in bench.by_hand.BY_HAND:
        method = registry.method(name)
        assert method.tool in CORE
        assert method.form(problem) is not None
        assert Operator.GRADIENT in method.operators


def process(ratio: float, difference_s: float) -> dict[str, float]:
    log = math.log(ratio)
    return {"hand_s": 1e-6, "log_ratio": log, "difference_s": difference_s, "log_copy": 0.0}


@pytest.mark.parametrize(
    ("ratio", "difference_s", "kept"),
    [(1.019, 1e-6, True), (1.021, 1e-6, False), (1.5, 99e-9, True), (1.5, 101e-9, False)],
)
def test_an_adapter_may_cost_two_percent_or_a_hundred_nanoseconds(
    bench: SimpleNamespace, ratio: float, difference_s: float, kept: bool
) -> None:
    judged = bench.overhead.judged("m", [process(ratio, difference_s)] * 2)
    assert judged["kept"] is kept
    assert judged["low"] == pytest.approx(ratio)
    assert ("**no**" in bench.overhead.table([judged])) is not kept


def lines(power: float) -> list[dict[str, Any]]:
    """A rule whose truncation goes with a power of the step, with rounding of 1e-16 / step."""
    steps = [10.0 ** (-k / 12) for k in range(12, 193)]
    return [
        {"kind": "curve", "rule": "forward", "step": h, "error": h**power + 1e-16 / h}
        for h in steps
    ]


@pytest.mark.parametrize("power", [1.0, 2.0, 4.0])
def test_slopes_and_best_steps_are_found(bench: SimpleNamespace, power: float) -> None:
    found = lines(power)
    step, error = bench.curve_page.best(found, "forward")
    ideal = (1e-16 / power) ** (1 / (1 + power))
    assert abs(math.log(step / ideal)) < 1.0
    assert error < 3.0 * (ideal**power + 1e-16 / ideal)
    assert bench.curve_page.slope(found, "forward", 20 * step, 0.1) == pytest.approx(
        power, abs=0.05
    )
    assert bench.curve_page.slope(found, "forward", 1e-14, step / 20) == pytest.approx(-1, abs=0.05)


def test_the_rules_of_the_methods_show_their_orders(bench: SimpleNamespace, tmp_path: Path) -> None:
    """What the picture says: slopes 1, 2 and 4, no rounding branch of the complex step."""
    assert bench.curve.main(["--out", str(tmp_path)]) == 0
    found = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    for rule, (_, order) in bench.curve_page.IDEAL.items():
        step, _ = bench.curve_page.best(found, rule)
        slope = bench.curve_page.slope(found, rule, 10 * step, 0.1)
        assert slope == pytest.approx(order, abs=0.1)
    flat = [x["error"] for x in found if x.get("rule") == "complex step" and x["step"] < 1e-9]
    assert max(flat) < 1e-15
    assert (tmp_path / "curve.svg").read_text().startswith("<svg")
    own = {x["method"]: x for x in found if x["kind"] == "tool"}["numpy-central"]
    assert own["error"] < own["promised"]
