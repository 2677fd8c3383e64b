"""What adbench's own analysis decides in one run, and where it is still open.

Nothing is decided here: ratios, intervals, the noise floor and decisions are those of
`adbench.analysis`, as a report would have them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pandas as pd

from adbench.analysis.compare import decide
from adbench.analysis.duel import fixed_pair
from adbench.analysis.noise import self_comparisons
from adbench.model import Comparison, Decision, Floats

__all__ = ["of_itself", "of_pair", "still_open", "strict", "twin_ratios"]


def of_itself(frame: pd.DataFrame) -> list[Comparison]:
    """Every method against its twin."""
    return list(self_comparisons(frame))


def of_pair(
    frame: pd.DataFrame, first: str, second: str, rows: Iterable[str] | None = None
) -> list[Comparison]:
    """Two methods, on all rows that both ran or on those named.

    The rows of a frame are decided together (false discovery rate), so naming rows before or after
    is not the same: here it is after.
    """
    wanted = None if rows is None else set(rows)
    return [
        d.comparison
        for d in fixed_pair(frame, first, second)
        if d.comparison is not None and (wanted is None or d.row in wanted)
    ]


def strict(comparison: Comparison) -> Decision:
    """The decision with the margin of 5 % alone, whatever the noise floor."""
    return decide(comparison.low, comparison.high, 0.0)


def still_open(*found: Iterable[Comparison]) -> dict[str, set[str]]:
    """Row to the methods of its undecided comparisons: what more processes are worth."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for comparisons in found:
        for c in comparisons:
            if c.decision is Decision.UNDECIDED:
                wanted[c.row] |= {c.first, c.second}
    return wanted


def twin_ratios(frame: pd.DataFrame) -> dict[tuple[str, str], Floats]:
    """Row and method to the log ratio of each process, twin against method."""
    timed = frame[frame["steady_s"].notna()]
    logs = timed.assign(log=np.log(timed["steady_s"])).pivot(
        index=["row", "method", "repeat"], columns="twin", values="log"
    )
    if True not in logs or False not in logs:
        return {}
    d = (logs[True] - logs[False]).dropna()
    return {
        (str(row), str(method)): group.to_numpy()
        for (row, method), group in d.groupby(level=["row", "method"])
    }
