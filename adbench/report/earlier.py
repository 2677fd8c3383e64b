"""Times in units of those of an earlier commit, as a table of the page."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from adbench.analysis.wording import seconds, span, times

__all__ = ["since_table"]

# An interval wholly beyond this says that something changed; nothing was measured in turns, so no more.
MARGIN = 0.05


def since_table(frame: pd.DataFrame) -> dict[str, Any]:
    """Commit, date, and a line for each case; `frame` from `analysis.since`, the largest ratio first."""
    first = frame.iloc[0]
    return {
        "commit": str(first["commit"])[:10],
        "date": f"{first['date']:%Y-%m-%d}",
        "lines": [_line(line) for line in frame.to_dict("records")],
    }


def _line(line: Any) -> dict[str, Any]:
    low, high = line["low"], line["high"]
    known = not (math.isnan(low) or math.isnan(high))
    word = "not told: too few processes"
    if known:
        apart = low > 1 + MARGIN or high < 1 / (1 + MARGIN)
        word = ("slower" if line["ratio"] > 1 else "faster") if apart else "about the same"
    return {
        "case": line["case"], "then": seconds(line["old_s"]), "then_n": line["old_s"], "now": seconds(line["new_s"]),
        "now_n": line["new_s"], "ratio": times(line["ratio"]), "ratio_n": line["ratio"],
        "interval": span(low, high) if known else "", "word": word, "differs": line["differs"],
        "processes": f"{line['old_processes']} + {line['new_processes']}",
    }  # fmt: skip
