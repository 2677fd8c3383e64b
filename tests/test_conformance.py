"""What `test_methods` leaves open: declared gaps must be real, and peers show three problems whole.

The table of every method on every problem is `nox -s conformance`.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from test_methods import (
    LARGEST,
    OTHERS,
    _cell,
    _cells,
    _count,
    array_of,
    check_answer,
    need,
    prepared,
    stressed,
)

from adbench import registry
from adbench.harness.plan import CORE
from adbench.model import Form, Method, Operator, Point, Prepared, Problem, elsewhere
from adbench.reference.traits import words

PEERS_SHOW = ("gauss_nll", "rosenbrock", "propagation")


def _smallest(problem: Problem, limit: int) -> Point | None:
    """The point of the first size, where it is small."""
    point = problem.at(problem.sizes[0])
    return point if _count(point) <= limit else None


def _derivatives(method: Method, problem: Problem, point: Point) -> list[Operator]:
    asked = [o for o in method.operators if problem.offers(o, len(point.x))]
    return [o for o in asked if o is not Operator.VALUE]


def _gaps() -> Iterator[Any]:
    """Cells that a core method declares a gap for, each once."""
    for method in registry.methods().values():
        if method.tool not in CORE or not method.gaps:
            continue
        for problem in registry.problems().values():
            point = _smallest(problem, OTHERS)
            if point is None or method.form(problem) is None:
                continue
            if set(method.gaps) & stressed(problem.name):
                for operator in _derivatives(method, problem, point):
                    yield _cell(method, problem, problem.sizes[0], operator)


@pytest.mark.parametrize(("method", "problem", "size", "operator"), [*_gaps()])
def test_a_declared_gap_is_one(
    method: Method, problem: Problem, size: Any, operator: Operator
) -> None:
    """Tried all the same it is refused, raises or is wrong; once it works the gap must go."""
    need(method)
    point, form = problem.at(size), method.form(problem)
    assert form is not None
    other = elsewhere(point)
    if method.bakes_data:
        other = replace(other, data=point.data)
    try:
        p = method.prepare(form, operator, other)
        result = p.decode(p.call(*p.encode(point)))
        check_answer(
            method, problem, size, operator, array_of(result, method, problem, operator, point)
        )
    except Exception:  # whatever a tool raises, and the judge's verdict: it does not do this
        return
    said = "; ".join(method.gaps[w] for w in sorted(set(method.gaps) & words(problem)))
    pytest.fail(f"{method.name} does what it says it cannot: {said}. Take the gap away.")


def test_a_gap_that_works_is_caught() -> None:
    def prepare(form: Form, operator: Operator, point: Point) -> Prepared:
        return registry.method("numpy-central").prepare(form, operator, point)

    excuse = {"branches": "it cannot follow what it follows well"}
    real = registry.method("numpy-central")
    problem = next(
        p
        for p in registry.problems().values()
        if "branches" in words(p) and _smallest(p, OTHERS) and Operator.GRADIENT in p.operators
    )
    modest = replace(real, prepare=prepare, gaps=excuse)
    with pytest.raises(pytest.fail.Exception, match="it cannot follow"):
        test_a_declared_gap_is_one(modest, problem, problem.sizes[0], Operator.GRADIENT)


def _peers() -> Iterator[Any]:
    """Cells of peers on the three problems that `test_methods` has none of; of a tool that compiles,
    which may take seconds a cell, those alone that it would show nothing of otherwise.
    """
    shown = {cell.id for cell in _cells()}
    for method in registry.methods().values():
        if method.tool in CORE:
            continue
        for problem in map(registry.problem, PEERS_SHOW):
            point = _smallest(problem, LARGEST)
            if point is None or method.form(problem) is None:
                continue
            if set(method.gaps) & stressed(problem.name):
                continue
            for operator in method.operators:
                first = operator in problem.quick_operators
                if problem.offers(operator, len(point.x)) and (first or not method.compiles):
                    cell = _cell(method, problem, problem.sizes[0], operator)
                    if cell.id not in shown:
                        yield cell


@pytest.mark.parametrize(("method", "problem", "size", "operator"), [*_peers()])
def test_a_peer_is_right_or_says_that_it_cannot(
    method: Method, problem: Problem, size: Any, operator: Operator
) -> None:
    need(method)
    point = problem.at(size)
    p = prepared(method, problem, operator, point)
    result = array_of(p.decode(p.call(*p.encode(point))), method, problem, operator, point)
    check_answer(method, problem, size, operator, result)
