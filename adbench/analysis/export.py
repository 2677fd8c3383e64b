"""The tidy frame as a file for other tools: Parquet, with the run's description in it, or CSV."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from adbench.analysis.frame import tidy
from adbench.harness.store import Run

__all__ = ["export"]


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
    writers = {".parquet": _parquet, ".csv": _csv}
    if out.suffix not in writers:
        raise ValueError(f"--out {out}: give a name in {' or '.join(writers)}")
    frame = tidy(run.lines, header=run.header)
    draft = out.with_name(f".{out.name}.draft")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        writers[out.suffix](frame, run, draft)
        draft.replace(out)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ValueError(
            f"cannot write '{out}': {error.strerror or error}; give another --out"
        ) from None
    return frame


def _csv(frame: pd.DataFrame, _: Run, path: Path) -> None:
    frame.to_csv(path, index=False)


def _parquet(frame: pd.DataFrame, run: Run, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pandas(frame, preserve_index=False)
    about = {"adbench.header": run.header, "adbench.machines": run.machines}
    metadata = {key: json.dumps(value) for key, value in about.items()}
    parquet.write_table(
        table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata}), path
    )
