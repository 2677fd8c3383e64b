"""Numbers as the page wants them, beyond those of `analysis.wording`: bytes, rounded counts, open ends, dates."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from adbench.analysis import Crossover
from adbench.analysis.wording import THIN, count

__all__ = ["date", "ends", "memory", "rounded"]

UNITS = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))


def memory(value: float) -> str:
    """A number of bytes, ``1.2 MiB``; empty for NaN."""
    if math.isnan(value):
        return ""
    for scale, unit in UNITS:
        if abs(value) >= scale or unit == "B":
            shown = value / scale
            digits = 1 if unit != "B" and abs(shown) < 99.95 else 0
            return f"{shown:.{digits}f}{THIN}{unit}"
    raise AssertionError("the last unit takes every value")


def rounded(value: float, digits: int = 3) -> str:
    """A size or a number of calls with so many digits."""
    return count(float(f"{value:.{digits - 1}e}"))


def ends(c: Crossover) -> str:
    """The interval of a crossover; an end that reaches a measured size is open beyond it."""
    low = rounded(c.low) if c.low else f"{count(c.between[0])} or less"
    high = rounded(c.high) if c.high else f"{count(c.between[1])} or more"
    return f"{low} to {high}"


def date(text: Any) -> str:
    """A moment in ISO 8601 as ``2026-11-23 12:00 UTC``; empty for anything else."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return ""
    # a time without a zone is read as UTC, not as the zone of whoever makes the page
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return known.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
