"""Which cases a survey has: rows by filters, those whose truth is at hand or soon certified."""

from __future__ import annotations

import argparse
import fnmatch
from collections import Counter
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
    """The rows of each method: first sizes before second ones, operators in turn, problems that are
    shown first, so that a survey that is broken off knows a little of everything. Methods that compile
    come last: where minutes are shared they get what the others left.
    """
    methods = registry.methods()
    found: list[tuple[int, int, int, Row]] = []
    order, seen = list(Operator), Counter[tuple[int, Operator]]()
    names = chosen(registry.problems(), asked.problems)
    for problem in sorted(map(registry.problem, names), key=lambda p: not p.showcase):
        for rank, size in enumerate(problem.sizes[: SIZES[asked.sizes]]):
            n = len(problem.at(size).x)
            for operator in problem.operators:
                wanted = chosen([operator.value], asked.operators) and problem.offers(operator, n)
                if wanted and affordable(problem, size, operator, asked.max_reference):
                    nth = seen[rank, operator]
                    seen[rank, operator] += 1
                    row = Row(problem, size, operator, ())
                    found.append((rank, nth, order.index(operator), row))
    found.sort(key=lambda f: f[:3])
    return {
        m: [replace(row, methods=(methods[m],)) for *_, row in found]
        for m in sorted(chosen(methods, asked.methods), key=lambda m: methods[m].compiles)
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
