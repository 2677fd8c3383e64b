"""Makes one file of several runs of the same result set; what may not share a file is named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from adbench.harness.store.lines import StoreError, differences, key_of
from adbench.harness.store.reading import Run, load
from adbench.harness.store.writing import replace

__all__ = ["merge"]

ORIGIN = ("started", "seed", "commit", "dirty")


def merge(paths: Sequence[Path], out: Path, force: bool = False) -> Run:
    """Write the runs at `paths` as one file at `out`, and return it as read back.

    Processes of one machine are numbered on: the repeats of each later run follow the highest repeat
    of the runs before it, those of its conditions lines too. Another machine gets a machine line and
    keeps its own numbers. The header is the first run's; its field ``merged`` lists the runs.

    Raises
    ------
    StoreError
        For fewer than two files, for runs that differ in what must be the same in one file, for a run
        that is given twice, for one case of two function texts, and when `out` exists, unless
        `force`.
    """
    if len(paths) < 2:
        raise StoreError("a merge needs two or more result files: adbench merge A B --out C")
    runs = [load(path) for path in paths]
    _must_match(runs)
    lines = [_header(runs), *_machines(runs), *_numbered_on(runs)]
    content = b"".join(json.dumps(line, allow_nan=False).encode() + b"\n" for line in lines)
    replace(out, content, force)
    return load(out)


def _must_match(runs: Sequence[Run]) -> None:
    first = runs[0]
    origins: dict[str, Path] = {}
    texts: dict[str, tuple[str, Path]] = {}
    for run in runs:
        for what, values in differences(first.header, run.header, but=("machine",)):
            raise StoreError(
                f"'{run.path}' and '{first.path}' cannot share a file, they have another {what}: "
                f"{values}. Report them side by side: adbench report {first.path} {run.path}"
            )
        for origin in _origins(run):
            known = origins.setdefault(json.dumps(origin, sort_keys=True), run.path)
            if known != run.path or sum(r.path == run.path for r in runs) > 1:
                raise StoreError(
                    f"'{run.path}' and '{known}' hold the same run, begun {origin['started']}; "
                    "its processes would count twice. Leave one of them out"
                )
        for line in _counted(run):
            text = str(line.get("form_hash") or "")
            before, path = (
                texts.setdefault(str(line.get("id")), (text, run.path)) if text else ("", "")
            )
            if before != text:
                raise StoreError(
                    f"{line['id']}: '{path}' and '{run.path}' measured different function texts; "
                    "report them separately"
                )


def _origins(run: Run) -> list[dict[str, Any]]:
    """Where the processes of a file came from: itself, or the runs it was merged from."""
    merged = run.header.get("merged")
    if merged:
        return list(merged)
    origin = {key: run.header.get(key) for key in ORIGIN}
    return [{**origin, "machine": run.header["machine"]["id"]}]


def _header(runs: Sequence[Run]) -> dict[str, Any]:
    return {**runs[0].header, "merged": [origin for run in runs for origin in _origins(run)]}


def _machines(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """A line for each machine but the header's; what a header says of its threads goes along."""
    seen = {runs[0].header["machine"]["id"]}
    for run in runs:
        for name, line in run.described.items():
            if name not in seen:
                seen.add(name)
                yield {
                    "kind": "machine",
                    "machine": line["machine"],
                    "threads": line.get("threads"),
                }


def _numbered_on(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """Result and conditions lines in their order, with repeats of their own in each run."""
    start: dict[str, int] = {}
    for run in runs:
        begin = dict(start)
        for line in _counted(run):
            name = line["machine"]
            repeat = line["repeat"] + begin.get(name, 0)
            start[name] = max(start.get(name, 0), repeat + 1)
            yield {**line, "repeat": repeat}


def _counted(run: Run) -> list[dict[str, Any]]:
    """Result and conditions lines; of a case that was measured again, the last."""
    latest = {key_of(line): line for line in run.results}
    return [
        line
        for line in run.lines
        if line.get("kind") == "conditions"
        or (line.get("kind") == "result" and latest[key_of(line)] is line)
    ]
