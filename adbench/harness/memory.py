"""How much memory this process holds and has held, and how its heap is kept; knows no case.

Linux can forget the highest mark (``/proc/self/clear_refs``), so that each case gets its own; elsewhere
only the process's highest mark since it began is known.
"""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["HEAP", "keep_pages", "peak", "process_peak", "reset"]

# glibc gives large arrays fresh zeroed pages or returns the top of its heap, depending on what a
# process happened to free before: the same NumPy call took 62 us in one process and 315 us in another.
# These limits (the largest that mallopt takes) are where its own adaptation ends in a long-lived program.
MMAP_BYTES, TRIM_BYTES = 2**25, 2**28
# The same for a process that is yet to start.
HEAP = {"MALLOC_MMAP_THRESHOLD_": str(MMAP_BYTES), "MALLOC_TRIM_THRESHOLD_": str(TRIM_BYTES)}

CLEAR = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


def keep_pages() -> bool:
    """Let this process's heap keep its pages from now on; whether the system's allocator took it."""
    if sys.platform != "linux":
        return False
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt  # musl has none
    except (OSError, AttributeError):
        return False
    # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
    return bool(mallopt(-1, TRIM_BYTES)) and bool(mallopt(-3, MMAP_BYTES))


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
