"""Result lines as one tidy pandas frame: a row per case, process and twin.

The only module that knows how a stored line is laid out; statistics live elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from adbench.model import Outcome, parse_size

__all__ = ["COLUMNS", "clock_of", "pool", "read", "tidy"]

# Column -> pandas dtype; times are seconds, of one call where a call is meant.
COLUMNS: Mapping[str, str] = {
    "id": "object",
    "row": "object",
    "problem": "object",
    "size": "object",
    "size_n": "int64",
    "n": "float64",
    "operator": "object",
    "method": "object",
    "tool": "object",
    "mode": "object",
    "repeat": "int64",
    "twin": "bool",
    "outcome": "object",
    "message": "object",
    "form": "object",
    "form_hash": "object",
    "own_form": "bool",
    "clock": "object",
    "blocks": "int64",
    "steady_s": "float64",
    "steady_wall_s": "float64",
    "median_s": "float64",
    "import_s": "float64",
    "prepare_s": "float64",
    "first_s": "float64",
    "error_rel": "float64",
    "error_ulp": "float64",
    "worst_rel": "float64",
    "worst_ulp": "float64",
    "kappa": "float64",
    "peak_rss_bytes": "float64",
}
KEY = ["id", "repeat", "twin"]
SHARED_FORMS = ("", "scalar", "array", "term")
ACCURACY = ("error_rel", "error_ulp", "worst_rel", "worst_ulp", "kappa")


def tidy(lines: Iterable[Mapping[str, Any]], clock: str = "cpu") -> pd.DataFrame:
    """One row per (case, process, twin), with the columns of `COLUMNS`.

    Parameters
    ----------
    lines : iterable of mapping
        Lines of a result file; other kinds than ``"result"`` are skipped. When a case was measured
        again (a resumed run), its last line counts.
    clock : {"cpu", "wall"}
        Which samples `steady_s` and `median_s` are taken from. The CPU clock of a process pinned to
        one core does not see foreign load; with several threads only the wall clock is right. The
        wall clock also stands in where CPU samples are missing; column `clock` says what was used.

    Returns
    -------
    DataFrame
        `steady_s` is the minimum over blocks: a block is a mean over its calls, and disturbance from
        outside can only add time. A time that does not exist is NaN, never a number.
    """
    if clock not in ("cpu", "wall"):
        raise ValueError(f"no clock '{clock}': use 'cpu' (one pinned core) or 'wall'")
    records = [_record(line, clock) for line in lines if line.get("kind") == "result"]
    frame = pd.DataFrame.from_records(records, columns=list(COLUMNS)).astype(dict(COLUMNS))
    return frame.drop_duplicates(KEY, keep="last").sort_values(
        ["problem", "operator", "size_n", "method", "twin", "repeat"], ignore_index=True
    )


def clock_of(header: Mapping[str, Any]) -> str:
    """``"cpu"`` for a run on one thread, else ``"wall"``: CPU seconds of threads add up."""
    threads = header.get("threads") or {}
    return "cpu" if threads.get("requested", 1) == 1 else "wall"


def pool(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of several runs as one, their processes numbered on, so that pairs stay pairs.

    Raises ValueError when one case was measured with two different function texts.
    """
    moved, start = [], 0
    for frame in frames:
        if frame.empty:
            continue
        moved.append(frame.assign(repeat=frame["repeat"] + start))
        start = int(moved[-1]["repeat"].max()) + 1
    if not moved:
        return tidy(())
    pooled = pd.concat(moved, ignore_index=True)
    texts = pooled[pooled["form_hash"] != ""].groupby("id")["form_hash"].nunique()
    for case in texts.index[texts > 1]:
        raise ValueError(
            f"{case}: the runs measured different function texts; report them separately"
        )
    return pooled


def read(*paths: Path) -> pd.DataFrame:
    """The pooled tidy frame of one or more result files."""
    from adbench.harness import store

    runs = [store.read(path) for path in paths]
    return pool([tidy(lines, clock_of(header)) for header, lines in runs])


def _record(line: Mapping[str, Any], clock: str) -> dict[str, Any]:
    phases = {m["phase"]: m for m in line.get("measurements") or ()}
    # a timing exists exactly when the case ran: whatever else a line carries is not shown as one
    steady = phases.get("steady") if Outcome.from_label(line["outcome"]).ran else None
    used, samples = _samples(steady, clock)
    accuracy = line.get("accuracy") or {}
    form = line.get("form") or ""
    size = str(line["size"])
    parsed = parse_size(size)
    return {
        "id": line["id"],
        "row": f"{line['problem']}[{size}]/{line['operator']}",
        "size": size,
        "size_n": math.prod(parsed) if isinstance(parsed, tuple) else parsed,
        "n": _number(line.get("n")),
        **{key: line[key] for key in ("problem", "operator", "method", "repeat", "outcome")},
        "tool": line.get("tool") or line["method"].split("-")[0],
        "mode": line.get("mode") or "",
        "twin": bool(line.get("twin")),
        "message": line.get("message") or "",
        "form": form,
        "form_hash": line.get("form_hash") or "",
        "own_form": form not in SHARED_FORMS,
        "clock": used,
        "blocks": len(samples),
        "steady_s": min(samples, default=math.nan),
        "steady_wall_s": min(steady["wall_s"], default=math.nan) if steady else math.nan,
        "median_s": median(samples) if samples else math.nan,
        **{f"{phase}_s": _waited(phases.get(phase)) for phase in ("import", "prepare", "first")},
        **{key: _number(accuracy.get(key)) for key in ACCURACY},
        "peak_rss_bytes": _number(line.get("peak_rss_bytes")),
    }


def _samples(steady: Mapping[str, Any] | None, clock: str) -> tuple[str, list[float]]:
    """Which clock, and its samples in seconds per call; zero CPU seconds are no reading."""
    if steady is None:
        return "", []
    cpu = steady.get("cpu_s") or ()
    if clock == "cpu" and cpu and all(s is not None and s > 0 for s in cpu):
        return "cpu", list(cpu)
    return "wall", list(steady["wall_s"])


def _waited(measurement: Mapping[str, Any] | None) -> float:
    """Wall seconds of a phase that happens once: what the user waits for."""
    return math.fsum(measurement["wall_s"]) if measurement else math.nan


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
