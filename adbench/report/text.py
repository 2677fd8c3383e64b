"""The page as Markdown: the same answers and tables for logs of continuous integration and pull requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adbench.report import answer, beside, circumstances, tables, winmap
from adbench.report.facts import Book, Facts, Run, gather
from adbench.report.markdown import plain, table
from adbench.report.provenance import provenance

__all__ = ["markdown"]

# Column -> its place in a line, of each list.
COMPARED = {
    "row": "row", "{first} method": "first", "{second} method": "second", "ratio": "ratio",
    "interval": "interval", "processes": "processes", "decision": "decision",
}  # fmt: skip
TURNS = {
    "problem": "case", "faster below": "below", "size, about": "size", "interval": "interval",
    "covers": "level", "faster above": "above",
}  # fmt: skip
STARTS = {
    "row": "row", "{first} method": "first", "{first} first answer": "first_start",
    "{second} method": "second", "{second} first answer": "second_start",
    "cheaper in all": "calls", "interval": "calls_interval",
}  # fmt: skip
METHODS = {
    "row": "row", "method": "method", "time per call": "time", "slowdown": "times",
    "first answer": "start", "error by norm (ulp)": "ulp", "worst element (ulp)": "worst",
    "processes": "processes", "notes": "notes",
}  # fmt: skip
FAILED = {
    "case": "id", "outcome": "outcome", "processes": "processes", "what it means": "sentence",
    "message": "message",
}  # fmt: skip
ABSENT = {"method": "method", "outcome": "outcome", "reason": "reason", "cases": "cases"}
SIDE_BY_SIDE = {
    "measured": "label", "faster overall": "ratio", "interval": "interval", "{first} wins": "first",
    "{second} wins": "second", "ties": "ties", "undecided": "undecided", "margin": "margin",
}  # fmt: skip
CHANGED = {
    "case": "case", "change": "verdict", "later / earlier": "ratio", "95 % interval": "interval",
    "processes": "processes", "why": "why",
}  # fmt: skip


def markdown(runs: Sequence[Run], versus: str = "") -> str:
    """The content of the page of `runs`, without its charts; the same runs give the same text.

    Raises
    ------
    ReportError, ValueError
        As `page.write`.
    """
    book = gather(runs, versus)
    return "\n\n".join(_book(book)) + "\n"


def _book(book: Book) -> Iterator[str]:
    question = " vs ".join(map(plain, book.pair.names.values()))
    yield f"# {question}: which should I use, for my function, on my machine?"
    several = len(book.parts) > 1
    if several:
        yield from _list(
            "The answers side by side", beside.answers(book), SIDE_BY_SIDE, book.parts[0]
        )
        yield from _changes(book)
    for part in book.parts:
        if several:
            yield f"## {plain(part.label)}"
        yield from _part(part)


def _changes(book: Book) -> Iterator[str]:
    for found in beside.changes_list(book):
        yield f"### What changed from {plain(found['old'])} to {plain(found['new'])}"
        if found["why_not"]:
            yield f"No comparison of single cases: {plain(found['why_not'])}."
            continue
        yield plain(f"{found['sentence']}.")
        yield from (plain(note) for note in found["notes"])
        yield from _list("", found["lines"], CHANGED, book.parts[0])


def _part(facts: Facts) -> Iterator[str]:
    warning = circumstances.warning(facts)
    if warning:
        yield f"> {plain(warning)}"
    yield f"**{plain(facts.verdict.sentence)}**"
    if facts.verdict.pair_sentence:
        yield plain(facts.verdict.pair_sentence)
    cards = answer.cards(facts)
    if cards:
        yield "\n".join(
            f"- **{plain(c['head'])}** {plain(c['what'])} ({plain(c['why'])})" for c in cards
        )
    yield "\n".join(f"- {name}: {plain(text)}" for name, text in provenance(facts))
    for view in winmap.views(facts):
        yield f"### Win map: {view['name'].lower()}"
        yield plain(f"{view['about'][0].upper()}{view['about'][1:]} {view['sentence']}")
        yield _map(view["board"])
    yield from _list("Every comparison", winmap.comparisons(facts), COMPARED, facts)
    yield from _list("Where the faster one changes", tables.crossover_list(facts), TURNS, facts)
    yield from _list("Is compiling worth it?", tables.start_list(facts), STARTS, facts)
    yield from _list("All methods", tables.method_list(facts), METHODS, facts)
    yield from _list("Failures", tables.failure_list(facts), FAILED, facts)
    yield from _list("Not offered or not installed", tables.absence_list(facts), ABSENT, facts)


def _map(board: Mapping[str, Any]) -> str:
    head = ["problem", *(["size, small to large"] + [""] * (board["width"] - 1))]
    lines = []
    for row in board["rows"]:
        cells = [_cell(cell) for cell in row["cells"]] + [""] * row["pad"]
        lines.append([plain(f"{row['problem']}, {row['operator']}"), *cells])
    return table(head, lines)


def _cell(cell: Mapping[str, str]) -> str:
    small = f" ({cell['small']})" if cell["small"] else ""
    return plain(f"{cell['size']}: {cell['text']}{small}")


def _list(
    title: str, lines: Sequence[Mapping[str, Any]], columns: Mapping[str, str], facts: Facts
) -> Iterator[str]:
    """A heading and a table; nothing of an empty list."""
    if not lines:
        return
    if title:
        yield f"### {title}"
    names = {"{first}": facts.pair.first.name, "{second}": facts.pair.second.name}
    head = [plain(_named(column, names)) for column in columns]
    yield table(head, [[plain(str(line[key])) for key in columns.values()] for line in lines])


def _named(column: str, names: Mapping[str, str]) -> str:
    for mark, name in names.items():
        column = column.replace(mark, name)
    return column
