"""``adbench run``: measure cases into a result file, stop at any moment, continue later."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from adbench.cli.options import (
    Budget,
    Cluster,
    Device,
    Externals,
    Fresh,
    InDevice,
    InThreads,
    InWorkers,
    MemoryLimit,
    OutFile,
    Preset,
    Pythons,
    Seed,
    TimeLimit,
    WarmStart,
    Workers,
    pythons_of,
    thread_count,
)  # fmt: skip
from adbench.cli.progress import Bar
from adbench.cli.signals import exit_code, stoppable
from adbench.cli.terminal import Filters, note
from adbench.model import UnknownNameError

__all__ = ["EXAMPLE", "local", "measured", "run", "seconds"]

EXAMPLE = "adbench run 'gauss_nll/gradient/{jax,numba}-*' --preset standard --budget 10m"
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def run(
    filters: Filters = None,
    preset: Preset = "quick",
    out_file: OutFile = None,
    fresh: Fresh = False,
    budget: Budget = None,
    threads: InThreads = "1",
    workers: InWorkers = Workers.METHOD,
    device: InDevice = Device.CPU,
    python: Pythons = None,
    cluster: Cluster = None,
    external: Externals = None,
    warm_start: WarmStart = False,
    seed: Seed = 31337,
    time_limit: TimeLimit = None,
    memory_limit: MemoryLimit = None,
) -> None:
    """Measure; a rerun with the same --out continues where the last one stopped."""
    from adbench.analysis.advice import wanted
    from adbench.harness import plan, store
    from adbench.harness.external.tool import parse
    from adbench.harness.run import Settings

    chosen = plan.preset(preset).with_limits(time_limit, memory_limit)
    settings = Settings(
        threads=thread_count(threads),
        workers=workers.value,
        device=device.value,
        budget_s=None if budget is None else seconds(budget),
        pythons=pythons_of(python or ()),
        warm_start=warm_start,
    )
    tools = parse(external or ())
    rows = plan.rows(chosen, filters or (), [tool.method for tool in tools])
    measure = local(tools) if cluster is None else _remote(cluster, tools)
    path = out_file or _default_out(chosen.name, settings, cluster)
    if fresh:
        store.discard(path)
    note(f"results go to {path}")
    options = {
        "--preset": preset, "--out": path, "--budget": budget, "--threads": threads,
        "--workers": workers.value, "--device": device.value, "--python": python, "--cluster": cluster,
        "--seed": seed, "--external": external, "--time-limit": time_limit, "--memory-limit": memory_limit,
    }  # fmt: skip
    again = _again(filters or (), options) + " --warm-start" * warm_start
    summary = measured(measure, rows, chosen, path, seed, settings, again, wanted)
    _conclude(summary, path, settings.budget_s or chosen.budget_s, again)


def seconds(text: str) -> float:
    """Seconds of a time such as ``90s``, ``10m``, ``1.5h`` or ``1h30m``.

    Raises
    ------
    ValueError
        For another text, zero included.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smh])", text)
    found = math.fsum(float(number) * UNITS[unit] for number, unit in parts)
    if not parts or "".join(n + u for n, u in parts) != text or found <= 0.0:
        raise ValueError(
            f"--budget '{text}' is no time; give a number above 0 and s, m or h, such as 90s, 10m or 1h30m"
        )
    return found


Measure = Callable[..., Any]


def local(tools: Sequence[Any] = ()) -> Measure:
    """The harness on this machine, with external tools."""
    from adbench.harness.run import run as measure

    return partial(measure, externals=tools)


def _remote(address: str, tools: Sequence[Any]) -> Measure:
    """The harness on the hosts of a cluster; the package for it is an extra."""
    if tools:
        raise UnknownNameError(
            "--external runs programs of this machine; leave out --cluster, or measure there with a "
            "run of its own on each host and put the files together with: adbench merge"
        )
    if find_spec("distributed") is None:
        raise UnknownNameError(
            f"--cluster {address} needs the package 'distributed': "
            "pip install 'autodiff-bench[cluster]'"
        )
    from adbench.harness import cluster

    return partial(cluster.run, address)


def measured(
    measure: Measure,
    rows: Sequence[Any],
    chosen: Any,
    path: Path,
    seed: int,
    settings: Any,
    again: str,
    advise: Callable[..., Any] | None = None,
) -> Any:
    """The run's summary; one that is asked to stop says how to continue and exits."""
    bar = Bar()
    try:
        with stoppable(), bar.bar:
            return measure(rows, chosen, path, bar, seed, advise=advise, settings=settings)
    except KeyboardInterrupt as stop:
        note(f"\nstopped; every finished result is in {path}. Continue with:\n  {again}")
        raise typer.Exit(exit_code(stop)) from None


def _again(filters: Sequence[str], options: Mapping[str, Any]) -> str:
    """The command that continues a run."""
    usual = {
        "--threads": "1",
        "--workers": Workers.METHOD.value,
        "--device": Device.CPU.value,
    }
    given = [
        str(word)
        for option, value in options.items()
        if value is not None and usual.get(option) != value
        for each in (value if isinstance(value, list) else [value])
        for word in (option, each)
    ]
    return shlex.join(["adbench", "run", *filters, *given])


def _conclude(summary: Any, path: Path, budget_s: float | None, again: str) -> None:
    counts = ", ".join(f"{n} {label}" for label, n in sorted(summary.outcomes.items()))
    note(
        f"{summary.measured} new results ({counts or 'none'}), {summary.resumed} were there already"
    )
    if summary.left:
        limit = "the time" if budget_s is None else f"the {budget_s:.0f} s of the budget"
        note(
            f"{summary.left} results left out: they do not fit into {limit}. Continue with:\n  {again}"
        )
    note(f"now: adbench report {shlex.quote(str(path))}")


def _default_out(preset: str, settings: Any, cluster: str | None) -> Path:
    """A file for each result set and design: they never share one."""
    from adbench.harness.machine import short_name
    from adbench.harness.stopwatch import now

    parts = [now().partition("T")[0], short_name(), preset]
    threads = settings.threads
    parts += [] if threads == 1 else [f"{threads}-threads" if threads else "threads"]
    parts += ["rows"] if settings.workers == Workers.ROW.value else []
    parts += [] if settings.device == Device.CPU.value else [settings.device]
    parts += [f"own-{tool}" for tool in sorted(settings.pythons)]
    parts += ["cluster"] if cluster else []
    return Path("reports") / "-".join(parts) / "results.jsonl"
