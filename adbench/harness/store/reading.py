"""Reads a result file back: whole lines, checked one by one; what cannot be read is named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from adbench.harness.store.lines import SCHEMA, StoreError, machine_id

__all__ = ["Run", "TornHeaderError", "is_result_file", "load", "read"]

BEGINNING = b'{"kind": "run"'
COMPRESSED = b"\x1f\x8b"
# What the analysis relies on, and of which type, in the lines of each kind.
NEEDED: Mapping[str, Mapping[str, type]] = {
    "run": {"machine": dict},
    "machine": {"machine": dict},
    "result": {
        "id": str, "problem": str, "size": str, "operator": str, "method": str, "repeat": int,
        "twin": bool, "machine": str, "outcome": str, "measurements": list,
    },
    "conditions": {"row": str, "repeat": int, "machine": str},
}  # fmt: skip
PLAIN = {dict: "an object", list: "a list", str: "a text", int: "a whole number", bool: "true or false"}  # fmt: skip
REMEDY = "Nothing was changed; remove that line, or measure into another file"


class TornHeaderError(StoreError):
    """A run was killed while it wrote its first line: there is nothing to lose."""


@dataclass(frozen=True)
class Run:
    """A result file as read: its header, and the lines after it in their order.

    Parameters
    ----------
    path : Path
        Where it was read.
    header : dict
        The first line.
    lines : sequence of dict
        All later lines of whatever kind.
    whole_bytes : int
        How much of the file is whole lines; what follows is a line that was cut off.
    """

    path: Path
    header: dict[str, Any]
    lines: Sequence[dict[str, Any]] = field(repr=False)
    whole_bytes: int = 0

    @cached_property
    def results(self) -> list[dict[str, Any]]:
        """Result lines."""
        return [line for line in self.lines if line.get("kind") == "result"]

    @cached_property
    def conditions(self) -> list[dict[str, Any]]:
        """Conditions lines: the reference kernel, load and time spent, by row, repeat and machine."""
        return [line for line in self.lines if line.get("kind") == "conditions"]

    @cached_property
    def described(self) -> dict[str, dict[str, Any]]:
        """Machine id -> the line that describes the machine: the header, or a machine line."""
        more = [line for line in self.lines if line.get("kind") == "machine"]
        return {machine_id(line): line for line in (self.header, *more)}

    @cached_property
    def machines(self) -> dict[str, dict[str, Any]]:
        """Machine id -> machine record; the machine of the header first."""
        return {name: line["machine"] for name, line in self.described.items()}


def read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Header and result lines of a file; a torn last line is left out.

    Raises
    ------
    StoreError
        As `load`.
    """
    run = load(path)
    return run.header, run.results


def load(path: Path) -> Run:
    """All that a file holds; a torn last line is left out.

    Raises
    ------
    StoreError
        When the file is missing, foreign, of another schema, or corrupt before its last line.
    """
    raw = _bytes(path)
    whole = raw.rfind(b"\n") + 1
    if not whole and BEGINNING.startswith(raw[: len(BEGINNING)]):
        raise TornHeaderError(
            f"'{path}' holds no whole line; measure again into it or another file"
        )
    if raw.startswith(COMPRESSED):
        raise StoreError(f"'{path}' is compressed; unpack it first, with: gunzip -k {path}")
    records = list(_records(path, raw[:whole]))
    if not records or records[0].get("kind") != "run":
        raise StoreError(f"'{path}' is no adbench result file: its first line describes no run")
    _check_schema(path, records[0])
    _check_lines(path, records)
    return Run(path, records[0], records[1:], whole)


def is_result_file(path: Path) -> bool:
    """Whether a file is empty, or begins as a result file of any schema does."""
    with path.open("rb") as file:
        start = file.read(len(BEGINNING))
    return BEGINNING.startswith(start)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise StoreError(
            f"no result file '{path}'; make one with: adbench run --out {path}"
        ) from None
    except OSError as error:
        raise StoreError(f"cannot read '{path}': {error.strerror or error}") from None


def _records(path: Path, raw: bytes) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(raw.split(b"\n")[:-1], start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise StoreError(f"'{path}' line {number} is not a JSON object. {REMEDY}")
        yield record


def _check_schema(path: Path, header: Mapping[str, Any]) -> None:
    schema = header.get("schema")
    if schema == SCHEMA:
        return
    if not isinstance(schema, int):
        raise StoreError(f"'{path}' is no adbench result file: its first line names no schema")
    if schema > SCHEMA:
        raise StoreError(
            f"'{path}' has schema {schema}, written by a newer adbench; this one reads schema "
            f"{SCHEMA}. Bring it up to date: pip install --upgrade autodiff-bench"
        )
    commit = header.get("commit")
    writer = f"commit {commit[:12]}" if isinstance(commit, str) else "the version that wrote it"
    raise StoreError(
        f"'{path}' has schema {schema}, written by adbench 0.1 before it recorded machines and "
        f"conditions; this one reads schema {SCHEMA}. Measure again into another file (adbench run "
        f"--out FILE), or read this one with {writer}"
    )


def _check_lines(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Every line has what its kind needs, and its machine was described before it."""
    known: set[str] = set()
    for number, record in enumerate(records, start=1):
        kind = record.get("kind")
        needed = NEEDED.get(kind, {}) if isinstance(kind, str) else {}
        missing = [key for key in needed if key not in record]
        if missing:
            raise StoreError(f"'{path}' line {number} lacks {', '.join(missing)}. {REMEDY}")
        for key, expected in needed.items():
            if not _is(record[key], expected):
                raise StoreError(
                    f"'{path}' line {number}: {key} is no {PLAIN[expected].split(maxsplit=1)[-1]}"
                    f" but {record[key]!r}. {REMEDY}"
                )
        if kind in ("run", "machine"):
            known.add(_described(path, number, record))
        elif needed and record["machine"] not in known:
            raise StoreError(
                f"'{path}' line {number}: no line before it describes machine "
                f"'{record['machine']}'. {REMEDY}"
            )


def _is(value: Any, expected: type) -> bool:
    """JSON's types: true and false are no numbers."""
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))


def _described(path: Path, number: int, record: Mapping[str, Any]) -> str:
    if not isinstance(record["machine"].get("id"), str):
        raise StoreError(f"'{path}' line {number} lacks the machine's id. {REMEDY}")
    return machine_id(record)
