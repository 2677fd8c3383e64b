"""What is particular to PyTensor: known lengths while a text runs, both compilers, what it refuses."""

import math
from typing import Any

import numpy as np
import pytest
from small_forms import computed, of_numbers, of_vectors, prepared_elsewhere, sparse

from adbench import registry
from adbench.model import Form, Operator, Outcome, Point
from adbench.reference.judge import judge
from adbench.reference.truth import certified

pytest.importorskip("pytensor")

C, NUMBA = registry.method("pytensor-c"), registry.method("pytensor-numba")


def check(method: Any, name: str, size: int, operator: Operator) -> None:
    problem = registry.problem(name)
    form, point = method.form(problem), problem.at(size)
    p = prepared_elsewhere(method, form, operator, point)
    assert p.compile is not None
    p.compile()
    found = computed(p, point)
    verdict = judge(found, certified(problem, size, operator, point), None)
    assert verdict.outcome is Outcome.OK, verdict.message


@pytest.mark.parametrize("method", [C, NUMBA], ids=["c", "numba"])
@pytest.mark.parametrize(
    ("name", "size", "operator"),
    [
        ("rosenbrock", 2, Operator.GRADIENT),
        pytest.param("gauss_nll", 100, Operator.VALUE_AND_GRADIENT, marks=pytest.mark.slow),
    ],
)
def test_gradients_are_exact(method: Any, name: str, size: int, operator: Operator) -> None:
    check(method, name, size, operator)


@pytest.mark.parametrize(
    "operator", [pytest.param(Operator.HESSIAN, marks=pytest.mark.slow), Operator.HVP]
)
def test_second_derivatives(operator: Operator) -> None:
    form, point, exact = of_numbers(operator)
    found = computed(prepared_elsewhere(C, form, operator, point), point)
    np.testing.assert_allclose(found, exact, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    "operator",
    [
        pytest.param(Operator.JACOBIAN, marks=pytest.mark.slow),
        pytest.param(Operator.JVP, marks=pytest.mark.slow),
        Operator.VJP,
    ],
)
def test_vector_valued_functions(operator: Operator) -> None:
    form, point, exact = of_vectors(operator)
    found = computed(prepared_elsewhere(C, form, operator, point), point)
    np.testing.assert_allclose(found, exact, rtol=1e-13, atol=1e-13)


def test_a_sparse_jacobian_takes_a_product_a_colour() -> None:
    form, point, dense = sparse(12)
    found = computed(prepared_elsewhere(C, form, Operator.JACOBIAN, point), point)
    np.testing.assert_allclose(found.toarray(), dense, rtol=1e-13, atol=1e-13)


def test_a_text_may_count_by_lengths_and_the_tool_is_left_as_it_was() -> None:
    """A symbolic shape would not equal 3, and another branch would be taken in silence."""
    from pytensor import tensor as pt

    form = Form("array", lambda xp: lambda x: xp.sum(x) * (2.0 if x.shape[0] == 3 else 7.0))
    point = Point(np.ones(3))
    found = computed(prepared_elsewhere(C, form, Operator.GRADIENT, point), point)
    assert found.tolist() == [2.0, 2.0, 2.0]
    assert not isinstance(pt.dvector("x").shape, tuple)
    with pytest.raises(TypeError, match="has no len"):
        len(pt.dvector("x"))


def test_what_pytensor_lacks_is_a_sentence() -> None:
    form = Form("array", lambda xp: lambda x: xp.no_such_word(x))
    with pytest.raises(NotImplementedError, match="PyTensor's arrays or gradients lack"):
        C.prepare(form, Operator.GRADIENT, Point(np.ones(3)))


def test_a_loop_too_deep_for_pythons_stack_is_refused() -> None:
    def build(xp: Any) -> Any:
        def f(x: Any) -> Any:
            for _ in range(3_000):
                x = x * 0.5 + x * x
            return xp.sum(x)

        return f

    point = Point(np.full(1, 0.1))
    with pytest.raises(NotImplementedError, match="by recursion"):
        computed(prepared_elsewhere(C, Form("array", build), Operator.GRADIENT, point), point)


def test_without_a_compiler_the_c_method_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTensor itself falls back to Python and warns at most."""
    monkeypatch.setattr("adbench.methods.pytensor._has_compiler", lambda: False)
    form, point, _ = of_numbers(Operator.GRADIENT)
    with pytest.raises(NotImplementedError, match=r"needs a C\+\+ compiler"):
        C.prepare(form, Operator.GRADIENT, point)


def test_functions_of_plain_numbers_have_64_bits() -> None:
    """PyTensor takes them in 32: of an integer of 8 bits, and of a number that 32 bits hold."""
    from adbench.methods._pytensor_words import words

    xp = words()
    for found, expected in (
        (xp.lgamma(1.5), math.lgamma(1.5)), (xp.log(2), math.log(2)), (xp.sqrt(3.0), math.sqrt(3.0)),
    ):  # fmt: skip
        value = found.eval()
        assert value.dtype == np.float64
        assert float(value) == pytest.approx(expected, rel=1e-15)
