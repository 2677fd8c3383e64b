"""What every method promises, whoever wrote it: the contract of Prepared, and the right answer."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, NoReturn

import numpy as np
import pytest
from known_wrong import WRONG, expected

from adbench import registry
from adbench.model import Form, Method, Operator, Outcome, Point, Prepared, Problem, elsewhere
from adbench.reference.judge import judge
from adbench.reference.record import Reference
from adbench.reference.traits import words
from adbench.reference.truth import certified

LARGEST = 1_000  # numbers in a point: beyond, slow methods take too long for a test
OTHERS = 200  # the same of problems that are not in SHOWN
# Every method shows every operator on these, of one number, elementwise (of one and two numbers),
# vector-valued and sparse; one that is slow to prepare shows it once of each kind (`_kind`), on the
# first of them, and on another problem where it reads none of these. On the other problems quick
# methods show the operators of a quick run.
SHOWN = (
    "gauss_nll", "rosenbrock", "histogram_nll", "logistic_map", "kepler", "propagation", "brusselator",
)  # fmt: skip

QUICK_TOOLS = {"numpy", "dual", "autograd"}
# Their own files of tests ask these for every operator (`peer_checks`): here one case of each of `FEW`.
PEERS = {
    "algopy", "casadi", "findiff", "hyperjet", "jacobi", "mpmath", "mygrad", "num-dual", "numdifftools",
    "pytensor", "scipy", "symengine", "tensorflow", "torch", "uncertainties",
}  # fmt: skip
# The same code with another setting, or compiled otherwise, as a method that shows everything: the same.
OTHERWISE_SET = {
    "numba-dual-strict", "jax-reverse-default", "jax-aot", "jax-eager", "jax-float32", "sympy-numba",
    "sympy-c",
}  # fmt: skip
# Adds up variables in the order of a set, which differs from call to call: so do the last bits.
UNORDERED = {"uncertainties-umath"}
FEW = {Operator.GRADIENT, Operator.DERIVATIVE, Operator.JACOBIAN, Operator.PROPAGATE}


def _count(point: Point) -> int:
    return len(point.x) + sum(np.size(d) for d in point.data)


@cache
def stressed(problem: str) -> frozenset[str]:
    """What a problem stresses, in the words of gaps."""
    return frozenset(words(registry.problem(problem)))


def slow_to_prepare(method: Method) -> bool:
    """Whether a tool takes long to build, trace or compile; who has no word of it here counts so."""
    return method.compiles or method.tool not in QUICK_TOOLS


def _briefly(method: Method) -> bool:
    return method.name in OTHERWISE_SET or method.tool in PEERS


def _asked(method: Method, problem: Problem, point: Point) -> Iterator[Operator]:
    """Operators of the problem at the point that the tests ask a method for."""
    if method.form(problem) is None or (method.gaps and set(method.gaps) & stressed(problem.name)):
        return
    everything = problem.name in SHOWN or slow_to_prepare(method)
    for operator in method.operators:
        wanted = everything or operator in problem.quick_operators
        if _briefly(method):
            wanted = operator in FEW or not FEW & set(method.operators)
        if wanted and problem.offers(operator, len(point.x)):
            yield operator


def _kind(form: Form, operator: Operator, point: Point) -> str:
    """What makes a method compute an operator in another way."""
    if form.elementwise:
        return "elementwise" if operator is Operator.VALUE else f"elementwise {form.elementwise}"
    if operator is Operator.JACOBIAN:
        return "dense" if point.pattern is None else "sparse"
    return "number" if operator is Operator.VALUE or point.outputs is None else "vector"


def _points(nth: int, names: Iterable[str]) -> Iterator[tuple[Problem, Any, Point]]:
    """The nth size of these problems, where they are small."""
    for problem in map(registry.problem, names):
        # a size far above the limit is not even made; certifying takes longer than computing
        limit = LARGEST if problem.name in SHOWN else OTHERS
        for size in problem.sizes[nth : nth + 1]:
            if math.prod(size if isinstance(size, tuple) else (size,)) <= limit:
                point = problem.at(size)
                if _count(point) <= LARGEST:
                    yield problem, size, point


def _cell(method: Method, problem: Problem, size: Any, operator: Operator) -> Any:
    name = f"{problem.name}[{size}]/{operator.value}/{method.name}"
    return pytest.param(method, problem, size, operator, id=name)


def _cells() -> Iterator[Any]:
    """(method, problem, size, operator) that the method offers and has no declared gap for."""
    shown = set()
    names = [*SHOWN, *(p for p in registry.problems() if p not in SHOWN)]
    for problem, size, point in _points(0, names):
        for method in registry.methods().values():
            for operator in _asked(method, problem, point):
                form = method.form(problem)
                assert form is not None
                kind = "any" if _briefly(method) else _kind(form, operator, point)
                key = (method.name, operator, kind)
                if not (slow_to_prepare(method) and key in shown):
                    yield _cell(method, problem, size, operator)
                shown.add(key)


def _second_cells() -> Iterator[Any]:
    """The same at the second size; of methods that are slow to prepare one derivative alone, as it is
    size that may lead them another way.
    """
    for problem, size, point in _points(1, SHOWN):
        for method in registry.methods().values():
            asked = list(_asked(method, problem, point))
            if slow_to_prepare(method):
                few = problem.name == "rosenbrock"
                asked = [o for o in asked if o is not Operator.VALUE][:1] if few else []
            for operator in asked:
                yield _cell(method, problem, size, operator)


@lru_cache(maxsize=64)
def truth(problem: str, size: Any, operator: Operator) -> Reference:
    """The certified reference, once for all methods."""
    found = registry.problem(problem)
    return certified(found, size, operator, found.at(size))


def need(method: Method) -> None:
    """Skip where the method's tool is not installed."""
    if reason := registry.reason_unavailable(method):
        pytest.skip(reason)


def prepared(method: Method, problem: Problem, operator: Operator, point: Point) -> Prepared:
    """Prepared at another point (other x alone, for a tool that bakes its data in)."""
    form = method.form(problem)
    assert form is not None
    other = elsewhere(point)
    if method.bakes_data:
        other = replace(other, data=point.data)
    try:
        made = method.prepare(form, operator, other)
        if made.compile is not None:
            made.compile()
        return replace(made, call=_or_skipped(method, made.call))
    except NotImplementedError as refusal:
        refused(method, refusal)


def _or_skipped(method: Method, call: Any) -> Any:
    """The call, which may refuse too: what a text holds may show only when it runs."""

    def run(*args: Any) -> Any:
        try:
            return call(*args)
        except NotImplementedError as refusal:
            refused(method, refusal)

    return run


def refused(method: Method, refusal: NotImplementedError) -> NoReturn:
    """Skip for that reason, which must be a sentence."""
    reason = str(refusal)
    assert len(reason.split()) > 4, f"no sentence: '{reason}'"
    pytest.skip(f"{method.name}: {reason}")


def leaves(argument: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The arrays in a nest of tuples and lists, as NumPy sees them; loose numbers form one array."""
    if isinstance(argument, (tuple, list)):
        numbers = [a for a in argument if isinstance(a, (int, float))]
        if numbers:
            yield np.array(numbers)
        for a in argument:
            if not isinstance(a, (int, float)):
                yield from leaves(a)
    else:
        yield np.asarray(argument)


def array_of(
    result: Any, method: Method, problem: Problem, operator: Operator, point: Point
) -> Any:
    """The decoded result as the judge wants it; a sparse Jacobian is a SciPy matrix of its pattern."""
    form = method.form(problem)
    assert form is not None
    if operator is Operator.JACOBIAN and point.pattern is not None:
        assert result.format == "csr"
        assert result.nnz == point.pattern.nnz
        result = point.pattern.entries(result)
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.float64
    assert result.shape == form.shape(operator, point)
    return result


def same(method: Method, a: Any, b: Any) -> bool:
    """Whether two answers to one question agree: to the bit, where the tool is ordered."""
    return np.allclose(a, b, rtol=1e-14) if method.name in UNORDERED else np.array_equal(a, b)


def check_answer(
    method: Method, problem: Problem, size: Any, operator: Operator, result: Any
) -> None:
    promised = method.rtol.get(operator)
    verdict = judge(result, truth(problem.name, size, operator), promised, method.dtype)
    due = expected(method, problem, operator) if size == problem.sizes[0] else (Outcome.OK,)
    assert verdict.outcome in due, verdict.message or "known as wrong, and right now"


@pytest.mark.parametrize(("method", "problem", "size", "operator"), [*_cells()])
def test_a_method_keeps_the_contract_of_prepared(
    method: Method, problem: Problem, size: Any, operator: Operator
) -> None:
    """Fresh buffers from encode; a call that leaves its inputs alone and repeats itself; a float64
    array of the operator's shape from decode; the right answer although prepared elsewhere.
    """
    need(method)
    point = problem.at(size)
    p = prepared(method, problem, operator, point)
    first, second = p.encode(point), p.encode(point)
    assert isinstance(first, tuple)
    for a, b in zip(leaves(first), leaves(second), strict=True):
        assert np.array_equal(a, b)
        assert a.size == 0 or of_pattern(a, point) or not np.shares_memory(a, b)
        assert not any(np.shares_memory(a, part) for part in arrays_of(point))
    before = [leaf.copy() for leaf in leaves(first)]
    result = array_of(p.decode(p.call(*first)), method, problem, operator, point)
    for leaf, copy in zip(leaves(first), before, strict=True):
        assert np.array_equal(leaf, copy), "the call changed its arguments"
    for args in (first, second):
        again = array_of(p.decode(p.call(*args)), method, problem, operator, point)
        assert same(method, again, result), "a second call gave another result"
    check_answer(method, problem, size, operator, result)


def _least(method: Method) -> tuple[Problem, Operator, Point]:
    """A small problem that the method reads, and a derivative of it."""
    names = ["rosenbrock", *(p for p in registry.problems() if p != "rosenbrock")]
    for problem, _, point in _points(0, names):
        for operator in _asked(method, problem, point):
            if operator is not Operator.VALUE:
                return problem, operator, point
    raise AssertionError(f"no small problem has a form that {method.name} reads")


SIZES = {"code_bytes", "temp_bytes", "argument_bytes", "output_bytes", "device_peak_bytes"}


@cache
def _early(name: str) -> tuple[Prepared, Operator, Point, Form]:
    """A method prepared and compiled for `_least`."""
    method = registry.method(name)
    problem, operator, point = _least(method)
    form = method.form(problem)
    assert form is not None
    return prepared(method, problem, operator, point), operator, point, form


@pytest.mark.parametrize("method", registry.methods().values(), ids=registry.methods())
def test_phases_are_optional_and_change_no_answer(method: Method) -> None:
    """A call works without compile() and gives the same bits; describe() says known names in bytes."""
    need(method)
    early, operator, point, form = _early(method.name)
    late = method.prepare(form, operator, point)
    answers = [p.decode(p.call(*p.encode(point))) for p in (early, late)]
    assert same(method, *answers)
    for p in (early, late):
        assert (p.compile is not None) == method.compiles
        found = p.describe() if p.describe is not None else {}
        assert set(found) <= SIZES
        assert all(isinstance(v, int) and v >= 0 for v in found.values())
        assert found.get("code_bytes") != 0, "a size that is not known is absent"
        assert same(method, p.decode(p.call(*p.encode(point))), answers[0])


def of_pattern(a: Any, point: Point) -> bool:
    """Whether it is an array that the pattern keeps (its colours, say): no number of the point, the
    same for all calls, and nobody can write to it.
    """
    if point.pattern is None or a.flags.writeable:
        return False
    kept = [k for k in vars(point.pattern).values() if isinstance(k, np.ndarray)]
    return any(np.shares_memory(a, k) for k in kept)


def arrays_of(point: Point) -> list[Any]:
    return [point.x, *(d for d in point.data if isinstance(d, np.ndarray))]


@pytest.mark.parametrize(("method", "problem", "size", "operator"), [*_second_cells()])
def test_a_method_is_right_at_the_second_size_too(
    method: Method, problem: Problem, size: Any, operator: Operator
) -> None:
    need(method)
    point = problem.at(size)
    p = prepared(method, problem, operator, point)
    result = array_of(p.decode(p.call(*p.encode(point))), method, problem, operator, point)
    check_answer(method, problem, size, operator, result)


@pytest.mark.parametrize("method", registry.methods().values(), ids=registry.methods())
def test_a_decoded_result_is_the_callers_own(method: Method) -> None:
    """Neither another call nor a writer into the result changes what was decoded before."""
    need(method)
    p, _, point, _ = _early(method.name)
    result = p.decode(p.call(*p.encode(point)))
    kept = result.copy()
    p.decode(p.call(*p.encode(elsewhere(point))))
    assert np.array_equal(result, kept)
    assert result.flags.writeable


@pytest.mark.parametrize("method", registry.methods().values(), ids=registry.methods())
def test_a_method_offers_values_unless_it_is_for_higher_derivatives_or_by_hand(
    method: Method,
) -> None:
    """A method's cost ratio is its derivative's time over its own value's; a derivative by hand is a
    text without the function, and methods for higher derivatives lean on those for gradients.
    """
    higher = {Operator.HESSIAN, Operator.HVP, Operator.NEWTON_DIRECTION, Operator.TAYLOR}
    assert (
        Operator.VALUE in method.operators
        or set(method.operators) <= higher
        or method.mode == "manual"
    )


@pytest.mark.parametrize("method", registry.methods().values(), ids=registry.methods())
def test_a_methods_promises_and_gaps_are_sensible(method: Method) -> None:
    """A looser promise is for steps that are not tiny, real or complex ones, and for operators that the
    method has; a gap is a sentence.
    """
    assert set(method.rtol) <= set(method.operators)
    assert not method.rtol or method.mode in ("difference", "complex-step")
    assert all(0.0 < r < 1.0 for r in method.rtol.values())
    assert all(len(sentence.split()) > 4 for sentence in method.gaps.values())


def test_what_is_known_as_wrong_is_offered() -> None:
    """A line of the list that is asked of nobody any more would never be missed."""
    for name, problems in WRONG.items():
        for problem, (operators, reason) in problems.items():
            assert set(operators) <= set(registry.method(name).operators)
            assert set(operators) <= set(registry.problem(problem).operators)
            assert len(reason.split()) > 4


def test_leaves_find_arrays_in_nests_and_lists_of_numbers() -> None:
    a, b = np.ones(2), np.zeros(3)
    found = [x.tolist() for x in leaves((a, (b, 2.0), [3.0, 4.0]))]
    assert found == [[1.0, 1.0], [2.0], [0.0, 0.0, 0.0], [3.0, 4.0]]


def _remembers(form: Form, operator: Operator, point: Point) -> Prepared:
    answer = 400.0 * point.x  # of the point it was prepared at
    return Prepared(lambda x: answer, lambda p: (p.x.copy(),), np.array)


def _shares(form: Form, operator: Operator, point: Point) -> Prepared:
    return Prepared(lambda x: x, lambda p: (p.x,), np.array)


def _mutates(form: Form, operator: Operator, point: Point) -> Prepared:
    return Prepared(lambda x: x.__imul__(2.0), lambda p: (p.x.copy(),), np.array)


def _single(form: Form, operator: Operator, point: Point) -> Prepared:
    return Prepared(lambda x: x, lambda p: (p.x.copy(),), lambda r: np.array(r, dtype=np.float32))


@pytest.mark.parametrize(
    ("prepare", "found"),
    [
        (_remembers, "is promised"),
        (_shares, "shares_memory"),
        (_mutates, "changed its arguments"),
        (_single, "float32"),
    ],
)
def test_a_method_that_breaks_a_promise_is_caught(prepare: Any, found: str) -> None:
    liar = Method("liar", "lies", "numpy", "none", ("array",), (Operator.GRADIENT,), prepare)
    with pytest.raises(AssertionError, match=found):
        test_a_method_keeps_the_contract_of_prepared(
            liar, registry.problem("rosenbrock"), 2, Operator.GRADIENT
        )
