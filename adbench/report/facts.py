"""What a page is drawn from: the pooled frame of one machine's runs and what follows from it."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from adbench.analysis import Crossover, Duel, Verdict, crossovers, duels, pool, tidy, verdict
from adbench.analysis.compare import margin
from adbench.analysis.frame import clock_of
from adbench.analysis.summary import summary

__all__ = ["RAW_NAME", "Facts", "ReportError", "Run", "gather"]

Run = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]
RAW_NAME = "results.jsonl.gz"
MACHINE = ("name", "cpu", "cores", "os", "python")


class ReportError(ValueError):
    """Runs that make no one report; its text says why and what to do."""


@dataclass(frozen=True)
class Facts:
    """All that sections may ask.

    Parameters
    ----------
    headers : tuple of mapping
        One header a run.
    frame : DataFrame
        From `analysis.tidy`, runs pooled.
    raw : bytes
        The lines of all runs, gzipped, as they lie beside the page.
    """

    headers: tuple[Mapping[str, Any], ...]
    frame: pd.DataFrame
    raw: bytes

    @cached_property
    def verdict(self) -> Verdict:
        """JAX against Numba."""
        return verdict(self.frame)

    @cached_property
    def duels(self) -> tuple[Duel, ...]:
        """The best of JAX against the best of Numba on each row."""
        return duels(self.frame)

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
        return None if self.verdict.floor is None else margin(self.verdict.floor)

    @property
    def clock(self) -> str:
        """What the times of calls were read from; empty where nothing was timed."""
        used = set(self.frame["clock"]) - {""}
        if used == {"cpu", "wall"}:
            return "CPU clock where it has a reading, else wall clock"
        return {"cpu": "CPU clock", "wall": "wall clock"}[used.pop()] if used else ""

    @property
    def block(self) -> str:
        """Which of the samples of a call a time on the page is, in words."""
        return f"fastest block of each process, {self.clock}"

    @property
    def raw_sha256(self) -> str:
        """SHA-256 of the file of raw lines."""
        return hashlib.sha256(self.raw).hexdigest()


def gather(runs: Sequence[Run]) -> Facts:
    """Facts of one or more runs of one machine.

    Raises
    ------
    ReportError
        With no run, with runs of two machines, tool versions or thread counts, or when one case was
        measured with two function texts.
    """
    if not runs:
        raise ReportError("no run to report; make one with: adbench run --preset quick")
    headers = tuple(header for header, _ in runs)
    for other in headers[1:]:
        _same(headers[0], other)
    try:
        frame = pool([tidy(lines, clock_of(header)) for header, lines in runs])
    except ValueError as error:
        raise ReportError(str(error)) from error
    return Facts(headers, frame, _raw(runs))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Times of different machines, versions or thread counts are no repeats of each other."""
    a, b = (h.get("machine") or {} for h in (one, other))
    for key in MACHINE:
        if a.get(key) != b.get(key):
            raise ReportError(
                f"two machines ({key} '{a.get(key)}' and '{b.get(key)}'): report them separately"
            )
    a, b = (h.get("versions") or {} for h in (one, other))
    for tool in sorted({*a, *b}):
        if a.get(tool) != b.get(tool):
            raise ReportError(
                f"two versions of {tool} ({a.get(tool)} and {b.get(tool)}): report them separately"
            )
    a, b = ((h.get("threads") or {}).get("requested") for h in (one, other))
    if a != b:
        raise ReportError(f"two thread counts ({a} and {b}): report them separately")


def _raw(runs: Sequence[Run]) -> bytes:
    lines = (line for header, results in runs for line in (header, *results))
    text = "".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines
    )
    return gzip.compress(text.encode(), mtime=0)  # no clock in the bytes
