"""Ties a process to its parent: it ends together with it, and runs the same adbench."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

import adbench

__all__ = ["PACKAGE", "another_package", "die_with_parent", "package"]

# The variable that names the folder of the package that a worker must run.
PACKAGE = "ADBENCH_PACKAGE"


def package() -> str:
    """The folder of the adbench that is imported here."""
    return str(Path(adbench.__file__).resolve().parent)


def another_package() -> str:
    """Empty, or that this process runs another adbench than the one that started it.

    A parent finds its own by ``sys.path``, which may have been changed since Python started: what a
    worker imports would then be measured under the wrong name.
    """
    expected = os.environ.get(PACKAGE, "")
    if not expected or expected == package():
        return ""
    folder = Path(expected).parent
    return (
        f"the run's adbench is in {expected}, its workers find another one in {package()}: install the one "
        f"that is meant, or start the run with PYTHONPATH={folder}"
    )


def die_with_parent() -> None:
    """On Linux the kernel ends this process when its parent dies, even in the middle of a call.

    It holds across ``exec``.
    """
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
