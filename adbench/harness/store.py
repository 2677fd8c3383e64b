"""JSON Lines on disk: one line a result, written and synced as it comes; never a torn line lost or kept.

The first line describes the run, each later one a result (see ``docs/results.md``). Knows files and the
nouns, nothing of tools, clocks or processes.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from adbench.model import Measurement, Method, Outcome, Result, size_text

__all__ = ["SCHEMA", "Key", "Store", "StoreError", "key_of", "line_of", "read"]

SCHEMA = 1
Key = tuple[str, int, bool]


class StoreError(ValueError):
    """A result file that cannot be read or continued; its text says why and what to do."""


def line_of(result: Result, method: Method, finished: str) -> dict[str, Any]:
    """The line of a result; `finished` is an ISO time."""
    case = result.case
    return {
        "kind": "result",
        "id": case.id,
        "problem": case.problem,
        "size": size_text(case.size),
        "n": result.n,
        "operator": case.operator,
        "method": case.method,
        "tool": method.tool,
        "mode": method.mode,
        "repeat": result.repeat,
        "twin": result.twin,
        "outcome": result.outcome.label,
        "message": result.message,
        "form": result.form,
        "form_hash": result.form_hash,
        "versions": dict(result.versions),
        "measurements": [_measurement(m) for m in result.measurements],
        "accuracy": _finite(result.accuracy) if result.accuracy is not None else None,
        "peak_rss_bytes": result.peak_rss_bytes,
        "finished": finished,
    }


def _measurement(m: Measurement) -> dict[str, Any]:
    return {
        "phase": m.phase.value,
        "wall_s": list(m.wall_s),
        "cpu_s": list(m.cpu_s),
        "loops": list(m.loops),
    }


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """NaN and infinity are not JSON: null stands for 'no such number'."""
    return {k: (v if math.isfinite(v) else None) for k, v in numbers.items()}


def key_of(line: Mapping[str, Any]) -> Key:
    """What makes a result line unique: case id, repeat, twin."""
    return str(line["id"]), int(line["repeat"]), bool(line["twin"])


def read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Header and result lines of a file; a torn last line is left out.

    Raises
    ------
    StoreError
        When the file is missing, foreign, of another schema, or corrupt before its last line.
    """
    header, lines, _ = _scan(path)
    return header, lines


def _scan(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]], int]:
    """Header, result lines and the number of bytes that hold whole lines."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(
            f"no result file '{path}'; make one with: adbench run --out {path}"
        ) from None
    whole = raw.rfind(b"\n") + 1
    records = list(_records(path, raw[:whole]))
    if not records or records[0].get("kind") != "run":
        raise StoreError(f"'{path}' is no adbench result file: its first line describes no run")
    schema = records[0].get("schema")
    if schema != SCHEMA:
        raise StoreError(
            f"'{path}' has schema {schema}, this adbench reads schema {SCHEMA}; "
            "use the adbench version that wrote it, or measure again into another file"
        )
    return records[0], [r for r in records[1:] if r.get("kind") == "result"], whole


def _records(path: Path, raw: bytes) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(raw.splitlines(), start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise StoreError(
                f"'{path}' line {number} is not a JSON object; nothing was changed. "
                "Remove that line, or measure into another file"
            )
        yield record


@dataclass
class Store:
    """An open result file: append-only, one writer.

    Use ``Store.open(path, header)``; it creates the file, or continues one whose header agrees.
    """

    path: Path
    file: Any
    header: dict[str, Any]
    lines: list[dict[str, Any]]
    dropped_bytes: int = 0

    @classmethod
    def open(cls, path: Path, header: Mapping[str, Any]) -> Store:
        """Create `path` or continue it.

        A torn last line (a run that was killed while writing) is cut off; its bytes are counted in
        `dropped_bytes`. Raises StoreError when the file was made by another machine, other
        versions or another preset.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.stat().st_size == 0:
            store = cls(path, path.open("ab"), dict(header), [])
            store.append(header)
            return store
        old, lines, whole = _scan(path)
        _must_agree(path, old, header)
        torn = path.stat().st_size - whole
        if torn:
            with path.open("r+b") as file:
                file.truncate(whole)
        return cls(path, path.open("ab"), old, lines, torn)

    @property
    def done(self) -> set[Key]:
        """Keys of all results that stand in the file."""
        return {key_of(line) for line in self.lines}

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one line, flushed and synced before this returns."""
        self.file.write(json.dumps(record, allow_nan=False).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        if record.get("kind") == "result":
            self.lines.append(dict(record))

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


def _must_agree(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Results of two machines, versions or presets never share a file."""
    for what in ("preset", "versions", "machine"):
        before, now = old.get(what), new.get(what)
        if what == "machine":
            before, now = _identity(before), _identity(now)
        if before != now:
            raise StoreError(
                f"'{path}' was begun with another {what}: {_difference(before, now)}. "
                "Give another --out, or begin anew with --fresh"
            )


def _identity(machine: Any) -> Any:
    keys = ("name", "cpu", "cores", "python", "os")
    return {k: machine.get(k) for k in keys} if isinstance(machine, Mapping) else machine


def _difference(before: Any, now: Any) -> str:
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return f"{before} then, {now} now"
    keys = [k for k in {**before, **now} if before.get(k) != now.get(k)]
    return "; ".join(f"{k} {before.get(k)} then, {now.get(k)} now" for k in keys)


def outcome_of(line: Mapping[str, Any]) -> Outcome:
    """The outcome of a result line."""
    return Outcome.from_label(str(line["outcome"]))
