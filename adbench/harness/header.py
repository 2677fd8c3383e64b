"""What the first line of a result file says of a run: machine, versions, code, threads, protocol."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from adbench.harness import features, kernel, machine, stopwatch, store
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
        1: every worker on one and the same core, one thread a library (the headline). None: each
        library's own default, on all cores, by the wall clock.
    workers : {"method", "row"}
        A process of its own for each method, or one that holds all JAX and Numba methods.
    device : {"cpu", "gpu", "tpu"}
        Where JAX computes; the other tools stay on the CPU.
    budget_s : float or None
        Seconds to spend; None: what the preset says.
    """

    threads: int | None = 1
    workers: str = "method"
    device: str = "cpu"
    budget_s: float | None = None

    def __post_init__(self) -> None:
        if self.threads not in (1, None):
            raise ValueError(f"{self.threads} threads: give 1, or 'default' for each library's own")
        for what, value, known in (
            ("workers", self.workers, DESIGNS),
            ("device", self.device, DEVICES),
        ):
            if value not in known:
                raise ValueError(f"{what} '{value}': give {' or '.join(known)}")
        if self.budget_s is not None and not self.budget_s > 0:
            raise ValueError(f"a budget of {self.budget_s:g} s is none; give a time above 0")

    @property
    def single_thread(self) -> bool:
        """Whether a process that computes has wall time equal to CPU time, if nothing disturbs it."""
        fine = features.features()
        alone = fine["affinity"] and fine["cpu_clock"]
        return self.threads == 1 and self.device == "cpu" and alone

    def core(self, repeat: int) -> int | None:
        """The core that all workers of a repeat share; None: any."""
        return machine.core_of(repeat) if self.threads == 1 else None

    def environment(self) -> dict[str, str]:
        """What a worker gets as its environment."""
        return worker_environment(self.threads, self.device)


def header(chosen: Preset, seed: int, settings: Settings | None = None) -> dict[str, Any]:
    """First line of a result file."""
    asked = settings or Settings()
    head, dirty = machine.commit()
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
    }


def _distributions() -> list[str]:
    """Distributions of every method's tool, plug-ins' included, and of the plug-ins themselves."""
    groups = ("adbench.problems", "adbench.methods")
    plugins = {e.dist.name for g in groups for e in entry_points(group=g) if e.dist is not None}
    needs = {name for m in methods().values() for name in (m.tool, *m.requires)}
    return sorted((needs | plugins) - {"adbench", "autodiff-bench"})


def _observed(settings: Settings) -> dict[str, Any]:
    """Thread pools and cores that a worker sees, as its libraries report them."""
    worker = Worker(settings.core(0), settings.environment())
    try:
        name = next(iter(methods()))
        worker.load(name, name)
    except Failure:  # a tool that does not import has its own outcome later
        return {}
    else:
        return dict(worker.threads)
    finally:
        worker.end()
