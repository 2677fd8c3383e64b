"""Two states of adbench that took turns in one run: what got worse from the base to the change.

The processes of the two are pairs, as those of two methods of one run are, so a drift of the machine
meets both; the other processes of the run hold two copies of the change and tell the noise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from adbench.analysis.changes import Changes, adjusted, change_of, ordered
from adbench.analysis.compare import LEVEL, Spread, interval, margin, p_values, pooled
from adbench.analysis.frame import tidy
from adbench.analysis.noise import noise_floor
from adbench.analysis.sides import Key, samples
from adbench.analysis.welch import Ratio
from adbench.harness.store import Run
from adbench.model import Floats

__all__ = ["gate"]

PROCESS = ["machine", "id", "repeat"]
# How a worker says that its state of adbench has no such problem or method.
UNKNOWN = "UnknownNameError"


def gate(run: Run) -> Changes:
    """What changed from the base to the change, case by case.

    The ratio of a case is exp(mean d) with d the log ratio of the two states' times in each process
    pair, its interval and p value those of `analysis.compare` (moderated t), the latter after Benjamini
    and Hochberg over all cases; errors and outcomes count as in `analysis.change`. The margin is 5 %,
    or the noise floor of the run's A/A copies where that is larger.

    Parameters
    ----------
    run : Run
        From `harness.store.load`, of a run with a base.

    Raises
    ------
    ValueError
        When the run has no base, or measured no case of it.
    """
    if not run.header.get("base"):
        raise ValueError(f"'{run.path}' has no base to compare with; see: adbench gate --help")
    theirs = [{**line, "twin": False, "base": False} for line in run.results if line.get("base")]
    own, base = (tidy(lines, header=run.header) for lines in (run.lines, theirs))
    known = ~base["message"].str.contains(UNKNOWN, regex=False)
    before, after = _cases(base[known]), _cases(own[~own["twin"]])
    shared = [key for key in before if key in after]
    if not shared:
        raise ValueError(f"'{run.path}' holds no case that both states of the code have run")
    floor, blind = noise_floor(own), bool(own["blind"].any())
    edge = None if floor is None else margin(floor, blind)
    ratios = _ratios(own, base, edge)
    found = [change_of(k, before[k], after[k], ratios.get(k), edge) for k in shared]
    code = (str(run.header["base"].get("code")), str(run.header.get("code")))
    return Changes(
        ordered(found),
        tuple(sorted({case for _, case in before.keys() - after.keys()})),
        tuple(sorted({case for _, case in after.keys() - before.keys()})),
        edge,
        None,
        {"code": code} if code[0] != code[1] else {},
        _notes(floor, code),
    )


def _cases(frame: pd.DataFrame) -> dict[Key, Any]:
    groups = frame.assign(unit=math.nan).groupby(["machine", "id"], sort=False)
    return {(str(m), str(case)): samples(group, "steady_s") for (m, case), group in groups}


def _ratios(own: pd.DataFrame, base: pd.DataFrame, edge: float | None) -> dict[Key, Ratio]:
    """Of every case that both states ran in some process."""
    timed = [f[f["steady_s"].notna()] for f in (own[~own["twin"]], base)]
    pairs = timed[0].merge(timed[1], "inner", PROCESS, suffixes=("", "_base"))
    pairs = pairs.assign(d=np.log(pairs["steady_s"] / pairs["steady_s_base"]))
    logs = {
        (str(m), str(case)): group["d"].to_numpy(dtype=np.float64)
        for (m, case), group in pairs.groupby(["machine", "id"], sort=False)
    }
    spread = pooled(logs.values())
    return adjusted({key: _ratio(d, edge, spread) for key, d in logs.items()})


def _ratio(d: Floats, edge: float | None, spread: Spread | None) -> Ratio:
    low, high = interval(d, spread, LEVEL)
    p = None if low is None or edge is None else p_values(d, edge, spread)[0]
    return Ratio(math.exp(float(np.mean(d))), low, high, p)


def _notes(floor: float | None, code: tuple[str, str]) -> tuple[str, ...]:
    notes = []
    if code[0] == code[1]:
        notes.append("both states have the same code: what differs is noise")
    if floor is None:
        notes.append(
            "the run has no noise floor (too few processes held two copies of a method): there is "
            "no verdict about times; give it more time, or more processes"
        )
    return tuple(notes)
