"""Numbers and names as readers want them: units, factors, intervals, lists."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["count", "coverage", "listed", "percent", "seconds", "span", "times", "ulps"]

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
THIN = "\N{NARROW NO-BREAK SPACE}"


def _factor(value: float) -> str:
    if not math.isfinite(value) or value >= 1e5:
        return f"{value:.1e}"
    if value < 0.095:
        return f"{value:.2g}"
    return f"{value:.2f}" if value < 1.995 else f"{value:.1f}" if value < 9.95 else count(value)


def times(value: float) -> str:
    """A factor, ``6.3×``; two decimals near 1, where they matter."""
    return f"{_factor(value)}×"


def span(low: float | None, high: float | None) -> str:
    """An interval of a factor, ``4.1–9.8``, its ends told apart; empty where there is none."""
    if low is None or high is None:
        return ""
    ends = _factor(low), _factor(high)
    if ends[0] == ends[1] and 0.095 <= low < high < 1e3:
        ends = f"{low:.3g}", f"{high:.3g}"
    return "–".join(ends)


def percent(value: float) -> str:
    """A relative difference, ``5 %``."""
    shown = 100.0 * value
    return (
        f"{shown:.1f} %" if shown < 9.95 and abs(shown - round(shown)) > 0.05 else f"{shown:.0f} %"
    )


def coverage(level: float) -> str:
    """What an interval covers, not rounded to whole per cent: ``97.5 %``."""
    return f"{100.0 * level:.6g} %"


def count(value: float) -> str:
    """A whole number, thousands set apart."""
    return f"{value:,.0f}".replace(",", THIN)


def seconds(value: float) -> str:
    """A duration with three digits and its unit, ``1.23 µs``; empty for NaN."""
    if math.isnan(value):
        return ""
    for scale, unit in UNITS:
        if value >= 0.9995 * scale or unit == "ns":
            shown = value / scale
            digits = 2 if shown < 9.995 else 1 if shown < 99.95 else 0
            text = f"{shown:.{digits}f}" if shown < 9999.5 else count(shown)
            return f"{text}{THIN}{unit}"
    raise AssertionError("the last unit takes every value")


def ulps(value: float) -> str:
    """An error in units in the last place; empty for NaN."""
    if math.isnan(value):
        return ""
    if value < 9.95:
        return f"{value:.1f}"
    return count(value) if value < 99_999.5 else f"{value:.1e}"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
