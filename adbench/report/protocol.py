"""How a result set was measured, as far as its own lines and header tell: facts for the method text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from adbench.analysis.compare import (
    BLIND,
    FALSE_SHARE,
    LATE,
    LEVEL,
    LOOKS,
    MARGIN,
    TIE_MARGIN,
    level_of,
)
from adbench.analysis.means import MANY_PROBLEMS
from adbench.analysis.wording import count, coverage, listed, percent, times
from adbench.report import circumstances
from adbench.report.facts import Facts

__all__ = ["protocol"]


def protocol(facts: Facts) -> Mapping[str, Any]:
    """What the text about the measurement is filled with; it claims nothing that was not done."""
    frame = facts.frame
    steady = frame[frame["steady_s"].notna()]
    several = steady[~steady["twin"]].groupby(["row", "method"])["repeat"].nunique()
    fought = [d for d in facts.duels if d.comparison]
    return {
        "processes": int(several.max()) if len(several) else 0,
        "blocks": _blocks(facts, steady),
        "together": bool(frame["shared"].any()),
        "voided": count(float(steady["voided"].sum())),
        "disturbed": int(steady["disturbed"].sum()),
        "twins": sorted(set(steady.loc[steady["twin"], "method"])),
        "blind": bool(frame["blind"].any()),
        "held_out": any(d.held_out for d in facts.duels),
        "intervals": any(d.comparison.low is not None for d in fought if d.comparison),
        "moderated": any(d.moderated for d in facts.duels),
        "compiled": bool((frame["tool"] == "numba").any()),
        "strict": _strict_cost(facts),
        "weather": circumstances.told(facts),
        "looks": listed([str(look) for look in LOOKS]),
        "early": coverage(level_of(LOOKS[0])),
        "late": coverage(level_of(LATE)),
        "late_from": LATE,
        "level": coverage(LEVEL),
        "smallest": percent(MARGIN),
        "tie_margin": percent(TIE_MARGIN),
        "blind_factor": f"{BLIND:.0f}",
        "false_share": percent(FALSE_SHARE),
        "bootstrap": facts.verdict.problems >= MANY_PROBLEMS,
        "percent": percent,
        "coverage": coverage,
    }


def _blocks(facts: Facts, steady: pd.DataFrame) -> str:
    """``60 blocks of about 2 ms``, as measured; empty where nothing was."""
    if steady.empty:
        return ""
    least, most = int(steady["blocks"].min()), int(steady["blocks"].max())
    number = f"{least}" if least == most else f"{least} to {most}"
    length = (facts.headers[0].get("protocol") or {}).get("block_s")
    about = f" of about {1e3 * length:g} ms" if length else ""
    return f"{number} block{'' if most == 1 else 's'}{about}"


def _strict_cost(facts: Facts) -> dict[str, str] | None:
    """Where keeping the order of float arithmetic cost most: a method ``x-strict`` against ``x``."""
    timed = facts.summary[facts.summary["time_s"].notna()]
    lines = timed.to_dict("records")
    times_of: dict[tuple[str, str], float] = {(x["row"], x["method"]): x["time_s"] for x in lines}
    found = [
        (strict / times_of[row, relaxed], row, method)
        for (row, method), strict in times_of.items()
        if (relaxed := method.removesuffix("-strict")) != method and (row, relaxed) in times_of
    ]
    if not found:
        return None
    factor, row, method = max(found)
    return {"factor": times(factor), "row": row, "method": method}
