"""Result lines as one tidy pandas frame: a row per case, process and twin.

The only module that knows how a stored result line is laid out; statistics live elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

import pandas as pd

from adbench.analysis.blocks import lowest_tenth
from adbench.analysis.hosts import Host, clock_of, hosts
from adbench.harness import store
from adbench.model import Outcome, parse_size

__all__ = ["COLUMNS", "clock_of", "tidy"]

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
    "dtype": "object",
    "machine": "object",
    "set": "object",
    "blind": "bool",
    "repeat": "int64",
    "twin": "bool",
    "shared": "bool",
    "outcome": "object",
    "message": "object",
    "form": "object",
    "form_hash": "object",
    "own_form": "bool",
    "clock": "object",
    "blocks": "int64",
    "voided": "int64",
    "disturbed": "bool",
    "threads_asked": "float64",
    "cores_used": "float64",
    "pool_threads": "float64",
    "excess": "object",
    "steady_s": "float64",
    "steady_wall_s": "float64",
    "median_s": "float64",
    "value_s": "float64",
    "value_wall_s": "float64",
    "round_trip_s": "float64",
    "round_trip_wall_s": "float64",
    "import_s": "float64",
    "prepare_s": "float64",
    "compile_s": "float64",
    "first_s": "float64",
    "cold_start_s": "float64",
    "warm_start_s": "float64",
    "start_s": "float64",
    "error_rel": "float64",
    "error_ulp": "float64",
    "worst_rel": "float64",
    "worst_ulp": "float64",
    "kappa": "float64",
    "evaluations": "float64",
    "baseline_bytes": "float64",
    "peak_bytes": "float64",
    "above_bytes": "float64",
    "process_peak_bytes": "float64",
    "code_bytes": "float64",
    "temp_bytes": "float64",
    "argument_bytes": "float64",
    "output_bytes": "float64",
    "device_peak_bytes": "float64",
}
KEY = ["id", "set", "repeat", "twin"]
SHARED_FORMS = ("", "scalar", "array", "term")
ACCURACY = ("error_rel", "error_ulp", "worst_rel", "worst_ulp", "kappa")
MEMORY = tuple(c for c in COLUMNS if c.endswith("_bytes") and c != "above_bytes")
ONCE = ("import", "prepare", "compile", "first", "cold start", "warm start")
PER_CALL = ("steady", "value", "round trip")
# Wall time of the fast blocks this far above its CPU time: something else ran in every block.
DISTURBED = 1.05


def tidy(
    lines: Iterable[Mapping[str, Any]],
    clock: str | None = None,
    header: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """One row per (case, result set, process, twin), with the columns of `COLUMNS`.

    Parameters
    ----------
    lines : iterable of mapping
        Lines of a result file; of other kinds than ``"result"`` only ``"machine"`` is read, and no
        line of another state of the code (``"base"``, which `analysis.gate` reads). When a case was
        measured again (a resumed run), its last line counts.
    clock : {"cpu", "wall"}, optional
        Which samples the times of calls are taken from; default: what `clock_of` says of each
        machine. The wall clock stands in for a whole line where CPU samples are missing; column
        `clock` says what was used.
    header : mapping, optional
        First line of the file: machine, threads and device, of which `set` is made; default: the
        ``"run"`` line among `lines`, else an unnamed machine with one thread.

    Returns
    -------
    DataFrame
        `steady_s`, `value_s` (f itself, in the same process) and `round_trip_s` are the lowest tenths of
        blocks: a block is a mean over its calls, and disturbance from outside can only add time.
        `cores_used` is CPU seconds a wall second of the steady blocks, `pool_threads` the largest pool of
        threads that the process told of, and `excess` a sentence where either is above `threads_asked`
        (NaN: the tools' default).
        `start_s` is what the first answer takes: prepare, compile and first call. `above_bytes` is
        the case's own peak above the process's baseline. A number that does not exist is NaN.
    """
    if clock not in ("cpu", "wall", None):
        raise ValueError(f"no clock '{clock}': use 'cpu' (one pinned core) or 'wall'")
    lines = list(lines)
    known = hosts(header, lines)
    own = (line for line in lines if line.get("kind") == "result" and not line.get("base"))
    records = [_record(line, clock, known) for line in own]
    frame = pd.DataFrame.from_records(records, columns=list(COLUMNS)).astype(dict(COLUMNS))
    frame = frame.copy()  # in few blocks again: astype leaves each column in one of its own
    return frame.drop_duplicates(KEY, keep="last").sort_values(
        ["problem", "operator", "size_n", "method", "twin", "set", "repeat"], ignore_index=True
    )


def _record(
    line: Mapping[str, Any], clock: str | None, known: Mapping[str | None, Host]
) -> dict[str, Any]:
    host = known[line.get("machine")]
    phases = {m["phase"]: m for m in line.get("measurements") or ()}
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
        "dtype": line.get("dtype") or "float64",  # older files have no other
        "machine": host.id,
        "set": host.set,
        "blind": host.blind,
        "twin": bool(line.get("twin")),
        "shared": bool(line.get("shared")),
        "message": line.get("message") or "",
        "form": form,
        "form_hash": line.get("form_hash") or "",
        "own_form": form not in SHARED_FORMS,
        "voided": int(line.get("voided") or 0),
        # a timing exists exactly when the case ran: whatever else a line carries is not shown as one
        **_calls(phases if Outcome.from_label(line["outcome"]).ran else {}, clock or host.clock),
        **_starts(phases),
        "threads_asked": _number(host.threads),
        "cores_used": _number(store.cores_used(line)),
        "pool_threads": _number(store.pool_threads(line)),
        "excess": store.excess(line, host.threads),
        **{key: _number(accuracy.get(key)) for key in ACCURACY},
        "evaluations": _number(line.get("evaluations")),
        **_memory(line.get("memory") or {}),
    }


def _calls(phases: Mapping[str, Mapping[str, Any]], clock: str) -> dict[str, Any]:
    """Times per call; one clock for all phases of a line, since they are divided by each other."""
    here = {phase: phases[phase] for phase in PER_CALL if phase in phases}
    used = "cpu" if clock == "cpu" and all(map(_has_cpu, here.values())) else "wall"
    found: dict[str, Any] = {}
    for phase in PER_CALL:
        m, name = here.get(phase), phase.replace(" ", "_")
        found[f"{name}_s"] = lowest_tenth(m[f"{used}_s"]) if m else math.nan
        found[f"{name}_wall_s"] = lowest_tenth(m["wall_s"]) if m else math.nan
    samples = here["steady"][f"{used}_s"] if "steady" in here else ()
    ratio = found["steady_wall_s"] / found["steady_s"] if samples else math.nan
    return {
        **found,
        "clock": used if samples else "",
        "blocks": len(samples),
        "median_s": median(samples) if samples else math.nan,
        "disturbed": used == "cpu" and ratio > DISTURBED,
    }


def _has_cpu(measurement: Mapping[str, Any]) -> bool:
    """Whether every sample has a reading; zero CPU seconds are none."""
    cpu = measurement.get("cpu_s") or ()
    return bool(cpu) and all(s is not None and s > 0 for s in cpu)


def _starts(phases: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Wall seconds of what happens once: what the user waits for."""
    once = {p: math.fsum(phases[p]["wall_s"]) if p in phases else math.nan for p in ONCE}
    parts = [once[p] for p in ("prepare", "compile") if p in phases]
    columns = {f"{p.replace(' ', '_')}_s": s for p, s in once.items()}
    return {**columns, "start_s": once["first"] + math.fsum(parts)}


def _memory(memory: Mapping[str, Any]) -> dict[str, float]:
    found = {key: _number(memory.get(key)) for key in MEMORY}
    return {**found, "above_bytes": found["peak_bytes"] - found["baseline_bytes"]}


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
