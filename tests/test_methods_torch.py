"""What is particular to the PyTorch methods: tensors, types, modes, records, compilation."""

import sys
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
from adbench.reference.judge import judge
from adbench.reference.truth import certified

torch = pytest.importorskip("torch")

from adbench.methods import _torch_ways  # noqa: E402 - after the skip

NAMES = ["torch-reverse", "torch-forward", "torch-hessian", "torch-backward"]
COMPILED = ["torch-compile", "torch-compile-hessian"]
ALIKE = [n for n in NAMES if n != "torch-hessian"]


def offered(operators: Any) -> list[Any]:
    """(name, operator) of what each method offers of these."""
    return [(n, o) for n in NAMES for o in operators if o in registry.method(n).operators]


CASES = [
    (name, problem, size, operator)
    for problem, size in (
        ("rosenbrock", 2),
        ("gauss_nll", 100),
        ("propagation", 3),
        ("kepler", 1),
        ("brusselator", 8),
        ("xy_errors", 30),
    )
    for name in NAMES
    for operator in registry.problem(problem).operators
    if operator in registry.method(name).operators
]


@pytest.mark.parametrize(("name", "problem", "size", "operator"), CASES)
def test_every_operator_agrees_with_the_certified_reference(
    name: str, problem: str, size: int, operator: Operator
) -> None:
    method, of = registry.method(name), registry.problem(problem)
    form, point = method.form(of), of.at(size)
    assert form is not None
    found = computed(prepared_elsewhere(method, form, operator, point), point)
    found = found.data if hasattr(found, "tocsr") else found
    verdict = judge(found, certified(of, size, operator, point), method.rtol.get(operator))
    assert verdict.outcome.label == "ok", verdict


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", ALIKE)
def test_every_word_of_the_vocabulary_is_differentiated(name: str, word: str) -> None:
    assert worst_error(registry.method(name), "array", word, Operator.DERIVATIVE) < 1e-14


def error(found: Any, exact: Any) -> float:
    """Largest error relative to the largest number."""
    assert found.dtype == np.float64
    assert found.shape == np.shape(exact)
    return float(np.max(np.abs(found - exact)) / np.max(np.abs(exact)))


@pytest.mark.parametrize(("name", "operator"), offered(VECTOR))
def test_vector_valued_functions_have_all_their_operators(name: str, operator: Operator) -> None:
    form, point, exact = of_vectors(operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < 1e-15


@pytest.mark.parametrize(("name", "operator"), offered([Operator.GRADIENT, *SECOND]))
def test_second_derivatives_and_their_products(name: str, operator: Operator) -> None:
    form, point, exact = of_numbers(operator)
    p = prepared_elsewhere(registry.method(name), form, operator, point)
    assert error(computed(p, point), exact) < 1e-15


@pytest.mark.parametrize("operator", ELEMENTWISE)
@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("name", ALIKE)
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


@pytest.mark.parametrize("name", ALIKE)
def test_the_inner_variable_is_told_from_what_else_was_made_of_it(name: str) -> None:
    """d(u + s)/ds at s = u is 1, although u and s are one tensor; and s may be a whole number."""

    def build(xp: Any) -> Any:
        def f(x: Any) -> Any:
            u = x[0] * x[1]
            once = xp.derivative(lambda s: u + s, u)
            return u * once + x[1] * xp.derivative(lambda s: s * s, 3)

        return f

    point = Point(np.array([2.0, 0.5]))
    p = prepared_elsewhere(registry.method(name), Form("array", build), Operator.GRADIENT, point)
    assert computed(p, point).tolist() == [0.5, 8.0]


@pytest.mark.parametrize("together", [1, 2**20])
@pytest.mark.parametrize("name", ALIKE)
def test_a_sparse_jacobian_takes_one_run_of_the_function_or_of_its_vectorisation(
    name: str, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All colours at once, and one after another; delivered with the pattern's places."""
    monkeypatch.setattr(_torch_ways, "TOGETHER", together)
    form, point, dense = sparse(40)
    assert point.pattern is not None
    p = prepared_elsewhere(registry.method(name), form, Operator.JACOBIAN, point)
    entries = p.call(*p.encode(point))
    assert entries.shape == (point.pattern.nnz,)
    found = p.decode(entries)
    assert np.array_equal(found.indices, point.pattern.columns)
    assert error(found.toarray(), dense) < 1e-15


@pytest.mark.parametrize(("name", "operator"), [("torch-hessian", Operator.GRADIENT)])
def test_an_operator_that_is_not_offered_is_refused(name: str, operator: Operator) -> None:
    form = Form("array", lambda xp: xp.sum)
    with pytest.raises(NotImplementedError, match=f"'{operator.value}'; it offers hessian"):
        registry.method(name).prepare(form, operator, Point(np.ones(2)))


def test_arguments_are_tensors_of_the_points_types_in_buffers_of_their_own() -> None:
    point = Point(np.ones(2), (np.arange(2), 3.5))
    form = Form("array", lambda xp: lambda x, n, s: xp.sum(x * n) * s)
    p = prepared_elsewhere(registry.method("torch-backward"), form, Operator.GRADIENT, point)
    x, n, number = p.encode(point)
    assert (x.dtype, n.dtype, number) == (torch.float64, torch.int64, 3.5)
    assert x.requires_grad
    with torch.no_grad():
        x += 1.0
    assert point.x.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ALIKE)
def test_whole_numbers_divided_keep_all_of_their_bits(name: str) -> None:
    """PyTorch's own default would make 32 bits of 1 / 3."""
    form = Form("array", lambda xp: lambda x, n: xp.sum(x * (n / 3)) * xp.log(3.0))
    point = Point(np.ones(2), (np.array([1, 2]),))
    p = prepared_elsewhere(registry.method(name), form, Operator.GRADIENT, point)
    expected = np.array([1.0, 2.0]) / 3.0 * np.log(3.0)
    assert np.max(np.abs(computed(p, point) / expected - 1.0)) < 1e-15


def test_a_result_of_half_the_bits_is_refused() -> None:
    half = Form("array", lambda xp: lambda x: xp.sum(x).to(torch.float32))
    for operator in (Operator.VALUE, Operator.VALUE_AND_GRADIENT):
        p = prepared_elsewhere(registry.method("torch-reverse"), half, operator, Point(np.ones(2)))
        with pytest.raises(RuntimeError, match=r"computed in torch\.float32, not in float64"):
            computed(p, Point(np.ones(2)))


def test_compiled_methods_compile_once_before_the_first_call_and_follow_new_data() -> None:
    """By PyTorch's own backend that captures the graph and compiles no C++, which takes seconds."""

    def build(xp: Any) -> Any:
        return lambda x, a: xp.sum(a * xp.exp(x))

    original = torch.compile

    def cheap(f: Any, **options: Any) -> Any:
        assert options == {"fullgraph": True, "dynamic": False}
        return original(f, backend="eager", **options)

    point = Point(np.zeros(2), (np.array([1.0, 2.0]),))
    method = registry.method("torch-compile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "compile", cheap)
        p = method.prepare(Form("array", build), Operator.GRADIENT, elsewhere(point))
    assert p.compile is not None
    p.compile()
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert computed(p, point).tolist() == [1.0, 2.0]
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before > 0


def test_what_sets_options_of_its_process_has_one_of_its_own() -> None:
    for name in COMPILED:
        assert registry.method(name).own_process
        assert registry.method(name).compiles
    assert not any(registry.method(name).own_process for name in NAMES)


def test_a_missing_compiler_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("CXX", "no-such-compiler")
    form = Form("array", lambda xp: xp.sum)
    with pytest.raises(RuntimeError, match="finds no 'no-such-compiler': install g"):
        registry.method("torch-compile").prepare(form, Operator.GRADIENT, Point(np.ones(2)))


def test_what_does_not_fit_one_graph_is_said_in_a_sentence() -> None:
    form = Form("array", lambda xp: lambda x: xp.sum(x) if xp.sum(x).item() > 0.0 else x[0])
    p = prepared_elsewhere(
        registry.method("torch-compile"), form, Operator.VALUE, Point(np.ones(2))
    )
    assert p.compile is not None
    with pytest.raises(NotImplementedError, match="cannot capture this function in one graph"):
        p.compile()


def _with_indices(xp: Any) -> Any:
    def f(x: Any) -> Any:
        places = np.zeros((2, 2), dtype=np.int64)
        places[np.triu_indices(2, 1)] = 2
        return xp.sum(x[places] * x[0])

    return f


def test_pytorch_replays_writing_to_numpys_indices_wrongly() -> None:
    """Documented in the module, and why no text makes its indices so; the day it is right, both may go."""
    x = torch.tensor([2.0, 3.0, 5.0])
    f = _with_indices(torch)
    replayed = torch.compile(f, backend="eager", fullgraph=True)(x)
    assert float(f(x)) == 22.0
    assert float(replayed) != 22.0


def _cheaply_compiled(method: Any, form: Form, point: Point) -> Any:
    """Prepared and compiled by PyTorch's own backend that captures the graph and compiles no C++."""
    original = torch.compile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "compile", lambda f, **o: original(f, backend="eager", **o))
        p = prepared_elsewhere(method, form, Operator.GRADIENT, point)
    assert p.compile is not None
    p.compile()
    return p


def test_one_process_compiles_any_number_of_functions() -> None:
    """PyTorch gives up after eight of one code object, and all share those of torch.func."""

    def times(factor: float) -> Form:
        return Form("array", lambda xp: lambda x: xp.sum(x) * factor)

    point = Point(np.ones(2))
    ready = [
        _cheaply_compiled(registry.method("torch-compile"), times(float(i)), point)
        for i in range(10)
    ]
    for i, p in enumerate(ready):
        assert computed(p, point).tolist() == [float(i), float(i)]


def test_the_indices_of_gmm_are_replayed_rightly() -> None:
    problem = registry.problem("gmm")
    form = problem.form("array")
    assert form is not None
    point = problem.at((2, 5))
    p = _cheaply_compiled(registry.method("torch-compile"), form, point)
    verdict = judge(computed(p, point), certified(problem, (2, 5), Operator.GRADIENT, point), None)
    assert verdict.outcome.label == "ok", verdict
