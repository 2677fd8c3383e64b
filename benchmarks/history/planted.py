"""Does the dashboard find what it should? Six real commits, two of them spoilt, by `asv run` and `asv publish`.

    python benchmarks/history/planted.py build/planted
    python benchmarks/history/planted.py build/planted --problems gauss_nll,rosenbrock

Clones this repository into the folder and commits six times on top of the newest commit: the third makes every
second call of autograd-reverse compute twice (1.5 times the time), the fifth rounds the answers of the complex
step to ten digits (some six of sixteen are lost), the others change a sentence of the documentation. Then asv
runs each commit with the Python of this process, publishes, and this script reads asv's list of regressions:
each planted one must be there at its commit, and nothing else. Takes minutes a commit; a machine that does
something else meanwhile shows more than was planted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SLOW, LOSSY = "autograd-reverse", "complex-step"
SLOWED = """

def _twice_every_second_time(prepare):
    def slowed(form, operator, point):
        made = prepare(form, operator, point)
        odd = itertools.cycle((False, True))

        def call(*arguments):
            if next(odd):
                made.call(*arguments)
            return made.call(*arguments)

        return dataclasses.replace(made, call=call)

    return slowed


METHODS = [
    dataclasses.replace(m, prepare=_twice_every_second_time(m.prepare)) if m.name == "autograd-reverse" else m
    for m in METHODS
]
"""
ROUNDED = """

def _to_ten_digits(prepare):
    def rounded(form, operator, point):
        made = prepare(form, operator, point)

        def decode(result):
            found = made.decode(result)
            with np.errstate(divide="ignore"):
                scale = 10.0 ** (9 - np.floor(np.log10(np.abs(found))))
            return np.where(found == 0.0, 0.0, np.round(found * scale) / scale)

        return dataclasses.replace(made, decode=decode)

    return rounded


METHODS = [
    dataclasses.replace(m, prepare=_to_ten_digits(m.prepare)) if m.name == "complex-step" else m for m in METHODS
]
"""
# Commit -> file and what is added at its end; None: a sentence of documentation.
PLANTS: tuple[tuple[str, str | None, str], ...] = (
    ("A sentence", None, ""),
    ("Another sentence", None, ""),
    ("Slower: autograd-reverse", "adbench/methods/autograd.py", "\nimport dataclasses\nimport itertools\n" + SLOWED),
    ("A third sentence", None, ""),
    ("Less exact: complex-step", "adbench/methods/numpy.py", "\nimport dataclasses\n\nimport numpy as np\n" + ROUNDED),
    ("A last sentence", None, ""),
)  # fmt: skip


def git(folder: Path, *words: str) -> str:
    """What git says in the folder."""
    names = ("-c", "user.name=adbench", "-c", "user.email=adbench@localhost")
    done = subprocess.run(["git", *names, *words], cwd=folder, check=True, capture_output=True, text=True)  # fmt: skip
    return done.stdout.strip()


def build(folder: Path) -> list[str]:
    """Clone into `folder`, commit six times, give the commits' hashes."""
    if folder.exists():
        raise SystemExit(
            f"'{folder}' exists; name a folder that does not, or remove it: rm -r '{folder}'"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    git(ROOT, "clone", "--quiet", str(ROOT), str(folder.resolve()))
    git(folder, "checkout", "-q", "-B", "main")
    found = []
    for number, (subject, place, text) in enumerate(PLANTS):
        path = folder / (place or "docs/README.md")
        with path.open("a", encoding="utf-8") as file:
            file.write(text or f"\nSentence {number}.\n")
        git(folder, "commit", "-q", "-a", "-m", subject)
        found.append(git(folder, "rev-parse", "HEAD"))
    return found


def measure(folder: Path, commits: Sequence[str], problems: str) -> None:
    """Run asv on each commit, with the checkout before other adbenches on Python's path; publish."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder.resolve()),  # for the workers
        "ASV_PYTHONPATH": str(folder.resolve()),  # else asv takes the first away
        "ADBENCH_STORE": str(folder.resolve() / "build" / "store"),
    } | ({"ADBENCH_SERIES": problems} if problems else {})

    def asv(*words: str) -> None:
        done = subprocess.run(["asv", *words], cwd=folder, env=environment, check=False)
        if done.returncode not in (0, 2):  # 2: a benchmark failed, which the list of results shows
            raise SystemExit(f"asv {' '.join(words)} ended with {done.returncode}")

    asv("machine", "--yes")
    for number, commit in enumerate(commits, start=1):
        sys.stdout.write(
            f"commit {number} of {len(commits)}: {git(folder, 'log', '-1', '--format=%s', commit)}\n"
        )
        sys.stdout.flush()
        git(folder, "checkout", "-q", commit)
        asv("run", "-E", f"existing:{sys.executable}", "--set-commit-hash", commit)
    git(folder, "checkout", "-q", "main")
    asv("publish")


def found(folder: Path) -> list[tuple[str, str, str]]:
    """What asv lists: (commit, figure, case) of each upward step."""
    site = folder / ".asv" / "html"
    hashes: Mapping[str, str] = json.loads((site / "index.json").read_text())["revision_to_hash"]
    entries = []
    # name, graph, its parameters, number of the case, newest and best value, steps (from, to, before, after)
    for name, _, _, _, _, _, steps in json.loads((site / "regressions.json").read_text())[
        "regressions"
    ]:
        benchmark, _, case = name.partition("(")
        figure = benchmark.rpartition(".")[2]
        entries += [
            (hashes[str(revision)], figure, case.strip("')")) for _, revision, _, _ in steps
        ]
    return sorted(entries)


def main(words: Sequence[str] | None = None) -> int:
    """Build, measure, and say whether what was planted was found, and nothing else."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--problems", default="", help="some of those that are followed (all)")
    asked = parser.parse_args(words)
    if shutil.which("asv") is None:
        raise SystemExit("asv is not there; install it with: pip install 'autodiff-bench[asv]'")
    commits = build(asked.folder)
    measure(asked.folder, commits, asked.problems)
    expected = {(commits[2], SLOW), (commits[4], LOSSY)}
    seen, others = set(), []
    for commit, figure, case in found(asked.folder):
        who = (commit, case.rpartition("/")[2])
        (seen.add(who) if who in expected else others.append((commit, figure, case)))
        sys.stdout.write(f"{commit[:10]} {figure:16} {case}\n")
    for commit, method in sorted(expected - seen):
        sys.stdout.write(f"not found: {method} at {commit[:10]}\n")
    sys.stdout.write(f"{len(seen)} of {len(expected)} found, {len(others)} others listed\n")
    return int(seen != expected or bool(others))


if __name__ == "__main__":
    sys.exit(main())
