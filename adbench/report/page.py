"""The page as a whole: named sections put together, scripts inlined, raw lines written beside it."""

from __future__ import annotations

import base64
import functools
import gzip
import importlib.resources
import json
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from adbench.analysis import Verdict
from adbench.analysis.compare import LEVEL, TIE_MARGIN
from adbench.analysis.wording import coverage, percent
from adbench.report import (
    answer,
    beside,
    circumstances,
    counsel,
    curves,
    frontier,
    prices,
    still,
    tables,
    threads,
    winmap,
)
from adbench.report.earlier import since_table
from adbench.report.facts import RAW_NAME, Book, Facts, ReportError, Run, gather
from adbench.report.phases import phase_table
from adbench.report.protocol import protocol
from adbench.report.provenance import provenance
from adbench.report.scripts import bundle, policy
from adbench.report.steps import landing_list, steps_chart

__all__ = ["MOST_ROWS", "SECTIONS", "render", "write"]

# What a link may lead to: nothing that a browser would run, whatever stands before a colon.
LINK = re.compile(r"https?://\S+|[^\s:]+")
# A list with more rows than this is packed; scripts unfold it when it is opened.
MOST_ROWS = 500


def write(
    runs: Sequence[Run],
    out: Path,
    versus: str = "",
    texts: Mapping[str, str] | None = None,
    since: pd.DataFrame | None = None,
    *,
    steps: pd.DataFrame | None = None,
    stresses: Mapping[str, Collection[str]] | None = None,
    history: str = "",
) -> Mapping[str, Verdict]:
    """Write the page of `runs` to `out` and their raw lines to ``results.jsonl.gz`` beside it.

    Parameters
    ----------
    runs : sequence of Run
    out : Path
    versus : str
        Names another pair than JAX and Numba (`analysis.parse`).
    texts : mapping of str to str, optional
        Function texts by their hash, to be shown as evidence where a run measured just these.
    since : DataFrame, optional
        From `analysis.since`: times in units of an earlier commit's, a section of its own.
    steps : DataFrame, optional
        From `analysis.read_steps`: the error of differences against their step, a section of its own.
    stresses : mapping of str to collection of str, optional
        By problem the words of what it stresses, such as ``branches``: by these the advice is grouped too.
    history : str
        Where the curves over commits stand, for a link: an address of http or https, or a path.

    Returns
    -------
    mapping of str to Verdict
        What each part of the page says, by the name of its result set; its `sentence` is the answer.

    Raises
    ------
    ReportError
        When the runs make no one report (see `facts.gather`), or `history` is another kind of address.
    """
    if history and not LINK.fullmatch(history):
        raise ReportError(
            f"history '{history}' is no address that a page may link to: give http://..., https://... or a path"
        )
    book = gather(runs, versus, stresses)
    page = _page(book, texts or {}, since, steps, history)
    out.parent.mkdir(parents=True, exist_ok=True)
    _replace(out.with_name(RAW_NAME), book.raw)
    _replace(out, page.encode())
    return {part.label: part.verdict for part in book.parts}


def render(runs: Sequence[Run], versus: str = "", texts: Mapping[str, str] | None = None) -> str:
    """The page's HTML; the same runs give the same text."""
    return _page(gather(runs, versus), texts or {})


def _replace(path: Path, content: bytes) -> None:
    """Write in one step, so that a reader or an interruption never meets half a file."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


Section = Callable[[Facts], Markup | None]


def _top(facts: Facts) -> Markup | None:
    return _fill(
        "top.html",
        facts=facts,
        warning=circumstances.warning(facts),
        provenance=provenance(facts),
        cards=answer.cards(facts),
    )


def _win_map(facts: Facts) -> Markup | None:
    views = winmap.views(facts)
    if not views:
        return None
    lines = winmap.comparisons(facts)
    return _fill(
        "winmap.html", views=views, lines=lines, facts=facts, percent=percent, tie_margin=TIE_MARGIN
    )


def _counsel(facts: Facts) -> Markup | None:
    found = {
        "variables": counsel.by_variables(facts),
        "sizes": counsel.by_sizes(facts),
        "stresses": counsel.by_stresses(facts),
        "calls": counsel.by_calls(facts),
        "digits": counsel.by_digits(facts),
    }
    return _fill("counsel.html", facts=facts, **found) if any(found.values()) else None


def _scaling(facts: Facts) -> Markup | None:
    spec = curves.scaling_chart(facts)
    if spec is None:
        return None
    turns = tables.crossover_list(facts)
    return _fill("scaling.html", drawn=_drawn(spec), turns=turns, facts=facts)


def _starts(facts: Facts) -> Markup | None:
    lines = tables.start_list(facts)
    if not lines:
        return None
    spec = curves.break_even_chart(facts)
    return _fill("starts.html", lines=lines, drawn=_drawn(spec), facts=facts)


def _frontier(facts: Facts) -> Markup | None:
    spec = frontier.frontier_chart(facts)
    return None if spec is None else _fill("frontier.html", drawn=_drawn(spec), facts=facts)


def _cost(facts: Facts) -> Markup | None:
    spec = curves.cost_chart(facts)
    if spec is None:
        return None
    return _fill("cost.html", drawn=_drawn(spec), level=coverage(LEVEL), facts=facts)


def _memory(facts: Facts) -> Markup | None:
    spec = curves.memory_chart(facts)
    return None if spec is None else _fill("memory.html", drawn=_drawn(spec), facts=facts)


def _prices(facts: Facts) -> Markup | None:
    found = {
        "together": prices.together(facts),
        "trips": prices.round_trips(facts),
        "batches": prices.batches(facts),
    }
    return _fill("prices.html", facts=facts, **found) if any(found.values()) else None


def _drawn(spec: dict[str, Any] | None) -> dict[str, Markup] | None:
    """A chart as the page holds it: its specification, and a still picture for readers without scripts."""
    if spec is None:
        return None
    return {"spec": Markup(_packed(_rounded(spec))), "still": Markup(still.fallback(spec))}


def _rounded(value: Any) -> Any:
    """Numbers with six digits, which is more than a picture shows and takes half the place."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return value


def _packed(value: Any) -> str:
    """JSON, gzipped, in base64: what scripts alone read need not be read by people."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return _zipped(text)


def _zipped(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _folded(rows: Markup) -> Markup:
    """The body of a long list as it is, or, of a very long one, packed until a script unfolds it.

    Nine tenths of a large page would be such lists, which stand closed at its end.
    """
    if rows.count("<tr") <= MOST_ROWS:
        return Markup("<tbody>\n{}</tbody>").format(rows)
    # the attribute holds letters, digits, + and / alone
    return Markup('<tbody data-rows="{}"></tbody>').format(_zipped(str(rows)))


def _short(value: Any) -> str:
    """A number to sort by, six digits; anything else as it is."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _methods(facts: Facts) -> Markup | None:
    heat = tables.heat_map(facts)
    if heat is None:
        return None
    lines, phases = tables.method_list(facts), phase_table(facts)
    used = threads.table(facts)
    return _fill("methods.html", heat=heat, lines=lines, phases=phases, used=used, facts=facts)


def _failures(facts: Facts) -> Markup | None:
    lines, absent = tables.failure_list(facts), tables.absence_list(facts)
    if not (lines or absent):
        return None
    return _fill("failures.html", lines=lines, absent=absent, facts=facts)


def _method_text(facts: Facts) -> Markup | None:
    return _fill("method.html", facts=facts, **protocol(facts))


# Name of each section of a result set and what draws it, in the order of the page; a section without
# data is absent.
SECTIONS: Mapping[str, Section] = {
    "answer": _top,
    "win-map": _win_map,
    "advice": _counsel,
    "scaling": _scaling,
    "start-up": _starts,
    "frontier": _frontier,
    "cost": _cost,
    "memory": _memory,
    "prices": _prices,
    "methods": _methods,
    "failures": _failures,
    "method": _method_text,
}


def _data(book: Book, texts: Mapping[str, str], history: str) -> Markup:
    table = gzip.compress(book.frame.to_csv(index=False).encode(), mtime=0)
    return _fill(
        "data.html",
        href=Markup("data:application/gzip;base64,") + base64.b64encode(table).decode(),
        evidence=_evidence(book, texts),
        rows=len(book.frame),
        history=history,
        raw_name=RAW_NAME,
        raw_sha256=book.raw_sha256,
        environment=[_json_text(h) for h in book.headers],
    )


def _evidence(book: Book, texts: Mapping[str, str]) -> Markup:
    """What the evidence of a case holds beside its lines of the table: function texts, versions, commits."""
    kept = {h: texts[h] for h in sorted(set(book.frame["form_hash"])) if h in texts}
    keys = ("versions", "commit", "dirty", "started")
    return _json({
        "texts": _packed(kept),
        "runs": [{key: header.get(key) for key in keys} for header in book.headers],
    })  # fmt: skip


def _steps(frame: pd.DataFrame) -> Markup:
    drawn = _drawn(steps_chart(frame))
    return _fill("steps.html", drawn=drawn, lines=landing_list(frame))


def _page(
    book: Book,
    texts: Mapping[str, str],
    since: pd.DataFrame | None = None,
    steps: pd.DataFrame | None = None,
    history: str = "",
) -> str:
    drawn = [{name: draw(part) for name, draw in SECTIONS.items()} for part in book.parts]
    parts = [
        {name: html for name, html in sections.items() if html is not None} for sections in drawn
    ]
    stepped = "" if steps is None else _steps(steps)
    drawn_at = (stepped, *(html for part in parts for html in part.values()))
    charts_drawn = any("data-chart" in html for html in drawn_at)
    scripts = [bundle()] if charts_drawn else []
    scripts.append(_resource("page.js"))
    page = _fill(
        "page.html",
        beside=_beside(book) if len(book.parts) > 1 else "",
        dated=bool(book.neighbours),
        title=f"{book.pair.title}: which should I use, for my function, on my machine?",
        parts=list(zip(book.parts, parts, strict=True)),
        since="" if since is None else _fill("since.html", since=since_table(since)),
        steps=stepped,
        data=_data(book, texts, history),
        style=Markup(_resource("style.css")),
        scripts=[Markup(s) for s in scripts],
        policy=policy(scripts),
    )
    return str(page)  # plain text: nobody's later concatenation is to be escaped


def _beside(book: Book) -> Markup:
    names = book.pair.names
    lines, changed = beside.answers(book), beside.changes_list(book)
    return _fill("beside.html", answers=lines, changed=changed, **names)


@functools.cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("adbench.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["short"] = _short
    made.filters["folded"] = _folded
    return made


def _fill(template: str, **names: Any) -> Markup:
    return Markup(_environment().get_template(template).render(**names))


def _resource(name: str) -> str:
    folder = importlib.resources.files("adbench.report") / "templates"
    return (folder / name).read_text(encoding="utf-8")


def _json(value: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _json_text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
