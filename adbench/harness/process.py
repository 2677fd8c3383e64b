"""The parent's side of a worker: start it, ask it, watch its time and memory, end it.

A worker that hangs, eats memory or dies costs the request in hand and becomes a `Failure`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

import psutil

from adbench.harness import caches, machine, memory, stopwatch
from adbench.harness.parent import PACKAGE, package
from adbench.model import Outcome

__all__ = ["POLL_S", "START_S", "Failure", "Limits", "Worker", "kill_group", "resident_bytes"]

POLL_S = 0.05
START_S = 60.0
OUTCOMES = {
    "unsupported": Outcome.UNSUPPORTED,
    "memory": Outcome.OUT_OF_MEMORY,
    "error": Outcome.FAILED,
}


class Failure(Exception):  # noqa: N818 - it is an outcome on its way up, not an error of ours
    """A request that did not succeed: the outcome and its message."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.message = message


@dataclass(frozen=True)
class Limits:
    """Seconds and resident bytes that one case may use in one process."""

    time_s: float
    memory_bytes: int


@dataclass(eq=False)
class Worker:
    """One long-lived process on the cores given, or on any; it holds methods, each at a seat of its own.

    `load` starts the process when there is none, so a worker that was ended by a failure comes back
    for the next case.
    """

    cores: tuple[int, ...] | None
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    connection: Connection | None = None
    output: Any = None
    scratch: tempfile.TemporaryDirectory[str] | None = None
    imports: dict[str, Any] = field(default_factory=dict)
    seats: set[str] = field(default_factory=set)
    threads: Mapping[str, Any] = field(default_factory=dict)
    broken: dict[str, Failure] = field(default_factory=dict)
    python: str = sys.executable

    def load(self, seat: str, method: str) -> None:
        """Give a method a seat, starting the process if need be.

        A tool that cannot be imported is not tried again: its Failure comes every time.
        """
        if method in self.broken:
            raise self.broken[method]
        if self.process is not None and seat in self.seats:
            return
        if self.process is None:
            self._start()
        try:
            answer = self._ask("load", (seat, method), Limits(START_S, 8 * 2**30))
        except Failure as failure:
            self.end()
            self.broken[method] = Failure(failure.outcome, f"its import failed: {failure.message}")
            raise self.broken[method] from None
        self.seats.add(seat)
        # a second seat finds the tool imported already: that is no import time
        self.imports.setdefault(method, answer["import"])
        self.threads = answer["threads"]

    def _start(self) -> None:
        key = secrets.token_bytes(16)
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        self.scratch = tempfile.TemporaryDirectory(prefix="adbench-", ignore_cleanup_errors=True)
        listener = _listen()
        try:
            address = listener.getsockname()
            where = address if isinstance(address, str) else "{}:{}".format(*address)
            self.process = self._popen(where, key)
            self.connection = _accept(listener, self.process, key)
        except (EOFError, OSError, AuthenticationError):
            raise Failure(Outcome.CRASHED, self._obituary()) from None
        finally:
            _forget(listener)

    def _popen(self, address: str, key: bytes) -> subprocess.Popen[bytes]:
        assert self.scratch is not None
        environment = dict(self.environment) or worker_environment()
        process = subprocess.Popen(
            [
                self.python, "-m", "adbench.harness.worker",
                address, "any" if self.cores is None else ",".join(map(str, self.cores)),
            ],
            stdin=subprocess.PIPE,
            stdout=self.output,
            stderr=self.output,
            env=environment | _own_folder(environment, self.scratch.name),
            start_new_session=True,  # Ctrl-C in the terminal is the parent's to handle
        )  # fmt: skip
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            # the key goes through a pipe: arguments are visible to every user of the machine
            process.stdin.write(key.hex().encode() + b"\n")
            process.stdin.close()
        return process

    def ask(self, seat: str, command: str, *arguments: Any, limits: Limits) -> Any:
        """What the method at a seat answers; `load` it first.

        Raises
        ------
        Failure
            With the outcome: unsupported, failed, timed out, out of memory or crashed. After the
            last three the process is gone, and what it started with it.
        """
        if self.process is None:
            raise Failure(Outcome.CRASHED, "its process ended while another method had its turn")
        return self._ask("ask", (seat, command, *arguments), limits)

    def kernel(self) -> Any:
        """A block of the frozen reference kernel; starts the process if need be."""
        if self.process is None:
            self._start()
        return self._ask("kernel", (), Limits(START_S, 8 * 2**30))

    def _ask(self, command: str, arguments: tuple[Any, ...], limits: Limits) -> Any:
        assert self.connection is not None
        try:
            self.connection.send((command, arguments))
            self._wait(limits)
            status, answer = self.connection.recv()
        except (EOFError, ConnectionError, OSError):
            raise Failure(Outcome.CRASHED, self._obituary()) from None
        if status == "memory":
            self.end()  # its heap would stay
        if status != "ok":
            raise Failure(OUTCOMES[status], str(answer))
        return answer

    def _wait(self, limits: Limits) -> None:
        assert self.connection is not None
        assert self.process is not None
        began = stopwatch.monotonic()
        process = psutil.Process(self.process.pid)
        polls = 0
        while not self.connection.poll(POLL_S):
            if stopwatch.monotonic() - began > limits.time_s:
                self.end()
                raise Failure(Outcome.TIMED_OUT, f"no answer within {limits.time_s:.3g} s")
            polls += 1
            resident = resident_bytes(process, with_children=polls % 10 == 0)
            if resident > limits.memory_bytes:
                self.end()
                raise Failure(
                    Outcome.OUT_OF_MEMORY,
                    f"{resident / 1e9:.1f} GB resident, the limit is {limits.memory_bytes / 1e9:.1f} GB",
                )

    def _obituary(self) -> str:
        """How the process died, with the end of what it printed."""
        if self.process is None:
            return "the worker could not be started: the system gave no new process"
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        if self.process.poll() is None:
            kill_group(self.process)
            self.process.wait()
        code = self.process.returncode
        tail = self._tail()
        self.end()
        if code is not None and code < 0:
            how = f"killed by {signal.Signals(-code).name}"
        else:
            how = f"ended with exit code {code}"
        return f"the worker was {how}" + (f"; it last printed: {tail}" if tail else "")

    def _tail(self) -> str:
        self.output.seek(0)
        text = self.output.read()[-4000:].decode(errors="replace")
        return " ".join(" ".join(text.split())[-300:].split())

    def end(self) -> None:
        """End the process, at once."""
        if self.connection is not None:
            with contextlib.suppress(OSError):
                self.connection.close()
        if self.process is not None:
            kill_group(self.process)
            self.process.wait()
        if self.output is not None:
            self.output.close()
        if self.scratch is not None:
            self.scratch.cleanup()
        self.connection = self.process = self.output = self.scratch = None
        self.seats.clear()


def _own_folder(environment: Mapping[str, str], folder: str) -> dict[str, str]:
    """Variables that send a worker's files to a folder that goes with it: temporary files, which tools
    that call a compiler write and an ended process leaves behind, and PyTensor's compiled code, which it
    would keep in the user's home and read again, unless the environment sends it elsewhere.
    """
    own = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder)
    if "compiledir" in environment.get(caches.FLAGS, ""):
        return own
    return own | caches.within(environment, "pytensor", str(Path(folder) / "pytensor"))


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a worker and what it started; it leads a process group of its own."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def resident_bytes(process: psutil.Process, with_children: bool) -> int:
    """Resident bytes of a worker; its children are looked for now and then, since that costs CPU."""
    total = 0
    with contextlib.suppress(psutil.Error):
        total = process.memory_info().rss
        for child in process.children(recursive=True) if with_children else ():
            with contextlib.suppress(psutil.Error):
                total += child.memory_info().rss
    return total


def _listen() -> socket.socket:
    """A listening socket on this machine only: in the file system where that works, else loopback."""
    listener = _listen_at_path() or socket.create_server(("127.0.0.1", 0))
    listener.listen(1)
    listener.settimeout(POLL_S)
    return listener


def _listen_at_path() -> socket.socket | None:
    if not hasattr(socket, "AF_UNIX"):
        return None
    folder = Path(tempfile.mkdtemp(prefix="adbench-"))
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(folder / "socket"))
    except OSError:  # a temporary folder with a long name, or one without sockets
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return listener


def _forget(listener: socket.socket) -> None:
    address = listener.getsockname()
    listener.close()
    if isinstance(address, str):
        shutil.rmtree(Path(address).parent, ignore_errors=True)


def _accept(listener: socket.socket, process: subprocess.Popen[bytes], key: bytes) -> Connection:
    """The worker's connection; a worker that dies first raises EOFError instead of being waited for."""
    began = stopwatch.monotonic()
    while process.poll() is None and stopwatch.monotonic() - began < START_S:
        try:
            accepted, _ = listener.accept()
        except TimeoutError:
            continue
        accepted.setblocking(True)
        connection = Connection(accepted.detach())
        deliver_challenge(connection, key)
        answer_challenge(connection, key)
        return connection
    raise EOFError


def worker_environment(
    threads: int | None = 1, device: str = "cpu", base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of this process, or another one to begin with, as a worker gets it.

    Without caches of compiled code, naming the adbench that the worker must import, and with a heap that
    keeps its pages. With `threads` N, N threads for every library that can be told; with None, what each
    library does by itself.
    """
    environment = caches.off(os.environ if base is None else base)
    if base is None:
        # a worker that imports another adbench than this one would measure that one: it refuses
        environment[PACKAGE] = package()
    environment.pop("PYTHONHASHSEED", None)
    if threads is not None:
        environment |= dict.fromkeys(machine.THREAD_VARIABLES, str(threads))
    if device in ("cpu", "tpu"):
        environment["JAX_PLATFORMS"] = device
    else:
        # without this, JAX would fall back to the CPU where it finds no GPU, and the first of several
        # workers would take three quarters of the GPU's memory
        environment.setdefault("JAX_PLATFORMS", "cuda")
        environment.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    return environment | {k: v for k, v in memory.HEAP.items() if k not in environment}
