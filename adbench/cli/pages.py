"""``adbench report``: the HTML page of result files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adbench.cli.terminal import say
from adbench.model import UnknownNameError

if TYPE_CHECKING:
    from adbench.harness.store import Run
    from adbench.model import Problem

__all__ = ["EXAMPLE", "newest", "report"]

EXAMPLE = "adbench report laptop.jsonl cluster.jsonl --out both.html"


def report(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Result files; default: the newest under reports/."),
    ] = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Page; default: index.html beside the first file.")
    ] = None,
    versus: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            help="Two tools or methods to compare instead of JAX and Numba, as torch-compile,jax-reverse; "
            "several on one side are joined by +.",
        ),
    ] = "",
    markdown: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the content as Markdown too, for a log or a pull request."
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the tables as CSV files into this folder too."),
    ] = None,
    asv: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="asv's results_dir, .asv/results by default: adds times in units of an earlier commit's.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="COMMIT",
            help="That commit, such as the last release's; default with --asv: the newest there.",
        ),
    ] = None,
    steps: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Add the error of finite differences against their step, from the curve.jsonl that "
            "nox -s v-curve writes.",
        ),
    ] = None,
    history: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Link to the history of these cases, such as the site that asv publish makes: an address "
            "or a path from the page.",
        ),
    ] = "",
) -> None:
    """Make one self-contained HTML page of result files, and print the verdict.

    Machines, numbers of threads, devices, and runs of one machine with different versions or settings
    are parts of their own; they are never pooled.
    """
    from adbench.analysis.steps import read_steps
    from adbench.harness import store
    from adbench.report import write

    paths = files or [_newest()]
    page = out_file or paths[0].with_name("index.html")
    runs = [store.load(path) for path in paths]
    pairs = [(run.header, run.lines) for run in runs]
    earlier = _since(runs, asv, since) if asv is not None or since is not None else None
    curves = None if steps is None else read_steps(steps)
    said = write(
        pairs,
        page,
        versus,
        _texts(runs),
        earlier,
        steps=curves,
        stresses=_stresses(runs),
        history=history,
    )
    for name, verdict in said.items():
        say(f"{name}: {verdict.sentence}" if len(said) > 1 else verdict.sentence)
    say(str(page.resolve()))
    _extras(pairs, versus, markdown, csv)


def _extras(runs: list[Any], versus: str, text: Path | None, folder: Path | None) -> None:
    """The page's content once more, as Markdown and as CSV."""
    from adbench.analysis.export import write_frame
    from adbench.report import frames, markdown

    if text is not None:
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(markdown(runs, versus), encoding="utf-8")
        say(str(text.resolve()))
    if folder is not None:
        for name, frame in frames(runs, versus).items():
            write_frame(frame, folder / f"{name}.csv")
            say(str((folder / f"{name}.csv").resolve()))


def _since(runs: Sequence[Run], folder: Path | None, commit: str | None) -> Any:
    """The runs' times in units of those of a commit in asv's history."""
    from adbench.analysis.asv_results import read_asv
    from adbench.analysis.since import of_runs

    history = read_asv(folder or Path(".asv/results"))
    return of_runs(history, runs, commit)


def _texts(runs: Sequence[Run]) -> dict[str, str]:
    """Function texts of the problems that were measured, by their hash, as they stand today."""
    return {form.hash: form.text for p in _problems(runs) for form in p.forms}


def _stresses(runs: Sequence[Run]) -> dict[str, frozenset[str]]:
    """What each of the problems stresses, its chain of operations counted at the smallest size: at the
    largest even a plain sum is a long one.
    """
    from adbench.reference import traits

    return {
        p.name: traits.words(p) - ({"long-chain"} if traits.first(p).chain < traits.LONG else set())
        for p in _problems(runs)
    }


def _problems(runs: Sequence[Run]) -> list[Problem]:
    """The problems that were measured, of those that are known here."""
    from adbench import registry

    measured = {line["problem"] for run in runs for line in run.results}
    return [p for name, p in registry.problems().items() if name in measured]


def newest() -> Path | None:
    """The result file under ``reports/`` that was written last; None without any."""
    found = sorted(Path("reports").glob("*/results.jsonl"), key=lambda p: p.stat().st_mtime)
    return found[-1] if found else None


def _newest() -> Path:
    found = newest()
    if found is None:
        raise UnknownNameError(
            "no result file under reports/; make one with: adbench run --preset quick"
        )
    return found
