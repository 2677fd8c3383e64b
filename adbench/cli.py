"""The command line: the only place that prints."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from adbench import __version__, registry
from adbench.model import Case, UnknownNameError, size_text

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Measure every practical way to differentiate a Python function, and read which one to use.",
)
listing = typer.Typer(no_args_is_help=True, help="List problems, methods or cases.")
app.add_typer(listing, name="list")

out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print a JSON list instead of a table.")]
Filters = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILTER]...",
        help="Problems, methods, operators or 'problem[size]/operator/method'; '*', '?' and '{a,b}' "
        "match as in a shell. Quote them.",
        show_default=False,
    ),
]


def _complain(message: str) -> None:
    err.print(f"[bold red]error:[/] {escape(message)}", highlight=False, soft_wrap=True)


def _user_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Turn errors that a user can mend into one line and exit code 2."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (ValueError, OSError) as error:
            _complain(str(error))
            raise typer.Exit(2) from None

    return guarded


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        out.print(f"adbench {__version__}", highlight=False)
        raise typer.Exit


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


def _table(title: str, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    table = Table(
        title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*(escape(cell) for cell in line))
    out.print(table)


def _chosen(names: Sequence[str] | None, kind: str, known: Sequence[str]) -> list[str]:
    """Names that match any pattern; raises UnknownNameError for a pattern without a match."""
    from adbench.harness.plan import glob_match

    if not names:
        return list(known)
    found: list[str] = []
    for pattern in names:
        hits = [name for name in known if glob_match(pattern, name)]
        if not hits:
            raise UnknownNameError(registry.did_you_mean(kind, pattern, known))
        found += [h for h in hits if h not in found]
    return found


@listing.command("problems")
@_user_errors
def list_problems(names: Filters = None, as_json: Json = False) -> None:
    """List the test functions, their sizes, operators and forms."""
    table = registry.problems()
    chosen = [table[n] for n in _chosen(names, "problem", list(table))]
    described: list[dict[str, Any]] = [
        {
            "name": p.name,
            "summary": p.summary,
            "sizes": [size_text(s) for s in p.sizes],
            "operators": [o.value for o in p.operators],
            "forms": [f.name for f in p.forms],
            "traits": sorted(p.traits),
        }
        for p in chosen
    ]
    if as_json:
        _print_json(described)
        return
    lines = [
        (
            d["name"],
            d["summary"],
            *(", ".join(d[k]) for k in ("sizes", "operators", "forms")),
        )
        for d in described
    ]
    _table("Problems", ("problem", "what it is", "sizes", "operators", "forms"), lines)


@listing.command("methods")
@_user_errors
def list_methods(names: Filters = None, as_json: Json = False) -> None:
    """List every method, installed or not, with the reason when it cannot run here."""
    table = registry.methods()
    described: list[dict[str, Any]] = []
    for name in _chosen(names, "method", list(table)):
        m = table[name]
        reason = registry.reason_unavailable(m)
        described.append(
            {
                "name": m.name,
                "summary": m.summary,
                "tool": m.tool,
                "mode": m.mode,
                "reads": list(m.reads),
                "operators": [o.value for o in m.operators],
                "exact": not m.rtol,
                "available": reason is None,
                "reason": reason,
            }
        )
    if as_json:
        _print_json(described)
        return
    lines = [
        (d["name"], d["summary"], d["tool"], d["mode"], d["reason"] or "yes") for d in described
    ]
    _table("Methods", ("method", "what it is", "tool", "mode", "available"), lines)


@listing.command("cases")
@_user_errors
def list_cases(
    filters: Filters = None,
    preset: Annotated[str, typer.Option(help="quick, smoke, standard or full.")] = "full",
    as_json: Json = False,
) -> None:
    """List case ids: what `run` would measure and `eval` takes."""
    from adbench.harness.plan import cases

    found = cases(filters or (), preset)
    if as_json:
        described = [
            {
                "id": c.id,
                "problem": c.problem,
                "size": size_text(c.size),
                "operator": c.operator,
                "method": c.method,
            }
            for c in found
        ]
        _print_json(described)
        return
    for case in found:
        out.print(case.id, highlight=False, markup=False)


class _Bar:
    """A progress bar with the case in hand and the time left."""

    def __init__(self) -> None:
        self.bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=err,
            refresh_per_second=4,
        )
        self.task = self.bar.add_task("starting")

    def total(self, cells: int) -> None:
        self.bar.update(self.task, total=cells)

    def case(self, name: str) -> None:
        self.bar.update(self.task, description=name)

    def done(self, line: dict[str, Any]) -> None:
        self.bar.advance(self.task)
        if line["outcome"] in ("wrong", "nan", "failed", "timed out", "out of memory", "crashed"):
            text = f"{line['id']}: {line['outcome']}: {line['message']}"
            self.bar.console.print(text, highlight=False, markup=False, soft_wrap=True)


@app.command()
@_user_errors
def run(
    filters: Filters = None,
    preset: Annotated[str, typer.Option(help="quick, smoke, standard or full.")] = "quick",
    out_file: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Result file; default: reports/DATE-MACHINE-PRESET/results.jsonl."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random order of measurements.")] = 31337,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin the result file anew.")] = False,
    time_limit: Annotated[
        float | None,
        typer.Option(help="Seconds a case may take in one process, instead of the preset's."),
    ] = None,
    memory_limit: Annotated[
        float | None, typer.Option(help="Resident GB a case may use, instead of the preset's.")
    ] = None,
) -> None:
    """Measure; a rerun with the same --out continues where the last one stopped."""
    from adbench.harness import plan, store
    from adbench.harness import run as harness

    chosen = plan.preset(preset).with_limits(time_limit, memory_limit)
    rows = plan.rows(chosen, filters or ())
    path = out_file or _default_out(chosen.name)
    if fresh:
        store.discard(path)
    _note(f"results go to {path}")
    bar = _Bar()
    try:
        with bar.bar:
            summary = harness.run(rows, chosen, path, bar, seed)
    except KeyboardInterrupt:
        options = {"--preset": preset, "--out": path, "--seed": seed}
        options |= {"--time-limit": time_limit, "--memory-limit": memory_limit}
        given = [str(w) for o, v in options.items() if v is not None for w in (o, v)]
        again = shlex.join(["adbench", "run", *(filters or ()), *given])
        _note(f"\nstopped; every finished result is in {path}. Continue with:\n  {again}")
        raise typer.Exit(130) from None
    counts = ", ".join(f"{n} {label}" for label, n in sorted(summary.outcomes.items()))
    _note(
        f"{summary.measured} new results ({counts or 'none'}), {summary.resumed} were there already"
    )
    if summary.left:
        _note(
            f"{summary.left} results left out: they do not fit into the {chosen.budget_s:.0f} s of preset "
            f"'{chosen.name}'. The same command again continues with them."
        )
    _note(f"now: adbench report {shlex.quote(str(path))}")


def _note(message: str) -> None:
    err.print(message, highlight=False, markup=False, soft_wrap=True)


def _default_out(preset: str) -> Path:
    from adbench.harness.machine import short_name
    from adbench.harness.stopwatch import now

    day = now().partition("T")[0]
    return Path("reports") / f"{day}-{short_name()}-{preset}" / "results.jsonl"


@app.command()
@_user_errors
def report(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...", help="Result files; default: the newest under reports/."
        ),
    ] = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Page; default: index.html beside the first file.")
    ] = None,
) -> None:
    """Make one self-contained HTML page of result files, and print the verdict."""
    from adbench.harness import store
    from adbench.report import write

    paths = files or [_newest()]
    page = out_file or paths[0].with_name("index.html")
    verdict = write([store.read(path) for path in paths], page)
    out.print(verdict.sentence, highlight=False, markup=False, soft_wrap=True)
    out.print(str(page.resolve()), highlight=False, markup=False, soft_wrap=True)


def _newest() -> Path:
    found = sorted(Path("reports").glob("*/results.jsonl"), key=lambda p: p.stat().st_mtime)
    if not found:
        raise UnknownNameError(
            "no result file under reports/; make one with: adbench run --preset quick"
        )
    return found[-1]


@app.command("eval")
@_user_errors
def evaluate(
    case: Annotated[
        str, typer.Argument(help="A case id, such as 'rosenbrock[10]/gradient/jax-reverse'.")
    ],
    at: Annotated[
        Path | None,
        typer.Option(help="JSON file with a list of numbers: x, instead of the problem's."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    time_limit: Annotated[float, typer.Option(help="Seconds the method may take.")] = 60.0,
) -> None:
    """Print the derivative that a method computes, and its error against the certified reference."""
    from adbench.harness.process import Limits
    from adbench.harness.run import evaluate as compute

    found = compute(Case.parse(case), _numbers(at) if at else None, Limits(time_limit, 4 * 10**9))
    accuracy = found.accuracy.as_dict() if found.accuracy is not None else {}
    described = {
        "case": found.case.id,
        "outcome": found.outcome.label,
        "message": found.message,
        "x": found.point.x.tolist(),
        "result": _nested(found.result),
        "reference": _reference(found.reference),
        "error_rel": _number(accuracy.get("error_rel")),
        "error_ulp": _number(accuracy.get("error_ulp")),
        "kappa": _number(accuracy.get("kappa")),
        "versions": found.versions,
    }
    if as_json:
        _print_json(described)
    else:
        _table(found.case.id, ("", ""), [(k, str(v)) for k, v in described.items() if k != "case"])
    if not found.outcome.ran:
        raise typer.Exit(1)


def _reference(reference: Any) -> Any:
    """Decimal strings in the shape of the result; by flat index where only a sample is certified."""
    if reference is None:
        return None
    digits = list(reference.decimals())
    if reference.elements is not None:
        return dict(zip(map(str, reference.elements), digits, strict=True))
    for length in reversed(reference.shape[1:]):
        digits = [digits[i : i + length] for i in range(0, len(digits), length)]
    return digits if reference.shape else digits[0]


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _nested(value: Any) -> Any:
    """Lists of numbers; what JSON cannot say (NaN, infinity) becomes null."""
    if value is None:
        return None
    listed = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(listed, list):
        return [_nested(v) for v in listed]
    return _number(listed)


def _numbers(path: Path) -> list[float]:
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise UnknownNameError(
            f"--at {path}: {error.strerror}; give a JSON file with a list of numbers"
        ) from None
    except ValueError as error:
        raise UnknownNameError(f"--at {path} is not JSON: {error}") from None
    plain = (
        isinstance(values, list)
        and values
        and all(
            isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < 1e308
            for v in values
        )
    )
    if not plain:
        raise UnknownNameError(
            f"--at {path}: expected a JSON list of finite numbers, like [1.2, -0.2]"
        )
    return [float(v) for v in values]


def main() -> None:
    """Entry point of the `adbench` command."""
    app()
