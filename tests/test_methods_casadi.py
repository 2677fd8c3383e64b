"""What is particular to CasADi: words, mapped terms, native sparsity, generated C, what it refuses."""

import math
import shutil
from typing import Any

import numpy as np
import pytest
from small_forms import computed, prepared_elsewhere
from vocabulary import WORDS, worst_error

from adbench import registry
from adbench.model import Form, Operator, Outcome, Point
from adbench.reference.judge import judge
from adbench.reference.traits import words
from adbench.reference.truth import certified

casadi = pytest.importorskip("casadi")

SX, MX, C = (registry.method(f"casadi-{way}") for way in ("sx", "mx", "c"))
MISSING = {"erfc", "lgamma"}
SMALL = {
    "rosenbrock": 2, "gauss_nll": 100, "propagation": 3, "brusselator": 8, "xy_errors": 30,
    "logistic": (200, 5), "histogram_nll": 100, "damped_sine": 1_000, "saddle": 2,
}  # fmt: skip

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


def check(method: Any, name: str, operator: Operator) -> None:
    problem = registry.problem(name)
    form, point = method.form(problem), problem.at(SMALL[name])
    p = prepared_elsewhere(method, form, operator, point)
    if p.compile is not None:
        p.compile()
    found = computed(p, point)
    if operator is Operator.JACOBIAN and point.pattern is not None:
        assert np.array_equal(found.indices, point.pattern.columns)
        found = point.pattern.entries(found)
    verdict = judge(found, certified(problem, SMALL[name], operator, point), None)
    assert verdict.outcome is Outcome.OK, verdict.message


def cells() -> list[Any]:
    found = []
    for name, size in SMALL.items():
        problem = registry.problem(name)
        n = len(problem.at(size).x)
        found += [
            pytest.param(m, name, o, id=f"{m.name}-{name}-{o.value}")
            for m in (SX, MX)
            for o in m.operators
            if problem.offers(o, n)
        ]
    return found


@pytest.mark.parametrize(("method", "name", "operator"), cells())
def test_every_operator_is_exact(method: Any, name: str, operator: Operator) -> None:
    check(method, name, operator)


@needs_gcc
@pytest.mark.parametrize(
    ("name", "operator"),
    [
        ("rosenbrock", Operator.HESSIAN),
        ("gauss_nll", Operator.VALUE_AND_GRADIENT),
        ("propagation", Operator.PROPAGATE),
        ("brusselator", Operator.JACOBIAN),
        ("damped_sine", Operator.DERIVATIVE),
        ("xy_errors", Operator.GRADIENT),
    ],
)
def test_generated_c_is_exact_too(name: str, operator: Operator) -> None:
    check(C, name, operator)


@needs_gcc
def test_c_leaves_no_file_behind(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check(C, "rosenbrock", Operator.GRADIENT)
    assert list(tmp_path.iterdir()) == []


def test_without_gcc_the_c_method_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    problem = registry.problem("rosenbrock")
    form = C.form(problem)
    assert form is not None
    with pytest.raises(NotImplementedError, match="gcc, which is not found: install it"):
        C.prepare(form, Operator.GRADIENT, problem.at(2))


@pytest.mark.parametrize("word", [w for w in WORDS if w not in MISSING])
def test_the_words_of_the_vocabulary(word: str) -> None:
    assert worst_error(SX, "scalar", word, Operator.DERIVATIVE) < 1e-14


@pytest.mark.parametrize("word", sorted(MISSING))
def test_words_that_casadi_lacks_are_refused(word: str) -> None:
    """The day it has them, nothing refuses them any more."""
    assert not hasattr(casadi, word)
    with pytest.raises(NotImplementedError, match=f"CasADi has no function {word}"):
        worst_error(SX, "scalar", word, Operator.DERIVATIVE)


@pytest.mark.parametrize("name", ["kepler", "escape"])
def test_a_branch_on_a_value_is_a_real_gap(name: str) -> None:
    problem = registry.problem(name)
    assert set(SX.gaps) & words(problem)
    form = SX.form(problem)
    assert form is not None
    with pytest.raises(NotImplementedError, match="cannot follow a branch"):
        SX.prepare(form, Operator.DERIVATIVE, problem.at(1))


def test_a_function_at_each_of_many_points_has_no_gradient() -> None:
    form = Form("scalar", lambda m: lambda x: m.sin(x), elementwise=1)
    with pytest.raises(NotImplementedError, match="'gradient' of a function of few numbers"):
        SX.prepare(form, Operator.GRADIENT, Point(np.ones(3)))


def test_two_numbers_a_point_matrices_and_integers_among_the_data() -> None:
    """Matrices of data are read by rows in the text, and integers may index."""
    form = Form("scalar", lambda m: lambda a, b: a * a * m.sin(b), elementwise=2)
    point = Point(np.array([1.0, 2.0, 0.5, 0.25]))
    a, b = point.x[:2], point.x[2:]
    p = prepared_elsewhere(SX, form, Operator.DERIVATIVE, point)
    wanted = np.concatenate([2 * a * np.sin(b), a * a * np.cos(b)])
    np.testing.assert_allclose(computed(p, point), wanted, rtol=1e-15)

    form = Form("scalar", lambda m: lambda x, c, k, s: x[k[1]] * c[0][2] * s + x[0] * c[1][0])
    point = Point(np.array([2.0, 3.0]), (np.arange(1.0, 7.0).reshape(2, 3), np.array([0, 1]), 0.5))
    p = prepared_elsewhere(SX, form, Operator.GRADIENT, point)
    assert computed(p, point).tolist() == [4.0, 1.5]


def test_terms_are_mapped_and_texts_too_long_are_refused() -> None:
    for method, reads in ((SX, "scalar"), (MX, "term"), (C, "term")):
        form = method.form(registry.problem("gauss_nll"))
        assert form is not None
        assert form.name == reads
    long = Point(np.ones(2), (np.ones(200_001),))
    text = Form("scalar", lambda m: lambda x, d: x[0] * d[0])
    for method in (SX, MX):
        with pytest.raises(NotImplementedError, match="only a term of a sum can be mapped"):
            method.prepare(text, Operator.GRADIENT, long)


def test_words_that_casadi_lacks_take_plain_numbers() -> None:
    form = Form("scalar", lambda m: lambda x: x[0] * m.lgamma(4.0) + m.erfc(0.0))
    p = prepared_elsewhere(SX, form, Operator.GRADIENT, Point(np.ones(1)))
    assert computed(p, Point(np.ones(1))).tolist() == [math.lgamma(4.0)]
