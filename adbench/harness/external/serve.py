"""A method of this package as a tool that others may drive: answers messages, times what it runs.

The other end of `conversation`; knows no stream: a line in, an answer out.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adbench import registry
from adbench.harness import stopwatch
from adbench.harness.external.payloads import TRANSLATIONS, Translation, of_module
from adbench.harness.external.plain import PayloadError, number
from adbench.harness.plan import Row, decided
from adbench.model import Form, Method, Operator, Point, Prepared, elsewhere

__all__ = ["Server"]

HELLO = {"square": Operator.VALUE, "double": Operator.GRADIENT}
# How often a function may be asked to run when only a time is given: the times travel as text.
MOST_RUNS = 1_000_000


def _square(m: Any) -> Callable[[Any], Any]:
    return lambda x: x[0] * x[0]


# The protocol's first module: the square of a number and its derivative.
HELLO_FORMS = (Form("scalar", _square), Form("array", _square))


@dataclass
class Server:
    """A method behind the protocol.

    Parameters
    ----------
    method : Method
    """

    method: Method
    key: str = ""
    prepared: Prepared | None = None
    point: Point | None = None

    def answer(self, line: str) -> dict[str, Any]:
        """The answer to a line, whatever stands in it."""
        try:
            message = json.loads(line)
            if not isinstance(message, dict):
                raise ValueError("no object")
        except (ValueError, RecursionError) as error:
            return {
                "id": None,
                "success": False,
                "error": f"this line is no message, a JSON object: {error}",
            }
        kinds = {"start": self._start, "define": self._define, "evaluate": self._evaluate}
        answered: dict[str, Any] = {"id": message.get("id")}
        kind = message.get("kind")
        if kind not in kinds:
            return answered
        try:
            return answered | kinds[kind](message)
        except Exception as error:  # whatever a tool raises must not end the session
            said = (
                str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            )
            return answered | {"success": False, "error": said}

    def _start(self, message: Mapping[str, Any]) -> dict[str, Any]:
        known = of_module(str(message.get("eval")))
        promised = {
            known.functions[o]: r
            for o, r in self.method.rtol.items()
            if known is not None and o in known.functions
        }
        config = {"config": {"rtol": promised}} if promised else {}
        return {"tool": f"adbench {self.method.name}", **config}

    def _define(self, message: Mapping[str, Any]) -> dict[str, Any]:
        module = message.get("module")
        known = of_module(str(module))
        if known is None and module != "hello":
            modules = ", ".join(["hello", *(t.module for t in TRANSLATIONS.values())])
            return {"success": False, "error": f"no module '{module}'; there are {modules}"}
        reason = registry.reason_unavailable(self.method)
        if reason is None and known is not None:
            reason = self._unable(known)
        if reason is not None:
            return {"success": False, "error": reason}
        for name in (*self.method.requires, *self.method.imports):
            importlib.import_module(name)  # what a worker does before anything is timed
        return {"success": True}

    def _unable(self, known: Translation) -> str | None:
        """Why the method can do none of the module's functions."""
        problem = registry.problem(known.problem)
        row = [Row(problem, problem.sizes[0], o, (self.method,)) for o in known.functions]
        reasons = [decided(r, self.method) for r in row]
        return None if None in reasons else str(next(r for r in reasons if r)[1])

    def _evaluate(self, message: Mapping[str, Any]) -> dict[str, Any]:
        given = message["input"]
        module, function = str(message.get("module")), str(message.get("function"))
        runs, seconds = 1, 0.0
        if isinstance(given, Mapping):
            runs = int(number(given.get("min_runs", 1)))
            seconds = number(given.get("min_seconds", 0.0))
        operator, timings = self._ready(module, function, given)
        assert self.prepared is not None
        assert self.point is not None
        args = self.prepared.encode(self.point)
        result, total = None, 0.0
        while len(timings) < MOST_RUNS and (runs > 0 or total < seconds or result is None):
            result, sample = stopwatch.timed(self.prepared.call, *args)
            timings.append(_timing("evaluate", sample))
            runs, total = runs - 1, total + sample.wall_s
        decoded = self.prepared.decode(result)
        return {
            "success": True,
            "output": self._output(module, operator, decoded),
            "timings": timings,
        }

    def _ready(
        self, module: str, function: str, given: Any
    ) -> tuple[Operator, list[dict[str, Any]]]:
        """The operator, with the function prepared for this input; timings of that, if it was new."""
        known, asked = of_module(module), dict(given) if isinstance(given, Mapping) else given
        operator = HELLO.get(function) if module == "hello" else None
        if known is not None:
            operator = known.operator(function)
        if operator is None:
            raise PayloadError(f"no function '{function}' of module '{module}'")
        if isinstance(asked, dict):
            asked = {k: v for k, v in asked.items() if not k.startswith("min_")}
        key = json.dumps([module, function, asked])
        if key == self.key:
            return operator, []
        self.key, self.prepared = "", None
        self.point = known.point(asked) if known is not None else Point(np.array([number(given)]))
        form = self._form(known, operator)
        self.prepared, timings = self._prepare(form, operator, self.point)
        self.key = key
        return operator, timings

    def _form(self, known: Translation | None, operator: Operator) -> Form:
        ours = known and registry.problem(known.problem).forms
        forms: tuple[Form, ...] = ours or HELLO_FORMS
        found = next((f for name in self.method.reads for f in forms if f.name == name), None)
        if found is None or operator not in self.method.operators:
            raise NotImplementedError(f"{self.method.name} does not offer {operator.value} of this")
        return found

    def _prepare(
        self, form: Form, operator: Operator, point: Point
    ) -> tuple[Prepared, list[dict[str, Any]]]:
        # as in a run: at another point of the same shapes, unless data must be baked in
        at = point if self.method.bakes_data else elsewhere(point)
        prepared, sample = stopwatch.timed(self.method.prepare, form, operator, at)
        samples = [sample]
        if prepared.compile is not None:
            samples.append(stopwatch.timed(prepared.compile)[1])
        return prepared, [_timing("prepare", s) for s in samples]

    def _output(self, module: str, operator: Operator, decoded: Any) -> Any:
        assert self.point is not None
        known = of_module(module)
        if operator is Operator.JACOBIAN and self.point.pattern is not None:
            decoded = self.point.pattern.entries(decoded)
        result = np.array(decoded, dtype=np.float64)
        if not np.all(np.isfinite(result)):
            raise PayloadError("the result holds NaN or infinity, which JSON cannot say")
        if known is None:
            return float(result) if operator is Operator.VALUE else float(result[0])
        return known.output(operator, result, self.point)


def _timing(name: str, sample: stopwatch.Sample) -> dict[str, Any]:
    return {"name": name, "nanoseconds": math.ceil(sample.wall_s * 1e9)}
