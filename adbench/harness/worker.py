"""The worker process: one method, one core; prepares and times what the parent asks for, nothing else.

Started as ``python -m adbench.harness.worker ADDRESS CORE``. It talks to its parent over a local
socket, not over stdin and stdout, so that a tool that prints does no harm.
"""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection
from typing import Any

from adbench.harness import machine, stopwatch

__all__ = ["main"]


@dataclass
class Session:
    """What this worker holds: its method and the case in hand."""

    method: Any = None
    prepared: Any = None
    point: Any = None
    loops: int = 1
    decode_s: float = 0.0
    last: Any = None

    def load(self, method: str) -> dict[str, Any]:
        """Import the tool, timed, and say what it is."""
        from adbench import registry

        self.method = registry.method(method)

        def import_all() -> None:
            for name in (*self.method.requires, *self.method.imports):
                importlib.import_module(name)

        _, sample = stopwatch.timed(import_all)
        return {"import": sample, "threads": _threads()}

    def prepare(
        self, problem: str, size: Any, operator: str, at: list[float] | None
    ) -> dict[str, Any]:
        """Prepare the case, timed, at another point of the same shapes (DESIGN 4.3)."""
        import numpy as np

        from adbench import registry
        from adbench.model import Operator, Point, elsewhere

        found = registry.problem(problem)
        standard = found.at(size)
        self.point = standard if at is None else Point(np.array(at), standard.data)
        form = self.method.form(found)
        other = elsewhere(self.point)
        if self.method.bakes_data:
            other = Point(other.x, self.point.data)
        self.last = self.prepared = None
        self.prepared, sample = stopwatch.timed(
            self.method.prepare, form, Operator(operator), other
        )
        return {"prepare": sample}

    def first(self) -> dict[str, Any]:
        """The first call, timed, and its decoded result."""
        args = self.prepared.encode(self.point)
        result, sample = stopwatch.timed(self.prepared.call, *args)
        return {"first": sample, "result": _numbers(self.prepared.decode(result))}

    def calibrate(self, warm_s: float) -> dict[str, Any]:
        """Warm up and choose the number of calls in a block."""
        args = self.prepared.encode(self.point)
        stopwatch.settle()
        with stopwatch.quiet():
            self.loops, call_s, self.decode_s = stopwatch.calibrate(
                self.prepared.call, args, self.prepared.decode, warm_s
            )
        return {"call_s": call_s, "loops": self.loops}

    def block(self) -> stopwatch.Block:
        """One block with fresh inputs."""
        args = self.prepared.encode(self.point)
        with stopwatch.quiet():
            block, self.last = stopwatch.block(
                self.prepared.call, args, self.prepared.decode, self.loops, self.decode_s
            )
        return block

    def finish(self) -> dict[str, Any]:
        """The last result of the steady calls and the process's peak memory; the case is dropped."""
        last, self.last, self.prepared, self.point = self.last, None, None, None
        return {
            "result": None if last is None else _numbers(last),
            "peak_rss_bytes": _peak_rss(),
        }


def _numbers(decoded: Any) -> Any:
    """A plain float64 array: nothing of a tool travels to the parent."""
    import numpy as np

    try:
        return np.array(decoded, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"decode gave a {type(decoded).__name__} that is no array of float64: {error}"
        ) from None


def _threads() -> dict[str, Any]:
    import threadpoolctl

    pools = {p["user_api"]: p["num_threads"] for p in threadpoolctl.threadpool_info()}
    return {"pools": pools, "cores": machine.usable_cores()}


def _peak_rss() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def _die_with_parent() -> None:
    """On Linux the kernel ends this process when its parent dies, even in the middle of a call."""
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def serve(connection: Connection) -> None:
    """Answer requests until the parent says goodbye or goes away."""
    session = Session()
    while True:
        try:
            command, arguments = connection.recv()
        except (EOFError, ConnectionResetError):
            return
        if command == "exit":
            return
        connection.send(_answer(session, command, arguments))


def _answer(session: Session, command: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return "ok", getattr(session, command)(*arguments)
    except NotImplementedError as error:
        return "unsupported", str(error) or "the tool does not implement this"
    except MemoryError as error:
        return "memory", str(error) or "the tool ran out of memory"
    except BaseException as error:  # whatever a tool raises is data
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(str(error).split())
        return "error", f"{type(error).__name__}: {text[:600]} ({where.name}, line {where.lineno})"


def main(address: str, core: str, key: str) -> None:
    """Bind to the core before any tool is imported, connect and serve."""
    _die_with_parent()
    if core != "any":
        machine.pin(int(core))
    host, _, port = address.rpartition(":")
    where = (host, int(port)) if port.isdecimal() else address
    with Client(where, authkey=bytes.fromhex(key)) as connection:
        serve(connection)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.stdin.readline().strip())
