"""One process of an external tool and the messages to it: a line of JSON each way, strictly in turn.

A program that hangs, eats memory, dies or answers something else costs the message in hand and becomes
a `Failure`; it is ended then, since nobody knows which message its next line would answer.
"""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil

from adbench.harness import stopwatch
from adbench.harness.process import POLL_S, Failure, Limits, kill_group, resident_bytes
from adbench.model import Outcome

__all__ = ["Conversation"]

# Beyond this a line is no answer any more: the largest ones here have some ten million numbers.
LONGEST_BYTES = 2**28
# A program that is told goodbye ends by itself within this time, or is ended; one whose output ended
# dies within it, or was alive and merely silent.
GOODBYE_S = 2.0


@dataclass(eq=False)
class Conversation:
    """A running program; `say` starts it if need be.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; no shell is between.
    cores : sequence of int or None
        The cores it is bound to; None: any.
    environment : mapping
        Its whole environment.
    """

    command: Sequence[str]
    cores: Sequence[int] | None
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    printed: Any = None
    asked: int = 0
    lines: queue.Queue[bytes | None] = field(default_factory=queue.Queue)

    def say(self, kind: str, limits: Limits, **message: Any) -> dict[str, Any]:
        """The answer to a message.

        Raises
        ------
        Failure
            Timed out, out of memory, crashed, or failed: an answer that is no JSON object or has
            another message's id. After each the process is gone.
        """
        if self.process is None:
            self._start()
        line = json.dumps({"id": self.asked, "kind": kind, **message}, allow_nan=False)
        # a program that writes before it has read all would wait for us as we for it
        threading.Thread(target=self._write, args=(line.encode() + b"\n",), daemon=True).start()
        answer = self._parsed(self._wait(limits))
        self.asked += 1
        return answer

    def _start(self) -> None:
        self.printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        cores = "any" if self.cores is None else ",".join(map(str, self.cores))
        launch = [sys.executable, "-m", "adbench.harness.external.launch", cores]
        try:
            self.process = subprocess.Popen(
                # Windows has no exec: the program would not be the process that we watch
                [*([] if sys.platform == "win32" else launch), *self.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.printed,
                env=dict(self.environment),
                start_new_session=True,  # Ctrl-C in the terminal is ours to handle
            )
        except OSError as error:
            self.end()
            raise Failure(
                Outcome.CRASHED, f"cannot start '{self.command[0]}': {error.strerror}"
            ) from None
        # one line waits at most: a program that prints without end is held up, not remembered
        self.asked, self.lines = 0, queue.Queue(1)
        reading = (self.process.stdout, self.lines)
        threading.Thread(target=_read, args=reading, daemon=True).start()

    def _write(self, line: bytes) -> None:
        process = self.process
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(OSError, ValueError):  # its death is found where we wait for it
            process.stdin.write(line)
            process.stdin.flush()

    def _wait(self, limits: Limits) -> bytes:
        assert self.process is not None
        began, polls = stopwatch.monotonic(), 0
        with contextlib.suppress(psutil.Error):
            watched = psutil.Process(self.process.pid)
        gone = False
        while True:
            with contextlib.suppress(queue.Empty):
                line = self.lines.get(timeout=POLL_S)
                if line is None:
                    break
                return line
            if gone:  # a child of it may hold the pipe open
                break
            gone = self.process.poll() is not None
            if stopwatch.monotonic() - began > limits.time_s:
                self.end(at_once=True)
                raise Failure(Outcome.TIMED_OUT, f"no answer within {limits.time_s:.3g} s")
            polls += 1
            resident = resident_bytes(watched, with_children=polls % 10 == 0)
            if resident > limits.memory_bytes:
                self.end(at_once=True)
                raise Failure(
                    Outcome.OUT_OF_MEMORY,
                    f"{resident / 1e9:.1f} GB resident, the limit is {limits.memory_bytes / 1e9:.1f} GB",
                )
        raise Failure(Outcome.CRASHED, self._obituary())

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            self.end(at_once=True)
            shown = line[:60].decode(errors="replace").strip()
            raise Failure(
                Outcome.FAILED,
                f"it answered {shown!r}; expected one JSON object on one line (what a program prints "
                "for people belongs on standard error)",
            )
        if answer.get("id") != self.asked:
            self.end(at_once=True)
            raise Failure(
                Outcome.FAILED,
                f"it answered with id {answer.get('id')!r} to the message with id {self.asked}",
            )
        return answer

    def _obituary(self) -> str:
        """How the program went away, with the end of what it printed to standard error."""
        assert self.process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(GOODBYE_S)
        code, tail = self.process.poll(), self._tail()
        self.end(at_once=True)
        if code is None:
            how = "the program closed its output and went on running"
        elif code < 0:
            how = f"the program was killed by {signal.Signals(-code).name}"
        else:
            how = f"the program ended with exit code {code}"
        return how + (f"; it last printed: {tail}" if tail else "")

    def _tail(self) -> str:
        self.printed.seek(0)
        text = self.printed.read()[-4000:].decode(errors="replace")
        return " ".join(" ".join(text.split())[-300:].split())

    def end(self, at_once: bool = False) -> None:
        """End the program: its input ends and it may go by itself, or `at_once`."""
        process, self.process = self.process, None
        if process is not None:
            if not at_once and process.stdin is not None:
                with contextlib.suppress(OSError, ValueError):
                    process.stdin.close()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(GOODBYE_S)
            kill_group(process)
            process.wait()
            with contextlib.suppress(OSError, ValueError):
                process.stdin.close()  # type: ignore[union-attr]
        if self.printed is not None:
            self.printed.close()
        self.printed = None


def _read(stream: Any, lines: queue.Queue[bytes | None]) -> None:
    """Hand on every line, then None. A part of a line at the end of the output is no line; the part
    that was read of one without end is, and will be found to be no JSON.
    """
    with contextlib.suppress(OSError, ValueError), stream:
        while (line := stream.readline(LONGEST_BYTES)).endswith(b"\n") or (
            len(line) == LONGEST_BYTES
        ):
            lines.put(line)
    lines.put(None)
