"""Finite differences keep their promise, the complex step and our duals are exact, on every problem."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adbench import registry
from adbench.methods._difference import EPS
from adbench.methods.numpy import steps
from adbench.model import Form, Operator, Outcome, Point, elsewhere

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
    assert "analytic" in method.gaps["non-analytic"]
    assert Outcome.UNSUPPORTED.sentence  # what the harness makes of it


def test_dual_python_offers_derivatives_inside_a_formula():
    def build(m):
        return lambda x: m.derivative(lambda t: t * t * x[0] * m.exp(t), x[1])

    point = Point([2.0, 1.0])
    ours = registry.method("dual-python").prepare(Form("scalar", build), Operator.GRADIENT, point)
    result = ours.decode(ours.call(*ours.encode(point)))
    np.testing.assert_allclose(result, [3.0 * math.e, 14.0 * math.e], rtol=1e-14)
