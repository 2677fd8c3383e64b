"""How much memory this process holds and has held; asks the operating system, knows no case.

Linux can forget the highest mark (``/proc/self/clear_refs``), so that each case gets its own; elsewhere
only the process's highest mark since it began is known.
"""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["peak", "process_peak", "reset"]

CLEAR = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


def reset() -> int | None:
    """Forget the highest mark of resident memory; resident bytes now, None where that is not possible."""
    try:
        # 5: reset the peak resident set size ("high water mark"); see proc(5)
        CLEAR.write_text("5")
    except OSError:
        return None
    return _status("VmRSS:")


def peak() -> int | None:
    """Most resident bytes since `reset`; None where the system does not say."""
    return _status("VmHWM:")


def process_peak() -> int | None:
    """Most resident bytes since the process began; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else most * 1024)


def _status(key: str) -> int | None:
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith(key)]
    return int(found[0][1]) * 1024 if found else None
