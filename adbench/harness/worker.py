"""The worker process: holds methods on its cores; prepares and times what the parent asks for, nothing else.

Started as ``python -m adbench.harness.worker ADDRESS CORES``, such as ``0,1`` or ``any``. It talks to its parent over a local
socket, not over stdin and stdout, so that a tool that prints does no harm. Each method it holds, and
each second copy of one, has a seat of its own, addressed by name.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Client, Connection
from typing import Any

from adbench.harness import machine, memory, stopwatch
from adbench.harness.parent import another_package, die_with_parent

__all__ = ["main"]


@dataclass
class Call:
    """A prepared derivative, or f itself, and how it is timed."""

    prepared: Any
    alone: bool = True
    loops: int = 1
    call_s: float = 0.0
    decode_s: float = 0.0
    last: Any = None

    def calibrate(self, point: Any, warm_s: float) -> float:
        """Warm up and choose the number of calls in a block; seconds of one."""
        args = self.prepared.encode(point)
        with stopwatch.quiet():
            self.loops, self.call_s, self.decode_s = stopwatch.calibrate(
                self.prepared.call, args, self.prepared.decode, warm_s, self.alone
            )
        return self.call_s

    def block(self, point: Any) -> stopwatch.Block:
        """One block with fresh inputs."""
        p, args = self.prepared, self.prepared.encode(point)
        slow = self.alone and self.call_s >= stopwatch.SLOW_S
        with stopwatch.quiet():
            block, self.last = stopwatch.block(
                p.call, args, p.decode, self.loops, self.decode_s, still=slow
            )
        return block

    def proof(self, point: Any) -> stopwatch.Block:
        """A longer block after which the process must stand still."""
        args = self.prepared.encode(point)
        with stopwatch.quiet():
            return stopwatch.proof(
                self.prepared.call, args, self.prepared.decode, self.call_s, self.decode_s,
                self.alone,
            )  # fmt: skip

    def round_trips(self, point: Any, blocks: int) -> list[stopwatch.Block]:
        """Blocks of encode, call and decode together: from NumPy arrays to a NumPy array."""
        p = self.prepared

        def there_and_back() -> Any:
            return p.decode(p.call(*p.encode(point)))

        with stopwatch.quiet():
            loops, _, _ = stopwatch.calibrate(there_and_back, (), _nothing, 0.0)
            return [
                stopwatch.block(there_and_back, (), _nothing, loops, 0.0)[0] for _ in range(blocks)
            ]


def _nothing(_: Any) -> float:
    return 0.0


@dataclass
class Seat:
    """A method in this process and the case in hand; `alone` as for `stopwatch.calibrate`."""

    method: Any
    alone: bool = True
    point: Any = None
    form: Any = None
    operator: Any = None
    other: Any = None
    main: Any = None
    value: Any = None
    baseline: int | None = None

    def prepare(
        self, problem: str, size: Any, operator: str, at: list[float] | None
    ) -> dict[str, Any]:
        """Prepare the case, timed, at another point of the same shapes (DESIGN 4.3)."""
        import numpy as np

        from adbench import registry
        from adbench.model import Operator, elsewhere

        found = registry.problem(problem)
        standard = found.at(size)
        self.main = self.value = None
        self.point = standard if at is None else replace(standard, x=np.array(at))
        self.form, self.operator = self.method.form(found), Operator(operator)
        self.other = elsewhere(self.point)
        if self.method.bakes_data:
            self.other = replace(self.other, data=self.point.data)
        self.baseline = memory.reset()
        prepared, sample = stopwatch.timed(
            self.method.prepare, self.form, self.operator, self.other
        )
        self.main = Call(prepared, self.alone)
        return {"prepare": sample}

    def compile(self) -> dict[str, Any]:
        """Compile, timed, where the tool lets that be separated from the first call."""
        compiler = self.main.prepared.compile
        return {"compile": None if compiler is None else stopwatch.timed(compiler)[1]}

    def first(self) -> dict[str, Any]:
        """The first call, timed, and its decoded result."""
        prepared = self.main.prepared
        args = prepared.encode(self.point)
        result, sample = stopwatch.timed(prepared.call, *args)
        return {"first": sample, "result": self._numbers(prepared.decode(result))}

    def calibrate(self, warm_s: float) -> dict[str, Any]:
        """Warm up and choose the number of calls in a block."""
        stopwatch.settle()
        return {"call_s": self.main.calibrate(self.point, warm_s), "loops": self.main.loops}

    def proof(self) -> Any:
        """The proof that calls are complete when they return."""
        return self.main.proof(self.point)

    def block(self) -> Any:
        """One block with fresh inputs."""
        return self.main.block(self.point)

    def prepare_value(self, warm_s: float) -> dict[str, Any]:
        """Prepare, compile and warm up f itself by the same method and form."""
        from adbench.model import Operator

        prepared = self.method.prepare(self.form, Operator.VALUE, self.other)
        if prepared.compile is not None:
            prepared.compile()
        self.value = Call(prepared, self.alone)
        return {"call_s": self.value.calibrate(self.point, warm_s)}

    def value_block(self) -> Any:
        """One block of f itself."""
        return self.value.block(self.point)

    def round_trips(self, blocks: int) -> Any:
        """From NumPy arrays to a NumPy array."""
        return self.main.round_trips(self.point, blocks)

    def evaluations(self) -> int | None:
        """Calls of f in one call; None where the tool calls f no more, or cannot be counted."""
        from adbench.harness import evaluations

        try:
            return evaluations.count(self.method, self.form, self.operator, self.other, self.point)
        except Exception:  # the case itself ran; what a method makes of another function is its own
            return None

    def finish(self, count: bool = False) -> dict[str, Any]:
        """The last result of the steady calls, what the case used of memory and, if asked, how often it
        calls f; the case is dropped.
        """
        last, used = self.main.last, self._memory()
        result = None if last is None else self._numbers(last)
        calls = self.evaluations() if count else None
        self.main = self.value = self.point = self.other = self.form = None
        # once more: a library may have started its threads with the first call
        return {"result": result, "memory": used, "threads": _threads(), "evaluations": calls}

    def _numbers(self, decoded: Any) -> Any:
        """A plain float64 array: nothing of a tool travels to the parent. Of a sparse Jacobian, its
        entries in the order of the pattern.
        """
        import numpy as np

        pattern = self.point.pattern
        if pattern is not None and self.operator.value == "jacobian":
            if not hasattr(decoded, "tocsr"):
                raise TypeError(
                    f"decode gave a {type(decoded).__name__}; this Jacobian is sparse and is "
                    "delivered as a scipy.sparse matrix (point.pattern.matrix(entries))"
                )
            return pattern.entries(decoded)
        try:
            return np.array(decoded, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"decode gave a {type(decoded).__name__} that is no array of float64: {error}"
            ) from None

    def _memory(self) -> dict[str, int | None]:
        # the peaks first: describing a program takes memory too
        used = {
            "baseline_bytes": self.baseline,
            "peak_bytes": None if self.baseline is None else memory.peak(),
            "process_peak_bytes": memory.process_peak(),
        }
        describe = self.main.prepared.describe
        return used if describe is None else used | {k: int(v) for k, v in describe().items()}


@dataclass
class Session:
    """The seats of this worker, and the frozen reference kernel."""

    alone: bool = True
    seats: dict[str, Seat] = field(default_factory=dict)
    kernel_loops: int = 0

    def load(self, seat: str, method: str) -> dict[str, Any]:
        """Import the method's tool, timed, and give it a seat."""
        from adbench import registry

        found = registry.method(method)

        def import_all() -> None:
            for name in (*found.requires, *found.imports):
                importlib.import_module(name)

        _, sample = stopwatch.timed(import_all)
        self.seats[seat] = Seat(found, self.alone)
        return {"import": sample, "threads": _threads()}

    def kernel(self) -> stopwatch.Block:
        """One block of the frozen reference kernel."""
        from adbench.harness import kernel

        with stopwatch.quiet():
            if not self.kernel_loops:
                stopwatch.settle()
                self.kernel_loops, _, _ = stopwatch.calibrate(kernel.call, (), float)
            return stopwatch.block(kernel.call, (), float, self.kernel_loops, 0.0)[0]

    def ask(self, seat: str, command: str, *arguments: Any) -> Any:
        """What a seat answers."""
        return getattr(self.seats[seat], command)(*arguments)


def _threads() -> dict[str, Any]:
    import threadpoolctl

    pools = {p["user_api"]: p["num_threads"] for p in threadpoolctl.threadpool_info()}
    return {"pools": pools, "cores": machine.usable_cores()}


def serve(connection: Connection, alone: bool = True) -> None:
    """Answer requests until the parent says goodbye or goes away."""
    session = Session(alone)
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


def main(address: str, cores: str, key: str) -> None:
    """Bind to the cores before any tool is imported, connect and serve."""
    die_with_parent()
    if told := another_package():
        sys.exit(told)
    if cores != "any":
        machine.pin(*map(int, cores.split(",")))
    host, _, port = address.rpartition(":")
    where = (host, int(port)) if port.isdecimal() else address
    with Client(where, authkey=bytes.fromhex(key)) as connection:
        serve(connection, alone=cores.isdecimal())  # one core was given: no library has threads


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.stdin.readline().strip())
