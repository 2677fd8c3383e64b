"""The command line: the only place that prints.

One module a group of commands; this one puts them together.
"""

from __future__ import annotations

from typing import Annotated

import typer

from adbench import __version__
from adbench.cli import changes, evaluation, files, history, lists, measuring, pages, serving, show
from adbench.cli.terminal import out, user_errors

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes cut long words off, and brackets would be markup
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Measure every practical way to differentiate a Python function, and read which one to use.",
    epilog="Example: adbench run --preset quick && adbench report",
)
app.add_typer(lists.listing, name="list")
for name, command, example in (
    ("run", measuring.run, measuring.EXAMPLE),
    ("report", pages.report, pages.EXAMPLE),
    ("show", show.show, show.EXAMPLE),
    ("eval", evaluation.evaluate, evaluation.EXAMPLE),
    ("compare", changes.compare, changes.EXAMPLE),
    ("gate", changes.gate, changes.EXAMPLE_GATE),
    ("merge", files.merge, files.EXAMPLE_MERGE),
    ("export", files.export, files.EXAMPLE_EXPORT),
    ("frame", history.frame, history.EXAMPLE),
    ("serve-tool", serving.serve_tool, serving.EXAMPLE),
):
    app.command(name, epilog=f"Example: {example}")(user_errors(command))


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        out.print(f"adbench {__version__}", highlight=False)
        raise typer.Exit


def main() -> None:
    """Entry point of the `adbench` command."""
    app()
