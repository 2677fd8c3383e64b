"""The one reader of clocks: times single calls and blocks of calls, and proves that a call was complete.

Knows nothing of tools, problems or files.

A block is one sample: `loops` calls in a row, about 2 ms long, shorter than a scheduler slice, so that
most blocks run undisturbed. After it the last output is decoded, then the process must stand still:
whatever it still does was not in the sample, and the block is void.
"""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

__all__ = [
    "BLOCK_S",
    "Block",
    "Sample",
    "block",
    "calibrate",
    "monotonic",
    "now",
    "quiet",
    "settle",
    "timed",
]

BLOCK_S = 2e-3
# What may separate a complete call from its decoded result: 5 % of the block, or 50 us (DESIGN 4.4).
TOLERANCE = 0.05
TOLERANCE_S = 50e-6
STILL_S = 5e-3
# CPU that a sleeping process books for its own wake-up: 0.02 to 0.12 ms seen on a virtual machine.
# More than twice that means that something runs on.
WAKE_UP_CPU_S = 0.1e-3
STILL_CPU_S = 2 * WAKE_UP_CPU_S
GIVE_UP_S = 1.0
# What decoding may cost at most: it copies numbers out. A result that is computed when it is looked at
# takes its time there, in every decode, and must not get it for free.
DECODE_S = 100e-6
DECODE_NUMBER_S = 1e-6


@dataclass(frozen=True)
class Sample:
    """Wall and CPU seconds of one call (CPU of the whole process, all threads)."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Block:
    """Seconds per call in one block of `loops` calls; `void` says why it must not be used."""

    wall_s: float
    cpu_s: float
    loops: int
    void: str | None = None


def now() -> str:
    """The time of day, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def monotonic() -> float:
    """Seconds on a clock that never steps, for limits."""
    return time.monotonic()


def timed(function: Callable[..., Any], *args: Any) -> tuple[Any, Sample]:
    """Result of one call and its time."""
    cpu = time.process_time_ns()
    wall = time.perf_counter_ns()
    result = function(*args)
    wall = time.perf_counter_ns() - wall
    cpu = time.process_time_ns() - cpu
    return result, Sample(wall * 1e-9, cpu * 1e-9)


@contextmanager
def quiet() -> Iterator[None]:
    """No garbage collection inside."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def settle() -> None:
    """Collect garbage once and set what is left aside, so that collections between blocks are short.

    A full collection takes 0.1 s in a process that has imported JAX: far longer than a block.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _loop(call: Callable[..., Any], args: tuple[Any, ...], loops: int) -> tuple[Any, float, float]:
    """Last result, wall and CPU seconds of `loops` calls."""
    result = None
    cpu = time.process_time_ns()
    wall = time.perf_counter_ns()
    for _ in itertools.repeat(None, loops):
        result = call(*args)
    wall = time.perf_counter_ns() - wall
    cpu = time.process_time_ns() - cpu
    return result, wall * 1e-9, cpu * 1e-9


def calibrate(
    call: Callable[..., Any],
    args: tuple[Any, ...],
    decode: Callable[[Any], Any],
    warm_s: float = 0.05,
) -> tuple[int, float, float]:
    """Warm up, then choose how many calls make a block.

    Returns
    -------
    loops : int
        Calls that last about `BLOCK_S`, at least one.
    call_s : float
        Seconds of one call, the best seen; what runs on after a call is included, because a call
        that does not wait would otherwise be given far too many loops.
    decode_s : float
        Seconds that `decode` takes alone, the best of three, its output complete beforehand.
    """
    loops, best, spent = 1, float("inf"), 0.0
    while True:
        result, wall, _ = _loop(call, args, loops)
        wall += _stand_still()
        best = min(best, wall / loops)
        spent += wall
        if spent >= warm_s:
            break
        # at most sixteenfold: the first calls are slower than what follows
        loops = max(1, min(round(BLOCK_S / best), 16 * loops))
    decode_s = min(timed(decode, result)[1].wall_s for _ in range(3))
    return max(1, round(BLOCK_S / best)), best, decode_s


def _stand_still() -> float:
    """Wait until the process's CPU clock stands still for `STILL_S`; CPU seconds booked meanwhile."""
    booked = 0.0
    began = time.perf_counter_ns()
    while (time.perf_counter_ns() - began) * 1e-9 < GIVE_UP_S:
        cpu = time.process_time_ns()
        time.sleep(STILL_S)
        cpu_s = (time.process_time_ns() - cpu) * 1e-9
        booked += max(cpu_s - WAKE_UP_CPU_S, 0.0)
        if cpu_s < STILL_CPU_S:
            return booked
    return booked


def block(
    call: Callable[..., Any],
    args: tuple[Any, ...],
    decode: Callable[[Any], Any],
    loops: int,
    decode_s: float,
) -> tuple[Block, Any]:
    """One block and the decoded last output, with the proof that its calls were complete.

    The output is decoded right after the last call, then the process must stand still. Wall time of
    that decode beyond `decode_s` (itself at most what copying the numbers out may cost), and CPU
    booked after it, are work that the sample missed.
    """
    result, wall, cpu = _loop(call, args, loops)
    decoded, after = timed(decode, result)
    allowed = min(decode_s, DECODE_S + DECODE_NUMBER_S * np.size(decoded))
    missed = max(after.wall_s - allowed, 0.0) + _stand_still()
    void = None
    if missed > max(TOLERANCE * wall, TOLERANCE_S):
        void = (
            "the call returned before it was complete: "
            f"{missed * 1e6:.0f} us of work followed a block of {wall * 1e6:.0f} us"
        )
    return Block(wall / loops, cpu / loops, loops, void), decoded
