"""The one reader of clocks: times single calls and blocks of calls, and proves that a call was complete.

Knows nothing of tools, problems or files.

A block is one sample: `loops` calls in a row, about 2 ms long, shorter than a scheduler slice, so that
most blocks run undisturbed. After it the last output is decoded; time that this takes beyond copying
numbers was not in the sample, and the block is void.

A proof is a longer block, ten times as long, after which the process must stand still as well:
whatever it still does was not in the sample. It is made before and after the samples of a case; the
samples of slow calls, of a quarter of a second and more, are proofs themselves.
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
    "SLOW_S",
    "Block",
    "Sample",
    "block",
    "blocks_for",
    "calibrate",
    "monotonic",
    "now",
    "proof",
    "quiet",
    "settle",
    "timed",
]

BLOCK_S = 2e-3
PROOF_S = 10 * BLOCK_S
# What may separate a complete call from its decoded result: 5 % of the block or proof, or 50 us
# (DESIGN 4.4).
TOLERANCE = 0.05
TOLERANCE_S = 50e-6
# A pinned process that computes has its core: wall time beyond CPU time is time it was kept waiting.
DISTURBED = 0.1
# A call that is longer than a block is repeated for half a second, this often at least. From `SLOW_S`
# on each one is proved by itself.
STEADY_S = 0.5
FEWEST, FEWEST_SLOW, SLOW_S = 8, 3, 0.25
# Warm-up ends when two blocks in a row are this near to the best, or after `WARM_MOST_S`.
WARM = 1.1
WARM_MOST_S = 1.0
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
# It is alone at its best and cold after a block: wrapping a sparse matrix took 42 us alone and up to
# 157 us after blocks, beside a compiler that ran on the other core.
DECODE_COLD = 3.0


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

    @property
    def disturbed(self) -> bool:
        """Whether a process that is alone on its core was kept waiting for a tenth of the block."""
        waited = self.wall_s - self.cpu_s
        return waited > DISTURBED * self.wall_s and waited * self.loops > TOLERANCE_S


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
    """Collect garbage and set what is left aside, so that later collections are short.

    A full collection takes 0.1 s in a process that has imported JAX, fifty blocks. What was set aside
    once stays aside: a cycle that dies later is not found again, which costs its memory until the
    worker ends.
    """
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
    alone: bool = True,
) -> tuple[int, float, float]:
    """Warm up, then choose how many calls make a block.

    `alone` says that no thread of the process spins while it waits for more work, so that CPU booked
    after a call belongs to it: the libraries' pools of several threads do spin.

    Warm-up lasts `warm_s` at least and until two blocks in a row are within a tenth of the best.

    Returns
    -------
    loops : int
        Calls that last about `BLOCK_S`, at least one.
    call_s : float
        Seconds of one call, the best seen; what runs on after the calls is included, because a call
        that does not wait would otherwise be given far too many loops.
    decode_s : float
        Seconds that `decode` takes alone, its output complete beforehand: the best of three (of slow
        calls: the only one), each after a call, whose data have driven what decoding needs out of the
        caches.
    """
    loops, spent, last = 1, 0.0, float("inf")
    _, wall, _ = _loop(call, args, 1)
    booked = _stand_still()
    after = booked if alone else 0.0
    best = wall + after
    while True:
        # at most sixteenfold: the first calls are slower than what follows
        loops = max(1, min(round(BLOCK_S / best), 16 * loops))
        result, wall, _ = _loop(call, args, loops)
        each = wall / loops + after
        best = min(best, each)
        spent += wall
        if best >= SLOW_S:  # further calls would teach little for their time
            _stand_still()
            return 1, best, timed(decode, result)[1].wall_s
        steady = max(each, last) <= WARM * best
        if (spent >= warm_s and steady) or spent >= max(WARM_MOST_S, warm_s):
            break
        last = each
    booked = _stand_still()
    left = booked if alone else 0.0
    if left > TOLERANCE * wall:  # it does not wait: what it left over belongs to its calls
        best = (wall + left) / loops
    return max(1, round(BLOCK_S / best)), best, _decode_s(call, args, decode)


def _decode_s(
    call: Callable[..., Any], args: tuple[Any, ...], decode: Callable[[Any], Any]
) -> float:
    best = float("inf")
    for _ in range(3):
        result = call(*args)
        _stand_still()
        best = min(best, timed(decode, result)[1].wall_s)
    return best


def blocks_for(call_s: float, most: int) -> int:
    """How many blocks a case gets: `most`, or half a second's worth of calls longer than a block."""
    if call_s <= BLOCK_S:
        return most
    fewest = FEWEST if call_s < SLOW_S else FEWEST_SLOW
    return int(min(max(STEADY_S / call_s, fewest), max(most, 1)))


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
    still: bool = False,
) -> tuple[Block, Any]:
    """One block and the decoded last output, decoded right after the last call.

    Wall time of that decode beyond `decode_s` (itself at most what copying the numbers out may cost)
    is work that the sample missed; with `still`, so is CPU that is booked afterwards, as in a proof.
    """
    result, wall, cpu = _loop(call, args, loops)
    decoded, after = timed(decode, result)
    missed = _late(after, decoded, decode_s)
    if still:
        missed += _stand_still()
    return _block(wall, cpu, loops, missed), decoded


def proof(
    call: Callable[..., Any],
    args: tuple[Any, ...],
    decode: Callable[[Any], Any],
    call_s: float,
    decode_s: float,
    alone: bool = True,
) -> Block:
    """A longer block after which the process must stand still; void when its calls were not complete.

    `call_s` is about what a call takes. CPU that is booked after the last output was decoded is work
    that the sample missed, too, if the process is `alone` (see `calibrate`).
    """
    loops = max(1, round(PROOF_S / call_s))
    return block(call, args, decode, loops, decode_s, still=alone)[0]


def _late(after: Sample, decoded: Any, decode_s: float) -> float:
    """Seconds that decoding took beyond what it may."""
    allowed = DECODE_COLD * min(decode_s, DECODE_S + DECODE_NUMBER_S * np.size(decoded))
    return max(after.wall_s - allowed, 0.0)


def _block(wall: float, cpu: float, loops: int, missed: float) -> Block:
    void = None
    # on a loaded machine wall time is partly others', and no measure of the work
    own = min(wall, max(cpu, wall / 2))
    if missed > max(TOLERANCE * own, TOLERANCE_S):
        void = (
            "the call returned before it was complete: "
            f"{missed * 1e6:.0f} us of work followed a block of {wall * 1e6:.0f} us"
        )
    return Block(wall / loops, cpu / loops, loops, void)
