"""What a page is drawn from: the frames of the runs, one a result set, and what follows from them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from adbench.analysis import (
    JAX_NUMBA,
    Crossover,
    Duel,
    Pair,
    Verdict,
    conditions,
    cost_ratios,
    crossovers,
    duels,
    fixed_pair,
    parse,
    pool,
    sets,
    starts,
    tidy,
    verdict,
)
from adbench.analysis.summary import summary
from adbench.report.places import Place, labels, places

__all__ = ["RAW_NAME", "Book", "Facts", "ReportError", "Run", "gather"]

Run = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]
RAW_NAME = "results.jsonl.gz"
MACHINE = ("name", "cpu", "cores", "os", "python")


class ReportError(ValueError):
    """Runs that make no one report; its text says why and what to do."""


@dataclass(frozen=True)
class Facts:
    """All that the sections about one result set may ask.

    Parameters
    ----------
    label : str
        The result set as a heading names it.
    mark : str
        Ends the ids of a part's elements; empty where the page has one part.
    place : Place
    headers : tuple of mapping
        One header a run that holds results of the set.
    frame : DataFrame
        From `analysis.tidy`, runs pooled.
    conditions : DataFrame
        From `analysis.conditions`.
    pair : Pair
        The two sides that the page compares.
    """

    label: str
    mark: str
    place: Place
    headers: tuple[Mapping[str, Any], ...]
    frame: pd.DataFrame
    conditions: pd.DataFrame
    pair: Pair = JAX_NUMBA

    @property
    def heading(self) -> str:
        """Element of a section's heading: below that of the part, where there are several."""
        return "h3" if self.mark else "h2"

    @cached_property
    def verdict(self) -> Verdict:
        """One side against the other."""
        return verdict(self.frame, self.pair, self.duels, self._fixed)

    @cached_property
    def duels(self) -> tuple[Duel, ...]:
        """The best of one side against the best of the other on each row."""
        return duels(self.frame, self.pair)

    @cached_property
    def fixed(self) -> Mapping[str, Duel]:
        """The pair that nobody chose, by row; only rows on which the two met."""
        return {d.row: d for d in self._fixed if d.comparison}

    @cached_property
    def _fixed(self) -> tuple[Duel, ...]:
        return () if self.pair.fixed is None else fixed_pair(self.frame, *self.pair.fixed)

    @cached_property
    def costs(self) -> pd.DataFrame:
        """Times of derivatives in units of their functions."""
        return cost_ratios(self.frame)

    @cached_property
    def starts(self) -> pd.DataFrame:
        """What both sides cost before they are fast, and when the dearer start is repaid."""
        return starts(self.frame, self.duels)

    @cached_property
    def crossovers(self) -> tuple[Crossover, ...]:
        """Where the winner changes with size."""
        return crossovers(self.duels)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Every method on every row."""
        return summary(self.frame)

    @property
    def margin(self) -> float | None:
        """Relative difference below which nothing is resolved; None without a noise floor."""
        return self.verdict.margin

    @property
    def clock(self) -> str:
        """What the times of calls were read from; empty where nothing was timed."""
        used = set(self.frame.loc[self.frame["mode"] != "external", "clock"]) - {""}
        if used == {"cpu", "wall"}:
            return "CPU clock where it has a reading, else wall clock"
        return {"cpu": "CPU clock", "wall": "wall clock"}[used.pop()] if used else ""

    @property
    def block(self) -> str:
        """Which of the samples of a call a time on the page is, in words."""
        return f"lowest tenth of each process's blocks, {self.clock}"


@dataclass(frozen=True)
class Book:
    """All that a page holds: its parts, one a result set, and what they were made of.

    Parameters
    ----------
    parts : tuple of Facts
        In the order in which the runs name them; at least one.
    headers : tuple of mapping
        One header a run.
    frame : DataFrame
        Of all parts.
    raw : bytes
        The lines of all runs, gzipped, as they lie beside the page.
    pair : Pair
        The two sides that the page compares.
    """

    parts: tuple[Facts, ...]
    headers: tuple[Mapping[str, Any], ...]
    frame: pd.DataFrame
    raw: bytes
    pair: Pair = JAX_NUMBA

    @property
    def raw_sha256(self) -> str:
        """SHA-256 of the file of raw lines."""
        return hashlib.sha256(self.raw).hexdigest()


def gather(runs: Sequence[Run], versus: str = "") -> Book:
    """Facts of one or more runs; each machine, number of threads and device is a part of its own.

    Parameters
    ----------
    runs : sequence of Run
    versus : str
        The pair to compare, as `analysis.parse` reads it; JAX and Numba by default.

    Raises
    ------
    ReportError
        With no run; with runs of one result set that differ in versions, flags or the design of the
        measurement, and so are no repeats of each other; when one case was measured with two
        function texts; or when `versus` names what the runs do not hold.
    """
    if not runs:
        raise ReportError("no run to report; make one with: adbench run --preset quick")
    frames = [tidy(lines, header=header) for header, lines in runs]
    try:
        frame = pool(frames)
        pair = parse(versus, frame) if versus else JAX_NUMBA
    except ValueError as error:
        raise ReportError(str(error)) from error
    found = _placed(runs)
    names = list(dict.fromkeys(n for f in frames for n in sorted(set(f["set"]))))
    names = names or [next(iter(found))]  # a run without results still has a page
    whole, weather = sets(frame), _weather(runs)
    titles = labels([found[name][0][0] for name in names])
    parts = tuple(
        Facts(
            label=title,
            mark=f"-{number}" if len(names) > 1 else "",
            place=found[name][0][0],
            headers=tuple(header for _, header in found[name]),
            frame=whole.get(name, frame),
            conditions=weather[weather["set"] == name],
            pair=pair,
        )
        for number, (name, title) in enumerate(zip(names, titles, strict=True), start=1)
    )
    return Book(parts, tuple(header for header, _ in runs), frame, _raw(runs), pair)


def _placed(runs: Sequence[Run]) -> Mapping[str, list[tuple[Place, Mapping[str, Any]]]]:
    """By result set: its place and the header in each run that names it, all of them alike."""
    found: dict[str, list[tuple[Place, Mapping[str, Any]]]] = {}
    for header, lines in runs:
        for name, place in {p.set: p for p in places(header, lines)}.items():
            known = found.setdefault(name, [])
            known.append((place, header))
            _same(known[0], known[-1])
    return found


def _weather(runs: Sequence[Run]) -> pd.DataFrame:
    """Conditions of all runs; those of a machine's second run stand beside those of its first."""
    tables = [conditions(lines, header) for header, lines in runs]
    known = [table for table in tables if len(table)]
    return pd.concat(known, ignore_index=True) if known else tables[0]


def _same(one: tuple[Place, Mapping[str, Any]], other: tuple[Place, Mapping[str, Any]]) -> None:
    """Two runs of one result set must be repeats of each other."""
    for key in MACHINE:
        a, b = (place.machine.get(key) for place, _ in (one, other))
        if a != b:
            name = one[0].machine.get("id") or "unnamed"
            raise ReportError(
                f"machine '{name}' is described in two ways ({key} '{a}' and '{b}'): "
                "report the runs separately"
            )
    for what, part, keys, remedy in (
        ("versions of", "versions", None, ", or see what changed with: adbench compare OLD NEW"),
        ("settings of", "environment", None, ""),
        ("Pythons for", "interpreters", None, ""),
        # number and length of blocks may differ: processes are compared with each other in pairs
        ("designs of the measurement:", "protocol", {"workers"}, ""),
    ):
        a, b = (header.get(part) or {} for _, header in (one, other))
        for key in sorted(keys or {*a, *b}):
            if a.get(key) != b.get(key):
                raise ReportError(
                    f"two {what} {key} ({a.get(key)} and {b.get(key)}) on one machine: "
                    f"report them separately{remedy}"
                )


def _raw(runs: Sequence[Run]) -> bytes:
    lines = (line for header, results in runs for line in (header, *results))
    text = "".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines
    )
    return gzip.compress(text.encode(), mtime=0)  # no clock in the bytes
