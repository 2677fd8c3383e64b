"""One case of a survey: computed once in a worker, judged, and written as a line; knows no file."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
from survey_cases import texts

from adbench.harness import machine
from adbench.harness.cell import Cell
from adbench.harness.plan import Preset, Row, decided
from adbench.harness.process import Failure, Worker
from adbench.model import Method, Operator, Outcome, Point
from adbench.reference.accuracy import errors
from adbench.reference.record import Reference
from adbench.reference.truth import certified

__all__ = ["computed"]

# Certifying sets the precision of a library for the whole process.
TRUTH = threading.Lock()


class JudgedCell(Cell):
    """A cell whose answers are judged while no other thread certifies."""

    def _judge(self, result: Any, point: Point) -> None:
        with TRUTH:
            super()._judge(result, point)


def computed(
    row: Row, method: Method, worker: Worker, preset: Preset, past_gaps: bool = False
) -> dict[str, Any]:
    """One case, computed once and judged: its line.

    With `past_gaps` a derivative that a word of `Method.gaps` rules out is tried all the same, and
    the line's ``gap`` holds what the method says of it. A value is not: the gap is about
    differentiating, and nobody wants the value of what he cannot differentiate.
    """
    began = time.perf_counter()
    known, gap = decided(row, method), ""
    if past_gaps and row.operator is not Operator.VALUE:
        without = decided(row, replace(method, gaps={}))
        if known is not None and known != without:
            known, gap = without, known[1]
    cell = JudgedCell(row, method, worker, 0, False, preset)
    point = row.problem.at(row.size)
    outcome, message = known or (Outcome.OK, "")
    if known is None:
        try:
            cell.begin(point)
        except Failure as failure:
            outcome, message = failure.outcome, failure.message
    form = method.form(row.problem)
    line: dict[str, Any] = {
        "id": row.case(method).id,
        "outcome": outcome.label,
        "message": message,
        "gap": gap,
        "form": form.name if form else "",
        "texts": texts(row, method),
        "versions": machine.versions_of(method),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "n": len(point.x),
        "rtol": method.rtol.get(row.operator),
        "seconds": round(time.perf_counter() - began, 3),
    }
    if cell.verdict and cell.verdict.accuracy:
        line["accuracy"] = cell.verdict.accuracy.as_dict()
        line["worst_scaled"] = scaled(cell.answer, row, point)
    return line


def scaled(answer: Any, row: Row, point: Point) -> float:
    """The worst certified element, in ulp of max(|g|, s)."""
    with TRUTH:
        truth: Reference = certified(row.problem, row.size, row.operator, point)
    size = np.maximum(np.abs(truth.hi), truth.sensitivity)
    with np.errstate(over="ignore"):
        worst = np.abs(errors(answer, truth)) / np.maximum(size, np.finfo(np.float64).tiny)
        in_ulp = np.max(worst, initial=0.0) * np.float64(2.0**52)
    return float(min(in_ulp, np.finfo(np.float64).max))
