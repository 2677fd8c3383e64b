"""The table of conformance: methods by operators, and what a method says but does not keep."""

from __future__ import annotations

import platform
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from survey_tables import failures, table

from adbench import registry
from adbench.model import Case, Operator

__all__ = ["conformance", "unkept"]

Line = Mapping[str, Any]
KINDS = ("ok", "gap", "failed", "limit", "not installed")
LIMITS = ("timed out", "out of memory")

INTRO = """\
Every method on every problem at its first size, operator by operator: computed once in a worker process,
prepared at another point than it is called at, and judged against the certified truth by what the method
promises (`adbench list methods --json`). This page is generated: `nox -s conformance`, or see
`benchmarks/problems/survey.py`.

In the tables a cell counts problems: those that are **ok**, then, marked `g`, the **gaps** (the method says
that it cannot: no form that it reads, a declared gap, or a `NotImplementedError` with its sentence), then in
bold what **failed** (wrong, NaN, an error or a crash), and, marked `t`, what met a **limit** of time or
memory. An operator that a method does not offer is left empty. Declared gaps are tried all the same: one that
works is an error, and listed below."""
FAILED = "Sentences of the judge and of the tools; the same sentence once a method."
STALE = (
    "Cases that a word of `Method.gaps` rules out, and that came out right when they were tried."
)
SENTENCES = "What methods say of their gaps, beside forms that they do not read."


def kind(line: Line) -> str:
    """What a line counts as: one of `KINDS`, or "" where the method does not offer the operator."""
    case = Case.parse(line["id"])
    operator, outcome = Operator(case.operator), line["outcome"]
    known = registry.methods().get(case.method)
    if known is not None and operator not in known.operators:
        return ""
    if line["gap"] and not worked(line):
        return "gap"  # that it also ends in an error proves it
    kinds = {"ok": "ok", "unsupported": "gap", "unavailable": "not installed"}
    return kinds.get(outcome, "limit" if outcome in LIMITS else "failed")


def worked(line: Line) -> bool:
    """Whether a declared gap was tried and came out right."""
    return bool(line["gap"]) and line["outcome"] == "ok"


def unkept(lines: Iterable[Line]) -> list[Line]:
    """Lines in which a method does not keep what it says: neither right nor a declared gap."""
    return [x for x in lines if kind(x) == "failed" or worked(x)]


def conformance(lines: Mapping[str, Line]) -> str:
    """The page, as Markdown."""
    known = [x for x in lines.values() if Case.parse(x["id"]).method in registry.methods()]
    tools: dict[str, list[Line]] = defaultdict(list)
    for line in known:
        tools[registry.method(Case.parse(line["id"]).method).tool].append(line)
    dates = sorted({x["date"] for x in known}) or ["-"]
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    where = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    broken, gaps = [x for x in known if kind(x) == "failed"], [x for x in known if worked(x)]
    limits = [x for x in known if kind(x) == "limit"]
    parts = [
        f"# Conformance\n\n{INTRO}\n\n{len(known)} cases, {when}, {where}.\n",
        f"## By tool\n\n{table(_tools(tools))}\n",
        *(f"## {tool}\n\n{_told(found)}\n" for tool, found in sorted(tools.items())),
        f"## What failed\n\n{FAILED}\n\n{table(failures(broken))}\n",
        f"## Declared gaps that work\n\n{STALE}\n\n{table(_stale(gaps))}\n",
        f"## Limits\n\n{table(failures(limits))}\n",
        f"## Gaps\n\n{SENTENCES}\n\n{table(_sentences(known))}\n",
    ]
    return "\n".join(parts)


def _versions(lines: list[Line]) -> str:
    found = {f"{k} {v}" for x in lines for k, v in x["versions"].items() if k != "adbench"}
    return ", ".join(sorted(found))


def _tools(tools: Mapping[str, list[Line]]) -> list[list[str]]:
    rows = [["tool", "versions", "methods", *KINDS, "not reached"]]
    for tool, lines in sorted(tools.items()):
        counts = Counter(map(kind, lines))
        names = {Case.parse(x["id"]).method for x in lines}
        lacking = sum(_lacking(lines, name) for name in names)
        rows.append([
            f"[{tool}](#{tool})", _versions(lines), str(len(names)),
            *(str(counts[k] or "") for k in KINDS), str(lacking or ""),
        ])  # fmt: skip
    return rows


def _lacking(lines: list[Line], name: str) -> int:
    """How many of the first sizes' cases have no line: time ran out before."""
    have = sum(Case.parse(x["id"]).method == name and kind(x) != "" for x in lines)
    return max(0, _offered(name) - have)


def _offered(name: str) -> int:
    method = registry.method(name)
    return sum(o in method.operators for o in _asked())


@lru_cache(maxsize=1)
def _asked() -> tuple[Operator, ...]:
    """The operators of all problems at their first sizes."""
    smallest = [(p, len(p.at(p.sizes[0]).x)) for p in registry.problems().values()]
    return tuple(o for p, n in smallest for o in p.operators if p.offers(o, n))


def _told(lines: list[Line]) -> str:
    """The table of one tool, methods by operators; of one that is not installed, why."""
    if all(kind(x) in ("", "not installed", "gap") for x in lines):
        missing = sorted({x["message"] for x in lines if kind(x) == "not installed"})
        if missing:
            return f"Not tried: {'; '.join(missing)}."
    cells: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for line in lines:
        case = Case.parse(line["id"])
        cells[case.method][case.operator][kind(line)] += 1
    asked = {o for row in cells.values() for o, c in row.items() if set(c) != {""}}
    operators = [o.value for o in Operator if o.value in asked]
    rows = [[f"`{m}`", *(_cell(row[o]) for o in operators)] for m, row in sorted(cells.items())]
    return table([["method", *operators], *rows])


def _cell(counts: Counter[str]) -> str:
    shown = {"ok": "{}", "gap": "{} g", "failed": "**{}**", "limit": "{} t"}
    return " ".join(text.format(counts[k]) for k, text in shown.items() if counts[k])


def _stale(lines: list[Line]) -> list[list[str]]:
    return [["case", "what the method says"], *([f"`{x['id']}`", x["gap"]] for x in lines)]


def _sentences(lines: list[Line]) -> list[list[str]]:
    """Every sentence, with its methods and how many cases it is about."""
    said: dict[str, list[Case]] = defaultdict(list)
    for line in lines:
        if kind(line) == "gap" and (line["gap"] or line["form"]):
            case = Case.parse(line["id"])
            said[(line["gap"] or line["message"]).replace(case.method, "it")].append(case)
    rows = [["cases", "methods", "problems", "sentence"]]
    for sentence, cases in sorted(said.items(), key=lambda s: (-len(s[1]), s[0])):
        methods = ", ".join(f"`{m}`" for m in sorted({c.method for c in cases}))
        problems = ", ".join(sorted({c.problem for c in cases}))
        rows.append([str(len(cases)), methods, problems, sentence])
    return rows
