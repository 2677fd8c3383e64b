"""What is particular to Enzyme: its rules instead of JAX's, what it refuses."""

from typing import Any

import numpy as np
import pytest
from small_forms import computed, of_vectors, prepared_elsewhere

from adbench import registry
from adbench.model import Form, Operator, Outcome, Point
from adbench.reference.judge import judge
from adbench.reference.truth import certified

pytest.importorskip("enzyme_ad")

METHOD = registry.method("enzyme-jax")


@pytest.mark.parametrize(
    ("name", "size", "operator"),
    [
        ("rosenbrock", 2, Operator.VALUE),
        ("rosenbrock", 2, Operator.GRADIENT),
        ("gauss_nll", 100, Operator.VALUE_AND_GRADIENT),
        ("kepler", 1, Operator.DERIVATIVE),
        ("brusselator", 8, Operator.VJP),
    ],
)
def test_results_agree_with_the_certified_reference(
    name: str, size: int, operator: Operator
) -> None:
    problem = registry.problem(name)
    form, point = METHOD.form(problem), problem.at(size)
    assert form is not None
    p = prepared_elsewhere(METHOD, form, operator, point)
    assert p.compile is not None
    p.compile()
    verdict = judge(computed(p, point), certified(problem, size, operator, point), None)
    assert verdict.outcome is Outcome.OK, verdict.message


@pytest.mark.parametrize("operator", [Operator.JVP, Operator.VJP])
def test_products_of_vector_valued_functions(operator: Operator) -> None:
    form, point, exact = of_vectors(operator)
    found = computed(prepared_elsewhere(METHOD, form, operator, point), point)
    np.testing.assert_allclose(found, exact, rtol=1e-14, atol=1e-14)


def test_an_operator_that_needs_several_derivatives_together_is_not_offered() -> None:
    form = Form("array", lambda xp: xp.sum)
    with pytest.raises(NotImplementedError, match="'hessian'; it offers value"):
        METHOD.prepare(form, Operator.HESSIAN, Point(np.ones(2)))


def test_a_call_of_lapack_is_refused() -> None:
    """The day it has a rule, the refusal must go."""
    problem = registry.problem("gp_nll")
    form = problem.form("array")
    assert form is not None
    with pytest.raises(NotImplementedError, match="cannot differentiate the call of lapack"):
        METHOD.prepare(form, Operator.GRADIENT, problem.at(10))


def test_a_loop_of_unknown_length_is_refused_in_reverse_mode() -> None:
    """The day Enzyme's pass records it, the refusal must go."""
    from jax import lax

    def build(xp: Any) -> Any:
        """A loop of JAX's own."""
        return lambda x: lax.while_loop(lambda v: v < 10.0, lambda v: v * 2.0, x[0])

    with pytest.raises(NotImplementedError, match="cannot differentiate what JAX makes"):
        METHOD.prepare(Form("jax", build), Operator.GRADIENT, Point(np.array([2.5])))


def test_a_derivative_inside_the_text_is_refused() -> None:
    def build(xp: Any) -> Any:
        return lambda x: xp.sum(xp.derivative(xp.sin, x))

    with pytest.raises(NotImplementedError, match="cannot nest"):
        METHOD.prepare(Form("array", build), Operator.GRADIENT, Point(np.ones(2)))
