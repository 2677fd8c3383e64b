"""The one door for asv: some hundred cases measured by adbench's own engine, read back as numbers.

asv's own timer recompiles or miscounts compiled functions (``docs/adr/0004``), so its benchmarks only
read what this module measured: `series` names the cases, `measure` fills them, and `version` says when
a curve must begin anew. `prepared` is for the few benchmarks that asv times itself.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from adbench import registry
from adbench.analysis import read
from adbench.harness import header, kernel, machine, memory, plan, store
from adbench.harness import run as harness
from adbench.harness.process import worker_environment
from adbench.model import Case, Operator, UnknownNameError
from adbench.reference import cache

__all__ = [
    "COMPILED", "INTERPRETED", "figures_of", "measure", "native", "prepared", "series", "version",
]  # fmt: skip

Figure = float | dict[str, Any]

# Fits, minimisation, functions of one number at many points, Jacobians dense and sparse: each at a
# small and a larger size. Few on purpose: each case is a curve in each of seven figures.
ROWS = (
    "gauss_nll[{100,10000}]/gradient",
    "histogram_nll[{100,1000}]/gradient",
    "rosenbrock[{10,1000}]/gradient",
    "gmm[{2x5,10x5}]/gradient",
    "kepler[{1,1000}]/derivative",
    "logistic_map[{1,100000}]/derivative",
    "propagation[{3,8}]/jacobian",
    "brusselator[{8,32}]/jacobian",
)
METHODS = (
    "numpy-central", "complex-step", "autograd-reverse", "dual-numpy", "numba-dual", "numba-manual",
    "jax-forward", "jax-reverse",
)  # fmt: skip
MANUAL = "numba-manual"
# What asv times itself, for those who expect it: long enough that its own call costs less than 1 %.
TIMED = (
    "gauss_nll[10000]/gradient", "histogram_nll[1000]/gradient", "gmm[10x5]/gradient", "kepler[1000]/derivative",
)  # fmt: skip
COMPILED, INTERPRETED = (
    ("numba-dual", "jax-forward", "jax-reverse"),
    ("autograd-reverse", "dual-numpy"),
)
# Raised when the meaning of a figure changes, so that every curve begins anew.
MEANING = 2
FIGURES = (
    "steady", "first_call", "compile", "log2_ulp", "peak_bytes", "cost_ratio", "to_manual",
)  # fmt: skip


class _Silent:
    def total(self, cells: int) -> None: ...

    def case(self, name: str) -> None: ...

    def done(self, line: dict[str, Any]) -> None: ...

    def note(self, message: str) -> None: ...


def _preset() -> plan.Preset:
    """Three processes of every method, no verdicts."""
    quick = plan.preset("quick")
    return replace(
        quick, name="timeline", repeats=3, other_repeats=3, blocks=20, other_blocks=20, budget_s=None,
        quick=False, showcase=False, twins="none", values=1,
    )  # fmt: skip


def _followed(rows: Sequence[str]) -> list[str]:
    """Those of the rows whose problem `ADBENCH_SERIES` names, or all."""
    wanted = [w.strip() for w in os.environ.get("ADBENCH_SERIES", "").split(",") if w.strip()]
    known = [row.partition("[")[0] for row in ROWS]
    if unknown := sorted({*wanted} - {*known}):
        raise UnknownNameError(
            f"ADBENCH_SERIES names {', '.join(unknown)}, which no curve follows; name some of "
            f"{', '.join(known)}, separated by commas"
        )
    return [row for row in rows if not wanted or row.partition("[")[0] in wanted]


def _filters() -> list[str]:
    return [f"{row}/{{{','.join(METHODS)}}}" for row in _followed(ROWS)]


def native(methods: Sequence[str]) -> tuple[str, ...]:
    """Ids of the cases that asv times itself, by these methods."""
    return tuple(f"{row}/{method}" for row in _followed(TIMED) for method in methods)


def _rows() -> list[plan.Row]:
    return plan.rows(_preset(), _filters())


@lru_cache(maxsize=1)
def series() -> Mapping[str, tuple[str, ...]]:
    """Problem -> ids of the cases that are followed; imports no tool.

    The environment variable ``ADBENCH_SERIES`` may name fewer problems, separated by commas. Cases that a method does not offer are left out; those whose tool is not installed are not, since
    the list must be the same in every environment.

    Raises
    ------
    UnknownNameError
        When ``ADBENCH_SERIES`` names a problem that no curve follows.
    """
    found: dict[str, tuple[str, ...]] = {}
    for row in sorted(_rows(), key=lambda r: r.problem.name):
        offered = [
            row.case(m).id
            for m in row.methods
            if row.operator in m.operators and m.form(row.problem) is not None
        ]
        found[row.problem.name] = (*found.get(row.problem.name, ()), *offered)
    return found


def version(problem: str) -> str:
    """Hash of what a problem's figures mean: its texts and the protocol, not the methods' own code,
    whose changes are what the curves are there to show (``docs/adr/0022``).
    """
    forms = {f.name: f.hash for f in registry.problem(problem).forms}
    meaning = json.dumps([MEANING, kernel.KERNEL_HASH, forms, series()[problem]], sort_keys=True)
    return hashlib.sha256(meaning.encode()).hexdigest()[:16]


def measure(path: Path | None = None) -> dict[str, dict[str, Figure]]:
    """Measure the cases, or continue a measurement that was interrupted.

    Parameters
    ----------
    path : Path, optional
        Result file; default: one for each machine, set of versions and state of the code, in the
        folder that ``ADBENCH_STORE`` names or else in ``timeline`` of adbench's cache folder. What it
        holds is not measured again.

    Returns
    -------
    dict
        Case id to the figures of `figures_of`.

    Raises
    ------
    adbench.harness.store.StoreError
        When the file cannot be written, or belongs to another machine or other versions.
    """
    target = path or _default()
    harness.run(_rows(), _preset(), target, _Silent())
    return figures_of(read(target))


def _default() -> Path:
    kept = os.environ.get("ADBENCH_STORE")
    folder = Path(kept) if kept else cache.folder() / "timeline"
    return folder / f"{store.digest(header.header(_preset(), 0))}.jsonl"


def figures_of(frame: pd.DataFrame) -> dict[str, dict[str, Figure]]:
    """What the benchmarks read, of a tidy frame (`adbench.analysis.frame.tidy`).

    Returns
    -------
    dict
        Case id to: ``steady`` (seconds a call), ``first_call`` (seconds of preparing, compiling and
        calling once), both with one sample a process as asv keeps samples; ``compile`` (seconds of
        preparing and compiling alone); ``log2_ulp`` = log2(1 + norm-wise error in ulp);
        of any answer, a wrong one too, else a loss of digits would end a curve in silence;
        ``peak_bytes``, resident, of the method's process; ``cost_ratio``, the derivative's time
        divided by the function's; ``to_manual``, its time divided by that of the derivative written
        by hand, where there is one. Less is better in all; NaN where the case did not run.
    """
    ran = frame[(frame["outcome"] == "ok") & ~frame["twin"]]
    by_case = {str(name): lines for name, lines in ran.groupby("id")}
    errors = frame[~frame["twin"]].groupby("id")["error_ulp"].max()
    every = [case for cases in series().values() for case in cases]
    return {
        case: _figures(case, by_case)
        | {"log2_ulp": math.log2(1.0 + float(errors.get(case, math.nan)))}
        for case in every
    }


def _figures(case: str, by_case: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    lines = by_case.get(case)
    if lines is None:
        return dict.fromkeys(FIGURES, math.nan)
    by_hand = by_case.get(f"{case.rpartition('/')[0]}/{MANUAL}")
    steady = float(lines["steady_s"].min())
    return {
        "steady": _samples(lines["steady_s"]),
        "first_call": _samples(lines["start_s"]),
        "compile": float(lines[["prepare_s", "compile_s"]].sum(axis=1).min()),
        "peak_bytes": float(lines["process_peak_bytes"].max()),
        "cost_ratio": steady / float(lines["value_s"].min()),
        "to_manual": math.nan if by_hand is None else steady / float(by_hand["steady_s"].min()),
    }


def _samples(numbers: pd.Series[float]) -> Figure:
    """One sample a process, which asv gives a median and an interval."""
    samples = [float(s) for s in numbers if math.isfinite(s)]
    return {"samples": samples, "number": 1} if samples else math.nan


@lru_cache
def prepared(case: str) -> Callable[[], Any]:
    """The compiled derivative of a case with its arguments, on one core with one thread.

    For benchmarks that asv times itself; called once already, so that a later call compiles nothing.
    Sets the core and the threads of the whole process, so the tool must not have been imported yet.
    """
    os.environ.update(worker_environment())
    memory.keep_pages()
    core = machine.core_of(0)
    if core is not None:
        machine.pin(core)
    named = Case.parse(case)
    problem, method = registry.problem(named.problem), registry.method(named.method)
    form = method.form(problem)
    if form is None:
        raise NotImplementedError(f"{method.name} reads no form of {problem.name}")
    point = problem.point(named.size)
    made = method.prepare(form, Operator(named.operator), point)
    call, args = made.call, made.encode(point)
    call(*args)
    return lambda: call(*args)
