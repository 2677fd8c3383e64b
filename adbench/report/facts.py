"""What a page is drawn from: the frames of the runs, one a result set, and what follows from them."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from adbench.report.editions import Renamed, editions
from adbench.report.places import Place, labels, places

__all__ = ["RAW_NAME", "Book", "Facts", "ReportError", "Run", "gather"]

Run = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]
RAW_NAME = "results.jsonl.gz"
MACHINE = ("name", "cpu", "cores")


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
    runs : tuple of (header, lines)
        Those that hold results of the set.
    frame : DataFrame
        From `analysis.tidy`, runs pooled.
    conditions : DataFrame
        From `analysis.conditions`.
    pair : Pair
        The two sides that the page compares.
    kin : str
        What parts of several dates on one machine have in common; empty for any other part.
    stresses : mapping of str to collection of str
        By problem, words of what it stresses; empty where nobody said.
    """

    label: str
    mark: str
    place: Place
    runs: tuple[Run, ...]
    frame: pd.DataFrame
    conditions: pd.DataFrame
    pair: Pair = JAX_NUMBA
    kin: str = ""
    stresses: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def headers(self) -> tuple[Mapping[str, Any], ...]:
        """One header a run."""
        return tuple(header for header, _ in self.runs)

    @cached_property
    def shared(self) -> Facts:
        """The same of rows measured with shared forms alone, no tool's own function text among them."""
        return replace(self, frame=self.frame[~self.frame["own_form"]])

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
    def neighbours(self) -> tuple[tuple[Facts, Facts], ...]:
        """Parts of one machine, threads and device at successive dates, the earlier one first."""
        groups: dict[str, list[Facts]] = {}
        for part in self.parts:
            if part.kin:
                groups.setdefault(part.kin, []).append(part)
        dated = (sorted(g, key=lambda p: str(p.headers[0].get("started"))) for g in groups.values())
        return tuple(two for group in dated for two in itertools.pairwise(group))

    @property
    def raw_sha256(self) -> str:
        """SHA-256 of the file of raw lines."""
        return hashlib.sha256(self.raw).hexdigest()


def gather(
    runs: Sequence[Run],
    versus: str = "",
    stresses: Mapping[str, Collection[str]] | None = None,
) -> Book:
    """Facts of one or more runs; each machine, number of threads and device is a part of its own.

    Runs of one such set that differ in versions, settings, the design of the measurement or a function
    text are parts of their own too, named by their dates; others are pooled.

    Parameters
    ----------
    runs : sequence of Run
    versus : str
        The pair to compare, as `analysis.parse` reads it; JAX and Numba by default.
    stresses : mapping of str to collection of str, optional
        By problem, words of what it stresses.

    Raises
    ------
    ReportError
        With no run, with runs that describe one machine in two ways, and when `versus` names what
        the runs do not hold.
    """
    if not runs:
        raise ReportError("no run to report; make one with: adbench run --preset quick")
    renamed = editions(runs)
    frame = _pooled(runs, renamed)
    pair = _pair(versus, frame)
    found, weather = _placed(runs, renamed), _weather(runs, renamed)
    held = set(frame["set"])
    names = [n for n in found if n in held] or [next(iter(found))]  # without results: still a page
    whole = sets(frame)
    titles = labels([found[name][0][0] for name in names])
    told = {_named(n, e): e[n] for e in renamed for n in e}
    parts = tuple(
        Facts(
            label=f"{title}, {told[name]}" if name in told else title,
            mark=f"-{number}" if len(names) > 1 else "",
            place=found[name][0][0],
            runs=tuple(run for _, run in found[name]),
            frame=whole.get(name, frame),
            conditions=weather[weather["set"] == name],
            pair=pair,
            kin=_kin(name, told),
            stresses=stresses or {},
        )
        for number, (name, title) in enumerate(zip(names, titles, strict=True), start=1)
    )
    return Book(parts, tuple(header for header, _ in runs), frame, _raw(runs), pair)


def _pair(versus: str, frame: pd.DataFrame) -> Pair:
    try:
        return parse(versus, frame) if versus else JAX_NUMBA
    except ValueError as error:
        raise ReportError(str(error)) from error


def _kin(name: str, told: Mapping[str, str]) -> str:
    return name.removesuffix(f", {told[name]}") if name in told else ""


def _pooled(runs: Sequence[Run], renamed: Sequence[Renamed]) -> pd.DataFrame:
    found = zip(runs, renamed, strict=True)
    frames = [_edition(tidy(lines, header=header), names) for (header, lines), names in found]
    try:
        return pool(frames)
    except ValueError as error:
        raise ReportError(str(error)) from error


def _placed(
    runs: Sequence[Run], renamed: Sequence[Renamed]
) -> Mapping[str, list[tuple[Place, Run]]]:
    """By result set: its place and each run that names it, all of them alike."""
    found: dict[str, list[tuple[Place, Run]]] = {}
    machines: dict[str, Place] = {}
    for run, names in zip(runs, renamed, strict=True):
        for name, place in {p.set: p for p in places(*run)}.items():
            _same(machines.setdefault(name, place), place)
            shown = _named(name, names)
            found.setdefault(shown, []).append((replace(place, set=shown), run))
    return found


def _named(name: str, names: Renamed) -> str:
    """A result set's name, with its edition where there are several."""
    return f"{name}, {names[name]}" if name in names else name


def _edition(frame: pd.DataFrame, names: Renamed) -> pd.DataFrame:
    return frame.assign(set=frame["set"].map(lambda name: _named(name, names))) if names else frame


def _weather(runs: Sequence[Run], renamed: Sequence[Renamed]) -> pd.DataFrame:
    """Conditions of all runs; those of a machine's second run stand beside those of its first."""
    found = zip(runs, renamed, strict=True)
    tables = [_edition(conditions(lines, header), names) for (header, lines), names in found]
    known = [table for table in tables if len(table)]
    return pd.concat(known, ignore_index=True) if known else tables[0]


def _same(one: Place, other: Place) -> None:
    """Two runs of one machine must describe the same hardware."""
    for key in MACHINE:
        a, b = one.machine.get(key), other.machine.get(key)
        if a != b:
            name = one.machine.get("id") or "unnamed"
            raise ReportError(
                f"machine '{name}' is described in two ways ({key} '{a}' and '{b}'): "
                "report the runs separately"
            )


def _raw(runs: Sequence[Run]) -> bytes:
    lines = (line for header, results in runs for line in (header, *results))
    text = "".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines
    )
    # no clock in the bytes; level 9 would take thrice as long for two hundredths of the size
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)
