"""What the trials share: cases, repeats under quiet and load, looks at growing numbers of processes.

A *repeat* is one whole adbench run into its own folder ``NN-quiet`` or ``NN-loaded``: ``results.jsonl``
and, once the repeat is complete, ``done.json``. A folder that has one is skipped; one that has none is
continued by adbench's own resuming.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from load import foreign_load

from adbench import registry
from adbench.analysis.compare import LOOKS as HELD_OUT
from adbench.analysis.conditions import conditions as conditions_of
from adbench.analysis.sets import read as read_frame
from adbench.harness import plan, store
from adbench.harness.run import Settings, run
from adbench.model import Operator, Size

__all__ = [
    "LOOKS", "Folder", "Repeat", "Settings", "arguments", "conditions", "folders", "percent", "preset",
    "read", "repeats", "rows", "say", "sd", "staged",
]  # fmt: skip

# Processes at which a decision is tried: adbench's looks at 3, 5 and 8, and the one that chooses.
LOOKS = tuple(1 + look for look in HELD_OUT)
Wanted = Mapping[str, Iterable[str]]


def say(*words: object) -> None:
    """One line to the terminal, at once."""
    print(*words, flush=True)  # noqa: T201 - scripts report to whoever runs them


@dataclass(frozen=True)
class Folder:
    """One complete repeat on disk."""

    path: Path
    done: Mapping[str, Any]

    @property
    def number(self) -> int:
        """Which repeat."""
        return int(self.done["number"])

    @property
    def loaded(self) -> bool:
        """Whether other processes burned the cores meanwhile."""
        return bool(self.done["load"])


@dataclass(frozen=True)
class Repeat:
    """One repeat of a study: its number and how many foreign busy processes it runs beside."""

    number: int
    load: int

    def folder(self, out: Path) -> Path:
        """Where its files are."""
        return out / f"{self.number:02d}-{'loaded' if self.load else 'quiet'}"

    def run(self, out: Path, work: Callable[[Path], Mapping[str, Any]], load_s: float) -> None:
        """Do `work` in the folder of this repeat, under its load, unless it is done already."""
        folder = self.folder(out)
        mark = folder / "done.json"
        if mark.exists():
            say(f"{folder}: done already")
            return
        folder.mkdir(parents=True, exist_ok=True)
        before, began = os.getloadavg()[0], time.monotonic()
        say(f"{folder}: begins, {self.load} busy processes, load average {before:.2f}")
        with foreign_load(self.load, load_s):
            told = dict(work(folder))
        done = {
            "number": self.number, "load": self.load, "load_before": before,
            "load_after": os.getloadavg()[0], "wall_s": time.monotonic() - began, **told,
        }  # fmt: skip
        mark.write_text(json.dumps(done, indent=1) + "\n")
        say(f"{folder}: done in {done['wall_s']:.0f} s")


def repeats(count: int, load: int, which: str = "alternate") -> list[Repeat]:
    """Quiet, loaded, quiet, ...; or all of one kind."""
    under = {"alternate": (0, load), "quiet": (0,), "loaded": (load,)}[which]
    return [Repeat(i, under[i % len(under)]) for i in range(count)]


def folders(out: Path) -> list[Folder]:
    """The complete repeats below `out`, in order."""
    marks = sorted(out.glob("*/done.json"))
    return [Folder(mark.parent, json.loads(mark.read_text())) for mark in marks]


def rows(cells: Sequence[tuple[str, Size, Operator]], methods: Sequence[str]) -> list[plan.Row]:
    """Rows of any size, in the presets or not."""
    chosen = tuple(registry.method(name) for name in methods)
    return [plan.Row(registry.problem(p), size, operator, chosen) for p, size, operator in cells]


def preset(processes: int, twins: str, blocks: int | None = None) -> plan.Preset:
    """The standard preset, with `processes` fresh processes of every method and as many blocks of
    each as the contenders have; fewer blocks are for rehearsals.
    """
    standard = plan.preset("standard")
    most = blocks or standard.blocks
    return replace(
        standard, repeats=processes, other_repeats=processes, blocks=most, other_blocks=most,
        twins=twins, values=0,
    )  # fmt: skip


class Watcher:
    """Progress on one line of the terminal."""

    def __init__(self, label: str) -> None:
        self.label, self.cells, self.finished, self.failed = label, 0, 0, 0

    def total(self, cells: int) -> None:
        """How many cells there are to measure."""
        self.cells = cells

    def case(self, name: str) -> None:
        """What is being measured now; changes too often to be shown."""

    def note(self, message: str) -> None:
        """A sentence for the user; under a load of our own making it is no news."""
        say(f"  {self.label}: {message}")

    def done(self, line: Mapping[str, Any]) -> None:
        """A result was written."""
        self.finished += 1
        if line["outcome"] != "ok":
            self.failed += 1
            say(f"  {line['id']}: {line['outcome']}: {line['message']}")
        if self.finished % 20 == 0:
            say(f"  {self.label}: {self.finished} of about {self.cells} results")


def staged(
    path: Path,
    all_rows: Sequence[plan.Row],
    chosen: plan.Preset,
    seed: int,
    looks: Sequence[int],
    undecided: Callable[[pd.DataFrame], Wanted],
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Measure into one file, look by look, going on only with what is undecided.

    Every look is an adbench run of its own that continues the file: the same preset with more
    processes, on the rows and methods that `undecided` names in the frame so far.
    """
    left, told = list(all_rows), {"looks": list(looks), "open": []}
    for look in looks:
        stage = replace(chosen, repeats=look, other_repeats=look)
        watcher = Watcher(f"{path.parent.name} to {look} processes")
        run(left, stage, path, watcher, seed, settings=settings)
        wanted = {row: set(names) for row, names in undecided(read(path)).items()}
        told["open"].append(sum(map(len, wanted.values())))
        say(f"  after {look} processes: {told['open'][-1]} methods undecided")
        left = list(_narrowed(all_rows, wanted))
        if not left:
            break
    return told


def _narrowed(all_rows: Iterable[plan.Row], wanted: Mapping[str, set[str]]) -> Iterator[plan.Row]:
    for row in all_rows:
        kept = tuple(m for m in row.methods if m.name in wanted.get(row.id, ()))
        if kept:
            yield replace(row, methods=kept)


def read(path: Path) -> pd.DataFrame:
    """The tidy frame of one result file."""
    return read_frame(path)


def conditions(path: Path) -> pd.DataFrame:
    """The conditions of a result file, one row for each row of cases and process."""
    header, _ = store.read(path)
    _, *lines = (json.loads(line) for line in path.read_bytes().splitlines())
    return conditions_of(lines, header)


def sd(values: Sequence[float]) -> float:
    """Sample standard deviation; NaN for fewer than two."""
    return float(pd.Series(list(values), dtype=float).std()) if len(values) > 1 else math.nan


def arguments(parser: Any) -> None:
    """Options that every study has."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--load", type=int, default=os.cpu_count(), help="foreign busy processes")
    parser.add_argument("--state", choices=("alternate", "quiet", "loaded"), default="alternate")
    parser.add_argument("--load-seconds", type=float, default=3600.0, help="longest a load lasts")


def percent(value: float, digits: int = 1) -> str:
    """A relative number as ``1.2 %``."""
    return "-" if math.isnan(value) else f"{100 * value:.{digits}f} %"


if __name__ == "__main__":
    sys.exit("this file holds what the others share; see README.md")
