"""The page as a whole: named sections put together, scripts inlined, raw lines written beside it."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import importlib.resources
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from adbench.analysis import Verdict
from adbench.analysis.compare import TIE_MARGIN
from adbench.analysis.wording import percent
from adbench.report import answer, charts, tables, winmap
from adbench.report.facts import RAW_NAME, Facts, Run, gather

__all__ = ["SECTIONS", "render", "write"]

# Goes when the measurement protocol is complete; until then every page says so.
PROVISIONAL = True


def write(runs: Sequence[Run], out: Path) -> Verdict:
    """Write the page of `runs` to `out` and their raw lines to ``results.jsonl.gz`` beside it.

    Returns
    -------
    Verdict
        What the page says; its `sentence` is the answer.

    Raises
    ------
    ReportError
        When the runs make no one report (see `facts.gather`).
    """
    facts = gather(runs)
    page = _page(facts)
    out.parent.mkdir(parents=True, exist_ok=True)
    _replace(out.with_name(RAW_NAME), facts.raw)
    _replace(out, page.encode())
    return facts.verdict


def render(runs: Sequence[Run]) -> str:
    """The page's HTML; the same runs give the same text."""
    return _page(gather(runs))


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
        sentence=facts.verdict.sentence,
        provenance=answer.provenance(facts),
        cards=answer.cards(facts),
    )


def _win_map(facts: Facts) -> Markup | None:
    board = winmap.win_map(facts)
    if board is None:
        return None
    lines = winmap.comparisons(facts)
    return _fill(
        "winmap.html", board=board, lines=lines, facts=facts, percent=percent, tie_margin=TIE_MARGIN
    )


def _scaling(facts: Facts) -> Markup | None:
    spec = charts.scaling_chart(facts)
    return None if spec is None else _fill("scaling.html", spec=_json(spec), facts=facts)


def _starts(facts: Facts) -> Markup | None:
    lines = tables.start_list(facts)
    if not lines:
        return None
    spec = charts.break_even_chart(facts)
    drawn = None if spec is None else _json(spec)
    return _fill("starts.html", lines=lines, spec=drawn, facts=facts)


def _methods(facts: Facts) -> Markup | None:
    heat = tables.heat_map(facts)
    if heat is None:
        return None
    return _fill("methods.html", heat=heat, lines=tables.method_list(facts), facts=facts)


def _failures(facts: Facts) -> Markup | None:
    lines, absent = tables.failure_list(facts), tables.absence_list(facts)
    return _fill("failures.html", lines=lines, absent=absent) if lines or absent else None


def _method_text(facts: Facts) -> Markup | None:
    frame = facts.frame
    steady = frame[frame["steady_s"].notna()]
    several = steady[~steady["twin"]].groupby(["row", "method"])["repeat"].nunique()
    return _fill(
        "method.html",
        facts=facts,
        provisional=PROVISIONAL,
        processes=int(several.max()) if len(several) else 0,
        blocks=(int(steady["blocks"].min()), int(steady["blocks"].max())) if len(steady) else None,
        twins=sorted(set(steady.loc[steady["twin"], "method"])),
        held_out=any(d.held_out for d in facts.duels),
        intervals=any(d.comparison and d.comparison.low is not None for d in facts.duels),
        moderated=any(d.moderated for d in facts.duels),
        compiled=bool((frame["tool"] == "numba").any()),
        strict=tables.strict_cost(facts),
    )


def _data(facts: Facts) -> Markup | None:
    table = gzip.compress(facts.frame.to_csv(index=False).encode(), mtime=0)
    return _fill(
        "data.html",
        href=Markup("data:application/gzip;base64,") + base64.b64encode(table).decode(),
        rows=len(facts.frame),
        raw_name=RAW_NAME,
        raw_sha256=facts.raw_sha256,
        environment=[_json_text(h) for h in facts.headers],
    )


# Name of each section and what draws it, in the order of the page; a section without data is absent.
SECTIONS: Mapping[str, Section] = {
    "answer": _top,
    "win-map": _win_map,
    "scaling": _scaling,
    "start-up": _starts,
    "methods": _methods,
    "failures": _failures,
    "method": _method_text,
    "data": _data,
}


def _page(facts: Facts) -> str:
    drawn = {name: draw(facts) for name, draw in SECTIONS.items()}
    sections = {name: html for name, html in drawn.items() if html is not None}
    charts_drawn = any("data-chart" in html for html in sections.values())
    scripts = [_bundle()] if charts_drawn else []
    scripts.append(_resource("page.js"))
    page = _fill(
        "page.html",
        sections=sections,
        style=Markup(_resource("style.css")),
        scripts=[Markup(s) for s in scripts],
        policy=_policy(scripts),
    )
    return str(page)  # plain text: nobody's later concatenation is to be escaped


def _policy(scripts: Sequence[str]) -> str:
    """Content security policy: these very scripts and nothing else, and nothing from anywhere."""
    hashes = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{h}'" for h in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"


@functools.cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; takes over a second to make."""
    import vl_convert

    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("adbench.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


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
