"""A run against a commit of asv's history: how much faster or slower each case has become since then."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from adbench.analysis.asv_write import machine_names, versions_of
from adbench.analysis.compare import pooled
from adbench.analysis.frame import tidy
from adbench.analysis.welch import ratio
from adbench.harness.store import Run
from adbench.model import Floats, Outcome

__all__ = ["COLUMNS", "of_runs", "since"]

# Column -> pandas dtype.
COLUMNS: Mapping[str, str] = {
    "case": "object",
    "machine": "object",
    "commit": "object",
    "date": "datetime64[ms, UTC]",
    "environment": "object",
    "differs": "object",
    "old_s": "float64",
    "new_s": "float64",
    "ratio": "float64",
    "low": "float64",
    "high": "float64",
    "old_processes": "int64",
    "new_processes": "int64",
}
# Last part of the name of a benchmark that holds steady times: written by us, or by the asv suite.
STEADY = ("steady", "track_steady")


def since(history: pd.DataFrame, run: Run, commit: str | None = None) -> pd.DataFrame:
    """The steady times of a run in units of those of an earlier commit on the same machine.

    Parameters
    ----------
    history : DataFrame
        From `asv_results.read_asv`.
    run : Run
        From `harness.store.load`.
    commit : str, optional
        The first digits of a commit in the history, such as that of the last release; default: the
        newest that is not the run's own.

    Returns
    -------
    DataFrame
        The columns of `COLUMNS`, a row for each case and environment of the history, the largest ratio
        first. `old_s` and `new_s` are geometric means over processes, in seconds; `ratio` is the new
        time divided by the old; `low` and `high` are its 95 % interval (`welch.ratio`), NaN where too
        few samples are known to tell one. `differs` names the tools whose versions differ.

    Raises
    ------
    ValueError
        When the history holds no such commit, several, or no time of the run's cases.
    """
    steady = history[
        history["current"]
        & (history["status"] == "ok")
        & (history["type"] == "time")
        & history["benchmark"].map(lambda name: name.rpartition(".")[2] in STEADY)
    ]
    old = steady[steady["commit"] == _chosen(steady, run, commit)]
    new = tidy(run.lines, header=run.header)
    new = new[(new["outcome"] == Outcome.OK.label) & ~new["twin"]]
    pairs = [
        (then, own)
        for (case, machine), own in new.groupby(["id", "machine"])
        for then in _rows(old, str(case), machine_names(run.machines[str(machine)]))
    ]
    if not pairs:
        raise ValueError(
            f"the history has no steady time of any case of '{run.path}' on its machine at that commit"
        )
    return _table(pairs, versions_of(run))


def of_runs(history: pd.DataFrame, runs: Sequence[Run], commit: str | None = None) -> pd.DataFrame:
    """The rows of `since` of several runs, one after another; raises as it does."""
    return pd.concat([since(history, run, commit) for run in runs], ignore_index=True)


def _chosen(steady: pd.DataFrame, run: Run, given: str | None) -> str:
    """Full hash of the commit to compare with."""
    commits = steady.sort_values("date")["commit"].drop_duplicates()
    own = run.header.get("commit")
    known = [str(c) for c in commits if (c.startswith(given) if given else c != own)]
    if not known:
        what = f"no commit '{given}'" if given else "no commit but the run's own"
        newest = ", ".join(str(c)[:8] for c in commits.iloc[::-1].iloc[:5]) or "none"
        raise ValueError(f"the history holds steady times of {what}; the newest: {newest}")
    if given and len(known) > 1:
        raise ValueError(f"'{given}' may be {' or '.join(known)}; give more of its digits")
    return known[-1]


def _rows(old: pd.DataFrame, case: str, names: tuple[str, ...]) -> list[dict[Any, Any]]:
    """What the history says of a case on a machine that goes by these names, by environment.

    The name with the id in it is the machine's alone; the plain one counts where there is no other.
    """
    here = old[old["case"] == case]
    for name in reversed(names):
        found = here[here["machine"] == name].drop_duplicates("environment", keep="last")
        if not found.empty:
            return list(found.to_dict("records"))
    return []


def _table(
    pairs: list[tuple[dict[Any, Any], pd.DataFrame]], versions: Mapping[str, str]
) -> pd.DataFrame:
    logs = [(_logs(then), np.log(own["steady_s"].to_numpy(dtype=float))) for then, own in pairs]
    spreads = pooled(a for a, _ in logs), pooled(b for _, b in logs)
    records = []
    for (then, _own), (a, b) in zip(pairs, logs, strict=True):
        found = ratio(a, b, 0.0, spreads)
        records.append(
            {
                **{key: then[key] for key in ("case", "machine", "commit", "date", "environment")},
                "differs": _differs(then["requirements"], versions),
                "old_s": math.exp(float(a.mean())),
                "new_s": math.exp(float(b.mean())),
                "ratio": found.ratio,
                "low": math.nan if found.low is None else found.low,
                "high": math.nan if found.high is None else found.high,
                "old_processes": len(a),
                "new_processes": len(b),
            }
        )
    frame = pd.DataFrame.from_records(records, columns=list(COLUMNS)).astype(dict(COLUMNS))
    return frame.sort_values(["ratio", "case"], ascending=[False, True], ignore_index=True)


def _logs(then: Mapping[Any, Any]) -> Floats:
    """Logs of the samples, one a process; of the value alone where asv kept none."""
    return np.log([s for s in then["samples"] if s and s > 0] or [then["value"]])


def _differs(requirements: str, now: Mapping[str, str]) -> str:
    """``"jax 0.9.2 then, 0.10.2 now"``, of the tools that both name."""
    then = dict(part.split(" ", 1) for part in requirements.split(", ") if " " in part)
    return "; ".join(
        f"{tool} {then[tool]} then, {now[tool]} now"
        for tool in sorted(then.keys() & now.keys())
        if then[tool] != now[tool]
    )
