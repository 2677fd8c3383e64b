"""The study of a planted slowdown of 10 %: whether adbench finds it, and whether asv does.

First the plug-in's work is calibrated against the real call (interleaved minima, CPU clock, fresh
processes); the number of steps is then fixed for the whole study. Each repeat is an adbench run of
numba-dual and numba-planted at the standard budget and, in the same minutes, asv on the same pair.

    python benchmarks/protocol/planted.py --out STUDY/planted
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import study
from asv_side import asv_pair
from decisions import of_pair, still_open

from adbench import registry
from adbench.harness import machine
from adbench.harness.stopwatch import BLOCK_S
from adbench.model import Operator

PLUGIN = Path(__file__).resolve().parent / "planted_plugin"
PLANTED, PLAIN = "numba-planted", "numba-dual"
TARGET = 1.10
# The last steps run beside the next call's beginning, so that only from some dozens on time grows evenly.
TRIAL_STEPS = (100, 200)
CORRECTIONS, GOOD = 4, 0.005
ROUNDS = 80
PROCESSES = 5


def install(steps: int | None) -> None:
    """Make the plug-in visible to this process and those it starts, with that many steps."""
    sys.path.insert(0, str(PLUGIN))
    known = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{PLUGIN}{os.pathsep}{known}" if known else str(PLUGIN)
    if steps is not None:
        os.environ["ADBENCH_PLANTED"] = str(steps)


def minima(size: int, counts: list[int]) -> list[float]:
    """CPU seconds a call: the plain one, then with each number of steps; interleaved, best block."""
    from adbench_planted import slowed

    machine.pin(machine.core_of(0))
    method, problem = registry.method(PLAIN), registry.problem("gauss_nll")
    form, point = method.form(problem), problem.at(size)
    assert form is not None
    plain = method.prepare(form, Operator.GRADIENT, point)
    args = plain.encode(point)
    calls = [plain.call, *(slowed(plain.call, n) for n in counts)]
    best = []
    for call in calls:
        call(*args)
        best.append(min(_block(call, args, 50) for _ in range(20)))
    loops = [max(1, round(BLOCK_S / b)) for b in best]
    for _ in range(ROUNDS):
        for i, call in enumerate(calls):
            best[i] = min(best[i], _block(call, args, loops[i]))
    return best


def _block(call: Any, args: tuple[Any, ...], loops: int) -> float:
    began = time.process_time_ns()
    for _ in itertools.repeat(None, loops):
        call(*args)
    return (time.process_time_ns() - began) * 1e-9 / loops


def _fresh(size: int, *counts: int) -> list[list[float]]:
    """`minima` in fresh processes."""
    command = [sys.executable, __file__, "--minima", *map(str, counts), "--size", str(size)]
    return [
        json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(PROCESSES)
    ]


def calibrate(path: Path, size: int) -> Mapping[str, Any]:
    """The number of steps that makes a call 1.10 times as long, and the proof; kept in a file."""
    if path.exists():
        return dict(json.loads(path.read_text()))
    plain, few, many = (median(times) for times in zip(*_fresh(size, *TRIAL_STEPS), strict=True))
    step = (many - few) / (TRIAL_STEPS[1] - TRIAL_STEPS[0])
    steps = round(TRIAL_STEPS[0] + (TARGET * plain - few) / step)
    ratios: list[float] = []
    for _ in range(CORRECTIONS):
        if steps < 1:
            raise SystemExit(f"10 % of a call of {plain * 1e6:.2f} us is too little; larger --size")
        ratios = [t[1] / t[0] for t in _fresh(size, steps)]
        off = TARGET - median(ratios)
        if abs(off) < GOOD:
            break
        steps += round(off * plain / step)
    found = {"size": size, "steps": steps, "plain_s": plain, "step_s": step, "ratios": ratios}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")
    return found


def main() -> None:
    """The script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked = _asked(parser)
    install(None)
    if asked.minima:
        study.say(json.dumps(minima(asked.size, asked.minima)))
        return
    planted = calibrate(asked.out / "planted.json", asked.size)
    os.environ["ADBENCH_PLANTED"] = str(planted["steps"])
    study.say(f"{planted['steps']} steps, ratios {planted['ratios']}")
    rows = study.rows([("gauss_nll", planted["size"], Operator.GRADIENT)], [PLAIN, PLANTED])
    chosen = study.preset(study.LOOKS[0], "contenders")

    def work(seed: int, folder: Path) -> Mapping[str, Any]:
        path = folder / "results.jsonl"
        told = study.staged(path, rows, chosen, seed, study.LOOKS, undecided)
        if not asked.no_asv:
            told["asv"] = asv_pair(folder, [rows[0].id], PLANTED, PLAIN, {})
        return told

    for repeat in study.repeats(asked.repeats, asked.load, asked.state):
        repeat.run(asked.out, partial(work, repeat.number), asked.load_seconds)


def undecided(frame: pd.DataFrame) -> Mapping[str, set[str]]:
    """The pair, while it is open."""
    return still_open(of_pair(frame, PLANTED, PLAIN))


def _asked(parser: argparse.ArgumentParser) -> argparse.Namespace:
    minima_only = "--minima" in sys.argv
    if not minima_only:
        study.arguments(parser)
    parser.add_argument("--size", type=int, default=10_000, help="data of the likelihood")
    parser.add_argument("--no-asv", action="store_true")
    parser.add_argument("--minima", type=int, nargs="+", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
