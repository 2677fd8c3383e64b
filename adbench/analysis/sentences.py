"""The answer in words, from a verdict's numbers.

Says no more than the comparisons do: a smoke run, a missing tool and a noisy machine each have a
sentence of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from adbench.analysis.duel import Duel
from adbench.analysis.pair import Pair, Side
from adbench.analysis.wording import coverage, listed, percent, span, times

if TYPE_CHECKING:
    from adbench.analysis.verdict import Verdict

__all__ = ["answer", "fixed"]


def answer(v: Verdict, frame: pd.DataFrame, fought: Sequence[Duel]) -> str:
    """Which side is faster, in one or two sentences, from a verdict's numbers."""
    if not v.rows:
        sentence = _absent(v.sides, frame)
    elif v.undecided == v.rows:
        sentence = _all_undecided(v, fought)
    elif v.first_wins and v.second_wins:
        sentence = _mixed(v, fought)
    elif v.first_wins or v.second_wins:
        sentence = _one_winner(v)
    else:
        where = f"{v.ties} of " if v.undecided else ""
        sentence = (
            f"On this machine {_both(v)} are equally fast within {percent(v.margin or 0)} "
            f"in {where}{_comparisons(v.rows)}: {_counts(v)}."
        )
    return sentence + _one_sided(v)


def fixed(v: Verdict) -> str:
    """The fixed pair's mean ratio; empty where the two methods never met."""
    if v.pair_ratio is None or v.pair is None:
        return ""
    by_first = v.pair_ratio < 1
    quick, slow = v.pair if by_first else v.pair[::-1]
    ends = (v.pair_low, v.pair_high)
    if by_first and v.pair_low and v.pair_high:
        ends = (1 / v.pair_high, 1 / v.pair_low)
    over = f"over {v.pair_problems} problems" if v.pair_rows > 1 else "over processes"
    told = ""
    if v.pair_low and v.pair_level:
        told = f" ({coverage(v.pair_level)} interval {over}: {span(*ends)})"
    factor = times(max(v.pair_ratio, 1 / v.pair_ratio))
    mean = " in the geometric mean" if v.pair_rows > 1 else ""
    return (
        f"Without any choice of the best, {quick} is {factor} faster than {slow}{mean}{told} "
        f"of {_comparisons(v.pair_rows)}."
    )


def _both(v: Verdict) -> str:
    return f"{v.sides.first.name} and {v.sides.second.name}"


def _absent(pair: Pair, frame: pd.DataFrame) -> str:
    """Why nothing could be compared."""
    both = f"{pair.first.name} and {pair.second.name}"
    missing = [s for s in pair.sides if frame.loc[s.tried(frame), "steady_s"].isna().all()]
    if not missing:
        return (
            f"No comparison of {both}: both ran, but in no process was one derivative measured "
            "with both. Measure both in one run, on the same cases."
        )
    if not pair.tried(frame).any():
        return f"{both} are not part of this run; the page shows the other methods."
    why = listed([f"{side.name} {_state(frame, side)}" for side in missing])
    there = pair.second if missing == [pair.first] else pair.first
    other = (
        "This page shows the other methods."
        if len(missing) == 2
        else f"This page shows {there.name} beside the other methods."
    )
    return f"No comparison of {both}: {why}. {other}"


def _state(frame: pd.DataFrame, side: Side) -> str:
    own = frame[side.tried(frame)]
    outcomes = set(own["outcome"])
    if not outcomes:
        return "is not part of this run"
    if outcomes <= {"unavailable"}:
        return f"is not installed here (pip install {' '.join(sorted(set(own['tool'])))})"
    return f"gave no answer ({', '.join(sorted(outcomes))})"


def _all_undecided(v: Verdict, fought: Sequence[Duel]) -> str:
    assert v.ratio is not None
    single = all(d.comparison and d.comparison.low is None for d in fought)
    lean = (
        f"{(v.sides.second if v.ratio >= 1 else v.sides.first).name} was {times(max(v.ratio, 1 / v.ratio))} faster "
        f"in the geometric mean of {_comparisons(v.rows)}"
    )
    if single and any(d.held_out for d in fought):
        return (
            "No verdict yet: beside the process in which the best methods are chosen each ran in one "
            f"only, and a verdict needs several. As a first hint, {lean}."
        )
    if single:
        return f"No verdict yet: each method ran in one process only, and a verdict needs several. As a first hint, {lean}."
    if v.floor is None:
        return (
            "No verdict: no method was measured against itself, so the noise of this machine is "
            f"unknown. As a hint, {lean}."
        )
    return (
        f"No verdict: {_both(v)} cannot be told apart here in any of {_comparisons(v.rows)}; "
        f"the intervals reach into the margin of {percent(v.margin or 0)}. {lean}, which is not "
        "evidence of a difference."
    )


def _named(v: Verdict, by_first: bool) -> tuple[str, str]:
    """The side that wins, and the other."""
    names = v.sides.first.name, v.sides.second.name
    return names if by_first else names[::-1]


def _one_winner(v: Verdict) -> str:
    by_first = v.first_wins > 0
    winner, loser = _named(v, by_first)
    wins = v.first_wins if by_first else v.second_wins
    factor, low, _ = _oriented(v, by_first)
    if 2 * wins <= v.rows or factor <= 1:
        return (
            f"On this machine {winner} is the faster one where a difference shows, but that is in "
            f"{wins} of {_comparisons(v.rows)} only: {_counts(v)}."
        )
    if low is None or low > 1:
        return (
            f"On this machine {winner} is {times(factor)} faster than {loser}{_interval(v, by_first)} "
            f"in {_comparisons(v.rows)}: {_counts(v)}."
        )
    return (
        f"On this machine {winner} is the faster one in {wins} of {_comparisons(v.rows)}: {_counts(v)}. "
        f"By how much hangs on the problem: {times(factor)} in the geometric mean"
        f"{_interval(v, by_first)}."
    )


def _interval(v: Verdict, by_first: bool) -> str:
    """The interval of the factor and what it is over, in brackets; empty where there is none."""
    _, low, high = _oriented(v, by_first)
    if not (low and high and v.level):
        return ""
    return f" ({coverage(v.level)} interval {v.basis}: {span(low, high)})"


def _mixed(v: Verdict, fought: Sequence[Duel]) -> str:
    by_first = v.first_wins > v.second_wins
    major, minor = _named(v, by_first)
    factor, low, high = _oriented(v, by_first)
    exceptions = [d for d in fought if d.winner == ("second" if by_first else "first")]
    where = f"{minor} wins {_where(exceptions, fought)}"
    if factor > 1 and low is not None and high is not None and low > 1:
        return (
            f"On this machine {major} is {times(factor)} faster than {minor} overall"
            f"{_interval(v, by_first)} in {_comparisons(v.rows)}: {_counts(v)}. But {where}."
        )
    return (
        f"It depends on the problem: in {_comparisons(v.rows)} on this machine, {_counts(v)}. "
        f"{where[0].upper()}{where[1:]}; in the geometric mean {v.sides.first.name} takes {times(v.ratio or 1)} the "
        f"time of {v.sides.second.name}{_interval(v, False)}."
    )


def _where(wins: Sequence[Duel], fought: Sequence[Duel]) -> str:
    """Where a tool wins: the rows by name when few, and whether it is a matter of size."""
    best = max(max(_r(d), 1 / _r(d)) for d in wins)
    named = [f"{d.problem} at size {d.size} ({d.operator.replace('_', ' ')})" for d in wins[:3]]
    more = [f"{len(wins) - 3} more"] if len(wins) > 3 else []
    largest = {d.problem: d.size_n for d in sorted(fought, key=lambda d: d.size_n)}
    several = {d.problem for d in fought if d.size_n < largest[d.problem]}
    by_size = all(d.problem in several and d.size_n == largest[d.problem] for d in wins)
    if len(wins) == 1:
        return f"on {named[0]} by {times(best)}"
    size = ", each time at the largest size measured" if by_size else ""
    return f"on {listed([*named, *more])}, by up to {times(best)}{size}"


def _r(duel: Duel) -> float:
    assert duel.comparison
    return duel.comparison.ratio


def _oriented(v: Verdict, by_first: bool) -> tuple[float, float | None, float | None]:
    """Ratio and interval as 'how many times faster the winner is'."""
    assert v.ratio is not None
    if not by_first:
        return v.ratio, v.low, v.high
    return 1 / v.ratio, 1 / v.high if v.high else None, 1 / v.low if v.low else None


def _counts(v: Verdict) -> str:
    sides = [(v.sides.second.name, v.second_wins), (v.sides.first.name, v.first_wins)]
    sides.sort(key=lambda side: -side[1])
    (a, m), (b, n) = sides
    return f"{a} wins {m}, {b} {n}, ties {v.ties}, undecided {v.undecided}"


def _one_sided(v: Verdict) -> str:
    parts: Iterable[tuple[str, int]] = (
        (v.sides.first.name, v.first_only), (v.sides.second.name, v.second_only),
    )  # fmt: skip
    told = [f"in {n} more only {name} gave a right answer" for name, n in parts if n]
    if not told or not v.rows:
        return ""
    text = listed(told)
    return f" {text[0].upper()}{text[1:]}."


def _comparisons(n: int) -> str:
    return f"{n} comparison{'' if n == 1 else 's'}"
