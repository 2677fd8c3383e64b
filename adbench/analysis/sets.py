"""Result sets: what was measured on one machine with one number of threads on one device.

Times of two sets answer two questions; they are never pooled, compared or drawn in one chart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from adbench.analysis.frame import tidy

__all__ = ["one_set", "pool", "read", "sets"]


def sets(frame: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """The result sets of a frame by name, in alphabetical order; each a frame of its own."""
    return {
        str(name): group.reset_index(drop=True) for name, group in frame.groupby("set", sort=True)
    }


def one_set(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame itself; raises ValueError when it holds several result sets."""
    names = sorted(set(frame["set"]))
    if len(names) > 1:
        raise ValueError(
            f"{len(names)} result sets ({'; '.join(names)}) are not compared with each other; "
            "take them one by one with analysis.sets(frame)"
        )
    return frame


def pool(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of several runs as one; processes of a result set are numbered on from run to run.

    A process of the second run is never paired with one of the first, nor does it take part in the
    choice of the best method.

    Raises
    ------
    ValueError
        When one case of a result set was measured with two different function texts.
    """
    moved: list[pd.DataFrame] = []
    start: dict[str, int] = {}
    for frame in frames:
        if frame.empty:
            continue
        offset = frame["set"].map(lambda name: start.get(name, 0)).astype("int64")
        shifted = frame.assign(repeat=frame["repeat"] + offset)
        moved.append(shifted)
        for name, last in shifted.groupby("set")["repeat"].max().items():
            start[str(name)] = int(last) + 1
    if not moved:
        return tidy(())
    pooled = pd.concat(moved, ignore_index=True)
    texts = pooled[pooled["form_hash"] != ""].groupby(["id", "set"])["form_hash"].nunique()
    for case, _ in texts.index[texts > 1]:
        raise ValueError(
            f"{case}: the runs measured different function texts; report them separately"
        )
    return pooled


def read(*paths: Path) -> pd.DataFrame:
    """The pooled tidy frame of one or more result files; it may hold several result sets."""
    from adbench.harness import store

    runs = [store.load(path) for path in paths]
    return pool([tidy(run.lines, header=run.header) for run in runs])
