"""The one door for asv: a handful of cases measured by adbench's own engine, read back as numbers.

asv's own timer recompiles or miscounts compiled functions (``docs/adr``), so its benchmarks only read
what this module measured: `cases` names the series, `measure` fills them.
"""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from adbench.analysis import read
from adbench.harness import plan
from adbench.harness import run as harness
from adbench.harness.machine import code

__all__ = ["FILTER", "cases", "measure"]

# Few on purpose: each series is one curve over commits.
FILTER = (
    "{gauss_nll[100],histogram_nll[100],rosenbrock[10]}/gradient/"
    "{numpy-central,autograd-reverse,dual-python,numba-dual,jax-reverse}"
)
NOTHING = {
    "steady_s": math.nan,
    "first_s": math.nan,
    "log2_ulp": math.nan,
    "peak_rss_bytes": math.nan,
}


class _Silent:
    def total(self, cells: int) -> None: ...

    def case(self, name: str) -> None: ...

    def done(self, line: dict[str, Any]) -> None: ...

    def note(self, message: str) -> None: ...


def cases() -> list[str]:
    """Case ids of the series; imports no tool."""
    return [case.id for case in plan.cases((FILTER,), "quick")]


def measure(path: Path | None = None) -> dict[str, dict[str, float]]:
    """Measure the cases, or continue a measurement that was interrupted.

    Parameters
    ----------
    path : Path, optional
        Result file; default: one for each state of the code in the folder that ``ADBENCH_STORE``
        names, else a temporary one.

    Returns
    -------
    dict
        Case id to ``steady_s`` and ``first_s`` in seconds, ``log2_ulp`` = log2(1 + error in ulp), lower
        is better, and ``peak_rss_bytes``; NaN where the case did not run.
    """
    chosen = replace(plan.preset("quick"), budget_s=None, twins="none")
    with tempfile.TemporaryDirectory() as folder:
        kept = os.environ.get("ADBENCH_STORE")
        target = path or (
            Path(kept) / f"{code()}.jsonl" if kept else Path(folder) / "results.jsonl"
        )
        harness.run(plan.rows(chosen, (FILTER,)), chosen, target, _Silent())
        frame = read(target)
    ran = frame[frame["outcome"] == "ok"]
    return {case: _numbers(ran[ran["id"] == case]) for case in cases()}


def _numbers(lines: pd.DataFrame) -> dict[str, float]:
    """Best of the processes for times, worst for error and memory."""
    if lines.empty:
        return dict(NOTHING)
    return {
        "steady_s": float(lines["steady_s"].min()),
        "first_s": float(lines["first_s"].min()),
        "log2_ulp": float(math.log2(1.0 + lines["error_ulp"].max())),
        "peak_rss_bytes": float(lines["process_peak_bytes"].max()),
    }
