"""What changed between two runs given as lines, or why that cannot be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adbench.analysis.changes import Changes, changes
from adbench.harness.store import Run

__all__ = ["changed"]

Lines = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]


def changed(old: Lines, new: Lines, names: tuple[str, str]) -> Changes | str:
    """The `changes` between two runs, or the sentence that says why there is no comparison.

    Parameters
    ----------
    old, new : (header, lines)
    names : tuple of str
        What the sentence calls them.
    """
    before, after = (
        Run(Path(name), dict(header), [dict(line) for line in lines])
        for name, (header, lines) in zip(names, (old, new), strict=True)
    )
    try:
        return changes(before, after)
    except ValueError as error:
        return str(error)
