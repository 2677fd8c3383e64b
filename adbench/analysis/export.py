"""Frames as files for other tools: a run's as Parquet with its description in it or as CSV, any other too."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from adbench.analysis.frame import tidy
from adbench.harness.store import Run

__all__ = ["export", "write_frame"]

Writer = Callable[[pd.DataFrame, Path], None]


def export(run: Run, out: Path) -> pd.DataFrame:
    """Write the tidy frame of a run to `out`, in one step, and return it.

    Parameters
    ----------
    run : Run
        From `harness.store.load`.
    out : Path
        Ends in ``.parquet``: the schema's metadata then hold the header and the machines as JSON,
        under ``adbench.header`` and ``adbench.machines``; or in ``.csv``.

    Raises
    ------
    ValueError
        For another ending, and for a file that cannot be written.
    """
    frame = tidy(run.lines, header=run.header)
    _write(frame, out, {".parquet": partial(_parquet, run), ".csv": _csv})
    return frame


def write_frame(frame: pd.DataFrame, out: Path) -> None:
    """Write any frame to `out`, in one step; its ending says how: ``.parquet``, ``.csv`` or ``.json``.

    Lists in a cell stay lists but in CSV. JSON is an array of objects, dates in ISO 8601.

    Raises
    ------
    ValueError
        For another ending, and for a file that cannot be written.
    """
    _write(frame, out, {".parquet": _plain_parquet, ".csv": _csv, ".json": _json})


def _write(frame: pd.DataFrame, out: Path, writers: Mapping[str, Writer]) -> None:
    if out.suffix not in writers:
        raise ValueError(f"--out {out}: give a name in {' or '.join(writers)}")
    draft = out.with_name(f".{out.name}.draft")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        writers[out.suffix](frame, draft)
        draft.replace(out)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ValueError(
            f"cannot write '{out}': {error.strerror or error}; give another --out"
        ) from None


def _csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False)


def _json(frame: pd.DataFrame, path: Path) -> None:
    frame.to_json(path, orient="records", date_format="iso", indent=1)


def _plain_parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


def _parquet(run: Run, frame: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pandas(frame, preserve_index=False)
    about = {"adbench.header": run.header, "adbench.machines": run.machines}
    metadata = {key: json.dumps(value) for key, value in about.items()}
    parquet.write_table(
        table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata}), path
    )
