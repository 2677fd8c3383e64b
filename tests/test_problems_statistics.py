"""Fits and likelihoods: hand-derived texts against duals, and what their data must look like."""

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from adbench.dual import python as dual
from adbench.model import ELEMENTARY, Operator, Point, Problem, Size, given, namespace
from adbench.problems import gmm, gp_nll, hmm_nll, logistic, xy_errors
from adbench.reference.truth import reference

SMALL: list[tuple[Problem, Size]] = [
    (xy_errors.PROBLEM, 30),
    (logistic.PROBLEM, (30, 4)),
    (gp_nll.PROBLEM, 10),
    (hmm_nll.PROBLEM, (3, 20)),
    (gmm.PROBLEM, (3, 2)),
]
SIZED = pytest.mark.parametrize(("problem", "size"), SMALL, ids=[p.name for p, _ in SMALL])


def words(functions: Any) -> ModuleType:
    """The scalar vocabulary, with the matrix words of closed forms on floats."""
    matrix = {
        "matmul": lambda a, b: (np.array(a) @ np.array(b)).tolist(),
        "inverse": lambda a: np.linalg.inv(np.array(a)).tolist(),
        "logdet": lambda a: float(np.linalg.slogdet(np.array(a))[1]),
    }
    return namespace("words", {w: getattr(functions, w) for w in ELEMENTARY} | matrix)


def arguments(operator: Operator, point: Point) -> list[Any]:
    """What a closed form takes, as lists."""
    return [a.tolist() for a in (point.x, *given(operator, point), *point.data)]


def by_duals(problem: Problem, operator: Operator, point: Point) -> Any:
    """The operator of the reference text by scalar duals."""
    f = problem.reference.build(words(dual.math))
    drivers: dict[Operator, Any] = {
        Operator.VALUE: lambda f: problem.reference.build(words(math)),
        Operator.GRADIENT: dual.grad,
        Operator.HESSIAN: dual.hessian,
        Operator.VALUE_AND_GRADIENT: lambda f: (
            lambda *a: [
                problem.reference.build(words(math))(*a),
                *dual.grad(f)(*a),
            ]
        ),
    }
    if operator is Operator.HVP:
        (v,) = given(operator, point)
        data = [d.tolist() for d in point.data]
        return np.array(dual.hessian(f)(point.x.tolist(), *data)) @ v
    return drivers[operator](f)(*arguments(operator, point))


@SIZED
def test_closed_forms_are_the_derivatives_of_the_text(problem: Problem, size: Any) -> None:
    """Every one of them, to 1e-12 of the result's size."""
    point = problem.at(size)
    assert problem.exact
    for operator, build in problem.exact.items():
        found = np.array(build(words(math))(*arguments(operator, point)))
        expected = np.array(by_duals(problem, operator, point))
        assert found.shape == expected.shape == operator.shape(len(point.x))
        np.testing.assert_allclose(
            found, expected, rtol=1e-12, atol=1e-12 * float(np.max(np.abs(expected)))
        )


@SIZED
def test_closed_sizes_have_every_closed_form_they_need(problem: Problem, size: Any) -> None:
    """A size whose text is too long in balls is certified by closed forms alone."""
    for large in problem.closed:
        assert large in problem.sizes
        n = len(problem.at(large).x)
        assert all(o in problem.exact for o in problem.operators if problem.offers(o, n))


@SIZED
def test_the_text_certifies(problem: Problem, size: Any) -> None:
    """The gradient by duals is the certified one."""
    point = problem.at(size)
    truth = reference(problem.reference, Operator.GRADIENT, point)
    found = np.array(by_duals(problem, Operator.GRADIENT, point))
    assert np.linalg.norm(found - truth.hi) < 1e-12 * np.linalg.norm(truth.hi)
    assert np.linalg.norm(truth.hi) > 0.01


def test_the_softplus_keeps_its_digits_far_from_zero() -> None:
    """log(1 + exp z) of weights so large that the naive text would give 0."""
    f = logistic.scalar(words(dual.math))
    slope = dual.grad(f)([1.0], [[-200.0]], [0.0])[0]
    assert slope == pytest.approx(1.0 - 200.0 * math.exp(-200.0), rel=1e-15)
    value = logistic.scalar(words(math))([1.0], [[600.0]], [0.0])
    assert value == pytest.approx(600.5, rel=1e-15)
    tiny = logistic.value(words(math))([0.0, 1.0], [[0.0, -200.0]], [0.0]) - 0.5
    assert tiny == pytest.approx(0.0, abs=1e-15)


def test_logistic_labels_are_of_both_kinds() -> None:
    _, labels = logistic.at((200, 5)).data
    assert set(labels.tolist()) == {0.0, 1.0}


def test_transitions_of_the_hidden_model_are_read_row_by_row() -> None:
    """A move from state 0 to state 1, its logit raised, makes data of that order more likely."""
    x = np.zeros(10)
    x[6:8] = -2.0, 2.0  # means
    x[0], y = 5.0, [-2.0, 2.0, 2.0, 2.0]
    f = hmm_nll.scalar(words(math))
    moves = []
    for k in range(2, 6):
        z = x.copy()
        z[k] = 1.0
        moves.append(f(z.tolist(), y) - f(x.tolist(), y))
    # logits (0, 0), (0, 1), (1, 0), (1, 1)
    assert moves[1] < 0 < moves[0]
    assert moves[3] < 0 < moves[2]


def test_the_mixture_fills_its_factors_column_by_column() -> None:
    """Of one component in three dimensions: Q = [[1, 0, 0], [a, 1, 0], [b, c, 1]]."""
    a, b, c = 0.3, -0.7, 1.1
    point = np.array([0.5, -1.0, 2.0])
    x = [0.0, *np.zeros(3), *np.zeros(3), a, b, c]
    f = gmm.scalar(words(math))
    y = np.array([[1, 0, 0], [a, 1, 0], [b, c, 1]]) @ point
    at_zero = f(x, [[0.0, 0.0, 0.0]])
    assert f(x, [point.tolist()]) - at_zero == pytest.approx(-0.5 * float(y @ y), rel=1e-13)


@pytest.fixture(scope="module")
def sweep() -> Any:
    """The hand-derived gradient, compiled once."""
    pytest.importorskip("numba")
    from adbench.dual.numba import primal

    form = gmm.PROBLEM.form("numba-manual")
    assert form is not None
    assert form.gives is Operator.VALUE_AND_GRADIENT
    return primal(form.build(words(math)))


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (9, 3)])
def test_the_hand_derived_sweep_is_the_gradient(sweep: Any, size: Any) -> None:
    """Also where the last block is not full, and in one dimension."""
    point = gmm.at(size)
    points = point.data[0][:37].copy()
    value, gradient = sweep(point.x.copy(), points)
    exact = gmm.value_and_gradient(words(math))(point.x.tolist(), points.tolist())
    assert value == pytest.approx(exact[0], rel=1e-13)
    error = np.linalg.norm(gradient - exact[1:])
    assert error < 1e-12 * np.linalg.norm(exact[1:])
