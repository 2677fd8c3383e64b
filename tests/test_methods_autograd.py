"""What is particular to the autograd methods: its namespace, its modes, what has no forward rule."""

from typing import Any

import numpy as np
import pytest
from small_forms import (
    computed,
    elementwise,
    nested,
    of_numbers,
    of_vectors,
    prepared_elsewhere,
    sparse,
)
from vocabulary import WORDS, worst_error

from adbench import registry
from adbench.methods._shared import ELEMENTWISE, SECOND, VECTOR
from adbench.model import Form, Operator, Point, elsewhere

pytest.importorskip("autograd")

NO_FORWARD_RULE = {"erf", "erfc", "lgamma"}


@pytest.mark.parametrize("word", WORDS)
def test_reverse_mode_differentiates_every_word_of_the_vocabulary(word: str) -> None:
    method = registry.method("autograd-reverse")
    assert worst_error(method, "array", word, Operator.DERIVATIVE) < 1e-14


@pytest.mark.parametrize("word", [w for w in WORDS if w not in NO_FORWARD_RULE])
def test_forward_mode_differentiates_the_words_it_has_rules_for(word: str) -> None:
    method = registry.method("autograd-forward")
    assert worst_error(method, "array", word, Operator.DERIVATIVE) < 1e-14


@pytest.mark.parametrize("word", sorted(NO_FORWARD_RULE))
def test_forward_modes_declared_gap_is_a_real_one(word: str) -> None:
    """The day autograd gains the rule, the gap must go."""
    method = registry.method("autograd-forward")
    assert "special-functions" in method.gaps
    with pytest.raises(NotImplementedError, match="JVP"):
        worst_error(method, "array", word, Operator.DERIVATIVE)


def counted(calls: list[int]) -> Form:
    def build(xp: Any) -> Any:
        def f(x: Any) -> Any:
            calls.append(1)
            return xp.sum(x * x * x)

        return f

    return Form("array", build)


@pytest.mark.parametrize(("name", "passes"), [("autograd-reverse", 1), ("autograd-forward", 5)])
def test_a_gradient_takes_one_pass_in_reverse_and_one_a_variable_forward(
    name: str, passes: int
) -> None:
    calls: list[int] = []
    point = Point(np.arange(1.0, 6.0))
    p = registry.method(name).prepare(counted(calls), Operator.GRADIENT, elsewhere(point))
    assert p.decode(p.call(*p.encode(point))).tolist() == [3.0, 12.0, 27.0, 48.0, 75.0]
    assert len(calls) == passes


NAMES = ["autograd-reverse", "autograd-forward"]


@pytest.mark.parametrize(
    ("name", "operator"),
    [("autograd-reverse", Operator.TAYLOR), ("autograd-forward", Operator.HESSIAN)],
)
def test_an_operator_that_is_not_offered_is_refused(name: str, operator: Operator) -> None:
    assert operator not in registry.method(name).operators
    with pytest.raises(NotImplementedError, match=f"'{operator.value}'; it offers value"):
        registry.method(name).prepare(Form("array", lambda xp: xp.sum), operator, Point(np.ones(2)))


def error(found: Any, exact: Any) -> float:
    """Largest error relative to the largest number."""
    assert found.dtype == np.float64
    assert found.shape == np.shape(exact)
    return float(np.max(np.abs(found - exact)) / np.max(np.abs(exact)))


def offered(operators: Any) -> list[Any]:
    """(name, operator) of what each method offers of these."""
    return [(n, o) for n in NAMES for o in operators if o in registry.method(n).operators]


@pytest.mark.parametrize(("name", "operator"), offered(VECTOR))
def test_vector_valued_functions_have_all_their_operators(name: str, operator: Operator) -> None:
    form, point, exact = of_vectors(operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < 1e-15


@pytest.mark.parametrize(("name", "operator"), offered(SECOND))
def test_second_derivatives_and_their_products(name: str, operator: Operator) -> None:
    form, point, exact = of_numbers(operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < 1e-15


@pytest.mark.parametrize("operator", ELEMENTWISE)
@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_functions_of_several_numbers_a_point(name: str, k: int, operator: Operator) -> None:
    form, point, exact = elementwise(k, operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < 2e-15


@pytest.mark.parametrize(
    ("name", "operator"), offered([Operator.VALUE, Operator.GRADIENT, Operator.HESSIAN])
)
def test_derivatives_nest_without_confusion(name: str, operator: Operator) -> None:
    form, point, exact = nested(operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < 2e-15


@pytest.mark.parametrize("name", NAMES)
def test_the_inner_variable_may_be_a_whole_number(name: str) -> None:
    """Autograd differentiates by floating-point numbers alone."""
    form = Form("array", lambda xp: lambda x: x[0] * xp.derivative(lambda t: x[1] * t * t, 3))
    point = Point(np.array([2.0, 0.5]))
    p = prepared_elsewhere(registry.method(name), form, Operator.GRADIENT, point)
    assert computed(p, point).tolist() == [3.0, 12.0]


@pytest.mark.parametrize(("name", "passes"), [("autograd-reverse", 1), ("autograd-forward", 4)])
def test_a_sparse_jacobian_takes_one_record_or_a_pass_a_colour(name: str, passes: int) -> None:
    """And is delivered with the pattern's places."""
    form, point, dense = sparse(40)
    assert point.pattern is not None
    if name == "autograd-forward":
        assert point.pattern.column_colours.max() + 1 == passes
    calls: list[int] = []

    def build(xp: Any) -> Any:
        f = form.build(xp)

        def counted(x: Any, a: Any) -> Any:
            calls.append(1)
            return f(x, a)

        return counted

    p = prepared_elsewhere(registry.method(name), Form("array", build), Operator.JACOBIAN, point)
    entries = p.call(*p.encode(point))
    assert len(calls) == passes
    assert entries.shape == (point.pattern.nnz,)
    found = p.decode(entries)
    assert np.array_equal(found.indices, point.pattern.columns)
    assert error(found.toarray(), dense) < 1e-15
