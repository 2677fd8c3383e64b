"""What cases of smaller sizes cost, to leave out those that could not end within their limit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from adbench.model import Case

__all__ = ["CALLS", "Cost", "History"]

# Steady calls that a prediction counts on.
CALLS = 3
# How far beyond two sizes they say anything, in powers of the ratio between them.
FARTHEST = 2


@dataclass(frozen=True)
class Cost:
    """Seconds that a case cost once (prepare, first call) and for each steady call."""

    once_s: float
    call_s: float


@dataclass
class History:
    """What cases of smaller sizes cost, to predict what a larger one will.

    Each part is extrapolated as a power of the number of inputs, variables and data, at most the
    third, from the two sizes before. One size tells nothing of growth: a small call is mostly fixed
    cost, of which a linear guess makes hours.
    """

    seen: dict[tuple[str, str, str], dict[int, Cost]] = field(default_factory=dict)

    def note(self, case: Case, inputs: int, cost: Cost) -> None:
        """Remember a cost; infinity for a case that timed out."""
        costs = self.seen.setdefault((case.problem, case.operator, case.method), {})
        known = costs.get(inputs)
        if known is None or math.isinf(known.call_s):
            costs[inputs] = cost  # a case that ran once can run: one bad moment does not outlaw it

    def predict(self, case: Case, inputs: int) -> float | None:
        """Seconds that prepare, first call and `CALLS` calls will take.

        Infinite where the next smaller size timed out; None where fewer than two are known, or these
        are too near to each other to tell of one that is far: noise would be taken for growth.
        """
        costs = self.seen.get((case.problem, case.operator, case.method), {})
        smaller = sorted(i for i in costs if i < inputs)
        if smaller and math.isinf(costs[smaller[-1]].call_s):
            return math.inf
        if len(smaller) < 2:
            return None
        before, last = (costs[i] for i in smaller[-2:])
        ratio, span = inputs / smaller[-1], smaller[-1] / smaller[-2]
        if ratio > span**FARTHEST:
            return None
        once = _exponent(before.once_s, last.once_s, span, 0.0)
        call = _exponent(before.call_s, last.call_s, span, 1.0)
        return float(last.once_s * ratio**once + CALLS * last.call_s * ratio**call)


def _exponent(before: float, after: float, span: float, least: float) -> float:
    if not (0.0 < before < math.inf and math.isfinite(after)):
        return least
    return min(max(math.log(max(after, 1e-12) / before) / math.log(span), least), 3.0)
