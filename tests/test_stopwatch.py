"""The stopwatch: a call that is complete passes the clock proof, one that is not is void."""

import gc
import threading
import time

import numpy as np

from adbench.harness import stopwatch


def burn(seconds: float) -> float:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    return seconds


def test_a_complete_call_gives_usable_blocks() -> None:
    """Most blocks of a plain call are not void, and a sample is seconds per call."""
    loops, call_s, decode_s = stopwatch.calibrate(burn, (2e-4,), float)
    blocks = [stopwatch.block(burn, (2e-4,), float, loops, decode_s)[0] for _ in range(10)]
    usable = [b for b in blocks if b.void is None]
    assert len(usable) >= 5
    assert min(b.cpu_s for b in usable) >= 1.9e-4
    assert call_s >= 1.9e-4
    assert loops <= 10


def test_work_that_goes_on_in_a_thread_voids_the_proof() -> None:
    def call() -> int:
        # longer than the 5 ms after which the interpreter switches threads
        threading.Thread(target=burn, args=(30e-3,)).start()
        return 1

    block = stopwatch.proof(call, (), int, 1.0, 0.0)
    assert block.void is not None
    assert "before it was complete" in block.void


def test_pools_of_threads_that_spin_do_not_void_a_proof() -> None:
    """With several threads idle ones spin for a while; what decoding waits for still counts."""

    def call() -> int:
        threading.Thread(target=burn, args=(30e-3,)).start()
        return 1

    def decode(_: int) -> float:
        return burn(60e-3)

    assert stopwatch.proof(call, (), int, 1.0, 30e-3, alone=False).void is None
    late = stopwatch.proof(call, (), decode, 1.0, 0.0, alone=False)
    assert late.void is not None


def test_waiting_in_decode_voids_the_block() -> None:
    """A lazy result that is computed, or awaited, when it is looked at was not complete."""

    def decode(_: int) -> float:
        return burn(5e-3)

    loops, _, decode_s = stopwatch.calibrate(lambda: 1, (), decode)
    block, _ = stopwatch.block(lambda: 1, (), decode, loops, decode_s)
    assert block.void is not None


def test_a_costly_decode_is_not_blamed_on_the_call() -> None:
    """What decode takes alone is measured beforehand and taken off."""

    def decode(_: float) -> np.ndarray:
        burn(1e-3)
        return np.ones(1000)

    loops, _, decode_s = stopwatch.calibrate(burn, (1e-3,), decode)
    assert decode_s >= 1e-3
    voids = [stopwatch.block(burn, (1e-3,), decode, loops, decode_s)[0].void for _ in range(20)]
    assert voids.count(None) >= 10


def test_a_complete_call_passes_the_proof() -> None:
    """Now and then noise voids one; most of ten pass."""
    _, call_s, decode_s = stopwatch.calibrate(burn, (2e-4,), float)
    voids = [stopwatch.proof(burn, (2e-4,), float, call_s, decode_s).void for _ in range(10)]
    assert voids.count(None) >= 5


def test_a_proof_lasts_ten_blocks_whatever_a_call_takes() -> None:
    """Ten calls of a block each, one that is longer than a proof: noise weighs alike in all."""
    assert stopwatch.proof(lambda: 1, (), int, 2e-3, 1.0).loops == 10
    assert stopwatch.proof(lambda: 1, (), int, 1.0, 1.0).loops == 1
    assert stopwatch.proof(lambda: 1, (), int, 1e-5, 1.0).loops == 2000


def test_slow_calls_are_calibrated_by_two_and_prove_themselves() -> None:
    """Each block of them is a proof: work that goes on afterwards voids it."""
    calls = []

    def call() -> int:
        calls.append(1)
        burn(stopwatch.SLOW_S * 1.1)
        if len(calls) > 2:
            threading.Thread(target=burn, args=(30e-3,)).start()
        return 1

    loops, call_s, _ = stopwatch.calibrate(call, (), int)
    assert (loops, len(calls)) == (1, 2)
    assert call_s >= stopwatch.SLOW_S
    assert stopwatch.block(call, (), int, 1, 0.0)[0].void is None
    assert stopwatch.block(call, (), int, 1, 0.0, still=True)[0].void is not None


def test_a_block_is_disturbed_when_the_process_waited() -> None:
    """A tenth of the time of a block, and more than 50 us."""
    quiet = stopwatch.Block(wall_s=1.05e-6, cpu_s=1e-6, loops=2000)
    waited = stopwatch.Block(wall_s=1.5e-6, cpu_s=1e-6, loops=2000)
    short = stopwatch.Block(wall_s=30e-6, cpu_s=20e-6, loops=1)
    assert not quiet.disturbed
    assert waited.disturbed
    assert not short.disturbed


def test_slow_calls_get_fewer_blocks_but_never_none() -> None:
    assert stopwatch.blocks_for(1e-6, 60) == 60
    assert stopwatch.blocks_for(20e-3, 60) == 25
    assert stopwatch.blocks_for(0.1, 60) == 8
    assert stopwatch.blocks_for(5.0, 60) == 3
    assert stopwatch.blocks_for(5.0, 2) == 2


def test_collection_is_off_inside_and_restored_outside() -> None:
    assert gc.isenabled()
    with stopwatch.quiet():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_timed_returns_the_result() -> None:
    result, sample = stopwatch.timed(np.sum, np.ones(10))
    assert result == 10.0
    assert sample.wall_s > 0.0
