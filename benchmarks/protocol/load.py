"""Foreign load: busy processes that nobody pins, as another user of the machine would start them.

Half of them run a plain Python loop, half NumPy over arrays larger than a core's cache, one thread
each. Every one ends by itself when its time is up or its parent is gone; they are ended by their own
process ids and no other way.

    python benchmarks/protocol/load.py --processes 2 --seconds 60
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import psutil

__all__ = ["foreign_load"]

KINDS = ("python", "numpy")
# Threads of NumPy's libraries: a process is to burn one core, not all.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Time that a load has to reach its full strength: starting Python and importing NumPy.
START_S = 1.0
END_S = 5.0


@contextlib.contextmanager
def foreign_load(processes: int, seconds: float = 3600.0) -> Iterator[list[int]]:
    """Busy processes while inside; their ids. Zero processes: nothing is started.

    They are foreign in every sense: not descendants of this process, whose own adbench would
    otherwise take their CPU time for its own.

    Parameters
    ----------
    processes : int
        How many; as many as there are cores keep all of them busy.
    seconds : float
        After this time they end in any case.

    Raises
    ------
    RuntimeError
        On leaving, when one of them ended early: what was measured was not under this load.
    """
    burning: list[psutil.Process] = []
    try:
        if processes:
            burning = [psutil.Process(pid) for pid in _orphans(processes, seconds)]
            time.sleep(START_S)
        yield [p.pid for p in burning]
        gone = [p.pid for p in burning if not _runs(p)]
        if gone:
            raise RuntimeError(
                f"{len(gone)} of {processes} load processes ended early; repeat with --load-seconds "
                f"above {seconds:g}"
            )
    finally:
        for process in burning:
            with contextlib.suppress(psutil.Error):
                process.terminate()  # psutil: only if it is still the process that was started
        until = time.monotonic() + END_S
        while any(map(_runs, burning)) and time.monotonic() < until:
            time.sleep(0.05)


def _orphans(processes: int, seconds: float) -> list[int]:
    """Start the processes through one that ends at once, so that they have no parent here."""
    command = [sys.executable, __file__, "--start", str(processes), "--seconds", str(seconds)]
    command += ["--parent", str(os.getpid())]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [int(word) for word in told.split()]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def start(processes: int, seconds: float, parent: int) -> None:
    """Start the busy processes and tell their ids."""
    environment = os.environ | dict.fromkeys(THREADS, "1")
    for i in range(processes):
        command = [sys.executable, __file__, "--burn", KINDS[i % 2], "--seconds", str(seconds)]
        command += ["--parent", str(parent)]
        burner = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        sys.stdout.write(f"{burner.pid}\n")


def burn(kind: str, seconds: float, parent: int) -> None:
    """Keep one core busy until the time is up or the process that asked for it is gone."""
    until = time.monotonic() + seconds
    numbers = np.linspace(0.0, 1.0, 1 << 19)  # 4 MiB
    while time.monotonic() < until and psutil.pid_exists(parent):
        if kind == "numpy":
            for _ in range(20):
                numbers = np.sqrt(numbers * numbers + 1e-9)
        else:
            total = 0
            for i in range(500_000):
                total += i * i % 7


def main() -> None:
    """The script: a load for a time, or one of its processes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--start", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--burn", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.burn:
        burn(asked.burn, asked.seconds, asked.parent)
        return
    if asked.start:
        start(asked.start, asked.seconds, asked.parent)
        return
    with foreign_load(asked.processes, asked.seconds + 60.0):
        time.sleep(asked.seconds)


if __name__ == "__main__":
    main()
