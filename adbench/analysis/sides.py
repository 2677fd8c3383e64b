"""Two runs made comparable: per case the times of its processes, in units of the reference kernel's.

Knows what forbids a comparison and what a reader of one must be told; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adbench.analysis.blocks import lowest_tenth
from adbench.analysis.frame import tidy
from adbench.analysis.noise import noise_floor
from adbench.analysis.pair import JAX_NUMBA
from adbench.analysis.sets import sets
from adbench.harness.store import Run
from adbench.model import Floats, Outcome

__all__ = ["Key", "Samples", "Side", "differences", "samples", "sides"]

Key = tuple[str, str]  # machine id, case id
# Runs that differ in these are no two measurements of the same thing.
MUST_AGREE = (("threads", "requested"), ("device", None), ("protocol", "workers"))
# The reference kernel is plain Python and NumPy: with another version of either it is another kernel.
KERNEL_NEEDS = ("numpy", "python")
# What a time of the kernel belongs to.
PROCESS = ["machine", "row", "repeat", "contenders"]


@dataclass(frozen=True, eq=False)
class Samples:
    """What the processes of one run learnt of one case.

    Parameters
    ----------
    logs : array (processes,)
        Log of the lowest tenth of the blocks in seconds a call, one a process that has a time.
    units : array (processes,) or None
        Log of the reference kernel's time beside it; None unless every process has one.
    outcome, message : str
        The first that is not ok, if any.
    ulp : float or None
        Largest error of any process.
    text : str
        Hash of the function text.
    """

    logs: Floats
    units: Floats | None
    outcome: str
    message: str
    ulp: float | None
    text: str


@dataclass(frozen=True, eq=False)
class Side:
    """One run: its cases, its noise floor, and the median of the kernel on each row of each machine."""

    cases: Mapping[Key, Samples]
    floor: float | None
    blind: bool
    kernel_s: pd.Series[float]


def sides(
    old: Run, new: Run, across_machines: bool = False
) -> tuple[Side, Side, bool, tuple[str, ...]]:
    """Both runs, whether times may be divided by the kernel's, and what the reader must be told.

    Raises
    ------
    ValueError
        When the runs are of different threads, devices or designs of the measurement, or of different
        machines, unless `across_machines` and each has one.
    """
    _check_design(old, new)
    name = _common_machine(old, new) if across_machines else None
    if not across_machines:
        _check_machines(old, new)
    frames = [tidy(run.lines, header=run.header) for run in (old, new)]
    # an external program's own clock says nothing of ours
    ours = [frame.loc[frame["mode"] != "external", "clock"] for frame in frames]
    clocks = {clock for column in ours for clock in column if clock}
    found = [
        _side(run, frame, "cpu" if clocks == {"cpu"} else "wall", name)
        for run, frame in zip((old, new), frames, strict=True)
    ]
    obstacle = _obstacle(old, new, *found)
    notes = [f"times are as measured, {obstacle}: a drift of the machine shows"] if obstacle else []
    notes += [
        f"{which} has no noise floor (no copies of a method were measured, or too few): there is "
        "no verdict about times; see adbench run --preset"
        for which, side in zip(("OLD", "NEW"), found, strict=True)
        if side.floor is None
    ]
    return found[0], found[1], not obstacle, tuple(notes)


def differences(old: Run, new: Run) -> dict[str, tuple[str | None, str | None]]:
    """What differs of versions, code, commit, preset and limits: name -> (old, new)."""
    first, second = _facts(old), _facts(new)
    names = sorted({*first, *second})
    pairs = {name: (first.get(name), second.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _facts(run: Run) -> dict[str, str]:
    header = run.header
    known = {key: header.get(key) for key in ("code", "commit", "preset")}
    limits = {f"limit {k}": v for k, v in (header.get("limits") or {}).items()}
    found = {**(header.get("versions") or {}), "python": _python(run), **known, **limits}
    return {key: str(value) for key, value in found.items() if value is not None}


def _python(run: Run) -> Any:
    return run.header["machine"].get("python")


def _check_design(old: Run, new: Run) -> None:
    for outer, inner in MUST_AGREE:
        values = [run.header.get(outer) for run in (old, new)]
        if inner is not None:
            values = [(value or {}).get(inner) for value in values]
        if values[0] != values[1]:
            raise ValueError(
                f"'{old.path}' and '{new.path}' are no two measurements of the same thing: "
                f"{inner or outer} {values[0]} and {values[1]}; measure both alike "
                f"(adbench run --{'threads' if outer == 'threads' else inner or outer})"
            )


def _check_machines(old: Run, new: Run) -> None:
    if not set(old.machines) & set(new.machines):
        raise ValueError(
            f"'{old.path}' and '{new.path}' are of different machines ({_machines(old)}; "
            f"{_machines(new)}): measure both on one, or compare all the same with --across-machines"
        )


def _common_machine(old: Run, new: Run) -> str:
    for run in (old, new):
        if len(run.machines) > 1:
            raise ValueError(
                f"'{run.path}' holds {len(run.machines)} machines ({_machines(run)}); "
                "--across-machines compares files of one machine each"
            )
    return next(iter(new.machines))


def _machines(run: Run) -> str:
    return ", ".join(
        f"{name} {about.get('cpu') or about.get('name') or ''}".strip()
        for name, about in run.machines.items()
    )


def _obstacle(old: Run, new: Run, before: Side, after: Side) -> str:
    """Why times cannot be divided by the reference kernel's; empty if they can."""
    kernels = [(run.header.get("protocol") or {}).get("kernel") for run in (old, new)]
    if kernels[0] != kernels[1] or None in kernels:
        return "for the runs have no reference kernel in common"
    for name in KERNEL_NEEDS:
        pair = differences(old, new).get(name)
        if pair:
            return (
                f"for the reference kernel depends on {name}, {pair[0]} in OLD and {pair[1]} in NEW"
            )
    if before.kernel_s.empty or after.kernel_s.empty:
        return "for a run did not measure the reference kernel"
    return ""


def _side(run: Run, frame: pd.DataFrame, clock: str, name: str | None) -> Side:
    kernel = _kernel(run, f"{clock}_s")
    floors = [noise_floor(group) for group in sets(frame).values()]
    if name is not None:
        frame, kernel = frame.assign(machine=name), kernel.assign(machine=name)
    frame = frame.assign(contenders=JAX_NUMBA.tried(frame))
    joined = frame[~frame["twin"]].merge(kernel, "left", PROCESS)
    column = "steady_s" if clock == "cpu" else "steady_wall_s"
    cases = {
        (str(machine), str(case)): samples(group, column)
        for (machine, case), group in joined.groupby(["machine", "id"], sort=False)
    }
    known = [floor for floor in floors if floor is not None]
    floor = max(known) if known and len(known) == len(floors) else None
    typical = kernel.groupby(["machine", "row"])["unit"].median().dropna()
    return Side(cases, floor, bool(frame["blind"].any()), typical)


def _kernel(run: Run, clock: str) -> pd.DataFrame:
    """The kernel's time, beside JAX and Numba and beside the others: they have rounds of their own."""
    records = []
    for line in run.conditions:
        samples = [s for s in (line.get("kernel") or {}).get(clock) or () if s]
        both = (True, False) if line.get("contenders") is None else (bool(line["contenders"]),)
        records += [
            (line["machine"], line["row"], line["repeat"], contenders, lowest_tenth(samples))
            for contenders in both
            if samples
        ]
    found = pd.DataFrame.from_records(records, columns=[*PROCESS, "unit"])
    found = found.astype({"repeat": "int64", "contenders": "bool", "unit": "float64"})
    return found.drop_duplicates(PROCESS, keep="last")


def samples(group: pd.DataFrame, column: str) -> Samples:
    """What the lines of a case say together; `column` has the times, ``unit`` the kernel's."""
    timed = group[group[column].notna()]
    failed = group[group["outcome"] != Outcome.OK.label]
    told = (failed if len(failed) else group).iloc[0]
    ulps = group["error_ulp"].dropna()
    return Samples(
        logs=np.log(timed[column].to_numpy(dtype=float)),
        units=np.log(timed["unit"].to_numpy(dtype=float)) if timed["unit"].notna().all() else None,
        outcome=str(told["outcome"]),
        message=str(told["message"]),
        ulp=float(ulps.max()) if len(ulps) else None,
        text=str(group["form_hash"].iloc[-1]),
    )
