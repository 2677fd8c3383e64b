"""What the machine was like while rows were measured: reference kernel, stolen time, load, overhead."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from adbench.analysis.blocks import lowest_tenth
from adbench.analysis.hosts import Host, hosts
from adbench.analysis.sets import one_set

__all__ = ["COLUMNS", "conditions", "drift", "measuring_share"]

SPENT = ("start", "prepare", "compile", "first", "measure", "judge")
# Seconds that went into what a run is for; the rest is starting processes, importing, judging, waiting.
MEASURING = ("prepare", "compile", "first", "measure")
# Column -> pandas dtype.
COLUMNS: Mapping[str, str] = {
    "row": "object",
    "repeat": "int64",
    "contenders": "bool",
    "machine": "object",
    "set": "object",
    "kernel_s": "float64",
    "kernel_wall_s": "float64",
    "kernel_change": "float64",
    "steal": "float64",
    "load": "float64",
    "busy": "float64",
    "wall_s": "float64",
    **{f"{part}_s": "float64" for part in SPENT},
    "measuring": "float64",
    "finished": "object",
}


def conditions(
    lines: Iterable[Mapping[str, Any]], header: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """One row per conditions line (row of cases, process, JAX and Numba or others), with the columns of `COLUMNS`.

    Returns
    -------
    DataFrame
        `kernel_s`: seconds per call of the frozen reference kernel, the lowest tenth of its blocks (of the CPU
        clock where `analysis.hosts.clock_of` says so), and `kernel_change` the same relative to the
        result set's median, less 1. `steal` and `busy` are shares of CPU time, `load` the mean of the last
        minute, `start_s` to `judge_s` what the seconds `wall_s` were spent on, and `measuring` the
        share of them that prepared, compiled or measured.
    """
    lines = list(lines)
    known = hosts(header, lines)
    records = [_record(line, known) for line in lines if line.get("kind") == "conditions"]
    frame = pd.DataFrame.from_records(records, columns=list(COLUMNS)).astype(dict(COLUMNS))
    frame = frame.drop_duplicates(
        ["row", "repeat", "contenders", "set"], keep="last", ignore_index=True
    )
    typical = frame.groupby("set")["kernel_s"].transform("median")
    return frame.assign(kernel_change=frame["kernel_s"] / typical - 1.0)


def drift(frame: pd.DataFrame) -> float | None:
    """Spread of the reference kernel over a result set: slowest over fastest row, less 1.

    None with fewer than two. Takes the frame of `conditions`; raises ValueError for several sets.
    """
    known = one_set(frame)["kernel_s"].dropna()
    return float(known.max() / known.min()) - 1.0 if len(known) >= 2 else None


def measuring_share(frame: pd.DataFrame) -> float | None:
    """Share of the wall time of all rows spent preparing, compiling or measuring; None if unknown."""
    wall = float(frame["wall_s"].sum())
    spent = float(frame[[f"{part}_s" for part in MEASURING]].sum().sum())
    return spent / wall if wall > 0 else None


def _record(line: Mapping[str, Any], known: Mapping[str | None, Host]) -> dict[str, Any]:
    host = known[line.get("machine")]
    kernel, spent = line.get("kernel") or {}, line.get("spent") or {}
    wall = [s for s in kernel.get("wall_s") or () if s is not None]
    cpu = [s for s in kernel.get("cpu_s") or () if s is not None]
    samples = cpu if host.clock == "cpu" and cpu and min(cpu) > 0 else wall
    seconds = {part: _number(spent.get(part)) for part in SPENT}
    took = _number(line.get("wall_s"))
    used = math.fsum(seconds[part] for part in MEASURING if not math.isnan(seconds[part]))
    return {
        "row": line["row"],
        "repeat": line["repeat"],
        "contenders": bool(line.get("contenders", True)),
        "machine": host.id,
        "set": host.set,
        "kernel_s": lowest_tenth(samples),
        "kernel_wall_s": lowest_tenth(wall),
        "kernel_change": math.nan,
        "steal": _number(line.get("steal")),
        "load": _number((line.get("load") or [None])[0]),
        "busy": _number(line.get("busy")),
        "wall_s": took,
        **{f"{part}_s": s for part, s in seconds.items()},
        "measuring": used / took if took > 0 and spent else math.nan,
        "finished": line.get("finished") or "",
    }


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
