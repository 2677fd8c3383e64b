"""What is to be shown: each goal names the contenders of a case whose times are set in relation."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from timing import Ratio, best, ratio

__all__ = [
    "AGAINST_JAX",
    "GOALS",
    "JAX",
    "C",
    "Goal",
    "Judged",
    "Times",
    "judge",
    "nanoseconds",
    "wins",
]

Times = Mapping[str, Sequence[float]]
"""Contender to seconds a call in each process, of one case."""

C = ("C fast", "C strict")
FAST = ("C fast",)
JAX = ("jax grad", "jax value_and_grad", "jax jacfwd", "jax hessian")
OURS = ("dual S", "dual V")


@dataclass(frozen=True)
class Goal:
    """The fastest of `above` takes at most `limit` times the fastest of `below`.

    With `operations` it is a cost: the difference of the two for each of that many operations, in
    nanoseconds. A limit of None is a figure without a goal.
    """

    what: str
    case: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    limit: float | None
    operations: str = ""


@dataclass(frozen=True)
class Judged:
    """A goal and what was measured of it."""

    goal: Goal
    above: str
    below: str
    seen: Ratio

    @property
    def verdict(self) -> str:
        """Pass or FAIL by the mean, with a ``?`` when the interval holds the limit."""
        limit = self.goal.limit
        if limit is None:
            return ""
        word = "pass" if self.seen.value <= limit else "FAIL"
        return word + ("?" if self.seen.low <= limit <= self.seen.high else "")


def _tangents(k: int) -> Goal:
    return Goal(
        f"{k} tangents in one pass, RK4", f"tangents[{k}]", OURS, ("primal",), 1.2 + 0.15 * k
    )


def _tape(case: str) -> Goal:
    what = f"tape, ns per recorded operation: {case}"
    return Goal(what, case, ("tape",), ("primal",), 6.0, operations="recorded")


def _numpy(case: str) -> Goal:
    return Goal(f"numpy duals: {case}", case, ("numpy dual",), ("numpy",), 6.0)


VECTOR = ("dual S vector math", "dual V vector math")
GOALS = (
    Goal("logistic map, 1000 steps / C", "logistic_map[1000]", OURS, C, 1.4),
    Goal("Bessel series, while / C", "bessel", OURS, C, 1.4),
    Goal("Rosenbrock n = 2 / C", "rosenbrock[2]", OURS, C, 1.2),
    Goal("Rosenbrock n = 10 / C", "rosenbrock[10]", OURS, C, 4.5),
    Goal("Gaussian NLL 10^4 / C fast-math", "gauss_nll[10000]", OURS, FAST, 2.0),
    Goal("histogram_nll 1000 / its primal", "histogram_nll[1000]", OURS, ("primal",), 1.5),
    Goal("histogram_nll 1000, vector math / C fast-math", "histogram_nll[1000]", VECTOR, FAST, 1.3),
    Goal("RK4 ODE, 10 parameters / C adjoint", "ode[1000]", OURS, C, 1.2),
    Goal("GMM, 30 parameters / its primal", "gmm[1000]", OURS, ("primal",), 4.5),
    Goal("escape loop / its primal", "escape[10000]", OURS, ("primal",), 1.25),
    *map(_tangents, (4, 8, 16, 32)),
    Goal("Hessian, histogram_nll, vector math / C", "histogram_nll[1000]/hessian", VECTOR, C, 2.0),
    Goal("Hessian, Gaussian NLL / C", "gauss_nll[10000]/hessian", OURS, C, 7.0),
    *map(_tape, ("rosenbrock[1000]", "histogram_nll[1000]", "gmm[1000]", "ode[1000]")),
    Goal("grad(x) from Python / empty njit", "overhead", ("grad(x)",), ("empty(x)",), 1.3),
    Goal("grad(x, out=g) from Python / empty njit", "overhead", ("grad(x, out=g)",),
         ("empty(x, out=g)",), 1.3),
    Goal("python Dual, one tangent / float", "python", ("Dual",), ("float",), 14.0),
    Goal("python Vector, k = 1 / float", "python", ("Vector, k = 1",), ("float",), 35.0),
    *map(_numpy, ("numpy:rosenbrock[2]", "numpy:rosenbrock[10]", "numpy:gauss_nll[100]",
                  "numpy:gauss_nll[10000]", "numpy:histogram_nll[1000]", "numpy:peaks[10000]")),
    # no goals, but what one wants to know beside them
    Goal("grad(x, out) called in compiled code, n = 2 / C", "inside", ("grad(x, out)",), C, None),
    Goal("Rosenbrock n = 100, forward / C", "rosenbrock[100]", OURS, C, None),
    Goal("Rosenbrock n = 1000, tape / C", "rosenbrock[1000]", ("tape",), C, None),
    Goal("GMM, 30 parameters / C", "gmm[1000]", OURS, C, None),
    Goal("escape loop / C", "escape[10000]", OURS, C, None),
    Goal("NLL by log(exp), vector math / C fast-math", "gauss_log[10000]", VECTOR, FAST, None),
    Goal("histogram_nll, strict / C strict", "histogram_nll[1000]", ("dual strict",), ("C strict",), None),
)  # fmt: skip

AGAINST_JAX = (
    "logistic_map[1000]", "bessel", "rosenbrock[2]", "rosenbrock[10]", "rosenbrock[100]",
    "rosenbrock[1000]", "gauss_nll[100]", "gauss_nll[1000]", "gauss_nll[10000]",
    "gauss_nll[100000]", "gauss_nll[1000000]", "gauss_log[10000]", "histogram_nll[1000]",
    "gmm[1000]", "ode[1000]", "escape[10000]",
)  # fmt: skip
WINS = {"": 12, " vector math": 14}
FROM_PYTHON = ("py dual", "py tape")


def judge(goal: Goal, times: Times, notes: Mapping[str, float]) -> Judged:
    """The goal against what was measured; ValueError names what was not."""
    above, a = best(times, goal.above)
    below, b = best(times, goal.below)
    seen = nanoseconds(a, b, notes[goal.operations]) if goal.operations else ratio(a, b)
    return Judged(goal, above, below, seen)


def nanoseconds(above: Sequence[float], below: Sequence[float], operations: float) -> Ratio:
    """The difference of two times for each operation, in nanoseconds, as a mean of processes.

    A geometric one, like a ratio's; a tape that costs nothing would have no mean, and no such tape
    can be.
    """
    costs = [1e9 * (a - b) / operations for a, b in zip(above, below, strict=True)]
    if min(costs) <= 0.0:
        mean = statistics.fmean(costs)
        return Ratio(mean, math.nan, math.nan, len(costs))
    return ratio(costs, [1.0] * len(costs))


def wins(cases: Mapping[str, Times], which: str) -> list[tuple[str, str, str, Ratio]]:
    """Case, our contender, JAX's, JAX's time over ours; `which` is a key of `WINS`.

    Without vector math in the list: what a user gets who does not ask for it.
    """
    found = []
    for case in AGAINST_JAX:
        times = cases.get(case, {})
        ours = [*FROM_PYTHON, *(f"{name}{which}" for name in FROM_PYTHON if which)]
        if any(map(times.get, ours)) and any(map(times.get, JAX)):
            (mine, a), (theirs, b) = best(times, ours), best(times, JAX)
            found.append((case, mine, theirs, ratio(b, a)))
    return found
