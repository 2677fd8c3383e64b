"""Writes a result file: append-only, one writer, a line whole and synced or not there at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from adbench.harness.store.lines import Key, StoreError, differences, key_of, machine_id
from adbench.harness.store.reading import Run, TornHeaderError, is_result_file, load

__all__ = ["Store", "discard", "replace"]


@dataclass
class Store:
    """An open result file: append-only, one writer.

    Use ``Store.open(path, header)``; it creates the file, or continues one whose header agrees.
    `lines` are the result lines, `conditions` the conditions lines and `machines` the machine records
    by id, each of the file as it stands; `done` says which function text (form hash) each result is
    of.
    """

    path: Path
    file: Any
    header: dict[str, Any]
    lines: list[dict[str, Any]] = field(default_factory=list)
    conditions: list[dict[str, Any]] = field(default_factory=list)
    machines: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: dict[Key, str] = field(default_factory=dict)
    dropped_bytes: int = 0

    @classmethod
    def open(cls, path: Path, header: Mapping[str, Any]) -> Store:
        """Create `path` or continue it.

        A torn last line (a run that was killed while writing) is cut off; its bytes are counted in
        `dropped_bytes`. Raises StoreError when the file was made by another machine, other versions,
        other code, another preset, other limits, other threads or another design of the measurement,
        or when it cannot be written.
        """
        with _plain_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # unbuffered: a line that did not fit must not be written later, when the file is closed
            file = path.open("ab", buffering=0)
            try:
                _lock(path, file)
                return cls._begun(path, file, header)
            except BaseException:
                file.close()
                raise

    @classmethod
    def _begun(cls, path: Path, file: Any, header: Mapping[str, Any]) -> Store:
        size = path.stat().st_size
        old: Run | None = None
        if size:
            with suppress(TornHeaderError):
                old = load(path)
        if old is None:
            os.truncate(path, 0)
            store = cls(path, file, dict(header), dropped_bytes=size)
            store.append(header)
            return store
        for what, values in differences(old.header, header):
            raise StoreError(
                f"'{path}' was begun with another {what}: {values}. "
                "Give another --out, or begin anew with --fresh"
            )
        if size > old.whole_bytes:
            os.truncate(path, old.whole_bytes)
        store = cls(path, file, old.header, dropped_bytes=size - old.whole_bytes)
        for line in (old.header, *old.lines):
            store._remember(line)
        return store

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one line of any kind, flushed and synced before this returns.

        A result's line needs ``machine``, the id of a machine that the header or a machine line has
        described. When the line cannot be written whole, nothing of it stays in the file.
        """
        self._check(record)
        line = json.dumps(record, allow_nan=False).encode() + b"\n"
        with _plain_errors(self.path):
            before = os.fstat(self.file.fileno()).st_size
            try:
                _write(self.file, line)
            except OSError:
                with suppress(OSError):  # what was a partial line is then a torn one: also cut off
                    os.ftruncate(self.file.fileno(), before)
                raise
        self._remember(record)

    def _check(self, record: Mapping[str, Any]) -> None:
        if record.get("kind") in ("result", "conditions") and (
            record.get("machine") not in self.machines
        ):
            raise StoreError(
                f"a line of machine {record.get('machine')!r} for '{self.path}', which describes "
                f"only {', '.join(self.machines)}; append the machine's line first"
            )

    def _remember(self, record: Mapping[str, Any]) -> None:
        kind = record.get("kind")
        if kind == "result":
            self.lines.append(dict(record))
            self.done[key_of(record)] = str(record.get("form_hash", ""))
        elif kind == "conditions":
            self.conditions.append(dict(record))
        elif kind in ("run", "machine"):
            self.machines[machine_id(record)] = dict(record["machine"])

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


def _write(file: Any, content: bytes) -> None:
    """All of `content`, on the disk when this returns; a disk that fills takes a part at first."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    os.fsync(file.fileno())


def discard(path: Path) -> None:
    """Remove a result file.

    Raises StoreError for a file that is none, and for one that another run is writing.
    """
    if not path.exists():
        return
    with _plain_errors(path), path.open("ab", buffering=0) as file:
        _lock(path, file)
        _own(path, "--fresh")
        path.unlink()


def replace(path: Path, content: bytes, force: bool) -> None:
    """Write a whole file in one step, so that nobody ever meets half of it.

    Raises StoreError for a file that exists, unless `force`; for one that is no result file or that a
    run is writing even then.
    """
    if path.exists() and not force:
        raise StoreError(f"'{path}' exists; give another --out, or overwrite it with --force")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with _plain_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            with path.open("ab", buffering=0) as old:
                _lock(path, old)
                _own(path, "--force")
        try:
            with draft.open("wb", buffering=0) as file:
                _write(file, content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def _own(path: Path, option: str) -> None:
    if not is_result_file(path):
        raise StoreError(f"'{path}' is no adbench result file: {option} does not overwrite it")


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
