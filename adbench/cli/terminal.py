"""What all commands share: where they print, how they fail, tables and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

__all__ = ["Filters", "Json", "note", "out", "print_json", "say", "table", "user_errors"]

out = Console()
err = Console(stderr=True)
# for files and logs of continuous integration, where nothing must be folded
wide = Console(width=200)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Filters = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILTER",
        help="Problems, methods, operators or 'problem[size]/operator/method'; '*', '?' and '{a,b}' "
        "match as in a shell. Quote them.",
        show_default=False,
    ),
]


def user_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Turn errors that a user can mend into one line and exit code 2."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (ValueError, OSError) as error:
            err.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
            raise typer.Exit(2) from None

    return guarded


def say(message: str) -> None:
    """A line of the answer, to standard output."""
    out.print(message, highlight=False, markup=False, soft_wrap=True)


def note(message: str) -> None:
    """A line about the work, to standard error."""
    err.print(message, highlight=False, markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """A value as JSON that strict readers take."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


def table(title: str, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """A table to standard output."""
    drawn = Table(
        title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for line in lines:
        drawn.add_row(*(escape(cell) for cell in line))
    (out if out.is_terminal else wide).print(drawn)
