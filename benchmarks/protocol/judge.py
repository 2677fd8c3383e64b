"""Reads the raw files of a study and says, criterion by criterion, whether the measurement holds.

    python benchmarks/protocol/judge.py STUDY
    python benchmarks/protocol/judge.py STUDY --standard results.jsonl

`STUDY` holds any of ``aa``, ``aa-row``, ``planted`` and ``others``, as README.md has them. The exit
code is 1 when a criterion fails; one that was not tried is said to be so and fails too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import tables
from judge_others import judge_others
from judge_pairs import judge_designs, judge_pair, judge_selves
from judge_planted import judge_planted
from judge_run import judge_overhead, judge_standard
from tables import Criterion

__all__ = ["main"]


def main() -> int:
    """The script; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--standard", type=Path, help="results.jsonl of a standard run")
    parser.add_argument("--rows", type=int, default=24, help="rows that the standard run must have")
    asked = parser.parse_args()
    found: list[Criterion] = [
        *judge_selves(asked.study / "aa"),
        *judge_pair(asked.study / "aa"),
    ]
    judge_others(asked.study / "others", asked.study / "aa")
    found += judge_planted(asked.study / "planted")
    judge_designs(asked.study / "aa", asked.study / "aa-row")
    judge_overhead(asked.study / "aa")
    found += judge_standard(asked.standard, asked.rows)
    tables.show("Criteria", [c.cells() for c in found])
    return 0 if all(c.met for c in found) else 1


if __name__ == "__main__":
    sys.exit(main())
