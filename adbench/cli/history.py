"""``adbench frame``: asv's history as a table, alone or beside a run of today."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from adbench.cli.terminal import say, table

__all__ = ["EXAMPLE", "frame"]

EXAMPLE = "adbench frame --asv .asv/results --out history.csv"
SHOWN = 20


def frame(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="A file of `adbench run`, to compare with the history."
        ),
    ] = None,
    asv: Annotated[Path, typer.Option("--asv", metavar="FOLDER", help="asv's results_dir.")] = Path(
        ".asv/results"
    ),
    since: Annotated[
        str | None,
        typer.Option(
            metavar="COMMIT", help="With FILE: the commit to compare with; default: newest."
        ),
    ] = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="A name in .parquet, .csv or .json.")
    ] = None,
) -> None:
    """Read asv's results as one table: a row per commit, environment, benchmark and parameters.

    With FILE, the table holds the run's steady times divided by those of an earlier commit on the same
    machine. Without --out it is printed in short.
    """
    from adbench.analysis.asv_results import read_asv
    from adbench.analysis.export import write_frame
    from adbench.analysis.since import since as compared
    from adbench.harness import store

    if since is not None and file is None:
        raise ValueError("--since compares a run with the history; name the run's FILE as well")
    found = read_asv(asv)
    if file is not None:
        found = compared(found, store.load(file), since)
    if out_file is not None:
        write_frame(found, out_file)
        say(f"{out_file}: {len(found)} rows, {len(found.columns)} columns")
    elif file is not None:
        _show_ratios(found)
    else:
        _show_history(found)


def _show_ratios(found: Any) -> None:
    first = found.iloc[0]
    title = f"Steady time now, in units of that at {first['commit'][:8]} ({first['date']:%Y-%m-%d})"
    columns = ("case", "ratio", "95 % interval", "processes", "versions that differ")
    lines = [
        (
            line["case"],
            f"{line['ratio']:.3f}",
            "" if math.isnan(line["low"]) else f"{line['low']:.3f} to {line['high']:.3f}",
            f"{line['old_processes']} + {line['new_processes']}",
            line["differs"],
        )
        for _, line in found.iterrows()
    ]
    table(title, columns, lines)


def _show_history(found: Any) -> None:
    """What the folder holds, and its newest rows."""
    newest = found.iloc[::-1].head(SHOWN)
    columns = ("date", "commit", "benchmark", "parameters", "status", "value", "unit")
    lines = [
        (
            f"{line['date']:%Y-%m-%d}",
            line["commit"][:8],
            line["benchmark"],
            line["parameters"],
            line["status"],
            "" if math.isnan(line["value"]) else f"{line['value']:.4g}",
            line["unit"],
        )
        for _, line in newest.iterrows()
    ]
    table(f"The newest {len(newest)} of {len(found)} rows", columns, lines)
    held = {key: found[key].nunique() for key in ("commit", "environment", "machine", "benchmark")}
    say(", ".join(f"{key}s: {count}" for key, count in held.items()))
