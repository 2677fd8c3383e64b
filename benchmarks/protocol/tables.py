"""Tables and criteria as text: what the judge prints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from study import say

__all__ = ["STATES", "Criterion", "groups", "share", "show", "spread"]

# Name -> whether a repeat belongs to it, given that it was under load.
STATES = {"all": (True, False), "quiet": (False,), "loaded": (True,)}


@dataclass(frozen=True)
class Criterion:
    """One thing that must be shown; `met` is None when it was not tried."""

    what: str
    wanted: str
    seen: str
    met: bool | None

    def cells(self) -> dict[str, str]:
        """As a row of a table."""
        word = {True: "pass", False: "FAIL", None: "not tried"}[self.met]
        return {"criterion": self.what, "wanted": self.wanted, "seen": self.seen, "": word}


def show(title: str, lines: Sequence[Mapping[str, object]]) -> None:
    """A Markdown table; nothing but a remark when there are no lines."""
    say(f"\n## {title}\n")
    if not lines:
        say("no data")
        return
    heads = list(lines[0])
    cells = [heads, *([str(line.get(h, "")) for h in heads] for line in lines)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    cells.insert(1, ["-" * w for w in widths])
    for row in cells:
        padded = " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True))
        say(f"| {padded} |")


def share(part: int, whole: int) -> str:
    """``47 of 48 (98 %)``."""
    return f"{part} of {whole}" + (f" ({100 * part / whole:.0f} %)" if whole else "")


def spread(values: Sequence[float]) -> float:
    """Standard deviation of log ratios about their mean; NaN for fewer than two."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def groups(names: Sequence[str]) -> list[str]:
    """The distinct names, in order of appearance."""
    return list(dict.fromkeys(names))
