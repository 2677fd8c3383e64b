"""Problems with many outputs: what their texts compute, their patterns, parts and derivatives by hand."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from adbench.dual import numpy as arrays
from adbench.dual import python as duals
from adbench.model import ELEMENTARY, Operator, Point, Problem, elsewhere, namespace
from adbench.problems import _hand, ba, brusselator, damped_sine, ht, propagation
from adbench.reference.balls import precision
from adbench.reference.truth import reference

WORDS = namespace("duals", {w: getattr(duals.math, w) for w in ELEMENTARY})
FLOATS = namespace("floats", {w: getattr(math, w) for w in ELEMENTARY})
ARRAYS = namespace(
    "arrays",
    {k: v for k, v in vars(np).items() if not k.startswith("_")}
    | {"acos": np.arccos, "atan2": np.arctan2},
)


def lists(point: Point) -> list[Any]:
    return [d.tolist() for d in (point.x, *point.data)]


def value(problem: Problem, point: Point) -> Any:
    return np.array(problem.reference.build(FLOATS)(*lists(point)))


def jacobian(problem: Problem, point: Point) -> Any:
    """Dense, by scalar duals of the scalar text."""
    x, *data = lists(point)
    return np.array(duals.jacobian(problem.reference.build(WORDS))(x, *data))


def array_jacobian(problem: Problem, point: Point) -> Any:
    form = problem.form("array")
    assert form is not None
    x, data = point.fresh()
    return arrays.jacobian(form.build(ARRAYS))(x, *data)


def moved(point: Point) -> Point:
    """A point without symmetries: no two of its cameras or places are alike."""
    x = point.x * (1.0 + 0.1 * np.random.default_rng(7).standard_normal(len(point.x)))
    return Point(x, point.data, point.outputs, point.pattern)


def unturned(point: Point) -> Point:
    """Two cameras of `ba`, one of which is not turned."""
    x = moved(point).x.copy()
    x[:3] = 0.0
    return Point(x, point.data, point.outputs, point.pattern)


def sight() -> Point:
    return moved(ba.PROBLEM.at((3, 4, 14)))


def hand(complicated: bool) -> Point:
    return moved(_hand.hand(60, 9, complicated))


POINTS: dict[str, tuple[Problem, Callable[[], Point]]] = {
    "ba": (ba.PROBLEM, sight),
    "ba-unturned": (ba.PROBLEM, lambda: unturned(ba.PROBLEM.at((2, 3, 6)))),
    "brusselator": (brusselator.PROBLEM, lambda: moved(brusselator.PROBLEM.at(4))),
    "ht": (ht.PROBLEM, lambda: hand(complicated=False)),
    "ht-complicated": (ht.PROBLEM, lambda: hand(complicated=True)),
    "propagation-3": (propagation.PROBLEM, lambda: propagation.PROBLEM.at(3)),
    "propagation-8": (propagation.PROBLEM, lambda: propagation.PROBLEM.at(8)),
    "propagation-20": (propagation.PROBLEM, lambda: propagation.PROBLEM.at(20)),
}
SPARSE = ("ba", "brusselator", "ht-complicated")


@pytest.fixture(params=POINTS)
def case(request: pytest.FixtureRequest) -> tuple[Problem, Point]:
    problem, point = POINTS[request.param]
    return problem, point()


def test_texts_have_the_same_jacobian(case: tuple[Problem, Point]) -> None:
    """Also where a rotation is none, and the two texts avoid 0 / 0 in different ways."""
    problem, point = case
    expected = jacobian(problem, point)
    assert expected.shape == (point.outputs, len(point.x))
    assert np.all(np.isfinite(expected))
    found = array_jacobian(problem, point)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("name", POINTS)
def test_jacobians_are_certified(name: str) -> None:
    problem, make = POINTS[name]
    point = make()
    truth = reference(problem.reference, Operator.JACOBIAN, point).hi
    found = jacobian(problem, point)
    if point.pattern is not None:
        found = found[point.pattern.row_of, point.pattern.columns]
    np.testing.assert_allclose(found.ravel(), truth, rtol=1e-11, atol=1e-13 * np.abs(truth).max())


@pytest.mark.parametrize("name", SPARSE)
def test_patterns_hold_the_non_zeros_and_no_other_places(name: str) -> None:
    """At a point without symmetries, where nothing cancels but what always does."""
    problem, make = POINTS[name]
    point = make()
    assert point.pattern is not None
    structural = point.pattern.matrix(np.ones(point.pattern.nnz)).toarray() != 0.0
    found = jacobian(problem, point) != 0.0
    assert not np.any(found & ~structural)
    # u0 and v0 each move one residual of a pair; which skin a finger moves is a matter of the draw
    always = {"ba": 2 * 14, "brusselator": 0}
    if name in always:
        assert np.sum(structural & ~found) == always[name]


@pytest.mark.parametrize(
    ("problem", "size"),
    [(ba.PROBLEM, (5, 50, 200)), (brusselator.PROBLEM, 8), (ht.PROBLEM, (544, 100))],
    ids=["ba", "brusselator", "ht"],
)
def test_every_variable_and_every_output_matters(problem: Problem, size: Any) -> None:
    """And no column is the same elsewhere, but that of what is merely added."""
    here = problem.at(size)
    found, there = jacobian(problem, here), jacobian(problem, elsewhere(here))
    assert np.all(np.abs(found).max(axis=0) > 1e-3)
    assert np.all(np.abs(found).max(axis=1) > 1e-3)
    added = {"ba": 0, "brusselator": 0, "ht": 3}
    assert np.sum(np.all(found == there, axis=0)) == added[problem.name]


@pytest.mark.parametrize(
    ("point", "entries", "colours"),
    [
        (ba.PROBLEM.at((5, 50, 200)), 31 * 200, 15),
        (brusselator.PROBLEM.at(8), 12 * 8 * 8, 11),
        (brusselator.PROBLEM.at(32), 12 * 32 * 32, 12),
        (_hand.hand(60, 9, complicated=True), 28 * 27, 28),
    ],
    ids=["ba", "brusselator-8", "brusselator-32", "ht"],
)
def test_patterns_have_the_published_size(point: Point, entries: int, colours: int) -> None:
    assert point.pattern is not None
    assert point.pattern.nnz == entries
    assert point.pattern.column_colours.max() + 1 == colours


@pytest.mark.parametrize("outputs", [[0], [5, 3], [12, 13, 26], [2, 30, 41]])
@pytest.mark.parametrize("name", ["ba", "ht", "ht-complicated"])
def test_a_restricted_point_is_a_part_of_the_function(name: str, outputs: list[int]) -> None:
    """Its outputs and derivatives are those rows of f, which depend on no other variables."""
    problem, make = POINTS[name]
    point = make()
    assert problem.restrict is not None
    outputs = [i % (point.outputs or 1) for i in outputs]
    smaller, rows, columns = problem.restrict(point, outputs)
    assert set(outputs) <= set(rows.tolist())
    assert len(columns) <= len(point.x)
    assert smaller.outputs == len(rows) < (point.outputs or 1)
    assert np.array_equal(smaller.x, point.x[columns])
    np.testing.assert_array_equal(value(problem, smaller), value(problem, point)[rows])
    whole, part = jacobian(problem, point)[rows], jacobian(problem, smaller)
    np.testing.assert_array_equal(part, whole[:, columns])
    assert np.count_nonzero(whole) == np.count_nonzero(part)
    if smaller.pattern is not None:
        outside = smaller.pattern.matrix(np.ones(smaller.pattern.nnz)).toarray() == 0.0
        assert not np.any(part[outside])


@pytest.fixture(scope="module")
def by_hand() -> Any:
    numba = pytest.importorskip("adbench.dual.numba")
    form = ba.PROBLEM.form("numba-manual")
    assert form is not None
    assert form.gives is Operator.JACOBIAN
    words = {**{w: getattr(math, w) for w in ELEMENTARY}, "zeros": np.zeros}
    return numba.primal(form.build(namespace("numba", words)))


@pytest.mark.parametrize("name", ["ba", "ba-unturned"])
def test_the_jacobian_by_hand_is_the_derivative(name: str, by_hand: Any) -> None:
    problem, make = POINTS[name]
    point = make()
    x, data = point.fresh()
    truth = reference(problem.reference, Operator.JACOBIAN, point).hi
    scale = np.abs(truth).max()
    np.testing.assert_allclose(by_hand(x, *data), truth, rtol=1e-11, atol=1e-13 * scale)


@pytest.mark.parametrize("size", [3, 8, 20])
def test_closed_jacobians_of_propagation(size: int) -> None:
    point = propagation.PROBLEM.at(size)
    closed = propagation.PROBLEM.exact[Operator.JACOBIAN](FLOATS)(*lists(point))
    np.testing.assert_allclose(closed, jacobian(propagation.PROBLEM, point), rtol=1e-14)


def test_the_damped_sine_is_the_same_in_both_problems() -> None:
    """As a function at each point, and as a vector with a diagonal Jacobian."""
    point = damped_sine.PROBLEM.at(1_000)
    assert np.array_equal(point.x, propagation.PROBLEM.at(1_000).x)
    slope = damped_sine.PROBLEM.exact[Operator.DERIVATIVE](FLOATS)(point.x.tolist())
    rows = propagation.PROBLEM.exact[Operator.JACOBIAN](FLOATS)(point.x.tolist())
    assert np.array_equal(np.diag(slope), rows)


def test_bundle_adjustment_against_rotation_matrices() -> None:
    """Rodrigues' formula as a matrix, one observation at a time."""
    point = sight()
    z, camera, place = point.data
    expected = []
    for i in range(14):
        r, centre = point.x[camera[i] :][:3], point.x[camera[i] + 3 :][:3]
        focal, u0, v0, k1, k2 = point.x[camera[i] + 6 :][:5]
        w = point.x[-14:][i]
        angle = np.linalg.norm(r)
        k = np.cross(np.eye(3), r / angle)
        turn = np.eye(3) + math.sin(angle) * k + (1.0 - math.cos(angle)) * k @ k
        seen = turn @ (point.x[place[i] :][:3] - centre)
        p = seen[:2] / seen[2]
        rho = p @ p
        p = p * (1.0 + k1 * rho + k2 * rho * rho)
        expected.extend(w * (focal * p + np.array([u0, v0]) - z[2 * i : 2 * i + 2]))
    expected.extend(1.0 - point.x[-14:] ** 2)
    np.testing.assert_allclose(value(ba.PROBLEM, point), expected, rtol=1e-9)


def test_bundle_adjustment_sees_cameras_and_points_in_turn() -> None:
    _, camera, place = ba.PROBLEM.at((5, 50, 200)).data
    assert camera[:6].tolist() == [0, 11, 22, 33, 44, 0]
    assert place[[0, 1, 49, 50]].tolist() == [55, 58, 55 + 3 * 49, 55]


def test_the_brusselator_against_shifted_grids() -> None:
    point = moved(brusselator.PROBLEM.at(8))
    u, v = point.x.reshape(2, 8, 8)

    def lap(w: Any) -> Any:
        return sum(np.roll(w, s, a) for s in (1, -1) for a in (0, 1)) - 4.0 * w

    f_u = 1.0 + u * u * v - 4.4 * u + 10.0 * lap(u) * 64.0
    f_v = 3.4 * u - u * u * v + 10.0 * lap(v) * 64.0
    found = value(brusselator.PROBLEM, point)
    np.testing.assert_allclose(found, np.concatenate([f_u.ravel(), f_v.ravel()]), rtol=1e-12)


def test_the_brusselator_starts_from_the_published_state() -> None:
    """U varies with y, the second index, and v with x."""
    u, v = brusselator.PROBLEM.at(8).x.reshape(2, 8, 8)
    s = (np.arange(8) + 0.5) / 8
    np.testing.assert_allclose(u, np.tile(22.0 * (s * (1.0 - s)) ** 1.5, (8, 1)), rtol=1e-15)
    np.testing.assert_allclose(v.T, np.tile(27.0 * (s * (1.0 - s)) ** 1.5, (8, 1)), rtol=1e-15)
    with pytest.raises(ValueError, match="at least 3 x 3"):
        brusselator.PROBLEM.at(2)


def turn(axis: int, angle: float) -> Any:
    matrix = np.eye(4)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix[i, i] = matrix[j, j] = math.cos(angle)
    matrix[j, i] = math.sin(angle)
    matrix[i, j] = -math.sin(angle)
    return matrix


def skeleton(theta: Any) -> list[Any]:
    """A of every bone, by matrices of four rows."""
    placed = [np.eye(4)]
    for i in range(1, 22):
        finger, k = divmod(i - 1, 4)
        step, base, own = np.eye(4), np.eye(4), np.eye(4)
        step[1, 3] = -1.0 if i == 21 else 1.0 if k == 0 else 0.5
        if i < 21 and k == 0:
            base = turn(2, 0.3 * (finger - 2))
        if i < 21 and k == 1:
            own = turn(2, theta[7 + 4 * finger]) @ turn(0, theta[6 + 4 * finger])
        if i < 21 and k > 1:
            own = turn(0, theta[6 + 4 * finger + k])
        parent = placed[0] if k == 0 else placed[i - 1]
        placed.append(parent @ base @ step @ own)
    return placed


def vertices(point: Point) -> Any:
    """All vertices of the hand, with a dense matrix of weights."""
    _, _, _, _, vbar, bones, weights = point.data
    dense = np.zeros((len(vbar), 22))
    np.put_along_axis(dense, bones, weights, axis=1)
    rest = skeleton(np.zeros(26))
    skin = np.array(
        [a @ np.linalg.inv(b) for a, b in zip(skeleton(point.x[:26]), rest, strict=True)]
    )
    four = np.hstack([vbar, np.ones((len(vbar), 1))])
    placed = np.einsum("ji,irc,jc->jr", dense, skin, four)[:, :3]
    r = point.x[:3]
    angle = np.linalg.norm(r)
    k = np.cross(np.eye(3), r / angle)
    whole = np.eye(3) + math.sin(angle) * k + (1.0 - math.cos(angle)) * k @ k
    return placed @ whole.T + point.x[3:6]


@pytest.mark.parametrize("complicated", [False, True])
def test_hands_against_matrices_of_four_rows(complicated: bool) -> None:
    point = hand(complicated)
    y, corr, *_ = point.data
    v = vertices(point)[corr]
    u = point.x[26:].reshape(-1, 2)
    seen = v[:, 0]
    if complicated:
        rest = 1.0 - u[:, :1] - u[:, 1:]
        seen = u[:, :1] * v[:, 0] + u[:, 1:] * v[:, 1] + rest * v[:, 2]
    np.testing.assert_allclose(value(ht.PROBLEM, point), (y - seen).ravel(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("complicated", [False, True])
def test_residuals_of_a_hand_are_its_noise(complicated: bool) -> None:
    """At the pose it was made from, 0.01 times normal draws."""
    residual = value(ht.PROBLEM, _hand.hand(200, 300, complicated))
    assert 0.009 < np.std(residual) < 0.011
    assert abs(np.mean(residual)) < 0.002


def test_a_hand_at_rest_has_its_vertices_at_rest() -> None:
    """No angle, no rotation, no translation: each residual is y minus the vertex as it was made."""
    made = _hand.hand(60, 9, complicated=False)
    y, corr, _, _, vbar, *_ = made.data
    at_rest = value(ht.PROBLEM, Point(np.zeros(26), made.data, made.outputs))
    np.testing.assert_allclose(at_rest, (y - vbar[corr[:, 0]]).ravel(), atol=1e-14)


def test_vertices_belong_to_the_two_nearest_bones() -> None:
    _, _, _, _, vbar, bones, weights = _hand.hand(60, 9, complicated=False).data
    origins = np.array(skeleton(np.zeros(26)))[:, :3, 3]
    distance = np.linalg.norm(vbar[:, None] - origins, axis=2)
    assert np.array_equal(bones, np.argsort(distance, axis=1)[:, :2])
    near = np.take_along_axis(distance, bones, axis=1)
    np.testing.assert_allclose(weights[:, 0] * near[:, 0], weights[:, 1] * near[:, 1], rtol=1e-13)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-15)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.3, -0.6, 1.5, -3.0])
def test_sines_of_the_data_are_right_to_the_last_digit(angle: float) -> None:
    flint = pytest.importorskip("flint")
    cosine, sine = _hand._circular(angle)
    with precision(200):
        assert cosine == float(flint.arb(angle).cos())
        assert sine == float(flint.arb(angle).sin())


@pytest.mark.parametrize(("size", "variables"), [((544, 100), 26), ((10_000, 1_000), 2_026)])
def test_sizes_of_hands(size: tuple[int, int], variables: int) -> None:
    point = ht.PROBLEM.at(size)
    assert (len(point.x), point.outputs) == (variables, 3 * size[1])
    assert (point.pattern is None) == (variables == 26)
