"""What result lines say: tidy frames, comparisons with intervals, the noise floor, the verdict.

Knows no page and starts no process. Frames come from `frame.tidy`; everything else is a function of
a frame, and what compares takes the frame of one result set (`sets`).
"""

from adbench.analysis.advice import Open, undecided, wanted
from adbench.analysis.breakeven import BreakEven, break_evens, repayment, starts
from adbench.analysis.compare import compare
from adbench.analysis.conditions import conditions, drift, measuring_share
from adbench.analysis.cost import cost_ratios
from adbench.analysis.crossover import Crossover, crossovers
from adbench.analysis.duel import Duel, duels, fixed_pair
from adbench.analysis.frame import tidy
from adbench.analysis.noise import noise_floor, self_comparisons
from adbench.analysis.pair import JAX_NUMBA, Pair, Side, parse
from adbench.analysis.sets import pool, read, sets
from adbench.analysis.summary import failures, summary
from adbench.analysis.verdict import Verdict, verdict

__all__ = [
    "JAX_NUMBA",
    "BreakEven",
    "Crossover",
    "Duel",
    "Open",
    "Pair",
    "Side",
    "Verdict",
    "break_evens",
    "compare",
    "conditions",
    "cost_ratios",
    "crossovers",
    "drift",
    "duels",
    "failures",
    "fixed_pair",
    "measuring_share",
    "noise_floor",
    "parse",
    "pool",
    "read",
    "repayment",
    "self_comparisons",
    "sets",
    "starts",
    "summary",
    "tidy",
    "undecided",
    "verdict",
    "wanted",
]
