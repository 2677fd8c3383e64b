"""Which functions the protocol and this package define alike, and how numbers travel between them.

Pure functions of points, results and JSON; knows no process and no clock. Sources: the protocol's
payloads as ``docs/external.md`` lists them; the meaning of each function in GradBench
(github.com/gradbench/gradbench) and in ``docs/PROBLEMS.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adbench.harness.external import adjustment, functions, hand
from adbench.harness.external.functions import flat, listed
from adbench.harness.external.plain import PayloadError
from adbench.model import Floats, Operator, Point

__all__ = ["TRANSLATIONS", "PayloadError", "Translation", "of_module", "refusal"]


@dataclass(frozen=True)
class Translation:
    """A problem that the protocol knows under a module's name.

    Parameters
    ----------
    problem, module : str
        Its names here and there.
    functions : mapping of Operator to str
        Which function of the module gives an operator's result.
    payload : callable
        ``payload(point)``: the input as JSON, without `min_runs` and `min_seconds`.
    point : callable
        ``point(payload)``: the point of an input; raises PayloadError for one without meaning here.
    result, output : callable
        ``result(operator, output, point)``: the operator's array from a function's output;
        ``output(operator, result, point)``: the inverse. The first raises PayloadError.
        Default: a number, or nested lists of numbers in the result's order.
    refused : mapping of Operator to str
        Why an operator that one would expect is not offered.
    """

    problem: str
    module: str
    functions: Mapping[Operator, str]
    payload: Callable[[Point], dict[str, Any]]
    point: Callable[[Mapping[str, Any]], Point]
    result: Callable[[Operator, Any, Point], Floats] = flat
    output: Callable[[Operator, Floats, Point], Any] = listed
    refused: Mapping[Operator, str] = field(default_factory=dict)

    def operator(self, function: str) -> Operator | None:
        """The operator of a function's name, or None."""
        return next((o for o, name in self.functions.items() if name == function), None)


def refusal(problem: str, operator: Operator) -> str | None:
    """Why an external tool cannot be asked for this; None when it can."""
    if problem in APART:
        return APART[problem]
    known = TRANSLATIONS.get(problem)
    if known is None:
        return f"the protocol of external tools has no module for {problem}"
    if operator in known.functions:
        return None
    names = " and ".join(known.functions.values())
    return known.refused.get(operator) or (
        f"the protocol's module {known.module} has no function for the {operator.value} "
        f"(it has {names})"
    )


def of_module(module: str) -> Translation | None:
    """The translation of a module's name, or None."""
    return next((t for t in TRANSLATIONS.values() if t.module == module), None)


OBJECTIVE = {Operator.VALUE: "objective", Operator.GRADIENT: "jacobian"}
PRIMAL = {Operator.VALUE: "primal", Operator.GRADIENT: "gradient"}
TRANSLATIONS: Mapping[str, Translation] = {
    t.problem: t
    for t in (
        Translation(
            "gmm", "gmm", OBJECTIVE, functions.gmm_payload, functions.gmm_point,
            functions.gmm_result, functions.gmm_output,
        ),
        Translation("lstm", "lstm", OBJECTIVE, functions.lstm_payload, functions.lstm_point),
        Translation("llsq", "llsq", PRIMAL, functions.llsq_payload, functions.llsq_point),
        Translation("lse", "lse", PRIMAL, functions.lse_payload, functions.lse_point),
        Translation("det", "det", PRIMAL, functions.det_payload, functions.det_point),
        Translation(
            "kmeans", "kmeans", {Operator.VALUE: "cost", Operator.NEWTON_DIRECTION: "dir"},
            functions.kmeans_payload, functions.kmeans_point, output=functions.kmeans_output,
        ),
        Translation(
            "ode_states", "ode", {Operator.VALUE: "primal"},
            functions.ode_payload, functions.ode_point,
            refused={
                Operator.JACOBIAN: "the protocol's gradient of ode is of the last state alone, "
                "one row of this Jacobian"
            },
        ),
        Translation(
            "ba", "ba", {Operator.VALUE: "objective"},
            adjustment.payload, adjustment.point, adjustment.result, adjustment.output,
            refused={
                Operator.JACOBIAN: "the protocol answers 31 entries of this Jacobian; "
                "the others could not be judged"
            },
        ),
        Translation(
            "ht", "ht", {Operator.VALUE: "objective", Operator.JACOBIAN: "jacobian"},
            hand.payload, hand.point, hand.result, hand.output,
        ),
    )
}  # fmt: skip
# Problems whose namesakes in the protocol are other functions: judging those would call right answers
# wrong.
APART: Mapping[str, str] = {
    "ode": "the protocol's ode is the vector of all states, not their sum (ode_states is that vector), "
    "and its gradient is of the last state",
    "particle": "the protocol's particle is a minimiser over w; here it is the landing position at one "
    "w, and its derivative",
    "saddle": "the protocol's saddle is the place of the saddle point, found by another solver; here it "
    "is a value and its derivative",
}
