"""What is particular to the TensorFlow methods: tensors, types, tapes, graphs, XLA."""

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
from vocabulary import WORDS

from adbench import registry
from adbench.methods._shared import ELEMENTWISE, SECOND
from adbench.model import Form, Operator, Point
from adbench.reference.judge import judge
from adbench.reference.truth import certified

tf = pytest.importorskip("tensorflow")

GRAPH, FORWARD, MIXED = "tensorflow-function", "tensorflow-xla-forward", "tensorflow-xla-hessian"


def offered(problem: str) -> list[Operator]:
    """What both the problem and the graph's method have."""
    return [o for o in registry.problem(problem).operators if o in registry.method(GRAPH).operators]


# Compiling takes a second a case: XLA and forward mode are judged where they differ from graphs.
CASES = [
    *((GRAPH, "rosenbrock", 2, o) for o in offered("rosenbrock")),
    *((GRAPH, "kepler", 1, o) for o in offered("kepler")),
    (GRAPH, "propagation", 3, Operator.PROPAGATE),
    (GRAPH, "brusselator", 8, Operator.VJP),
    (GRAPH, "xy_errors", 30, Operator.GRADIENT),
    ("tensorflow-eager", "gauss_nll", 100, Operator.GRADIENT),
    ("tensorflow-eager", "xy_errors", 30, Operator.VALUE_AND_GRADIENT),
    ("tensorflow-xla", "gauss_nll", 100, Operator.VALUE_AND_GRADIENT),
    (FORWARD, "kepler", 1, Operator.DERIVATIVE),
    (FORWARD, "propagation", 3, Operator.JVP),
    (MIXED, "rosenbrock", 2, Operator.HVP),
]


@pytest.mark.parametrize(("name", "problem", "size", "operator"), CASES)
def test_results_agree_with_the_certified_reference(
    name: str, problem: str, size: int, operator: Operator
) -> None:
    method, of = registry.method(name), registry.problem(problem)
    form, point = method.form(of), of.at(size)
    assert form is not None
    found = computed(prepared_elsewhere(method, form, operator, point), point)
    verdict = judge(found, certified(of, size, operator, point), method.rtol.get(operator))
    assert verdict.outcome.label == "ok", verdict


def test_every_word_of_the_vocabulary_is_differentiated() -> None:
    """By one graph of all words at once, against the words' slopes by differences of NumPy's."""
    import mpmath

    def build(xp: Any) -> Any:
        def f(x: Any) -> Any:
            one = [w for w in WORDS if w != "atan2"]
            return xp.stack(
                [getattr(xp, w)(x[i]) for i, w in enumerate(one)] + [xp.atan2(x[-1], 2.0)]
            )

        return f

    n = len(WORDS)
    point = Point(np.full(n, 0.35), outputs=n)
    method = registry.method(GRAPH)
    form = Form("array", build)
    p = prepared_elsewhere(method, form, Operator.JACOBIAN, point)
    found = np.diag(computed(p, point))
    with mpmath.workdps(50):
        names = [w.replace("lgamma", "loggamma") for w in WORDS if w != "atan2"]
        exact = [mpmath.diff(getattr(mpmath.mp, w), 0.35) for w in names]
        exact.append(mpmath.diff(lambda t: mpmath.atan2(t, 2.0), 0.35))
    assert max(float(abs(a / b - 1)) for a, b in zip(found.tolist(), exact, strict=True)) < 1e-14


def error(found: Any, exact: Any) -> float:
    """Largest error relative to the largest number."""
    assert found.dtype == np.float64
    assert found.shape == np.shape(exact)
    return float(np.max(np.abs(found - exact)) / np.max(np.abs(exact)))


@pytest.mark.parametrize("name", ["tensorflow-eager", GRAPH])
def test_products_of_vector_valued_functions(name: str) -> None:
    for operator in (Operator.JVP, Operator.VJP):
        form, point, exact = of_vectors(operator)
        p = prepared_elsewhere(registry.method(name), form, operator, point)
        assert error(computed(p, point), exact) < 1e-15


@pytest.mark.parametrize(
    ("name", "operator"),
    [*((GRAPH, o) for o in SECOND), (MIXED, Operator.HESSIAN), (MIXED, Operator.NEWTON_DIRECTION)],
)
def test_second_derivatives_and_their_products(name: str, operator: Operator) -> None:
    form, point, exact = of_numbers(operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < 1e-15


@pytest.mark.parametrize("operator", ELEMENTWISE)
@pytest.mark.parametrize("k", [1, 2])
def test_functions_of_several_numbers_a_point(k: int, operator: Operator) -> None:
    form, point, exact = elementwise(k, operator)
    p = prepared_elsewhere(registry.method(GRAPH), form, operator, point)
    assert error(computed(p, point), exact) < 2e-15


@pytest.mark.parametrize(
    ("name", "operator"), [("tensorflow-eager", Operator.GRADIENT), (FORWARD, Operator.JVP)]
)
def test_derivatives_nest_without_confusion(name: str, operator: Operator) -> None:
    form, point, exact = nested(Operator.GRADIENT)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    if operator is Operator.JVP:
        exact = exact @ np.asarray(p.encode(point)[1])
    assert error(computed(p, point), exact) < 2e-15


@pytest.mark.parametrize("name", [GRAPH, FORWARD])
def test_a_sparse_jacobian_is_delivered_with_its_pattern(name: str) -> None:
    form, point, dense = sparse(12)
    assert point.pattern is not None
    p = prepared_elsewhere(registry.method(name), form, Operator.JACOBIAN, point)
    entries = p.call(*p.encode(point))
    assert entries.shape == (point.pattern.nnz,)
    assert error(p.decode(entries).toarray(), dense) < 1e-15


def test_an_operator_that_is_not_offered_is_refused() -> None:
    form = Form("array", lambda xp: xp.sum)
    with pytest.raises(NotImplementedError, match="'vjp'; it offers value"):
        registry.method(FORWARD).prepare(form, Operator.VJP, Point(np.ones(2)))


def test_a_graph_is_traced_once_and_follows_new_data_plain_numbers_included() -> None:
    traces: list[int] = []

    def build(xp: Any) -> Any:
        def f(x: Any, n: Any, s: Any) -> Any:
            traces.append(1)
            return xp.sum(x * n / 3) * s

        return f

    first = Point(np.ones(2), (np.array([1, 2]), 3.0))
    second = Point(np.ones(2), (np.array([4, 5]), 6.0))
    p = prepared_elsewhere(registry.method(GRAPH), Form("array", build), Operator.GRADIENT, first)
    x, n, s = p.encode(first)
    assert (x.dtype, n.dtype, s.dtype) == (tf.float64, tf.int64, tf.float64)
    np.testing.assert_allclose(computed(p, first), [1.0, 2.0], rtol=1e-15)
    np.testing.assert_allclose(computed(p, second), [8.0, 10.0], rtol=1e-15)
    assert traces == [1]


def test_a_result_of_half_the_bits_is_refused() -> None:
    half = Form("array", lambda xp: lambda x: tf.cast(xp.sum(x), tf.float32))
    p = prepared_elsewhere(registry.method(GRAPH), half, Operator.VALUE, Point(np.ones(2)))
    with pytest.raises(RuntimeError, match="computed in float32, not in float64"):
        computed(p, Point(np.ones(2)))


def test_what_sets_options_of_its_process_has_one_of_its_own() -> None:
    ours = [m for m in registry.methods().values() if m.tool == "tensorflow"]
    assert len(ours) == 5
    assert all(m.own_process for m in ours)
    assert {m.name for m in ours if m.compiles} == {"tensorflow-xla", FORWARD, MIXED}


def test_a_text_that_asks_a_graphs_tensor_for_its_len_is_refused_in_a_sentence() -> None:
    form = Form("array", lambda xp: lambda x: xp.sum(x) * len(x))
    with pytest.raises(NotImplementedError, match="must take it from its shape"):
        registry.method(GRAPH).prepare(form, Operator.GRADIENT, Point(np.ones(2)))
    eager = registry.method("tensorflow-eager")
    p = prepared_elsewhere(eager, form, Operator.GRADIENT, Point(np.ones(2)))
    assert computed(p, Point(np.ones(2))).tolist() == [2.0, 2.0]
