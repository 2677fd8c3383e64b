"""What Numba's methods compute of vectors, of points of several numbers, and by hand: against closed forms."""

import numpy as np
import pytest

from adbench import registry
from adbench.methods import _difference
from adbench.model import Form, Operator, Pattern, Point, elsewhere, given
from adbench.problems import gauss_nll, histogram_nll

pytest.importorskip("numba")

from adbench.methods.numba import METHODS

DUAL, STRICT, TAPE, CENTRAL, _COMPLEX, MANUAL = METHODS
EXACT = 1e-13


def answer(method, form, operator, point):
    """As the harness asks: prepared and compiled elsewhere, called at the point."""
    prepared = method.prepare(form, operator, elsewhere(point))
    prepared.compile()
    result = prepared.decode(prepared.call(*prepared.encode(point)))
    assert len(prepared.call.signatures) == 1
    return result


def tolerance(method, operator):
    return method.rtol.get(operator, EXACT)


def assert_near(found, expected, rtol):
    assert found.shape == np.shape(expected)
    assert np.linalg.norm(found - expected) <= rtol * np.linalg.norm(expected)


def chain(m):
    """Neighbours multiplied, by a helper that fills a vector of zeros: m outputs of m + 1 variables."""

    def both(a, b):
        return m.exp(a) * b

    def fill(x, out):
        for i in range(len(out)):
            out[i] = both(x[i], x[i + 1])

    def f(x, scale):
        y = m.zeros(len(x) - 1)
        fill(x, y)
        for i in range(len(y)):
            y[i] = y[i] * scale[0]
        return y

    return f


CHAIN = Form("scalar", chain)


def chain_at(n, sparse):
    x = np.linspace(-0.5, 0.8, n)
    i = np.arange(n - 1)
    pattern = Pattern.of((n - 1, n), [(i, i), (i, i + 1)]) if sparse else None
    return Point(x, (np.array([1.5]),), n - 1, pattern)


def chain_jacobian(point):
    x = point.x
    i = np.arange(len(x) - 1)
    j = np.zeros((len(x) - 1, len(x)))
    j[i, i], j[i, i + 1] = 1.5 * np.exp(x[:-1]) * x[1:], 1.5 * np.exp(x[:-1])
    return j


VECTOR = (Operator.JACOBIAN, Operator.JVP, Operator.PROPAGATE, Operator.VJP)


@pytest.mark.parametrize(
    ("method", "operator"),
    [
        pytest.param(method, operator, id=f"{method.name}/{operator.value}")
        for method in (DUAL, TAPE, CENTRAL)
        for operator in VECTOR
        if operator in method.operators
    ],
)
def test_vectors(method, operator):
    """Vector functions with a helper and a work vector, by all modes that offer the operator."""
    point = chain_at(5, sparse=False)
    j, arguments = chain_jacobian(point), given(operator, point)
    expected = {
        Operator.JACOBIAN: lambda: j,
        Operator.JVP: lambda: j @ arguments[0],
        Operator.VJP: lambda: arguments[0] @ j,
        Operator.PROPAGATE: lambda: j @ arguments[0] @ j.T,
    }[operator]()
    assert_near(answer(method, CHAIN, operator, point), expected, tolerance(method, operator))


def test_products_of_a_number_from_the_left():
    """A direction of one number, for a function of one value."""
    point = gauss_nll.at(10)
    form = gauss_nll.PROBLEM.form("scalar")
    (u,) = given(Operator.VJP, point)
    gradient = answer(TAPE, form, Operator.GRADIENT, point)
    assert_near(answer(TAPE, form, Operator.VJP, point), u[0] * gradient, EXACT)


@pytest.mark.parametrize("method", [DUAL, TAPE, CENTRAL], ids=lambda m: m.name)
def test_sparse_jacobians_come_as_matrices_of_the_pattern(method):
    point = chain_at(40, sparse=True)
    found = answer(method, CHAIN, Operator.JACOBIAN, point)
    np.testing.assert_array_equal(found.indptr, point.pattern.rows)
    np.testing.assert_array_equal(found.indices, point.pattern.columns)
    expected = chain_jacobian(point)
    assert_near(found.toarray(), expected, tolerance(method, Operator.JACOBIAN))


def dense_rows(m):
    def f(x):
        y = m.zeros(2)
        for i in range(len(x)):
            y[0] = y[0] + (i + 1.0) * x[i] * x[i]
        y[1] = x[0] * x[len(x) - 1]
        return y

    return f


@pytest.mark.parametrize("method", [DUAL, CENTRAL], ids=lambda m: m.name)
def test_more_colours_than_tangents_take_several_passes(method):
    n = 37
    pattern = Pattern.of((2, n), [(np.zeros(n, int), np.arange(n)), ([1, 1], [0, n - 1])])
    point = Point(np.linspace(1.0, 2.0, n), (), 2, pattern)
    found = answer(method, Form("scalar", dense_rows), Operator.JACOBIAN, point).toarray()
    expected = np.zeros((2, n))
    expected[0] = 2.0 * np.arange(1, n + 1) * point.x
    expected[1, 0], expected[1, -1] = point.x[-1], point.x[0]
    assert_near(found, expected, tolerance(method, Operator.JACOBIAN))


def surface(m):
    return lambda a, b, scale: scale[0] * m.sin(a) * b * b


@pytest.mark.parametrize("method", [DUAL, CENTRAL], ids=lambda m: m.name)
def test_functions_of_two_numbers_a_point(method):
    """All first numbers, then all second ones; derivatives in the same order."""
    a, b = np.array([0.1, 0.7, 2.0]), np.array([1.0, -2.0, 0.5])
    point = Point(np.concatenate([a, b]), (np.array([3.0]),))
    form = Form("scalar", surface, elementwise=2)
    assert_near(answer(method, form, Operator.VALUE, point), 3.0 * np.sin(a) * b * b, EXACT)
    expected = np.concatenate([3.0 * np.cos(a) * b * b, 6.0 * np.sin(a) * b])
    found = answer(method, form, Operator.DERIVATIVE, point)
    assert_near(found, expected, tolerance(method, Operator.DERIVATIVE))


def squares(m):
    def f(x, weights):
        total = 0.0
        for i in range(len(x)):
            total = total + weights[i] * (m.exp(x[i]) - x[i])
        return total

    return f


@pytest.mark.parametrize("operator", [Operator.HVP, Operator.NEWTON_DIRECTION])
@pytest.mark.parametrize("method", [DUAL, CENTRAL], ids=lambda m: m.name)
def test_products_with_the_hessian(method, operator):
    """Of a diagonal one, of more variables than one pass takes; differences refuse to divide by it."""
    weights = np.linspace(1.0, 2.0, 9)
    point = Point(np.linspace(-1.0, 1.0, 9), (weights,))
    form = Form("scalar", squares)
    if operator not in method.operators:
        with pytest.raises(NotImplementedError, match=operator.value):
            method.prepare(form, operator, point)
        return
    if operator is Operator.HVP:
        expected = weights * np.exp(point.x) * given(operator, point)[0]
    else:
        expected = 1.0 - np.exp(-point.x)
    assert_near(answer(method, form, operator, point), expected, tolerance(method, operator))


def nested(m):
    def f(x):
        return m.derivative(lambda t: x[0] * t * t, x[0])

    return f


@pytest.mark.parametrize("method", METHODS[:4], ids=lambda m: m.name)
def test_a_derivative_within_the_text_is_refused(method):
    """At once, by a sentence; not by an error of the compiler."""
    with pytest.raises(NotImplementedError, match="cannot nest"):
        method.prepare(Form("scalar", nested), Operator.GRADIENT, Point(np.array([1.0])))


def by_hand(m):
    """Only for this test."""

    def g(x, weights):
        slopes = np.empty(len(x))
        total = 0.0
        for i in range(len(x)):
            total += weights[i] * (m.exp(x[i]) - x[i])
            slopes[i] = weights[i] * (m.exp(x[i]) - 1.0)
        return total, slopes

    return g


def entries_by_hand(m):
    """Only for this test."""

    def g(x, scale):
        out = np.empty(2 * len(x) - 2)
        for i in range(len(x) - 1):
            out[2 * i] = scale[0] * m.exp(x[i]) * x[i + 1]
            out[2 * i + 1] = scale[0] * m.exp(x[i])
        return out

    return g


def test_derivatives_by_hand():
    """A value with a gradient serves for both; the entries of a Jacobian get their pattern."""
    weights, x = np.array([1.0, 2.0]), np.array([0.3, -0.4])
    form = Form("numba-manual", by_hand, gives=Operator.VALUE_AND_GRADIENT)
    slopes = weights * (np.exp(x) - 1.0)
    assert_near(answer(MANUAL, form, Operator.GRADIENT, Point(x, (weights,))), slopes, EXACT)
    both = np.concatenate([[np.sum(weights * (np.exp(x) - x))], slopes])
    assert_near(
        answer(MANUAL, form, Operator.VALUE_AND_GRADIENT, Point(x, (weights,))), both, EXACT
    )
    point = chain_at(6, sparse=True)
    matrix = Form("numba-manual", entries_by_hand, gives=Operator.JACOBIAN)
    found = answer(MANUAL, matrix, Operator.JACOBIAN, point)
    assert_near(found.toarray(), chain_jacobian(point), EXACT)
    with pytest.raises(NotImplementedError, match="jacobian"):
        MANUAL.prepare(form, Operator.JACOBIAN, point)
    assert MANUAL.mode == "manual"


@pytest.mark.parametrize("module", [gauss_nll, histogram_nll], ids=lambda m: m.PROBLEM.name)
def test_fits_by_hand_agree_with_duals(module):
    problem, point = module.PROBLEM, module.at(100)
    expected = answer(STRICT, problem.form("scalar"), Operator.VALUE_AND_GRADIENT, point)
    found = answer(MANUAL, problem.form("numba-manual"), Operator.VALUE_AND_GRADIENT, point)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_empty_bins_have_a_finite_slope():
    """No counts: the expected number alone; also where it underflows."""
    point = Point(np.array([5.0, 0.0, 1.0]), (np.array([0.0, 2.0]), np.array([-60.0, -50.0, 1.0])))
    form = histogram_nll.PROBLEM
    expected = answer(STRICT, form.form("scalar"), Operator.GRADIENT, point)
    found = answer(MANUAL, form.form("numba-manual"), Operator.GRADIENT, point)
    assert np.all(np.isfinite(found))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_promises_are_those_of_all_central_differences():
    assert registry.method("numba-central").rtol == _difference.CENTRAL
