"""Our duals against hand-written C, JAX and other tools: ratios with intervals, beside their goals.

    python benchmarks/dual/run.py --out RESULTS            # everything, three fresh processes a case
    python benchmarks/dual/run.py --quick --only 'gauss*'  # a first impression of some cases

Every case runs in processes of its own, pinned to one core, where all contenders take turns. C is
compiled here by gcc, with and without -ffast-math; each gradient is compared with ours before it is
timed. Writes RESULTS/results.json and RESULTS/results.md.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import peers
from timing import Effort, floors

__all__ = ["main"]

QUICK = Effort(blocks=25, block_s=1e-3, budget_s=0.5)
LONGEST_S = 900.0  # one case in one process


def say(*words: object) -> None:
    """One line to the terminal, at once."""
    print(*words, flush=True)  # noqa: T201 - scripts report to whoever runs them


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--out", type=Path, help="folder for results.json and results.md")
    made.add_argument(
        "--only", action="append", help="cases whose name matches; * and ?, repeatable"
    )
    made.add_argument("--quick", action="store_true", help="fewer and shorter blocks")
    made.add_argument("--processes", type=int, default=3, help="fresh processes a case (3)")
    made.add_argument("--blocks", type=int, help="blocks of each contender in a process (60)")
    made.add_argument("--core", type=int, help="the core to run on; default: the last one allowed")
    made.add_argument("--without", nargs="*", default=[], help="contenders to leave out, patterns")
    made.add_argument("--list", action="store_true", help="name the cases and end")
    made.add_argument("--child", nargs=2, metavar=("CASE", "SEED"), help=argparse.SUPPRESS)
    made.add_argument("--libraries", type=Path, help=argparse.SUPPRESS)
    return made


def effort(asked: argparse.Namespace) -> Effort:
    """How much to measure."""
    chosen = QUICK if asked.quick else Effort()
    if asked.blocks is None:
        return chosen
    return Effort(asked.blocks, chosen.block_s, chosen.budget_s)


def matching(names: Sequence[str], patterns: Sequence[str] | None) -> list[str]:
    """Names that match one of the patterns; brackets in a pattern are only brackets."""
    if not patterns:
        return list(names)
    literal = [pattern.replace("[", "[[]") for pattern in patterns]
    return [name for name in names if any(fnmatch.fnmatchcase(name, p) for p in literal)]


def child(asked: argparse.Namespace) -> None:
    """Measure one case in this process and print what was found as one line of JSON."""
    from lineup import lineup

    name, seed = asked.child[0], int(asked.child[1])
    libraries = {w: asked.libraries / f"kernels-{w}.so" for w in ("fast", "strict")}
    made = lineup(name, libraries, asked.without)
    runs = {n: c.run for n, c in made.field.ready.items()}
    least = floors(runs, effort(asked), seed)
    found = {
        "case": name, "notes": dict(made.notes), "missing": made.field.missing,
        "cpu_s": {n: cpu for n, (cpu, _) in least.items()},
        "wall_s": {n: wall for n, (_, wall) in least.items()},
    }  # fmt: skip
    say("RESULT " + json.dumps(found))


def measured(asked: argparse.Namespace, case: str, number: int, libraries: Path) -> dict[str, Any]:
    """One case in one fresh process."""
    words = [sys.executable, __file__, "--child", case, str(number), "--libraries", str(libraries)]
    words += ["--quick"] * asked.quick
    words += ["--core", str(asked.core)] if asked.core is not None else []
    words += ["--blocks", str(asked.blocks)] if asked.blocks is not None else []
    words += ["--without", *asked.without] if asked.without else []
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        return {"case": case, "failed": f"not done after {LONGEST_S:.0f} s"}
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return dict(json.loads(line.removeprefix("RESULT ")))
    told = [line for line in done.stderr.splitlines() if line.strip()] or ["no output"]
    return {"case": case, "failed": f"ended with {done.returncode}: {told[-1]}"}


def pin(core: int | None) -> None:
    """Put this process on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(allowed) if core is None else core})


def heads(asked: argparse.Namespace) -> list[str]:
    """What the figures depend on."""
    import importlib.metadata as metadata

    import kernels

    tools = ("numpy", "numba", "llvmlite", "jax", "autograd", "num-dual", "fastdual", "hyperjet",
             "jacobi")  # fmt: skip
    found = []
    for tool in tools:
        try:
            found.append(f"{tool} {metadata.version(tool)}")
        except metadata.PackageNotFoundError:
            found.append(f"{tool} not installed")
    flags = "; ".join(f"{way}: {' '.join(words)}" for way, words in kernels.FLAGS.items())
    chosen = effort(asked)
    return [
        f"{platform.platform()}, {_processor()}, Python {platform.python_version()}",
        f"{kernels.compiler()}; {flags}",
        ", ".join(found),
        f"{asked.processes} processes a case, {chosen.blocks} blocks of {1e3 * chosen.block_s:g} ms, "
        "least block by the CPU clock, one core, one thread; intervals of 95 % over processes",
        "JAX: 64 bit, jit, asynchronous dispatch off, its own arrays as arguments",
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), "")


def study(asked: argparse.Namespace, cases: Sequence[str]) -> int:
    """Measure the cases, print and write the tables; the exit code tells of failed processes."""
    import kernels

    libraries = Path(tempfile.mkdtemp(prefix="dual-kernels-"))
    kernels.build(libraries)
    results, failed, told, written = [], 0, heads(asked), ""
    for number in range(asked.processes):
        for case in cases:
            found = measured(asked, case, number, libraries)
            failed += "failed" in found
            say(f"process {number + 1}, {case}: {found.get('failed', 'done')}")
            results.append(found)
            written = _document(results, told)
            _write(asked.out, written, {"heads": told, "results": results})
    say("\n" + written)
    if asked.out:
        say(f"written: {asked.out / 'results.json'}, {asked.out / 'results.md'}")
    return 1 if failed else 0


def _write(out: Path | None, text: str, document: dict[str, Any]) -> None:
    """Everything so far, after every case: a run that is broken off has not been for nothing."""
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "results.md").write_text(text)
        (out / "results.json").write_text(json.dumps(document, indent=1) + "\n")


def _document(results: Sequence[dict[str, Any]], told: Sequence[str]) -> str:
    from tables import document

    times: dict[str, dict[str, list[float]]] = {}
    notes: dict[str, dict[str, float]] = {}
    missing: dict[str, dict[str, str]] = {}
    for found in results:
        case = found["case"]
        if "failed" in found:
            missing.setdefault(case, {})["the whole process"] = found["failed"]
            continue
        notes[case] = found["notes"]
        missing.setdefault(case, {}).update(found["missing"])
        for name, seconds in found["cpu_s"].items():
            times.setdefault(case, {}).setdefault(name, []).append(seconds)
    return document(_complete(times), notes, missing, told)


def _complete(times: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, list[float]]]:
    """Only contenders that every process of the case has measured: ratios are paired."""
    kept = {}
    for case, by in times.items():
        most = max(map(len, by.values()))
        kept[case] = {name: seconds for name, seconds in by.items() if len(seconds) == most}
    return kept


def main(words: Sequence[str] | None = None) -> int:
    """The script."""
    asked = parser().parse_args(words)
    peers.one_thread()
    if asked.child:
        pin(asked.core)
        child(asked)
        return 0
    from lineup import NAMES

    cases = matching(list(NAMES), asked.only)
    if asked.list or not cases:
        say("\n".join(NAMES))
        return 0 if asked.list else 2
    return study(asked, cases)


if __name__ == "__main__":
    sys.exit(main())
