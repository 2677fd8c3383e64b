"""asv's own clock against the engine: the same cases of one commit, by both.

    python benchmarks/history/agreement.py                  # the newest results in .asv/results
    python benchmarks/history/agreement.py --within 1.1     # the ratio that is still agreement

asv times the cases of `benchmarks/native.py` itself, after a warm-up; the engine measured them before, as
`track_steady` shows. The two differ in where the samples come from: asv's number is the median of the samples
of one process, the engine's the lowest tenth of each process, and here the median of those.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from adbench.analysis.asv_files import AsvError
from adbench.analysis.asv_results import read_asv

ROOT = Path(__file__).parents[2]


def table(frame: pd.DataFrame) -> pd.DataFrame:
    """Of the newest commit that has both: columns case, asv_s, engine_s and ratio, one row a case.

    Raises
    ------
    AsvError
        When no commit and environment has both.
    """
    kind = frame["benchmark"].str.rpartition(".")[2]
    fine = frame[(frame["status"] == "ok") & frame["current"]].assign(kind=kind)
    keys = ["date", "commit", "environment", "case"]
    both = fine[fine["kind"] == "time_call"].merge(
        fine[fine["kind"] == "track_steady"], on=keys, suffixes=("_asv", "_engine")
    )
    if both.empty:
        raise AsvError(
            "no commit has both asv's own times and the engine's; measure with: nox -s asv"
        )
    newest = both[both["date"] == both["date"].max()]
    found = newest[["commit", "environment", "case"]].assign(
        asv_s=newest["value_asv"], engine_s=newest["value_engine"]
    )
    return found.assign(ratio=found["asv_s"] / found["engine_s"]).sort_values("case")


def main(words: Sequence[str] | None = None) -> int:
    """Print the table; 1 when a ratio is beyond what is asked."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / ".asv" / "results")
    parser.add_argument("--within", type=float, default=1.1, help="largest ratio (1.1)")
    asked = parser.parse_args(words)
    try:
        found = table(read_asv(asked.folder))
    except AsvError as error:
        raise SystemExit(str(error)) from None
    lines = [f"commit {found['commit'].iloc[0][:12]}, {found['environment'].iloc[0]}"]
    lines += [
        f"{line.case:45} asv {line.asv_s * 1e6:10.2f} us   engine {line.engine_s * 1e6:10.2f} us   {line.ratio:.3f}"
        for line in found.itertuples()
    ]
    far = found[(found["ratio"] > asked.within) | (found["ratio"] < 1 / asked.within)]
    lines.append(f"{len(found)} cases, {len(far)} beyond {asked.within:g}")
    sys.stdout.write("\n".join(lines) + "\n")
    return int(len(far) > 0)


if __name__ == "__main__":
    sys.exit(main())
