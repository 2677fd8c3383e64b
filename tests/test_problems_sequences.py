"""Long loops: texts agree, hand-written adjoints and closed forms are the derivatives of the texts."""

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from adbench.dual import python as dual
from adbench.model import ELEMENTARY, Form, Operator, Point, Problem, namespace
from adbench.problems import lotka_volterra, lotka_volterra_residuals, lstm, ode, ode_states
from adbench.reference.truth import reference

MANUAL = [
    pytest.param(ode.PROBLEM, (1, 3), id="ode[1x3]"),
    pytest.param(ode.PROBLEM, (4, 10), id="ode[4x10]"),
    pytest.param(ode.PROBLEM, (10, 25), id="ode[10x25]"),
    pytest.param(lstm.PROBLEM, (1, 2), id="lstm[1x2]"),
    pytest.param(lstm.PROBLEM, (3, 5), id="lstm[3x5]"),
]
TEXTS = [
    pytest.param(ode.PROBLEM, (1, 3), id="ode[1x3]"),
    pytest.param(ode.PROBLEM, (10, 25), id="ode[10x25]"),
    pytest.param(ode_states.PROBLEM, (10, 25), id="ode_states[10x25]"),
    pytest.param(lotka_volterra.PROBLEM, 100, id="lotka_volterra[100]"),
    pytest.param(lotka_volterra_residuals.PROBLEM, 100, id="lotka_volterra_residuals[100]"),
    pytest.param(lstm.PROBLEM, (1, 2), id="lstm[1x2]"),
    pytest.param(lstm.PROBLEM, (3, 9), id="lstm[3x9]"),
]


def plain() -> ModuleType:
    return namespace("math", {word: getattr(math, word) for word in ELEMENTARY})


def lists(point: Point) -> list[Any]:
    return [p.tolist() for p in (point.x, *point.data)]


def scalar(problem: Problem, words: ModuleType) -> Any:
    form = problem.form("scalar")
    assert form is not None
    return form.build(words)


def value(problem: Problem, point: Point) -> Any:
    return np.array(scalar(problem, plain())(*lists(point)))


def derivative(problem: Problem, point: Point) -> Any:
    """Gradient or Jacobian by dual numbers."""
    words = namespace("duals", vars(dual.math))
    way = dual.grad if point.outputs is None else dual.jacobian
    return np.array(way(scalar(problem, words))(*lists(point)))


def manual(problem: Problem) -> Form:
    form = problem.form("numba-manual")
    assert form is not None
    return form


@pytest.mark.parametrize(("problem", "size"), TEXTS)
def test_the_array_text_is_the_scalar_text(problem: Problem, size: Any) -> None:
    point = problem.at(size)
    form = problem.form("array")
    assert form is not None
    found = form.build(namespace("numpy", vars(np)))(point.x, *point.data)
    np.testing.assert_allclose(found, value(problem, point), rtol=1e-12)


JAX_TEXTS = [
    pytest.param(problem, size, form, id=f"{problem.name}-{form.name}")
    for problem, size in (
        (ode.PROBLEM, (5, 7)),
        (ode_states.PROBLEM, (5, 7)),
        (lotka_volterra.PROBLEM, 20),
        (lotka_volterra_residuals.PROBLEM, 20),
        (lstm.PROBLEM, (2, 4)),
    )
    for form in problem.forms
    if form.name.startswith("jax")
]


@pytest.mark.parametrize(("problem", "size", "form"), JAX_TEXTS)
def test_jax_derives_the_scalar_text(problem: Problem, size: Any, form: Form) -> None:
    jax = pytest.importorskip("jax")
    point = problem.at(size)
    with jax.enable_x64(True):
        f = form.build(namespace("jax.numpy", vars(jax.numpy)))
        args = [jax.numpy.array(a) for a in (point.x, *point.data)]
        found = np.asarray(jax.jit(f)(*args))
        back = np.asarray(jax.jit(jax.jacrev(f))(*args))
    np.testing.assert_allclose(found, value(problem, point), rtol=1e-12)
    expected = derivative(problem, point)
    np.testing.assert_allclose(back, expected, rtol=1e-11, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize(("problem", "size"), MANUAL)
def test_the_manual_gradient_is_that_of_the_text(problem: Problem, size: Any) -> None:
    point = problem.at(size)
    found, gradient = manual(problem).build(plain())(point.x, *point.data)
    assert found == pytest.approx(float(value(problem, point)), rel=1e-13)
    expected = derivative(problem, point)
    np.testing.assert_allclose(gradient, expected, rtol=1e-11, atol=1e-14 * np.abs(expected).max())


@pytest.mark.parametrize(("problem", "size"), MANUAL)
def test_the_manual_gradient_is_the_certified_one(problem: Problem, size: Any) -> None:
    point = problem.at(size)
    truth = reference(problem.reference, Operator.GRADIENT, point)
    _, gradient = manual(problem).build(plain())(point.x, *point.data)
    np.testing.assert_allclose(gradient, truth.hi, rtol=1e-11, atol=1e-14 * np.abs(truth.hi).max())


@pytest.mark.slow
@pytest.mark.parametrize("problem", [ode.PROBLEM, lstm.PROBLEM], ids=["ode", "lstm"])
def test_numba_compiles_the_manual_gradient(problem: Problem) -> None:
    primal = pytest.importorskip("adbench.dual.numba").primal
    point = problem.at(problem.sizes[0])
    words = {**{word: getattr(math, word) for word in ELEMENTARY}, "zeros": np.zeros}
    form = manual(problem)
    got, gradient = primal(form.build(namespace("numba", words)))(point.x, *point.data)
    python, expected = form.build(plain())(point.x, *point.data)
    assert got == pytest.approx(python, rel=1e-13)
    np.testing.assert_allclose(gradient, expected, rtol=1e-11, atol=1e-14 * np.abs(expected).max())


@pytest.mark.parametrize("size", [(1, 1), (4, 1), (4, 10), (12, 30)], ids=str)
@pytest.mark.parametrize(
    ("problem", "operator"),
    [(p, o) for p in (ode.PROBLEM, ode_states.PROBLEM) for o in p.exact],
    ids=lambda v: v.name if isinstance(v, Problem) else v.value,
)
def test_closed_forms_of_the_discrete_map_are_the_truth(
    problem: Problem, operator: Operator, size: Any
) -> None:
    point = problem.at(size)
    text = reference(problem.reference, operator, point)
    closed = reference(problem.reference, operator, point, closed=problem.exact[operator])
    difference = (text.hi - closed.hi) + (text.lo - closed.lo)
    assert np.all(np.abs(difference) <= 1e-30 * np.abs(text.hi))


def test_the_truth_of_ode_is_not_that_of_the_analytic_solution() -> None:
    """Ten steps leave an error of the method, which a reference from the solution would judge."""
    point = ode_states.PROBLEM.at((4, 10))
    analytic = [
        np.prod(point.x[: i + 1]) * 2.0 ** (i + 1) / math.factorial(i + 1) for i in range(4)
    ]
    # the method is exact for polynomials of fourth degree, which the first four states are ...
    np.testing.assert_allclose(value(ode_states.PROBLEM, point), analytic, rtol=1e-13)
    point = ode_states.PROBLEM.at((8, 10))
    analytic = [
        np.prod(point.x[: i + 1]) * 2.0 ** (i + 1) / math.factorial(i + 1) for i in range(8)
    ]
    # ... and no further
    off = np.abs(value(ode_states.PROBLEM, point) / analytic - 1.0)
    assert np.all(off[:4] < 1e-13)
    assert np.all(off[4:] > 1e-6)


def test_a_chain_longer_than_its_steps_reach_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 3 steps"):
        ode.PROBLEM.at((9, 2))


@pytest.mark.parametrize("size", ode.PROBLEM.sizes, ids=str)
def test_states_depend_on_the_rates_up_to_their_own(size: Any) -> None:
    point = ode_states.PROBLEM.at(size)
    jacobian = np.array(ode_states.jacobian(plain())(*lists(point)))
    assert np.all(jacobian[np.tril_indices(len(point.x))] > 0.0)
    assert not np.any(jacobian[np.triu_indices(len(point.x), 1)])


def test_the_sum_of_squares_is_that_of_the_residuals() -> None:
    whole, parts = lotka_volterra.PROBLEM, lotka_volterra_residuals.PROBLEM
    residuals = value(parts, parts.at(1_000))
    assert residuals.shape == (200,)
    assert value(whole, whole.at(1_000)) == pytest.approx(residuals @ residuals, rel=1e-14)
    jacobian = derivative(parts, parts.at(1_000))
    np.testing.assert_allclose(
        derivative(whole, whole.at(1_000)), 2.0 * residuals @ jacobian, rtol=1e-12
    )


def test_residuals_vanish_at_the_parameters_of_the_target() -> None:
    problem = lotka_volterra_residuals.PROBLEM
    point = problem.at(1_000)
    (target,) = point.data
    assert not np.any(value(problem, Point(np.array([1.5, 1.0, 3.0, 1.0]), (target,), 200)))


def test_the_target_conserves_what_the_equations_conserve() -> None:
    """Along solutions d x - c log x + b y - a log y is constant: an independent check of the steps."""
    (target,) = lotka_volterra.PROBLEM.at(1_000).data
    x, y = target.T
    assert target.shape == (100, 2)
    np.testing.assert_allclose(x - 3.0 * np.log(x) + y - 1.5 * np.log(y), 2.0, rtol=1e-6)


def test_a_target_of_no_whole_number_of_records_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 10"):
        lotka_volterra.PROBLEM.at(1_005)


def test_the_network_of_one_character_step_by_hand() -> None:
    """One layer, one step: the formulas of the definition written out once more."""
    point = lstm.PROBLEM.at((1, 2))
    state, sequence = point.data
    w, b = point.x[:56].reshape(4, 14), point.x[56:112].reshape(4, 14)
    enter, leave, bias = point.x[112:].reshape(3, 14)
    x, (h, c) = sequence[0] * enter, state

    def sigma(z: Any) -> Any:
        return 1.0 / (1.0 + np.exp(-z))

    c = c * sigma(x * w[0] + b[0]) + sigma(h * w[1] + b[1]) * np.tanh(h * w[3] + b[3])
    y = sigma(x * w[2] + b[2]) * np.tanh(c) * leave + bias
    expected = -np.sum(sequence[1] * (y - np.log(2.0 + np.sum(np.exp(y))))) / 14
    assert float(value(lstm.PROBLEM, point)) == pytest.approx(expected, rel=1e-14)


def test_a_sequence_of_one_character_predicts_nothing() -> None:
    with pytest.raises(ValueError, match="two characters"):
        lstm.PROBLEM.at((2, 1))


@pytest.mark.parametrize(("problem", "size"), TEXTS)
def test_every_data_array_matters(problem: Problem, size: Any) -> None:
    point = problem.at(size)
    before = derivative(problem, point)
    for k in range(len(point.data)):
        data = [d * 1.25 if i == k else d for i, d in enumerate(point.data)]
        moved = Point(point.x, tuple(data), point.outputs)
        if problem is lotka_volterra_residuals.PROBLEM:  # its data are subtracted
            assert not np.allclose(value(problem, moved), value(problem, point), rtol=1e-6)
        else:
            assert not np.allclose(derivative(problem, moved), before, rtol=1e-6)
