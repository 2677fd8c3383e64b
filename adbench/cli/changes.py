"""``adbench compare``: what changed between two runs, for people and for continuous integration."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from adbench.cli.options import Budget, Fresh
from adbench.cli.terminal import Filters, Json, note, print_json, say, table

__all__ = ["EXAMPLE", "EXAMPLE_GATE", "compare", "gate"]

EXAMPLE = "adbench compare main.jsonl branch.jsonl --json"
EXAMPLE_GATE = "git worktree add ../base main && adbench gate ../base --markdown gate.md"


def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Result file to compare with.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Result file of the change.")],
    everything: Annotated[
        bool, typer.Option("--all", help="List every case, not only those that changed.")
    ] = False,
    as_json: Json = False,
    across_machines: Annotated[
        bool,
        typer.Option("--across-machines", help="Compare runs of two machines, one machine a file."),
    ] = False,
) -> None:
    """Compare two runs case by case: NEW's time divided by OLD's, answers and outcomes.

    Exit code 0: nothing got worse. 1: a case got slower beyond the noise floor, lost accuracy or no
    longer runs. 2: the files cannot be compared.
    """
    from adbench.analysis.changes import changes
    from adbench.harness import store

    found = changes(store.load(old), store.load(new), across_machines)
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found, everything)
    if found.regressions:
        raise typer.Exit(1)


def gate(
    base: Annotated[
        Path, typer.Argument(metavar="BASE", help="Checkout of the state to compare with.")
    ],
    filters: Filters = None,
    out_file: Annotated[
        Path, typer.Option("--out", help="Result file; one that exists is continued.")
    ] = Path("reports/gate/results.jsonl"),
    fresh: Fresh = False,
    budget: Budget = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write what changed as Markdown into this file.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List every case, not only those that changed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure this adbench and that of BASE in turns, block by block, and say what got worse.

    Exit code 0: nothing got worse. 1: a case got slower beyond the noise floor, lost accuracy or no
    longer runs. 2: BASE is no checkout, or nothing could be compared. 130: stopped; the same command
    goes on.
    """
    from adbench.analysis.gate import gate as judged
    from adbench.cli.measuring import local, measured, seconds
    from adbench.harness import plan, store
    from adbench.harness.run import Settings
    from adbench.report.markdown import changes_table

    settings = Settings(base=base, budget_s=None if budget is None else seconds(budget))
    rows = plan.rows(plan.GATE, filters or plan.GATED)
    if fresh:
        store.discard(out_file)
    words = ["adbench", "gate", str(base), *(filters or ()), "--out", str(out_file)]
    again = shlex.join([*words, *(("--budget", budget) if budget else ())])
    measured(local(), rows, plan.GATE, out_file, 31337, settings, again)
    found = judged(store.load(out_file))
    if markdown is not None:
        markdown.write_text(changes_table(found, f"adbench against {base}"), encoding="utf-8")
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found, everything)
    if found.regressions:
        raise typer.Exit(1)


def _show(found: Any, everything: bool) -> None:
    for sentence in found.notes:
        note(sentence)
    shown = [case for case in found.cases if everything or case.changed]
    if shown:
        columns = ("case", "change", "NEW / OLD", "95 % interval", "processes", "why")
        table("Changes", columns, [_line(case) for case in shown])
    say(found.sentence)


def _line(case: Any) -> tuple[str, ...]:
    ratio = "" if case.ratio is None else f"{case.ratio:.3f}"
    interval = "" if case.low is None else f"{case.low:.3f} to {case.high:.3f}"
    processes = f"{case.old_processes} + {case.new_processes}"
    return case.case, case.verdict, ratio, interval, processes, case.why
