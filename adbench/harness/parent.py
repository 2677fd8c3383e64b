"""Ends a process together with its parent, where the system offers that."""

from __future__ import annotations

import contextlib
import signal
import sys

__all__ = ["die_with_parent"]


def die_with_parent() -> None:
    """On Linux the kernel ends this process when its parent dies, even in the middle of a call.

    It holds across ``exec``.
    """
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
