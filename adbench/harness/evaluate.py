"""One derivative computed once, in a worker of its own, and judged: what ``adbench eval`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adbench.harness import machine
from adbench.harness.cell import Cell
from adbench.harness.plan import PRESETS, Row, decided
from adbench.harness.process import Failure, Limits, Worker
from adbench.model import Case, Operator, Outcome, Point, UnknownNameError
from adbench.reference.truth import UncertifiedError, certified
from adbench.registry import did_you_mean, method, problem

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """One derivative, computed in a worker and judged: all that is known of it."""

    case: Case
    outcome: Outcome
    message: str
    point: Point
    result: Any
    reference: Any
    accuracy: Any
    versions: dict[str, str]


def evaluate(
    case: Case, at: Sequence[float] | None = None, limits: Limits | None = None
) -> Evaluation:
    """Compute one case once, in a worker of its own, at the standard point or at x = `at`.

    Raises
    ------
    UnknownNameError
        For unknown names, or an operator or size the problem does not offer.
    ValueError
        When `at` has another length than the standard point's x.
    """
    row, point = _row(case), _point(case, at)
    chosen = row.methods[0]
    preset = replace(PRESETS["standard"], limits=limits or PRESETS["standard"].limits)
    cell = Cell(row, chosen, Worker(machine.cores_of(0)), 0, False, preset)
    outcome, message, truth = Outcome.OK, "", None
    known = decided(row, chosen)
    try:
        if known is not None:
            outcome, message = known
        else:
            cell.begin(point, None if at is None else [float(v) for v in at])
    except Failure as failure:
        outcome, message = failure.outcome, failure.message
    finally:
        cell.worker.end()
    if known is None:
        with suppress(UncertifiedError):  # the message says it
            truth = certified(row.problem, row.size, row.operator, point)
    accuracy = cell.verdict.accuracy if cell.verdict else None
    found = machine.versions_of(chosen)
    return Evaluation(case, outcome, message, point, cell.answer, truth, accuracy, found)


def _row(case: Case) -> Row:
    found = problem(case.problem)
    operator = _operator(case, found.operators)
    n = len(found.point(case.size).x)
    if not found.offers(operator, n):
        raise UnknownNameError(
            f"{case.row} is not offered: {case.problem} has {operator.value} up to "
            f"{found.up_to[operator]} variables"
        )
    return Row(found, case.size, operator, (method(case.method),))


def _point(case: Case, at: Sequence[float] | None) -> Point:
    found = problem(case.problem)
    standard = found.point(case.size)
    if at is None:
        return standard
    if not found.elementwise and len(at) != len(standard.x):
        raise ValueError(f"{case.row} has {len(standard.x)} variables, --at gives {len(at)}")
    return replace(standard, x=np.array(at, dtype=np.float64))


def _operator(case: Case, offered: Sequence[Operator]) -> Operator:
    names = [o.value for o in offered]
    if case.operator not in names:
        raise UnknownNameError(did_you_mean(f"operator of {case.problem}", case.operator, names))
    return Operator(case.operator)
