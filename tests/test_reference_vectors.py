"""Certified results of functions with several outputs, of large results, by parts, by closed forms."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest

from adbench import registry
from adbench.model import Form, Operator, Outcome, Pattern, Point, given
from adbench.reference import cache, parts, sample, truth
from adbench.reference import evaluate as ways
from adbench.reference.balls import precision
from adbench.reference.inputs import inputs
from adbench.reference.judge import judge
from adbench.reference.record import Reference
from adbench.reference.sample import Sample, sample_of
from adbench.reference.truth import UncertifiedError, certified, key_of, reference


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Each test computes what it asserts: no file of the user's is read or written."""
    monkeypatch.setenv("ADBENCH_CACHE", str(tmp_path / "cache"))
    cache.forget()
    yield
    cache.forget()


def exactly(r: Reference) -> list[Any]:
    pairs = zip(r.hi.tolist(), r.lo.tolist(), strict=True)
    return [mpmath.mpf(a) + mpmath.mpf(b) for a, b in pairs]


def close(r: Reference, expected: list[Any]) -> None:
    """To 29 digits; what is 0 exactly."""
    assert r.hi.size == len(expected)
    for i, (got, e) in enumerate(zip(exactly(r), expected, strict=True)):
        assert abs(got - e) <= mpmath.mpf(10) ** -29 * abs(e), (i, got, e)


def mp(a: Any) -> Any:
    return mpmath.matrix([[mpmath.mpf(v) for v in row] for row in np.atleast_2d(a).tolist()])


# -------------------------------------------------------------------- against derivatives by hand


def vector(m: Any) -> Any:
    def f(x, a):
        y = m.zeros(4)
        y[0] = a[0] * x[0] * x[1] / 3.0
        y[1] = m.sin(x[2]) * x[0]
        y[2] = x[1] * x[1] * a[1]
        y[3] = m.exp(a[2] * x[2])
        return y

    return f


X, A = np.array([1.2, -0.7, 2.1]), np.array([0.7, -1.1, 0.4])
PATTERN = Pattern.of((4, 3), [([0, 0, 1, 1, 2, 3], [0, 1, 0, 2, 1, 2])])
DENSE, SPARSE = Point(X, (A,), outputs=4), Point(X, (A,), outputs=4, pattern=PATTERN)
VECTOR = Form("scalar", vector)


def by_hand() -> tuple[Any, Any]:
    """Value and Jacobian of `vector` at the working precision of mpmath."""
    x0, x1, x2 = (mpmath.mpf(v) for v in X.tolist())
    a0, a1, a2 = (mpmath.mpf(v) for v in A.tolist())
    value = [a0 * x0 * x1 / 3, mpmath.sin(x2) * x0, x1 * x1 * a1, mpmath.exp(a2 * x2)]
    rows = [
        [a0 * x1 / 3, a0 * x0 / 3, 0],
        [mpmath.sin(x2), 0, mpmath.cos(x2) * x0],
        [0, 2 * x1 * a1, 0],
        [0, 0, a2 * mpmath.exp(a2 * x2)],
    ]
    return value, mpmath.matrix(rows)


@pytest.mark.parametrize("point", [DENSE, SPARSE], ids=["dense", "sparse"])
@pytest.mark.parametrize(
    "operator",
    [Operator.VALUE, Operator.JACOBIAN, Operator.JVP, Operator.VJP, Operator.PROPAGATE],
    ids=lambda o: o.value,
)
def test_operators_of_a_vector_agree_with_derivatives_by_hand(operator, point):
    """At 50 digits; directions and covariance are the doubles that methods get."""
    with mpmath.workdps(50):
        value, j = by_hand()
        more = [mp(a) for a in given(operator, point)]
        expected = {
            Operator.VALUE: lambda: value,
            Operator.JACOBIAN: lambda: list(j),
            Operator.JVP: lambda: list(j * more[0].T),
            Operator.VJP: lambda: list(more[0] * j),
            Operator.PROPAGATE: lambda: list(j * more[0] * j.T),
        }[operator]()
        if operator is Operator.JACOBIAN and point.pattern is not None:
            places = zip(PATTERN.row_of.tolist(), PATTERN.columns.tolist(), strict=True)
            expected = [j[i, k] for i, k in places]
        r = reference(VECTOR, operator, point)
        assert r.shape == VECTOR.shape(operator, point)
        close(r, expected)


def test_more_variables_than_outputs_and_the_other_way_round():
    """One goes by sweeps over the tape, the other by series: both give the same Jacobian."""
    wide = Form("scalar", lambda m: lambda x: filled(m, [x[0] * x[1] * x[2] + m.exp(x[0])]))
    with mpmath.workdps(50):
        x = [mpmath.mpf(v) for v in X.tolist()]
        expected = [x[1] * x[2] + mpmath.exp(x[0]), x[0] * x[2], x[0] * x[1]]
        close(reference(wide, Operator.JACOBIAN, Point(X, outputs=1)), expected)


def filled(m: Any, values: list[Any]) -> Any:
    y = m.zeros(len(values))
    for i, v in enumerate(values):
        y[i] = v
    return y


def cubic(m: Any) -> Any:
    def f(x, a):
        total = x[0] * x[1] * x[2]
        for i in range(3):
            total = total + a[i] * x[i] ** 3
        return total

    return f


def test_hvp_agrees_with_a_hessian_by_hand():
    """H v for the v that methods get."""
    point = Point(X, (A,))
    with mpmath.workdps(50):
        x, a = ([mpmath.mpf(t) for t in part.tolist()] for part in (X, A))
        rows = [
            [6 * a[0] * x[0], x[2], x[1]],
            [x[2], 6 * a[1] * x[1], x[0]],
            [x[1], x[0], 6 * a[2] * x[2]],
        ]
        (v,) = given(Operator.HVP, point)
        expected = mpmath.matrix(rows) * mp(v).T
        close(reference(Form("scalar", cubic), Operator.HVP, point), list(expected))


def separate(m: Any) -> Any:
    def f(x, a):
        total = m.log(3.0)
        for i in range(3):
            total = total + a[i] * m.exp(a[i] * x[i]) + x[i] * x[i]
        return total

    return f


def test_newton_direction_is_gradient_over_curvature():
    """Where the Hessian is diagonal."""
    with mpmath.workdps(50):
        pairs = [(mpmath.mpf(x), mpmath.mpf(a)) for x, a in zip(X, A, strict=True)]
        expected = [
            (a**2 * mpmath.exp(a * x) + 2 * x) / (a**3 * mpmath.exp(a * x) + 2) for x, a in pairs
        ]
        close(
            reference(Form("scalar", separate), Operator.NEWTON_DIRECTION, Point(X, (A,))), expected
        )


def nested(m: Any) -> Any:
    return lambda x: m.derivative(lambda t: t * t * x[0], x[1])


def nested_by_hand(m: Any) -> Any:
    return lambda x: 2.0 * x[1] * x[0]


def test_reference_form_certifies_what_has_inner_derivatives():
    """The text with ``m.derivative`` is refused; the one by hand is certified, and chosen."""
    point = Point(np.array([1.25, 0.3]))
    by_hand = Form("reference", nested_by_hand)
    assert reference(by_hand, Operator.GRADIENT, point).hi.tolist() == [2.0 * 0.3, 2.5]
    with pytest.raises(AttributeError, match="derivative"):
        reference(Form("scalar", nested), Operator.GRADIENT, point)
    saddle = registry.problem("saddle")
    assert saddle.reference.name == "reference"
    with pytest.raises(UncertifiedError, match=r"pass problem\.reference"):
        reference(saddle.form("array"), Operator.GRADIENT, saddle.at(2))


def of_two(m: Any) -> Any:
    return lambda a, b, scale: scale * m.sin(a) * b * b


def test_elementwise_functions_of_two_numbers():
    """Values one a point; partials by all first numbers, then by all second ones."""
    a, b = [0.3, 1.1, -0.4], [2.0, 0.7, 1.9]
    form, point = Form("scalar", of_two, elementwise=2), Point(np.array(a + b), (0.7,))
    with mpmath.workdps(50):
        pairs = [(mpmath.mpf(u), mpmath.mpf(v)) for u, v in zip(a, b, strict=True)]
        s = mpmath.mpf(0.7)
        value = [s * mpmath.sin(u) * v**2 for u, v in pairs]
        by_a = [s * mpmath.cos(u) * v**2 for u, v in pairs]
        by_b = [2 * s * mpmath.sin(u) * v for u, v in pairs]
        close(reference(form, Operator.VALUE, point), value)
        close(reference(form, Operator.DERIVATIVE, point), by_a + by_b)
        some = reference(form, Operator.DERIVATIVE, point, elements=[1, 5])
        close(some, [by_a[1], by_b[2]])
    assert some.shape == (6,)


# ------------------------------------------------------------------------------- large results


def steps(m: Any) -> Any:
    """Half the squares of x, and the products of neighbours."""

    def f(x):
        y = m.zeros(2 * len(x) - 1)
        for i in range(len(x)):
            y[i] = 0.5 * x[i] * x[i]
        for i in range(len(x) - 1):
            y[len(x) + i] = x[i] * x[i + 1]
        return y

    return f


def steps_at(n: int) -> tuple[Point, Any]:
    """The point, and the entries of its Jacobian: exact products of no two floats."""
    i = np.arange(n - 1)
    pattern = Pattern.of((2 * n - 1, n), [(np.arange(n), np.arange(n)), (n + i, i), (n + i, i + 1)])
    x = np.random.default_rng(1).random(n) - 0.5
    pairs = np.stack([x[1:], x[:-1]], axis=1).ravel()
    return Point(x, outputs=2 * n - 1, pattern=pattern), np.concatenate([x, pairs])


@pytest.fixture(scope="module")
def large() -> tuple[Reference, Any]:
    """A sparse Jacobian of 10 198 numbers, certified by a sample; and all of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "store", lambda r: None)
        point, whole = steps_at(3_400)
        return reference(Form("scalar", steps), Operator.JACOBIAN, point), whole


def test_a_large_result_is_certified_by_elements_and_sums(large):
    """64 elements with both ends, and 8 sums; right in every bit."""
    r, whole = large
    assert r.elements == sample.chosen_elements(whole.size)
    assert (len(r.elements), r.sums_hi.size) == (64, 8)
    assert r.hi.tolist() == whole[list(r.elements)].tolist()
    assert r.sample.summed(whole).tolist() == r.sums_hi.tolist()
    assert judge(whole, r).outcome is Outcome.OK
    assert judge(whole, r, rtol=1e-6).outcome is Outcome.OK


@pytest.mark.parametrize("place", range(8))
def test_one_wrong_element_anywhere_shows_in_the_sums(large, place):
    """A sign, a zero, a doubled number, 1e-6 of its size, beside 10 197 right ones."""
    r, whole = large
    others = np.setdiff1d(np.arange(whole.size), r.elements)
    i = np.random.default_rng(place).choice(others)
    for factor in (-1.0, 0.0, 2.0, 1.0 + 1e-6):
        answer = whole.copy()
        answer[i] = whole[i] * factor
        verdict = judge(answer, r)
        assert verdict.outcome is Outcome.WRONG, (i, factor)
        assert "the certified elements are right" in verdict.message
        assert f"of 8 signed sums of all {whole.size} elements are wrong" in verdict.message


def test_wrong_sums_are_seen_under_an_inexact_promise_too(large):
    """When the error is above what all elements together may owe."""
    r, whole = large
    others = np.setdiff1d(np.arange(whole.size), r.elements)
    answer = whole.copy()
    answer[others[5_000]] += 1.0
    assert judge(answer, r, rtol=1e-6).outcome is Outcome.WRONG
    assert "signed sums" in judge(answer, r, rtol=1e-6).message
    answer[others] = whole[others] * (1.0 + 1e-9)
    assert judge(answer, r, rtol=1e-6).outcome is Outcome.OK
    assert judge(answer, r).outcome is Outcome.WRONG


def test_two_errors_that_cancel_in_one_sum_show_in_another(large):
    """Exchanged neighbours, and opposite errors."""
    r, whole = large
    others = np.setdiff1d(np.arange(whole.size), r.elements)
    i, j = others[1_000], others[1_001]
    exchanged, opposite = whole.copy(), whole.copy()
    exchanged[[i, j]] = whole[[j, i]]
    opposite[i] += 0.25
    opposite[j] -= 0.25
    for answer in (exchanged, opposite):
        assert judge(answer, r).outcome is Outcome.WRONG


def test_a_wrong_certified_element_is_named_before_the_sums(large):
    """The message of an element tells more."""
    r, whole = large
    answer = whole.copy()
    answer[0] *= 1.0 + 1e-9
    assert "element [0]" in judge(answer, r).message
    assert "signed sums" not in judge(answer, r).message


def test_sums_are_those_of_exact_arithmetic():
    """Signs times elements, rounded once: 1e16 + 1 - 1e16 is 1."""
    flat = np.array([1e16, 1.0, -1e16, 3.0, 2.0**-40])
    s = Sample((0,), (5,), sums=8)
    for k, got in enumerate(s.summed(flat).tolist()):
        (signs,) = s.signs(k)
        assert set(signs.tolist()) <= {-1, 1}
        assert got == math.fsum(float(a) * b for a, b in zip(signs.tolist(), flat, strict=True))
    assert len({tuple(s.signs(k)[0].tolist()) for k in range(8)}) > 1


def test_sums_of_a_matrix_are_u_j_v_dense_or_sparse():
    """The same numbers in a pattern and in a full matrix have the same sums."""
    matrix = np.zeros((3, 4))
    pattern = Pattern.of((3, 4), [([0, 0, 1, 2, 2], [0, 3, 1, 0, 2])])
    entries = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    matrix[pattern.row_of, pattern.columns] = entries
    dense, sparse = Sample((0,), (3, 4), 8), Sample((0,), (3, 4), 8, pattern)
    assert sparse.size == 5
    for k in range(8):
        u, v = dense.signs(k)
        assert dense.summed(matrix.ravel())[k] == sparse.summed(entries)[k] == u @ matrix @ v


def test_a_value_in_front_of_its_gradient_is_no_part_of_the_sums():
    """It is certified by itself, and a huge value hides no error of the gradient."""
    s = Sample((0, 1), (4,), sums=4, first=1)
    assert s.summed(np.array([1e300, 1.0, 2.0, 4.0])).tolist() == (
        Sample((0,), (3,), sums=4).summed(np.array([1.0, 2.0, 4.0])).tolist()
    )


DENSE_OPERATORS = [
    Operator.JACOBIAN,
    Operator.VJP,
    Operator.JVP,
    Operator.VALUE,
    Operator.PROPAGATE,
]


@pytest.mark.parametrize("operator", DENSE_OPERATORS, ids=lambda o: o.value)
@pytest.mark.parametrize("sparse", [True, False])
def test_a_sample_holds_the_numbers_of_the_whole(operator, sparse, monkeypatch):
    """Elements and sums of a result that is certified whole too, both ways to 2^-104."""
    point, _ = steps_at(40)
    point = point if sparse else replace(point, pattern=None)
    form = Form("scalar", steps)
    whole = reference(form, operator, point)
    monkeypatch.setattr(sample, "SAMPLE_ABOVE", 30)
    monkeypatch.setattr(sample, "ELEMENTS", 20)
    few = reference(form, operator, point)
    assert whole.elements is None
    assert len(few.elements) == 20
    assert few.hi.tolist() == whole.hi[list(few.elements)].tolist()
    assert few.lo.tolist() == whole.lo[list(few.elements)].tolist()
    assert few.sums_hi.size == 8
    error = few.sample.summed(whole.hi) + few.sample.summed(whole.lo) - few.sums_hi
    assert np.all(np.abs(error) <= 2.0**-50 * np.maximum(np.abs(few.sums_hi), 1e-3))
    assert judge(whole.hi.reshape(whole.shape), few).outcome is Outcome.OK


def test_value_and_gradient_are_joined_from_their_parts(monkeypatch):
    """Whole, and as a sample: the value first, always certified, without a share in the gradient."""
    problem = registry.problem("rosenbrock")
    point = problem.at(100)
    value = certified(problem, 100, Operator.VALUE, point)
    gradient = certified(problem, 100, Operator.GRADIENT, point)
    both = certified(problem, 100, Operator.VALUE_AND_GRADIENT, point)
    assert both.shape == (101,)
    for name in ("hi", "lo", "sensitivity"):
        parts_of_it = [*getattr(value, name).tolist(), *getattr(gradient, name).tolist()]
        assert getattr(both, name).tolist() == parts_of_it
    assert both.weights.tolist() == [0.0, *np.maximum(np.abs(point.x), 1.0).tolist()]
    monkeypatch.setattr(sample, "SAMPLE_ABOVE", 50)
    monkeypatch.setattr(sample, "ELEMENTS", 20)
    few = certified(problem, 100, Operator.VALUE_AND_GRADIENT, point)
    assert few.elements[0] == 0
    assert few.hi.tolist() == both.hi[list(few.elements)].tolist()
    assert few.sums_hi.size == 8
    assert judge(both.hi, few).outcome is Outcome.OK
    for i in (0, 50):  # the value, and an element that only the sums see
        answer = both.hi.copy()
        answer[i] *= 1.0 + 1e-6
        assert judge(answer, few).outcome is Outcome.WRONG
    assert 50 not in few.elements


# ------------------------------------------------------------------------------------- by parts


SPARSE_SIZES: dict[str, Any] = {"ba": (5, 50, 200), "ht": (10_000, 12)}


@pytest.mark.parametrize("operator", parts.OPERATORS, ids=lambda o: o.value)
@pytest.mark.parametrize("name", ["ba", "ht"])
def test_parts_agree_with_the_whole(name, operator, monkeypatch):
    """Elements from a smaller point are those of the whole text, ball by ball; so are the sums."""
    problem = registry.problem(name)
    point, form = problem.at(SPARSE_SIZES[name]), problem.reference
    monkeypatch.setattr(sample, "SAMPLE_ABOVE", 20)
    monkeypatch.setattr(sample, "ELEMENTS", 20)
    few = sample_of(form, operator, point)
    small, run, summed = parts.divided(form, operator, point, few, problem.restrict)
    # the pose of a hand moves every residual: its columns need all of them
    assert len(small.x) < len(point.x) or (name == "ht" and operator is Operator.VJP)
    with precision(200):
        whole = ways.evaluate(
            form, operator, inputs(point, form, operator), None, point.outputs, point.pattern
        )
        for e, ball in zip(few.elements, run(small), strict=True):
            assert ball.overlaps(whole[e])
            assert ball.rel_accuracy_bits() > 100 or ball == 0
        for k, total in enumerate(summed(inputs(point, form, operator))):
            signs = few._flat_signs(k).tolist()
            expected = sum((s * b for s, b in zip(signs, whole, strict=True)), start=whole[0] * 0)
            assert total.overlaps(expected)
            assert total.rel_accuracy_bits() > 100


# ---------------------------------------------------------------- closed forms, and what a key holds

BY_CLOSED_FORM = [
    (p, o)
    for p in registry.problems().values()
    if p.closed
    for o in p.exact
    if o is not Operator.VALUE_AND_GRADIENT and p.name in ("helmholtz", "llsq", "lse", "ode_states", "mlp")
]  # fmt: skip


@pytest.mark.parametrize(
    ("problem", "operator"), BY_CLOSED_FORM, ids=lambda v: getattr(v, "name", v)
)
def test_a_closed_form_certifies_what_the_text_certifies(problem, operator):
    """At the first size, where both can be asked; each under a key of its own."""
    size = problem.sizes[0]
    point = problem.at(size)
    text = reference(problem.reference, operator, point)
    closed = certified(replace(problem, closed=(size,)), size, operator, point)
    assert closed.key != text.key
    assert closed.shape == text.shape
    scale = np.maximum(np.abs(text.hi), np.max(np.abs(text.hi)) * 2.0**-300)
    error = (closed.hi - text.hi) + (closed.lo - text.lo)
    assert np.all(np.abs(error) <= 2.0**-100 * scale)
    # sensitivities are estimates: of one order
    assert np.median(closed.sensitivity / np.maximum(text.sensitivity, 1e-300)) < 30.0
    assert np.median(text.sensitivity / np.maximum(closed.sensitivity, 1e-300)) < 30.0


def test_sizes_that_are_not_listed_go_by_the_text():
    """And a closed form is called only where it certifies."""

    def wrong(m):
        return lambda x: [x[0] * 0.0 + 7.0]

    problem = replace(registry.problem("rosenbrock"), exact={Operator.VALUE: wrong}, closed=(10,))
    for size, is_seven in ((2, False), (10, True)):
        r = certified(problem, size, Operator.VALUE, problem.at(size))
        assert (r.hi.tolist() == [7.0]) == is_seven


def other_vector(m: Any) -> Any:
    def f(x, a):
        y = m.zeros(4)
        y[0] = a[0] * x[0]
        return y

    return f


def test_keys_tell_apart_all_that_a_reference_depends_on():
    """Text, closed text, operator, data, outputs, pattern, seed, sample."""
    whole = Pattern.of((4, 3), [(i, j) for i in range(4) for j in range(3)])
    keys = [
        key_of(VECTOR, Operator.JACOBIAN, DENSE, None),
        key_of(VECTOR, Operator.JACOBIAN, SPARSE, None),
        key_of(VECTOR, Operator.JACOBIAN, replace(DENSE, pattern=whole), None),
        key_of(VECTOR, Operator.JACOBIAN, DENSE, None, closed=cubic),
        key_of(VECTOR, Operator.JACOBIAN, DENSE, None, closed=vector),
        key_of(VECTOR, Operator.JACOBIAN, DENSE, Sample((0, 1), (4, 3))),
        key_of(VECTOR, Operator.JACOBIAN, replace(DENSE, outputs=5), None),
        key_of(VECTOR, Operator.JACOBIAN, replace(DENSE, data=(2.0 * A,)), None),
        key_of(Form("scalar", other_vector), Operator.JACOBIAN, DENSE, None),
        key_of(VECTOR, Operator.VJP, DENSE, None),
        key_of(VECTOR, Operator.VJP, replace(DENSE, seed=1), None),
        key_of(VECTOR, Operator.JVP, replace(DENSE, seed=1), None),
        key_of(VECTOR, Operator.HVP, replace(DENSE, seed=1), None),
        key_of(VECTOR, Operator.HVP, DENSE, None),
    ]
    # closed=vector has the text's own hash: it is the same function by the same text
    assert keys[4] == keys[0]
    del keys[4]
    assert len(set(keys)) == len(keys)


def test_a_seed_matters_to_directions_alone():
    """A Jacobian takes none."""
    moved = replace(DENSE, seed=1)
    one, two = (key_of(VECTOR, Operator.JACOBIAN, p, None) for p in (DENSE, moved))
    assert one == two
    one, two = (reference(VECTOR, Operator.JVP, p) for p in (DENSE, moved))
    assert np.all(one.hi != two.hi)


def test_version_is_part_of_every_key(monkeypatch):
    """References of an older way of certifying are not found."""
    before = key_of(VECTOR, Operator.VALUE, DENSE, None)
    monkeypatch.setattr(truth, "VERSION", truth.VERSION + 1)
    assert key_of(VECTOR, Operator.VALUE, DENSE, None) != before
