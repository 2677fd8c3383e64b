"""Where the time of runs went: the share that measured or compiled, and how long a standard run took."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import study
from study import percent
from tables import Criterion, show

from adbench.analysis.conditions import drift, measuring_share
from adbench.harness import store

__all__ = ["judge_overhead", "judge_standard"]

SHARE, MINUTES = 0.60, 15.0
SPENT = ("start", "prepare", "compile", "first", "measure", "judge")


def _line(name: str, path: Path) -> dict[str, Any]:
    frame = study.conditions(path)
    wall = float(frame["wall_s"].sum())
    line: dict[str, Any] = {"run": name, "rows' wall": f"{wall:.0f} s"}
    if wall > 0:
        parts = {part: float(frame[f"{part}_s"].sum()) / wall for part in SPENT}
        line |= {part: percent(value, 0) for part, value in parts.items()}
    share = measuring_share(frame)
    moved = drift(frame)
    return line | {
        "measuring or compiling": percent(math.nan if share is None else share, 0),
        "steal": percent(float(frame["steal"].mean())),
        "busy": percent(float(frame["busy"].mean()), 0),
        "kernel drift": percent(math.nan if moved is None else moved),
    }


def judge_overhead(out: Path) -> None:
    """Where the time of the trial's repeats went."""
    done = study.folders(out)
    show("Where the time went", [_line(f.path.name, f.path / "results.jsonl") for f in done])


def judge_standard(path: Path | None, rows: int) -> list[Criterion]:
    """Wall time and overhead of a standard run of JAX and Numba."""
    limits = f"at most {MINUTES:g} min for {rows} rows", f"at least {SHARE:.0%}"
    if path is None:
        return [
            Criterion("standard run", limits[0], "no --standard", None),
            Criterion("share measuring or compiling", limits[1], "no --standard", None),
        ]
    show("The standard run", [_line(path.name, path)])
    header, lines = store.read(path)
    ends = [datetime.fromisoformat(line["finished"]) for line in lines]
    seconds = (max(ends) - datetime.fromisoformat(header["started"])).total_seconds()
    frame = study.conditions(path)
    share = measuring_share(frame) or 0.0
    # of the whole run, from its start to its last result, not only of the rows
    spent = share * float(frame["wall_s"].sum())
    whole = spent / seconds if seconds else 0.0
    count = frame["row"].nunique()
    return [
        Criterion("standard run", limits[0], f"{seconds / 60:.1f} min for {count} rows",
                  seconds <= 60 * MINUTES and count >= rows),
        Criterion("share measuring or compiling", limits[1],
                  f"{percent(whole)} of the run, {percent(share)} of its rows", whole >= SHARE),
    ]  # fmt: skip
