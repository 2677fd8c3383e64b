"""What adbench's adapters cost: every call of a method beside a call of its tool written by hand.

    taskset -c 1 python benchmarks/adapters/overhead.py --core 1 --out build/overhead.md
    python benchmarks/adapters/overhead.py --only 'jax-*' --processes 3

On the gradient of ``gauss_nll[100]``, the shortest call of the suite. Of each method a few fresh
processes, pinned to one core: there the call of `Prepared` and the one of `by_hand` take turns, block
by block in random order, and a second copy of the one by hand with them, which shows how far two equal
things differ. A process tells the median of the ratios of neighbouring blocks (by its CPU clock); the
ratio is the mean of their logarithms over processes, its interval `adbench.analysis.compare.interval`.
An adapter keeps the promise when the ratio is at most 1.02, or the difference at most 100 ns. Ends with
1 where one does not.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import math
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from by_hand import BY_HAND

from adbench import registry
from adbench.analysis.compare import interval
from adbench.harness import machine, stopwatch
from adbench.harness.process import worker_environment
from adbench.model import Operator, elsewhere

__all__ = ["judged", "main", "table"]

MOST_RATIO, MOST_S = 1.02, 100e-9
BLOCK_S, LONGEST_S = 1e-3, 300.0
# Differences by other formulas of the same step agree to their own error alone.
AGREE = {"difference": 1e-6}


def child(name: str, seed: int, blocks: int) -> dict[str, float]:
    """One process: median ratios and differences of the method, and of the second copy, to the hand."""
    method, problem = registry.method(name), registry.problem("gauss_nll")
    point, form = problem.at(100), method.form(problem)
    assert form is not None
    prepared = method.prepare(form, Operator.GRADIENT, elsewhere(point))
    if prepared.compile is not None:
        prepared.compile()
    hands = [BY_HAND[name](*_fresh(point)) for _ in range(2)]
    runs = [(prepared.call, prepared.encode(point)), *hands]
    found = [np.asarray(call(*args), dtype=np.float64) for call, args in runs]
    rtol = 1e-4 if method.dtype == "float32" else AGREE.get(method.mode, 1e-12)
    for other in found[1:]:
        np.testing.assert_allclose(found[0], other, rtol=rtol)
    times = interleaved(runs, blocks, seed)
    medians = np.median(times, axis=0)
    return {
        "hand_s": float(medians[1]),
        "log_ratio": float(np.median(np.log(times[:, 0] / times[:, 1]))),
        "difference_s": float(np.median(times[:, 0] - times[:, 1])),
        "log_copy": float(np.median(np.log(times[:, 2] / times[:, 1]))),
    }


def _fresh(point: Any) -> tuple[Any, Any]:
    x, data = point.fresh()
    return x, data[0]


def interleaved(runs: Sequence[tuple[Any, Any]], blocks: int, seed: int) -> Any:
    """CPU seconds a call, shape (blocks, runs); every round in a random order."""
    for call, args in runs:
        stopwatch.timed(_calls, call, args, 200)
    _, sample = stopwatch.timed(_calls, *runs[1], 200)
    loops = max(3, round(BLOCK_S / (sample.cpu_s / 200)))
    times, order, chance = (
        np.empty((blocks, len(runs))),
        list(range(len(runs))),
        random.Random(seed),
    )
    stopwatch.settle()
    with stopwatch.quiet():
        for row in times:
            chance.shuffle(order)
            for i in order:
                row[i] = stopwatch.timed(_calls, *runs[i], loops)[1].cpu_s / loops
    return times


def _calls(call: Callable[..., Any], args: tuple[Any, ...], loops: int) -> None:
    for _ in repeat(None, loops):
        call(*args)


def measured(name: str, asked: argparse.Namespace) -> list[dict[str, float]]:
    """What the processes of a method tell."""
    found = []
    for seed in range(asked.processes):
        words = ["--child", name, str(seed), "--blocks", str(asked.blocks)]
        if asked.core is not None:
            words += ["--core", str(asked.core)]
        done = subprocess.run(
            [sys.executable, __file__, *words], env=worker_environment(), timeout=LONGEST_S,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return found


def judged(name: str, found: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Ratio, interval, difference and whether the promise is kept."""
    logs, copies = (np.array([f[k] for f in found]) for k in ("log_ratio", "log_copy"))
    low, high = interval(logs)
    ratio = math.exp(float(logs.mean()))
    difference = float(np.mean([f["difference_s"] for f in found]))
    return {
        "method": name,
        "hand_s": float(np.mean([f["hand_s"] for f in found])),
        "ratio": ratio,
        "low": low,
        "high": high,
        "difference_s": difference,
        "copy": math.exp(float(copies.mean())),
        "kept": ratio <= MOST_RATIO or difference <= MOST_S,
    }


def table(lines: Sequence[dict[str, Any]]) -> str:
    """Markdown, a line a method."""
    head = ("method", "by hand, us", "adapter / hand", "95 % interval", "difference, ns",
            "copy / hand", "within 1.02 or 100 ns")  # fmt: skip
    rows = [head, ("---",) * len(head)]
    for x in lines:
        between = "-" if x["low"] is None else f"{x['low']:.3f} to {x['high']:.3f}"
        rows.append((
            f"`{x['method']}`", f"{1e6 * x['hand_s']:.3g}", f"{x['ratio']:.3f}", between,
            f"{1e9 * x['difference_s']:.0f}", f"{x['copy']:.3f}", "yes" if x["kept"] else "**no**",
        ))  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def page(lines: Sequence[dict[str, Any]], asked: argparse.Namespace) -> str:
    """The table with what it says."""
    return (
        "# What the adapters cost\n\n"
        "The gradient of `gauss_nll[100]` through adbench's `Prepared.call`, and by the tool as its user "
        f"would write it (`benchmarks/adapters/by_hand.py`): {asked.processes} processes a method, "
        f"{asked.blocks} interleaved blocks each. The second copy of the hand-written call shows how far "
        f"two equal things differ here. {machine.machine()['cpu']}, {stopwatch.now()}.\n\n{table(lines)}"
    )


def main(words: Sequence[str] | None = None) -> int:
    """The script."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--out", type=Path, help="Markdown file; default: the terminal")
    parser.add_argument("--only", nargs="*", default=["*"], help="methods; * and ? allowed")
    parser.add_argument("--processes", type=int, default=5, help="fresh processes a method (5)")
    parser.add_argument("--blocks", type=int, default=200, help="blocks of each (200)")
    parser.add_argument("--core", type=int, help="core to run on; default: any")
    parser.add_argument("--child", nargs=2, metavar=("METHOD", "SEED"), help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    if asked.core is not None:
        machine.pin(asked.core)
    if asked.child:
        found = child(asked.child[0], int(asked.child[1]), asked.blocks)
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    lines = []
    for name in BY_HAND:
        reason = registry.reason_unavailable(registry.method(name))
        if reason or not any(fnmatch.fnmatchcase(name, p) for p in asked.only):
            continue
        lines.append(judged(name, measured(name, asked)))
        sys.stderr.write(table(lines[-1:]).splitlines()[-1] + "\n")
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(page(lines, asked), encoding="utf-8")
    else:
        sys.stdout.write(page(lines, asked))
    return 0 if all(x["kept"] for x in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
