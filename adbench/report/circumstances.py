"""What the machine was like during the run, in words: reference kernel, foreign load, time spent."""

from __future__ import annotations

import numpy as np
import pandas as pd

from adbench.analysis import drift, measuring_share
from adbench.analysis.wording import percent
from adbench.report.facts import Facts

__all__ = ["short", "told", "warning"]

# As the harness says it at the start of a run: then, too, a machine is too busy to measure.
BUSY_SHARE, BUSY_STEAL, BUSY_LOAD = 0.5, 0.05, 2.0
# The page warns when this share of the time was such.
BUSY_TIME = 0.1


def warning(facts: Facts) -> str:
    """A sentence for the top of the page where the machine was too busy to measure; else empty."""
    table = facts.conditions
    if table.empty:
        return ""
    cores = facts.place.machine.get("cores") or 1
    busy = (
        (table["busy"] > BUSY_SHARE)
        | (table["steal"] > BUSY_STEAL)
        | (table["load"] > BUSY_LOAD * cores)
    )
    share = float(np.average(busy, weights=_weights(table)))
    if share < BUSY_TIME:
        return ""
    found = ", ".join(_foreign(table))
    return (
        f"The machine was busy in {percent(share)} of the run: {found}. Intervals and margin allow "
        "for it, but fewer rows are decided than on a quiet machine; close other programs and run again."
    )


def short(facts: Facts) -> str:
    """The circumstances in one line; empty where the run did not write them."""
    moved = drift(facts.conditions)
    kernel = [] if moved is None else [f"reference kernel varied by {percent(moved)}"]
    return " · ".join([*kernel, *_foreign(facts.conditions)])


def told(facts: Facts) -> str:
    """The circumstances in sentences; empty where the run did not write them."""
    table = facts.conditions
    parts = []
    moved = drift(table)
    if moved is not None:
        parts.append(
            "A frozen piece of work, the reference kernel, took part in every round: between its "
            f"fastest and its slowest row it varied by {percent(moved)}"
        )
    foreign = _foreign(table)
    if foreign:
        parts.append(f"Over the run: {', '.join(foreign)}")
    share = measuring_share(table)
    if share is not None:
        parts.append(
            f"{percent(share)} of the time went into preparing, compiling and measuring, the rest "
            "into starting processes, importing, judging and waiting"
        )
    return "".join(f"{part}. " for part in parts).strip()


def _foreign(table: pd.DataFrame) -> list[str]:
    """Means over time, and the largest."""
    found = []
    for key, words in (
        ("busy", "other programs used {} of all cores"),
        ("steal", "{} of the CPU time went to other virtual machines"),
    ):
        known = table[table[key].notna()]
        if len(known):
            mean = float(np.average(known[key], weights=_weights(known)))
            most = float(known[key].max())
            worst = f" (at most {percent(most)})" if most > 1.5 * mean + 0.005 else ""
            found.append(words.format(percent(mean)) + worst)
    load = table["load"].dropna()
    if len(load):
        worst = f" (at most {load.max():.1f})" if load.max() > 1.5 * load.median() + 0.5 else ""
        found.append(f"load {load.median():.1f}{worst}")
    return found


def _weights(table: pd.DataFrame) -> pd.Series[float]:
    """Seconds that each line stands for."""
    return table["wall_s"].fillna(0.0) + 1e-9
