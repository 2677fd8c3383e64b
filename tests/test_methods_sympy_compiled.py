"""SymPy's formulas compiled by Numba and by the C compiler: the numbers are those of lambdified NumPy code."""

import math
import os
import sysconfig
from typing import Any

import numpy as np
import pytest

from adbench import registry
from adbench.model import ELEMENTARY, Form, Operator, Point, elsewhere

pytest.importorskip("sympy")

COMPILED = ("sympy-numba", "sympy-c")
NUMBERS = (0.1, 1 / 3, 1e-100, 5e-324, 1.7976931348623157e308, math.log(2 * math.pi), 2.0**53 + 2)
WORDS = tuple(word for word in ELEMENTARY if word != "lgamma")


def prepared(name: str, form: Form, operator: Operator, point: Point) -> Any:
    """Prepared at another point; without the tool, or a C compiler, the test is skipped, in CI failed."""
    method = registry.method(name)
    missing = registry.reason_unavailable(method)
    try:
        if missing:
            raise NotImplementedError(missing)
        return method.prepare(form, operator, elsewhere(point))
    except NotImplementedError as refusal:
        if not missing and "no C compiler" not in str(refusal):
            raise
        if os.environ.get("CI"):
            pytest.fail(f"CI must compile SymPy's code: {refusal}")
        pytest.skip(str(refusal))


def result(name: str, form: Form, operator: Operator, point: Point) -> Any:
    made = prepared(name, form, operator, point)
    return made.decode(made.call(*made.encode(point)))


def words_and_numbers(m: Any) -> Any:
    def f(x: Any) -> Any:
        out = m.zeros(len(WORDS) + len(NUMBERS) + 1)
        for i, word in enumerate(WORDS):
            g = getattr(m, word)
            out[i] = g(x[0], 2.0 - x[0]) if word == "atan2" else g(x[0])
        for i, number in enumerate(NUMBERS):
            out[len(WORDS) + i] = number * x[0]
        out[len(WORDS) + len(NUMBERS)] = (x[0] ** 3 + 1.0) ** 5 / x[0] ** 2 + abs(x[0]) ** 1.5
        return out

    return f


@pytest.mark.parametrize("name", COMPILED)
def test_words_and_powers_are_compiled_and_numbers_keep_every_bit(name: str) -> None:
    """Called without `compile`: the first call compiles then."""
    outputs = len(WORDS) + len(NUMBERS) + 1
    point, form = Point(np.array([0.35]), outputs=outputs), Form("scalar", words_and_numbers)
    found = result(name, form, Operator.JACOBIAN, point)
    assert found.shape == (outputs, 1)
    assert tuple(found[len(WORDS) : -1, 0]) == NUMBERS
    expected = result("sympy-numpy", form, Operator.JACOBIAN, point)
    np.testing.assert_allclose(found, expected, rtol=2e-15)


def columns(a: Any, b: Any) -> tuple[Any, ...]:
    return a, b[:, 1]


def term(m: Any) -> Any:
    return lambda x, a, b: x[0] * x[0] + x[1] * a + m.exp(x[2]) * a * b + 0.25


@pytest.mark.parametrize("name", COMPILED)
def test_a_sum_over_data_counts_what_has_no_data_once_a_datum(name: str) -> None:
    """Whole numbers and every second number of an array are data like others; zeros stay zeros."""
    a, b = np.array([1, 2, 3, 4]), np.array([[9.0, 1.0], [9.0, 1.0], [9.0, 2.0], [9.0, 0.5]])
    x = np.array([2.0, 3.0, 0.5])
    point, form = Point(x, (a, b)), Form("term", term, columns)
    made = prepared(name, form, Operator.HESSIAN, point)
    made.compile()
    found = made.decode(made.call(*made.encode(point)))
    np.testing.assert_allclose(
        found, np.diag([8.0, 0.0, math.exp(0.5) * float(a @ b[:, 1])]), rtol=1e-15
    )


@pytest.mark.parametrize("name", COMPILED)
def test_all_partials_at_each_point_stand_one_after_another(name: str) -> None:
    form = Form("scalar", lambda m: lambda a, b: a * a * b + 2.0 * b, elementwise=2)
    point = Point(np.array([1.0, 2.0, 3.0, 4.0]))
    made = prepared(name, form, Operator.DERIVATIVE, point)
    made.compile()
    arguments = made.encode(point)
    assert made.decode(made.call(*arguments)).tolist() == [6.0, 16.0, 3.0, 6.0]
    # the code is for any number of points
    assert made.call(np.array([3.0, 1.0, 2.0, 5.0, 4.0, 6.0])).shape == (6,)


@pytest.mark.parametrize("name", COMPILED)
def test_the_derivative_of_lgamma_is_refused(name: str) -> None:
    form, point = Form("scalar", lambda m: lambda x: m.lgamma(x[0])), Point(np.ones(1))
    with pytest.raises(NotImplementedError, match="polygamma"):
        prepared(name, form, Operator.GRADIENT, point)


def test_without_a_c_compiler_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _: "no-such-cc -pthread")
    method, form = registry.method("sympy-c"), Form("scalar", lambda m: lambda x: x[0])
    with pytest.raises(NotImplementedError, match=r"no C compiler 'no-such-cc'.*apt install gcc"):
        method.prepare(form, Operator.VALUE, Point(np.ones(1)))
