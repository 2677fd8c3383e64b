"""adbench's results as results of asv, so that `asv publish` and `asv compare` show runs it did not make.

A benchmark is a figure of one function text: ``adbench.gauss_nll.array.steady``, its parameter the case
id, its version the hash of the text, so that a changed text begins a new curve and leaves the others
alone. Files of the same commit and environment are completed, not replaced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from adbench.analysis.asv_figures import FIGURES, cell
from adbench.analysis.asv_files import (
    RESULT_COLUMNS,
    AsvError,
    benchmarks_of,
    completed,
    read_json,
    write_json,
)
from adbench.analysis.frame import tidy
from adbench.harness.store import Run

__all__ = ["machine_names", "versions_of", "write_asv"]

# Parts of a tool, or of adbench itself: their versions follow others, or tell nothing of a curve.
COMPANIONS = {"adbench", "jaxlib", "llvmlite", "scipy", "python-flint"}


def write_asv(run: Run, folder: Path, commit: str | None = None) -> list[Path]:
    """Write the results of a run into asv's results folder; returns the files of results.

    Parameters
    ----------
    run : Run
        From `harness.store.load`.
    folder : Path
        asv's `results_dir`; made where it does not exist. What it holds of other benchmarks stays.
    commit : str, optional
        Full hash of the commit that was measured; default: the one that the run recorded.

    Returns
    -------
    list of Path
        One file a result set: machine, threads and device.

    Raises
    ------
    AsvError
        When no commit is known, the run was made of a changed checkout and no commit is given, a
        form was measured in two texts, or the folder is none of asv's.
    """
    chosen = _commit(run, commit)
    frame = tidy(run.lines, header=run.header)
    frame = frame[~frame["twin"] & (frame["form"] != "")]
    if frame.empty:
        raise AsvError(f"'{run.path}' holds no result to write; measure into it first")
    _check_texts(run, frame)
    known = benchmarks_of(folder) if (folder / "benchmarks.json").exists() else {}
    written = [_write_set(run, group, folder, chosen) for _, group in frame.groupby("set")]
    write_json(folder / "benchmarks.json", "benchmarks", {**known, **_described(frame, known)})
    return written


def _commit(run: Run, given: str | None) -> str:
    recorded = run.header.get("commit")
    if given is None and run.header.get("dirty"):
        raise AsvError(
            f"'{run.path}' measured commit {str(recorded)[:8]} with changes that no commit holds; measure "
            "a clean checkout, or say which commit it stands for (--commit)"
        )
    chosen = given or recorded
    if chosen is None:
        raise AsvError(
            f"'{run.path}' names no commit: adbench ran outside of its checkout; say which one it stands "
            "for (--commit)"
        )
    if not re.fullmatch(r"[0-9a-f]{40}", chosen):
        raise AsvError(
            f"commit '{chosen}' is no full hash of 40 digits; get it with: git rev-parse HEAD"
        )
    return str(chosen)


def _check_texts(run: Run, frame: pd.DataFrame) -> None:
    """One text a form: its hash is the version of the curve."""
    texts = frame[frame["form_hash"] != ""].groupby(["problem", "form"])["form_hash"].nunique()
    for problem, form in texts.index[texts > 1]:
        raise AsvError(
            f"'{run.path}' holds two texts of {problem}'s form '{form}'; measure all of it again"
        )


def _curves(frame: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Stem of a benchmark's name -> lines of its cases."""
    return {
        f"adbench.{problem}.{form}": lines
        for (problem, form), lines in frame.groupby(["problem", "form"])
    }


def _version(lines: pd.DataFrame) -> str:
    return str(lines["form_hash"].max())


def _described(frame: pd.DataFrame, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What ``benchmarks.json`` says of the benchmarks; cases of earlier runs stay in the list."""
    found = {}
    for stem, lines in _curves(frame).items():
        for figure, about in FIGURES.items():
            name, cases = f"{stem}.{figure}", {repr(case) for case in lines["id"]}
            before = known.get(name, {})
            if before.get("version") == _version(lines):
                cases |= set(before["params"][0])
            found[name] = {
                "code": f"measured by adbench, text {_version(lines)}",
                "name": name,
                "param_names": ["case"],
                "params": [sorted(cases)],
                "timeout": 60,
                "type": about.type,
                "unit": about.unit,
                "version": _version(lines),
            }
    return found


def _write_set(run: Run, frame: pd.DataFrame, folder: Path, commit: str) -> Path:
    """The file of one result set, completed where it exists."""
    record = run.described[str(frame["machine"].iloc[0])]
    name = _machine(folder, record["machine"])
    versions, settings = versions_of(run), _settings(run, record)
    python = ".".join(str(record["machine"].get("python") or "").split(".")[:2])
    parts = ["adbench", f"py{python}", *(f"{k}{v}" for k, v in sorted(versions.items()))]
    environment = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", "-".join([*parts, *settings.values()]))
    path = folder / name / f"{commit[:8]}-{environment}.json"
    before = read_json(path, "results")["results"] if path.exists() else {}
    about = read_json(folder / name / "machine.json", "machine")
    shown = ("machine", "os", "arch", "cpu", "num_cpu", "ram")
    content = {
        "commit_hash": commit,
        "env_name": environment,
        "date": _date(folder, commit, run),
        "params": {
            **{key: about.get(key, "") for key in shown},
            "python": python,
            **versions,
            **settings,
        },
        "python": python,
        "requirements": versions,
        "env_vars": {},
        "result_columns": list(RESULT_COLUMNS),
        "results": {**before, **completed(_values(frame, _ms(run.header["started"])), before)},
        "durations": {},
    }
    write_json(path, "results", content)
    return path


def versions_of(run: Run) -> dict[str, str]:
    """Tool -> version of a run, as far as it makes curves of its own."""
    found = run.header.get("versions") or {}
    return {k: str(v) for k, v in found.items() if k not in COMPANIONS and v is not None}


def _settings(run: Run, record: Mapping[str, Any]) -> dict[str, str]:
    """Threads and device where they are not one thread of the CPU: other curves."""
    threads = (record.get("threads") or run.header.get("threads") or {}).get("requested", 1)
    device = run.header.get("device") or "cpu"
    found = {} if threads == 1 else {"threads": f"threads-{threads}"}
    return found if device == "cpu" else {**found, "device": str(device)}


def machine_names(record: Mapping[str, Any]) -> tuple[str, str]:
    """What asv calls a machine: its name; with its id, where another machine had that name first."""
    name = re.sub(r"[^\w.-]", "_", str(record.get("name") or record["id"]))
    return name, f"{name}-{record['id']}"


def _machine(folder: Path, record: Mapping[str, Any]) -> str:
    """Name of the machine's folder, described there; another machine of that name gets its id too."""
    name, longer = machine_names(record)
    described = folder / name / "machine.json"
    if described.exists():
        known = read_json(described, "machine").get("adbench")
        if known not in (None, record["id"]):
            name, described = longer, folder / longer / "machine.json"
    if not described.exists():
        content = {
            "machine": name,
            "os": record.get("os") or "",
            "arch": "",
            "cpu": record.get("cpu") or "",
            "num_cpu": str(record.get("cores") or ""),
            "ram": str(record.get("memory_bytes") or ""),
            "adbench": record["id"],
        }
        write_json(described, "machine", content)
    return name


def _date(folder: Path, commit: str, run: Run) -> int:
    """The commit's date in ms: as asv wrote it of the same commit, else when the run began."""
    for path in sorted(folder.glob(f"*/{commit[:8]}-*.json")):
        found = read_json(path, "results")
        if found.get("commit_hash") == commit and isinstance(found.get("date"), int):
            return int(found["date"])
    return _ms(run.header["started"])


def _ms(moment: str) -> int:
    return int(pd.Timestamp(moment).timestamp() * 1000)


def _values(frame: pd.DataFrame, started: int) -> dict[str, list[Any]]:
    """Benchmark -> its columns, in the order of `RESULT_COLUMNS`."""
    found: dict[str, list[Any]] = {}
    for stem, lines in _curves(frame).items():
        cases = [(str(case), own) for case, own in lines.groupby("id")]
        for figure, about in FIGURES.items():
            cells = [cell(own, about) for _, own in cases]
            columns = [list(column) for column in zip(*cells, strict=True)]
            value, low, high, q25, q75, number, repeat, samples = (
                None if all(v is None for v in column) else column for column in columns
            )
            params = [[repr(case) for case, _ in cases]]
            found[f"{stem}.{figure}"] = [
                value, params, _version(lines), started, None, low, high, q25, q75, number, repeat,
                samples,
            ]  # fmt: skip
    return found
