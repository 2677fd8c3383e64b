"""What changed between two runs as Markdown, and how text and tables become Markdown: for logs of continuous integration and pull requests."""

from __future__ import annotations

from collections.abc import Sequence

from adbench.analysis.change import Change
from adbench.analysis.changes import Changes

__all__ = ["changes_table", "plain", "table"]

HEAD = ("case", "change", "change / base", "95 % interval", "processes", "why")
# Longer tables are folded away by nobody: what is the same is counted in the sentence.
MOST = 50


def changes_table(found: Changes, title: str) -> str:
    """A heading, the sentence, a table of what changed, and notes.

    Cases that did not change are counted, not listed; of more than `MOST` changed ones the first are.
    """
    changed = [case for case in found.cases if case.changed]
    parts = [f"### {title}", found.sentence]
    if changed:
        parts.append(table(HEAD, [_line(case) for case in changed[:MOST]]))
    if len(changed) > MOST:
        parts.append(f"{len(changed) - MOST} more changed.")
    if found.only_new:
        parts.append(f"New cases, not compared: {', '.join(map(_code, found.only_new))}")
    parts += found.notes
    return "\n\n".join(parts) + "\n"


def _line(case: Change) -> tuple[str, ...]:
    ratio = "" if case.ratio is None else f"{case.ratio:.3f}"
    interval = "" if case.low is None else f"{case.low:.3f} to {case.high:.3f}"
    processes = f"{case.old_processes} + {case.new_processes}"
    verdict = f"**{case.verdict}**" if case.worse else case.verdict
    return _code(case.case), verdict, ratio, interval, processes, plain(case.why)


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    rows = [head, tuple("---" for _ in head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _code(text: str) -> str:
    return f"`{text}`"


def plain(text: str) -> str:
    """Text that cannot end a cell or begin markup: a message may hold anything."""
    flat = " ".join(text.split())
    for mark in "\\`*_[]<>|":
        flat = flat.replace(mark, "\\" + mark)
    return flat
