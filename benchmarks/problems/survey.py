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

    python benchmarks/problems/survey.py run --out build/conformance.jsonl --past-gaps --limit-s 10 \
        --budget-min 30
    python benchmarks/problems/survey.py conformance build/conformance.jsonl --out docs/conformance.md

With `--past-gaps`, what a method says it cannot do is tried all the same: `conformance` lists a declared gap that
works as an error. With `--budget-min` methods take turns, each with a fair share of the minutes left,
operators and problems mixed; what was not reached is told, and the same command goes on with it.
"""

from __future__ import annotations

import argparse
import json
import math
import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

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
from survey_conformance import conformance, unkept
from survey_judged import computed
from survey_tables import document, read

from adbench import registry
from adbench.harness import machine
from adbench.harness.plan import PRESETS, Preset, Row
from adbench.harness.process import Limits, Worker
from adbench.model import Method, Outcome
from adbench.reference.truth import UncertifiedError

__all__ = ["main"]

QUIET = (Outcome.OK, Outcome.UNSUPPORTED, Outcome.UNAVAILABLE)
MEMORY = 4 * 10**9
# Of a method with cases left, when minutes are shared: less would go into imports.
LEAST_TURN_S = 10.0


@dataclass
class Survey:
    """The file, the bar, and the threads that take methods one after another."""

    out: Path
    preset: Preset
    past_gaps: bool
    ends_at: float
    bar: Progress
    task: TaskID
    left: queue.Queue[tuple[str, list[Row]]]
    stopped: threading.Event = field(default_factory=threading.Event)
    writing: threading.Lock = field(default_factory=threading.Lock)
    workers: list[Worker] = field(default_factory=list)

    def work(self) -> None:
        """Compute the cases of methods until none is left; each method in a worker of its own.

        A method that has used its share of the time takes its next turn after all others.
        """
        while not self.stopped.is_set():
            try:
                name, wanted = self.left.get_nowait()
            except queue.Empty:
                return
            worker = Worker(None)
            self.workers.append(worker)
            left_s = self.ends_at - time.monotonic()
            turn_s = max(LEAST_TURN_S, left_s / (2.0 * (1 + self.left.qsize())))
            try:
                rest = self.method(registry.method(name), wanted, worker, min(turn_s, left_s))
            finally:
                worker.end()
            if rest and time.monotonic() < self.ends_at:
                self.left.put((name, rest))

    def method(self, method: Method, wanted: list[Row], worker: Worker, turn_s: float) -> list[Row]:
        """The cases of one method that `turn_s` seconds are enough for; those that are left."""
        began = time.monotonic()
        for done, row in enumerate(wanted):
            if time.monotonic() - began >= turn_s:
                return wanted[done:]
            self.bar.update(self.task, description=row.case(method).id)
            try:
                line = computed(row, method, worker, self.preset, self.past_gaps)
            except (ArithmeticError, MemoryError, TypeError, ValueError, UncertifiedError) as e:
                self.bar.print(f"{row.case(method).id}: no line: {type(e).__name__}: {e}")
                continue
            if self.stopped.is_set():  # its worker was ended under its hands
                return []
            self.write(line)
        return []

    def write(self, line: dict[str, Any]) -> None:
        """Append a line; say what did not go as promised."""
        with self.writing, self.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.bar.advance(self.task)
        if Outcome.from_label(line["outcome"]) not in QUIET and not line["gap"]:
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
            if line is None or _stale(line, row, method) or _word(line) in asked.again:
                lacking.append(row)
        if lacking:
            yield name, lacking


def _stale(line: Mapping[str, Any], row: Row, method: Method) -> bool:
    """Whether the line comes from other texts or other versions (old lines know no versions)."""
    now = machine.versions_of(method)
    return bool(line["texts"] != texts(row, method) or line.get("versions", now) != now)


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
        ends_at = time.monotonic() + 60.0 * asked.budget_min
        survey = Survey(asked.out, preset, asked.past_gaps, ends_at, bar, task, left)
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
    _put(document(read(asked.file)), asked.out)
    return 0


def conform(asked: argparse.Namespace) -> int:
    """Write the table of conformance; 1 where a method does not keep what it says."""
    lines = read(asked.file)
    _put(conformance(lines), asked.out)
    broken = unkept(lines.values())
    for line in broken:
        works = f"works, and is declared a gap: {line['gap']}"
        said = works if line["outcome"] == "ok" else line["message"]
        sys.stderr.write(f"{line['id']}: {line['outcome']}: {said}\n")
    return 1 if broken else 0


def _put(text: str, out: Path | None) -> None:
    if out:
        out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


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
    first.add_argument("--past-gaps", action="store_true", help="try declared gaps too")
    first.add_argument(
        "--budget-min", type=float, default=math.inf, help="minutes, shared by the methods (no end)"
    )
    for name, call, what in (
        ("table", table, "Markdown of what was found"),
        ("conformance", conform, "methods by operators: ok, gap, failed; 1 unless all is kept"),
    ):
        more = commands.add_parser(name, help=what)
        more.set_defaults(call=call)
        more.add_argument("file", type=Path, help=".jsonl or .jsonl.gz")
        more.add_argument("--out", type=Path, help="file to write; default: the terminal")
    return made


def main(words: Sequence[str] | None = None) -> int:
    """The script."""
    asked = parser().parse_args(words)
    return int(asked.call(asked))


if __name__ == "__main__":
    sys.exit(main())
