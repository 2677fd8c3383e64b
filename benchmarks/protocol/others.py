"""The same question put to others: JAX against Numba by asv's defaults and by separate processes.

Each repeat asks on gauss_nll[100] and [10000], with the same prepared calls as adbench times:
asv (``asv_side.py``), and processes of their own for each method, three each, the median of
sequential samples of 10 ms, wall clock, no affinity. Libraries get one thread, as adbench gives
them, unless ``--threads default``.

    python benchmarks/protocol/others.py --out STUDY/others
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import study
from asv_side import asv_pair

from adbench import registry
from adbench.harness.machine import THREAD_VARIABLES
from adbench.model import Operator

ROWS = ("gauss_nll[100]/gradient", "gauss_nll[10000]/gradient")
PAIR = ("jax-reverse", "numba-dual")
PROCESSES = 3
SAMPLES, SAMPLE_S, WARM_S = 30, 10e-3, 0.15


def sequential(row: str, name: str) -> float:
    """Median over samples of one method's call, wall seconds, in this process."""
    sized, _, operator = row.partition("/")
    problem, method = registry.problem(sized.partition("[")[0]), registry.method(name)
    point = problem.at(int(sized.partition("[")[2].rstrip("]")))
    form = method.form(problem)
    assert form is not None
    made = method.prepare(form, Operator(operator), point)
    args, best = made.encode(point), float("inf")
    made.call(*args)
    gc.disable()
    until = time.perf_counter() + WARM_S
    while time.perf_counter() < until:
        best = min(best, _sample(made.call, args, 10))
    loops = max(1, round(SAMPLE_S / best))
    return median(_sample(made.call, args, loops) for _ in range(SAMPLES))


def _sample(call: Any, args: tuple[Any, ...], loops: int) -> float:
    began = time.perf_counter()
    for _ in itertools.repeat(None, loops):
        call(*args)
    return (time.perf_counter() - began) / loops


def separate(row: str, env: Mapping[str, str]) -> dict[str, Any]:
    """Medians of three processes a method, one method after the other."""
    medians: dict[str, list[float]] = {}
    for name in PAIR:
        command = [sys.executable, __file__, "--sequential", row, name]
        medians[name] = [
            json.loads(
                subprocess.run(
                    command, env=os.environ | dict(env), capture_output=True, text=True, check=True
                ).stdout
            )
            for _ in range(PROCESSES)
        ]
    first, second = (median(medians[name]) for name in PAIR)
    return {"row": row, "medians_s": medians, "ratio": first / second}


def main() -> None:
    """The script."""
    if "--sequential" in sys.argv:
        study.say(json.dumps(sequential(*sys.argv[-2:])))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    study.arguments(parser)
    parser.add_argument("--threads", choices=("one", "default"), default="one")
    asked = parser.parse_args()
    env = dict.fromkeys(THREAD_VARIABLES, "1") if asked.threads == "one" else {}
    env["JAX_PLATFORMS"] = "cpu"

    def work(folder: Path) -> Mapping[str, Any]:
        return {
            "threads": asked.threads,
            "asv": asv_pair(folder, ROWS, *PAIR, env),
            "separate": [separate(row, env) for row in ROWS],
        }

    for repeat in study.repeats(asked.repeats, asked.load, asked.state):
        repeat.run(asked.out, work, asked.load_seconds)


if __name__ == "__main__":
    main()
