"""The complex step compiled by Numba: exact where the text is analytic, and refused where it is not."""

from typing import Any

import numpy as np
import pytest
from small_forms import computed, prepared_elsewhere

from adbench import registry
from adbench.model import Form, Operator, Outcome, Point
from adbench.reference.judge import judge
from adbench.reference.truth import certified

pytest.importorskip("numba")

METHOD = registry.method("numba-complex")


@pytest.mark.parametrize(
    ("name", "size", "operator"),
    [
        ("rosenbrock", 2, Operator.GRADIENT),
        ("gauss_nll", 100, Operator.VALUE_AND_GRADIENT),
        ("damped_sine", 1_000, Operator.DERIVATIVE),
        ("kepler", 1, Operator.DERIVATIVE),
        ("brusselator", 8, Operator.JACOBIAN),
        ("brusselator", 8, Operator.JVP),
    ],
)
def test_it_is_exact(name: str, size: int, operator: Operator) -> None:
    problem = registry.problem(name)
    form, point = METHOD.form(problem), problem.at(size)
    assert form is not None
    p = prepared_elsewhere(METHOD, form, operator, point)
    assert p.compile is not None
    p.compile()
    found = computed(p, point)
    if operator is Operator.JACOBIAN:
        assert point.pattern is not None
        found = point.pattern.entries(found)
    verdict = judge(found, certified(problem, size, operator, point), None)
    assert verdict.outcome is Outcome.OK, verdict.message


def vector(m: Any) -> Any:
    def f(x, a):
        out = m.zeros(2)
        out[0] = m.exp(x[0]) * x[1] * a[0]
        out[1] = m.sin(x[1])
        return out

    return f


@pytest.mark.parametrize("operator", [Operator.JACOBIAN, Operator.PROPAGATE])
def test_vectors_are_made_of_complex_numbers(operator: Operator) -> None:
    point = Point(np.array([0.5, 1.5]), (np.array([2.0]),), outputs=2)
    p = prepared_elsewhere(METHOD, Form("scalar", vector), operator, point)
    j = np.array([[3.0 * np.exp(0.5), 2.0 * np.exp(0.5)], [0.0, np.cos(1.5)]])
    s = 0.01 * (1.0 + point.x)
    covariance = np.outer(s, s) * np.array([[1.0, 0.5], [0.5, 1.0]])
    wanted = j if operator is Operator.JACOBIAN else j @ covariance @ j.T
    np.testing.assert_allclose(computed(p, point), wanted, rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lambda m: lambda x: m.erf(x[0]), "complex numbers have no erf"),
        (lambda m: lambda x: x[0] if x[0] > x[1] else x[1], "gt\\(complex128, complex128\\)"),
        (lambda m: lambda x: m.derivative(m.sin, x[0]), "cannot nest derivatives"),
    ],
)
def test_what_has_no_complex_step_is_refused(text: Any, said: str) -> None:
    point = Point(np.array([0.5, 1.5]))

    def compiled() -> None:
        p = METHOD.prepare(Form("scalar", text), Operator.GRADIENT, point)
        assert p.compile is not None
        p.compile()

    with pytest.raises(NotImplementedError, match=said):
        compiled()


def test_three_numbers_a_point_are_refused() -> None:
    form = Form("scalar", lambda m: lambda a, b, c: a * b * c, elementwise=3)
    with pytest.raises(NotImplementedError, match="one or two numbers at each point, not for 3"):
        METHOD.prepare(form, Operator.DERIVATIVE, Point(np.ones(6)))
