"""What a run shows while it measures: the case in hand, the time left, failures as they come."""

from __future__ import annotations

from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from adbench.cli.terminal import err, note

__all__ = ["Bar"]

SHOWN = ("wrong", "nan", "failed", "timed out", "out of memory", "crashed")


class Bar:
    """A progress bar; the harness tells it what happens (``harness.run.Progress``)."""

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
        self.task = self.bar.add_task("starting", total=None)

    def total(self, cells: int) -> None:
        """How many cells there are, those of this run that are done included; may change."""
        self.bar.update(self.task, total=cells)

    def case(self, name: str) -> None:
        """What is being measured now."""
        self.bar.update(self.task, description=name)

    def note(self, message: str) -> None:
        """A line that stays above the bar: a forecast, a warning."""
        note(message)

    def done(self, line: dict[str, Any]) -> None:
        """A result was written; what failed is said at once."""
        self.bar.advance(self.task)
        if line["outcome"] in SHOWN:
            note(f"{line['id']}: {line['outcome']}: {line['message']}")
