"""The files of asv's results folder: layout, what is wrong with one, and writing one in one step."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = [
    "LAYOUT",
    "RESULT_COLUMNS",
    "AsvError",
    "benchmarks_of",
    "completed",
    "mend",
    "read_json",
    "write_json",
]

# Version of asv's layout, by kind of file.
LAYOUT: Mapping[str, int] = {"benchmarks": 2, "machine": 1, "results": 2}
RESULT_COLUMNS = (
    "result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b",
    "stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples", "profile",
)  # fmt: skip
PARAMS, VERSION = RESULT_COLUMNS.index("params"), RESULT_COLUMNS.index("version")
# Columns that hold one value, not one for each set of parameters.
PER_BENCHMARK = ("version", "started_at", "duration", "profile")


class AsvError(ValueError):
    """A folder that is none of asv's; its text says which file, what was expected, and what to do."""


def benchmarks_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Benchmark name -> what ``benchmarks.json`` says of it."""
    path = folder / "benchmarks.json"
    if not path.exists():
        raise AsvError(
            f"'{folder}' is no results folder of asv: it has no benchmarks.json. Measure first (asv run), "
            "or name the results_dir of asv.conf.json"
        )
    found = read_json(path, "benchmarks")
    for name, about in found.items():
        if name != "version" and not isinstance(about, dict):
            raise AsvError(f"'{path}': benchmark '{name}' is no object; {mend(path)}")
    return {name: about for name, about in found.items() if name != "version"}


def read_json(path: Path, kind: str) -> dict[str, Any]:
    """A file of asv's, once it is an object of the layout known here."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AsvError(f"cannot read '{path}': {error.strerror or error}") from None
    except ValueError as error:
        raise AsvError(f"'{path}' is not JSON ({error}); {mend(path)}") from None
    if not isinstance(found, dict):
        raise AsvError(f"'{path}' holds no JSON object; {mend(path)}")
    if found.get("version") != LAYOUT[kind]:
        raise AsvError(
            f"'{path}' has layout {found.get('version')!r} where asv 0.6 writes {LAYOUT[kind]}; bring it "
            "up to date with: asv update"
        )
    return found


def mend(path: Path) -> str:
    """What to do about a file that is not as asv writes it."""
    return f"remove it and measure again, or restore {path.name} from a copy"


def completed(found: dict[str, list[Any]], before: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """The columns with the cases that an earlier run of the same text alone had."""
    return {name: _joined(row, before.get(name) or []) for name, row in found.items()}


def _joined(row: list[Any], old: list[Any]) -> list[Any]:
    """One benchmark's columns; asv leaves columns at the end out that hold nothing."""
    old = [*old, *[None] * (len(row) - len(old))]
    if old[VERSION] != row[VERSION]:
        return row
    have = set(row[PARAMS][0])
    keep = [i for i, case in enumerate(old[PARAMS][0]) if case not in have]
    if not keep:
        return row
    new = len(row[PARAMS][0])
    joined: list[Any] = []
    for name, mine, theirs in zip(RESULT_COLUMNS, row, old, strict=True):
        if name == "params":
            joined.append([[*mine[0], *(theirs[0][i] for i in keep)]])
        elif name in PER_BENCHMARK:
            joined.append(mine)
        else:
            rest = [theirs[i] if theirs else None for i in keep]
            joined.append([*(mine or [None] * new), *rest])
    return joined


def write_json(path: Path, kind: str, content: Mapping[str, Any]) -> None:
    """Write a file of asv's in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps({**content, "version": LAYOUT[kind]}), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise AsvError(f"cannot write '{path}': {error.strerror or error}") from None
