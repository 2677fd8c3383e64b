"""Every method on every row in one line each, failures with their sentence, and start-up costs."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from adbench.analysis.duel import Duel
from adbench.model import Outcome

__all__ = ["break_even", "failures", "starts", "summary"]

ABOUT = ["row", "problem", "size", "size_n", "operator", "method", "tool", "mode"]
ERRORS = ["error_ulp", "error_rel", "worst_ulp", "worst_rel", "kappa"]
RANK = {outcome.label: rank for rank, outcome in enumerate(Outcome)}


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One line per (row, method), twins left out.

    Returns
    -------
    DataFrame
        The columns `ABOUT` and: `processes` (timed ones), `tried`, `outcome` (the worst of the
        processes), `time_s` (geometric mean over processes of `steady_s`), `slowdown` (against the
        best of the row), `median_s`, `prepare_s`, `first_s` (medians over processes), `error_ulp`,
        `error_rel` (by norm), `worst_ulp`, `worst_rel` (of an element) and `kappa`, the largest of
        each, `own_form`, `form`.
    """
    own = frame[~frame["twin"]]
    lines = [_line(group) for _, group in own.groupby(["row", "method"], sort=False)]
    columns = [*ABOUT, "form", "own_form", "outcome", "tried", "processes", "time_s", "median_s"]
    columns += ["prepare_s", "first_s", *ERRORS]
    table = pd.DataFrame.from_records(lines, columns=columns)
    best = table.groupby("row")["time_s"].transform("min")
    return table.assign(slowdown=table["time_s"] / best)


def _line(group: pd.DataFrame) -> dict[str, object]:
    timed = group["steady_s"].dropna()
    logs = [math.log(t) for t in timed]
    return {
        **{key: group[key].iloc[0] for key in [*ABOUT, "form", "own_form"]},
        "outcome": max(group["outcome"], key=lambda label: RANK[label]),
        "tried": len(group),
        "processes": len(timed),
        "time_s": math.exp(math.fsum(logs) / len(logs)) if logs else math.nan,
        **{key: group[key].median() for key in ("median_s", "prepare_s", "first_s")},
        **{key: group[key].max() for key in ERRORS},
    }


def failures(frame: pd.DataFrame) -> pd.DataFrame:
    """One line per case and way of failing: how many processes, the outcome, the first message."""
    bad = frame[frame["outcome"] != Outcome.OK.label].copy()
    bad["rank"] = bad["outcome"].map(RANK)
    keys = ["id", *ABOUT, "twin", "outcome", "rank"]
    table = bad.groupby(keys, sort=False, as_index=False).agg(
        message=("message", "first"), processes=("repeat", "count")
    )
    return table.sort_values(
        ["rank", "problem", "operator", "size_n", "method", "twin"],
        ascending=[False, True, True, True, True, True],
        ignore_index=True,
    ).drop(columns="rank")


def starts(frame: pd.DataFrame, rows: tuple[Duel, ...]) -> pd.DataFrame:
    """What each duel's two methods cost before they are fast, and when the dearer start is repaid.

    Returns
    -------
    DataFrame
        One line per duel with both sides: `first_start_s` and `second_start_s` (prepare and first
        call, median over processes), their times per call, and `calls`, from `break_even`.
    """
    table = {(s["row"], s["method"]): s for s in summary(frame).to_dict("records")}
    lines = []
    for duel in rows:
        if duel.first is None or duel.second is None:
            continue
        a, b = table[duel.row, duel.first], table[duel.row, duel.second]
        start_a, start_b = (_start(side) for side in (a, b))
        lines.append(
            {
                **{key: getattr(duel, key) for key in ("row", "problem", "size", "operator")},
                "first": duel.first,
                "second": duel.second,
                "first_start_s": start_a,
                "second_start_s": start_b,
                "first_s": float(a["time_s"]),
                "second_s": float(b["time_s"]),
                "calls": break_even(start_a, float(a["time_s"]), start_b, float(b["time_s"])),
            }
        )
    return pd.DataFrame.from_records(lines)


def _start(side: Mapping[Hashable, Any]) -> float:
    known = [side[key] for key in ("prepare_s", "first_s") if not math.isnan(side[key])]
    return math.fsum(known) if known else math.nan


def break_even(start_a: float, a: float, start_b: float, b: float) -> float:
    """How many calls cost the same in all: k with start_a + (k - 1) a = start_b + (k - 1) b.

    A start holds the first call, so k - 1 further ones follow. NaN unless one side is dearer to
    start but faster: then it never catches up, or need not.
    """
    if math.isnan(start_a) or math.isnan(start_b) or (start_a - start_b) * (b - a) <= 0:
        return math.nan
    return 1.0 + (start_a - start_b) / (b - a)
