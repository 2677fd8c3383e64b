"""What result lines say: tidy frames, comparisons with intervals, the noise floor, the verdict.

Knows no page and starts no process. Frames come from `frame.tidy`; everything else is a function of
a frame.
"""

from adbench.analysis.compare import compare, noise_floor
from adbench.analysis.crossover import Crossover, crossovers
from adbench.analysis.duel import Duel, duels
from adbench.analysis.frame import pool, read, tidy
from adbench.analysis.summary import failures, starts, summary
from adbench.analysis.verdict import Verdict, verdict

__all__ = [
    "Crossover",
    "Duel",
    "Verdict",
    "compare",
    "crossovers",
    "duels",
    "failures",
    "noise_floor",
    "pool",
    "read",
    "starts",
    "summary",
    "tidy",
    "verdict",
]
