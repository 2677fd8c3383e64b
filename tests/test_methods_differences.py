"""Differences of fourth order and Ridders' extrapolation: runs, stop, promises, every operator."""

import math
from typing import Any

import numpy as np
import pytest
from small_forms import computed, elementwise, of_numbers, of_vectors, prepared_elsewhere, sparse

from adbench import registry
from adbench.methods import _difference
from adbench.methods._difference import EPS, SAFETY
from adbench.methods._numpy_extrapolation import LEVELS, extrapolated, extrapolated_all
from adbench.methods._shared import ELEMENTWISE, GRADIENTS
from adbench.model import Form, Operator, Outcome, Point
from adbench.reference.judge import judge
from adbench.reference.truth import certified

NAMES = ["numpy-fourth", "numpy-ridders"]
PROMISE = 8.0 * SAFETY * EPS ** (4 / 5)
SMALL = {
    "rosenbrock": 2, "gauss_nll": 100, "propagation": 3, "kepler": 1, "logistic_map": 1, "escape": 1,
    "damped_sine": 1_000, "helmholtz": 10,
}  # fmt: skip


def cells() -> list[Any]:
    found = []
    for name, size in SMALL.items():
        problem = registry.problem(name)
        for operator in problem.operators:
            found += [
                (m, name, size, operator)
                for m in NAMES
                if operator in registry.method(m).operators
                and problem.offers(operator, len(problem.at(size).x))
            ]
    return found


@pytest.mark.parametrize(("name", "problem", "size", "operator"), cells())
def test_the_promise_is_kept(name: str, problem: str, size: int, operator: Operator) -> None:
    method, found = registry.method(name), registry.problem(problem)
    form, point = method.form(found), found.at(size)
    assert form is not None
    p = prepared_elsewhere(method, form, operator, point)
    truth = certified(found, size, operator, point)
    verdict = judge(computed(p, point), truth, method.rtol.get(operator))
    assert verdict.outcome is Outcome.OK, verdict.message


def error(found: Any, exact: Any) -> float:
    assert found.shape == np.shape(exact)
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("operator", [Operator.JACOBIAN, Operator.JVP, Operator.PROPAGATE])
@pytest.mark.parametrize("name", NAMES)
def test_vector_valued_functions(name: str, operator: Operator) -> None:
    form, point, exact = of_vectors(operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < registry.method(name).rtol[operator] / 100.0


@pytest.mark.parametrize("name", NAMES)
def test_functions_of_numbers_and_of_several_numbers_a_point(name: str) -> None:
    form, point, exact = of_numbers(Operator.GRADIENT)
    for operator in GRADIENTS:
        found = computed(prepared_elsewhere(registry.method(name), form, operator, point), point)
        assert error(found[-3:], exact) < PROMISE / 100.0
    for operator in ELEMENTWISE:
        form, point, exact = elementwise(2, operator)
        found = computed(prepared_elsewhere(registry.method(name), form, operator, point), point)
        assert error(found, exact) < PROMISE / 100.0


@pytest.mark.parametrize("name", NAMES)
def test_a_sparse_jacobian_takes_one_difference_a_colour(name: str) -> None:
    form, point, dense = sparse(40)
    assert point.pattern is not None
    calls: list[int] = []

    def build(xp: Any) -> Any:
        f = form.build(xp)
        return lambda x, a: calls.append(1) or f(x, a)  # type: ignore[func-returns-value]

    p = prepared_elsewhere(registry.method(name), Form("array", build), Operator.JACOBIAN, point)
    found = computed(p, point)
    assert error(found.toarray(), dense) < PROMISE / 100.0
    most = 4 if name == "numpy-fourth" else 2 * LEVELS
    assert 4 * len(point.pattern.seeds) <= len(calls) <= most * len(point.pattern.seeds)


def counted(f: Any) -> tuple[Form, list[int]]:
    calls: list[int] = []

    def build(m: Any) -> Any:
        return lambda x: calls.append(1) or f(m, x[0])  # type: ignore[func-returns-value]

    return Form("scalar", build), calls


@pytest.mark.parametrize(
    ("name", "f", "least", "most"),
    [
        ("numpy-fourth", lambda m, t: m.exp(t), 4, 4),
        ("numpy-ridders", lambda m, t: 3.0 * t, 4, 4),
        ("numpy-ridders", lambda m, t: m.exp(t), 6, 2 * LEVELS - 2),
        ("numpy-ridders", lambda m, t: m.sin(900.0 * t), 8, 2 * LEVELS),
    ],
)
def test_runs_are_counted(name: str, f: Any, least: int, most: int) -> None:
    """Fourth order always takes four; an extrapolation as many as the function needs."""
    form, calls = counted(f)
    point = Point(np.array([0.75]))
    computed(prepared_elsewhere(registry.method(name), form, Operator.GRADIENT, point), point)
    assert least <= len(calls) <= most


@pytest.mark.parametrize("rate", [1.0, 30.0, 300.0])
def test_extrapolation_is_better_than_its_own_first_row(rate: float) -> None:
    """And nearly exact where one central difference of that step is not."""

    def change(c: float) -> Any:
        h = c * 2.0**-11
        return (math.sin(rate * (0.4 + h)) - math.sin(rate * (0.4 - h))) / 2.0**-11

    exact = rate * math.cos(0.4 * rate)
    assert abs(extrapolated(change) / exact - 1.0) < 1e-10
    assert abs(change(1.0) / 2.0 / exact - 1.0) > 1e-8


def test_an_element_of_an_array_is_what_it_is_alone() -> None:
    """Its tableau ends where its own rounding takes over, whatever the others still do."""
    rates = np.array([0.5, 3.0, 40.0, 700.0])

    def change_of(rate: Any) -> Any:
        def change(c: float) -> Any:
            h = c * 2.0**-11
            return np.sin(rate * (0.3 + h)) - np.sin(rate * (0.3 - h))

        return change

    alone = [extrapolated(change_of(rate)) for rate in rates]
    assert extrapolated_all(change_of(rates)).tolist() == alone


def test_a_first_step_outside_the_domain_is_left_behind() -> None:
    """A row without numbers spoils only what was made of it."""

    def change(c: float) -> Any:
        h = c * 2.0**-11
        return 2.0 * h if h < 2.0**-11 else float("nan")

    assert extrapolated(change) * 2.0**11 == 1.0
    assert extrapolated_all(lambda c: np.array([change(c)])).item() * 2.0**11 == 1.0


def test_promises_are_of_fourth_order_and_of_no_second_derivatives() -> None:
    for name in NAMES:
        method = registry.method(name)
        assert method.rtol == _difference.FOURTH
        assert method.rtol[Operator.GRADIENT] == PROMISE
        assert method.rtol[Operator.PROPAGATE] == 2.0 * PROMISE
        assert not {*_difference.SECOND, Operator.VJP} & {*method.operators}
        assert "nested-derivative" in method.gaps


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_offered_is_refused_with_a_sentence(name: str) -> None:
    form, point, _ = of_numbers(Operator.HESSIAN)
    with pytest.raises(NotImplementedError, match="is not asked for 'hessian'; it offers"):
        registry.method(name).prepare(form, Operator.HESSIAN, point)
    nested = Form("array", lambda xp: lambda x: xp.sum(xp.derivative(xp.sin, x)))
    p = registry.method(name).prepare(nested, Operator.GRADIENT, Point(np.ones(2)))
    with pytest.raises(NotImplementedError, match="cannot nest derivatives"):
        p.call(np.ones(2))
