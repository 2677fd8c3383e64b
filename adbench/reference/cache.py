r"""Keeps certified references: the latest in memory, all as files, and a damaged file is no file.

The folder is ``$ADBENCH_CACHE``, or the platform's cache folder (``%LOCALAPPDATA%\adbench`` on
Windows, ``$XDG_CACHE_HOME/adbench`` or ``~/.cache/adbench`` elsewhere). It may be deleted at any time.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path

import numpy as np

from adbench.reference.record import Reference

__all__ = ["folder", "forget", "load", "remember", "store"]

# Enough for a run's neighbouring cases; the largest records are a few megabytes.
IN_MEMORY = 32
ARRAYS = (
    "hi", "lo", "sensitivity", "weights", "sums_hi", "sums_lo", "sums_sensitivity",
)  # fmt: skip
_memory: OrderedDict[str, Reference] = OrderedDict()


def folder() -> Path:
    """Where the files lie; made when the first is written."""
    if chosen := os.environ.get("ADBENCH_CACHE"):
        return Path(chosen)
    local = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    return (Path(local) if local else Path.home() / ".cache") / "adbench"


def forget() -> None:
    """Empty the memory; files stay."""
    _memory.clear()


def load(key: str) -> Reference | None:
    """The reference stored under `key`; None where there is none, or its file is damaged."""
    found = _memory.get(key)
    if found is None:
        found = _read(key)
    if found is not None:
        remember(found)
    return found


def store(reference: Reference) -> None:
    """Keep `reference` in memory and in a file that appears whole or not at all.

    A folder that cannot be written costs the next process a computation, not this one its answer.
    """
    remember(reference)
    try:
        _write(reference)
    except OSError:
        return


def remember(reference: Reference) -> None:
    """Keep `reference` in memory only."""
    _memory[reference.key] = reference
    _memory.move_to_end(reference.key)
    while len(_memory) > IN_MEMORY:
        _memory.popitem(last=False)


def _path(key: str) -> Path:
    return folder() / f"{key}.npz"


def _read(key: str) -> Reference | None:
    try:
        # opened here, since np.load leaves a torn file open
        with _path(key).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            if about.pop("key") != key:
                return None
            about["shape"] = tuple(about["shape"])
            about["elements"] = about["elements"] and tuple(about["elements"])
            numbers = {name: file[name] for name in ARRAYS}
            return Reference(key=key, **numbers, **about)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zlib.error, zipfile.BadZipFile):
        return None  # damaged: computed again, and the file replaced


def _write(reference: Reference) -> None:
    about = {
        "key": reference.key,
        "shape": reference.shape,
        "bits": reference.bits,
        "pointwise": reference.pointwise,
        "elements": reference.elements,
    }
    path = _path(reference.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(
                file,
                about=np.array(json.dumps(about)),
                **{name: getattr(reference, name) for name in ARRAYS},
            )
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
