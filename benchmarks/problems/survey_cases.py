"""Which cases a survey has: rows by filters, those whose truth is at hand or soon certified."""

from __future__ import annotations

import argparse
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import replace

from adbench import registry
from adbench.harness.plan import Row
from adbench.model import Method, Operator, Problem, Size
from adbench.reference import cache, shipped, traits
from adbench.reference.sample import sample_of
from adbench.reference.truth import key_of

__all__ = ["SIZES", "rows", "texts"]

SIZES = {"first": 1, "two": 2, "all": None}


def chosen(names: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Names that match one of the patterns; all without a pattern."""
    return [n for n in names if not patterns or any(fnmatch.fnmatchcase(n, p) for p in patterns)]


def rows(asked: argparse.Namespace) -> dict[str, list[Row]]:
    """The rows of each method: first sizes before second ones, derivatives that most problems have
    before others.
    """
    methods = registry.methods()
    found: list[tuple[int, int, Row]] = []
    order = list(Operator)
    for name in chosen(registry.problems(), asked.problems):
        problem = registry.problem(name)
        for rank, size in enumerate(problem.sizes[: SIZES[asked.sizes]]):
            n = len(problem.at(size).x)
            for operator in problem.operators:
                wanted = chosen([operator.value], asked.operators) and problem.offers(operator, n)
                if wanted and affordable(problem, size, operator, asked.max_reference):
                    found.append((rank, order.index(operator), Row(problem, size, operator, ())))
    found.sort(key=lambda f: f[:2])
    return {
        m: [replace(row, methods=(methods[m],)) for _, _, row in found]
        for m in chosen(methods, asked.methods)
    }


def affordable(problem: Problem, size: Size, operator: Operator, most: float) -> bool:
    """Whether the truth is at hand, or its text short enough to certify it now."""
    known = traits.traits(problem, size)
    if known is not None and known.operations <= most:
        return True
    parts = (Operator.VALUE, Operator.GRADIENT)
    wanted = parts if operator is Operator.VALUE_AND_GRADIENT else (operator,)
    return all(at_hand(problem, size, o) for o in wanted)


def at_hand(problem: Problem, size: Size, operator: Operator) -> bool:
    """Whether a reference lies in the cache or comes with the package."""
    point = problem.at(size)
    closed = problem.exact.get(operator) if size in problem.closed else None
    sample = sample_of(problem.reference, operator, point)
    key = key_of(problem.reference, operator, point, sample, closed)
    return shipped.load(problem.name, key) is not None or cache.load(key) is not None


def texts(row: Row, method: Method) -> list[str]:
    """Hashes of the texts that an answer and its truth come from."""
    form = method.form(row.problem)
    return [form.hash if form else "", row.problem.reference.hash]
