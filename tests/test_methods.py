"""What every method promises, whoever wrote it: the contract of Prepared, and the right answer."""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from adbench import registry
from adbench.model import Form, Method, Operator, Outcome, Point, Prepared, Problem, elsewhere
from adbench.reference.judge import judge
from adbench.reference.record import Reference
from adbench.reference.truth import reference

LARGEST = 1_000  # numbers in a point: beyond, slow methods take too long for a test


def _count(point: Point) -> int:
    return len(point.x) + sum(np.size(d) for d in point.data)


def _cells(sizes: slice) -> Iterator[Any]:
    """(method, problem, size, operator) that the method offers and has no declared gap for."""
    for method in registry.methods().values():
        for problem in registry.problems().values():
            if method.form(problem) is None or set(method.gaps) & problem.traits:
                continue
            for size in problem.sizes[:2][sizes]:
                # a size above the limit is not even made
                if math.prod(size if isinstance(size, tuple) else (size,)) > LARGEST:
                    continue
                n = len(problem.at(size).x)
                for operator in method.operators:
                    if problem.offers(operator, n):
                        name = f"{problem.name}[{size}]/{operator.value}/{method.name}"
                        yield pytest.param(method, problem, size, operator, id=name)


@lru_cache(maxsize=64)
def truth(problem: str, size: Any, operator: Operator) -> Reference:
    """The certified reference, once for all methods."""
    form = registry.problem(problem).form("scalar")
    assert form is not None
    return reference(form, operator, registry.problem(problem).at(size))


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
        other = Point(other.x, point.data)
    try:
        made = method.prepare(form, operator, other)
        if made.compile is not None:
            made.compile()
        return made
    except NotImplementedError as refusal:
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


def shape(problem: Problem, operator: Operator, n: int) -> tuple[int, ...]:
    return operator.shape(n, (n,) if problem.elementwise else ())


def check_answer(
    method: Method, problem: Problem, size: Any, operator: Operator, result: Any
) -> None:
    verdict = judge(result, truth(problem.name, size, operator), method.rtol.get(operator))
    assert verdict.outcome is Outcome.OK, verdict.message


@pytest.mark.parametrize(("method", "problem", "size", "operator"), [*_cells(slice(0, 1))])
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
        assert a.size == 0 or not np.shares_memory(a, b)
        assert not any(np.shares_memory(a, part) for part in arrays_of(point))
    before = [leaf.copy() for leaf in leaves(first)]
    result = p.decode(p.call(*first))
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.float64
    assert result.shape == shape(problem, operator, len(point.x))
    for leaf, copy in zip(leaves(first), before, strict=True):
        assert np.array_equal(leaf, copy), "the call changed its arguments"
    for args in (first, second):
        assert np.array_equal(p.decode(p.call(*args)), result), "a second call gave another result"
    check_answer(method, problem, size, operator, result)


SIZES = {"code_bytes", "temp_bytes", "argument_bytes", "output_bytes", "device_peak_bytes"}


@pytest.mark.parametrize("method", registry.methods().values(), ids=registry.methods())
def test_phases_are_optional_and_change_no_answer(method: Method) -> None:
    """A call works without compile() and gives the same bits; describe() says known names in bytes."""
    need(method)
    problem = registry.problem("rosenbrock")
    operator = Operator.GRADIENT if Operator.GRADIENT in method.operators else method.operators[0]
    form, point = method.form(problem), problem.at(2)
    assert form is not None
    early, late = prepared(method, problem, operator, point), method.prepare(form, operator, point)
    answers = [p.decode(p.call(*p.encode(point))) for p in (early, late)]
    assert np.array_equal(*answers)
    for p in (early, late):
        assert (p.compile is not None) == method.compiles
        found = p.describe() if p.describe is not None else {}
        assert set(found) <= SIZES
        assert all(isinstance(v, int) and v >= 0 for v in found.values())
        assert found.get("code_bytes") != 0, "a size that is not known is absent"
        assert np.array_equal(p.decode(p.call(*p.encode(point))), answers[0])


def arrays_of(point: Point) -> list[Any]:
    return [point.x, *(d for d in point.data if isinstance(d, np.ndarray))]


@pytest.mark.parametrize(("method", "problem", "size", "operator"), [*_cells(slice(1, 2))])
def test_a_method_is_right_at_the_second_size_too(
    method: Method, problem: Problem, size: Any, operator: Operator
) -> None:
    need(method)
    point = problem.at(size)
    p = prepared(method, problem, operator, point)
    check_answer(method, problem, size, operator, p.decode(p.call(*p.encode(point))))


@pytest.mark.parametrize("method", registry.methods().values(), ids=registry.methods())
def test_a_decoded_result_is_the_callers_own(method: Method) -> None:
    """Neither another call nor a writer into the result changes what was decoded before."""
    need(method)
    problem = registry.problem("rosenbrock")
    operator = Operator.GRADIENT if Operator.GRADIENT in method.operators else method.operators[0]
    point = problem.at(2)
    p = prepared(method, problem, operator, point)
    result = p.decode(p.call(*p.encode(point)))
    kept = result.copy()
    p.decode(p.call(*p.encode(elsewhere(point))))
    assert np.array_equal(result, kept)
    assert result.flags.writeable


@pytest.mark.parametrize("method", registry.methods().values(), ids=registry.methods())
def test_a_method_offers_values_unless_it_is_for_hessians(method: Method) -> None:
    """A method's cost ratio is its derivative's time over its own value's."""
    assert Operator.VALUE in method.operators or method.operators == (Operator.HESSIAN,)


@pytest.mark.parametrize("method", registry.methods().values(), ids=registry.methods())
def test_a_methods_promises_and_gaps_are_sensible(method: Method) -> None:
    """A looser promise is for differences alone, of operators it has, and a gap is a sentence."""
    assert set(method.rtol) <= set(method.operators)
    assert not method.rtol or method.mode == "difference"
    assert all(0.0 < r < 1.0 for r in method.rtol.values())
    assert all(len(sentence.split()) > 4 for sentence in method.gaps.values())


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
