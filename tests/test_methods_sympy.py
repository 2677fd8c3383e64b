"""What is particular to SymPy: exact constants, terms summed over data, and what it refuses."""

import math
from typing import Any

import numpy as np
import pytest
from vocabulary import WORDS, worst_error

from adbench import registry
from adbench.model import Form, Operator, Pattern, Point, elsewhere

sympy = pytest.importorskip("sympy")

from adbench.methods import _sympy_text as ours  # noqa: E402 - after the skip

METHOD = registry.method("sympy-numpy")


def result(form: Form, operator: Operator, point: Point) -> Any:
    p = METHOD.prepare(form, operator, elsewhere(point))
    return p.decode(p.call(*p.encode(point)))


@pytest.mark.parametrize("operator", [Operator.VALUE, Operator.DERIVATIVE])
@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_vocabulary_is_differentiated(word: str, operator: Operator) -> None:
    assert worst_error(METHOD, "scalar", word, operator) < 1e-14


@pytest.mark.parametrize(
    "number",
    [0.1, 1 / 3, 1e-100, 5e-324, 1.7976931348623157e308, math.log(2 * math.pi), 2.0**53 + 2],
)
def test_numbers_in_a_form_keep_every_bit(number: float) -> None:
    """SymPy's floats have 15 digits by default; a double needs 17."""
    form = Form("scalar", lambda m: lambda x: number * x[0])
    assert result(form, Operator.VALUE, Point(np.ones(1))).item() == number
    assert result(form, Operator.GRADIENT, Point(np.ones(1))).item() == number


def columns(a: Any, b: Any) -> tuple[Any, ...]:
    return a, b[:-1]


def term(m: Any) -> Any:
    return lambda x, a, b: x[0] * x[0] + x[1] * a + x[2] * x[2] * x[2] * a * b + 0.25


def test_entries_without_data_count_once_a_datum() -> None:
    """Constants, zeros and mixed entries of value, gradient and Hessian, over four data."""
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 2.0, 0.5, 9.0])
    x = np.array([2.0, 3.0, 0.5])
    point, form = Point(x, (a, b)), Form("term", term, columns)
    ab = float(a @ b[:-1])
    value = 4 * x[0] ** 2 + x[1] * a.sum() + x[2] ** 3 * ab + 1.0
    gradient = [8 * x[0], a.sum(), 3 * x[2] ** 2 * ab]
    assert result(form, Operator.VALUE, point) == value
    assert result(form, Operator.GRADIENT, point).tolist() == gradient
    assert result(form, Operator.VALUE_AND_GRADIENT, point).tolist() == [value, *gradient]
    hessian = [[8.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 6 * x[2] * ab]]
    assert result(form, Operator.HESSIAN, point).tolist() == hessian


def test_a_constant_function_keeps_its_shape() -> None:
    line = Form("scalar", lambda m: lambda x: 3.0 * x + 1.0, elementwise=True)
    point = Point(np.array([1.0, 2.0]))
    assert result(line, Operator.DERIVATIVE, point).tolist() == [3.0, 3.0]
    constant = Form("scalar", lambda m: lambda x: 2.5)
    assert result(constant, Operator.VALUE, point) == 2.5
    assert result(constant, Operator.HESSIAN, point).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_the_term_is_preferred_and_the_scalar_text_unrolled_where_there_is_none() -> None:
    for name, expected in (("gauss_nll", "term"), ("rosenbrock", "scalar")):
        form = METHOD.form(registry.problem(name))
        assert form is not None
        assert form.name == expected


def test_a_loop_over_data_is_refused() -> None:
    problem = registry.problem("gauss_nll")
    scalar = problem.form("scalar")
    assert scalar is not None
    with pytest.raises(NotImplementedError, match="no term"):
        METHOD.prepare(scalar, Operator.GRADIENT, problem.at(100))


@pytest.mark.parametrize("size", [1_000, 10_000])
def test_too_many_variables_are_refused(size: int) -> None:
    problem = registry.problem("rosenbrock")
    form = METHOD.form(problem)
    assert form is not None
    with pytest.raises(NotImplementedError, match=f"more than {ours.MAX_OPERATIONS} operations"):
        METHOD.prepare(form, Operator.VALUE, problem.at(size))


@pytest.mark.parametrize(("passes", "refused"), [(6, False), (1_000, True)])
def test_a_loop_that_feeds_on_itself_is_refused_when_it_is_long(passes: int, refused: bool) -> None:
    """Each pass doubles what is written out, although few operations are run."""

    def build(m: Any) -> Any:
        def f(x: Any) -> Any:
            y = x[0]
            for _ in range(passes):
                y = 0.5 * m.sin(y) + y * y
            return y

        return f

    form, point = Form("scalar", build), Point(np.array([0.5]))
    if refused:
        with pytest.raises(NotImplementedError, match="more than"):
            METHOD.prepare(form, Operator.VALUE, point)
    else:
        np.testing.assert_allclose(result(form, Operator.VALUE, point), build(np)(point.x))


@pytest.mark.parametrize(
    "branch",
    [
        lambda x: x[0] if x[0] > 0.0 else -x[0],
        lambda x: 0.0 if x[0] == 0.0 else x[0],
        lambda x: x[0] or 1.0,
    ],
    ids=["order", "equality", "truth"],
)
def test_a_branch_on_a_value_is_refused(branch: Any) -> None:
    """An equality of symbols is plainly False in SymPy: it would take one branch without a word."""
    with pytest.raises(NotImplementedError, match="branch"):
        METHOD.prepare(Form("scalar", lambda m: branch), Operator.GRADIENT, Point(np.ones(1)))


def test_absolute_values_and_plus_signs_are_differentiated() -> None:
    form = Form("scalar", lambda m: lambda x: abs(x[0]) * +x[1])
    point = Point(np.array([-2.0, 3.0]))
    assert result(form, Operator.VALUE_AND_GRADIENT, point).tolist() == [6.0, -3.0, 2.0]


def test_the_second_derivative_of_an_absolute_value_is_refused() -> None:
    """SymPy gives a DiracDelta, which has no NumPy code: a NameError at the first call otherwise."""
    form = Form("scalar", lambda m: lambda x: abs(x[0]) * x[0])
    with pytest.raises(NotImplementedError, match="DiracDelta"):
        METHOD.prepare(form, Operator.HESSIAN, Point(np.ones(1)))


def test_other_errors_of_a_form_pass_through() -> None:
    form = Form("scalar", lambda m: lambda x: len(x[0]))
    with pytest.raises(TypeError, match="len"):
        METHOD.prepare(form, Operator.GRADIENT, Point(np.ones(1)))


@pytest.mark.parametrize("operator", [Operator.GRADIENT, Operator.HESSIAN])
def test_only_value_and_derivative_of_an_elementwise_form(operator: Operator) -> None:
    form = Form("scalar", lambda m: m.exp, elementwise=True)
    with pytest.raises(NotImplementedError, match=operator.value):
        METHOD.prepare(form, operator, Point(np.ones(1)))


def vector(m: Any) -> Any:
    def f(x: Any) -> Any:
        out = m.zeros(3)
        out[0] = x[0] * x[1]
        out[1] = m.exp(x[1]) + 0.25
        out[2] = out[0] * x[0]
        return out

    return f


X = np.array([2.0, 0.5])
J = np.array([[0.5, 2.0], [0.0, math.exp(0.5)], [2.0, 4.0]])


def test_a_vector_has_a_jacobian_and_products_with_vectors() -> None:
    form, point = Form("scalar", vector), Point(X, outputs=3)
    v = np.random.default_rng(27182).standard_normal(2)
    u = np.random.default_rng(27182).standard_normal(5)[2:]
    np.testing.assert_allclose(
        result(form, Operator.VALUE, point), [1.0, math.exp(0.5) + 0.25, 2.0], rtol=1e-15
    )
    np.testing.assert_allclose(result(form, Operator.JACOBIAN, point), J, rtol=1e-15)
    np.testing.assert_allclose(result(form, Operator.JVP, point), J @ v, rtol=1e-14)
    np.testing.assert_allclose(result(form, Operator.VJP, point), u @ J, rtol=1e-14)
    s = 0.01 * (1.0 + X)
    covariance = np.outer(s, s) * np.array([[1.0, 0.5], [0.5, 1.0]])
    np.testing.assert_allclose(
        result(form, Operator.PROPAGATE, point), J @ covariance @ J.T, rtol=1e-14
    )


def test_a_sparse_jacobian_has_the_entries_of_its_pattern() -> None:
    pattern = Pattern((3, 2), np.array([0, 2, 3, 5]), np.array([0, 1, 1, 0, 1]))
    found = result(Form("scalar", vector), Operator.JACOBIAN, Point(X, (), 3, pattern))
    assert found.nnz == 5
    np.testing.assert_allclose(found.toarray(), J, rtol=1e-15)


def test_second_order_products_and_newton_directions() -> None:
    """Of f = x0^3 + x1^2 x0, whose Hessian is [[6 x0, 2 x1], [2 x1, 2 x0]]."""
    form = Form("scalar", lambda m: lambda x: x[0] ** 3 + x[1] * x[1] * x[0])
    v = np.random.default_rng(27182).standard_normal(2)
    hessian = np.array([[12.0, 1.0], [1.0, 4.0]])
    gradient = np.array([12.25, 2.0])
    np.testing.assert_allclose(result(form, Operator.HVP, Point(X)), hessian @ v, rtol=1e-14)
    np.testing.assert_allclose(
        result(form, Operator.NEWTON_DIRECTION, Point(X)), gradient / hessian.sum(1), rtol=1e-14
    )


def test_products_of_a_sum_over_data_are_summed_too() -> None:
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 2.0, 0.5, 9.0])
    point, form = Point(np.array([2.0, 3.0, 0.5]), (a, b)), Form("term", term, columns)
    v = np.random.default_rng(27182).standard_normal(3)
    hessian = result(form, Operator.HESSIAN, point)
    np.testing.assert_allclose(result(form, Operator.HVP, point), hessian @ v, rtol=1e-14)


def test_all_first_partials_of_a_function_of_two_numbers_at_each_point() -> None:
    form = Form("scalar", lambda m: lambda a, b: a * a * b + 1.0, elementwise=2)
    point = Point(np.array([1.0, 2.0, 3.0, 4.0]))
    assert result(form, Operator.VALUE, point).tolist() == [4.0, 17.0]
    assert result(form, Operator.DERIVATIVE, point).tolist() == [6.0, 16.0, 1.0, 4.0]


def test_a_derivative_inside_a_formula_is_taken_by_sympy() -> None:
    """d/dt (t^2 x0) at t = x1 is 2 x0 x1; within it, a derivative of a derivative."""

    def build(m: Any) -> Any:
        def f(x: Any) -> Any:
            def slope(t: Any) -> Any:
                return m.derivative(lambda s: s * s * t, t)

            return m.derivative(lambda t: t * t * x[0], x[1]) + m.derivative(slope, x[1])

        return f

    point = Point(np.array([2.0, 3.0]))
    # slope(t) = 2 t^2, so its derivative is 4 t
    assert result(Form("scalar", build), Operator.VALUE, point).item() == 24.0
    assert result(Form("scalar", build), Operator.GRADIENT, point).tolist() == [6.0, 8.0]


def test_derivatives_inside_a_formula_count_when_it_is_measured() -> None:
    def build(m: Any) -> Any:
        def f(x: Any) -> Any:
            y = x[0]
            for _ in range(20):
                y = m.derivative(lambda t, y=y: t * t * y, y)
            return y

        return f

    with pytest.raises(NotImplementedError, match="more than"):
        METHOD.prepare(Form("scalar", build), Operator.VALUE, Point(np.ones(1)))


def test_a_long_vector_of_short_numbers_is_refused() -> None:
    def build(m: Any) -> Any:
        def f(x: Any) -> Any:
            out = m.zeros(1_100)
            for i in range(1_100):
                for _ in range(10):
                    out[i] = out[i] + x[0]
            return out

        return f

    with pytest.raises(NotImplementedError, match=f"more than {ours.MAX_ALTOGETHER} operations"):
        METHOD.prepare(Form("scalar", build), Operator.JACOBIAN, Point(np.ones(1), outputs=1_100))


def test_an_expression_too_deep_for_recursion_is_refused() -> None:
    def build(m: Any) -> Any:
        def f(x: Any) -> Any:
            y = x[0]
            for i in range(400):
                y = y * x[1] + x[0] * (1.0 + i)
            return y

        return f

    with pytest.raises(NotImplementedError, match="recursion"):
        METHOD.prepare(Form("scalar", build), Operator.GRADIENT, Point(np.ones(2)))
