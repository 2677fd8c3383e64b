"""asv's results folder as one tidy frame: a row per commit, environment, benchmark and parameters.

Knows the layout that asv 0.6 writes: ``benchmarks.json`` describes the benchmarks,
``<machine>/machine.json`` a machine, ``<machine>/<commit>-<environment>.json`` what was found there. asv
itself is not needed. Its numbers tell failed from skipped by None and NaN, which pandas would merge, so
the status is settled here first.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from adbench.analysis.asv_files import AsvError, benchmarks_of, mend, read_json

__all__ = ["COLUMNS", "read_asv"]

# Column -> pandas dtype; `value` and the interval are in the benchmark's `unit`.
COLUMNS: Mapping[str, str] = {
    "commit": "object",
    "date": "datetime64[ms, UTC]",
    "machine": "object",
    "environment": "object",
    "python": "object",
    "requirements": "object",
    "benchmark": "object",
    "type": "object",
    "unit": "object",
    "version": "object",
    "current": "bool",
    "parameters": "object",
    "case": "object",
    "status": "object",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "q25": "float64",
    "q75": "float64",
    "repeat": "float64",
    "number": "float64",
    "samples": "object",
}
KEY = ["date", "machine", "environment", "benchmark"]
# Column of ours -> column of asv's, where the numbers of a benchmark's samples stand.
STATISTICS = {
    "low": "stats_ci_99_a",
    "high": "stats_ci_99_b",
    "q25": "stats_q_25",
    "q75": "stats_q_75",
    "repeat": "stats_repeat",
    "number": "stats_number",
}
NEEDED: Mapping[str, type] = {
    "commit_hash": str,
    "env_name": str,
    "date": int,
    "params": dict,
    "requirements": dict,
    "result_columns": list,
    "results": dict,
}


def read_asv(folder: Path) -> pd.DataFrame:
    """All results of a folder, with the columns of `COLUMNS`, oldest commit first.

    Parameters
    ----------
    folder : Path
        asv's `results_dir`, such as ``.asv/results``.

    Returns
    -------
    DataFrame
        `status` is ``"ok"``, ``"failed"`` (the benchmark raised, crashed or ran out of time: asv does
        not say which) or ``"skipped"``; `value`, of a benchmark with samples their median, is NaN
        unless ok. `low` and `high` are asv's 99 % interval, `samples` a tuple, empty where asv kept
        none. `current` is whether asv still shows the row: the benchmark exists, and its version is
        that of the newest run. `case` is the parameter of that name, or empty; `parameters` names
        all of them; `requirements` is the matrix, as ``"jax 0.10.2, numba 0.68.1"``; `date` is the
        commit's.

    Raises
    ------
    AsvError
        When the folder is missing, or a file in it is not what asv 0.6 writes.
    """
    known = benchmarks_of(folder)
    records: list[dict[str, Any]] = []
    for described in sorted(folder.glob("*/machine.json")):
        machine = read_json(described, "machine").get("machine")
        if not isinstance(machine, str):
            raise AsvError(f"'{described}' names no machine; {mend(described)}")
        for path in sorted(described.parent.glob("*.json")):
            if path.name != "machine.json":
                records += _rows(path, _results(path), machine, known)
    frame = pd.DataFrame.from_records(records, columns=list(COLUMNS))
    frame["date"] = pd.to_datetime(frame["date"], unit="ms", utc=True)
    return frame.astype(dict(COLUMNS)).sort_values(KEY, kind="stable", ignore_index=True)


def _results(path: Path) -> dict[str, Any]:
    found = read_json(path, "results")
    for key, expected in NEEDED.items():
        if not isinstance(found.get(key), expected):
            raise AsvError(
                f"'{path}': '{key}' is {found.get(key, 'missing')!r:.40}, no {expected.__name__}; "
                f"{mend(path)}"
            )
    return found


def _rows(
    path: Path, found: Mapping[str, Any], machine: str, known: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Rows of one file: one commit in one environment."""
    about = {
        "commit": found["commit_hash"],
        "date": found["date"],
        "machine": machine,
        "environment": found["env_name"],
        "python": found.get("python") or found["params"].get("python") or "",
        "requirements": ", ".join(
            f"{k} {v}".rstrip() for k, v in sorted(found["requirements"].items())
        ),
    }
    for name, values in found["results"].items():
        # asv leaves columns at the end out that hold nothing
        columns = dict(zip(found["result_columns"], values or (), strict=False))
        benchmark = known.get(name)
        version = columns.get("version")
        yield from (
            {
                **about,
                "benchmark": name,
                "type": (benchmark or {}).get("type") or "",
                "unit": (benchmark or {}).get("unit") or "",
                "version": version or "",
                "current": benchmark is not None and version in (None, benchmark.get("version")),
                **row,
            }
            for row in _values(path, name, columns, (benchmark or {}).get("param_names") or ())
        )


def _values(
    path: Path, name: str, columns: Mapping[str, Any], named: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Parameters, status and numbers of one benchmark, a row for each set of its parameters."""
    params = columns.get("params") or []
    try:
        sets = list(itertools.product(*params))
    except TypeError:
        raise AsvError(f"'{path}': params of '{name}' are no lists; {mend(path)}") from None
    for key in ("result", "samples", *STATISTICS.values()):
        held = columns.get(key)
        if held is not None and not (isinstance(held, list) and len(held) == len(sets)):
            raise AsvError(
                f"'{path}': {key} of '{name}' does not hold {len(sets)} values, one for each set of "
                f"parameters; {mend(path)}"
            )
    names = [*named, *(f"parameter {i + 1}" for i in range(len(named), len(params)))]
    for i, texts in enumerate(sets):
        read = {key: _plain(text) for key, text in zip(names, texts, strict=False)}
        values = {key: (columns.get(key) or [None] * len(sets))[i] for key in ("result", "samples")}
        yield {
            "parameters": ", ".join(f"{key}={value}" for key, value in read.items()),
            "case": str(read.get("case", "")),
            "status": status_of(values["result"]),
            "value": _number(values["result"]),
            "samples": tuple(values["samples"] or ()),
            **{
                ours: _number((columns.get(asvs) or [None] * len(sets))[i])
                for ours, asvs in STATISTICS.items()
            },
        }


def status_of(result: Any) -> str:
    """``"ok"``, ``"failed"`` or ``"skipped"``, of a number as asv stores it."""
    if result is None:
        return "failed"
    return "skipped" if isinstance(result, float) and math.isnan(result) else "ok"


def _plain(text: str) -> Any:
    """The value whose `repr` asv stored; the text itself where that is no literal."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan
