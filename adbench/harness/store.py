"""JSON Lines on disk: one line a result, written and synced as it comes; never a torn line lost or kept.

The first line describes the run, each later one a result (see ``docs/results.md``). Knows files and the
nouns, nothing of tools, clocks or processes.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from adbench.model import Measurement, Method, Result, size_text

__all__ = ["SCHEMA", "Key", "Store", "StoreError", "discard", "key_of", "line_of", "read"]

SCHEMA = 1
Key = tuple[str, int, bool]
NEEDED = ("id", "problem", "size", "operator", "method", "repeat", "twin", "outcome")
BEGINNING = b'{"kind": "run"'
# What must be the same for results to stand in one file.
AGREE = ("preset", "limits", "versions", "machine", "code")


class StoreError(ValueError):
    """A result file that cannot be read or continued; its text says why and what to do."""


class _TornHeaderError(StoreError):
    """A run was killed while it wrote its first line: there is nothing to lose."""


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


def discard(path: Path) -> None:
    """Remove a result file; raises StoreError for a file that is none."""
    if path.exists() and path.stat().st_size and not path.read_bytes().startswith(BEGINNING):
        raise StoreError(f"'{path}' is no adbench result file: --fresh does not overwrite it")
    path.unlink(missing_ok=True)


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
    except OSError as error:
        raise StoreError(f"cannot read '{path}': {error.strerror or error}") from None
    whole = raw.rfind(b"\n") + 1
    records = list(_records(path, raw[:whole]))
    if not whole and BEGINNING.startswith(raw[: len(BEGINNING)]):
        raise _TornHeaderError(
            f"'{path}' holds no whole line; measure again into it or another file"
        )
    if not records or records[0].get("kind") != "run":
        raise StoreError(f"'{path}' is no adbench result file: its first line describes no run")
    schema = records[0].get("schema")
    if schema != SCHEMA:
        raise StoreError(
            f"'{path}' has schema {schema}, this adbench reads schema {SCHEMA}; "
            "use the adbench version that wrote it, or measure again into another file"
        )
    lines = [(n, r) for n, r in enumerate(records[1:], start=2) if r.get("kind") == "result"]
    for number, line in lines:
        missing = [key for key in NEEDED if key not in line]
        if missing:
            raise StoreError(
                f"'{path}' line {number} lacks {', '.join(missing)}; nothing was changed. "
                "Remove that line, or measure into another file"
            )
    return records[0], [line for _, line in lines], whole


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
    done: dict[Key, str] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, header: Mapping[str, Any]) -> Store:
        """Create `path` or continue it.

        A torn last line (a run that was killed while writing) is cut off; its bytes are counted in
        `dropped_bytes`. Raises StoreError when the file was made by another machine, other versions,
        other code, another preset or other limits, when another run is writing it, or when it cannot
        be written.
        """
        with _plain_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab")
            try:
                _lock(path, file)
                return cls._begun(path, file, header)
            except BaseException:
                file.close()
                raise

    @classmethod
    def _begun(cls, path: Path, file: Any, header: Mapping[str, Any]) -> Store:
        size = path.stat().st_size
        try:
            old, lines, whole = _scan(path) if size else ({}, [], 0)
        except _TornHeaderError:
            old, lines, whole = {}, [], 0
        if old:
            _must_agree(path, old, header)
        if size > whole:
            os.truncate(path, whole)
        done = {key_of(line): str(line.get("form_hash", "")) for line in lines}
        store = cls(path, file, old or dict(header), lines, size - whole, done)
        if not old:
            store.append(header)
        return store

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one line, flushed and synced before this returns."""
        with _plain_errors(self.path):
            self.file.write(json.dumps(record, allow_nan=False).encode() + b"\n")
            self.file.flush()
            os.fsync(self.file.fileno())
        if record.get("kind") == "result":
            self.lines.append(dict(record))
            self.done[key_of(record)] = str(record.get("form_hash", ""))

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


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    """Say what an error of the operating system means for the results."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write '{path}': {error.strerror or error}. Finished results are kept; "
            "mend that and repeat the command, or give another --out"
        ) from None


def _lock(path: Path, file: Any) -> None:
    """One writer at a time, where the system has locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError(
            f"another run is writing '{path}'; wait for it, or give another --out"
        ) from None


def _must_agree(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Results of two machines, versions, states of the code, presets or limits never share a file."""
    for what in AGREE:
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
