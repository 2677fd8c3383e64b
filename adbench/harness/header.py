"""What the first line of a result file says of a run: machine, versions, code, threads, protocol."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from adbench.harness import caches, features, interpreters, kernel, machine, stopwatch, store
from adbench.harness.parent import PACKAGE
from adbench.harness.plan import Preset
from adbench.harness.process import Failure, Worker, worker_environment
from adbench.registry import methods

__all__ = ["Settings", "header"]

DESIGNS = ("method", "row")
DEVICES = ("cpu", "gpu", "tpu")


@dataclass(frozen=True)
class Settings:
    """How a run measures, beside its preset; results of different settings never share a file.

    Parameters
    ----------
    threads : int or None
        1: every worker on one and the same core, one thread a library (the headline). N: on the same
        N cores, N threads a library, by the wall clock. None: each library's own default, on all
        cores, by the wall clock.
    workers : {"method", "row"}
        A process of its own for each method, or one that holds all JAX and Numba methods.
    device : {"cpu", "gpu", "tpu"}
        Where JAX computes; the other tools stay on the CPU.
    budget_s : float or None
        Seconds to spend; None: what the preset says.
    base : Path or None
        Checkout of another state of adbench: in every second process the copies of methods are its
        methods, so that the two states take turns (see ``docs/regressions.md``).
    pythons : mapping of str to str
        Tool -> path of the Python in which its methods run; the others run in this one.
    warm_start : bool
        Whether starts with an empty and with a filled cache of compiled code are timed too
        (`harness.warm`); results with and without them may share a file.
    """

    threads: int | None = 1
    workers: str = "method"
    device: str = "cpu"
    budget_s: float | None = None
    base: Path | None = None
    pythons: Mapping[str, str] = field(default_factory=dict)
    warm_start: bool = False

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise ValueError(
                f"{self.threads} threads: give a number of cores, or 'default' for each library's own"
            )
        for what, value, known in (
            ("workers", self.workers, DESIGNS),
            ("device", self.device, DEVICES),
        ):
            if value not in known:
                raise ValueError(f"{what} '{value}': give {' or '.join(known)}")
        if self.base is not None and self.workers == "row":
            raise ValueError(
                "two states of adbench share no process: measure with workers 'method'"
            )
        if self.base is not None and self.pythons:
            raise ValueError("two states of adbench run in one Python: leave --python out")
        if self.budget_s is not None and not self.budget_s > 0:
            raise ValueError(f"a budget of {self.budget_s:g} s is none; give a time above 0")
        if self.base is not None and not (self.base / "adbench" / "harness" / "worker.py").exists():
            raise ValueError(
                f"'{self.base}' is no checkout of adbench: it lacks adbench/harness/worker.py; make one "
                "with: git worktree add FOLDER COMMIT"
            )

    @property
    def single_thread(self) -> bool:
        """Whether a process that computes has wall time equal to CPU time, if nothing disturbs it."""
        fine = features.features()
        alone = fine["affinity"] and fine["cpu_clock"]
        return self.threads == 1 and self.device == "cpu" and alone

    def cores(self, repeat: int) -> tuple[int, ...] | None:
        """The cores that all workers of a repeat share; None: any. ValueError for more than there are."""
        return None if self.threads is None else machine.cores_of(repeat, self.threads)

    @property
    def interpreters(self) -> dict[str, interpreters.Interpreter]:
        """The Pythons of `pythons`, as they answered; ValueError for one that does not."""
        return interpreters.ask(self.pythons)

    def environment(self) -> dict[str, str]:
        """What a worker gets as its environment."""
        return worker_environment(self.threads, self.device)

    def of_base(self, repeat: int, twin: bool) -> bool:
        """Whether a copy is the base's: in every second process, so that the others tell the noise."""
        return self.base is not None and twin and repeat % 2 == 0

    def _base_environment(self) -> dict[str, str]:
        found = {k: v for k, v in self.environment().items() if k != PACKAGE}
        path = [str(self.base), *filter(None, [found.get("PYTHONPATH")])]
        # without the second, the folder that the run was started in would come first
        return found | {"PYTHONPATH": os.pathsep.join(path), "PYTHONSAFEPATH": "1"}

    def worker(self, repeat: int, tool: str = "", of_base: bool = False, cache: str = "") -> Worker:
        """A process for the methods of a tool, or of the base's methods; not yet started.

        `cache` names a folder in which it keeps what the tool compiles; without one it keeps nothing.
        """
        if of_base:
            return Worker(self.cores(repeat), self._base_environment())
        own = self.interpreters.get(tool)
        base = None if own is None else interpreters.environment()
        given = worker_environment(self.threads, self.device, base)
        if cache:
            given = caches.within(given, tool, cache)
        return Worker(self.cores(repeat), given, python=sys.executable if own is None else own.path)


def header(chosen: Preset, seed: int, settings: Settings | None = None) -> dict[str, Any]:
    """First line of a result file."""
    asked = settings or Settings()
    head, dirty = machine.commit()
    others = {tool: own.as_dict() for tool, own in asked.interpreters.items()}
    return {
        "kind": "run",
        "schema": store.SCHEMA,
        "started": stopwatch.now(),
        "preset": chosen.name,
        "seed": seed,
        "machine": machine.machine(),
        "versions": machine.versions(*_distributions()),
        "code": machine.code(),
        "threads": {"requested": asked.threads or "default", "observed": _observed(asked)},
        "device": asked.device,
        "base": _base(asked.base),
        "environment": machine.environment(),
        "commit": head,
        "dirty": dirty,
        "limits": {"time_s": chosen.limits.time_s, "memory_bytes": chosen.limits.memory_bytes},
        "protocol": {
            "blocks": chosen.blocks,
            "block_s": stopwatch.BLOCK_S,
            "workers": asked.workers,
            "kernel": kernel.KERNEL_HASH,
        },
        **({"interpreters": others} if others else {}),
    }


def _base(checkout: Path | None) -> dict[str, Any] | None:
    """Which state of adbench another one is measured against."""
    if checkout is None:
        return None
    head, dirty = machine.commit(checkout)
    return {"code": machine.code(checkout / "adbench"), "commit": head, "dirty": dirty}


def _distributions() -> list[str]:
    """Distributions of every method's tool, plug-ins' included, and of the plug-ins themselves."""
    groups = ("adbench.problems", "adbench.methods")
    plugins = {e.dist.name for g in groups for e in entry_points(group=g) if e.dist is not None}
    needs = {name for m in methods().values() for name in (m.tool, *m.requires)}
    return sorted((needs | plugins) - {"adbench", "autodiff-bench"})


def _observed(settings: Settings) -> dict[str, Any]:
    """Thread pools and cores that a worker sees, as its libraries report them."""
    worker = settings.worker(0)
    try:
        name = next(iter(methods()))
        worker.load(name, name)
    except Failure:  # a tool that does not import has its own outcome later
        return {}
    else:
        return dict(worker.threads)
    finally:
        worker.end()
