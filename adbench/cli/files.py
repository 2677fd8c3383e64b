"""``adbench merge`` and ``adbench export``: result files into one, and into what other tools read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adbench.cli.terminal import say

__all__ = ["EXAMPLE_EXPORT", "EXAMPLE_MERGE", "export", "merge"]

EXAMPLE_MERGE = "adbench merge monday.jsonl tuesday.jsonl --out week.jsonl"
EXAMPLE_EXPORT = "adbench export results.jsonl --out results.parquet"


def merge(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Two or more files of `adbench run`.")
    ],
    out_file: Annotated[Path, typer.Option("--out", help="The file to make.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite --out if it exists.")] = False,
) -> None:
    """Make one result file of several runs: more processes for the same question.

    Runs of other versions, code, presets, limits, threads or devices do not share a file and are
    refused. Runs of several machines do, and stay apart in it.
    """
    from adbench.harness import store

    run = store.merge(files, out_file, force)
    say(
        f"{out_file}: {len(run.results)} results of {len(files)} files, "
        f"machines: {', '.join(run.machines)}"
    )


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `adbench run`.")],
    out_file: Annotated[
        Path | None,
        typer.Option("--out", help="A name in .parquet or .csv; default: FILE's, in .parquet."),
    ] = None,
    to_asv: Annotated[
        Path | None,
        typer.Option("--to-asv", metavar="FOLDER", help="Write asv results into its results_dir."),
    ] = None,
    commit: Annotated[
        str | None,
        typer.Option(help="With --to-asv: hash of the commit measured; default: as recorded."),
    ] = None,
) -> None:
    """Write the results as a table, a row per case and process, for pandas, R or DuckDB; or for asv.

    Parquet keeps the run's first line and its machines as JSON in the schema's metadata (keys
    adbench.header and adbench.machines). What --to-asv writes, `asv publish` and `asv compare` show.
    """
    from adbench.analysis.asv_write import write_asv
    from adbench.analysis.export import export as write
    from adbench.harness import store

    run = store.load(file)
    if commit is not None and to_asv is None:
        raise ValueError("--commit is for --to-asv; leave it out, or give both")
    if to_asv is not None:
        for path in write_asv(run, to_asv, commit):
            say(str(path))
    if to_asv is None or out_file is not None:
        target = out_file or file.with_suffix(".parquet")
        frame = write(run, target)
        say(f"{target}: {len(frame)} rows, {len(frame.columns)} columns")
