"""asv on a pair of methods: two commits of a scratch repository, compared as ``asv compare`` does.

The first commit stands for one method, the second for the other; both are run in this environment
with asv's default timing. Two styles of benchmark: ``natural`` (`setup` and ``time_``) and ``warm``
(prepared at import).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["asv_pair"]

HERE = Path(__file__).resolve().parent
FACTORS = (1.1, 1.05)  # asv compare's default, and adbench's margin
STATISTICS = ("ci_99_a", "ci_99_b", "q_25", "q_75", "number", "repeat")


def asv_pair(
    folder: Path, rows: Sequence[str], first: str, second: str, env: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Time of `first` divided by time of `second` by asv, per style and row.

    Parameters
    ----------
    folder : Path
        Where the scratch repository is made; an old one is replaced.
    rows : sequence of str
        ``problem[size]/operator``.
    env : mapping
        Added to the environment, such as limits of threads.

    Returns
    -------
    list of dict
        style, row, first_s, second_s (medians), ratio, numbers (calls a sample), and decisions: for
        each factor, by intervals (asv's default) and by Mann-Whitney (with recorded samples).
    """
    repo = folder.resolve() / "asv"
    shutil.rmtree(repo, ignore_errors=True)
    shutil.copytree(HERE / "asv_suite", repo / "suite", ignore=shutil.ignore_patterns("__pyc*"))
    machine = {"HOME": str(repo), "ADBENCH_PROTOCOL_ROWS": " ".join(rows)}
    environment = os.environ | dict(env) | machine
    # asv hides PYTHONPATH from the code it runs, and shows this instead
    environment["ASV_PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
    commits = _scratch(repo, environment)
    found = []
    _asv(repo, environment, "machine", "--yes")
    for commit, method in zip(commits, (first, second), strict=True):
        asked = ["run", "-E", "existing", "--set-commit-hash", commit, "--record-samples"]
        _asv(repo, environment | {"ADBENCH_PROTOCOL_METHOD": method}, *asked)
        (result,) = (repo / "results").glob(f"*/{commit[:8]}-*.json")
        found.append(_results(json.loads(result.read_text()), rows))
    told = _asv(repo, environment, "compare", *commits)
    (repo / "compare.txt").write_text(told)
    return [
        {"style": style, "row": row, "first": first, "second": second, **_judged(a, found[1][key])}
        for key, a in found[0].items()
        for style, row in [key]
    ]


def _scratch(repo: Path, environment: Mapping[str, str]) -> list[str]:
    """Two commits of a repository that holds nothing but the suite."""
    config = {
        "version": 1, "project": "pair", "repo": ".", "branches": ["main"],
        "environment_type": "existing", "benchmark_dir": "suite", "results_dir": "results",
    }  # fmt: skip
    (repo / "asv.conf.json").write_text(json.dumps(config))
    who = ["-c", "user.name=protocol", "-c", "user.email=protocol@localhost"]
    _told(repo, environment, "git", "init", "-q", "-b", "main")
    _told(repo, environment, "git", "add", "suite", "asv.conf.json")
    commits = []
    for name in ("first", "second"):
        _told(repo, environment, "git", *who, "commit", "-q", "--allow-empty", "-m", name)
        commits.append(_told(repo, environment, "git", "rev-parse", "HEAD").strip())
    return commits


def _asv(repo: Path, environment: Mapping[str, str], *words: str) -> str:
    return _told(repo, environment, sys.executable, "-m", "asv", *words)


def _told(repo: Path, environment: Mapping[str, str], *words: str) -> str:
    done = subprocess.run(words, cwd=repo, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(
            f"'{' '.join(words)}' ended with {done.returncode}: {done.stdout[-800:]} "
            f"{done.stderr[-800:]}"
        )
    return done.stdout


def _results(file: Mapping[str, Any], rows: Sequence[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """(style, row) to value, statistics and samples, from asv's columns."""
    columns = file["result_columns"]
    found = {}
    for name, values in file["results"].items():
        table = dict(zip(columns, values, strict=False))
        natural = name.startswith("natural.")
        for i, value in enumerate(table["result"] or []):
            row = rows[i] if natural else rows[int(name.rpartition("_")[2])]
            if value is None:
                raise RuntimeError(f"asv could not run {name} on {row}")
            statistics = {k: (table.get(f"stats_{k}") or [None])[i] for k in STATISTICS}
            samples = (table.get("samples") or [None])[i]
            key = ("natural" if natural else "warm", row)
            found[key] = {"value": value, "statistics": statistics, "samples": samples}
    return found


def _judged(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    from asv import _stats  # asv's own test: what `asv compare` calls

    decisions = {}
    for test in ("intervals", "mann-whitney"):
        samples = [x["samples"] if test == "mann-whitney" else None for x in (a, b)]
        differ = _stats.is_different(*samples, a["statistics"], b["statistics"])
        for factor in FACTORS:
            slower, faster = a["value"] > factor * b["value"], b["value"] > factor * a["value"]
            word = "slower" if differ and slower else "faster" if differ and faster else "same"
            decisions[f"{test} {factor:g}"] = word
    return {
        "first_s": a["value"],
        "second_s": b["value"],
        "ratio": a["value"] / b["value"],
        "numbers": [x["statistics"]["number"] for x in (a, b)],
        "decisions": decisions,
    }
