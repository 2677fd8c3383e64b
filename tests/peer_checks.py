"""What the tests of single tools share: every method x operator on small problems, judged, and gaps."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from known_wrong import expected

from adbench import registry
from adbench.model import Method, Operator, Outcome, Point, Prepared, elsewhere
from adbench.reference.judge import judge
from adbench.reference.traits import words
from adbench.reference.truth import certified

SMALL = (
    ("rosenbrock", 2),
    ("gauss_nll", 100),
    ("propagation", 3),
    ("kepler", 1),
    ("brusselator", 8),
    ("xy_errors", 30),
    ("histogram_nll", 100),
)


def cells(methods: Iterable[Method]) -> list[Any]:
    """Method, problem, size, operator, for all that a method reads and says it offers."""
    found = []
    for method in methods:
        for name, size in SMALL:
            problem = registry.problem(name)
            if method.form(problem) is None:
                continue
            for operator in method.operators:
                if problem.offers(operator, len(problem.at(size).x)):
                    label = f"{name}[{size}]/{operator.value}/{method.name}"
                    found.append(pytest.param(method, name, size, operator, id=label))
    return found


def prepared(method: Method, name: str, point: Point, operator: Operator) -> Prepared:
    """Prepared elsewhere, as the harness does."""
    form = method.form(registry.problem(name))
    assert form is not None
    other = elsewhere(point)
    if method.bakes_data:
        other = replace(other, data=point.data)
    return method.prepare(form, operator, other)


def check(
    method: Method,
    name: str,
    size: Any,
    operator: Operator,
    refuses: Iterable[tuple[str, Operator | None]] = (),
) -> None:
    """The right answer twice; or, for a gap of the method or what `refuses` lists (problem, and one
    operator or all derivatives), a sentence. A gap that starts to work fails.
    """
    problem = registry.problem(name)
    point = problem.at(size)
    gap = bool(set(method.gaps) & words(problem)) and operator is not Operator.VALUE
    listed = [o for p, o in refuses if p == name]
    if gap or operator in listed or (None in listed and operator is not Operator.VALUE):
        with pytest.raises(NotImplementedError) as refusal:
            _result(method, name, point, operator)
        assert len(str(refusal.value).split()) > 4
        return
    if "nested-derivative" in method.gaps and "nested-derivative" in words(problem):
        return  # a value without its derivative is nobody's concern
    p = prepared(method, name, point, operator)
    args = p.encode(point)
    for _ in range(2):
        result = p.decode(p.call(*args))
        if operator is Operator.JACOBIAN and point.pattern is not None:
            result = point.pattern.entries(result)
        verdict = judge(
            result, certified(problem, size, operator, point), method.rtol.get(operator)
        )
        due = expected(method, problem, operator) if size == problem.sizes[0] else (Outcome.OK,)
        assert verdict.outcome in due, verdict.message


def _result(method: Method, name: str, point: Point, operator: Operator) -> Any:
    p = prepared(method, name, point, operator)
    return p.decode(p.call(*p.encode(point)))


def check_wrong_use(method: Method, operator: Operator) -> None:
    """An operator that the tool is not asked for is refused by a sentence that names it."""
    assert operator not in method.operators
    problem = registry.problem("rosenbrock")
    form = method.form(problem)
    assert form is not None
    with pytest.raises(NotImplementedError, match=f"'{operator.value}'"):
        method.prepare(form, operator, problem.at(2))
