"""The external tools of one set of fresh processes: which rows they measure, and what is written.

One after another, after the rounds of the row's methods: a tool that repeats its runs by itself cannot
take turns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

from adbench import __version__
from adbench.harness.external.case import measure, outcome_of
from adbench.harness.external.program import Program
from adbench.harness.external.tool import External
from adbench.harness.history import Cost, History
from adbench.harness.plan import Preset, Row, decided
from adbench.model import Method, Outcome, Point, Result

__all__ = ["Visits"]


class Visits:
    """The processes of a stage's external tools."""

    def __init__(
        self,
        externals: Mapping[str, External],
        preset: Preset,
        repeat: int,
        cores: Sequence[int] | None,
        environment: Mapping[str, str],
        write: Callable[[Method, Result, Mapping[str, Any]], None],
        announce: Callable[[str], None],
        history: History,
    ) -> None:
        self.programs = {
            name: Program(tool, cores, environment) for name, tool in externals.items()
        }
        self.preset, self.repeat, self.history = preset, repeat, history
        self.write, self.announce = write, announce

    def row(
        self, row: Row, methods: Sequence[Method], point: Point, spent: Callable[[], bool]
    ) -> None:
        """Measure the tools of a row, until `spent` says that the time is up."""
        for method in methods:
            if spent():
                return
            program = self.programs[method.name]
            self.announce(row.case(method).id)
            known = decided(row, method) or self._too_slow(row, method, point)
            if known is not None:
                result = outcome_of(row, program, *known, self.repeat, point)
            else:
                result = measure(row, program, self.preset, self.repeat, point)
            self._note(row, method, result, point)
            self._write(program, result)

    def _too_slow(self, row: Row, method: Method, point: Point) -> tuple[Outcome, str] | None:
        predicted = self.history.predict(row.case(method), _inputs(point))
        limit = self.preset.limits.time_s
        if predicted is None or math.isfinite(predicted):
            return None
        message = f"not started: a smaller size timed out, the limit is {limit:g} s"
        return Outcome.TIMED_OUT, message

    def _note(self, row: Row, method: Method, result: Result, point: Point) -> None:
        if result.outcome is Outcome.TIMED_OUT:
            self.history.note(row.case(method), _inputs(point), Cost(math.inf, math.inf))

    def _write(self, program: Program, result: Result) -> None:
        versions = {"adbench": __version__, "numpy": version("numpy")}
        if program.calls_itself:
            versions[program.tool.name] = program.calls_itself
        found = replace(result, versions=versions)
        self.write(program.tool.method, found, {"command": program.tool.command})

    def end(self) -> None:
        """End all processes."""
        for program in self.programs.values():
            program.end()


def _inputs(point: Point) -> int:
    return int(point.x.size + sum(np.size(d) for d in point.data))
