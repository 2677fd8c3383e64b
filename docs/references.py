"""Certifies every problem's results at its standard sizes and ships them: `nox -s references`.

Writes ``adbench/reference/shipped/<problem>.npz`` (at most 200 kB each) and ``traits.json``. What is
known already is taken from the cache of references, so that a second run, or one that was stopped, goes
on where the last one ended. Where a problem's results do not all fit, those that cost most for their
size are kept; the others are certified where they are needed, which is cheap.

    python docs/references.py                  # everything; hours from nothing, minutes when little changed
    python docs/references.py lse 'ode*' -j 2  # some problems, two processes
    python docs/references.py --check          # say what is missing or out of date, and fail
"""

import argparse
import fnmatch
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from adbench import registry
from adbench.model import Operator, Problem, Size, size_text
from adbench.reference import cache, shipped, traits
from adbench.reference.sample import sample_of
from adbench.reference.truth import UncertifiedError, certified, key_of

FOLDER = Path(__file__).parents[1] / "adbench" / "reference" / "shipped"
Cell = tuple[str, Size, str]


def cells(names: list[str]) -> list[Cell]:
    """Problem, size and operator of every result; values with gradients come from their parts."""
    found = []
    for problem in registry.problems().values():
        if names and not any(fnmatch.fnmatch(problem.name, n) for n in names):
            continue
        for size in problem.sizes:
            n = problem.at(size).x.size
            found += [
                (problem.name, size, o.value)
                for o in problem.operators
                if o is not Operator.VALUE_AND_GRADIENT and problem.offers(o, n)
            ]
    return found


def key(cell: Cell) -> str:
    """Where the reference of a cell lies."""
    problem, operator = registry.problem(cell[0]), Operator(cell[2])
    point = problem.at(cell[1])
    closed = problem.exact.get(operator) if cell[1] in problem.closed else None
    sample = sample_of(problem.reference, operator, point)
    return key_of(problem.reference, operator, point, sample, closed)


def make(cell: Cell) -> tuple[Cell, float, str]:
    """Certify one cell into the cache, unless it is there or shipped: the seconds that it took when
    it was made, and what went wrong.
    """
    known = _kept(cell)
    if known is not None:
        return cell, known[1], ""
    problem, operator = registry.problem(cell[0]), Operator(cell[2])
    began = time.perf_counter()
    try:
        certified(problem, cell[1], operator, problem.at(cell[1]))
    except (UncertifiedError, ArithmeticError, TypeError, ValueError, MemoryError) as error:
        return cell, time.perf_counter() - began, f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - began
    cache.folder().mkdir(parents=True, exist_ok=True)
    _note(cell).write_text(f"{seconds:.6f}")
    return cell, seconds, ""


def _note(cell: Cell) -> Path:
    """Where the seconds lie that certifying a cell took."""
    return cache.folder() / f"{key(cell)}.seconds"


def _kept(cell: Cell) -> tuple[Any, float] | None:
    """The reference of a cell that is in the cache, or else shipped, and its seconds."""
    where = key(cell)
    if _note(cell).is_file() and (found := cache.load(where)) is not None:
        return found, float(_note(cell).read_text())
    found, seconds = shipped.load(cell[0], where), shipped.seconds(cell[0], where)
    return None if found is None or seconds is None else (found, seconds)


def ship(problem: str) -> int:
    """Write a problem's file: dearest results first, as many as fit; its size in bytes."""
    there = [pair for c in cells([problem]) if (pair := _kept(c)) is not None]
    there.sort(key=lambda pair: pair[1] / pair[0].hi.size, reverse=True)
    kept: list[Any] = []
    data = shipped.packed([])
    for pair in there:
        tried = shipped.packed([*kept, pair])
        if len(tried) <= shipped.LIMIT_BYTES:
            kept, data = [*kept, pair], tried
    (FOLDER / f"{problem}.npz").write_bytes(data)
    return len(data)


def count_traits(problem: Problem) -> dict[str, Any]:
    """Traits of all sizes, those of an unchanged text from the file."""
    counted = {
        s: traits.traits(problem, s) or traits.count(problem.reference, problem.at(s))
        for s in problem.sizes
    }
    return {
        "text": problem.reference.hash,
        "sizes": {size_text(s): t.as_dict() for s, t in counted.items()},
    }


def write_traits(found: dict[str, Any]) -> None:
    """Write traits.json anew, problems in the order of their names."""
    everything = {**traits.shipped(), **found}
    ours = {name: everything[name] for name in sorted(everything) if name in registry.problems()}
    text = json.dumps(ours, indent=1, sort_keys=True) + "\n"
    (FOLDER / "traits.json").write_text(text, encoding="utf-8")
    traits.shipped.cache_clear()


def missing(names: list[str]) -> list[str]:
    """What the shipped files lack: problems without a file, or with one of another text."""
    lacking = []
    for name in sorted({c[0] for c in cells(names)}):
        problem = registry.problem(name)
        if not any(shipped.load(name, key(c)) for c in cells([name])):
            lacking.append(f"{name}: no reference of this text is shipped")
        lacking += [
            f"{name}[{size_text(s)}]: no traits"
            for s in problem.sizes
            if traits.traits(problem, s) is None
        ]
    return lacking


def main() -> int:
    """Certify, ship, count; 1 when something is missing or could not be certified."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="problems, * allowed; default: all")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="processes")
    parser.add_argument("--check", action="store_true", help="only say what is missing")
    parser.add_argument(
        "--operations",
        type=float,
        default=float("inf"),
        help="leave out texts with more operations",
    )
    arguments = parser.parse_args()
    if arguments.check:
        lacking = missing(arguments.names)
        print("\n".join(lacking) or "shipped references and traits are those of the present texts")
        return 1 if lacking else 0
    FOLDER.mkdir(exist_ok=True)
    wanted = cells(arguments.names)
    faults = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        names = sorted({c[0] for c in wanted})
        task = progress.add_task("traits", total=len(names))
        for name in names:
            write_traits({name: count_traits(registry.problem(name))})
            progress.advance(task)
        wanted = [c for c in wanted if _operations(c) <= arguments.operations]
        wanted.sort(key=_operations)
        task = progress.add_task("references", total=len(wanted))
        with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
            for done in as_completed([pool.submit(make, c) for c in wanted]):
                cell, seconds, fault = done.result()
                where = f"{cell[0]}[{size_text(cell[1])}]/{cell[2]}"
                if fault:
                    faults.append(f"{where}: {fault}")
                    progress.print(faults[-1])
                elif seconds > 20.0:
                    progress.print(f"{where}: {seconds:.0f} s")
                progress.advance(task)
    for name in names:
        print(f"{name}: {ship(name)} bytes")
    return 1 if faults else 0


def _operations(cell: Cell) -> float:
    problem = registry.problem(cell[0])
    found = traits.traits(problem, cell[1])
    return float("inf") if found is None else found.operations


if __name__ == "__main__":
    sys.exit(main())
