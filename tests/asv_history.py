"""A repository of a few commits, and results of `adbench run` for each of them, for tests of asv's door."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import synthetic

from adbench.analysis.asv_write import write_asv
from adbench.harness.store import Run, load

RESULTS = Path(".asv/results")
WHEN = "2026-01-{day:02d}T12:00:00+00:00"


def repository(folder: Path, commits: int) -> list[str]:
    """Commits on branch main, oldest first; with a configuration of asv beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    config = {
        "version": 1,
        "project": "handmade",
        "repo": ".",
        "branches": ["main"],
        "environment_type": "existing",
        "benchmark_dir": "benchmarks",
        "results_dir": str(RESULTS),
        "html_dir": ".asv/html",
        "regressions_thresholds": {".*": 0.15},
    }
    (folder / "asv.conf.json").write_text(json.dumps(config))
    found = []
    for number in range(commits):
        (folder / "text").write_text(str(number))
        git(folder, "add", "text")
        git(folder, "commit", "-q", "-m", f"commit {number}", day=number + 1)
        found.append(git(folder, "rev-parse", "HEAD"))
    return found


def git(folder: Path, *words: str, day: int = 1) -> str:
    when = WHEN.format(day=day)
    who = {
        f"GIT_{role}_{what}": "nobody"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    env = {**os.environ, **who, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, env=env
    )
    return done.stdout.strip()


def stored(path: Path, one: tuple[Any, list[Any]], **about: Any) -> Run:
    """A run as a result file; `about` overrides fields of its first line."""
    header, lines = one
    text = "\n".join(json.dumps(line) for line in ({**header, **about}, *lines))
    path.write_text(text + "\n")
    return load(path)


def measured(folder: Path, commits: list[str], slow_from: int, lossy_from: int) -> None:
    """Results of every commit: JAX takes 1.5 times as long from one, autograd loses digits from another."""
    for number, commit in enumerate(commits):
        slow = number >= slow_from
        one = synthetic.run(
            twins=False,
            failures=False,
            speed=lambda tool, _p, _s, slow=slow: 1.5 if slow and tool == "jax" else 1.0,
            seed=number,
        )
        if number >= lossy_from:
            for line in one[1]:
                if line["tool"] == "autograd":
                    line["accuracy"]["error_ulp"] *= 1e6
        when = WHEN.format(day=number + 1)
        run = stored(folder / f"{number}.jsonl", one, commit=commit, started=when)
        write_asv(run, folder / RESULTS)
