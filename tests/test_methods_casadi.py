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
from adbench.reference.truth import certified

casadi = pytest.importorskip("casadi")

SX, MX, MAP, C = (registry.method(f"casadi-{way}") for way in ("sx", "mx", "map", "c"))
MISSING = {"erfc", "lgamma"}
SMALL = {
    "rosenbrock": 2, "gauss_nll": 100, "propagation": 3, "brusselator": 8, "xy_errors": 30,
    "logistic": (200, 5), "histogram_nll": 100, "damped_sine": 1_000, "saddle": 2, "kepler": 1,
    "det": 4, "ht": (544, 100),
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
            for m in (SX, MX, MAP)
            for o in m.operators
            if m.form(problem) is not None and problem.offers(o, n)
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


@pytest.mark.parametrize(
    ("method", "form"),
    [(SX, "scalar"), (SX, "array"), (MX, "array")],
    ids=lambda v: getattr(v, "name", v),
)
@pytest.mark.parametrize("word", [w for w in WORDS if w not in MISSING])
def test_the_words_of_the_vocabulary(method: Any, form: str, word: str) -> None:
    assert worst_error(method, form, word, Operator.DERIVATIVE) < 1e-14


@pytest.mark.parametrize("form", ["scalar", "array"])
@pytest.mark.parametrize("word", sorted(MISSING))
def test_words_that_casadi_lacks_are_refused(word: str, form: str) -> None:
    """The day it has them, nothing refuses them any more."""
    assert not hasattr(casadi, word)
    with pytest.raises(NotImplementedError, match=f"CasADi has no (function )?{word}"):
        worst_error(SX, form, word, Operator.DERIVATIVE)


@pytest.mark.parametrize("name", ["scalar", "array"])
def test_a_branch_on_a_value_is_refused(name: str) -> None:
    form = Form(name, lambda m: lambda x: x[0] if x[0] > 0.0 else -x[0])
    with pytest.raises(NotImplementedError, match="cannot follow a branch"):
        SX.prepare(form, Operator.GRADIENT, Point(np.ones(1)))


def test_mx_has_no_cholesky_decomposition() -> None:
    """The day it has, the refusal must go."""
    with pytest.raises(NotImplementedError, match="Wrong number or type of arguments"):
        casadi.chol(casadi.MX.sym("a", 2, 2))
    problem = registry.problem("gp_nll")
    form = MX.form(problem)
    assert form is not None
    with pytest.raises(NotImplementedError, match="of SX, not of MX"):
        MX.prepare(form, Operator.GRADIENT, problem.at(10))


SHAPES = (np.arange(1.0, 7.0).reshape(2, 3), np.arange(12.0).reshape(2, 3, 2), np.array([2, 0]))
TEXTS = {
    "slices": lambda xp, x, a, b, i: x[1:] - x[::-1][1:] * x[-1] + a[:, 1:][0, 0],
    "places": lambda xp, x, a, b, i: x[i] * xp.take(x, i) * a[1, i] * x[np.array([1, 1])],
    "spreading": lambda xp, x, a, b, i: xp.sum(x[:, None] * x[None, :] * a[0], axis=0),
    "products": lambda xp, x, a, b, i: a @ x + xp.matmul(a, xp.outer(x, x)) @ xp.dot(a.T, x[:2]),
    "batches": lambda xp, x, a, b, i: xp.sum(
        (a[:1] * x) @ b + xp.matmul(xp.stack([a * x, a]), b)[:, 0], axis=(0, 1)
    ),
    "extremes": lambda xp, x, a, b, i: xp.stack(
        [xp.max(a * x), xp.min(x), *xp.max(a * x, axis=0), *xp.min(a - x, axis=1)]
    ),
    "choices": lambda xp, x, a, b, i: xp.where(x > 1.0, x * x, xp.maximum(x, a[0]) - xp.minimum(x, 0)),
    "sums": lambda xp, x, a, b, i: xp.concatenate(
        [xp.cumsum(x), xp.sum(b * x[:, None], axis=1, keepdims=True)[0, 0], xp.mean(a * x, axis=1)]
    ),
    "shapes": lambda xp, x, a, b, i: xp.reshape(
        xp.roll(xp.transpose(xp.stack([x, x * x], axis=1)), 1), (-1,)
    ),
    "lines": lambda xp, x, a, b, i: xp.diag(xp.outer(x, x)) + xp.sum(xp.diag(x) * x, axis=0),
    "solving": lambda xp, x, a, b, i: xp.linalg.solve(xp.outer(x, x) + 3.0 * xp.eye(3), a[0]),
    "products of all": lambda xp, x, a, b, i: xp.stack([xp.prod(x), abs(-x)[0] ** 2, 2.0**x[1]]),
}  # fmt: skip


@pytest.mark.parametrize("method", [SX, MX], ids=["sx", "mx"])
@pytest.mark.parametrize("text", TEXTS)
def test_arrays_behave_as_numpys(method: Any, text: str) -> None:
    """Values as NumPy has them, Jacobians as by central differences."""
    f = TEXTS[text]
    x = np.array([1.2, -0.7, 2.1])
    expected = f(np, x, *SHAPES)
    point = Point(x, SHAPES, outputs=len(expected))
    form = Form("array", lambda xp: lambda x, *data: f(xp, x, *data))
    found = computed(prepared_elsewhere(method, form, Operator.VALUE, point), point)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14)
    jacobian = computed(prepared_elsewhere(method, form, Operator.JACOBIAN, point), point)
    steps = [(f(np, x + h, *SHAPES) - f(np, x - h, *SHAPES)) / 2e-6 for h in 1e-6 * np.eye(3)]
    np.testing.assert_allclose(jacobian, np.array(steps).T, rtol=1e-7, atol=1e-8)


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
    for method, reads in ((SX, "array"), (MX, "array"), (MAP, "term"), (C, "term")):
        form = method.form(registry.problem("gauss_nll"))
        assert form is not None
        assert form.name == reads
    long = Point(np.ones(2), (np.ones(200_001),))
    text = Form("scalar", lambda m: lambda x, d: x[0] * d[0])
    with pytest.raises(NotImplementedError, match="only a term of a sum can be mapped"):
        SX.prepare(text, Operator.GRADIENT, long)


def test_words_that_casadi_lacks_take_plain_numbers() -> None:
    form = Form("scalar", lambda m: lambda x: x[0] * m.lgamma(4.0) + m.erfc(0.0))
    p = prepared_elsewhere(SX, form, Operator.GRADIENT, Point(np.ones(1)))
    assert computed(p, Point(np.ones(1))).tolist() == [math.lgamma(4.0)]
