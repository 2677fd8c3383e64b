"""Every problem by every method, computed once and judged against the certified truth: no timing.

    python benchmarks/problems/survey.py run --out build/survey.jsonl            # first sizes
    python benchmarks/problems/survey.py run --out build/survey.jsonl --sizes two --jobs 2
    python benchmarks/problems/survey.py run --out build/survey.jsonl --problems lse 'ode*' \
        --methods 'jax-*' --again wrong failed                                   # some of it anew
    python benchmarks/problems/survey.py table build/survey.jsonl --out build/problems.md

`run` appends one JSON line a case: outcome and sentence, form, errors and the condition number (the
fields of `adbench.reference.accuracy.Accuracy`), and `worst_scaled`, the worst certified element in
ulp of max(|g|, s), which is what the judge holds exact methods to 100 of. Cases that the file holds
for the same texts are skipped, so a run that was broken off goes on, and Ctrl-C loses nothing but the
case in hand. Every method has one worker process for all its cases. A size whose text has more
operations than `--max-reference` is left out unless its truth is at hand: to certify it may take
minutes to hours. `table` makes Markdown of the file (.jsonl or .jsonl.gz): worst errors of exact
methods by problem with their explanation, outcomes by method, failures with their sentences, and how
far the value of each form is from the truth.
"""

from __future__ import annotations

import argparse
import json
import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from survey_cases import SIZES, rows, texts
from survey_tables import document, read

from adbench import registry
from adbench.harness.cell import Cell
from adbench.harness.plan import PRESETS, Preset, Row, decided
from adbench.harness.process import Failure, Limits, Worker
from adbench.model import Method, Outcome, Point
from adbench.reference.accuracy import errors
from adbench.reference.record import Reference
from adbench.reference.truth import UncertifiedError, certified

__all__ = ["main"]

QUIET = (Outcome.OK, Outcome.UNSUPPORTED, Outcome.UNAVAILABLE)
MEMORY = 4 * 10**9
# Certifying sets the precision of a library for the whole process.
TRUTH = threading.Lock()


class JudgedCell(Cell):
    """A cell whose answers are judged while no other thread certifies."""

    def _judge(self, result: Any, point: Point) -> None:
        with TRUTH:
            super()._judge(result, point)


def computed(row: Row, method: Method, worker: Worker, preset: Preset) -> dict[str, Any]:
    """One case, computed once and judged: its line."""
    began = time.perf_counter()
    cell = JudgedCell(row, method, worker, 0, False, preset)
    point = row.problem.at(row.size)
    outcome, message = decided(row, method) or (Outcome.OK, "")
    if outcome is Outcome.OK:
        try:
            cell.begin(point)
        except Failure as failure:
            outcome, message = failure.outcome, failure.message
    form = method.form(row.problem)
    line: dict[str, Any] = {
        "id": row.case(method).id,
        "outcome": outcome.label,
        "message": message,
        "form": form.name if form else "",
        "texts": texts(row, method),
        "n": len(point.x),
        "rtol": method.rtol.get(row.operator),
        "seconds": round(time.perf_counter() - began, 3),
    }
    if cell.verdict and cell.verdict.accuracy:
        line["accuracy"] = cell.verdict.accuracy.as_dict()
        line["worst_scaled"] = scaled(cell.answer, row, point)
    return line


def scaled(answer: Any, row: Row, point: Point) -> float:
    """The worst certified element, in ulp of max(|g|, s)."""
    with TRUTH:
        truth: Reference = certified(row.problem, row.size, row.operator, point)
    size = np.maximum(np.abs(truth.hi), truth.sensitivity)
    with np.errstate(over="ignore"):
        worst = np.abs(errors(answer, truth)) / np.maximum(size, np.finfo(np.float64).tiny)
        in_ulp = np.max(worst, initial=0.0) * np.float64(2.0**52)
    return float(min(in_ulp, np.finfo(np.float64).max))


@dataclass
class Survey:
    """The file, the bar, and the threads that take methods one after another."""

    out: Path
    preset: Preset
    bar: Progress
    task: TaskID
    left: queue.Queue[tuple[str, list[Row]]]
    stopped: threading.Event = field(default_factory=threading.Event)
    writing: threading.Lock = field(default_factory=threading.Lock)
    workers: list[Worker] = field(default_factory=list)

    def work(self) -> None:
        """Compute the cases of methods until none is left; each method in a worker of its own."""
        while not self.stopped.is_set():
            try:
                name, wanted = self.left.get_nowait()
            except queue.Empty:
                return
            worker = Worker(None)
            self.workers.append(worker)
            try:
                self.method(registry.method(name), wanted, worker)
            finally:
                worker.end()

    def method(self, method: Method, wanted: list[Row], worker: Worker) -> None:
        """The cases of one method."""
        for row in wanted:
            self.bar.update(self.task, description=row.case(method).id)
            try:
                line = computed(row, method, worker, self.preset)
            except (ArithmeticError, MemoryError, TypeError, ValueError, UncertifiedError) as e:
                self.bar.print(f"{row.case(method).id}: no line: {type(e).__name__}: {e}")
                continue
            if self.stopped.is_set():  # its worker was ended under its hands
                return
            self.write(line)

    def write(self, line: dict[str, Any]) -> None:
        """Append a line; say what did not go as promised."""
        with self.writing, self.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.bar.advance(self.task)
        if Outcome.from_label(line["outcome"]) not in QUIET:
            self.bar.print(f"{line['id']}: {line['outcome']}: {line['message']}", markup=False)

    def stop(self) -> None:
        """End the workers, which ends the threads."""
        self.stopped.set()
        for worker in self.workers:
            worker.end()


def missing(asked: argparse.Namespace) -> Iterator[tuple[str, list[Row]]]:
    """Methods with the cases that the file lacks, or that are asked for again."""
    held = read(asked.out) if asked.out.exists() else {}
    for name, wanted in rows(asked).items():
        method, lacking = registry.method(name), []
        for row in wanted:
            line = held.get(row.case(method).id)
            held_well = line is not None and line["texts"] == texts(row, method)
            if line is None or not held_well or _word(line) in asked.again:
                lacking.append(row)
        if lacking:
            yield name, lacking


def _word(line: Mapping[str, Any]) -> str:
    return str(line["outcome"]).replace(" ", "-")


def run(asked: argparse.Namespace) -> int:
    """Compute what the file lacks; 130 after Ctrl-C."""
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    left: queue.Queue[tuple[str, list[Row]]] = queue.Queue()
    found = list(missing(asked))
    for item in found:
        left.put(item)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    preset = replace(PRESETS["standard"], limits=Limits(asked.limit_s, MEMORY))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=sum(len(wanted) for _, wanted in found))
        survey = Survey(asked.out, preset, bar, task, left)
        threads = [threading.Thread(target=survey.work) for _ in range(asked.jobs)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            survey.stop()
            for thread in threads:
                thread.join()
            return 130
    return 0


def table(asked: argparse.Namespace) -> int:
    """Write the tables."""
    text = document(read(asked.file))
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    raw = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    commands = made.add_subparsers(required=True)
    first = commands.add_parser("run", help="compute and judge what the file lacks")
    first.set_defaults(call=run)
    first.add_argument("--out", type=Path, required=True, help="JSON lines, appended to")
    for what in ("problems", "methods", "operators"):
        first.add_argument(f"--{what}", nargs="*", default=[], help="only these; * and ? allowed")
    first.add_argument("--sizes", choices=SIZES, default="first", help="standard sizes (first)")
    first.add_argument("--limit-s", type=float, default=30.0, help="seconds of a case (30)")
    first.add_argument("--max-reference", type=float, default=1.2e6, help="operations (1.2e6)")
    first.add_argument("--jobs", type=int, default=1, help="methods at a time (1)")
    first.add_argument(
        "--again", nargs="*", default=[], metavar="OUTCOME",
        help="compute held cases of these outcomes anew (wrong, failed, timed-out ...)",
    )  # fmt: skip
    second = commands.add_parser("table", help="Markdown of what was found")
    second.set_defaults(call=table)
    second.add_argument("file", type=Path, help=".jsonl or .jsonl.gz")
    second.add_argument("--out", type=Path, help="file to write; default: the terminal")
    return made


def main(words: Sequence[str] | None = None) -> int:
    """The script."""
    asked = parser().parse_args(words)
    return int(asked.call(asked))


if __name__ == "__main__":
    sys.exit(main())
