"""Which methods deserve another process: rounds go where a comparison is not decided yet.

Pure functions of result lines, so that a resumed run asks for the same as one that was never
interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from adbench.analysis.compare import LOOKS, margin
from adbench.analysis.duel import Duel, duels
from adbench.analysis.frame import tidy
from adbench.analysis.noise import noise_floor
from adbench.analysis.pair import JAX_NUMBA
from adbench.analysis.pick import choose
from adbench.analysis.sets import sets
from adbench.model import Decision, Outcome

__all__ = ["Open", "undecided", "wanted"]

Lines = Iterable[Mapping[str, Any]]
FIXED = JAX_NUMBA.fixed or ()
TOOLS = (*JAX_NUMBA.first.tools, *JAX_NUMBA.second.tools)
# A method this much slower than its tool's best in the first process will not stand for it.
NEAR = 1.5
# A tool without a rival has nothing to decide; so many further processes show its spread.
ALONE = 2
# What may have been the machine's fault: tried once more where a tool has no other answer.
AGAIN = (Outcome.FAILED.label, Outcome.CRASHED.label)


@dataclass(frozen=True)
class Open:
    """A row that is not decided.

    Parameters
    ----------
    row : str
    processes : int
        Held-out processes that the comparison rests on.
    needed : float
        About how many it would take if ratio and spread stayed as they are; infinite where the
        ratio lies on the edge of the margin.
    """

    row: str
    processes: int
    needed: float


def wanted(
    lines: Lines, repeat: int, header: Mapping[str, Any] | None = None
) -> Mapping[str, frozenset[str]] | None:
    """Methods to measure in process `repeat` of JAX and Numba, by row; a row left out is done.

    Repeats up to the first look (3): of every row, each tool's best method of the first process,
    those within `NEAR` of it, and the fixed pair. Up to the next looks (5, 8): the compared methods
    and the fixed pair, of rows undecided at the look before, those nearest to a decision first. After
    the last look, nothing.

    Parameters
    ----------
    lines : iterable of mapping
        Of several result sets (machines of a cluster), each is advised for itself. For the second and
        later looks, lines of processes after the look before are ignored.
    repeat : int
    header : mapping, optional
        First line of the file; it tells the clock and what the system lacks. Needed unless `lines`
        begin with it.

    Returns
    -------
    mapping or None
        Row id to method names; copies (twins) of these are meant too, never by themselves. None,
        everything, for the first process.
    """
    if repeat < 1:
        return None
    look = max((look for look in LOOKS if look < repeat), default=None)
    frame = _contenders(lines, repeat if look is None else look + 1, header)
    found: dict[str, frozenset[str]] = {}
    for part in sets(frame).values():
        more = _finalists(part, repeat) if look is None else _compared(part, repeat)
        found |= {row: names | found.get(row, frozenset()) for row, names in more.items()}
    return found


def undecided(lines: Lines, header: Mapping[str, Any] | None = None) -> tuple[Open, ...]:
    """Rows of JAX against Numba that are not decided, nearest to a decision first.

    Empty where nothing can be decided: one tool without a time, or no method measured against
    itself.
    """
    parts = sets(_contenders(lines, None, header)).values()
    return tuple(sorted((o for part in parts for o in _open(part)[0]), key=_order))


def _contenders(lines: Lines, before: int | None, header: Mapping[str, Any] | None) -> pd.DataFrame:
    """The frame of JAX's and Numba's processes with a lower number than `before`."""
    frame = tidy(lines, header=header)
    frame = frame[frame["tool"].isin(TOOLS)]
    return frame if before is None else frame[frame["repeat"] < before]


def _timed_tools(frame: pd.DataFrame) -> set[str]:
    return set(frame.loc[frame["steady_s"].notna() & ~frame["twin"], "tool"])


def _finalists(frame: pd.DataFrame, repeat: int) -> Mapping[str, frozenset[str]]:
    rivals = len(_timed_tools(frame)) == len(TOOLS)
    if not rivals and repeat > ALONE:
        return {}
    own = frame[~frame["twin"]]
    found = {}
    for row, here in own.groupby("row", sort=False):
        names = _in_play(here) if rivals else _timed(here)
        if repeat == 1:
            names |= _second_chance(here)
        if names:
            found[str(row)] = frozenset(names)
    return found


def _in_play(here: pd.DataFrame) -> set[str]:
    """Of one row: the best of each tool, those near it, and the fixed pair where it has a time."""
    names = _timed(here) & set(FIXED)
    for each in JAX_NUMBA.sides:
        side = each.able(here)
        best = choose(side)
        if best:
            first = side[side["repeat"] == best.repeat]
            names |= set(first.loc[first["steady_s"] <= NEAR * best.steady_s, "method"])
            names.add(best.method)
    return names


def _timed(here: pd.DataFrame) -> set[str]:
    return set(here.loc[here["steady_s"].notna(), "method"])


def _second_chance(here: pd.DataFrame) -> set[str]:
    """Methods that crashed or failed, of tools that have no time on this row."""
    silent = here[~here["tool"].isin(_timed_tools(here))]
    return set(silent.loc[silent["outcome"].isin(AGAIN), "method"])


def _compared(frame: pd.DataFrame, repeat: int) -> Mapping[str, frozenset[str]]:
    if repeat > LOOKS[-1] or len(_timed_tools(frame)) < len(TOOLS):
        return {}
    nearest, found = _open(frame)
    return {o.row: _pair(frame, found[o.row]) for o in nearest}


def _pair(frame: pd.DataFrame, duel: Duel) -> frozenset[str]:
    timed = _timed(frame[(frame["row"] == duel.row) & ~frame["twin"]])
    return frozenset({m for m in (duel.first, duel.second) if m} | (timed & set(FIXED)))


def _open(frame: pd.DataFrame) -> tuple[list[Open], Mapping[str, Duel]]:
    """The undecided rows of one result set, nearest to a decision first, and all its duels."""
    floor = noise_floor(frame)
    if floor is None:
        return [], {}
    found = {d.row: d for d in duels(frame)}
    edge = math.log1p(margin(floor, bool(frame["blind"].any())))
    return sorted((_needed(d, edge) for d in found.values() if _unsettled(d)), key=_order), found


def _order(o: Open) -> tuple[float, str]:
    return o.needed - o.processes, o.row


def _unsettled(duel: Duel) -> bool:
    return duel.apart or (
        duel.comparison is not None and duel.comparison.decision is Decision.UNDECIDED
    )


def _needed(duel: Duel, edge: float) -> Open:
    """The interval shrinks as one over the root of the processes until it clears the margin's edge."""
    c = duel.comparison
    if c is None or c.low is None or c.high is None:
        return Open(duel.row, c.processes if c else 0, float(LOOKS[0]))
    half = 0.5 * (math.log(c.high) - math.log(c.low))
    room = abs(abs(math.log(c.ratio)) - edge)
    needed = math.ceil(c.processes * (half / room) ** 2) if room > 0.0 else math.inf
    return Open(duel.row, c.processes, max(float(needed), c.processes + 1.0))
