"""Finite differences keep their promise, the complex step and our duals are exact, on every problem."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adbench import registry
from adbench.methods._difference import EPS, along
from adbench.methods._numpy_differences import steps
from adbench.model import Form, Operator, Outcome, Pattern, Point, elsewhere

PROBLEMS = ("gauss_nll", "histogram_nll", "logistic_map", "rosenbrock")
EXACT = ("dual-python", "dual-numpy", "complex-step")
DIFFERENCES = ("numpy-forward", "numpy-central")


def compute(method, problem, operator, point, form=None):
    """What a method says at the point, prepared elsewhere as the harness does."""
    method = registry.method(method)
    form = form or method.form(problem)
    prepared = method.prepare(form, operator, elsewhere(point))
    result = prepared.decode(prepared.call(*prepared.encode(point)))
    shape = point.x.shape if problem.elementwise and operator is Operator.VALUE else ()
    assert result.shape == operator.shape(len(point.x), shape)
    assert result.dtype == np.float64
    return result


def close_by(problem, point, seed):
    """A point near the standard one; the logistic map stays on its cycle of period four."""
    spread = 0.005 if problem.name == "logistic_map" else 0.1
    moves = np.random.default_rng(seed).uniform(-spread, spread, point.x.shape)
    return Point(point.x * (1.0 + moves), point.data)


def error(result, truth):
    return np.linalg.norm(result - truth) / np.linalg.norm(truth)


def offered(operators):
    return [
        pytest.param(registry.problem(name), operator, id=f"{name}-{operator.value}")
        for name in PROBLEMS
        for operator in operators
        if operator in registry.problem(name).operators
    ]


DERIVATIVES = (
    Operator.DERIVATIVE, Operator.GRADIENT, Operator.VALUE_AND_GRADIENT, Operator.HESSIAN,
)  # fmt: skip


@pytest.mark.parametrize(("problem", "operator"), offered(DERIVATIVES))
def test_exact_methods_agree_with_each_other_and_with_closed_forms(problem, operator):
    point = problem.at(problem.sizes[0])
    truth = compute("dual-numpy", problem, operator, point)
    if operator in problem.exact:
        closed = np.array(problem.exact[operator](math)(point.x, *point.data))
        assert error(truth, closed) < 1e-12
    for name in EXACT:
        if operator in registry.method(name).operators:
            assert error(compute(name, problem, operator, point), truth) < 1e-12


@pytest.mark.parametrize(("problem", "operator"), offered(DERIVATIVES))
@pytest.mark.parametrize("method", DIFFERENCES)
def test_differences_keep_their_promise_at_all_sizes_and_near_the_standard_points(
    method, problem, operator
):
    promise = registry.method(method).rtol.get(operator)
    if promise is None:
        assert operator not in registry.method(method).operators
        return
    for size in problem.sizes:
        if np.prod(size) > 10_000 or (problem.name, size) == ("rosenbrock", 10_000):
            continue  # rosenbrock[10000] has a test of its own, against its closed form
        standard = problem.at(size)
        if not problem.offers(operator, len(standard.x)):
            continue
        for point in (standard, *(close_by(problem, standard, seed) for seed in range(3))):
            truth = compute("dual-numpy", problem, operator, point)
            assert error(compute(method, problem, operator, point), truth) < promise


@pytest.mark.parametrize("method", [*DIFFERENCES, "complex-step"])
def test_ten_thousand_variables_keep_the_promise(method):
    problem = registry.problem("rosenbrock")
    point = problem.at(10_000)
    truth = np.array(problem.exact[Operator.GRADIENT](math)(point.x.tolist()))
    promise = registry.method(method).rtol.get(Operator.GRADIENT, 1e-13)
    assert error(compute(method, problem, Operator.GRADIENT, point), truth) < promise


@pytest.mark.parametrize("problem", [*map(registry.problem, PROBLEMS)], ids=PROBLEMS)
@pytest.mark.parametrize("method", [*EXACT, *DIFFERENCES])
def test_the_scalar_form_gives_what_the_array_form_gives(method, problem):
    """Problems with a scalar form only are in reach of every method here but dual-numpy."""
    forms = [problem.form(name) for name in registry.method(method).reads]
    point = close_by(problem, problem.at(problem.sizes[0]), 7)
    for operator in problem.operators:
        if operator not in registry.method(method).operators:
            continue
        promise = registry.method(method).rtol.get(operator, 1e-12)
        results = [compute(method, problem, operator, point, form) for form in forms]
        for result in results:
            assert error(result, results[0]) < 2.0 * promise


@pytest.mark.parametrize("method", [*EXACT, *DIFFERENCES])
def test_value_is_f_itself_without_derivative_numbers(method):
    seen = []

    def build(m):
        def f(x):
            seen.append(type(x[0]))
            return x[0] * m.exp(x[1])

        return f

    method = registry.method(method)
    prepared = method.prepare(Form(method.reads[0], build), Operator.VALUE, Point([1.0, 2.0]))
    point = Point([3.0, 0.0])
    assert prepared.decode(prepared.call(*prepared.encode(point))) == 3.0
    assert seen
    assert all(issubclass(kind, float) for kind in seen)


@pytest.mark.parametrize("method", [*EXACT, *DIFFERENCES])
def test_calls_leave_their_arguments_as_they_were(method):
    method, problem = registry.method(method), registry.problem("histogram_nll")
    point = problem.at(100)
    for operator in set(method.operators) & set(problem.operators):
        prepared = method.prepare(method.form(problem), operator, elsewhere(point))
        args = prepared.encode(point)
        prepared.call(*args)
        for given_, expected in zip(args, (point.x, *point.data), strict=True):
            np.testing.assert_array_equal(given_, expected)


@given(st.floats(-1e6, 1e6) | st.floats(-1e-3, 1e-3), st.sampled_from([1 / 2, 1 / 3, 1 / 4]))
def test_steps_are_exact_and_of_the_documented_size(x, exponent):
    h = float(steps(np.array([x]), exponent)[0])
    assert h == pytest.approx(EPS**exponent * max(abs(x), 1.0), rel=2.0**-24)
    # away from zero the sum is exact: subtracting x again gives h, and adding h again x + h
    moved = x + math.copysign(h, x)
    assert abs(moved - x) == pytest.approx(h, rel=4 * EPS)


def test_steps_follow_the_dtype():
    single = np.array([1.0], dtype=np.float32)
    assert steps(single, 1 / 2)[0] == pytest.approx(2.0**-11.5, rel=1e-3)


def test_the_complex_step_covers_the_elementary_functions():
    def build(m):
        def f(x):
            t = m.atan2(x[0], x[1]) + m.atan2(-x[1], -x[0]) + m.atan2(x[0], -x[1])
            t = t + m.exp(x[0]) * m.expm1(x[1]) + m.log(x[1]) * m.log1p(x[0]) + m.sqrt(x[0])
            t = t + m.sin(x[0]) * m.cos(x[1]) * m.tan(x[0]) + m.asin(x[0]) * m.acos(x[0])
            t = t + m.atan(x[1]) + m.sinh(x[0]) * m.cosh(x[1]) * m.tanh(x[1])
            return t + m.erf(x[0]) * m.erfc(x[1]) + m.lgamma(x[1]) + m.pi * x[0] ** 3

        return f

    point = Point([0.4, 1.7])
    exact = registry.method("dual-python").prepare(Form("scalar", build), Operator.GRADIENT, point)
    truth = exact.decode(exact.call(*exact.encode(point)))
    for form in ("scalar", "array"):
        step = registry.method("complex-step").prepare(Form(form, build), Operator.GRADIENT, point)
        np.testing.assert_allclose(
            step.decode(step.call(*step.encode(point))), truth, rtol=1e-14, atol=0
        )


def test_the_complex_step_refuses_what_is_not_analytic():
    """An abs of a complex number has a value, whose imaginary part is silently zero."""
    method = registry.method("complex-step")
    point = Point([0.4, 1.7])

    def compares(m):
        return lambda x: x[0] if x[0] < x[1] else x[1]

    with pytest.raises(NotImplementedError, match="takes complex numbers"):
        method.prepare(Form("scalar", compares), Operator.GRADIENT, point)

    def folds(xp):
        return lambda x: xp.sum(xp.abs(x))

    with pytest.raises(NotImplementedError, match="abs is not"):
        method.prepare(Form("array", folds), Operator.GRADIENT, point)
    assert Outcome.UNSUPPORTED.sentence  # what the harness makes of it


def test_dual_python_offers_derivatives_inside_a_formula():
    def build(m):
        return lambda x: m.derivative(lambda t: t * t * x[0] * m.exp(t), x[1])

    point = Point([2.0, 1.0])
    ours = registry.method("dual-python").prepare(Form("scalar", build), Operator.GRADIENT, point)
    result = ours.decode(ours.call(*ours.encode(point)))
    np.testing.assert_allclose(result, [3.0 * math.e, 14.0 * math.e], rtol=1e-14)


# A function of three variables and five numbers with a sparse Jacobian, in both shared forms.


def band(m):
    def f(x, a):
        out = m.zeros(5)
        out[0] = x[0] * x[0] * a[0]
        out[1] = m.exp(x[1]) + x[0]
        out[2] = m.sin(x[2]) * x[1]
        out[3] = x[2] * a[1]
        # the last stays a plain zero
        return out

    return f


def band_array(xp):
    def f(x, a):
        parts = [x[0] * x[0] * a[0], xp.exp(x[1]) + x[0], xp.sin(x[2]) * x[1], x[2] * a[1]]
        return xp.stack([*parts, 0.0 * x[0]])

    return f


BAND = Pattern((5, 3), np.array([0, 1, 3, 5, 6, 6]), np.array([0, 0, 1, 1, 2, 2]))
AT, DATA = np.array([1.5, -0.5, 40.0]), np.array([2.0, 3.0])
FORMS = {"scalar": Form("scalar", band), "array": Form("array", band_array)}
BAND_POINT = Point(AT, (DATA,), outputs=5)
BAND_J = np.array(
    [
        [6.0, 0.0, 0.0],
        [1.0, math.exp(-0.5), 0.0],
        [0.0, math.sin(40.0), -0.5 * math.cos(40.0)],
        [0.0, 0.0, 3.0],
        [0.0, 0.0, 0.0],
    ]
)


def answer(method, form, operator, point):
    """The decoded result of a method prepared elsewhere."""
    prepared = registry.method(method).prepare(form, operator, elsewhere(point))
    return prepared.decode(prepared.call(*prepared.encode(point)))


def band_forms(methods=(*EXACT, *DIFFERENCES)):
    return [(m, FORMS[name]) for m in methods for name in registry.method(m).reads]


@pytest.mark.parametrize(("method", "form"), band_forms())
def test_vector_valued_functions_have_jacobians_and_products_with_vectors(method, form):
    draw = np.random.default_rng(27182)
    v, u = draw.standard_normal(3), draw.standard_normal(5)
    s = 0.01 * (1.0 + np.abs(AT))
    covariance = np.outer(s, s) * 0.5 ** np.abs(np.subtract.outer(range(3), range(3)))
    wanted = {
        Operator.JACOBIAN: BAND_J,
        Operator.JVP: BAND_J @ v,
        Operator.VJP: u @ BAND_J,
        Operator.PROPAGATE: BAND_J @ covariance @ BAND_J.T,
    }
    offered_here = set(wanted) & set(registry.method(method).operators)
    assert (Operator.VJP in offered_here) == method.startswith("dual")
    assert len(offered_here) >= 3
    for operator in offered_here:
        found = answer(method, form, operator, BAND_POINT)
        assert found.shape == form.shape(operator, BAND_POINT)
        assert error(found, wanted[operator]) < registry.method(method).rtol.get(operator, 1e-14)


@pytest.mark.parametrize(("method", "form"), band_forms())
def test_sparse_jacobians_are_sparse_matrices_of_their_pattern(method, form):
    point = Point(AT, (DATA,), 5, BAND)
    found = answer(method, form, Operator.JACOBIAN, point)
    assert found.shape == (5, 3)
    assert found.nnz == BAND.nnz
    assert np.array_equal(found.indices, BAND.columns)
    promise = registry.method(method).rtol.get(Operator.JACOBIAN, 1e-14)
    assert error(found.toarray(), BAND_J) < promise


@pytest.mark.parametrize(
    ("method", "runs"), [("numpy-forward", 3), ("numpy-central", 4), ("complex-step", 2)]
)
def test_a_sparse_jacobian_takes_a_run_a_colour(method, runs):
    """Two colours: the first and the last column share no row."""
    calls = []

    def build(xp):
        f = band_array(xp)
        return lambda x, a: calls.append(1) or f(x, a)

    assert len(BAND.seeds) == 2
    point = Point(AT, (DATA,), 5, BAND)
    prepared = registry.method(method).prepare(Form("array", build), Operator.JACOBIAN, point)
    calls.clear()
    prepared.call(*prepared.encode(point))
    assert len(calls) == runs


@pytest.mark.parametrize("method", [*EXACT, *DIFFERENCES])
def test_a_jacobian_of_one_number_has_one_row(method):
    reads = registry.method(method).reads[-1]
    form = Form(reads, lambda m: lambda x: x[0] * x[1])
    point = Point([2.0, 3.0], (), 1)
    promise = registry.method(method).rtol.get(Operator.JACOBIAN, 1e-15)
    found = answer(method, form, Operator.JACOBIAN, point)
    assert found.shape == (1, 2)
    assert error(found, [[3.0, 2.0]]) < promise


@pytest.mark.parametrize(("method", "form"), [(m, f) for m in (*EXACT, *DIFFERENCES)
                                              for f in registry.method(m).reads])  # fmt: skip
def test_elementwise_functions_of_two_numbers_give_all_first_partials(method, form):
    form = Form(form, lambda m: lambda a, b: a * m.exp(b) + 0.0 * a, elementwise=2)
    a, b = np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.5, 1.0])
    point = Point(np.concatenate([a, b]))
    promise = registry.method(method).rtol.get(Operator.DERIVATIVE, 1e-15)
    np.testing.assert_allclose(answer(method, form, Operator.VALUE, point), a * np.exp(b))
    wanted = np.concatenate([np.exp(b), a * np.exp(b)])
    found = answer(method, form, Operator.DERIVATIVE, point)
    assert found.shape == form.shape(Operator.DERIVATIVE, point)
    assert np.max(np.abs(found / wanted - 1.0)) < promise


def bowl(m):
    return lambda x: x[0] ** 3 + x[1] * x[1] * x[0] * m.exp(x[2])


@pytest.mark.parametrize("method", ["dual-python", "dual-numpy", "numpy-central"])
def test_second_order_products_are_products_with_the_hessian(method):
    form, point = Form(registry.method(method).reads[0], bowl), Point([2.0, 0.5, -0.25])
    v = np.random.default_rng(27182).standard_normal(3)
    hessian = answer("dual-python", Form("scalar", bowl), Operator.HESSIAN, point)
    promise = registry.method(method).rtol.get(Operator.HVP, 1e-14)
    assert error(answer(method, form, Operator.HVP, point), hessian @ v) < promise
    if method.startswith("dual"):
        gradient = answer(method, form, Operator.GRADIENT, point)
        newton = answer(method, form, Operator.NEWTON_DIRECTION, point)
        assert error(newton, gradient / hessian.sum(1)) < 1e-13


@given(st.integers(1, 40), st.integers(0, 1_000), st.floats(-3.0, 4.0))
def test_products_of_differences_keep_their_promise_whatever_the_scales(n, seed, power):
    """Of functions whose values are as large as their slopes in steps of the variables."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal(n) * 10.0 ** (power * draw.random(n))
    point = Point(x, (np.maximum(np.abs(x), 1.0),), 2)

    def build(xp):
        def f(x, w):
            z = x / w
            return xp.stack([xp.sum(xp.sin(z) + z * z), xp.sum(xp.exp(z))])

        return f

    form = Form("array", build)
    truth = answer("dual-numpy", form, Operator.JVP, point)
    terms = np.abs(answer("dual-numpy", form, Operator.JACOBIAN, point) * x_direction(n))
    for method in DIFFERENCES:
        found = answer(method, form, Operator.JVP, point)
        promise = registry.method(method).rtol[Operator.JVP]
        # a sum that cancels is held to what was cancelled
        assert np.all(np.abs(found - truth) < promise * np.linalg.norm(terms))


def x_direction(n):
    return np.random.default_rng(27182).standard_normal(n)


def test_a_direction_of_zeros_has_a_derivative_of_zero():
    assert along([1.0, 2.0], [0.0, 0.0], 1 / 2) == 1.0
    assert along([1.0, 8.0], [2.0, 4.0], 1 / 2) == 2.0**-26 / 2.0


def nests(m):
    def f(x):
        return m.derivative(lambda t: t * t * m.sqrt(t) * x[0], x[1])

    return f


@pytest.mark.parametrize("operator", [Operator.VALUE, Operator.GRADIENT])
@pytest.mark.parametrize("method", ["dual-python", "dual-numpy"])
def test_duals_nest_in_values_and_gradients(method, operator):
    found = answer(
        method, Form(registry.method(method).reads[0], nests), operator, Point([2.0, 4.0])
    )
    wanted = 40.0 if operator is Operator.VALUE else [20.0, 15.0]
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


@pytest.mark.parametrize("operator", [Operator.VALUE, Operator.GRADIENT])
@pytest.mark.parametrize("method", [*DIFFERENCES, "complex-step"])
@pytest.mark.parametrize("form", ["scalar", "array"])
def test_differences_and_complex_steps_do_not_nest_and_say_so(method, operator, form):
    with pytest.raises(NotImplementedError, match="cannot nest derivatives"):
        answer(method, Form(form, nests), operator, Point([2.0, 4.0]))


def test_plain_values_of_dual_python_need_no_functions_that_know_duals():
    """A helper that names no derivative, and refers to itself, is looked through to the end."""
    seen = []

    def build(m):
        seen.append(m.__name__)

        def power(t, k):
            return t * power(t, k - 1) if k else 1.0

        return lambda x: power(x[0], 3)

    assert answer("dual-python", Form("scalar", build), Operator.VALUE, Point([2.0])) == 8.0
    assert seen[-1] == "adbench.dual.plain"


def test_the_complex_step_factors_and_solves_symmetric_matrices():
    """NumPy's factor of a complex matrix conjugates, and its diagonal drops imaginary parts."""

    def build(xp):
        def f(x):
            k = x[0] * xp.exp(-((xp.arange(4.0)[:, None] - xp.arange(4.0)) ** 2) * x[1])
            lower = xp.linalg.cholesky(k + x[2] * xp.eye(4))
            z = xp.linalg.solve(lower, xp.arange(1.0, 5.0))
            return xp.sum(z * z) + xp.sum(xp.log(xp.diagonal(lower)))

        return f

    point = Point([1.2, 0.4, 0.3])
    truth = answer("dual-numpy", Form("array", build), Operator.GRADIENT, point)
    found = answer("complex-step", Form("array", build), Operator.GRADIENT, point)
    np.testing.assert_allclose(found, truth, rtol=1e-13)


@pytest.mark.parametrize("name", ["norm", "slogdet", "eigvalsh", "svd"])
def test_the_complex_step_refuses_linear_algebra_that_is_not_analytic(name):
    def build(xp):
        return lambda x: getattr(xp.linalg, name)(x.reshape(2, 2))

    with pytest.raises(NotImplementedError, match=rf"linalg\.{name} is not"):
        answer("complex-step", Form("array", build), Operator.GRADIENT, Point(np.ones(4)))
