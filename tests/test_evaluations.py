"""Calls of f in one call of a derivative: what the formulas of each method say, and nothing timed."""

import json
from dataclasses import replace

import pytest
from test_rounds import PRESET, Scripted, cells_of, visit
from typer.testing import CliRunner

from adbench import registry
from adbench.analysis import tidy
from adbench.cli import app
from adbench.harness import store
from adbench.harness.evaluations import Counter, count
from adbench.harness.stopwatch import Sample
from adbench.model import Operator, Point, Prepared, elsewhere


def counted(method: str, problem: str, size: int, operator: Operator) -> int | None:
    found, chosen = registry.problem(problem), registry.method(method)
    form, point = chosen.form(found), found.at(size)
    assert form is not None
    return count(chosen, form, operator, elsewhere(point), point)


@pytest.mark.parametrize(
    ("method", "of_n"),
    [
        ("numpy-forward", lambda n: n + 1),
        ("numpy-central", lambda n: 2 * n),
        ("numpy-fourth", lambda n: 4 * n),
        ("complex-step", lambda n: n),
        ("dual-numpy", lambda n: 1),
    ],
)
@pytest.mark.parametrize(("problem", "size", "n"), [("gauss_nll", 100, 2), ("rosenbrock", 10, 10)])
def test_a_gradient_calls_f_as_often_as_its_formula_says(
    method: str, of_n: object, problem: str, size: int, n: int
) -> None:
    assert callable(of_n)
    assert counted(method, problem, size, Operator.GRADIENT) == of_n(n)


def test_an_extrapolation_calls_more_often_than_what_it_extrapolates() -> None:
    ridders = counted("numpy-ridders", "gauss_nll", 100, Operator.GRADIENT)
    assert ridders is not None
    assert ridders > 4


def test_points_in_an_array_are_one_call() -> None:
    """A function at each of many points is called for all of them together."""
    assert counted("numpy-central", "damped_sine", 100, Operator.DERIVATIVE) == 2
    assert counted("numpy-central", "damped_sine", 1000, Operator.DERIVATIVE) == 2


def test_reverse_mode_by_tracing_calls_f_once() -> None:
    pytest.importorskip("autograd")
    assert counted("autograd-reverse", "rosenbrock", 10, Operator.GRADIENT) == 1


def test_a_tool_that_has_its_own_text_by_then_is_not_counted() -> None:
    """SymPy calls f while it prepares, and never again."""
    pytest.importorskip("sympy")
    assert counted("sympy-numpy", "rosenbrock", 2, Operator.GRADIENT) is None


def test_helpers_inside_are_not_counted_and_the_form_keeps_its_own_text() -> None:
    form = registry.problem("rosenbrock").form("scalar")
    assert form is not None
    text = form.hash
    counter = Counter()
    f = counter.form(form).build(registry.problem("rosenbrock"))  # type: ignore[arg-type]
    assert f([1.0, 1.0]) == 0.0
    assert f(x=[1.0, 1.0]) == 0.0
    assert counter.calls == 2
    assert form.hash == text


def test_a_form_of_a_tools_own_can_be_counted() -> None:
    """Its docstring, without which no form is made, goes along."""
    own = next(
        f for p in registry.problems().values() for f in p.forms if f.own and f.name == "jax"
    )
    assert Counter().form(own).name == "jax"


def test_only_the_call_is_counted_not_what_prepares_it() -> None:
    def prepare(form: object, operator: Operator, point: Point) -> Prepared:
        f = form.build(None)  # type: ignore[attr-defined]
        f(point.x)
        return Prepared(lambda x: f(x) + f(x), lambda p: (p.x,), float, compile=lambda: f(point.x))

    base = registry.method("numpy-central")
    form = registry.problem("rosenbrock").forms[0]
    simple = replace(form, build=lambda m: lambda x: float(x[0]))
    point = Point([1.0, 2.0])  # type: ignore[arg-type]
    method = replace(base, prepare=prepare)
    assert count(method, simple, Operator.GRADIENT, point, point) == 2


def test_cells_count_once_and_only_what_is_cheap_and_calls_f() -> None:
    (cell, *_) = cells_of(Scripted(), Scripted(), Scripted())
    assert cell.countable
    for change in ({"repeat": 1}, {"twin": True}, {"method": replace(cell.method, compiles=True)}):
        assert not replace(cell, **change).countable  # type: ignore[arg-type]
    from adbench.model import Phase

    assert not replace(cell, singles={Phase.FIRST: Sample(1.5, 1.5)}).countable
    assert not replace(cell, call_s=1.5).countable


def test_the_number_travels_from_the_worker_to_the_table() -> None:
    class Counting(Scripted):
        def ask(self, seat, command, *arguments, limits):  # type: ignore[no-untyped-def]
            answer = super().ask(seat, command, *arguments, limits=limits)
            return answer | {"evaluations": 20} if command == "finish" and arguments[0] else answer

    cells = cells_of(Counting(), Scripted(), Counting(), preset=PRESET)
    found = {r.case.method: r for r in visit(cells)}
    known = {m: r.evaluations for m, r in found.items()}
    assert sorted(known.values(), key=str) == [20, 20, None]
    for cell in cells:
        line = store.line_of(found[cell.method.name], cell.method, "2026-11-24T00:00:00+00:00")
        assert line["evaluations"] == known[cell.method.name]
        row = tidy([line]).iloc[0]
        assert row.evaluations == (
            known[cell.method.name] or pytest.approx(float("nan"), nan_ok=True)
        )


def test_eval_prints_it() -> None:
    done = CliRunner().invoke(app, ["eval", "gauss_nll[100]/gradient/numpy-central", "--json"])
    assert json.loads(done.stdout)["evaluations"] == 4
