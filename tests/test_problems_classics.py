"""Classics: closed forms are the derivatives of the texts, and what makes each problem what it is."""

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from adbench.model import Form, Operator, Point, Problem, elsewhere, given, namespace
from adbench.problems import det, helmholtz, kmeans, llsq, lse, mlp, rosenbrock, speelpenning
from adbench.reference.balls import precision
from adbench.reference.evaluate import evaluate, evaluate_closed
from adbench.reference.inputs import inputs
from adbench.reference.judge import judge
from adbench.reference.truth import certified

CLOSED = [
    (speelpenning, 7, Operator.GRADIENT),
    (helmholtz, 6, Operator.VALUE),
    (helmholtz, 6, Operator.GRADIENT),
    (helmholtz, 6, Operator.HESSIAN),
    (lse, 9, Operator.GRADIENT),
    (lse, 9, Operator.HVP),
    (llsq, 6, Operator.GRADIENT),
    (kmeans, (3, 40, 2), Operator.VALUE),
    (kmeans, (3, 40, 2), Operator.GRADIENT),
    (kmeans, (3, 40, 2), Operator.NEWTON_DIRECTION),
    (det, 2, Operator.GRADIENT),
    (det, 5, Operator.GRADIENT),
    (mlp, (7, 3, 4), Operator.VALUE),
    (mlp, (7, 3, 4), Operator.GRADIENT),
    (mlp, (7, 3, 4), Operator.HVP),
    (rosenbrock, 6, Operator.GRADIENT),
    (rosenbrock, 6, Operator.HESSIAN),
    (rosenbrock, 6, Operator.HVP),
]


def plain(module: Any) -> ModuleType:
    """The vocabulary of `math`, or of another module of that kind."""
    return namespace("plain", {k: v for k, v in vars(module).items() if not k.startswith("_")})


def lists(point: Point) -> list[Any]:
    return [point.x.tolist(), *(d.tolist() for d in point.data)]


def value(problem: Problem, point: Point) -> float:
    return float(problem.reference.build(plain(math))(*lists(point)))


@pytest.mark.parametrize(
    ("module", "size", "operator"),
    [pytest.param(*c, id=f"{c[0].PROBLEM.name}-{c[2].value}") for c in CLOSED],
)
def test_closed_forms_are_the_derivatives_of_the_text(
    module: Any, size: Any, operator: Operator
) -> None:
    """To 1e-40, at the problem's point and at another one."""
    problem: Problem = module.PROBLEM
    for point in (problem.at(size), elsewhere(problem.at(size))):
        with precision(200):
            centre = inputs(point, problem.reference, operator)
            by_tape = evaluate(problem.reference, operator, centre)
            by_hand = evaluate_closed(problem.exact[operator], centre)
            assert len(by_hand) == len(by_tape)
            for a, b in zip(by_hand, by_tape, strict=True):
                assert abs(a - b) <= 1e-40 * max(abs(b), 1)
                assert a.rel_accuracy_bits() > 100 or abs(a) < 1e-40


@pytest.mark.parametrize("size", [2, 10, 1_000])
def test_the_manual_gradient_of_rosenbrock_is_exact(size: int) -> None:
    problem = rosenbrock.PROBLEM
    form, point = problem.form("numba-manual"), problem.at(size)
    assert form is not None
    assert form.gives is Operator.VALUE_AND_GRADIENT
    found, gradient = form.build(plain(math))(point.x)
    truth = certified(problem, size, Operator.VALUE_AND_GRADIENT, point)
    verdict = judge(np.array([found, *gradient]), truth)
    assert verdict.outcome.ran, verdict.message


def test_the_manual_gradient_of_rosenbrock_compiles() -> None:
    numba = pytest.importorskip("numba")
    form = rosenbrock.PROBLEM.form("numba-manual")
    assert form is not None
    text = form.build(plain(math))
    x = rosenbrock.at(10).x
    found, gradient = numba.njit(text)(x)
    expected = text(x)
    assert math.isclose(found, expected[0], rel_tol=1e-14)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-13)


@pytest.mark.parametrize("size", [(10, 1_000, 8), (3, 40, 2)])
def test_every_centre_of_kmeans_has_points_of_its_own(size: tuple[int, int, int]) -> None:
    """A centre with one point alone would have derivative 0, and one with none no Newton direction."""
    point = kmeans.PROBLEM.at(size)
    centres, points = point.x.reshape(size[0], -1), point.data[0]
    distances = np.sum((points[:, None, :] - centres) ** 2, axis=2)
    assert np.all(np.bincount(np.argmin(distances, axis=1), minlength=size[0]) >= 2)


def test_a_newton_step_takes_the_centres_to_the_means_of_their_clusters() -> None:
    problem, size = kmeans.PROBLEM, (3, 40, 2)
    point = problem.at(size)
    points = point.data[0]
    truth = certified(problem, size, Operator.NEWTON_DIRECTION, point)
    moved = (point.x - truth.hi).reshape(3, 2)
    nearest = np.argmin(np.sum((points[:, None, :] - point.x.reshape(3, 2)) ** 2, axis=2), axis=1)
    means = [points[nearest == j].mean(axis=0) for j in range(3)]
    np.testing.assert_allclose(moved, means, rtol=1e-14)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_both_texts_of_det_are_the_determinant(size: int) -> None:
    point = det.PROBLEM.at(size)
    expected = np.linalg.det(point.x.reshape(size, size))
    assert math.isclose(value(det.PROBLEM, point), expected, rel_tol=1e-12)
    array = det.PROBLEM.form("array")
    assert array is not None
    assert math.isclose(array.build(np)(point.x, *point.data), expected, rel_tol=1e-12)


def test_the_determinant_changes_its_sign_with_the_order_of_rows() -> None:
    point = det.PROBLEM.at(4)
    swapped = point.x.reshape(4, 4)[[1, 0, 2, 3]].ravel()
    turned = value(det.PROBLEM, Point(swapped, point.data))
    assert math.isclose(turned, -value(det.PROBLEM, point), rel_tol=1e-12)


def test_recursion_compiles_for_duals() -> None:
    dual = pytest.importorskip("adbench.dual.numba")
    words = plain(math)
    words.zeros = np.zeros  # type: ignore[attr-defined]
    point = det.PROBLEM.at(3)
    found = dual.grad(det.PROBLEM.reference.build(words))(point.x, *point.data)
    matrix = point.x.reshape(3, 3)
    cofactors = np.linalg.inv(matrix).T * np.linalg.det(matrix)
    np.testing.assert_allclose(found, cofactors.ravel(), rtol=1e-12)


def test_lse_survives_what_exp_alone_does_not() -> None:
    x = np.array([1000.0, 999.0, -1000.0])
    expected = 1000.0 + math.log1p(math.exp(-1.0))
    assert math.isclose(value(lse.PROBLEM, Point(x)), expected, rel_tol=1e-15)


def test_the_product_telescopes() -> None:
    assert math.isclose(
        value(speelpenning.PROBLEM, speelpenning.at(1_000)), 1 / 1001, rel_tol=1e-13
    )


def test_a_hessian_vector_product_is_linear_in_the_direction() -> None:
    """A closed form that forgot the direction in one of its terms would not be."""
    point = mlp.PROBLEM.at((7, 3, 4))
    words = namespace("plain", {**vars(math), "matmul": _matmul})
    h = mlp.PROBLEM.exact[Operator.HVP](words)
    (v,), (x, data) = given(Operator.HVP, point), lists(point)
    once, doubled = (np.array(h(x, (s * v).tolist(), data)) for s in (1.0, 2.0))
    np.testing.assert_allclose(doubled, 2.0 * once, rtol=1e-12)


def _matmul(a: Any, b: Any) -> Any:
    return (np.asarray(a) @ np.asarray(b)).tolist()


def test_the_term_of_llsq_is_one_summand() -> None:
    problem = llsq.PROBLEM
    term: Form | None = problem.form("term")
    assert term is not None
    assert term.columns is not None
    point = problem.at(16)
    summand = term.build(plain(math))
    rows = zip(*(c.tolist() for c in term.columns(*point.data)), strict=True)
    total = math.fsum(summand(point.x.tolist(), *row) for row in rows)
    assert math.isclose(total, value(problem, point), rel_tol=1e-14)
