"""Being asked to stop: SIGTERM and a closed terminal end a run as Ctrl-C does, each with its exit code."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["Stopped", "exit_code", "stoppable"]

# What batch systems, containers and `kill` send, and what closing a terminal does.
ASKED = tuple(s for s in ("SIGTERM", "SIGHUP") if hasattr(signal, s))


class Stopped(KeyboardInterrupt):
    """A signal asked the run to stop; `number` says which."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Stopped` in the main thread when a signal asks to stop; once, so that cleaning up ends.

    A signal that the caller has arranged to ignore (nohup) stays ignored.
    """
    before: dict[signal.Signals, Any] = {}

    def stop(number: int, _: FrameType | None) -> None:
        for known in before:
            signal.signal(known, signal.SIG_IGN)
        raise Stopped(number)

    if threading.current_thread() is threading.main_thread():
        for name in ASKED:
            found = getattr(signal, name)
            if signal.getsignal(found) is not signal.SIG_IGN:
                before[found] = signal.signal(found, stop)
    try:
        yield
    finally:
        for found, handler in before.items():
            signal.signal(found, handler)


def exit_code(stop: KeyboardInterrupt) -> int:
    """128 and the signal's number, as shells count: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)
